/* Strict decimal numbers, both ways, without locale, sign tricks or leading zeros.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_NUMBER_H
#define WEIR_RESP_NUMBER_H

#include "base.h"

#define WEIR_U64_DIGITS 20 /* of 18446744073709551615 */

/* True if 10 * sum + digit does not fit; digit is at most 9. */
static inline bool weir_u64_would_overflow(uint64_t sum, uint64_t digit) {
    return sum > UINT64_MAX / 10 || (sum == UINT64_MAX / 10 && digit > UINT64_MAX % 10);
}

size_t weir_u64_digits_of_large(uint64_t value);
char *weir_put_large_u64(char *out, uint64_t value);

/* How many decimal digits `value` has; 1 for 0. */
static inline size_t weir_u64_digits(uint64_t value) {
    if (value < 100) {
        return value < 10 ? 1 : 2;
    }
    return weir_u64_digits_of_large(value);
}

/* Writes `value` in decimal, no NUL; gives the byte behind the last digit. */
static inline char *weir_put_u64(char *out, uint64_t value) {
    if (value < 10) {
        *out = (char)('0' + value);
        return out + 1;
    }
    return weir_put_large_u64(out, value);
}

/* True if all of `text` is a decimal number that fits: digits only, no leading zero. */
bool weir_parse_u64(weir_view text, uint64_t *value);

#endif
