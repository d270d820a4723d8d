/* Taking over pending entries: XCLAIM and XAUTOCLAIM.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

/* ---- XCLAIM key group consumer min-idle id ... [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE]
 * [JUSTID] [LASTID id] ---- */

/* What XCLAIM and XAUTOCLAIM have in common. */
typedef struct claim {
    weir_view key;
    weir_view group;
    weir_view consumer;
    uint64_t min_idle_ms;
} claim;

static weir_status begin_claim(weir_client *client, weir_args *args, const char *name,
                               const claim *by) {
    weir_args_begin(args, name);
    weir_args_view(args, by->key);
    weir_args_view(args, by->group);
    weir_args_view(args, by->consumer);
    weir_args_number(args, by->min_idle_ms);
    weir_status st = weir_check_consumer(client, by->key, by->group, by->consumer);
    return st == WEIR_OK
               ? weir_check_number(client, by->min_idle_ms, "min_idle_ms is at most 2^63-1")
               : st;
}

static weir_status check_xclaim(weir_client *client, const weir_xclaim_options *given) {
    if (given->idle_ms != 0 && given->time_ms != 0) {
        return weir_client_wrong(client, "idle_ms and time_ms say the same: give one");
    }
    weir_status st = weir_check_number(client, given->idle_ms, "idle_ms is at most 2^63-1");
    st = st == WEIR_OK
             ? weir_check_number(client, given->time_ms, "time_ms is at most 2^63-1")
             : st;
    return st == WEIR_OK ? weir_check_number(client, given->retry_count,
                                             "retry_count is at most 2^63-1")
                         : st;
}

static void put_number(weir_args *args, const char *name, uint64_t number) {
    weir_args_text(args, name);
    weir_args_number(args, number);
}

static void put_xclaim(weir_args *args, const weir_xclaim_options *given) {
    if (given->idle_ms != 0) {
        put_number(args, "IDLE", given->idle_ms);
    }
    if (given->time_ms != 0) {
        put_number(args, "TIME", given->time_ms);
    }
    if (given->has_retry_count || given->retry_count != 0) {
        put_number(args, "RETRYCOUNT", given->retry_count);
    }
    if (given->force) {
        weir_args_text(args, "FORCE");
    }
    if (given->ids_only) {
        weir_args_text(args, "JUSTID");
    }
    if (weir_id_compare(given->last, WEIR_ID_MIN) != 0) {
        weir_args_text(args, "LASTID");
        weir_args_id(args, "", given->last);
    }
}

static weir_status make_xclaim(weir_client *client, weir_args *args, const claim *by,
                               const weir_id *ids, size_t id_count,
                               const weir_xclaim_options *options) {
    static const weir_xclaim_options defaults = {0};
    const weir_xclaim_options *given = options != NULL ? options : &defaults;
    weir_status st = begin_claim(client, args, "XCLAIM", by);
    st = st == WEIR_OK ? weir_check_ids(client, id_count) : st;
    st = st == WEIR_OK ? check_xclaim(client, given) : st;
    if (st == WEIR_OK) {
        args->ids = ids;
        args->id_count = id_count;
        weir_args_begin_tail(args);
        put_xclaim(args, given);
    }
    return st;
}

weir_status weir_xclaim(weir_client *client, weir_view key, weir_view group,
                        weir_view consumer, uint64_t min_idle_ms, const weir_id *ids,
                        size_t id_count, const weir_xclaim_options *options,
                        weir_entries *entries) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status made = make_xclaim(client, &args, &by, ids, id_count, options);
    return weir_client_entries_now(client, made, &args, WEIR_ANSWER_RANGE, 0, entries);
}

weir_status weir_append_xclaim(weir_client *client, weir_view key, weir_view group,
                               weir_view consumer, uint64_t min_idle_ms, const weir_id *ids,
                               size_t id_count, const weir_xclaim_options *options) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status made = make_xclaim(client, &args, &by, ids, id_count, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_RANGE, 0);
}

/* ---- XAUTOCLAIM key group consumer min-idle start [COUNT n] [JUSTID] ---- */

/* What the server multiplies COUNT by must fit too (t_stream.c, xautoclaimCommand). */
#define MOST_COUNT (INT64_MAX / 16)

static weir_status make_xautoclaim(weir_client *client, weir_args *args, const claim *by,
                                   weir_id start, const weir_xautoclaim_options *options) {
    static const weir_xautoclaim_options defaults = {0};
    const weir_xautoclaim_options *given = options != NULL ? options : &defaults;
    weir_status st = begin_claim(client, args, "XAUTOCLAIM", by);
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_need(args, WEIR_FEATURE_XAUTOCLAIM);
    if (given->count > MOST_COUNT) {
        return weir_client_wrong(client, "count is at most 2^59-1");
    }
    if (given->exclude_start && weir_id_compare(start, WEIR_ID_MAX) == 0) {
        return weir_client_wrong(client, "exclude_start: nothing lies behind the last id");
    }
    weir_args_id(args, given->exclude_start ? "(" : "", start);
    if (given->count != 0) {
        put_number(args, "COUNT", given->count);
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
                            const weir_xautoclaim_options *options, weir_id *next,
                            weir_entries *entries) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status st = make_xautoclaim(client, &args, &by, start, options);
    st = weir_client_entries_now(client, st, &args, WEIR_ANSWER_AUTOCLAIM, 0, entries);
    if (st == WEIR_OK) {
        tell_next(client, entries, next);
    }
    return st;
}

weir_status weir_append_xautoclaim(weir_client *client, weir_view key, weir_view group,
                                   weir_view consumer, uint64_t min_idle_ms, weir_id start,
                                   const weir_xautoclaim_options *options) {
    weir_args args;
    claim by = {key, group, consumer, min_idle_ms};
    weir_status made = make_xautoclaim(client, &args, &by, start, options);
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
