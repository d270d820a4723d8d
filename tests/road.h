/* The way from the tests to their server, so that one suite can be run on several. Which:
 * WEIR_TEST_ROAD; tests/roads.sh runs the live tests on each. None: straight.
 *   pieces both 1   through the proxy (tests/proxy.h), as that command says
 *   tls             over TLS: a certificate of WEIR_TEST_CERTS (a folder of make_certs.sh),
 *                   which SSL_CERT_FILE makes known to the client
 *   alarm           straight, and SIGALRM comes a thousand times a second, without
 * SA_RESTART SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_ROAD_H
#define WEIR_TESTS_ROAD_H

#include "server.h"

#define ROAD_ARGS 11

/* What the server needs to be told, NULL-ended, in `args`, whose words are good until the
 * next call. `free_port` is the port that TLS may use. */
void road_args(const char *args[ROAD_ARGS], uint16_t free_port);

/* Leads the URLs of a server that has begun onto the road. False: it failed, and says why.
 * One server at a time has one. */
bool road_open(struct server *server);

/* Ends it, if it is this server's. */
void road_close(const struct server *server);

#endif
