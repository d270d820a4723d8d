/* The window of a pipeline: who waits for how many answers, the same for all sides.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "side.h"

static size_t at_most_a_block(uint64_t count) {
    return count < BENCH_BLOCK ? (size_t)count : BENCH_BLOCK;
}

bool window_slide(void *self, uint64_t entries, bool (*send)(void *self, size_t count),
                  bool (*take)(void *self, size_t count)) {
    uint64_t sent = 0;
    uint64_t taken = 0;
    while (taken < entries) {
        while (sent < entries && sent - taken + BENCH_BLOCK <= BENCH_WINDOW) {
            size_t count = at_most_a_block(entries - sent);
            if (!send(self, count)) {
                return false;
            }
            sent += count;
        }
        size_t count = at_most_a_block(sent - taken);
        if (!take(self, count)) {
            return false;
        }
        taken += count;
    }
    return true;
}
