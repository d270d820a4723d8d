/* XPENDING with a range and XINFO against a real server.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

/* Stream "s" with 1-0 to 3-0; "ann" of group "g" was given two of them, "bob" one. */
static void give_all(weir_client *client) {
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_read_options two = {.count = 2};
    weir_entries page;
    live_fill(client, "s", 3, 1);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("ann"), &fresh, 1, &two, &page));
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("bob"), &fresh, 1, NULL, &page));
    weir_entries_close(&page);
}

static void assert_pending(weir_rows *rows, uint64_t ms, const char *consumer) {
    weir_pending_entry entry;
    assert_status(weir_rows_next_pending(rows, &entry), WEIR_OK);
    assert_id(entry.id, ms, 0);
    assert_view(entry.consumer, consumer);
    assert_int_equal(entry.deliveries, 1);
}

/* ---- XPENDING ---- */

static void pending_entries_come_with_their_consumers(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_pending_entry entry;
    weir_rows rows;
    give_all(client);
    assert_ok(client, weir_xpending_range(client, WIRE("s"), WIRE("g"), WEIR_ID_MIN,
                                          WEIR_ID_MAX, 10, NULL, &rows));
    assert_pending(&rows, 1, "ann");
    assert_pending(&rows, 2, "ann");
    assert_status(weir_rows_next_pending(&rows, &entry), WEIR_OK);
    assert_view(entry.consumer, "bob");
    assert_in_range(entry.idle_ms, 0, 60000);
    assert_true(entry.delivered_ms == WEIR_UNKNOWN);
    assert_status(weir_rows_next_pending(&rows, &entry), WEIR_END);
    weir_rows_close(&rows);
    weir_rows_close(&rows);
    assert_status(weir_rows_next_pending(&rows, &entry), WEIR_END);
}

static void pending_entries_can_be_chosen(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_xpending_options options = {.exclude_start = true, .exclude_end = true};
    weir_pending_entry entry;
    weir_group_info group;
    weir_rows rows;
    give_all(client);
    assert_ok(client, weir_xpending_range(client, WIRE("s"), WIRE("g"), (weir_id){1, 0},
                                          (weir_id){3, 0}, 10, &options, &rows));
    assert_pending(&rows, 2, "ann");
    assert_status(weir_rows_next_pending(&rows, &entry), WEIR_END);
    options = (weir_xpending_options){.consumer = WIRE("bob")};
    assert_ok(client, weir_append_xpending_range(client, WIRE("s"), WIRE("g"), WEIR_ID_MIN,
                                                 WEIR_ID_MAX, 10, &options));
    options = (weir_xpending_options){.min_idle_ms = 3600000};
    assert_ok(client, weir_append_xpending_range(client, WIRE("s"), WIRE("g"), WEIR_ID_MIN,
                                                 WEIR_ID_MAX, 10, &options));
    assert_ok(client, weir_take_rows(client, &rows));
    assert_status(weir_rows_next_group(&rows, &group), WEIR_ERR_ARG);
    assert_pending(&rows, 3, "bob");
    assert_ok(client, weir_take_rows(client, &rows));
    assert_status(weir_rows_next_pending(&rows, &entry), WEIR_END);
    weir_rows_close(&rows);
    weir_status st = weir_xpending_range(client, WIRE("s"), WIRE("none"), WEIR_ID_MIN,
                                         WEIR_ID_MAX, 10, NULL, &rows);
    assert_code(client, st, "NOGROUP");
}

static void ranges_of_nothing_are_refused(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_view s = WIRE("s");
    weir_view g = WIRE("g");
    weir_xpending_options options = {.exclude_start = true};
    weir_xinfo_options counted = {.count = 5};
    weir_stream_info info;
    weir_rows rows;
    assert_status(weir_xpending_range(c, s, g, WEIR_ID_MIN, WEIR_ID_MAX, 0, NULL, &rows),
                  WEIR_ERR_ARG);
    assert_status(
        weir_append_xpending_range(c, s, g, WEIR_ID_MAX, WEIR_ID_MAX, 1, &options),
        WEIR_ERR_ARG);
    assert_status(weir_xinfo_stream(c, s, &counted, &info), WEIR_ERR_ARG);
    assert_status(weir_xinfo_groups(c, WIRE(""), &rows), WEIR_ERR_ARG);
    assert_status(weir_xinfo_consumers(c, s, WIRE(""), &rows), WEIR_ERR_ARG);
    assert_int_equal(weir_unanswered(c), 0);
}

/* ---- XINFO ---- */

static void groups_and_consumers_tell_of_themselves(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_group_info group;
    weir_consumer_info consumer;
    weir_row_key key;
    weir_rows rows;
    give_all(client);
    assert_ok(client, weir_append_xinfo_groups(client, WIRE("s")));
    assert_ok(client, weir_append_xinfo_consumers(client, WIRE("s"), WIRE("g")));
    assert_ok(client, weir_take_rows(client, &rows));
    assert_status(weir_rows_next_group(&rows, &group), WEIR_OK);
    assert_view(group.name, "g");
    assert_int_equal(group.consumer_count, 2);
    assert_int_equal(group.pending_count, 3);
    assert_id(group.last_id, 3, 0);
    assert_int_equal(group.entries_read, 3);
    assert_int_equal(group.lag, 0);
    assert_true(group.nacked_count == WEIR_UNKNOWN);
    assert_status(weir_rows_find(&group.keys, "lag", &key), WEIR_OK);
    assert_int_equal(key.value.number, 0);
    assert_status(weir_rows_find(&group.keys, "no such key", &key), WEIR_END);
    assert_status(weir_rows_next_group(&rows, &group), WEIR_END);
    assert_ok(client, weir_take_rows(client, &rows));
    assert_status(weir_rows_next_consumer(&rows, &consumer), WEIR_OK);
    assert_view(consumer.name, "ann");
    assert_int_equal(consumer.pending_count, 2);
    assert_in_range(consumer.idle_ms, 0, 60000);
    bool has_inactive = live_has("7.2", "7.2");
    assert_int_equal(consumer.inactive_ms != WEIR_UNKNOWN, has_inactive);
    assert_status(weir_rows_next_consumer(&rows, &consumer), WEIR_OK);
    assert_status(weir_rows_next_consumer(&rows, &consumer), WEIR_END);
    weir_rows_close(&rows);
}

/* The lag is null where entries were deleted ahead of the group. */
static void what_the_server_cannot_tell_is_unknown(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_source behind_1 = weir_source_after(WIRE("s"), (weir_id){1, 0});
    weir_group_info group;
    weir_rows rows;
    live_fill(client, "s", 4, 1);
    assert_ok(client, weir_xgroup_create(client, behind_1, WIRE("g"), NULL, NULL));
    assert_ok(client, weir_xdel(client, WIRE("s"), &(weir_id){3, 0}, 1, NULL));
    assert_ok(client, weir_xinfo_groups(client, WIRE("s"), &rows));
    assert_status(weir_rows_next_group(&rows, &group), WEIR_OK);
    assert_true(group.lag == WEIR_UNKNOWN);
    assert_true(group.entries_read == WEIR_UNKNOWN);
    assert_int_equal(group.pending_count, 0);
    weir_rows_close(&rows);
}

static void a_stream_tells_of_itself(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_stream_info info;
    weir_row_key key;
    weir_entry entry;
    give_all(client);
    assert_ok(client, weir_xdel(client, WIRE("s"), &(weir_id){1, 0}, 1, NULL));
    assert_ok(client, weir_xinfo_stream(client, WIRE("s"), NULL, &info));
    assert_int_equal(info.length, 2);
    assert_int_equal(info.group_count, 1);
    assert_int_equal(info.radix_tree_keys, 1);
    assert_id(info.last_id, 3, 0);
    assert_true(info.has_max_deleted_id && info.has_recorded_first_id);
    assert_id(info.max_deleted_id, 1, 0);
    assert_id(info.recorded_first_id, 2, 0);
    assert_int_equal(info.entries_added, 3);
    assert_true(info.idmp_maxsize == (live_has("8.6", NULL) ? 100 : WEIR_UNKNOWN));
    assert_true(info.iids_added == (live_has("8.6", NULL) ? 0 : WEIR_UNKNOWN));
    assert_status(weir_rows_next_entry(&info.first, &entry), WEIR_OK);
    assert_id(entry.id, 2, 0);
    assert_int_equal(entry.field_count, 1);
    assert_status(weir_rows_next_entry(&info.first, &entry), WEIR_END);
    assert_status(weir_rows_next_entry(&info.last, &entry), WEIR_OK);
    assert_id(entry.id, 3, 0);
    assert_status(weir_rows_next_key(&info.keys, &key), WEIR_OK);
    assert_view(key.name, "length");
    weir_stream_info_close(&info);
    weir_status st = weir_xinfo_stream(client, WIRE("missing"), NULL, &info);
    assert_code(client, st, "ERR");
}

static void a_stream_tells_all_of_itself(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_xinfo_options full = {.full = true, .count = WEIR_UNLIMITED};
    weir_stream_info info;
    weir_group_info group;
    weir_consumer_info consumer;
    weir_pending_entry pending;
    weir_entry entry;
    give_all(client);
    assert_ok(client, weir_append_xinfo_stream(client, WIRE("s"), &full));
    assert_ok(client, weir_take_stream_info(client, &info));
    assert_int_equal(info.group_count, 1);
    for (uint64_t ms = 1; ms <= 3; ms++) {
        assert_status(weir_rows_next_entry(&info.entries, &entry), WEIR_OK);
        assert_id(entry.id, ms, 0);
    }
    assert_status(weir_rows_next_entry(&info.entries, &entry), WEIR_END);
    assert_status(weir_rows_next_group(&info.groups, &group), WEIR_OK);
    assert_int_equal(group.consumer_count, 2);
    assert_int_equal(group.pending_count, 3);
    assert_pending(&group.pending, 1, "ann");
    assert_status(weir_rows_next_consumer(&group.consumers, &consumer), WEIR_OK);
    assert_view(consumer.name, "ann");
    assert_int_equal(consumer.pending_count, 2);
    assert_true(consumer.seen_ms > 1600000000000);
    assert_true(consumer.idle_ms == WEIR_UNKNOWN);
    assert_status(weir_rows_next_pending(&consumer.pending, &pending), WEIR_OK);
    assert_id(pending.id, 1, 0);
    assert_true(pending.delivered_ms > 1600000000000);
    assert_true(pending.idle_ms == WEIR_UNKNOWN);
    weir_stream_info_close(&info);
    assert_status(weir_rows_next_group(&info.groups, &group), WEIR_END);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(pending_entries_come_with_their_consumers),
        LIVE_ON_BOTH(pending_entries_can_be_chosen),
        LIVE_ON_BOTH(ranges_of_nothing_are_refused),
        LIVE_ON_BOTH(groups_and_consumers_tell_of_themselves),
        LIVE_ON_BOTH(what_the_server_cannot_tell_is_unknown),
        LIVE_ON_BOTH(a_stream_tells_of_itself),
        LIVE_ON_BOTH(a_stream_tells_all_of_itself),
    };
    return live_run("inspecting", tests);
}
