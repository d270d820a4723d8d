/* XRANGE, XREVRANGE and XREAD that does not wait, against a real server.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdio.h>

#define HOUR_MS 3600000

/* ---- XRANGE, XREVRANGE ---- */

static void xrange_gives_everything_oldest_first(void **state) {
    struct live *live = *state;
    weir_entries page;
    live_fill(live->client, "s", 3, 10);
    assert_ok(live->client,
              weir_xrange(live->client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_next(&page, 1, 0);
    assert_next(&page, 2, 0);
    assert_next(&page, 3, 0);
    assert_true(weir_entries_is_open(&page));
    assert_end(&page);
    assert_false(weir_entries_is_open(&page));
}

static void xrevrange_gives_everything_newest_first(void **state) {
    struct live *live = *state;
    weir_entries page;
    live_fill(live->client, "s", 3, 10);
    assert_ok(live->client, weir_xrevrange(live->client, WIRE("s"), WEIR_ID_MIN,
                                           WEIR_ID_MAX, NULL, &page));
    assert_next(&page, 3, 0);
    assert_next(&page, 2, 0);
    assert_next(&page, 1, 0);
    assert_end(&page);
}

static void ranges_include_both_ends(void **state) {
    struct live *live = *state;
    weir_entries page;
    live_fill(live->client, "s", 5, 10);
    assert_ok(live->client, weir_xrange(live->client, WIRE("s"), (weir_id){2, 0},
                                        (weir_id){3, 0}, NULL, &page));
    assert_next(&page, 2, 0);
    assert_next(&page, 3, 0);
    assert_end(&page);
    assert_ok(live->client, weir_xrevrange(live->client, WIRE("s"), (weir_id){2, 0},
                                           (weir_id){3, 0}, NULL, &page));
    assert_next(&page, 3, 0);
    assert_next(&page, 2, 0);
    assert_end(&page);
}

static void ranges_exclude_the_ends_on_demand(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_range_options both = {.exclude_start = true, .exclude_end = true};
    weir_range_options start = {.exclude_start = true};
    weir_range_options end = {.exclude_end = true};
    weir_id two = {2, 0};
    weir_id four = {4, 0};
    live_fill(live->client, "s", 5, 10);
    assert_ok(live->client, weir_xrange(live->client, WIRE("s"), two, four, &both, &page));
    assert_next(&page, 3, 0);
    assert_end(&page);
    assert_ok(live->client, weir_xrange(live->client, WIRE("s"), two, four, &start, &page));
    assert_next(&page, 3, 0);
    assert_next(&page, 4, 0);
    assert_end(&page);
    assert_ok(live->client,
              weir_xrevrange(live->client, WIRE("s"), two, four, &end, &page));
    assert_next(&page, 3, 0);
    assert_next(&page, 2, 0);
    assert_end(&page);
    assert_ok(live->client,
              weir_xrange(live->client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &both, &page));
    assert_next(&page, 1, 0);
    weir_entries_close(&page);
}

static void ranges_give_no_more_than_count(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_range_options two = {.count = 2};
    live_fill(live->client, "s", 5, 10);
    assert_ok(live->client,
              weir_xrange(live->client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &two, &page));
    assert_next(&page, 1, 0);
    assert_next(&page, 2, 0);
    assert_end(&page);
    two.count = 1;
    assert_ok(live->client, weir_xrevrange(live->client, WIRE("s"), WEIR_ID_MIN,
                                           WEIR_ID_MAX, &two, &page));
    assert_next(&page, 5, 0);
    assert_end(&page);
}

static void a_stream_is_read_page_by_page(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    weir_range_options options = {.count = 7};
    weir_id last = WEIR_ID_MIN;
    uint64_t read = 0;
    uint64_t before = 1;
    live_fill(live->client, "s", 100, 10);
    while (read != before) {
        before = read;
        assert_ok(live->client,
                  weir_xrange(live->client, WIRE("s"), last, WEIR_ID_MAX, &options, &page));
        while (weir_entries_next(&page, &entry) == WEIR_OK) {
            last = entry.id;
            assert_id(entry.id, ++read, 0);
        }
        options.exclude_start = true;
    }
    assert_int_equal(read, 100);
}

static void a_missing_stream_has_no_entries(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_range_options one = {.count = 1};
    assert_ok(live->client, weir_xrange(live->client, WIRE("missing"), WEIR_ID_MIN,
                                        WEIR_ID_MAX, NULL, &page));
    assert_end(&page);
    assert_ok(live->client, weir_xrevrange(live->client, WIRE("missing"), WEIR_ID_MIN,
                                           WEIR_ID_MAX, &one, &page));
    assert_end(&page);
}

static void a_start_behind_the_end_gives_nothing(void **state) {
    struct live *live = *state;
    weir_entries page;
    live_fill(live->client, "s", 5, 10);
    assert_ok(live->client, weir_xrange(live->client, WIRE("s"), (weir_id){4, 0},
                                        (weir_id){2, 0}, NULL, &page));
    assert_end(&page);
}

static void the_last_hour_begins_at_its_first_millisecond(void **state) {
    struct live *live = *state;
    const uint64_t now_ms = 1700000000000;
    const uint64_t begin_ms = now_ms - HOUR_MS;
    weir_entries page;
    live_add(live->client, "s", begin_ms - 1, 0);
    live_add(live->client, "s", begin_ms - 1, UINT64_MAX);
    live_add(live->client, "s", begin_ms, 0);
    live_add(live->client, "s", begin_ms, 5);
    live_add(live->client, "s", now_ms, 0);
    live_add(live->client, "s", now_ms, UINT64_MAX);
    live_add(live->client, "s", now_ms + 1, 0);
    assert_ok(live->client, weir_xrange(live->client, WIRE("s"), weir_id_at_ms(begin_ms),
                                        WEIR_ID_MAX, NULL, &page));
    assert_next(&page, begin_ms, 0);
    assert_next(&page, begin_ms, 5);
    assert_next(&page, now_ms, 0);
    weir_entries_close(&page);
    assert_ok(live->client, weir_xrange(live->client, WIRE("s"), weir_id_at_ms(begin_ms),
                                        weir_id_until_ms(now_ms), NULL, &page));
    assert_next(&page, begin_ms, 0);
    assert_next(&page, begin_ms, 5);
    assert_next(&page, now_ms, 0);
    assert_next(&page, now_ms, UINT64_MAX);
    assert_end(&page);
    assert_ok(live->client, weir_xrange(live->client, WIRE("s"), WEIR_ID_MIN,
                                        weir_id_until_ms(begin_ms - 1), NULL, &page));
    assert_next(&page, begin_ms - 1, 0);
    assert_next(&page, begin_ms - 1, UINT64_MAX);
    assert_end(&page);
}

static void a_range_of_another_type_is_the_servers_error(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    assert_ok(live->client, live_say(live->client, "SET", "text", "x"));
    weir_status st =
        weir_xrange(live->client, WIRE("text"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page);
    assert_code(live->client, st, "WRONGTYPE");
    assert_false(weir_entries_is_open(&page));
    assert_status(weir_entries_next(&page, &entry), WEIR_END);
    weir_entries_close(&page);
}

/* ---- XREAD ---- */

static void xread_gives_what_lies_behind_an_id(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "s", 3, 10);
    weir_source source = weir_source_after(WIRE("s"), (weir_id){1, 0});
    assert_ok(live->client, weir_xread(live->client, &source, 1, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, 2, 0);
    assert_view(entry.stream, "s");
    assert_next(&page, 3, 0);
    assert_end(&page);
}

static void xread_gives_several_streams_one_after_another(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "a", 3, 10);
    live_fill(live->client, "a much longer name", 2, 10);
    const weir_source sources[] = {
        weir_source_after(WIRE("a"), WEIR_ID_MIN),
        weir_source_after(WIRE("missing"), WEIR_ID_MIN),
        weir_source_after(WIRE("a much longer name"), (weir_id){1, 0}),
        weir_source_after(WIRE("a"), (weir_id){3, 0}),
    };
    weir_read_options options = {.count = 2};
    assert_ok(live->client, weir_xread(live->client, sources, 4, &options, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_view(entry.stream, "a");
    assert_id(entry.id, 1, 0);
    assert_next(&page, 2, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_view(entry.stream, "a much longer name");
    assert_id(entry.id, 2, 0);
    assert_end(&page);
}

static void xread_of_forty_streams_names_each(void **state) {
    struct live *live = *state;
    char keys[40][16];
    weir_source sources[40];
    weir_entries page;
    weir_entry entry;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%d", i);
        live_fill(live->client, keys[i], 2, 1);
        sources[i] = weir_source_after(weir_text(keys[i]), WEIR_ID_MIN);
    }
    assert_ok(live->client, weir_xread(live->client, sources, 40, NULL, &page));
    for (int i = 0; i < 80; i++) {
        assert_status(weir_entries_next(&page, &entry), WEIR_OK);
        assert_view(entry.stream, keys[i / 2]);
        assert_id(entry.id, (uint64_t)(1 + i % 2), 0);
    }
    assert_end(&page);
}

static void xread_of_nothing_ends_at_once(void **state) {
    struct live *live = *state;
    weir_entries page;
    live_fill(live->client, "s", 3, 10);
    const weir_source sources[] = {weir_source_after(WIRE("s"), (weir_id){3, 0}),
                                   weir_source_after(WIRE("missing"), WEIR_ID_MIN),
                                   weir_source_new(WIRE("s"))};
    assert_ok(live->client, weir_xread(live->client, sources, 3, NULL, &page));
    assert_end(&page);
    assert_ok(live->client, weir_xread(live->client, sources + 1, 1, NULL, &page));
    assert_end(&page);
}

/* Redis 7.4 and Valkey 8.0 know "+"; to older servers it is not sent. */
static void xread_gives_the_last_entry_where_the_server_can(void **state) {
    struct live *live = *state;
    weir_server server;
    weir_entries page;
    live_fill(live->client, "s", 3, 10);
    assert_ok(live->client, weir_client_server(live->client, &server));
    weir_source source = {.key = WIRE("s"), .from = WEIR_FROM_LAST};
    weir_status st = weir_xread(live->client, &source, 1, NULL, &page);
    if (!weir_server_has(&server, WEIR_FEATURE_XREAD_LAST)) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        assert_non_null(strstr(weir_client_error(live->client)->text, "Valkey 8.0"));
        return;
    }
    assert_ok(live->client, st);
    assert_next(&page, 3, 0);
    assert_end(&page);
}

/* On RESP3 the answer is a map that has the name twice. */
static void xread_gives_a_stream_that_is_named_twice_twice(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "s", 3, 10);
    live_fill(live->client, "t", 1, 10);
    const weir_source sources[] = {weir_source_after(WIRE("s"), (weir_id){1, 0}),
                                   weir_source_after(WIRE("t"), WEIR_ID_MIN),
                                   weir_source_after(WIRE("s"), (weir_id){2, 0})};
    assert_ok(live->client, weir_xread(live->client, sources, 3, NULL, &page));
    assert_next(&page, 2, 0);
    assert_next(&page, 3, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_view(entry.stream, "t");
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_view(entry.stream, "s");
    assert_id(entry.id, 3, 0);
    assert_end(&page);
}

static void names_that_repeat_in_an_entry_are_kept_in_order(void **state) {
    struct live *live = *state;
    const weir_field fields[] = {weir_pair("a", "1"), weir_pair("b", "2"),
                                 weir_pair("a", "3"), weir_pair("a", "1")};
    weir_entries page;
    weir_entry entry;
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), fields, 4, NULL, NULL));
    assert_ok(live->client,
              weir_xrange(live->client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_int_equal(entry.field_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(weir_view_equal(entry.fields[i].name, fields[i].name));
        assert_true(weir_view_equal(entry.fields[i].value, fields[i].value));
    }
    assert_end(&page);
}

static void xread_of_another_type_is_the_servers_error(void **state) {
    struct live *live = *state;
    weir_entries page;
    assert_ok(live->client, live_say(live->client, "SET", "text", "x"));
    live_fill(live->client, "s", 1, 10);
    const weir_source sources[] = {weir_source_after(WIRE("s"), WEIR_ID_MIN),
                                   weir_source_after(WIRE("text"), WEIR_ID_MIN)};
    weir_status st = weir_xread(live->client, sources, 2, NULL, &page);
    assert_code(live->client, st, "WRONGTYPE");
    assert_false(weir_entries_is_open(&page));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(xrange_gives_everything_oldest_first),
        LIVE_ON_BOTH(xrevrange_gives_everything_newest_first),
        LIVE_ON_BOTH(ranges_include_both_ends),
        LIVE_ON_BOTH(ranges_exclude_the_ends_on_demand),
        LIVE_ON_BOTH(ranges_give_no_more_than_count),
        LIVE_ON_BOTH(a_stream_is_read_page_by_page),
        LIVE_ON_BOTH(a_missing_stream_has_no_entries),
        LIVE_ON_BOTH(a_start_behind_the_end_gives_nothing),
        LIVE_ON_BOTH(the_last_hour_begins_at_its_first_millisecond),
        LIVE_ON_BOTH(a_range_of_another_type_is_the_servers_error),
        LIVE_ON_BOTH(xread_gives_what_lies_behind_an_id),
        LIVE_ON_BOTH(xread_gives_several_streams_one_after_another),
        LIVE_ON_BOTH(xread_of_forty_streams_names_each),
        LIVE_ON_BOTH(xread_of_nothing_ends_at_once),
        LIVE_ON_BOTH(xread_gives_the_last_entry_where_the_server_can),
        LIVE_ON_BOTH(xread_gives_a_stream_that_is_named_twice_twice),
        LIVE_ON_BOTH(names_that_repeat_in_an_entry_are_kept_in_order),
        LIVE_ON_BOTH(xread_of_another_type_is_the_servers_error),
    };
    return live_run("reading", tests);
}
