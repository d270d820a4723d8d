/* Adding and removing: XADD, XLEN, XTRIM, XDEL.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

/* ---- trimming, shared by XADD and XTRIM ---- */

static const char *fault_of_kind(const weir_trim *trim) {
    bool has_id = weir_id_compare(trim->min_id, WEIR_ID_MIN) != 0;
    bool is_empty = trim->max_len == 0 && !has_id && trim->limit == 0 && !trim->is_exact &&
                    trim->refs == WEIR_REFS_DEFAULT;
    switch (trim->by) {
    case WEIR_TRIM_NONE: return is_empty ? NULL : "trim.by says nothing to trim by";
    case WEIR_TRIM_MAXLEN:
        return has_id                       ? "trim.min_id goes with WEIR_TRIM_MINID"
               : trim->max_len <= INT64_MAX ? NULL
                                            : "trim.max_len is at most 2^63-1";
    case WEIR_TRIM_MINID:
        return trim->max_len == 0 ? NULL : "trim.max_len goes with WEIR_TRIM_MAXLEN";
    }
    return "trim.by is none of its kind";
}

const char *weir_trim_fault(const weir_trim *trim) {
    const char *fault = fault_of_kind(trim);
    fault = fault == NULL ? weir_refs_fault(trim->refs) : fault;
    if (fault != NULL || trim->limit == 0) {
        return fault;
    }
    if (trim->is_exact) {
        return "trim.limit goes with approximate trimming only";
    }
    return trim->limit <= INT64_MAX || trim->limit == WEIR_UNLIMITED
               ? NULL
               : "trim.limit is at most 2^63-1";
}

static weir_status check_trim(weir_client *client, const weir_trim *trim) {
    const char *fault = weir_trim_fault(trim);
    return fault != NULL ? weir_client_wrong(client, fault) : WEIR_OK;
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

static weir_status check_id(weir_client *client, const weir_xadd_options *given) {
    if (given->auto_seq && given->id.seq != 0) {
        return weir_client_wrong(client, "auto_seq: the server makes id.seq, leave it 0");
    }
    if (given->producer.len == 0) {
        return given->iid.len == 0 && !given->idmp_auto
                   ? WEIR_OK
                   : weir_client_wrong(client, "iid and idmp_auto go with a producer");
    }
    if (given->idmp_auto == (given->iid.len > 0)) {
        return weir_client_wrong(client, "a producer goes with either iid or idmp_auto");
    }
    bool is_made = !given->auto_seq && weir_id_compare(given->id, WEIR_ID_MIN) == 0;
    return is_made ? WEIR_OK
                   : weir_client_wrong(client, "producer: the server makes the id, leave "
                                               "id and auto_seq 0");
}

static weir_status check_xadd(weir_client *client, weir_view key, const weir_field *fields,
                              size_t field_count, const weir_xadd_options *given) {
    weir_status st = weir_check_key(client, key);
    st = st == WEIR_OK ? check_fields(client, fields, field_count) : st;
    st = st == WEIR_OK ? check_trim(client, &given->trim) : st;
    return st == WEIR_OK ? check_id(client, given) : st;
}

/* [IDMP producer iid | IDMPAUTO producer] */
static void put_idmp(weir_args *args, const weir_xadd_options *given) {
    if (given->producer.len == 0) {
        return;
    }
    weir_args_need(args, WEIR_FEATURE_IDMP);
    weir_args_text(args, given->idmp_auto ? "IDMPAUTO" : "IDMP");
    weir_args_view(args, given->producer);
    if (!given->idmp_auto) {
        weir_args_view(args, given->iid);
    }
}

/* * | ms-* | ms-seq */
static void put_new_id(weir_args *args, const weir_xadd_options *given) {
    if (given->auto_seq) {
        weir_args_need(args, WEIR_FEATURE_AUTO_SEQUENCE);
        weir_args_auto_id(args, given->id.ms);
    } else if (weir_id_compare(given->id, WEIR_ID_MIN) == 0) {
        weir_args_text(args, "*");
    } else {
        weir_args_id(args, "", given->id);
    }
}

/* XADD key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMP...] [trim] id field value ... */
static weir_status make_xadd(weir_client *client, weir_args *args, weir_view key,
                             const weir_field *fields, size_t field_count,
                             const weir_xadd_options *options) {
    static const weir_xadd_options defaults = {0};
    const weir_xadd_options *given = options != NULL ? options : &defaults;
    weir_status st = check_xadd(client, key, fields, field_count, given);
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_begin(args, "XADD");
    weir_args_view(args, key);
    if (given->no_mkstream) {
        weir_args_need(args, WEIR_FEATURE_NOMKSTREAM);
        weir_args_text(args, "NOMKSTREAM");
    }
    weir_args_trim_refs(args, &given->trim);
    put_idmp(args, given);
    weir_args_trim(args, &given->trim);
    put_new_id(args, given);
    args->fields = fields;
    args->field_count = field_count;
    return WEIR_OK;
}

static weir_status take_id(weir_client *client, uint64_t ticket, weir_id *id) {
    weir_id taken;
    int64_t deadline_ms = 0;
    for (;;) {
        weir_status st = weir_session_take_id(&client->session, ticket, &taken);
        st = weir_client_end_take(client, ticket, st);
        if (st == WEIR_OK && id != NULL) {
            *id = taken;
        }
        if (st != WEIR_MORE) {
            return st; /* WEIR_END: NOMKSTREAM, and there is no stream */
        }
        st = weir_client_await(client, ticket, 0, &deadline_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
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

weir_status weir_take_ids(weir_client *client, weir_id *ids, size_t count, size_t *taken) {
    size_t done = 0;
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && done < count) {
        size_t quick = weir_session_take_ids(&client->session, ids + done, count - done);
        done += quick;
        if (quick == 0) {
            st = weir_take_id(client, &ids[done]);
            done += st == WEIR_OK ? 1 : 0;
        }
    }
    *taken = done;
    return st;
}

/* ---- XLEN, XTRIM, XDEL: all answer with a count ---- */

static weir_status make_xlen(weir_client *client, weir_args *args, weir_view key) {
    weir_args_begin(args, "XLEN");
    weir_args_view(args, key);
    return weir_check_key(client, key);
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
    weir_status st = weir_check_key(client, key);
    if (st == WEIR_OK && trim->by == WEIR_TRIM_NONE) {
        return weir_client_wrong(client, "trim.by says nothing to trim by");
    }
    st = st == WEIR_OK ? check_trim(client, trim) : st;
    if (st != WEIR_OK) {
        return st;
    }
    weir_args_begin(args, "XTRIM");
    weir_args_view(args, key);
    weir_args_trim(args, trim);
    weir_args_trim_refs(args, trim);
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
    weir_args_begin(args, "XDEL");
    weir_args_view(args, key);
    args->ids = ids;
    args->id_count = id_count;
    weir_status st = weir_check_key(client, key);
    return st == WEIR_OK ? weir_check_ids(client, id_count) : st;
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
