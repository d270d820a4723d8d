/* Programs that a test runs as a user does: what they are told, what they print, how they
 * end. SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_PROGRAM_H
#define WEIR_TESTS_PROGRAM_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct program {
    pid_t pid;
    FILE *in;  /* its standard input; closed by who has told it all, or when it ends */
    FILE *out; /* what it prints */
};

/* Where the examples are: beside the folder of this test, whose path is `self`. */
void program_find(const char *self);

/* True if that example was built. */
bool program_is_built(const char *name);

/* Starts an example with arguments. */
#define program_start(name, ...)                                                           \
    program_start_with((name), (const char *const[]){__VA_ARGS__, NULL})
struct program program_start_with(const char *name, const char *const *args);

/* Its standard input ends. */
void program_end_input(struct program *program);

/* Waits for its end; gives its exit status, or 128 and the signal. */
int program_finish(struct program *program);

/* The next line that it prints must be that one, or there must be none. */
void program_expect_line(struct program *program, const char *expected);
void program_expect_no_line(struct program *program);

#endif
