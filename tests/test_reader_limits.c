/* The reader's budgets are exact: the last that fits is read, the next one is refused as
 * soon as it is known, at the same byte however the input is cut. SPDX-License-Identifier:
 * BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "feed.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What comes of a head that no bytes follow. */
static weir_status read_head(const weir_reader_options *options, const char *head,
                             weir_reader *reader) {
    weir_token token;
    size_t used;
    weir_reader_init(reader, options);
    return weir_reader_next(reader, weir_text(head), &used, &token);
}

static void expect_head_refused(const char *head, weir_resp_fault fault) {
    weir_reader reader;
    assert_status(read_head(NULL, head, &reader), WEIR_ERR_PROTOCOL);
    assert_int_equal(weir_reader_fault(&reader), fault);
    assert_int_equal(weir_reader_offset(&reader), 1);
}

/* ---- depth ---- */

/* `count` times the head, then the integer 1: allocated. */
static weir_view nested(const char *head, size_t count) {
    size_t len = strlen(head);
    char *wire = malloc(count * len + 4);
    assert_non_null(wire);
    for (size_t i = 0; i < count; i++) {
        memcpy(wire + i * len, head, len);
    }
    memcpy(wire + count * len, ":1\r\n", 4);
    return weir_bytes(wire, count * len + 4);
}

static void free_wire(weir_view wire) { free((char *)(uintptr_t)wire.data); }

/* `most` heads in one another are read, one more is refused at its type byte. */
static void expect_depth(const weir_reader_options *options, const char *head,
                         size_t most) {
    weir_view wire = nested(head, most);
    struct feed feed;
    feed_open(&feed, head, wire);
    feed_every_cut(&feed, options, FEED_NEXT);
    assert_status(feed.status, WEIR_OK);
    assert_int_equal(feed.tokens[feed.token_count - 1].depth, most);
    feed_every_cut(&feed, options, FEED_SKIP);
    assert_status(feed.status, WEIR_OK);
    feed_close(&feed);
    free_wire(wire);
    wire = nested(head, most + 1);
    feed_expect_fault(options, wire, WEIR_FAULT_DEPTH, strlen(head) * most);
    free_wire(wire);
}

static void depth_is_limited_to_128(void **state) {
    (void)state;
    assert_int_equal(WEIR_READER_DEPTH, 128);
    expect_depth(NULL, "*1\r\n", WEIR_READER_DEPTH);
    expect_depth(NULL, "~1\r\n", WEIR_READER_DEPTH);
}

static void depth_can_be_limited_further(void **state) {
    (void)state;
    static const uint32_t depths[] = {1, 2, 9, 127};
    for (size_t i = 0; i < COUNT(depths); i++) {
        weir_reader_options options = {.limits = {.depth = depths[i]}};
        expect_depth(&options, "*1\r\n", depths[i]);
    }
}

static void depth_cannot_be_extended(void **state) {
    (void)state;
    static const uint32_t depths[] = {128, 129, UINT32_MAX};
    for (size_t i = 0; i < COUNT(depths); i++) {
        weir_reader_options options = {.limits = {.depth = depths[i]}};
        expect_depth(&options, "*1\r\n", WEIR_READER_DEPTH);
    }
}

static void each_type_with_elements_counts_for_depth(void **state) {
    (void)state;
    static const weir_reader_options two = {.limits = {.depth = 2}};
    feed_expect_text(&two, WIRE("|1\r\n+k\r\n~1\r\n:1\r\n:2\r\n"), "|{+\"k\" ~[:1]} :2");
    feed_expect_text(&two, WIRE(">1\r\n%1\r\n:1\r\n:2\r\n"), ">[%{:1 :2}]");
    feed_expect_fault(&two, WIRE("*1\r\n*1\r\n%1\r\n"), WEIR_FAULT_DEPTH, 8);
    feed_expect_fault(&two, WIRE("*1\r\n*1\r\n~1\r\n"), WEIR_FAULT_DEPTH, 8);
    feed_expect_fault(&two, WIRE("*1\r\n*1\r\n|1\r\n"), WEIR_FAULT_DEPTH, 8);
}

static void what_has_no_elements_needs_no_depth(void **state) {
    (void)state;
    static const weir_reader_options one = {.limits = {.depth = 1}};
    feed_expect_text(&one, WIRE("*5\r\n*0\r\n~0\r\n%0\r\n*-1\r\n|0\r\n:1\r\n"),
                     "*[*[] ~[] %{} *nil |{} :1]");
}

static void siblings_do_not_add_to_depth(void **state) {
    (void)state;
    static const weir_reader_options two = {.limits = {.depth = 2}};
    feed_expect_text(&two, WIRE("*3\r\n*1\r\n:1\r\n%1\r\n:2\r\n:3\r\n~1\r\n:4\r\n"),
                     "*[*[:1] %{:2 :3} ~[:4]]");
}

static void a_million_nested_arrays_are_refused_at_the_129th(void **state) {
    (void)state;
    weir_view wire = nested("*1\r\n", 1000000);
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    size_t tokens = 0;
    for (size_t at = 0;; at += used, tokens++) {
        weir_view rest = weir_bytes(wire.data + at, wire.len - at);
        if (weir_reader_next(&reader, rest, &used, &token) != WEIR_OK) {
            break;
        }
    }
    assert_int_equal(tokens, WEIR_READER_DEPTH);
    assert_int_equal(weir_reader_fault(&reader), WEIR_FAULT_DEPTH);
    assert_int_equal(weir_reader_offset(&reader), WEIR_READER_DEPTH * 4);
    weir_reader_init(&reader, NULL);
    assert_status(weir_reader_skip_reply(&reader, wire, &used), WEIR_ERR_PROTOCOL);
    assert_int_equal(weir_reader_offset(&reader), WEIR_READER_DEPTH * 4);
    free_wire(wire);
}

/* ---- elements ---- */

static void elements_are_limited_exactly(void **state) {
    (void)state;
    static const weir_reader_options four = {.limits = {.elements = 4}};
    static const char *const read[] = {"*4\r\n", "~4\r\n", ">4\r\n", "%2\r\n", "|2\r\n"};
    static const char *const refused[] = {"*5\r\n", "~5\r\n", ">5\r\n", "%3\r\n", "|3\r\n"};
    for (size_t i = 0; i < COUNT(read); i++) {
        weir_reader reader;
        assert_status(read_head(&four, read[i], &reader), WEIR_OK);
        feed_expect_fault(&four, weir_text(refused[i]), WEIR_FAULT_ELEMENTS, 1);
    }
}

static void elements_are_limited_to_2_32_less_1_unless_said(void **state) {
    (void)state;
    static const char *const read[] = {"*4294967295\r\n", "~4294967295\r\n",
                                       ">4294967295\r\n", "%2147483647\r\n",
                                       "|2147483647\r\n"};
    static const char *const refused[] = {"*4294967296\r\n", "~4294967296\r\n",
                                          ">4294967296\r\n", "%2147483648\r\n",
                                          "|2147483648\r\n"};
    for (size_t i = 0; i < COUNT(read); i++) {
        weir_reader reader;
        assert_status(read_head(NULL, read[i], &reader), WEIR_OK);
        expect_head_refused(refused[i], WEIR_FAULT_ELEMENTS);
    }
}

static void counts_up_to_2_63_less_1_can_be_allowed(void **state) {
    (void)state;
    static const weir_reader_options all = {.limits = {.elements = UINT64_MAX}};
    weir_reader reader;
    assert_status(read_head(&all, "*9223372036854775807\r\n", &reader), WEIR_OK);
    assert_status(read_head(&all, "%9223372036854775807\r\n", &reader), WEIR_OK);
    feed_expect_fault(&all, WIRE("*9223372036854775808\r\n"), WEIR_FAULT_HUGE, 20);
}

/* ---- strings ---- */

static void strings_are_limited_exactly(void **state) {
    (void)state;
    static const weir_reader_options six = {.limits = {.bulk_bytes = 6}};
    feed_expect_text(&six, WIRE("$6\r\nabcdef\r\n"), "$\"abcdef\"");
    feed_expect_text(&six, WIRE("!6\r\nabcdef\r\n"), "!\"abcdef\"");
    feed_expect_text(&six, WIRE("=6\r\ntxt:ef\r\n"), "=txt:\"ef\"");
    feed_expect_fault(&six, WIRE("$7\r\nabcdefg\r\n"), WEIR_FAULT_BULK_BYTES, 1);
    feed_expect_fault(&six, WIRE("!7\r\nabcdefg\r\n"), WEIR_FAULT_BULK_BYTES, 1);
    feed_expect_fault(&six, WIRE("=7\r\ntxt:efg\r\n"), WEIR_FAULT_BULK_BYTES, 1);
}

static void strings_are_limited_to_512_mib_unless_said(void **state) {
    (void)state;
    weir_reader reader;
    assert_status(read_head(NULL, "$536870912\r\n", &reader), WEIR_MORE);
    expect_head_refused("$536870913\r\n", WEIR_FAULT_BULK_BYTES);
    expect_head_refused("!536870913\r\n", WEIR_FAULT_BULK_BYTES);
    expect_head_refused("=536870913\r\n", WEIR_FAULT_BULK_BYTES);
}

static void strings_up_to_2_63_less_1_can_be_allowed(void **state) {
    (void)state;
    static const weir_reader_options all = {
        .limits = {.bulk_bytes = UINT64_MAX, .reply_bytes = UINT64_MAX}};
    weir_reader reader;
    assert_status(read_head(&all, "$9223372036854775807\r\nabc\r\n", &reader), WEIR_MORE);
    feed_expect_fault(&all, WIRE("$9223372036854775808\r\n"), WEIR_FAULT_HUGE, 20);
}

/* ---- lines ---- */

static void lines_are_limited_exactly(void **state) {
    (void)state;
    static const weir_reader_options six = {.limits = {.line_bytes = 6}};
    feed_expect_text(&six, WIRE("+abcdef\r\n"), "+\"abcdef\"");
    feed_expect_text(&six, WIRE("-abcdef\r\n"), "-\"abcdef\"");
    feed_expect_text(&six, WIRE(",123.25\r\n"), ",123.25");
    feed_expect_text(&six, WIRE("(123456\r\n"), "(123456");
    static const char *const refused[] = {"+abcdefg\r\n",
                                          "-abcdefg\r\n",
                                          ",123.256\r\n",
                                          "(1234567\r\n",
                                          "_1234567\r\n",
                                          "#1234567\r\n",
                                          "+abcdefg",
                                          "+abcdefghijklmnopqrstuvwxyz\r\n",
                                          "+abcdefghijklmnopqrstuvwxyz\n"};
    for (size_t i = 0; i < COUNT(refused); i++) {
        feed_expect_fault(&six, weir_text(refused[i]), WEIR_FAULT_LINE_BYTES, 7);
    }
    feed_expect_fault(&six, WIRE("+abcdef\n"), WEIR_FAULT_TERM, 7);
}

static void lines_are_limited_to_64_kib_unless_said(void **state) {
    (void)state;
    enum { LIMIT = 64 * 1024 };
    char *wire = malloc(LIMIT + 4);
    assert_non_null(wire);
    memset(wire, 'a', LIMIT + 2);
    wire[0] = '+';
    memcpy(wire + 1 + LIMIT, "\r\n", 3);
    weir_reader reader;
    assert_status(read_head(NULL, wire, &reader), WEIR_OK);
    memcpy(wire + 1 + LIMIT, "a\r", 3);
    assert_status(read_head(NULL, wire, &reader), WEIR_ERR_PROTOCOL);
    assert_int_equal(weir_reader_fault(&reader), WEIR_FAULT_LINE_BYTES);
    assert_int_equal(weir_reader_offset(&reader), 1 + LIMIT);
    free(wire);
}

static void integers_are_no_lines_of_that_limit(void **state) {
    (void)state;
    static const weir_reader_options one = {.limits = {.line_bytes = 1}};
    feed_expect_text(&one, WIRE(":-9223372036854775808\r\n"), ":-9223372036854775808");
    feed_expect_text(&one, WIRE("$10\r\nabcdefghij\r\n"), "$\"abcdefghij\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_is_limited_to_128),
        cmocka_unit_test(depth_can_be_limited_further),
        cmocka_unit_test(depth_cannot_be_extended),
        cmocka_unit_test(each_type_with_elements_counts_for_depth),
        cmocka_unit_test(what_has_no_elements_needs_no_depth),
        cmocka_unit_test(siblings_do_not_add_to_depth),
        cmocka_unit_test(a_million_nested_arrays_are_refused_at_the_129th),
        cmocka_unit_test(elements_are_limited_exactly),
        cmocka_unit_test(elements_are_limited_to_2_32_less_1_unless_said),
        cmocka_unit_test(counts_up_to_2_63_less_1_can_be_allowed),
        cmocka_unit_test(strings_are_limited_exactly),
        cmocka_unit_test(strings_are_limited_to_512_mib_unless_said),
        cmocka_unit_test(strings_up_to_2_63_less_1_can_be_allowed),
        cmocka_unit_test(lines_are_limited_exactly),
        cmocka_unit_test(lines_are_limited_to_64_kib_unless_said),
        cmocka_unit_test(integers_are_no_lines_of_that_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
