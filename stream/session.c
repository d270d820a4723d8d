/* The session's memory, bytes and requests.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

/* ---- memory ---- */

static weir_slot *new_slot(weir_session *session) {
    weir_slot *slot = weir_mem_resize(&session->mem, NULL, 0, sizeof *slot);
    if (slot != NULL) {
        memset(slot, 0, sizeof *slot);
        slot->fields.mem = &session->mem;
    }
    return slot;
}

static void free_slot(weir_session *session, weir_slot *slot) {
    if (slot == NULL) {
        return;
    }
    weir_buffer_unpin(&session->in, slot->pinned);
    weir_fields_free(&slot->fields);
    weir_mem_free(&session->mem, slot->key, slot->key_capacity);
    weir_mem_free(&session->mem, slot, sizeof *slot);
}

static weir_status allocate_slot(weir_session *session, const weir_session_sizes *sizes,
                                 weir_slot **slot) {
    *slot = new_slot(session);
    if (*slot == NULL ||
        weir_fields_grow(&(*slot)->fields, sizes->fixed_fields) != WEIR_OK) {
        return WEIR_ERR_NOMEM;
    }
    (*slot)->key = weir_mem_resize(&session->mem, NULL, 0, sizes->fixed_key);
    (*slot)->key_capacity = (*slot)->key != NULL ? sizes->fixed_key : 0;
    return (*slot)->key != NULL ? WEIR_OK : WEIR_ERR_NOMEM;
}

/* Everything that a fixed session will ever use is allocated now. */
static weir_status allocate_rest(weir_session *session, const weir_session_sizes *sizes) {
    for (size_t i = 0; i < session->slot_most; i++) {
        weir_status st = allocate_slot(session, sizes, &session->slots[i]);
        if (st != WEIR_OK) {
            return st;
        }
    }
    return weir_buffer_keep_spare(&session->in);
}

weir_status weir_session_init(weir_session *session, const weir_mem *mem,
                              const weir_session_sizes *sizes, const weir_greeter *greeter,
                              const char *peer) {
    memset(session, 0, sizeof *session);
    session->mem = *mem;
    session->greeter = *greeter;
    session->peer = peer;
    session->protocol = 2; /* until HELLO says otherwise */
    session->first = session->next = session->oldest = session->ahead_ticket = 1;
    session->slot_most = sizes->slots;
    session->is_fixed = sizes->is_fixed;
    session->ring_capacity = sizes->ring_base;
    session->unanswered_most = sizes->unanswered_most;
    weir_reader_init(&session->ahead, &weir_stream_reading);
    size_t ring_bytes = sizes->ring_base * sizeof *session->ring;
    session->ring = weir_mem_resize(&session->mem, NULL, 0, ring_bytes);
    weir_status st = session->ring != NULL ? WEIR_OK : WEIR_ERR_NOMEM;
    if (st == WEIR_OK) {
        st = weir_buffer_init(&session->in, &session->mem, sizes->receive_base,
                              sizes->receive_most);
    }
    if (st == WEIR_OK) {
        st = weir_buffer_init(&session->out, &session->mem, sizes->send_base,
                              sizes->send_most);
    }
    if (st == WEIR_OK && sizes->is_fixed) {
        st = allocate_rest(session, sizes);
    }
    if (st != WEIR_OK) {
        weir_session_free(session);
    }
    return st;
}

void weir_session_free(weir_session *session) {
    for (size_t i = 0; i < WEIR_MAX_SLOTS; i++) {
        free_slot(session, session->slots[i]);
        session->slots[i] = NULL;
    }
    weir_buffer_free(&session->in);
    weir_buffer_free(&session->out);
    weir_wipe(session->greeting, sizeof session->greeting);
    weir_mem_free(&session->mem, session->ring,
                  session->ring_capacity * sizeof *session->ring);
    session->ring = NULL;
}

static weir_status refuse_slot(weir_session *session) {
    return weir_session_error(session, WEIR_ERR_FULL,
                              "%zu iterators and replies are open: close those you left",
                              session->slot_most);
}

weir_status weir_session_keep_slot(weir_session *session, const void *handle) {
    weir_slot **empty = NULL;
    for (size_t i = session->slot_most; i-- > 0;) {
        const weir_slot *other = session->slots[i];
        if (other == NULL) {
            empty = &session->slots[i];
        } else if (other->serial == 0 || other->handle == handle) {
            return WEIR_OK;
        }
    }
    if (empty == NULL) {
        return refuse_slot(session);
    }
    *empty = new_slot(session);
    return *empty != NULL
               ? WEIR_OK
               : weir_session_error(session, WEIR_ERR_NOMEM, "no memory for an iterator");
}

weir_status weir_session_new_slot(weir_session *session, const void *handle,
                                  weir_slot **slot) {
    weir_slot **chosen = NULL;
    for (size_t i = session->slot_most; i-- > 0;) {
        weir_slot *other = session->slots[i];
        if (other != NULL && other->serial != 0 && other->handle == handle) {
            weir_session_close_slot(session, other);
        }
        if (other == NULL || other->serial == 0) {
            chosen = &session->slots[i];
        }
    }
    if (chosen == NULL) {
        return refuse_slot(session);
    }
    if (*chosen == NULL && (*chosen = new_slot(session)) == NULL) {
        return weir_session_error(session, WEIR_ERR_NOMEM, "no memory for an iterator");
    }
    *slot = *chosen;
    (*slot)->serial = ++session->serial;
    (*slot)->handle = handle;
    return WEIR_OK;
}

/* ---- bytes ---- */

weir_status weir_session_room(weir_session *session, char **at, size_t *room) {
    weir_status st = weir_buffer_room(&session->in, 1, at, room);
    session->is_starved = st == WEIR_ERR_NOMEM && !session->is_fixed;
    return st;
}

weir_status weir_session_received(weir_session *session, size_t count, int64_t now_ms) {
    weir_buffer_filled(&session->in, count);
    session->progress_ms = now_ms;
    return weir_session_settle(session);
}

size_t weir_session_queued(const weir_session *session) {
    if (session->phase != WEIR_PHASE_READY) {
        return session->greeting_len - session->greeting_sent;
    }
    return weir_buffer_len(&session->out) + session->loans.bytes;
}

/* Own bytes that go out before the next loan. */
static size_t own_before(const weir_session *session, size_t loan, uint64_t at) {
    uint64_t end = session->out.offset + weir_buffer_len(&session->out);
    return (size_t)((loan < session->loans.count ? session->loans.list[loan].at : end) -
                    at);
}

size_t weir_session_output(const weir_session *session, weir_view *parts, size_t most) {
    weir_view own = weir_buffer_view(&session->out);
    uint64_t at = session->out.offset;
    size_t count = 0;
    size_t loan = 0;
    if (session->phase != WEIR_PHASE_READY) {
        *parts = weir_bytes(session->greeting + session->greeting_sent,
                            session->greeting_len - session->greeting_sent);
        return parts->len > 0 ? 1 : 0;
    }
    while (count < most) {
        size_t before = own_before(session, loan, at);
        if (before > 0) {
            parts[count++] = weir_bytes(own.data, before);
            own = weir_bytes(own.data + before, own.len - before);
            at += before;
        } else if (loan < session->loans.count) {
            parts[count++] = session->loans.list[loan++].rest;
        } else {
            break;
        }
    }
    return count;
}

/* Bytes of the first loan were sent. */
static void pay_loan(weir_loans *loans, size_t count) {
    weir_view *rest = &loans->list[0].rest;
    *rest = weir_bytes(rest->data + count, rest->len - count);
    loans->bytes -= count;
    if (rest->len == 0) {
        loans->count--;
        memmove(loans->list, loans->list + 1, loans->count * sizeof *loans->list);
    }
}

/* The password has been sent: nothing of it stays. */
static void greeting_sent(weir_session *session, size_t count) {
    session->greeting_sent += count;
    if (session->greeting_sent == session->greeting_len) {
        weir_wipe(session->greeting, sizeof session->greeting);
        session->greeting_len = session->greeting_sent = 0;
    }
}

void weir_session_sent(weir_session *session, size_t count) {
    if (session->phase != WEIR_PHASE_READY) {
        greeting_sent(session, count);
        return;
    }
    while (count > 0) {
        size_t before = own_before(session, 0, session->out.offset);
        size_t most = before > 0 ? before : session->loans.list[0].rest.len;
        size_t taken = count < most ? count : most;
        if (before > 0) {
            weir_buffer_use_to(&session->out, session->out.offset + taken);
        } else {
            pay_loan(&session->loans, taken);
        }
        count -= taken;
    }
}

void weir_session_lend(weir_session *session, const weir_loans *loans) {
    uint64_t end = session->out.offset + weir_buffer_len(&session->out);
    session->loans = *loans;
    for (size_t i = 0; i < loans->count; i++) {
        session->loans.list[i].at += end;
    }
}

int64_t weir_session_deadline(const weir_session *session) {
    if (session->first == session->next || session->failure != WEIR_OK) {
        return INT64_MAX;
    }
    int64_t block_ms =
        session->ring[session->first & (session->ring_capacity - 1)].block_ms;
    int64_t allowed = session->progress_ms + session->timeout_ms;
    return block_ms == WEIR_FOREVER || block_ms > INT64_MAX - allowed ? INT64_MAX
                                                                      : allowed + block_ms;
}

weir_status weir_session_tick(weir_session *session, int64_t now_ms) {
    if (session->failure != WEIR_OK || now_ms < weir_session_deadline(session)) {
        return session->failure;
    }
    bool is_full = weir_buffer_len(&session->in) >= session->in.most;
    uint64_t owed = weir_session_owed(session);
    bool may_block = owed != 0 && owed != session->first &&
                     weir_session_request(session, owed)->block_ms != 0;
    if (is_full || owed == 0 || may_block) { /* it is the caller who takes his time */
        session->progress_ms = now_ms;
        return WEIR_OK;
    }
    return weir_session_break(session, WEIR_ERR_TIMEOUT, 0,
                              "%s did not answer within %lld ms", session->peer,
                              (long long)(now_ms - session->progress_ms));
}

/* ---- requests ---- */

static weir_status grow_ring(weir_session *session) {
    size_t capacity = session->ring_capacity;
    weir_request *ring = weir_mem_resize(
        &session->mem, session->ring, capacity * sizeof *ring, 2 * capacity * sizeof *ring);
    if (ring == NULL) {
        return weir_session_error(session, WEIR_ERR_NOMEM, "no memory for a request");
    }
    session->ring = ring;
    session->ring_capacity = 2 * capacity;
    /* a ticket's place is its lowest bits: one more bit now counts */
    for (uint64_t ticket = session->first; ticket < session->next; ticket++) {
        if ((ticket & capacity) != 0) {
            ring[ticket & (2 * capacity - 1)] = ring[ticket & (capacity - 1)];
        }
    }
    return WEIR_OK;
}

/* Room in the ring for one request more. */
static weir_status reserve_request(weir_session *session) {
    size_t known = (size_t)(session->next - session->first);
    if (known >= session->unanswered_most) {
        return weir_session_error(session, WEIR_ERR_FULL,
                                  "%zu requests are unanswered: take answers first", known);
    }
    return known >= session->ring_capacity ? grow_ring(session) : WEIR_OK;
}

/* A queue at its ceiling is moved to the front only where that gains an eighth: else each
 * small piece that the socket takes would move all the rest. */
static bool is_too_full(const weir_buffer *out, size_t own) {
    size_t capacity = out->block->capacity;
    return capacity == out->most && own > capacity - out->end && weir_buffer_len(out) > 0 &&
           out->start < capacity / 8;
}

static weir_status reserve_bytes(weir_session *session, size_t own, size_t size,
                                 char **at) {
    weir_buffer *out = &session->out;
    if (size > out->most) {
        return weir_session_error(session, WEIR_ERR_LIMIT,
                                  "a command of %zu bytes; limits.send_bytes is %zu", size,
                                  out->most);
    }
    size_t room;
    weir_status st =
        is_too_full(out, own) ? WEIR_ERR_LIMIT : weir_buffer_room(out, own, at, &room);
    if (st == WEIR_ERR_LIMIT) {
        return weir_session_error(session, WEIR_ERR_FULL,
                                  "%zu bytes are queued and not sent yet",
                                  weir_session_queued(session));
    }
    return st == WEIR_OK ? st
                         : weir_session_error(session, st,
                                              "no memory for a command of %zu bytes", size);
}

weir_status weir_session_expect_silence(weir_session *session) {
    bool is_begun = session->phase == WEIR_PHASE_READY && session->first == session->next &&
                    !session->is_in_push && weir_buffer_len(&session->in) > 0;
    return !is_begun ? session->failure
                     : weir_session_break(session, WEIR_ERR_PROTOCOL, 0,
                                          "%s began an answer that no request asked for",
                                          session->peer);
}

weir_status weir_session_reserve(weir_session *session, size_t own, size_t size,
                                 char **at) {
    weir_status st = weir_session_expect_silence(session);
    st = st == WEIR_OK ? reserve_request(session) : st;
    return st == WEIR_OK ? reserve_bytes(session, own, size, at) : st;
}

uint64_t weir_session_commit(weir_session *session, size_t size, weir_answer answer,
                             int64_t block_ms, int64_t now_ms) {
    weir_buffer_filled(&session->out, size);
    if (session->first == session->next) {
        session->progress_ms = now_ms;
    }
    uint64_t ticket = session->next++;
    weir_request *request = weir_session_request(session, ticket);
    memset(request, 0, sizeof *request);
    request->answer = (uint8_t)answer;
    request->block_ms = block_ms;
    request->begin = session->out.offset + weir_buffer_len(&session->out);
    session->untaken++;
    return ticket;
}

uint64_t weir_session_due(weir_session *session) {
    if (session->oldest < session->first) {
        session->oldest = session->first;
    }
    while (session->oldest < session->next &&
           weir_session_request(session, session->oldest)->is_taken) {
        session->oldest++;
    }
    return session->oldest < session->next ? session->oldest : 0;
}
