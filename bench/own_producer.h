/* weir_producer, as weir's side of the comparison uses it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_OWN_PRODUCER_H
#define BENCH_OWN_PRODUCER_H

#include "../weir.h"
#include "wire.h"

struct own_producer {
    weir_producer *producer;
    weir_stream *stream;
    weir_view *values; /* of BENCH_BLOCK entries, one behind the other */
    size_t field_count;
    uint64_t acked;
};

/* Opens a producer, and in it the stream, for entries of these fields (BENCH_BLOCK of them,
 * of which the values are borrowed). False: failed, and said why; own_producer_close all
 * the same. */
bool own_producer_open(struct own_producer *self, const struct endpoint *endpoint,
                       weir_mem mem, weir_delivery_mode delivery, const weir_field *fields,
                       size_t field_count);

/* Appends so many entries, and waits until each is acknowledged. False as above. */
bool own_producer_run(struct own_producer *self, uint64_t entries);

void own_producer_close(struct own_producer *self);

#endif
