/* The iterator: from the first token of an answer to its last entry, while it arrives.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

weir_view weir_session_rest(const weir_session *session, const weir_slot *slot,
                            uint64_t offset) {
    if (!slot->is_detached) {
        return weir_buffer_from(&session->in, offset);
    }
    return weir_bytes(slot->detached.data + offset, slot->detached.len - (size_t)offset);
}

/* The value sought is read: the next one begins where the reader stands. Ends the answer
 * where nothing follows. */
static void go_on(weir_session *session, weir_slot *slot) {
    slot->value_at = slot->at;
    slot->is_seeking = false;
    if (slot->is_detached) {
        return;
    }
    if (weir_reader_is_between(&slot->reader)) {
        weir_session_finish(session, slot);
    } else {
        weir_buffer_use_to(&session->in, slot->at);
    }
}

static weir_status refuse(weir_session *session, const char *expected) {
    return weir_session_error(session, WEIR_ERR_REPLY,
                              "%s: an answer without the shape of entries: expected %s",
                              session->peer, expected);
}

/* One token of the answer's frame. */
static weir_status next_token(weir_session *session, weir_slot *slot, weir_token *token) {
    size_t used;
    weir_status st = weir_reader_next(
        &slot->reader, weir_session_rest(session, slot, slot->at), &used, token);
    slot->at += used;
    if (st == WEIR_ERR_PROTOCOL) {
        return weir_session_fault(session, &slot->reader);
    }
    if (st == WEIR_OK) {
        go_on(session, slot);
    }
    return st;
}

static bool is_null(const weir_token *token) { return token->type == WEIR_TOKEN_NULL; }

/* An array whose count is told, as servers send them, or null in its place. */
static bool is_list(const weir_token *token) {
    return is_null(token) || (token->type == WEIR_TOKEN_ARRAY && token->number >= 0);
}

/* The count of an array of entries is read: go into it, or past it if it is empty. */
static weir_stage list_stage(weir_slot *slot, const weir_token *token) {
    if (!is_null(token) && token->number > 0) {
        slot->list_depth = weir_reader_depth(&slot->reader);
        slot->list_count = slot->look_left = (uint64_t)token->number;
        slot->look_at = slot->at;
        slot->look_least = 0;
        return WEIR_STAGE_ENTRIES;
    }
    switch (slot->answer) {
    case WEIR_ANSWER_STREAMS: return WEIR_STAGE_STREAM;
    case WEIR_ANSWER_AUTOCLAIM: return WEIR_STAGE_AFTER_LIST;
    case WEIR_ANSWER_RANGE:
    case WEIR_ANSWER_ID:
    case WEIR_ANSWER_COUNT:
    case WEIR_ANSWER_IS_NEW:
    case WEIR_ANSWER_DONE:
    case WEIR_ANSWER_DELETIONS:
    case WEIR_ANSWER_PENDING:
    case WEIR_ANSWER_PENDING_ROWS:
    case WEIR_ANSWER_STREAM_INFO:
    case WEIR_ANSWER_GROUPS:
    case WEIR_ANSWER_CONSUMERS:
    case WEIR_ANSWER_REPLY: return WEIR_STAGE_OVER;
    }
    return WEIR_STAGE_OVER;
}

static weir_status read_list(weir_session *session, weir_slot *slot) {
    weir_token token;
    weir_status st = next_token(session, slot, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (!is_list(&token)) {
        return refuse(session, "an array of entries");
    }
    slot->stage = list_stage(slot, &token);
    return WEIR_OK;
}

/* The first token of XREAD's answer: a map of streams, an array of pairs, or null. */
static weir_status read_streams_head(weir_session *session, weir_slot *slot,
                                     const weir_token *token) {
    bool is_map = token->type == WEIR_TOKEN_MAP && token->number >= 0;
    if (!is_map && !is_list(token)) {
        return refuse(session, "a map or an array of streams");
    }
    slot->is_pair_list = !is_map;
    slot->stage = is_null(token) ? WEIR_STAGE_OVER : WEIR_STAGE_STREAM;
    return WEIR_OK;
}

static weir_status read_autoclaim_head(weir_session *session, weir_slot *slot,
                                       const weir_token *token) {
    bool is_known = token->type == WEIR_TOKEN_ARRAY &&
                    (token->number == 2 || token->number == 3); /* 3: since Redis 7.0 */
    if (!is_known) {
        return refuse(session, "an array of 2 or 3");
    }
    slot->has_purged = token->number == 3;
    slot->stage = WEIR_STAGE_NEXT_ID;
    return WEIR_OK;
}

static weir_status read_head(weir_session *session, weir_slot *slot) {
    weir_token token;
    weir_status st = next_token(session, slot, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (token.type == WEIR_TOKEN_ERROR || token.type == WEIR_TOKEN_BULK_ERROR) {
        return weir_session_server_error(session, token.bytes);
    }
    if (slot->answer == WEIR_ANSWER_STREAMS) {
        return read_streams_head(session, slot, &token);
    }
    if (slot->answer == WEIR_ANSWER_AUTOCLAIM) {
        return read_autoclaim_head(session, slot, &token);
    }
    if (!is_list(&token)) {
        return refuse(session, "an array of entries");
    }
    slot->stage = list_stage(slot, &token);
    return WEIR_OK;
}

static weir_status read_next_id(weir_session *session, weir_slot *slot) {
    weir_token token;
    weir_status st = next_token(session, slot, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (token.type != WEIR_TOKEN_BULK || !weir_decode_id(token.bytes, &slot->next)) {
        return refuse(session, "the id to go on from");
    }
    slot->stage = WEIR_STAGE_LIST;
    return WEIR_OK;
}

/* Before the next stream: an array of pairs has a head for each. */
static weir_status read_stream(weir_session *session, weir_slot *slot) {
    if (weir_reader_depth(&slot->reader) == 0) {
        slot->stage = WEIR_STAGE_OVER;
        return WEIR_OK;
    }
    slot->stage = WEIR_STAGE_KEY;
    if (!slot->is_pair_list) {
        return WEIR_OK;
    }
    slot->stage = WEIR_STAGE_STREAM;
    weir_token token;
    weir_status st = next_token(session, slot, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (token.type != WEIR_TOKEN_ARRAY || token.number != 2) {
        return refuse(session, "a stream's name and entries");
    }
    slot->stage = WEIR_STAGE_KEY;
    return WEIR_OK;
}

static weir_status keep_key(weir_session *session, weir_slot *slot, weir_view key) {
    if (key.len > slot->key_capacity) {
        char *bytes =
            weir_mem_resize(&session->mem, slot->key, slot->key_capacity, key.len);
        if (bytes == NULL) {
            return weir_session_error(session, WEIR_ERR_NOMEM, "no memory for a key");
        }
        slot->key = bytes;
        slot->key_capacity = key.len;
    }
    if (key.len > 0) {
        memcpy(slot->key, key.data, key.len);
    }
    slot->key_len = key.len;
    return WEIR_OK;
}

static weir_status read_key(weir_session *session, weir_slot *slot) {
    weir_token token;
    weir_status st = next_token(session, slot, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (token.type != WEIR_TOKEN_BULK) {
        return refuse(session, "a stream's name");
    }
    slot->stage = WEIR_STAGE_LIST;
    return keep_key(session, slot, token.bytes);
}

/* Behind XAUTOCLAIM's entries. */
static weir_status read_after_list(weir_session *session, weir_slot *slot) {
    slot->stage = WEIR_STAGE_OVER;
    if (!slot->has_purged) {
        return WEIR_OK;
    }
    slot->stage = WEIR_STAGE_AFTER_LIST;
    weir_token token;
    weir_status st = next_token(session, slot, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (!is_list(&token)) {
        return refuse(session, "the deleted ids");
    }
    bool has_ids = !is_null(&token) && token.number > 0;
    slot->stage = has_ids ? WEIR_STAGE_PURGED : WEIR_STAGE_OVER;
    return WEIR_OK;
}

static weir_status next_purged(weir_session *session, weir_slot *slot, weir_entry *entry) {
    weir_token token;
    weir_status st = next_token(session, slot, &token);
    if (st != WEIR_OK) {
        return st;
    }
    *entry = (weir_entry){.state = WEIR_ENTRY_PURGED, .idle_ms = -1, .deliveries = -1};
    if (token.type != WEIR_TOKEN_BULK || !weir_decode_id(token.bytes, &entry->id)) {
        return refuse(session, "a deleted id");
    }
    if (weir_reader_depth(&slot->reader) == 0) {
        slot->stage = WEIR_STAGE_OVER;
    }
    return WEIR_OK;
}

/* The views of an entry: they stay although its bytes are used up. */
static void pin_entry(weir_session *session, weir_slot *slot, weir_entry *entry) {
    entry->stream = weir_bytes(slot->key, slot->key_len);
    if (!slot->is_detached) {
        slot->pinned = weir_buffer_pin(&session->in);
    }
}

/* The entry that was passed over is over: say how large it was. */
static weir_status report_passed(weir_session *session, weir_slot *slot, uint64_t size) {
    slot->is_passing = false;
    go_on(session, slot);
    char id[WEIR_ID_TEXT];
    weir_id_format(slot->passing_id, id);
    return weir_session_error(
        session, WEIR_ERR_LIMIT,
        "%s: entry %s takes %llu bytes, limits.receive_bytes is %zu; it was passed over",
        session->peer, id, (unsigned long long)size, session->in.most);
}

/* An entry that begins at the front and is larger than the buffer: what is its id? */
static weir_id peek_id(weir_view beginning) {
    weir_reader reader;
    weir_id id = {0, 0};
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &weir_stream_reading);
    for (int i = 0; i < 2; i++) {
        if (weir_reader_next(&reader, beginning, &used, &token) != WEIR_OK) {
            return id;
        }
        beginning = weir_bytes(beginning.data + used, beginning.len - used);
    }
    if (token.type == WEIR_TOKEN_BULK) {
        weir_decode_id(token.bytes, &id);
    }
    return id;
}

bool weir_session_pass_entry(weir_session *session, weir_slot *slot) {
    if (!slot->is_seeking) {
        return false;
    }
    if (!slot->is_passing) {
        slot->is_passing = true;
        slot->passing_id = peek_id(weir_buffer_view(&session->in));
    }
    size_t before = weir_buffer_len(&session->in);
    weir_buffer_use_to(&session->in, slot->at);
    return weir_buffer_len(&session->in) < before;
}

/* An entry that the hot path did not take: its end is found first, byte after byte as they
 * come, then it is decoded whole. */
static weir_status seek_entry(weir_session *session, weir_slot *slot, weir_entry *entry) {
    size_t used;
    slot->is_seeking = true;
    weir_status st =
        weir_reader_skip(&slot->reader, weir_session_rest(session, slot, slot->at), &used);
    slot->at += used;
    if (st == WEIR_ERR_PROTOCOL) {
        return weir_session_fault(session, &slot->reader);
    }
    if (slot->is_passing) {
        weir_buffer_use_to(&session->in, slot->at);
        *entry = (weir_entry){.id = slot->passing_id,
                              .stream = weir_bytes(slot->key, slot->key_len),
                              .idle_ms = -1,
                              .deliveries = -1};
        return st == WEIR_OK ? report_passed(session, slot, slot->at - slot->value_at) : st;
    }
    if (st != WEIR_OK) {
        return st;
    }
    weir_view whole = weir_session_rest(session, slot, slot->value_at);
    whole.len = (size_t)(slot->at - slot->value_at);
    st = weir_decode_entry(whole, &slot->fields, entry);
    if (st == WEIR_OK) {
        pin_entry(session, slot, entry);
    }
    go_on(session, slot);
    if (st == WEIR_ERR_NOMEM) {
        return weir_session_error(session, st, "no memory for an entry's fields");
    }
    return st == WEIR_ERR_REPLY ? refuse(session, "an id and fields") : st;
}

static weir_status next_entry(weir_session *session, weir_slot *slot, weir_entry *entry) {
    weir_view input = weir_session_rest(session, slot, slot->at);
    if (slot->is_seeking || input.len == 0) {
        return input.len == 0 ? WEIR_MORE : seek_entry(session, slot, entry);
    }
    size_t used;
    if (weir_decode_usual_entry(input, &slot->fields, entry, &used) != WEIR_OK) {
        return seek_entry(session, slot, entry);
    }
    weir_reader_leap(&slot->reader, used);
    slot->at += used;
    pin_entry(session, slot, entry);
    go_on(session, slot);
    return WEIR_OK;
}

/* Between entries: the array's end is where the reader has left its depth. */
static weir_status step_entries(weir_session *session, weir_slot *slot, weir_entry *entry,
                                bool *is_given) {
    if (weir_reader_depth(&slot->reader) < slot->list_depth) {
        slot->stage = list_stage(slot, &(weir_token){.type = WEIR_TOKEN_NULL});
        return WEIR_OK;
    }
    weir_status st = next_entry(session, slot, entry);
    *is_given = st == WEIR_OK;
    return st == WEIR_END ? WEIR_OK : st; /* a null in place of an entry tells nothing */
}

/* One step of the answer; *is_given: it gave an entry. */
static weir_status step(weir_session *session, weir_slot *slot, weir_entry *entry,
                        bool *is_given) {
    weir_status st;
    switch (slot->stage) {
    case WEIR_STAGE_HEAD: return read_head(session, slot);
    case WEIR_STAGE_NEXT_ID: return read_next_id(session, slot);
    case WEIR_STAGE_LIST: return read_list(session, slot);
    case WEIR_STAGE_STREAM: return read_stream(session, slot);
    case WEIR_STAGE_KEY: return read_key(session, slot);
    case WEIR_STAGE_ENTRIES: return step_entries(session, slot, entry, is_given);
    case WEIR_STAGE_AFTER_LIST: return read_after_list(session, slot);
    case WEIR_STAGE_PURGED:
        st = next_purged(session, slot, entry);
        *is_given = st == WEIR_OK;
        return st;
    case WEIR_STAGE_OVER: return WEIR_END;
    }
    return WEIR_END;
}

/* True once the caller can be told that the answer is good. */
static bool is_past_head(const weir_slot *slot) {
    return slot->stage != WEIR_STAGE_HEAD && slot->stage != WEIR_STAGE_NEXT_ID;
}

weir_status weir_session_open_entries(weir_session *session, uint64_t ticket,
                                      const void *handle, weir_slot **slot) {
    weir_slot *bound;
    weir_status st = weir_session_bind(session, ticket, handle, true, &bound);
    if (st != WEIR_OK) {
        return st;
    }
    while (st == WEIR_OK && !is_past_head(bound)) {
        bool is_given;
        st = step(session, bound, NULL, &is_given);
    }
    if (st == WEIR_MORE) {
        return st;
    }
    if (st != WEIR_OK) {
        weir_session_close_slot(session, bound);
        return st;
    }
    bound->is_half_open = false;
    if (bound == session->streaming) {
        weir_session_mark_taken(session, ticket);
    }
    *slot = bound;
    return WEIR_OK;
}

weir_status weir_session_next_entry(weir_session *session, weir_slot *slot,
                                    weir_entry *entry) {
    bool is_given = false;
    while (!is_given) {
        weir_status st = step(session, slot, entry, &is_given);
        if (st != WEIR_OK) {
            return st;
        }
    }
    return WEIR_OK;
}
