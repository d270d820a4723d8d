/* Errors of servers, told apart by how they begin.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_KINDS_H
#define WEIR_STREAM_KINDS_H

#include "../resp/base.h"

/* One row of the table. */
typedef struct weir_error_row {
    const char
        *beginning; /* of the server's words; one of a single word is the whole word */
    weir_error_kind kind;
    bool may_have_run;
} weir_error_row;

/* The row for a server's words; never NULL: what nobody knows may have run. */
const weir_error_row *weir_error_row_of(weir_view words);

/* All rows, for the test that compares them with docs/errors.md. */
const weir_error_row *weir_error_rows(size_t *count);

/* True unless a failure of this status, which no server has sent, is sure to have had no
 * effect. */
bool weir_status_may_have_run(weir_status status);

#endif
