/* How long to wait before the next try: twice as long at most each time, from a floor to a
 * ceiling, and a random part of that ("full jitter"), so that many clients which lost the
 * same server do not come back at once. No clock, no system: the seed is an argument.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_BACKOFF_H
#define WEIR_STREAM_BACKOFF_H

#include <stdint.h>

/* Caller-held, fields private. */
typedef struct weir_backoff {
    int64_t floor_ms;
    int64_t ceiling_ms;
    int64_t most_ms; /* of the next delay */
    uint64_t random; /* the generator's state */
} weir_backoff;

/* 1 <= floor_ms <= ceiling_ms <= INT64_MAX / 4 */
void weir_backoff_init(weir_backoff *backoff, int64_t floor_ms, int64_t ceiling_ms,
                       uint64_t seed);

/* The next delay: from floor_ms to twice that, then to twice as much each time, up to
 * ceiling_ms. */
int64_t weir_backoff_next(weir_backoff *backoff);

/* It went well: the next delay is short again. */
void weir_backoff_reset(weir_backoff *backoff);

#endif
