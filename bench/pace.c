/* Entries at a fixed rate. The schedule is open: an entry is due when its time has come,
 * though those before it may not be acknowledged, and its latency counts from there; what
 * a stall holds up is late by all of it.
 *
 * One loop makes the entries and drives the client, as an event loop does, and sleeps in
 * between: at least for a tick, else until an entry is due or the socket is ready. The
 * thread's CPU clock is read around the client's calls, so that making and sleeping are not
 * counted as the client's. How late the loop is by itself, and what reading the clock adds,
 * is measured by driving nobody.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pace.h"

#include "control.h"
#include "need.h"
#include "say.h"
#include "side.h"

#include <math.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define TICK      (PACE_TICK_US * 1e-6)
#define END_TICK  0.0005 /* seconds: nothing more is due, and something may linger */
#define MOST_LATE 60.0   /* seconds behind the schedule */
#define SLACK_NS  1000UL /* of timers: by itself the system adds up to 50 us */
#define WARM_UP   10     /* before a round, one by so many of it */

const struct pace_scenario pace_scenarios[PACE_COUNT] = {
    {"pace.10k", 10000}, {"pace.100k", 100000}, {"pace.250k", 250000}};

/* One round of one. */
struct course {
    const struct pace_side *side;
    void *self;
    double start;
    double interval;
    uint64_t entries;
    uint64_t appended;
    uint64_t acked;
    uint64_t acked_before; /* in the warm-up */
    uint64_t backlog;      /* the most */
    double cpu;            /* seconds, in the client's calls */
    float *latencies;      /* seconds; NULL: not kept */
};

static double due_at(const struct course *course, uint64_t entry) {
    return course->start + (double)entry * course->interval;
}

static uint64_t due_by(const struct course *course, double now) {
    double due = floor((now - course->start) / course->interval) + 1;
    return due < (double)course->entries ? (uint64_t)due : course->entries;
}

/* What was acknowledged meanwhile is known to be so now. */
static void note_acked(struct course *course, uint64_t acked) {
    double now = clock_seconds();
    for (; course->acked < acked; course->acked++) {
        if (course->latencies != NULL) {
            course->latencies[course->acked] = (float)(now - due_at(course, course->acked));
        }
    }
}

static double cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

static bool turn(struct course *course, bool is_readable) {
    uint64_t due = due_by(course, clock_seconds());
    uint64_t taken = 0;
    uint64_t acked;
    double cpu = cpu_seconds();
    if (due > course->appended &&
        !course->side->append(course->self, due - course->appended, &taken)) {
        return false;
    }
    course->appended += taken;
    if (!course->side->step(course->self, is_readable, &acked)) {
        return false;
    }
    course->cpu += cpu_seconds() - cpu;
    note_acked(course, acked - course->acked_before);
    if (due - course->acked > course->backlog) {
        course->backlog = due - course->acked;
    }
    return true;
}

/* Sleeps until the next entry is due or the client has something to do, and at least for a
 * tick after `woke`. True: there is something to read. */
static bool wait_for_more(const struct course *course, double *woke) {
    struct pollfd watched = {.fd = -1};
    double next = course->appended < course->entries ? due_at(course, course->appended)
                                                     : *woke + END_TICK;
    next = next > *woke + TICK ? next : *woke + TICK;
    double left = next - clock_seconds();
    left = left > 0 ? left : 0;
    struct timespec limit = {.tv_sec = (time_t)left};
    limit.tv_nsec = (long)((left - (double)limit.tv_sec) * 1e9);
    course->side->watch(course->self, &watched);
    int ready = ppoll(&watched, 1, &limit, NULL);
    *woke = clock_seconds();
    return ready > 0 && (watched.revents & ~POLLOUT) != 0;
}

static bool run_course(struct course *course) {
    double woke = clock_seconds();
    double most = woke + (double)course->entries * course->interval + MOST_LATE;
    bool is_readable = false;
    course->start = woke;
    while (turn(course, is_readable)) {
        if (course->acked == course->entries) {
            return true;
        }
        is_readable = wait_for_more(course, &woke);
        if (woke > most) {
            return say_failed("pace: %.0f s behind the schedule", MOST_LATE);
        }
    }
    return false;
}

/* What a round has told. */
struct pace_sample {
    struct moment took;
    double server_cpu;
    double cpu;
    uint64_t backlog;
    uint64_t writes;
};

static bool measure(struct course *course, int control, struct pace_sample *sample) {
    struct course warm = *course;
    warm.entries = course->entries / WARM_UP + 1;
    warm.latencies = NULL;
    if (!run_course(&warm)) {
        return false;
    }
    course->acked_before = warm.entries;
    uint64_t writes = course->side->writes(course->self);
    double server_cpu = control_cpu(control);
    struct moment start = moment_now();
    if (server_cpu < 0 || !run_course(course)) {
        return false;
    }
    sample->took = moment_since(start);
    sample->server_cpu = control_cpu(control) - server_cpu;
    sample->cpu = course->cpu;
    sample->backlog = course->backlog;
    sample->writes = course->side->writes(course->self) - writes;
    return true;
}

static bool run_side(const struct pace_scenario *scenario, const struct endpoint *endpoint,
                     int control, enum pace_who who, struct course *course,
                     struct pace_sample *sample) {
    char answer[CONTROL_ANSWER];
    if (!control_ask(control, "FLUSHALL\r\n", answer)) {
        return false;
    }
    course->side = pace_side_of(who);
    course->self = course->side->open(endpoint, pace_linger_of(who));
    course->interval = 1 / (double)scenario->rate;
    if (course->self == NULL) {
        return false;
    }
    bool is_done = measure(course, control, sample);
    course->side->close(course->self);
    uint64_t all = who == PACE_NOBODY ? 0 : course->entries + course->acked_before;
    return is_done && control_expect(control, "XLEN " BENCH_KEY "\r\n", all);
}

static int compare_floats(const void *a, const void *b) {
    float left = *(const float *)a;
    float right = *(const float *)b;
    return (left > right) - (left < right);
}

/* So large a share of them is not above it. */
static double share_of(const float *sorted, size_t count, double share) {
    return (double)sorted[(size_t)ceil(share * (double)count) - 1] * 1e6;
}

static struct pace_figure figure_from(const struct pace_sample *samples, size_t rounds,
                                      uint64_t entries, float *latencies) {
    double rate[MEASURE_MAX_ROUNDS];
    double cpu[MEASURE_MAX_ROUNDS];
    double whole[MEASURE_MAX_ROUNDS];
    double busy[MEASURE_MAX_ROUNDS];
    struct pace_figure figure = {0};
    uint64_t writes = 0;
    size_t count = rounds * entries;
    for (size_t i = 0; i < rounds; i++) {
        const struct moment *took = &samples[i].took;
        rate[i] = (double)entries / took->wall;
        cpu[i] = samples[i].cpu / (double)entries * 1e9;
        whole[i] = (took->user + took->sys) / (double)entries * 1e9;
        busy[i] = samples[i].server_cpu / took->wall;
        writes += samples[i].writes;
        figure.backlog = fmax(figure.backlog, (double)samples[i].backlog);
    }
    qsort(latencies, count, sizeof *latencies, compare_floats);
    figure.rate = median_of(rate, rounds);
    figure.p50_us = share_of(latencies, count, 0.5);
    figure.p99_us = share_of(latencies, count, 0.99);
    figure.p999_us = share_of(latencies, count, 0.999);
    figure.most_us = share_of(latencies, count, 1);
    figure.cpu_ns = median_of(cpu, rounds);
    figure.whole_ns = median_of(whole, rounds);
    figure.batch = writes > 0 ? (double)count / (double)writes : (double)NAN;
    figure.server_busy = median_of(busy, rounds);
    return figure;
}

static bool run_rounds(const struct pace_scenario *scenario,
                       const struct endpoint *endpoint, int control,
                       struct pace_result *result, float *latencies) {
    static struct pace_sample samples[PACE_WHO_COUNT][MEASURE_MAX_ROUNDS];
    size_t rounds = result->rounds;
    for (size_t i = 0; i < rounds * PACE_WHO_COUNT; i++) {
        size_t who = i % PACE_WHO_COUNT;
        size_t round = i / PACE_WHO_COUNT;
        struct course course = {.entries = result->entries};
        course.latencies = latencies + (who * rounds + round) * result->entries;
        say_progress(scenario->name, i, rounds * PACE_WHO_COUNT);
        if (!run_side(scenario, endpoint, control, (enum pace_who)who, &course,
                      &samples[who][round])) {
            return say_failed("%s: %s failed", scenario->name, pace_who_names[who]);
        }
    }
    for (size_t who = 0; who < PACE_WHO_COUNT; who++) {
        result->figures[who] = figure_from(samples[who], rounds, result->entries,
                                           latencies + who * rounds * result->entries);
    }
    return true;
}

bool pace_run(const struct pace_scenario *scenario, const struct endpoint *endpoint,
              int control, uint64_t entries, size_t rounds, struct pace_result *result) {
    char answer[CONTROL_ANSWER];
    *result = (struct pace_result){.scenario = scenario};
    result->entries = entries;
    result->rounds = rounds;
    float *latencies = need_memory(PACE_WHO_COUNT * rounds * entries * sizeof *latencies);
    int slack = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, SLACK_NS);
    bool is_done = run_rounds(scenario, endpoint, control, result, latencies);
    prctl(PR_SET_TIMERSLACK, (unsigned long)slack);
    free(latencies);
    return is_done && control_ask(control, "FLUSHALL\r\n", answer);
}
