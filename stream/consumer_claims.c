/* Taking over what others left: XAUTOCLAIM with a kept cursor, stream by stream, which also
 * clears away what was deleted while it was pending. XPENDING just before it tells who had
 * each entry, and how often it was delivered; XREADGROUP CLAIM (Redis 8.4) would tell only
 * the latter, and leaves the deleted ones where they are.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

#define ASK_AGAIN_MS 10 /* where it could not be asked: the server is not known yet */

static int64_t next_look(const weir_consumer *consumer) {
    int64_t interval_ms = consumer->options.claim_interval_ms;
    uint64_t spread = (uint64_t)interval_ms / 4 + 1; /* members of a group take turns */
    return weir_now_ms() + interval_ms - (int64_t)(weir_random_number() % spread);
}

static bool may_ask(const weir_consumer *consumer) {
    return consumer->options.claim_idle_ms != WEIR_FOREVER && consumer->is_set_up &&
           consumer->leaving == WEIR_LEAVING_NOT && consumer->is_reading_new &&
           consumer->claims.state == WEIR_LOT_NONE &&
           weir_client_is_ready(consumer->working.client) &&
           weir_orders_have_room(consumer, 2);
}

int64_t weir_claims_deadline(const weir_consumer *consumer) {
    return may_ask(consumer) ? consumer->claim_at_ms : INT64_MAX;
}

static bool is_due(const weir_consumer *consumer) {
    return may_ask(consumer) && weir_now_ms() >= consumer->claim_at_ms;
}

static weir_status ask(weir_consumer *consumer) {
    uint32_t stream = consumer->claim_stream;
    const weir_share *share = &consumer->shares[stream];
    const weir_consumer_options *options = &consumer->options;
    uint64_t idle_ms = (uint64_t)options->claim_idle_ms;
    uint64_t count = weir_lots_count(consumer);
    const weir_xpending_options idle = {.min_idle_ms = idle_ms};
    const weir_xautoclaim_options some = {.count = count};
    weir_status st =
        weir_append_xpending_range(consumer->working.client, share->key, options->group,
                                   share->claim_cursor, WEIR_ID_MAX, count, &idle);
    if (st != WEIR_OK) {
        return st;
    }
    weir_orders_note(consumer, WEIR_ORDER_FACTS, stream, 0, 0);
    st = weir_append_xautoclaim(consumer->working.client, share->key, options->group,
                                options->name, idle_ms, share->claim_cursor, &some);
    consumer->claims = (weir_lot){.client = consumer->working.client,
                                  .state = WEIR_LOT_ASKED,
                                  .origin = WEIR_ORIGIN_CLAIMED,
                                  .stream = stream,
                                  .serial = ++consumer->serial,
                                  .has_facts = true,
                                  .since_ms = weir_now_ms()};
    if (st == WEIR_OK) {
        weir_orders_note(consumer, WEIR_ORDER_CLAIM, stream, 0, 0);
    }
    return st;
}

weir_status weir_claims_go_on(weir_consumer *consumer) {
    weir_status st = is_due(consumer) ? ask(consumer) : WEIR_OK;
    bool is_later = weir_status_is_later(st);
    if (is_later) {
        weir_lot_drop(&consumer->claims);
        consumer->claim_at_ms = weir_now_ms() + ASK_AGAIN_MS;
    }
    return st == WEIR_OK || is_later
               ? WEIR_OK
               : weir_consumer_heed(consumer, consumer->working.client);
}

static weir_status take_facts(weir_consumer *consumer) {
    weir_lot *page = &consumer->claims;
    weir_status st = weir_pending_take(consumer->working.client, &page->facts);
    bool is_over = page->state != WEIR_LOT_ASKED; /* the page was given up meanwhile */
    if (st == WEIR_OK && is_over) {
        weir_pending_drop(&page->facts);
    }
    return st == WEIR_ERR_LIMIT ? WEIR_OK : st;
}

static weir_status take_claims(weir_consumer *consumer) {
    weir_lot *page = &consumer->claims;
    weir_id next = WEIR_ID_MIN;
    weir_status st = weir_take_autoclaim(page->client, &next, &page->entries);
    if (st == WEIR_OK) {
        page->state = WEIR_LOT_OPEN;
        consumer->shares[page->stream].claim_cursor = next;
    }
    return st;
}

weir_status weir_claims_take(weir_consumer *consumer, const weir_order *order) {
    weir_status st =
        order->kind == WEIR_ORDER_FACTS ? take_facts(consumer) : take_claims(consumer);
    if (st == WEIR_MORE) {
        consumer->claims.since_ms = weir_now_ms();
    }
    return st < 0 ? weir_consumer_heed(consumer, consumer->working.client) : st;
}

/* What was taken from a stream's pending entries is worked on; there may be more. */
void weir_claims_end_page(weir_consumer *consumer) {
    weir_lot *page = &consumer->claims;
    bool is_stale = page->is_stale;
    bool is_scanned =
        weir_id_compare(consumer->shares[page->stream].claim_cursor, WEIR_ID_MIN) == 0;
    weir_lot_drop(page);
    consumer->is_history_due = consumer->is_history_due || is_stale;
    if (is_scanned) {
        consumer->claim_stream = (consumer->claim_stream + 1) % consumer->share_count;
    }
    bool is_round_over = is_scanned && consumer->claim_stream == 0;
    consumer->claim_at_ms = is_round_over ? next_look(consumer) : weir_now_ms();
    weir_lots_forget(consumer);
}

void weir_claims_restart(weir_consumer *consumer) {
    weir_lot *page = &consumer->claims;
    if (consumer->given_from == page) {
        page->state = WEIR_LOT_OVER;
        page->is_kept = false;
    } else {
        weir_lot_drop(page);
    }
    weir_lots_forget(consumer);
}
