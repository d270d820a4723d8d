/* Consumer groups and their consumers: the subcommands of XGROUP.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

static void begin_xgroup(weir_args *args, const char *verb, weir_view key,
                         weir_view group) {
    weir_args_begin(args, "XGROUP");
    weir_args_text(args, verb);
    weir_args_view(args, key);
    weir_args_view(args, group);
}

/* ---- XGROUP CREATE|SETID key group id|$ [MKSTREAM] [ENTRIESREAD n] ---- */

static weir_status make_start(weir_client *client, weir_args *args, const char *verb,
                              const weir_source *start, weir_view group,
                              const weir_xgroup_options *options) {
    static const weir_xgroup_options defaults = {0};
    const weir_xgroup_options *given = options != NULL ? options : &defaults;
    weir_status st = weir_check_group(client, start->key, group);
    if (st != WEIR_OK) {
        return st;
    }
    if (start->from == WEIR_FROM_LAST) {
        return weir_client_wrong(client, "a group starts at an id or with new entries");
    }
    begin_xgroup(args, verb, start->key, group);
    if (start->from == WEIR_FROM_NEW) {
        weir_args_text(args, "$");
    } else {
        weir_args_id(args, "", start->after);
    }
    if (given->make_stream) {
        weir_args_text(args, "MKSTREAM");
    }
    st = weir_check_number(client, given->entries_read, "entries_read is at most 2^63-1");
    if (st == WEIR_OK && (given->has_entries_read || given->entries_read != 0)) {
        weir_args_need(args, WEIR_FEATURE_ENTRIESREAD);
        weir_args_text(args, "ENTRIESREAD");
        weir_args_number(args, given->entries_read);
    }
    return st;
}

static weir_status make_create(weir_client *client, weir_args *args,
                               const weir_source *start, weir_view group,
                               const weir_xgroup_options *options) {
    return make_start(client, args, "CREATE", start, group, options);
}

/* XGROUP CREATE answers OK, XGROUP CREATECONSUMER 1 or 0. */
static weir_status read_is_new(weir_client *client, const weir_token *token, bool *is_new) {
    bool is_flag =
        token->type == WEIR_TOKEN_INTEGER && (token->number == 0 || token->number == 1);
    if (token->type != WEIR_TOKEN_SIMPLE && !is_flag) {
        return weir_session_error(&client->session, WEIR_ERR_REPLY,
                                  "%s: expected OK, 1 or 0 as answer", client->peer);
    }
    *is_new = !is_flag || token->number == 1;
    return WEIR_OK;
}

/* BUSYGROUP is the ordinary answer where the group exists. */
static weir_status take_is_new(weir_client *client, uint64_t ticket, bool *is_new) {
    weir_error before = client->session.error;
    bool is_made = false;
    weir_token token;
    weir_status st = weir_client_take_token(client, ticket, &token);
    if (st == WEIR_OK) {
        st = read_is_new(client, &token, &is_made);
    } else if (st == WEIR_ERR_SERVER &&
               client->session.error.kind == WEIR_KIND_GROUP_EXISTS) {
        client->session.error = before; /* no failure */
        st = WEIR_OK;
    }
    if (st == WEIR_OK && is_new != NULL) {
        *is_new = is_made;
    }
    return st;
}

static weir_status is_new_now(weir_client *client, weir_status made, const weir_args *args,
                              bool *is_new) {
    uint64_t ticket = 0;
    weir_status st = made;
    st = st == WEIR_OK ? weir_client_ask_now(client, args, WEIR_ANSWER_IS_NEW, 0, &ticket)
                       : st;
    return st == WEIR_OK ? take_is_new(client, ticket, is_new) : st;
}

weir_status weir_xgroup_create(weir_client *client, weir_source start, weir_view group,
                               const weir_xgroup_options *options, bool *is_new) {
    weir_args args;
    weir_status made = make_create(client, &args, &start, group, options);
    return is_new_now(client, made, &args, is_new);
}

weir_status weir_append_xgroup_create(weir_client *client, weir_source start,
                                      weir_view group, const weir_xgroup_options *options) {
    weir_args args;
    weir_status made = make_create(client, &args, &start, group, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_IS_NEW, 0);
}

weir_status weir_take_is_new(weir_client *client, bool *is_new) {
    uint64_t ticket;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_IS_NEW, &ticket);
    return st == WEIR_OK ? take_is_new(client, ticket, is_new) : st;
}

static weir_status make_setid(weir_client *client, weir_args *args,
                              const weir_source *start, weir_view group,
                              const weir_xgroup_options *options) {
    if (options != NULL && options->make_stream) {
        return weir_client_wrong(client, "make_stream is for XGROUP CREATE");
    }
    return make_start(client, args, "SETID", start, group, options);
}

weir_status weir_xgroup_setid(weir_client *client, weir_source start, weir_view group,
                              const weir_xgroup_options *options) {
    weir_args args;
    weir_status made = make_setid(client, &args, &start, group, options);
    return weir_client_done_now(client, made, &args);
}

weir_status weir_append_xgroup_setid(weir_client *client, weir_source start,
                                     weir_view group, const weir_xgroup_options *options) {
    weir_args args;
    weir_status made = make_setid(client, &args, &start, group, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_DONE, 0);
}

/* ---- XGROUP DESTROY key group ---- */

static weir_status make_destroy(weir_client *client, weir_args *args, weir_view key,
                                weir_view group) {
    begin_xgroup(args, "DESTROY", key, group);
    return weir_check_group(client, key, group);
}

weir_status weir_xgroup_destroy(weir_client *client, weir_view key, weir_view group,
                                uint64_t *count) {
    weir_args args;
    weir_status made = make_destroy(client, &args, key, group);
    return weir_client_count_now(client, made, &args, count);
}

weir_status weir_append_xgroup_destroy(weir_client *client, weir_view key,
                                       weir_view group) {
    weir_args args;
    weir_status made = make_destroy(client, &args, key, group);
    return weir_client_append(client, made, &args, WEIR_ANSWER_COUNT, 0);
}

/* ---- XGROUP CREATECONSUMER|DELCONSUMER key group consumer ---- */

static weir_status make_consumer(weir_client *client, weir_args *args, const char *verb,
                                 weir_view key, weir_view group, weir_view consumer) {
    begin_xgroup(args, verb, key, group);
    weir_args_view(args, consumer);
    return weir_check_consumer(client, key, group, consumer);
}

weir_status weir_xgroup_createconsumer(weir_client *client, weir_view key, weir_view group,
                                       weir_view consumer, bool *is_new) {
    weir_args args;
    weir_status made = make_consumer(client, &args, "CREATECONSUMER", key, group, consumer);
    weir_args_need(&args, WEIR_FEATURE_CREATECONSUMER);
    return is_new_now(client, made, &args, is_new);
}

weir_status weir_append_xgroup_createconsumer(weir_client *client, weir_view key,
                                              weir_view group, weir_view consumer) {
    weir_args args;
    weir_status made = make_consumer(client, &args, "CREATECONSUMER", key, group, consumer);
    weir_args_need(&args, WEIR_FEATURE_CREATECONSUMER);
    return weir_client_append(client, made, &args, WEIR_ANSWER_IS_NEW, 0);
}

weir_status weir_xgroup_delconsumer(weir_client *client, weir_view key, weir_view group,
                                    weir_view consumer, uint64_t *count) {
    weir_args args;
    weir_status made = make_consumer(client, &args, "DELCONSUMER", key, group, consumer);
    return weir_client_count_now(client, made, &args, count);
}

weir_status weir_append_xgroup_delconsumer(weir_client *client, weir_view key,
                                           weir_view group, weir_view consumer) {
    weir_args args;
    weir_status made = make_consumer(client, &args, "DELCONSUMER", key, group, consumer);
    return weir_client_append(client, made, &args, WEIR_ANSWER_COUNT, 0);
}
