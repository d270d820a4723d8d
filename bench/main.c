/* weir-bench: does the main job with weir, and measures it beside raw sockets and hiredis.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"
#include "guard.h"
#include "report.h"
#include "say.h"
#include "secure_server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Where the report goes. */
struct output {
    const struct options *options;
    FILE *table;
    FILE *json; /* NULL: nowhere */
};

/* What needs no server. */
static bool run_codec(struct report *report) {
    const struct options *options = &report->options;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (!options->with_codec[i]) {
            continue;
        }
        if (!codec_run(&codec_scenarios[i], options->round_entries, options->rounds,
                       &report->results[report->result_count])) {
            return false;
        }
        report->result_count++;
    }
    return true;
}

static bool run_paces(const struct ground *ground, struct report *report) {
    const struct options *options = &report->options;
    for (size_t i = 0; i < PACE_COUNT; i++) {
        const struct pace_scenario *scenario = &pace_scenarios[i];
        uint64_t entries =
            options->pace_entries != 0 ? options->pace_entries : scenario->rate;
        if (!options->with_pace[i]) {
            continue;
        }
        if (!pace_run(scenario, &ground->over[OVER_UNIX], ground->control, entries,
                      options->rounds, &report->paces[report->pace_count])) {
            return false;
        }
        report->pace_count++;
    }
    return true;
}

/* The memory of one reply comes first, while this process is small: the one that reads
 * begins as its copy. */
static bool run_parts(const struct ground *ground, struct report *report, FILE *table) {
    const struct options *options = &report->options;
    if (options->with_memory) {
        if (!one_reply_run(&ground->over[OVER_UNIX], ground->control,
                           options->memory_entries, &report->memory)) {
            return false;
        }
        say_progress_end();
        table_memory(table, &report->memory);
    }
    if (options->with_job) {
        if (!job_run(&ground->over[OVER_UNIX], options->job_entries, &report->job)) {
            return false;
        }
        say_progress_end();
        table_job(table, &report->job);
    }
    if (options->with_handover) {
        if (!handover_run(&ground->over[OVER_UNIX], ground->control, options->rounds,
                          &report->handover)) {
            return false;
        }
        say_progress_end();
        table_handover(table, &report->handover);
    }
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        if (!options->with_scenario[i] || !scenario_is_possible(&scenarios[i], ground)) {
            continue;
        }
        if (!scenario_run(&scenarios[i], ground, options->round_entries, options->rounds,
                          &report->results[report->result_count])) {
            return false;
        }
        report->result_count++;
    }
    if (!run_paces(ground, report) || !run_codec(report)) {
        return false;
    }
    say_progress_end();
    table_paces(table, report);
    table_scenarios(table, report);
    return true;
}

/* Writes the JSON, and whatever is not written yet. 0, or 1 if that failed. */
static int finish(const struct report *report, const struct output *output) {
    if (output->json != NULL) {
        json_write(output->json, report);
    }
    fflush(output->table);
    if (ferror(output->table) || (output->json != NULL && fflush(output->json) != 0)) {
        say_failed("cannot write the report: %s", strerror(errno));
        return 1;
    }
    return 0;
}

/* In the process that measures: 0, or 1 if it failed and said why. */
static int work(struct server *server, void *argument) {
    static struct report report;
    const struct output *output = argument;
    report.options = *output->options;

    struct ground ground = {
        .over = {[OVER_UNIX] = {.socket_path = server->socket_path},
                 [OVER_TCP] = {.socket_path = server->socket_path, .port = server->port}}};
    ground.control = control_open(&ground.over[OVER_UNIX]);
    if (ground.control < 0 || !provenance_find(&report.provenance, ground.control)) {
        return 1;
    }
    if (options_need_tls(&report.options)) {
        (void)secure_server(server, ground.control, &ground.over[OVER_TLS]);
    }
    table_head(output->table, &report);
    bool is_done = run_parts(&ground, &report, output->table);
    close(ground.control);
    return is_done ? finish(&report, output) : 1;
}

/* The same without a server. */
static int work_in_memory(const struct output *output) {
    static struct report report;
    report.options = *output->options;
    if (!provenance_find(&report.provenance, -1)) {
        return 1;
    }
    table_head(output->table, &report);
    if (!run_codec(&report)) {
        return 1;
    }
    say_progress_end();
    table_scenarios(output->table, &report);
    return finish(&report, output);
}

/* Opened before the run, so that a wrong path is told at once; a run that fails leaves an
 * empty file there, never an old report. */
static bool open_output(const struct options *options, struct output *output) {
    *output = (struct output){.options = options, .table = stdout};
    if (options->json == NULL) {
        return true;
    }
    if (strcmp(options->json, "-") == 0) {
        output->json = stdout;
        output->table = stderr;
        return true;
    }
    output->json = fopen(options->json, "w");
    return output->json != NULL ||
           say_failed("cannot write %s: %s", options->json, strerror(errno));
}

int main(int argc, char **argv) {
    struct options options;
    switch (options_read(argc, argv, &options)) {
    case OPTIONS_HELP: return 0;
    case OPTIONS_WRONG: return 2;
    case OPTIONS_RUN: break;
    }
    struct output output;
    if (!open_output(&options, &output)) {
        return 1;
    }
    if (!options_need_server(&options)) {
        return work_in_memory(&output);
    }
    return guard_run(options.server, work, &output);
}
