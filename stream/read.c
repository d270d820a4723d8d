/* Reading: XRANGE, XREVRANGE, XREAD, XREADGROUP, and the iterator as its user sees it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "client_private.h"

/* ---- the iterator ---- */

bool weir_entries_is_open(const weir_entries *entries) {
    if (entries->client == NULL) {
        return false;
    }
    const weir_slot *slot =
        weir_session_slot(&entries->client->session, entries->slot, entries->serial);
    return slot != NULL && !slot->is_dropped;
}

void weir_entries_close(weir_entries *entries) {
    if (entries->client == NULL) {
        return;
    }
    weir_session *session = &entries->client->session;
    weir_slot *slot = weir_session_slot(session, entries->slot, entries->serial);
    if (slot != NULL) {
        weir_session_close_slot(session, slot);
    }
    entries->client = NULL;
}

/* A call inside the loop needed the memory that the rest of the answer took; or the
 * connection was lost. */
static weir_status end_dropped(weir_entries *entries, const weir_slot *slot) {
    weir_session *session = &entries->client->session;
    bool is_lost = slot->is_lost;
    weir_entries_close(entries);
    if (is_lost) {
        return weir_session_tell_cut(session);
    }
    return weir_session_error(
        session, WEIR_ERR_LIMIT,
        "%s: the rest was passed over: a call inside the loop needed limits.receive_bytes, "
        "%zu, for its own answer; read on behind the last id, with a count",
        session->peer, session->in.most);
}

/* An entry that was passed over for its size does not end the loop; all else does. */
static weir_status end_step(weir_entries *entries, const weir_slot *slot, weir_status st) {
    bool goes_on = st == WEIR_OK || st == WEIR_MORE ||
                   (st == WEIR_ERR_LIMIT && !slot->is_dropped && slot->serial != 0);
    if (!goes_on) {
        weir_entries_close(entries);
    }
    return st;
}

weir_status weir_entries_next(weir_entries *entries, weir_entry *entry) {
    weir_client *client = entries->client;
    if (client == NULL) {
        return WEIR_END;
    }
    weir_session *session = &client->session;
    weir_slot *slot = weir_session_slot(session, entries->slot, entries->serial);
    if (slot == NULL) {
        entries->client = NULL;
        return WEIR_END;
    }
    weir_session_unpin(session, slot);
    int64_t deadline_ms = 0;
    while (!slot->is_dropped) {
        weir_status st = weir_session_next_entry(session, slot, entry);
        if (weir_status_is_fatal(st) && weir_client_mend(client)) {
            continue; /* the answer is cut */
        }
        if (st != WEIR_MORE) {
            return end_step(entries, slot, st);
        }
        st = weir_client_await(client, slot->ticket, 0, &deadline_ms);
        if (st != WEIR_OK) {
            return end_step(entries, slot, st);
        }
    }
    return end_dropped(entries, slot);
}

weir_status weir_take_entries(weir_client *client, weir_entries *entries) {
    uint64_t ticket;
    weir_session_leave(&client->session, entries);
    entries->client = NULL;
    weir_status st = weir_client_due(
        client, 1U << WEIR_ANSWER_RANGE | 1U << WEIR_ANSWER_STREAMS, &ticket);
    return st == WEIR_OK ? weir_client_take_entries(client, ticket, entries) : st;
}

/* ---- XRANGE, XREVRANGE ---- */

/* Ends are sent included: before 6.2 servers know no others, and later ones do the same sum
 * (Redis t_stream.c, streamParseIntervalIDOrReply). */
static void put_bound(weir_args *args, weir_id id) {
    if (weir_id_compare(id, WEIR_ID_MIN) == 0) {
        weir_args_text(args, "-");
    } else if (weir_id_compare(id, WEIR_ID_MAX) == 0) {
        weir_args_text(args, "+");
    } else {
        weir_args_id(args, "", id);
    }
}

static void put_option(weir_args *args, const char *name, uint64_t number) {
    if (number != 0) {
        weir_args_text(args, name);
        weir_args_number(args, number);
    }
}

static weir_status check_count(weir_client *client, uint64_t count) {
    return count <= INT64_MAX ? WEIR_OK
                              : weir_client_wrong(client, "count is at most 2^63-1");
}

/* XRANGE key start end | XREVRANGE key end start, [COUNT n] */
void weir_client_put_range(weir_args *args, weir_view key, weir_id start, weir_id end,
                           bool is_reverse, uint64_t count) {
    weir_args_begin(args, is_reverse ? "XREVRANGE" : "XRANGE");
    weir_args_view(args, key);
    put_bound(args, is_reverse ? end : start);
    put_bound(args, is_reverse ? start : end);
    put_option(args, "COUNT", count);
}

static weir_status make_range(weir_client *client, weir_args *args, weir_view key,
                              weir_id start, weir_id end, bool is_reverse,
                              const weir_range_options *options) {
    static const weir_range_options defaults = {0};
    const weir_range_options *given = options != NULL ? options : &defaults;
    if (key.len == 0) {
        return weir_client_wrong(client, "the key is empty");
    }
    bool is_void = (given->exclude_start && weir_id_next(start, &start) != WEIR_OK) ||
                   (given->exclude_end && weir_id_previous(end, &end) != WEIR_OK);
    if (is_void) {
        return weir_client_wrong(client, "nothing lies beyond the last or before 0-0");
    }
    weir_client_put_range(args, key, start, end, is_reverse, given->count);
    return check_count(client, given->count);
}

weir_status weir_xrange(weir_client *client, weir_view key, weir_id start, weir_id end,
                        const weir_range_options *options, weir_entries *entries) {
    weir_args args;
    weir_status made = make_range(client, &args, key, start, end, false, options);
    return weir_client_entries_now(client, made, &args, WEIR_ANSWER_RANGE, 0, entries);
}

weir_status weir_append_xrange(weir_client *client, weir_view key, weir_id start,
                               weir_id end, const weir_range_options *options) {
    weir_args args;
    weir_status made = make_range(client, &args, key, start, end, false, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_RANGE, 0);
}

weir_status weir_xrevrange(weir_client *client, weir_view key, weir_id start, weir_id end,
                           const weir_range_options *options, weir_entries *entries) {
    weir_args args;
    weir_status made = make_range(client, &args, key, start, end, true, options);
    return weir_client_entries_now(client, made, &args, WEIR_ANSWER_RANGE, 0, entries);
}

weir_status weir_append_xrevrange(weir_client *client, weir_view key, weir_id start,
                                  weir_id end, const weir_range_options *options) {
    weir_args args;
    weir_status made = make_range(client, &args, key, start, end, true, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_RANGE, 0);
}

/* ---- XREAD, XREADGROUP ---- */

static weir_status check_sources(weir_client *client, const weir_source *sources,
                                 size_t count) {
    if (count == 0) {
        return weir_client_wrong(client, "no streams are given");
    }
    for (size_t i = 0; i < count; i++) {
        if (sources[i].key.len == 0) {
            return weir_client_wrong(client, "a stream's key is empty");
        }
    }
    return WEIR_OK;
}

static weir_status check_read(weir_client *client, const weir_source *sources, size_t count,
                              const weir_read_options *given) {
    if (given->block_ms < 0 && given->block_ms != WEIR_FOREVER) {
        return weir_client_wrong(client, "block_ms is 0, a time, or WEIR_FOREVER");
    }
    if (given->count > INT64_MAX || given->max_count > INT64_MAX ||
        given->max_size > INT64_MAX || given->claim_idle_ms > INT64_MAX) {
        return weir_client_wrong(
            client, "count, max_count, max_size and claim_idle_ms are at most 2^63-1");
    }
    if (given->max_count != 0 && given->max_count < given->count) {
        return weir_client_wrong(client, "max_count is smaller than count");
    }
    return check_sources(client, sources, count);
}

/* [COUNT n] [MAXCOUNT n] [MAXSIZE n] [BLOCK ms] [CLAIM ms] [NOACK] STREAMS key ... id ...;
 * BLOCK 0 means for ever. */
static void put_read(weir_args *args, const weir_read_options *given,
                     const weir_source *sources, size_t source_count) {
    put_option(args, "COUNT", given->count);
    if (given->max_count != 0 || given->max_size != 0) {
        weir_args_need(args, WEIR_FEATURE_MAXCOUNT);
    }
    put_option(args, "MAXCOUNT", given->max_count);
    put_option(args, "MAXSIZE", given->max_size);
    if (given->block_ms != 0) {
        weir_args_text(args, "BLOCK");
        weir_args_number(args, given->block_ms > 0 ? (uint64_t)given->block_ms : 0);
    }
    if (given->claim) {
        weir_args_need(args, WEIR_FEATURE_CLAIM);
        weir_args_text(args, "CLAIM");
        weir_args_number(args, given->claim_idle_ms);
    }
    if (given->no_ack) {
        weir_args_text(args, "NOACK");
    }
    weir_args_text(args, "STREAMS");
    args->sources = sources;
    args->source_count = source_count;
}

static const weir_read_options *read_options(const weir_read_options *options) {
    static const weir_read_options defaults = {0};
    return options != NULL ? options : &defaults;
}

static bool reads_from(const weir_source *sources, size_t count, weir_from from) {
    for (size_t i = 0; i < count; i++) {
        if (sources[i].from == from) {
            return true;
        }
    }
    return false;
}

/* The server keeps ">" as the largest id (Redis t_stream.c, xreadCommand), and would take
 * the one for the other. */
static bool is_taken_for_new(const weir_source *sources, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (sources[i].from == WEIR_FROM_ID &&
            weir_id_compare(sources[i].after, WEIR_ID_MAX) == 0) {
            return true;
        }
    }
    return false;
}

static weir_status make_xread(weir_client *client, weir_args *args,
                              const weir_source *sources, size_t source_count,
                              const weir_read_options *given) {
    if (given->no_ack || given->claim) {
        return weir_client_wrong(client, "no_ack and claim are for XREADGROUP");
    }
    weir_args_begin(args, "XREAD");
    if (reads_from(sources, source_count, WEIR_FROM_LAST)) {
        weir_args_need(args, WEIR_FEATURE_XREAD_LAST);
    }
    weir_status st = check_read(client, sources, source_count, given);
    if (st == WEIR_OK) {
        put_read(args, given, sources, source_count);
    }
    return st;
}

weir_status weir_xread(weir_client *client, const weir_source *sources, size_t source_count,
                       const weir_read_options *options, weir_entries *entries) {
    weir_args args;
    const weir_read_options *given = read_options(options);
    weir_status made = make_xread(client, &args, sources, source_count, given);
    return weir_client_entries_now(client, made, &args, WEIR_ANSWER_STREAMS,
                                   given->block_ms, entries);
}

weir_status weir_append_xread(weir_client *client, const weir_source *sources,
                              size_t source_count, const weir_read_options *options) {
    weir_args args;
    const weir_read_options *given = read_options(options);
    weir_status made = make_xread(client, &args, sources, source_count, given);
    return weir_client_append(client, made, &args, WEIR_ANSWER_STREAMS, given->block_ms);
}

/* GROUP stands first, so that no other argument can be taken for STREAMS (wire facts: key
 * extraction searches that word). */
static weir_status make_xreadgroup(weir_client *client, weir_args *args, weir_view group,
                                   weir_view consumer, const weir_source *sources,
                                   size_t source_count, const weir_read_options *given) {
    if (group.len == 0 || consumer.len == 0) {
        return weir_client_wrong(client, "the group or the consumer is empty");
    }
    if (reads_from(sources, source_count, WEIR_FROM_LAST)) {
        return weir_client_wrong(client, "WEIR_FROM_LAST is for XREAD");
    }
    if (is_taken_for_new(sources, source_count)) {
        return weir_client_wrong(client, "no history lies behind the last id");
    }
    if (given->claim && reads_from(sources, source_count, WEIR_FROM_ID)) {
        return weir_client_wrong(client, "claim is for WEIR_FROM_NEW");
    }
    weir_args_begin(args, "XREADGROUP");
    weir_args_text(args, "GROUP");
    weir_args_view(args, group);
    weir_args_view(args, consumer);
    args->is_group_read = true;
    weir_status st = check_read(client, sources, source_count, given);
    if (st == WEIR_OK) {
        put_read(args, given, sources, source_count);
    }
    return st;
}

weir_status weir_xreadgroup(weir_client *client, weir_view group, weir_view consumer,
                            const weir_source *sources, size_t source_count,
                            const weir_read_options *options, weir_entries *entries) {
    weir_args args;
    const weir_read_options *given = read_options(options);
    weir_status made =
        make_xreadgroup(client, &args, group, consumer, sources, source_count, given);
    return weir_client_entries_now(client, made, &args, WEIR_ANSWER_STREAMS,
                                   given->block_ms, entries);
}

weir_status weir_append_xreadgroup(weir_client *client, weir_view group, weir_view consumer,
                                   const weir_source *sources, size_t source_count,
                                   const weir_read_options *options) {
    weir_args args;
    const weir_read_options *given = read_options(options);
    weir_status made =
        make_xreadgroup(client, &args, group, consumer, sources, source_count, given);
    return weir_client_append(client, made, &args, WEIR_ANSWER_STREAMS, given->block_ms);
}
