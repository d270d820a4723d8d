/* XREADGROUP with its options against a real server: new entries, a consumer's history,
 * entries taken over by CLAIM.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/client_private.h"
#include "live.h"
#include <stdio.h>

static void make_group(weir_client *client, uint64_t count) {
    live_fill(client, "s", count, 10);
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), MKSTREAM, NULL));
}

static void read_as(weir_client *client, const char *consumer, weir_source source,
                    const weir_read_options *options, weir_entries *page) {
    assert_ok(client, weir_xreadgroup(client, WIRE("g"), weir_text(consumer), &source, 1,
                                      options, page));
}

static uint64_t pending_count(weir_client *client) {
    weir_pending pending;
    assert_ok(client, weir_xpending(client, WIRE("s"), WIRE("g"), &pending));
    uint64_t count = pending.count;
    weir_pending_close(&pending);
    return count;
}

static bool can(weir_client *client, weir_feature feature) {
    weir_server server;
    assert_ok(client, weir_client_server(client, &server));
    return weir_server_has(&server, feature);
}

/* ---- history ---- */

static void history_gives_what_is_pending_and_what_was_deleted(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    weir_id gone = {2, 0};
    make_group(live->client, 3);
    read_as(live->client, "ann", weir_source_new(WIRE("s")), NULL, &page);
    weir_entries_close(&page);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), &gone, 1, NULL));
    read_as(live->client, "ann", weir_source_after(WIRE("s"), WEIR_ID_MIN), NULL, &page);
    assert_next(&page, 1, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, 2, 0);
    assert_int_equal(entry.state, WEIR_ENTRY_DELETED);
    assert_int_equal(entry.field_count, 0);
    assert_view(entry.stream, "s");
    assert_int_equal(entry.idle_ms, -1);
    assert_int_equal(entry.deliveries, -1);
    assert_next(&page, 3, 0);
    assert_end(&page);
}

/* The server sends the stream with no entries, not null. */
static void an_empty_history_ends_at_once(void **state) {
    struct live *live = *state;
    weir_entries page;
    make_group(live->client, 3);
    read_as(live->client, "ann", weir_source_after(WIRE("s"), WEIR_ID_MIN), NULL, &page);
    assert_end(&page);
    weir_id last_but_one = {UINT64_MAX, UINT64_MAX - 1};
    read_as(live->client, "ann", weir_source_after(WIRE("s"), last_but_one), NULL, &page);
    assert_end(&page);
}

/* Servers would take it for ">", and give new entries. */
static void a_history_behind_the_last_id_is_refused(void **state) {
    struct live *live = *state;
    weir_source source = weir_source_after(WIRE("s"), WEIR_ID_MAX);
    make_group(live->client, 1);
    assert_status(
        weir_append_xreadgroup(live->client, WIRE("g"), WIRE("ann"), &source, 1, NULL),
        WEIR_ERR_ARG);
}

static void history_and_new_entries_come_in_one_answer(void **state) {
    struct live *live = *state;
    weir_read_options one = {.count = 1};
    weir_entries page;
    make_group(live->client, 2);
    read_as(live->client, "ann", weir_source_new(WIRE("s")), &one, &page);
    weir_entries_close(&page);
    const weir_source both[] = {weir_source_after(WIRE("s"), WEIR_ID_MIN),
                                weir_source_new(WIRE("s"))};
    assert_ok(live->client,
              weir_xreadgroup(live->client, WIRE("g"), WIRE("ann"), both, 2, NULL, &page));
    assert_next(&page, 1, 0);
    assert_next(&page, 2, 0);
    assert_end(&page);
}

/* ---- NOACK ---- */

static void no_ack_leaves_nothing_pending(void **state) {
    struct live *live = *state;
    weir_read_options no_ack = {.no_ack = true};
    weir_entries page;
    make_group(live->client, 2);
    read_as(live->client, "ann", weir_source_new(WIRE("s")), &no_ack, &page);
    assert_next(&page, 1, 0);
    assert_next(&page, 2, 0);
    assert_end(&page);
    assert_int_equal(pending_count(live->client), 0);
}

static void a_group_may_be_called_streams(void **state) {
    struct live *live = *state;
    weir_source all = weir_source_after(WIRE("STREAMS"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("STREAMS"));
    weir_read_options options = {.count = 5, .block_ms = 1000, .no_ack = true};
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "STREAMS", 1, 10);
    assert_ok(live->client,
              weir_xgroup_create(live->client, all, WIRE("STREAMS"), false, NULL));
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("STREAMS"), WIRE("STREAMS"),
                                            &fresh, 1, &options, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_view(entry.stream, "STREAMS");
    assert_end(&page);
}

/* ---- CLAIM ---- */

static void expect_delivery(weir_entries *page, uint64_t ms, int64_t deliveries) {
    weir_entry entry;
    assert_status(weir_entries_next(page, &entry), WEIR_OK);
    assert_id(entry.id, ms, 0);
    assert_int_equal(entry.state, WEIR_ENTRY_WHOLE);
    assert_int_equal(entry.field_count, 1);
    assert_int_equal(entry.deliveries, deliveries);
    assert_true(entry.idle_ms >= 0 && entry.idle_ms < 60000);
}

/* Every entry of the answer tells, the new ones 0 and 0. */
static void claim_takes_over_then_gives_new_entries(void **state) {
    struct live *live = *state;
    weir_read_options two = {.count = 2};
    weir_read_options claim = {.claim = true};
    weir_entries page;
    make_group(live->client, 4);
    read_as(live->client, "ann", weir_source_new(WIRE("s")), &two, &page);
    weir_entries_close(&page);
    if (!can(live->client, WEIR_FEATURE_CLAIM)) {
        weir_source fresh = weir_source_new(WIRE("s"));
        weir_status st =
            weir_xreadgroup(live->client, WIRE("g"), WIRE("bob"), &fresh, 1, &claim, &page);
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        assert_non_null(strstr(weir_client_error(live->client)->text, "Redis 8.4"));
        return;
    }
    read_as(live->client, "bob", weir_source_new(WIRE("s")), &claim, &page);
    expect_delivery(&page, 1, 1);
    expect_delivery(&page, 2, 1);
    expect_delivery(&page, 3, 0);
    expect_delivery(&page, 4, 0);
    assert_end(&page);
    read_as(live->client, "ann", weir_source_new(WIRE("s")), &claim, &page);
    expect_delivery(&page, 1, 2);
    weir_entries_close(&page);
}

/* They are left out, and stay pending until XAUTOCLAIM finds them. */
static void claim_leaves_deleted_entries_pending(void **state) {
    struct live *live = *state;
    weir_read_options claim = {.claim = true};
    weir_id gone = {1, 0};
    weir_entries page;
    weir_entry entry;
    make_group(live->client, 2);
    if (!can(live->client, WEIR_FEATURE_CLAIM)) {
        return;
    }
    read_as(live->client, "ann", weir_source_new(WIRE("s")), NULL, &page);
    weir_entries_close(&page);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), &gone, 1, NULL));
    read_as(live->client, "bob", weir_source_new(WIRE("s")), &claim, &page);
    expect_delivery(&page, 2, 1);
    assert_end(&page);
    assert_int_equal(pending_count(live->client), 2);
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            3600000, WEIR_ID_MIN, NULL, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_int_equal(entry.state, WEIR_ENTRY_PURGED);
    assert_end(&page);
    assert_int_equal(pending_count(live->client), 1);
}

static void claim_of_what_is_busy_gives_new_entries_alone(void **state) {
    struct live *live = *state;
    weir_read_options one = {.count = 1};
    weir_read_options claim = {.claim = true, .claim_idle_ms = INT64_MAX};
    weir_entries page;
    make_group(live->client, 2);
    if (!can(live->client, WEIR_FEATURE_CLAIM)) {
        return;
    }
    read_as(live->client, "ann", weir_source_new(WIRE("s")), &one, &page);
    weir_entries_close(&page);
    read_as(live->client, "bob", weir_source_new(WIRE("s")), &claim, &page);
    expect_delivery(&page, 2, 0);
    assert_end(&page);
}

/* ---- XAUTOCLAIM as a collector of garbage ---- */

/* With the largest min-idle time it claims nothing that is owned, and still removes from
 * the pending entries those that were deleted (Redis 7.0). */
static void xautoclaim_with_the_largest_idle_time_only_purges(void **state) {
    struct live *live = *state;
    weir_xautoclaim_options options = {.count = 10, .ids_only = true};
    const weir_id gone[] = {{1, 0}, {3, 0}};
    weir_id next = {9, 9};
    weir_entries page;
    weir_entry entry;
    make_group(live->client, 3);
    read_as(live->client, "ann", weir_source_new(WIRE("s")), NULL, &page);
    weir_entries_close(&page);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), gone, 2, NULL));
    assert_ok(live->client,
              weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"), INT64_MAX,
                              WEIR_ID_MIN, &options, &next, &page));
    assert_id(next, 0, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_status(weir_entries_next(&page, &entry), WEIR_OK);
        assert_id(entry.id, gone[i].ms, 0);
        assert_int_equal(entry.state, WEIR_ENTRY_PURGED);
    }
    assert_end(&page);
    assert_int_equal(pending_count(live->client), 1);
}

/* ---- what no server here has: the bytes are those of the documentation ---- */

static void pretend(weir_client *client, const char *version) {
    weir_session *session = &client->session;
    (void)snprintf(session->server, sizeof session->server, "redis");
    (void)snprintf(session->version, sizeof session->version, "%s", version);
    memset(&session->facts, 0, sizeof session->facts);
}

static void expect_queued(weir_client *client, const char *expected) {
    weir_view part;
    assert_int_equal(weir_session_output(&client->session, &part, 1), 1);
    assert_view(part, expected);
}

static void max_count_and_max_size_stand_behind_count(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, NULL);
    weir_source source = weir_source_after(WIRE("s"), (weir_id){1, 2});
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_read_options options = {.count = 2, .max_count = 3, .max_size = 4, .block_ms = 5};
    pretend(client, "8.10.0");
    assert_ok(client, weir_append_xread(client, &source, 1, &options));
    expect_queued(client,
                  "*12\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n$1\r\n2\r\n$8\r\nMAXCOUNT\r\n"
                  "$1\r\n3\r\n$7\r\nMAXSIZE\r\n$1\r\n4\r\n$5\r\nBLOCK\r\n$1\r\n5\r\n"
                  "$7\r\nSTREAMS\r\n$1\r\ns\r\n$3\r\n1-2\r\n");
    client = live_other(live, NULL);
    pretend(client, "8.10.0");
    options.claim = options.no_ack = true;
    options.claim_idle_ms = 6;
    assert_ok(client,
              weir_append_xreadgroup(client, WIRE("g"), WIRE("c"), &fresh, 1, &options));
    expect_queued(client,
                  "*18\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$1\r\ng\r\n$1\r\nc\r\n"
                  "$5\r\nCOUNT\r\n$1\r\n2\r\n$8\r\nMAXCOUNT\r\n$1\r\n3\r\n"
                  "$7\r\nMAXSIZE\r\n$1\r\n4\r\n$5\r\nBLOCK\r\n$1\r\n5\r\n"
                  "$5\r\nCLAIM\r\n$1\r\n6\r\n$5\r\nNOACK\r\n$7\r\nSTREAMS\r\n"
                  "$1\r\ns\r\n$1\r\n>\r\n");
}

static void max_count_is_not_sent_to_a_server_without_it(void **state) {
    struct live *live = *state;
    weir_source source = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_read_options options = {.max_count = 3};
    weir_entries page;
    if (can(live->client, WEIR_FEATURE_MAXCOUNT)) {
        return;
    }
    assert_status(weir_xread(live->client, &source, 1, &options, &page),
                  WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(weir_client_error(live->client)->text, "Redis 8.10"));
    options = (weir_read_options){.max_size = 3};
    assert_status(weir_append_xread(live->client, &source, 1, &options),
                  WEIR_ERR_UNSUPPORTED);
    assert_int_equal(weir_unanswered(live->client), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(history_gives_what_is_pending_and_what_was_deleted),
        LIVE_ON_BOTH(an_empty_history_ends_at_once),
        LIVE_ON_BOTH(a_history_behind_the_last_id_is_refused),
        LIVE_ON_BOTH(history_and_new_entries_come_in_one_answer),
        LIVE_ON_BOTH(no_ack_leaves_nothing_pending),
        LIVE_ON_BOTH(a_group_may_be_called_streams),
        LIVE_ON_BOTH(claim_takes_over_then_gives_new_entries),
        LIVE_ON_BOTH(claim_leaves_deleted_entries_pending),
        LIVE_ON_BOTH(claim_of_what_is_busy_gives_new_entries_alone),
        LIVE_ON_BOTH(xautoclaim_with_the_largest_idle_time_only_purges),
        LIVE_ON_BOTH(max_count_and_max_size_stand_behind_count),
        LIVE_ON_BOTH(max_count_is_not_sent_to_a_server_without_it),
    };
    return live_run("delivering", tests);
}
