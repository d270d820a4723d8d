/* weir-chaos: plays the scenarios in rounds, and ends in a table; tests/chaos.sh builds it
 * and finds the servers.
 *   weir-chaos [--minutes N] [--short] [--seed N] [--jobs N] [--ms N] [--mode MODE]
 *              [--json FILE] --server NAME=PROGRAM ... [SCENARIO ...]
 * 0: every promise was kept; 1: one was broken; 2: it was called wrongly.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "plan.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_JOBS    8
#define HANGING_MS   240000 /* longer than all waits of a run together */
#define OVERHEAD_MS  1500   /* of a run, about: starting, ending, judging */
#define ROUND_RUN_MS 4000   /* about so long is a run where there is time enough */

struct job {
    pid_t pid; /* 0: free */
    size_t item;
    uint64_t seed;
    int64_t until_ms;
    struct chaos_result *result; /* shared */
};

struct chaos {
    struct chaos_plan plan;
    const char *wanted[64];
    size_t wanted_count;
    const char *mode;
    bool is_short;
    int64_t minutes;
    int64_t ms;    /* of a run's trouble */
    uint64_t seed; /* of every run; 0: each has its own */
    uint64_t random;
    FILE *json;
    struct job jobs[MOST_JOBS];
    size_t job_count;
    size_t order[CHAOS_ITEMS];
    uint64_t runs;
    uint64_t broken;
    int64_t began_ms;
};

/* ---- the plan ---- */

static bool is_wanted(const struct chaos *chaos, const char *name) {
    for (size_t i = 0; i < chaos->wanted_count; i++) {
        if (strcmp(chaos->wanted[i], name) == 0) {
            return true;
        }
    }
    return chaos->wanted_count == 0;
}

/* Redis 8.6.2 and later; Valkey has none. */
static bool has_idmp(const char *program) {
    char command[512];
    char line[256] = "";
    int major = 0;
    int minor = 0;
    int patch = 0;
    (void)snprintf(command, sizeof command, "'%s' --version", program);
    FILE *out = popen(command, "r");
    if (out != NULL) {
        (void)fgets(line, sizeof line, out);
        (void)pclose(out);
    }
    int count = sscanf(line, /* NOLINT(cert-err34-c): small numbers */
                       "Redis server v=%d.%d.%d", &major, &minor, &patch);
    return count == 3 && major * 10000 + minor * 100 + patch >= 80602;
}

static void plan_item(struct chaos *chaos, const struct chaos_scenario *scenario,
                      const struct chaos_server *server, weir_delivery_mode mode) {
    bool is_mode = chaos->mode == NULL || strcmp(chaos->mode, chaos_modes[mode]) == 0;
    if (is_mode && chaos->plan.item_count < CHAOS_ITEMS) {
        chaos->plan.items[chaos->plan.item_count++] =
            (struct chaos_item){.scenario = scenario, .server = server, .mode = mode};
    }
}

/* The short form: all on the first server, a few on the others. */
static bool is_left_out(const struct chaos *chaos, const struct chaos_scenario *scenario,
                        const struct chaos_server *server) {
    static const char *const few[] = {"cut", "killed, always", "idmp changed", "poison"};
    bool is_one = !chaos->is_short || server == &chaos->plan.servers[0];
    for (size_t i = 0; i < sizeof few / sizeof few[0]; i++) {
        is_one = is_one || strcmp(few[i], scenario->name) == 0;
    }
    return !is_one || !is_wanted(chaos, scenario->name);
}

/* The short form: the script, and one of the others in turn. */
static bool has_turn(const struct chaos *chaos, const struct chaos_scenario *scenario,
                     unsigned mode) {
    static const unsigned others[] = {WEIR_DELIVERY_REPORT, WEIR_DELIVERY_IDS,
                                      WEIR_DELIVERY_AT_LEAST_ONCE};
    size_t index = (size_t)(scenario - chaos_scenarios);
    return !chaos->is_short || mode == WEIR_DELIVERY_SCRIPT || mode == WEIR_DELIVERY_IDMP ||
           mode == others[index % 3];
}

static void plan_scenario(struct chaos *chaos, const struct chaos_scenario *scenario,
                          const struct chaos_server *server) {
    if (is_left_out(chaos, scenario, server)) {
        return;
    }
    if (scenario->modes == 0) {
        plan_item(chaos, scenario, server, WEIR_DELIVERY_SCRIPT); /* its producer's */
        return;
    }
    for (unsigned mode = WEIR_DELIVERY_REPORT; mode <= WEIR_DELIVERY_IDS; mode++) {
        bool is_possible = mode != WEIR_DELIVERY_IDMP || server->has_idmp;
        if ((scenario->modes & 1U << mode) != 0 && is_possible &&
            has_turn(chaos, scenario, mode)) {
            plan_item(chaos, scenario, server, (weir_delivery_mode)mode);
        }
    }
}

static void make_plan(struct chaos *chaos) {
    for (size_t i = 0; i < chaos_scenario_count; i++) {
        for (size_t k = 0; k < chaos->plan.server_count; k++) {
            plan_scenario(chaos, &chaos_scenarios[i], &chaos->plan.servers[k]);
        }
    }
}

/* ---- jobs ---- */

static void become_run(const struct chaos *chaos, const struct job *job) {
    static struct chaos_run run;
    const struct chaos_item *item = &chaos->plan.items[job->item];
    (void)setenv("WEIR_TEST_SERVER", item->server->program, 1);
    run.scenario = item->scenario;
    run.mode = item->mode;
    run.seed = job->seed;
    run.for_ms = chaos->ms;
    run.result = job->result;
    chaos_play(&run);
}

static void start_job(struct chaos *chaos, struct job *job, size_t item) {
    pid_t parent = getpid();
    job->item = item;
    job->seed = chaos->seed != 0 ? chaos->seed : 1 + chaos_any(&chaos->random, 1000000000);
    job->until_ms = chaos_now_ms() + chaos->ms + HANGING_MS;
    memset(job->result, 0, sizeof *job->result);
    (void)fflush(NULL);
    job->pid = fork();
    if (job->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            become_run(chaos, job);
        }
        _exit(1);
    }
}

static void end_job(struct chaos *chaos, struct job *job, int how) {
    struct chaos_item *item = &chaos->plan.items[job->item];
    struct chaos_result *result = job->result;
    if (result->runs == 0 || !WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        result->runs = 1;
        if (result->broken++ == 0) {
            (void)snprintf(result->words, sizeof result->words,
                           "K: the run itself ended by %s %d",
                           WIFEXITED(how) ? "status" : "signal",
                           WIFEXITED(how) ? WEXITSTATUS(how) : WTERMSIG(how));
        }
    }
    if (result->broken > 0) {
        (void)fprintf(stderr,
                      "%sBROKEN: %s, %s%s%s, --seed %" PRIu64 ": %s (%" PRIu64 " in all)\n",
                      isatty(2) ? "\r\033[K" : "", item->scenario->name, item->server->name,
                      item->scenario->modes != 0 ? ", " : "",
                      item->scenario->modes != 0 ? chaos_modes[item->mode] : "", job->seed,
                      result->words, result->broken);
    }
    chaos_add(&item->sum, result);
    chaos->broken += result->broken > 0 ? 1 : 0;
    chaos->runs++;
    job->pid = 0;
}

static void look_after(struct chaos *chaos, struct job *job) {
    int how = 0;
    if (job->pid == 0) {
        return;
    }
    if (chaos_now_ms() > job->until_ms) {
        (void)kill(job->pid, SIGKILL);
        (void)waitpid(job->pid, &how, 0);
        end_job(chaos, job, how);
    } else if (waitpid(job->pid, &how, WNOHANG) == job->pid) {
        end_job(chaos, job, how);
    }
}

static struct job *free_job(struct chaos *chaos) {
    for (;;) {
        for (size_t i = 0; i < chaos->job_count; i++) {
            look_after(chaos, &chaos->jobs[i]);
            if (chaos->jobs[i].pid == 0) {
                return &chaos->jobs[i];
            }
        }
        chaos_nap(5);
    }
}

static void end_all(struct chaos *chaos) {
    for (size_t i = 0; i < chaos->job_count; i++) {
        while (chaos->jobs[i].pid != 0) {
            look_after(chaos, &chaos->jobs[i]);
            chaos_nap(5);
        }
    }
}

static void show_progress(const struct chaos *chaos, const struct chaos_item *item) {
    if (isatty(2)) {
        (void)fprintf(stderr,
                      "\r\033[K%5" PRId64 " s, %" PRIu64 " runs, %" PRIu64
                      " broken: %s, %s, %s ",
                      (chaos_now_ms() - chaos->began_ms) / 1000, chaos->runs, chaos->broken,
                      item->scenario->name, item->server->name, chaos_modes[item->mode]);
    } else if (chaos->runs % 50 == 0 && chaos->runs > 0) {
        (void)fprintf(stderr, "after %" PRId64 " s: %" PRIu64 " runs, %" PRIu64 " broken\n",
                      (chaos_now_ms() - chaos->began_ms) / 1000, chaos->runs,
                      chaos->broken);
    }
}

/* ---- rounds ---- */

static void shuffle(struct chaos *chaos) {
    for (size_t i = 0; i < chaos->plan.item_count; i++) {
        size_t at = (size_t)chaos_any(&chaos->random, i + 1);
        chaos->order[i] = chaos->order[at];
        chaos->order[at] = i;
    }
}

static void play_round(struct chaos *chaos, int64_t until_ms) {
    shuffle(chaos);
    for (size_t i = 0; i < chaos->plan.item_count && chaos_now_ms() < until_ms; i++) {
        struct job *job = free_job(chaos);
        start_job(chaos, job, chaos->order[i]);
        show_progress(chaos, &chaos->plan.items[chaos->order[i]]);
    }
}

/* One round is whole whatever the time; then as many as there is time for. */
static void play_all(struct chaos *chaos) {
    int64_t total_ms = chaos->minutes * 60000;
    int64_t until_ms = chaos->began_ms + total_ms;
    int64_t share_ms =
        total_ms * (int64_t)chaos->job_count / (int64_t)chaos->plan.item_count;
    int64_t rounds = share_ms > 2 * ROUND_RUN_MS ? share_ms / ROUND_RUN_MS : 1;
    int64_t run_ms = share_ms / rounds - OVERHEAD_MS;
    if (chaos->ms == 0) {
        chaos->ms = run_ms > 500 ? run_ms : 500;
    }
    play_round(chaos, INT64_MAX);
    while (chaos_now_ms() < until_ms) {
        play_round(chaos, until_ms);
    }
    end_all(chaos);
}

/* ---- the command line ---- */

static void take_server(struct chaos *chaos, char *text) {
    char *program = strchr(text, '=');
    if (program == NULL || chaos->plan.server_count == CHAOS_SERVERS) {
        (void)fprintf(stderr, "--server NAME=PROGRAM, at most %d\n", CHAOS_SERVERS);
        exit(2);
    }
    *program++ = '\0';
    struct chaos_server *server = &chaos->plan.servers[chaos->plan.server_count++];
    (void)snprintf(server->name, sizeof server->name, "%s", text);
    server->program = program;
    server->has_idmp = has_idmp(program);
}

static void take_json(struct chaos *chaos, const char *path) {
    chaos->json = fopen(path, "w");
    if (chaos->json == NULL) {
        perror(path);
        exit(2);
    }
}

static void take_scenario(struct chaos *chaos, const char *name) {
    for (size_t i = 0; i < chaos_scenario_count; i++) {
        if (strcmp(chaos_scenarios[i].name, name) == 0 && chaos->wanted_count < 64) {
            chaos->wanted[chaos->wanted_count++] = name;
            return;
        }
    }
    (void)fprintf(stderr, "no scenario \"%s\"; there are:\n", name);
    for (size_t i = 0; i < chaos_scenario_count; i++) {
        (void)fprintf(stderr, "  %s\n", chaos_scenarios[i].name);
    }
    exit(2);
}

static uint64_t number(const char *text) {
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value > 100000000000) {
        (void)fprintf(stderr, "no number: %s\n", text);
        exit(2);
    }
    return value;
}

static void take_option(struct chaos *chaos, const char *name, char *value) {
    if (strcmp(name, "--server") == 0) {
        take_server(chaos, value);
    } else if (strcmp(name, "--json") == 0) {
        take_json(chaos, value);
    } else if (strcmp(name, "--mode") == 0) {
        chaos->mode = value;
    } else if (strcmp(name, "--minutes") == 0) {
        chaos->minutes = (int64_t)number(value);
    } else if (strcmp(name, "--seed") == 0) {
        chaos->seed = number(value);
    } else if (strcmp(name, "--ms") == 0) {
        chaos->ms = (int64_t)number(value);
    } else if (strcmp(name, "--jobs") == 0) {
        uint64_t count = number(value);
        chaos->job_count = count < 1 ? 1 : count > MOST_JOBS ? MOST_JOBS : (size_t)count;
    } else {
        (void)fprintf(stderr, "unknown: %s\n", name);
        exit(2);
    }
}

static void take_arguments(struct chaos *chaos, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--short") == 0) {
            chaos->is_short = true;
        } else if (argv[i][0] != '-') {
            take_scenario(chaos, argv[i]);
        } else if (i + 1 == argc) {
            (void)fprintf(stderr, "%s needs a value\n", argv[i]);
            exit(2);
        } else {
            take_option(chaos, argv[i], argv[i + 1]);
            i++;
        }
    }
}

int main(int argc, char **argv) {
    static struct chaos chaos = {.job_count = 2};
    chaos.random = (uint64_t)time(NULL) * 2 + 1;
    chaos.began_ms = chaos_now_ms();
    take_arguments(&chaos, argc, argv);
    if (chaos.is_short) {
        chaos.seed = chaos.seed != 0 ? chaos.seed : 1;
        chaos.ms = chaos.ms != 0 ? chaos.ms : 600;
    }
    make_plan(&chaos);
    for (size_t i = 0; i < chaos.job_count; i++) {
        chaos.jobs[i].result =
            mmap(NULL, sizeof *chaos.jobs[i].result, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    }
    if (chaos.plan.item_count == 0 || chaos.jobs[0].result == MAP_FAILED) {
        (void)fprintf(stderr, "nothing to do: no --server, or none for that mode\n");
        return 2;
    }
    play_all(&chaos);
    chaos_print_table(stdout, &chaos.plan);
    for (size_t i = 0; chaos.json != NULL && i < chaos.plan.item_count; i++) {
        chaos_print_json(chaos.json, &chaos.plan.items[i]);
    }
    (void)printf("\n%" PRIu64 " runs in %" PRId64 " s, %" PRIu64 " broke a promise\n",
                 chaos.runs, (chaos_now_ms() - chaos.began_ms) / 1000, chaos.broken);
    return chaos.broken == 0 ? 0 : 1;
}
