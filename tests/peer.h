/* A peer of the test's own that listens on a loopback port and says what the test wrote
 * down: a process, so that it can wait while the test waits too.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_PEER_H
#define WEIR_TESTS_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
    pid_t pid;
    uint16_t port;
    char name[24]; /* "127.0.0.1:PORT", as error texts say */
    char url[48];
};

/* Serves one connection; returning closes it. Runs in the peer's process. */
typedef void peer_script(int fd);

/* Starts a peer that serves one connection after another; fails the test if it cannot. */
struct peer peer_start(peer_script *script);

/* Ends its process. */
void peer_stop(struct peer *peer);

/* A loopback port where nobody listens, as long as *fd is not closed. */
uint16_t peer_deaf_port(int *fd);

/* ---- for scripts ---- */

/* Reads `count` whole commands. The process ends if the connection does. */
void peer_read(int fd, size_t count);

/* Sends a text / bytes. */
void peer_say(int fd, const char *text);
void peer_say_bytes(int fd, const void *bytes, size_t len);

/* The handshake, as a server that knows HELLO does it, on RESP3. */
void peer_greet(int fd);

/* Waits, saying nothing, until the other end closes. */
void peer_be_silent(int fd);

#endif
