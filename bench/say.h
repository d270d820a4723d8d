/* What weir-bench says on stderr: how far it is, and why it failed.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SAY_H
#define BENCH_SAY_H

#include <stdbool.h>
#include <stdint.h>

/* Says why something failed, in one line. Always false, so that the caller can return it.
 */
bool say_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Shows how far `what` is, at most some ten times a second, and only on a terminal. */
void say_progress(const char *what, uint64_t done, uint64_t total);

/* Wipes the line of say_progress. */
void say_progress_end(void);

#endif
