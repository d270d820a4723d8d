/* A producer's ceilings, batches and durability, and the ways to wait for it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "tally.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static void finish(weir_producer *producer) {
    assert_status(weir_producer_close(producer, 20000), WEIR_OK);
    weir_producer_free(producer);
}

static weir_counters counters_of(const weir_producer *producer) {
    weir_counters counters;
    weir_producer_counters(producer, &counters);
    return counters;
}

static void pause_writes(struct live *live, const char *ms) {
    assert_ok(live->client, live_say(live->client, "CLIENT", "PAUSE", ms, "WRITE"));
}

/* ---- ceilings ---- */

static void a_full_producer_says_so_or_waits(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    weir_field field = weir_pair("n", "1");
    options.most_entries = 10;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    pause_writes(live, "300");
    tally_append(producer, stream, 0, 10);
    int64_t began_ms = live_now_ms();
    assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_ERR_FULL);
    assert_true(live_now_ms() - began_ms < 100);
    weir_producer_free(producer);

    options.full_wait_ms = 5000;
    producer = tally_open(live->server->url, NULL, &options);
    stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 50); /* waits for room, and for the server's pause */
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 50);
}

static void memory_stays_below_the_ceiling(void **state) {
    struct live *live = *state;
    static char big[3000];
    struct support_mem mem = {.allowed = SIZE_MAX};
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    weir_options client = {.mem = support_mem(&mem)};
    options.most_bytes = 200000;
    options.in_flight_bytes = 50000;
    memset(big, 'x', sizeof big);
    weir_field field = {weir_text("n"), weir_bytes(big, sizeof big)};
    weir_producer *producer = tally_open(live->server->url, &client, &options);
    weir_stream *stream = tally_stream(producer, "s");
    size_t before = mem.bytes;
    size_t appended = 0;
    pause_writes(live, "200");
    for (int i = 0; i < 1000; i++) {
        weir_status st = weir_producer_append(producer, stream, &field, 1, NULL);
        assert_true(st == WEIR_OK || st == WEIR_ERR_FULL);
        appended += st == WEIR_OK ? 1 : 0;
        assert_true(counters_of(producer).held_bytes <= options.most_bytes);
    }
    assert_true(appended >= 40 && appended < 100);
    assert_true(mem.peak < before + options.most_bytes + 400000);
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], appended);
    assert_int_equal(mem.live, 0);
}

static void an_entry_beyond_the_ceilings_is_refused(void **state) {
    struct live *live = *state;
    static char big[70000];
    weir_producer_options options = {.most_bytes = 100000, .in_flight_bytes = 60000};
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    weir_field field = {weir_text("n"), weir_bytes(big, sizeof big)};
    assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_ERR_LIMIT);
    field.value = weir_bytes(big, 50000);
    assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_OK);
    finish(producer);
}

/* What entries had that have their end is room again, also for other sizes and for what is
 * lent. */
static void a_full_producer_waits_as_long_as_it_takes(void **state) {
    struct live *live = *state;
    static char big[6000];
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.most_bytes = 8192;
    options.full_wait_ms = WEIR_FOREVER;
    memset(big, 'x', sizeof big);
    weir_field small = {weir_text("n"), weir_bytes(big, 100)};
    weir_field large = {weir_text("n"), weir_bytes(big, 3000)};
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    pause_writes(live, "200");
    for (int i = 0; i < 100; i++) {
        assert_status(weir_producer_append(producer, stream, &small, 1, NULL), WEIR_OK);
    }
    for (int i = 0; i < 10; i++) {
        assert_status(weir_producer_append(producer, stream, &large, 1, NULL), WEIR_OK);
        assert_true(counters_of(producer).held_bytes <= options.most_bytes);
    }
    for (int i = 0; i < 10; i++) {
        assert_status(weir_producer_append_borrowed(producer, stream, &large, 1, NULL),
                      WEIR_OK);
    }
    large.value.len = sizeof big;
    assert_status(weir_producer_append(producer, stream, &large, 1, NULL), WEIR_OK);
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 121);
}

static void a_copy_that_can_never_have_room_is_refused(void **state) {
    struct live *live = *state;
    static char big[5000];
    weir_producer_options options = {.most_bytes = 6000, .full_wait_ms = WEIR_FOREVER};
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    weir_field field = {weir_text("n"), weir_bytes(big, sizeof big)};
    assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_ERR_LIMIT);
    assert_status(weir_producer_append_borrowed(producer, stream, &field, 1, NULL),
                  WEIR_OK);
    finish(producer);
}

static void a_call_of_the_script_keeps_the_ceiling_in_flight(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_SCRIPT);
    options.in_flight_entries = 10;
    options.linger_us = 60000000;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    tally_append(producer, tally_stream(producer, "s"), 0, 100);
    pause_writes(live, "200");
    assert_status(weir_producer_flush(producer, 1), WEIR_ERR_TIMEOUT);
    assert_int_equal(counters_of(producer).in_flight, 10);
    finish(producer);
    tally_assert_row(live->client, "s", 0, 100);
}

/* XINFO STREAM shows the last entry: that it cannot be held must stop nothing. */
static void facts_too_large_to_be_held_are_done_without(void **state) {
    struct live *live = *state;
    static char big[20001];
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_IDS);
    weir_options client = {.limits = {.receive_bytes = 8192}};
    memset(big, 'x', sizeof big - 1);
    assert_ok(live->client, live_say(live->client, "XADD", "s", "1-1", "n", big));
    weir_producer *producer = tally_open(live->server->url, &client, &options);
    tally_append(producer, tally_stream(producer, "s"), 0, 100);
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 100);
}

/* An allocator that gives no larger blocks than that. */
static void *small_resize(void *user, void *block, size_t old_size, size_t new_size) {
    const size_t *largest = user;
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return new_size <= *largest ? realloc(block, new_size) : NULL;
}

static void cut_and_append(struct live *live, weir_producer *producer, weir_stream *stream,
                           int from) {
    uint64_t before = counters_of(producer).connections;
    assert_ok(live->client,
              live_say(live->client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
    while (counters_of(producer).connections == before) {
        assert_status(weir_producer_wait(producer, 10), WEIR_OK);
    }
    tally_append(producer, stream, from, from + 10);
    assert_status(weir_producer_flush(producer, 3000), WEIR_OK);
}

/* What is needed stands before the entries in XINFO STREAM's answer. */
static void facts_that_memory_cannot_hold_are_told_by_their_beginning(void **state) {
    struct live *live = *state;
    static const weir_delivery_mode all[] = {WEIR_DELIVERY_REPORT,
                                             WEIR_DELIVERY_AT_LEAST_ONCE,
                                             WEIR_DELIVERY_SCRIPT, WEIR_DELIVERY_IDS};
    static char big[300001];
    memset(big, 'x', sizeof big - 1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t largest = SIZE_MAX;
        struct tally tally;
        weir_producer_options options = tally_options(&tally, all[i]);
        weir_options client = {.mem = {small_resize, &largest},
                               .reconnect = {.floor_ms = 1}};
        weir_producer *producer = tally_open(live->server->url, &client, &options);
        weir_stream *stream = tally_stream(producer, "s");
        tally_append(producer, stream, 0, 10);
        assert_status(weir_producer_flush(producer, 3000), WEIR_OK);
        assert_ok(live->client, live_say(live->client, "XADD", "s", "*", "n", big));
        largest = 100000;
        cut_and_append(live, producer, stream, 10);
        assert_int_equal(tally.losses, 0);
        assert_ok(live->client, live_say(live->client, "DEL", "s"));
        assert_ok(live->client, live_say(live->client, "XADD", "s", "1-1", "n", big));
        cut_and_append(live, producer, stream, 20);
        assert_int_equal(tally.losses, 1);
        assert_id(tally.loss.kept, 1, 1);
        finish(producer);
        assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 30);
        assert_ok(live->client, live_say(live->client, "DEL", "s"));
    }
}

/* Once everything has been used, nothing is asked of the allocator. */
static void appends_allocate_nothing_in_the_long_run(void **state) {
    struct live *live = *state;
    static const weir_delivery_mode all[] = {WEIR_DELIVERY_REPORT, WEIR_DELIVERY_SCRIPT,
                                             WEIR_DELIVERY_IDS};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct support_mem mem = {.allowed = SIZE_MAX};
        struct tally tally;
        weir_producer_options options = tally_options(&tally, all[i]);
        weir_options client = {.mem = support_mem(&mem)};
        options.batch_entries = 2000; /* so that each round needs the same */
        options.batch_bytes = 1000000;
        options.linger_us = 60000000;
        weir_producer *producer = tally_open(live->server->url, &client, &options);
        weir_stream *stream = tally_stream(producer, "s");
        size_t calls = 0;
        for (int round = 0; round < 6; round++) {
            calls = round == 3 ? mem.calls : calls;
            tally_append(producer, stream, 0, 2000);
            assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
        }
        assert_int_equal(mem.calls, calls);
        finish(producer);
        assert_ok(live->client, live_say(live->client, "DEL", "s"));
    }
}

/* ---- batches ---- */

static void a_batch_lingers_until_its_time(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.linger_us = 60000;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_step(producer), WEIR_OK);
    assert_int_equal(counters_of(producer).in_flight, 0);
    for (int i = 0; i < 50 && tally.reports < 10; i++) {
        assert_status(weir_producer_wait(producer, 1000), WEIR_OK);
    }
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 10);
    assert_int_equal(counters_of(producer).batches, 1);
    assert_true(tally.report.latency_us >= 59000 && tally.report.latency_us < 1000000);
    tally_append(producer, stream, 10, 20);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK); /* does not linger */
    assert_true(tally.report.latency_us < 50000);
    finish(producer);
}

static void a_batch_is_sent_when_it_is_full(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.linger_us = 60000000;
    options.batch_entries = 10;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 9);
    assert_int_equal(counters_of(producer).batches, 0);
    tally_append(producer, stream, 9, 10);
    assert_int_equal(counters_of(producer).batches, 1);
    finish(producer);

    options.batch_entries = 0;
    options.batch_bytes = 100;
    producer = tally_open(live->server->url, NULL, &options);
    stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 4);
    assert_int_equal(counters_of(producer).batches, 0);
    tally_append(producer, stream, 4, 20);
    assert_true(counters_of(producer).batches >= 1);
    finish(producer);
}

/* ---- trimming ---- */

static void trim(struct live *live, weir_delivery_mode delivery, uint64_t every) {
    struct tally tally;
    weir_producer_options options = tally_options(&tally, delivery);
    weir_stream_options shape = {
        .trim = {.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 10},
        .trim_every = every};
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream;
    assert_status(weir_producer_stream(producer, weir_text("s"), &shape, &stream), WEIR_OK);
    tally_append(producer, stream, 0, 100);
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 100);
    tally_assert_row(live->client, "s", 90, 10);
    assert_ok(live->client, live_say(live->client, "DEL", "s"));
}

static void streams_are_kept_short(void **state) {
    trim(*state, WEIR_DELIVERY_REPORT, 0);
    trim(*state, WEIR_DELIVERY_REPORT, 50);
    trim(*state, WEIR_DELIVERY_IDS, 0);
    trim(*state, WEIR_DELIVERY_IDS, 25);
    trim(*state, WEIR_DELIVERY_SCRIPT, 0);
}

static void a_trim_that_contradicts_itself_is_refused(void **state) {
    struct live *live = *state;
    weir_producer *producer = tally_open(live->server->url, NULL, NULL);
    weir_stream *stream;
    weir_stream_options shape = {.trim_every = 5};
    assert_status(weir_producer_stream(producer, weir_text("s"), &shape, &stream),
                  WEIR_ERR_ARG);
    shape.trim =
        (weir_trim){.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 10, .limit = 5};
    assert_status(weir_producer_stream(producer, weir_text("s"), &shape, &stream),
                  WEIR_ERR_ARG);
    assert_non_null(strstr(weir_producer_error(producer)->text, "approximate"));
    finish(producer);
}

/* ---- many streams ---- */

static void each_of_many_streams_keeps_its_order(void **state) {
    struct live *live = *state;
    enum { STREAMS = 700, EACH = 5 };
    static const weir_delivery_mode all[] = {WEIR_DELIVERY_REPORT, WEIR_DELIVERY_SCRIPT};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct tally tally;
        weir_producer_options options = tally_options(&tally, all[i]);
        weir_producer *producer = tally_open(live->server->url, NULL, &options);
        char key[16];
        for (int entry = 0; entry < EACH; entry++) {
            for (int number = 0; number < STREAMS; number++) {
                (void)snprintf(key, sizeof key, "s%d", number);
                tally_append(producer, tally_stream(producer, key), entry, entry + 1);
            }
        }
        finish(producer);
        assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], STREAMS * EACH);
        for (int number = 0; number < STREAMS; number++) {
            (void)snprintf(key, sizeof key, "s%d", number);
            tally_assert_row(live->client, key, 0, EACH);
        }
        assert_ok(live->client, live_say(live->client, "FLUSHALL"));
    }
}

/* The only entry of the stream has these names, and their first letters as values. */
static void expect_names(weir_client *client, const char *key, const weir_view *names,
                         size_t count) {
    weir_entries all;
    weir_entry entry;
    assert_ok(client,
              weir_xrange(client, weir_text(key), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &all));
    assert_ok(client, weir_entries_next(&all, &entry));
    assert_int_equal(entry.field_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(weir_view_equal(entry.fields[i].name, names[i]));
        assert_true(weir_view_equal(entry.fields[i].value, weir_bytes(names[i].data, 1)));
    }
    assert_status(weir_entries_next(&all, &entry), WEIR_END);
}

static void streams_keep_their_own_names(void **state) {
    struct live *live = *state;
    const weir_view names[] = {weir_text("north"), weir_text("south"), weir_text("east")};
    const weir_view values[] = {weir_text("n"), weir_text("s"), weir_text("e")};
    /* first, count: some have those of the one before, some have not */
    static const size_t parts[][2] = {{0, 2}, {0, 2}, {0, 1}, {1, 2}, {1, 2}, {0, 2}};
    enum { STREAMS = sizeof parts / sizeof *parts };
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    char key[16];
    for (size_t i = 0; i < STREAMS; i++) {
        weir_stream_options shape = {.names = names + parts[i][0],
                                     .name_count = parts[i][1]};
        weir_stream *stream;
        (void)snprintf(key, sizeof key, "s%zu", i);
        assert_status(weir_producer_stream(producer, weir_text(key), &shape, &stream),
                      WEIR_OK);
        assert_status(
            weir_producer_append_values(producer, stream, values + parts[i][0], NULL),
            WEIR_OK);
    }
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], STREAMS);
    for (size_t i = 0; i < STREAMS; i++) {
        (void)snprintf(key, sizeof key, "s%zu", i);
        expect_names(live->client, key, names + parts[i][0], parts[i][1]);
    }
}

/* ---- what is lent, and what is taken back ---- */

static void entries_can_be_lent(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.linger_us = 60000000;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    weir_field fields[2] = {weir_pair("n", "0"), weir_pair("n", "1")};
    assert_status(weir_producer_append_borrowed(producer, stream, &fields[0], 1, NULL),
                  WEIR_OK);
    assert_status(weir_producer_append_borrowed(producer, stream, &fields[1], 1, NULL),
                  WEIR_OK);
    assert_int_equal(counters_of(producer).held_bytes, 0);
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 2);
    tally_assert_row(live->client, "s", 0, 2);
}

struct shown {
    size_t count;
    size_t sent;
    char bytes[64];
};

static void show(void *context, const weir_unreported *entry) {
    struct shown *shown = context;
    shown->count++;
    shown->sent += entry->may_have_run ? 1 : 0;
    assert_int_equal(entry->field_count, 1);
    (void)snprintf(shown->bytes, sizeof shown->bytes, "%.*s", WEIR_PRINT(entry->encoded));
}

static void what_has_no_end_can_be_taken_back(void **state) {
    struct live *live = *state;
    struct tally tally;
    struct shown shown = {0};
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    pause_writes(live, "200");
    tally_append(producer, stream, 0, 5); /* the first goes at once */
    weir_producer_unreported(producer, show, &shown);
    assert_int_equal(shown.count, 5);
    assert_int_equal(shown.sent, 1);
    assert_string_equal(shown.bytes, "$1\r\nn\r\n$1\r\n4\r\n");
    assert_status(weir_producer_close(producer, 0), WEIR_ERR_TIMEOUT);
    assert_int_equal(tally.reports, 5);
    assert_int_equal(tally.reasons[WEIR_REASON_PURGED], 5);
    weir_producer_free(producer);
}

/* ---- callbacks ---- */

struct again {
    weir_producer *producer;
    weir_stream *stream;
    size_t reports;
    size_t refused;
    int left;
};

static void append_again(void *context, const weir_report *report) {
    struct again *again = context;
    weir_field field = weir_pair("n", "1");
    (void)report;
    again->reports++;
    if (again->left-- > 0) {
        weir_status st =
            weir_producer_append(again->producer, again->stream, &field, 1, NULL);
        again->refused += st == WEIR_OK ? 0 : 1;
    }
}

/* A program that appends anew what failed must not keep a closing producer alive. */
static void a_callback_may_append_until_it_is_closed(void **state) {
    struct live *live = *state;
    struct again again = {.left = 20};
    weir_producer_options options = {.on_report = append_again, .context = &again};
    weir_field field = weir_pair("n", "1");
    again.producer = tally_open(live->server->url, NULL, &options);
    again.stream = tally_stream(again.producer, "s");
    assert_status(weir_producer_append(again.producer, again.stream, &field, 1, NULL),
                  WEIR_OK);
    assert_status(weir_producer_flush(again.producer, 5000), WEIR_OK);
    assert_int_equal(again.reports, 21);
    assert_int_equal(again.refused, 0);
    again.left = 1000;
    pause_writes(live, "200");
    assert_status(weir_producer_append(again.producer, again.stream, &field, 1, NULL),
                  WEIR_OK);
    assert_status(weir_producer_close(again.producer, 0), WEIR_ERR_TIMEOUT);
    assert_int_equal(again.reports, 22);
    assert_int_equal(again.refused, 1);
    weir_producer_free(again.producer);
}

/* ... behind what is there already, which a purge keeps. */
static void what_a_callback_appends_stands_last(void **state) {
    struct live *live = *state;
    struct again again = {0};
    struct shown shown = {0};
    weir_producer_options options = {.delivery = WEIR_DELIVERY_AT_LEAST_ONCE,
                                     .on_report = append_again,
                                     .context = &again};
    weir_options client = {.reconnect = {.floor_ms = 2000}};
    again.producer = tally_open(live->server->url, &client, &options);
    again.stream = tally_stream(again.producer, "s");
    pause_writes(live, "200");
    tally_append(again.producer, again.stream, 0, 5); /* the first goes at once */
    assert_ok(live->client,
              live_say(live->client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
    while (counters_of(again.producer).in_flight > 0) {
        assert_status(weir_producer_step(again.producer), WEIR_OK);
    }
    again.left = 1;
    assert_status(weir_producer_purge(again.producer, WEIR_PURGE_QUEUED), WEIR_OK);
    weir_producer_unreported(again.producer, show, &shown);
    assert_int_equal(again.reports, 4);
    assert_int_equal(shown.count, 2);
    assert_int_equal(shown.sent, 1);
    assert_string_equal(shown.bytes, "$1\r\nn\r\n$1\r\n1\r\n"); /* not the first, 0 */
    weir_producer_free(again.producer);
}

/* ---- waiting ---- */

/* What lingers while there is no server wakes nobody. */
static void an_outage_is_waited_for_quietly(void **state) {
    struct tally tally;
    (void)state;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    weir_options client = {.non_blocking = true, .reconnect = {.floor_ms = 2000}};
    options.linger_us = 1000;
    weir_producer *producer = tally_open("unix:///nobody/listens/here", &client, &options);
    tally_append(producer, tally_stream(producer, "s"), 0, 10);
    int64_t began_ms = live_now_ms();
    int steps = 0;
    while (live_now_ms() - began_ms < 300) {
        int64_t left_ms = weir_producer_deadline_ms(producer) - live_now_ms();
        (void)support_poll(-1, 0, left_ms < 0 ? 0 : left_ms > 100 ? 100 : (int)left_ms);
        assert_true(weir_producer_step(producer) >= 0);
        steps++;
    }
    assert_true(steps < 50);
    weir_producer_free(producer);
}

static weir_producer *the_producer;

static void cancel(int signal) {
    (void)signal;
    weir_producer_cancel(the_producer);
}

static void a_wait_can_be_cancelled(void **state) {
    struct live *live = *state;
    struct tally tally;
    struct sigaction action = {.sa_handler = cancel};
    struct sigaction before;
    struct itimerval soon = {.it_value = {.tv_usec = 100000}};
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    the_producer = tally_open(live->server->url, NULL, &options);
    pause_writes(live, "1500");
    tally_append(the_producer, tally_stream(the_producer, "s"), 0, 10);
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    int64_t began_ms = live_now_ms();
    assert_status(weir_producer_flush(the_producer, 10000), WEIR_ERR_CANCELLED);
    assert_true(live_now_ms() - began_ms < 1000);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_status(weir_producer_close(the_producer, 1000), WEIR_ERR_CANCELLED);
    assert_int_equal(tally.reports, 10);
    weir_producer_free(the_producer);
    assert_ok(live->client, live_say(live->client, "CLIENT", "UNPAUSE"));
}

static void an_event_loop_drives_it(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_EXACTLY_ONCE);
    weir_options client = {.protocol = live->protocol, .non_blocking = true};
    weir_producer *producer = tally_open(live->server->url, &client, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 3000); /* also before it is open */
    (void)weir_producer_flush(producer, 0);
    for (int i = 0; i < 10000 && tally.reports < 3000; i++) {
        int wants = weir_producer_wants(producer);
        int64_t left_ms = weir_producer_deadline_ms(producer) - live_now_ms();
        struct pollfd ready = {.fd = weir_producer_fd(producer),
                               .events = (short)((wants & WEIR_WANT_READ ? POLLIN : 0) |
                                                 (wants & WEIR_WANT_WRITE ? POLLOUT : 0))};
        (void)poll(&ready, 1, left_ms < 0 ? 0 : left_ms > 1000 ? 1000 : (int)left_ms);
        assert_true(weir_producer_step(producer) >= 0);
    }
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 3000);
    tally_assert_row(live->client, "s", 0, 3000);
    weir_producer_free(producer);
}

/* ---- durability ---- */

static struct server the_other;

static int stop_other(void **state) {
    server_stop(&the_other);
    return live_close(state);
}

static void replicas_are_waited_for(void **state) {
    struct live *live = *state;
    struct tally tally;
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)live->server->port);
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.wait_replicas = 1;
    options.wait_ms = 50;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 10);
    assert_int_equal(tally.report.replicas, 0); /* there is none, and the report says so */

    const char *const args[] = {"--replicaof", "127.0.0.1", port, NULL};
    assert_true(server_start(&the_other, false, args));
    for (int i = 0; i < 400 && tally.report.replicas == 0; i++) {
        tally_append(producer, stream, 10 + i, 11 + i);
        assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    }
    assert_int_equal(tally.report.replicas, 1);
    assert_false(tally.report.is_fsynced);
    finish(producer);
}

static void the_disk_is_waited_for(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer *producer;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_SCRIPT);
    options.wait_fsync = true;
    bool has_waitaof = live_has("7.2", "7.2");
    assert_status(weir_producer_open(live->server->url, NULL, &options, &producer),
                  WEIR_ERR_UNSUPPORTED); /* appendonly is off, or there is no WAITAOF */
    assert_non_null(strstr(weir_producer_error(producer)->text, "appendonly yes"));
    weir_producer_free(producer);
    if (!has_waitaof) {
        return;
    }
    const char *const args[] = {"--appendonly", "yes", NULL}; /* synced once a second */
    assert_true(server_start(&the_other, false, args));
    producer = tally_open(the_other.url, NULL, &options);
    for (int round = 1; round <= 3; round++) {
        tally_append(producer, tally_stream(producer, "s"), 0, 100);
        assert_status(weir_producer_flush(producer, 10000), WEIR_OK);
        assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 100 * round);
        assert_true(tally.report.is_fsynced);
    }
    finish(producer);
}

/* ---- counters and options ---- */

static void counters_add_up(void **state) {
    struct live *live = *state;
    weir_producer_options options = {0};
    weir_report reports[64];
    size_t count;
    uint64_t latencies = 0;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    tally_append(producer, tally_stream(producer, "s"), 0, 1000);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    weir_counters counters = counters_of(producer);
    for (size_t i = 0; i < WEIR_LATENCY_BUCKETS; i++) {
        latencies += counters.latency[i];
    }
    assert_int_equal(counters.appended, 1000);
    assert_int_equal(counters.acked, 1000);
    assert_int_equal(latencies, 1000);
    assert_int_equal(counters.unreported, 1000);
    assert_int_equal(counters.queued + counters.in_flight + counters.resent, 0);
    assert_int_equal(counters.connections, 1);
    assert_true(counters.bytes > 40000 && counters.batches >= 2);
    while (weir_producer_take(producer, reports, 64, &count) == WEIR_OK) {
        assert_true(count > 0 && reports[0].attempts == 1);
    }
    assert_int_equal(counters_of(producer).unreported, 0);
    finish(producer);
}

static void options_that_make_no_sense_are_refused(void **state) {
    struct live *live = *state;
    static const weir_producer_options wrong[] = {
        {.linger_us = -1},
        {.timeout_ms = -2},
        {.wait_ms = -1},
        {.full_wait_ms = INT64_MAX},
        {.most_bytes = 100},
        {.in_flight_bytes = (size_t)40 << 20},
        {.name = "a name that has more than forty bytes, all of them"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_producer *producer;
        assert_status(weir_producer_open(live->server->url, NULL, &wrong[i], &producer),
                      WEIR_ERR_ARG);
        assert_true(weir_producer_error(producer)->text[0] != '\0');
        weir_producer_cancel(producer); /* harmless */
        weir_producer_free(producer);
    }
}

static void a_server_that_is_not_there_is_told_at_once(void **state) {
    weir_producer *producer;
    (void)state;
    assert_status(weir_producer_open("unix:///nobody/listens/here", NULL, NULL, &producer),
                  WEIR_ERR_CONNECT);
    assert_non_null(strstr(weir_producer_error(producer)->text, "/nobody/listens/here"));
    weir_producer_free(producer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_full_producer_says_so_or_waits),
        LIVE_ON_BOTH(memory_stays_below_the_ceiling),
        LIVE_ON_BOTH(an_entry_beyond_the_ceilings_is_refused),
        LIVE_ON_BOTH(a_full_producer_waits_as_long_as_it_takes),
        LIVE_ON_BOTH(a_copy_that_can_never_have_room_is_refused),
        LIVE_ON_BOTH(a_call_of_the_script_keeps_the_ceiling_in_flight),
        LIVE_ON_BOTH(facts_too_large_to_be_held_are_done_without),
        LIVE_ON_BOTH(facts_that_memory_cannot_hold_are_told_by_their_beginning),
        LIVE_ON_BOTH(appends_allocate_nothing_in_the_long_run),
        LIVE_ON_BOTH(a_batch_lingers_until_its_time),
        LIVE_ON_BOTH(a_batch_is_sent_when_it_is_full),
        LIVE_ON_BOTH(streams_are_kept_short),
        LIVE_ON_BOTH(a_trim_that_contradicts_itself_is_refused),
        LIVE_ON_BOTH(each_of_many_streams_keeps_its_order),
        LIVE_ON_BOTH(streams_keep_their_own_names),
        LIVE_ON_BOTH(entries_can_be_lent),
        LIVE_ON_BOTH(what_has_no_end_can_be_taken_back),
        LIVE_ON_BOTH(a_callback_may_append_until_it_is_closed),
        LIVE_ON_BOTH(what_a_callback_appends_stands_last),
        LIVE_ON_BOTH(an_outage_is_waited_for_quietly),
        LIVE_ON_BOTH(a_wait_can_be_cancelled),
        LIVE_ON_BOTH(an_event_loop_drives_it),
        cmocka_unit_test_setup_teardown(replicas_are_waited_for, live_open_resp3,
                                        stop_other),
        cmocka_unit_test_setup_teardown(the_disk_is_waited_for, live_open_resp3,
                                        stop_other),
        LIVE_ON_BOTH(counters_add_up),
        LIVE_ON_BOTH(options_that_make_no_sense_are_refused),
        LIVE_ON_BOTH(a_server_that_is_not_there_is_told_at_once),
    };
    return live_run("producer_limits", tests);
}
