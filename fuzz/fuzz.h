/* What every harness has: its entry point, choices that the fuzzer makes, memory that ends
 * at an unreadable page, and a way to say which property is broken.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_FUZZ_FUZZ_H
#define WEIR_FUZZ_FUZZ_H

#include "../resp/base.h"

/* The longest input; the driver cuts what is longer. */
#define FUZZ_MOST ((size_t)64 << 10)

/* Each harness defines this: tries one input of at most FUZZ_MOST bytes. Gives 0; if a
 * property does not hold, the program ends in fuzz_broken. */
int fuzz_one(const uint8_t *data, size_t len);

/* Prints which property does not hold, and aborts. */
_Noreturn void fuzz_broken(const char *property);

/* Ends the program unless the property holds. */
static inline void fuzz_check(bool holds, const char *property) {
    if (!holds) {
        fuzz_broken(property);
    }
}

/*
 * An input is bytes as they would come off the wire, then the choices that a harness needs,
 * eaten from the end. An input that ends with LF, as replies do, has no choices: each is 0
 * then, so that a capture is a good input as it is.
 */
typedef struct fuzz_input {
    const uint8_t *bytes;
    size_t len; /* without the choices that were eaten */
    bool has_choices;
} fuzz_input;

fuzz_input fuzz_open(const uint8_t *data, size_t len);

/* The next choice; 0 if there is none left. */
uint8_t fuzz_choice(fuzz_input *input);

/* The next choice, below `count` (1 to 256). */
size_t fuzz_choice_below(fuzz_input *input, size_t count);

/* Two choices: 0 to 65535. */
size_t fuzz_wide_choice(fuzz_input *input);

/* What is left once the choices are eaten. */
weir_view fuzz_wire(const fuzz_input *input);

#define FUZZ_ROOMS      4
#define FUZZ_ROOM_BYTES ((size_t)1 << 20)

/* `len` bytes that end where an unreadable page begins; room 0 to FUZZ_ROOMS - 1. Good
 * until the next call for the same room. */
char *fuzz_room(unsigned room, size_t len);

/* A copy of `bytes` there: reading one byte too far is a crash, under any compiler. */
weir_view fuzz_guard(unsigned room, weir_view bytes);

/* An allocator that counts, and that refuses one call and, if told so, all after it. */
typedef struct fuzz_mem {
    size_t refuse_at; /* the call that is refused, counted from 0; SIZE_MAX: none */
    bool refuses_on;  /* and all that follow */
    size_t calls;     /* that asked for memory */
    size_t live;      /* blocks given and not yet back */
    size_t bytes;     /* in live blocks */
    size_t peak;      /* most bytes ever live */
} fuzz_mem;
weir_mem fuzz_mem_of(fuzz_mem *counts);

#endif
