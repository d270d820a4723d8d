/* How long to wait before the next try.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "backoff.h"

/* SplitMix64 (Steele, Lea, Flood 2014): any seed will do, 0 included. */
static uint64_t next_random(uint64_t *state) {
    *state += 0x9E3779B97F4A7C15U;
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
}

static int64_t twice(int64_t ms, int64_t most_ms) {
    return ms < most_ms / 2 ? 2 * ms : most_ms;
}

void weir_backoff_init(weir_backoff *backoff, int64_t floor_ms, int64_t ceiling_ms,
                       uint64_t seed) {
    backoff->floor_ms = floor_ms;
    backoff->ceiling_ms = ceiling_ms;
    backoff->random = seed;
    weir_backoff_reset(backoff);
}

void weir_backoff_reset(weir_backoff *backoff) {
    backoff->most_ms = twice(backoff->floor_ms, backoff->ceiling_ms);
}

int64_t weir_backoff_next(weir_backoff *backoff) {
    uint64_t choices = (uint64_t)(backoff->most_ms - backoff->floor_ms) + 1;
    uint64_t chosen = next_random(&backoff->random) % choices;
    backoff->most_ms = twice(backoff->most_ms, backoff->ceiling_ms);
    return backoff->floor_ms + (int64_t)chosen;
}
