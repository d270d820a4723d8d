/* Chaos: producers and consumers on a real server to which everything happens, and a check
 * of what was promised. A run is one scenario on one server (and, for producers, in one
 * mode): a process of its own that starts the server, a proxy before it, and the producers
 * or workers, which are processes too; it makes trouble, heals all, lets them end, and
 * compares what they wrote down with what the server has.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_CHAOS_H
#define WEIR_CHAOS_H

#include "../proxy.h"
#include "../server.h"

#include "../../weir.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHAOS_ENTRIES 60000 /* most of one producer */
#define CHAOS_WRITERS 8
#define CHAOS_WORKERS 4
#define CHAOS_NOTICES 256
#define CHAOS_KEY     "s"
#define CHAOS_GROUP   "g"
#define CHAOS_DEAD    "dead"

/* What can be promised; a scenario names those it checks. */
enum {
    CHAOS_L = 1, /* nothing acknowledged is lost without being told */
    CHAOS_D = 2, /* nothing is there twice; nothing is worked on twice without being told */
    CHAOS_O = 4, /* order is kept */
    CHAOS_U = 8, /* what is not resolved is told as unknown, never as done or not done */
    CHAOS_T = 16, /* no call takes longer than it may */
    CHAOS_K = 32, /* each entry has one report; no descriptor, no memory is left */
    CHAOS_E = 64  /* the error says what happened */
};

/* Modes, as bits; 1 << weir_delivery_mode. */
enum {
    CHAOS_REPORT = 1 << WEIR_DELIVERY_REPORT,
    CHAOS_AT_LEAST_ONCE = 1 << WEIR_DELIVERY_AT_LEAST_ONCE,
    CHAOS_IDMP = 1 << WEIR_DELIVERY_IDMP,
    CHAOS_SCRIPT = 1 << WEIR_DELIVERY_SCRIPT,
    CHAOS_IDS = 1 << WEIR_DELIVERY_IDS,
    CHAOS_ALL = CHAOS_REPORT | CHAOS_AT_LEAST_ONCE | CHAOS_IDMP | CHAOS_SCRIPT | CHAOS_IDS
};

/* How a scenario is. */
enum {
    CHAOS_OVER_TCP = 1, /* else through a Unix socket */
    CHAOS_EXACT = 2, /* nothing is refused or lost: exactly once has no unknown entry, and
                        the script acknowledges all */
    CHAOS_IN_FLIGHT = 4, /* small windows, so that much is queued */
    CHAOS_SLOW = 8,      /* few entries: each byte takes its time */
    CHAOS_LOSES = 16,    /* the server loses what it has acknowledged */
    CHAOS_POISON = 32,   /* some entries cannot be worked on */
    CHAOS_REMADE = 64,   /* the group is lost and made again: what was done comes again */
    CHAOS_IDLE = 128,    /* hardly any entries */
    CHAOS_MADE_NAMES = 256, /* workers have names that are made for them */
    CHAOS_LARGE = 512       /* large entries, much in flight */
};

/* What happened to one entry, written by its producer. */
struct chaos_fate {
    uint8_t reports;
    uint8_t outcome;
    uint8_t reason;
    bool is_seen; /* the checker's: it is, or was, on the server */
    uint32_t attempts;
    weir_id id;
    weir_id seen; /* the checker's: under that id */
};

/* What one producer wrote down. Shared with the run's process. */
struct chaos_writer {
    atomic_bool is_open;
    uint64_t appended;
    uint64_t notices;
    weir_loss_notice list[CHAOS_NOTICES];
    int64_t latest_ms;  /* by how much the slowest call was late */
    int leaked;         /* descriptors */
    weir_status status; /* of close */
    bool has_said;      /* the words that the scenario expects */
    char words[320];    /* of the last error */
    struct chaos_fate fates[CHAOS_ENTRIES];
};

/* What the workers wrote down of one entry. */
struct chaos_work {
    atomic_uint done;   /* times */
    atomic_uint as_new; /* of them, without a delivery before */
};

struct chaos_worker {
    atomic_bool is_open;
    atomic_bool is_asked; /* to end */
    int64_t latest_ms;
    bool has_said;
    uint64_t losses;
    char words[320];
};

struct chaos_shared {
    atomic_bool is_over; /* append no more, end */
    struct chaos_writer writers[CHAOS_WRITERS];
    struct chaos_worker workers[CHAOS_WORKERS];
    struct chaos_work works[CHAOS_ENTRIES];
};

/* What came of a run; sums of it make the table. */
struct chaos_result {
    uint64_t runs, troubles;
    uint64_t entries, acked, lost, told, duplicated, reordered, unknown, refused;
    uint64_t done, again, unexplained, pending, letters, members;
    uint64_t torn;    /* runs whose server kept half a transaction in its file */
    uint64_t broken;  /* promises */
    char words[1024]; /* the first that was */
};

struct chaos_run;

struct chaos_scenario {
    const char *name;
    const char *number;                   /* in the project's list of faults */
    unsigned modes;                       /* 0: of consumers */
    unsigned letters;                     /* checked */
    unsigned how;                         /* bits above */
    int writers;                          /* 0: 1 */
    int64_t timeout_ms;                   /* of the client; 0: 2000 */
    const char *const *args;              /* of the server */
    const char *fsync_ms;                 /* so much longer its fdatasync takes; or NULL */
    const char *words;                    /* E: somebody has said them */
    void (*begin)(struct chaos_run *run); /* before all; may be NULL */
    void (*trouble)(struct chaos_run *run); /* again and again */
    int least_ms, most_ms;                  /* between two */
    void (*heal)(struct chaos_run *run);    /* at the end; may be NULL */
};

extern const struct chaos_scenario chaos_scenarios[];
extern const size_t chaos_scenario_count;

/* A run, in its own process. */
struct chaos_run {
    const struct chaos_scenario *scenario;
    weir_delivery_mode mode;
    uint64_t seed;
    int64_t for_ms; /* of trouble */

    uint64_t random;
    struct server server;
    struct proxy proxy;
    weir_client *control; /* to the server, past the proxy */
    const char *user;     /* NULL, or whom the producers are */
    const char *password;
    struct chaos_shared *shared;
    struct chaos_result *result;
    pid_t writers[CHAOS_WRITERS];
    pid_t workers[CHAOS_WORKERS];
    uint64_t step; /* how many troubles there were */
    bool is_torn;  /* the server has added what it had dropped: see field.c */

    int64_t last[CHAOS_WRITERS]; /* the checker's: the last number seen of each producer */
};

/* ---- the run (run.c) ---- */

/* All of a run; does not return. */
void chaos_play(struct chaos_run *run);

/* A promise is broken: counted, and the first one kept in words. */
void chaos_broken(struct chaos_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int64_t chaos_now_ms(void);
void chaos_nap(int64_t ms);
uint64_t chaos_any(uint64_t *random, uint64_t below);
int chaos_descriptors(void);

/* Where producers and workers connect to. */
const char *chaos_url(const struct chaos_run *run);

/* ---- at the server (field.c) ---- */

/* Starts the server and the proxy. False: it failed, and has said so. */
bool chaos_field_open(struct chaos_run *run);
void chaos_field_close(struct chaos_run *run);

/* A command, as words, by the control; its answer is passed over. False: refused. */
bool chaos_try(struct chaos_run *run, const char *const *words);
#define chaos_say(run, ...)                                                                \
    chaos_must((run), chaos_try((run), (const char *const[]){__VA_ARGS__, NULL}),          \
               #__VA_ARGS__)
void chaos_must(struct chaos_run *run, bool is_done, const char *what);

/* The same to the proxy, with numbers in it. */
void chaos_proxy(const struct chaos_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* kill -9, a while of nothing, and up again. */
void chaos_restart(struct chaos_run *run, int64_t down_ms);

/* True if the server's log tells of a transaction that it found twice begun in its file. */
bool chaos_is_torn(const struct chaos_run *run);

/* The server has started anew: the control connects again. */
void chaos_control(struct chaos_run *run);

/* ---- what came of producers (check.c) ---- */

/* Looks at all entries of a stream of the server's, and marks what it sees. */
void chaos_see(struct chaos_run *run, const char *key);

/* The same of a stream that is no longer in use, which is deleted then. */
void chaos_see_and_drop(struct chaos_run *run, const char *key);

/* Compares what was reported with what was seen, each in its process. */
void chaos_judge(struct chaos_run *run);

/* ---- producers (writer.c) and workers (worker.c): processes ---- */

void chaos_write(const struct chaos_run *run, int which);
void chaos_work(const struct chaos_run *run, int which);

/* Whether an entry of that number is one that cannot be worked on. */
bool chaos_is_poison(const struct chaos_run *run, uint64_t number);

/* Number `name` of an entry; -1: it has none. */
int64_t chaos_number(const weir_entry *entry, const char *name);

/* What came of consumers (group.c): waits until all is done, then compares. */
void chaos_hire(struct chaos_run *run, int which);
void chaos_dismiss(struct chaos_run *run, int which);
void chaos_judge_work(struct chaos_run *run);
bool chaos_await_work(struct chaos_run *run);

/* Waits for a process to end; breaks a promise where it does not, or not well. */
void chaos_reap(struct chaos_run *run, pid_t pid, int64_t within_ms, const char *who);

#endif
