/* Calls inside a loop over entries, against a real server: the views in hand stay whole,
 * all entries come, whatever the size of the page; and leaving such a loop in every way.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdlib.h>

#define VALUE_BYTES 100
#define SMALL_PAGE  20
#define LARGE_PAGE  3000 /* entries of about 130 bytes: 6 times the first receive buffer */

static weir_status open_range(weir_client *client, weir_entries *page) {
    return weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, page);
}

static uint64_t length(weir_client *client, const char *key) {
    uint64_t count = 0;
    assert_ok(client, weir_xlen(client, weir_text(key), &count));
    return count;
}

/* What the entry's views showed before other calls. */
struct seen {
    weir_entry *copy;
    const weir_entry *entry;
};

static struct seen look(const weir_entry *entry) {
    struct seen seen = {NULL, entry};
    assert_status(weir_entry_copy(entry, NULL, &seen.copy), WEIR_OK);
    return seen;
}

static void expect_unchanged(struct seen *seen) {
    assert_id(seen->entry->id, seen->copy->id.ms, seen->copy->id.seq);
    assert_true(weir_view_equal(seen->entry->stream, seen->copy->stream));
    assert_int_equal(seen->entry->field_count, seen->copy->field_count);
    for (size_t i = 0; i < seen->copy->field_count; i++) {
        assert_true(
            weir_view_equal(seen->entry->fields[i].name, seen->copy->fields[i].name));
        assert_true(
            weir_view_equal(seen->entry->fields[i].value, seen->copy->fields[i].value));
    }
    weir_entry_free(seen->copy, NULL);
}

/* ---- one call a loop ---- */

/* What may be called with an entry of the outer loop in hand. */
typedef void inner_call(weir_client *client, const weir_entry *entry);

static void acknowledge(weir_client *client, const weir_entry *entry) {
    uint64_t count = 0;
    assert_ok(client, weir_xack(client, WIRE("s"), WIRE("g"), &entry->id, 1, &count));
    assert_int_equal(count, 1);
}

/* The fields in hand are the new entry's: their bytes go from buffer to buffer. */
static void pass_on(weir_client *client, const weir_entry *entry) {
    weir_xadd_options options = {.id = entry->id};
    assert_ok(client, weir_xadd(client, WIRE("t"), entry->fields, entry->field_count,
                                &options, NULL));
}

static void read_nested(weir_client *client, const weir_entry *entry) {
    weir_entries page;
    weir_range_options two = {.count = 2};
    assert_ok(client, weir_xrange(client, WIRE("s"), entry->id, WEIR_ID_MAX, &two, &page));
    assert_next(&page, entry->id.ms, 0);
    if (entry->id.ms % 2 == 0) {
        weir_entries_close(&page);
    } else {
        weir_entry next;
        (void)weir_entries_next(&page, &next);
        assert_end(&page);
    }
}

static void read_behind(weir_client *client, const weir_entry *entry) {
    weir_entries page;
    weir_source source = weir_source_after(WIRE("s"), entry->id);
    weir_read_options one = {.count = 1};
    weir_entry next;
    assert_ok(client, weir_xread(client, &source, 1, &one, &page));
    while (weir_entries_next(&page, &next) == WEIR_OK) {
        assert_id(next.id, entry->id.ms + 1, 0);
        assert_view(next.stream, "s");
    }
}

static void append_and_take(weir_client *client, const weir_entry *entry) {
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    assert_ok(client, weir_append_xack(client, WIRE("s"), WIRE("g"), &entry->id, 1));
    assert_ok(client, weir_take_count(client, NULL));
    assert_ok(client, weir_take_count(client, NULL));
}

static void ask_anything(weir_client *client, const weir_entry *entry) {
    const weir_view args[] = {WIRE("XINFO"), WIRE("STREAM"), WIRE("s"), WIRE("FULL")};
    weir_reply reply;
    weir_token token;
    (void)entry;
    assert_ok(client, weir_command(client, args, 4, &reply));
    while (weir_reply_next(&reply, &token) == WEIR_OK) {
    }
    weir_reply_close(&reply);
}

/* Reads all of "s" by XREADGROUP, with the call made for each entry. */
static void run_loop(weir_client *client, uint64_t count, inner_call *call) {
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    weir_entry entry;
    live_fill(client, "s", count, VALUE_BYTES);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("c"), &fresh, 1, NULL, &page));
    for (uint64_t ms = 1; ms <= count; ms++) {
        assert_ok(client, weir_entries_next(&page, &entry));
        assert_id(entry.id, ms, 0);
        struct seen seen = look(&entry);
        call(client, &entry);
        expect_unchanged(&seen);
    }
    assert_end(&page);
    assert_int_equal(weir_unanswered(client), 0);
    assert_int_equal(length(client, "s"), count);
}

static void both_pages(struct live *live, inner_call *call) {
    run_loop(live->client, SMALL_PAGE, call);
    assert_ok(live->client, live_say(live->client, "FLUSHALL"));
    run_loop(live->client, LARGE_PAGE, call);
}

static void xack_of_the_entry_in_hand(void **state) { both_pages(*state, acknowledge); }

static void xadd_of_the_fields_in_hand(void **state) {
    struct live *live = *state;
    both_pages(live, pass_on);
    assert_int_equal(length(live->client, "t"), LARGE_PAGE);
}

static void a_second_range_inside_the_first(void **state) {
    both_pages(*state, read_nested);
}

static void xread_inside_a_loop(void **state) { both_pages(*state, read_behind); }

static void appends_and_takes_inside_a_loop(void **state) {
    both_pages(*state, append_and_take);
}

static void any_command_inside_a_loop(void **state) { both_pages(*state, ask_anything); }

/* The answers of a whole loop's appends are taken behind it. */
static void appends_inside_a_loop_are_taken_after_it(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "s", LARGE_PAGE, VALUE_BYTES);
    assert_ok(live->client, open_range(live->client, &page));
    while (weir_entries_next(&page, &entry) == WEIR_OK) {
        weir_xadd_options options = {.id = entry.id};
        struct seen seen = look(&entry);
        assert_ok(live->client, weir_append_xadd(live->client, WIRE("t"), entry.fields,
                                                 entry.field_count, &options));
        expect_unchanged(&seen);
    }
    assert_int_equal(weir_unanswered(live->client), LARGE_PAGE);
    for (uint64_t ms = 1; ms <= LARGE_PAGE; ms++) {
        weir_id id;
        assert_ok(live->client, weir_take_id(live->client, &id));
        assert_id(id, ms, 0);
    }
}

/* ---- memory so small that the page must give way ---- */

static void expect_cut_short(weir_client *client, inner_call *call) {
    weir_entries page;
    weir_entry entry;
    assert_ok(client, open_range(client, &page));
    assert_ok(client, weir_entries_next(&page, &entry));
    struct seen seen = look(&entry);
    call(client, &entry);
    expect_unchanged(&seen);
    assert_false(weir_entries_is_open(&page));
    assert_status(weir_entries_next(&page, &entry), WEIR_ERR_LIMIT);
    assert_int_equal(weir_client_error(client)->status, WEIR_ERR_LIMIT);
    assert_non_null(strstr(weir_client_error(client)->text, "4096"));
    assert_false(weir_entries_is_open(&page));
    assert_status(weir_entries_next(&page, &entry), WEIR_END);
    assert_int_equal(length(client, "s"), LARGE_PAGE); /* in step */
}

static void a_call_takes_the_memory_of_the_rest_of_the_page(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", LARGE_PAGE, VALUE_BYTES);
    weir_client *client = live_other(live, &(weir_options){.limits.receive_bytes = 4096});
    expect_cut_short(client, pass_on);
    expect_cut_short(client, read_nested);
    expect_cut_short(client, read_behind);
    assert_int_equal(length(client, "t"), 1);
}

/* The way that the comment of weir_entries_next names: read on behind the last id. */
static void a_page_that_was_cut_short_is_read_on(void **state) {
    struct live *live = *state;
    weir_range_options options = {0};
    weir_id last = WEIR_ID_MIN;
    weir_status st = WEIR_ERR_LIMIT;
    live_fill(live->client, "s", 200, VALUE_BYTES);
    weir_client *client = live_other(live, &(weir_options){.limits.receive_bytes = 4096});
    while (st == WEIR_ERR_LIMIT) {
        weir_entries page;
        weir_entry entry;
        assert_ok(client,
                  weir_xrange(client, WIRE("s"), last, WEIR_ID_MAX, &options, &page));
        while ((st = weir_entries_next(&page, &entry)) == WEIR_OK) {
            assert_id(entry.id, last.ms + 1, 0);
            last = entry.id;
            pass_on(client, &entry);
        }
        options.exclude_start = true;
    }
    assert_status(st, WEIR_END);
    assert_int_equal(length(client, "t"), 200);
}

/* ---- leaving ---- */

static void a_loop_is_left_by_closing(void **state) {
    struct live *live = *state;
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "s", LARGE_PAGE, VALUE_BYTES);
    for (int i = 0; i < 40; i++) {
        assert_ok(live->client, open_range(live->client, &page));
        assert_next(&page, 1, 0);
        assert_next(&page, 2, 0);
        weir_entries_close(&page);
        assert_false(weir_entries_is_open(&page));
        assert_status(weir_entries_next(&page, &entry), WEIR_END);
        weir_entries_close(&page);
        assert_int_equal(length(live->client, "s"), LARGE_PAGE);
    }
}

static void a_loop_is_left_by_using_its_variable_again(void **state) {
    struct live *live = *state;
    weir_entries page;
    live_fill(live->client, "s", LARGE_PAGE, VALUE_BYTES);
    for (int i = 0; i < 40; i++) {
        assert_ok(live->client, open_range(live->client, &page));
        assert_next(&page, 1, 0);
    }
    assert_next(&page, 2, 0);
    assert_int_equal(length(live->client, "s"), LARGE_PAGE);
}

/* The rest of the first page and all of the second do not fit the buffer together. */
static void a_variable_used_again_reads_an_answer_of_any_size(void **state) {
    struct live *live = *state;
    weir_options options = {.limits = {.receive_bytes = 1024}};
    weir_client *client = live_other(live, &options);
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "s", 200, 10);
    weir_range_options few = {.count = 3};
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &few, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_ok(client, open_range(client, &page));
    for (uint64_t ms = 1; ms <= 200; ms++) {
        assert_next(&page, ms, 0);
    }
    assert_end(&page);
}

static void sixteen_loops_can_be_forgotten(void **state) {
    struct live *live = *state;
    weir_entries pages[17];
    live_fill(live->client, "s", 500, VALUE_BYTES);
    for (int i = 0; i < 16; i++) {
        assert_ok(live->client, open_range(live->client, &pages[i]));
        assert_next(&pages[i], 1, 0);
    }
    assert_status(open_range(live->client, &pages[16]), WEIR_ERR_FULL);
    assert_false(weir_entries_is_open(&pages[16]));
    assert_int_equal(length(live->client, "s"), 500); /* no iterator: fine */
    assert_next(&pages[15], 2, 0);
    assert_next(&pages[0], 2, 0);
    weir_entries_close(&pages[3]);
    assert_ok(live->client, open_range(live->client, &pages[16]));
    assert_next(&pages[16], 1, 0);
    for (int i = 0; i < 17; i++) {
        weir_entries_close(&pages[i]);
    }
    assert_ok(live->client, open_range(live->client, &pages[0]));
    assert_next(&pages[0], 1, 0);
}

/* WEIR_ERR_FULL says that nothing was done: no entry of a group may be given out for it. */
static void a_seventeenth_is_refused_before_it_is_asked(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    const weir_view incr[] = {WIRE("INCR"), WIRE("counter")};
    const weir_view g = WIRE("g");
    weir_entries pages[17];
    weir_reply reply;
    weir_pending pending;
    weir_id next;
    live_fill(c, "s", 500, VALUE_BYTES);
    assert_ok(c, weir_xgroup_create(c, all, g, NULL, NULL));
    for (int i = 0; i < 16; i++) {
        assert_ok(c, open_range(c, &pages[i]));
        assert_next(&pages[i], 1, 0);
    }
    assert_status(weir_xreadgroup(c, g, g, &fresh, 1, NULL, &pages[16]), WEIR_ERR_FULL);
    assert_status(
        weir_xautoclaim(c, all.key, g, g, 0, WEIR_ID_MIN, NULL, &next, &pages[16]),
        WEIR_ERR_FULL);
    assert_status(weir_command(c, incr, 2, &reply), WEIR_ERR_FULL);
    assert_status(weir_command(c, incr, 2, NULL), WEIR_ERR_FULL);
    assert_status(weir_xpending(c, all.key, g, &pending), WEIR_ERR_FULL);
    assert_int_equal(weir_unanswered(c), 0);
    assert_ok(c, open_range(c, &pages[4])); /* a variable used again needs no other place */
    weir_entries_close(&pages[3]);
    assert_ok(c, weir_xpending(c, all.key, g, &pending));
    assert_int_equal(pending.count, 0);
    weir_pending_close(&pending);
    assert_ok(c, live_say(c, "SETNX", "counter", "0"));
    assert_ok(c, weir_command(c, incr, 2, &reply));
    weir_token token;
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.number, 1);
}

/* The answer of an append is there and waits until there is room for its iterator. */
static void a_seventeenth_is_not_taken_from_a_pipeline(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    weir_entries pages[17];
    live_fill(c, "s", 500, VALUE_BYTES);
    for (int i = 0; i < 16; i++) {
        assert_ok(c, open_range(c, &pages[i]));
    }
    assert_ok(c, weir_append_xrange(c, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    assert_ok(c, weir_append_xlen(c, WIRE("s")));
    for (int i = 0; i < 3; i++) {
        assert_status(weir_take_entries(c, &pages[16]), WEIR_ERR_FULL);
        assert_int_equal(weir_unanswered(c), 2);
    }
    weir_entries_close(&pages[7]);
    assert_ok(c, weir_take_entries(c, &pages[16]));
    assert_next(&pages[16], 1, 0);
    assert_ok(c, weir_take_count(c, NULL));
    assert_next(&pages[16], 2, 0);
}

/* Nobody could close them any more. */
static void a_failed_call_leaves_no_place_taken(void **state) {
    struct live *live = *state;
    weir_client *c = live->client;
    const weir_view ping[] = {WIRE("PING")};
    weir_entries pages[17];
    weir_reply replies[17];
    weir_pending pendings[17];
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    live_fill(c, "s", 50, VALUE_BYTES);
    assert_ok(c, weir_xgroup_create(c, all, WIRE("g"), NULL, NULL));
    for (int i = 0; i < 17; i++) {
        assert_ok(c, open_range(c, &pages[i]));
        assert_status(weir_take_entries(c, &pages[i]), WEIR_ERR_ARG);
        assert_ok(c, open_range(c, &pages[i]));
        assert_status(weir_take_autoclaim(c, NULL, &pages[i]), WEIR_ERR_ARG);
        assert_ok(c, open_range(c, &pages[i]));
        assert_status(weir_xread(c, &all, 0, NULL, &pages[i]), WEIR_ERR_ARG);
        assert_ok(c, weir_command(c, ping, 1, &replies[i]));
        assert_status(weir_take_reply(c, &replies[i]), WEIR_ERR_ARG);
        assert_ok(c, weir_command(c, ping, 1, &replies[i]));
        assert_status(weir_command(c, ping, 0, &replies[i]), WEIR_ERR_ARG);
        assert_ok(c, weir_xpending(c, all.key, WIRE("g"), &pendings[i]));
        assert_status(weir_take_pending(c, &pendings[i]), WEIR_ERR_ARG);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(xack_of_the_entry_in_hand),
        LIVE_ON_BOTH(xadd_of_the_fields_in_hand),
        LIVE_ON_BOTH(a_second_range_inside_the_first),
        LIVE_ON_BOTH(xread_inside_a_loop),
        LIVE_ON_BOTH(appends_and_takes_inside_a_loop),
        LIVE_ON_BOTH(any_command_inside_a_loop),
        LIVE_ON_BOTH(appends_inside_a_loop_are_taken_after_it),
        LIVE_ON_BOTH(a_call_takes_the_memory_of_the_rest_of_the_page),
        LIVE_ON_BOTH(a_page_that_was_cut_short_is_read_on),
        LIVE_ON_BOTH(a_loop_is_left_by_closing),
        LIVE_ON_BOTH(a_loop_is_left_by_using_its_variable_again),
        LIVE_ON_BOTH(a_variable_used_again_reads_an_answer_of_any_size),
        LIVE_ON_BOTH(sixteen_loops_can_be_forgotten),
        LIVE_ON_BOTH(a_seventeenth_is_refused_before_it_is_asked),
        LIVE_ON_BOTH(a_seventeenth_is_not_taken_from_a_pipeline),
        LIVE_ON_BOTH(a_failed_call_leaves_no_place_taken),
    };
    return live_run("calls inside a loop", tests);
}
