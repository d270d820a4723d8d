/* From a weir_address to what connect() takes.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_RESOLVE_H
#define WEIR_NET_RESOLVE_H

#include "net.h"

#include <netdb.h>
#include <sys/socket.h>

struct weir_endpoint {
    struct sockaddr_storage place;
    socklen_t len;
};

/* True, with *endpoint, for a Unix path and a numeric host: no allocation, no waiting.
 * False: the host is a name. */
bool weir_resolve_literal(const weir_address *address, struct weir_endpoint *endpoint);

/* Asks the system's resolver for a name; may block. WEIR_OK gives *list, one or more, to be
 * freed with freeaddrinfo; WEIR_ERR_CONNECT: *error says why. */
weir_status weir_resolve_name(const weir_address *address, struct addrinfo **list,
                              weir_error *error);

#endif
