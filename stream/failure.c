/* What went wrong on a connection, in words: one line that names the peer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kinds.h"
#include "session.h"

#include <stdarg.h>
#include <stdio.h>

/* One line of printable ASCII, whatever the peer sent. */
static void make_printable(char *text) {
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~') {
            *text = '?';
        }
    }
}

__attribute__((format(printf, 4, 0))) static void note(weir_session *session,
                                                       weir_status status, int os_error,
                                                       const char *format, va_list args) {
    weir_error *error = &session->error;
    memset(error, 0, sizeof *error);
    session->is_loss_told = false;
    error->status = status;
    error->may_have_run = weir_status_may_have_run(status);
    error->os_error = os_error;
    if (vsnprintf(error->text, sizeof error->text, format, args) < 0) {
        error->text[0] = '\0';
    }
    make_printable(error->text);
}

/* The last error is why the connection ended, not what that meant for one request. */
static bool is_ending(const weir_session *session) {
    return session->error.status == session->failure && !session->is_loss_told;
}

weir_status weir_session_failed(weir_session *session) {
    if (session->failure != WEIR_OK && !is_ending(session)) {
        session->error = session->ending;
        session->is_loss_told = false;
    }
    return session->failure;
}

weir_status weir_session_error(weir_session *session, weir_status status,
                               const char *format, ...) {
    if (session->failure != WEIR_OK && is_ending(session)) {
        session->ending = session->error;
    }
    va_list args;
    va_start(args, format);
    note(session, status, 0, format, args);
    va_end(args);
    return status;
}

weir_status weir_session_break(weir_session *session, weir_status status, int os_error,
                               const char *format, ...) {
    if (session->failure != WEIR_OK) {
        return session->failure;
    }
    va_list args;
    va_start(args, format);
    note(session, status, os_error, format, args);
    va_end(args);
    session->was_greeted = session->phase == WEIR_PHASE_READY;
    if (!session->was_greeted) { /* no request of the caller's was sent */
        session->error.may_have_run = false;
    }
    session->failure = status;
    session->phase = WEIR_PHASE_BROKEN;
    return status;
}

/* A script that fails half-way has done its first half (Redis 7 says so at the end: "...
 * script: SHA, on @user_script:1."). */
static bool is_of_a_script(weir_view words) {
    static const char mark[] = " script: ";
    const size_t len = sizeof mark - 1;
    for (size_t i = 0; i + len <= words.len; i++) {
        if (memcmp(words.data + i, mark, len) == 0) {
            return true;
        }
    }
    return false;
}

weir_status weir_session_server_error(weir_session *session, weir_view words) {
    size_t most = sizeof session->error.text / 2;
    int shown = (int)(words.len < most ? words.len : most);
    weir_session_error(session, WEIR_ERR_SERVER, "%s: %.*s", session->peer, shown,
                       words.data);
    const weir_error_row *row = weir_error_row_of(words);
    session->error.kind = row->kind;
    session->error.may_have_run = row->may_have_run || is_of_a_script(words);
    const char *space = words.len > 0 ? memchr(words.data, ' ', words.len) : NULL;
    size_t code_len = space != NULL ? (size_t)(space - words.data) : words.len;
    if (code_len < sizeof session->error.code) {
        memcpy(session->error.code, words.data, code_len);
        make_printable(session->error.code);
    }
    return WEIR_ERR_SERVER;
}

/* What the first bytes give away about a peer that is no Redis. */
static const char *guess_peer(weir_view bytes, uint64_t offset) {
    if (offset != 0 || bytes.len == 0) {
        return "";
    }
    unsigned char first = (unsigned char)bytes.data[0];
    if (bytes.len >= 4 && memcmp(bytes.data, "HTTP", 4) == 0) {
        return " (it speaks HTTP: wrong port?)";
    }
    if (first == 0x15 || first == 0x16) { /* TLS record types: alert, handshake */
        return " (it speaks TLS: wrong port, or rediss:// is needed)";
    }
    return "";
}

weir_status weir_session_fault(weir_session *session, const weir_reader *reader) {
    weir_view rest = weir_buffer_view(&session->in);
    int shown = (int)(rest.len < 16 ? rest.len : 16);
    weir_resp_fault fault = weir_reader_fault(reader);
    uint64_t byte = weir_reader_offset(reader);
    weir_session_break(session, WEIR_ERR_PROTOCOL, 0,
                       "%s: %s at byte %llu of what it sent; the answer begins \"%.*s\"%s",
                       session->peer, weir_resp_fault_text(fault), (unsigned long long)byte,
                       shown, rest.data,
                       guess_peer(rest, session->in.offset - session->base));
    session->error.byte = byte;
    return session->failure;
}
