/* Connecting: from an address to a session that has been greeted.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/line.h"
#include "client_private.h"

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

void weir_client_disconnect(weir_client *client) {
    client->is_connected = false;
    if (client->transport.close != NULL) {
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
    st = transport->connect(transport->context, now_ms, client->connect_deadline_ms, error);
    if (st == WEIR_MORE && now_ms >= client->connect_deadline_ms) {
        st = WEIR_ERR_TIMEOUT;
    }
    client->is_connected = st == WEIR_OK;
    return st < 0 ? explain(client, st) : st;
}

static weir_status wait_connect(weir_client *client) {
    for (;;) {
        weir_status st = weir_client_go_on_connecting(client);
        if (st != WEIR_MORE) {
            return st;
        }
        int os_error = 0; /* whatever ends the wait: the transport knows why */
        weir_wait_or_wake(weir_client_fd(client), weir_client_transport_wants(client, 0),
                          &client->cancel, weir_client_connect_deadline(client), &os_error);
    }
}

void weir_client_wipe_sent(weir_client *client) {
    weir_buffer *buffers[] = {&client->session.out, &client->session.in};
    for (size_t i = 0; i < 2; i++) {
        if (weir_buffer_len(buffers[i]) == 0) { /* an old server repeats what it was sent */
            weir_wipe(weir_block_bytes(buffers[i]->block), buffers[i]->block->capacity);
        }
    }
}

static weir_status wait_greeting(weir_client *client) {
    int64_t deadline_ms = 0;
    for (;;) {
        weir_status st = weir_session_greet(&client->session);
        if (st == WEIR_MORE) {
            st = weir_client_await(client, client->session.first, 0, &deadline_ms);
        } else if (st == WEIR_OK) {
            weir_client_wipe_sent(client);
            return st;
        }
        if (st != WEIR_OK) {
            return client->session.failure != WEIR_OK
                       ? client->session.failure
                       : weir_client_fail_connect(client, st);
        }
    }
}

static weir_status choose_transport(weir_client *client, const weir_transport *own) {
    if (own == NULL) {
        weir_socket_init(&client->socket, &client->address);
        client->transport = weir_socket_transport(&client->socket);
        return WEIR_OK;
    }
    if (own->connect == NULL || own->receive == NULL || own->send == NULL ||
        own->fd == NULL || own->close == NULL) {
        return weir_client_wrong(
            client,
            "options.transport: connect, receive, send, fd and close must be there");
    }
    client->transport = *own;
    return WEIR_OK;
}

weir_status weir_client_connect(weir_client *client, const weir_transport *own) {
    weir_status st = choose_transport(client, own);
    if (st != WEIR_OK) {
        return weir_client_fail_connect(client, st);
    }
    client->connect_deadline_ms = weir_now_ms() + client->connect_timeout_ms;
    if (client->is_non_blocking) {
        return weir_step(client); /* so that there is a descriptor to watch */
    }
    st = wait_connect(client);
    return st == WEIR_OK ? wait_greeting(client) : st;
}
