/* Rows of an answer that is held whole.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "rows.h"

/* ---- values ---- */

void weir_cursor_init(weir_cursor *at, weir_view whole) {
    weir_reader_init(&at->reader, &weir_stream_reading);
    at->rest = whole;
}

static void advance(weir_cursor *at, size_t used) {
    at->rest = weir_bytes(at->rest.data + used, at->rest.len - used);
}

bool weir_cursor_next(weir_cursor *at, weir_value *value) {
    const char *begin = at->rest.data;
    uint32_t depth = weir_reader_depth(&at->reader);
    size_t used;
    weir_status st = weir_reader_next(&at->reader, at->rest, &used, &value->token);
    advance(at, used);
    bool is_streamed = value->token.type == WEIR_TOKEN_STRING ||
                       value->token.type == WEIR_TOKEN_END ||
                       value->token.number == WEIR_STREAMED;
    bool is_number = value->token.type == WEIR_TOKEN_INTEGER;
    if (st != WEIR_OK || (is_streamed && !is_number)) {
        return false;
    }
    value->inner = at->rest.data;
    while (weir_reader_depth(&at->reader) > depth) {
        if (weir_reader_skip(&at->reader, at->rest, &used) != WEIR_OK) {
            return false;
        }
        advance(at, used);
    }
    value->whole = weir_bytes(begin, (size_t)(at->rest.data - begin));
    return true;
}

/* ---- lists ---- */

static weir_slot *slot_of(const weir_rows *rows) {
    return rows->answer.client != NULL
               ? weir_session_slot(&rows->answer.client->session, rows->answer.slot,
                                   rows->answer.serial)
               : NULL;
}

/* The whole answer; empty once it is closed. */
static weir_view answer_of(const weir_rows *rows) {
    const weir_slot *slot = slot_of(rows);
    return slot != NULL ? slot->detached : weir_bytes(NULL, 0);
}

void weir_rows_close(weir_rows *rows) {
    if (!rows->is_inner) {
        weir_reply_close(&rows->answer);
    }
    rows->answer.client = NULL;
}

weir_status weir_rows_refuse(weir_rows *rows, const char *expected) {
    weir_client *client = rows->answer.client;
    if (client == NULL) {
        return WEIR_ERR_REPLY; /* closed, and told before */
    }
    weir_session *session = &client->session;
    weir_rows_close(rows);
    return weir_session_error(session, WEIR_ERR_REPLY,
                              "%s: an answer of another shape: expected %s", session->peer,
                              expected);
}

bool weir_rows_whole(const weir_rows *rows, weir_value *whole) {
    weir_cursor at;
    weir_cursor_init(&at, answer_of(rows));
    return weir_cursor_next(&at, whole);
}

/* A list inside the answer, of `left` rows from `begin` on. */
static weir_rows list_at(const weir_rows *from, const char *begin, uint64_t left,
                         weir_rows_kind kind) {
    weir_rows rows = *from;
    rows.at = (uint64_t)(begin - answer_of(from).data);
    rows.left = left;
    rows.kind = kind;
    rows.is_inner = true;
    return rows;
}

bool weir_rows_open(weir_rows *rows, weir_rows_kind kind) {
    weir_value whole;
    if (!weir_rows_whole(rows, &whole) ||
        (whole.token.type != WEIR_TOKEN_ARRAY && whole.token.type != WEIR_TOKEN_NULL)) {
        return false;
    }
    bool is_null = whole.token.type == WEIR_TOKEN_NULL;
    *rows = list_at(rows, whole.inner, is_null ? 0 : (uint64_t)whole.token.number, kind);
    rows->is_inner = false;
    return true;
}

weir_status weir_rows_next(weir_rows *rows, unsigned kinds, weir_value *row) {
    weir_view answer = answer_of(rows);
    if (answer.len == 0) {
        return WEIR_END;
    }
    if ((kinds >> rows->kind & 1) == 0) {
        return weir_client_wrong(rows->answer.client, "rows: these are of another kind");
    }
    if (rows->left == 0) {
        return WEIR_END;
    }
    weir_cursor at;
    weir_cursor_init(&at,
                     weir_bytes(answer.data + rows->at, answer.len - (size_t)rows->at));
    if (!weir_cursor_next(&at, row)) {
        return weir_rows_refuse(rows, "a row");
    }
    rows->at += row->whole.len;
    rows->left--;
    return WEIR_OK;
}

weir_status weir_rows_next_key(weir_rows *keys, weir_row_key *key) {
    weir_value name;
    weir_value value;
    weir_status st = weir_rows_next(keys, 1U << WEIR_ROWS_KEYS, &name);
    if (st != WEIR_OK) {
        return st;
    }
    keys->left++; /* a name and its value are one */
    st = weir_rows_next(keys, 1U << WEIR_ROWS_KEYS, &value);
    if (st == WEIR_OK) {
        *key = (weir_row_key){name.token.bytes, value.token, value.whole};
    }
    return st;
}

weir_status weir_rows_find(const weir_rows *keys, const char *name, weir_row_key *key) {
    weir_rows rest = *keys;
    rest.is_inner = true;
    weir_row_key found = {.name = {NULL, 0}};
    weir_status st = weir_rows_next_key(&rest, &found);
    while (st == WEIR_OK && !weir_view_equal(found.name, weir_text(name))) {
        st = weir_rows_next_key(&rest, &found);
    }
    if (st == WEIR_OK) {
        *key = found;
    }
    return st;
}

weir_status weir_rows_next_entry(weir_rows *rows, weir_entry *entry) {
    weir_value row = {.inner = NULL};
    weir_slot *slot = slot_of(rows);
    weir_status st =
        slot != NULL ? weir_rows_next(rows, 1U << WEIR_ROWS_ENTRIES, &row) : WEIR_END;
    if (st != WEIR_OK) {
        return st;
    }
    st = weir_decode_entry(row.whole, &slot->fields, entry);
    if (st == WEIR_ERR_NOMEM) {
        return weir_session_error(&rows->answer.client->session, st,
                                  "no memory for an entry's fields");
    }
    return st == WEIR_OK ? WEIR_OK : weir_rows_refuse(rows, "an entry");
}

/* ---- keys ---- */

static bool is_list(const weir_token *token) {
    return token->type == WEIR_TOKEN_ARRAY && token->number >= 0;
}

/* Keeps a value at its place, if it is of that kind. */
static bool keep_value(const weir_rows *from, const weir_known *known,
                       const weir_value *value, char *place) {
    const weir_token *token = &value->token;
    weir_id id;
    weir_rows list;
    switch (known->kind) {
    case WEIR_KNOWN_NUMBER:
        if (token->type == WEIR_TOKEN_INTEGER) {
            memcpy(place, &token->number, sizeof token->number);
        }
        return token->type == WEIR_TOKEN_INTEGER;
    case WEIR_KNOWN_NAME:
        if (token->type == WEIR_TOKEN_BULK) {
            memcpy(place, &token->bytes, sizeof token->bytes);
        }
        return token->type == WEIR_TOKEN_BULK;
    case WEIR_KNOWN_ID:
        if (token->type != WEIR_TOKEN_BULK || !weir_decode_id(token->bytes, &id)) {
            return false;
        }
        memcpy(place, &id, sizeof id);
        return true;
    case WEIR_KNOWN_ENTRY:
    case WEIR_KNOWN_LIST:
        if (!is_list(token)) {
            return false;
        }
        list = known->kind == WEIR_KNOWN_ENTRY
                   ? list_at(from, value->whole.data, 1, WEIR_ROWS_ENTRIES)
                   : list_at(from, value->inner, (uint64_t)token->number, known->rows);
        memcpy(place, &list, sizeof list);
        return true;
    }
    return false;
}

/* True if the table has no such name, or a kind that fits. */
static bool keep_key(const weir_rows *from, const weir_known *table, size_t count,
                     weir_view name, const weir_value *value, char *out) {
    bool is_known = false;
    for (size_t i = 0; i < count; i++) {
        if (!weir_view_equal(name, weir_text(table[i].name))) {
            continue;
        }
        is_known = true;
        if (keep_value(from, &table[i], value, out + table[i].offset)) {
            if (table[i].flag != 0) {
                out[table[i].flag] = 1;
            }
            return true;
        }
    }
    return !is_known || value->token.type == WEIR_TOKEN_NULL;
}

bool weir_rows_read_keys(const weir_rows *from, const weir_value *row,
                         const weir_known *table, size_t count, void *out,
                         weir_rows *keys) {
    bool is_map = row->token.type == WEIR_TOKEN_MAP && row->token.number >= 0;
    if (!is_map && (!is_list(&row->token) || row->token.number % 2 != 0)) {
        return false;
    }
    uint64_t pairs = (uint64_t)row->token.number / (is_map ? 1 : 2);
    *keys = list_at(from, row->inner, pairs, WEIR_ROWS_KEYS);
    weir_cursor at;
    weir_value head;
    weir_cursor_init(
        &at,
        weir_bytes(row->inner, row->whole.len - (size_t)(row->inner - row->whole.data)));
    for (uint64_t i = 0; i < pairs; i++) {
        weir_value value;
        if (!weir_cursor_next(&at, &head) || head.token.type != WEIR_TOKEN_BULK ||
            !weir_cursor_next(&at, &value) ||
            !keep_key(from, table, count, head.token.bytes, &value, out)) {
            return false;
        }
    }
    return true;
}
