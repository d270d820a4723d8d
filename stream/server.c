/* Finding out what the server can do: HELLO has told, or INFO and COMMAND INFO are asked
 * once, when somebody first wants to know.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/command.h"
#include "client_private.h"

/* ---- the session ---- */

static weir_status ask(weir_session *session, const weir_view *args, size_t count,
                       uint64_t *ticket) {
    size_t size;
    char *at;
    weir_status st = weir_command_size(args, count, &size);
    st = st == WEIR_OK ? weir_session_reserve(session, size, size, &at) : st;
    if (st != WEIR_OK) {
        return st;
    }
    weir_command_write(at, args, count);
    *ticket =
        weir_session_commit(session, size, WEIR_ANSWER_REPLY, 0, session->progress_ms);
    weir_session_mark_taken(session, *ticket); /* no take of the caller's */
    return WEIR_OK;
}

weir_status weir_session_inquire(weir_session *session) {
    const weir_view info[] = {weir_text("INFO"), weir_text("server")};
    weir_view commands[WEIR_INQUIRY_ARGS];
    size_t count = weir_inquiry_args(commands);
    uint64_t second;
    weir_status st = ask(session, info, 2, &session->facts.ticket);
    if (st != WEIR_OK) {
        return st;
    }
    session->facts.inquiry = WEIR_INQUIRY_INFO;
    st = ask(session, commands, count, &second);
    if (st != WEIR_OK) { /* INFO must do */
        weir_session_abandon(session, session->facts.ticket);
        session->facts.inquiry = WEIR_INQUIRY_NONE;
    }
    return st;
}

/* INFO's text; false for another answer, an error for instance. */
static bool read_text(weir_view whole, weir_view *text) {
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &weir_stream_reading);
    bool is_read = weir_reader_next(&reader, whole, &used, &token) == WEIR_OK;
    *text = token.bytes;
    return is_read && (token.type == WEIR_TOKEN_BULK || token.type == WEIR_TOKEN_VERBATIM);
}

static weir_status take_info(weir_session *session) {
    weir_view whole;
    weir_view text;
    weir_status st = weir_session_take_whole(session, session->facts.ticket, &whole);
    if (st != WEIR_OK) {
        return st;
    }
    if (session->server[0] == '\0' && read_text(whole, &text)) {
        weir_read_info(text, session->server, sizeof session->server, session->version,
                       sizeof session->version);
    }
    session->facts.inquiry = WEIR_INQUIRY_COMMANDS;
    return WEIR_OK;
}

static weir_status take_commands(weir_session *session) {
    weir_view whole;
    weir_facts *facts = &session->facts;
    weir_status st = weir_session_take_whole(session, facts->ticket + 1, &whole);
    if (st != WEIR_OK) {
        return st;
    }
    facts->inquiry = WEIR_INQUIRY_OVER;
    if (!weir_judge_version(session->server, session->version, &facts->has,
                            &facts->lacks)) {
        weir_judge_commands(whole, &facts->has, &facts->lacks);
    }
    return WEIR_OK;
}

weir_status weir_session_take_facts(weir_session *session) {
    weir_status st = WEIR_OK;
    if (session->facts.inquiry == WEIR_INQUIRY_INFO) {
        st = take_info(session);
    }
    if (st == WEIR_OK && session->facts.inquiry == WEIR_INQUIRY_COMMANDS) {
        st = take_commands(session);
    }
    return st;
}

/* ---- the client ---- */

/* True once all that can be known is; looks at what HELLO told. */
static bool is_known(weir_session *session) {
    weir_facts *facts = &session->facts;
    if (facts->inquiry == WEIR_INQUIRY_NONE &&
        weir_judge_version(session->server, session->version, &facts->has, &facts->lacks)) {
        facts->inquiry = WEIR_INQUIRY_OVER;
    }
    return facts->inquiry == WEIR_INQUIRY_OVER;
}

/* The answers cannot be held: the server stays unknown. */
static void give_up(weir_session *session) {
    weir_facts *facts = &session->facts;
    uint64_t last = facts->ticket + 1;
    for (uint64_t ticket = facts->ticket; ticket <= last; ticket++) {
        bool is_left = ticket >= session->first && ticket < session->next &&
                       !weir_session_request(session, ticket)->is_gone;
        if (is_left) {
            weir_session_abandon(session, ticket);
        }
    }
    facts->inquiry = WEIR_INQUIRY_OVER;
}

/* A connection to ask on. */
static weir_status bring_up(weir_client *client) {
    weir_status st = weir_client_usable(client);
    if (st != WEIR_OK || weir_client_is_ready(client)) {
        return st;
    }
    if (client->is_non_blocking) {
        return WEIR_MORE;
    }
    st = weir_client_bring_up(client, weir_now_ms() + client->timeout_ms,
                              client->link.rules.fail_fast);
    return st < 0 || weir_client_is_ready(client) ? st : weir_client_refuse(client);
}

/* Waits for what was asked. */
static weir_status await_facts(weir_client *client) {
    weir_session *session = &client->session;
    weir_facts *facts = &session->facts;
    int64_t deadline_ms = 0;
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && facts->inquiry != WEIR_INQUIRY_OVER) {
        st = weir_session_take_facts(session);
        if (st == WEIR_MORE) {
            uint64_t ticket =
                facts->ticket + (facts->inquiry == WEIR_INQUIRY_COMMANDS ? 1 : 0);
            st = weir_client_await(client, ticket, 0, &deadline_ms);
        }
        if (st == WEIR_OK && facts->inquiry == WEIR_INQUIRY_NONE) {
            return weir_client_refuse(client); /* lost with its connection */
        }
    }
    return st;
}

static weir_status find_out(weir_client *client) {
    weir_session *session = &client->session;
    weir_status st = bring_up(client);
    if (st != WEIR_OK) {
        return st;
    }
    if (session->facts.inquiry == WEIR_INQUIRY_NONE) {
        st = weir_session_inquire(session);
        if (st == WEIR_ERR_LIMIT || st == WEIR_ERR_NOMEM) { /* nothing is asked */
            session->facts.inquiry = WEIR_INQUIRY_OVER;
            return session->failure;
        }
    }
    if (weir_status_is_fatal(st) && weir_client_mend(client)) {
        return weir_client_refuse(client); /* lost before anything was asked */
    }
    st = st == WEIR_OK ? await_facts(client) : st;
    if (st == WEIR_ERR_LIMIT || st == WEIR_ERR_NOMEM) {
        give_up(session);
        st = session->failure;
    }
    return st;
}

weir_status weir_client_server(weir_client *client, weir_server *server) {
    weir_session *session = &client->session;
    weir_status st = is_known(session) ? WEIR_OK : find_out(client);
    if (st == WEIR_OK) {
        server->name = session->server;
        server->version = session->version;
        server->features = session->facts.has;
        server->lacks = session->facts.lacks;
    }
    return st;
}

static weir_status refuse(weir_client *client, const weir_feature_row *row) {
    const weir_session *session = &client->session;
    bool is_named = session->server[0] != '\0';
    return weir_session_error(
        &client->session, WEIR_ERR_UNSUPPORTED,
        "%s is %s%s%s, which has no %s: that came with Redis %s%s%s", client->peer,
        is_named ? session->server : "a server without a name",
        session->version[0] != '\0' ? " " : "", session->version, row->name, row->redis,
        row->valkey != NULL ? " and Valkey " : ", and no Valkey has it",
        row->valkey != NULL ? row->valkey : "");
}

static weir_status refuse_long_xackdel(weir_client *client) {
    return weir_session_error(&client->session, WEIR_ERR_UNSUPPORTED,
                              "%s may be Redis 8.2.0 to 8.2.2, which XACKDEL with more "
                              "than 8 ids could crash (CVE-2025-62507): give it 8 at a "
                              "time",
                              client->peer);
}

/* The first of these features; NULL: none. */
static const weir_feature_row *first_of(uint32_t features) {
    for (uint32_t i = 0; i < WEIR_FEATURE_COUNT; i++) {
        if ((features >> i & 1) != 0) {
            return weir_feature_row_of((weir_feature)i);
        }
    }
    return NULL;
}

/* Some of these features are not in every server of this decade. */
static bool is_worth_asking(uint32_t features) {
    for (uint32_t i = 0; i < WEIR_FEATURE_COUNT; i++) {
        if ((features >> i & 1) != 0 && !weir_feature_row_of((weir_feature)i)->is_old) {
            return true;
        }
    }
    return false;
}

weir_status weir_client_need(weir_client *client, uint32_t needs) {
    const weir_facts *facts = &client->session.facts;
    weir_status st = weir_client_usable(client); /* what is known is of this connection */
    if (st != WEIR_OK || (needs & ~facts->has) == 0) {
        return st;
    }
    if (!is_known(&client->session) && is_worth_asking(needs)) {
        st = find_out(client);
    }
    if (st != WEIR_OK) {
        return st;
    }
    const weir_feature_row *lacking = first_of(needs & facts->lacks);
    if (lacking != NULL) {
        return refuse(client, lacking);
    }
    bool is_long = (needs & WEIR_NEED_LONG_XACKDEL) != 0;
    return is_long && weir_client_xackdel_most(client) <= WEIR_XACKDEL_FEW
               ? refuse_long_xackdel(client)
               : WEIR_OK;
}

size_t weir_client_xackdel_most(const weir_client *client) {
    const weir_session *session = &client->session;
    uint32_t number = weir_version_number(session->version);
    bool is_valkey = strcmp(session->server, "valkey") == 0;
    bool is_overflowing =
        number >= weir_version_number("8.2.0") && number <= weir_version_number("8.2.2");
    bool may_overflow = number == 0 || (!is_valkey && is_overflowing);
    return may_overflow ? WEIR_XACKDEL_FEW : SIZE_MAX;
}
