/* Acknowledging pending entries and giving them back: XACK and XNACK.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

/* ---- XACK key group id ... ---- */

static weir_status make_xack(weir_client *client, weir_args *args, weir_view key,
                             weir_view group, const weir_id *ids, size_t id_count) {
    weir_args_begin(args, "XACK");
    weir_args_view(args, key);
    weir_args_view(args, group);
    args->ids = ids;
    args->id_count = id_count;
    weir_status st = weir_check_group(client, key, group);
    return st == WEIR_OK ? weir_check_ids(client, id_count) : st;
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

/* ---- XNACK key group SILENT|FAIL|FATAL IDS count id ... [RETRYCOUNT n] [FORCE] ---- */

static const char *nack_text(weir_nack why) {
    switch (why) {
    case WEIR_NACK_SILENT: return "SILENT";
    case WEIR_NACK_FAIL: return "FAIL";
    case WEIR_NACK_FATAL: return "FATAL";
    }
    return NULL;
}

static weir_status make_xnack(weir_client *client, weir_args *args, weir_view key,
                              weir_view group, weir_nack why, const weir_id *ids,
                              size_t id_count, const weir_xnack_options *options) {
    static const weir_xnack_options defaults = {0};
    const weir_xnack_options *given = options != NULL ? options : &defaults;
    weir_status st = weir_check_group(client, key, group);
    st = st == WEIR_OK ? weir_check_ids(client, id_count) : st;
    if (st != WEIR_OK) {
        return st;
    }
    if (nack_text(why) == NULL) {
        return weir_client_wrong(client, "why is none of weir_nack");
    }
    st = weir_check_number(client, given->retry_count, "retry_count is at most 2^63-1");
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_begin(args, "XNACK");
    weir_args_need(args, WEIR_FEATURE_XNACK);
    weir_args_view(args, key);
    weir_args_view(args, group);
    weir_args_text(args, nack_text(why));
    weir_args_counted_ids(args, ids, id_count);
    weir_args_begin_tail(args);
    if (given->has_retry_count || given->retry_count != 0) {
        weir_args_text(args, "RETRYCOUNT");
        weir_args_number(args, given->retry_count);
    }
    if (given->force) {
        weir_args_text(args, "FORCE");
    }
    return WEIR_OK;
}

weir_status weir_xnack(weir_client *client, weir_view key, weir_view group, weir_nack why,
                       const weir_id *ids, size_t id_count,
                       const weir_xnack_options *options, uint64_t *count) {
    weir_args args;
    weir_status made = make_xnack(client, &args, key, group, why, ids, id_count, options);
    return weir_client_count_now(client, made, &args, count);
}

weir_status weir_append_xnack(weir_client *client, weir_view key, weir_view group,
                              weir_nack why, const weir_id *ids, size_t id_count,
                              const weir_xnack_options *options) {
    weir_args args;
    weir_status made = make_xnack(client, &args, key, group, why, ids, id_count, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_COUNT, 0);
}
