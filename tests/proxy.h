/* A proxy between a client and its server that does on command what networks do: it cuts,
 * resets, stalls, delays, breaks into pieces, refuses. A process of its own, so that a test
 * can wait in a call meanwhile; tests/proxy_main.c is the same as a program.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_PROXY_H
#define WEIR_TESTS_PROXY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Commands, each one line, answered by one line: "ok", "ok WORDS", or "no WORDS".
 *
 *   cut [client|server] [WHEN]    closes connections: both ends, or the one named alone
 *   reset [client|server] [WHEN]  the same by RST (over TCP)
 *   stall up|down|both [WHEN]     passes nothing on. up: to the server, down: to the client
 *   turns [WHEN]                  passes nothing up while the client leaves something of
 *                                 what goes down: like a server that writes all answers
 *                                 before it reads on
 *   go                            passes on again, and forgets what was to happen WHEN
 *   pieces up|down|both whole     passes on what there is at once (at first)
 *   pieces up|down|both N [every MS]         in writes of N bytes, one each MS
 *   pieces up|down|both random N [every MS]  in writes of 1 to N bytes
 *   delay up|down|both MS         passes on what has come only MS later
 *   refuse / accept               new connections
 *   backend PLACE                 where new connections go: a path, or a loopback port
 *   counts                        ok connections N open N refused N broken N up N down N
 *
 * Without WHEN: all connections, now. WHEN is one of
 *   after N up|down|replies         once so much has passed from now on, on all connections
 *                                   together: the one that it passed on, once. `after 0
 *                                   down`: as the first byte of an answer comes, which is
 *                                   not passed
 *   each after N up|down|replies    for each connection by itself, also those yet to come
 *   each within N up|down|replies   likewise, after 1 to N by chance
 * Replies are whole values of RESP from the server, pushes among them.
 *
 * Chance comes from the seed alone. It holds at most PROXY_MOST connections, refusing more,
 * and 16 KiB of each direction.
 */
#define PROXY_MOST 256

struct proxy {
    pid_t pid; /* 0: not running */
    int control;
    uint16_t port; /* at 127.0.0.1 */
    char folder[32];
    char path[48]; /* of its Unix socket */
    char url[64];  /* unix://... */
    char tcp_url[48];
};

struct proxy_counts {
    uint64_t connections; /* since it began */
    uint64_t open;        /* now */
    uint64_t refused;     /* those that it took and closed: no backend, or too many */
    uint64_t broken;      /* by cut or reset */
    uint64_t up;          /* bytes passed to the server */
    uint64_t down;
};

/* Starts one before that place (as for `backend`), which need not be there yet. It dies
 * with this process. False: it failed, and says why. */
bool proxy_start(struct proxy *proxy, const char *backend, uint64_t seed);

/* Gives a command and waits for the answer, which must be "ok". Fails the test otherwise.
 */
void proxy_say(const struct proxy *proxy, const char *command);

struct proxy_counts proxy_counts(const struct proxy *proxy);

/* Ends it, with all its connections. Twice is fine. */
void proxy_stop(struct proxy *proxy);

#endif
