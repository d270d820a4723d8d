/* A command with random arguments, twice: by the function that asks for it, and as words in
 * the order of its documentation, of which weir knows nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_RANDOM_COMMAND_H
#define WEIR_TESTS_RANDOM_COMMAND_H

#include "../weir.h"

#define RANDOM_WORDS_MOST 64

extern weir_view random_words[RANDOM_WORDS_MOST];
extern size_t random_word_count;

/* Appends the command whose turn it is, with arguments by dice.h, and writes it down as
 * words, good until the next call. */
weir_status random_command(weir_client *asked, uint64_t round);

#endif
