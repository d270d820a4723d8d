/* From a weir_address to what connect() takes, where it says that itself.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <sys/un.h>

static void set_place(struct weir_endpoint *endpoint, const void *place, size_t len) {
    memcpy(&endpoint->place, place, len);
    endpoint->len = (socklen_t)len;
}

static void resolve_path(const char *path, struct weir_endpoint *endpoint) {
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    static_assert(sizeof place.sun_path >= WEIR_PATH_BYTES,
                  "a weir path must fit a socket");
    memcpy(place.sun_path, path, strlen(path) + 1);
    set_place(endpoint, &place, sizeof place);
}

bool weir_resolve_literal(const weir_address *address, struct weir_endpoint *endpoint) {
    if (address->kind == WEIR_ADDRESS_UNIX) {
        resolve_path(address->path, endpoint);
        return true;
    }
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    if (inet_pton(AF_INET, address->host, &ipv4.sin_addr) == 1) {
        set_place(endpoint, &ipv4, sizeof ipv4);
        return true;
    }
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    if (inet_pton(AF_INET6, address->host, &ipv6.sin6_addr) == 1) {
        set_place(endpoint, &ipv6, sizeof ipv6);
        return true;
    }
    return false;
}
