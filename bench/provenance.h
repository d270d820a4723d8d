/* Where figures come from: without it they mean nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_PROVENANCE_H
#define BENCH_PROVENANCE_H

#include <stdbool.h>

struct provenance {
    const char *weir;     /* version */
    const char *compiler; /* of this program, and of the library that was built with it */
    const char *flags;
    const char *hiredis; /* version */
    bool is_slow_build;  /* not optimised, or with sanitizers */
    char cpu[96];
    long cores;
    char kernel[256];
    char server[32]; /* its name: redis, valkey; "" if there is none */
    char server_version[32];
};

/* `control` is a connection for small questions, below 0 if there is no server. False:
 * failed, and said why. */
bool provenance_find(struct provenance *provenance, int control);

#endif
