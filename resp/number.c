/* Strict decimal numbers, both ways.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "number.h"

size_t weir_u64_digits(uint64_t value) {
    size_t digits = 1;
    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}

char *weir_put_u64(char *out, uint64_t value) {
    if (value < 10) {
        *out = (char)('0' + value);
        return out + 1;
    }
    char *end = out + weir_u64_digits(value);
    for (char *at = end; at > out; value /= 10) {
        *--at = (char)('0' + value % 10);
    }
    return end;
}

bool weir_parse_u64(weir_view text, uint64_t *value) {
    if (text.len == 0 || text.len > WEIR_U64_DIGITS) {
        return false;
    }
    if (text.data[0] == '0' && text.len > 1) {
        return false;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text.data[i] - '0';
        if (digit > 9 || weir_u64_would_overflow(sum, digit)) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}
