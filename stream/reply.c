/* Answers that are held whole: any command's, and XPENDING's.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/command.h"
#include "../resp/number.h"
#include "client_private.h"

/* ---- the reply ---- */

static weir_slot *slot_of(const weir_reply *reply) {
    return reply->client != NULL
               ? weir_session_slot(&reply->client->session, reply->slot, reply->serial)
               : NULL;
}

weir_status weir_reply_next(weir_reply *reply, weir_token *token) {
    weir_slot *slot = slot_of(reply);
    return slot != NULL ? weir_session_next_token(&reply->client->session, slot, token)
                        : WEIR_END;
}

void weir_reply_close(weir_reply *reply) {
    weir_slot *slot = slot_of(reply);
    if (slot != NULL) {
        weir_session_close_slot(&reply->client->session, slot);
    }
    reply->client = NULL;
}

/* Passes over an answer of any kind, seeing only whether it is an error. */
static weir_status take_any(weir_client *client, uint64_t ticket) {
    weir_answer answer =
        (weir_answer)weir_session_request(&client->session, ticket)->answer;
    bool is_single = answer == WEIR_ANSWER_ID || answer == WEIR_ANSWER_COUNT ||
                     answer == WEIR_ANSWER_IS_NEW || answer == WEIR_ANSWER_DONE;
    bool is_entries = answer == WEIR_ANSWER_RANGE || answer == WEIR_ANSWER_STREAMS ||
                      answer == WEIR_ANSWER_AUTOCLAIM;
    weir_status st;
    if (is_single) {
        weir_token token;
        st = weir_client_take_token(client, ticket, &token);
    } else if (is_entries) {
        weir_entries entries;
        st = weir_client_take_entries(client, ticket, &entries);
        if (st == WEIR_OK) {
            weir_entries_close(&entries);
        }
    } else {
        weir_reply reply;
        st = weir_client_take_reply(client, ticket, &reply);
        if (st == WEIR_OK) {
            weir_reply_close(&reply);
        }
    }
    return st;
}

weir_status weir_take_any(weir_client *client) {
    uint64_t ticket;
    weir_status st = weir_client_due(client, ~0U, &ticket);
    return st == WEIR_OK ? take_any(client, ticket) : st;
}

/* ---- any command ---- */

static weir_status make_command(weir_client *client, weir_args *args,
                                const weir_view *given, size_t count) {
    if (count == 0 || given[0].len == 0) {
        return weir_client_wrong(client, "a command needs a name");
    }
    weir_args_begin_list(args, given, count);
    return WEIR_OK;
}

weir_status weir_command(weir_client *client, const weir_view *args, size_t count,
                         weir_reply *reply) {
    weir_args made;
    uint64_t ticket;
    if (reply != NULL) {
        weir_session_leave(&client->session, reply);
        reply->client = NULL;
    }
    weir_status st = make_command(client, &made, args, count);
    st = st == WEIR_OK
             ? weir_client_ask_open(client, &made, WEIR_ANSWER_REPLY, 0, reply, &ticket)
             : st;
    if (st != WEIR_OK) {
        return st;
    }
    return reply != NULL ? weir_client_take_reply(client, ticket, reply)
                         : take_any(client, ticket);
}

weir_status weir_append_command(weir_client *client, const weir_view *args, size_t count) {
    weir_args own;
    weir_status made = make_command(client, &own, args, count);
    return weir_client_append(client, made, &own, WEIR_ANSWER_REPLY, 0);
}

weir_status weir_take_reply(weir_client *client, weir_reply *reply) {
    uint64_t ticket;
    weir_session_leave(&client->session, reply);
    reply->client = NULL;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_REPLY, &ticket);
    return st == WEIR_OK ? weir_client_take_reply(client, ticket, reply) : st;
}

/* ---- XPENDING key group ---- */

static weir_status make_xpending(weir_client *client, weir_args *args, weir_view key,
                                 weir_view group) {
    if (key.len == 0 || group.len == 0) {
        return weir_client_wrong(client, "the key or the group is empty");
    }
    weir_args_begin(args, "XPENDING");
    weir_args_view(args, key);
    weir_args_view(args, group);
    return WEIR_OK;
}

static bool next_id_or_null(weir_reply *reply, weir_id *id) {
    weir_token token;
    *id = WEIR_ID_MIN;
    if (weir_reply_next(reply, &token) != WEIR_OK) {
        return false;
    }
    return token.type == WEIR_TOKEN_NULL ||
           (token.type == WEIR_TOKEN_BULK && weir_decode_id(token.bytes, id));
}

/* [count, lowest, highest, [[name, "count"], ...]]; null for what there is none of. */
static bool read_summary(weir_pending *pending) {
    weir_reply *reply = &pending->consumers;
    weir_token token;
    if (weir_reply_next(reply, &token) != WEIR_OK || token.type != WEIR_TOKEN_ARRAY ||
        token.number != 4 || weir_reply_next(reply, &token) != WEIR_OK ||
        token.type != WEIR_TOKEN_INTEGER || token.number < 0) {
        return false;
    }
    pending->count = (uint64_t)token.number;
    if (!next_id_or_null(reply, &pending->lowest) ||
        !next_id_or_null(reply, &pending->highest)) {
        return false;
    }
    return weir_reply_next(reply, &token) == WEIR_OK &&
           (token.type == WEIR_TOKEN_ARRAY || token.type == WEIR_TOKEN_NULL);
}

static weir_status wrong_summary(weir_pending *pending) {
    weir_session *session = &pending->consumers.client->session;
    weir_reply_close(&pending->consumers);
    return weir_session_error(session, WEIR_ERR_REPLY,
                              "%s: an answer without the shape of XPENDING's",
                              session->peer);
}

static weir_status take_pending(weir_client *client, uint64_t ticket,
                                weir_pending *pending) {
    weir_status st = weir_client_take_reply(client, ticket, &pending->consumers);
    if (st != WEIR_OK) {
        return st;
    }
    return read_summary(pending) ? WEIR_OK : wrong_summary(pending);
}

weir_status weir_xpending(weir_client *client, weir_view key, weir_view group,
                          weir_pending *pending) {
    weir_args args;
    uint64_t ticket;
    weir_session_leave(&client->session, &pending->consumers);
    memset(pending, 0, sizeof *pending);
    weir_status st = make_xpending(client, &args, key, group);
    st = st == WEIR_OK ? weir_client_ask_open(client, &args, WEIR_ANSWER_PENDING, 0,
                                              &pending->consumers, &ticket)
                       : st;
    return st == WEIR_OK ? take_pending(client, ticket, pending) : st;
}

weir_status weir_append_xpending(weir_client *client, weir_view key, weir_view group) {
    weir_args args;
    weir_status made = make_xpending(client, &args, key, group);
    return weir_client_append(client, made, &args, WEIR_ANSWER_PENDING, 0);
}

weir_status weir_take_pending(weir_client *client, weir_pending *pending) {
    uint64_t ticket;
    weir_session_leave(&client->session, &pending->consumers);
    memset(pending, 0, sizeof *pending);
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_PENDING, &ticket);
    return st == WEIR_OK ? take_pending(client, ticket, pending) : st;
}

weir_status weir_pending_next(weir_pending *pending, weir_pending_consumer *consumer) {
    weir_token pair;
    weir_token name;
    weir_token count;
    weir_reply *reply = &pending->consumers;
    if (weir_reply_next(reply, &pair) != WEIR_OK) {
        return WEIR_END;
    }
    bool is_pair = pair.type == WEIR_TOKEN_ARRAY && pair.number == 2 &&
                   weir_reply_next(reply, &name) == WEIR_OK &&
                   name.type == WEIR_TOKEN_BULK &&
                   weir_reply_next(reply, &count) == WEIR_OK;
    weir_pending_consumer found = {{NULL, 0}, 0};
    if (is_pair && count.type == WEIR_TOKEN_INTEGER && count.number >= 0) {
        found.count = (uint64_t)count.number;
    } else if (!is_pair || !weir_parse_u64(count.bytes, &found.count)) {
        return wrong_summary(pending);
    }
    found.name = name.bytes;
    *consumer = found;
    return WEIR_OK;
}

void weir_pending_close(weir_pending *pending) { weir_reply_close(&pending->consumers); }
