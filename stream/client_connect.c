/* Connecting: from an address to a session that has been greeted.
 * SPDX-License-Identifier: BSD-2-Clause */
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
    weir_socket_close(&client->socket);
    return session->failure;
}

weir_status weir_client_heed_cancel(weir_client *client) {
    bool is_new = client->session.failure == WEIR_OK && weir_wake_is_set(&client->cancel);
    return is_new ? end_cancelled(client) : weir_session_failed(&client->session);
}

static weir_status start_connect(weir_client *client) {
    int64_t now_ms = weir_now_ms();
    client->connect_deadline_ms = now_ms + client->connect_timeout_ms;
    weir_status st = weir_socket_start(&client->socket, &client->address, now_ms,
                                       client->connect_deadline_ms, &client->session.error);
    return st == WEIR_OK ? st : weir_client_fail_connect(client, st);
}

weir_status weir_client_go_on_connecting(weir_client *client) {
    weir_status st = weir_client_heed_cancel(client);
    if (st != WEIR_OK) {
        return st;
    }
    st = weir_socket_connect(&client->socket, weir_now_ms(), &client->session.error);
    if (st < 0) {
        return weir_client_fail_connect(client, st);
    }
    if (st == WEIR_OK) {
        client->transport = weir_socket_transport(&client->socket);
    }
    return st;
}

static weir_status wait_connect(weir_client *client) {
    for (;;) {
        weir_status st = weir_client_go_on_connecting(client);
        if (st != WEIR_MORE) {
            return st;
        }
        int os_error = 0; /* whatever ends the wait: the socket knows why */
        weir_wait_or_wake(client->socket.fd, WEIR_WANT_WRITE, &client->cancel,
                          weir_socket_deadline(&client->socket), &os_error);
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

weir_status weir_client_connect(weir_client *client) {
    weir_status st = start_connect(client);
    if (st != WEIR_OK) {
        return st;
    }
    if (client->is_non_blocking) {
        return weir_step(client); /* so that there is a descriptor to watch */
    }
    st = wait_connect(client);
    return st == WEIR_OK ? wait_greeting(client) : st;
}
