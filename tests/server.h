/* A server of the test's own: in a folder of its own, on a Unix socket and, where asked, a
 * loopback port; nothing is kept. Which program it is: WEIR_TEST_SERVER, else redis-server.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_SERVER_H
#define WEIR_TESTS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_MISSING 77 /* exit status of a test program: skipped (CMakeLists.txt) */

struct server {
    pid_t pid;     /* 0: not running */
    uint16_t port; /* 0: none */
    uint16_t tls_port;
    char folder[32];
    char path[48]; /* of the socket */
    char url[64];  /* unix://..., or as the road is (road.h) */
    char tcp_url[48];
};

/* True if there is a program to start. Else says so. A missing WEIR_TEST_SERVER is no
 * reason to skip: that fails when it is started. */
bool server_is_here(void);

/*
 * Starts the server with the arguments behind its usual ones (NULL: none; else NULL-ended)
 * and waits until it answers. It dies with this process, however that ends.
 * False: it did not come up, and its log has been printed; nothing is left.
 */
bool server_start(struct server *server, bool has_port, const char *const *extra_args);

/* What the server is called in errors by those who opened that URL of it. */
const char *server_name(const char *url);

/* Starts it anew in its folder, with what it had saved there. As server_start. */
bool server_restart(struct server *server, const char *const *extra_args);

/* SIGKILL at once, as in a crash. The folder stays until server_stop. */
void server_kill(struct server *server);

/* Stops it (SIGTERM, then SIGKILL) and removes its folder. Twice is fine. */
void server_stop(struct server *server);

#endif
