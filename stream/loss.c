/* A connection that ended, and the next: what becomes of the requests, none of which is
 * lost without being told, and none sent twice.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

/* An iterator that read its answer while it arrived: only the entry in hand lives on. One
 * whose answer has wholly come reads on. */
static void cut_streaming(weir_session *session) {
    weir_slot *slot = session->streaming;
    if (slot == NULL || weir_session_request(session, slot->ticket)->is_whole) {
        return;
    }
    slot->is_dropped = true;
    slot->is_lost = true;
    weir_session_catch_up(session);
    session->streaming = NULL;
    if (slot->is_half_open) { /* no caller holds it: its take will tell */
        weir_session_close_slot(session, slot);
    } else {
        weir_session_abandon(session, slot->ticket);
    }
}

/* Where the last answer that came wholly ends. */
static uint64_t end_of_whole(const weir_session *session) {
    uint64_t last = session->ahead_ticket;
    return last > session->first ? weir_session_request(session, last - 1)->end
                                 : session->in.offset;
}

static void lose(weir_session *session, uint64_t ticket, uint64_t at) {
    weir_request *request = weir_session_request(session, ticket);
    bool is_unsent = !request->is_begun && request->begin > session->out.offset;
    request->loss = is_unsent ? WEIR_LOSS_UNSENT : WEIR_LOSS_UNKNOWN;
    request->begin = request->end = at;
    request->is_begun = true;
    request->is_whole = true;
}

void weir_session_resolve(weir_session *session) {
    if (weir_session_failed(session) != WEIR_OK) {
        session->ending = session->error;
    }
    while (session->ahead_ticket < session->next &&
           weir_session_reach(session, session->ahead_ticket) == WEIR_OK) {
    }
    cut_streaming(session);
    uint64_t at = end_of_whole(session);
    for (uint64_t ticket = session->ahead_ticket; ticket < session->next; ticket++) {
        lose(session, ticket, at);
    }
    session->ahead_ticket = session->next;
    if (session->phase == WEIR_PHASE_BROKEN) { /* else a handshake may be under way */
        weir_buffer_cut(&session->in, at);
        session->ahead_at = at;
    }
    weir_buffer_use_to(&session->out, session->out.offset + weir_buffer_len(&session->out));
    session->loans.count = 0;
    session->loans.bytes = 0;
    (void)weir_session_settle(session);
}

void weir_session_drop_greeting(weir_session *session) {
    if (weir_session_failed(session) != WEIR_OK) {
        session->ending = session->error;
    }
    uint64_t at = end_of_whole(session);
    weir_buffer_cut(&session->in, at);
    session->ahead_at = at;
}

/* The next server may be another one; nobody takes what was asked about the last. */
static void forget_facts(weir_session *session) {
    weir_facts *facts = &session->facts;
    bool is_asking =
        facts->inquiry != WEIR_INQUIRY_NONE && facts->inquiry != WEIR_INQUIRY_OVER;
    for (uint64_t i = 0; is_asking && i < 2; i++) {
        uint64_t ticket = facts->ticket + i;
        bool is_left = ticket >= session->first && ticket < session->next &&
                       !weir_session_request(session, ticket)->is_gone;
        if (is_left) {
            weir_session_abandon(session, ticket);
        }
    }
    memset(facts, 0, sizeof *facts);
}

void weir_session_restart(weir_session *session) {
    forget_facts(session);
    if (session->was_greeted) { /* a try that ended before has sent no requests */
        session->last_client_id = session->client_id;
        memcpy(session->last_run, session->run, sizeof session->run);
    }
    weir_wipe(session->greeting, sizeof session->greeting);
    session->greeting_len = session->greeting_sent = 0;
    session->greet_asked = session->greet_got = 0;
    session->is_greet_begun = false;
    session->was_greeted = false;
    session->is_proved = false;
    session->is_fenced = false;
    session->is_in_push = false;
    session->base = session->ahead_at;
    weir_reader_init(&session->ahead, &weir_stream_reading);
    session->protocol = 2;
    session->client_id = 0;
    session->server[0] = session->version[0] = session->run[0] = '\0';
    session->phase = WEIR_PHASE_START;
    session->failure = WEIR_OK;
}

/* The words of the last loss come first: they say why. */
static weir_status tell(weir_session *session, weir_loss loss, const char *what) {
    char why[sizeof session->ending.text / 2];
    size_t len = strlen(session->ending.text);
    len = len < sizeof why - 1 ? len : sizeof why - 1;
    memcpy(why, session->ending.text, len);
    why[len] = '\0';
    int os_error = session->ending.os_error;
    bool is_unsent = loss == WEIR_LOSS_UNSENT;
    weir_status st = is_unsent ? WEIR_ERR_DOWN : WEIR_ERR_LOST;
    st = session->failure != WEIR_OK ? session->failure : st;
    weir_session_error(session, st, "%s; %s", why, what);
    session->error.os_error = os_error;
    session->error.may_have_run = !is_unsent;
    session->is_loss_told = true;
    return st;
}

weir_status weir_session_tell_loss(weir_session *session, uint64_t ticket) {
    weir_loss loss = (weir_loss)weir_session_request(session, ticket)->loss;
    weir_session_abandon(session, ticket);
    return tell(session, loss,
                loss == WEIR_LOSS_UNSENT ? "this request was never sent"
                                         : "this request may have been executed");
}

weir_status weir_session_tell_cut(weir_session *session) {
    return tell(session, WEIR_LOSS_UNKNOWN, "the rest of this answer was lost");
}
