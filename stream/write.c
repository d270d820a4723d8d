/* Adding and removing: XADD, XLEN, XTRIM, XDEL.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "client_private.h"

static const char *const NO_KEY = "the key is empty";

/* ---- trimming, shared by XADD and XTRIM ---- */

static weir_status check_trim(weir_client *client, const weir_trim *trim) {
    if (trim->limit != 0 && trim->is_exact) {
        return weir_client_wrong(client, "trim.limit goes with approximate trimming only");
    }
    if (trim->by == WEIR_TRIM_MAXLEN && trim->max_len > INT64_MAX) {
        return weir_client_wrong(client, "trim.max_len is at most 2^63-1");
    }
    if (trim->limit > INT64_MAX) {
        return weir_client_wrong(client, "trim.limit is at most 2^63-1");
    }
    return WEIR_OK;
}

/* MAXLEN|MINID =|~ threshold [LIMIT n] */
static void put_trim(weir_args *args, const weir_trim *trim) {
    if (trim->by == WEIR_TRIM_NONE) {
        return;
    }
    weir_args_text(args, trim->by == WEIR_TRIM_MAXLEN ? "MAXLEN" : "MINID");
    weir_args_text(args, trim->is_exact ? "=" : "~");
    if (trim->by == WEIR_TRIM_MAXLEN) {
        weir_args_number(args, trim->max_len);
    } else {
        weir_args_id(args, "", trim->min_id);
    }
    if (trim->limit != 0) {
        weir_args_text(args, "LIMIT");
        weir_args_number(args, trim->limit);
    }
}

/* ---- XADD ---- */

static weir_status check_fields(weir_client *client, const weir_field *fields,
                                size_t count) {
    if (count == 0) {
        return weir_client_wrong(client, "an entry needs at least one field");
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].name.len == 0) {
            return weir_client_wrong(client, "a field's name is empty");
        }
    }
    return WEIR_OK;
}

/* XADD key [NOMKSTREAM] [trim] id field value ... */
static weir_status make_xadd(weir_client *client, weir_args *args, weir_view key,
                             const weir_field *fields, size_t field_count,
                             const weir_xadd_options *options) {
    static const weir_xadd_options defaults = {0};
    const weir_xadd_options *given = options != NULL ? options : &defaults;
    if (key.len == 0) {
        return weir_client_wrong(client, NO_KEY);
    }
    weir_status st = check_fields(client, fields, field_count);
    st = st == WEIR_OK ? check_trim(client, &given->trim) : st;
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_begin(args, "XADD");
    weir_args_view(args, key);
    if (given->no_mkstream) {
        weir_args_text(args, "NOMKSTREAM");
    }
    put_trim(args, &given->trim);
    if (given->id.ms == 0 && given->id.seq == 0) {
        weir_args_text(args, "*");
    } else {
        weir_args_id(args, "", given->id);
    }
    args->fields = fields;
    args->field_count = field_count;
    return WEIR_OK;
}

static weir_status take_id(weir_client *client, uint64_t ticket, weir_id *id) {
    weir_id taken;
    int64_t deadline_ms = 0;
    weir_status st = weir_session_take_id(&client->session, ticket, &taken);
    while (st == WEIR_MORE) {
        st = weir_client_await(client, ticket, 0, &deadline_ms);
        if (st != WEIR_OK) {
            return st;
        }
        st = weir_session_take_id(&client->session, ticket, &taken);
    }
    if (st == WEIR_OK && id != NULL) {
        *id = taken;
    }
    return st; /* WEIR_END: NOMKSTREAM, and there is no stream */
}

weir_status weir_xadd(weir_client *client, weir_view key, const weir_field *fields,
                      size_t field_count, const weir_xadd_options *options, weir_id *id) {
    weir_args args;
    uint64_t ticket;
    weir_status st = make_xadd(client, &args, key, fields, field_count, options);
    st =
        st == WEIR_OK ? weir_client_ask_now(client, &args, WEIR_ANSWER_ID, 0, &ticket) : st;
    return st == WEIR_OK ? take_id(client, ticket, id) : st;
}

weir_status weir_append_xadd(weir_client *client, weir_view key, const weir_field *fields,
                             size_t field_count, const weir_xadd_options *options) {
    weir_args args;
    weir_status made = make_xadd(client, &args, key, fields, field_count, options);
    return weir_client_append(client, made, &args, WEIR_ANSWER_ID, 0);
}

weir_status weir_take_id(weir_client *client, weir_id *id) {
    uint64_t ticket;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_ID, &ticket);
    return st == WEIR_OK ? take_id(client, ticket, id) : st;
}

/* ---- XLEN, XTRIM, XDEL: all answer with a count ---- */

static weir_status make_xlen(weir_client *client, weir_args *args, weir_view key) {
    if (key.len == 0) {
        return weir_client_wrong(client, NO_KEY);
    }
    weir_args_begin(args, "XLEN");
    weir_args_view(args, key);
    return WEIR_OK;
}

weir_status weir_xlen(weir_client *client, weir_view key, uint64_t *count) {
    weir_args args;
    return weir_client_count_now(client, make_xlen(client, &args, key), &args, count);
}

weir_status weir_append_xlen(weir_client *client, weir_view key) {
    weir_args args;
    return weir_client_append(client, make_xlen(client, &args, key), &args,
                              WEIR_ANSWER_COUNT, 0);
}

static weir_status make_xtrim(weir_client *client, weir_args *args, weir_view key,
                              const weir_trim *trim) {
    if (key.len == 0) {
        return weir_client_wrong(client, NO_KEY);
    }
    if (trim->by == WEIR_TRIM_NONE) {
        return weir_client_wrong(client, "trim.by says nothing to trim by");
    }
    weir_status st = check_trim(client, trim);
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_begin(args, "XTRIM");
    weir_args_view(args, key);
    put_trim(args, trim);
    return WEIR_OK;
}

weir_status weir_xtrim(weir_client *client, weir_view key, const weir_trim *trim,
                       uint64_t *count) {
    weir_args args;
    return weir_client_count_now(client, make_xtrim(client, &args, key, trim), &args,
                                 count);
}

weir_status weir_append_xtrim(weir_client *client, weir_view key, const weir_trim *trim) {
    weir_args args;
    return weir_client_append(client, make_xtrim(client, &args, key, trim), &args,
                              WEIR_ANSWER_COUNT, 0);
}

static weir_status make_xdel(weir_client *client, weir_args *args, weir_view key,
                             const weir_id *ids, size_t id_count) {
    if (key.len == 0 || id_count == 0) {
        return weir_client_wrong(client, key.len == 0 ? NO_KEY : "no ids are given");
    }
    weir_args_begin(args, "XDEL");
    weir_args_view(args, key);
    args->ids = ids;
    args->id_count = id_count;
    return WEIR_OK;
}

weir_status weir_xdel(weir_client *client, weir_view key, const weir_id *ids,
                      size_t id_count, uint64_t *count) {
    weir_args args;
    return weir_client_count_now(client, make_xdel(client, &args, key, ids, id_count),
                                 &args, count);
}

weir_status weir_append_xdel(weir_client *client, weir_view key, const weir_id *ids,
                             size_t id_count) {
    weir_args args;
    return weir_client_append(client, make_xdel(client, &args, key, ids, id_count), &args,
                              WEIR_ANSWER_COUNT, 0);
}

weir_status weir_take_count(weir_client *client, uint64_t *count) {
    uint64_t ticket;
    weir_status st = weir_client_due(client, 1U << WEIR_ANSWER_COUNT, &ticket);
    return st == WEIR_OK ? weir_client_take_count(client, ticket, count) : st;
}
