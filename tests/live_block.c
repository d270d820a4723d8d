/* A client in one block of the caller's memory, against a real server: never an allocation,
 * and ceilings that are met with a status.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdalign.h>

/* What the test's client lives in; it is closed before the test ends. */
static alignas(max_align_t) char block[WEIR_BLOCK_BYTES];

static void *refuse(void *user, void *old, size_t old_size, size_t new_size) {
    (void)user;
    (void)old;
    (void)old_size;
    (void)new_size;
    fail_msg("a client in a block called an allocator");
    return NULL;
}

static weir_client *open_in_block(const struct live *live, const char *url) {
    weir_options options = {.protocol = live->protocol, .mem = {refuse, NULL}};
    weir_client *client;
    weir_status st = weir_open_in(block, sizeof block, url, &options, &client);
    assert_ok(client, st);
    assert_int_equal(weir_client_greeting(client).protocol, live->protocol);
    return client;
}

static void a_block_is_enough_for_a_working_day(void **state) {
    struct live *live = *state;
    weir_client *client = open_in_block(live, live->server->url);
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    weir_entry entry;
    uint64_t count = 0;
    live_fill(live->client, "s", 2000, 100);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    weir_read_options ten = {.count = 10};
    for (uint64_t ms = 1; ms <= 2000;) {
        weir_id ids[10];
        size_t id_count = 0;
        assert_ok(client,
                  weir_xreadgroup(client, WIRE("g"), WIRE("c"), &fresh, 1, &ten, &page));
        while (weir_entries_next(&page, &entry) == WEIR_OK) {
            assert_id(entry.id, ms++, 0);
            assert_int_equal(entry.fields[0].value.len, 100);
            ids[id_count++] = entry.id;
        }
        assert_ok(client, weir_xack(client, WIRE("s"), WIRE("g"), ids, id_count, &count));
        assert_int_equal(count, 10);
    }
    weir_pending pending;
    assert_ok(client, weir_xpending(client, WIRE("s"), WIRE("g"), &pending));
    assert_int_equal(pending.count, 0);
    weir_pending_close(&pending);
    weir_close(client);
}

static void a_block_works_over_tcp_too(void **state) {
    struct live *live = *state;
    weir_client *client = open_in_block(live, live->server->tcp_url);
    live_fill(client, "s", 20, 10);
    weir_close(client);
}

static void a_page_of_any_size_is_read_in_a_block(void **state) {
    struct live *live = *state;
    weir_client *client = open_in_block(live, live->server->url);
    weir_entries page;
    live_fill(live->client, "s", 10000, 200);
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    for (uint64_t ms = 1; ms <= 10000; ms++) {
        assert_next(&page, ms, 0);
    }
    assert_end(&page);
    weir_close(client);
}

static void a_pipeline_in_a_block_is_as_long_as_its_share(void **state) {
    struct live *live = *state;
    weir_client *client = open_in_block(live, live->server->url);
    weir_field field = weir_pair("n", "1");
    uint64_t taken = 0;
    size_t most = 0;
    for (uint64_t ms = 1; ms <= 20000; ms++) {
        weir_xadd_options options = {.id = {ms, 0}};
        weir_status st = weir_append_xadd(client, WIRE("s"), &field, 1, &options);
        while (st == WEIR_ERR_FULL) {
            weir_id id;
            most = weir_unanswered(client) > most ? weir_unanswered(client) : most;
            assert_ok(client, weir_take_id(client, &id));
            assert_id(id, ++taken, 0);
            st = weir_append_xadd(client, WIRE("s"), &field, 1, &options);
        }
        assert_ok(client, st);
    }
    assert_true(most >= 16);
    while (weir_unanswered(client) > 0) {
        assert_ok(client, weir_take_id(client, NULL));
        taken++;
    }
    assert_int_equal(taken, 20000);
    weir_close(client);
}

/* A page that fits beside the answers of the calls goes through; a larger one gives way, as
 * weir_entries_next says: then read on behind the last id. */
static void calls_inside_a_loop_in_a_block(void **state) {
    struct live *live = *state;
    weir_client *client = open_in_block(live, live->server->url);
    weir_range_options options = {.count = 8};
    weir_id last = WEIR_ID_MIN;
    uint64_t seen = 0;
    weir_status st = WEIR_OK;
    live_fill(live->client, "s", 300, 300);
    while (st == WEIR_OK || st == WEIR_ERR_LIMIT) {
        weir_entries page;
        weir_entry entry;
        weir_id before = last;
        assert_ok(client,
                  weir_xrange(client, WIRE("s"), last, WEIR_ID_MAX, &options, &page));
        while ((st = weir_entries_next(&page, &entry)) == WEIR_OK) {
            weir_xadd_options same = {.id = entry.id};
            assert_id(entry.id, ++seen, 0);
            assert_ok(client, weir_xadd(client, WIRE("t"), entry.fields, 1, &same, NULL));
            assert_int_equal(entry.fields[0].value.data[299], 'v');
            last = entry.id;
        }
        if (st == WEIR_END && weir_id_compare(before, last) != 0) {
            st = WEIR_OK;
        }
        options.exclude_start = true;
    }
    assert_status(st, WEIR_END);
    assert_int_equal(seen, 300);
    assert_ok(client, weir_xlen(client, WIRE("t"), &seen));
    assert_int_equal(seen, 300);
    weir_close(client);
}

static void four_loops_can_be_open_in_a_block(void **state) {
    struct live *live = *state;
    weir_client *client = open_in_block(live, live->server->url);
    weir_entries pages[5];
    weir_range_options one = {.count = 1};
    live_fill(live->client, "s", 3, 10);
    for (int i = 0; i < 4; i++) {
        assert_ok(client, weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &one,
                                      &pages[i]));
    }
    assert_status(weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &one, &pages[4]),
                  WEIR_ERR_FULL);
    for (int i = 0; i < 4; i++) {
        weir_entries_close(&pages[i]);
    }
    assert_ok(client, weir_xlen(client, WIRE("s"), NULL));
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &one, &pages[4]));
    assert_next(&pages[4], 1, 0);
    assert_end(&pages[4]);
    weir_close(client);
}

/* Too large, or too many fields: told, passed over, and the next one comes. */
static void what_a_block_cannot_hold_is_told(void **state) {
    struct live *live = *state;
    weir_client *client = open_in_block(live, live->server->url);
    weir_field fields[500];
    char large[WEIR_BLOCK_BYTES] = {0};
    weir_entries page;
    weir_entry entry;
    for (int i = 0; i < 500; i++) {
        fields[i] = weir_pair("n", "1");
    }
    weir_field one = {WIRE("n"), weir_bytes(large, sizeof large)};
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &one, 1, NULL, NULL));
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), fields, 500, NULL, NULL));
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), fields, 1, NULL, NULL));
    assert_status(weir_xadd(client, WIRE("s"), &one, 1, NULL, NULL), WEIR_ERR_LIMIT);
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_ERR_LIMIT);
    assert_true(weir_entries_is_open(&page));
    assert_status(weir_entries_next(&page, &entry), WEIR_ERR_LIMIT);
    assert_true(weir_entries_is_open(&page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_int_equal(entry.field_count, 1);
    assert_end(&page);
    assert_ok(client, weir_xlen(client, WIRE("s"), NULL));
    weir_close(client);
}

static void a_block_too_small_is_refused(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    assert_status(
        weir_open_in(block, WEIR_BLOCK_BYTES - 1, live->server->url, NULL, &client),
        WEIR_ERR_ARG);
    assert_null(client);
    assert_status(weir_open_in(block, 0, live->server->url, NULL, &client), WEIR_ERR_ARG);
}

static void a_failure_in_a_block_is_told(void **state) {
    (void)state;
    weir_client *client;
    assert_status(weir_open_in(block, sizeof block, "unix:///tmp/weir-no-such-folder/s",
                               NULL, &client),
                  WEIR_ERR_CONNECT);
    assert_non_null(strstr(weir_client_error(client)->text, "weir-no-such-folder"));
    weir_close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_block_is_enough_for_a_working_day),
        LIVE_ON_BOTH(a_block_works_over_tcp_too),
        LIVE_ON_BOTH(a_page_of_any_size_is_read_in_a_block),
        LIVE_ON_BOTH(a_pipeline_in_a_block_is_as_long_as_its_share),
        LIVE_ON_BOTH(calls_inside_a_loop_in_a_block),
        LIVE_ON_BOTH(four_loops_can_be_open_in_a_block),
        LIVE_ON_BOTH(what_a_block_cannot_hold_is_told),
        LIVE_ON_BOTH(a_block_too_small_is_refused),
        LIVE_ON_BOTH(a_failure_in_a_block_is_told),
    };
    return live_run("in one block of memory", tests);
}
