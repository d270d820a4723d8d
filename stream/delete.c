/* Deleting with a result for each id: XDELEX and XACKDEL.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

/* ---- their answer: an array of as many integers as there were ids ---- */

/* True if the whole answer is that; fills `results` unless it is NULL. */
static bool read_deletions(weir_view whole, weir_deletion *results, size_t id_count) {
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &weir_stream_reading);
    weir_status st = weir_reader_next(&reader, whole, &used, &token);
    if (st != WEIR_OK || token.type != WEIR_TOKEN_ARRAY || token.number < 0 ||
        (uint64_t)token.number != id_count) {
        return false;
    }
    for (size_t i = 0; i < id_count; i++) {
        whole = weir_bytes(whole.data + used, whole.len - used);
        st = weir_reader_next(&reader, whole, &used, &token);
        bool is_known = token.number == WEIR_DELETION_NOT_FOUND ||
                        token.number == WEIR_DELETION_DONE ||
                        token.number == WEIR_DELETION_KEPT;
        if (st != WEIR_OK || token.type != WEIR_TOKEN_INTEGER || !is_known) {
            return false;
        }
        if (results != NULL) {
            results[i] = (weir_deletion)token.number;
        }
    }
    return true;
}

static weir_status take_deletions(weir_client *client, uint64_t ticket,
                                  weir_deletion *results, size_t id_count) {
    weir_view whole;
    weir_status st = weir_client_take_whole(client, ticket, &whole);
    if (st != WEIR_OK) {
        return st;
    }
    if (!read_deletions(whole, NULL, id_count)) {
        return weir_session_error(&client->session, WEIR_ERR_REPLY,
                                  "%s: expected %zu results of -1, 1 or 2 as answer",
                                  client->peer, id_count);
    }
    read_deletions(whole, results, id_count);
    return WEIR_OK;
}

static weir_status deletions_now(weir_client *client, weir_status made,
                                 const weir_args *args, weir_deletion *results) {
    uint64_t ticket = 0;
    weir_status st = made;
    st = st == WEIR_OK
             ? weir_client_ask_now(client, args, WEIR_ANSWER_DELETIONS, 0, &ticket)
             : st;
    return st == WEIR_OK ? take_deletions(client, ticket, results, args->id_count) : st;
}

weir_status weir_take_deletions(weir_client *client, weir_deletion *results,
                                size_t id_count) {
    uint64_t ticket;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_DELETIONS, &ticket);
    return st == WEIR_OK ? take_deletions(client, ticket, results, id_count) : st;
}

/* ---- XDELEX key [KEEPREF|DELREF|ACKED] IDS count id ... ---- */

static weir_status make_xdelex(weir_client *client, weir_args *args, weir_view key,
                               weir_refs refs, const weir_id *ids, size_t id_count) {
    weir_status st = weir_check_key(client, key);
    st = st == WEIR_OK ? weir_check_refs(client, refs) : st;
    st = st == WEIR_OK ? weir_check_ids(client, id_count) : st;
    if (st == WEIR_OK) {
        weir_args_begin(args, "XDELEX");
        weir_args_need(args, WEIR_FEATURE_XDELEX);
        weir_args_view(args, key);
        weir_args_refs(args, refs);
        weir_args_counted_ids(args, ids, id_count);
    }
    return st;
}

weir_status weir_xdelex(weir_client *client, weir_view key, weir_refs refs,
                        const weir_id *ids, size_t id_count, weir_deletion *results) {
    weir_args args;
    weir_status made = make_xdelex(client, &args, key, refs, ids, id_count);
    return deletions_now(client, made, &args, results);
}

weir_status weir_append_xdelex(weir_client *client, weir_view key, weir_refs refs,
                               const weir_id *ids, size_t id_count) {
    weir_args args;
    weir_status made = make_xdelex(client, &args, key, refs, ids, id_count);
    return weir_client_append(client, made, &args, WEIR_ANSWER_DELETIONS, 0);
}

/* ---- XACKDEL key group [KEEPREF|DELREF|ACKED] IDS count id ... ---- */

static weir_status make_xackdel(weir_client *client, weir_args *args, weir_view key,
                                weir_view group, weir_refs refs, const weir_id *ids,
                                size_t id_count) {
    weir_status st = weir_check_group(client, key, group);
    st = st == WEIR_OK ? weir_check_refs(client, refs) : st;
    st = st == WEIR_OK ? weir_check_ids(client, id_count) : st;
    if (st == WEIR_OK) {
        weir_args_begin(args, "XACKDEL");
        weir_args_need(args, WEIR_FEATURE_XACKDEL);
        args->needs |= id_count > WEIR_XACKDEL_FEW ? WEIR_NEED_LONG_XACKDEL : 0;
        weir_args_view(args, key);
        weir_args_view(args, group);
        weir_args_refs(args, refs);
        weir_args_counted_ids(args, ids, id_count);
    }
    return st;
}

weir_status weir_xackdel(weir_client *client, weir_view key, weir_view group,
                         weir_refs refs, const weir_id *ids, size_t id_count,
                         weir_deletion *results) {
    weir_args args;
    bool is_begun = false;
    /* all of it is checked, and the server known, before how many may go at once is asked
     */
    weir_status st = make_xackdel(client, &args, key, group, refs, ids, id_count);
    st = st == WEIR_OK ? weir_client_check_waiting(client) : st;
    st =
        st == WEIR_OK ? weir_client_need(client, args.needs & ~WEIR_NEED_LONG_XACKDEL) : st;
    while (st == WEIR_OK && id_count > 0) {
        size_t most = weir_client_xackdel_most(client);
        size_t count = id_count < most ? id_count : most;
        st = make_xackdel(client, &args, key, group, refs, ids, count);
        st = deletions_now(client, st, &args, results);
        if (st < 0 && is_begun) {
            client->session.error.may_have_run = true; /* the ids before these are done */
        }
        is_begun = true;
        ids += count;
        results += results != NULL ? count : 0;
        id_count -= count;
    }
    return st;
}

weir_status weir_append_xackdel(weir_client *client, weir_view key, weir_view group,
                                weir_refs refs, const weir_id *ids, size_t id_count) {
    weir_args args;
    weir_status made = make_xackdel(client, &args, key, group, refs, ids, id_count);
    return weir_client_append(client, made, &args, WEIR_ANSWER_DELETIONS, 0);
}
