/* The examples, run as a user runs them: programs, their output, and a worker that is
 * killed in the middle of its work. SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS 5000 /* a line for each is more than a pipe holds */

static char folder[512]; /* of the programs, with a '/' at its end */

/* ---- running programs ---- */

struct program {
    pid_t pid;
    FILE *out;
};

static void become(const char *name, const char *const *args) {
    const char *all[8] = {name};
    char path[600];
    for (size_t i = 0; args[i] != NULL && i < 6; i++) {
        all[i + 1] = args[i];
    }
    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    execv(path, (char *const *)(uintptr_t)all);
    _exit(127);
}

#define start(name, ...) start_program((name), (const char *const[]){__VA_ARGS__, NULL})
static struct program start_program(const char *name, const char *const *args) {
    int ends[2];
    struct program program = {0};
    assert_int_equal(pipe(ends), 0);
    program.pid = fork();
    assert_true(program.pid >= 0);
    if (program.pid == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        (void)close(ends[1]);
        become(name, args);
    }
    (void)close(ends[1]);
    program.out = fdopen(ends[0], "r");
    assert_non_null(program.out);
    return program;
}

/* Waits for its end; gives its exit status, or 128 and the signal. */
static int finish(struct program *program) {
    int how = 0;
    (void)fclose(program->out);
    assert_int_equal(waitpid(program->pid, &how, 0), program->pid);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

static void expect_line(struct program *program, const char *expected) {
    char line[256] = "";
    assert_non_null(fgets(line, sizeof line, program->out));
    assert_string_equal(line, expected);
}

static void expect_no_line(struct program *program) {
    char line[256];
    assert_null(fgets(line, sizeof line, program->out));
}

/* ---- first, put, range, tail ---- */

/* README's first program. */
static void first_adds_and_prints(void **state) {
    struct live *live = *state;
    for (int run = 1; run <= 2; run++) {
        struct program first = start("first", live->server->url);
        char line[128] = "";
        for (int i = 0; i < run; i++) {
            weir_id id = {0};
            assert_non_null(fgets(line, sizeof line, first.out));
            size_t id_len = strcspn(line, " ");
            assert_status(weir_id_parse(weir_bytes(line, id_len), &id), WEIR_OK);
            assert_true(id.ms > 1600000000000);
            assert_string_equal(line + id_len, " is for user@example.com\n");
        }
        expect_no_line(&first);
        assert_int_equal(finish(&first), 0);
    }
    struct program first = start("first", "unix:///tmp/weir-no-such-folder/s");
    expect_no_line(&first);
    assert_int_equal(finish(&first), 1);
}

static void put_adds_counts_and_trims(void **state) {
    struct live *live = *state;
    struct program put = start("put", live->server->url, "s", "120000");
    expect_line(&put, "120000 entries added, 20000 trimmed, 100000 in the stream\n");
    expect_no_line(&put);
    assert_int_equal(finish(&put), 0);
}

static void range_prints_everything_or_the_last_hour(void **state) {
    struct live *live = *state;
    weir_field fields[] = {weir_pair("a", "1"), weir_pair("b", "two words")};
    weir_id id;
    char line[128];
    live_add(live->client, "s", 5, 7); /* in 1970 */
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), fields, 2, NULL, &id));
    (void)snprintf(line, sizeof line, "%llu-%llu a=1 b=two words\n",
                   (unsigned long long)id.ms, (unsigned long long)id.seq);
    struct program range = start("range", live->server->url, "s");
    expect_line(&range, "5-7 n=1\n");
    expect_line(&range, line);
    expect_no_line(&range);
    assert_int_equal(finish(&range), 0);
    range = start("range", live->server->tcp_url, "s", "--last-hour");
    expect_line(&range, line);
    expect_no_line(&range);
    assert_int_equal(finish(&range), 0);
}

/* Until one client of the server waits. */
static void wait_until_blocked(weir_client *client) {
    const weir_view args[] = {WIRE("INFO"), WIRE("clients")};
    for (int tries = 0; tries < 2000; tries++) {
        weir_reply reply;
        weir_token token;
        char text[4096] = "";
        assert_ok(client, weir_command(client, args, 2, &reply));
        assert_status(weir_reply_next(&reply, &token), WEIR_OK);
        assert_true(token.bytes.len < sizeof text);
        memcpy(text, token.bytes.data, token.bytes.len);
        weir_reply_close(&reply);
        if (strstr(text, "blocked_clients:1") != NULL) {
            return;
        }
        (void)poll(NULL, 0, 5);
    }
    fail_msg("the program does not wait");
}

static void tail_prints_what_is_added_and_ends(void **state) {
    struct live *live = *state;
    live_add(live->client, "s", 1, 0); /* before: not printed */
    struct program tail = start("tail", live->server->url, "s", "3");
    wait_until_blocked(live->client);
    live_add(live->client, "s", 2, 0);
    expect_line(&tail, "2-0 n=1\n");
    live_add(live->client, "s", 3, 0);
    live_add(live->client, "s", 4, 0);
    live_add(live->client, "s", 5, 0);
    expect_line(&tail, "3-0 n=1\n");
    expect_line(&tail, "4-0 n=1\n");
    expect_no_line(&tail);
    assert_int_equal(finish(&tail), 0);
}

static void examples_say_what_is_wrong(void **state) {
    const char *const names[] = {"put", "range", "tail"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct program program =
            i == 0 ? start("put", "unix:///tmp/weir-no-such-folder/s", "s", "1")
                   : start(names[i], "unix:///tmp/weir-no-such-folder/s", "s");
        expect_no_line(&program);
        assert_int_equal(finish(&program), 1);
        program = start_program(names[i], (const char *const[]){NULL});
        assert_int_equal(finish(&program), 2);
    }
}

/* ---- worker ---- */

/* Which of the entries 1-0 to JOBS-0 somebody has worked on. */
struct done {
    bool is_done[JOBS + 1];
    size_t count;
};

static void note_line(struct done *done, const char *line) {
    unsigned long ms = strtoul(line, NULL, 10);
    if (ms >= 1 && ms <= JOBS && strchr(line, '\n') != NULL && !done->is_done[ms]) {
        done->is_done[ms] = true;
        done->count++;
    }
}

/* Reads lines of the worker until all is done, or `most` lines. */
static void watch(struct program *worker, struct done *done, int most) {
    char line[64];
    while (most-- > 0 && done->count < JOBS &&
           fgets(line, sizeof line, worker->out) != NULL) {
        note_line(done, line);
    }
}

/* As a crash: no chance to say anything. What it had written is still in the pipe. */
static void kill_worker(struct program *worker, struct done *done) {
    assert_int_equal(kill(worker->pid, SIGKILL), 0);
    watch(worker, done, JOBS);
    assert_int_equal(finish(worker), 128 + SIGKILL);
}

static uint64_t pending_count(weir_client *client) {
    weir_pending pending;
    assert_ok(client, weir_xpending(client, WIRE("s"), WIRE("g"), &pending));
    weir_pending_close(&pending);
    return pending.count;
}

/* The last line is written before its acknowledgement is sent. */
static void expect_all_acknowledged(weir_client *client) {
    for (int tries = 0; tries < 1000 && pending_count(client) > 0; tries++) {
        (void)poll(NULL, 0, 5);
    }
    assert_int_equal(pending_count(client), 0);
}

/* A worker is killed in the middle; one called `heir` finishes what it left. */
static void expect_finished_by(struct live *live, const char *heir, const char *idle_ms) {
    static struct done done;
    memset(&done, 0, sizeof done);
    live_fill(live->client, "s", JOBS, 20);
    struct program worker = start("worker", live->server->url, "s", "g", "ann", "60000");
    watch(&worker, &done, 250);
    assert_int_equal(done.count, 250);
    kill_worker(&worker, &done);
    assert_true(done.count < JOBS);
    assert_true(pending_count(live->client) > 0);
    worker = start("worker", live->server->tcp_url, "s", "g", heir, idle_ms);
    watch(&worker, &done, JOBS * 2);
    assert_int_equal(done.count, JOBS);
    expect_all_acknowledged(live->client);
    kill_worker(&worker, &done);
}

static void a_killed_workers_entries_are_finished_by_another(void **state) {
    expect_finished_by(*state, "bob", "50");
}

static void a_killed_worker_goes_on_when_it_is_started_again(void **state) {
    expect_finished_by(*state, "ann", "60000");
}

static void a_worker_waits_for_what_comes(void **state) {
    struct live *live = *state;
    struct program worker = start("worker", live->server->url, "s", "g", "ann");
    wait_until_blocked(live->client);
    live_add(live->client, "s", 1, 0);
    expect_line(&worker, "1-0\n");
    live_add(live->client, "s", 2, 0);
    expect_line(&worker, "2-0\n");
    expect_all_acknowledged(live->client);
    assert_int_equal(kill(worker.pid, SIGKILL), 0);
    assert_int_equal(finish(&worker), 128 + SIGKILL);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        {"first_adds_and_prints", first_adds_and_prints, live_open_resp3, live_close, NULL},
        {"put_adds_counts_and_trims", put_adds_counts_and_trims, live_open_resp3,
         live_close, NULL},
        {"range_prints_everything_or_the_last_hour",
         range_prints_everything_or_the_last_hour, live_open_resp3, live_close, NULL},
        {"tail_prints_what_is_added_and_ends", tail_prints_what_is_added_and_ends,
         live_open_resp3, live_close, NULL},
        {"examples_say_what_is_wrong", examples_say_what_is_wrong, live_open_resp3,
         live_close, NULL},
        {"a_killed_workers_entries_are_finished_by_another",
         a_killed_workers_entries_are_finished_by_another, live_open_resp3, live_close,
         NULL},
        {"a_killed_worker_goes_on_when_it_is_started_again",
         a_killed_worker_goes_on_when_it_is_started_again, live_open_resp3, live_close,
         NULL},
        {"a_worker_waits_for_what_comes", a_worker_waits_for_what_comes, live_open_resp3,
         live_close, NULL},
    };
    (void)argc;
    (void)snprintf(folder, sizeof folder, "%s/../examples/", dirname(argv[0]));
    char put[600];
    (void)snprintf(put, sizeof put, "%sput", folder);
    if (access(put, X_OK) != 0) {
        print_message("skipped: the examples are not built\n");
        return SERVER_MISSING;
    }
    return live_run("examples", tests);
}
