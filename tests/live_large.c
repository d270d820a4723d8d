/* What is larger than limits.receive_bytes, against a real server: it is passed over, both
 * sizes are named, and the connection stays in step.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdlib.h>

#define LIMIT 65536

static void add_of_size(weir_client *client, uint64_t ms, size_t bytes) {
    char *value = calloc(1, bytes);
    assert_non_null(value);
    weir_field field = {WIRE("n"), weir_bytes(value, bytes)};
    weir_xadd_options options = {.id = {ms, 0}};
    assert_ok(client, weir_xadd(client, WIRE("s"), &field, 1, &options, NULL));
    free(value);
}

static weir_client *limited(struct live *live) {
    return live_other(live, &(weir_options){.limits.receive_bytes = LIMIT});
}

static void expect_passed(weir_client *client, weir_entries *page, const char *id,
                          const char *size) {
    weir_entry entry;
    assert_status(weir_entries_next(page, &entry), WEIR_ERR_LIMIT);
    const weir_error *error = weir_client_error(client);
    assert_int_equal(error->status, WEIR_ERR_LIMIT);
    assert_non_null(strstr(error->text, id));
    assert_non_null(strstr(error->text, size));
    assert_non_null(strstr(error->text, "65536"));
    assert_true(weir_entries_is_open(page));
}

/* An entry of `n` and 200000 bytes: "*2 $3 1-0 *2 $1 n $200000 ..." with its line ends. */
#define SIZE_OF_200000 "200035"

static void a_large_entry_is_passed_over_wherever_it_stands(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_client *client = limited(live);
    const size_t sizes[] = {200000, 10, 200000, 60000, 200000, 200000};
    for (uint64_t i = 0; i < 6; i++) {
        add_of_size(live->client, i + 1, sizes[i]);
    }
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    expect_passed(client, &page, "1-0", SIZE_OF_200000);
    assert_next(&page, 2, 0);
    expect_passed(client, &page, "3-0", SIZE_OF_200000);
    assert_next(&page, 4, 0);
    expect_passed(client, &page, "5-0", SIZE_OF_200000);
    expect_passed(client, &page, "6-0", SIZE_OF_200000);
    assert_end(&page);
    assert_ok(client, live_say(client, "PING"));
}

static void a_large_entry_of_a_group_can_still_be_acknowledged(void **state) {
    struct live *live = *state;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    uint64_t count = 0;
    weir_client *client = limited(live);
    add_of_size(live->client, 1, 200000);
    add_of_size(live->client, 2, 10);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("c"), &fresh, 1, NULL, &page));
    expect_passed(client, &page, "1-0", SIZE_OF_200000);
    assert_ok(client, weir_xack(client, WIRE("s"), WIRE("g"), &(weir_id){1, 0}, 1, &count));
    assert_int_equal(count, 1);
    assert_next(&page, 2, 0);
    assert_end(&page);
}

static void an_entry_of_many_fields_is_passed_over_too(void **state) {
    struct live *live = *state;
    weir_field fields[2000];
    weir_entries page;
    weir_client *client = limited(live);
    for (int i = 0; i < 2000; i++) {
        fields[i] = weir_pair("a name of some bytes", "a value of some bytes");
    }
    weir_xadd_options options = {.id = {1, 0}};
    assert_ok(live->client,
              weir_xadd(live->client, WIRE("s"), fields, 2000, &options, NULL));
    add_of_size(live->client, 2, 10);
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    assert_ok(client, weir_xread(client, &all, 1, NULL, &page));
    expect_passed(client, &page, "1-0", "takes 1");
    assert_next(&page, 2, 0);
    assert_end(&page);
}

/* A page of any size fits, as long as each entry does. */
static void a_page_far_larger_than_the_limit_is_read(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_client *client = limited(live);
    live_fill(live->client, "s", 400, 20000);
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    for (uint64_t ms = 1; ms <= 400; ms++) {
        assert_next(&page, ms, 0);
    }
    assert_end(&page);
}

static void an_answer_that_must_be_held_whole_is_passed_over(void **state) {
    struct live *live = *state;
    weir_client *client = limited(live);
    weir_reply reply;
    const weir_view args[] = {WIRE("XRANGE"), WIRE("s"), WIRE("-"), WIRE("+")};
    live_fill(live->client, "s", 2000, 100);
    assert_status(weir_command(client, args, 4, &reply), WEIR_ERR_LIMIT);
    assert_non_null(strstr(weir_client_error(client)->text, "65536"));
    assert_ok(client, live_say(client, "PING"));
    assert_status(weir_command(client, args, 4, NULL), WEIR_ERR_LIMIT);
    assert_ok(client, weir_append_command(client, args, 4));
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    assert_status(weir_take_reply(client, &reply), WEIR_ERR_LIMIT);
    uint64_t count = 0;
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, 2000);
}

/* The entry in hand stays although an inner call meets something large. */
static void a_large_answer_inside_a_loop_leaves_the_entry_in_hand(void **state) {
    struct live *live = *state;
    weir_client *client = limited(live);
    weir_entries page;
    weir_entry entry;
    const weir_view get[] = {WIRE("GET"), WIRE("text")};
    live_fill(live->client, "s", 20, 100);
    char *text = calloc(1, 200000);
    assert_non_null(text);
    const weir_view set[] = {WIRE("SET"), WIRE("text"), weir_bytes(text, 200000)};
    assert_ok(live->client, weir_command(live->client, set, 3, NULL));
    free(text);
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_status(weir_command(client, get, 2, NULL), WEIR_ERR_LIMIT);
    assert_int_equal(entry.fields[0].value.len, 100);
    assert_int_equal(entry.fields[0].value.data[99], 'v');
    weir_entries_close(&page);
    assert_ok(client, live_say(client, "PING"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_large_entry_is_passed_over_wherever_it_stands),
        LIVE_ON_BOTH(a_large_entry_of_a_group_can_still_be_acknowledged),
        LIVE_ON_BOTH(an_entry_of_many_fields_is_passed_over_too),
        LIVE_ON_BOTH(a_page_far_larger_than_the_limit_is_read),
        LIVE_ON_BOTH(an_answer_that_must_be_held_whole_is_passed_over),
        LIVE_ON_BOTH(a_large_answer_inside_a_loop_leaves_the_entry_in_hand),
    };
    return live_run("larger than the limit", tests);
}
