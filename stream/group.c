/* Consumer groups: XGROUP CREATE, XACK, XCLAIM, XAUTOCLAIM.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "client_private.h"

static weir_status check_names(weir_client *client, weir_view key, weir_view group) {
    if (key.len == 0) {
        return weir_client_wrong(client, "the key is empty");
    }
    return group.len > 0 ? WEIR_OK : weir_client_wrong(client, "the group is empty");
}

/* ---- XGROUP CREATE key group id|$ [MKSTREAM] ---- */

static weir_status make_create(weir_client *client, weir_args *args,
                               const weir_source *start, weir_view group,
                               bool make_stream) {
    weir_status st = check_names(client, start->key, group);
    if (st != WEIR_OK) {
        return st;
    }
    if (start->from == WEIR_FROM_LAST) {
        return weir_client_wrong(client, "a group starts at an id or with new entries");
    }
    weir_args_begin(args, "XGROUP");
    weir_args_text(args, "CREATE");
    weir_args_view(args, start->key);
    weir_args_view(args, group);
    if (start->from == WEIR_FROM_NEW) {
        weir_args_text(args, "$");
    } else {
        weir_args_id(args, "", start->after);
    }
    if (make_stream) {
        weir_args_text(args, "MKSTREAM");
    }
    return WEIR_OK;
}

/* BUSYGROUP is the ordinary answer where the group exists. */
static weir_status take_is_new(weir_client *client, uint64_t ticket, bool *is_new) {
    weir_error before = client->session.error;
    weir_token token;
    weir_status st = weir_client_take_token(client, ticket, &token);
    bool is_busy =
        st == WEIR_ERR_SERVER && client->session.error.kind == WEIR_KIND_GROUP_EXISTS;
    if (st != WEIR_OK && !is_busy) {
        return st;
    }
    if (is_busy) {
        client->session.error = before; /* no failure */
    }
    if (is_new != NULL) {
        *is_new = !is_busy;
    }
    return WEIR_OK;
}

weir_status weir_xgroup_create(weir_client *client, weir_source start, weir_view group,
                               bool make_stream, bool *is_new) {
    weir_args args;
    uint64_t ticket;
    weir_status st = make_create(client, &args, &start, group, make_stream);
    st = st == WEIR_OK ? weir_client_ask_now(client, &args, WEIR_ANSWER_IS_NEW, 0, &ticket)
                       : st;
    return st == WEIR_OK ? take_is_new(client, ticket, is_new) : st;
}

weir_status weir_append_xgroup_create(weir_client *client, weir_source start,
                                      weir_view group, bool make_stream) {
    weir_args args;
    weir_status made = make_create(client, &args, &start, group, make_stream);
    return weir_client_append(client, made, &args, WEIR_ANSWER_IS_NEW, 0);
}

weir_status weir_take_is_new(weir_client *client, bool *is_new) {
    uint64_t ticket;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_IS_NEW, &ticket);
    return st == WEIR_OK ? take_is_new(client, ticket, is_new) : st;
}

/* ---- XACK key group id ... ---- */

static weir_status make_xack(weir_client *client, weir_args *args, weir_view key,
                             weir_view group, const weir_id *ids, size_t id_count) {
    weir_status st = check_names(client, key, group);
    if (st != WEIR_OK) {
        return st;
    }
    if (id_count == 0) {
        return weir_client_wrong(client, "no ids are given");
    }
    weir_args_begin(args, "XACK");
    weir_args_view(args, key);
    weir_args_view(args, group);
    args->ids = ids;
    args->id_count = id_count;
    return WEIR_OK;
}

weir_status weir_xack(weir_client *client, weir_view key, weir_view group,
                      const weir_id *ids, size_t id_count, uint64_t *count) {
    weir_args args;
    weir_status made = make_xack(client, &args, key, group, ids, id_count);
    return weir_client_count_now(client, made, &args, count);
}

weir_status weir_append_xack(weir_client *client, weir_view key, weir_view group,
                             const weir_id *ids, size_t id_count) {
    weir_args args;
    weir_status made = make_xack(client, &args, key, group, ids, id_count);
    return weir_client_append(client, made, &args, WEIR_ANSWER_COUNT, 0);
}

/* ---- XCLAIM key group consumer min-idle id ... [JUSTID] ---- */

/* What XCLAIM and XAUTOCLAIM have in common. */
typedef struct claim {
    weir_view key;
    weir_view group;
    weir_view consumer;
    uint64_t min_idle_ms;
} claim;

static weir_status begin_claim(weir_client *client, weir_args *args, const char *name,
                               const claim *by) {
    weir_status st = check_names(client, by->key, by->group);
    if (st != WEIR_OK) {
        return st;
    }
    if (by->consumer.len == 0) {
        return weir_client_wrong(client, "the consumer is empty");
    }
    if (by->min_idle_ms > INT64_MAX) {
        return weir_client_wrong(client, "min_idle_ms is at most 2^63-1");
    }
    weir_args_begin(args, name);
    weir_args_view(args, by->key);
    weir_args_view(args, by->group);
    weir_args_view(args, by->consumer);
    weir_args_number(args, by->min_idle_ms);
    return WEIR_OK;
}

static const weir_claim_options *claim_options(const weir_claim_options *options) {
    static const weir_claim_options defaults = {0};
    return options != NULL ? options : &defaults;
}

static weir_status make_xclaim(weir_client *client, weir_args *args, const claim *by,
                               const weir_id *ids, size_t id_count,
                               const weir_claim_options *given) {
    if (id_count == 0) {
        return weir_client_wrong(client, "no ids are given");
    }
    if (given->count != 0) {
        return weir_client_wrong(client, "count is for XAUTOCLAIM");
    }
    weir_status st = begin_claim(client, args, "XCLAIM", by);
    if (st == WEIR_OK) {
        args->ids = ids;
        args->id_count = id_count;
        args->last_arg = given->ids_only ? "JUSTID" : NULL;
    }
    return st;
}

weir_status weir_xclaim(weir_client *client, weir_view key, weir_view group,
                        weir_view consumer, uint64_t min_idle_ms, const weir_id *ids,
                        size_t id_count, const weir_claim_options *options,
                        weir_entries *entries) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status made =
        make_xclaim(client, &args, &by, ids, id_count, claim_options(options));
    return weir_client_entries_now(client, made, &args, WEIR_ANSWER_RANGE, 0, entries);
}

weir_status weir_append_xclaim(weir_client *client, weir_view key, weir_view group,
                               weir_view consumer, uint64_t min_idle_ms, const weir_id *ids,
                               size_t id_count, const weir_claim_options *options) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status made =
        make_xclaim(client, &args, &by, ids, id_count, claim_options(options));
    return weir_client_append(client, made, &args, WEIR_ANSWER_RANGE, 0);
}

/* ---- XAUTOCLAIM key group consumer min-idle start [COUNT n] [JUSTID] ---- */

static weir_status make_xautoclaim(weir_client *client, weir_args *args, const claim *by,
                                   weir_id start, const weir_claim_options *given) {
    if (given->count > INT64_MAX) {
        return weir_client_wrong(client, "count is at most 2^63-1");
    }
    weir_status st = begin_claim(client, args, "XAUTOCLAIM", by);
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_id(args, "", start);
    if (given->count != 0) {
        weir_args_text(args, "COUNT");
        weir_args_number(args, given->count);
    }
    if (given->ids_only) {
        weir_args_text(args, "JUSTID");
    }
    return WEIR_OK;
}

/* The iterator on the answer of an XAUTOCLAIM is open: where to go on is read. */
static void tell_next(const weir_client *client, const weir_entries *entries,
                      weir_id *next) {
    if (next != NULL) {
        *next = weir_session_slot(&client->session, entries->slot, entries->serial)->next;
    }
}

weir_status weir_xautoclaim(weir_client *client, weir_view key, weir_view group,
                            weir_view consumer, uint64_t min_idle_ms, weir_id start,
                            const weir_claim_options *options, weir_id *next,
                            weir_entries *entries) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status st = make_xautoclaim(client, &args, &by, start, claim_options(options));
    st = weir_client_entries_now(client, st, &args, WEIR_ANSWER_AUTOCLAIM, 0, entries);
    if (st == WEIR_OK) {
        tell_next(client, entries, next);
    }
    return st;
}

weir_status weir_append_xautoclaim(weir_client *client, weir_view key, weir_view group,
                                   weir_view consumer, uint64_t min_idle_ms, weir_id start,
                                   const weir_claim_options *options) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status made = make_xautoclaim(client, &args, &by, start, claim_options(options));
    return weir_client_append(client, made, &args, WEIR_ANSWER_AUTOCLAIM, 0);
}

weir_status weir_take_autoclaim(weir_client *client, weir_id *next, weir_entries *entries) {
    uint64_t ticket;
    weir_session_leave(&client->session, entries);
    entries->client = NULL;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_AUTOCLAIM, &ticket);
    st = st == WEIR_OK ? weir_client_take_entries(client, ticket, entries) : st;
    if (st == WEIR_OK) {
        tell_next(client, entries, next);
    }
    return st;
}
