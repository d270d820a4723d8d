/* Raw sockets, with no idea of what goes over them: what the floor is made of.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A peer that is silent for so long has failed. */
#define WIRE_TIMEOUT_SECONDS 120

/* Where the server listens. */
struct endpoint {
    const char *socket_path;
    int port; /* on 127.0.0.1; 0: the Unix socket */
};

/* The connected descriptor; -1: failed, see errno. */
int wire_try_connect(const struct endpoint *endpoint);

/* The same, and says why if it failed. */
int wire_connect(const struct endpoint *endpoint);

/* The rest are false if they failed, and have said why. */

bool wire_send(int fd, const void *bytes, size_t len);

/* Receives at least one byte. */
bool wire_receive(int fd, void *bytes, size_t size, size_t *len);

/* Receives until *due line ends have come, and counts *due down. It is below 0 afterwards
 * if more came at once. */
bool wire_skip_lines(int fd, int64_t *due);

/* Receives exactly as many bytes. */
bool wire_skip_bytes(int fd, uint64_t bytes);

/* How many newlines there are. */
size_t count_newlines(const char *bytes, size_t len);

#endif
