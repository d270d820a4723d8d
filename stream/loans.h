/* Large arguments of one command that are sent from where the caller has them, not copied.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_LOANS_H
#define WEIR_STREAM_LOANS_H

#include "../resp/base.h"

#define WEIR_LOANS_MOST 8 /* of one command; further large arguments are copied */

/* Bytes that go out in front of byte `at` of those that are copied. */
typedef struct weir_loan {
    uint64_t at;
    weir_view rest; /* not sent yet; borrowed until it is */
} weir_loan;

typedef struct weir_loans {
    size_t least; /* arguments of so many bytes are lent; SIZE_MAX: none */
    size_t bytes; /* of all that are */
    size_t count;
    weir_loan list[WEIR_LOANS_MOST];
} weir_loans;

/* Is this argument to be lent? Then it is taken up, to go out in front of byte `at`. */
static inline bool weir_loans_take(weir_loans *loans, weir_view bytes, size_t at) {
    if (bytes.len < loans->least || loans->count == WEIR_LOANS_MOST) {
        return false;
    }
    loans->list[loans->count].at = at;
    loans->list[loans->count].rest = bytes;
    loans->count++;
    loans->bytes += bytes.len;
    return true;
}

#endif
