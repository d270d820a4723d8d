/* What XPENDING tells of pending entries, laid beside the entries of another answer that
 * come in the same order, of their ids.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_PENDING_FACTS_H
#define WEIR_STREAM_PENDING_FACTS_H

#include "inspect.h"

/* Caller-held; zeroed: closed. Its address must not change while it is open. */
typedef struct weir_pending_facts {
    weir_rows rows;
    weir_pending_entry fact; /* the row read last */
    bool is_open;
    bool has_fact;
} weir_pending_facts;

/* Takes the answer. As weir_take_rows. */
weir_status weir_pending_take(weir_client *client, weir_pending_facts *facts);

/* The one of `id`, if there is one; ids must come in ascending order. Its texts borrow
 * until the facts are dropped. */
bool weir_pending_find(weir_pending_facts *facts, weir_id id, weir_pending_entry *fact);

/* Closes them; twice is fine. */
void weir_pending_drop(weir_pending_facts *facts);

#endif
