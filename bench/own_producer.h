/* weir_producer, as weir's side of the comparison uses it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_OWN_PRODUCER_H
#define BENCH_OWN_PRODUCER_H

#include "side.h"

struct own_stream {
    weir_stream *stream;
};

struct own_producer {
    weir_producer *producer;
    struct work work;
    struct own_stream *streams; /* work_streams */
    weir_view *values;          /* of a block's entries, one behind the other */
    uint64_t appended;
    uint64_t acked;
};

/* Opens a producer, and in it the streams, for entries of these fields (those of a block,
 * of which the values are borrowed). False: failed, and said why; own_producer_close all
 * the same. */
bool own_producer_open(struct own_producer *self, const struct endpoint *endpoint,
                       weir_mem mem, const struct work *work, const weir_field *fields);

/* Appends so many entries, and waits until each is acknowledged. False as above. */
bool own_producer_run(struct own_producer *self, uint64_t entries);

void own_producer_close(struct own_producer *self);

#endif
