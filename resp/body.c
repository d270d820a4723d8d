/* The bytes of strings: whole, or in parts as they come.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "token.h"

/* The string, or the streamed string with its last part, is over. */
static void finish_value(weir_reader *reader) {
    reader->state = WEIR_AT_TYPE;
    weir_frame_close_value(reader);
}

/* The part is over; the streamed string goes on unless this was its last. */
static void finish_part(weir_reader *reader, bool is_last) {
    reader->state = WEIR_AT_TYPE;
    reader->is_in_parts = reader->type == ';' && !is_last;
    if (is_last) {
        weir_frame_close_value(reader);
    }
}

static weir_status check_lengths(weir_reader *reader) {
    uint64_t whole = reader->type == ';' ? reader->total + reader->length : reader->length;
    if (reader->length > reader->limits.bulk_bytes || whole > reader->limits.bulk_bytes) {
        return weir_reader_fail(reader, WEIR_FAULT_BULK_BYTES, 1);
    }
    uint64_t before = reader->offset + reader->seen - reader->reply_at;
    if (before > reader->limits.reply_bytes ||
        reader->length > reader->limits.reply_bytes - before) {
        return weir_reader_fail(reader, WEIR_FAULT_REPLY_BYTES, 1);
    }
    reader->total = whole;
    return WEIR_OK;
}

/* "$?": parts follow, each with a length of its own. */
static weir_status begin_streamed(weir_reader *reader, size_t *used, weir_token *token) {
    token->type = WEIR_TOKEN_STRING;
    token->number = WEIR_STREAMED;
    *used = reader->seen;
    weir_reader_use(reader, reader->seen);
    reader->state = WEIR_AT_TYPE;
    reader->is_in_parts = true;
    reader->owes_value = false;
    reader->total = 0;
    return WEIR_OK;
}

/* ";0": the end of a streamed string has no bytes and no CR LF behind them. */
static weir_status end_streamed(weir_reader *reader, size_t *used, weir_token *token) {
    token->type = WEIR_TOKEN_PART;
    token->number = 1;
    token->bytes = weir_bytes(NULL, 0);
    *used = reader->seen;
    weir_reader_use(reader, reader->seen);
    finish_part(reader, true);
    return WEIR_OK;
}

weir_status weir_body_begin(weir_reader *reader, size_t *used, weir_token *token) {
    if (reader->sign == '?') {
        return begin_streamed(reader, used, token);
    }
    weir_status st = check_lengths(reader);
    if (st != WEIR_OK) {
        return st;
    }
    if (reader->type == ';' && reader->length == 0) {
        return end_streamed(reader, used, token);
    }
    if (reader->type == '=' && reader->length < WEIR_VERBATIM_HEAD) {
        return weir_reader_fail(reader, WEIR_FAULT_VERB, 1);
    }
    reader->state = WEIR_IN_BODY;
    return WEIR_MORE;
}

/* CR LF behind a string's bytes, as far as it has come. */
static weir_status check_end(weir_reader *reader, weir_view input, size_t end) {
    if (end < input.len && input.data[end] != '\r') {
        return weir_reader_fail(reader, WEIR_FAULT_TERM, end);
    }
    if (input.len - end < 2) {
        return WEIR_MORE;
    }
    return input.data[end + 1] == '\n' ? WEIR_OK
                                       : weir_reader_fail(reader, WEIR_FAULT_TERM, end + 1);
}

static weir_status check_verbatim(weir_reader *reader, weir_view input) {
    size_t colon = reader->seen + WEIR_VERBATIM_HEAD - 1;
    if (reader->type != '=' || input.len <= colon || input.data[colon] == ':') {
        return WEIR_OK;
    }
    return weir_reader_fail(reader, WEIR_FAULT_VERB, colon);
}

static weir_token_type string_type(uint8_t type) {
    switch (type) {
    case '$': return WEIR_TOKEN_BULK;
    case '!': return WEIR_TOKEN_BULK_ERROR;
    case '=': return WEIR_TOKEN_VERBATIM;
    default: return WEIR_TOKEN_PART;
    }
}

weir_status weir_body_read(weir_reader *reader, weir_view input, size_t *used,
                           weir_token *token) {
    weir_status st = check_verbatim(reader, input);
    if (st != WEIR_OK) {
        return st;
    }
    if (input.len - reader->seen < reader->length) {
        return WEIR_MORE;
    }
    size_t end = reader->seen + (size_t)reader->length;
    st = check_end(reader, input, end);
    if (st != WEIR_OK) {
        return st;
    }
    token->type = string_type(reader->type);
    token->bytes = weir_bytes(input.data + reader->seen, (size_t)reader->length);
    *used = end + 2;
    weir_reader_use(reader, end + 2);
    if (reader->type == ';') {
        finish_part(reader, false);
    } else {
        finish_value(reader);
    }
    return WEIR_OK;
}

weir_status weir_body_let_go(weir_reader *reader, weir_view input, size_t *used) {
    if (reader->type == '=' && input.len - reader->seen < WEIR_VERBATIM_HEAD) {
        return WEIR_MORE;
    }
    weir_status st = check_verbatim(reader, input);
    if (st != WEIR_OK) {
        return st;
    }
    *used = reader->seen;
    weir_reader_use(reader, reader->seen);
    reader->state = WEIR_PAST_BODY;
    return WEIR_OK;
}

weir_status weir_body_part(weir_reader *reader, weir_view input, size_t *used,
                           weir_token *token) {
    size_t take = reader->length < input.len ? (size_t)reader->length : input.len;
    bool is_all = take == reader->length;
    weir_status st = is_all ? check_end(reader, input, take) : WEIR_MORE;
    if (st == WEIR_ERR_PROTOCOL || (st == WEIR_MORE && take == 0)) {
        return st;
    }
    token->type = WEIR_TOKEN_PART;
    token->bytes = weir_bytes(input.data, take);
    token->number = st == WEIR_OK && reader->type != ';';
    reader->length -= take;
    *used = st == WEIR_OK ? take + 2 : take;
    weir_reader_use(reader, *used);
    if (st == WEIR_OK) {
        finish_part(reader, reader->type != ';');
    }
    return WEIR_OK;
}
