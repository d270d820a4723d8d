/* Random choices that can be had again.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "dice.h"

#include "support.h"

#include <stdlib.h>
#include <time.h>

#define POOL 4096

static uint64_t state;
static char pool[POOL];

static uint64_t roll(void) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545F4914F6CDD1D);
}

static uint64_t from_environment(const char *name, uint64_t usual) {
    const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */
    return text != NULL ? strtoull(text, NULL, 10) : usual;
}

void dice_begin(void) {
    uint64_t seed = from_environment("WEIR_TEST_SEED", (uint64_t)time(NULL));
    print_message("WEIR_TEST_SEED=%llu\n", (unsigned long long)seed);
    state = seed * 2 + 1;
    for (size_t i = 0; i < POOL; i++) {
        pool[i] = (char)(1 + roll() % 255);
    }
}

uint64_t dice_rounds(uint64_t usual) { return from_environment("WEIR_TEST_ROUNDS", usual); }

uint64_t dice_below(uint64_t count) { return (roll() >> 8) % count; }

uint64_t dice_number(void) {
    static const uint64_t edges[] = {1,        9, 10, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                     INT64_MAX};
    switch (dice_below(3)) {
    case 0: return edges[dice_below(sizeof edges / sizeof edges[0])];
    case 1: return 1 + dice_below(1000);
    default: return 1 + dice_below(INT64_MAX);
    }
}

weir_id dice_id(void) {
    static const uint64_t edges[] = {0, 1, UINT64_MAX - 1, UINT64_MAX};
    weir_id id = {dice_number(), dice_number()};
    id.ms = dice_below(4) == 0 ? edges[dice_below(4)] : id.ms;
    id.seq = dice_below(4) == 0 ? edges[dice_below(4)] : id.seq;
    return id;
}

weir_view dice_bytes(size_t least, size_t most) {
    size_t len = least + (size_t)dice_below(most - least + 1);
    return weir_bytes(pool + dice_below(POOL - most), len);
}
