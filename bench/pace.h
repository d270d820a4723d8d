/* Entries at a fixed rate, whatever becomes of the ones before: how late is each
 * acknowledged, counted from the moment when it was due, and what does that cost.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include "measure.h"
#include "wire.h"

#include <poll.h>
#include <stdbool.h>

#define PACE_VALUE   8    /* bytes: one number below 1 with 6 digits behind the point */
#define PACE_TICK_US 50   /* who makes the entries sleeps for at least so long */
#define PACE_HELD    0.99 /* of the rate is as good as all of it: the last ones come later */
#define PACE_COUNT   3

struct pace_scenario {
    const char *name;
    uint64_t rate; /* entries a second, and of a round */
};

extern const struct pace_scenario pace_scenarios[PACE_COUNT];

/* Who takes part. */
enum pace_who {
    PACE_WEIR, /* weir_producer, linger_us 0; then with others */
    PACE_WEIR_100_US,
    PACE_WEIR_1_MS,
    PACE_WEIR_5_MS,
    PACE_FLOOR,
    PACE_HIREDIS,
    PACE_NOBODY /* the loop that makes the entries, alone */
};
#define PACE_WHO_COUNT 7

extern const char *const pace_who_names[PACE_WHO_COUNT];

struct pace_figure {
    double rate;   /* entries a second, until the last was acknowledged: median */
    double p50_us; /* latencies of all rounds together */
    double p99_us;
    double p999_us;
    double most_us;
    double backlog;     /* most entries that were due and not acknowledged, in all rounds */
    double cpu_ns;      /* an entry, in the client's calls alone: median */
    double whole_ns;    /* likewise, of all the process, with the loop and its sleeping */
    double batch;       /* entries a write */
    double server_busy; /* median */
};

struct pace_result {
    const struct pace_scenario *scenario;
    uint64_t entries; /* of each round */
    size_t rounds;
    struct pace_figure figures[PACE_WHO_COUNT];
};

/* One who takes part: none of these waits. False: failed, and said why. */
struct pace_side {
    /* NULL: failed, and said why. */
    void *(*open)(const struct endpoint *endpoint, int64_t linger_us);

    /* So many entries are due: takes as many as there is room for. */
    bool (*append)(void *self, uint64_t count, uint64_t *taken);

    /* Goes on; *acked: entries that were acknowledged so far. */
    bool (*step)(void *self, bool is_readable, uint64_t *acked);

    void (*watch)(const void *self, struct pollfd *watched);
    uint64_t (*writes)(const void *self); /* so far */
    void (*close)(void *self);
};

extern const struct pace_side pace_floor;
extern const struct pace_side pace_hiredis;

#define PACE_MADE 1000 /* different entries, in turn */

/* The value of an entry: all have PACE_VALUE bytes. */
void pace_put_value(uint64_t entry, char text[PACE_VALUE + 1]);

const struct pace_side *pace_side_of(enum pace_who who);
int64_t pace_linger_of(enum pace_who who);

/* All take turns, 1 to MEASURE_MAX_ROUNDS times, with `entries` each time. False: one
 * failed, or the server has not what it should; said what. */
bool pace_run(const struct pace_scenario *scenario, const struct endpoint *endpoint,
              int control, uint64_t entries, size_t rounds, struct pace_result *result);

#endif
