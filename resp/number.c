/* Strict decimal numbers, both ways.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "number.h"

size_t weir_u64_digits_of_large(uint64_t value) {
    size_t digits = 1;
    for (;;) {
        if (value < 100) {
            return digits + (value >= 10 ? 1 : 0);
        }
        if (value < 10000) {
            return digits + 2 + (value >= 1000 ? 1 : 0);
        }
        value /= 10000;
        digits += 4;
    }
}

/* All pairs of digits: half as many divisions as digit by digit. */
static const char PAIRS[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

char *weir_put_large_u64(char *out, uint64_t value) {
    char *end = out + weir_u64_digits(value);
    char *at = end;
    while (value >= 10) {
        at -= 2;
        memcpy(at, PAIRS + value % 100 * 2, 2);
        value /= 100;
    }
    if (at > out) {
        *--at = (char)('0' + value);
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
