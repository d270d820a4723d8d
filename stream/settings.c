/* A stream's own settings, XSETID and XCFGSET, and the answer that something was done.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

/* ---- the answer: OK ---- */

static weir_status take_done(weir_client *client, uint64_t ticket) {
    weir_token token;
    weir_status st = weir_client_take_token(client, ticket, &token);
    if (st != WEIR_OK) {
        return st;
    }
    bool is_done =
        token.type == WEIR_TOKEN_SIMPLE && weir_view_equal(token.bytes, weir_text("OK"));
    return is_done ? WEIR_OK
                   : weir_session_error(&client->session, WEIR_ERR_REPLY,
                                        "%s: expected OK as answer", client->peer);
}

weir_status weir_client_done_now(weir_client *client, weir_status made,
                                 const weir_args *args) {
    uint64_t ticket = 0;
    weir_status st = made;
    st = st == WEIR_OK ? weir_client_ask_now(client, args, WEIR_ANSWER_DONE, 0, &ticket)
                       : st;
    return st == WEIR_OK ? take_done(client, ticket) : st;
}

weir_status weir_take_done(weir_client *client) {
    uint64_t ticket;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_DONE, &ticket);
    return st == WEIR_OK ? take_done(client, ticket) : st;
}

/* ---- XSETID key id [ENTRIESADDED n] [MAXDELETEDID id] ---- */

static weir_status make_xsetid(weir_client *client, weir_args *args, weir_view key,
                               weir_id last, const weir_xsetid_options *options) {
    static const weir_xsetid_options defaults = {0};
    const weir_xsetid_options *given = options != NULL ? options : &defaults;
    weir_args_begin(args, "XSETID");
    weir_args_view(args, key);
    weir_args_id(args, "", last);
    if (given->has_entries_added || given->entries_added != 0) {
        weir_args_text(args, "ENTRIESADDED");
        weir_args_number(args, given->entries_added);
    }
    if (given->has_max_deleted || weir_id_compare(given->max_deleted, WEIR_ID_MIN) != 0) {
        weir_args_text(args, "MAXDELETEDID");
        weir_args_id(args, "", given->max_deleted);
    }
    weir_status st = weir_check_key(client, key);
    st = st == WEIR_OK ? weir_check_number(client, given->entries_added,
                                           "entries_added is at most 2^63-1")
                       : st;
    if (args->count > 3) { /* XSETID key id */
        weir_args_need(args, WEIR_FEATURE_SETID_FACTS);
    }
    return st;
}

weir_status weir_xsetid(weir_client *client, weir_view key, weir_id last,
                        const weir_xsetid_options *options) {
    weir_args args;
    return weir_client_done_now(client, make_xsetid(client, &args, key, last, options),
                                &args);
}

weir_status weir_append_xsetid(weir_client *client, weir_view key, weir_id last,
                               const weir_xsetid_options *options) {
    weir_args args;
    weir_status made = make_xsetid(client, &args, key, last, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_DONE, 0);
}

/* ---- XCFGSET key [IDMP-DURATION s] [IDMP-MAXSIZE n] ---- */

static weir_status make_xcfgset(weir_client *client, weir_args *args, weir_view key,
                                const weir_xcfgset_options *given) {
    weir_status st = weir_check_key(client, key);
    if (st != WEIR_OK) {
        return st;
    }
    if (given == NULL || (given->idmp_duration_s == 0 && given->idmp_maxsize == 0)) {
        return weir_client_wrong(client, "neither idmp_duration_s nor idmp_maxsize is set");
    }
    if (given->idmp_duration_s > 86400) {
        return weir_client_wrong(client, "idmp_duration_s is at most 86400");
    }
    if (given->idmp_maxsize > 10000) {
        return weir_client_wrong(client, "idmp_maxsize is at most 10000");
    }
    weir_args_begin(args, "XCFGSET");
    weir_args_need(args, WEIR_FEATURE_XCFGSET);
    weir_args_view(args, key);
    if (given->idmp_duration_s != 0) {
        weir_args_text(args, "IDMP-DURATION");
        weir_args_number(args, given->idmp_duration_s);
    }
    if (given->idmp_maxsize != 0) {
        weir_args_text(args, "IDMP-MAXSIZE");
        weir_args_number(args, given->idmp_maxsize);
    }
    return WEIR_OK;
}

weir_status weir_xcfgset(weir_client *client, weir_view key,
                         const weir_xcfgset_options *options) {
    weir_args args;
    return weir_client_done_now(client, make_xcfgset(client, &args, key, options), &args);
}

weir_status weir_append_xcfgset(weir_client *client, weir_view key,
                                const weir_xcfgset_options *options) {
    weir_args args;
    weir_status made = make_xcfgset(client, &args, key, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_DONE, 0);
}
