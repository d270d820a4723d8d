/* The scenarios: what happens to the server, and to the connections to it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "chaos.h"

#include "../support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t any(struct chaos_run *run, uint64_t below) {
    return chaos_any(&run->random, below);
}

static void nap(struct chaos_run *run, int least_ms, int most_ms) {
    chaos_nap(least_ms + (int64_t)any(run, (uint64_t)(most_ms - least_ms) + 1));
}

/* ---- connections ---- */

static void sever(struct chaos_run *run, const char *how) {
    switch (any(run, 7)) {
    case 0: chaos_proxy(run, "%s", how); break;
    case 1: chaos_proxy(run, "%s after %d down", how, (int)any(run, 2000)); break;
    case 2: chaos_proxy(run, "%s after %d up", how, (int)any(run, 5000)); break;
    case 3: chaos_proxy(run, "%s after %d replies", how, (int)any(run, 40)); break;
    case 4: chaos_proxy(run, "%s client after %d down", how, (int)any(run, 2000)); break;
    case 5: chaos_proxy(run, "%s server after %d down", how, (int)any(run, 2000)); break;
    default:
        chaos_proxy(run, "%s each within %d down", how, 200 + (int)any(run, 3000));
        nap(run, 50, 150);
        chaos_proxy(run, "go");
        break;
    }
}

static void cut(struct chaos_run *run) { sever(run, "cut"); }

static void reset(struct chaos_run *run) { sever(run, "reset"); }

/* Answers stop somewhere, and the connection stays. */
static void stall(struct chaos_run *run) {
    chaos_proxy(run, "stall down after %d down", (int)any(run, 3000));
    nap(run, 300, 500);
}

/* Requests go nowhere, and neither does a new connection's. */
static void swallow(struct chaos_run *run) {
    chaos_proxy(run, "stall up");
    nap(run, 100, 700);
    chaos_proxy(run, "go");
}

static void drip(struct chaos_run *run) {
    static const char *const manners[] = {"pieces up 1 every 1", "pieces up 1 every 3",
                                          "pieces both random 5 every 1",
                                          "pieces down 1 every 1"};
    chaos_proxy(run, "pieces both whole");
    chaos_proxy(run, "%s", manners[any(run, 4)]);
}

/* What a dead connection had sent waits at the server, and runs late. */
static void wake_the_dead(struct chaos_run *run) {
    chaos_say(run, "CLIENT", "PAUSE", "400", "WRITE");
    nap(run, 5, 40);
    chaos_proxy(run, "cut client");
    nap(run, 450, 600);
}

static void pause_all(struct chaos_run *run) {
    chaos_say(run, "CLIENT", "PAUSE", any(run, 2) == 0 ? "80" : "300", "ALL");
    nap(run, 50, 300);
}

static void make_few(struct chaos_run *run) {
    chaos_say(run, "ACL", "SETUSER", "few", "on", ">secret", "~*", "&*", "+@all",
              "-client|kill");
    run->user = "few";
    run->password = "secret";
}

static void crowd_out(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "maxclients", "1");
    chaos_proxy(run, "cut");
    nap(run, 100, 200);
    chaos_say(run, "CONFIG", "SET", "maxclients", "1000");
}

static void set_password(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "requirepass", "one");
    run->password = "one";
}

static void change_password(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "requirepass", "two");
    chaos_proxy(run, "cut");
    nap(run, 100, 200);
    chaos_say(run, "CONFIG", "SET", "requirepass", "one");
    nap(run, 600, 1200); /* a refused login is tried once a second */
}

/* ---- the server's life ---- */

static void crash(struct chaos_run *run) { chaos_restart(run, (int64_t)any(run, 100)); }

static void shut_down(struct chaos_run *run) {
    const char *const words[] = {"SHUTDOWN", "NOSAVE", NULL};
    if (any(run, 2) == 0) {
        chaos_say(run, "SAVE");
        nap(run, 10, 50);
    }
    (void)chaos_try(run, words); /* no answer comes */
    chaos_restart(run, (int64_t)any(run, 100));
}

static void fill(struct chaos_run *run) {
    chaos_say(run, "EVAL", "for i=1,4000 do redis.call('SET','fill'..i,'1') end", "0");
}

/* It loads for a while after its restart, and connecting does not become a storm. */
static void crash_and_load(struct chaos_run *run) {
    const char *const ping[] = {"PING", NULL};
    uint64_t before = proxy_counts(&run->proxy).connections;
    int64_t began_ms = chaos_now_ms();
    chaos_restart(run, 0);
    while (!chaos_try(run, ping) && chaos_now_ms() < began_ms + 20000) {
        chaos_nap(20);
    }
    int64_t took_ms = chaos_now_ms() - began_ms;
    uint64_t tries = proxy_counts(&run->proxy).connections - before;
    if (tries > 5 + (uint64_t)took_ms / 50) {
        chaos_broken(run, "E: %d connections in %d ms of loading", (int)tries,
                     (int)took_ms);
    }
}

/* ---- what it refuses for a time ---- */

static void fill_memory(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "maxmemory", "1");
    nap(run, 60, 160);
    chaos_say(run, "CONFIG", "SET", "maxmemory", "0");
}

static void want_replicas(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "min-replicas-to-write", "1");
    nap(run, 60, 160);
    chaos_say(run, "CONFIG", "SET", "min-replicas-to-write", "0");
}

/* A folder stands where its file is to be, so it cannot save. */
static void fail_to_save(struct chaos_run *run) {
    const char *const save[] = {"SAVE", NULL};
    const char *const save_aside[] = {"BGSAVE", NULL};
    char path[64];
    (void)snprintf(path, sizeof path, "%s/dump.rdb", run->server.folder);
    (void)unlink(path);
    (void)mkdir(path, 0700);
    (void)chaos_try(run, save_aside);
    nap(run, 100, 200);
    (void)rmdir(path);
    for (int i = 0; i < 200 && !chaos_try(run, save); i++) {
        chaos_nap(10);
    }
    (void)chaos_try(run, save_aside); /* that counts for the state of the last one */
    nap(run, 100, 150);
}

static void heal_saving(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
}

/* ---- what is done to the stream ---- */

/* A script that leaves a copy of the stream behind, to be looked at. */
static void move_away(struct chaos_run *run, const char *script) {
    chaos_say(run, "EVAL", script, "2", CHAOS_KEY, "kept");
    chaos_see_and_drop(run, "kept");
}

static void rename_it(struct chaos_run *run) {
    move_away(run, "if redis.call('EXISTS',KEYS[1])==1 then "
                   "redis.call('RENAME',KEYS[1],KEYS[2]) end");
}

static void delete_it(struct chaos_run *run) {
    move_away(run, "redis.call('COPY',KEYS[1],KEYS[2]) redis.call('DEL',KEYS[1])");
}

static void flush_it(struct chaos_run *run) {
    move_away(run, "local d=redis.call('DUMP',KEYS[1]) redis.call('FLUSHALL') "
                   "if d then redis.call('RESTORE',KEYS[2],0,d) end");
}

static void replace_it(struct chaos_run *run) {
    static const char script[] = "if redis.call('EXISTS',KEYS[1])==1 then "
                                 "redis.call('RENAME',KEYS[1],KEYS[2]) end "
                                 "redis.call('SET',KEYS[1],'no')";
    chaos_say(run, "EVAL", script, "2", CHAOS_KEY, "kept");
    nap(run, 40, 100);
    chaos_say(run, "DEL", CHAOS_KEY);
    chaos_see_and_drop(run, "kept");
}

/* What was added and not yet answered is gone before anybody can look for it. */
static void trim_the_window(struct chaos_run *run) {
    chaos_proxy(run, "stall down");
    nap(run, 5, 40);
    move_away(run, "redis.call('COPY',KEYS[1],KEYS[2]) "
                   "redis.call('XTRIM',KEYS[1],'MAXLEN','0')");
    chaos_proxy(run, "cut");
    chaos_proxy(run, "go");
}

static void change_idmp(struct chaos_run *run) {
    const char *const sizes[] = {"XCFGSET", CHAOS_KEY, "IDMP-MAXSIZE",
                                 any(run, 2) == 0 ? "10" : "100", NULL};
    const char *const duration[] = {"XCFGSET", CHAOS_KEY, "IDMP-DURATION", "1", NULL};
    (void)chaos_try(run, sizes); /* there may be no stream yet */
    if (any(run, 3) == 0) {
        (void)chaos_try(run, duration);
        chaos_proxy(run, "stall up");
        nap(run, 1200, 1800);
        chaos_proxy(run, "cut");
        chaos_proxy(run, "go");
    } else {
        cut(run);
    }
}

/* ---- workers ---- */

static void kill_a_worker(struct chaos_run *run) {
    int which = (int)any(run, CHAOS_WORKERS);
    int how = 0;
    (void)kill(run->workers[which], SIGKILL);
    (void)waitpid(run->workers[which], &how, 0);
    if (!WIFSIGNALED(how)) {
        chaos_broken(run, "L: a worker had ended by itself: %s",
                     run->shared->workers[which].words);
    }
    run->killed++;
    if (any(run, 3) == 0) {
        nap(run, 500, 800); /* others claim what it had */
    }
    chaos_hire(run, which);
}

static void dismiss_a_worker(struct chaos_run *run) {
    int which = (int)any(run, CHAOS_WORKERS);
    chaos_dismiss(run, which);
    chaos_hire(run, which);
}

static void kill_or_cut(struct chaos_run *run) {
    if (any(run, 2) == 0) {
        kill_a_worker(run);
    } else {
        cut(run);
    }
}

static void unblock(struct chaos_run *run) {
    for (int i = 0; i < 40; i++) {
        char id[12];
        const char *const words[] = {"CLIENT", "UNBLOCK", id,
                                     i % 2 == 0 ? "ERROR" : "TIMEOUT", NULL};
        (void)snprintf(id, sizeof id, "%d", i + (int)any(run, 3));
        (void)chaos_try(run, words);
    }
}

static void disturb(struct chaos_run *run) {
    switch (any(run, 4)) {
    case 0: chaos_say(run, "XGROUP", "DESTROY", CHAOS_KEY, CHAOS_GROUP); break;
    case 1: delete_it(run); break;
    default: unblock(run); break;
    }
}

static void only_wait(struct chaos_run *run) { (void)run; }

/* ---- all of them ---- */

#define LDOU      (CHAOS_L | CHAOS_D | CHAOS_O | CHAOS_U)
#define LDOUK     (LDOU | CHAOS_K)
#define ALL_BUT_E (LDOUK | CHAOS_T)

static const char *const always[] = {"--appendonly", "yes", "--appendfsync", "always",
                                     NULL};
static const char *const everysec[] = {"--appendonly", "yes", "--appendfsync", "everysec",
                                       NULL};
static const char *const slow_load[] = {
    "--appendonly", "yes", "--appendfsync", "always", "--key-load-delay", "300", NULL};
static const char *const saves[] = {"--save", "3600 1000000", NULL};

const struct chaos_scenario chaos_scenarios[] = {
    {.name = "cut",
     .number = "1",
     .modes = CHAOS_ALL,
     .letters = ALL_BUT_E,
     .how = CHAOS_EXACT,
     .trouble = cut,
     .least_ms = 10,
     .most_ms = 120},
    {.name = "reset",
     .number = "2",
     .modes = CHAOS_ALL,
     .letters = ALL_BUT_E,
     .how = CHAOS_EXACT | CHAOS_OVER_TCP,
     .trouble = reset,
     .least_ms = 10,
     .most_ms = 120},
    {.name = "stalled",
     .number = "4",
     .modes = CHAOS_ALL,
     .letters = ALL_BUT_E,
     .how = CHAOS_EXACT | CHAOS_IN_FLIGHT,
     .timeout_ms = 200,
     .trouble = stall,
     .least_ms = 10,
     .most_ms = 100},
    {.name = "swallowed",
     .number = "5",
     .modes = CHAOS_ALL,
     .letters = ALL_BUT_E,
     .how = CHAOS_EXACT,
     .timeout_ms = 250,
     .trouble = swallow,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "late",
     .number = "7",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .how = CHAOS_EXACT,
     .trouble = wake_the_dead,
     .least_ms = 10,
     .most_ms = 60},
    {.name = "late, unfenced",
     .number = "8",
     .modes = CHAOS_ALL & ~CHAOS_REPORT,
     .letters = LDOUK,
     .how = CHAOS_EXACT,
     .begin = make_few,
     .trouble = wake_the_dead,
     .least_ms = 10,
     .most_ms = 60},
    {.name = "in drops",
     .number = "10",
     .modes = CHAOS_ALL,
     .letters = ALL_BUT_E,
     .how = CHAOS_EXACT | CHAOS_SLOW,
     .timeout_ms = 10000,
     .begin = drip,
     .trouble = drip,
     .least_ms = 200,
     .most_ms = 400},
    {.name = "killed, always",
     .number = "13",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .how = CHAOS_EXACT,
     .args = always,
     .trouble = crash,
     .least_ms = 100,
     .most_ms = 400},
    {.name = "killed, everysec",
     .number = "14",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .how = CHAOS_LOSES,
     .args = everysec,
     .trouble = crash,
     .least_ms = 100,
     .most_ms = 400},
    {.name = "killed, unsaved",
     .number = "15",
     .modes = CHAOS_ALL,
     .letters = ALL_BUT_E,
     .how = CHAOS_LOSES,
     .trouble = crash,
     .least_ms = 100,
     .most_ms = 400},
    {.name = "shut down",
     .number = "17",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .how = CHAOS_LOSES,
     .trouble = shut_down,
     .least_ms = 100,
     .most_ms = 400},
    {.name = "loading",
     .number = "18",
     .modes = CHAOS_ALL,
     .letters = LDOUK | CHAOS_E,
     .how = CHAOS_EXACT,
     .args = slow_load,
     .words = "LOADING",
     .begin = fill,
     .trouble = crash_and_load,
     .least_ms = 100,
     .most_ms = 300},
    {.name = "no replicas",
     .number = "32",
     .modes = CHAOS_ALL,
     .letters = LDOUK | CHAOS_E,
     .how = CHAOS_EXACT,
     .words = "NOREPLICAS",
     .trouble = want_replicas,
     .least_ms = 30,
     .most_ms = 150},
    {.name = "cannot save",
     .number = "32",
     .modes = CHAOS_ALL,
     .letters = LDOUK | CHAOS_E,
     .how = CHAOS_EXACT,
     .args = saves,
     .words = "MISCONF",
     .trouble = fail_to_save,
     .least_ms = 30,
     .most_ms = 150,
     .heal = heal_saving},
    {.name = "out of memory",
     .number = "32",
     .modes = CHAOS_ALL,
     .letters = LDOUK | CHAOS_E,
     .how = CHAOS_EXACT,
     .words = "OOM",
     .trouble = fill_memory,
     .least_ms = 30,
     .most_ms = 150},
    {.name = "replaced",
     .number = "33",
     .modes = CHAOS_ALL,
     .letters = LDOUK | CHAOS_E,
     .words = "WRONGTYPE",
     .trouble = replace_it,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "deleted",
     .number = "33",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .trouble = delete_it,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "flushed",
     .number = "33",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .trouble = flush_it,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "renamed",
     .number = "33",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .trouble = rename_it,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "trimmed",
     .number = "34",
     .modes = CHAOS_ALL,
     .letters = LDOUK,
     .trouble = trim_the_window,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "eight at once",
     .number = "37",
     .modes = CHAOS_ALL & ~CHAOS_IDS,
     .letters = ALL_BUT_E,
     .how = CHAOS_EXACT,
     .writers = 8,
     .trouble = cut,
     .least_ms = 10,
     .most_ms = 120},
    {.name = "idmp changed",
     .number = "38",
     .modes = CHAOS_IDMP,
     .letters = LDOUK,
     .timeout_ms = 500,
     .trouble = change_idmp,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "too many clients",
     .number = "42",
     .modes = CHAOS_ALL,
     .letters = LDOUK | CHAOS_E,
     .how = CHAOS_EXACT,
     .words = "max number of clients",
     .trouble = crowd_out,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "password",
     .number = "-",
     .modes = CHAOS_ALL,
     .letters = LDOUK | CHAOS_E,
     .how = CHAOS_EXACT,
     .words = "WRONGPASS",
     .begin = set_password,
     .trouble = change_password,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "paused",
     .number = "-",
     .modes = CHAOS_ALL,
     .letters = ALL_BUT_E,
     .how = CHAOS_EXACT,
     .trouble = pause_all,
     .least_ms = 50,
     .most_ms = 200},

    {.name = "answers lost",
     .number = "47",
     .letters = CHAOS_L | CHAOS_D | CHAOS_T,
     .trouble = cut,
     .least_ms = 10,
     .most_ms = 150},
    {.name = "workers killed",
     .number = "48",
     .letters = CHAOS_L | CHAOS_D,
     .trouble = kill_a_worker,
     .least_ms = 50,
     .most_ms = 250},
    {.name = "poison",
     .number = "50",
     .letters = CHAOS_L | CHAOS_D,
     .how = CHAOS_POISON,
     .trouble = kill_or_cut,
     .least_ms = 50,
     .most_ms = 300},
    {.name = "group disturbed",
     .number = "51",
     .letters = CHAOS_L,
     .how = CHAOS_REMADE,
     .trouble = disturb,
     .least_ms = 50,
     .most_ms = 200},
    {.name = "idle",
     .number = "53",
     .letters = CHAOS_L | CHAOS_D | CHAOS_T,
     .how = CHAOS_IDLE,
     .timeout_ms = 1000,
     .trouble = only_wait,
     .least_ms = 300,
     .most_ms = 300},
    {.name = "workers stopped",
     .number = "54",
     .letters = CHAOS_L | CHAOS_D | CHAOS_T | CHAOS_K,
     .how = CHAOS_MADE_NAMES,
     .trouble = dismiss_a_worker,
     .least_ms = 20,
     .most_ms = 150},
};

const size_t chaos_scenario_count = sizeof chaos_scenarios / sizeof chaos_scenarios[0];
