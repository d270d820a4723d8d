/* A stand-in for the system's resolver: getaddrinfo answers what the test says, when the
 * test says. Linked into the tests that name it (CMakeLists.txt), and into no other.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_RESOLVER_H
#define WEIR_TESTS_RESOLVER_H

#include <stdbool.h>

/* Every name has these addresses from now on, in digits, separated by spaces; "": it is
 * unknown. Forgets all that was before. */
void resolver_has(const char *addresses);

/* From now on nobody is answered, until resolver_goes_on. */
void resolver_hangs(void);
void resolver_goes_on(void);

/* What was asked, and what of it is answered but not freed yet. */
int resolver_calls(void);
int resolver_unfreed(void);

/* Waits until that many calls have been answered in all. */
void resolver_await_answers(int count);

/* Of the last call: if it took place in another thread than the first function here was
 * called in, and if every signal that can be blocked was. */
bool resolver_was_aside(void);
bool resolver_had_signals_blocked(void);

#endif
