/* What XPENDING tells of pending entries, beside the entries of another answer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pending_facts.h"

weir_status weir_pending_take(weir_client *client, weir_pending_facts *facts) {
    weir_status st = weir_take_rows(client, &facts->rows);
    facts->is_open = st == WEIR_OK;
    facts->has_fact = false;
    return st;
}

bool weir_pending_find(weir_pending_facts *facts, weir_id id, weir_pending_entry *fact) {
    while (!facts->has_fact || weir_id_compare(facts->fact.id, id) < 0) {
        facts->has_fact =
            facts->is_open && weir_rows_next_pending(&facts->rows, &facts->fact) == WEIR_OK;
        if (!facts->has_fact) {
            return false;
        }
    }
    *fact = facts->fact;
    return weir_id_compare(facts->fact.id, id) == 0;
}

void weir_pending_drop(weir_pending_facts *facts) {
    if (facts->is_open) {
        weir_rows_close(&facts->rows);
    }
    facts->is_open = false;
    facts->has_fact = false;
}
