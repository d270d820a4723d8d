/* What happens to connections, and to the server as a whole.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "trouble.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

void chaos_cut(struct chaos_run *run) { sever(run, "cut"); }

void chaos_reset(struct chaos_run *run) { sever(run, "reset"); }

/* Answers stop somewhere, and the connection stays. */
void chaos_stall(struct chaos_run *run) {
    chaos_proxy(run, "stall down after %d down", (int)any(run, 3000));
    nap(run, 300, 500);
}

/* Requests go nowhere, and neither does a new connection's. */
void chaos_swallow(struct chaos_run *run) {
    chaos_proxy(run, "stall up");
    nap(run, 100, 700);
    chaos_proxy(run, "go");
}

void chaos_drip(struct chaos_run *run) {
    static const char *const manners[] = {"pieces up 1 every 1", "pieces up 1 every 3",
                                          "pieces both random 5 every 1",
                                          "pieces down 1 every 1"};
    chaos_proxy(run, "pieces both whole");
    chaos_proxy(run, "%s", manners[any(run, 4)]);
}

/* The server takes nothing while its answers are not taken. */
void chaos_take_turns(struct chaos_run *run) {
    chaos_proxy(run, "turns");
    if (any(run, 8) == 0) {
        chaos_proxy(run, "cut");
    }
}

/* What a dead connection had sent waits at the server, and runs late. */
void chaos_wake_the_dead(struct chaos_run *run) {
    chaos_say(run, "CLIENT", "PAUSE", "400", "WRITE");
    nap(run, 5, 40);
    chaos_proxy(run, "cut client");
    nap(run, 450, 600);
}

void chaos_pause_all(struct chaos_run *run) {
    chaos_say(run, "CLIENT", "PAUSE", any(run, 2) == 0 ? "80" : "300", "ALL");
    nap(run, 50, 300);
}

void chaos_make_few(struct chaos_run *run) {
    chaos_say(run, "ACL", "SETUSER", "few", "on", ">secret", "~*", "&*", "+@all",
              "-client|kill");
    run->user = "few";
    run->password = "secret";
}

void chaos_crowd_out(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "maxclients", "1");
    chaos_proxy(run, "cut");
    nap(run, 100, 200);
    chaos_say(run, "CONFIG", "SET", "maxclients", "1000");
}

void chaos_set_password(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "requirepass", "one");
    run->password = "one";
}

void chaos_change_password(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "requirepass", "two");
    chaos_proxy(run, "cut");
    nap(run, 100, 200);
    chaos_say(run, "CONFIG", "SET", "requirepass", "one");
    nap(run, 600, 1200); /* a refused login is tried once a second */
}

/* ---- the server's life ---- */

void chaos_crash(struct chaos_run *run) { chaos_restart(run, (int64_t)any(run, 100)); }

void chaos_shut_down(struct chaos_run *run) {
    const char *const words[] = {"SHUTDOWN", "NOSAVE", NULL};
    if (any(run, 2) == 0) {
        chaos_say(run, "SAVE");
        nap(run, 10, 50);
    }
    (void)chaos_try(run, words); /* no answer comes */
    chaos_restart(run, (int64_t)any(run, 100));
}

void chaos_fill(struct chaos_run *run) {
    chaos_say(run, "EVAL", "for i=1,4000 do redis.call('SET','fill'..i,'1') end", "0");
}

/* It loads for a while after its restart, and connecting does not become a storm. */
void chaos_crash_and_load(struct chaos_run *run) {
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

void chaos_fill_memory(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "maxmemory", "1");
    nap(run, 60, 160);
    chaos_say(run, "CONFIG", "SET", "maxmemory", "0");
}

void chaos_want_replicas(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "min-replicas-to-write", "1");
    nap(run, 60, 160);
    chaos_say(run, "CONFIG", "SET", "min-replicas-to-write", "0");
}

/* A folder stands where its file is to be, so it cannot save. */
void chaos_fail_to_save(struct chaos_run *run) {
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

void chaos_heal_saving(struct chaos_run *run) {
    chaos_say(run, "CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
}
