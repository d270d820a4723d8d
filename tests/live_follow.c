/* Following streams without a group, and looking at groups from outside.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdio.h>

static const weir_follow_options SHORT = {.count = 7, .block_ms = 20};

static void assert_follows(weir_client *client, weir_follow *follow, uint64_t ms) {
    weir_entry entry;
    assert_ok(client, weir_follow_next(follow, &entry));
    assert_id(entry.id, ms, 0);
}

static void all_that_is_there_then_what_is_added(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, NULL);
    weir_source source = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_follow follow;
    weir_entry entry;
    live_fill(live->client, "s", 100, 3);
    assert_ok(client, weir_follow_open(client, &source, 1, &SHORT, &follow));
    for (uint64_t ms = 1; ms <= 100; ms++) {
        assert_follows(client, &follow, ms);
        assert_id(source.after, ms, 0);
    }
    assert_status(weir_follow_next(&follow, &entry), WEIR_MORE);
    live_add(live->client, "s", 101, 0);
    assert_follows(client, &follow, 101);
    weir_follow_close(&follow);
    weir_source saved = weir_source_after(WIRE("s"), (weir_id){99, 0});
    assert_ok(client, weir_follow_open(client, &saved, 1, &SHORT, &follow));
    assert_follows(client, &follow, 100);
    weir_follow_close(&follow);
    weir_follow_close(&follow);
    assert_ok(client, weir_xlen(client, WIRE("s"), NULL));
}

static void from_new_on_nothing_is_missed(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, NULL);
    weir_source sources[] = {weir_source_new(WIRE("s")), weir_source_new(WIRE("none"))};
    weir_follow follow;
    weir_entry entry;
    live_fill(live->client, "s", 5, 3);
    assert_ok(client, weir_follow_open(client, sources, 2, &SHORT, &follow));
    assert_id(sources[0].after, 5, 0);
    assert_id(sources[1].after, 0, 0);
    live_add(live->client, "s", 6, 0); /* before the first XREAD */
    live_add(live->client, "none", 1, 0);
    assert_follows(client, &follow, 6);
    assert_ok(client, weir_follow_next(&follow, &entry));
    assert_view(entry.stream, "none");
    assert_id(sources[1].after, 1, 0);
    assert_status(weir_follow_next(&follow, &entry), WEIR_MORE);
    weir_follow_close(&follow);
}

static void a_lost_connection_leaves_no_gap(void **state) {
    struct live *live = *state;
    weir_client *client =
        live_other(live, &(weir_options){.reconnect = {.is_on = true, .floor_ms = 1}});
    weir_source source = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_follow follow;
    live_fill(live->client, "s", 500, 100);
    assert_ok(client, weir_follow_open(client, &source, 1, &SHORT, &follow));
    for (uint64_t ms = 1; ms <= 500; ms++) {
        assert_follows(client, &follow, ms);
        if (ms % 50 == 20) {
            assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "TYPE",
                                             "normal", "SKIPME", "yes"));
        }
    }
    weir_follow_close(&follow);
}

static void a_large_entry_is_passed_once(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, &(weir_options){.limits.receive_bytes = 4096});
    weir_source source = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    const weir_follow_options one = {.count = 1, .block_ms = 20};
    weir_follow follow;
    weir_entry entry;
    live_fill(live->client, "s", 1, 20000);
    live_add(live->client, "s", 2, 0);
    assert_ok(client, weir_follow_open(client, &source, 1, &one, &follow));
    assert_status(weir_follow_next(&follow, &entry), WEIR_ERR_LIMIT);
    assert_id(entry.id, 1, 0);
    assert_view(entry.stream, "s");
    assert_id(source.after, 1, 0);
    assert_follows(client, &follow, 2);
    assert_status(weir_follow_next(&follow, &entry), WEIR_MORE);
    weir_follow_close(&follow);
}

static void wrong_sources_are_told(void **state) {
    struct live *live = *state;
    weir_source last = {WIRE("s"), WEIR_FROM_LAST, {0, 0}};
    weir_source text = weir_source_new(WIRE("text"));
    weir_follow follow;
    weir_entry entry;
    assert_ok(live->client, live_say(live->client, "SET", "text", "1"));
    assert_status(weir_follow_open(live->client, &last, 0, NULL, &follow), WEIR_ERR_ARG);
    assert_status(weir_follow_open(live->client, &last, 1, NULL, &follow), WEIR_ERR_ARG);
    assert_code(live->client, weir_follow_open(live->client, &text, 1, NULL, &follow),
                "WRONGTYPE");
    text = weir_source_after(text.key, WEIR_ID_MIN);
    assert_ok(live->client, weir_follow_open(live->client, &text, 1, &SHORT, &follow));
    assert_code(live->client, weir_follow_next(&follow, &entry), "WRONGTYPE");
    weir_follow_close(&follow);
}

/* ---- groups from outside ---- */

static void a_group_tells_how_it_is(void **state) {
    struct live *live = *state;
    weir_group_health health;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    weir_client *client = live->client;
    live_fill(client, "s", 10, 3);
    assert_status(weir_group_look(client, WIRE("s"), WIRE("g"), &health), WEIR_END);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client, weir_group_look(client, WIRE("s"), WIRE("g"), &health));
    assert_int_equal(health.pending, 0);
    assert_int_equal(health.consumers, 0);
    assert_true(health.oldest_idle_ms == WEIR_UNKNOWN);
    assert_true(health.last_seen_ms == WEIR_UNKNOWN);
    assert_ok(client, weir_xreadgroup(client, WIRE("g"), WIRE("a"), &fresh, 1,
                                      &(weir_read_options){.count = 4}, &page));
    weir_entries_close(&page);
    assert_ok(client, live_say(client, "XGROUP", "CREATECONSUMER", "s", "g", "b"));
    assert_ok(client, weir_group_look(client, WIRE("s"), WIRE("g"), &health));
    assert_int_equal(health.lag, 6);
    assert_int_equal(health.pending, 4);
    assert_id(health.oldest, 1, 0);
    assert_in_range(health.oldest_idle_ms, 0, 5000);
    assert_int_equal(health.consumers, 2);
    assert_int_equal(health.busy_consumers, 1);
    assert_in_range(health.last_seen_ms, 0, 5000);
}

static void members_with_nothing_pending_are_reaped(void **state) {
    struct live *live = *state;
    weir_group_health health;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    weir_client *client = live->client;
    uint64_t count = 7;
    live_fill(client, "s", 10, 3);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client, weir_xreadgroup(client, WIRE("g"), WIRE("busy"), &fresh, 1,
                                      &(weir_read_options){.count = 4}, &page));
    weir_entries_close(&page);
    assert_ok(client, live_say(client, "XGROUP", "CREATECONSUMER", "s", "g", "b"));
    assert_ok(client, live_say(client, "XGROUP", "CREATECONSUMER", "s", "g", "c"));
    assert_ok(client, weir_group_reap(client, WIRE("s"), WIRE("g"), 3600000, &count));
    assert_int_equal(count, 0);
    assert_ok(client, weir_group_reap(client, WIRE("s"), WIRE("g"), 0, &count));
    assert_int_equal(count, 2);
    assert_ok(client, weir_group_look(client, WIRE("s"), WIRE("g"), &health));
    assert_int_equal(health.consumers, 1);
    assert_int_equal(health.pending, 4);
    assert_status(weir_group_reap(client, WIRE("s"), WIRE("none"), 0, &count),
                  WEIR_ERR_SERVER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(all_that_is_there_then_what_is_added),
        LIVE_ON_BOTH(from_new_on_nothing_is_missed),
        LIVE_ON_BOTH(a_lost_connection_leaves_no_gap),
        LIVE_ON_BOTH(a_large_entry_is_passed_once),
        LIVE_ON_BOTH(wrong_sources_are_told),
        LIVE_ON_BOTH(a_group_tells_how_it_is),
        LIVE_ON_BOTH(members_with_nothing_pending_are_reaped),
    };
    return live_run("live_follow", tests);
}
