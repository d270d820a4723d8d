/* Decimal numbers both ways, at every count of digits and at both ends of 64 bits.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "../resp/number.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The C library's opinion. */
static size_t print(char *out, size_t room, uint64_t value) {
    return (size_t)snprintf(out, room, "%" PRIu64, value);
}

/* Digits, text and back, in memory of exactly the text's size. */
static void expect_number(uint64_t value) {
    char expected[32];
    size_t len = print(expected, sizeof expected, value);
    assert_int_equal(weir_u64_digits(value), len);
    assert_true(len <= WEIR_U64_DIGITS);
    static const char blank[WEIR_U64_DIGITS];
    weir_view room = support_guard(weir_bytes(blank, len));
    char *out = (char *)(uintptr_t)room.data;
    assert_ptr_equal(weir_put_u64(out, value), out + len);
    assert_view(room, expected);
    uint64_t back = ~value;
    assert_true(weir_parse_u64(room, &back));
    assert_int_equal(back, value);
    support_unguard(room);
}

static void numbers_up_to_1100_are_written_and_read(void **state) {
    (void)state;
    for (uint64_t value = 0; value <= 1100; value++) {
        expect_number(value);
    }
}

static void numbers_around_each_power_of_ten_are_written_and_read(void **state) {
    (void)state;
    uint64_t power = 1;
    for (int digits = 1; digits <= WEIR_U64_DIGITS; digits++) {
        expect_number(power - 1);
        expect_number(power);
        expect_number(power + 1);
        power *= digits < WEIR_U64_DIGITS ? 10 : 1;
    }
}

static void numbers_around_each_power_of_two_are_written_and_read(void **state) {
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        expect_number((UINT64_C(1) << bit) - 1);
        expect_number(UINT64_C(1) << bit);
    }
    expect_number(UINT64_MAX);
    expect_number(UINT64_MAX - 1);
}

static void put_writes_nothing_behind_the_digits(void **state) {
    (void)state;
    char out[8];
    memset(out, 'x', sizeof out);
    assert_ptr_equal(weir_put_u64(out, 7), out + 1);
    assert_memory_equal(out, "7xxxxxxx", sizeof out);
    assert_ptr_equal(weir_put_u64(out, 4096), out + 4);
    assert_memory_equal(out, "4096xxxx", sizeof out);
}

/* Refused, and the value is as it was. */
static void expect_refused(weir_view text) {
    weir_view guarded = support_guard(text);
    uint64_t value = 77;
    if (weir_parse_u64(guarded, &value)) {
        fail_msg("\"%.*s\" was read", WEIR_PRINT(text));
    }
    assert_int_equal(value, 77);
    support_unguard(guarded);
}

static void parse_refuses_what_does_not_fit(void **state) {
    (void)state;
    static const char *const texts[] = {"18446744073709551616", "18446744073709551620",
                                        "18446744073709551700", "20000000000000000000",
                                        "99999999999999999999", "100000000000000000000",
                                        "184467440737095516150"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        expect_refused(weir_text(texts[i]));
    }
}

static void parse_refuses_all_but_digits(void **state) {
    (void)state;
    static const char *const texts[] = {"+1",  "-1",  "-0", " 1", "1 ",       "1.0",
                                        "0x1", "1e1", "1_", "a",  "\xd9\xa1", "1\r\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        expect_refused(weir_text(texts[i]));
    }
    expect_refused(weir_bytes("", 0));
    expect_refused(weir_bytes(NULL, 0));
    expect_refused(WIRE("1\0"));
    expect_refused(WIRE("\0001"));
}

static void parse_knows_each_byte(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const char alone = (char)byte;
        const char behind[] = {'1', (char)byte};
        uint64_t value = 77;
        if (byte < '0' || byte > '9') {
            expect_refused(weir_bytes(&alone, 1));
            expect_refused(weir_bytes(behind, 2));
            continue;
        }
        assert_true(weir_parse_u64(weir_bytes(&alone, 1), &value));
        assert_int_equal(value, byte - '0');
        assert_true(weir_parse_u64(weir_bytes(behind, 2), &value));
        assert_int_equal(value, 10 + byte - '0');
    }
}

static void parse_refuses_leading_zeros(void **state) {
    (void)state;
    expect_refused(WIRE("00"));
    expect_refused(WIRE("01"));
    expect_refused(WIRE("00000000000000000001"));
    uint64_t value = 77;
    assert_true(weir_parse_u64(WIRE("0"), &value));
    assert_int_equal(value, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_up_to_1100_are_written_and_read),
        cmocka_unit_test(numbers_around_each_power_of_ten_are_written_and_read),
        cmocka_unit_test(numbers_around_each_power_of_two_are_written_and_read),
        cmocka_unit_test(put_writes_nothing_behind_the_digits),
        cmocka_unit_test(parse_refuses_what_does_not_fit),
        cmocka_unit_test(parse_refuses_all_but_digits),
        cmocka_unit_test(parse_knows_each_byte),
        cmocka_unit_test(parse_refuses_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
