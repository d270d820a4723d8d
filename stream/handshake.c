/* The handshake: HELLO 3 with AUTH; where that is not known, AUTH on RESP2; then SELECT,
 * the client's name and what library it is. It stands before all requests: its answers are
 * no tickets. Nothing large is sent before the server knows
 * us: it limits clients it does not know to 10 arguments and 16 KiB (Redis networking.c).
 * https://redis.io/docs/latest/commands/hello/
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/command.h"
#include "../resp/number.h"
#include "session.h"

#define MOST_ARGS 7 /* HELLO 3 AUTH user password */

static weir_status send_args(weir_session *session, const weir_view *args, size_t count) {
    size_t size;
    size_t room = sizeof session->greeting - session->greeting_len;
    weir_status st = weir_command_size(args, count, &size);
    if (st != WEIR_OK || size > room) {
        return weir_session_error(session, WEIR_ERR_LIMIT,
                                  "a handshake of more than %zu bytes",
                                  sizeof session->greeting);
    }
    weir_command_write(session->greeting + session->greeting_len, args, count);
    session->greeting_len += size;
    session->greet_asked++;
    return WEIR_OK;
}

static weir_status send_hello(weir_session *session) {
    const weir_greeter *greeter = &session->greeter;
    weir_view args[MOST_ARGS] = {weir_text("HELLO"), weir_text("3")};
    size_t count = 2;
    if (greeter->password[0] != '\0') {
        const char *user = greeter->user[0] != '\0' ? greeter->user : "default";
        args[count++] = weir_text("AUTH");
        args[count++] = weir_text(user);
        args[count++] = weir_text(greeter->password);
    }
    session->phase = WEIR_PHASE_HELLO;
    return send_args(session, args, count);
}

static weir_status send_auth(weir_session *session) {
    const weir_greeter *greeter = &session->greeter;
    weir_view args[MOST_ARGS] = {weir_text("AUTH")};
    size_t count = 1;
    if (greeter->user[0] != '\0') {
        args[count++] = weir_text(greeter->user);
    }
    args[count++] = weir_text(greeter->password);
    session->phase = WEIR_PHASE_AUTH;
    return send_args(session, args, count);
}

static weir_status send_library(weir_session *session, const char *what,
                                const char *value) {
    const weir_view args[] = {weir_text("CLIENT"), weir_text("SETINFO"), weir_text(what),
                              weir_text(value)};
    return send_args(session, args, 4);
}

/* What the server may refuse to answer: whether it is ready, what it is, and, where HELLO
 * has not told, which of its clients we are: so that the next connection can fence this
 * one.
 */
static weir_status send_questions(weir_session *session) {
    const weir_greeter *greeter = &session->greeter;
    weir_status st = WEIR_OK;
    session->greet_ping = session->greet_info = session->greet_id = 0;
    if (greeter->is_lasting || (session->protocol == 2 && greeter->password[0] == '\0')) {
        const weir_view ping[] = {weir_text("PING")};
        st = send_args(session, ping, 1);
        session->greet_ping = session->greet_asked;
    }
    st = st == WEIR_OK ? send_library(session, "LIB-NAME", "weir") : st;
    st = st == WEIR_OK ? send_library(session, "LIB-VER", WEIR_VERSION) : st;
    if (st == WEIR_OK && greeter->is_lasting) {
        const weir_view info[] = {weir_text("INFO"), weir_text("server")};
        st = send_args(session, info, 2);
        session->greet_info = session->greet_asked;
    }
    if (st == WEIR_OK && greeter->wants_fence && session->client_id == 0) {
        const weir_view id[] = {weir_text("CLIENT"), weir_text("ID")};
        st = send_args(session, id, 2);
        session->greet_id = session->greet_asked;
    }
    return st;
}

/* What need not wait for each other goes in one write. */
static weir_status send_settings(weir_session *session) {
    const weir_greeter *greeter = &session->greeter;
    weir_status st = WEIR_OK;
    session->phase = WEIR_PHASE_SELECT;
    session->greet_asked = session->greet_got = 0;
    if (greeter->db != 0) {
        char digits[WEIR_U64_DIGITS];
        char *end = weir_put_u64(digits, greeter->db);
        const weir_view args[] = {weir_text("SELECT"),
                                  weir_bytes(digits, (size_t)(end - digits))};
        st = send_args(session, args, 2);
    }
    if (st == WEIR_OK && greeter->name[0] != '\0') {
        const weir_view args[] = {weir_text("CLIENT"), weir_text("SETNAME"),
                                  weir_text(greeter->name)};
        st = send_args(session, args, 3);
    }
    session->greet_needed = session->greet_asked;
    return st == WEIR_OK ? send_questions(session) : st;
}

static weir_view cut_before(weir_view words, const char *mark) {
    size_t len = strlen(mark);
    for (size_t i = 0; len > 0 && i + len <= words.len; i++) {
        if (memcmp(words.data + i, mark, len) == 0) {
            return weir_bytes(words.data, i);
        }
    }
    return words;
}

/* What may be shown of a server's words: of a command that it does not know, Redis repeats
 * the arguments, the password among them, perhaps cut short (Redis server.c,
 * commandCheckExistence). */
static weir_view without_password(const weir_session *session, weir_view words) {
    return cut_before(cut_before(words, ", with args"), session->greeter.password);
}

static weir_status refuse(weir_session *session, weir_view words, const char *advice) {
    words = without_password(session, words);
    weir_session_server_error(session, words);
    const weir_error told = session->error;
    int shown = (int)(words.len < 160 ? words.len : 160);
    weir_session_break(session, WEIR_ERR_REFUSED, 0, "%s refused the handshake: %.*s%s",
                       session->peer, shown, words.data, advice);
    session->error.kind = told.kind;
    memcpy(session->error.code, told.code, sizeof told.code);
    return session->failure;
}

static bool begins_with(weir_view words, const char *beginning) {
    size_t len = strlen(beginning);
    return words.len >= len && memcmp(words.data, beginning, len) == 0;
}

/* The server does not know HELLO, or not RESP3, or does not let this user say it. */
static bool is_old_server(weir_view words) {
    return begins_with(words, "NOPROTO") || begins_with(words, "ERR unknown command") ||
           begins_with(words, "NOPERM");
}

static const char *advice_for(weir_view words) {
    if (begins_with(words, "WRONGPASS")) {
        return " (check user and password)";
    }
    if (begins_with(words, "NOAUTH") || begins_with(words, "ERR AUTH")) {
        return " (it wants a password: :password@ before the host or path, or options.password)";
    }
    if (begins_with(words, "LOADING")) {
        return " (wait until it has loaded its data)";
    }
    if (begins_with(words, "NOPERM")) {
        return " (this user may not do that: see ACL SETUSER)";
    }
    return "";
}

static void copy_text(char *out, size_t size, weir_view text) {
    size_t len = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < len; i++) {
        bool is_printable = text.data[i] >= ' ' && text.data[i] <= '~';
        out[i] = (char)(is_printable ? text.data[i] : '?');
    }
    out[len] = '\0';
}

static void note_fact(weir_session *session, weir_view key, const weir_token *value) {
    if (value->type == WEIR_TOKEN_BULK && weir_view_equal(key, weir_text("server"))) {
        copy_text(session->server, sizeof session->server, value->bytes);
    } else if (value->type == WEIR_TOKEN_BULK &&
               weir_view_equal(key, weir_text("version"))) {
        copy_text(session->version, sizeof session->version, value->bytes);
    } else if (value->type == WEIR_TOKEN_INTEGER && weir_view_equal(key, weir_text("id"))) {
        session->client_id = value->number;
    } else if (value->type == WEIR_TOKEN_INTEGER &&
               weir_view_equal(key, weir_text("proto"))) {
        session->protocol = value->number == 3 ? 3 : 2;
    }
}

/* HELLO's answer: a map, or an array of pairs; facts that are not known are passed over. */
static void note_facts(weir_session *session, weir_view whole) {
    weir_reader reader;
    weir_token token;
    weir_view key = {NULL, 0};
    bool is_key = true;
    size_t used;
    weir_reader_init(&reader, &weir_stream_reading);
    while (weir_reader_next(&reader, whole, &used, &token) == WEIR_OK) {
        whole = weir_bytes(whole.data + used, whole.len - used);
        if (token.depth != 1) {
            continue;
        }
        if (is_key) {
            key = token.bytes;
        } else {
            note_fact(session, key, &token);
        }
        is_key = !is_key;
    }
}

/* The words of an error answer. */
static bool is_error(weir_view whole, weir_view *words) {
    static const weir_reader_options reading = {.hide_attributes = true};
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &reading);
    if (weir_reader_next(&reader, whole, &used, &token) != WEIR_OK) {
        return false;
    }
    *words = token.bytes;
    return token.type == WEIR_TOKEN_ERROR || token.type == WEIR_TOKEN_BULK_ERROR;
}

static weir_status end_hello(weir_session *session, weir_view whole) {
    weir_view words = {NULL, 0};
    if (!is_error(whole, &words)) {
        note_facts(session, whole);
        return session->greeter.protocol == 3 && session->protocol != 3
                   ? weir_session_break(session, WEIR_ERR_REFUSED, 0,
                                        "%s answered HELLO 3 with RESP2", session->peer)
                   : send_settings(session);
    }
    if (session->greeter.protocol == 3 || !is_old_server(words)) {
        return refuse(session, words, advice_for(words));
    }
    return session->greeter.password[0] != '\0' ? send_auth(session)
                                                : send_settings(session);
}

static weir_status end_auth(weir_session *session, weir_view whole) {
    weir_view words = {NULL, 0};
    return is_error(whole, &words) ? refuse(session, words, advice_for(words))
                                   : send_settings(session);
}

/* The server lets nobody in, or not us, whatever was asked. */
static bool is_closed_door(weir_view words) {
    return begins_with(words, "NOAUTH") || begins_with(words, "ERR max number of clients");
}

/* run_id:DIGITS in the text of INFO: the name of one run of a server's process. */
static void note_run(weir_session *session, weir_view text) {
    static const char name[] = "run_id:";
    for (size_t at = 0; at + sizeof name + WEIR_RUN_TEXT <= text.len + 2; at++) {
        if (memcmp(text.data + at, name, sizeof name - 1) == 0) {
            weir_view run = {text.data + at + sizeof name - 1, WEIR_RUN_TEXT - 1};
            copy_text(session->run, sizeof session->run, run);
            return;
        }
    }
}

/* CLIENT ID's answer. */
static void note_id(weir_session *session, weir_view whole) {
    static const weir_reader_options reading = {.hide_attributes = true};
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &reading);
    if (weir_reader_next(&reader, whole, &used, &token) == WEIR_OK &&
        token.type == WEIR_TOKEN_INTEGER && token.number > 0) {
        session->client_id = token.number;
    }
}

bool weir_session_is_same_run(const weir_session *session) {
    return session->run[0] != '\0' && strcmp(session->run, session->last_run) == 0;
}

/* What the last connection had sent may be executed still, though it is closed: a
 * server reads on what had come. CLIENT KILL drops what is left. Ids
 * begin anew with each run of a server. https://redis.io/docs/latest/commands/client-kill/
 */
static weir_status send_fence(weir_session *session) {
    char digits[WEIR_U64_DIGITS];
    char *end = weir_put_u64(digits, (uint64_t)session->last_client_id);
    const weir_view args[] = {weir_text("CLIENT"), weir_text("KILL"), weir_text("ID"),
                              weir_bytes(digits, (size_t)(end - digits))};
    session->phase = WEIR_PHASE_FENCE;
    return send_args(session, args, 4);
}

static weir_status end_greeting(weir_session *session) {
    session->phase = WEIR_PHASE_READY;
    return weir_session_settle(session);
}

/* CLIENT SETINFO is new in Redis 7.2: its errors are of no matter. PING is asked where
 * neither HELLO nor AUTH has told whether the server wants a password, and, for a client
 * that connects again, whether it has loaded its data: HELLO is answered before. */
static weir_status end_setting(weir_session *session, weir_view whole) {
    weir_view words = {NULL, 0};
    unsigned which = ++session->greet_got;
    bool is_refused = is_error(whole, &words);
    bool is_needed = which <= session->greet_needed;
    bool is_loading = which == session->greet_ping && session->greeter.is_lasting &&
                      begins_with(words, "LOADING");
    if (is_refused && (is_needed || is_loading || is_closed_door(words))) {
        return refuse(session, words, advice_for(words));
    }
    if (!is_refused && which == session->greet_info) {
        note_run(session, words);
    }
    if (which == session->greet_id) {
        note_id(session, whole);
    }
    if (session->greet_got < session->greet_asked) {
        return WEIR_OK;
    }
    bool has_fence = session->greeter.wants_fence && session->last_client_id > 0 &&
                     weir_session_is_same_run(session);
    return has_fence ? send_fence(session) : end_greeting(session);
}

/* Where this user may not do that, the connection is fine without. */
static weir_status end_fence(weir_session *session, weir_view whole) {
    weir_view words = {NULL, 0};
    session->is_fenced = !is_error(whole, &words);
    return end_greeting(session);
}

static weir_status start(weir_session *session) {
    if (session->greeter.protocol != 2) {
        return send_hello(session);
    }
    return session->greeter.password[0] != '\0' ? send_auth(session)
                                                : send_settings(session);
}

weir_status weir_session_greet(weir_session *session) {
    for (;;) {
        weir_view whole = {NULL, 0};
        weir_status st = WEIR_OK;
        bool is_waiting =
            session->phase == WEIR_PHASE_HELLO || session->phase == WEIR_PHASE_AUTH ||
            session->phase == WEIR_PHASE_SELECT || session->phase == WEIR_PHASE_FENCE;
        if (is_waiting) {
            st = weir_session_take_greeting(session, &whole);
        }
        if (st != WEIR_OK) {
            return st;
        }
        switch (session->phase) {
        case WEIR_PHASE_START: st = start(session); break;
        case WEIR_PHASE_HELLO: st = end_hello(session, whole); break;
        case WEIR_PHASE_AUTH: st = end_auth(session, whole); break;
        case WEIR_PHASE_SELECT: st = end_setting(session, whole); break;
        case WEIR_PHASE_FENCE: st = end_fence(session, whole); break;
        case WEIR_PHASE_READY: return WEIR_OK;
        case WEIR_PHASE_BROKEN: return session->failure;
        }
        if (st != WEIR_OK) {
            return st;
        }
    }
}
