/* Requests and their answers: queue a command, wait for what it gives.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "client_private.h"

/* Enough for many commands a send; the server reads 16 KiB at a time (PROTO_IOBUF_LEN). */
#define QUEUE_MARK (256 * 1024)

/* An argument of so many bytes is sent from where it is: copying it would cost more than
 * one more part of a gathering send. */
#define LEND_FROM (16 * 1024)

weir_status weir_client_wrong(weir_client *client, const char *why) {
    weir_status st = weir_client_usable(client);
    return st != WEIR_OK ? st
                         : weir_session_error(&client->session, WEIR_ERR_ARG, "%s", why);
}

/* May a request be queued? A client that is down may refuse it; a blocking one tries to
 * connect before, if it is time for a try. */
static weir_status admit(weir_client *client) {
    const weir_link *link = &client->link;
    (void)weir_session_expect_silence(&client->session); /* a loss like any other */
    weir_status st = weir_client_usable(client);
    if (st != WEIR_OK || client->session.phase == WEIR_PHASE_READY) {
        return st;
    }
    if (!link->is_on) {
        return WEIR_MORE; /* it connects for the first time */
    }
    if (!link->rules.fail_fast) {
        return WEIR_OK;
    }
    if (!client->is_non_blocking) {
        st = weir_client_bring_up(client, weir_now_ms() + client->timeout_ms, true);
    }
    bool is_up = client->session.phase == WEIR_PHASE_READY;
    return st < 0 || is_up ? st : weir_client_refuse(client);
}

/* May this command be queued now, for the server that there is now? */
static weir_status admit_command(weir_client *client, const weir_args *args) {
    weir_status st = admit(client);
    return st == WEIR_OK && args->needs != 0 ? weir_client_need(client, args->needs) : st;
}

/* The queue has no room for `own` bytes: the peer is to take some of it, and a blocking
 * client waits until it has. A connection that is lost meanwhile takes the queue with it,
 * and the next server may lack what the command needs. */
static weir_status make_room(weir_client *client, const weir_args *args, size_t own) {
    if (client->is_non_blocking) {
        weir_client_send(client);
    } else {
        size_t most = client->session.out.most;
        weir_client_drain(client, (own < most / 2 ? most / 2 : most - own) + 1);
    }
    return admit_command(client, args);
}

/* Writes a command into the send buffer, where it takes *own bytes; arguments of
 * `lend_from` bytes are lent. */
static weir_status write_exactly(weir_client *client, const weir_args *args,
                                 size_t lend_from, size_t *own) {
    weir_session *session = &client->session;
    size_t size;
    if (weir_args_size(args, &size) != WEIR_OK) {
        return weir_session_error(session, WEIR_ERR_LIMIT, "a command beyond all memory");
    }
    size_t lent = size >= lend_from ? weir_args_lent(args, lend_from) : 0;
    char *at;
    *own = size - lent;
    size_t most = session->out.most;
    if (size <= most && *own > most - weir_buffer_len(&session->out)) {
        weir_status made = make_room(client, args, *own);
        if (made != WEIR_OK) {
            return made;
        }
    }
    weir_status st = weir_session_reserve(session, *own, size, &at);
    if (st != WEIR_OK) {
        return st;
    }
    if (lent == 0) {
        weir_args_write(args, at, NULL);
    } else {
        weir_loans loans = {.least = lend_from};
        weir_args_write(args, at, &loans);
        weir_session_lend(session, &loans);
    }
    return WEIR_OK;
}

/* The same for a command far below every ceiling: there is no need to size it exactly. */
static weir_status write_quickly(weir_client *client, const weir_args *args, size_t bound,
                                 size_t *own) {
    char *at;
    weir_status st = weir_session_reserve(&client->session, bound, bound, &at);
    if (st == WEIR_OK) {
        *own = (size_t)(weir_args_write(args, at, NULL) - at);
    }
    return st;
}

/* Queues a command; arguments of `lend_from` bytes are lent. */
static weir_status try_to_queue(weir_client *client, const weir_args *args,
                                weir_answer answer, int64_t block_ms, size_t lend_from,
                                uint64_t *ticket) {
    weir_session *session = &client->session;
    weir_status admitted = admit_command(client, args);
    if (admitted != WEIR_OK) {
        return admitted;
    }
    size_t bound = weir_args_bound(args);
    size_t left = session->out.most - weir_buffer_len(&session->out);
    size_t own = 0;
    weir_status st = bound < LEND_FROM && bound <= left
                         ? write_quickly(client, args, bound, &own)
                         : write_exactly(client, args, lend_from, &own);
    if (st != WEIR_OK) {
        return st;
    }
    bool is_first = session->first == session->next;
    *ticket = weir_session_commit(session, own, answer, block_ms,
                                  is_first ? weir_now_ms() : session->progress_ms);
    return WEIR_OK;
}

/* True: the connection was lost while a command was to be queued, as one is where the peer
 * sends what nobody asked for, and another one is tried. */
static bool was_lost(weir_client *client, weir_status st) {
    return weir_status_is_fatal(st) && weir_client_mend(client);
}

/* The same for a client that goes on: the command waits for the next connection, or is
 * refused. */
static weir_status queue(weir_client *client, const weir_args *args, weir_answer answer,
                         int64_t block_ms, size_t lend_from, uint64_t *ticket) {
    weir_status st = try_to_queue(client, args, answer, block_ms, lend_from, ticket);
    if (!was_lost(client, st)) {
        return st;
    }
    if (client->link.rules.fail_fast) {
        return weir_client_refuse(client);
    }
    st = try_to_queue(client, args, answer, block_ms, lend_from, ticket);
    return was_lost(client, st) ? weir_client_refuse(client) : st;
}

/* Bytes queued at which a blocking client waits for the peer to take some. */
static size_t queue_mark(const weir_client *client) {
    size_t half = client->session.out.most / 2;
    return half < QUEUE_MARK ? half : QUEUE_MARK;
}

/* Sends what is worth it, and receives what has come meanwhile: two peers that only write
 * would wait for each other for ever. A failure sticks, and the answer tells it. */
static void exchange(weir_client *client) {
    size_t queued = weir_session_queued(&client->session);
    if (queued >= queue_mark(client) && !client->is_non_blocking) {
        weir_client_drain(client, queue_mark(client));
    } else if (queued >= client->send_at && weir_client_send(client) >= 0) {
        weir_client_receive(client);
    }
}

/* The answers that wait to be taken leave no room to receive more. */
static bool is_filled_by_answers(const weir_session *session) {
    return weir_buffer_len(&session->in) >= session->in.most &&
           session->failure == WEIR_OK && session->untaken > 0 &&
           session->streaming == NULL;
}

static weir_status refuse_full(weir_session *session) {
    return weir_session_error(session, WEIR_ERR_FULL,
                              "%zu bytes of answers wait: take answers first",
                              weir_buffer_len(&session->in));
}

weir_status weir_client_append(weir_client *client, weir_status made, const weir_args *args,
                               weir_answer answer, int64_t block_ms) {
    if (made != WEIR_OK) {
        return made;
    }
    uint64_t ticket;
    weir_session *session = &client->session;
    if (is_filled_by_answers(session)) {
        return refuse_full(session);
    }
    weir_status st = queue(client, args, answer, block_ms, SIZE_MAX, &ticket);
    if (st == WEIR_OK) {
        exchange(client);
    }
    return st;
}

weir_status weir_client_ask_page(weir_client *client, const weir_args *args,
                                 uint64_t *ticket) {
    weir_session *session = &client->session;
    if (is_filled_by_answers(session)) {
        return refuse_full(session);
    }
    weir_status st = queue(client, args, WEIR_ANSWER_RANGE, 0, SIZE_MAX, ticket);
    if (st == WEIR_OK) {
        weir_session_mark_paged(session, *ticket);
        (void)weir_client_send(client);
    }
    return st;
}

/* What is lent goes out before the call returns, or the connection ends. */
static weir_status send_loans(weir_client *client, uint64_t ticket, int64_t block_ms) {
    int64_t deadline_ms = 0;
    weir_session *session = &client->session;
    weir_status st = weir_client_send(client);
    while (st >= 0 && session->loans.count > 0) {
        st = weir_client_await(client, ticket, block_ms, &deadline_ms);
    }
    if (session->loans.count > 0 && session->failure == WEIR_OK) {
        weir_session_break(session, WEIR_ERR_IO, 0,
                           "%s takes no more of a large command: answers of %zu bytes wait",
                           client->peer, weir_buffer_len(&session->in));
    }
    session->loans.count = 0;
    session->loans.bytes = 0;
    return session->failure;
}

weir_status weir_client_check_waiting(weir_client *client) {
    return !client->is_non_blocking
               ? WEIR_OK
               : weir_client_wrong(client,
                                   "this client is non_blocking: append, then take");
}

weir_status weir_client_ask_now(weir_client *client, const weir_args *args,
                                weir_answer answer, int64_t block_ms, uint64_t *ticket) {
    weir_status st = weir_client_check_waiting(client);
    st = st == WEIR_OK ? queue(client, args, answer, block_ms, LEND_FROM, ticket) : st;
    if (st == WEIR_OK && client->session.loans.count > 0) {
        send_loans(client, *ticket, block_ms); /* a failure sticks, the answer tells it */
    }
    return st;
}

weir_status weir_client_ask_open(weir_client *client, const weir_args *args,
                                 weir_answer answer, int64_t block_ms, const void *handle,
                                 uint64_t *ticket) {
    if (client->session.failure == WEIR_OK && !client->is_non_blocking) {
        weir_status st = weir_session_keep_slot(&client->session, handle);
        if (st != WEIR_OK) {
            return st;
        }
    }
    return weir_client_ask_now(client, args, answer, block_ms, ticket);
}

weir_status weir_client_due(weir_client *client, unsigned kinds, uint64_t *ticket) {
    uint64_t due = weir_session_due(&client->session);
    if (due == 0) {
        return weir_client_wrong(client, "no answer is due: nothing was appended");
    }
    unsigned kind = 1U << weir_session_request(&client->session, due)->answer;
    if ((kinds & kind) == 0) {
        return weir_client_wrong(client,
                                 "the next answer is that of another kind of command");
    }
    *ticket = due;
    return WEIR_OK;
}

static int64_t block_of(weir_client *client, uint64_t ticket) {
    return weir_session_request(&client->session, ticket)->block_ms;
}

static bool is_due(const weir_session *session, uint64_t ticket) {
    return ticket >= session->first && ticket < session->next &&
           !weir_session_request(session, ticket)->is_taken;
}

weir_status weir_client_end_take(weir_client *client, uint64_t ticket, weir_status st) {
    if (!weir_status_is_fatal(st) || !weir_client_mend(client)) {
        return st;
    }
    return is_due(&client->session, ticket) ? WEIR_MORE
                                            : weir_session_tell_cut(&client->session);
}

weir_status weir_client_take_token(weir_client *client, uint64_t ticket,
                                   weir_token *token) {
    int64_t deadline_ms = 0;
    for (;;) {
        weir_status st = weir_session_take_token(&client->session, ticket, token);
        st = weir_client_end_take(client, ticket, st);
        if (st != WEIR_MORE) {
            return st;
        }
        st = weir_client_await(client, ticket, block_of(client, ticket), &deadline_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
}

weir_status weir_client_take_whole(weir_client *client, uint64_t ticket, weir_view *whole) {
    weir_session *session = &client->session;
    int64_t block_ms = block_of(client, ticket);
    int64_t deadline_ms = 0;
    weir_status st = WEIR_OK;
    for (;;) {
        st = weir_session_take_whole(session, ticket, whole);
        st = weir_client_end_take(client, ticket, st);
        if (st != WEIR_MORE) {
            break;
        }
        st = weir_client_await(client, ticket, block_ms, &deadline_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
    if (st != WEIR_OK) {
        return st;
    }
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &weir_stream_reading);
    st = weir_reader_next(&reader, *whole, &used, &token);
    bool is_error = st == WEIR_OK &&
                    (token.type == WEIR_TOKEN_ERROR || token.type == WEIR_TOKEN_BULK_ERROR);
    return is_error ? weir_session_server_error(session, token.bytes) : st;
}

weir_status weir_client_take_count(weir_client *client, uint64_t ticket, uint64_t *count) {
    weir_token token;
    weir_status st = weir_client_take_token(client, ticket, &token);
    if (st != WEIR_OK) {
        return st;
    }
    int64_t number;
    if (!weir_decode_integer(&token, &number) || number < 0) {
        return weir_session_error(&client->session, WEIR_ERR_REPLY,
                                  "%s: expected a count as answer", client->peer);
    }
    if (count != NULL) {
        *count = (uint64_t)number;
    }
    return WEIR_OK;
}

weir_status weir_client_count_now(weir_client *client, weir_status made,
                                  const weir_args *args, uint64_t *count) {
    uint64_t ticket = 0;
    weir_status st = made;
    st = st == WEIR_OK ? weir_client_ask_now(client, args, WEIR_ANSWER_COUNT, 0, &ticket)
                       : st;
    return st == WEIR_OK ? weir_client_take_count(client, ticket, count) : st;
}

weir_status weir_client_take_entries(weir_client *client, uint64_t ticket,
                                     weir_entries *entries) {
    weir_slot *slot;
    weir_session *session = &client->session;
    int64_t deadline_ms = 0;
    weir_session_leave(session, entries);
    for (;;) {
        weir_status st = weir_session_open_entries(session, ticket, entries, &slot);
        if (st == WEIR_OK) {
            entries->client = client;
            entries->serial = slot->serial;
            entries->slot = weir_session_slot_index(session, slot);
            return WEIR_OK;
        }
        st = weir_client_end_take(client, ticket, st);
        if (st == WEIR_MORE) {
            st = weir_client_await(client, ticket, block_of(client, ticket), &deadline_ms);
        }
        if (st != WEIR_OK) {
            return st;
        }
    }
}

weir_status weir_client_entries_now(weir_client *client, weir_status made,
                                    const weir_args *args, weir_answer answer,
                                    int64_t block_ms, weir_entries *entries) {
    uint64_t ticket = 0;
    weir_session_leave(&client->session, entries);
    entries->client = NULL;
    weir_status st = made;
    st = st == WEIR_OK
             ? weir_client_ask_open(client, args, answer, block_ms, entries, &ticket)
             : st;
    return st == WEIR_OK ? weir_client_take_entries(client, ticket, entries) : st;
}

weir_status weir_client_take_reply(weir_client *client, uint64_t ticket,
                                   weir_reply *reply) {
    weir_session *session = &client->session;
    int64_t deadline_ms = 0;
    weir_session_leave(session, reply);
    for (;;) {
        weir_slot *slot;
        weir_status st = weir_session_open_reply(session, ticket, reply, &slot);
        if (st == WEIR_OK) {
            reply->client = client;
            reply->serial = slot->serial;
            reply->slot = weir_session_slot_index(session, slot);
            return WEIR_OK;
        }
        st = weir_client_end_take(client, ticket, st);
        if (st == WEIR_MORE) {
            st = weir_client_await(client, ticket, block_of(client, ticket), &deadline_ms);
        }
        if (st != WEIR_OK) {
            return st;
        }
    }
}
