/* Connects weir to the private server.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "connect.h"

#include "say.h"

#include <stdio.h>

bool connect_failed(const weir_client *client, const char *what) {
    const weir_error *error = weir_client_error(client);
    return say_failed("weir: %s: %s: %s", what, weir_status_text(error->status),
                      error->text);
}

void connect_url(const struct endpoint *endpoint, char url[CONNECT_URL]) {
    if (endpoint->port == 0) {
        snprintf(url, CONNECT_URL, "unix://%s", endpoint->socket_path);
    } else {
        snprintf(url, CONNECT_URL, "redis%s://127.0.0.1:%d",
                 endpoint->ca_file != NULL ? "s" : "", endpoint->port);
    }
}

weir_options connect_options(const struct endpoint *endpoint, weir_mem mem, weir_tls *tls) {
    *tls = (weir_tls){.ca_file = endpoint->ca_file};
    /* one reply of ten million entries is seconds of work for the server */
    weir_options options = {.timeout_ms = WIRE_TIMEOUT_SECONDS * 1000, .mem = mem};
    options.tls = endpoint->ca_file != NULL ? tls : NULL;
    return options;
}

weir_client *connect_weir(const struct endpoint *endpoint, weir_mem mem) {
    char url[CONNECT_URL];
    connect_url(endpoint, url);
    weir_tls tls;
    weir_options options = connect_options(endpoint, mem, &tls);
    weir_client *client = NULL;
    if (weir_open(url, &options, &client) != WEIR_OK) {
        connect_failed(client, url);
        weir_close(client);
        return NULL;
    }
    return client;
}
