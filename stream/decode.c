/* Decoding of one whole entry, whatever its shape. Shapes are told by types and counts, not
 * by the protocol that was asked for.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "decode.h"

#include "../resp/number.h"

/* What limits a reply is the receive buffer, and an iterator needs no limit at all. */
const weir_reader_options weir_stream_reading = {
    .hide_attributes = true,
    .limits = {.bulk_bytes = INT64_MAX, .reply_bytes = UINT64_MAX},
};

/* A whole value and how far it is read. */
typedef struct cursor {
    weir_reader reader;
    weir_view rest;
} cursor;

static weir_status next_token(cursor *at, weir_token *token) {
    size_t used;
    weir_status st = weir_reader_next(&at->reader, at->rest, &used, token);
    at->rest = weir_bytes(at->rest.data + used, at->rest.len - used);
    return st == WEIR_OK ? WEIR_OK : WEIR_ERR_REPLY;
}

static weir_status next_string(cursor *at, weir_view *bytes) {
    weir_token token;
    weir_status st = next_token(at, &token);
    if (st != WEIR_OK) {
        return st;
    }
    bool is_string = token.type == WEIR_TOKEN_BULK || token.type == WEIR_TOKEN_SIMPLE;
    *bytes = token.bytes;
    return is_string ? WEIR_OK : WEIR_ERR_REPLY;
}

static weir_status next_integer(cursor *at, int64_t *number) {
    weir_token token;
    weir_status st = next_token(at, &token);
    return st == WEIR_OK && weir_decode_integer(&token, number) ? WEIR_OK : WEIR_ERR_REPLY;
}

bool weir_decode_integer(const weir_token *token, int64_t *number) {
    if (token->type == WEIR_TOKEN_INTEGER) {
        *number = token->number;
        return true;
    }
    bool is_text = token->type == WEIR_TOKEN_BULK || token->type == WEIR_TOKEN_SIMPLE;
    if (!is_text || token->bytes.len == 0) { /* the bytes may have no address */
        return false;
    }
    bool is_negative = token->bytes.data[0] == '-';
    size_t sign = is_negative ? 1 : 0;
    weir_view digits = weir_bytes(token->bytes.data + sign, token->bytes.len - sign);
    uint64_t value;
    if (!weir_parse_u64(digits, &value) || value > INT64_MAX ||
        (is_negative && value == 0)) {
        return false;
    }
    *number = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

bool weir_decode_id(weir_view text, weir_id *id) {
    bool has_both = text.len > 0 && memchr(text.data, '-', text.len) != NULL;
    return has_both && weir_id_parse(text, id) == WEIR_OK;
}

static weir_status read_pairs(cursor *at, int64_t values, weir_fields *fields,
                              weir_entry *entry) {
    if (values < 2 || values % 2 != 0) {
        return WEIR_ERR_REPLY;
    }
    size_t count = (size_t)values / 2;
    for (size_t i = 0; i < count; i++) {
        weir_field field;
        weir_status st = next_string(at, &field.name);
        st = st == WEIR_OK ? next_string(at, &field.value) : st;
        st = st == WEIR_OK ? weir_fields_reserve(fields, i + 1) : st;
        if (st != WEIR_OK) {
            return st;
        }
        fields->list[i] = field;
    }
    entry->fields = fields->list;
    entry->field_count = count;
    return WEIR_OK;
}

static weir_status read_fields(cursor *at, weir_fields *fields, weir_entry *entry) {
    weir_token token;
    weir_status st = next_token(at, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (token.type == WEIR_TOKEN_NULL) {
        entry->state = WEIR_ENTRY_DELETED;
        return WEIR_OK;
    }
    return token.type == WEIR_TOKEN_ARRAY ? read_pairs(at, token.number, fields, entry)
                                          : WEIR_ERR_REPLY;
}

/* XREADGROUP CLAIM: two integers follow the fields. */
static weir_status read_delivery(cursor *at, weir_entry *entry) {
    weir_status st = next_integer(at, &entry->idle_ms);
    return st == WEIR_OK ? next_integer(at, &entry->deliveries) : st;
}

static weir_status read_entry(cursor *at, int64_t parts, weir_fields *fields,
                              weir_entry *entry) {
    if (parts != 2 && parts != 4) {
        return WEIR_ERR_REPLY;
    }
    weir_view id;
    weir_status st = next_string(at, &id);
    if (st != WEIR_OK || !weir_decode_id(id, &entry->id)) {
        return WEIR_ERR_REPLY;
    }
    st = read_fields(at, fields, entry);
    return st == WEIR_OK && parts == 4 ? read_delivery(at, entry) : st;
}

weir_status weir_decode_entry(weir_view whole, weir_fields *fields, weir_entry *entry) {
    cursor at = {.rest = whole};
    weir_reader_init(&at.reader, &weir_stream_reading);
    weir_token token;
    weir_status st = next_token(&at, &token);
    if (st != WEIR_OK) {
        return st;
    }
    weir_entry decoded = {.idle_ms = -1, .deliveries = -1};
    if (token.type == WEIR_TOKEN_NULL) {
        return WEIR_END;
    }
    if (token.type == WEIR_TOKEN_ARRAY) {
        st = read_entry(&at, token.number, fields, &decoded);
    } else {
        decoded.state = WEIR_ENTRY_ID_ONLY;
        bool is_id =
            token.type == WEIR_TOKEN_BULK && weir_decode_id(token.bytes, &decoded.id);
        st = is_id ? WEIR_OK : WEIR_ERR_REPLY;
    }
    if (st == WEIR_OK) {
        *entry = decoded;
    }
    return st;
}
