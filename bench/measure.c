/* Clocks, and what becomes of many samples: medians and spreads.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "measure.h"

#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double timeval_seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

struct moment moment_now(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    struct moment now = {clock_seconds(), timeval_seconds(usage.ru_utime),
                         timeval_seconds(usage.ru_stime)};
    return now;
}

struct moment moment_since(struct moment start) {
    struct moment now = moment_now();
    struct moment took = {now.wall - start.wall, now.user - start.user,
                          now.sys - start.sys};
    return took;
}

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

double median_of(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
    size_t middle = count / 2;
    return count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/*
 * The kernel knows a process's CPU time to the nanosecond, but how much of it was in the
 * kernel only by looking at each tick (CONFIG_TICK_CPU_ACCOUNTING): in one short round
 * there are few. So the time is the median of the rounds, and its division is that of all
 * rounds together.
 */
static void divide_cpu(struct figure *figure, const struct sample *samples, size_t count) {
    double user = 0;
    double sys = 0;
    for (size_t i = 0; i < count; i++) {
        user += samples[i].took.user;
        sys += samples[i].took.sys;
    }
    double user_share = user + sys > 0 ? user / (user + sys) : 0;
    figure->cpu_user_ns = figure->cpu_ns * user_share;
    figure->cpu_sys_ns = figure->cpu_ns - figure->cpu_user_ns;
}

/* All rounds together: what is counted does not vary as times do. */
static void divide_calls(struct figure *figure, const struct sample *samples, size_t count,
                         double entries) {
    struct calls sum = {0};
    for (size_t i = 0; i < count; i++) {
        sum.moving += samples[i].calls.moving + samples[i].calls.waiting;
        sum.sent += samples[i].calls.sent;
        sum.received += samples[i].calls.received;
    }
    double all = entries * (double)count;
    figure->calls = (double)sum.moving / all;
    figure->sent = (double)sum.sent / all;
    figure->received = (double)sum.received / all;
}

struct figure figure_missing(void) {
    const double none = (double)NAN;
    struct figure figure = {none, none, none, none, none, none, none, none, none, none};
    return figure;
}

struct figure figure_of(const struct sample *samples, size_t count, double entries,
                        double (*unit_value)(double seconds, double entries)) {
    double values[MEASURE_MAX_ROUNDS];
    double cpu[MEASURE_MAX_ROUNDS];
    double busy[MEASURE_MAX_ROUNDS];
    for (size_t i = 0; i < count; i++) {
        values[i] = unit_value(samples[i].took.wall, entries);
        cpu[i] = (samples[i].took.user + samples[i].took.sys) / entries * 1e9;
        busy[i] = samples[i].server_cpu / samples[i].took.wall;
    }
    struct figure figure = {.value = median_of(values, count),
                            .cpu_ns = median_of(cpu, count)};
    figure.low = values[0]; /* median_of has sorted them */
    figure.high = values[count - 1];
    figure.server_busy = median_of(busy, count);
    divide_cpu(&figure, samples, count);
    divide_calls(&figure, samples, count, entries);
    return figure;
}
