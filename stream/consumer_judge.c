/* What becomes of one entry that came: whether it is to be given at all.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

/* Which of the streams it came from; share_count: none that was asked for. */
static uint32_t stream_of(const weir_consumer *consumer, const weir_lot *page,
                          const weir_entry *entry) {
    uint32_t stream = page->stream;
    if (page->origin != WEIR_ORIGIN_NEW) {
        return stream;
    }
    while (stream < consumer->share_count &&
           !weir_view_equal(consumer->shares[stream].key, entry->stream)) {
        stream++;
    }
    return stream;
}

/* It was deleted while it was pending: is acknowledged, or it would come again for ever. */
static weir_status clear_ghost(weir_consumer *consumer, uint32_t stream, weir_id id) {
    weir_held *held = weir_hand_add(&consumer->hand, stream, id);
    if (held == NULL) {
        return WEIR_ERR_FULL;
    }
    weir_verdicts_note_done(consumer, held);
    consumer->counts.ghosts++;
    return WEIR_END;
}

static bool has_waited_too_long(const weir_consumer *consumer, weir_lot *page) {
    int64_t idle_ms = consumer->options.claim_idle_ms;
    if (idle_ms != WEIR_FOREVER && consumer->now_ms - page->since_ms > idle_ms / 2) {
        page->is_stale = true;
    }
    return page->is_stale;
}

/* A letter that cannot be written leaves the entry pending: what is behind it goes on. */
static weir_status bury(weir_consumer *consumer, const weir_entry *entry, uint32_t stream) {
    weir_held *held = weir_hand_add(&consumer->hand, stream, entry->id);
    if (held == NULL) {
        return WEIR_ERR_FULL;
    }
    weir_status st = weir_letters_bury(consumer, entry, held, "delivered too often");
    if (st != WEIR_OK) {
        weir_hand_drop(&consumer->hand, held, 0);
    }
    if (st == WEIR_ERR_ARG || st == WEIR_ERR_LIMIT) {
        weir_consumer_trouble(consumer, weir_client_error(consumer->working.client));
        return WEIR_END;
    }
    if (weir_status_is_lost(st)) {
        return WEIR_MORE;
    }
    return st == WEIR_OK ? WEIR_END : st;
}

void weir_give_pass_over(weir_consumer *consumer, const weir_lot *page,
                         const weir_entry *entry) {
    uint32_t stream = stream_of(consumer, page, entry);
    if (stream < consumer->share_count) {
        weir_hand_loosen(&consumer->hand, stream, entry->id);
    }
}

static void count(weir_consumer *consumer, const weir_delivery *delivery) {
    consumer->counts.given++;
    consumer->counts.history += delivery->origin == WEIR_ORIGIN_HISTORY;
    consumer->counts.claimed += delivery->origin == WEIR_ORIGIN_CLAIMED;
}

static weir_status hand_over(weir_consumer *consumer, const weir_lot *page, uint32_t stream,
                             weir_view from, weir_delivery *delivery) {
    weir_held *held = weir_hand_add(&consumer->hand, stream, delivery->entry.id);
    weir_share *share = &consumer->shares[stream];
    if (held == NULL) {
        return WEIR_ERR_FULL;
    }
    held->since_ms = page->since_ms;
    held->deliveries =
        delivery->entry.deliveries >= 0 ? delivery->entry.deliveries + 1 : -1;
    if (delivery->entry.deliveries < 0) { /* it is pending: once at least */
        delivery->entry.deliveries = 1;
    }
    delivery->entry.stream = share->key;
    delivery->ticket = held->ticket;
    delivery->from = from;
    delivery->origin = page->origin;
    bool was_own = weir_view_equal(from, consumer->options.name);
    if (page->origin == WEIR_ORIGIN_CLAIMED && was_own) {
        delivery->origin = WEIR_ORIGIN_HISTORY;
    }
    if (delivery->origin != WEIR_ORIGIN_CLAIMED) {
        delivery->from = weir_bytes(NULL, 0);
    }
    if (page->origin == WEIR_ORIGIN_NEW &&
        weir_id_compare(share->furthest, delivery->entry.id) < 0) {
        share->furthest = delivery->entry.id;
    }
    count(consumer, delivery);
    return WEIR_OK;
}

static bool is_given_too_often(const weir_consumer *consumer, const weir_entry *entry) {
    uint64_t most = consumer->options.max_deliveries;
    return most > 0 && entry->deliveries >= 0 && (uint64_t)entry->deliveries >= most;
}

/* It was asked for after that entry was settled, or, on the same line, after it was given
 * back: the entry is pending anew. A group gives nothing as new twice: where a verdict is
 * still to be answered it was made anew, and that answer, if the server had given it
 * before, leaves this one pending. */
static bool is_newer(const weir_lot *page, const weir_held *known) {
    if (page->origin == WEIR_ORIGIN_NEW) {
        return known->state != WEIR_HELD_GIVEN;
    }
    bool is_claimed = page->origin == WEIR_ORIGIN_CLAIMED && page->serial > known->back_at;
    return known->state == WEIR_HELD_SETTLED &&
           (page->serial > known->settled_at || is_claimed);
}

weir_status weir_give_judge(weir_consumer *consumer, weir_lot *page, weir_view from,
                            weir_delivery *delivery) {
    const weir_entry *entry = &delivery->entry;
    uint32_t stream = stream_of(consumer, page, entry);
    if (stream == consumer->share_count) {
        return WEIR_END;
    }
    if (entry->state == WEIR_ENTRY_PURGED) {
        consumer->counts.ghosts++;
        return WEIR_END;
    }
    weir_held *known = weir_hand_find(&consumer->hand, stream, entry->id);
    if (known != NULL && !is_newer(page, known)) {
        if (known->deliveries > 0 && page->origin != WEIR_ORIGIN_NEW) {
            known->deliveries++;
        }
        consumer->counts.skipped++;
        return WEIR_END;
    }
    if (has_waited_too_long(consumer, page)) {
        consumer->counts.stale++;
        return WEIR_END;
    }
    if (entry->state != WEIR_ENTRY_WHOLE) {
        return clear_ghost(consumer, stream, entry->id);
    }
    if (is_given_too_often(consumer, entry)) {
        return bury(consumer, entry, stream);
    }
    return hand_over(consumer, page, stream, from, delivery);
}

void weir_give_take_back(weir_consumer *consumer, weir_lot *page,
                         const weir_delivery *delivery) {
    weir_held *held = weir_hand_of(&consumer->hand, delivery->ticket);
    weir_entry entry = delivery->entry;
    entry.deliveries = held->deliveries >= 0 ? held->deliveries - 1 : -1;
    weir_hand_drop(&consumer->hand, held, 0);
    weir_lot_keep(page, &entry);
    consumer->counts.given--;
    consumer->counts.history -= delivery->origin == WEIR_ORIGIN_HISTORY;
    consumer->counts.claimed -= delivery->origin == WEIR_ORIGIN_CLAIMED;
}
