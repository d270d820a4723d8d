/* The pull reader: finds and checks one token after another in bytes that arrive in pieces.
 * What was examined of an unfinished token is remembered, so no byte is looked at twice.
 * Source: redis-specifications, protocol/RESP3.md (v1.6).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "reader.h"

#include "number.h"
#include "text.h"

/* Where the reader stands within a token. */
enum state {
    AT_TYPE,   /* before its type byte */
    IN_LINE,   /* in text that ends with CR LF */
    IN_NUMBER, /* in the digits of an integer, a length or a count */
    IN_BODY,   /* in the bytes of a string whose length is known */
    PAST_BODY, /* weir_reader_skip only: dropping a string's bytes as they come */
    BROKEN
};

#define DEFAULT_BULK_BYTES (UINT64_C(512) << 20) /* Redis's proto-max-bulk-len */
#define DEFAULT_LINE_BYTES (UINT64_C(64) << 10)  /* Redis's PROTO_INLINE_MAX_SIZE */
#define DEFAULT_ELEMENTS   UINT64_C(4294967295)  /* hiredis' default as well */

#define VERBATIM_HEAD 4 /* "txt:" (RESP3.md, "Verbatim string") */

void weir_reader_init(weir_reader *reader, const weir_reader_options *options) {
    static const weir_reader_options defaults = {0};
    const weir_reader_options *given = options != NULL ? options : &defaults;
    const weir_reader_limits *limits = &given->limits;
    memset(reader, 0, sizeof *reader);
    reader->protocol = given->protocol == 2 ? 2 : 3;
    reader->hide_attributes = given->hide_attributes;
    reader->limits.bulk_bytes =
        limits->bulk_bytes != 0 ? limits->bulk_bytes : DEFAULT_BULK_BYTES;
    reader->limits.line_bytes =
        limits->line_bytes != 0 ? limits->line_bytes : DEFAULT_LINE_BYTES;
    reader->limits.elements = limits->elements != 0 ? limits->elements : DEFAULT_ELEMENTS;
    bool is_depth_given = limits->depth != 0 && limits->depth < WEIR_READER_DEPTH;
    reader->limits.depth = is_depth_given ? limits->depth : WEIR_READER_DEPTH;
}

/* Ends the connection's reading: the fault lies `at` bytes behind the unused ones' start.
 */
static weir_status fail(weir_reader *reader, weir_resp_fault fault, size_t at) {
    reader->state = BROKEN;
    reader->fault = (uint8_t)fault;
    reader->offset += at;
    return WEIR_ERR_PROTOCOL;
}

static bool is_aggregate(uint8_t type) {
    return type == '*' || type == '~' || type == '%' || type == '|' || type == '>';
}

/* A value is complete, and with it each aggregate whose last element it was. An attribute
 * is none of its parent's elements: the value that follows it is. */
static void close_value(weir_reader *reader) {
    reader->owes_value = false;
    while (reader->depth > 0) {
        if (--reader->left[reader->depth - 1] != 0) {
            return;
        }
        reader->depth--;
        if (reader->kind[reader->depth] == '|') {
            reader->owes_value = true;
            return;
        }
    }
}

static weir_status begin_token(weir_reader *reader, uint8_t type) {
    switch (type) {
    case '+':
    case '-': reader->state = IN_LINE; break;
    case ':':
    case '$':
    case '*': reader->state = IN_NUMBER; break;
    case '_':
    case '#':
    case ',':
    case '(': reader->state = IN_LINE; break;
    case '!':
    case '=':
    case '~':
    case '%':
    case '|':
    case '>': reader->state = IN_NUMBER; break;
    default: return fail(reader, WEIR_FAULT_TYPE, 0);
    }
    bool is_resp2 = type == '+' || type == '-' || type == ':' || type == '$' || type == '*';
    if (reader->protocol == 2 && !is_resp2) {
        return fail(reader, WEIR_FAULT_TYPE, 0);
    }
    if (type == '>' && reader->depth > 0) {
        return fail(reader, WEIR_FAULT_NEST, 0);
    }
    reader->type = type;
    reader->length = 0;
    reader->digits = 0;
    reader->sign = 0;
    reader->seen = 1;
    return WEIR_OK;
}

/* Adds a digit to the pending number: no leading zeros, at most 2^64-1. */
static weir_status take_digit(weir_reader *reader, uint64_t digit, size_t at) {
    weir_resp_fault shape = reader->type == ':' ? WEIR_FAULT_INT : WEIR_FAULT_LEN;
    if (reader->digits > 0 && reader->length == 0) {
        return fail(reader, shape, at);
    }
    if (weir_u64_would_overflow(reader->length, digit)) {
        bool is_huge_length = reader->type != ':' && reader->sign == 0;
        return fail(reader, is_huge_length ? WEIR_FAULT_LIMIT : shape, at);
    }
    reader->length = reader->length * 10 + digit;
    reader->digits++;
    return WEIR_OK;
}

/* The number's digits are over: does it fit its type? */
static weir_status check_number(weir_reader *reader, size_t at) {
    if (reader->type == ':') {
        uint64_t most = (uint64_t)INT64_MAX + (reader->sign == '-' ? 1 : 0);
        bool is_minus_zero = reader->sign == '-' && reader->length == 0;
        bool fits = reader->digits > 0 && reader->length <= most && !is_minus_zero;
        return fits ? WEIR_OK : fail(reader, WEIR_FAULT_INT, at);
    }
    if (reader->digits == 0) {
        return fail(reader, WEIR_FAULT_LEN, at);
    }
    if (reader->sign == 0) {
        return reader->length <= INT64_MAX ? WEIR_OK : fail(reader, WEIR_FAULT_LIMIT, at);
    }
    bool may_be_null = reader->type == '$' || reader->type == '*';
    bool is_null = may_be_null && reader->sign == '-' && reader->length == 1;
    return is_null ? WEIR_OK : fail(reader, WEIR_FAULT_LEN, at);
}

static weir_status read_number(weir_reader *reader, weir_view input) {
    size_t at = reader->seen;
    for (; at < input.len; at++) {
        unsigned char byte = (unsigned char)input.data[at];
        if (byte >= '0' && byte <= '9') {
            weir_status st = take_digit(reader, byte - (unsigned)'0', at);
            if (st != WEIR_OK) {
                return st;
            }
        } else if (byte == '\r') {
            break;
        } else if (at == 1 && (byte == '-' || (byte == '+' && reader->type == ':'))) {
            reader->sign = byte;
        } else {
            return fail(reader, reader->type == ':' ? WEIR_FAULT_INT : WEIR_FAULT_LEN, at);
        }
    }
    reader->seen = at;
    if (input.len - at < 2) {
        return WEIR_MORE;
    }
    if (input.data[at + 1] != '\n') {
        return fail(reader, WEIR_FAULT_TERM, at + 1);
    }
    reader->seen = at + 2;
    return check_number(reader, at);
}

/* Finds the line's end; *text is what stands before CR LF, without the type byte. */
static weir_status read_line(weir_reader *reader, weir_view input, weir_view *text) {
    size_t at = reader->seen;
    while (at < input.len && input.data[at] != '\r' && input.data[at] != '\n') {
        at++;
    }
    if (at - 1 > reader->limits.line_bytes) {
        return fail(reader, WEIR_FAULT_LIMIT, (size_t)reader->limits.line_bytes + 1);
    }
    reader->seen = at;
    if (at < input.len && input.data[at] == '\n') {
        return fail(reader, WEIR_FAULT_TERM, at);
    }
    if (input.len - at < 2) {
        return WEIR_MORE;
    }
    if (input.data[at + 1] != '\n') {
        return fail(reader, WEIR_FAULT_TERM, at + 1);
    }
    reader->seen = at + 2;
    *text = weir_bytes(input.data + 1, at - 1);
    return WEIR_OK;
}

/* The token is whole: `reader->seen` bytes are used. */
static weir_status finish_token(weir_reader *reader, size_t *used) {
    *used = reader->seen;
    reader->offset += reader->seen;
    reader->seen = 0;
    reader->state = AT_TYPE;
    return WEIR_OK;
}

static weir_status finish_scalar(weir_reader *reader, size_t *used) {
    finish_token(reader, used);
    close_value(reader);
    return WEIR_OK;
}

static weir_status finish_line(weir_reader *reader, weir_view text, size_t *used,
                               weir_token *token) {
    token->bytes = text;
    switch (reader->type) {
    case '+': token->type = WEIR_TOKEN_SIMPLE; break;
    case '-': token->type = WEIR_TOKEN_ERROR; break;
    case '_':
        if (text.len != 0) {
            return fail(reader, WEIR_FAULT_NULL, 1);
        }
        token->type = WEIR_TOKEN_NULL;
        token->number = '_';
        break;
    case '#':
        if (text.len != 1 || (text.data[0] != 't' && text.data[0] != 'f')) {
            return fail(reader, WEIR_FAULT_BOOL, 1);
        }
        token->type = WEIR_TOKEN_BOOLEAN;
        token->number = text.data[0] == 't';
        token->bytes = weir_bytes(NULL, 0);
        break;
    case ',':
        if (!weir_text_is_double(text)) {
            return fail(reader, WEIR_FAULT_DOUBLE, 1);
        }
        token->type = WEIR_TOKEN_DOUBLE;
        break;
    default: /* '(': begin_token lets no other type into a line */
        if (!weir_text_is_big_number(text)) {
            return fail(reader, WEIR_FAULT_BIGNUM, 1);
        }
        token->type = WEIR_TOKEN_BIG_NUMBER;
        if (text.data[0] == '+') {
            token->bytes = weir_bytes(text.data + 1, text.len - 1);
        }
        break;
    }
    return finish_scalar(reader, used);
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

static weir_status open_aggregate(weir_reader *reader, size_t *used, weir_token *token) {
    bool has_pairs = reader->type == '%' || reader->type == '|';
    uint64_t values = has_pairs ? 2 * reader->length : reader->length;
    if (values > reader->limits.elements) {
        return fail(reader, WEIR_FAULT_LIMIT, 1);
    }
    if (values > 0 && reader->depth >= reader->limits.depth) {
        return fail(reader, WEIR_FAULT_LIMIT, 0);
    }
    token->type = aggregate_type(reader->type);
    token->number = (int64_t)reader->length;
    finish_token(reader, used);
    if (values > 0) {
        reader->owes_value = false;
        reader->kind[reader->depth] = reader->type;
        reader->left[reader->depth] = values;
        reader->depth++;
    } else if (reader->type == '|') {
        reader->owes_value = true;
    } else {
        close_value(reader);
    }
    return WEIR_OK;
}

static weir_status finish_null(weir_reader *reader, size_t *used, weir_token *token) {
    token->type = WEIR_TOKEN_NULL;
    token->number = reader->type;
    return finish_scalar(reader, used);
}

/* The number of an integer, a length or a count is read: what does it begin? */
static weir_status finish_number(weir_reader *reader, size_t *used, weir_token *token) {
    if (reader->type == ':') {
        token->type = WEIR_TOKEN_INTEGER;
        token->number =
            reader->sign == '-' ? (int64_t)(0 - reader->length) : (int64_t)reader->length;
        return finish_scalar(reader, used);
    }
    if (reader->sign == '-') {
        return finish_null(reader, used, token);
    }
    if (is_aggregate(reader->type)) {
        return open_aggregate(reader, used, token);
    }
    if (reader->length > reader->limits.bulk_bytes) {
        return fail(reader, WEIR_FAULT_LIMIT, 1);
    }
    if (reader->type == '=' && reader->length < VERBATIM_HEAD) {
        return fail(reader, WEIR_FAULT_VERB, 1);
    }
    reader->state = IN_BODY;
    return WEIR_MORE;
}

/* CR LF behind a string's bytes, as far as it has come. */
static weir_status check_body_end(weir_reader *reader, weir_view input, size_t end) {
    if (end < input.len && input.data[end] != '\r') {
        return fail(reader, WEIR_FAULT_TERM, end);
    }
    if (input.len - end < 2) {
        return WEIR_MORE;
    }
    return input.data[end + 1] == '\n' ? WEIR_OK : fail(reader, WEIR_FAULT_TERM, end + 1);
}

static weir_status check_verbatim(weir_reader *reader, weir_view input) {
    size_t colon = reader->seen + VERBATIM_HEAD - 1;
    if (reader->type != '=' || input.len <= colon || input.data[colon] == ':') {
        return WEIR_OK;
    }
    return fail(reader, WEIR_FAULT_VERB, colon);
}

static weir_status read_body(weir_reader *reader, weir_view input, size_t *used,
                             weir_token *token) {
    weir_status st = check_verbatim(reader, input);
    if (st != WEIR_OK) {
        return st;
    }
    if (input.len - reader->seen < reader->length) {
        return WEIR_MORE;
    }
    size_t end = reader->seen + (size_t)reader->length;
    st = check_body_end(reader, input, end);
    if (st != WEIR_OK) {
        return st;
    }
    token->type = reader->type == '$'   ? WEIR_TOKEN_BULK
                  : reader->type == '!' ? WEIR_TOKEN_BULK_ERROR
                                        : WEIR_TOKEN_VERBATIM;
    token->bytes = weir_bytes(input.data + reader->seen, (size_t)reader->length);
    reader->seen = end + 2;
    return finish_scalar(reader, used);
}

/* One token, attributes not hidden; `used` is written only with WEIR_OK. */
static weir_status read_token(weir_reader *reader, weir_view input, size_t *used,
                              weir_token *token) {
    if (reader->state == BROKEN) {
        return WEIR_ERR_PROTOCOL;
    }
    weir_status st = WEIR_OK;
    if (reader->state == AT_TYPE) {
        if (input.len == 0) {
            return WEIR_MORE;
        }
        st = begin_token(reader, (uint8_t)input.data[0]);
        if (st != WEIR_OK) {
            return st;
        }
    }
    token->depth = reader->depth;
    token->number = 0;
    token->bytes = weir_bytes(NULL, 0);
    if (reader->state == IN_LINE) {
        weir_view text;
        st = read_line(reader, input, &text);
        return st == WEIR_OK ? finish_line(reader, text, used, token) : st;
    }
    if (reader->state == IN_NUMBER) {
        st = read_number(reader, input);
        if (st == WEIR_OK) {
            st = finish_number(reader, used, token);
        }
        if (st != WEIR_MORE || reader->state != IN_BODY) {
            return st;
        }
    }
    return read_body(reader, input, used, token);
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

/* An empty view may have no address to add to. */
static weir_view behind(weir_view input, size_t used) {
    return used == 0 ? input : weir_bytes(input.data + used, input.len - used);
}

weir_status weir_reader_next(weir_reader *reader, weir_view input, size_t *used,
                             weir_token *token) {
    *used = 0;
    for (;;) {
        size_t took = 0;
        weir_status st = read_token(reader, behind(input, *used), &took, token);
        *used += took;
        if (st != WEIR_OK || !is_hidden(reader, token)) {
            return st;
        }
    }
}

/* Turns a string whose header is read into one whose bytes are dropped as they come. */
static weir_status begin_drop(weir_reader *reader, weir_view input, size_t *used) {
    if (reader->type == '=' && input.len - reader->seen < VERBATIM_HEAD) {
        return WEIR_MORE;
    }
    weir_status st = check_verbatim(reader, input);
    if (st != WEIR_OK) {
        return st;
    }
    *used = reader->seen;
    reader->offset += reader->seen;
    reader->seen = 0;
    reader->state = PAST_BODY;
    return WEIR_OK;
}

static weir_status drop_body(weir_reader *reader, weir_view input, size_t *used) {
    size_t take = reader->length < input.len ? (size_t)reader->length : input.len;
    *used = take;
    reader->offset += take;
    reader->length -= take;
    if (reader->length > 0) {
        return WEIR_MORE;
    }
    weir_status st = check_body_end(reader, behind(input, take), 0);
    if (st != WEIR_OK) {
        return st;
    }
    *used += 2;
    reader->offset += 2;
    reader->state = AT_TYPE;
    close_value(reader);
    return WEIR_OK;
}

static bool is_skip_over(const weir_reader *reader) {
    return reader->state == AT_TYPE &&
           (reader->depth < reader->skip_depth ||
            (reader->depth == reader->skip_depth && !reader->owes_value));
}

static weir_status skip_on(weir_reader *reader, weir_view input, size_t *used) {
    *used = 0;
    for (;;) {
        size_t took = 0;
        weir_token token;
        weir_view rest = behind(input, *used);
        weir_status st = reader->state == PAST_BODY
                             ? drop_body(reader, rest, &took)
                             : read_token(reader, rest, &took, &token);
        if (st == WEIR_MORE && reader->state == IN_BODY) {
            st = begin_drop(reader, rest, &took);
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
    close_value(reader);
}

bool weir_reader_is_between(const weir_reader *reader) {
    return reader->state == AT_TYPE && reader->depth == 0 && !reader->owes_value &&
           !reader->is_skipping;
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
    case WEIR_FAULT_LIMIT: return "beyond a limit of this reader";
    }
    return "unknown fault";
}
