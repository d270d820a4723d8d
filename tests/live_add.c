/* XADD and XTRIM with what servers newer than 5.0 know, and the settings of a stream,
 * against a real server. One that does not know an option must refuse it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

static const weir_field ONE = {{"n", 1}, {"1", 1}};

static weir_status add(struct live *live, const weir_xadd_options *options, weir_id *id) {
    return weir_xadd(live->client, WIRE("s"), &ONE, 1, options, id);
}

static uint64_t length(struct live *live) {
    uint64_t count = 999;
    assert_ok(live->client, weir_xlen(live->client, WIRE("s"), &count));
    return count;
}

/* Group "g" has been given all entries and has acknowledged none. */
static void give_all(struct live *live) {
    weir_client *client = live->client;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("c"), &fresh, 1, NULL, &page));
    weir_entries_close(&page);
}

static uint64_t pending(struct live *live) {
    weir_pending pending;
    assert_ok(live->client, weir_xpending(live->client, WIRE("s"), WIRE("g"), &pending));
    uint64_t count = pending.count;
    weir_pending_close(&pending);
    return count;
}

/* ---- ids ---- */

static void the_server_makes_the_rest_of_an_id(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {.id = {7, 0}, .auto_seq = true};
    weir_id id = {0};
    assert_ok(live->client, add(live, &options, &id));
    assert_id(id, 7, 0);
    assert_ok(live->client, add(live, &options, &id));
    assert_id(id, 7, 1);
    options.id.ms = 6;
    assert_code(live->client, add(live, &options, &id), "ERR");
    assert_id(id, 7, 1);
}

static void the_first_id_that_it_can_make_is_0_1(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {.auto_seq = true};
    weir_id id = {0};
    assert_ok(live->client, add(live, &options, &id));
    assert_id(id, 0, 1);
}

/* ---- idempotent adding ---- */

static void a_known_iid_is_added_once(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {.producer = WIRE("p"), .iid = WIRE("\0 iid")};
    weir_id first = {0};
    weir_id second = {0};
    weir_status st = add(live, &options, &first);
    if (!live_has("8.6", NULL)) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        return;
    }
    assert_ok(live->client, st);
    assert_ok(live->client, add(live, &options, &second));
    assert_int_equal(weir_id_compare(first, second), 0);
    assert_int_equal(length(live), 1);
    options.producer = WIRE("other");
    assert_ok(live->client, add(live, &options, &second));
    assert_true(weir_id_compare(first, second) < 0);
    assert_ok(live->client, weir_xdel(live->client, WIRE("s"), &first, 1, NULL));
    options.producer = WIRE("p");
    assert_ok(live->client, add(live, &options, &second));
    assert_int_equal(weir_id_compare(first, second), 0); /* though it was deleted */
    assert_int_equal(length(live), 1);
}

/* IDMPAUTO goes by the fields, in whatever order they stand. */
static void equal_fields_are_added_once(void **state) {
    struct live *live = *state;
    const weir_field fields[] = {weir_pair("a", "1"), weir_pair("b", "2"),
                                 weir_pair("a", "1")};
    weir_xadd_options options = {.producer = WIRE("p"), .idmp_auto = true};
    weir_client *client = live->client;
    weir_status st = weir_xadd(client, WIRE("s"), fields, 2, &options, NULL);
    if (!live_has("8.6", NULL)) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        return;
    }
    assert_ok(client, st);
    assert_ok(client, weir_xadd(client, WIRE("s"), fields, 2, &options, NULL));
    assert_ok(client, weir_xadd(client, WIRE("s"), fields + 1, 2, &options, NULL));
    assert_int_equal(length(live), 1);
    assert_ok(client, weir_xadd(client, WIRE("s"), fields, 1, &options, NULL));
    assert_int_equal(length(live), 2);
}

/* A duplicate is answered before the trim is looked at. */
static void a_duplicate_does_not_trim(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {.producer = WIRE("p"), .iid = WIRE("1")};
    if (!live_has("8.6", NULL)) {
        assert_status(add(live, &options, NULL), WEIR_ERR_UNSUPPORTED);
        return;
    }
    live_fill(live->client, "s", 5, 1);
    assert_ok(live->client, add(live, &options, NULL));
    options.trim = (weir_trim){.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 2};
    assert_ok(live->client, add(live, &options, NULL));
    assert_int_equal(length(live), 6);
    options.iid = WIRE("2");
    assert_ok(live->client, add(live, &options, NULL));
    assert_int_equal(length(live), 2);
}

/* Adds iids 1 to `count` of one producer. */
static void add_iids(struct live *live, int count) {
    weir_xadd_options options = {.producer = WIRE("p")};
    for (int i = 1; i <= count; i++) {
        char iid[2] = {(char)('0' + i / 64), (char)('0' + i % 64)};
        options.iid = weir_bytes(iid, 2);
        assert_ok(live->client, add(live, &options, NULL));
    }
}

static void a_stream_remembers_as_many_iids_as_it_is_told(void **state) {
    struct live *live = *state;
    weir_xcfgset_options three = {.idmp_maxsize = 3};
    weir_xcfgset_options same = {.idmp_duration_s = 100, .idmp_maxsize = 3};
    weir_client *client = live->client;
    live_add(client, "s", 1, 0);
    weir_status st = weir_xcfgset(client, WIRE("s"), &three);
    if (!live_has("8.6", NULL)) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        return;
    }
    assert_ok(client, st);
    add_iids(live, 3);
    assert_ok(client, weir_xcfgset(client, WIRE("s"), &same)); /* forgets nothing */
    add_iids(live, 3);
    assert_int_equal(length(live), 4);
    add_iids(live, 4); /* the fourth drives out the first */
    assert_int_equal(length(live), 5);
    add_iids(live, 1);
    assert_int_equal(length(live), 6);
    three.idmp_maxsize = 5;
    assert_ok(client, weir_xcfgset(client, WIRE("s"), &three)); /* forgets all */
    add_iids(live, 3);
    assert_int_equal(length(live), 9);
    assert_code(client, weir_xcfgset(client, WIRE("missing"), &same), "ERR");
}

/* As many as the window holds are found again, one more drives all out, one by one. */
static void a_pipeline_no_longer_than_the_window_can_be_sent_again(void **state) {
    struct live *live = *state;
    if (!live_has("8.6", NULL)) {
        return; /* a_known_iid_is_added_once has seen it refuse */
    }
    add_iids(live, 100);
    add_iids(live, 100);
    assert_int_equal(length(live), 100);
    assert_ok(live->client, live_say(live->client, "DEL", "s"));
    add_iids(live, 101);
    add_iids(live, 101);
    assert_int_equal(length(live), 202);
}

/* ---- trimming ---- */

static void a_trim_without_a_limit_examines_all(void **state) {
    struct live *live = *state;
    weir_trim trim = {.by = WEIR_TRIM_MAXLEN, .limit = WEIR_UNLIMITED};
    uint64_t count = 0;
    live_fill(live->client, "s", 12000, 1);
    assert_ok(live->client, weir_xtrim(live->client, WIRE("s"), &trim, &count));
    assert_in_range(count, 11900, 12000);
    assert_ok(live->client, live_say(live->client, "DEL", "s"));
    live_fill(live->client, "s", 12000, 1);
    trim.limit = 0; /* the server's: a hundred nodes of a hundred */
    assert_ok(live->client, weir_xtrim(live->client, WIRE("s"), &trim, &count));
    assert_int_equal(count, 10000);
}

/* What becomes of pending entries that are trimmed, by XTRIM and by XADD. */
static void a_trim_says_what_becomes_of_pending_entries(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {
        .trim = {.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 8}};
    weir_trim *trim = &options.trim;
    weir_client *client = live->client;
    uint64_t count = 9;
    live_fill(client, "s", 10, 1);
    give_all(live);
    trim->refs = WEIR_REFS_ACKED;
    weir_status st = weir_xtrim(client, WIRE("s"), trim, &count);
    if (!live_has("8.2", NULL)) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        assert_status(add(live, &options, NULL), WEIR_ERR_UNSUPPORTED);
        return;
    }
    assert_ok(client, st);
    assert_int_equal(count, 0); /* none is acknowledged */
    trim->refs = WEIR_REFS_KEEP;
    assert_ok(client, weir_xtrim(client, WIRE("s"), trim, &count));
    assert_int_equal(count, 2);
    assert_int_equal(pending(live), 10);
    trim->refs = WEIR_REFS_DELETE;
    assert_ok(client, add(live, &options, NULL));
    assert_int_equal(length(live), 8);
    assert_int_equal(pending(live), 9);
}

/* ---- XSETID ---- */

static void a_streams_last_id_can_be_set(void **state) {
    struct live *live = *state;
    weir_xsetid_options options = {.entries_added = 5, .max_deleted = {2, 2}};
    weir_id id = {0};
    weir_xadd_options next = {.id = {9, 0}, .auto_seq = true};
    weir_client *client = live->client;
    assert_code(client, weir_xsetid(client, WIRE("s"), (weir_id){9, 3}, NULL), "ERR");
    live_add(client, "s", 1, 0);
    assert_ok(client, weir_xsetid(client, WIRE("s"), (weir_id){9, 3}, NULL));
    assert_ok(client, add(live, &next, &id));
    assert_id(id, 9, 4);
    assert_ok(client, weir_xsetid(client, WIRE("s"), (weir_id){9, 9}, &options));
    assert_code(client, weir_xsetid(client, WIRE("s"), (weir_id){1, 0}, &options), "ERR");
}

/* ---- in a pipeline ---- */

static void settings_and_adds_are_answered_in_order(void **state) {
    struct live *live = *state;
    weir_xadd_options options = {.id = {5, 0}, .auto_seq = true};
    weir_xcfgset_options none = {0};
    weir_client *client = live->client;
    weir_id id = {0};
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, &options));
    assert_ok(client, weir_append_xsetid(client, WIRE("s"), (weir_id){6, 6}, NULL));
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, &options));
    assert_status(weir_append_xcfgset(client, WIRE("s"), &none), WEIR_ERR_ARG);
    none.idmp_maxsize = 7;
    bool has_xcfgset = live_has("8.6", NULL);
    assert_status(weir_append_xcfgset(client, WIRE("s"), &none),
                  has_xcfgset ? WEIR_OK : WEIR_ERR_UNSUPPORTED);
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    assert_ok(client, weir_take_id(client, &id));
    assert_id(id, 5, 0);
    assert_status(weir_take_id(client, &id), WEIR_ERR_ARG); /* an OK is due, not an id */
    assert_ok(client, weir_take_done(client));
    assert_code(client, weir_take_id(client, &id), "ERR");
    if (has_xcfgset) {
        assert_ok(client, weir_take_done(client));
    }
    assert_ok(client, weir_take_count(client, NULL));
    assert_status(weir_take_done(client), WEIR_ERR_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(the_server_makes_the_rest_of_an_id),
        LIVE_ON_BOTH(the_first_id_that_it_can_make_is_0_1),
        LIVE_ON_BOTH(a_known_iid_is_added_once),
        LIVE_ON_BOTH(equal_fields_are_added_once),
        LIVE_ON_BOTH(a_duplicate_does_not_trim),
        LIVE_ON_BOTH(a_stream_remembers_as_many_iids_as_it_is_told),
        LIVE_ON_BOTH(a_pipeline_no_longer_than_the_window_can_be_sent_again),
        LIVE_ON_BOTH(a_trim_without_a_limit_examines_all),
        LIVE_ON_BOTH(a_trim_says_what_becomes_of_pending_entries),
        LIVE_ON_BOTH(a_streams_last_id_can_be_set),
        LIVE_ON_BOTH(settings_and_adds_are_answered_in_order),
    };
    return live_run("adding with options", tests);
}
