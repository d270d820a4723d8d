/* What a stream tells of itself: XINFO STREAM.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"
#include "rows.h"

/* ---- XINFO STREAM key [FULL [COUNT n]] ---- */

static weir_status make_info(weir_client *client, weir_args *args, weir_view key,
                             const weir_xinfo_options *options) {
    static const weir_xinfo_options defaults = {0};
    const weir_xinfo_options *given = options != NULL ? options : &defaults;
    weir_status st = weir_check_key(client, key);
    if (st == WEIR_OK && given->count != 0 && !given->full) {
        return weir_client_wrong(client, "count goes with full");
    }
    if (st == WEIR_OK && given->count != WEIR_UNLIMITED) {
        st = weir_check_number(client, given->count, "count is at most 2^63-1");
    }
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_begin(args, "XINFO");
    weir_args_text(args, "STREAM");
    weir_args_view(args, key);
    if (given->full) {
        weir_args_text(args, "FULL");
    }
    if (given->count != 0) { /* COUNT 0 is all */
        weir_args_text(args, "COUNT");
        weir_args_number(args, given->count == WEIR_UNLIMITED ? 0 : given->count);
    }
    return WEIR_OK;
}

/* ---- its answer ---- */

#define KEY_NUMBER(name, field)                                                            \
    { name, WEIR_KNOWN_NUMBER, offsetof(weir_stream_info, field), 0, WEIR_ROWS_NONE }

static const weir_known STREAM_KEYS[] = {
    KEY_NUMBER("length", length),
    KEY_NUMBER("radix-tree-keys", radix_tree_keys),
    KEY_NUMBER("radix-tree-nodes", radix_tree_nodes),
    {"last-generated-id", WEIR_KNOWN_ID, offsetof(weir_stream_info, last_id), 0, 0},
    {"max-deleted-entry-id", WEIR_KNOWN_ID, offsetof(weir_stream_info, max_deleted_id),
     offsetof(weir_stream_info, has_max_deleted_id), 0},
    {"recorded-first-entry-id", WEIR_KNOWN_ID,
     offsetof(weir_stream_info, recorded_first_id),
     offsetof(weir_stream_info, has_recorded_first_id), 0},
    KEY_NUMBER("entries-added", entries_added),
    KEY_NUMBER("idmp-duration", idmp_duration_s),
    KEY_NUMBER("idmp-maxsize", idmp_maxsize),
    KEY_NUMBER("pids-tracked", pids_tracked),
    KEY_NUMBER("iids-tracked", iids_tracked),
    KEY_NUMBER("iids-added", iids_added),
    KEY_NUMBER("iids-duplicates", iids_duplicates),
    KEY_NUMBER("groups", group_count),
    {"groups", WEIR_KNOWN_LIST, offsetof(weir_stream_info, groups), 0, WEIR_ROWS_GROUPS},
    {"first-entry", WEIR_KNOWN_ENTRY, offsetof(weir_stream_info, first), 0, 0},
    {"last-entry", WEIR_KNOWN_ENTRY, offsetof(weir_stream_info, last), 0, 0},
    {"entries", WEIR_KNOWN_LIST, offsetof(weir_stream_info, entries), 0, WEIR_ROWS_ENTRIES},
};

static void forget(weir_stream_info *info) {
    static const weir_stream_info nothing = {
        .length = WEIR_UNKNOWN,
        .radix_tree_keys = WEIR_UNKNOWN,
        .radix_tree_nodes = WEIR_UNKNOWN,
        .group_count = WEIR_UNKNOWN,
        .entries_added = WEIR_UNKNOWN,
        .idmp_duration_s = WEIR_UNKNOWN,
        .idmp_maxsize = WEIR_UNKNOWN,
        .pids_tracked = WEIR_UNKNOWN,
        .iids_tracked = WEIR_UNKNOWN,
        .iids_added = WEIR_UNKNOWN,
        .iids_duplicates = WEIR_UNKNOWN,
    };
    *info = nothing;
}

static void begin_info(weir_client *client, weir_stream_info *info) {
    weir_session_leave(&client->session, &info->keys.answer);
    forget(info);
}

static weir_status take_info(weir_client *client, uint64_t ticket, weir_stream_info *info) {
    weir_value whole;
    weir_rows *keys = &info->keys;
    weir_status st = weir_client_take_reply(client, ticket, &keys->answer);
    if (st != WEIR_OK) {
        return st;
    }
    if (!weir_rows_whole(keys, &whole) ||
        !weir_rows_read_keys(keys, &whole, STREAM_KEYS,
                             sizeof STREAM_KEYS / sizeof STREAM_KEYS[0], info, keys)) {
        keys->is_inner = false;
        st = weir_rows_refuse(keys, "what a stream tells of itself");
        forget(info);
        return st;
    }
    keys->is_inner = false;
    if (info->group_count == WEIR_UNKNOWN && info->groups.kind != WEIR_ROWS_NONE) {
        info->group_count = (int64_t)info->groups.left;
    }
    return WEIR_OK;
}

weir_status weir_xinfo_stream(weir_client *client, weir_view key,
                              const weir_xinfo_options *options, weir_stream_info *info) {
    weir_args args;
    uint64_t ticket;
    begin_info(client, info);
    weir_status st = make_info(client, &args, key, options);
    st = st == WEIR_OK ? weir_client_ask_open(client, &args, WEIR_ANSWER_STREAM_INFO, 0,
                                              &info->keys.answer, &ticket)
                       : st;
    return st == WEIR_OK ? take_info(client, ticket, info) : st;
}

weir_status weir_append_xinfo_stream(weir_client *client, weir_view key,
                                     const weir_xinfo_options *options) {
    weir_args args;
    weir_status made = make_info(client, &args, key, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_STREAM_INFO, 0);
}

weir_status weir_take_stream_info(weir_client *client, weir_stream_info *info) {
    uint64_t ticket;
    begin_info(client, info);
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_STREAM_INFO, &ticket);
    return st == WEIR_OK ? take_info(client, ticket, info) : st;
}

void weir_stream_info_close(weir_stream_info *info) { weir_rows_close(&info->keys); }
