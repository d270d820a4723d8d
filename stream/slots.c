/* Iterators and replies that are open: what they pin, how they end.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#define KEPT_FIELDS 1024
#define KEPT_KEY    4096

weir_slot *weir_session_slot(const weir_session *session, uint32_t index, uint64_t serial) {
    if (serial == 0 || index >= session->slot_most || session->slots[index] == NULL) {
        return NULL;
    }
    weir_slot *slot = session->slots[index];
    return slot->serial == serial ? slot : NULL;
}

uint32_t weir_session_slot_index(const weir_session *session, const weir_slot *slot) {
    uint32_t index = 0;
    while (session->slots[index] != slot) {
        index++;
    }
    return index;
}

weir_slot *weir_session_half_open(const weir_session *session, uint64_t ticket) {
    for (size_t i = 0; i < session->slot_most; i++) {
        weir_slot *slot = session->slots[i];
        if (slot != NULL && slot->serial != 0 && slot->is_half_open &&
            slot->ticket == ticket) {
            return slot;
        }
    }
    return NULL;
}

void weir_session_unpin(weir_session *session, weir_slot *slot) {
    if (!slot->is_detached && slot->pinned != NULL) {
        weir_buffer_unpin(&session->in, slot->pinned);
        slot->pinned = NULL;
    }
}

void weir_session_finish(weir_session *session, weir_slot *slot) {
    if (session->ahead_ticket == session->first) {
        weir_session_catch_up(session);
        weir_request *request = weir_session_request(session, session->first);
        request->end = session->ahead_at;
        request->is_whole = true;
        session->is_proved = true;
        session->ahead_ticket++;
    }
    session->streaming = NULL;
    weir_session_abandon(session, slot->ticket);
}

/* What a rare large entry or name took is not kept for the next iterator. */
static void give_back_large(weir_session *session, weir_slot *slot) {
    if (session->is_fixed) {
        return;
    }
    if (slot->fields.capacity > KEPT_FIELDS) {
        weir_fields_free(&slot->fields);
    }
    if (slot->key_capacity > KEPT_KEY) {
        weir_mem_free(&session->mem, slot->key, slot->key_capacity);
        slot->key = NULL;
        slot->key_capacity = 0;
    }
}

void weir_session_close_slot(weir_session *session, weir_slot *slot) {
    if (slot == session->streaming) {
        weir_session_catch_up(session);
        session->streaming = NULL;
        weir_session_abandon(session, slot->ticket);
    }
    if (slot->is_detached) {
        bool is_known = slot->ticket >= session->first && slot->ticket < session->next;
        if (is_known) {
            weir_session_request(session, slot->ticket)->is_held = false;
        }
        slot->is_detached = false;
    }
    if (weir_session_has_page(session, slot->ahead)) {
        weir_session_abandon(session, slot->ahead);
    }
    weir_session_unpin(session, slot);
    give_back_large(session, slot);
    slot->serial = 0;
    slot->handle = NULL;
    slot->ticket = 0;
    slot->ahead = 0;
    slot->is_half_open = false;
    slot->is_dropped = false;
    slot->is_lost = false;
    slot->is_passing = false;
    slot->is_seeking = false;
    slot->stage = WEIR_STAGE_OVER;
}

void weir_session_leave(weir_session *session, const void *handle) {
    for (size_t i = 0; i < session->slot_most; i++) {
        weir_slot *slot = session->slots[i];
        if (slot != NULL && slot->serial != 0 && slot->handle == handle &&
            !slot->is_half_open) {
            weir_session_close_slot(session, slot);
        }
    }
}

/* The answer leaves the queue's order: its bytes are pinned where they are. */
static void detach(weir_session *session, weir_slot *slot, uint64_t ticket) {
    weir_request *request = weir_session_request(session, ticket);
    request->is_held = true;
    slot->is_detached = true;
    slot->pinned = weir_buffer_pin(&session->in);
    slot->detached = weir_session_whole(session, request);
    slot->at = slot->value_at = 0;
    weir_reader_init(&slot->reader, &weir_stream_reading);
    weir_session_abandon(session, ticket);
}

/* The answer is read while it arrives. */
static void stream(weir_session *session, weir_slot *slot) {
    weir_request *request = weir_session_request(session, session->first);
    request->begin = session->ahead_at;
    request->is_begun = true;
    slot->reader = session->ahead;
    slot->at = slot->value_at = session->ahead_at;
    session->streaming = slot;
}

static weir_status bind_slot(weir_session *session, uint64_t ticket, const void *handle,
                             bool is_streaming, weir_slot **slot) {
    weir_status st = weir_session_new_slot(session, handle, slot);
    if (st != WEIR_OK) {
        return st;
    }
    (*slot)->ticket = ticket;
    (*slot)->answer = (weir_answer)weir_session_request(session, ticket)->answer;
    (*slot)->stage = WEIR_STAGE_HEAD;
    (*slot)->is_half_open = true;
    (*slot)->list_depth = 0;
    (*slot)->list_count = (*slot)->look_left = 0;
    (*slot)->key_len = 0;
    if (is_streaming) {
        stream(session, *slot);
    } else {
        detach(session, *slot, ticket);
    }
    return WEIR_OK;
}

weir_status weir_session_bind(weir_session *session, uint64_t ticket, const void *handle,
                              bool may_stream, weir_slot **slot) {
    *slot = weir_session_half_open(session, ticket);
    if (*slot != NULL) {
        (*slot)->handle = handle; /* the caller may go on with another variable */
        return WEIR_OK;
    }
    const weir_request *request = weir_session_request(session, ticket);
    bool is_streaming = may_stream && ticket == session->first && !request->is_whole &&
                        !request->is_begun && weir_session_is_greeted(session);
    weir_status st =
        is_streaming ? weir_session_face(session) : weir_session_reach(session, ticket);
    if (st == WEIR_OK && request->loss != WEIR_LOSS_NONE) {
        return weir_session_tell_loss(session, ticket);
    }
    return st == WEIR_OK ? bind_slot(session, ticket, handle, is_streaming, slot) : st;
}

weir_status weir_session_open_reply(weir_session *session, uint64_t ticket,
                                    const void *handle, weir_slot **slot) {
    weir_slot *bound;
    weir_status st = weir_session_bind(session, ticket, handle, false, &bound);
    if (st != WEIR_OK) {
        return st;
    }
    bound->is_half_open = false;
    weir_reader first = bound->reader; /* an attribute may stand before an error */
    weir_token token;
    size_t used;
    st = weir_reader_next(&first, bound->detached, &used, &token);
    if (st == WEIR_OK && token.type != WEIR_TOKEN_ERROR &&
        token.type != WEIR_TOKEN_BULK_ERROR) {
        *slot = bound;
        return WEIR_OK;
    }
    st = st == WEIR_OK ? weir_session_server_error(session, token.bytes) : WEIR_ERR_REPLY;
    weir_session_close_slot(session, bound);
    return st;
}

weir_status weir_session_next_token(weir_session *session, weir_slot *slot,
                                    weir_token *token) {
    (void)session;
    weir_view rest =
        weir_bytes(slot->detached.data + slot->at, slot->detached.len - (size_t)slot->at);
    size_t used;
    weir_status st = weir_reader_next(&slot->reader, rest, &used, token);
    slot->at += used;
    return st == WEIR_OK ? WEIR_OK : WEIR_END; /* the answer is whole and was checked */
}
