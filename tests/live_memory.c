/* Memory against a real server: the steady state allocates nothing, all of it is given
 * back, and every refusal of the allocator is a status and no harm.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#define ROUNDS 10000

/* The test's state, and an allocator that outlives the client. */
static struct support_mem counts;

static weir_client *counted(struct live *live) {
    counts = (struct support_mem){.allowed = SIZE_MAX};
    return live_other(live, &(weir_options){.mem = support_mem(&counts)});
}

static void work(weir_client *client, uint64_t rounds) {
    weir_entries page;
    weir_entry entry;
    uint64_t read = 0;
    const weir_field fields[] = {weir_pair("task_type", "email"),
                                 weir_pair("email_address", "user@example.com")};
    for (uint64_t i = 0; i < rounds; i++) {
        assert_ok(client, weir_xadd(client, WIRE("s"), fields, 2, NULL, NULL));
    }
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    while (weir_entries_next(&page, &entry) == WEIR_OK) {
        assert_int_equal(entry.field_count, 2);
        read++;
    }
    assert_in_range(read, rounds, 2 * ROUNDS);
}

static void adding_and_reading_allocates_nothing(void **state) {
    struct live *live = *state;
    weir_client *client = counted(live);
    work(client, 100);
    size_t before = counts.calls;
    work(client, ROUNDS);
    assert_int_equal(counts.calls, before);
}

static void a_pipeline_allocates_nothing_once_it_was_as_long(void **state) {
    struct live *live = *state;
    weir_client *client = counted(live);
    const weir_field field = weir_pair("n", "1");
    size_t before = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 1000; i++) {
            assert_ok(client, weir_append_xadd(client, WIRE("s"), &field, 1, NULL));
        }
        while (weir_unanswered(client) > 0) {
            assert_ok(client, weir_take_id(client, NULL));
        }
        before = round == 9 ? counts.calls : before;
    }
    assert_int_equal(counts.calls, before);
}

static void a_group_worker_allocates_nothing(void **state) {
    struct live *live = *state;
    weir_client *client = counted(live);
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_read_options options = {.count = 100};
    size_t before = 0;
    live_fill(live->client, "s", 5000, 50);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    for (int round = 0; round < 50; round++) {
        weir_entries page;
        weir_entry entry;
        assert_ok(client, weir_xreadgroup(client, WIRE("g"), WIRE("c"), &fresh, 1, &options,
                                          &page));
        while (weir_entries_next(&page, &entry) == WEIR_OK) {
            assert_ok(client, weir_xack(client, WIRE("s"), WIRE("g"), &entry.id, 1, NULL));
        }
        before = round == 9 ? counts.calls : before;
    }
    assert_int_equal(counts.calls, before);
}

/* ---- refusals ---- */

/* A little of everything; stops at the first refusal. */
static weir_status try_everything(weir_client *client) {
    weir_entries page = {0};
    weir_entry entry;
    weir_reply reply;
    weir_field fields[40];
    const weir_view range[] = {WIRE("XRANGE"), WIRE("s"), WIRE("-"), WIRE("+")};
    weir_source source = weir_source_after(WIRE("a stream"), WEIR_ID_MIN);
    weir_status st = WEIR_OK;
    for (int i = 0; i < 40; i++) {
        fields[i] = weir_pair("a name", "a value");
    }
    for (int i = 0; st == WEIR_OK && i < 3000; i++) {
        st = weir_append_xadd(client, source.key, fields, i == 0 ? 40 : 1, NULL);
    }
    while (st == WEIR_OK && weir_unanswered(client) > 0) {
        st = weir_take_id(client, NULL);
    }
    st = st == WEIR_OK ? weir_xread(client, &source, 1, NULL, &page) : st;
    st = st == WEIR_OK ? weir_entries_next(&page, &entry) : st;
    st = st == WEIR_OK ? weir_xlen(client, source.key, NULL) : st;
    st = st == WEIR_OK ? weir_command(client, range, 4, &reply) : st;
    weir_entries_close(&page);
    return st;
}

/* Once with each number of allocations allowed: WEIR_ERR_NOMEM, all given back, and the
 * connection stays good. */
static void every_refusal_is_a_status_and_no_harm(void **state) {
    struct live *live = *state;
    weir_status st = WEIR_ERR_NOMEM;
    for (size_t allowed = 0; st != WEIR_OK; allowed++) {
        assert_status(st, WEIR_ERR_NOMEM);
        struct support_mem few = {.allowed = allowed};
        weir_options options = {.mem = support_mem(&few), .protocol = live->protocol};
        weir_client *client;
        assert_true(allowed < 200);
        assert_ok(live->client, live_say(live->client, "FLUSHALL"));
        st = weir_open(live->server->url, &options, &client);
        if (client != NULL) {
            st = try_everything(client);
            few.allowed = SIZE_MAX;
            while (weir_unanswered(client) > 0) {
                assert_ok(client, weir_take_any(client));
            }
            assert_ok(client, live_say(client, "PING"));
        }
        weir_close(client);
        assert_int_equal(few.live, 0);
        assert_int_equal(few.bytes, 0);
    }
}

static void closing_gives_all_back(void **state) {
    struct live *live = *state;
    struct support_mem all = {.allowed = SIZE_MAX};
    weir_options options = {.mem = support_mem(&all), .protocol = live->protocol};
    weir_client *client;
    weir_status st = weir_open(live->server->url, &options, &client);
    assert_ok(client, st);
    work(client, 100);
    assert_ok(client, try_everything(client));
    assert_true(all.live > 0);
    weir_close(client);
    assert_int_equal(all.live, 0);
    assert_int_equal(all.bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(adding_and_reading_allocates_nothing),
        LIVE_ON_BOTH(a_pipeline_allocates_nothing_once_it_was_as_long),
        LIVE_ON_BOTH(a_group_worker_allocates_nothing),
        LIVE_ON_BOTH(every_refusal_is_a_status_and_no_harm),
        LIVE_ON_BOTH(closing_gives_all_back),
    };
    return live_run("memory", tests);
}
