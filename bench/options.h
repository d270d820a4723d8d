/* The command line.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "codec.h"
#include "pace.h"

struct options {
    const char *server; /* the program */
    const char *json;   /* a path, "-", or NULL */
    size_t rounds;
    uint64_t round_entries;
    bool with_job;
    uint64_t job_entries;
    bool with_memory;
    uint64_t memory_entries;
    bool with_handover;
    bool with_scenario[SCENARIO_COUNT];
    bool with_pace[PACE_COUNT];
    uint64_t pace_entries; /* of a round; 0: a second's */
    bool with_codec[CODEC_COUNT];
};

/* True if something needs a server; else all that is measured is in memory. */
bool options_need_server(const struct options *options);

/* True if something goes over TLS. */
bool options_need_tls(const struct options *options);

enum options_outcome { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_WRONG };

/* Reads the command line. OPTIONS_HELP: it was printed. OPTIONS_WRONG: said what, and how
 * to use it, on stderr. */
enum options_outcome options_read(int argc, char **argv, struct options *options);

#endif
