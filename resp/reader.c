/* The pull reader: token after token, hiding or passing over what is not wanted.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reader.h"

#include "token.h"

#define DEFAULT_BULK_BYTES  (UINT64_C(512) << 20) /* Redis's proto-max-bulk-len */
#define DEFAULT_LINE_BYTES  (UINT64_C(64) << 10)  /* Redis's PROTO_INLINE_MAX_SIZE */
#define DEFAULT_ELEMENTS    UINT64_C(4294967295)  /* hiredis' default as well */
#define DEFAULT_REPLY_BYTES (UINT64_C(1) << 30)

static uint64_t or_default(uint64_t given, uint64_t standard) {
    return given != 0 ? given : standard;
}

void weir_reader_init(weir_reader *reader, const weir_reader_options *options) {
    static const weir_reader_options defaults = {0};
    const weir_reader_options *given = options != NULL ? options : &defaults;
    const weir_reader_limits *limits = &given->limits;
    memset(reader, 0, sizeof *reader);
    reader->protocol = given->protocol == 2 ? 2 : 3;
    reader->hide_attributes = given->hide_attributes;
    reader->parts_above = given->parts_above;
    reader->limits.bulk_bytes = or_default(limits->bulk_bytes, DEFAULT_BULK_BYTES);
    reader->limits.line_bytes = or_default(limits->line_bytes, DEFAULT_LINE_BYTES);
    reader->limits.elements = or_default(limits->elements, DEFAULT_ELEMENTS);
    reader->limits.reply_bytes = or_default(limits->reply_bytes, DEFAULT_REPLY_BYTES);
    bool is_depth_given = limits->depth != 0 && limits->depth < WEIR_READER_DEPTH;
    reader->limits.depth = is_depth_given ? limits->depth : WEIR_READER_DEPTH;
}

/* Attributes are not spoken of: neither they nor what is inside them. */
static bool is_hidden(weir_reader *reader, const weir_token *token) {
    if (!reader->hide_attributes) {
        return false;
    }
    if (reader->hidden != 0 && token->depth < reader->hidden) {
        reader->hidden = 0;
    }
    if (reader->hidden == 0 && token->type == WEIR_TOKEN_ATTRIBUTE) {
        reader->hidden = token->depth + 1;
        return true;
    }
    return reader->hidden != 0;
}

weir_status weir_reader_next(weir_reader *reader, weir_view input, size_t *used,
                             weir_token *token) {
    *used = 0;
    for (;;) {
        size_t took = 0;
        weir_view rest = weir_view_behind(input, *used);
        weir_status st = weir_token_read(reader, rest, &took, token);
        *used += took;
        if (st != WEIR_OK || !is_hidden(reader, token)) {
            return st;
        }
    }
}

static bool is_skip_over(const weir_reader *reader) {
    return reader->state == WEIR_AT_TYPE && !reader->is_in_parts &&
           (reader->depth < reader->skip_depth ||
            (reader->depth == reader->skip_depth && !reader->owes_value));
}

static weir_status skip_on(weir_reader *reader, weir_view input, size_t *used) {
    *used = 0;
    for (;;) {
        size_t took = 0;
        weir_token token;
        weir_view rest = weir_view_behind(input, *used);
        weir_status st = weir_token_read(reader, rest, &took, &token);
        if (st == WEIR_MORE && reader->state == WEIR_IN_BODY) {
            st = weir_body_let_go(reader, rest, &took);
        }
        *used += took;
        if (st != WEIR_OK) {
            return st;
        }
        if (is_skip_over(reader)) {
            reader->is_skipping = false;
            return WEIR_OK;
        }
    }
}

/* The depth of the value that begins next. Inside of a hidden attribute that is the value
 * which the attribute is about. */
static uint32_t value_depth(const weir_reader *reader) {
    bool is_in_hidden = reader->hidden != 0 && reader->depth >= reader->hidden;
    return is_in_hidden ? reader->hidden - 1 : reader->depth;
}

weir_status weir_reader_skip(weir_reader *reader, weir_view input, size_t *used) {
    if (!reader->is_skipping) {
        reader->is_skipping = true;
        reader->skip_depth = value_depth(reader);
    }
    return skip_on(reader, input, used);
}

weir_status weir_reader_skip_reply(weir_reader *reader, weir_view input, size_t *used) {
    reader->is_skipping = true;
    reader->skip_depth = 0;
    return skip_on(reader, input, used);
}

void weir_reader_leap(weir_reader *reader, size_t bytes) {
    reader->offset += bytes;
    weir_frame_close_value(reader);
}

bool weir_reader_is_between(const weir_reader *reader) {
    return reader->state == WEIR_AT_TYPE && reader->depth == 0 && !reader->owes_value &&
           !reader->is_in_parts && !reader->is_skipping;
}

const char *weir_resp_fault_text(weir_resp_fault fault) {
    switch (fault) {
    case WEIR_FAULT_NONE: return "no fault";
    case WEIR_FAULT_TYPE: return "expected a type byte of RESP";
    case WEIR_FAULT_TERM: return "expected CR LF at the end, and neither CR nor LF before";
    case WEIR_FAULT_INT: return "expected an integer of 64 bits";
    case WEIR_FAULT_LEN: return "expected a length or count";
    case WEIR_FAULT_BOOL: return "expected t or f";
    case WEIR_FAULT_NULL: return "expected CR LF behind '_'";
    case WEIR_FAULT_DOUBLE: return "expected a decimal number";
    case WEIR_FAULT_BIGNUM: return "expected digits";
    case WEIR_FAULT_VERB: return "expected the format and a colon of a verbatim string";
    case WEIR_FAULT_NEST: return "a push inside another value";
    case WEIR_FAULT_STREAM: return "expected the next part or the end of a streamed value";
    case WEIR_FAULT_HUGE: return "a length or count beyond 2^63-1";
    case WEIR_FAULT_BULK_BYTES: return "a string beyond limits.bulk_bytes";
    case WEIR_FAULT_LINE_BYTES: return "a line beyond limits.line_bytes";
    case WEIR_FAULT_ELEMENTS: return "an aggregate beyond limits.elements";
    case WEIR_FAULT_REPLY_BYTES: return "a reply beyond limits.reply_bytes";
    case WEIR_FAULT_DEPTH: return "nested beyond limits.depth";
    }
    return "unknown fault";
}
