/* Bytes between session and socket: sending, receiving, waiting with a deadline.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/line.h"
#include "client_private.h"

/* This much more must be queued before a full socket is tried again. */
#define SEND_STEP (16 * 1024)

#define SEND_PARTS 8 /* of one gathering send */

/* So long a call that does not wait goes on with a peer that never stops sending. */
#define SLICE_MS 10

/* A server that expects TLS ends the connection without a word. */
static const char *mix_up(const weir_client *client) {
    const weir_session *session = &client->session;
    bool is_silent =
        session->phase == WEIR_PHASE_HELLO && weir_buffer_len(&session->in) == 0;
    bool is_plain = client->address.kind == WEIR_ADDRESS_TCP && !client->address.is_tls;
    return is_silent && is_plain ? " (does it expect TLS: rediss://?)" : "";
}

/* The transport failed: `why` is its reason. */
static weir_status break_io(weir_client *client, const char *doing, weir_status st,
                            const weir_error *why) {
    char reason[sizeof why->text];
    struct weir_line line = weir_line_start(reason, sizeof reason);
    if (why->text[0] != '\0') {
        weir_line_add(&line, why->text);
    } else if (why->os_error != 0) {
        weir_line_add_os_error(&line, why->os_error);
    } else {
        weir_line_add(&line, weir_status_text(st));
    }
    return weir_session_break(&client->session, weir_status_is_fatal(st) ? st : WEIR_ERR_IO,
                              why->os_error, "%s: %s failed: %s%s", client->peer, doing,
                              reason, mix_up(client));
}

/* The peer takes nothing more; what it answered before that may still be there to read. */
static weir_status end_sending(weir_client *client, weir_status reason,
                               const weir_error *why) {
    weir_status st = WEIR_OK;
    int64_t deadline_ms =
        weir_now_ms() + (client->is_non_blocking ? SLICE_MS : client->timeout_ms);
    while (st == WEIR_OK && weir_now_ms() < deadline_ms) {
        st = weir_client_receive(client);
    }
    return client->session.failure != WEIR_OK ? client->session.failure
                                              : break_io(client, "sending", reason, why);
}

weir_status weir_client_send(weir_client *client) {
    weir_session *session = &client->session;
    weir_view parts[SEND_PARTS];
    if (weir_client_heed_cancel(client) != WEIR_OK) {
        return session->failure;
    }
    if (!client->is_connected) {
        return WEIR_MORE;
    }
    while (weir_session_queued(session) > 0 && session->failure == WEIR_OK) {
        size_t count = weir_session_output(session, parts, SEND_PARTS);
        size_t moved = 0;
        weir_error why;
        why.os_error = 0;
        why.text[0] = '\0';
        weir_status st =
            client->transport.send(client->transport.context, parts, count, &moved, &why);
        if (st == WEIR_MORE) {
            client->send_at = weir_session_queued(session) + SEND_STEP;
            return WEIR_MORE;
        }
        weir_session_sent(session, moved);
        if (st != WEIR_OK) {
            return end_sending(client, st, &why);
        }
    }
    client->send_at = SEND_STEP;
    return weir_session_failed(session);
}

weir_status weir_client_receive(weir_client *client) {
    weir_session *session = &client->session;
    if (weir_client_heed_cancel(client) != WEIR_OK) {
        return session->failure;
    }
    if (!client->is_connected) {
        return WEIR_MORE;
    }
    char *at;
    size_t room;
    if (weir_session_room(session, &at, &room) != WEIR_OK) {
        return WEIR_ERR_FULL;
    }
    size_t moved = 0;
    weir_error why;
    why.os_error = 0;
    why.text[0] = '\0';
    weir_status st =
        client->transport.receive(client->transport.context, at, room, &moved, &why);
    if (st == WEIR_OK) {
        client->needs_more = false;
        return weir_session_received(session, moved, weir_now_ms());
    }
    if (st == WEIR_ERR_CLOSED) {
        return weir_session_break(
            session, WEIR_ERR_CLOSED, 0,
            "%s closed the connection, requests unanswered: %llu%s", client->peer,
            (unsigned long long)(session->next - session->first), mix_up(client));
    }
    return st == WEIR_MORE ? st : break_io(client, "receiving", st, &why);
}

static weir_status break_late(weir_client *client) {
    return weir_session_break(&client->session, WEIR_ERR_TIMEOUT, 0,
                              "%s did not answer within %lld ms", client->peer,
                              (long long)client->timeout_ms);
}

static weir_status wait_for(weir_client *client, int wants, int64_t deadline_ms) {
    weir_error why = {.status = WEIR_ERR_IO};
    if ((wants & WEIR_WANT_READ) != 0 && weir_client_has_pending(client)) {
        return WEIR_OK;
    }
    weir_status st = weir_wait_or_wake(weir_client_fd(client),
                                       weir_client_transport_wants(client, wants),
                                       &client->cancel, deadline_ms, &why.os_error);
    if (st == WEIR_ERR_CANCELLED) {
        return weir_client_heed_cancel(client);
    }
    if (st == WEIR_ERR_TIMEOUT) {
        return break_late(client);
    }
    return st == WEIR_OK ? st : break_io(client, "waiting", st, &why);
}

/* The call has gone on for long enough: a peer that never stops sending, pushes for
 * instance, never makes it wait, and must not hold it either. */
static weir_status end_call(weir_client *client) {
    return client->is_non_blocking ? WEIR_MORE : break_late(client);
}

static int64_t deadline_after(const weir_client *client, int64_t block_ms) {
    if (client->is_non_blocking) {
        return weir_now_ms() + SLICE_MS;
    }
    int64_t deadline_ms = weir_now_ms() + client->timeout_ms;
    bool is_endless = block_ms == WEIR_FOREVER || block_ms > INT64_MAX - deadline_ms;
    return is_endless ? WEIR_NO_DEADLINE : deadline_ms + block_ms;
}

/*
 * Who waits for a socket is woken with each piece that a server on the same machine sends,
 * and the server pays for it, with about a tenth of all its time where each piece answers
 * some 180 XADDs. A sleeper costs it nothing; and as long as the sleep is shorter than the
 * work it has before it, nothing waits for the sleeper. No server known to us takes less
 * than 0.3 microseconds a command; a kernel adds some 50 to each sleep.
 */
int64_t weir_client_nap_for(uint64_t answers) {
    const int64_t each_ns = 200;
    const int64_t most_ns = 200000;
    if (answers < WEIR_NAP_FROM) {
        return 0;
    }
    return answers < (uint64_t)(most_ns / each_ns) ? (int64_t)answers * each_ns : most_ns;
}

static bool nap(const weir_client *client, uint64_t ticket) {
    const weir_session *session = &client->session;
    int64_t time_ns = client->may_nap ? weir_client_nap_for(session->next - ticket) : 0;
    if (time_ns > 0) {
        weir_nap(time_ns);
    }
    return time_ns > 0;
}

static weir_status wait_for_answer(weir_client *client, int64_t deadline_ms) {
    bool is_queued = weir_session_queued(&client->session) > 0;
    return wait_for(client, is_queued ? WEIR_WANT_READ | WEIR_WANT_WRITE : WEIR_WANT_READ,
                    deadline_ms);
}

static weir_status await_bytes(weir_client *client, uint64_t ticket, int64_t deadline_ms) {
    bool has_output = weir_session_queued(&client->session) > 0;
    bool has_napped = false;
    for (;;) {
        weir_status st = weir_client_send(client);
        if (st < 0) {
            return st;
        }
        /* right after asking the answer is not there yet: wait for it at once */
        bool may_be_there = !has_output || client->is_non_blocking;
        has_output = false;
        st = may_be_there ? weir_client_receive(client) : WEIR_MORE;
        if (st == WEIR_ERR_FULL) {
            st = weir_session_make_way(&client->session, ticket);
            if (st != WEIR_OK) {
                return st;
            }
            continue;
        }
        if (st != WEIR_MORE || client->is_non_blocking) {
            client->needs_more = st == WEIR_MORE;
            return st;
        }
        has_napped = !has_napped && nap(client, ticket);
        st = has_napped ? WEIR_OK : wait_for_answer(client, deadline_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
}

/* The connection is not there yet. What cannot be sent in time never will be. */
static weir_status await_connection(weir_client *client, int64_t deadline_ms) {
    if (client->is_non_blocking) {
        weir_status st = weir_client_advance(client);
        return st == WEIR_OK && !weir_client_is_ready(client) ? WEIR_MORE : st;
    }
    weir_status st = weir_client_bring_up(client, deadline_ms, false);
    if (st == WEIR_MORE) {
        weir_session_resolve(&client->session);
        return WEIR_OK;
    }
    return st;
}

static bool is_lost(const weir_session *session, uint64_t ticket) {
    return ticket >= session->first && ticket < session->next &&
           weir_session_request(session, ticket)->loss != WEIR_LOSS_NONE;
}

weir_status weir_client_await(weir_client *client, uint64_t ticket, int64_t block_ms,
                              int64_t *deadline_ms) {
    (void)weir_client_heed_cancel(client);
    if (weir_client_mend(client)) {
        return WEIR_OK; /* the answer is lost: its take tells */
    }
    if (is_lost(&client->session, ticket)) {
        return WEIR_OK;
    }
    bool is_first = *deadline_ms == 0;
    if (is_first) {
        *deadline_ms = deadline_after(client, block_ms);
    }
    weir_status st = WEIR_OK;
    if (client->session.failure == WEIR_OK && !weir_client_is_ready(client)) {
        st = await_connection(client, *deadline_ms);
    } else if (!is_first && client->session.progress_ms >= *deadline_ms) {
        st = end_call(client); /* progress: when bytes last came */
    } else {
        st = await_bytes(client, ticket, *deadline_ms);
    }
    /* also where the client has ended for good meanwhile: a request is told of once */
    bool is_told_by_take =
        st < 0 && (weir_client_mend(client) || is_lost(&client->session, ticket));
    return is_told_by_take ? WEIR_OK : st;
}

static weir_status drain_until(weir_client *client, size_t most, int64_t deadline_ms) {
    for (;;) {
        weir_status st = weir_client_send(client);
        if (st < 0 || weir_session_queued(&client->session) < most) {
            return st < 0 ? st : WEIR_OK;
        }
        st = weir_client_receive(client);
        if (st == WEIR_ERR_FULL) {
            return WEIR_OK;
        }
        if (st == WEIR_MORE) {
            st = wait_for(client, WEIR_WANT_READ | WEIR_WANT_WRITE, deadline_ms);
        } else if (st == WEIR_OK && client->session.progress_ms >= deadline_ms) {
            st = break_late(client);
        }
        if (st != WEIR_OK) {
            return st;
        }
    }
}

weir_status weir_client_drain(weir_client *client, size_t most) {
    int64_t deadline_ms = weir_now_ms() + client->timeout_ms;
    weir_status up = weir_client_usable(client);
    if (up == WEIR_OK && !weir_client_is_ready(client)) {
        up = weir_client_bring_up(client, deadline_ms, false);
    }
    return up == WEIR_OK ? drain_until(client, most, deadline_ms)
                         : (up == WEIR_MORE ? WEIR_OK : up);
}
