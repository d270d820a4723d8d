/* Random choices that can be had again: a test prints its seed, and takes WEIR_TEST_SEED
 * and WEIR_TEST_ROUNDS from the environment.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_DICE_H
#define WEIR_TESTS_DICE_H

#include "../weir.h"

/* Begins; prints the seed. */
void dice_begin(void);

/* Rounds to play: `usual`, unless the environment says another number. */
uint64_t dice_rounds(uint64_t usual);

/* 0 to count - 1. */
uint64_t dice_below(uint64_t count);

static inline bool dice_yes(void) { return dice_below(2) == 0; }

/* Small or large numbers, and those at the edges of 32 and 63 bits; never 0. */
uint64_t dice_number(void);

/* Likewise; any id. */
weir_id dice_id(void);

/* `least` to `most` bytes, but no NUL; good for ever. */
weir_view dice_bytes(size_t least, size_t most);

#endif
