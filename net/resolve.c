/* From a weir_address to what connect() takes; the one place that asks the resolver.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "resolve.h"

#include "line.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
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

static weir_status report(const weir_address *address, int answer, int os_error,
                          weir_error *error) {
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_CONNECT, os_error);
    weir_line_add(&text, "cannot resolve \"");
    weir_line_add(&text, address->host);
    weir_line_add(&text, "\": ");
    if (os_error != 0) {
        weir_line_add_os_error(&text, os_error);
    } else {
        weir_line_add(&text, gai_strerror(answer));
    }
    return WEIR_ERR_CONNECT;
}

weir_status weir_resolve_name(const weir_address *address, struct addrinfo **list,
                              weir_error *error) {
    struct addrinfo wish = {.ai_family = AF_UNSPEC,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    char port[sizeof "65535"];
    (void)snprintf(port, sizeof port, "%u", (unsigned)address->port);
    int answer = getaddrinfo(address->host, port, &wish, list);
    if (answer != 0) {
        return report(address, answer, answer == EAI_SYSTEM ? errno : 0, error);
    }
    return WEIR_OK;
}
