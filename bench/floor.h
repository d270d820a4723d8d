/* The floor's own parts, and what else the program uses raw sockets for.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "encode.h"
#include "side.h"

/* What a read of the whole stream will be, page by page. */
struct pages {
    size_t count;
    struct bytes requests; /* XRANGE of each page, or XACK of its entries */
    size_t *request_end;   /* of each page, in requests.data */
    size_t *reply_len;     /* of each page's XRANGE */
};

/* Reads the stream once, page by page, to learn `pages` for a task of `entries` entries.
 * False: failed, and said why. Either way pages_free it. */
bool pages_learn(struct pages *pages, const struct wire *wire, const struct work *work,
                 uint64_t entries);

void pages_free(struct pages *pages);

/* Adds `entries` entries of one field of that size to the stream, as fast as can be. `what`
 * names it in the progress. False: failed, and said why. */
bool floor_fill(const struct endpoint *endpoint, size_t value_bytes, uint64_t entries,
                const char *what);

#endif
