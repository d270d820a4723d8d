/* The window of a pipeline: who waits for how many answers, the same for all sides; and the
 * streams that its entries go to.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "side.h"

#include <stdio.h>

void work_key(const struct work *work, size_t entry, char key[SIDE_KEY]) {
    if (work_streams(work) == 1) {
        snprintf(key, SIDE_KEY, "%s", BENCH_KEY);
    } else {
        snprintf(key, SIDE_KEY, "%s:%08zu", BENCH_KEY, entry % work_streams(work));
    }
}

static size_t at_most(size_t block, uint64_t count) {
    return count < block ? (size_t)count : block;
}

bool window_slide(const struct work *work, void *self, uint64_t entries,
                  bool (*send)(void *self, size_t count),
                  bool (*take)(void *self, size_t count)) {
    size_t block = work_block(work);
    uint64_t sent = 0;
    uint64_t taken = 0;
    while (taken < entries) {
        while (sent < entries && sent - taken + block <= work_window(work)) {
            size_t count = at_most(block, entries - sent);
            if (!send(self, count)) {
                return false;
            }
            sent += count;
        }
        size_t count = at_most(block, sent - taken);
        if (!take(self, count)) {
            return false;
        }
        taken += count;
    }
    return true;
}
