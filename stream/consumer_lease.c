/* Keeping a long job: reading one's own pending entry again counts its idle time anew, and
 * finds nothing where it is another's by now (wire facts, 1.10).
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

static weir_status ask(weir_consumer *consumer, weir_held *held) {
    weir_id before;
    if (weir_id_previous(held->id, &before) != WEIR_OK) {
        return weir_consumer_wrong(consumer, "0-0 is no entry");
    }
    if (!weir_orders_have_room(consumer, 2)) {
        return WEIR_MORE;
    }
    weir_source own = weir_source_after(consumer->shares[held->stream].key, before);
    const weir_read_options one = {.count = 1};
    weir_status st =
        weir_append_xreadgroup(consumer->working.client, consumer->options.group,
                               consumer->options.name, &own, 1, &one);
    if (st == WEIR_OK) {
        held->lease = WEIR_LEASE_ASKED;
        held->asked_ms = weir_now_ms();
        weir_orders_note(consumer, WEIR_ORDER_EXTEND, held->stream, 0, held->ticket);
    }
    return st;
}

/* To read it again has counted as a delivery, which it was not. Nobody can have claimed it
 * in between: it has just been read. */
static void mend_count(weir_consumer *consumer, const weir_held *held) {
    const weir_xclaim_options again = {.has_retry_count = true,
                                       .retry_count = (uint64_t)held->deliveries,
                                       .ids_only = true};
    if (held->deliveries <= 0) {
        return;
    }
    weir_status st = weir_append_xclaim(
        consumer->working.client, consumer->shares[held->stream].key,
        consumer->options.group, consumer->options.name, 0, &held->id, 1, &again);
    if (st == WEIR_OK) {
        weir_orders_note(consumer, WEIR_ORDER_COUNT, held->stream, 0, 0);
    }
}

weir_status weir_lease_take(weir_consumer *consumer, const weir_order *order) {
    weir_held *held = weir_hand_of(&consumer->hand, order->ticket);
    weir_status st = WEIR_OK;
    if (!consumer->is_lease_open) {
        st = weir_take_entries(consumer->working.client, &consumer->lease);
        consumer->is_lease_open = st == WEIR_OK;
    }
    weir_entry entry;
    st = st == WEIR_OK ? weir_entries_next(&consumer->lease, &entry) : st;
    if (st == WEIR_MORE) {
        return st;
    }
    bool is_answered = st == WEIR_OK || st == WEIR_END || st == WEIR_ERR_LIMIT;
    bool is_ours =
        st == WEIR_ERR_LIMIT || /* it is there, only too large */
        (st == WEIR_OK && held != NULL && weir_id_compare(entry.id, held->id) == 0);
    weir_entries_close(&consumer->lease);
    consumer->is_lease_open = false;
    if (!is_answered || held == NULL || held->state != WEIR_HELD_GIVEN) {
        return is_answered ? WEIR_OK : st;
    }
    held->lease = is_ours ? WEIR_LEASE_OURS : WEIR_LEASE_LOST;
    if (is_ours) {
        held->since_ms = held->asked_ms;
        mend_count(consumer, held);
    }
    return WEIR_OK;
}

/* WEIR_MORE: nothing is known yet. */
static weir_status look(weir_consumer *consumer, weir_held *held) {
    switch (held->lease) {
    case WEIR_LEASE_QUIET: {
        weir_status st = ask(consumer, held);
        return st < 0 && st != WEIR_ERR_FULL && st != WEIR_ERR_DOWN ? st : WEIR_MORE;
    }
    case WEIR_LEASE_ASKED: return WEIR_MORE;
    case WEIR_LEASE_OURS: held->lease = WEIR_LEASE_QUIET; return WEIR_OK;
    case WEIR_LEASE_LOST:
        consumer->counts.taken++;
        weir_hand_drop(&consumer->hand, held, weir_lots_serial(consumer));
        return WEIR_END;
    }
    return WEIR_MORE;
}

weir_status weir_consumer_extend(weir_consumer *consumer, int64_t timeout_ms,
                                 const weir_delivery *delivery) {
    int64_t until_ms = weir_consumer_until(consumer, timeout_ms);
    for (;;) {
        weir_status st = weir_consumer_pump(consumer, false);
        weir_held *held = weir_hand_of(&consumer->hand, delivery->ticket);
        if (st == WEIR_OK && (held == NULL || held->state != WEIR_HELD_GIVEN)) {
            return weir_consumer_wrong(consumer, "this delivery is not in hand");
        }
        st = st == WEIR_OK ? look(consumer, held) : st;
        if (st != WEIR_MORE || weir_now_ms() >= until_ms) {
            return st;
        }
        st = weir_consumer_wait_on(consumer, until_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
}
