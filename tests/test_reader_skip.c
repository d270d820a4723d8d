/* Passing over: skipped values use the same bytes as read ones and hold nothing, and hidden
 * attributes leave no trace, wherever they stand and however the input is cut.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "feed.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Three replies with something of everything, at several depths. */
#define MIXED                                                                              \
    "*4\r\n$1\r\na\r\n%1\r\n+k\r\n*2\r\n:1\r\n*0\r\n_\r\n~1\r\n#t\r\n>1\r\n+p\r\n"         \
    "*2\r\n=5\r\ntxt:y\r\n!1\r\nE\r\n-ERR x\r\n"

/* The same with attributes before some values and inside of others. */
#define ATTRIBUTED                                                                         \
    "|1\r\n+t\r\n*2\r\n:1\r\n$2\r\nab\r\n*2\r\n|1\r\n|0\r\n+u\r\n%0\r\n:2\r\n|0\r\n"       \
    "|1\r\n+v\r\n=5\r\ntxt:y\r\n~1\r\n:3\r\n|0\r\n$1\r\nz\r\n"

static const weir_reader_options hiding = {.hide_attributes = true};

/* ---- skip ---- */

/* Reads the first `cut` bytes of the feed's wire; *at is what was used of them. Gives the
 * tokens read. */
static size_t read_until(weir_reader *reader, struct feed *feed,
                         const weir_reader_options *options, size_t cut, size_t *at) {
    weir_reader_init(reader, options);
    *at = 0;
    for (size_t tokens = 0;; tokens++) {
        weir_token token;
        size_t used;
        weir_view input = feed_piece(feed, *at, cut);
        weir_status st = weir_reader_next(reader, input, &used, &token);
        *at += used;
        if (st != WEIR_OK) {
            assert_status(st, WEIR_MORE);
            return tokens;
        }
    }
}

/* Skips from *at on in pieces of `step` bytes, the first ending at `to`. */
static weir_status skip_from(weir_reader *reader, struct feed *feed, enum feed_call call,
                             size_t *at, size_t to, size_t step) {
    for (;;) {
        size_t used;
        weir_view input = feed_piece(feed, *at, to);
        weir_status st = call == FEED_SKIP ? weir_reader_skip(reader, input, &used)
                                           : weir_reader_skip_reply(reader, input, &used);
        *at += used;
        assert_int_equal(weir_reader_offset(reader), *at);
        if (st != WEIR_MORE || to == feed->wire.len) {
            return st;
        }
        to = step < feed->wire.len - to ? to + step : feed->wire.len;
    }
}

/* The reader gives the tokens from `first` on, as they were read before. */
static void expect_rest(weir_reader *reader, struct feed *feed, size_t at, size_t first) {
    for (size_t i = first; i < feed->token_count; i++) {
        weir_token token;
        size_t used;
        weir_view input = feed_piece(feed, at, feed->wire.len);
        assert_status(weir_reader_next(reader, input, &used, &token), WEIR_OK);
        at += used;
        assert_int_equal(token.type, feed->tokens[i].type);
        assert_int_equal(token.depth, feed->tokens[i].depth);
        assert_int_equal(at, feed->tokens[i].end);
    }
}

/* Which token is the last that a skip passes over, if `read` were given before it. */
static size_t last_skipped(const struct feed *feed, enum feed_call call, size_t read,
                           size_t at) {
    if (call == FEED_SKIP) {
        return feed_value_last(feed, read);
    }
    size_t value = 0;
    while (value < feed->value_count && feed->value_ends[value] <= at) {
        value++;
    }
    size_t last = read;
    while (last < feed->token_count && value < feed->value_count &&
           feed->tokens[last].end < feed->value_ends[value]) {
        last++;
    }
    return last;
}

/* Reads up to every cut, skips from there, and reads on. */
static void skip_at_every_cut(const char *wire, const weir_reader_options *options,
                              enum feed_call call, size_t step) {
    struct feed feed;
    feed_open(&feed, wire, weir_text(wire));
    feed_every_cut(&feed, options, FEED_NEXT);
    assert_status(feed.status, WEIR_OK);
    for (size_t cut = 0; cut <= feed.wire.len; cut++) {
        weir_reader reader;
        size_t at;
        size_t read = read_until(&reader, &feed, options, cut, &at);
        size_t last = last_skipped(&feed, call, read, at);
        weir_status st = skip_from(&reader, &feed, call, &at, cut, step);
        if (last == feed.token_count) {
            assert_status(st, WEIR_MORE);
            assert_int_equal(at, feed.wire.len);
            continue;
        }
        assert_status(st, WEIR_OK);
        assert_int_equal(at, feed.tokens[last].end);
        expect_rest(&reader, &feed, at, last + 1);
    }
    feed_close(&feed);
}

static void skip_everywhere(enum feed_call call) {
    static const char *const wires[] = {MIXED, ATTRIBUTED};
    for (size_t i = 0; i < COUNT(wires); i++) {
        static const size_t steps[] = {1, 7, SIZE_MAX};
        for (size_t k = 0; k < COUNT(steps); k++) {
            skip_at_every_cut(wires[i], NULL, call, steps[k]);
            skip_at_every_cut(wires[i], &hiding, call, steps[k]);
        }
    }
}

static void skip_passes_over_one_value_at_any_depth_and_cut(void **state) {
    (void)state;
    skip_everywhere(FEED_SKIP);
}

static void skip_reply_passes_over_the_rest_at_any_depth_and_cut(void **state) {
    (void)state;
    skip_everywhere(FEED_SKIP_REPLY);
}

static void skip_reply_may_follow_an_unfinished_skip(void **state) {
    (void)state;
    static const char wire[] = "*2\r\n*2\r\n$3\r\nabc\r\n:1\r\n:2\r\n+OK\r\n";
    for (size_t cut = 4; cut <= 25; cut++) {
        weir_reader reader;
        weir_token token;
        size_t used;
        weir_reader_init(&reader, NULL);
        assert_status(weir_reader_next(&reader, weir_bytes(wire, 4), &used, &token),
                      WEIR_OK);
        size_t at = used;
        weir_status st = weir_reader_skip(&reader, weir_bytes(wire + at, cut - at), &used);
        assert_status(st, cut < 21 ? WEIR_MORE : WEIR_OK);
        at += used;
        weir_view rest = weir_bytes(wire + at, sizeof wire - 1 - at);
        assert_status(weir_reader_skip_reply(&reader, rest, &used), WEIR_OK);
        assert_int_equal(at + used, 25);
        assert_true(weir_reader_is_between(&reader));
    }
}

static void skip_counts_the_value_as_an_element(void **state) {
    (void)state;
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    assert_status(weir_reader_next(&reader, WIRE("*1\r\n"), &used, &token), WEIR_OK);
    assert_int_equal(weir_reader_depth(&reader), 1);
    assert_status(weir_reader_skip(&reader, WIRE("*1\r\n:1\r\n"), &used), WEIR_OK);
    assert_int_equal(weir_reader_depth(&reader), 0);
    assert_true(weir_reader_is_between(&reader));
}

/* A string of a megabyte in pieces of 1000 bytes: each piece is used up as it comes. */
static void skip_holds_nothing_of_a_long_string(void **state) {
    (void)state;
    static const char *const heads[] = {"$1000000\r\n", "!1000000\r\n", "=1000000\r\ntxt:"};
    static const char piece[1000];
    for (size_t i = 0; i < COUNT(heads); i++) {
        weir_reader reader;
        size_t used;
        size_t left = 1000000 - (heads[i][0] == '=' ? 4 : 0);
        weir_reader_init(&reader, NULL);
        weir_view head = weir_text(heads[i]);
        assert_status(weir_reader_skip_reply(&reader, head, &used), WEIR_MORE);
        assert_int_equal(used, head.len);
        for (size_t take; left > 0; left -= take) {
            take = left < sizeof piece ? left : sizeof piece;
            assert_status(weir_reader_skip_reply(&reader, weir_bytes(piece, take), &used),
                          WEIR_MORE);
            assert_int_equal(used, take);
        }
        assert_status(weir_reader_skip_reply(&reader, WIRE("\r\n"), &used), WEIR_OK);
        assert_int_equal(used, 2);
        assert_int_equal(weir_reader_offset(&reader), 1000000 + 12);
    }
}

static void skip_gives_up_what_next_was_waiting_for(void **state) {
    (void)state;
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    weir_view part = WIRE("$1000\r\nabcdef");
    assert_status(weir_reader_next(&reader, part, &used, &token), WEIR_MORE);
    assert_int_equal(used, 0);
    assert_status(weir_reader_skip(&reader, part, &used), WEIR_MORE);
    assert_int_equal(used, part.len);
}

static void skip_checks_what_it_passes_over(void **state) {
    (void)state;
    feed_expect_fault(NULL, WIRE("*2\r\n$3\r\nabcd\r\n"), WEIR_FAULT_TERM, 11);
    feed_expect_fault(NULL, WIRE("$3\r\nabc\rx"), WEIR_FAULT_TERM, 8);
    feed_expect_fault(NULL, WIRE("=8\r\ntxt;abcd\r\n"), WEIR_FAULT_VERB, 7);
    feed_expect_fault(NULL, WIRE("*1\r\n,1.\r\n"), WEIR_FAULT_DOUBLE, 5);
    feed_expect_fault(NULL, WIRE("|1\r\n+k\r\n:x"), WEIR_FAULT_INT, 9);
    feed_expect_fault(&hiding, WIRE("|1\r\n+k\r\n:x"), WEIR_FAULT_INT, 9);
}

/* ---- hidden attributes ---- */

static const char *const attributes[] = {
    "|0\r\n",
    "|1\r\n+a\r\n:1\r\n",
    "|2\r\n+a\r\n$1\r\nb\r\n*0\r\n%0\r\n",
    "|1\r\n+a\r\n*2\r\n%1\r\n:1\r\n:2\r\n~1\r\n:3\r\n",
    "|1\r\n+a\r\n|1\r\n+b\r\n:2\r\n:3\r\n", /* on the value of an attribute */
    "|1\r\n|1\r\n+b\r\n:2\r\n+a\r\n:3\r\n", /* on the key of one */
    "|1\r\n|0\r\n+a\r\n|0\r\n_\r\n",
    "|0\r\n|1\r\n+a\r\n:1\r\n", /* one behind another */
};

/* Copies the feed's wire to `out` with the attribute before token `place`, or, if that is
 * SIZE_MAX, before each. Gives the new wire. */
static weir_view insert(const struct feed *feed, const char *attribute, size_t place,
                        char *out) {
    size_t len = 0;
    size_t at = 0;
    for (size_t i = 0; i < feed->token_count; i++) {
        bool may_have_one = feed->tokens[i].type != WEIR_TOKEN_PUSH;
        if (may_have_one && (place == SIZE_MAX || place == i)) {
            memcpy(out + len, attribute, strlen(attribute));
            len += strlen(attribute);
        }
        memcpy(out + len, feed->wire.data + at, feed->tokens[i].end - at);
        len += feed->tokens[i].end - at;
        at = feed->tokens[i].end;
    }
    return weir_bytes(out, len);
}

static void hidden_attributes_leave_no_trace_at_any_place(void **state) {
    (void)state;
    struct feed plain;
    feed_open(&plain, "no attributes", WIRE(MIXED));
    feed_run(&plain, NULL, FEED_NEXT, plain.wire.len, 1);
    for (size_t i = 0; i < COUNT(attributes); i++) {
        for (size_t place = 0; place <= plain.token_count; place++) {
            char out[2048];
            bool is_each = place == plain.token_count;
            struct feed feed;
            feed_open(&feed, attributes[i],
                      insert(&plain, attributes[i], is_each ? SIZE_MAX : place, out));
            feed_every_cut(&feed, &hiding, FEED_NEXT);
            char text[1024];
            char expected[1024];
            weir_view without = feed_text(&plain, expected, sizeof expected - 1);
            expected[without.len] = '\0';
            assert_view(feed_text(&feed, text, sizeof text), expected);
            feed_close(&feed);
        }
    }
    feed_close(&plain);
}

static void shown_attributes_are_tokens_at_any_place(void **state) {
    (void)state;
    struct feed plain;
    feed_open(&plain, "no attributes", WIRE(MIXED));
    feed_run(&plain, NULL, FEED_NEXT, plain.wire.len, 1);
    for (size_t i = 0; i < COUNT(attributes); i++) {
        for (size_t place = 0; place < plain.token_count; place++) {
            char out[2048];
            char text[1024];
            struct feed feed;
            feed_open(&feed, attributes[i], insert(&plain, attributes[i], place, out));
            feed_every_cut(&feed, NULL, FEED_NEXT);
            assert_status(feed.status, WEIR_OK);
            (void)feed_text(&feed, text, sizeof text); /* checks each token's depth */
            if (plain.tokens[place].type == WEIR_TOKEN_PUSH) {
                feed_close(&feed);
                continue;
            }
            assert_int_equal(feed.value_count, plain.value_count);
            assert_int_equal(feed.tokens[place].type, WEIR_TOKEN_ATTRIBUTE);
            assert_int_equal(feed.tokens[place].depth, plain.tokens[place].depth);
            feed_close(&feed);
        }
    }
    feed_close(&plain);
}

static void a_push_has_no_attributes(void **state) {
    (void)state;
    feed_expect_fault(NULL, WIRE("|1\r\n+a\r\n+b\r\n>1\r\n+x\r\n:5\r\n"), WEIR_FAULT_NEST,
                      12);
    feed_expect_fault(&hiding, WIRE("|0\r\n>1\r\n+x\r\n"), WEIR_FAULT_NEST, 4);
}

static void an_attribute_alone_is_no_reply(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(attributes); i++) {
        feed_expect_text(&hiding, weir_text(attributes[i]), "...");
        feed_expect_text(NULL, weir_text(attributes[i]), "...");
    }
}

static void a_fault_behind_hidden_attributes_names_its_byte(void **state) {
    (void)state;
    feed_expect_fault(&hiding, WIRE("|1\r\n+a\r\n:1\r\n:x"), WEIR_FAULT_INT, 13);
    feed_expect_fault(&hiding, WIRE("*1\r\n|0\r\n>1\r\n"), WEIR_FAULT_NEST, 8);
    feed_expect_fault(&hiding, WIRE("|1\r\n+a\r\n*1\r\n$x"), WEIR_FAULT_LEN, 13);
    feed_expect_text(&hiding, WIRE("|1\r\n+a\r\n:1\r\n-ERR\r\n"), "-\"ERR\"");
    feed_expect_text(&hiding, WIRE("|1\r\n+a\r\n:1\r\n!3\r\nERR\r\n"), "!\"ERR\"");
}

static void what_is_hidden_is_used_while_more_is_awaited(void **state) {
    (void)state;
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &hiding);
    weir_view wire = WIRE("|1\r\n+a\r\n$5\r\nab");
    assert_status(weir_reader_next(&reader, wire, &used, &token), WEIR_MORE);
    assert_int_equal(used, 8);
    assert_int_equal(weir_reader_offset(&reader), 8);
    assert_false(weir_reader_is_between(&reader));
}

static void skip_inside_of_a_hidden_attribute_passes_over_its_value(void **state) {
    (void)state;
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &hiding);
    assert_status(weir_reader_next(&reader, WIRE("*2\r\n"), &used, &token), WEIR_OK);
    assert_status(weir_reader_next(&reader, WIRE("|1\r\n"), &used, &token), WEIR_MORE);
    weir_view rest = WIRE("+a\r\n*1\r\n:1\r\n:7\r\n:8\r\n");
    assert_status(weir_reader_skip(&reader, rest, &used), WEIR_OK);
    assert_int_equal(used, 16);
    assert_status(weir_reader_next(&reader, WIRE(":8\r\n"), &used, &token), WEIR_OK);
    assert_int_equal(token.number, 8);
    assert_true(weir_reader_is_between(&reader));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skip_passes_over_one_value_at_any_depth_and_cut),
        cmocka_unit_test(skip_reply_passes_over_the_rest_at_any_depth_and_cut),
        cmocka_unit_test(skip_reply_may_follow_an_unfinished_skip),
        cmocka_unit_test(skip_counts_the_value_as_an_element),
        cmocka_unit_test(skip_holds_nothing_of_a_long_string),
        cmocka_unit_test(skip_gives_up_what_next_was_waiting_for),
        cmocka_unit_test(skip_checks_what_it_passes_over),
        cmocka_unit_test(hidden_attributes_leave_no_trace_at_any_place),
        cmocka_unit_test(shown_attributes_are_tokens_at_any_place),
        cmocka_unit_test(a_push_has_no_attributes),
        cmocka_unit_test(an_attribute_alone_is_no_reply),
        cmocka_unit_test(a_fault_behind_hidden_attributes_names_its_byte),
        cmocka_unit_test(what_is_hidden_is_used_while_more_is_awaited),
        cmocka_unit_test(skip_inside_of_a_hidden_attribute_passes_over_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
