/* One line of printable ASCII, put together piece by piece: error texts and names of peers.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_LINE_H
#define WEIR_NET_LINE_H

#include "net.h"

/* Caller-held. What does not fit is left out, from the first byte that does not. */
struct weir_line {
    char *out;   /* borrowed; always ends with a NUL */
    size_t room; /* bytes at out, NUL included */
    size_t len;
};

/* Starts an empty line in the `room` (1 or more) bytes at `out`; borrows them. */
struct weir_line weir_line_start(char *out, size_t room);

/* Adds a text; a byte that is not printable ASCII becomes \xHH. */
void weir_line_add(struct weir_line *line, const char *text);

void weir_line_add_number(struct weir_line *line, uint64_t number);

/* Adds the system's words for an errno. */
void weir_line_add_os_error(struct weir_line *line, int os_error);

/* Resets *error to this status and errno, and starts its text. */
struct weir_line weir_line_of_error(weir_error *error, weir_status status, int os_error);

/* Adds the peer's name, cut where it would push the reason out of an error's text. */
void weir_line_add_peer(struct weir_line *line, const weir_address *address);

#endif
