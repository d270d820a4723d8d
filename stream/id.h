/* Stream ids: a time in milliseconds and a sequence number within it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_ID_H
#define WEIR_STREAM_ID_H

#include "../resp/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Ordered by ms, then seq. The zeroed id is below every entry (XADD refuses 0-0). */
typedef struct weir_id {
    uint64_t ms;  /* usually Unix time in milliseconds, by the server's clock */
    uint64_t seq; /* counts the entries within one millisecond */
} weir_id;

/* The ends of every range: the commands' "-" and "+". */
#ifdef __cplusplus
#    define WEIR_ID_MIN (weir_id{0, 0})
#    define WEIR_ID_MAX (weir_id{UINT64_MAX, UINT64_MAX})
#else
#    define WEIR_ID_MIN ((weir_id){0, 0})
#    define WEIR_ID_MAX ((weir_id){UINT64_MAX, UINT64_MAX})
#endif

/* Bytes that the longest id takes as text, with its NUL: 20 digits, '-', 20 digits. */
#define WEIR_ID_TEXT 42

/* The first id of a millisecond: where "since then" begins. */
static inline weir_id weir_id_at_ms(uint64_t ms) {
    weir_id id = {ms, 0};
    return id;
}

/* The last id of a millisecond: where "until then" ends. */
static inline weir_id weir_id_until_ms(uint64_t ms) {
    weir_id id = {ms, UINT64_MAX};
    return id;
}

/* Below 0, 0 or above 0, as a stands before, at or behind b. */
static inline int weir_id_compare(weir_id a, weir_id b) {
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }
    return a.seq == b.seq ? 0 : (a.seq < b.seq ? -1 : 1);
}

/*
 * Reads "ms-seq" or "ms" (then seq is 0): decimal digits without sign or leading zeros,
 * each at most 2^64-1. Nothing else: not "*", "$", "-" or "+".
 * WEIR_OK, or WEIR_ERR_ARG with *id untouched.
 */
WEIR_API weir_status weir_id_parse(weir_view text, weir_id *id);

/* Writes "ms-seq" and a NUL into `out` (WEIR_ID_TEXT bytes). Gives the length without NUL.
 */
WEIR_API size_t weir_id_format(weir_id id, char *out);

/* The id directly behind / before `id`: carries between seq and ms.
 * WEIR_OK, or WEIR_END at the last / first possible id, with *result untouched. */
WEIR_API weir_status weir_id_next(weir_id id, weir_id *result);
WEIR_API weir_status weir_id_previous(weir_id id, weir_id *result);

#ifdef __cplusplus
}
#endif

#endif
