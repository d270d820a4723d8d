/* Makes the private server speak TLS too.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SECURE_SERVER_H
#define BENCH_SECURE_SERVER_H

#include "server.h"
#include "wire.h"

/* Makes certificates in the server's folder, and tells the server, by `control`, to listen
 * with them. *endpoint is where, and borrows from *server. False: it cannot be, and said
 * why. */
bool secure_server(struct server *server, int control, struct endpoint *endpoint);

#endif
