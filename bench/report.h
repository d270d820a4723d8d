/* What a run has found out, and its two forms: for people and for programs.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "codec.h"
#include "handover.h"
#include "job.h"
#include "one_reply.h"
#include "options.h"
#include "pace.h"
#include "provenance.h"
#include "scenario.h"
#include "server.h"

#include <stdio.h>

struct report {
    struct options options;
    struct provenance provenance;
    struct job_result job;
    struct one_reply memory;
    struct handover handover;
    struct result results[SCENARIO_COUNT + CODEC_COUNT];
    size_t result_count;
    struct pace_result paces[PACE_COUNT];
    size_t pace_count;
};

/* Parts of the table, each as soon as it is known. */
void table_head(FILE *file, const struct report *report);
void table_job(FILE *file, const struct job_result *job);
void table_memory(FILE *file, const struct one_reply *memory);
void table_handover(FILE *file, const struct handover *handover);
void table_paces(FILE *file, const struct report *report);
void table_scenarios(FILE *file, const struct report *report);

/* The whole report as one JSON object. */
void json_write(FILE *file, const struct report *report);

#endif
