/* The consumer against a real server: what it gives, what its verdicts do, how it recovers.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../stream/consumer.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON_MS 5000

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};

/* ---- help ---- */

static weir_consumer *open_with(const struct live *live, const char *name,
                                weir_consumer_options options) {
    weir_consumer *consumer;
    weir_options connection = {.protocol = live->protocol};
    options.streams = options.streams != NULL ? options.streams : &KEY;
    options.stream_count = options.stream_count != 0 ? options.stream_count : 1;
    options.group = options.group.len > 0 ? options.group : GROUP;
    options.start =
        options.start != WEIR_START_UNSAID ? options.start : WEIR_START_BEGINNING;
    options.name = name != NULL ? weir_text(name) : (weir_view){0};
    weir_status st =
        weir_consumer_open(live->server->url, &connection, &options, &consumer);
    if (st != WEIR_OK) {
        print_error("%d: %s\n", st, weir_consumer_error(consumer)->text);
    }
    assert_status(st, WEIR_OK);
    return consumer;
}

static weir_consumer *open_named(const struct live *live, const char *name) {
    return open_with(live, name, (weir_consumer_options){0});
}

static void assert_given(weir_consumer *consumer, weir_delivery *task, uint64_t ms) {
    weir_status st = weir_consumer_next(consumer, SOON_MS, task);
    if (st != WEIR_OK) {
        print_error("%d: %s\n", st, weir_consumer_error(consumer)->text);
    }
    assert_status(st, WEIR_OK);
    assert_id(task->entry.id, ms, 0);
}

static void assert_nothing(weir_consumer *consumer) {
    weir_delivery task;
    assert_status(weir_consumer_next(consumer, 50, &task), WEIR_MORE);
}

static uint64_t pending(weir_client *client, weir_view key) {
    weir_pending summary;
    assert_ok(client, weir_xpending(client, key, GROUP, &summary));
    weir_pending_close(&summary);
    return summary.count;
}

static void close_well(weir_consumer *consumer) {
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

/* ---- giving and acknowledging ---- */

static void consumer_gives_each_entry_and_acknowledges_it(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 1000, 10);
    weir_consumer *consumer = open_named(live, "a");
    for (uint64_t ms = 1; ms <= 1000; ms++) {
        weir_delivery task;
        assert_given(consumer, &task, ms);
        assert_int_equal(task.origin, WEIR_ORIGIN_NEW);
        assert_int_equal(task.entry.deliveries, 0);
        assert_view(task.entry.stream, "s");
        assert_int_equal(task.entry.fields[0].value.len, 10);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
        assert_status(weir_consumer_done(consumer, &task), WEIR_ERR_ARG);
    }
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, KEY), 0);
    assert_int_equal(weir_consumer_count(consumer).acknowledged, 1000);
    close_well(consumer);
}

static void a_batch_keeps_all_its_views(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 500, 1000);
    weir_consumer *consumer = open_named(live, "a");
    weir_delivery tasks[64];
    uint64_t ms = 0;
    while (ms < 500) {
        size_t count;
        assert_status(weir_consumer_take(consumer, SOON_MS, tasks, 64, &count), WEIR_OK);
        for (size_t i = 0; i < count; i++) {
            assert_id(tasks[i].entry.id, ++ms, 0);
            assert_view(tasks[i].entry.fields[0].name, "n");
            assert_int_equal(tasks[i].entry.fields[0].value.len, 1000);
            assert_int_equal(tasks[i].entry.fields[0].value.data[999], 'v');
            assert_status(weir_consumer_done(consumer, &tasks[i]), WEIR_OK);
        }
    }
    close_well(consumer);
    assert_int_equal(pending(live->client, KEY), 0);
}

static void done_entries_are_deleted_if_asked(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 50, 1);
    weir_consumer *consumer =
        open_with(live, "a", (weir_consumer_options){.delete_done = true});
    for (uint64_t ms = 1; ms <= 50; ms++) {
        weir_delivery task;
        assert_given(consumer, &task, ms);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    uint64_t count = 1;
    assert_ok(live->client, weir_xlen(live->client, KEY, &count));
    assert_int_equal(count, 0);
    assert_int_equal(weir_consumer_count(consumer).acknowledged, 50);
    close_well(consumer);
    assert_int_equal(pending(live->client, KEY), 0);
}

static void several_streams_are_told_apart(void **state) {
    struct live *live = *state;
    weir_view keys[] = {weir_text("one"), weir_bytes("t\0o", 3)};
    weir_consumer_options options = {.streams = keys, .stream_count = 2};
    weir_consumer *consumer = open_with(live, "a", options);
    live_add(live->client, "one", 1, 0);
    weir_field field = weir_pair("n", "1");
    weir_xadd_options at = {.id = {2, 0}};
    assert_ok(live->client, weir_xadd(live->client, keys[1], &field, 1, &at, NULL));
    for (int i = 0; i < 2; i++) {
        weir_delivery task;
        assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
        weir_view key = keys[task.entry.id.ms - 1];
        assert_true(weir_view_equal(task.entry.stream, key));
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    close_well(consumer);
    assert_int_equal(pending(live->client, keys[0]), 0);
    assert_int_equal(pending(live->client, keys[1]), 0);
}

static void a_group_may_be_named_like_a_keyword(void **state) {
    struct live *live = *state;
    weir_consumer_options options = {.group = weir_text("STREAMS")};
    weir_consumer *consumer = open_with(live, "GROUP", options);
    live_add(live->client, "s", 1, 0);
    weir_delivery task;
    assert_given(consumer, &task, 1);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    close_well(consumer);
}

static void what_is_in_hand_is_bounded(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 20, 1);
    weir_consumer_options options = {.count = 5, .in_hand = 5};
    weir_consumer *consumer = open_with(live, "a", options);
    weir_delivery tasks[5];
    for (uint64_t ms = 1; ms <= 5; ms++) {
        assert_given(consumer, &tasks[ms - 1], ms);
    }
    weir_delivery more;
    assert_status(weir_consumer_next(consumer, SOON_MS, &more), WEIR_ERR_FULL);
    for (int i = 0; i < 5; i++) {
        assert_status(weir_consumer_done(consumer, &tasks[i]), WEIR_OK);
    }
    for (uint64_t ms = 6; ms <= 20; ms++) {
        assert_given(consumer, &more, ms);
        assert_status(weir_consumer_done(consumer, &more), WEIR_OK);
    }
    close_well(consumer);
    assert_int_equal(pending(live->client, KEY), 0);
}

/* ---- history, claims, dead letters ---- */

static void a_restart_goes_on_with_what_was_in_hand(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 250, 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* dies with 120 in hand, and more read */
        weir_consumer *dying = open_named(live, "a");
        weir_delivery task;
        for (int i = 0; i < 120; i++) {
            (void)weir_consumer_next(dying, SOON_MS, &task);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(pending(live->client, KEY) >= 120);
    weir_consumer *consumer = open_named(live, "a");
    uint64_t history = 0;
    for (uint64_t ms = 1; ms <= 250; ms++) {
        weir_delivery task;
        assert_given(consumer, &task, ms);
        history += task.origin == WEIR_ORIGIN_HISTORY;
        assert_int_equal(task.entry.deliveries, task.origin == WEIR_ORIGIN_HISTORY);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    assert_true(history >= 120);
    close_well(consumer);
    assert_int_equal(pending(live->client, KEY), 0);
}

static void the_dead_ones_work_is_claimed(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 30, 1);
    weir_source fresh = weir_source_new(KEY);
    weir_source all = weir_source_after(KEY, WEIR_ID_MIN);
    weir_consumer_options options = {.claim_idle_ms = 200, .claim_interval_ms = 50};
    weir_entries page;
    assert_ok(live->client, weir_xgroup_create(live->client, all, GROUP, NULL, NULL));
    assert_ok(live->client, weir_xreadgroup(live->client, GROUP, weir_text("dead"), &fresh,
                                            1, NULL, &page));
    weir_entries_close(&page);
    weir_consumer *consumer = open_with(live, "heir", options);
    int64_t began_ms = live_now_ms();
    uint64_t from_dead = 0;
    for (int i = 0; i < 30; i++) {
        weir_delivery task;
        assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
        assert_int_equal(task.origin, WEIR_ORIGIN_CLAIMED);
        assert_view(task.from, "dead");
        assert_int_equal(task.entry.deliveries, 1);
        assert_true(task.entry.idle_ms >= 200);
        from_dead++;
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    print_message("%d entries were handed over within %d ms of an idle limit of 200\n",
                  (int)from_dead, (int)(live_now_ms() - began_ms));
    assert_int_equal(weir_consumer_count(consumer).claimed, from_dead);
    close_well(consumer);
    assert_int_equal(pending(live->client, KEY), 0);
}

static void what_was_deleted_while_pending_is_cleared(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 10, 1);
    weir_source fresh = weir_source_new(KEY);
    weir_source all = weir_source_after(KEY, WEIR_ID_MIN);
    weir_entries page;
    assert_ok(live->client, weir_xgroup_create(live->client, all, GROUP, NULL, NULL));
    assert_ok(live->client, weir_xreadgroup(live->client, GROUP, weir_text("a"), &fresh, 1,
                                            &(weir_read_options){.count = 5}, &page));
    weir_entries_close(&page);
    assert_ok(live->client,
              weir_xreadgroup(live->client, GROUP, weir_text("b"), &fresh, 1, NULL, &page));
    weir_entries_close(&page);
    weir_id gone[] = {{2, 0}, {7, 0}};
    assert_ok(live->client, weir_xdel(live->client, KEY, gone, 2, NULL));
    weir_consumer_options options = {.claim_idle_ms = 300, .claim_interval_ms = 20};
    weir_consumer *consumer = open_with(live, "a", options);
    for (int i = 0; i < 8; i++) {
        weir_delivery task;
        assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
        assert_true(task.entry.id.ms != 2 && task.entry.id.ms != 7);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    assert_nothing(consumer);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, KEY), 0);
    assert_int_equal(weir_consumer_count(consumer).ghosts, 2);
    close_well(consumer);
}

static void a_rejected_entry_is_a_dead_letter(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 3, 4);
    weir_consumer_options options = {.dead_letters = weir_text("dead")};
    weir_consumer *consumer = open_with(live, "a", options);
    weir_delivery task;
    assert_given(consumer, &task, 1);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    assert_given(consumer, &task, 2);
    assert_status(weir_consumer_reject(consumer, &task, "no such address"), WEIR_OK);
    assert_given(consumer, &task, 3);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, KEY), 0);
    weir_entries page;
    weir_entry letter;
    assert_ok(live->client, weir_xrange(live->client, weir_text("dead"), WEIR_ID_MIN,
                                        WEIR_ID_MAX, NULL, &page));
    assert_status(weir_entries_next(&page, &letter), WEIR_OK);
    const char *const expected[][2] = {{"n", "vvvv"},
                                       {"dead-stream", "s"},
                                       {"dead-id", "2-0"},
                                       {"dead-group", "g"},
                                       {"dead-consumer", "a"},
                                       {"dead-deliveries", "0"},
                                       {"dead-reason", "no such address"}};
    assert_int_equal(letter.field_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_view(letter.fields[i].name, expected[i][0]);
        assert_view(letter.fields[i].value, expected[i][1]);
    }
    assert_end(&page);
    assert_int_equal(weir_consumer_count(consumer).dead, 1);
    close_well(consumer);
}

static void poison_is_set_aside_after_so_many_deliveries(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 3, 1);
    weir_consumer_options options = {.claim_idle_ms = 100,
                                     .claim_interval_ms = 20,
                                     .max_deliveries = 3,
                                     .dead_letters = weir_text("dead")};
    weir_consumer *consumer = open_with(live, "a", options);
    int times = 0;
    int64_t until_ms = live_now_ms() + SOON_MS;
    while (weir_consumer_count(consumer).dead == 0 && live_now_ms() < until_ms) {
        weir_delivery task;
        if (weir_consumer_next(consumer, 50, &task) != WEIR_OK) {
            continue;
        }
        if (task.entry.id.ms == 2) { /* its work always fails: gives it back */
            times++;
            assert_int_equal(task.entry.deliveries, times - 1);
            assert_status(weir_consumer_release(consumer, &task), WEIR_OK);
        } else {
            assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
        }
    }
    assert_int_equal(times, 3);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, KEY), 0);
    uint64_t letters = 0;
    assert_ok(live->client, weir_xlen(live->client, weir_text("dead"), &letters));
    assert_int_equal(letters, 1);
    close_well(consumer);
}

/* ---- leases ---- */

static void a_long_job_is_kept_or_found_to_be_lost(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 2, 1);
    weir_consumer_options options = {.claim_idle_ms = WEIR_FOREVER, .count = 1};
    weir_consumer *consumer = open_with(live, "a", options);
    weir_delivery task;
    assert_given(consumer, &task, 1);
    for (int i = 0; i < 3; i++) {
        assert_status(weir_consumer_extend(consumer, SOON_MS, &task), WEIR_OK);
    }
    assert_status(weir_consumer_extend(consumer, SOON_MS, &task), WEIR_OK);
    weir_entries page;
    weir_entry entry;
    assert_ok(live->client, weir_xclaim(live->client, KEY, GROUP, weir_text("thief"), 0,
                                        &task.entry.id, 1, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    weir_entries_close(&page);
    assert_status(weir_consumer_extend(consumer, SOON_MS, &task), WEIR_END);
    assert_status(weir_consumer_done(consumer, &task), WEIR_ERR_ARG);
    assert_int_equal(weir_consumer_count(consumer).taken, 1);
    close_well(consumer);
}

/* ---- connections and groups that go ---- */

static void a_killed_connection_loses_nothing(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 2000, 10);
    weir_consumer *consumer = open_named(live, "a");
    bool seen[2001] = {false};
    size_t left = 2000;
    for (uint64_t i = 0; left > 0; i++) {
        weir_delivery task;
        assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
        uint64_t ms = task.entry.id.ms;
        assert_true(ms >= 1 && ms <= 2000);
        assert_false(seen[ms]); /* what is in hand, or on its way, is not given twice */
        seen[ms] = true;
        left--;
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
        if (i % 300 == 150) {
            assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "TYPE",
                                             "normal", "SKIPME", "yes"));
        }
    }
    assert_true(weir_consumer_count(consumer).losses > 0);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(pending(live->client, KEY), 0);
    close_well(consumer);
}

static void a_lost_group_ends_it_or_is_made_again(void **state) {
    struct live *live = *state;
    const weir_lost_group ways[] = {WEIR_LOST_GROUP_STOP, WEIR_LOST_GROUP_BEGINNING,
                                    WEIR_LOST_GROUP_ACKED};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(live->client, live_say(live->client, "FLUSHALL"));
        live_fill(live->client, "s", 3, 1);
        weir_consumer *consumer =
            open_with(live, "a", (weir_consumer_options){.lost_group = ways[i]});
        weir_delivery task;
        for (uint64_t ms = 1; ms <= 3; ms++) {
            assert_given(consumer, &task, ms);
            assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
        }
        assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
        assert_ok(live->client, live_say(live->client, "XGROUP", "DESTROY", "s", "g"));
        live_add(live->client, "s", 4, 0);
        if (ways[i] == WEIR_LOST_GROUP_STOP) {
            assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_ERR_SERVER);
            assert_string_equal(weir_consumer_error(consumer)->code, "NOGROUP");
            assert_status(weir_consumer_close(consumer, 0), WEIR_ERR_SERVER);
            continue;
        }
        uint64_t from = ways[i] == WEIR_LOST_GROUP_BEGINNING ? 1 : 4;
        for (uint64_t ms = from; ms <= 4; ms++) {
            assert_given(consumer, &task, ms);
            assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
        }
        close_well(consumer);
        assert_int_equal(pending(live->client, KEY), 0);
    }
}

static void another_type_in_its_place_ends_it(void **state) {
    struct live *live = *state;
    weir_consumer *consumer = open_named(live, "a");
    weir_delivery task;
    assert_nothing(consumer);
    assert_ok(live->client, live_say(live->client, "DEL", "s"));
    assert_ok(live->client, live_say(live->client, "SET", "s", "1"));
    weir_status st = weir_consumer_next(consumer, 2 * SOON_MS, &task);
    assert_status(st, WEIR_ERR_SERVER);
    assert_status(weir_consumer_next(consumer, 0, &task), st);
    assert_status(weir_consumer_close(consumer, 0), st);
}

/* ---- event loops ---- */

static void turn(weir_consumer *consumer) {
    weir_watch watches[WEIR_CONSUMER_WATCHES];
    struct pollfd fds[WEIR_CONSUMER_WATCHES];
    weir_consumer_watches(consumer, watches);
    for (int i = 0; i < WEIR_CONSUMER_WATCHES; i++) {
        int wants = watches[i].wants;
        int events = ((wants & WEIR_WANT_READ) != 0 ? POLLIN : 0) |
                     ((wants & WEIR_WANT_WRITE) != 0 ? POLLOUT : 0);
        fds[i] = (struct pollfd){.fd = events != 0 ? watches[i].fd : -1,
                                 .events = (short)events};
    }
    int64_t left_ms = weir_consumer_deadline_ms(consumer) - live_now_ms();
    (void)poll(fds, WEIR_CONSUMER_WATCHES,
               left_ms < 0 ? 0 : (left_ms < 1000 ? (int)left_ms : 1000));
    assert_status(weir_consumer_step(consumer), WEIR_OK);
}

static void an_event_loop_never_waits_in_it(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 500, 10);
    weir_consumer *consumer =
        open_with(live, "a", (weir_consumer_options){.non_blocking = true});
    int64_t until_ms = live_now_ms() + SOON_MS;
    for (uint64_t ms = 1; ms <= 500 && live_now_ms() < until_ms;) {
        weir_delivery task;
        weir_status st = weir_consumer_next(consumer, 0, &task);
        if (st == WEIR_MORE) {
            turn(consumer);
            continue;
        }
        assert_status(st, WEIR_OK);
        assert_id(task.entry.id, ms++, 0);
        assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    }
    weir_status st;
    while ((st = weir_consumer_leave(consumer, 0)) == WEIR_MORE &&
           live_now_ms() < until_ms) {
        turn(consumer);
    }
    assert_status(st, WEIR_OK);
    assert_int_equal(weir_consumer_count(consumer).acknowledged, 500);
    close_well(consumer);
    assert_int_equal(pending(live->client, KEY), 0);
}

/* ---- ending ---- */

static void *cancel_soon(void *consumer) {
    (void)support_poll(-1, 0, 100);
    weir_consumer_cancel(consumer);
    return NULL;
}

static void a_wait_is_cancelled(void **state) {
    struct live *live = *state;
    weir_consumer *consumer = open_named(live, "a");
    pid_t child = fork(); /* the descriptor is shared: what wakes it may be written there */
    if (child == 0) {
        (void)cancel_soon(consumer);
        _exit(0);
    }
    int64_t began_ms = live_now_ms();
    weir_delivery task;
    (void)waitpid(child, NULL, 0);
    weir_consumer_cancel(consumer);
    assert_status(weir_consumer_next(consumer, WEIR_FOREVER, &task), WEIR_END);
    assert_true(live_now_ms() - began_ms < 2000);
    close_well(consumer);
}

static void closing_gives_back_what_it_has(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 300, 1);
    weir_consumer *consumer = open_named(live, "a");
    weir_delivery task;
    for (uint64_t ms = 1; ms <= 10; ms++) {
        assert_given(consumer, &task, ms);
        if (ms % 2 == 0) {
            assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
        }
    }
    close_well(consumer);
    assert_true(pending(live->client, KEY) >= 5);
    /* a minute of idle time is asked for, and found at once */
    weir_consumer_options options = {.claim_idle_ms = 60000, .claim_interval_ms = 20};
    weir_consumer *heir = open_with(live, "b", options);
    uint64_t claimed = 0;
    for (int i = 0; i < 295; i++) {
        assert_status(weir_consumer_next(heir, SOON_MS, &task), WEIR_OK);
        claimed += task.origin == WEIR_ORIGIN_CLAIMED;
        assert_status(weir_consumer_done(heir, &task), WEIR_OK);
    }
    assert_true(claimed >= 5);
    close_well(heir);
    assert_int_equal(pending(live->client, KEY), 0);
}

static void a_made_name_goes_with_its_consumer(void **state) {
    struct live *live = *state;
    weir_consumer *consumer = open_named(live, NULL);
    weir_delivery task;
    live_add(live->client, "s", 1, 0);
    assert_given(consumer, &task, 1);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    int64_t began_ms = live_now_ms();
    close_well(consumer);
    assert_true(live_now_ms() - began_ms < 2000); /* a read was waiting for five seconds */
    const weir_view words[] = {weir_text("XINFO"), weir_text("CONSUMERS"), KEY, GROUP};
    weir_reply reply;
    weir_token token;
    assert_ok(live->client, weir_command(live->client, words, 4, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.number, 0);
    weir_reply_close(&reply);
}

static void wrong_options_are_named(void **state) {
    struct live *live = *state;
    const struct {
        weir_consumer_options options;
        const char *word;
    } rows[] = {{{.group = GROUP, .start = WEIR_START_END}, "stream_count"},
                {{.streams = &KEY, .stream_count = 1, .start = WEIR_START_END}, "group"},
                {{.streams = &KEY, .stream_count = 1, .group = GROUP}, "start"},
                {{.streams = &KEY,
                  .stream_count = 1,
                  .group = GROUP,
                  .start = WEIR_START_END,
                  .max_deliveries = 3},
                 "dead_letters"},
                {{.streams = &KEY,
                  .stream_count = 1,
                  .group = GROUP,
                  .start = WEIR_START_END,
                  .block_ms = -5},
                 "block_ms"},
                {{.streams = &KEY,
                  .stream_count = 1,
                  .group = GROUP,
                  .start = WEIR_START_END,
                  .count = 10,
                  .in_hand = 5},
                 "in_hand"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weir_consumer *consumer;
        weir_delivery task;
        assert_status(
            weir_consumer_open(live->server->url, NULL, &rows[i].options, &consumer),
            WEIR_ERR_ARG);
        assert_non_null(strstr(weir_consumer_error(consumer)->text, rows[i].word));
        assert_status(weir_consumer_next(consumer, 0, &task), WEIR_ERR_ARG);
        assert_status(weir_consumer_close(consumer, 0), WEIR_ERR_ARG);
    }
}

static void a_server_that_is_not_there_is_told(void **state) {
    (void)state;
    weir_consumer *consumer;
    weir_consumer_options options = {
        .streams = &KEY, .stream_count = 1, .group = GROUP, .start = WEIR_START_END};
    assert_status(
        weir_consumer_open("unix:///tmp/weir-no-such-folder/s", NULL, &options, &consumer),
        WEIR_ERR_CONNECT);
    assert_non_null(strstr(weir_consumer_error(consumer)->text, "weir-no-such-folder"));
    (void)weir_consumer_close(consumer, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(consumer_gives_each_entry_and_acknowledges_it),
        LIVE_ON_BOTH(a_batch_keeps_all_its_views),
        LIVE_ON_BOTH(done_entries_are_deleted_if_asked),
        LIVE_ON_BOTH(several_streams_are_told_apart),
        LIVE_ON_BOTH(a_group_may_be_named_like_a_keyword),
        LIVE_ON_BOTH(what_is_in_hand_is_bounded),
        LIVE_ON_BOTH(a_restart_goes_on_with_what_was_in_hand),
        LIVE_ON_BOTH(the_dead_ones_work_is_claimed),
        LIVE_ON_BOTH(what_was_deleted_while_pending_is_cleared),
        LIVE_ON_BOTH(a_rejected_entry_is_a_dead_letter),
        LIVE_ON_BOTH(poison_is_set_aside_after_so_many_deliveries),
        LIVE_ON_BOTH(a_long_job_is_kept_or_found_to_be_lost),
        LIVE_ON_BOTH(a_killed_connection_loses_nothing),
        LIVE_ON_BOTH(a_lost_group_ends_it_or_is_made_again),
        LIVE_ON_BOTH(another_type_in_its_place_ends_it),
        LIVE_ON_BOTH(an_event_loop_never_waits_in_it),
        LIVE_ON_BOTH(a_wait_is_cancelled),
        LIVE_ON_BOTH(closing_gives_back_what_it_has),
        LIVE_ON_BOTH(a_made_name_goes_with_its_consumer),
        LIVE_ON_BOTH(wrong_options_are_named),
        LIVE_ON_BOTH(a_server_that_is_not_there_is_told),
    };
    return live_run("live_consumer", tests);
}
