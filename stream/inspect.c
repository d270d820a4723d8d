/* What streams and groups tell of themselves: XPENDING with a range, and XINFO.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"
#include "rows.h"

/* ---- answers that are lists ---- */

static weir_rows_kind kind_of(weir_client *client, uint64_t ticket) {
    unsigned answer = weir_session_request(&client->session, ticket)->answer;
    if (answer == WEIR_ANSWER_PENDING_ROWS) {
        return WEIR_ROWS_PENDING;
    }
    return answer == WEIR_ANSWER_GROUPS ? WEIR_ROWS_GROUPS : WEIR_ROWS_CONSUMERS;
}

static void begin_rows(weir_client *client, weir_rows *rows) {
    weir_session_leave(&client->session, &rows->answer);
    memset(rows, 0, sizeof *rows);
}

static weir_status take_rows(weir_client *client, uint64_t ticket, weir_rows *rows) {
    weir_rows_kind kind = kind_of(client, ticket);
    weir_status st = weir_client_take_reply(client, ticket, &rows->answer);
    if (st != WEIR_OK) {
        return st;
    }
    return weir_rows_open(rows, kind) ? WEIR_OK : weir_rows_refuse(rows, "a list of rows");
}

static weir_status rows_now(weir_client *client, weir_status made, const weir_args *args,
                            weir_answer answer, weir_rows *rows) {
    uint64_t ticket = 0;
    begin_rows(client, rows);
    weir_status st = made;
    st = st == WEIR_OK
             ? weir_client_ask_open(client, args, answer, 0, &rows->answer, &ticket)
             : st;
    return st == WEIR_OK ? take_rows(client, ticket, rows) : st;
}

weir_status weir_take_rows(weir_client *client, weir_rows *rows) {
    uint64_t ticket;
    begin_rows(client, rows);
    weir_status st =
        weir_client_due(client,
                        1U << WEIR_ANSWER_PENDING_ROWS | 1U << WEIR_ANSWER_GROUPS |
                            1U << WEIR_ANSWER_CONSUMERS,
                        &ticket);
    return st == WEIR_OK ? take_rows(client, ticket, rows) : st;
}

/* ---- XPENDING key group [IDLE ms] start end count [consumer] ---- */

static void put_bound(weir_args *args, weir_id id, bool is_excluded) {
    weir_args_id(args, is_excluded ? "(" : "", id);
}

static weir_status check_range(weir_client *client, weir_id start, weir_id end,
                               uint64_t count, const weir_xpending_options *given) {
    if (count == 0) {
        return weir_client_wrong(client, "count is 0: nothing would be given");
    }
    bool is_void = (given->exclude_start && weir_id_compare(start, WEIR_ID_MAX) == 0) ||
                   (given->exclude_end && weir_id_compare(end, WEIR_ID_MIN) == 0);
    if (is_void) {
        return weir_client_wrong(client, "nothing lies beyond the last or before 0-0");
    }
    weir_status st = weir_check_number(client, count, "count is at most 2^63-1");
    return st == WEIR_OK ? weir_check_number(client, given->min_idle_ms,
                                             "min_idle_ms is at most 2^63-1")
                         : st;
}

static weir_status make_range(weir_client *client, weir_args *args, const weir_view *names,
                              weir_id start, weir_id end, uint64_t count,
                              const weir_xpending_options *options) {
    static const weir_xpending_options defaults = {0};
    const weir_xpending_options *given = options != NULL ? options : &defaults;
    weir_status st = weir_check_group(client, names[0], names[1]);
    st = st == WEIR_OK ? check_range(client, start, end, count, given) : st;
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_begin(args, "XPENDING");
    if (given->min_idle_ms != 0 || given->exclude_start || given->exclude_end) {
        weir_args_need(args, WEIR_FEATURE_PENDING_IDLE);
    }
    weir_args_view(args, names[0]);
    weir_args_view(args, names[1]);
    if (given->min_idle_ms != 0) {
        weir_args_text(args, "IDLE");
        weir_args_number(args, given->min_idle_ms);
    }
    put_bound(args, start, given->exclude_start);
    put_bound(args, end, given->exclude_end);
    weir_args_number(args, count);
    if (given->consumer.len > 0) {
        weir_args_view(args, given->consumer);
    }
    return WEIR_OK;
}

weir_status weir_xpending_range(weir_client *client, weir_view key, weir_view group,
                                weir_id start, weir_id end, uint64_t count,
                                const weir_xpending_options *options, weir_rows *rows) {
    weir_args args;
    const weir_view names[] = {key, group};
    weir_status made = make_range(client, &args, names, start, end, count, options);
    return rows_now(client, made, &args, WEIR_ANSWER_PENDING_ROWS, rows);
}

weir_status weir_append_xpending_range(weir_client *client, weir_view key, weir_view group,
                                       weir_id start, weir_id end, uint64_t count,
                                       const weir_xpending_options *options) {
    weir_args args;
    const weir_view names[] = {key, group};
    weir_status made = make_range(client, &args, names, start, end, count, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_PENDING_ROWS, 0);
}

static bool read_integer(weir_cursor *at, int64_t *number) {
    weir_value value;
    if (!weir_cursor_next(at, &value) || value.token.type != WEIR_TOKEN_INTEGER) {
        return false;
    }
    *number = value.token.number;
    return true;
}

static bool read_pending(const weir_value *row, uint32_t kind, weir_pending_entry *entry) {
    bool has_consumer = kind != WEIR_ROWS_CONSUMER_PENDING;
    weir_cursor at;
    weir_value value;
    if (row->token.type != WEIR_TOKEN_ARRAY ||
        row->token.number != (has_consumer ? 4 : 3)) {
        return false;
    }
    weir_cursor_init(
        &at,
        weir_bytes(row->inner, row->whole.len - (size_t)(row->inner - row->whole.data)));
    if (!weir_cursor_next(&at, &value) || value.token.type != WEIR_TOKEN_BULK ||
        !weir_decode_id(value.token.bytes, &entry->id)) {
        return false;
    }
    if (has_consumer) {
        if (!weir_cursor_next(&at, &value) || value.token.type != WEIR_TOKEN_BULK) {
            return false;
        }
        entry->consumer = value.token.bytes;
    }
    int64_t *time = kind == WEIR_ROWS_PENDING ? &entry->idle_ms : &entry->delivered_ms;
    return read_integer(&at, time) && read_integer(&at, &entry->deliveries);
}

weir_status weir_rows_next_pending(weir_rows *rows, weir_pending_entry *entry) {
    weir_value row;
    weir_status st =
        weir_rows_next(rows,
                       1U << WEIR_ROWS_PENDING | 1U << WEIR_ROWS_GROUP_PENDING |
                           1U << WEIR_ROWS_CONSUMER_PENDING,
                       &row);
    if (st != WEIR_OK) {
        return st;
    }
    weir_pending_entry read = {.idle_ms = WEIR_UNKNOWN, .delivered_ms = WEIR_UNKNOWN};
    if (!read_pending(&row, rows->kind, &read)) {
        return weir_rows_refuse(rows, "a pending entry");
    }
    *entry = read;
    return WEIR_OK;
}

/* ---- XINFO GROUPS key, XINFO CONSUMERS key group ---- */

static weir_status make_groups(weir_client *client, weir_args *args, weir_view key) {
    weir_args_begin(args, "XINFO");
    weir_args_text(args, "GROUPS");
    weir_args_view(args, key);
    return weir_check_key(client, key);
}

weir_status weir_xinfo_groups(weir_client *client, weir_view key, weir_rows *rows) {
    weir_args args;
    weir_status made = make_groups(client, &args, key);
    return rows_now(client, made, &args, WEIR_ANSWER_GROUPS, rows);
}

weir_status weir_append_xinfo_groups(weir_client *client, weir_view key) {
    weir_args args;
    weir_status made = make_groups(client, &args, key);
    return weir_client_append(client, made, &args, WEIR_ANSWER_GROUPS, 0);
}

static weir_status make_consumers(weir_client *client, weir_args *args, weir_view key,
                                  weir_view group) {
    weir_args_begin(args, "XINFO");
    weir_args_text(args, "CONSUMERS");
    weir_args_view(args, key);
    weir_args_view(args, group);
    return weir_check_group(client, key, group);
}

weir_status weir_xinfo_consumers(weir_client *client, weir_view key, weir_view group,
                                 weir_rows *rows) {
    weir_args args;
    weir_status made = make_consumers(client, &args, key, group);
    return rows_now(client, made, &args, WEIR_ANSWER_CONSUMERS, rows);
}

weir_status weir_append_xinfo_consumers(weir_client *client, weir_view key,
                                        weir_view group) {
    weir_args args;
    weir_status made = make_consumers(client, &args, key, group);
    return weir_client_append(client, made, &args, WEIR_ANSWER_CONSUMERS, 0);
}

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

/* XINFO GROUPS tells numbers where XINFO STREAM FULL tells lists of the same name. */
static const weir_known GROUP_KEYS[] = {
    {"name", WEIR_KNOWN_NAME, offsetof(weir_group_info, name), 0, 0},
    {"consumers", WEIR_KNOWN_NUMBER, offsetof(weir_group_info, consumer_count), 0, 0},
    {"consumers", WEIR_KNOWN_LIST, offsetof(weir_group_info, consumers), 0,
     WEIR_ROWS_CONSUMERS},
    {"pending", WEIR_KNOWN_NUMBER, offsetof(weir_group_info, pending_count), 0, 0},
    {"pending", WEIR_KNOWN_LIST, offsetof(weir_group_info, pending), 0,
     WEIR_ROWS_GROUP_PENDING},
    {"pel-count", WEIR_KNOWN_NUMBER, offsetof(weir_group_info, pending_count), 0, 0},
    {"nacked-count", WEIR_KNOWN_NUMBER, offsetof(weir_group_info, nacked_count), 0, 0},
    {"last-delivered-id", WEIR_KNOWN_ID, offsetof(weir_group_info, last_id), 0, 0},
    {"entries-read", WEIR_KNOWN_NUMBER, offsetof(weir_group_info, entries_read), 0, 0},
    {"lag", WEIR_KNOWN_NUMBER, offsetof(weir_group_info, lag), 0, 0},
};

weir_status weir_rows_next_group(weir_rows *rows, weir_group_info *group) {
    weir_value row;
    weir_status st = weir_rows_next(rows, 1U << WEIR_ROWS_GROUPS, &row);
    if (st != WEIR_OK) {
        return st;
    }
    weir_group_info read = {.consumer_count = WEIR_UNKNOWN,
                            .pending_count = WEIR_UNKNOWN,
                            .nacked_count = WEIR_UNKNOWN,
                            .entries_read = WEIR_UNKNOWN,
                            .lag = WEIR_UNKNOWN};
    if (!weir_rows_read_keys(rows, &row, GROUP_KEYS, COUNT_OF(GROUP_KEYS), &read,
                             &read.keys)) {
        return weir_rows_refuse(rows, "what a group tells of itself");
    }
    if (read.consumer_count == WEIR_UNKNOWN && read.consumers.kind != WEIR_ROWS_NONE) {
        read.consumer_count = (int64_t)read.consumers.left;
    }
    *group = read;
    return WEIR_OK;
}

static const weir_known CONSUMER_KEYS[] = {
    {"name", WEIR_KNOWN_NAME, offsetof(weir_consumer_info, name), 0, 0},
    {"pending", WEIR_KNOWN_NUMBER, offsetof(weir_consumer_info, pending_count), 0, 0},
    {"pending", WEIR_KNOWN_LIST, offsetof(weir_consumer_info, pending), 0,
     WEIR_ROWS_CONSUMER_PENDING},
    {"pel-count", WEIR_KNOWN_NUMBER, offsetof(weir_consumer_info, pending_count), 0, 0},
    {"idle", WEIR_KNOWN_NUMBER, offsetof(weir_consumer_info, idle_ms), 0, 0},
    {"inactive", WEIR_KNOWN_NUMBER, offsetof(weir_consumer_info, inactive_ms), 0, 0},
    {"seen-time", WEIR_KNOWN_NUMBER, offsetof(weir_consumer_info, seen_ms), 0, 0},
    {"active-time", WEIR_KNOWN_NUMBER, offsetof(weir_consumer_info, active_ms), 0, 0},
};

weir_status weir_rows_next_consumer(weir_rows *rows, weir_consumer_info *consumer) {
    weir_value row;
    weir_status st = weir_rows_next(rows, 1U << WEIR_ROWS_CONSUMERS, &row);
    if (st != WEIR_OK) {
        return st;
    }
    weir_consumer_info read = {.pending_count = WEIR_UNKNOWN,
                               .idle_ms = WEIR_UNKNOWN,
                               .inactive_ms = WEIR_UNKNOWN,
                               .seen_ms = WEIR_UNKNOWN,
                               .active_ms = WEIR_UNKNOWN};
    if (!weir_rows_read_keys(rows, &row, CONSUMER_KEYS, COUNT_OF(CONSUMER_KEYS), &read,
                             &read.keys)) {
        return weir_rows_refuse(rows, "what a consumer tells of itself");
    }
    *consumer = read;
    return WEIR_OK;
}
