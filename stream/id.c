/* Stream ids: text, order, neighbours.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "id.h"

#include "../resp/number.h"

weir_status weir_id_parse(weir_view text, weir_id *id) {
    weir_id parsed = {0, 0};
    const char *dash = text.len > 0 ? memchr(text.data, '-', text.len) : NULL;
    size_t ms_len = dash != NULL ? (size_t)(dash - text.data) : text.len;
    if (!weir_parse_u64(weir_bytes(text.data, ms_len), &parsed.ms)) {
        return WEIR_ERR_ARG;
    }
    if (dash != NULL &&
        !weir_parse_u64(weir_bytes(dash + 1, text.len - ms_len - 1), &parsed.seq)) {
        return WEIR_ERR_ARG;
    }
    *id = parsed;
    return WEIR_OK;
}

size_t weir_id_format(weir_id id, char *out) {
    char *end = weir_put_u64(out, id.ms);
    *end++ = '-';
    end = weir_put_u64(end, id.seq);
    *end = '\0';
    return (size_t)(end - out);
}

weir_status weir_id_next(weir_id id, weir_id *result) {
    if (id.ms == UINT64_MAX && id.seq == UINT64_MAX) {
        return WEIR_END;
    }
    result->ms = id.seq == UINT64_MAX ? id.ms + 1 : id.ms;
    result->seq = id.seq + 1; /* wraps to 0 with the carry */
    return WEIR_OK;
}

weir_status weir_id_previous(weir_id id, weir_id *result) {
    if (id.ms == 0 && id.seq == 0) {
        return WEIR_END;
    }
    result->ms = id.seq == 0 ? id.ms - 1 : id.ms;
    result->seq = id.seq - 1; /* wraps to the largest with the borrow */
    return WEIR_OK;
}
