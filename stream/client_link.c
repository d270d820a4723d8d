/* A client whose connection is kept alive: what ends, what is tried again, who is told. A
 * client without reconnecting is one whose first loss is its end.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/line.h"
#include "client_private.h"

/* ---- who is told ---- */

static void tell(weir_client *client, weir_link_state state) {
    const weir_link *link = &client->link;
    const weir_session *session = &client->session;
    if (!link->is_on || link->rules.on_change == NULL) {
        return;
    }
    bool is_ready = state == WEIR_LINK_READY;
    bool is_down = state != WEIR_LINK_READY && state != WEIR_LINK_CONNECTING;
    weir_link_event event = {.state = state,
                             .tries = link->tries,
                             .delay_ms = state == WEIR_LINK_WAITING ? link->delay_ms : 0,
                             .error = is_down ? &session->ending : NULL,
                             .client_id = is_ready ? session->client_id : 0,
                             .is_same_run = is_ready && weir_session_is_same_run(session),
                             .is_fenced = is_ready && session->is_fenced};
    link->rules.on_change(link->rules.context, &event);
}

/* ---- losing ---- */

static void lose(weir_client *client) {
    weir_session *session = &client->session;
    bool was_useful = session->is_proved;
    unsigned tries = client->link.tries;
    bool was_waiting = client->link.state == WEIR_LINK_WAITING; /* and was cancelled */
    bool was_greeted = session->was_greeted;
    if (was_greeted) {
        weir_session_resolve(session);
    } else {
        weir_session_drop_greeting(session);
    }
    weir_client_disconnect(client);
    client->send_at = 0;
    client->needs_more = false;
    weir_link_lose(&client->link, &session->ending, was_useful, weir_now_ms());
    if (!was_greeted && client->link.state == WEIR_LINK_ENDED) {
        weir_session_resolve(session);
    }
    client->link.tries = tries; /* as the one that ended counts them */
    if (!was_waiting) {
        tell(client, WEIR_LINK_LOST);
    }
    client->link.tries = was_useful ? 0 : tries;
    if (client->link.state == WEIR_LINK_WAITING) {
        weir_session_restart(session);
    }
    tell(client, client->link.state);
}

bool weir_client_mend(weir_client *client) {
    const weir_link *link = &client->link;
    bool is_new =
        client->session.failure != WEIR_OK && link->is_on && link->state != WEIR_LINK_ENDED;
    if (is_new) {
        lose(client);
    }
    return is_new;
}

weir_status weir_client_usable(weir_client *client) {
    (void)weir_client_heed_cancel(client);
    (void)weir_client_mend(client);
    return weir_session_failed(&client->session);
}

weir_status weir_client_refuse(weir_client *client) {
    weir_session *session = &client->session;
    return weir_session_error(session, WEIR_ERR_DOWN, "no connection to %s: %.200s",
                              client->peer, session->ending.text);
}

/* ---- trying ---- */

static size_t secret_len(const char *text) { return text != NULL ? strlen(text) : 0; }

/* memmove: it may be the text that we handed out. */
static void take_secret(char out[WEIR_SECRET_BYTES], const char *text, size_t len) {
    if (len > 0) {
        memmove(out, text, len);
    }
    out[len] = '\0';
}

/* Asks the caller who we are now. */
static weir_status ask_credentials(weir_client *client) {
    weir_address *address = &client->address;
    const weir_reconnect *rules = &client->link.rules;
    weir_credentials given = {address->user, address->password};
    if (rules->credentials == NULL) {
        return WEIR_OK;
    }
    weir_status st = rules->credentials(rules->context, &given);
    size_t user_len = secret_len(given.user);
    size_t password_len = secret_len(given.password);
    const char *wrong = st != WEIR_OK ? "reconnect.credentials gave none"
                        : user_len >= WEIR_SECRET_BYTES || password_len >= WEIR_SECRET_BYTES
                            ? "user and password: at most 511 bytes"
                        : user_len > 0 && password_len == 0
                            ? "a user without a password: name both or none"
                            : NULL;
    if (wrong != NULL) {
        return weir_session_break(&client->session, WEIR_ERR_REFUSED, 0, "%s: %s",
                                  client->peer, wrong);
    }
    take_secret(address->user, given.user, user_len);
    take_secret(address->password, given.password, password_len);
    return WEIR_OK;
}

static weir_status begin_try(weir_client *client) {
    int64_t now_ms = weir_now_ms();
    weir_link_try(&client->link, now_ms);
    client->connect_deadline_ms = now_ms + client->connect_timeout_ms;
    tell(client, WEIR_LINK_CONNECTING);
    return ask_credentials(client);
}

/* WEIR_OK: ready. WEIR_MORE. Or the failure. */
static weir_status go_on(weir_client *client) {
    weir_status st = client->is_connected ? WEIR_OK : weir_client_go_on_connecting(client);
    st = st == WEIR_OK ? weir_client_greet(client) : st;
    if (st == WEIR_OK) {
        weir_link_ready(&client->link);
        tell(client, WEIR_LINK_READY);
    }
    return st;
}

weir_status weir_client_advance(weir_client *client) {
    weir_status st = weir_client_usable(client);
    if (st == WEIR_OK && weir_link_is_due(&client->link, weir_now_ms())) {
        st = begin_try(client);
    }
    if (st == WEIR_OK && client->link.state == WEIR_LINK_CONNECTING) {
        (void)go_on(client);
    }
    return weir_client_usable(client);
}

/* Answers that nobody has taken leave no room for the rest of the handshake. */
static bool is_filled(const weir_client *client) {
    const weir_buffer *in = &client->session.in;
    return client->is_connected && !weir_client_is_ready(client) &&
           (weir_buffer_len(in) >= in->most || !weir_buffer_can_grow(in));
}

/* The transport has bytes, and we have room. */
static bool can_receive_pending(const weir_client *client) {
    return weir_client_has_pending(client) && !is_filled(client);
}

int64_t weir_client_link_deadline(const weir_client *client) {
    if (client->link.state == WEIR_LINK_WAITING) {
        return client->link.next_ms;
    }
    if (!client->is_connected) {
        return weir_client_connect_deadline(client);
    }
    return can_receive_pending(client) ? weir_now_ms() : client->connect_deadline_ms;
}

int weir_client_link_wants(const weir_client *client) {
    if (client->link.state == WEIR_LINK_WAITING) {
        return 0;
    }
    bool is_queued = weir_session_queued(&client->session) > 0;
    int directions =
        (is_filled(client) ? 0 : WEIR_WANT_READ) | (is_queued ? WEIR_WANT_WRITE : 0);
    if (directions == 0) {
        return 0;
    }
    int wants = weir_client_transport_wants(client, client->is_connected ? directions : 0);
    /* a descriptor is nearly always writable: the loop comes back at once */
    return can_receive_pending(client) ? wants | WEIR_WANT_WRITE : wants;
}

weir_status weir_client_bring_up(weir_client *client, int64_t deadline_ms, bool is_once) {
    for (;;) {
        weir_status st = weir_client_advance(client);
        bool is_waiting = client->link.state == WEIR_LINK_WAITING;
        if (st != WEIR_OK || weir_client_is_ready(client) || (is_once && is_waiting)) {
            return st;
        }
        if (weir_now_ms() >= deadline_ms || is_filled(client)) {
            return WEIR_MORE; /* nobody takes answers while this waits */
        }
        int64_t next_ms = weir_client_link_deadline(client);
        int os_error = 0; /* whatever ends the wait: the next look tells */
        if (!can_receive_pending(client)) {
            weir_wait_or_wake(is_waiting ? -1 : weir_client_fd(client),
                              weir_client_link_wants(client), &client->cancel,
                              next_ms < deadline_ms ? next_ms : deadline_ms, &os_error);
        }
    }
}

/* ---- opening, and anew ---- */

weir_status weir_client_connect(weir_client *client, const weir_options *options) {
    const char *wrong = weir_link_check(&options->reconnect);
    weir_status st = wrong != NULL ? weir_client_wrong(client, wrong) : WEIR_OK;
    st = st == WEIR_OK ? weir_client_choose_transport(client, options) : st;
    if (st != WEIR_OK) {
        return weir_client_fail_connect(client, st);
    }
    weir_link_init(&client->link, &options->reconnect, weir_random_number(), weir_now_ms());
    client->session.greeter.is_lasting = options->reconnect.is_on;
    client->session.greeter.wants_fence =
        options->reconnect.is_on && options->reconnect.is_fencing;
    st = begin_try(client);
    if (client->is_non_blocking) {
        return weir_step(client); /* so that there is a descriptor to watch */
    }
    st = st == WEIR_OK ? weir_client_bring_up(client, WEIR_NO_DEADLINE, true) : st;
    if (st == WEIR_OK && !weir_client_is_ready(client)) {
        client->session.error = client->session.ending;
        return client->session.error.status;
    }
    return st;
}

weir_status weir_client_reconnect(weir_client *client) {
    weir_link *link = &client->link;
    weir_session *session = &client->session;
    if (!link->is_on) {
        return weir_client_wrong(client, "options.reconnect.is_on is false");
    }
    weir_wake_clear(&client->cancel);
    client->was_uncancelled = true;
    if (link->state != WEIR_LINK_WAITING && link->state != WEIR_LINK_ENDED) {
        weir_session_break(session, WEIR_ERR_CLOSED, 0,
                           "%s: the connection was ended by weir_client_reconnect",
                           client->peer);
        (void)weir_client_mend(client);
    }
    if (link->state == WEIR_LINK_ENDED) {
        weir_session_restart(session);
    }
    int64_t now_ms = weir_now_ms();
    weir_link_wait_until(link, now_ms);
    return weir_client_advance(client);
}
