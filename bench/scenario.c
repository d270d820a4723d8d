/* The scenarios: what is measured, and the rounds in which the sides take turns.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "scenario.h"

#include "connect.h"
#include "control.h"
#include "floor.h"
#include "say.h"

#include <stdio.h>

/* Before the clock starts, so that buffers have their size: whole windows and pages. */
#define WARM_UP       2000
#define WARM_UP_BYTES ((uint64_t)32 << 20) /* at most, in values */

const struct side *const scenario_sides[WHO_COUNT] = {
    [WHO_WEIR] = &side_weir,
    [WHO_FLOOR] = &side_floor,
    [WHO_HIREDIS] = &side_hiredis,
};

static double entries_a_second(double seconds, double entries) { return entries / seconds; }

static double microseconds_each(double seconds, double entries) {
    return seconds / entries * 1e6;
}

static bool is_reading(const struct scenario *scenario) {
    return task_is_reading(scenario->work.task);
}

/* Reading: whole pages. */
static uint64_t entries_of(const struct scenario *scenario, uint64_t usual) {
    uint64_t entries = usual / scenario->fewer;
    uint64_t page = is_reading(scenario) ? work_page(&scenario->work) : 1;
    uint64_t pages = (entries + page - 1) / page;
    return (pages == 0 ? 1 : pages) * page;
}

static uint64_t warm_up_of(const struct scenario *scenario) {
    const struct work *work = &scenario->work;
    uint64_t least = 4 * (uint64_t)work_window(work);
    uint64_t entries = WARM_UP > least ? WARM_UP : least;
    entries = entries > 2 * work_streams(work) ? entries : 2 * work_streams(work);
    uint64_t most = WARM_UP_BYTES / (work->field_count * work->value_bytes);
    return is_reading(scenario) || entries < most ? entries : most;
}

/* The same beginning for each side: no stream, or a group that was given nothing. */
static bool prepare(const struct scenario *scenario, const struct ground *ground) {
    char answer[CONTROL_ANSWER];
    if (!is_reading(scenario)) {
        return control_ask(ground->control, "FLUSHALL\r\n", answer);
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
    if (work_streams(&scenario->work) > 1) {
        return control_expect(ground->control,
                              "EVAL \"local n = 0 for _, k in ipairs(redis.call('KEYS', "
                              "'" BENCH_KEY ":*')) do n = n + redis.call('XLEN', k) end "
                              "return n\" 0\r\n",
                              entries);
    }
    return control_expect(ground->control, "XLEN " BENCH_KEY "\r\n", entries);
}

static bool measure_side(const struct scenario *scenario, const struct ground *ground,
                         const struct side *side, uint64_t entries, void *self,
                         struct sample *sample) {
    bool (*run)(void *, uint64_t) = side->run[scenario->work.task];
    if (!run(self, warm_up_of(scenario))) {
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
    const struct endpoint *endpoint = &ground->over[scenario->road];
    uint64_t all = warm_up_of(scenario) + entries;
    void *self = side->open(endpoint, &scenario->work, all);
    if (self == NULL) {
        return false;
    }
    bool is_done = measure_side(scenario, ground, side, entries, self, sample);
    side->close(self);
    return is_done && verify(scenario, ground, all);
}

static bool fill(const struct scenario *scenario, const struct ground *ground,
                 uint64_t entries) {
    char answer[CONTROL_ANSWER];
    return control_ask(ground->control, "FLUSHALL\r\n", answer) &&
           floor_fill(&ground->over[OVER_UNIX], scenario->work.value_bytes, entries,
                      scenario->name);
}

bool scenario_is_possible(const struct scenario *scenario, const struct ground *ground) {
    weir_server server;
    if (ground->over[scenario->road].socket_path == NULL) {
        return say_failed("%s is left out: no TLS", scenario->name);
    }
    if (scenario->work.delivery != WEIR_DELIVERY_IDMP) {
        return true;
    }
    weir_client *client = connect_weir(&ground->over[OVER_UNIX], (weir_mem){0});
    bool is_there = client != NULL && weir_client_server(client, &server) == WEIR_OK &&
                    weir_server_has(&server, WEIR_FEATURE_IDMP);
    weir_close(client);
    return is_there ||
           say_failed("%s is left out: the server lacks XADD IDMP", scenario->name);
}

static bool is_missing(const struct scenario *scenario, size_t who) {
    return scenario->road == OVER_TLS && scenario_sides[who]->lacks_tls;
}

bool scenario_run(const struct scenario *scenario, const struct ground *ground,
                  uint64_t entries, size_t rounds, struct result *result) {
    static struct sample samples[WHO_COUNT][MEASURE_MAX_ROUNDS];
    uint64_t allocations = 0;
    entries = entries_of(scenario, entries);
    if (is_reading(scenario) && !fill(scenario, ground, warm_up_of(scenario) + entries)) {
        return false;
    }
    for (size_t i = 0; i < rounds * WHO_COUNT; i++) {
        size_t who = i % WHO_COUNT;
        struct sample *sample = &samples[who][i / WHO_COUNT];
        say_progress(scenario->name, i, rounds * WHO_COUNT);
        if (is_missing(scenario, who)) {
            continue;
        }
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
            is_missing(scenario, who)
                ? figure_missing()
                : figure_of(samples[who], rounds, (double)entries,
                            scenario->is_lower_better ? microseconds_each
                                                      : entries_a_second);
    }
    char answer[CONTROL_ANSWER];
    return control_ask(ground->control, "FLUSHALL\r\n", answer);
}
