/* The codec's scenarios, and the rounds in which the sides take turns.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "codec.h"

#include "say.h"

#include <time.h>

static const struct codec_shape values_40 = {1, 8, 1, 40};
static const struct codec_shape values_400 = {1, 8, 1, 400};
static const struct codec_shape one_16 = {1, 1, 16, 16};
static const struct codec_shape five_100 = {5, 5, 100, 100};

const struct codec_scenario codec_scenarios[CODEC_COUNT] = {
    {"decode.40", "ns/elem.", CODEC_DECODE_RANGE, &values_40, &codec_own_entries},
    {"decode.40.reader", "ns/elem.", CODEC_DECODE_RANGE, &values_40, &codec_own_reader},
    {"decode.400", "ns/elem.", CODEC_DECODE_RANGE, &values_400, &codec_own_entries},
    {"decode.400.reader", "ns/elem.", CODEC_DECODE_RANGE, &values_400, &codec_own_reader},
    {"decode.1x16", "ns/elem.", CODEC_DECODE_RANGE, &one_16, &codec_own_entries},
    {"decode.1x16.reader", "ns/elem.", CODEC_DECODE_RANGE, &one_16, &codec_own_reader},
    {"decode.ids", "ns/id", CODEC_DECODE_IDS, NULL, &codec_own_ids},
    {"decode.ids.reader", "ns/id", CODEC_DECODE_IDS, NULL, &codec_own_reader_ids},
    {"encode.1x16", "ns/XADD", CODEC_ENCODE_XADD, &one_16, &codec_own_encoder},
    {"encode.1x16.prepared", "ns/XADD", CODEC_ENCODE_XADD, &one_16, &codec_own_prepared},
    {"encode.1x16.batch", "ns/XADD", CODEC_ENCODE_XADD, &one_16, &codec_own_prepared_all},
    {"encode.5x100", "ns/XADD", CODEC_ENCODE_XADD, &five_100, &codec_own_encoder},
    {"encode.5x100.prepared", "ns/XADD", CODEC_ENCODE_XADD, &five_100, &codec_own_prepared},
    {"encode.5x100.batch", "ns/XADD", CODEC_ENCODE_XADD, &five_100,
     &codec_own_prepared_all},
};

/* Less is better; there is no work for a server. */
static const struct scenario *shown_as(const struct codec_scenario *scenario) {
    static struct scenario shown[CODEC_COUNT];
    struct scenario *as = &shown[scenario - codec_scenarios];
    as->name = scenario->name;
    as->unit = scenario->unit;
    as->is_lower_better = true;
    return as;
}

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double codec_now(void) { return seconds_of(CLOCK_MONOTONIC); }

void codec_end_apart(struct codec_tally *tally, double start, size_t bytes) {
    const double most = 2; /* times the fastest: beyond that something else was going on */
    struct codec_apart *apart = &tally->apart;
    double took = codec_now() - start;
    double a_byte = took / (double)bytes;
    if (!(apart->least_a_byte > 0) || a_byte < apart->least_a_byte) {
        apart->least_a_byte = a_byte;
    }
    double bound = most * apart->least_a_byte * (double)bytes;
    apart->seconds += took < bound ? took : bound;
}

static double nanoseconds_each(double seconds, double entries) {
    return seconds / entries * 1e9;
}

static const struct codec_side *side_of(const struct codec_scenario *scenario,
                                        enum who who) {
    switch (who) {
    case WHO_WEIR: return scenario->own;
    case WHO_FLOOR: return &codec_floor[scenario->task];
    case WHO_HIREDIS: return &codec_hiredis[scenario->task];
    }
    return NULL;
}

/* The data once over: adds its CPU time, less what does not count. */
static bool make_pass(const struct codec_side *side, void *self,
                      const struct codec_data *data, double *took,
                      struct codec_tally *total) {
    struct codec_tally tally = {.apart = {.least_a_byte = total->apart.least_a_byte}};
    if (side->make_ready != NULL && !side->make_ready(self)) {
        return false;
    }
    double start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    bool is_done = side->pass(self, &tally);
    *took += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start;
    if (!is_done) {
        return false;
    }
    *took -= tally.apart.seconds;
    total->apart.least_a_byte = tally.apart.least_a_byte;
    total->allocations += tally.allocations;
    return tally.sum == data->sum || say_failed("the sums differ");
}

/*
 * One pass first, so that buffers have their size. The time is CPU time, so that whatever
 * else the machine does has no part in it. Asking for it is a system call, which around
 * each piece apart would cost as much as what is measured; so those are timed by another
 * clock, which goes on while something else runs: no piece counts for more than twice what
 * the fastest took.
 */
static bool run_side(const struct codec_side *side, const struct codec_data *data,
                     size_t passes, struct sample *sample) {
    struct codec_tally total = {0};
    double took = 0;
    void *self = side->open(data);
    if (self == NULL) {
        return false;
    }
    bool is_done = make_pass(side, self, data, &took, &total);
    took = 0;
    total.allocations = 0;
    for (size_t i = 0; is_done && i < passes; i++) {
        is_done = make_pass(side, self, data, &took, &total);
    }
    sample->took = (struct moment){.wall = took, .user = took};
    sample->server_cpu = 0;
    sample->calls = (struct calls){0};
    sample->allocations = total.allocations;
    side->close(self);
    return is_done;
}

static bool run_rounds(const struct codec_scenario *scenario, const struct codec_data *data,
                       size_t passes, size_t rounds,
                       struct sample samples[WHO_COUNT][MEASURE_MAX_ROUNDS]) {
    for (size_t i = 0; i < rounds * WHO_COUNT; i++) {
        enum who who = (enum who)(i % WHO_COUNT);
        say_progress(scenario->name, i, rounds * WHO_COUNT);
        if (!run_side(side_of(scenario, who), data, passes, &samples[who][i / WHO_COUNT])) {
            return say_failed("%s: %s failed", scenario->name, scenario_sides[who]->name);
        }
    }
    return true;
}

bool codec_run(const struct codec_scenario *scenario, uint64_t entries, size_t rounds,
               struct result *result) {
    static struct sample samples[WHO_COUNT][MEASURE_MAX_ROUNDS];
    struct codec_data data;
    codec_data_make(scenario, &data);
    size_t passes = (size_t)((entries + CODEC_ENTRIES - 1) / CODEC_ENTRIES);
    bool is_done = run_rounds(scenario, &data, passes, rounds, samples);
    codec_data_free(&data);
    if (!is_done) {
        return false;
    }
    uint64_t allocations = 0;
    for (size_t i = 0; i < rounds; i++) {
        allocations += samples[WHO_WEIR][i].allocations;
    }
    double per_round = (double)passes * (double)data.entries;
    result->scenario = shown_as(scenario);
    result->entries = passes * data.entries;
    result->allocations_per_entry = (double)allocations / (per_round * (double)rounds);
    for (size_t who = 0; who < WHO_COUNT; who++) {
        struct figure *figure = &result->figures[who];
        double share = (double)data.entries / (double)data.elements;
        *figure = figure_of(samples[who], rounds, per_round, nanoseconds_each);
        figure->value *= share; /* of an entry to that of an element */
        figure->low *= share;
        figure->high *= share;
    }
    return true;
}
