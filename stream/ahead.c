/* Pages asked for ahead of time: where a page ends is looked for before it is handed over,
 * so that the next one can be asked for; and what is asked ahead gives way to all else.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

/* An entry that has come in part is looked at again with every piece, up to so many bytes;
 * then each time twice as many are there, so that the time stays linear. */
#define EAGER_BYTES 4096

/* What was looked at last has been handed over, or passed over for its size. */
static bool is_overtaken(const weir_session *session, const weir_slot *slot) {
    return slot->look_at < slot->value_at ||
           (!slot->is_detached && slot->look_at < session->in.offset);
}

bool weir_session_look_ahead(weir_session *session, weir_slot *slot, weir_id *last) {
    if (slot->look_left == 0) {
        return false;
    }
    if (slot->is_dropped || is_overtaken(session, slot)) {
        slot->look_left = 0;
        return false;
    }
    weir_view rest = weir_session_rest(session, slot, slot->look_at);
    if (rest.len < slot->look_least) {
        return false;
    }
    weir_entry entry;
    while (slot->look_left > 0) {
        size_t used; /* the slot's fields are free: its next entry has not been read */
        if (weir_decode_usual_entry(rest, &slot->fields, &entry, &used) != WEIR_OK) {
            slot->look_least = rest.len < EAGER_BYTES ? rest.len + 1 : 2 * rest.len;
            return false;
        }
        rest = weir_bytes(rest.data + used, rest.len - used);
        slot->look_at += used;
        slot->look_left--;
    }
    *last = entry.id;
    return true;
}

void weir_session_mark_paged(weir_session *session, uint64_t ticket) {
    weir_session_mark_taken(session, ticket);
    weir_session_request(session, ticket)->is_paged = true;
}

bool weir_session_has_page(const weir_session *session, uint64_t ticket) {
    return ticket != 0 && ticket >= session->first &&
           !weir_session_request(session, ticket)->is_gone;
}

/* A page that nobody reads yet: asked for ahead, or to be opened by the next call. */
static bool is_page_unread(weir_session *session, uint64_t ticket) {
    const weir_request *request = weir_session_request(session, ticket);
    const weir_slot *streaming = session->streaming;
    bool is_read = streaming != NULL && streaming->ticket == ticket;
    return request->is_paged && !request->is_gone && !is_read;
}

void weir_session_drop_ahead(weir_session *session, uint64_t ticket) {
    for (uint64_t other = session->first; other < session->next; other++) {
        if (other >= session->first && other != ticket && is_page_unread(session, other)) {
            weir_session_abandon(session, other);
        }
    }
    for (size_t i = 0; i < session->slot_most; i++) {
        weir_slot *slot = session->slots[i];
        if (slot != NULL && slot->ahead != ticket) {
            slot->ahead = 0;
        }
    }
}
