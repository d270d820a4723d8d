/* A consumer in hardship: a server that loads its data, a user who may do little, a line
 * that is full, a worker that is killed, names of any bytes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../stream/consumer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOON_MS 5000

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};

/* ---- help ---- */

static weir_consumer *open_at(const char *url, weir_options connection,
                              weir_consumer_options options) {
    weir_consumer *consumer;
    options.streams = &KEY;
    options.stream_count = 1;
    options.group = options.group.len > 0 ? options.group : GROUP;
    options.start = WEIR_START_BEGINNING;
    weir_status st = weir_consumer_open(url, &connection, &options, &consumer);
    if (st != WEIR_OK) {
        print_error("%d: %s\n", st, weir_consumer_error(consumer)->text);
    }
    assert_status(st, WEIR_OK);
    return consumer;
}

static void assert_done(weir_consumer *consumer, uint64_t ms) {
    weir_delivery task;
    assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
    assert_id(task.entry.id, ms, 0);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
}

static uint64_t pending(weir_client *client, weir_view group) {
    weir_pending summary;
    assert_ok(client, weir_xpending(client, KEY, group, &summary));
    weir_pending_close(&summary);
    return summary.count;
}

/* Members of the group. */
static int64_t members(weir_client *client) {
    const weir_view words[] = {WIRE("XINFO"), WIRE("CONSUMERS"), KEY, GROUP};
    weir_reply reply;
    weir_token token;
    assert_ok(client, weir_command(client, words, 4, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    weir_reply_close(&reply);
    return token.number;
}

/* ---- a server that loads its data ---- */

static struct server the_server;

static int stop_own(void **state) {
    (void)state;
    server_stop(&the_server);
    return 0;
}

struct seen {
    int tries;
    int loading;
};

static void note_try(void *context, const weir_link_event *event) {
    struct seen *seen = context;
    seen->tries += event->state == WEIR_LINK_CONNECTING;
}

static void note_trouble(void *context, const weir_error *error) {
    struct seen *seen = context;
    seen->loading += strstr(error->text, "LOADING") != NULL;
}

/* Much to load, which it does slowly and so that it answers meanwhile. */
static const char *const SLOWLY[] = {"--key-load-delay",
                                     "8000",
                                     "--loading-process-events-interval-bytes",
                                     "1024",
                                     "--rdbcompression",
                                     "no",
                                     NULL};

static void save_much(void) {
    weir_client *client;
    static char value[2001];
    memset(value, 'x', sizeof value - 1);
    assert_status(weir_open(the_server.url, NULL, &client), WEIR_OK);
    for (int i = 0; i < 250; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        assert_ok(client, live_say(client, "SET", key, value));
    }
    assert_ok(client, live_say(client, "SAVE"));
    weir_close(client);
}

static void a_server_that_loads_its_data_is_waited_for(void **state) {
    (void)state;
    struct seen seen = {0, 0};
    weir_client *client;
    weir_options connection = {.reconnect = {.on_change = note_try, .context = &seen}};
    weir_consumer_options options = {
        .name = weir_text("me"), .on_trouble = note_trouble, .context = &seen};
    assert_true(server_start(&the_server, false, SLOWLY));
    assert_status(weir_open(the_server.url, NULL, &client), WEIR_OK);
    live_fill(client, "s", 20, 1);
    weir_close(client);
    weir_consumer *consumer = open_at(the_server.url, connection, options);
    for (uint64_t ms = 1; ms <= 10; ms++) {
        assert_done(consumer, ms);
    }
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    save_much();
    server_kill(&the_server);
    seen = (struct seen){0, 0};
    int64_t began_ms = live_now_ms();
    assert_true(server_restart(&the_server, SLOWLY));
    for (uint64_t ms = 11; ms <= 20; ms++) {
        weir_delivery task;
        assert_status(weir_consumer_next(consumer, 4 * SOON_MS, &task), WEIR_OK);
        assert_id(task.entry.id, ms, 0);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    int64_t took_ms = live_now_ms() - began_ms;
    print_message("loaded after %d ms: %d tries to connect\n", (int)took_ms, seen.tries);
    assert_true(took_ms > 1500);
    assert_true(seen.loading > 0);
    assert_true(seen.tries <= took_ms / 100 + 2); /* two lines, less than ten a second */
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

/* ---- a user who may do little ---- */

static weir_options as_eve(struct live *live, const char *rule) {
    assert_ok(live->client, live_say(live->client, "ACL", "SETUSER", "eve", "reset", "on",
                                     ">pw", "~*", "+@all", rule, "-client|unblock"));
    return (weir_options){.protocol = live->protocol, .user = "eve", .password = "pw"};
}

/* Its read goes on when it leaves: what that takes goes back. */
static void what_a_read_takes_while_it_is_left_goes_back(void **state) {
    struct live *live = *state;
    weir_consumer *consumer = open_at(live->server->url, as_eve(live, "-client|kill"),
                                      (weir_consumer_options){.block_ms = 1500});
    weir_delivery task;
    assert_status(weir_consumer_next(consumer, 100, &task), WEIR_MORE);
    assert_status(weir_consumer_leave(consumer, 50), WEIR_MORE);
    live_add(live->client, "s", 1, 0);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, GROUP), 1);
    weir_consumer *heir =
        open_at(live->server->url, (weir_options){.protocol = live->protocol},
                (weir_consumer_options){.name = weir_text("heir")});
    assert_done(heir, 1);
    assert_int_equal(weir_consumer_count(heir).claimed, 1);
    assert_status(weir_consumer_close(heir, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, GROUP), 0);
}

/* The time to leave is over before its read is: the name stays, with what is pending. */
static void a_close_that_cannot_wait_loses_nothing(void **state) {
    struct live *live = *state;
    weir_consumer *consumer = open_at(live->server->url, as_eve(live, "-client|kill"),
                                      (weir_consumer_options){.block_ms = SOON_MS});
    weir_delivery task;
    assert_status(weir_consumer_next(consumer, 100, &task), WEIR_MORE);
    assert_status(weir_consumer_leave(consumer, 0), WEIR_MORE);
    live_add(live->client, "s", 1, 0);
    assert_status(weir_consumer_close(consumer, 0), WEIR_MORE);
    weir_consumer_options soon = {
        .name = weir_text("heir"), .claim_idle_ms = 100, .claim_interval_ms = 20};
    weir_consumer *heir =
        open_at(live->server->url, (weir_options){.protocol = live->protocol}, soon);
    assert_done(heir, 1);
    assert_status(weir_consumer_close(heir, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, GROUP), 0);
}

/* A read of a connection that was lost, and not fenced, may be waiting still: what it takes
 * would go with the name. */
static void a_name_stays_where_an_old_read_may_be_waiting(void **state) {
    struct live *live = *state;
    static const char *const rules[] = {"+client|kill", "-client|kill"};
    for (int i = 0; i < 2; i++) {
        assert_ok(live->client, live_say(live->client, "FLUSHALL"));
        weir_options eve = as_eve(live, rules[i]);
        eve.reconnect.floor_ms = 5;
        weir_consumer *consumer =
            open_at(live->server->url, eve, (weir_consumer_options){.block_ms = 200});
        weir_delivery task;
        live_add(live->client, "s", 1, 0);
        assert_done(consumer, 1);
        assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "TYPE", "normal",
                                         "SKIPME", "yes"));
        live_add(live->client, "s", 2, 0);
        assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
        assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
        assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
        assert_int_equal(pending(live->client, GROUP), 0);
        assert_int_equal(members(live->client), i);
    }
}

/* The same of its other line: a look for idle entries may run late. */
static void a_name_stays_where_an_old_claim_may_be_waiting(void **state) {
    struct live *live = *state;
    static const char *const rules[] = {"+client|kill", "-client|kill"};
    for (int i = 0; i < 2; i++) {
        assert_ok(live->client, live_say(live->client, "FLUSHALL"));
        weir_options eve = as_eve(live, rules[i]);
        eve.reconnect.floor_ms = 5;
        weir_consumer *consumer =
            open_at(live->server->url, (weir_options){.protocol = live->protocol},
                    (weir_consumer_options){.block_ms = 200, .second = &eve});
        live_add(live->client, "s", 1, 0);
        assert_done(consumer, 1);
        assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "USER", "eve"));
        live_add(live->client, "s", 2, 0);
        assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
        assert_done(consumer, 2);
        assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
        assert_int_equal(pending(live->client, GROUP), 0);
        assert_int_equal(members(live->client), i);
    }
}

/* ---- a line that is full ---- */

static void verdicts_that_have_no_room_wait_for_it(void **state) {
    struct live *live = *state;
    weir_options few = {.protocol = live->protocol, .limits = {.unanswered = 2}};
    weir_consumer_options options = {
        .claim_idle_ms = WEIR_FOREVER, .ack_count = 1, .ack_linger_ms = 1, .second = &few};
    live_fill(live->client, "s", 10, 1);
    weir_consumer *consumer =
        open_at(live->server->url, (weir_options){.protocol = live->protocol}, options);
    weir_delivery tasks[10];
    size_t count = 0;
    for (size_t more = 0; count < 10; count += more) { /* as they come (road.h) */
        assert_status(
            weir_consumer_take(consumer, SOON_MS, tasks + count, 10 - count, &more),
            WEIR_OK);
    }
    assert_ok(live->client, live_say(live->client, "CLIENT", "PAUSE", "400"));
    for (size_t i = 0; i < count; i++) {
        assert_status(weir_consumer_done(consumer, &tasks[i]), WEIR_OK);
    }
    clock_t before = clock();
    assert_status(weir_consumer_flush(consumer, 250), WEIR_MORE);
    assert_true(clock() - before < CLOCKS_PER_SEC / 20);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(weir_consumer_count(consumer).acknowledged, 10);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

/* ---- a worker that is killed ---- */

static pid_t start_worker(const struct live *live, uint64_t count) {
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t worker = fork();
    assert_true(worker >= 0);
    if (worker == 0) {
        weir_consumer *dying = open_at(live->server->url, (weir_options){0},
                                       (weir_consumer_options){.name = weir_text("a")});
        weir_delivery task;
        for (uint64_t i = 0; i < count; i++) {
            (void)weir_consumer_next(dying, SOON_MS, &task);
        }
        (void)!write(ready[1], "", 1);
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return worker;
}

static void a_killed_workers_entries_are_handed_over_in_time(void **state) {
    struct live *live = *state;
    const int64_t idle_ms = 600;
    const int64_t interval_ms = 100;
    const int64_t margin_ms = 700; /* of a busy machine */
    live_fill(live->client, "s", 5, 1);
    pid_t worker = start_worker(live, 5);
    int64_t began_ms = live_now_ms();
    assert_int_equal(kill(worker, SIGKILL), 0);
    assert_int_equal(waitpid(worker, NULL, 0), worker);
    weir_consumer_options options = {.name = weir_text("heir"),
                                     .claim_idle_ms = idle_ms,
                                     .claim_interval_ms = interval_ms};
    weir_consumer *heir =
        open_at(live->server->url, (weir_options){.protocol = live->protocol}, options);
    for (uint64_t ms = 1; ms <= 5; ms++) {
        weir_delivery task;
        assert_status(weir_consumer_next(heir, SOON_MS, &task), WEIR_OK);
        assert_id(task.entry.id, ms, 0);
        assert_int_equal(task.origin, WEIR_ORIGIN_CLAIMED);
        assert_view(task.from, "a");
        assert_true(task.entry.idle_ms >= idle_ms);
        assert_status(weir_consumer_done(heir, &task), WEIR_OK);
    }
    int64_t took_ms = live_now_ms() - began_ms;
    print_message("handed over after %d ms, of %d + %d\n", (int)took_ms, (int)idle_ms,
                  (int)interval_ms);
    assert_true(took_ms < idle_ms + interval_ms + margin_ms);
    assert_status(weir_consumer_close(heir, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, GROUP), 0);
}

/* ---- names ---- */

static void names_may_be_any_bytes(void **state) {
    struct live *live = *state;
    const weir_view group = weir_bytes("g\0\r\n*1", 6);
    const weir_view name = weir_bytes("\xff\0 STREAMS\n", 11);
    live_fill(live->client, "s", 2, 1);
    weir_consumer_options options = {.group = group, .name = name};
    weir_consumer *consumer =
        open_at(live->server->url, (weir_options){.protocol = live->protocol}, options);
    weir_delivery task;
    assert_done(consumer, 1);
    assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
    options.name = weir_text("heir");
    consumer =
        open_at(live->server->url, (weir_options){.protocol = live->protocol}, options);
    assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
    assert_int_equal(task.origin, WEIR_ORIGIN_CLAIMED);
    if (task.from.len > 0) { /* XNACK leaves none */
        assert_true(weir_view_equal(task.from, name));
    }
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, group), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_server_that_loads_its_data_is_waited_for, stop_own),
        LIVE_ON_BOTH(what_a_read_takes_while_it_is_left_goes_back),
        LIVE_ON_BOTH(a_close_that_cannot_wait_loses_nothing),
        LIVE_ON_BOTH(a_name_stays_where_an_old_read_may_be_waiting),
        LIVE_ON_BOTH(a_name_stays_where_an_old_claim_may_be_waiting),
        LIVE_ON_BOTH(verdicts_that_have_no_room_wait_for_it),
        LIVE_ON_BOTH(a_killed_workers_entries_are_handed_over_in_time),
        LIVE_ON_BOTH(names_may_be_any_bytes),
    };
    return live_run("consumer_hardship", tests);
}
