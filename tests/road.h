/* The way from the tests to their servers, so that one suite can be run on several. Which:
 * WEIR_TEST_ROAD; tests/roads.sh runs the live tests on each. None: straight.
 *   pieces ...   through a proxy (tests/proxy.h), which is given that command
 *   tls          over TLS: a certificate of WEIR_TEST_CERTS (a folder of make_certs.sh),
 *                which SSL_CERT_FILE makes known to the client
 *   alarm        straight, and SIGALRM comes a thousand times a second
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_ROAD_H
#define WEIR_TESTS_ROAD_H

#include "server.h"

#define ROAD_ARGS 11

/* What the server needs to be told, NULL-ended, in `args`, whose words are good until the
 * next call. On a road over TLS it has a server->tls_port. */
void road_args(const struct server *server, const char *args[ROAD_ARGS]);

/* Whether a server needs a second port, for TLS. */
bool road_has_tls(void);

/* Leads the URLs of a server that has begun onto the road. False: it failed, and says why.
 * ROADS_MOST servers at a time have one. */
#define ROADS_MOST 4
bool road_open(struct server *server);

/* Before each test: the one before it may have used what the road needs (SIGALRM). */
void road_go_on(void);

/* Ends it, if it has one. */
void road_close(const struct server *server);

#endif
