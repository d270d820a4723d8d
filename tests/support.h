/* What many tests need: memory that ends at an unreadable page, an allocator that fails and
 * counts, statuses by name, a wait that signals do not end.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_SUPPORT_H
#define WEIR_TESTS_SUPPORT_H

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../resp/base.h"

/* Fails the test unless both are the same status; prints their meanings. */
#define assert_status(given, expected)                                                     \
    support_assert_status((given), (expected), #given, __FILE__, __LINE__)
void support_assert_status(weir_status given, weir_status expected, const char *what,
                           const char *file, int line);

/* Fails the test unless the view holds exactly the text. */
#define assert_view(view, text) support_assert_view((view), (text), __FILE__, __LINE__)
void support_assert_view(weir_view given, const char *expected, const char *file, int line);

/* A literal's bytes, NULs inside included, without the one at the end. */
#define WIRE(literal) weir_bytes((literal), sizeof(literal) - 1)

/* A copy of `bytes` that ends where an unreadable page begins: reading one byte too far is
 * a crash. Free with support_unguard. */
weir_view support_guard(weir_view bytes);
void support_unguard(weir_view guarded);

/* poll of one descriptor (-1: none, a nap), which no signal ends early. What poll returns.
 */
int support_poll(int fd, short events, int ms);

/* An allocator that gives `allowed` blocks and then refuses; counts what is out. */
struct support_mem {
    size_t allowed; /* SIZE_MAX: never refuses */
    size_t calls;   /* that asked for memory */
    size_t live;    /* blocks given and not yet back */
    size_t bytes;   /* in live blocks */
    size_t peak;    /* most bytes ever live */
};
weir_mem support_mem(struct support_mem *counts);

#endif
