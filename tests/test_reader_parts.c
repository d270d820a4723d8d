/* Values whose size is told by their end, strings taken in parts, and the budget of a whole
 * reply.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"

#include <stdlib.h>

/* ---- streamed aggregates ---- */

static void streamed_aggregates_tell_their_end(void **state) {
    (void)state;
    feed_expect_text(NULL,
                     WIRE("*?\r\n:1\r\n~?\r\n.\r\n%?\r\n+a\r\n*1\r\n:2\r\n.\r\n.\r\n"),
                     "*[:1 ~[] %{+\"a\" *[:2]}]");
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    assert_status(weir_reader_next(&reader, WIRE("*?\r\n"), &used, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_ARRAY);
    assert_true(token.number == WEIR_STREAMED);
    assert_int_equal(token.depth, 0);
    assert_status(weir_reader_next(&reader, WIRE(".\r\n"), &used, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_END);
    assert_int_equal(token.depth, 0);
    assert_true(weir_reader_is_between(&reader));
}

static void an_end_stands_only_where_something_can_end(void **state) {
    (void)state;
    feed_expect_fault(NULL, WIRE(".\r\n"), WEIR_FAULT_STREAM, 0);
    feed_expect_fault(NULL, WIRE("*1\r\n.\r\n"), WEIR_FAULT_STREAM, 4);
    feed_expect_fault(NULL, WIRE("*?\r\n*1\r\n.\r\n"), WEIR_FAULT_STREAM, 8);
    feed_expect_fault(NULL, WIRE("%?\r\n+a\r\n.\r\n"), WEIR_FAULT_STREAM, 8);
    feed_expect_fault(NULL, WIRE("*?\r\n|1\r\n+a\r\n+b\r\n.\r\n"), WEIR_FAULT_STREAM, 16);
    feed_expect_fault(NULL, WIRE("*?\r\n.x\r\n"), WEIR_FAULT_STREAM, 5);
}

static void streamed_pushes_and_attributes_are_refused(void **state) {
    (void)state;
    feed_expect_fault(NULL, WIRE(">?\r\n"), WEIR_FAULT_LEN, 1);
    feed_expect_fault(NULL, WIRE("|?\r\n"), WEIR_FAULT_LEN, 1);
    feed_expect_fault(NULL, WIRE("!?\r\n"), WEIR_FAULT_LEN, 1);
    feed_expect_fault(NULL, WIRE("=?\r\n"), WEIR_FAULT_LEN, 1);
    feed_expect_fault(NULL, WIRE("*?1\r\n"), WEIR_FAULT_LEN, 2);
    feed_expect_fault(NULL, WIRE("*1?\r\n"), WEIR_FAULT_LEN, 2);
}

static void resp2_has_no_streamed_types(void **state) {
    (void)state;
    static const weir_reader_options resp2 = {.protocol = 2};
    feed_expect_fault(&resp2, WIRE("*?\r\n"), WEIR_FAULT_LEN, 1);
    feed_expect_fault(&resp2, WIRE("$?\r\n"), WEIR_FAULT_LEN, 1);
    feed_expect_fault(&resp2, WIRE(";1\r\n"), WEIR_FAULT_TYPE, 0);
}

static void elements_of_a_streamed_aggregate_are_limited(void **state) {
    (void)state;
    static const weir_reader_options two = {.limits = {.elements = 2}};
    feed_expect_text(&two, WIRE("*?\r\n:1\r\n:2\r\n.\r\n"), "*[:1 :2]");
    feed_expect_fault(&two, WIRE("*?\r\n:1\r\n:2\r\n:3\r\n"), WEIR_FAULT_ELEMENTS, 12);
}

static void depth_of_streamed_aggregates_is_limited(void **state) {
    (void)state;
    static const weir_reader_options one = {.limits = {.depth = 1}};
    feed_expect_text(&one, WIRE("*?\r\n*0\r\n.\r\n"), "*[*[]]");
    feed_expect_fault(&one, WIRE("*?\r\n*?\r\n"), WEIR_FAULT_DEPTH, 4);
}

/* ---- streamed strings ---- */

static void a_streamed_string_is_a_string(void **state) {
    (void)state;
    feed_expect_text(NULL, WIRE("*2\r\n$?\r\n;2\r\na\"\r\n;1\r\nc\r\n;0\r\n:2\r\n"),
                     "*[$\"a\\x22c\" :2]");
    feed_expect_text(NULL, WIRE("$?\r\n;0\r\n+OK\r\n"), "$\"\" ; +\"OK\"");
}

static void only_a_part_may_follow_a_part(void **state) {
    (void)state;
    feed_expect_fault(NULL, WIRE("$?\r\n:1\r\n"), WEIR_FAULT_STREAM, 4);
    feed_expect_fault(NULL, WIRE("$?\r\n;1\r\na\r\n>1\r\n"), WEIR_FAULT_STREAM, 11);
    feed_expect_fault(NULL, WIRE("$?\r\n;1\r\na\r\n.\r\n"), WEIR_FAULT_STREAM, 11);
    feed_expect_fault(NULL, WIRE(";1\r\na\r\n"), WEIR_FAULT_STREAM, 0);
    feed_expect_fault(NULL, WIRE("$?\r\n;1\r\nab\r\n"), WEIR_FAULT_TERM, 9);
    feed_expect_fault(NULL, WIRE("$?\r\n;-1\r\n"), WEIR_FAULT_LEN, 5);
}

static void all_parts_together_are_limited(void **state) {
    (void)state;
    static const weir_reader_options four = {.limits = {.bulk_bytes = 4}};
    feed_expect_text(&four, WIRE("$?\r\n;2\r\nab\r\n;2\r\ncd\r\n;0\r\n"), "$\"abcd\"");
    feed_expect_fault(&four, WIRE("$?\r\n;2\r\nab\r\n;3\r\ncde\r\n"), WEIR_FAULT_BULK_BYTES,
                      13);
}

/* ---- strings in parts ---- */

/* What the reader gives of a wire in pieces of `step` bytes, parts joined. */
struct joined {
    char bytes[256];
    size_t len;
    size_t parts;
    size_t begun; /* tokens that say that a string comes in parts */
    size_t whole; /* tokens of whole strings */
    size_t most;  /* bytes of the largest part */
};

static void add_token(struct joined *joined, const weir_token *token) {
    bool is_string = token->type == WEIR_TOKEN_BULK || token->type == WEIR_TOKEN_PART;
    joined->begun += token->type == WEIR_TOKEN_STRING ? 1 : 0;
    joined->whole += token->type == WEIR_TOKEN_BULK ? 1 : 0;
    joined->parts += token->type == WEIR_TOKEN_PART ? 1 : 0;
    if (!is_string || token->bytes.len == 0) {
        return;
    }
    assert_true(joined->len + token->bytes.len <= sizeof joined->bytes);
    memcpy(joined->bytes + joined->len, token->bytes.data, token->bytes.len);
    joined->len += token->bytes.len;
    joined->most = token->bytes.len > joined->most ? token->bytes.len : joined->most;
}

/* Holds at most `step` bytes that are not used: what a receive buffer of that size does. */
static void join(const weir_reader_options *options, weir_view wire, size_t step,
                 struct joined *joined) {
    weir_reader reader;
    weir_reader_init(&reader, options);
    memset(joined, 0, sizeof *joined);
    size_t at = 0;
    size_t to = 0;
    while (at < wire.len) {
        to = at + step < wire.len ? at + step : wire.len;
        weir_view piece = support_guard(weir_bytes(wire.data + at, to - at));
        weir_token token;
        size_t used;
        weir_status st = weir_reader_next(&reader, piece, &used, &token);
        if (st == WEIR_OK) {
            add_token(joined, &token);
        }
        support_unguard(piece);
        assert_true(st >= 0);
        assert_true(st == WEIR_OK || used > 0); /* a full buffer must get on */
        at += used;
    }
    assert_true(weir_reader_is_between(&reader));
}

static void a_string_can_pass_through_a_small_buffer(void **state) {
    (void)state;
    static const weir_reader_options small = {.parts_above = 8};
    static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    weir_view wire =
        WIRE("*2\r\n$36\r\nabcdefghijklmnopqrstuvwxyz0123456789\r\n$3\r\nend\r\n");
    for (size_t step = 10; step <= wire.len; step++) {
        struct joined joined;
        join(&small, wire, step, &joined);
        assert_int_equal(joined.begun, 1);
        assert_int_equal(joined.whole, 1);
        assert_int_equal(joined.len, 39);
        assert_memory_equal(joined.bytes, text, 36);
        assert_true(joined.most <= step);
    }
}

static void parts_say_what_begins_and_which_is_the_last(void **state) {
    (void)state;
    static const weir_reader_options all = {.parts_above = 1};
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &all);
    weir_view wire = WIRE("!5\r\nERR a\r\n");
    assert_status(weir_reader_next(&reader, wire, &used, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_STRING);
    assert_int_equal(token.number, 5);
    assert_view(token.bytes, "!");
    assert_int_equal(used, 4);
    wire = weir_bytes(wire.data + 4, wire.len - 4);
    assert_status(weir_reader_next(&reader, weir_bytes(wire.data, 5), &used, &token),
                  WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_PART);
    assert_view(token.bytes, "ERR a");
    assert_int_equal(token.number, 0);
    assert_false(weir_reader_is_between(&reader));
    assert_status(weir_reader_next(&reader, WIRE("\r"), &used, &token), WEIR_MORE);
    assert_int_equal(used, 0);
    assert_status(weir_reader_next(&reader, WIRE("\r\n"), &used, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_PART);
    assert_int_equal(token.bytes.len, 0);
    assert_int_equal(token.number, 1);
    assert_true(weir_reader_is_between(&reader));
}

static void a_string_in_parts_is_checked_to_its_end(void **state) {
    (void)state;
    static const weir_reader_options all = {.parts_above = 1};
    feed_expect_fault(NULL, WIRE("$5\r\nhelloXX"), WEIR_FAULT_TERM, 9);
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &all);
    assert_status(weir_reader_next(&reader, WIRE("$5\r\n"), &used, &token), WEIR_OK);
    assert_status(weir_reader_next(&reader, WIRE("helloX"), &used, &token),
                  WEIR_ERR_PROTOCOL);
    assert_int_equal(weir_reader_offset(&reader), 9);
    weir_reader_init(&reader, &all);
    assert_status(weir_reader_next(&reader, WIRE("=9\r\n"), &used, &token), WEIR_MORE);
    assert_status(weir_reader_next(&reader, WIRE("=9\r\ntxt;"), &used, &token),
                  WEIR_ERR_PROTOCOL);
    assert_int_equal(weir_reader_fault(&reader), WEIR_FAULT_VERB);
}

static void the_parts_of_a_streamed_string_may_come_in_parts(void **state) {
    (void)state;
    static const weir_reader_options all = {.parts_above = 2};
    weir_view wire = WIRE("$?\r\n;5\r\nhello\r\n;1\r\n!\r\n;0\r\n");
    for (size_t step = 7; step <= wire.len; step++) { /* ";1 CR LF ! CR LF" */
        struct joined joined;
        join(&all, wire, step, &joined);
        assert_int_equal(joined.begun, 1);
        assert_int_equal(joined.len, 6);
        assert_memory_equal(joined.bytes, "hello!", 6);
    }
}

static void half_a_gigabyte_passes_through_4_kib(void **state) {
    (void)state;
    static const weir_reader_options parts = {.parts_above = 4096};
    static char block[4096];
    weir_reader reader;
    weir_token token;
    size_t used;
    memset(block, 'x', sizeof block);
    weir_reader_init(&reader, &parts);
    assert_status(weir_reader_next(&reader, WIRE("$536870912\r\n"), &used, &token),
                  WEIR_OK);
    assert_int_equal(token.number, 536870912);
    uint64_t sum = 0;
    while (sum < 536870912) {
        assert_status(
            weir_reader_next(&reader, weir_bytes(block, sizeof block), &used, &token),
            WEIR_OK);
        assert_int_equal(used, sizeof block);
        sum += token.bytes.len;
    }
    assert_status(weir_reader_next(&reader, WIRE("\r\n"), &used, &token), WEIR_OK);
    assert_int_equal(token.number, 1);
    assert_true(weir_reader_is_between(&reader));
}

/* ---- the reply's budget ---- */

static void a_replys_bytes_are_limited(void **state) {
    (void)state;
    static const weir_reader_options ten = {.limits = {.reply_bytes = 12}};
    feed_expect_text(&ten, WIRE("*2\r\n:1\r\n:2\r\n:3\r\n"), "*[:1 :2] ; :3");
    feed_expect_fault(&ten, WIRE("*4\r\n:1\r\n:2\r\n:3\r\n"), WEIR_FAULT_REPLY_BYTES, 12);
    feed_expect_text(&ten, WIRE("*1\r\n$4\r\nabcd\r\n"), "*[$\"abcd\"]");
    feed_expect_fault(&ten, WIRE("*1\r\n$5\r\nabcde\r\n"), WEIR_FAULT_REPLY_BYTES, 5);
    feed_expect_fault(&ten, WIRE("*2\r\n:123\r\n$1\r\na\r\n"), WEIR_FAULT_REPLY_BYTES, 11);
    feed_expect_fault(&ten, WIRE("|1\r\n:1\r\n:2\r\n:3\r\n"), WEIR_FAULT_REPLY_BYTES, 12);
}

static void a_reply_of_a_gibibyte_is_the_default_limit(void **state) {
    (void)state;
    static const weir_reader_options parts = {.limits = {.bulk_bytes = UINT64_MAX},
                                              .parts_above = 1};
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &parts);
    assert_status(weir_reader_next(&reader, WIRE("$1073741811\r\n"), &used, &token),
                  WEIR_OK);
    weir_reader_init(&reader, &parts);
    assert_status(weir_reader_next(&reader, WIRE("$1073741812\r\n"), &used, &token),
                  WEIR_ERR_PROTOCOL);
    assert_int_equal(weir_reader_fault(&reader), WEIR_FAULT_REPLY_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streamed_aggregates_tell_their_end),
        cmocka_unit_test(an_end_stands_only_where_something_can_end),
        cmocka_unit_test(streamed_pushes_and_attributes_are_refused),
        cmocka_unit_test(resp2_has_no_streamed_types),
        cmocka_unit_test(elements_of_a_streamed_aggregate_are_limited),
        cmocka_unit_test(depth_of_streamed_aggregates_is_limited),
        cmocka_unit_test(a_streamed_string_is_a_string),
        cmocka_unit_test(only_a_part_may_follow_a_part),
        cmocka_unit_test(all_parts_together_are_limited),
        cmocka_unit_test(a_string_can_pass_through_a_small_buffer),
        cmocka_unit_test(parts_say_what_begins_and_which_is_the_last),
        cmocka_unit_test(a_string_in_parts_is_checked_to_its_end),
        cmocka_unit_test(the_parts_of_a_streamed_string_may_come_in_parts),
        cmocka_unit_test(half_a_gigabyte_passes_through_4_kib),
        cmocka_unit_test(a_replys_bytes_are_limited),
        cmocka_unit_test(a_reply_of_a_gibibyte_is_the_default_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
