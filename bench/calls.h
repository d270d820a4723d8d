/* System calls that move bytes or wait, and the bytes: counted for every side alike.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include <stdint.h>

struct calls {
    uint64_t moving;  /* that send or receive */
    uint64_t waiting; /* poll, nanosleep */
    uint64_t sent;    /* bytes */
    uint64_t received;
};

/* Of this process so far; and the difference to an earlier moment. */
struct calls calls_now(void);
struct calls calls_since(struct calls start);

#endif
