/* XCLAIM and XAUTOCLAIM against a real server: taking over what others left.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

/* Stream "s" with 1-0 to count-0, all of them given to "ann" of group "g". */
static void give_all(weir_client *client, uint64_t count) {
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    live_fill(client, "s", count, 10);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), MKSTREAM, NULL));
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("ann"), &fresh, 1, NULL, &page));
    for (uint64_t ms = 1; ms <= count; ms++) {
        assert_next(&page, ms, 0);
    }
    assert_end(&page);
}

static uint64_t pending_of(weir_client *client, const char *name) {
    weir_pending pending;
    weir_pending_consumer consumer;
    uint64_t count = 0;
    assert_ok(client, weir_xpending(client, WIRE("s"), WIRE("g"), &pending));
    while (weir_pending_next(&pending, &consumer) == WEIR_OK) {
        count += weir_view_equal(consumer.name, weir_text(name)) ? consumer.count : 0;
    }
    weir_pending_close(&pending);
    return count;
}

/* ---- XCLAIM ---- */

static void xclaim_takes_entries_over(void **state) {
    struct live *live = *state;
    const weir_id ids[] = {{2, 0}, {3, 0}, {77, 0}};
    weir_entries page;
    weir_entry entry;
    give_all(live->client, 4);
    assert_ok(live->client, weir_xclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"), 0,
                                        ids, 3, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, 2, 0);
    assert_int_equal(entry.state, WEIR_ENTRY_WHOLE);
    assert_int_equal(entry.field_count, 1);
    assert_next(&page, 3, 0);
    assert_end(&page); /* 77-0 is not pending */
    assert_int_equal(pending_of(live->client, "ann"), 2);
    assert_int_equal(pending_of(live->client, "bob"), 2);
}

static void xclaim_leaves_what_is_not_idle_enough(void **state) {
    struct live *live = *state;
    const weir_id ids[] = {{1, 0}};
    weir_entries page;
    give_all(live->client, 1);
    assert_ok(live->client, weir_xclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                        3600000, ids, 1, NULL, &page));
    assert_end(&page);
    assert_int_equal(pending_of(live->client, "ann"), 1);
}

static void xclaim_gives_ids_only_on_demand(void **state) {
    struct live *live = *state;
    const weir_id ids[] = {{1, 0}, {2, 0}};
    weir_xclaim_options options = {.ids_only = true};
    weir_entries page;
    weir_entry entry;
    give_all(live->client, 2);
    assert_ok(live->client, weir_xclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"), 0,
                                        ids, 2, &options, &page));
    for (uint64_t ms = 1; ms <= 2; ms++) {
        assert_status(weir_entries_next(&page, &entry), WEIR_OK);
        assert_id(entry.id, ms, 0);
        assert_int_equal(entry.state, WEIR_ENTRY_ID_ONLY);
        assert_int_equal(entry.field_count, 0);
    }
    assert_end(&page);
    assert_int_equal(pending_of(live->client, "bob"), 2);
}

static void xclaim_of_a_missing_group_is_the_servers_error(void **state) {
    struct live *live = *state;
    const weir_id ids[] = {{1, 0}};
    weir_entries page;
    live_add(live->client, "s", 1, 0);
    weir_status st = weir_xclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"), 0, ids, 1,
                                 NULL, &page);
    assert_code(live->client, st, "NOGROUP");
}

/* What XPENDING says of one entry. */
struct seen {
    char consumer[8];
    int64_t idle_ms;
    int64_t deliveries;
};

static struct seen look_at(weir_client *client, const char *id) {
    const weir_view args[] = {WIRE("XPENDING"), WIRE("s"),     WIRE("g"),
                              weir_text(id),    weir_text(id), WIRE("1")};
    struct seen seen = {.deliveries = -1};
    weir_token tokens[6];
    weir_reply reply;
    assert_ok(client, weir_command(client, args, 6, &reply));
    for (int i = 0; i < 6; i++) {
        if (weir_reply_next(&reply, &tokens[i]) != WEIR_OK) {
            weir_reply_close(&reply);
            return seen; /* it is not pending */
        }
    }
    assert_true(tokens[3].bytes.len < sizeof seen.consumer);
    memcpy(seen.consumer, tokens[3].bytes.data, tokens[3].bytes.len);
    seen.idle_ms = tokens[4].number;
    seen.deliveries = tokens[5].number;
    weir_reply_close(&reply);
    return seen;
}

static void claim_one(weir_client *client, uint64_t ms,
                      const weir_xclaim_options *options) {
    weir_id id = {ms, 0};
    weir_entries page;
    assert_ok(client, weir_xclaim(client, WIRE("s"), WIRE("g"), WIRE("bob"), 0, &id, 1,
                                  options, &page));
    weir_entries_close(&page);
}

static void xclaim_sets_how_long_an_entry_counts_as_idle(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    give_all(client, 2);
    claim_one(client, 1, &(weir_xclaim_options){.idle_ms = 5000000});
    assert_in_range(look_at(client, "1-0").idle_ms, 5000000, 5060000);
    assert_string_equal(look_at(client, "1-0").consumer, "bob");
    claim_one(client, 2, &(weir_xclaim_options){.time_ms = 1600000000000});
    assert_true(look_at(client, "2-0").idle_ms > 100000000000);
    claim_one(client, 2, NULL);
    assert_in_range(look_at(client, "2-0").idle_ms, 0, 60000);
}

static void xclaim_sets_the_count_of_deliveries(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    give_all(client, 1);
    claim_one(client, 1, NULL);
    assert_int_equal(look_at(client, "1-0").deliveries, 2);
    claim_one(client, 1, &(weir_xclaim_options){.ids_only = true});
    assert_int_equal(look_at(client, "1-0").deliveries, 2);
    claim_one(client, 1, &(weir_xclaim_options){.retry_count = 7});
    assert_int_equal(look_at(client, "1-0").deliveries, 7);
    claim_one(client, 1, &(weir_xclaim_options){.retry_count = INT64_MAX});
    assert_true(look_at(client, "1-0").deliveries == INT64_MAX);
    claim_one(client, 1, &(weir_xclaim_options){.has_retry_count = true});
    assert_int_equal(look_at(client, "1-0").deliveries, 0);
}

static void xclaim_makes_entries_pending_by_force(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    live_fill(client, "s", 3, 1);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    claim_one(client, 1, NULL);
    assert_int_equal(look_at(client, "1-0").deliveries, -1);
    claim_one(client, 1, &(weir_xclaim_options){.force = true, .last = {2, 0}});
    assert_int_equal(look_at(client, "1-0").deliveries, 2); /* made with 1, then claimed */
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("ann"), &fresh, 1, NULL, &page));
    assert_next(&page, 3, 0); /* LASTID says that 2-0 was given */
    assert_end(&page);
}

/* ---- XAUTOCLAIM ---- */

/* Deleted entries go before anybody asks how idle they are: with no time long enough, a
 * scan does nothing but that. */
static void xautoclaim_of_nothing_still_purges(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    const weir_id gone[] = {{1, 0}, {2, 0}};
    weir_xautoclaim_options options = {.ids_only = true};
    weir_id next;
    weir_entries page;
    weir_entry entry;
    give_all(client, 3);
    assert_ok(client, weir_xdel(client, WIRE("s"), gone, 2, NULL));
    assert_ok(client, weir_xautoclaim(client, WIRE("s"), WIRE("g"), WIRE("bob"), INT64_MAX,
                                      WEIR_ID_MIN, &options, &next, &page));
    for (uint64_t ms = 1; ms <= 2; ms++) {
        assert_status(weir_entries_next(&page, &entry), WEIR_OK);
        assert_id(entry.id, ms, 0);
        assert_int_equal(entry.state, WEIR_ENTRY_PURGED);
    }
    assert_end(&page);
    assert_int_equal(pending_of(client, "ann"), 1);
    assert_int_equal(pending_of(client, "bob"), 0);
}

static void xautoclaim_begins_behind_an_excluded_start(void **state) {
    struct live *live = *state;
    weir_xautoclaim_options options = {.exclude_start = true};
    weir_id next;
    weir_entries page;
    give_all(live->client, 3);
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            0, (weir_id){1, 0}, &options, &next, &page));
    assert_next(&page, 2, 0);
    assert_next(&page, 3, 0);
    assert_end(&page);
}

static void xautoclaim_goes_on_from_its_cursor(void **state) {
    struct live *live = *state;
    weir_xautoclaim_options options = {.count = 3};
    weir_id next = {9, 9};
    weir_entries page;
    give_all(live->client, 5);
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            0, WEIR_ID_MIN, &options, &next, &page));
    assert_id(next, 4, 0);
    assert_next(&page, 1, 0);
    assert_next(&page, 2, 0);
    assert_next(&page, 3, 0);
    assert_end(&page);
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            0, next, &options, &next, &page));
    assert_id(next, 0, 0);
    assert_next(&page, 4, 0);
    assert_next(&page, 5, 0);
    assert_end(&page);
    assert_int_equal(pending_of(live->client, "ann"), 0);
    assert_int_equal(pending_of(live->client, "bob"), 5);
}

static void xautoclaim_of_what_is_busy_gives_nothing(void **state) {
    struct live *live = *state;
    weir_id next = {9, 9};
    weir_entries page;
    give_all(live->client, 5);
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            3600000, WEIR_ID_MIN, NULL, &next, &page));
    assert_id(next, 0, 0);
    assert_end(&page);
}

static void xautoclaim_tells_which_ids_it_purged(void **state) {
    struct live *live = *state;
    const weir_id gone[] = {{2, 0}, {4, 0}};
    weir_id next = {9, 9};
    weir_entries page;
    weir_entry entry;
    give_all(live->client, 4);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), gone, 2, NULL));
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            0, WEIR_ID_MIN, NULL, &next, &page));
    assert_id(next, 0, 0);
    assert_next(&page, 1, 0);
    assert_next(&page, 3, 0);
    for (int i = 0; i < 2; i++) {
        assert_status(weir_entries_next(&page, &entry), WEIR_OK);
        assert_id(entry.id, gone[i].ms, 0);
        assert_int_equal(entry.state, WEIR_ENTRY_PURGED);
        assert_int_equal(entry.field_count, 0);
    }
    assert_end(&page);
    assert_int_equal(pending_of(live->client, "ann"), 0);
    assert_int_equal(pending_of(live->client, "bob"), 2);
}

static void xautoclaim_tells_purged_ids_alone(void **state) {
    struct live *live = *state;
    const weir_id gone[] = {{1, 0}, {2, 0}};
    weir_xautoclaim_options options = {.ids_only = true};
    weir_id next;
    weir_entries page;
    weir_entry entry;
    give_all(live->client, 2);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), gone, 2, NULL));
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            0, WEIR_ID_MIN, &options, &next, &page));
    for (uint64_t ms = 1; ms <= 2; ms++) {
        assert_status(weir_entries_next(&page, &entry), WEIR_OK);
        assert_id(entry.id, ms, 0);
        assert_int_equal(entry.state, WEIR_ENTRY_PURGED);
    }
    assert_end(&page);
}

static void xautoclaim_gives_ids_only_on_demand(void **state) {
    struct live *live = *state;
    weir_xautoclaim_options options = {.count = 1, .ids_only = true};
    weir_id next;
    weir_entries page;
    weir_entry entry;
    give_all(live->client, 2);
    assert_ok(live->client, weir_xautoclaim(live->client, WIRE("s"), WIRE("g"), WIRE("bob"),
                                            0, (weir_id){2, 0}, &options, &next, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, 2, 0);
    assert_int_equal(entry.state, WEIR_ENTRY_ID_ONLY);
    assert_end(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(xclaim_takes_entries_over),
        LIVE_ON_BOTH(xclaim_leaves_what_is_not_idle_enough),
        LIVE_ON_BOTH(xclaim_gives_ids_only_on_demand),
        LIVE_ON_BOTH(xclaim_of_a_missing_group_is_the_servers_error),
        LIVE_ON_BOTH(xclaim_sets_how_long_an_entry_counts_as_idle),
        LIVE_ON_BOTH(xclaim_sets_the_count_of_deliveries),
        LIVE_ON_BOTH(xclaim_makes_entries_pending_by_force),
        LIVE_ON_BOTH(xautoclaim_of_nothing_still_purges),
        LIVE_ON_BOTH(xautoclaim_begins_behind_an_excluded_start),
        LIVE_ON_BOTH(xautoclaim_goes_on_from_its_cursor),
        LIVE_ON_BOTH(xautoclaim_of_what_is_busy_gives_nothing),
        LIVE_ON_BOTH(xautoclaim_tells_which_ids_it_purged),
        LIVE_ON_BOTH(xautoclaim_tells_purged_ids_alone),
        LIVE_ON_BOTH(xautoclaim_gives_ids_only_on_demand),
    };
    return live_run("claiming", tests);
}
