/* What the two halves of reading a URL share: its parts, and how one is refused.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_URL_H
#define WEIR_NET_URL_H

#include "net.h"

struct weir_url {
    const char *url;
    weir_error *error;
};

/* A part of the URL: from `at` up to, not including, `end`. */
struct weir_url_part {
    const char *at;
    const char *end;
};

/* Refuses the URL for what stands at `at`: by its position alone, nothing of a URL that is
 * wrong is ever quoted. WEIR_ERR_ARG. */
weir_status weir_url_refuse(const struct weir_url *url, const char *at, const char *why);

/* The first `wanted` in it, or its end. */
const char *weir_url_find(struct weir_url_part part, char wanted);

/* Digits alone, no leading zero, at most `max`. */
bool weir_url_number(struct weir_url_part part, uint32_t max, uint32_t *number);

/* Decodes what is percent-encoded into the `room` bytes at `out`, and ends it with a NUL.
 * WEIR_OK, or as weir_url_refuse; why_too_long: for one that does not fit. */
weir_status weir_url_decode(const struct weir_url *url, struct weir_url_part part,
                            char *out, size_t room, const char *why_too_long);

/* Reads what stands behind the '?' into *query; has_db: the database is named already. */
weir_status weir_url_query(const struct weir_url *url, struct weir_url_part part,
                           bool is_tls_possible, weir_query *query);

#endif
