/* Wrong arguments are refused before anything is sent: the server's own count of commands
 * says so.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdlib.h>

static const weir_field ONE = {{"n", 1}, {"1", 1}};
static const weir_view EMPTY = {NULL, 0};

/* How many commands the server has run, this question included. */
static unsigned long commands_run(weir_client *client) {
    const weir_view args[] = {WIRE("INFO"), WIRE("stats")};
    weir_reply reply;
    weir_token token;
    char text[16384] = "";
    assert_ok(client, weir_command(client, args, 2, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_true(token.bytes.len < sizeof text);
    memcpy(text, token.bytes.data, token.bytes.len);
    weir_reply_close(&reply);
    const char *found = strstr(text, "total_commands_processed:");
    assert_non_null(found);
    return strtoul(strchr(found, ':') + 1, NULL, 10);
}

static void expect_nothing_sent(struct live *live, unsigned long before) {
    assert_int_equal(weir_unanswered(live->client), 0);
    assert_int_equal(commands_run(live->client), before + 1);
}

/* The call must have been refused, and the client must know why. */
#define assert_refused(client, given) check_refused((client), (given), #given, __LINE__)
static void check_refused(const weir_client *client, weir_status given, const char *what,
                          int line) {
    support_assert_status(given, WEIR_ERR_ARG, what, __FILE__, line);
    assert_int_equal(weir_client_error(client)->status, WEIR_ERR_ARG);
    assert_true(weir_client_error(client)->text[0] != '\0');
}

static void entries_without_key_fields_or_names(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_id id = {7, 7};
    const weir_field nameless[] = {ONE, {EMPTY, WIRE("1")}};
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xadd(c, EMPTY, &ONE, 1, NULL, &id));
    assert_refused(c, weir_append_xadd(c, EMPTY, &ONE, 1, NULL));
    assert_refused(c, weir_xadd(c, WIRE("s"), NULL, 0, NULL, &id));
    assert_refused(c, weir_append_xadd(c, WIRE("s"), &ONE, 0, NULL));
    assert_refused(c, weir_xadd(c, WIRE("s"), nameless, 2, NULL, &id));
    assert_refused(c, weir_append_xadd(c, WIRE("s"), nameless, 2, NULL));
    assert_id(id, 7, 7);
    assert_refused(c, weir_xlen(c, EMPTY, NULL));
    assert_refused(c, weir_append_xlen(c, EMPTY));
    expect_nothing_sent(live, before);
}

static void trims_that_contradict_themselves(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    const weir_trim none = {0};
    const weir_trim exact_limit = {
        .by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 5, .limit = 3};
    const weir_trim too_long = {.by = WEIR_TRIM_MAXLEN, .max_len = (uint64_t)1 << 63};
    const weir_trim too_far = {.by = WEIR_TRIM_MINID, .limit = (uint64_t)1 << 63};
    const weir_trim *wrong[] = {&exact_limit, &too_long, &too_far};
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xtrim(c, WIRE("s"), &none, NULL));
    assert_refused(c, weir_append_xtrim(c, EMPTY, wrong[0]));
    for (int i = 0; i < 3; i++) {
        weir_xadd_options options = {.trim = *wrong[i]};
        assert_refused(c, weir_xtrim(c, WIRE("s"), wrong[i], NULL));
        assert_refused(c, weir_append_xtrim(c, WIRE("s"), wrong[i]));
        assert_refused(c, weir_xadd(c, WIRE("s"), &ONE, 1, &options, NULL));
    }
    expect_nothing_sent(live, before);
}

static void options_of_xadd_that_contradict_each_other(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    const weir_view p = WIRE("p");
    const weir_xadd_options wrong[] = {
        {.id = {7, 1}, .auto_seq = true},
        {.iid = WIRE("1")},
        {.idmp_auto = true},
        {.producer = p},
        {.producer = p, .iid = WIRE("1"), .idmp_auto = true},
        {.producer = p, .iid = WIRE("1"), .id = {7, 1}},
        {.producer = p, .idmp_auto = true, .auto_seq = true},
        {.trim = {.max_len = 5}},
        {.trim = {.min_id = {5, 0}}},
        {.trim = {.limit = 5}},
        {.trim = {.is_exact = true}},
        {.trim = {.refs = WEIR_REFS_ACKED}},
        {.trim = {.by = WEIR_TRIM_MAXLEN, .min_id = {5, 0}}},
        {.trim = {.by = WEIR_TRIM_MINID, .max_len = 5}},
        {.trim = {.by = WEIR_TRIM_MAXLEN, .is_exact = true, .limit = WEIR_UNLIMITED}},
        {.trim = {.by = WEIR_TRIM_MAXLEN, .refs = (weir_refs)9}},
        {.trim = {.by = (weir_trim_by)9}},
    };
    unsigned long before = commands_run(c);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(c, weir_xadd(c, WIRE("s"), &ONE, 1, &wrong[i], NULL));
        assert_refused(c, weir_append_xadd(c, WIRE("s"), &ONE, 1, &wrong[i]));
    }
    expect_nothing_sent(live, before);
}

static void settings_of_nothing_or_out_of_range(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    const weir_xcfgset_options neither = {0};
    const weir_xcfgset_options too_long = {.idmp_duration_s = 86401};
    const weir_xcfgset_options too_many = {.idmp_duration_s = 1, .idmp_maxsize = 10001};
    const weir_xsetid_options too_much = {.entries_added = (uint64_t)1 << 63};
    const weir_id one = {1, 0};
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xcfgset(c, WIRE("s"), NULL));
    assert_refused(c, weir_xcfgset(c, WIRE("s"), &neither));
    assert_refused(c, weir_xcfgset(c, WIRE("s"), &too_long));
    assert_refused(c, weir_append_xcfgset(c, WIRE("s"), &too_many));
    assert_refused(c, weir_append_xcfgset(c, EMPTY, &too_long));
    assert_refused(c, weir_xsetid(c, EMPTY, one, NULL));
    assert_refused(c, weir_append_xsetid(c, WIRE("s"), one, &too_much));
    expect_nothing_sent(live, before);
}

static void deleting_and_acknowledging_nothing(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    const weir_id one = {1, 0};
    weir_view s = WIRE("s");
    weir_view g = WIRE("g");
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xdel(c, s, NULL, 0, NULL));
    assert_refused(c, weir_xdel(c, EMPTY, &one, 1, NULL));
    assert_refused(c, weir_append_xdel(c, s, &one, 0));
    assert_refused(c, weir_xack(c, s, g, &one, 0, NULL));
    assert_refused(c, weir_xack(c, s, EMPTY, &one, 1, NULL));
    assert_refused(c, weir_xack(c, EMPTY, g, &one, 1, NULL));
    assert_refused(c, weir_append_xack(c, s, g, NULL, 0));
    weir_deletion result = WEIR_DELETION_KEPT;
    assert_refused(c, weir_xdelex(c, s, WEIR_REFS_KEEP, &one, 0, &result));
    assert_refused(c, weir_xdelex(c, EMPTY, WEIR_REFS_KEEP, &one, 1, &result));
    assert_refused(c, weir_append_xdelex(c, s, (weir_refs)-1, &one, 1));
    assert_refused(c, weir_xackdel(c, s, g, WEIR_REFS_KEEP, &one, 0, &result));
    assert_refused(c, weir_xackdel(c, s, EMPTY, WEIR_REFS_KEEP, &one, 1, &result));
    assert_refused(c, weir_append_xackdel(c, s, g, (weir_refs)4, &one, 1));
    assert_int_equal(result, WEIR_DELETION_KEPT);
    expect_nothing_sent(live, before);
}

static void ranges_and_reads_of_nothing(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_entries page;
    const weir_source s = weir_source_new(WIRE("s"));
    const weir_source keyless[] = {s, weir_source_new(EMPTY)};
    const weir_range_options behind = {.exclude_start = true};
    const weir_range_options before_all = {.exclude_end = true};
    const weir_range_options too_many = {.count = (uint64_t)1 << 63};
    const weir_read_options backwards = {.block_ms = -2};
    const weir_read_options no_ack = {.no_ack = true};
    const weir_read_options claim = {.claim = true};
    const weir_read_options fewer_in_all = {.count = 5, .max_count = 4};
    const weir_read_options too_large = {.max_size = (uint64_t)1 << 63};
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xrange(c, EMPTY, WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_refused(c, weir_xrange(c, WIRE("s"), WEIR_ID_MAX, WEIR_ID_MAX, &behind, &page));
    assert_refused(
        c, weir_xrevrange(c, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MIN, &before_all, &page));
    assert_refused(c,
                   weir_xrange(c, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &too_many, &page));
    assert_refused(c, weir_xread(c, NULL, 0, NULL, &page));
    assert_refused(c, weir_xread(c, keyless, 2, NULL, &page));
    assert_refused(c, weir_xread(c, &s, 1, &backwards, &page));
    assert_refused(c, weir_xread(c, &s, 1, &no_ack, &page));
    assert_refused(c, weir_xread(c, &s, 1, &claim, &page));
    assert_refused(c, weir_xread(c, &s, 1, &fewer_in_all, &page));
    assert_refused(c, weir_xread(c, &s, 1, &too_large, &page));
    assert_false(weir_entries_is_open(&page));
    assert_refused(c, weir_append_xread(c, keyless + 1, 1, NULL));
    assert_refused(c, weir_append_xrange(c, EMPTY, WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    assert_refused(c, weir_append_xrevrange(c, EMPTY, WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    expect_nothing_sent(live, before);
}

static void giving_back_nothing(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    const weir_id one = {1, 0};
    const weir_xnack_options too_often = {.retry_count = (uint64_t)1 << 63};
    weir_view s = WIRE("s");
    weir_view g = WIRE("g");
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xnack(c, s, g, WEIR_NACK_FAIL, &one, 0, NULL, NULL));
    assert_refused(c, weir_xnack(c, s, EMPTY, WEIR_NACK_FAIL, &one, 1, NULL, NULL));
    assert_refused(c, weir_append_xnack(c, EMPTY, g, WEIR_NACK_FAIL, &one, 1, NULL));
    assert_refused(c, weir_append_xnack(c, s, g, (weir_nack)3, &one, 1, NULL));
    assert_refused(c, weir_append_xnack(c, s, g, WEIR_NACK_FAIL, &one, 1, &too_often));
    expect_nothing_sent(live, before);
}

static void groups_and_consumers_without_names(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_entries page;
    weir_pending pending;
    const weir_source s = weir_source_new(WIRE("s"));
    const weir_source last = {.key = WIRE("s"), .from = WEIR_FROM_LAST};
    weir_view g = WIRE("g");
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xgroup_create(c, s, EMPTY, MKSTREAM, NULL));
    assert_refused(c, weir_xgroup_create(c, weir_source_new(EMPTY), g, MKSTREAM, NULL));
    assert_refused(c, weir_xgroup_create(c, last, g, MKSTREAM, NULL));
    assert_refused(c, weir_append_xgroup_create(c, s, EMPTY, MKSTREAM));
    const weir_xgroup_options too_many = {.entries_read = (uint64_t)1 << 63};
    weir_view key = WIRE("s");
    assert_refused(c, weir_xgroup_create(c, s, g, &too_many, NULL));
    assert_refused(c, weir_xgroup_setid(c, s, EMPTY, NULL));
    assert_refused(c, weir_xgroup_setid(c, last, g, NULL));
    assert_refused(c, weir_append_xgroup_setid(c, s, g, MKSTREAM));
    assert_refused(c, weir_xgroup_destroy(c, key, EMPTY, NULL));
    assert_refused(c, weir_append_xgroup_destroy(c, EMPTY, g));
    assert_refused(c, weir_xgroup_createconsumer(c, key, g, EMPTY, NULL));
    assert_refused(c, weir_append_xgroup_createconsumer(c, key, EMPTY, g));
    assert_refused(c, weir_xgroup_delconsumer(c, EMPTY, g, g, NULL));
    assert_refused(c, weir_append_xgroup_delconsumer(c, key, g, EMPTY));
    assert_refused(c, weir_xreadgroup(c, EMPTY, g, &s, 1, NULL, &page));
    assert_refused(c, weir_xreadgroup(c, g, EMPTY, &s, 1, NULL, &page));
    assert_refused(c, weir_xreadgroup(c, g, g, &last, 1, NULL, &page));
    assert_refused(c, weir_xreadgroup(c, g, g, NULL, 0, NULL, &page));
    assert_refused(c, weir_append_xreadgroup(c, g, EMPTY, &s, 1, NULL));
    assert_refused(c, weir_xpending(c, EMPTY, g, &pending));
    assert_refused(c, weir_xpending(c, WIRE("s"), EMPTY, &pending));
    assert_refused(c, weir_append_xpending(c, WIRE("s"), EMPTY));
    expect_nothing_sent(live, before);
}

static void claims_of_nothing(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_entries page;
    weir_id next = {7, 7};
    const weir_id one = {1, 0};
    const weir_xautoclaim_options too_many = {.count = (uint64_t)1 << 59};
    const weir_xautoclaim_options behind = {.exclude_start = true};
    const weir_xclaim_options twice = {.idle_ms = 1, .time_ms = 1};
    const weir_xclaim_options too_idle = {.idle_ms = (uint64_t)1 << 63};
    const weir_xclaim_options too_late = {.time_ms = (uint64_t)1 << 63};
    const weir_xclaim_options too_often = {.retry_count = (uint64_t)1 << 63};
    weir_view s = WIRE("s");
    weir_view g = WIRE("g");
    unsigned long before = commands_run(c);
    assert_refused(c, weir_xclaim(c, s, g, g, 0, NULL, 0, NULL, &page));
    assert_refused(c, weir_xclaim(c, s, g, EMPTY, 0, &one, 1, NULL, &page));
    assert_refused(c, weir_xclaim(c, s, EMPTY, g, 0, &one, 1, NULL, &page));
    assert_refused(c, weir_xclaim(c, s, g, g, UINT64_MAX, &one, 1, NULL, &page));
    assert_refused(c, weir_append_xclaim(c, EMPTY, g, g, 0, &one, 1, NULL));
    assert_refused(c, weir_xclaim(c, s, g, g, 0, &one, 1, &twice, &page));
    assert_refused(c, weir_append_xclaim(c, s, g, g, 0, &one, 1, &too_idle));
    assert_refused(c, weir_append_xclaim(c, s, g, g, 0, &one, 1, &too_late));
    assert_refused(c, weir_append_xclaim(c, s, g, g, 0, &one, 1, &too_often));
    assert_refused(c, weir_append_xautoclaim(c, s, g, g, 0, WEIR_ID_MAX, &behind));
    assert_refused(c, weir_xautoclaim(c, s, g, EMPTY, 0, one, NULL, &next, &page));
    assert_refused(c, weir_xautoclaim(c, s, g, g, 0, one, &too_many, &next, &page));
    assert_refused(c, weir_append_xautoclaim(c, s, EMPTY, g, 0, one, NULL));
    assert_id(next, 7, 7);
    expect_nothing_sent(live, before);
}

static void commands_without_a_name(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_reply reply;
    unsigned long before = commands_run(c);
    assert_refused(c, weir_command(c, NULL, 0, &reply));
    assert_refused(c, weir_command(c, &EMPTY, 1, &reply));
    assert_refused(c, weir_append_command(c, NULL, 0));
    weir_reply_close(&reply);
    expect_nothing_sent(live, before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(entries_without_key_fields_or_names),
        LIVE_ON_BOTH(trims_that_contradict_themselves),
        LIVE_ON_BOTH(options_of_xadd_that_contradict_each_other),
        LIVE_ON_BOTH(settings_of_nothing_or_out_of_range),
        LIVE_ON_BOTH(deleting_and_acknowledging_nothing),
        LIVE_ON_BOTH(giving_back_nothing),
        LIVE_ON_BOTH(ranges_and_reads_of_nothing),
        LIVE_ON_BOTH(groups_and_consumers_without_names),
        LIVE_ON_BOTH(claims_of_nothing),
        LIVE_ON_BOTH(commands_without_a_name),
    };
    return live_run("wrong arguments", tests);
}
