/* A private server: its own folder, a Unix socket and a loopback port, nothing kept.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/* How it is started, for reports. */
#define SERVER_SETTINGS                                                                    \
    "--save '' --appendonly no, on a Unix socket and 127.0.0.1; else its defaults"

struct server {
    pid_t pid; /* 0: not running */
    int port;
    char folder[64];
    char socket_path[96];
    char log_path[96];
    char ca_file[96]; /* of TLS; empty: without */
};

/* A TCP port of 127.0.0.1 that nobody listens on at this moment; 0: none. */
int server_free_port(void);

/* Makes the folder and starts `program` in it; does not wait until it answers. It dies with
 * the calling process, however that ends. False: failed, said why, nothing is left. */
bool server_start(struct server *server, const char *program);

/* True once the server process has ended by itself. Says so, with the end of its log. */
bool server_has_ended(struct server *server);

/* Stops what runs and removes the folder. */
void server_stop(struct server *server);

#endif
