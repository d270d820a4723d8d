/* The grammar of doubles and big numbers, over all short texts of small alphabets, against
 * regular expressions that say the same.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <regex.h>
#include <stdlib.h>

#include "../resp/text.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* RESP3.md, "Double": no leading zeros before the point; nan as any C library writes it. */
#define NUMBER       "[+-]?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?"
#define NOT_A_NUMBER "-?[nN][aA][nN]([(][A-Za-z0-9_]*[)])?"
#define DOUBLE       "^(" NUMBER "|-?inf|" NOT_A_NUMBER ")$"

/* RESP3.md, "Big number type": no leading zeros, no minus zero. */
#define BIG_NUMBER "^([+]?0|[+-]?[1-9][0-9]*)$"

/* The text of `len` letters that has this number. */
static void spell(char *text, size_t len, const char *letters, size_t number) {
    size_t base = strlen(letters);
    for (size_t at = 0; at < len; at++, number /= base) {
        text[at] = letters[number % base];
    }
    text[len] = '\0';
}

static void fail_text(const char *text, bool is_accepted) {
    print_error("\"%s\" is %s\n", text, is_accepted ? "accepted" : "refused");
    fail();
}

/* Asks both about each text of up to `most` of the letters. Gives how many are right. */
static size_t compare_all(bool (*is_right)(weir_view), const char *pattern,
                          const char *letters, size_t most) {
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    size_t right = 0;
    for (size_t len = 0, count = 1; len <= most; len++, count *= strlen(letters)) {
        for (size_t i = 0; i < count; i++) {
            char text[16];
            spell(text, len, letters, i);
            bool is_match = regexec(&regex, text, 0, NULL, 0) == 0;
            if (is_right(weir_bytes(text, len)) != is_match) {
                fail_text(text, !is_match);
            }
            right += is_match;
        }
    }
    regfree(&regex);
    return right;
}

static void doubles_are_as_the_grammar_says(void **state) {
    (void)state;
    assert_true(compare_all(weir_text_is_double, DOUBLE, "019+-.eE", 5) > 1000);
    assert_true(compare_all(weir_text_is_double, DOUBLE, "01.e-", 7) > 1000);
}

static void inf_is_lower_case_and_nan_as_c_writes_it(void **state) {
    (void)state;
    assert_int_equal(compare_all(weir_text_is_double, DOUBLE, "infINF+-", 4), 2);
    assert_int_equal(compare_all(weir_text_is_double, DOUBLE, "naNA-+(", 4), 16);
    /* 0, nan, nan(), and the four words of one letter */
    assert_int_equal(compare_all(weir_text_is_double, DOUBLE, "na()_0", 6), 7);
}

static void big_numbers_are_as_the_grammar_says(void **state) {
    (void)state;
    assert_true(compare_all(weir_text_is_big_number, BIG_NUMBER, "019+-.e ", 5) > 100);
}

/* One byte, alone and at each place of a right text, in memory of exactly its size. */
static void expect_bytes(bool (*is_right)(weir_view), const char *right,
                         const char *pattern) {
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    for (size_t place = 0; place < strlen(right); place++) {
        weir_view text = support_guard(weir_text(right));
        for (int byte = 1; byte < 256; byte++) {
            char copy[32] = "";
            memcpy(copy, right, strlen(right));
            copy[place] = (char)byte;
            ((char *)(uintptr_t)text.data)[place] = (char)byte;
            assert_int_equal(is_right(text), regexec(&regex, copy, 0, NULL, 0) == 0);
        }
        ((char *)(uintptr_t)text.data)[place] = '\0';
        assert_false(is_right(text));
        support_unguard(text);
    }
    regfree(&regex);
}

static void each_byte_at_each_place_of_a_double(void **state) {
    (void)state;
    static const char *const texts[] = {"1",    "-10.25e+30", "+0.5E-1",  "inf",
                                        "-inf", "nan",        "-NAN(x_1)"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        expect_bytes(weir_text_is_double, texts[i], DOUBLE);
    }
}

static void each_byte_at_each_place_of_a_big_number(void **state) {
    (void)state;
    static const char *const texts[] = {"1", "-120", "+34928903284092385"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        expect_bytes(weir_text_is_big_number, texts[i], BIG_NUMBER);
    }
}

static void no_number_is_empty(void **state) {
    (void)state;
    assert_false(weir_text_is_double(weir_bytes(NULL, 0)));
    assert_false(weir_text_is_big_number(weir_bytes(NULL, 0)));
}

static void numbers_may_be_long(void **state) {
    (void)state;
    enum { LEN = 100000 };
    char *digits = malloc(LEN);
    assert_non_null(digits);
    memset(digits, '9', LEN);
    assert_true(weir_text_is_big_number(weir_bytes(digits, LEN)));
    assert_true(weir_text_is_double(weir_bytes(digits, LEN)));
    digits[LEN - 1] = 'x';
    assert_false(weir_text_is_big_number(weir_bytes(digits, LEN)));
    assert_false(weir_text_is_double(weir_bytes(digits, LEN)));
    free(digits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_as_the_grammar_says),
        cmocka_unit_test(inf_is_lower_case_and_nan_as_c_writes_it),
        cmocka_unit_test(big_numbers_are_as_the_grammar_says),
        cmocka_unit_test(each_byte_at_each_place_of_a_double),
        cmocka_unit_test(each_byte_at_each_place_of_a_big_number),
        cmocka_unit_test(no_number_is_empty),
        cmocka_unit_test(numbers_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
