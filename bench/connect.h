/* Connects weir to the private server.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_CONNECT_H
#define BENCH_CONNECT_H

#include "wire.h"

#include <weir/weir.h>

#define CONNECT_URL 160

/* Over the Unix socket, or TCP if endpoint->port is not 0. mem zeroed: the C library's.
 * NULL: failed, and said why. */
weir_client *connect_weir(const struct endpoint *endpoint, weir_mem mem);

/* The same server, for who connects by itself. */
void connect_url(const struct endpoint *endpoint, char url[CONNECT_URL]);

/* What goes with that URL; borrows *tls. */
weir_options connect_options(const struct endpoint *endpoint, weir_mem mem, weir_tls *tls);

/* Says what failed, with the client's own words. Always false. */
bool connect_failed(const weir_client *client, const char *what);

#endif
