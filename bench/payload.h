/* What the measured entries hold: the same bytes for every side.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stddef.h>

#define PAYLOAD_MAX_FIELDS 5

extern const char *const payload_names[PAYLOAD_MAX_FIELDS];

/* Makes values of printable bytes for so many entries, one behind the other: entry i,
 * field j is at (i * field_count + j) * value_bytes. Gives them; free() them. */
char *payload_make(size_t entries, size_t field_count, size_t value_bytes);

#endif
