/* The reading line: first what this name had in hand before, then what is new, asked for
 * ahead of its use.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

static weir_lot *page_at(weir_consumer *consumer, uint32_t ahead) {
    return &consumer->reads[(consumer->read_first + ahead) % WEIR_READS_MOST];
}

static void begin_page(weir_consumer *consumer, weir_lot *page, weir_origin origin,
                       uint32_t stream, bool has_facts) {
    *page = (weir_lot){.client = consumer->reading.client,
                       .state = WEIR_LOT_ASKED,
                       .origin = origin,
                       .stream = stream,
                       .has_facts = has_facts,
                       .since_ms = weir_now_ms()};
    if (origin != WEIR_ORIGIN_NEW) {
        page->serial = ++consumer->serial;
    }
}

/* ---- asking ---- */

/* How often each was delivered is told by XPENDING alone: asked just before, it tells how
 * often it had been. What is in hand may be acknowledged between the two, by the other
 * line, and the second answer then reaches further: so the first is to tell of that many
 * more. */
static weir_status ask_history(weir_consumer *consumer, weir_lot *page) {
    uint32_t stream = consumer->history_stream;
    weir_view key = consumer->shares[stream].key;
    const weir_consumer_options *options = &consumer->options;
    uint64_t count = weir_lots_count(consumer);
    uint64_t in_hand =
        (uint64_t)consumer->hand.given + weir_hand_unsettled(&consumer->hand);
    const weir_xpending_options mine = {.consumer = options->name};
    weir_id start = WEIR_ID_MAX;
    (void)weir_id_next(consumer->history_cursor, &start);
    weir_source own = weir_source_after(key, consumer->history_cursor);
    const weir_read_options some = {.count = count};
    weir_status st =
        weir_append_xpending_range(consumer->reading.client, key, options->group, start,
                                   WEIR_ID_MAX, count + in_hand, &mine);
    if (st != WEIR_OK) {
        return st;
    }
    st = weir_append_xreadgroup(consumer->reading.client, options->group, options->name,
                                &own, 1, &some);
    if (st != WEIR_OK) { /* the first of the two is answered all the same */
        (void)weir_client_reconnect(consumer->reading.client);
        return st;
    }
    begin_page(consumer, page, WEIR_ORIGIN_HISTORY, stream, true);
    return WEIR_OK;
}

static weir_status ask_new(weir_consumer *consumer, weir_lot *page) {
    const weir_consumer_options *options = &consumer->options;
    const weir_read_options some = {.count = weir_lots_count(consumer),
                                    .block_ms = options->block_ms};
    weir_status st =
        weir_append_xreadgroup(consumer->reading.client, options->group, options->name,
                               consumer->sources, consumer->share_count, &some);
    if (st == WEIR_OK) {
        begin_page(consumer, page, WEIR_ORIGIN_NEW, 0, false);
    }
    return st;
}

static bool may_ask(const weir_consumer *consumer) {
    return consumer->is_set_up && consumer->leaving == WEIR_LEAVING_NOT &&
           weir_client_is_ready(consumer->reading.client);
}

/* Which page is to be asked for now; NULL: none. */
static weir_lot *page_to_ask(weir_consumer *consumer) {
    weir_lot *first = page_at(consumer, 0);
    weir_lot *second = page_at(consumer, 1);
    if (!may_ask(consumer)) {
        return NULL;
    }
    if (first->state == WEIR_LOT_NONE) {
        return first;
    }
    bool is_ahead = consumer->is_reading_new && !consumer->is_history_due &&
                    !consumer->options.no_read_ahead && first->seen > 0;
    return is_ahead && second->state == WEIR_LOT_NONE ? second : NULL;
}

static weir_status ask(weir_consumer *consumer, weir_lot *page) {
    if (consumer->is_history_due) {
        consumer->is_history_due = false;
        consumer->is_reading_new = false;
        consumer->history_stream = 0;
        consumer->history_cursor = WEIR_ID_MIN;
    }
    return consumer->is_reading_new ? ask_new(consumer, page) : ask_history(consumer, page);
}

/* ---- answers ---- */

/* WEIR_OK: it is open. */
static weir_status open_page(weir_consumer *consumer, weir_lot *page) {
    weir_status st = WEIR_OK;
    if (page->has_facts && !page->is_told) {
        st = weir_pending_take(page->client, &page->facts);
        page->is_told = st == WEIR_OK || st == WEIR_ERR_LIMIT;
        st = page->is_told ? WEIR_OK : st;
    }
    st = st == WEIR_OK ? weir_take_entries(page->client, &page->entries) : st;
    if (st == WEIR_OK) {
        page->state = WEIR_LOT_OPEN;
        weir_backoff_reset(&consumer->backoff);
    } else if (st == WEIR_MORE) {
        page->since_ms = weir_now_ms(); /* it had not come yet: nothing of it has waited */
    }
    return st;
}

weir_status weir_reads_go_on(weir_consumer *consumer) {
    weir_lot *first = page_at(consumer, 0);
    weir_status st = WEIR_OK;
    if (first->state == WEIR_LOT_ASKED) {
        st = open_page(consumer, first);
    }
    if (st < 0) { /* also without memory: whether that answer is still due is not known */
        return weir_consumer_heed(consumer, consumer->reading.client);
    }
    weir_lot *page = page_to_ask(consumer);
    st = page != NULL ? ask(consumer, page) : WEIR_OK;
    bool is_later = weir_status_is_later(st);
    return st >= 0 || is_later ? WEIR_OK
                               : weir_consumer_heed(consumer, consumer->reading.client);
}

void weir_reads_end_page(weir_consumer *consumer, weir_lot *page) {
    if (page->is_stale) {
        consumer->is_history_due = true;
        page_at(consumer, 1)->is_stale = true;
    } else if (page->origin == WEIR_ORIGIN_HISTORY && page->seen > 0) {
        consumer->history_cursor = page->last;
    } else if (page->origin == WEIR_ORIGIN_HISTORY) {
        consumer->history_cursor = WEIR_ID_MIN;
        consumer->history_stream++;
        consumer->is_reading_new = consumer->history_stream == consumer->share_count;
    }
    weir_lot_drop(page);
    consumer->read_first = (consumer->read_first + 1) % WEIR_READS_MOST;
    weir_lots_forget(consumer);
}

void weir_reads_restart(weir_consumer *consumer) {
    for (uint32_t i = 0; i < WEIR_READS_MOST; i++) {
        weir_lot *page = &consumer->reads[i];
        if (consumer->given_from == page) { /* its last entry may still be looked at */
            page->state = WEIR_LOT_OVER;
            page->is_kept = false;
        } else {
            weir_lot_drop(page);
        }
    }
    consumer->is_history_due = true;
    weir_lots_forget(consumer);
}
