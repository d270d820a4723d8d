/* Consumer groups against a real server: making them, reading, acknowledging, what is
 * pending.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

/* Stream "s" with 1-0 to count-0, group "g" that starts at its beginning. */
static void make_group(weir_client *client, uint64_t count) {
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    live_fill(client, "s", count, 10);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), MKSTREAM, NULL));
}

/* Gives `count` new entries to the consumer, all of them whole. */
static void give(weir_client *client, const char *consumer, uint64_t count) {
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_read_options options = {.count = count};
    weir_entries page;
    weir_entry entry;
    assert_ok(client, weir_xreadgroup(client, WIRE("g"), weir_text(consumer), &fresh, 1,
                                      &options, &page));
    for (uint64_t i = 0; i < count; i++) {
        assert_status(weir_entries_next(&page, &entry), WEIR_OK);
        assert_int_equal(entry.state, WEIR_ENTRY_WHOLE);
        assert_view(entry.stream, "s");
    }
    assert_end(&page);
}

/* ---- XGROUP CREATE ---- */

static void a_group_is_new_once(void **state) {
    struct live *live = *state;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    bool is_new = false;
    live_add(live->client, "s", 1, 0);
    assert_ok(live->client,
              weir_xgroup_create(live->client, all, WIRE("g"), NULL, &is_new));
    assert_true(is_new);
    assert_ok(live->client,
              weir_xgroup_create(live->client, all, WIRE("g"), NULL, &is_new));
    assert_false(is_new);
    assert_ok(live->client,
              weir_xgroup_create(live->client, all, WIRE("g"), MKSTREAM, NULL));
}

static void a_group_of_a_missing_stream_needs_make_stream(void **state) {
    struct live *live = *state;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    bool is_new = false;
    weir_status st = weir_xgroup_create(live->client, all, WIRE("g"), NULL, &is_new);
    assert_code(live->client, st, "ERR");
    assert_non_null(strstr(weir_client_error(live->client)->text, "MKSTREAM"));
    assert_ok(live->client,
              weir_xgroup_create(live->client, all, WIRE("g"), MKSTREAM, &is_new));
    assert_true(is_new);
}

static void a_group_starts_where_it_is_told(void **state) {
    struct live *live = *state;
    weir_source behind_2 = weir_source_after(WIRE("s"), (weir_id){2, 0});
    weir_source from_now = weir_source_new(WIRE("s"));
    weir_entries page;
    live_fill(live->client, "s", 3, 10);
    assert_ok(live->client,
              weir_xgroup_create(live->client, behind_2, WIRE("g"), NULL, NULL));
    assert_ok(live->client,
              weir_xgroup_create(live->client, from_now, WIRE("now"), NULL, NULL));
    give(live->client, "c", 1);
    live_add(live->client, "s", 4, 0);
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("now"), WIRE("c"), &from_now,
                                            1, NULL, &page));
    assert_next(&page, 4, 0);
    assert_end(&page);
}

/* ---- XGROUP's other subcommands ---- */

static void a_group_that_is_moved_gives_entries_again(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_source behind_1 = weir_source_after(WIRE("s"), (weir_id){1, 0});
    weir_source from_now = weir_source_new(WIRE("s"));
    weir_xgroup_options options = {.entries_read = 1};
    make_group(client, 3);
    give(client, "c", 3);
    assert_ok(client, weir_xgroup_setid(client, behind_1, WIRE("g"), &options));
    give(client, "c", 2);
    assert_ok(client, weir_xgroup_setid(client, behind_1, WIRE("g"), NULL));
    assert_ok(client, weir_xgroup_setid(client, from_now, WIRE("g"), NULL));
    give(client, "c", 0);
    assert_code(client, weir_xgroup_setid(client, behind_1, WIRE("none"), NULL), "NOGROUP");
    assert_code(
        client,
        weir_xgroup_setid(client, weir_source_new(WIRE("missing")), WIRE("g"), NULL),
        "ERR");
}

static void a_group_is_destroyed_once(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    uint64_t count = 9;
    make_group(client, 1);
    assert_ok(client, weir_xgroup_destroy(client, WIRE("s"), WIRE("g"), &count));
    assert_int_equal(count, 1);
    assert_ok(client, weir_xgroup_destroy(client, WIRE("s"), WIRE("g"), &count));
    assert_int_equal(count, 0);
    assert_code(client, weir_xgroup_destroy(client, WIRE("missing"), WIRE("g"), &count),
                "ERR");
}

static void a_consumer_is_made_once_and_takes_its_entries_along(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_view s = WIRE("s");
    weir_view g = WIRE("g");
    weir_view c = WIRE("c");
    bool is_new = false;
    uint64_t count = 9;
    make_group(client, 3);
    assert_ok(client, weir_xgroup_createconsumer(client, s, g, c, &is_new));
    assert_true(is_new);
    assert_ok(client, weir_xgroup_createconsumer(client, s, g, c, &is_new));
    assert_false(is_new);
    assert_code(client, weir_xgroup_createconsumer(client, s, WIRE("none"), c, &is_new),
                "NOGROUP");
    give(client, "c", 2);
    assert_ok(client, weir_xgroup_delconsumer(client, s, g, c, &count));
    assert_int_equal(count, 2);
    assert_ok(client, weir_xgroup_delconsumer(client, s, g, c, &count));
    assert_int_equal(count, 0);
    give(client, "d", 1); /* what "c" had is given to nobody */
}

static void groups_can_be_kept_in_a_pipeline(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_view s = WIRE("s");
    weir_view g = WIRE("g");
    weir_source all = weir_source_after(s, WEIR_ID_MIN);
    weir_xgroup_options options = {.make_stream = true, .has_entries_read = true};
    bool is_new = false;
    uint64_t count = 9;
    assert_ok(client, weir_append_xgroup_create(client, all, g, &options));
    assert_ok(client, weir_append_xgroup_createconsumer(client, s, g, WIRE("c")));
    assert_ok(client, weir_append_xgroup_createconsumer(client, s, g, WIRE("c")));
    assert_ok(client, weir_append_xgroup_setid(client, all, g, NULL));
    assert_ok(client, weir_append_xgroup_delconsumer(client, s, g, WIRE("c")));
    assert_ok(client, weir_append_xgroup_destroy(client, s, g));
    assert_ok(client, weir_take_is_new(client, &is_new));
    assert_true(is_new);
    assert_ok(client, weir_take_is_new(client, &is_new));
    assert_true(is_new);
    assert_ok(client, weir_take_is_new(client, &is_new));
    assert_false(is_new);
    assert_ok(client, weir_take_done(client));
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, 0);
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, 1);
}

/* ---- XREADGROUP ---- */

static void new_entries_are_given_once(void **state) {
    struct live *live = *state;
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    make_group(live->client, 5);
    give(live->client, "ann", 3);
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("bob"), &fresh, 1,
                                            NULL, &page));
    assert_next(&page, 4, 0);
    assert_next(&page, 5, 0);
    assert_end(&page);
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("bob"), &fresh, 1,
                                            NULL, &page));
    assert_end(&page);
}

static void a_consumer_gets_its_own_history_again(void **state) {
    struct live *live = *state;
    weir_source history = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_entries page;
    make_group(live->client, 5);
    give(live->client, "ann", 2);
    give(live->client, "bob", 2);
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("bob"), &history,
                                            1, NULL, &page));
    assert_next(&page, 3, 0);
    assert_next(&page, 4, 0);
    assert_end(&page);
    history.after = (weir_id){3, 0};
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("bob"), &history,
                                            1, NULL, &page));
    assert_next(&page, 4, 0);
    assert_end(&page);
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("eve"), &history,
                                            1, NULL, &page));
    assert_end(&page); /* the server's answer: the stream, and no entries */
}

static void a_deleted_entry_is_still_pending(void **state) {
    struct live *live = *state;
    weir_source history = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_entries page;
    weir_entry entry;
    make_group(live->client, 3);
    give(live->client, "ann", 3);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), &(weir_id){2, 0}, 1, NULL));
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("ann"), &history,
                                            1, NULL, &page));
    assert_next(&page, 1, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, 2, 0);
    assert_int_equal(entry.state, WEIR_ENTRY_DELETED);
    assert_int_equal(entry.field_count, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, 3, 0);
    assert_int_equal(entry.state, WEIR_ENTRY_WHOLE);
    assert_int_equal(entry.field_count, 1);
    assert_end(&page);
}

static void reading_without_a_group_is_the_servers_error(void **state) {
    struct live *live = *state;
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    live_add(live->client, "s", 1, 0);
    weir_status st =
        weir_xreadgroup(live->client, WIRE("g"), WIRE("c"), &fresh, 1, NULL, &page);
    assert_code(live->client, st, "NOGROUP");
    assert_false(weir_entries_is_open(&page));
}

static void no_ack_leaves_nothing_pending(void **state) {
    struct live *live = *state;
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_read_options options = {.no_ack = true};
    weir_entries page;
    weir_pending pending;
    make_group(live->client, 2);
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("c"), &fresh, 1,
                                            &options, &page));
    assert_next(&page, 1, 0);
    assert_next(&page, 2, 0);
    assert_end(&page);
    assert_ok(live->client, weir_xpending(live->client, WIRE("s"), WIRE("g"), &pending));
    assert_int_equal(pending.count, 0);
    weir_pending_close(&pending);
}

static void a_group_reads_several_streams(void **state) {
    struct live *live = *state;
    const weir_source all[] = {weir_source_after(WIRE("a"), WEIR_ID_MIN),
                               weir_source_after(WIRE("b"), WEIR_ID_MIN)};
    const weir_source fresh[] = {weir_source_new(WIRE("a")), weir_source_new(WIRE("b"))};
    weir_entries page;
    weir_entry entry;
    for (int i = 0; i < 2; i++) {
        assert_ok(live->client,
                  weir_xgroup_create(live->client, all[i], WIRE("g"), MKSTREAM, NULL));
    }
    live_add(live->client, "a", 1, 0);
    live_add(live->client, "b", 2, 0);
    assert_ok(live->client,
              weir_xreadgroup(live->client, WIRE("g"), WIRE("c"), fresh, 2, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_view(entry.stream, "a");
    assert_id(entry.id, 1, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_view(entry.stream, "b");
    assert_id(entry.id, 2, 0);
    assert_end(&page);
}

/* ---- XACK, XPENDING ---- */

static void xack_counts_what_was_pending(void **state) {
    struct live *live = *state;
    const weir_id ids[] = {{1, 0}, {3, 0}, {9, 9}};
    uint64_t count = 0;
    make_group(live->client, 3);
    give(live->client, "c", 2);
    assert_ok(live->client, weir_xack(live->client, WIRE("s"), WIRE("g"), ids, 3, &count));
    assert_int_equal(count, 1); /* 3-0 was not given out, 9-9 does not exist */
    assert_ok(live->client, weir_xack(live->client, WIRE("s"), WIRE("g"), ids, 3, &count));
    assert_int_equal(count, 0);
    assert_ok(live->client,
              weir_xack(live->client, WIRE("s"), WIRE("missing"), ids, 3, &count));
    assert_int_equal(count, 0);
}

static void nothing_pending_is_a_summary_too(void **state) {
    struct live *live = *state;
    weir_pending pending;
    weir_pending_consumer consumer;
    make_group(live->client, 3);
    assert_ok(live->client, weir_xpending(live->client, WIRE("s"), WIRE("g"), &pending));
    assert_int_equal(pending.count, 0);
    assert_id(pending.lowest, 0, 0);
    assert_id(pending.highest, 0, 0);
    assert_status(weir_pending_next(&pending, &consumer), WEIR_END);
    weir_pending_close(&pending);
    weir_pending_close(&pending);
}

static void the_summary_names_each_consumer(void **state) {
    struct live *live = *state;
    weir_pending pending;
    weir_pending_consumer consumer;
    make_group(live->client, 6);
    give(live->client, "ann", 2);
    give(live->client, "bob", 3);
    assert_ok(live->client, weir_xpending(live->client, WIRE("s"), WIRE("g"), &pending));
    assert_int_equal(pending.count, 5);
    assert_id(pending.lowest, 1, 0);
    assert_id(pending.highest, 5, 0);
    assert_status(weir_pending_next(&pending, &consumer), WEIR_OK);
    assert_view(consumer.name, "ann");
    assert_int_equal(consumer.count, 2);
    assert_ok(live->client, live_say(live->client, "PING")); /* the names stay */
    assert_view(consumer.name, "ann");
    assert_status(weir_pending_next(&pending, &consumer), WEIR_OK);
    assert_view(consumer.name, "bob");
    assert_int_equal(consumer.count, 3);
    assert_status(weir_pending_next(&pending, &consumer), WEIR_END);
    weir_pending_close(&pending);
}

static void the_summary_of_a_missing_group_is_the_servers_error(void **state) {
    struct live *live = *state;
    weir_pending pending;
    weir_status st = weir_xpending(live->client, WIRE("s"), WIRE("g"), &pending);
    assert_code(live->client, st, "NOGROUP");
    weir_pending_close(&pending);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_group_is_new_once),
        LIVE_ON_BOTH(a_group_of_a_missing_stream_needs_make_stream),
        LIVE_ON_BOTH(a_group_starts_where_it_is_told),
        LIVE_ON_BOTH(a_group_that_is_moved_gives_entries_again),
        LIVE_ON_BOTH(a_group_is_destroyed_once),
        LIVE_ON_BOTH(a_consumer_is_made_once_and_takes_its_entries_along),
        LIVE_ON_BOTH(groups_can_be_kept_in_a_pipeline),
        LIVE_ON_BOTH(new_entries_are_given_once),
        LIVE_ON_BOTH(a_consumer_gets_its_own_history_again),
        LIVE_ON_BOTH(a_deleted_entry_is_still_pending),
        LIVE_ON_BOTH(reading_without_a_group_is_the_servers_error),
        LIVE_ON_BOTH(no_ack_leaves_nothing_pending),
        LIVE_ON_BOTH(a_group_reads_several_streams),
        LIVE_ON_BOTH(xack_counts_what_was_pending),
        LIVE_ON_BOTH(nothing_pending_is_a_summary_too),
        LIVE_ON_BOTH(the_summary_names_each_consumer),
        LIVE_ON_BOTH(the_summary_of_a_missing_group_is_the_servers_error),
    };
    return live_run("groups", tests);
}
