/* The examples, run as a user runs them: programs, their output, and a worker that is
 * killed in the middle of its work. SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "loops.h"
#include "program.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#define JOBS 5000 /* a line for each is more than a pipe holds */

/* ---- first, put, range, tail ---- */

/* README's first program. */
static void first_adds_and_prints(void **state) {
    struct live *live = *state;
    for (int run = 1; run <= 2; run++) {
        struct program first = program_start("first", live->server->url);
        char line[128] = "";
        for (int i = 0; i < run; i++) {
            weir_id id = {0};
            assert_non_null(fgets(line, sizeof line, first.out));
            size_t id_len = strcspn(line, " ");
            assert_status(weir_id_parse(weir_bytes(line, id_len), &id), WEIR_OK);
            assert_true(id.ms > 1600000000000);
            assert_string_equal(line + id_len, " is for user@example.com\n");
        }
        program_expect_no_line(&first);
        assert_int_equal(program_finish(&first), 0);
    }
    struct program first = program_start("first", "unix:///tmp/weir-no-such-folder/s");
    program_expect_no_line(&first);
    assert_int_equal(program_finish(&first), 1);
}

static void put_adds_counts_and_trims(void **state) {
    struct live *live = *state;
    struct program put = program_start("put", live->server->url, "s", "120000");
    program_expect_line(&put,
                        "120000 entries added, 20000 trimmed, 100000 in the stream\n");
    program_expect_no_line(&put);
    assert_int_equal(program_finish(&put), 0);
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
    struct program range = program_start("range", live->server->url, "s");
    program_expect_line(&range, "5-7 n=1\n");
    program_expect_line(&range, line);
    program_expect_no_line(&range);
    assert_int_equal(program_finish(&range), 0);
    range = program_start("range", live->server->tcp_url, "s", "--last-hour");
    program_expect_line(&range, line);
    program_expect_no_line(&range);
    assert_int_equal(program_finish(&range), 0);
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
    struct program tail = program_start("tail", live->server->url, "s", "3");
    wait_until_blocked(live->client);
    live_add(live->client, "s", 2, 0);
    program_expect_line(&tail, "2-0 n=1\n");
    live_add(live->client, "s", 3, 0);
    live_add(live->client, "s", 4, 0);
    live_add(live->client, "s", 5, 0);
    program_expect_line(&tail, "3-0 n=1\n");
    program_expect_line(&tail, "4-0 n=1\n");
    program_expect_no_line(&tail);
    assert_int_equal(program_finish(&tail), 0);
}

static void examples_say_what_is_wrong(void **state) {
    const char *const names[] = {"put", "range", "tail", "poll"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct program program =
            i == 0 ? program_start("put", "unix:///tmp/weir-no-such-folder/s", "s", "1")
                   : program_start(names[i], "unix:///tmp/weir-no-such-folder/s", "s");
        program_expect_no_line(&program);
        assert_int_equal(program_finish(&program), 1);
        program = program_start_with(names[i], (const char *const[]){NULL});
        assert_int_equal(program_finish(&program), 2);
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
    assert_int_equal(program_finish(worker), 128 + SIGKILL);
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
    struct program worker =
        program_start("worker", live->server->url, "s", "g", "ann", "60000");
    watch(&worker, &done, 250);
    assert_int_equal(done.count, 250);
    kill_worker(&worker, &done);
    assert_true(done.count < JOBS);
    assert_true(pending_count(live->client) > 0);
    worker = program_start("worker", live->server->tcp_url, "s", "g", heir, idle_ms);
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
    struct program worker = program_start("worker", live->server->url, "s", "g", "ann");
    wait_until_blocked(live->client);
    live_add(live->client, "s", 1, 0);
    program_expect_line(&worker, "1-0\n");
    live_add(live->client, "s", 2, 0);
    program_expect_line(&worker, "2-0\n");
    expect_all_acknowledged(live->client);
    assert_int_equal(kill(worker.pid, SIGKILL), 0);
    assert_int_equal(program_finish(&worker), 128 + SIGKILL);
}

/* ---- queue ---- */

#define TASKS 12

/* Reads lines until each of the tasks 1-0 to TASKS-0 is done, or `most` lines. */
static int watch_queue(struct program *queue, bool *is_done, int most) {
    char line[128];
    int count = 0;
    while (count < most && fgets(line, sizeof line, queue->out) != NULL) {
        unsigned long ms = strtoul(line, NULL, 10);
        assert_true(ms >= 1 && ms <= TASKS);
        assert_non_null(strstr(line, "wrote to nobody"));
        is_done[ms] = true;
        count++;
    }
    return count;
}

static uint64_t tasks_pending(weir_client *client) {
    weir_pending pending;
    assert_ok(client, weir_xpending(client, WIRE("tasks"), WIRE("workers"), &pending));
    weir_pending_close(&pending);
    return pending.count;
}

/* As docs/consuming.md says: killed in the middle, started again, all is done. */
static void a_killed_queue_finishes_its_tasks(void **state) {
    struct live *live = *state;
    bool is_done[TASKS + 1] = {false};
    live_fill(live->client, "tasks", TASKS, 5);
    struct program queue = program_start("queue", live->server->url);
    assert_int_equal(watch_queue(&queue, is_done, 3), 3);
    assert_int_equal(kill(queue.pid, SIGKILL), 0);
    (void)watch_queue(&queue, is_done, TASKS);
    assert_int_equal(program_finish(&queue), 128 + SIGKILL);
    assert_true(tasks_pending(live->client) > 0);
    queue = program_start("queue", live->server->url);
    for (int i = 1; i <= TASKS;) {
        if (is_done[i]) {
            i++;
        } else {
            assert_int_equal(watch_queue(&queue, is_done, 1), 1);
        }
    }
    assert_int_equal(kill(queue.pid, SIGTERM), 0);
    (void)watch_queue(&queue, is_done, TASKS);
    assert_int_equal(program_finish(&queue), 0);
    assert_int_equal(tasks_pending(live->client), 0);
}

/* ---- event loops and an own transport ---- */

static void produce_adds_lines_and_hands_back_what_is_refused(void **state) {
    struct live *live = *state;
    uint64_t length = 0;
    struct program produce = program_start("produce", live->server->url, "s");
    (void)fprintf(produce.in, "one\ntwo\nthree\n");
    program_end_input(&produce);
    program_expect_line(&produce, "3 lines added, 1 times the connection was made\n");
    assert_int_equal(program_finish(&produce), 0);
    assert_ok(live->client, weir_xlen(live->client, weir_text("s"), &length));
    assert_int_equal(length, 3);

    char line[512] = "";
    assert_ok(live->client, live_say(live->client, "SET", "t", "x"));
    produce = program_start("produce", live->server->url, "t");
    (void)fprintf(produce.in, "one\n");
    program_end_input(&produce);
    assert_non_null(fgets(line, sizeof line, produce.out));
    assert_non_null(strstr(line, "not added"));
    assert_non_null(strstr(line, "WRONGTYPE"));
    assert_non_null(strstr(line, ": one\n"));
    program_expect_line(&produce, "0 lines added, 1 times the connection was made\n");
    assert_int_equal(program_finish(&produce), 1);
}

static void poll_adds_lines(void **state) {
    struct live *live = *state;
    loops_expect_lines_added(live->client, live->server->url);
    loops_expect_refusal_told(live->client, live->server->url);
}

static void libuv_follows_a_stream(void **state) {
    struct live *live = *state;
    loops_expect_stream_followed(live->client, live->server->url);
    loops_expect_loss_survived(live->client, live->server->tcp_url);
}

static void an_own_transport_logs_what_goes_through(void **state) {
    struct live *live = *state;
    loops_expect_wire_logged(live->client, "redis://some-name", live->server->port);
    struct program wire =
        program_start("own_transport", "redis://some-name", "no-digits", "1", "s");
    program_expect_no_line(&wire);
    assert_int_equal(program_finish(&wire), 1);
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
        {"a_killed_queue_finishes_its_tasks", a_killed_queue_finishes_its_tasks,
         live_open_resp3, live_close, NULL},
        {"produce_adds_lines_and_hands_back_what_is_refused",
         produce_adds_lines_and_hands_back_what_is_refused, live_open_resp3, live_close,
         NULL},
        {"poll_adds_lines", poll_adds_lines, live_open_resp3, live_close, NULL},
        {"libuv_follows_a_stream", libuv_follows_a_stream, live_open_resp3, live_close,
         NULL},
        {"an_own_transport_logs_what_goes_through", an_own_transport_logs_what_goes_through,
         live_open_resp3, live_close, NULL},
    };
    (void)argc;
    program_find(argv[0]);
    if (!program_is_built("libuv")) {
        print_message("skipped: the examples are not built, or not that of libuv\n");
        return SERVER_MISSING;
    }
    return live_run("examples", tests);
}
