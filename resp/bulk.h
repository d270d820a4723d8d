/* One argument of a command, written inline: for loops over many small ones.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_BULK_H
#define WEIR_RESP_BULK_H

#include "number.h"

/* The most that goes around an argument's bytes: "$", 20 digits, two CR LF. */
#define WEIR_BULK_FRAME_MOST 25

/* memcpy, without a call for what is short: two words that may overlap. */
static inline void weir_copy_short(char *out, const char *from, size_t len) {
    if (len > 16) {
        memcpy(out, from, len);
    } else if (len >= 8) {
        uint64_t first;
        uint64_t last;
        memcpy(&first, from, 8);
        memcpy(&last, from + len - 8, 8);
        memcpy(out, &first, 8);
        memcpy(out + len - 8, &last, 8);
    } else if (len >= 4) {
        uint32_t first;
        uint32_t last;
        memcpy(&first, from, 4);
        memcpy(&last, from + len - 4, 4);
        memcpy(out, &first, 4);
        memcpy(out + len - 4, &last, 4);
    } else {
        for (size_t i = 0; i < len; i++) {
            out[i] = from[i];
        }
    }
}

static inline char *weir_put_line_end(char *out) {
    memcpy(out, "\r\n", 2);
    return out + 2;
}

/* "$LEN CR LF"; gives the byte behind. */
static inline char *weir_put_length(char *out, size_t len) {
    *out++ = '$';
    if (len < 100) {
        char tens = (char)('0' + len / 10);
        *out = tens;
        out += len >= 10;
        *out++ = (char)('0' + len % 10);
    } else {
        out = weir_put_large_u64(out, len);
    }
    return weir_put_line_end(out);
}

/* The whole argument; gives the byte behind. */
static inline char *weir_put_argument(char *out, weir_view bytes) {
    out = weir_put_length(out, bytes.len);
    weir_copy_short(out, bytes.data, bytes.len);
    return weir_put_line_end(out + bytes.len);
}

#endif
