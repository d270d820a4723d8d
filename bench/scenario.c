/* The scenarios: what is measured, and the rounds in which the sides take turns.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "scenario.h"

#include "control.h"
#include "floor.h"
#include "say.h"

#include <stdio.h>

/* Before the clock starts, so that buffers have their size: whole windows and pages. */
#define WARM_UP 2000

const struct side *const scenario_sides[WHO_COUNT] = {
    [WHO_WEIR] = &side_weir,
    [WHO_FLOOR] = &side_floor,
    [WHO_HIREDIS] = &side_hiredis,
};

const struct scenario scenarios[SCENARIO_COUNT] = {
    {"produce.unix", "entries/s", {TASK_PRODUCE, 1, 16}, false, false, 1},
    {"produce.tcp", "entries/s", {TASK_PRODUCE, 1, 16}, true, false, 1},
    {"produce.unix.5x100", "entries/s", {TASK_PRODUCE, 5, 100}, false, false, 1},
    {"producer.unix", "entries/s", {TASK_PRODUCER, 1, 16}, false, false, 1},
    {"producer.tcp", "entries/s", {TASK_PRODUCER, 1, 16}, true, false, 1},
    {"producer.exact", "entries/s", {TASK_PRODUCER_EXACT, 1, 16}, false, false, 1},
    {"read.xrange", "entries/s", {TASK_READ_RANGE, 1, 16}, false, false, 1},
    {"read.pages", "entries/s", {TASK_READ_PAGES, 1, 16}, false, false, 1},
    {"read.group", "entries/s", {TASK_READ_GROUP, 1, 16}, false, false, 1},
    {"consumer.16", "entries/s", {TASK_CONSUME, 1, 16}, false, false, 1},
    {"consumer.1024", "entries/s", {TASK_CONSUME, 1, 1024}, false, false, 10},
    {"roundtrip.unix", "us", {TASK_ROUND_TRIP, 1, 16}, false, true, 10},
};

static double entries_a_second(double seconds, double entries) { return entries / seconds; }

static double microseconds_each(double seconds, double entries) {
    return seconds / entries * 1e6;
}

/* Entries in whole pages. */
static uint64_t entries_of(const struct scenario *scenario, uint64_t usual) {
    uint64_t pages = (usual / scenario->fewer + BENCH_PAGE - 1) / BENCH_PAGE;
    return (pages == 0 ? 1 : pages) * BENCH_PAGE;
}

static bool is_reading(const struct scenario *scenario) {
    return task_is_reading(scenario->work.task);
}

/* The same beginning for each side: no stream, or a group that was given nothing. */
static bool prepare(const struct scenario *scenario, const struct ground *ground) {
    char answer[CONTROL_ANSWER];
    if (!is_reading(scenario)) {
        return control_ask(ground->control, "DEL " BENCH_KEY "\r\n", answer);
    }
    const char *group = BENCH_KEY " " BENCH_GROUP;
    char destroy[96];
    char create[96];
    snprintf(destroy, sizeof destroy, "XGROUP DESTROY %s\r\n", group);
    snprintf(create, sizeof create, "XGROUP CREATE %s 0\r\n", group);
    return control_ask(ground->control, destroy, answer) &&
           control_ask(ground->control, create, answer);
}

/* What a side says of itself is not enough. */
static bool verify(const struct scenario *scenario, const struct ground *ground,
                   uint64_t entries) {
    if (task_is_group(scenario->work.task)) {
        return control_expect(ground->control,
                              "EVAL \"return redis.call('XPENDING', KEYS[1], "
                              "'" BENCH_GROUP "')[1]\" 1 " BENCH_KEY "\r\n",
                              0);
    }
    return control_expect(ground->control, "XLEN " BENCH_KEY "\r\n", entries);
}

static bool measure_side(const struct scenario *scenario, const struct ground *ground,
                         const struct side *side, uint64_t entries, void *self,
                         struct sample *sample) {
    bool (*run)(void *, uint64_t) = side->run[scenario->work.task];
    if (!run(self, WARM_UP)) {
        return false;
    }
    uint64_t allocations_before = side->allocations ? side->allocations(self) : 0;
    double server_before = control_cpu(ground->control);
    struct calls calls_before = calls_now();
    struct moment start = moment_now();
    if (server_before < 0 || !run(self, entries)) {
        return false;
    }
    sample->took = moment_since(start);
    sample->calls = calls_since(calls_before);
    double server_after = control_cpu(ground->control);
    sample->server_cpu = server_after - server_before;
    sample->allocations =
        side->allocations ? side->allocations(self) - allocations_before : 0;
    return server_after >= 0;
}

static bool run_side(const struct scenario *scenario, const struct ground *ground,
                     const struct side *side, uint64_t entries, struct sample *sample) {
    if (!prepare(scenario, ground)) {
        return false;
    }
    const struct endpoint *endpoint =
        scenario->is_tcp ? &ground->over_tcp : &ground->over_unix;
    void *self = side->open(endpoint, &scenario->work, WARM_UP + entries);
    if (self == NULL) {
        return false;
    }
    bool is_done = measure_side(scenario, ground, side, entries, self, sample);
    side->close(self);
    return is_done && verify(scenario, ground, WARM_UP + entries);
}

static bool fill(const struct scenario *scenario, const struct ground *ground,
                 uint64_t entries) {
    char answer[CONTROL_ANSWER];
    return control_ask(ground->control, "DEL " BENCH_KEY "\r\n", answer) &&
           floor_fill(&ground->over_unix, scenario->work.value_bytes, entries,
                      scenario->name);
}

bool scenario_run(const struct scenario *scenario, const struct ground *ground,
                  uint64_t entries, size_t rounds, struct result *result) {
    static struct sample samples[WHO_COUNT][MEASURE_MAX_ROUNDS];
    uint64_t allocations = 0;
    entries = entries_of(scenario, entries);
    if (is_reading(scenario) && !fill(scenario, ground, WARM_UP + entries)) {
        return false;
    }
    for (size_t i = 0; i < rounds * WHO_COUNT; i++) {
        size_t who = i % WHO_COUNT;
        struct sample *sample = &samples[who][i / WHO_COUNT];
        say_progress(scenario->name, i, rounds * WHO_COUNT);
        if (!run_side(scenario, ground, scenario_sides[who], entries, sample)) {
            return say_failed("%s: %s failed", scenario->name, scenario_sides[who]->name);
        }
        allocations += sample->allocations;
    }
    result->scenario = scenario;
    result->entries = entries;
    result->allocations_per_entry =
        (double)allocations / ((double)entries * (double)rounds);
    for (size_t who = 0; who < WHO_COUNT; who++) {
        result->figures[who] =
            figure_of(samples[who], rounds, (double)entries,
                      scenario->is_lower_better ? microseconds_each : entries_a_second);
    }
    char answer[CONTROL_ANSWER];
    return control_ask(ground->control, "DEL " BENCH_KEY "\r\n", answer);
}
