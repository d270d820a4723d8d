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

static bool is_word(weir_view text, const char *word) {
    size_t len = strlen(word);
    if (text.len != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((text.data[i] | 0x20) != word[i]) {
            return false;
        }
    }
    return true;
}

bool weir_text_is_double(weir_view text) {
    if (weir_view_equal(text, weir_text("inf")) ||
        weir_view_equal(text, weir_text("-inf")) || is_word(text, "nan")) {
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
