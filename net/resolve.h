/* From a weir_address to what connect() takes.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_RESOLVE_H
#define WEIR_NET_RESOLVE_H

#include "net.h"

#include <sys/socket.h>

struct weir_endpoint {
    struct sockaddr_storage place;
    socklen_t len;
};

/* True, with *endpoint, for a Unix path and a numeric host: no allocation, no waiting.
 * False: the host is a name, see lookup.h. */
bool weir_resolve_literal(const weir_address *address, struct weir_endpoint *endpoint);

#endif
