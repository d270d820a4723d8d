/* The reader's facts: what a token tells, what a fault names, and what state is kept
 * between two calls. Limits are in test_reader_limits.c, skipping in test_reader_skip.c.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "feed.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const weir_reader_options resp2 = {.protocol = 2};

/* Something of everything, at several depths, with a push and attributes. */
#define MIXED                                                                              \
    "*4\r\n$1\r\na\r\n%1\r\n+k\r\n|1\r\n+t\r\n:9\r\n*2\r\n:1\r\n*0\r\n|0\r\n_\r\n"         \
    "~1\r\n#t\r\n>1\r\n+p\r\n-ERR x\r\n=5\r\ntxt:y\r\n,1.5\r\n(7\r\n!1\r\nE\r\n"

/* ---- tokens ---- */

static void each_type_tells_its_number_or_bytes(void **state) {
    (void)state;
    static const struct {
        const char *wire;
        weir_token_type type;
        int64_t number;
        const char *bytes; /* NULL: none */
    } cases[] = {
        {"+a\r\n", WEIR_TOKEN_SIMPLE, 0, "a"},
        {"-E x\r\n", WEIR_TOKEN_ERROR, 0, "E x"},
        {"$3\r\na\r\n\r\n", WEIR_TOKEN_BULK, 0, "a\r\n"},
        {"!2\r\nER\r\n", WEIR_TOKEN_BULK_ERROR, 0, "ER"},
        {"=5\r\ntxt:a\r\n", WEIR_TOKEN_VERBATIM, 0, "txt:a"},
        {":-12\r\n", WEIR_TOKEN_INTEGER, -12, NULL},
        {":+12\r\n", WEIR_TOKEN_INTEGER, 12, NULL},
        {":-9223372036854775808\r\n", WEIR_TOKEN_INTEGER, INT64_MIN, NULL},
        {":9223372036854775807\r\n", WEIR_TOKEN_INTEGER, INT64_MAX, NULL},
        {"#t\r\n", WEIR_TOKEN_BOOLEAN, 1, NULL},
        {"#f\r\n", WEIR_TOKEN_BOOLEAN, 0, NULL},
        {",-1.5e3\r\n", WEIR_TOKEN_DOUBLE, 0, "-1.5e3"},
        {"(-12\r\n", WEIR_TOKEN_BIG_NUMBER, 0, "-12"},
        {"(+12\r\n", WEIR_TOKEN_BIG_NUMBER, 0, "12"},
        {"*3\r\n", WEIR_TOKEN_ARRAY, 3, NULL},
        {"~3\r\n", WEIR_TOKEN_SET, 3, NULL},
        {">3\r\n", WEIR_TOKEN_PUSH, 3, NULL},
        {"%3\r\n", WEIR_TOKEN_MAP, 3, NULL},
        {"|3\r\n", WEIR_TOKEN_ATTRIBUTE, 3, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct feed feed;
        feed_open(&feed, cases[i].wire, weir_text(cases[i].wire));
        feed_every_cut(&feed, NULL, FEED_NEXT);
        assert_int_equal(feed.token_count, 1);
        const struct feed_token *token = &feed.tokens[0];
        assert_int_equal(token->type, cases[i].type);
        assert_int_equal(token->depth, 0);
        assert_int_equal(token->number, cases[i].number);
        assert_view(weir_bytes(cases[i].wire + token->at, token->len),
                    cases[i].bytes != NULL ? cases[i].bytes : "");
        assert_int_equal(token->at == 0, cases[i].bytes == NULL);
        assert_int_equal(token->end, strlen(cases[i].wire));
        feed_close(&feed);
    }
}

static weir_token token_of(const weir_reader_options *options, const char *wire) {
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, options);
    assert_status(weir_reader_next(&reader, weir_text(wire), &used, &token), WEIR_OK);
    assert_int_equal(used, strlen(wire));
    return token;
}

static void a_null_tells_the_type_byte_that_was_sent(void **state) {
    (void)state;
    static const char *const nulls[] = {"_\r\n", "$-1\r\n", "*-1\r\n"};
    for (size_t i = 0; i < COUNT(nulls); i++) {
        weir_token token = token_of(NULL, nulls[i]);
        assert_int_equal(token.type, WEIR_TOKEN_NULL);
        assert_int_equal(token.number, nulls[i][0]);
        assert_int_equal(token.bytes.len, 0);
    }
    assert_int_equal(token_of(&resp2, "$-1\r\n").number, '$');
    assert_int_equal(token_of(&resp2, "*-1\r\n").number, '*');
}

static void a_token_borrows_the_input(void **state) {
    (void)state;
    static const char wire[] = "$3\r\nabc\r\n";
    assert_ptr_equal(token_of(NULL, wire).bytes.data, wire + 4);
}

static void each_token_tells_its_depth(void **state) {
    (void)state;
    static const uint32_t depths[] = {0, 1, 1, 2, 2, 3, 3, 2, 3, 3, 1, 1, 1, 2, 0, 1, 0};
    struct feed feed;
    feed_open(&feed, MIXED, WIRE(MIXED));
    feed_every_cut(&feed, NULL, FEED_NEXT);
    for (size_t i = 0; i < COUNT(depths); i++) {
        assert_int_equal(feed.tokens[i].depth, depths[i]);
    }
    feed_close(&feed);
}

static void a_bulk_may_hold_any_byte(void **state) {
    (void)state;
    char wire[6 + 256 + 2] = "$256\r\n";
    for (size_t i = 0; i < 256; i++) {
        wire[6 + i] = (char)i;
    }
    wire[262] = '\r';
    wire[263] = '\n';
    struct feed feed;
    feed_open(&feed, "all bytes", weir_bytes(wire, sizeof wire));
    feed_every_cut(&feed, NULL, FEED_NEXT);
    assert_status(feed.status, WEIR_OK);
    assert_int_equal(feed.tokens[0].at, 6);
    assert_int_equal(feed.tokens[0].len, 256);
    feed_close(&feed);
}

static void a_simple_string_may_hold_any_byte_but_cr_and_lf(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char wire[] = {'+', 'a', (char)byte, 'b', '\r', '\n'};
        struct feed feed;
        feed_open(&feed, "one byte", weir_bytes(wire, sizeof wire));
        feed_every_cut(&feed, NULL, FEED_NEXT);
        if (byte == '\r' || byte == '\n') {
            assert_int_equal(feed.fault, WEIR_FAULT_TERM);
            assert_int_equal(feed.offset, byte == '\r' ? 3 : 2);
        } else {
            assert_status(feed.status, WEIR_OK);
            assert_int_equal(feed.tokens[0].len, 3);
        }
        feed_close(&feed);
    }
}

/* ---- grammar of numbers ---- */

/* The text of `len` letters that has this number. */
static void spell(char *text, size_t len, const char *letters, size_t number) {
    size_t base = strlen(letters);
    for (size_t at = 0; at < len; at++, number /= base) {
        text[at] = letters[number % base];
    }
    text[len] = '\0';
}

static bool is_accepted(const char *wire) {
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    return weir_reader_next(&reader, weir_text(wire), &used, &token) != WEIR_ERR_PROTOCOL;
}

static void fail_grammar(char type, const char *text, bool is_match) {
    fail_msg("%c%s is %s", type, text, is_match ? "refused" : "accepted");
}

/* Reads TYPE TEXT CR LF, for every text of up to four letters, and asks whether exactly
 * those that the pattern matches are accepted. */
static void expect_grammar(char type, const char *letters, const char *pattern) {
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    for (size_t len = 0, count = 1; len <= 4; len++, count *= strlen(letters)) {
        for (size_t i = 0; i < count; i++) {
            char text[8];
            char wire[16];
            spell(text, len, letters, i);
            (void)snprintf(wire, sizeof wire, "%c%s\r\n", type, text);
            bool is_match = regexec(&regex, text, 0, NULL, 0) == 0;
            if (is_accepted(wire) != is_match) {
                fail_grammar(type, text, is_match);
            }
        }
    }
    regfree(&regex);
}

static void an_integer_is_a_sign_and_digits_without_leading_zeros(void **state) {
    (void)state;
    expect_grammar(':', "+-019 x", "^([+]?(0|[1-9][0-9]*)|-[1-9][0-9]*)$");
}

static void a_length_is_digits_without_leading_zeros_or_the_null(void **state) {
    (void)state;
    expect_grammar('$', "+-019 x", "^(0|[1-9][0-9]*|-1)$");
    expect_grammar('*', "+-019 x", "^(0|[1-9][0-9]*|-1)$");
    expect_grammar('!', "+-019 x", "^(0|[1-9][0-9]*)$");
    expect_grammar('%', "+-019 x", "^(0|[1-9][0-9]*)$");
    expect_grammar('~', "+-019 x", "^(0|[1-9][0-9]*)$");
    expect_grammar('|', "+-019 x", "^(0|[1-9][0-9]*)$");
    expect_grammar('>', "+-019 x", "^(0|[1-9][0-9]*)$");
    expect_grammar('=', "+-0149 x", "^([4-9]|[1-9][0-9]+)$");
}

static void a_boolean_is_t_or_f(void **state) {
    (void)state;
    expect_grammar('#', "tfTF1", "^[tf]$");
}

static void a_null_is_bare(void **state) {
    (void)state;
    expect_grammar('_', "_1 ", "^$");
}

/* ---- faults ---- */

static void a_fault_names_its_byte(void **state) {
    (void)state;
    static const struct {
        const char *wire;
        weir_resp_fault fault;
        uint64_t offset;
    } cases[] = {
        {"x", WEIR_FAULT_TYPE, 0},
        {"+OK\r\nx", WEIR_FAULT_TYPE, 5},
        {"*2\r\n:1\r\n.\r\n", WEIR_FAULT_STREAM, 8},
        {"+a\nb", WEIR_FAULT_TERM, 2},
        {"+a\rb", WEIR_FAULT_TERM, 3},
        {":1\rx", WEIR_FAULT_TERM, 3},
        {"$1\r\nax", WEIR_FAULT_TERM, 5},
        {"$1\r\na\rx", WEIR_FAULT_TERM, 6},
        {":1x", WEIR_FAULT_INT, 2},
        {":01", WEIR_FAULT_INT, 2},
        {":\r\n", WEIR_FAULT_INT, 1},
        {":-\r\n", WEIR_FAULT_INT, 2},
        {":-0\r\n", WEIR_FAULT_INT, 3},
        {":1-", WEIR_FAULT_INT, 2},
        {":9223372036854775808\r\n", WEIR_FAULT_INT, 20},
        {":-9223372036854775809\r\n", WEIR_FAULT_INT, 21},
        {":18446744073709551616", WEIR_FAULT_INT, 20},
        {"$x", WEIR_FAULT_LEN, 1},
        {"$+", WEIR_FAULT_LEN, 1},
        {"$\r\n", WEIR_FAULT_LEN, 1},
        {"$-\r\n", WEIR_FAULT_LEN, 2},
        {"$-2\r\n", WEIR_FAULT_LEN, 3},
        {"*01", WEIR_FAULT_LEN, 2},
        {"%-1\r\n", WEIR_FAULT_LEN, 1},
        {"$-18446744073709551616", WEIR_FAULT_LEN, 21},
        {"$18446744073709551616", WEIR_FAULT_HUGE, 20},
        {"$9223372036854775808\r\n", WEIR_FAULT_HUGE, 20},
        {"#x\r\n", WEIR_FAULT_BOOL, 1},
        {"#\r\n", WEIR_FAULT_BOOL, 1},
        {"_x\r\n", WEIR_FAULT_NULL, 1},
        {",x\r\n", WEIR_FAULT_DOUBLE, 1},
        {",\r\n", WEIR_FAULT_DOUBLE, 1},
        {"(x\r\n", WEIR_FAULT_BIGNUM, 1},
        {"(\r\n", WEIR_FAULT_BIGNUM, 1},
        {"=3\r\n", WEIR_FAULT_VERB, 1},
        {"=5\r\ntxtx", WEIR_FAULT_VERB, 7},
        {"*1\r\n>", WEIR_FAULT_NEST, 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        feed_expect_fault(NULL, weir_text(cases[i].wire), cases[i].fault, cases[i].offset);
    }
}

static void a_failure_stays_and_uses_nothing_more(void **state) {
    (void)state;
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    weir_view wire = WIRE("+OK\r\n:x\r\n");
    assert_status(weir_reader_next(&reader, wire, &used, &token), WEIR_OK);
    assert_int_equal(used, 5);
    wire = weir_bytes(wire.data + used, wire.len - used);
    for (size_t i = 0; i < 3; i++) {
        assert_status(weir_reader_next(&reader, wire, &used, &token), WEIR_ERR_PROTOCOL);
        assert_int_equal(used, 0);
        assert_int_equal(weir_reader_fault(&reader), WEIR_FAULT_INT);
        assert_int_equal(weir_reader_offset(&reader), 6);
        wire = WIRE("+OK\r\n");
    }
    assert_status(weir_reader_skip(&reader, wire, &used), WEIR_ERR_PROTOCOL);
    assert_status(weir_reader_skip_reply(&reader, wire, &used), WEIR_ERR_PROTOCOL);
    assert_false(weir_reader_is_between(&reader));
}

static void a_healthy_reader_has_no_fault(void **state) {
    (void)state;
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    assert_int_equal(weir_reader_fault(&reader), WEIR_FAULT_NONE);
    assert_status(weir_reader_next(&reader, WIRE("$5\r\nhe"), &used, &token), WEIR_MORE);
    assert_int_equal(weir_reader_fault(&reader), WEIR_FAULT_NONE);
    assert_int_equal(used, 0);
}

static void each_fault_has_a_text_of_its_own(void **state) {
    (void)state;
    for (int a = WEIR_FAULT_NONE; a <= WEIR_FAULT_DEPTH; a++) {
        const char *text = weir_resp_fault_text((weir_resp_fault)a);
        assert_true(strlen(text) > 0);
        for (int b = a + 1; b <= WEIR_FAULT_DEPTH + 1; b++) {
            assert_string_not_equal(text, weir_resp_fault_text((weir_resp_fault)b));
        }
    }
}

/* ---- protocols ---- */

/* The type bytes with which a reply may begin. */
static void expect_types(const weir_reader_options *options, const char *types) {
    for (int byte = 0; byte < 256; byte++) {
        weir_reader reader;
        weir_token token;
        size_t used;
        const char wire = (char)byte;
        weir_reader_init(&reader, options);
        weir_status st = weir_reader_next(&reader, weir_bytes(&wire, 1), &used, &token);
        bool is_type = memchr(types, byte, strlen(types)) != NULL;
        assert_status(st, is_type ? WEIR_MORE : WEIR_ERR_PROTOCOL);
        bool is_resp2 = options != NULL && options->protocol == 2;
        bool is_part = !is_resp2 && (byte == '.' || byte == ';');
        assert_int_equal(weir_reader_fault(&reader), is_type   ? WEIR_FAULT_NONE
                                                     : is_part ? WEIR_FAULT_STREAM
                                                               : WEIR_FAULT_TYPE);
        assert_int_equal(used, 0);
    }
}

static void resp2_has_five_types(void **state) {
    (void)state;
    expect_types(&resp2, "+-:$*");
}

static void resp3_has_fifteen_types(void **state) {
    (void)state;
    static const weir_reader_options resp3 = {.protocol = 3};
    static const weir_reader_options unsaid = {.protocol = 0};
    expect_types(&resp3, "+-:$*_#,(!=~%|>");
    expect_types(&unsaid, "+-:$*_#,(!=~%|>");
    expect_types(NULL, "+-:$*_#,(!=~%|>");
}

static void resp2_refuses_resp3_inside_of_a_reply(void **state) {
    (void)state;
    feed_expect_fault(&resp2, WIRE("*2\r\n:1\r\n_\r\n"), WEIR_FAULT_TYPE, 8);
    feed_expect_text(&resp2, WIRE("*2\r\n$-1\r\n*-1\r\n"), "*[$nil *nil]");
}

static void a_push_is_refused_inside_of_any_value(void **state) {
    (void)state;
    feed_expect_fault(NULL, WIRE("*1\r\n>1\r\n+a\r\n"), WEIR_FAULT_NEST, 4);
    feed_expect_fault(NULL, WIRE("~1\r\n>1\r\n+a\r\n"), WEIR_FAULT_NEST, 4);
    feed_expect_fault(NULL, WIRE("%1\r\n+k\r\n>1\r\n+a\r\n"), WEIR_FAULT_NEST, 8);
    feed_expect_fault(NULL, WIRE("|1\r\n+k\r\n>1\r\n+a\r\n"), WEIR_FAULT_NEST, 8);
    feed_expect_fault(NULL, WIRE(">2\r\n+a\r\n>1\r\n+b\r\n"), WEIR_FAULT_NEST, 8);
}

static void a_push_may_stand_between_two_replies(void **state) {
    (void)state;
    feed_expect_text(NULL, WIRE(":1\r\n>1\r\n+a\r\n:2\r\n"), ":1 ; >[+\"a\"] ; :2");
}

/* ---- between two calls ---- */

static void an_empty_input_may_have_no_address(void **state) {
    (void)state;
    weir_reader reader;
    weir_token token;
    size_t used = 1;
    weir_reader_init(&reader, NULL);
    weir_view empty = weir_bytes(NULL, 0);
    assert_status(weir_reader_next(&reader, empty, &used, &token), WEIR_MORE);
    assert_int_equal(used, 0);
    assert_status(weir_reader_skip(&reader, empty, &used), WEIR_MORE);
    assert_status(weir_reader_skip_reply(&reader, empty, &used), WEIR_MORE);
    assert_status(weir_reader_skip_reply(&reader, WIRE("$2\r\na"), &used), WEIR_MORE);
    assert_int_equal(used, 5);
    assert_status(weir_reader_skip_reply(&reader, empty, &used), WEIR_MORE);
    assert_int_equal(used, 0);
}

static void is_between_is_true_between_two_replies_alone(void **state) {
    (void)state;
    static const char wire[] =
        "*2\r\n|1\r\n+a\r\n:1\r\n:1\r\n*0\r\n|0\r\n+OK\r\n$1\r\nx\r\n";
    for (size_t cut = 0; cut < sizeof wire; cut++) {
        weir_reader reader;
        weir_token token;
        size_t used;
        size_t at = 0;
        weir_reader_init(&reader, NULL);
        while (weir_reader_next(&reader, weir_bytes(wire + at, cut - at), &used, &token) ==
               WEIR_OK) {
            at += used;
        }
        bool is_end = cut == 0 || cut == 24 || cut == 33 || cut == 40;
        assert_int_equal(weir_reader_is_between(&reader), is_end);
        assert_int_equal(weir_reader_offset(&reader), at);
    }
}

static void is_between_is_false_while_skipping(void **state) {
    (void)state;
    weir_reader reader;
    size_t used;
    weir_reader_init(&reader, NULL);
    assert_status(weir_reader_skip_reply(&reader, WIRE(""), &used), WEIR_MORE);
    assert_false(weir_reader_is_between(&reader));
    assert_status(weir_reader_skip_reply(&reader, WIRE(":1\r\n"), &used), WEIR_OK);
    assert_true(weir_reader_is_between(&reader));
}

static void depth_counts_what_is_open(void **state) {
    (void)state;
    struct feed feed;
    feed_open(&feed, MIXED, WIRE(MIXED));
    feed_run(&feed, NULL, FEED_NEXT, feed.wire.len, 1);
    weir_reader reader;
    weir_reader_init(&reader, NULL);
    for (size_t i = 0, at = 0; i < feed.token_count; i++) {
        assert_int_equal(weir_reader_depth(&reader), feed.tokens[i].depth);
        weir_token token;
        size_t used;
        weir_view input = feed_piece(&feed, at, feed.tokens[i].end);
        assert_status(weir_reader_next(&reader, input, &used, &token), WEIR_OK);
        at += used;
    }
    feed_close(&feed);
}

/* Makes a reader that has read the first `count` tokens of the feed's wire. */
static void read_tokens(weir_reader *reader, const struct feed *feed, size_t count) {
    weir_reader_init(reader, NULL);
    for (size_t i = 0, at = 0; i < count; i++) {
        weir_token token;
        size_t used;
        weir_view rest = weir_bytes(feed->wire.data + at, feed->wire.len - at);
        assert_status(weir_reader_next(reader, rest, &used, &token), WEIR_OK);
        at += used;
    }
}

/* The reader gives the tokens from `first` on, as they were read before. */
static void expect_rest(weir_reader *reader, const struct feed *feed, size_t first) {
    size_t at = first > 0 ? feed->tokens[first - 1].end : 0;
    for (size_t i = first; i < feed->token_count; i++) {
        weir_token token;
        size_t used;
        weir_view rest = weir_bytes(feed->wire.data + at, feed->wire.len - at);
        assert_int_equal(weir_reader_offset(reader), at);
        assert_status(weir_reader_next(reader, rest, &used, &token), WEIR_OK);
        at += used;
        assert_int_equal(token.type, feed->tokens[i].type);
        assert_int_equal(token.depth, feed->tokens[i].depth);
        assert_int_equal(token.number, feed->tokens[i].number);
        assert_int_equal(at, feed->tokens[i].end);
    }
    assert_true(weir_reader_is_between(reader));
}

static void leap_is_as_reading_the_value(void **state) {
    (void)state;
    struct feed feed;
    feed_open(&feed, MIXED, WIRE(MIXED));
    feed_run(&feed, NULL, FEED_NEXT, feed.wire.len, 1);
    size_t leaps = 0;
    for (size_t i = 1; i < feed.token_count; i++) {
        if (feed.tokens[i].depth == 0) {
            continue; /* a leap is for elements */
        }
        weir_reader reader;
        read_tokens(&reader, &feed, i);
        size_t last = feed_value_last(&feed, i);
        weir_reader_leap(&reader, feed.tokens[last].end - feed.tokens[i - 1].end);
        expect_rest(&reader, &feed, last + 1);
        leaps++;
    }
    assert_int_equal(leaps, 14);
    feed_close(&feed);
}

static void a_copy_can_try_ahead(void **state) {
    (void)state;
    struct feed feed;
    feed_open(&feed, MIXED, WIRE(MIXED));
    feed_run(&feed, NULL, FEED_NEXT, feed.wire.len, 1);
    for (size_t i = 0; i < feed.token_count; i++) {
        weir_reader reader;
        read_tokens(&reader, &feed, i);
        weir_reader ahead = reader;
        expect_rest(&ahead, &feed, i);
        weir_token token;
        size_t used;
        weir_reader broken = reader;
        assert_status(weir_reader_next(&broken, WIRE("x"), &used, &token),
                      WEIR_ERR_PROTOCOL);
        expect_rest(&reader, &feed, i);
    }
    feed_close(&feed);
}

static void init_forgets_all(void **state) {
    (void)state;
    weir_reader reader;
    weir_reader fresh;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &resp2);
    assert_status(weir_reader_next(&reader, WIRE("x"), &used, &token), WEIR_ERR_PROTOCOL);
    weir_reader_init(&reader, NULL);
    memset(&fresh, 0xEE, sizeof fresh);
    weir_reader_init(&fresh, NULL);
    assert_memory_equal(&reader, &fresh, sizeof reader);
}

/* ---- work ---- */

/* Gives a reader `head`, spoils what it has examined, and adds `tail`. */
static weir_token read_spoiled(const char *head, size_t kept, char spoil, const char *tail,
                               char *room) {
    weir_reader reader;
    weir_token token;
    size_t used;
    size_t len = strlen(head);
    weir_reader_init(&reader, NULL);
    memcpy(room, head, len);
    assert_status(weir_reader_next(&reader, weir_bytes(room, len), &used, &token),
                  WEIR_MORE);
    memset(room, spoil, len - kept);
    memcpy(room + len, tail, strlen(tail));
    weir_view all = weir_bytes(room, len + strlen(tail));
    assert_status(weir_reader_next(&reader, all, &used, &token), WEIR_OK);
    assert_int_equal(used, all.len);
    return token;
}

static void no_byte_of_a_header_is_examined_twice(void **state) {
    (void)state;
    char room[32];
    assert_view(read_spoiled("+abc", 0, '\n', "d\r\n", room).bytes, "\n\n\nd");
    assert_view(read_spoiled("+abc\r", 1, '\n', "\n", room).bytes, "\n\n\n");
    assert_int_equal(read_spoiled(":123", 0, 'x', "4\r\n", room).number, 1234);
    assert_int_equal(read_spoiled("*12\r", 1, 'x', "\n", room).number, 12);
    assert_view(read_spoiled("$5\r\nhe", 2, 'x', "llo\r\n", room).bytes, "hello");
    assert_view(read_spoiled("=5\r\n", 0, 'x', "txt:a\r\n", room).bytes, "txt:a");
}

/* Processor time in seconds for a value fed in single bytes, the least of three trials. */
static double seconds_in_single_bytes(const char *wire, size_t len) {
    static const weir_reader_options options = {.limits = {.line_bytes = 1 << 20}};
    double least = 1e9;
    for (size_t trial = 0; trial < 3; trial++) {
        weir_reader reader;
        weir_token token;
        size_t used;
        weir_reader_init(&reader, &options);
        clock_t begin = clock();
        for (size_t i = 0; i < len; i++) {
            assert_status(weir_reader_next(&reader, weir_bytes(wire, i), &used, &token),
                          WEIR_MORE);
        }
        double took = (double)(clock() - begin) / CLOCKS_PER_SEC;
        assert_status(weir_reader_next(&reader, weir_bytes(wire, len), &used, &token),
                      WEIR_OK);
        least = took < least ? took : least;
    }
    return least;
}

static double seconds_for(const char *head, size_t len) {
    char *wire = malloc(len);
    assert_non_null(wire);
    memset(wire, '1', len);
    memcpy(wire, head, strlen(head));
    memcpy(wire + len - 2, "\r\n", 2);
    double took = seconds_in_single_bytes(wire, len);
    free(wire);
    return took;
}

/* Twice the bytes take twice the time; if all were read anew each time it would be four
 * times, and seconds. The 20 ms are for a machine with other things to do. */
static void single_bytes_take_linear_time(void **state) {
    (void)state;
    static const struct {
        const char *half;
        const char *full;
    } heads[] = {{"+", "+"}, {",", ","}, {"(", "("}, {"$79990\r\n", "$159989\r\n"}};
    for (size_t i = 0; i < COUNT(heads); i++) {
        double half = seconds_for(heads[i].half, 80000);
        double full = seconds_for(heads[i].full, 160000);
        if (full > 3 * half + 0.02) {
            fail_msg("%s: 80 kB took %.3f s, 160 kB %.3f s", heads[i].half, half, full);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_tells_its_number_or_bytes),
        cmocka_unit_test(a_null_tells_the_type_byte_that_was_sent),
        cmocka_unit_test(a_token_borrows_the_input),
        cmocka_unit_test(each_token_tells_its_depth),
        cmocka_unit_test(a_bulk_may_hold_any_byte),
        cmocka_unit_test(a_simple_string_may_hold_any_byte_but_cr_and_lf),
        cmocka_unit_test(an_integer_is_a_sign_and_digits_without_leading_zeros),
        cmocka_unit_test(a_length_is_digits_without_leading_zeros_or_the_null),
        cmocka_unit_test(a_boolean_is_t_or_f),
        cmocka_unit_test(a_null_is_bare),
        cmocka_unit_test(a_fault_names_its_byte),
        cmocka_unit_test(a_failure_stays_and_uses_nothing_more),
        cmocka_unit_test(a_healthy_reader_has_no_fault),
        cmocka_unit_test(each_fault_has_a_text_of_its_own),
        cmocka_unit_test(resp2_has_five_types),
        cmocka_unit_test(resp3_has_fifteen_types),
        cmocka_unit_test(resp2_refuses_resp3_inside_of_a_reply),
        cmocka_unit_test(a_push_is_refused_inside_of_any_value),
        cmocka_unit_test(a_push_may_stand_between_two_replies),
        cmocka_unit_test(an_empty_input_may_have_no_address),
        cmocka_unit_test(is_between_is_true_between_two_replies_alone),
        cmocka_unit_test(is_between_is_false_while_skipping),
        cmocka_unit_test(depth_counts_what_is_open),
        cmocka_unit_test(leap_is_as_reading_the_value),
        cmocka_unit_test(a_copy_can_try_ahead),
        cmocka_unit_test(init_forgets_all),
        cmocka_unit_test(no_byte_of_a_header_is_examined_twice),
        cmocka_unit_test(single_bytes_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
