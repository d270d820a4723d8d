/* A consumer in trouble: a server that refuses for a while, reads that are unblocked, much
 * that is pending, many members, an allocator that refuses.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../stream/consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SOON_MS   5000
#define PLENTY_MS 150000
#define MANY      100000
#define MEMBERS   1000

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};
static const weir_xclaim_options LONG_AGO = {.idle_ms = 3600000, .ids_only = true};

/* ---- help ---- */

static weir_consumer *open_with(const struct live *live, weir_options connection,
                                weir_consumer_options options) {
    weir_consumer *consumer;
    connection.protocol = live->protocol;
    connection.reconnect.floor_ms = 5;
    options.streams = &KEY;
    options.stream_count = 1;
    options.group = GROUP;
    options.start = WEIR_START_BEGINNING;
    options.name = weir_text("me");
    weir_status st =
        weir_consumer_open(live->server->url, &connection, &options, &consumer);
    if (st != WEIR_OK) {
        print_error("%d: %s\n", st, weir_consumer_error(consumer)->text);
    }
    assert_status(st, WEIR_OK);
    return consumer;
}

static weir_consumer *open_plain(const struct live *live) {
    return open_with(live, (weir_options){0}, (weir_consumer_options){0});
}

static void assert_given(weir_consumer *consumer, uint64_t ms) {
    weir_delivery task;
    weir_status st = weir_consumer_next(consumer, SOON_MS, &task);
    if (st != WEIR_OK) {
        print_error("%d: %s\n", st, weir_consumer_error(consumer)->text);
    }
    assert_status(st, WEIR_OK);
    assert_id(task.entry.id, ms, 0);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
}

static uint64_t pending(weir_client *client) {
    weir_pending summary;
    assert_ok(client, weir_xpending(client, KEY, GROUP, &summary));
    weir_pending_close(&summary);
    return summary.count;
}

static void close_well(struct live *live, weir_consumer *consumer) {
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client), 0);
}

static void make_group(weir_client *client) {
    weir_source all = weir_source_after(KEY, WEIR_ID_MIN);
    assert_ok(client, weir_xgroup_create(client, all, GROUP, MKSTREAM, NULL));
}

static void read_as(weir_client *client, const char *name, uint64_t count) {
    weir_source fresh = weir_source_new(KEY);
    weir_read_options some = {.count = count};
    weir_entries page;
    assert_ok(client,
              weir_xreadgroup(client, GROUP, weir_text(name), &fresh, 1, &some, &page));
    weir_entries_close(&page);
}

/* ---- a server that refuses for a while ---- */

/* The number behind "id=" in the line of CLIENT LIST whose command is XREADGROUP. */
static long reader_id(weir_client *client) {
    const weir_view words[] = {WIRE("CLIENT"), WIRE("LIST")};
    char text[8192];
    weir_reply reply;
    weir_token token;
    assert_ok(client, weir_command(client, words, 2, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_true(token.bytes.len < sizeof text);
    memcpy(text, token.bytes.data, token.bytes.len);
    text[token.bytes.len] = '\0';
    weir_reply_close(&reply);
    char *line = strstr(text, "cmd=xreadgroup");
    assert_non_null(line);
    while (line > text && line[-1] != '\n') {
        line--;
    }
    return strtol(line + 3, NULL, 10);
}

static void an_unblocked_read_is_asked_again(void **state) {
    struct live *live = *state;
    const char *const ways[] = {"ERROR", "TIMEOUT"};
    weir_consumer *consumer = open_plain(live);
    for (uint64_t i = 0; i < 2; i++) {
        weir_delivery task;
        char id[24];
        assert_status(weir_consumer_next(consumer, 50, &task), WEIR_MORE);
        (void)snprintf(id, sizeof id, "%ld", reader_id(live->client));
        assert_ok(live->client, live_say(live->client, "CLIENT", "UNBLOCK", id, ways[i]));
        assert_status(weir_consumer_next(consumer, 50, &task), WEIR_MORE);
        live_add(live->client, "s", i + 1, 0);
        assert_given(consumer, i + 1);
    }
    close_well(live, consumer);
}

static int troubles;

static void count_trouble(void *context, const weir_error *error) {
    (void)context;
    (void)error;
    troubles++;
}

/* As a primary that was made a replica, and back. */
static void a_server_that_is_read_only_is_waited_for(void **state) {
    struct live *live = *state;
    weir_delivery task;
    weir_consumer *consumer = open_with(
        live, (weir_options){0}, (weir_consumer_options){.on_trouble = count_trouble});
    live_add(live->client, "s", 1, 0);
    assert_given(consumer, 1);
    assert_ok(live->client, live_say(live->client, "REPLICAOF", "127.0.0.1", "1"));
    troubles = 0;
    assert_status(weir_consumer_next(consumer, 500, &task), WEIR_MORE);
    assert_true(troubles > 0);
    assert_true(troubles < 60); /* it does not spin */
    assert_ok(live->client, live_say(live->client, "REPLICAOF", "NO", "ONE"));
    live_add(live->client, "s", 2, 0);
    assert_given(consumer, 2);
    close_well(live, consumer);
}

static void a_stream_that_is_made_anew_is_followed(void **state) {
    struct live *live = *state;
    weir_consumer_options options = {.lost_group = WEIR_LOST_GROUP_BEGINNING};
    weir_consumer *consumer = open_with(live, (weir_options){0}, options);
    live_fill(live->client, "s", 5, 1);
    for (uint64_t ms = 1; ms <= 5; ms++) {
        assert_given(consumer, ms);
    }
    assert_ok(live->client, live_say(live->client, "FLUSHALL"));
    live_fill(live->client, "s", 3, 1);
    for (uint64_t ms = 1; ms <= 3; ms++) {
        assert_given(consumer, ms);
    }
    close_well(live, consumer);
}

static void what_was_trimmed_while_pending_is_cleared(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 300, 1);
    make_group(live->client);
    read_as(live->client, "me", 250);
    assert_ok(live->client, live_say(live->client, "XTRIM", "s", "MAXLEN", "100"));
    weir_consumer *consumer = open_plain(live);
    for (uint64_t ms = 201; ms <= 300; ms++) {
        assert_given(consumer, ms);
    }
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(weir_consumer_count(consumer).ghosts, 200);
    close_well(live, consumer);
}

static void a_user_without_permission_is_told(void **state) {
    struct live *live = *state;
    weir_consumer *consumer;
    weir_consumer_options options = {
        .streams = &KEY, .stream_count = 1, .group = GROUP, .start = WEIR_START_END};
    weir_options connection = {.protocol = live->protocol, .user = "eve", .password = "pw"};
    assert_ok(live->client, live_say(live->client, "ACL", "SETUSER", "eve", "on", ">pw",
                                     "~*", "+@all", "-xreadgroup"));
    assert_status(weir_consumer_open(live->server->url, &connection, &options, &consumer),
                  WEIR_OK);
    weir_delivery task;
    assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_ERR_SERVER);
    assert_string_equal(weir_consumer_error(consumer)->code, "NOPERM");
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_ERR_SERVER);
    assert_ok(live->client, live_say(live->client, "ACL", "DELUSER", "eve"));
}

/* ---- much ---- */

static void what_many_left_is_claimed(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", MEMBERS, 1);
    make_group(live->client);
    for (uint64_t i = 1; i <= MEMBERS; i++) {
        char name[16];
        weir_id id = {i, 0};
        weir_entries page;
        (void)snprintf(name, sizeof name, "m%d", (int)i);
        read_as(live->client, name, 1);
        assert_ok(live->client, weir_xclaim(live->client, KEY, GROUP, weir_text(name), 0,
                                            &id, 1, &LONG_AGO, &page));
        weir_entries_close(&page);
    }
    weir_consumer *consumer = open_plain(live);
    for (uint64_t i = 1; i <= MEMBERS; i++) {
        weir_delivery task;
        char name[16];
        assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
        (void)snprintf(name, sizeof name, "m%d", (int)task.entry.id.ms);
        assert_int_equal(task.origin, WEIR_ORIGIN_CLAIMED);
        assert_view(task.from, name);
        assert_int_equal(task.entry.deliveries, 1);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    close_well(live, consumer);
}

static void a_hundred_thousand_pending_are_worked_through(void **state) {
    struct live *live = *state;
    static bool seen[MANY + 1];
    weir_consumer_options options = {.count = 1000, .claim_interval_ms = 20};
    weir_delivery tasks[256];
    int64_t began_ms = live_now_ms();
    memset(seen, 0, sizeof seen);
    live_fill(live->client, "s", MANY, 1);
    make_group(live->client);
    read_as(live->client, "me", MANY / 2);
    read_as(live->client, "dead", MANY / 2);
    options.claim_idle_ms = 500;
    weir_consumer *consumer = open_with(live, (weir_options){0}, options);
    for (uint64_t left = MANY; left > 0;) {
        size_t count;
        assert_status(weir_consumer_take(consumer, SOON_MS, tasks, 256, &count), WEIR_OK);
        for (size_t i = 0; i < count; i++) {
            uint64_t ms = tasks[i].entry.id.ms;
            assert_true(ms >= 1 && ms <= MANY);
            left -= !seen[ms];
            seen[ms] = true;
            assert_status(weir_consumer_done(consumer, &tasks[i]), WEIR_OK);
        }
        assert_true(live_now_ms() - began_ms < PLENTY_MS);
    }
    close_well(live, consumer);
    print_message("%d pending entries in %d ms\n", MANY, (int)(live_now_ms() - began_ms));
}

/* ---- memory ---- */

static void work_through(weir_consumer *consumer, uint64_t from, uint64_t to) {
    for (uint64_t ms = from; ms <= to; ms++) {
        assert_given(consumer, ms);
    }
}

static void a_consumer_allocates_nothing_for_an_entry(void **state) {
    struct live *live = *state;
    static struct support_mem counts;
    counts = (struct support_mem){.allowed = SIZE_MAX};
    live_fill(live->client, "s", 20000, 16);
    weir_consumer *consumer = open_with(live, (weir_options){.mem = support_mem(&counts)},
                                        (weir_consumer_options){0});
    work_through(consumer, 1, 5000);
    size_t before = counts.calls;
    work_through(consumer, 5001, 20000);
    assert_int_equal(counts.calls, before);
    close_well(live, consumer);
    assert_int_equal(counts.live, 0);
}

/* Works as far as the allocator lets it. False: it refused in the opening. */
static bool work_with(const struct live *live, struct support_mem *counts) {
    weir_consumer *consumer = NULL;
    weir_consumer_options options = {.streams = &KEY,
                                     .stream_count = 1,
                                     .group = GROUP,
                                     .name = weir_text("me"),
                                     .start = WEIR_START_BEGINNING,
                                     .count = 10,
                                     .dead_letters = weir_text("dead")};
    weir_options connection = {.protocol = live->protocol, .mem = support_mem(counts)};
    weir_status st =
        weir_consumer_open(live->server->url, &connection, &options, &consumer);
    int given = 0;
    for (int tries = 0; st == WEIR_OK && given < 30 && tries < 20; tries++) {
        weir_delivery tasks[8];
        size_t count = 0;
        weir_status got = weir_consumer_take(consumer, 5, tasks, 8, &count);
        assert_true(got == WEIR_OK || got == WEIR_MORE || got == WEIR_ERR_NOMEM);
        for (size_t i = 0; i < count; i++) {
            weir_status said = given++ == 3
                                   ? weir_consumer_reject(consumer, &tasks[i], "no")
                                   : weir_consumer_done(consumer, &tasks[i]);
            assert_true(said == WEIR_OK || said == WEIR_ERR_NOMEM);
        }
    }
    assert_true(st == WEIR_OK || st == WEIR_ERR_NOMEM || consumer != NULL);
    (void)weir_consumer_close(consumer, 20);
    return st == WEIR_OK;
}

static void every_refusal_of_memory_is_survived(void **state) {
    struct live *live = *state;
    size_t allowed = 0;
    bool is_opened = false;
    struct support_mem counts;
    for (size_t behind = 0; behind < 12; allowed++) {
        assert_ok(live->client, live_say(live->client, "FLUSHALL"));
        live_fill(live->client, "s", 30, 2000);
        counts = (struct support_mem){.allowed = allowed};
        is_opened = work_with(live, &counts);
        behind += is_opened;
        assert_int_equal(counts.live, 0);
        assert_int_equal(counts.bytes, 0);
    }
    assert_true(allowed > 20);
}

/* ---- what cannot be given or written ---- */

/* The group went with what was released: behind what was done it would be skipped. */
static void what_was_released_comes_again_with_the_group(void **state) {
    struct live *live = *state;
    weir_consumer_options options = {.lost_group = WEIR_LOST_GROUP_ACKED};
    weir_delivery task;
    live_fill(live->client, "s", 2, 1);
    weir_consumer *consumer = open_with(live, (weir_options){0}, options);
    assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
    assert_status(weir_consumer_release(consumer, &task), WEIR_OK);
    assert_given(consumer, 2);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_ok(live->client, live_say(live->client, "XGROUP", "DESTROY", "s", "g"));
    assert_given(consumer, 1);
    assert_given(consumer, 2);
    close_well(live, consumer);
}

static void a_letter_that_cannot_be_written_holds_nothing_up(void **state) {
    struct live *live = *state;
    weir_consumer_options options = {.max_deliveries = 1,
                                     .dead_letters = weir_text("dead"),
                                     .on_trouble = count_trouble};
    make_group(live->client);
    assert_ok(live->client, live_say(live->client, "XADD", "s", "1-0", "", "v"));
    live_add(live->client, "s", 2, 0);
    live_add(live->client, "s", 3, 0);
    read_as(live->client, "me", 2);
    weir_consumer *consumer = open_with(live, (weir_options){0}, options);
    troubles = 0;
    assert_given(consumer, 3);
    assert_true(troubles > 0);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(weir_consumer_count(consumer).dead, 1);
    assert_int_equal(pending(live->client), 1);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

/* In the history, in a batch: it is told, and what is behind it is given. */
static void an_entry_too_large_is_passed_over_and_told(void **state) {
    struct live *live = *state;
    weir_options small = {.limits.receive_bytes = 4096};
    weir_consumer_options options = {.count = 1, .on_trouble = count_trouble};
    make_group(live->client);
    live_fill(live->client, "s", 1, 20000);
    live_add(live->client, "s", 2, 0);
    read_as(live->client, "me", 2);
    weir_consumer *consumer = open_with(live, small, options);
    weir_delivery tasks[4];
    size_t count;
    troubles = 0;
    assert_status(weir_consumer_take(consumer, SOON_MS, tasks, 4, &count), WEIR_ERR_LIMIT);
    assert_int_equal(troubles, 1);
    assert_status(weir_consumer_take(consumer, SOON_MS, tasks, 4, &count), WEIR_OK);
    assert_int_equal(count, 1);
    assert_id(tasks[0].entry.id, 2, 0);
    assert_status(weir_consumer_done(consumer, &tasks[0]), WEIR_OK);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client), 1);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

static void a_batch_that_ends_at_a_large_entry_tells_it_next(void **state) {
    struct live *live = *state;
    weir_options small = {.limits.receive_bytes = 4096};
    weir_delivery tasks[4];
    size_t count;
    live_add(live->client, "s", 1, 0);
    static char large[20000];
    memset(large, 'v', sizeof large);
    const weir_field field = {weir_text("n"), weir_bytes(large, sizeof large)};
    const weir_xadd_options second = {.id = {2, 0}};
    assert_ok(live->client, weir_xadd(live->client, KEY, &field, 1, &second, NULL));
    live_add(live->client, "s", 3, 0);
    weir_consumer *consumer = open_with(live, small, (weir_consumer_options){0});
    uint64_t ms = 0;
    bool is_told = false;
    while (ms < 3) {
        weir_status st = weir_consumer_take(consumer, SOON_MS, tasks, 4, &count);
        is_told = is_told || st == WEIR_ERR_LIMIT;
        for (size_t i = 0; st == WEIR_OK && i < count; i++) {
            ms = tasks[i].entry.id.ms;
            assert_int_equal(is_told, ms == 3);
            assert_status(weir_consumer_done(consumer, &tasks[i]), WEIR_OK);
        }
        assert_true(st == WEIR_OK || st == WEIR_ERR_LIMIT);
    }
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client), 1);
}

/* What is due while it cannot be asked must not end each wait at once. */
static void nothing_is_due_that_cannot_be_asked(void **state) {
    struct live *live = *state;
    weir_consumer_options options = {.ack_linger_ms = 1};
    weir_delivery task;
    live_fill(live->client, "s", 1, 1);
    weir_consumer *consumer =
        open_with(live, (weir_options){.reconnect.ceiling_ms = 10}, options);
    assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    weir_consumer_cancel(consumer);
    assert_ok(live->client, live_say(live->client, "CLIENT", "PAUSE", "300"));
    clock_t before = clock();
    assert_status(weir_consumer_flush(consumer, 200), WEIR_MORE);
    assert_true(clock() - before < CLOCKS_PER_SEC / 20);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    close_well(live, consumer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(an_unblocked_read_is_asked_again),
        LIVE_ON_BOTH(a_server_that_is_read_only_is_waited_for),
        LIVE_ON_BOTH(a_stream_that_is_made_anew_is_followed),
        LIVE_ON_BOTH(what_was_trimmed_while_pending_is_cleared),
        LIVE_ON_BOTH(a_user_without_permission_is_told),
        LIVE_ON_BOTH(what_many_left_is_claimed),
        {"a_hundred_thousand_pending_are_worked_through",
         a_hundred_thousand_pending_are_worked_through, live_open_resp3, live_close, NULL},
        LIVE_ON_BOTH(a_consumer_allocates_nothing_for_an_entry),
        LIVE_ON_BOTH(every_refusal_of_memory_is_survived),
        LIVE_ON_BOTH(what_was_released_comes_again_with_the_group),
        LIVE_ON_BOTH(a_letter_that_cannot_be_written_holds_nothing_up),
        LIVE_ON_BOTH(an_entry_too_large_is_passed_over_and_told),
        LIVE_ON_BOTH(a_batch_that_ends_at_a_large_entry_tells_it_next),
        LIVE_ON_BOTH(nothing_is_due_that_cannot_be_asked),
    };
    return live_run("live_consumer_trouble", tests);
}
