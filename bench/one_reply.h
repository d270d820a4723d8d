/* How much memory it takes to read a stream of any size in one reply.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_ONE_REPLY_H
#define BENCH_ONE_REPLY_H

#include "measure.h"
#include "wire.h"

#define ONE_REPLY_KIB_BOUND (16 * 1024)

struct one_reply {
    uint64_t entries;
    uint64_t reply_bytes;
    uint64_t peak_kib; /* resident memory of the process that read */
    double seconds;    /* of reading, the server's work included */
};

/* Fills a stream and reads it by one XRANGE, in a process of its own. `control` is a
 * connection for small questions. False: failed, or the bound is broken, and said so. */
bool one_reply_run(const struct endpoint *endpoint, int control, uint64_t entries,
                   struct one_reply *result);

#endif
