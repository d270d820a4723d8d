/* XADD, XLEN, XTRIM, XDEL and any command, against a real server.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>

static const weir_field ONE = {{"n", 1}, {"1", 1}};

static uint64_t length(weir_client *client, const char *key) {
    uint64_t count = 999;
    assert_ok(client, weir_xlen(client, weir_text(key), &count));
    return count;
}

/* ---- XADD ---- */

static void xadd_gives_the_id_that_the_server_made(void **state) {
    struct live *live = *state;
    weir_id first = {0};
    weir_id second = {0};
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, NULL, &first));
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, NULL, &second));
    assert_true(first.ms > 1600000000000);
    assert_true(weir_id_compare(first, second) < 0);
    assert_int_equal(length(live->client, "s"), 2);
}

static void xadd_takes_an_explicit_id(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {.id = {7, 8}};
    weir_id id = {0};
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, &id));
    assert_id(id, 7, 8);
    options.id = WEIR_ID_MAX;
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, &id));
    assert_id(id, UINT64_MAX, UINT64_MAX);
}

static void xadd_tells_that_an_id_is_too_small(void **state) {
    struct live *live = *state;
    live_add(live->client, "s", 7, 8);
    weir_xadd_options options = {.id = {7, 8}};
    weir_id id = {1, 2};
    weir_status st = weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, &id);
    assert_code(live->client, st, "ERR");
    assert_non_null(strstr(weir_client_error(live->client)->text, "equal or smaller"));
    assert_id(id, 1, 2); /* untouched */
    assert_int_equal(length(live->client, "s"), 1);
}

static void xadd_without_mkstream_adds_to_an_existing_stream_only(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {.no_mkstream = true};
    weir_id id = {1, 2};
    assert_status(weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, &id), WEIR_END);
    assert_int_equal(length(live->client, "s"), 0);
    assert_id(id, 1, 2);
    live_add(live->client, "s", 5, 0);
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, &id));
    assert_int_equal(length(live->client, "s"), 2);
}

static void xadd_trims_to_an_exact_length(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 300, 10);
    weir_xadd_options options = {
        .trim = {.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 7}};
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, NULL));
    assert_int_equal(length(live->client, "s"), 7);
    options.trim.max_len = 0;
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, NULL));
    assert_int_equal(length(live->client, "s"), 0);
}

static void xadd_trims_about_a_length(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 1000, 10);
    weir_xadd_options options = {.trim = {.by = WEIR_TRIM_MAXLEN, .max_len = 150}};
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, NULL));
    uint64_t left = length(live->client, "s");
    assert_in_range(left, 150, 300); /* whole nodes of 100 entries */
}

static void xadd_trims_below_an_id(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 300, 10);
    weir_xadd_options options = {
        .trim = {.by = WEIR_TRIM_MINID, .is_exact = true, .min_id = {299, 0}}};
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, NULL));
    assert_int_equal(length(live->client, "s"), 3);
}

static void xadd_trims_no_more_than_its_limit(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 1000, 10);
    weir_xadd_options options = {
        .trim = {.by = WEIR_TRIM_MINID, .min_id = {1000, 0}, .limit = 200}};
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &ONE, 1, &options, NULL));
    assert_in_range(length(live->client, "s"), 801, 1000);
}

/* ---- XLEN, XTRIM, XDEL ---- */

static void xlen_of_a_missing_stream_is_0(void **state) {
    struct live *live = *state;
    assert_int_equal(length(live->client, "missing"), 0);
}

static void xlen_of_another_type_is_the_servers_error(void **state) {
    struct live *live = *state;
    uint64_t count = 5;
    assert_ok(live->client, live_say(live->client, "SET", "text", "x"));
    assert_code(live->client, weir_xlen(live->client, WIRE("text"), &count), "WRONGTYPE");
    assert_int_equal(count, 5);
    assert_int_equal(length(live->client, "missing"), 0); /* the connection is fine */
}

static void xtrim_counts_what_it_removed(void **state) {
    struct live *live = *state;
    uint64_t count = 0;
    live_fill(live->client, "s", 1000, 10);
    weir_trim exact = {.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 900};
    assert_ok(live->client, weir_xtrim(live->client, WIRE("s"), &exact, &count));
    assert_int_equal(count, 100);
    weir_trim from = {.by = WEIR_TRIM_MINID, .is_exact = true, .min_id = {501, 0}};
    assert_ok(live->client, weir_xtrim(live->client, WIRE("s"), &from, &count));
    assert_int_equal(count, 400);
    weir_trim about = {.by = WEIR_TRIM_MAXLEN, .max_len = 100, .limit = 100};
    assert_ok(live->client, weir_xtrim(live->client, WIRE("s"), &about, &count));
    assert_in_range(count, 0, 100);
    assert_int_equal(length(live->client, "s"), 500 - count);
    assert_ok(live->client, weir_xtrim(live->client, WIRE("missing"), &exact, &count));
    assert_int_equal(count, 0);
}

static void xdel_counts_what_was_there(void **state) {
    struct live *live = *state;
    const weir_id ids[] = {{2, 0}, {2, 1}, {4, 0}};
    uint64_t count = 0;
    live_fill(live->client, "s", 5, 10);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), ids, 3, &count));
    assert_int_equal(count, 2);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), ids, 3, &count));
    assert_int_equal(count, 0);
    assert_ok(live->client, weir_xdel(live->client, WIRE("missing"), ids, 3, NULL));
    assert_int_equal(length(live->client, "s"), 3);
}

static void xdel_takes_a_thousand_ids(void **state) {
    struct live *live = *state;
    weir_id ids[1000];
    uint64_t count = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        ids[i] = (weir_id){i + 1, 0};
    }
    live_fill(live->client, "s", 900, 1);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), ids, 1000, &count));
    assert_int_equal(count, 900);
}

/* ---- what goes in comes out ---- */

/* Adds one entry, reads it back, compares. */
static void expect_round_trip(weir_client *client, const weir_field *fields, size_t count) {
    weir_entries page;
    weir_entry entry;
    weir_id id;
    assert_ok(client, weir_xadd(client, WIRE("s"), fields, count, NULL, &id));
    assert_ok(client, weir_xrange(client, WIRE("s"), id, id, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, id.ms, id.seq);
    assert_int_equal(entry.state, WEIR_ENTRY_WHOLE);
    assert_int_equal(entry.stream.len, 0);
    assert_int_equal(entry.idle_ms, -1);
    assert_int_equal(entry.deliveries, -1);
    assert_int_equal(entry.field_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(weir_view_equal(entry.fields[i].name, fields[i].name));
        assert_true(weir_view_equal(entry.fields[i].value, fields[i].value));
    }
    assert_end(&page);
}

static void an_empty_value_comes_back_empty(void **state) {
    struct live *live = *state;
    const weir_field fields[] = {{WIRE("a"), {NULL, 0}}, weir_pair("b", "")};
    expect_round_trip(live->client, fields, 2);
}

static void binary_names_and_values_come_back_whole(void **state) {
    struct live *live = *state;
    char every[256];
    for (int i = 0; i < 256; i++) {
        every[i] = (char)i;
    }
    const weir_field fields[] = {{WIRE("nul\0inside"), WIRE("\r\n$-1\r\n\0*1\r\n")},
                                 {WIRE("\r\n"), weir_bytes(every, sizeof every)}};
    expect_round_trip(live->client, fields, 2);
}

static void names_that_repeat_keep_their_order(void **state) {
    struct live *live = *state;
    const weir_field fields[] = {weir_pair("n", "1"), weir_pair("m", "2"),
                                 weir_pair("n", "3"), weir_pair("n", "1")};
    expect_round_trip(live->client, fields, 4);
}

static void a_value_of_one_mebibyte_comes_back_whole(void **state) {
    struct live *live = *state;
    size_t len = (size_t)1 << 20;
    char *value = malloc(len);
    assert_non_null(value);
    for (size_t i = 0; i < len; i++) {
        value[i] = (char)(i * 31 >> 3);
    }
    const weir_field fields[] = {weir_pair("before", "x"),
                                 {WIRE("large"), weir_bytes(value, len)},
                                 weir_pair("after", "y")};
    expect_round_trip(live->client, fields, 3);
    free(value);
}

static void an_entry_of_five_hundred_fields_comes_back_whole(void **state) {
    struct live *live = *state;
    weir_field fields[500];
    char texts[500][24];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "field%d", i);
        fields[i].name = weir_text(texts[i]);
        fields[i].value = weir_bytes(texts[i], (size_t)(i % 6));
    }
    expect_round_trip(live->client, fields, 500);
}

static void a_key_may_hold_any_byte(void **state) {
    struct live *live = *state;
    uint64_t count = 0;
    weir_view key = WIRE("a b\r\n\0c");
    assert_ok(live->client, weir_xadd(live->client, key, &ONE, 1, NULL, NULL));
    assert_ok(live->client, weir_xlen(live->client, key, &count));
    assert_int_equal(count, 1);
}

/* ---- any command ---- */

static void any_command_gives_its_tokens(void **state) {
    struct live *live = *state;
    const weir_view args[] = {WIRE("MGET"), WIRE("a"), WIRE("missing")};
    weir_reply reply;
    weir_token token;
    assert_ok(live->client, live_say(live->client, "SET", "a", "x"));
    assert_ok(live->client, weir_command(live->client, args, 3, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_ARRAY);
    assert_int_equal(token.number, 2);
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_view(token.bytes, "x");
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_NULL);
    assert_status(weir_reply_next(&reply, &token), WEIR_END);
    weir_reply_close(&reply);
    weir_reply_close(&reply);
}

static void any_command_may_fail_at_the_server(void **state) {
    struct live *live = *state;
    const weir_view args[] = {WIRE("NO-SUCH-COMMAND")};
    weir_reply reply;
    assert_code(live->client, weir_command(live->client, args, 1, &reply), "ERR");
    assert_code(live->client, weir_command(live->client, args, 1, NULL), "ERR");
    weir_token token;
    assert_status(weir_reply_next(&reply, &token), WEIR_END);
    assert_ok(live->client, live_say(live->client, "PING"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(xadd_gives_the_id_that_the_server_made),
        LIVE_ON_BOTH(xadd_takes_an_explicit_id),
        LIVE_ON_BOTH(xadd_tells_that_an_id_is_too_small),
        LIVE_ON_BOTH(xadd_without_mkstream_adds_to_an_existing_stream_only),
        LIVE_ON_BOTH(xadd_trims_to_an_exact_length),
        LIVE_ON_BOTH(xadd_trims_about_a_length),
        LIVE_ON_BOTH(xadd_trims_below_an_id),
        LIVE_ON_BOTH(xadd_trims_no_more_than_its_limit),
        LIVE_ON_BOTH(xlen_of_a_missing_stream_is_0),
        LIVE_ON_BOTH(xlen_of_another_type_is_the_servers_error),
        LIVE_ON_BOTH(xtrim_counts_what_it_removed),
        LIVE_ON_BOTH(xdel_counts_what_was_there),
        LIVE_ON_BOTH(xdel_takes_a_thousand_ids),
        LIVE_ON_BOTH(an_empty_value_comes_back_empty),
        LIVE_ON_BOTH(binary_names_and_values_come_back_whole),
        LIVE_ON_BOTH(names_that_repeat_keep_their_order),
        LIVE_ON_BOTH(a_value_of_one_mebibyte_comes_back_whole),
        LIVE_ON_BOTH(an_entry_of_five_hundred_fields_comes_back_whole),
        LIVE_ON_BOTH(a_key_may_hold_any_byte),
        LIVE_ON_BOTH(any_command_gives_its_tokens),
        LIVE_ON_BOTH(any_command_may_fail_at_the_server),
    };
    return live_run("writing", tests);
}
