/* The scenarios: what is measured, and the rounds in which the sides take turns.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include "measure.h"
#include "side.h"

enum who { WHO_WEIR, WHO_FLOOR, WHO_HIREDIS };
#define WHO_COUNT 3

extern const struct side *const scenario_sides[WHO_COUNT];

enum road { OVER_UNIX, OVER_TCP, OVER_TLS };
#define ROAD_COUNT 3

/* When it is measured, if nothing is named. */
enum run { RUN_ALWAYS, RUN_WHOLE /* not with --quick */, RUN_ALL /* with --all alone */ };

struct scenario {
    const char *name;
    const char *unit;
    struct work work;
    enum road road;
    uint64_t fewer; /* its entries are the usual number by this */
    enum run run;
    bool is_lower_better;
};

#define SCENARIO_COUNT 38
extern const struct scenario scenarios[SCENARIO_COUNT];

/* Where it is measured. */
struct ground {
    struct endpoint over[ROAD_COUNT]; /* OVER_TLS: no path if it cannot be */
    int control;                      /* a connection for small questions */
};

struct result {
    const struct scenario *scenario;
    uint64_t entries; /* of each round */
    struct figure figures[WHO_COUNT];
    double allocations_per_entry; /* weir's, all rounds together */
};

/* True if the server has what it needs. Else says what it lacks, on stderr. */
bool scenario_is_possible(const struct scenario *scenario, const struct ground *ground);

/* Measures with `entries` entries a round; 1 to MEASURE_MAX_ROUNDS rounds. False: a side
 * failed, or did not do what it should, and said what. */
bool scenario_run(const struct scenario *scenario, const struct ground *ground,
                  uint64_t entries, size_t rounds, struct result *result);

#endif
