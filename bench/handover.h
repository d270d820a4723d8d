/* How long the work of a worker that was killed lies, until another of its group has it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_HANDOVER_H
#define BENCH_HANDOVER_H

#include "measure.h"
#include "wire.h"

#define HANDOVER_ENTRIES     100 /* that the worker has in hand */
#define HANDOVER_IDLE_MS     500 /* claim_idle_ms */
#define HANDOVER_INTERVAL_MS 100 /* claim_interval_ms */
#define HANDOVER_PROMISE_MS  (HANDOVER_IDLE_MS + HANDOVER_INTERVAL_MS)

struct handover {
    size_t rounds;
    double least_ms; /* from the kill to the last of the entries */
    double median_ms;
    double most_ms;
};

/* Kills a worker process in each of 1 to MEASURE_MAX_ROUNDS rounds. False: failed, or an
 * entry came otherwise than it should; said what. */
bool handover_run(const struct endpoint *endpoint, int control, size_t rounds,
                  struct handover *result);

#endif
