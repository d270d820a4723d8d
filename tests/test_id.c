/* Stream ids: their text, their order, their neighbours.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/id.h"
#include "support.h"

#include <string.h>

#define MAX UINT64_MAX

static const uint64_t EDGES[] = {0,
                                 1,
                                 9,
                                 10,
                                 99,
                                 100,
                                 999999999,
                                 INT32_MAX,
                                 UINT32_MAX,
                                 UINT64_C(1700000000000),
                                 INT64_MAX,
                                 UINT64_C(9999999999999999999),
                                 UINT64_C(10000000000000000000),
                                 MAX - 1,
                                 MAX};
#define EDGE_COUNT (sizeof EDGES / sizeof EDGES[0])

static const weir_id UNTOUCHED = {77, 88};

static void assert_id(weir_id given, uint64_t ms, uint64_t seq) {
    assert_int_equal(given.ms, ms);
    assert_int_equal(given.seq, seq);
}

static void reads_as(const char *text, uint64_t ms, uint64_t seq) {
    weir_view guarded = support_guard(weir_text(text));
    weir_id id = UNTOUCHED;
    assert_status(weir_id_parse(guarded, &id), WEIR_OK);
    assert_id(id, ms, seq);
    support_unguard(guarded);
}

static void refuses(weir_view text) {
    weir_view guarded = support_guard(text);
    weir_id id = UNTOUCHED;
    weir_status st = weir_id_parse(guarded, &id);
    if (st != WEIR_ERR_ARG) {
        print_error("\"%.*s\" was taken for an id\n", WEIR_PRINT(guarded));
    }
    assert_status(st, WEIR_ERR_ARG);
    assert_id(id, UNTOUCHED.ms, UNTOUCHED.seq);
    support_unguard(guarded);
}

/* ---- text ---- */

static void parse_reads_both_numbers(void **state) {
    (void)state;
    reads_as("0-0", 0, 0);
    reads_as("0-1", 0, 1);
    reads_as("1-0", 1, 0);
    reads_as("1526919030474-55", UINT64_C(1526919030474), 55);
}

static void parse_takes_a_lone_time_as_its_first_id(void **state) {
    (void)state;
    reads_as("0", 0, 0);
    reads_as("5", 5, 0);
    reads_as("18446744073709551615", MAX, 0);
}

static void parse_reads_numbers_of_64_bits(void **state) {
    (void)state;
    reads_as("18446744073709551615-18446744073709551615", MAX, MAX);
    reads_as("18446744073709551614-9999999999999999999", MAX - 1,
             UINT64_C(9999999999999999999));
}

static void parse_refuses_numbers_beyond_64_bits(void **state) {
    (void)state;
    refuses(WIRE("18446744073709551616"));
    refuses(WIRE("18446744073709551616-0"));
    refuses(WIRE("0-18446744073709551616"));
    refuses(WIRE("18446744073709551620-0"));
    refuses(WIRE("99999999999999999999-0"));
    refuses(WIRE("100000000000000000000-0")); /* 21 digits */
    refuses(WIRE("0-100000000000000000000"));
}

static void parse_refuses_leading_zeros(void **state) {
    (void)state;
    refuses(WIRE("00"));
    refuses(WIRE("01-1"));
    refuses(WIRE("1-01"));
    refuses(WIRE("00-0"));
    refuses(WIRE("0-00"));
    refuses(WIRE("000000000000000000001-1")); /* 21 digits, though the value is 1 */
}

static void parse_refuses_what_is_missing(void **state) {
    (void)state;
    refuses(WIRE(""));
    refuses(WIRE("-"));
    refuses(WIRE("1-"));
    refuses(WIRE("-1"));
    refuses(WIRE("--"));
}

static void parse_refuses_an_absent_view(void **state) {
    (void)state;
    weir_id id = UNTOUCHED;
    assert_status(weir_id_parse(weir_bytes(NULL, 0), &id), WEIR_ERR_ARG);
    assert_id(id, UNTOUCHED.ms, UNTOUCHED.seq);
}

static void parse_refuses_what_is_too_much(void **state) {
    (void)state;
    refuses(WIRE("1-2-3"));
    refuses(WIRE("1--2"));
    refuses(WIRE("1-2-"));
    refuses(WIRE("(1-2"));
    refuses(WIRE("1-2\r\n"));
}

static void parse_refuses_signs(void **state) {
    (void)state;
    refuses(WIRE("+1-1"));
    refuses(WIRE("1-+1"));
    refuses(WIRE("-1-1"));
}

static void parse_refuses_spaces(void **state) {
    (void)state;
    refuses(WIRE(" 1-1"));
    refuses(WIRE("1 -1"));
    refuses(WIRE("1- 1"));
    refuses(WIRE("1-1 "));
    refuses(WIRE("1-1\t"));
}

static void parse_refuses_nul_bytes(void **state) {
    (void)state;
    refuses(WIRE("\0"));
    refuses(WIRE("1-1\0"));
    refuses(WIRE("1\0-1"));
    refuses(WIRE("1-\0"
                 "1"));
}

static void parse_refuses_the_words_of_commands(void **state) {
    (void)state;
    refuses(WIRE("*"));
    refuses(WIRE("$"));
    refuses(WIRE("+"));
    refuses(WIRE(">"));
    refuses(WIRE("1-*"));
}

/* Each byte there is, in each place of an id: digits alone are fine. */
static void parse_refuses_all_other_bytes(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 5; place++) {
            char text[] = "11-11";
            text[place] = (char)byte;
            bool is_digit = byte >= '1' && byte <= '9';
            bool is_zero = byte == '0' && (place == 1 || place == 4);
            bool is_dash = byte == '-' && place == 2;
            if (place == 2 ? !is_digit && !is_dash && byte != '0' : !is_digit && !is_zero) {
                refuses(weir_bytes(text, 5));
            }
        }
    }
}

static void format_writes_both_numbers(void **state) {
    (void)state;
    char text[WEIR_ID_TEXT];
    assert_int_equal(weir_id_format((weir_id){0, 0}, text), 3);
    assert_string_equal(text, "0-0");
    assert_int_equal(weir_id_format((weir_id){10, 9}, text), 4);
    assert_string_equal(text, "10-9");
    assert_int_equal(weir_id_format((weir_id){UINT64_C(1526919030474), 55}, text), 16);
    assert_string_equal(text, "1526919030474-55");
}

static void format_fits_the_longest_id_exactly(void **state) {
    (void)state;
    char zeros[WEIR_ID_TEXT] = {0};
    weir_view guarded = support_guard(weir_bytes(zeros, sizeof zeros));
    char *text = (char *)(uintptr_t)guarded.data;
    assert_int_equal(weir_id_format(WEIR_ID_MAX, text), WEIR_ID_TEXT - 1);
    assert_string_equal(text, "18446744073709551615-18446744073709551615");
    support_unguard(guarded);
}

static void format_and_parse_are_inverse(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGE_COUNT; i++) {
        for (size_t k = 0; k < EDGE_COUNT; k++) {
            weir_id id = {EDGES[i], EDGES[k]};
            char text[WEIR_ID_TEXT];
            size_t len = weir_id_format(id, text);
            assert_int_equal(len, strlen(text));
            reads_as(text, id.ms, id.seq);
        }
    }
}

/* ---- order ---- */

static void compare_goes_by_time_first(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGE_COUNT * EDGE_COUNT; i++) {
        for (size_t k = 0; k < EDGE_COUNT * EDGE_COUNT; k++) {
            weir_id a = {EDGES[i / EDGE_COUNT], EDGES[i % EDGE_COUNT]};
            weir_id b = {EDGES[k / EDGE_COUNT], EDGES[k % EDGE_COUNT]};
            int order = weir_id_compare(a, b); /* EDGES ascend, so do i and k */
            assert_int_equal(order < 0, i < k);
            assert_int_equal(order > 0, i > k);
        }
    }
}

static void the_ends_of_a_range_enclose_every_id(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGE_COUNT; i++) {
        weir_id id = {EDGES[i], EDGES[EDGE_COUNT - 1 - i]};
        assert_true(weir_id_compare(WEIR_ID_MIN, id) <= 0);
        assert_true(weir_id_compare(id, WEIR_ID_MAX) <= 0);
    }
}

static void a_millisecond_has_a_first_and_a_last_id(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGE_COUNT; i++) {
        assert_id(weir_id_at_ms(EDGES[i]), EDGES[i], 0);
        assert_id(weir_id_until_ms(EDGES[i]), EDGES[i], MAX);
    }
}

static void nothing_lies_between_two_milliseconds(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGE_COUNT - 1; i++) {
        weir_id next;
        assert_status(weir_id_next(weir_id_until_ms(EDGES[i]), &next), WEIR_OK);
        assert_int_equal(weir_id_compare(next, weir_id_at_ms(EDGES[i] + 1)), 0);
    }
}

/* ---- neighbours ---- */

static void next_counts_the_sequence(void **state) {
    (void)state;
    weir_id next = UNTOUCHED;
    assert_status(weir_id_next((weir_id){0, 0}, &next), WEIR_OK);
    assert_id(next, 0, 1);
    assert_status(weir_id_next((weir_id){5, MAX - 1}, &next), WEIR_OK);
    assert_id(next, 5, MAX);
}

static void next_carries_into_the_time(void **state) {
    (void)state;
    weir_id next = UNTOUCHED;
    assert_status(weir_id_next((weir_id){5, MAX}, &next), WEIR_OK);
    assert_id(next, 6, 0);
    assert_status(weir_id_next((weir_id){MAX - 1, MAX}, &next), WEIR_OK);
    assert_id(next, MAX, 0);
}

static void next_ends_at_the_last_id(void **state) {
    (void)state;
    weir_id next = UNTOUCHED;
    assert_status(weir_id_next(WEIR_ID_MAX, &next), WEIR_END);
    assert_id(next, UNTOUCHED.ms, UNTOUCHED.seq);
}

static void previous_counts_the_sequence_down(void **state) {
    (void)state;
    weir_id previous = UNTOUCHED;
    assert_status(weir_id_previous((weir_id){0, 1}, &previous), WEIR_OK);
    assert_id(previous, 0, 0);
    assert_status(weir_id_previous(WEIR_ID_MAX, &previous), WEIR_OK);
    assert_id(previous, MAX, MAX - 1);
}

static void previous_borrows_from_the_time(void **state) {
    (void)state;
    weir_id previous = UNTOUCHED;
    assert_status(weir_id_previous((weir_id){6, 0}, &previous), WEIR_OK);
    assert_id(previous, 5, MAX);
    assert_status(weir_id_previous((weir_id){1, 0}, &previous), WEIR_OK);
    assert_id(previous, 0, MAX);
}

static void previous_ends_at_the_first_id(void **state) {
    (void)state;
    weir_id previous = UNTOUCHED;
    assert_status(weir_id_previous(WEIR_ID_MIN, &previous), WEIR_END);
    assert_id(previous, UNTOUCHED.ms, UNTOUCHED.seq);
}

static void next_and_previous_are_inverse(void **state) {
    (void)state;
    for (size_t i = 0; i < EDGE_COUNT * EDGE_COUNT; i++) {
        weir_id id = {EDGES[i / EDGE_COUNT], EDGES[i % EDGE_COUNT]};
        weir_id other;
        if (weir_id_next(id, &other) == WEIR_OK) {
            assert_true(weir_id_compare(id, other) < 0);
            assert_status(weir_id_previous(other, &other), WEIR_OK); /* in place */
            assert_id(other, id.ms, id.seq);
        }
        if (weir_id_previous(id, &other) == WEIR_OK) {
            assert_true(weir_id_compare(id, other) > 0);
            assert_status(weir_id_next(other, &other), WEIR_OK);
            assert_id(other, id.ms, id.seq);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_both_numbers),
        cmocka_unit_test(parse_takes_a_lone_time_as_its_first_id),
        cmocka_unit_test(parse_reads_numbers_of_64_bits),
        cmocka_unit_test(parse_refuses_numbers_beyond_64_bits),
        cmocka_unit_test(parse_refuses_leading_zeros),
        cmocka_unit_test(parse_refuses_what_is_missing),
        cmocka_unit_test(parse_refuses_an_absent_view),
        cmocka_unit_test(parse_refuses_what_is_too_much),
        cmocka_unit_test(parse_refuses_signs),
        cmocka_unit_test(parse_refuses_spaces),
        cmocka_unit_test(parse_refuses_nul_bytes),
        cmocka_unit_test(parse_refuses_the_words_of_commands),
        cmocka_unit_test(parse_refuses_all_other_bytes),
        cmocka_unit_test(format_writes_both_numbers),
        cmocka_unit_test(format_fits_the_longest_id_exactly),
        cmocka_unit_test(format_and_parse_are_inverse),
        cmocka_unit_test(compare_goes_by_time_first),
        cmocka_unit_test(the_ends_of_a_range_enclose_every_id),
        cmocka_unit_test(a_millisecond_has_a_first_and_a_last_id),
        cmocka_unit_test(nothing_lies_between_two_milliseconds),
        cmocka_unit_test(next_counts_the_sequence),
        cmocka_unit_test(next_carries_into_the_time),
        cmocka_unit_test(next_ends_at_the_last_id),
        cmocka_unit_test(previous_counts_the_sequence_down),
        cmocka_unit_test(previous_borrows_from_the_time),
        cmocka_unit_test(previous_ends_at_the_first_id),
        cmocka_unit_test(next_and_previous_are_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
