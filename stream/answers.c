/* Pairing answers with requests: the front of the receive buffer, the ahead reader, and
 * passing over what nobody wants.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

/* The ahead reader's bytes. */
static weir_view ahead_view(const weir_session *session) {
    return weir_buffer_from(&session->in, session->ahead_at);
}

/* The answer that comes next stands at the front: what lies before it can be used up. */
static bool is_ahead_at_front(const weir_session *session) {
    return session->ahead_ticket == session->first;
}

static weir_status skip_push(weir_session *session) {
    size_t used;
    weir_status st = weir_reader_skip_reply(&session->ahead, ahead_view(session), &used);
    session->ahead_at += used;
    if (is_ahead_at_front(session)) {
        weir_buffer_use_to(&session->in, session->ahead_at);
    }
    if (st == WEIR_ERR_PROTOCOL) {
        return weir_session_fault(session, &session->ahead);
    }
    if (st == WEIR_OK) {
        session->is_in_push = false;
        session->pushes++;
    }
    return st;
}

weir_status weir_session_face(weir_session *session) {
    for (;;) {
        if (!session->is_in_push) {
            weir_view rest = ahead_view(session);
            if (!weir_reader_is_between(&session->ahead)) {
                return WEIR_OK;
            }
            if (rest.len == 0) {
                return WEIR_MORE;
            }
            if (rest.data[0] != '>') {
                return WEIR_OK;
            }
            session->is_in_push = true;
        }
        weir_status st = skip_push(session);
        if (st != WEIR_OK) {
            return st;
        }
    }
}

void weir_session_catch_up(weir_session *session) {
    const weir_slot *slot = session->streaming;
    if (slot != NULL && is_ahead_at_front(session) && slot->at > session->ahead_at) {
        session->ahead = slot->reader;
        session->ahead_at = slot->at;
    }
}

/* Moves the ahead reader over the answer of `ahead_ticket`. */
static weir_status pass_answer(weir_session *session) {
    if (!weir_session_is_greeted(session)) { /* it was not even sent */
        return WEIR_MORE;
    }
    weir_request *request = weir_session_request(session, session->ahead_ticket);
    weir_session_catch_up(session);
    if (!request->is_begun) {
        weir_status st = weir_session_face(session);
        if (st != WEIR_OK) {
            return st;
        }
        request->begin = session->ahead_at;
        request->is_begun = true;
    }
    size_t used;
    weir_status st = weir_reader_skip_reply(&session->ahead, ahead_view(session), &used);
    session->ahead_at += used;
    if (st == WEIR_ERR_PROTOCOL) {
        return weir_session_fault(session, &session->ahead);
    }
    if (is_ahead_at_front(session) && request->is_gone) {
        weir_buffer_use_to(&session->in, session->ahead_at);
    }
    if (st == WEIR_OK) {
        request->end = session->ahead_at;
        request->is_whole = true;
        session->is_proved = true;
        session->ahead_ticket++;
    }
    return st;
}

/* Bytes have come though nothing was asked for. */
static weir_status refuse_unasked(weir_session *session) {
    weir_status st = weir_session_face(session);
    if (st != WEIR_OK) {
        return st == WEIR_MORE ? WEIR_OK : st;
    }
    size_t used;
    weir_token token;
    st = weir_reader_next(&session->ahead, ahead_view(session), &used, &token);
    session->ahead_at += used;
    if (st == WEIR_MORE) {
        return WEIR_OK;
    }
    if (st != WEIR_OK) {
        return weir_session_fault(session, &session->ahead);
    }
    if (token.type == WEIR_TOKEN_ERROR) {
        return weir_session_break(
            session, WEIR_ERR_CLOSED, 0, "%s said, unasked: %.*s", session->peer,
            (int)(token.bytes.len < 200 ? token.bytes.len : 200), token.bytes.data);
    }
    return weir_session_break(session, WEIR_ERR_PROTOCOL, 0,
                              "%s sent an answer that no request asked for", session->peer);
}

/* Takes answered and unwanted requests off the queue's end, bytes and all, so that calls
 * inside a loop over entries leave nothing behind. */
static void trim_tail(weir_session *session) {
    while (session->next - session->first >= 2 && session->ahead_ticket == session->next) {
        const weir_request *last = weir_session_request(session, session->next - 1);
        const weir_request *before = weir_session_request(session, session->next - 2);
        uint64_t end = session->in.offset + weir_buffer_len(&session->in);
        if (!last->is_gone || last->is_held || last->is_paged || last->end != end ||
            session->is_in_push) {
            return;
        }
        weir_buffer_cut(&session->in, before->end);
        session->ahead_at = before->end;
        session->ahead_ticket--;
        session->next--;
        if (session->oldest > session->next) {
            session->oldest = session->next;
        }
    }
}

/* Bytes that belong to no request while the handshake goes on belong to it. */
static bool is_unasked(const weir_session *session) {
    return session->failure == WEIR_OK && session->phase == WEIR_PHASE_READY &&
           weir_buffer_len(&session->in) > 0;
}

weir_status weir_session_settle(weir_session *session) {
    while (session->first < session->next) {
        weir_request *request = weir_session_request(session, session->first);
        if (!request->is_gone) {
            trim_tail(session);
            return session->failure;
        }
        if (!request->is_whole) {
            weir_status st = pass_answer(session);
            if (st != WEIR_OK) {
                return st == WEIR_MORE ? session->failure : st;
            }
        }
        weir_buffer_use_to(&session->in, request->end);
        session->first++;
    }
    if (!session->is_greet_begun) { /* a handshake behind older answers is read, and over */
        weir_buffer_use_to(&session->in, session->ahead_at);
    }
    return is_unasked(session) ? refuse_unasked(session) : session->failure;
}

weir_status weir_session_take_greeting(weir_session *session, weir_view *whole) {
    if (!session->is_greet_begun) {
        weir_status st = weir_session_face(session);
        if (st != WEIR_OK) {
            return st;
        }
        session->greet_begin = session->ahead_at;
        session->is_greet_begun = true;
    }
    size_t used;
    weir_status st = weir_reader_skip_reply(&session->ahead, ahead_view(session), &used);
    session->ahead_at += used;
    if (st == WEIR_ERR_PROTOCOL) {
        return weir_session_fault(session, &session->ahead);
    }
    if (st != WEIR_OK) {
        return st;
    }
    session->is_greet_begun = false;
    *whole = weir_buffer_from(&session->in, session->greet_begin);
    whole->len = (size_t)(session->ahead_at - session->greet_begin);
    if (is_ahead_at_front(session)) {
        weir_buffer_use_to(&session->in, session->ahead_at);
    }
    return WEIR_OK;
}

weir_status weir_session_reach(weir_session *session, uint64_t ticket) {
    while (!weir_session_request(session, ticket)->is_whole) {
        weir_status st = pass_answer(session);
        if (st != WEIR_OK) {
            return st;
        }
    }
    return WEIR_OK;
}

uint64_t weir_session_owed(weir_session *session) {
    weir_session_catch_up(session);
    weir_reader reader = session->ahead;
    weir_view rest = ahead_view(session);
    bool is_push = session->is_in_push;
    uint64_t ticket = session->ahead_ticket;
    while (ticket < session->next) {
        if (weir_reader_is_between(&reader)) {
            is_push = rest.len > 0 && rest.data[0] == '>';
        }
        size_t used;
        if (weir_reader_skip_reply(&reader, rest, &used) != WEIR_OK) {
            return ticket;
        }
        rest = weir_bytes(rest.data + used, rest.len - used);
        ticket += is_push ? 0 : 1;
    }
    return 0;
}

weir_view weir_session_whole(const weir_session *session, const weir_request *request) {
    weir_view rest = weir_buffer_from(&session->in, request->begin);
    return weir_bytes(rest.data, (size_t)(request->end - request->begin));
}

static void mark_taken(weir_session *session, weir_request *request) {
    if (!request->is_taken) {
        request->is_taken = true;
        session->untaken--;
    }
}

void weir_session_abandon(weir_session *session, uint64_t ticket) {
    weir_request *request = weir_session_request(session, ticket);
    mark_taken(session, request);
    weir_session_catch_up(session);
    request->is_gone = true;
    weir_session_settle(session); /* a failure is kept, and told by the next call */
}

void weir_session_mark_taken(weir_session *session, uint64_t ticket) {
    mark_taken(session, weir_session_request(session, ticket));
}

weir_status weir_session_take_whole(weir_session *session, uint64_t ticket,
                                    weir_view *whole) {
    weir_status st = weir_session_reach(session, ticket);
    if (st == WEIR_OK && weir_session_request(session, ticket)->loss != WEIR_LOSS_NONE) {
        return weir_session_tell_loss(session, ticket);
    }
    if (st == WEIR_OK) {
        *whole = weir_session_whole(session, weir_session_request(session, ticket));
        weir_session_abandon(session, ticket);
    }
    return st;
}

static weir_status judge_token(weir_session *session, const weir_token *token) {
    switch (token->type) {
    case WEIR_TOKEN_ERROR:
    case WEIR_TOKEN_BULK_ERROR: return weir_session_server_error(session, token->bytes);
    case WEIR_TOKEN_ARRAY:
    case WEIR_TOKEN_SET:
    case WEIR_TOKEN_PUSH:
    case WEIR_TOKEN_MAP:
    case WEIR_TOKEN_ATTRIBUTE:
    case WEIR_TOKEN_END:
    case WEIR_TOKEN_STRING:
    case WEIR_TOKEN_PART:
        return weir_session_error(session, WEIR_ERR_REPLY,
                                  "%s: expected a single value, got several (%lld)",
                                  session->peer, (long long)token->number);
    case WEIR_TOKEN_SIMPLE:
    case WEIR_TOKEN_BULK:
    case WEIR_TOKEN_VERBATIM:
    case WEIR_TOKEN_INTEGER:
    case WEIR_TOKEN_BOOLEAN:
    case WEIR_TOKEN_DOUBLE:
    case WEIR_TOKEN_BIG_NUMBER:
    case WEIR_TOKEN_NULL: return WEIR_OK;
    }
    return WEIR_ERR_REPLY;
}

/* The ahead reader has read the answer at the front: the next one comes to the front. */
static void pass_front(weir_session *session) {
    weir_buffer_use_to(&session->in, session->ahead_at);
    session->is_proved = true;
    session->ahead_ticket++;
    session->first++;
    bool is_next_wanted = session->first < session->next &&
                          !weir_session_request(session, session->first)->is_gone;
    if (!is_next_wanted) {
        weir_session_settle(session);
    }
}

/* The answer stands at the front and nothing of it was looked at: no need to find its end
 * first. */
static weir_status take_front_token(weir_session *session, weir_token *token) {
    weir_status st = weir_session_face(session);
    if (st != WEIR_OK) {
        return st;
    }
    size_t used;
    weir_request *request = weir_session_request(session, session->first);
    st = weir_reader_next(&session->ahead, ahead_view(session), &used, token);
    if (st == WEIR_MORE && used > 0) { /* in an attribute before it: it has begun there */
        request->begin = session->ahead_at;
        request->is_begun = true;
    }
    session->ahead_at += used;
    if (st == WEIR_ERR_PROTOCOL) {
        return weir_session_fault(session, &session->ahead);
    }
    if (st != WEIR_OK) {
        return st;
    }
    mark_taken(session, request);
    if (!weir_reader_is_between(&session->ahead)) {
        request->begin = session->ahead_at;
        request->is_begun = true;
        weir_session_abandon(session, session->first);
        return judge_token(session, token);
    }
    st = judge_token(session, token);
    pass_front(session); /* a failure is kept, and told by the next call */
    return st;
}

/* The answer stands at the front, and no reader has looked at it. */
static bool is_untouched_front(weir_session *session, uint64_t ticket) {
    return ticket == session->first && is_ahead_at_front(session) &&
           !weir_session_request(session, ticket)->is_begun &&
           weir_session_is_greeted(session);
}

weir_status weir_session_take_token(weir_session *session, uint64_t ticket,
                                    weir_token *token) {
    if (is_untouched_front(session, ticket)) {
        return take_front_token(session, token);
    }
    weir_view whole = {NULL, 0};
    weir_status st = weir_session_take_whole(session, ticket, &whole);
    if (st != WEIR_OK) {
        return st;
    }
    weir_reader reader;
    size_t used;
    weir_reader_init(&reader, &weir_stream_reading);
    st = weir_reader_next(&reader, whole, &used, token);
    return st == WEIR_OK ? judge_token(session, token) : WEIR_ERR_REPLY;
}

/* How many requests from the front on, `most` at most, want an id that is not looked at. */
static size_t count_ids_due(weir_session *session, size_t most) {
    uint64_t known = session->next - session->first;
    size_t end = known < most ? (size_t)known : most;
    size_t count = 0;
    while (count < end) {
        const weir_request *due = weir_session_request(session, session->first + count);
        bool is_other = due->answer != WEIR_ANSWER_ID || due->loss != WEIR_LOSS_NONE;
        if (is_other || due->is_begun || due->is_taken || due->is_gone) {
            break;
        }
        count++;
    }
    return count;
}

size_t weir_session_take_ids(weir_session *session, weir_id *ids, size_t most) {
    if (session->first == session->next || !is_untouched_front(session, session->first) ||
        session->is_in_push || !weir_reader_is_between(&session->ahead)) {
        return 0;
    }
    size_t used;
    size_t due = count_ids_due(session, most);
    size_t count = weir_decode_usual_ids(ahead_view(session), ids, due, &used);
    if (count == 0) {
        return 0;
    }
    session->untaken -= count;
    session->first += count - 1;
    session->ahead_ticket += count - 1;
    session->ahead_at += used;
    weir_reader_leap(&session->ahead, used);
    weir_session_request(session, session->first)->is_taken = true;
    pass_front(session); /* a failure is kept, and told by the next call */
    return count;
}

weir_status weir_session_take_id(weir_session *session, uint64_t ticket, weir_id *id) {
    if (ticket == session->first && weir_session_take_ids(session, id, 1) == 1) {
        return WEIR_OK;
    }
    weir_token token;
    weir_status st = weir_session_take_token(session, ticket, &token);
    if (st != WEIR_OK) {
        return st;
    }
    if (token.type == WEIR_TOKEN_NULL) {
        return WEIR_END;
    }
    bool is_id = token.type == WEIR_TOKEN_BULK && weir_decode_id(token.bytes, id);
    return is_id ? WEIR_OK
                 : weir_session_error(session, WEIR_ERR_REPLY,
                                      "%s: expected an id as answer", session->peer);
}

/* An answer that cannot be held is passed over. */
static weir_status give_up(weir_session *session, uint64_t ticket) {
    bool is_alone = ticket == session->first;
    weir_session_abandon(session, ticket);
    /* what is passed over needs no room, but for lines: they are used up whole */
    bool is_stuck = weir_buffer_len(&session->in) >= session->in.most &&
                    session->first < session->next &&
                    weir_session_request(session, session->first)->is_gone;
    if (session->failure == WEIR_OK && is_stuck) {
        return weir_session_break(session, WEIR_ERR_PROTOCOL, 0,
                                  "%s sent a line longer than limits.receive_bytes, %zu",
                                  session->peer, session->in.most);
    }
    if (session->failure != WEIR_OK) {
        return session->failure;
    }
    if (session->is_starved) {
        return weir_session_error(session, WEIR_ERR_NOMEM,
                                  "%s: no memory to hold the answer; it is passed over",
                                  session->peer);
    }
    return weir_session_error(
        session, WEIR_ERR_LIMIT, "%s: %s limits.receive_bytes, %zu; it is passed over",
        session->peer,
        is_alone ? "the answer is larger than" : "the answer lies behind others that fill",
        session->in.most);
}

/* The streaming iterator loses its answer; the entry in hand stays good. */
static void drop_streaming(weir_session *session) {
    weir_slot *slot = session->streaming;
    slot->is_dropped = true;
    weir_session_catch_up(session);
    session->streaming = NULL;
    weir_session_abandon(session, slot->ticket);
    if (slot->is_half_open) { /* no caller holds it, so none could close it */
        weir_session_close_slot(session, slot);
    }
}

weir_status weir_session_make_way(weir_session *session, uint64_t ticket) {
    weir_slot *slot = session->streaming;
    bool is_own = slot != NULL && slot->ticket == ticket;
    if (is_own && weir_session_pass_entry(session, slot)) {
        return WEIR_OK;
    }
    size_t before = weir_buffer_len(&session->in);
    weir_session_drop_ahead(session, ticket);
    if (slot != NULL) {
        drop_streaming(session);
    }
    bool has_gained = weir_buffer_len(&session->in) < before;
    return has_gained && !is_own ? WEIR_OK : give_up(session, ticket);
}
