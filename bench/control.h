/* Small questions to the server, apart from what is measured: one line out, one answer in.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_CONTROL_H
#define BENCH_CONTROL_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_ANSWER 8192 /* enough for each INFO section asked for */

/* Waits up to ten seconds until the server answers, and gives a connection to it; -1:
 * failed, and said why. */
int control_open(const struct endpoint *endpoint);

/* Sends one inline command and receives its answer: a line's words, or a text. False if
 * that failed or is an error, and said so.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands
 */
bool control_ask(int fd, const char *line, char answer[CONTROL_ANSWER]);

/* The same where the answer is a count, which must be `expected`. */
bool control_expect(int fd, const char *line, uint64_t expected);

/* Finds "name:value" in the answer of INFO and copies the value; empty if it is not there.
 */
void control_field(const char *info, const char *name, char *value, size_t size);

/* Seconds of CPU that the server has used; below 0: failed, and said why. */
double control_cpu(int fd);

#endif
