/* What happens to the stream, to its group, and to those who work on it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "trouble.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* ---- what is done to the stream ---- */

/* A script that leaves a copy of the stream behind, to be looked at. */
static void move_away(struct chaos_run *run, const char *script) {
    chaos_say(run, "EVAL", script, "2", CHAOS_KEY, "kept");
    chaos_see_and_drop(run, "kept");
}

void chaos_rename_it(struct chaos_run *run) {
    move_away(run, "if redis.call('EXISTS',KEYS[1])==1 then "
                   "redis.call('RENAME',KEYS[1],KEYS[2]) end");
}

void chaos_delete_it(struct chaos_run *run) {
    move_away(run, "redis.call('COPY',KEYS[1],KEYS[2]) redis.call('DEL',KEYS[1])");
}

void chaos_flush_it(struct chaos_run *run) {
    move_away(run, "local d=redis.call('DUMP',KEYS[1]) redis.call('FLUSHALL') "
                   "if d then redis.call('RESTORE',KEYS[2],0,d) end");
}

void chaos_replace_it(struct chaos_run *run) {
    static const char script[] = "if redis.call('EXISTS',KEYS[1])==1 then "
                                 "redis.call('RENAME',KEYS[1],KEYS[2]) end "
                                 "redis.call('SET',KEYS[1],'no')";
    chaos_say(run, "EVAL", script, "2", CHAOS_KEY, "kept");
    nap(run, 40, 100);
    chaos_say(run, "DEL", CHAOS_KEY);
    chaos_see_and_drop(run, "kept");
}

/* What was added and not yet answered is gone before anybody can look for it. */
void chaos_trim_the_window(struct chaos_run *run) {
    chaos_proxy(run, "stall down");
    nap(run, 5, 40);
    move_away(run, "redis.call('COPY',KEYS[1],KEYS[2]) "
                   "redis.call('XTRIM',KEYS[1],'MAXLEN','0')");
    chaos_proxy(run, "cut");
    chaos_proxy(run, "go");
}

/* Of what is trimmed some is pending, and some not given yet. */
void chaos_trim_and_cut(struct chaos_run *run) {
    move_away(run, "redis.call('COPY',KEYS[1],KEYS[2]) "
                   "redis.call('XTRIM',KEYS[1],'MAXLEN','0')");
    chaos_cut(run);
}

void chaos_change_idmp(struct chaos_run *run) {
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
        chaos_cut(run);
    }
}

/* ---- workers ---- */

void chaos_kill_a_worker(struct chaos_run *run) {
    int which = (int)any(run, CHAOS_WORKERS);
    int how = 0;
    (void)kill(run->workers[which], SIGKILL);
    (void)waitpid(run->workers[which], &how, 0);
    if (!WIFSIGNALED(how)) {
        chaos_broken(run, "L: a worker had ended by itself: %s",
                     run->shared->workers[which].words);
    }
    if (any(run, 3) == 0) {
        nap(run, 500, 800); /* others claim what it had */
    }
    chaos_hire(run, which);
}

void chaos_dismiss_a_worker(struct chaos_run *run) {
    int which = (int)any(run, CHAOS_WORKERS);
    chaos_dismiss(run, which);
    chaos_hire(run, which);
}

/* What a worker had asked for runs after its connection is gone, while it leaves. */
void chaos_cut_late_and_dismiss(struct chaos_run *run) {
    chaos_say(run, "CLIENT", "PAUSE", "300", "WRITE");
    nap(run, 5, 60);
    chaos_proxy(run, "cut client");
    chaos_dismiss_a_worker(run);
    nap(run, 50, 300);
}

void chaos_kill_or_cut(struct chaos_run *run) {
    if (any(run, 2) == 0) {
        chaos_kill_a_worker(run);
    } else {
        chaos_cut(run);
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

void chaos_disturb(struct chaos_run *run) {
    switch (any(run, 4)) {
    case 0: chaos_say(run, "XGROUP", "DESTROY", CHAOS_KEY, CHAOS_GROUP); break;
    case 1: chaos_delete_it(run); break;
    default: unblock(run); break;
    }
}

void chaos_only_wait(struct chaos_run *run) { (void)run; }
