/* Answers that give entries: history, new ones, claimed ones.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

/* Work in hand must not wait longer than this part of claim_idle_ms. */
#define SHARE_OF_IDLE 4

static void add_fact(weir_lot *page, weir_entry *entry, weir_view *from) {
    weir_pending_entry fact;
    *from = weir_bytes(NULL, 0);
    if (page->origin == WEIR_ORIGIN_NEW) { /* the answer to XREADGROUP CLAIM tells it */
        entry->deliveries = entry->deliveries < 0 ? 0 : entry->deliveries;
        entry->idle_ms = entry->idle_ms < 0 ? 0 : entry->idle_ms;
    } else if (weir_pending_find(&page->facts, entry->id, &fact)) {
        entry->deliveries = fact.deliveries;
        entry->idle_ms = fact.idle_ms;
        *from = fact.consumer;
    }
}

weir_status weir_lot_next(weir_lot *page, weir_entry *entry, weir_view *from) {
    weir_status st = WEIR_OK;
    if (page->is_kept) {
        *entry = page->kept;
        page->is_kept = false;
    } else {
        entry->id = WEIR_ID_MIN;
        st = weir_entries_next(&page->entries, entry);
    }
    bool is_passed = /* for its size */
        st == WEIR_ERR_LIMIT && weir_id_compare(entry->id, WEIR_ID_MIN) > 0;
    if (st == WEIR_OK || is_passed) {
        page->seen++;
        page->last = entry->id;
    }
    if (st == WEIR_OK) {
        add_fact(page, entry, from);
    }
    return st;
}

void weir_lot_keep(weir_lot *page, const weir_entry *entry) {
    page->kept = *entry;
    page->is_kept = true;
    page->seen--;
}

void weir_lot_drop(weir_lot *page) {
    weir_entries_close(&page->entries);
    weir_pending_drop(&page->facts);
    *page = (weir_lot){.state = WEIR_LOT_NONE};
}

/* The answer of a page that is no more asked for comes all the same, or is lost: it is only
 * to be forgotten. */
static void raise(const weir_lot *page, uint64_t *lowest) {
    bool is_due = page->state != WEIR_LOT_NONE && page->serial != 0;
    if (is_due && page->serial < *lowest) {
        *lowest = page->serial;
    }
}

void weir_lots_forget(weir_consumer *consumer) {
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < WEIR_READS_MOST; i++) {
        raise(&consumer->reads[i], &lowest);
    }
    raise(&consumer->claims, &lowest);
    weir_hand_forget(&consumer->hand, lowest);
}

uint64_t weir_lots_serial(const weir_consumer *consumer) {
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < WEIR_READS_MOST; i++) {
        raise(&consumer->reads[i], &lowest);
    }
    raise(&consumer->claims, &lowest);
    return lowest == UINT64_MAX ? 0 : consumer->serial;
}

/* Slow work asks for less, so that nothing prefetched waits until others may claim it. */
uint64_t weir_lots_count(const weir_consumer *consumer) {
    uint64_t count = consumer->options.count;
    int64_t idle_ms = consumer->options.claim_idle_ms;
    if (idle_ms == WEIR_FOREVER || consumer->pace_us <= 0) {
        return count;
    }
    uint64_t fits = (uint64_t)(idle_ms / SHARE_OF_IDLE * 1000 / consumer->pace_us);
    fits = fits > 0 ? fits : 1;
    return fits < count ? fits : count;
}
