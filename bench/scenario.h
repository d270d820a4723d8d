/* The scenarios: what is measured, and the rounds in which the sides take turns.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include "measure.h"
#include "side.h"

enum who { WHO_WEIR, WHO_FLOOR, WHO_HIREDIS };
#define WHO_COUNT 3

extern const struct side *const scenario_sides[WHO_COUNT];

struct scenario {
    const char *name;
    const char *unit;
    struct work work;
    bool is_tcp;
    bool is_lower_better;
    uint64_t fewer; /* its entries are the usual number by this */
};

#define SCENARIO_COUNT 12
extern const struct scenario scenarios[SCENARIO_COUNT];

/* Where it is measured. */
struct ground {
    struct endpoint over_unix;
    struct endpoint over_tcp;
    int control; /* a connection for small questions */
};

struct result {
    const struct scenario *scenario;
    uint64_t entries; /* of each round */
    struct figure figures[WHO_COUNT];
    double allocations_per_entry; /* weir's, all rounds together */
};

/* Measures with `entries` entries a round; 1 to MEASURE_MAX_ROUNDS rounds. False: a side
 * failed, or did not do what it should, and said what. */
bool scenario_run(const struct scenario *scenario, const struct ground *ground,
                  uint64_t entries, size_t rounds, struct result *result);

#endif
