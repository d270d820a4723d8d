/* Pipelines against a real server: order, ceilings, errors in the middle, answers that
 * wait. SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <poll.h>
#include <stdlib.h>

static const weir_field ONE = {{"n", 1}, {"1", 1}};

/* Appends an XADD of ms-0. */
static weir_status append(weir_client *client, const char *key, uint64_t ms) {
    weir_xadd_options options = {.id = {ms, 0}};
    return weir_append_xadd(client, weir_text(key), &ONE, 1, &options);
}

static void take(weir_client *client, uint64_t ms) {
    weir_id id = {0};
    assert_ok(client, weir_take_id(client, &id));
    assert_id(id, ms, 0);
}

static void expect_count(weir_client *client, uint64_t expected) {
    uint64_t count = expected + 1;
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, expected);
}

static uint64_t length(weir_client *client, const char *key) {
    uint64_t count = 0;
    assert_ok(client, weir_xlen(client, weir_text(key), &count));
    return count;
}

/* ---- order and ceilings ---- */

static void thousands_of_answers_come_in_order(void **state) {
    struct live *live = *state;
    for (uint64_t ms = 1; ms <= 20000; ms++) {
        assert_ok(live->client, append(live->client, "s", ms));
    }
    assert_int_equal(weir_unanswered(live->client), 20000);
    for (uint64_t ms = 1; ms <= 20000; ms++) {
        take(live->client, ms);
    }
    assert_int_equal(weir_unanswered(live->client), 0);
    assert_status(weir_take_id(live->client, NULL), WEIR_ERR_ARG);
    assert_int_equal(length(live->client, "s"), 20000);
}

static void at_the_ceiling_of_requests_answers_must_be_taken(void **state) {
    struct live *live = *state;
    weir_options options = {.limits.unanswered = 10};
    weir_client *client = live_other(live, &options);
    for (uint64_t ms = 1; ms <= 10; ms++) {
        assert_ok(client, append(client, "s", ms));
    }
    assert_status(append(client, "s", 11), WEIR_ERR_FULL);
    assert_status(append(client, "s", 11), WEIR_ERR_FULL);
    assert_int_equal(weir_client_error(client)->status, WEIR_ERR_FULL);
    take(client, 1);
    assert_ok(client, append(client, "s", 11));
    assert_status(append(client, "s", 12), WEIR_ERR_FULL);
    for (uint64_t ms = 2; ms <= 11; ms++) {
        take(client, ms);
    }
    assert_int_equal(length(client, "s"), 11);
}

/* A queue that is full waits for the peer: there is nothing that the caller could do. */
static void a_full_queue_waits_for_the_peer(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, &(weir_options){.limits.send_bytes = 1024});
    char value[600];
    memset(value, 'x', sizeof value);
    weir_field field = {WIRE("n"), weir_bytes(value, sizeof value)};
    for (int i = 0; i < 5000; i++) {
        assert_ok(client, weir_append_xadd(client, WIRE("s"), &field, 1, NULL));
    }
    assert_ok(client, weir_xadd(client, WIRE("s"), &field, 1, NULL, NULL));
    assert_int_equal(weir_unanswered(client), 5000);
    assert_int_equal(length(client, "s"), 5001);
}

/* Two peers that only write would wait for each other for ever. */
static void a_batch_far_larger_than_all_buffers_goes_through(void **state) {
    struct live *live = *state;
    const uint64_t count = 200000;
    static struct support_mem counts; /* the teardown closes the client */
    counts = (struct support_mem){.allowed = SIZE_MAX};
    weir_options options = {
        .mem = support_mem(&counts),
        .limits = {.receive_bytes = 16384, .send_bytes = 16384, .unanswered = 2000},
    };
    weir_client *client = live_other(live, &options);
    uint64_t taken = 0;
    for (uint64_t ms = 1; ms <= count; ms++) {
        weir_status st = append(client, "s", ms);
        while (st == WEIR_ERR_FULL) {
            take(client, ++taken);
            st = append(client, "s", ms);
        }
        assert_ok(client, st);
    }
    while (taken < count) {
        take(client, ++taken);
    }
    assert_int_equal(length(client, "s"), count);
    assert_true(counts.peak < 256 * 1024);
}

static void take_echo(weir_client *client, uint64_t i) {
    weir_reply reply;
    weir_token token;
    assert_ok(client, weir_take_reply(client, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.bytes.len, 1000);
    assert_int_equal(token.bytes.data[999], 'a' + (int)(i % 26));
    weir_reply_close(&reply);
}

static void expect_text(weir_client *client, const char *expected) {
    weir_reply reply;
    weir_token token;
    assert_ok(client, weir_take_reply(client, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_view(token.bytes, expected);
    weir_reply_close(&reply);
}

static void a_transaction_goes_by_commands_of_any_kind(void **state) {
    struct live *live = *state;
    const weir_view multi[] = {WIRE("MULTI")};
    const weir_view add[] = {WIRE("XADD"), WIRE("s"), WIRE("1-0"), WIRE("n"), WIRE("1")};
    const weir_view len[] = {WIRE("XLEN"), WIRE("s")};
    const weir_view exec[] = {WIRE("EXEC")};
    weir_reply reply;
    weir_token token;
    assert_ok(live->client, weir_append_command(live->client, multi, 1));
    assert_ok(live->client, weir_append_command(live->client, add, 5));
    assert_ok(live->client, weir_append_command(live->client, len, 2));
    assert_ok(live->client, weir_append_command(live->client, exec, 1));
    expect_text(live->client, "OK");
    expect_text(live->client, "QUEUED");
    expect_text(live->client, "QUEUED");
    assert_ok(live->client, weir_take_reply(live->client, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.number, 2);
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_view(token.bytes, "1-0");
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.number, 1);
    assert_status(weir_reply_next(&reply, &token), WEIR_END);
    weir_reply_close(&reply);
}

/* 20 MB of answers through 64 KiB: neither the client nor the server piles them up. */
static void answers_that_fill_the_buffer_must_be_taken_first(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, &(weir_options){.limits.receive_bytes = 65536});
    char large[1000];
    uint64_t taken = 0;
    uint64_t refused = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        memset(large, 'a' + (int)(i % 26), sizeof large);
        const weir_view ask[] = {WIRE("ECHO"), weir_bytes(large, sizeof large)};
        weir_status st = weir_append_command(client, ask, 2);
        for (; st == WEIR_ERR_FULL; refused++) {
            take_echo(client, taken++);
            st = weir_append_command(client, ask, 2);
        }
        assert_ok(client, st);
    }
    assert_true(refused > 0);
    while (taken < 20000) {
        take_echo(client, taken++);
    }
    assert_ok(client, append(client, "s", 1));
    take(client, 1);
}

static void a_command_beyond_the_send_buffer_is_refused(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, &(weir_options){.limits.send_bytes = 65536});
    char *value = calloc(1, 65536);
    assert_non_null(value);
    weir_field field = {WIRE("n"), weir_bytes(value, 65536)};
    assert_status(weir_append_xadd(client, WIRE("s"), &field, 1, NULL), WEIR_ERR_LIMIT);
    assert_non_null(strstr(weir_client_error(client)->text, "65536"));
    assert_int_equal(weir_unanswered(client), 0);
    field.value.len = 65000;
    assert_ok(client, weir_xadd(client, WIRE("s"), &field, 1, NULL, NULL));
    free(value);
}

/* ---- errors, kinds, mixing ---- */

static void an_error_in_the_middle_stands_in_its_place(void **state) {
    struct live *live = *state;
    assert_ok(live->client, live_say(live->client, "SET", "text", "x"));
    assert_ok(live->client, append(live->client, "s", 1));
    assert_ok(live->client, append(live->client, "text", 1));
    assert_ok(live->client, append(live->client, "s", 1)); /* not behind the last */
    assert_ok(live->client, append(live->client, "s", 2));
    take(live->client, 1);
    assert_code(live->client, weir_take_id(live->client, NULL), "WRONGTYPE");
    assert_code(live->client, weir_take_id(live->client, NULL), "ERR");
    take(live->client, 2);
    assert_int_equal(weir_unanswered(live->client), 0);
}

static void many_ids_are_taken_at_once(void **state) {
    struct live *live = *state;
    weir_id ids[5000];
    size_t taken = 1;
    for (uint64_t ms = 1; ms <= 5000; ms++) {
        assert_ok(live->client, append(live->client, "s", ms));
    }
    assert_ok(live->client, weir_append_xlen(live->client, WIRE("s")));
    assert_ok(live->client, weir_take_ids(live->client, ids, 0, &taken));
    assert_int_equal(taken, 0);
    assert_ok(live->client, weir_take_ids(live->client, ids, 1, &taken));
    assert_int_equal(taken, 1);
    assert_ok(live->client, weir_take_ids(live->client, ids + 1, 4999, &taken));
    assert_int_equal(taken, 4999);
    for (uint64_t ms = 1; ms <= 5000; ms++) {
        assert_id(ids[ms - 1], ms, 0);
    }
    assert_status(weir_take_ids(live->client, ids, 1, &taken), WEIR_ERR_ARG); /* a count */
    assert_int_equal(taken, 0);
    expect_count(live->client, 5000);
}

static void many_ids_end_before_an_error_and_go_on_behind_it(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_id ids[8];
    size_t taken;
    const weir_xadd_options nowhere = {.id = {9, 0}, .no_mkstream = true};
    assert_ok(client, append(client, "s", 5));
    assert_ok(client, append(client, "s", 1)); /* not behind the last */
    assert_ok(client, append(client, "s", 6));
    assert_ok(client, weir_append_xadd(client, WIRE("none"), &ONE, 1, &nowhere));
    assert_ok(client, append(client, "s", 7));
    assert_code(client, weir_take_ids(client, ids, 5, &taken), "ERR");
    assert_int_equal(taken, 1);
    assert_id(ids[0], 5, 0);
    assert_status(weir_take_ids(client, ids, 5, &taken), WEIR_END);
    assert_int_equal(taken, 1);
    assert_id(ids[0], 6, 0);
    assert_ok(client, weir_take_ids(client, ids, 1, &taken));
    assert_id(ids[0], 7, 0);
    assert_status(weir_take_ids(client, ids, 1, &taken), WEIR_ERR_ARG); /* none is due */
    assert_int_equal(taken, 0);
}

static void a_take_of_another_kind_takes_nothing(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_reply reply;
    weir_pending pending;
    assert_ok(live->client, append(live->client, "s", 1));
    assert_ok(live->client, weir_append_xlen(live->client, WIRE("s")));
    assert_status(weir_take_count(live->client, NULL), WEIR_ERR_ARG);
    assert_status(weir_take_is_new(live->client, NULL), WEIR_ERR_ARG);
    assert_status(weir_take_entries(live->client, &page), WEIR_ERR_ARG);
    assert_false(weir_entries_is_open(&page));
    assert_status(weir_take_autoclaim(live->client, NULL, &page), WEIR_ERR_ARG);
    assert_status(weir_take_reply(live->client, &reply), WEIR_ERR_ARG);
    assert_status(weir_take_pending(live->client, &pending), WEIR_ERR_ARG);
    assert_int_equal(weir_unanswered(live->client), 2);
    take(live->client, 1);
    assert_status(weir_take_id(live->client, NULL), WEIR_ERR_ARG);
    expect_count(live->client, 1);
    assert_status(weir_take_any(live->client), WEIR_ERR_ARG);
}

/* Appends one of each kind. */
static void append_all_kinds(weir_client *client) {
    const weir_id one = {1, 0};
    const weir_trim trim = {.by = WEIR_TRIM_MAXLEN, .max_len = 1000};
    const weir_view ping[] = {WIRE("PING")};
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_view s = WIRE("s");
    weir_view g = WIRE("g");
    assert_ok(client, append(client, "s", 1));
    assert_ok(client, weir_append_xlen(client, s));
    assert_ok(client, weir_append_xtrim(client, s, &trim));
    assert_ok(client, weir_append_xgroup_create(client, all, g, NULL));
    assert_ok(client, weir_append_xread(client, &all, 1, NULL));
    assert_ok(client, weir_append_xreadgroup(client, g, g, &fresh, 1, NULL));
    assert_ok(client, weir_append_xpending(client, s, g));
    assert_ok(client, weir_append_xclaim(client, s, g, g, 0, &one, 1, NULL));
    assert_ok(client, weir_append_xautoclaim(client, s, g, g, 0, WEIR_ID_MIN, NULL));
    assert_ok(client, weir_append_xack(client, s, g, &one, 1));
    assert_ok(client, weir_append_xrange(client, s, WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    assert_ok(client, weir_append_xrevrange(client, s, WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    assert_ok(client, weir_append_command(client, ping, 1));
    assert_ok(client, weir_append_xdel(client, s, &one, 1));
    assert_int_equal(weir_unanswered(client), 14);
}

static void expect_entry_1(weir_client *client) {
    weir_entries page;
    assert_ok(client, weir_take_entries(client, &page));
    assert_next(&page, 1, 0);
    assert_end(&page);
}

static void every_kind_is_taken_by_its_own_take(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    bool is_new = false;
    weir_pending pending;
    weir_reply reply;
    weir_token token;
    weir_entries page;
    weir_id next = {9, 9};
    append_all_kinds(client);
    take(client, 1);
    expect_count(client, 1);
    expect_count(client, 0);
    assert_ok(client, weir_take_is_new(client, &is_new));
    assert_true(is_new);
    expect_entry_1(client);
    expect_entry_1(client);
    assert_ok(client, weir_take_pending(client, &pending));
    assert_int_equal(pending.count, 1);
    weir_pending_close(&pending);
    expect_entry_1(client);
    assert_ok(client, weir_take_autoclaim(client, &next, &page));
    assert_id(next, 0, 0);
    assert_next(&page, 1, 0);
    assert_end(&page);
    expect_count(client, 1);
    expect_entry_1(client);
    expect_entry_1(client);
    assert_ok(client, weir_take_reply(client, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_view(token.bytes, "PONG");
    weir_reply_close(&reply);
    expect_count(client, 1);
    assert_int_equal(weir_unanswered(client), 0);
}

static void take_any_takes_every_kind(void **state) {
    struct live *live = *state;
    append_all_kinds(live->client);
    while (weir_unanswered(live->client) > 0) {
        assert_ok(live->client, weir_take_any(live->client));
    }
    assert_ok(live->client, live_say(live->client, "SET", "text", "x"));
    assert_ok(live->client, weir_append_xlen(live->client, WIRE("text")));
    assert_code(live->client, weir_take_any(live->client), "WRONGTYPE");
    assert_ok(live->client, weir_append_xrange(live->client, WIRE("text"), WEIR_ID_MIN,
                                               WEIR_ID_MAX, NULL));
    assert_code(live->client, weir_take_any(live->client), "WRONGTYPE");
    assert_int_equal(length(live->client, "s"), 0);
}

static void a_call_that_waits_leaves_earlier_answers_in_order(void **state) {
    struct live *live = *state;
    for (uint64_t ms = 1; ms <= 100; ms++) {
        assert_ok(live->client, append(live->client, "s", ms));
        assert_int_equal(length(live->client, "s"), ms);
    }
    assert_int_equal(weir_unanswered(live->client), 100);
    for (uint64_t ms = 1; ms <= 100; ms++) {
        take(live->client, ms);
        assert_int_equal(length(live->client, "s"), 100);
    }
}

static void several_appended_pages_are_read_side_by_side(void **state) {
    struct live *live = *state;
    weir_entries pages[3];
    live_fill(live->client, "s", 2000, 100);
    for (int i = 0; i < 3; i++) {
        assert_ok(live->client, weir_append_xrange(live->client, WIRE("s"), WEIR_ID_MIN,
                                                   WEIR_ID_MAX, NULL));
    }
    for (int i = 0; i < 3; i++) {
        assert_ok(live->client, weir_take_entries(live->client, &pages[i]));
    }
    for (uint64_t ms = 1; ms <= 2000; ms++) {
        assert_next(&pages[2], ms, 0);
        assert_next(&pages[0], ms, 0);
        assert_next(&pages[1], ms, 0);
    }
    assert_end(&pages[1]);
    assert_end(&pages[0]);
    assert_end(&pages[2]);
}

/* ---- leaving ---- */

static void flush_sends_what_is_queued(void **state) {
    struct live *live = *state;
    weir_client *other = live_other(live, NULL);
    for (uint64_t ms = 1; ms <= 1000; ms++) {
        assert_ok(live->client, append(live->client, "s", ms));
    }
    assert_ok(live->client, weir_flush(live->client));
    for (int tries = 0; tries < 1000 && length(other, "s") < 1000; tries++) {
        (void)poll(NULL, 0, 5); /* sent is not yet done */
    }
    assert_int_equal(length(other, "s"), 1000);
    assert_int_equal(weir_unanswered(live->client), 1000);
}

static void closing_drops_what_was_not_taken(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    weir_reply reply;
    const weir_view ping[] = {WIRE("PING")};
    live_fill(live->client, "s", 5000, 100);
    for (uint64_t ms = 1; ms <= 1000; ms++) {
        assert_ok(live->client, append(live->client, "t", ms));
    }
    assert_ok(live->client,
              weir_xrange(live->client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_ok(live->client, weir_command(live->client, ping, 1, &reply));
    assert_ok(live->client, append(live->client, "t", 1001));
    /* the teardown closes; a leak fails this program */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(thousands_of_answers_come_in_order),
        LIVE_ON_BOTH(at_the_ceiling_of_requests_answers_must_be_taken),
        LIVE_ON_BOTH(a_batch_far_larger_than_all_buffers_goes_through),
        LIVE_ON_BOTH(a_full_queue_waits_for_the_peer),
        LIVE_ON_BOTH(answers_that_fill_the_buffer_must_be_taken_first),
        LIVE_ON_BOTH(a_command_beyond_the_send_buffer_is_refused),
        LIVE_ON_BOTH(an_error_in_the_middle_stands_in_its_place),
        LIVE_ON_BOTH(many_ids_are_taken_at_once),
        LIVE_ON_BOTH(many_ids_end_before_an_error_and_go_on_behind_it),
        LIVE_ON_BOTH(a_take_of_another_kind_takes_nothing),
        LIVE_ON_BOTH(every_kind_is_taken_by_its_own_take),
        LIVE_ON_BOTH(take_any_takes_every_kind),
        LIVE_ON_BOTH(a_call_that_waits_leaves_earlier_answers_in_order),
        LIVE_ON_BOTH(several_appended_pages_are_read_side_by_side),
        LIVE_ON_BOTH(a_transaction_goes_by_commands_of_any_kind),
        LIVE_ON_BOTH(flush_sends_what_is_queued),
        LIVE_ON_BOTH(closing_drops_what_was_not_taken),
    };
    return live_run("pipelines", tests);
}
