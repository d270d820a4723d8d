/* The grammar of RESP3's numbers that are sent as text.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/* The digits from `at` on end where? */
static size_t digits_end(weir_view text, size_t at) {
    while (at < text.len && is_digit(text.data[at])) {
        at++;
    }
    return at;
}

static size_t sign_end(weir_view text, size_t at) {
    bool has_sign = at < text.len && (text.data[at] == '-' || text.data[at] == '+');
    return has_sign ? at + 1 : at;
}

static bool has_leading_zero(weir_view text, size_t at, size_t end) {
    return end - at > 1 && text.data[at] == '0';
}

static bool is_word_byte(char byte) {
    char lower = (char)(byte | 0x20);
    return is_digit(byte) || byte == '_' || (lower >= 'a' && lower <= 'z');
}

/* "nan", or what a C library writes for it and Redis before 7.2 sends: a sign, capitals, a
 * word in parentheses (RESP3.md, "Double"; C11 7.22.1.3). */
static bool is_nan(weir_view text) {
    static const char nan[] = "nan";
    size_t at = text.len > 0 && text.data[0] == '-' ? 1 : 0;
    for (size_t i = 0; nan[i] != '\0'; i++, at++) {
        if (at == text.len || (text.data[at] | 0x20) != nan[i]) {
            return false;
        }
    }
    if (at == text.len) {
        return true;
    }
    if (text.data[at] != '(' || text.data[text.len - 1] != ')') {
        return false;
    }
    for (at++; at < text.len - 1; at++) {
        if (!is_word_byte(text.data[at])) {
            return false;
        }
    }
    return true;
}

bool weir_text_is_double(weir_view text) {
    if (weir_view_equal(text, weir_text("inf")) ||
        weir_view_equal(text, weir_text("-inf")) || is_nan(text)) {
        return true;
    }
    size_t whole = sign_end(text, 0);
    size_t at = digits_end(text, whole);
    if (at == whole || has_leading_zero(text, whole, at)) {
        return false;
    }
    if (at < text.len && text.data[at] == '.') {
        size_t fraction = at + 1;
        at = digits_end(text, fraction);
        if (at == fraction) {
            return false;
        }
    }
    if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        size_t exponent = sign_end(text, at + 1);
        at = digits_end(text, exponent);
        if (at == exponent) {
            return false;
        }
    }
    return at == text.len;
}

bool weir_text_is_big_number(weir_view text) {
    size_t whole = sign_end(text, 0);
    size_t at = digits_end(text, whole);
    if (at == whole || at != text.len || has_leading_zero(text, whole, at)) {
        return false;
    }
    return text.data[0] != '-' || text.data[whole] != '0';
}
