/* One token: finds and checks it in bytes that arrive in pieces. What was examined of an
 * unfinished one is remembered, so no byte is looked at twice.
 * Source: redis-specifications, protocol/RESP3.md (v1.6).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

#include "number.h"
#include "text.h"

weir_status weir_reader_fail(weir_reader *reader, weir_resp_fault fault, size_t at) {
    reader->state = WEIR_BROKEN;
    reader->fault = (uint8_t)fault;
    reader->offset += at;
    return WEIR_ERR_PROTOCOL;
}

/* ---- the type byte ---- */

/* The state that a type byte leads to; WEIR_BROKEN if it begins nothing. */
static enum weir_reader_state state_after(uint8_t type) {
    switch (type) {
    case '+':
    case '-':
    case '_':
    case '#':
    case ',':
    case '(':
    case '.': return WEIR_IN_LINE;
    case ':':
    case '$':
    case '*':
    case '!':
    case '=':
    case '~':
    case '%':
    case '|':
    case '>':
    case ';': return WEIR_IN_NUMBER;
    default: return WEIR_BROKEN;
    }
}

static bool is_resp2(uint8_t type) {
    return type == '+' || type == '-' || type == ':' || type == '$' || type == '*';
}

static weir_status begin_token(weir_reader *reader, uint8_t type) {
    enum weir_reader_state state = state_after(type);
    if (state == WEIR_BROKEN || (reader->protocol == 2 && !is_resp2(type))) {
        return weir_reader_fail(reader, WEIR_FAULT_TYPE, 0);
    }
    bool is_lost_end = type == '.' && !weir_frame_is_streamed(reader);
    if (reader->is_in_parts != (type == ';') || is_lost_end) {
        return weir_reader_fail(reader, WEIR_FAULT_STREAM, 0);
    }
    if (type == '>' && (reader->depth > 0 || reader->owes_value)) {
        return weir_reader_fail(reader, WEIR_FAULT_NEST, 0);
    }
    if (reader->offset - reader->reply_at >= reader->limits.reply_bytes) {
        return weir_reader_fail(reader, WEIR_FAULT_REPLY_BYTES, 0);
    }
    if (type != '.' && weir_frame_is_full(reader)) {
        return weir_reader_fail(reader, WEIR_FAULT_ELEMENTS, 0);
    }
    reader->state = (uint8_t)state;
    reader->type = type;
    reader->length = 0;
    reader->digits = 0;
    reader->sign = 0;
    reader->seen = 1;
    return WEIR_OK;
}

/* ---- numbers ---- */

static weir_resp_fault number_fault(const weir_reader *reader) {
    return reader->type == ':' ? WEIR_FAULT_INT : WEIR_FAULT_LEN;
}

/* Adds a digit to the pending number: no leading zeros, at most 2^64-1. */
static weir_status take_digit(weir_reader *reader, uint64_t digit, size_t at) {
    if ((reader->digits > 0 && reader->length == 0) || reader->sign == '?') {
        return weir_reader_fail(reader, number_fault(reader), at);
    }
    if (weir_u64_would_overflow(reader->length, digit)) {
        bool is_huge_length = reader->type != ':' && reader->sign == 0;
        return weir_reader_fail(
            reader, is_huge_length ? WEIR_FAULT_HUGE : number_fault(reader), at);
    }
    reader->length = reader->length * 10 + digit;
    reader->digits++;
    return WEIR_OK;
}

/* May this byte stand in front of the digits, or in their place? */
static bool is_sign(const weir_reader *reader, uint8_t byte) {
    switch (byte) {
    case '-': return reader->type == ':' || reader->type == '$' || reader->type == '*';
    case '+': return reader->type == ':';
    case '?':
        return reader->protocol == 3 && (reader->type == '$' || reader->type == '*' ||
                                         reader->type == '~' || reader->type == '%');
    default: return false;
    }
}

/* The number's digits are over: does it fit its type? */
static weir_status check_number(weir_reader *reader, size_t at) {
    bool is_whole = reader->sign == '?' || reader->digits > 0;
    if (!is_whole) {
        return weir_reader_fail(reader, number_fault(reader), at);
    }
    if (reader->type == ':') {
        uint64_t most = (uint64_t)INT64_MAX + (reader->sign == '-' ? 1 : 0);
        bool is_minus_zero = reader->sign == '-' && reader->length == 0;
        bool fits = reader->length <= most && !is_minus_zero;
        return fits ? WEIR_OK : weir_reader_fail(reader, WEIR_FAULT_INT, at);
    }
    if (reader->sign != '-') {
        return reader->length <= INT64_MAX ? WEIR_OK
                                           : weir_reader_fail(reader, WEIR_FAULT_HUGE, at);
    }
    bool is_null = reader->length == 1;
    return is_null ? WEIR_OK : weir_reader_fail(reader, WEIR_FAULT_LEN, at);
}

/* The line ends at `at` with CR LF, as far as it has come. */
static weir_status end_line(weir_reader *reader, weir_view input, size_t at) {
    reader->seen = at;
    if (input.len - at < 2) {
        return WEIR_MORE;
    }
    if (input.data[at + 1] != '\n') {
        return weir_reader_fail(reader, WEIR_FAULT_TERM, at + 1);
    }
    reader->seen = at + 2;
    return WEIR_OK;
}

static weir_status read_number(weir_reader *reader, weir_view input) {
    size_t at = reader->seen;
    for (; at < input.len && input.data[at] != '\r'; at++) {
        uint8_t byte = (uint8_t)input.data[at];
        if (byte >= '0' && byte <= '9') {
            weir_status st = take_digit(reader, byte - (uint64_t)'0', at);
            if (st != WEIR_OK) {
                return st;
            }
        } else if (at == 1 && is_sign(reader, byte)) {
            reader->sign = byte;
        } else {
            return weir_reader_fail(reader, number_fault(reader), at);
        }
    }
    weir_status st = end_line(reader, input, at);
    return st == WEIR_OK ? check_number(reader, at) : st;
}

static weir_status finish_scalar(weir_reader *reader, size_t *used) {
    *used = reader->seen;
    weir_reader_use(reader, reader->seen);
    reader->state = WEIR_AT_TYPE;
    weir_frame_close_value(reader);
    return WEIR_OK;
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
        token->type = WEIR_TOKEN_NULL;
        token->number = reader->type;
        return finish_scalar(reader, used);
    }
    bool is_string = reader->type == '$' || reader->type == '!' || reader->type == '=' ||
                     reader->type == ';';
    return is_string ? weir_body_begin(reader, used, token)
                     : weir_frame_open(reader, used, token);
}

/* ---- lines ---- */

/* Finds the line's end; *text is what stands before CR LF, without the type byte. */
static weir_status read_line(weir_reader *reader, weir_view input, weir_view *text) {
    size_t at = reader->seen;
    while (at < input.len && input.data[at] != '\r' && input.data[at] != '\n') {
        at++;
    }
    if (at - 1 > reader->limits.line_bytes) {
        return weir_reader_fail(reader, WEIR_FAULT_LINE_BYTES,
                                (size_t)reader->limits.line_bytes + 1);
    }
    if (at < input.len && input.data[at] == '\n') {
        return weir_reader_fail(reader, WEIR_FAULT_TERM, at);
    }
    *text = weir_bytes(input.data + 1, at - 1);
    return end_line(reader, input, at);
}

static weir_status check_text(weir_reader *reader, weir_resp_fault fault, bool is_right) {
    return is_right ? WEIR_OK : weir_reader_fail(reader, fault, 1);
}

/* What the line says, by its type. */
static weir_status judge_line(weir_reader *reader, weir_view text, weir_token *token) {
    token->bytes = text;
    switch (reader->type) {
    case '+': token->type = WEIR_TOKEN_SIMPLE; return WEIR_OK;
    case '-': token->type = WEIR_TOKEN_ERROR; return WEIR_OK;
    case '_':
        token->type = WEIR_TOKEN_NULL;
        token->number = '_';
        return check_text(reader, WEIR_FAULT_NULL, text.len == 0);
    case '#':
        token->type = WEIR_TOKEN_BOOLEAN;
        token->bytes = weir_bytes(NULL, 0);
        token->number = text.len == 1 && text.data[0] == 't';
        return check_text(reader, WEIR_FAULT_BOOL,
                          text.len == 1 && (text.data[0] == 't' || text.data[0] == 'f'));
    case ',':
        token->type = WEIR_TOKEN_DOUBLE;
        return check_text(reader, WEIR_FAULT_DOUBLE, weir_text_is_double(text));
    default: /* '(': no other type leads here */
        token->type = WEIR_TOKEN_BIG_NUMBER;
        if (text.len > 0 && text.data[0] == '+') {
            token->bytes = weir_view_behind(text, 1);
        }
        return check_text(reader, WEIR_FAULT_BIGNUM, weir_text_is_big_number(text));
    }
}

static weir_status read_line_token(weir_reader *reader, weir_view input, size_t *used,
                                   weir_token *token) {
    weir_view text;
    weir_status st = read_line(reader, input, &text);
    if (st != WEIR_OK) {
        return st;
    }
    if (reader->type == '.') {
        return text.len == 0 ? weir_frame_end(reader, used, token)
                             : weir_reader_fail(reader, WEIR_FAULT_STREAM, 1);
    }
    st = judge_line(reader, text, token);
    return st == WEIR_OK ? finish_scalar(reader, used) : st;
}

/* ---- strings ---- */

static bool comes_in_parts(const weir_reader *reader) {
    return reader->parts_above != 0 && reader->length > reader->parts_above;
}

/* A string that is too large to be held begins: its bytes follow as parts. */
static weir_status begin_parts(weir_reader *reader, weir_view input, size_t *used,
                               weir_token *token) {
    uint64_t length = reader->length;
    weir_status st = weir_body_let_go(reader, input, used);
    if (st != WEIR_OK) {
        return st;
    }
    if (reader->type == ';') {
        weir_view rest = weir_view_behind(input, *used);
        size_t took = 0;
        st = weir_body_part(reader, rest, &took, token);
        *used += took;
        return st;
    }
    token->type = WEIR_TOKEN_STRING;
    token->number = (int64_t)length;
    token->bytes = weir_bytes(input.data, 1);
    return WEIR_OK;
}

static weir_status read_body(weir_reader *reader, weir_view input, size_t *used,
                             weir_token *token) {
    if (reader->state == WEIR_PAST_BODY) {
        return weir_body_part(reader, input, used, token);
    }
    return comes_in_parts(reader) ? begin_parts(reader, input, used, token)
                                  : weir_body_read(reader, input, used, token);
}

/* ---- any token ---- */

weir_status weir_token_read(weir_reader *reader, weir_view input, size_t *used,
                            weir_token *token) {
    if (reader->state == WEIR_BROKEN) {
        return WEIR_ERR_PROTOCOL;
    }
    if (reader->state == WEIR_AT_TYPE) {
        weir_status st =
            input.len == 0 ? WEIR_MORE : begin_token(reader, (uint8_t)input.data[0]);
        if (st != WEIR_OK) {
            return st;
        }
    }
    token->depth = reader->depth;
    token->number = 0;
    token->bytes = weir_bytes(NULL, 0);
    if (reader->state == WEIR_IN_LINE) {
        return read_line_token(reader, input, used, token);
    }
    if (reader->state == WEIR_IN_NUMBER) {
        weir_status st = read_number(reader, input);
        st = st == WEIR_OK ? finish_number(reader, used, token) : st;
        if (st != WEIR_MORE || reader->state != WEIR_IN_BODY) {
            return st;
        }
    }
    return read_body(reader, input, used, token);
}
