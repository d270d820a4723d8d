/* Connecting: from an address to a session that has been greeted.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/line.h"
#include "client_private.h"

#define GREET_ROUNDS 16 /* receives at once, whatever else the peer sends */

weir_status weir_client_fail_connect(weir_client *client, weir_status st) {
    client->session.failure = st;
    client->session.phase = WEIR_PHASE_BROKEN;
    return st;
}

static weir_status end_cancelled(weir_client *client) {
    weir_session *session = &client->session;
    bool is_ready = session->phase == WEIR_PHASE_READY;
    weir_session_break(session, WEIR_ERR_CANCELLED, 0,
                       "%s: cancelled by weir_client_cancel %s; requests unanswered: %llu",
                       client->peer, is_ready ? "when connected" : "while connecting",
                       (unsigned long long)(is_ready ? session->next - session->first : 0));
    weir_client_disconnect(client);
    return session->failure;
}

weir_status weir_client_heed_cancel(weir_client *client) {
    bool is_new = client->session.failure == WEIR_OK && weir_wake_is_set(&client->cancel);
    return is_new ? end_cancelled(client) : weir_session_failed(&client->session);
}

/* ---- the transport ---- */

int weir_client_transport_wants(const weir_client *client, int directions) {
    const weir_transport *transport = &client->transport;
    if (transport->wants != NULL) {
        return transport->wants(transport->context, directions);
    }
    return directions != 0 ? directions : WEIR_WANT_WRITE;
}

bool weir_client_has_pending(const weir_client *client) {
    const weir_transport *transport = &client->transport;
    return client->is_connected && transport->has_pending != NULL &&
           transport->has_pending(transport->context);
}

int64_t weir_client_connect_deadline(const weir_client *client) {
    const weir_transport *transport = &client->transport;
    int64_t deadline_ms = client->connect_deadline_ms;
    int64_t own_ms = transport->deadline_ms != NULL
                         ? transport->deadline_ms(transport->context)
                         : deadline_ms;
    return own_ms < deadline_ms ? own_ms : deadline_ms;
}

int weir_client_fd(const weir_client *client) {
    const weir_transport *transport = &client->transport;
    return transport->fd != NULL ? transport->fd(transport->context) : -1;
}

uint64_t weir_client_fd_changes(const weir_client *client) { return client->fd_changes; }

void weir_client_disconnect(weir_client *client) {
    client->is_connected = false;
    if (client->transport.close != NULL) {
        client->fd_changes += weir_client_fd(client) != -1;
        client->transport.close(client->transport.context);
    }
}

/* ---- connecting ---- */

/* A transport may leave it to us to say what happened, or not watch the deadline. */
static weir_status explain(weir_client *client, weir_status st) {
    weir_error *error = &client->session.error;
    error->status = st;
    if (error->text[0] == '\0') {
        struct weir_line text = weir_line_start(error->text, sizeof error->text);
        weir_line_add(&text, "cannot connect to ");
        weir_line_add_peer(&text, &client->address);
        weir_line_add(&text, ": ");
        if (error->os_error != 0) {
            weir_line_add_os_error(&text, error->os_error);
        } else {
            weir_line_add(&text, st == WEIR_ERR_CONNECT ? "the transport gave no reason"
                                                        : weir_status_text(st));
        }
    }
    weir_client_disconnect(client);
    return weir_client_fail_connect(client, st);
}

weir_status weir_client_go_on_connecting(weir_client *client) {
    const weir_transport *transport = &client->transport;
    weir_error *error = &client->session.error;
    int64_t now_ms = weir_now_ms();
    weir_status st = weir_client_heed_cancel(client);
    if (st != WEIR_OK) {
        return st;
    }
    *error = (weir_error){.status = WEIR_OK};
    int fd = weir_client_fd(client);
    st = transport->connect(transport->context, now_ms, client->connect_deadline_ms, error);
    client->fd_changes += weir_client_fd(client) != fd;
    if (st == WEIR_MORE && now_ms >= client->connect_deadline_ms) {
        st = WEIR_ERR_TIMEOUT;
    }
    client->is_connected = st == WEIR_OK;
    return st < 0 ? explain(client, st) : st;
}

/* The password has been sent: nothing of it stays, an old server repeats it. */
static void wipe_received(weir_client *client) {
    weir_buffer *in = &client->session.in;
    if (weir_buffer_len(in) == 0 && in->block->holders == 1) {
        weir_wipe(weir_block_bytes(in->block), in->block->capacity);
    }
}

/* There is no room to receive the rest of the handshake. While answers wait to be taken,
 * that may change; where memory lacks, the next try may have it. */
static weir_status end_without_room(weir_client *client) {
    weir_session *session = &client->session;
    if (session->untaken > 0 && !session->is_starved) {
        return WEIR_MORE;
    }
    weir_status st = session->is_starved ? WEIR_ERR_NOMEM : WEIR_ERR_LIMIT;
    weir_session_error(session, st,
                       "%s: an answer to the handshake is larger than %zu bytes",
                       client->peer, weir_buffer_len(&session->in));
    return weir_client_fail_connect(client, st);
}

static weir_status receive_greeting(weir_client *client) {
    weir_status st = weir_client_receive(client);
    if (st == WEIR_ERR_FULL) {
        return end_without_room(client);
    }
    return st;
}

static weir_status end_late(weir_client *client) {
    return weir_session_break(
        &client->session, WEIR_ERR_TIMEOUT, 0,
        "%s did not answer the handshake within %lld ms (is it a Redis server?)",
        client->peer, (long long)client->connect_timeout_ms);
}

weir_status weir_client_greet(weir_client *client) {
    weir_status st = WEIR_OK;
    for (int round = 0; st == WEIR_OK; round++) {
        st = weir_session_greet(&client->session);
        if (st == WEIR_OK) {
            wipe_received(client);
            return st;
        }
        if (st < 0) {
            return client->session.failure != WEIR_OK
                       ? client->session.failure
                       : weir_client_fail_connect(client, st);
        }
        st = weir_client_send(client);
        if (st >= 0) { /* what came last was looked at: the caller may wait */
            st = round < GREET_ROUNDS ? receive_greeting(client) : WEIR_MORE;
        }
    }
    bool is_late = st >= 0 && weir_now_ms() >= client->connect_deadline_ms;
    return is_late ? end_late(client) : st < 0 ? st : WEIR_MORE;
}

static bool is_whole(const weir_transport *transport) {
    return transport->connect != NULL && transport->receive != NULL &&
           transport->send != NULL && transport->fd != NULL && transport->close != NULL;
}

weir_status weir_client_choose_transport(weir_client *client, const weir_options *options) {
    static const weir_tls defaults = {0};
    weir_transport below;
    bool is_tcp = client->address.kind == WEIR_ADDRESS_TCP;
    if (options->transport != NULL && !is_whole(options->transport)) {
        return weir_client_wrong(
            client,
            "options.transport: connect, receive, send, fd and close must be there");
    }
    if (options->tls != NULL && is_tcp && !client->address.is_tls) {
        return weir_client_wrong(client, "options.tls is for TLS: write rediss://");
    }
    if (options->transport != NULL) {
        below = *options->transport;
    } else {
        weir_socket_init(&client->socket, &client->address);
        client->socket.attempt_delay_ms = options->attempt_delay_ms;
        client->socket.keepalive_ms = options->keepalive_ms;
        client->socket.lookup_blocks = options->lookup_blocks;
        below = weir_socket_transport(&client->socket);
    }
    if (options->tls == NULL && !client->address.is_tls) {
        client->transport = below;
        return WEIR_OK;
    }
    weir_status st =
        weir_tls_begin(&client->tls, options->tls != NULL ? options->tls : &defaults,
                       &client->address, &below, &client->session.error);
    if (st == WEIR_OK) {
        client->transport = weir_tls_transport(&client->tls);
    }
    return st;
}
