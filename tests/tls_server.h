/* Servers that speak TLS, and the certificates for them: a redis-server, whose certificate
 * can be changed while it runs, and openssl s_server for what redis-server does not do.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_TLS_SERVER_H
#define WEIR_TESTS_TLS_SERVER_H

#include "live.h"

#include <stdio.h>

struct tls_server {
    struct server server; /* its plain ends */
    uint16_t port;        /* of TLS, at 127.0.0.1 */
    char url[64];         /* rediss://localhost:PORT */
    char ip_url[64];      /* rediss://127.0.0.1:PORT */
};

/* True if all is here: openssl, and a server that speaks TLS. Else says what is missing. */
bool tls_server_is_here(void);

/* Makes the certificates (tests/make_certs.sh) and starts the server with those of "right";
 * false: something failed, and was printed. */
bool tls_server_start(struct tls_server *tls);

/* Stops it and removes the certificates. */
void tls_server_stop(struct tls_server *tls);

/* The path of a file among the certificates, good for ever. At most 16 at a time. */
const char *tls_file(const char *name);

/* All of such a file, to be freed. */
weir_view tls_text(const char *name);

/* From now on the server shows the certificate of that name. */
void tls_server_show(const struct tls_server *tls, const char *name);

/* Sets one more of its parameters. */
void tls_server_set(const struct tls_server *tls, const char *name, const char *value);

/* ---- openssl s_server: says what is written to it, and prints what it is sent ---- */

struct s_server {
    pid_t pid;
    uint16_t port;
    int input; /* of it: text for the peer; its commands are a letter alone on a line */
    char url[48];
};

/* Starts one that shows "right", with more arguments (NULL-ended); fails the test if it
 * does not listen. */
struct s_server s_server_start(const char *const *extra_args);
void s_server_say(const struct s_server *server, const char *text);
void s_server_stop(struct s_server *server);

#endif
