/* Clocks, and what becomes of many samples: medians and spreads.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "calls.h"

#include <stddef.h>
#include <stdint.h>

#define MEASURE_MAX_ROUNDS 101

/* A moment, or the time between two, in seconds. */
struct moment {
    double wall; /* CLOCK_MONOTONIC */
    double user; /* CPU of this process, in its own code */
    double sys;  /* CPU of this process, in the kernel */
};

/* One round of one side. */
struct sample {
    struct moment took;
    double server_cpu;    /* seconds of CPU that the server used meanwhile */
    uint64_t allocations; /* of a side that counts them */
    struct calls calls;   /* zeroed where no system call is made */
};

/* What the rounds of one side come to. */
struct figure {
    double value; /* median, in the scenario's unit */
    double low;   /* of all rounds */
    double high;
    double cpu_ns; /* median of user and system time, an entry */
    double cpu_user_ns;
    double cpu_sys_ns;
    double server_busy; /* the server's CPU time by wall time, median */
    double calls;       /* system calls that move bytes or wait, an entry: of all rounds */
    double sent;        /* bytes, an entry */
    double received;
};

/* CLOCK_MONOTONIC. */
double clock_seconds(void);

struct moment moment_now(void);
struct moment moment_since(struct moment start);

/* Sorts `values` and gives the one in the middle. */
double median_of(double *values, size_t count);

/* unit_value gives a round's value in the scenario's unit from its seconds and entries.
 * count is 1 to MEASURE_MAX_ROUNDS. */
struct figure figure_of(const struct sample *samples, size_t count, double entries,
                        double (*unit_value)(double seconds, double entries));

/* Of a side that did not take part: not a number, all of it. */
struct figure figure_missing(void);

#endif
