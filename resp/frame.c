/* The aggregates that are open: how many values each still lacks.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

#define STREAMED_BIT 0x80 /* in kind: its end is told by "." */

bool weir_frame_is_streamed(const weir_reader *reader) {
    return reader->depth > 0 && (reader->kind[reader->depth - 1] & STREAMED_BIT) != 0;
}

bool weir_frame_is_full(const weir_reader *reader) {
    return weir_frame_is_streamed(reader) &&
           reader->left[reader->depth - 1] >= reader->limits.elements;
}

void weir_frame_close_value(weir_reader *reader) {
    reader->owes_value = false;
    while (reader->depth > 0) {
        uint32_t top = reader->depth - 1;
        if ((reader->kind[top] & STREAMED_BIT) != 0) {
            reader->left[top]++;
            return;
        }
        if (--reader->left[top] != 0) {
            return;
        }
        reader->depth--;
        if (reader->kind[top] == '|') {
            /* an attribute is none of its parent's elements: the value behind it is */
            reader->owes_value = true;
            return;
        }
    }
    reader->reply_at = reader->offset;
}

static weir_token_type aggregate_type(uint8_t type) {
    switch (type) {
    case '~': return WEIR_TOKEN_SET;
    case '%': return WEIR_TOKEN_MAP;
    case '|': return WEIR_TOKEN_ATTRIBUTE;
    case '>': return WEIR_TOKEN_PUSH;
    default: return WEIR_TOKEN_ARRAY;
    }
}

weir_status weir_frame_open(weir_reader *reader, size_t *used, weir_token *token) {
    bool is_streamed = reader->sign == '?';
    bool has_pairs = reader->type == '%' || reader->type == '|';
    uint64_t values = has_pairs ? 2 * reader->length : reader->length;
    if (values > reader->limits.elements) {
        return weir_reader_fail(reader, WEIR_FAULT_ELEMENTS, 1);
    }
    bool opens = values > 0 || is_streamed;
    if (opens && reader->depth >= reader->limits.depth) {
        return weir_reader_fail(reader, WEIR_FAULT_DEPTH, 0);
    }
    token->type = aggregate_type(reader->type);
    token->number = is_streamed ? WEIR_STREAMED : (int64_t)reader->length;
    *used = reader->seen;
    weir_reader_use(reader, reader->seen);
    reader->state = WEIR_AT_TYPE;
    if (opens) {
        uint8_t streamed = is_streamed ? STREAMED_BIT : 0;
        reader->owes_value = false;
        reader->kind[reader->depth] = reader->type | streamed;
        reader->left[reader->depth] = values;
        reader->depth++;
    } else if (reader->type == '|') {
        reader->owes_value = true;
    } else {
        weir_frame_close_value(reader);
    }
    return WEIR_OK;
}

weir_status weir_frame_end(weir_reader *reader, size_t *used, weir_token *token) {
    uint32_t top = reader->depth - 1;
    bool is_half_pair =
        (reader->kind[top] & ~STREAMED_BIT) == '%' && reader->left[top] % 2 != 0;
    if (is_half_pair || reader->owes_value) {
        return weir_reader_fail(reader, WEIR_FAULT_STREAM, 0);
    }
    *used = reader->seen;
    weir_reader_use(reader, reader->seen);
    reader->state = WEIR_AT_TYPE;
    reader->depth--;
    token->type = WEIR_TOKEN_END;
    token->depth = reader->depth;
    token->bytes = weir_bytes(NULL, 0);
    weir_frame_close_value(reader);
    return WEIR_OK;
}
