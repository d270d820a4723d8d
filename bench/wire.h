/* Raw sockets, with no idea of what goes over them: what the floor is made of.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secure.h"

/* A peer that is silent for so long has failed. */
#define WIRE_TIMEOUT_SECONDS 120

/* Where the server listens. */
struct endpoint {
    const char *socket_path;
    int port;            /* on 127.0.0.1; 0: the Unix socket */
    const char *ca_file; /* of TLS; NULL: without */
};

struct wire {
    int fd;
    struct secure *secure; /* NULL: without TLS */
};

/* The connected descriptor, whatever is spoken over it; -1: failed, see errno. */
int wire_try_connect(const struct endpoint *endpoint);

/* False: failed, and said why; there is nothing to close. */
bool wire_connect(const struct endpoint *endpoint, struct wire *wire);

void wire_close(struct wire *wire);

/* The rest are false if they failed, and have said why. */

bool wire_send(const struct wire *wire, const void *bytes, size_t len);

/* Receives at least one byte. */
bool wire_receive(const struct wire *wire, void *bytes, size_t size, size_t *len);

/* Receives until *due line ends have come, and counts *due down. It is below 0 afterwards
 * if more came at once. */
bool wire_skip_lines(const struct wire *wire, int64_t *due);

/* Receives exactly as many bytes. */
bool wire_skip_bytes(const struct wire *wire, uint64_t bytes);

/* How many newlines there are. */
size_t count_newlines(const char *bytes, size_t len);

#endif
