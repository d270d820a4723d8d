/* What XPENDING tells of pending entries, one by one in the order of their ids: so that it
 * can be laid beside the entries of another answer in the same order.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_PENDING_FACTS_H
#define WEIR_STREAM_PENDING_FACTS_H

#include "id.h"
#include "reply.h"

/* XPENDING key group [IDLE ms] start + count [consumer] */
typedef struct weir_pending_ask {
    weir_view key;
    weir_view group;
    uint64_t idle_ms; /* 0: all */
    weir_id start;
    uint64_t count;
    weir_view consumer; /* empty: all */
} weir_pending_ask;

/* As weir_append_command. */
weir_status weir_pending_ask_now(weir_client *client, const weir_pending_ask *ask);

typedef struct weir_pending_fact {
    weir_id id;
    weir_view owner; /* borrows until the facts are closed */
    int64_t idle_ms; /* -1: it was given back by XNACK */
    int64_t deliveries;
} weir_pending_fact;

/* Caller-held; zeroed: closed. Its address must not change while it is open. */
typedef struct weir_pending_facts {
    weir_reply reply;
    bool is_open;
    bool has_fact;
    weir_pending_fact fact;
} weir_pending_facts;

/* Takes the answer. As weir_take_reply. */
weir_status weir_pending_take(weir_client *client, weir_pending_facts *facts);

/* The next one. WEIR_OK, WEIR_END; WEIR_ERR_REPLY: it has another shape. */
weir_status weir_pending_step(weir_pending_facts *facts, weir_pending_fact *fact);

/* The one of `id`, if there is one; ids must come in ascending order. */
bool weir_pending_find(weir_pending_facts *facts, weir_id id, weir_pending_fact *fact);

void weir_pending_drop(weir_pending_facts *facts);

#endif
