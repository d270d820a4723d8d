/* The command line.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include "say.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_JOB      "job"
#define NAME_MEMORY   "memory.one_reply"
#define NAME_HANDOVER "consumer.handover"

#define MOST_ENTRIES UINT64_C(1000000000)

/* What was said, before it is known what it means. */
struct said {
    const char *only;
    uint64_t entries; /* 0: the defaults */
    size_t rounds;    /* 0: the default */
    bool is_quick;
    bool is_all;
};

/* Every scenario has a number: those with a server first, then those at a fixed rate. */
#define FIRST_PACE  SCENARIO_COUNT
#define FIRST_CODEC (FIRST_PACE + PACE_COUNT)
#define NAMED_COUNT (FIRST_CODEC + CODEC_COUNT)

static const char *scenario_name(size_t i) {
    return i < FIRST_PACE    ? scenarios[i].name
           : i < FIRST_CODEC ? pace_scenarios[i - FIRST_PACE].name
                             : codec_scenarios[i - FIRST_CODEC].name;
}

static bool *scenario_flag(struct options *options, size_t i) {
    return i < FIRST_PACE    ? &options->with_scenario[i]
           : i < FIRST_CODEC ? &options->with_pace[i - FIRST_PACE]
                             : &options->with_codec[i - FIRST_CODEC];
}

bool options_need_server(const struct options *options) {
    bool need = options->with_job || options->with_memory || options->with_handover;
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        need = need || options->with_scenario[i];
    }
    for (size_t i = 0; i < PACE_COUNT; i++) {
        need = need || options->with_pace[i];
    }
    return need;
}

bool options_need_tls(const struct options *options) {
    bool need = false;
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        need = need || (options->with_scenario[i] && scenarios[i].road == OVER_TLS);
    }
    return need;
}

static void print_usage(FILE *file) {
    fputs(
        "usage: weir-bench [job|memory|decode|encode] [OPTION...]\n"
        "Starts a private redis-server, and measures weir beside raw sockets (the floor)\n"
        "and hiredis in the same run.\n"
        "\n"
        "  (nothing)       the main job, every entry checked; the memory of one large\n"
        "                  reply; then the usual scenarios: below 4 minutes in all\n"
        "  job             the main job alone\n"
        "  memory          read a stream in ONE reply and tell the peak of memory;\n"
        "                  exit code 1 if it reaches 16 MiB\n"
        "  decode, encode  replies and commands in memory, without a server\n"
        "\n"
        "  --quick         fewer rounds of fewer entries: under 20 seconds in all\n"
        "  --all           all scenarios: some 12 minutes\n"
        "  --only NAME,... only these; see below. A part of a name up to a dot is all that\n"
        "                  begin so: --only producer\n"
        "  --rounds N      rounds of each side, 1 to 101 (5; quick: 3)\n"
        "  --entries N     entries of a round, rounded up to thousands (200000; quick:\n"
        "                  50000; round trips: a tenth; pace: one second's); job: of the\n"
        "                  job (1000000); memory: of the reply (10000000)\n"
        "  --server PATH   the server program (redis-server)\n"
        "  --json FILE     the report for programs too; \"-\": instead, on stdout\n"
        "  --help          this text\n"
        "\n"
        "names: " NAME_JOB " " NAME_MEMORY " " NAME_HANDOVER,
        file);
    for (size_t i = 0; i < NAMED_COUNT; i++) {
        fprintf(file, "%s%s", i % 4 == 0 ? "\n       " : " ", scenario_name(i));
    }
    fputc('\n', file);
}

static bool read_number(const char *text, uint64_t most, uint64_t *number) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value == 0 ||
        value > most) {
        return say_failed("\"%s\" is not a number from 1 to %llu", text,
                          (unsigned long long)most);
    }
    *number = value;
    return true;
}

/* True if the name is the word, or (is_group) begins with it and a dot. */
static bool is_named(const char *name, const char *word, size_t len, bool is_group) {
    return strncmp(name, word, len) == 0 && name[len] == (is_group ? '.' : '\0');
}

/* The scenario of just that name, or all whose names begin with it and a dot; false: there
 * are none. */
static bool select_scenarios(const char *word, size_t len, struct options *options) {
    bool is_any = false;
    for (size_t i = 0; i < NAMED_COUNT; i++) {
        if (is_named(scenario_name(i), word, len, false)) {
            *scenario_flag(options, i) = true;
            return true;
        }
    }
    for (size_t i = 0; i < NAMED_COUNT; i++) {
        if (is_named(scenario_name(i), word, len, true)) {
            *scenario_flag(options, i) = true;
            is_any = true;
        }
    }
    return is_any;
}

/* Selects one name of a list. */
static bool select_name(const char *name, size_t len, struct options *options) {
    if (is_named(NAME_JOB, name, len, false)) {
        options->with_job = true;
        return true;
    }
    if (is_named(NAME_MEMORY, name, len, false)) {
        options->with_memory = true;
        return true;
    }
    if (is_named(NAME_HANDOVER, name, len, false)) {
        options->with_handover = true;
        return true;
    }
    options->with_handover =
        options->with_handover || is_named(NAME_HANDOVER, name, len, true);
    return select_scenarios(name, len, options) ||
           say_failed("there is nothing named \"%.*s\"", (int)len, name);
}

static bool select_list(const char *list, struct options *options) {
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        if (!select_name(at, len, options)) {
            return false;
        }
        at += len;
        if (*at == '\0') {
            return true;
        }
    }
}

/* Without names: as much as was asked for. */
static void select_usual(const struct said *said, struct options *options) {
    enum run last = said->is_all ? RUN_ALL : said->is_quick ? RUN_ALWAYS : RUN_WHOLE;
    options->with_job = true;
    options->with_memory = true;
    options->with_handover = last >= RUN_WHOLE;
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        options->with_scenario[i] = scenarios[i].run <= last;
    }
    for (size_t i = 0; i < PACE_COUNT; i++) {
        options->with_pace[i] = last == RUN_ALL;
    }
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        options->with_codec[i] = true;
    }
}

/* The sizes of a whole run; job and memory by themselves have their own. */
static void put_sizes(const struct said *said, struct options *options) {
    options->rounds = said->is_quick ? 3 : 5;
    options->round_entries = said->is_quick ? 50000 : 200000;
    options->job_entries = said->is_quick ? 100000 : 1000000;
    options->memory_entries = said->is_quick ? 500000 : 2000000;
    if (said->rounds != 0) {
        options->rounds = said->rounds;
    }
    if (said->entries != 0) {
        options->round_entries = said->entries;
    }
    options->pace_entries = said->entries;
}

static bool choose(const char *command, const struct said *said, struct options *options) {
    put_sizes(said, options);
    if ((command != NULL || said->is_all) && said->only != NULL) {
        return say_failed("\"%s\" and --only contradict each other",
                          command != NULL ? command : "--all");
    }
    if (command == NULL && said->only != NULL) {
        return select_list(said->only, options);
    }
    if (command == NULL) {
        select_usual(said, options);
        return true;
    }
    if (strcmp(command, "job") == 0) {
        options->with_job = true;
        options->job_entries = said->entries != 0 ? said->entries : options->job_entries;
        return true;
    }
    if (strcmp(command, "memory") == 0) {
        options->with_memory = true;
        options->memory_entries = said->is_quick ? options->memory_entries : 10000000;
        options->memory_entries =
            said->entries != 0 ? said->entries : options->memory_entries;
        return true;
    }
    bool is_codec = strcmp(command, "decode") == 0 || strcmp(command, "encode") == 0;
    return (is_codec && select_scenarios(command, strlen(command), options)) ||
           say_failed("there is no command \"%s\"", command);
}

/* Takes one option; false: it is wrong, and said so. */
static bool take_option(int option, struct said *said, struct options *options) {
    uint64_t rounds;
    switch (option) {
    case 'q': said->is_quick = true; return true;
    case 'a': said->is_all = true; return true;
    case 'o': said->only = optarg; return true;
    case 's': options->server = optarg; return true;
    case 'j': options->json = optarg; return true;
    case 'e': return read_number(optarg, MOST_ENTRIES, &said->entries);
    case 'r':
        if (!read_number(optarg, MEASURE_MAX_ROUNDS, &rounds)) {
            return false;
        }
        said->rounds = (size_t)rounds;
        return true;
    default: return false; /* getopt_long has said what */
    }
}

enum options_outcome options_read(int argc, char **argv, struct options *options) {
    static const struct option known[] = {{"quick", no_argument, NULL, 'q'},
                                          {"only", required_argument, NULL, 'o'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"entries", required_argument, NULL, 'e'},
                                          {"server", required_argument, NULL, 's'},
                                          {"json", required_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"all", no_argument, NULL, 'a'},
                                          {NULL, 0, NULL, 0}};
    struct said said = {0};
    *options = (struct options){.server = "redis-server"};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return OPTIONS_HELP;
        }
        if (!take_option(option, &said, options)) {
            print_usage(stderr);
            return OPTIONS_WRONG;
        }
    }
    const char *command = optind < argc ? argv[optind] : NULL;
    bool is_right = optind + 1 < argc ? say_failed("more than one command")
                                      : choose(command, &said, options);
    if (!is_right) {
        print_usage(stderr);
        return OPTIONS_WRONG;
    }
    return OPTIONS_RUN;
}
