/* From pages to the caller: which entry is next.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

#define PACE_WEIGHT 4 /* of what was before, against one of what is now */

/* ---- what is in hand of the caller ---- */

void weir_give_release(weir_consumer *consumer) {
    weir_lot *page = consumer->given_from;
    consumer->given_from = NULL;
    weir_batch_release(consumer);
    if (page != NULL && page->state == WEIR_LOT_OVER) {
        weir_lot_drop(page);
    }
}

/* How long the work on an entry takes, of late. */
static void note_pace(weir_consumer *consumer) {
    if (consumer->gave_count > 0) {
        int64_t took_us = (consumer->now_ms - consumer->gave_ms) * 1000;
        took_us /= (int64_t)consumer->gave_count;
        consumer->pace_us = (consumer->pace_us * PACE_WEIGHT + took_us) / (PACE_WEIGHT + 1);
    }
    consumer->gave_count = 0;
}

/* ---- which page ---- */

static void end_page(weir_consumer *consumer, weir_lot *page) {
    consumer->pages_ended++;
    if (page == &consumer->claims) {
        weir_claims_end_page(consumer);
    } else {
        weir_reads_end_page(consumer, page);
    }
}

/* The next entry of a page that is to be given. WEIR_END: the page is over. */
static weir_status give_from(weir_consumer *consumer, weir_lot *page,
                             weir_delivery *delivery) {
    for (;;) {
        weir_view from;
        weir_status st = weir_lot_next(page, &delivery->entry, &from);
        if (st == WEIR_ERR_LIMIT && weir_entries_is_open(&page->entries)) {
            weir_give_pass_over(consumer, page, &delivery->entry);
        }
        if (st != WEIR_OK) {
            return st;
        }
        st = weir_give_judge(consumer, page, from, delivery);
        if (st == WEIR_OK) {
            return st;
        }
        if (st != WEIR_END) {
            weir_lot_keep(page, &delivery->entry);
            return st;
        }
    }
}

static bool is_open(const weir_lot *page) { return page->state == WEIR_LOT_OPEN; }

/* An iterator failed: the entry was too large, or its connection is lost. */
static weir_status heed(weir_consumer *consumer, weir_lot *page, const weir_error *error) {
    weir_status st = error->status;
    bool goes_on = st == WEIR_ERR_LIMIT && weir_entries_is_open(&page->entries);
    if (goes_on) {
        weir_consumer_trouble(consumer, error);
        return st;
    }
    if (st == WEIR_ERR_LIMIT) { /* memory was needed elsewhere: what is left comes again */
        page->is_stale = true;
        end_page(consumer, page);
        return WEIR_MORE;
    }
    return weir_consumer_heed_error(consumer, error);
}

/* What was given before it is given first. */
static void keep_fault(weir_consumer *consumer, weir_lot *page) {
    consumer->fault = *weir_client_error(page->client);
    page->has_fault = true;
}

static weir_status heed_fault(weir_consumer *consumer, weir_lot *page) {
    weir_error error = consumer->fault;
    page->has_fault = false;
    return heed(consumer, page, &error);
}

static weir_status give_one(weir_consumer *consumer, weir_delivery *delivery) {
    for (;;) {
        weir_lot *read = &consumer->reads[consumer->read_first];
        weir_lot *page = is_open(&consumer->claims) ? &consumer->claims : read;
        if (!is_open(page)) {
            return WEIR_MORE;
        }
        if (page->has_fault) {
            return heed_fault(consumer, page);
        }
        weir_status st = give_from(consumer, page, delivery);
        if (st == WEIR_OK) {
            consumer->given_from = page;
            return st;
        }
        if (st == WEIR_END) {
            end_page(consumer, page);
        } else if (page->is_kept || st == WEIR_MORE) {
            return st;
        } else {
            return heed(consumer, page, weir_client_error(page->client));
        }
    }
}

/* Up to `most` of one page: those that are there. */
static weir_status give(weir_consumer *consumer, weir_delivery *list, size_t most,
                        size_t *given) {
    size_t used = 0;
    *given = 0;
    weir_status st = give_one(consumer, &list[0]);
    weir_lot *page = consumer->given_from;
    if (st != WEIR_OK || most == 1) {
        *given = st == WEIR_OK;
        return st;
    }
    while (st == WEIR_OK) {
        weir_delivery *last = &list[*given];
        if (!weir_batch_hold(consumer, page, &last->entry, used)) {
            weir_give_take_back(consumer, page, last);
            st = WEIR_ERR_NOMEM;
            break;
        }
        used += last->entry.field_count;
        st = ++*given < most ? give_from(consumer, page, &list[*given]) : WEIR_END;
    }
    bool is_fault = st < 0 && !page->is_kept;
    if (is_fault && *given > 0) {
        keep_fault(consumer, page);
    }
    weir_batch_set_fields(consumer, list, *given);
    return *given > 0 ? WEIR_OK : st;
}

/* ---- the calls ---- */

/* The table of what is in hand is full: by the caller's doing, or of verdicts on their way.
 */
static weir_status full(weir_consumer *consumer) {
    if (weir_hand_unsettled(&consumer->hand) > 0 || consumer->hand.settled.count > 0) {
        return WEIR_MORE;
    }
    consumer->error = (weir_error){.status = WEIR_ERR_FULL};
    memcpy(consumer->error.text, "options.in_hand entries are without a verdict", 46);
    return WEIR_ERR_FULL;
}

/* Places are kept for answers up to that page, which waits for a place: it ends, and what
 * it still holds comes again. */
static bool give_way(weir_consumer *consumer) {
    weir_lot *read = &consumer->reads[consumer->read_first];
    weir_lot *page = is_open(&consumer->claims) ? &consumer->claims : read;
    bool is_stuck = weir_hand_is_full(&consumer->hand) && page->is_kept &&
                    page->serial != 0 && weir_hand_unsettled(&consumer->hand) == 0 &&
                    consumer->hand.settled.count > 0;
    if (is_stuck) {
        page->is_stale = true;
        end_page(consumer, page);
    }
    return is_stuck;
}

/* While entries are at hand the connections are not looked at for each: only as time goes
 * on, to ask for the next page, and where enough acknowledgements wait. */
static bool is_pump_due(const weir_consumer *consumer) {
    const weir_lot *first = &consumer->reads[consumer->read_first];
    return consumer->failure != WEIR_OK || consumer->now_ms != consumer->pumped_ms ||
           first->seen <= 1 || consumer->hand.done_count >= consumer->options.ack_count;
}

/* Where a page is over the next one is to be asked for: goes on until there is nothing left
 * but to wait. */
static weir_status try_give(weir_consumer *consumer, weir_delivery *list, size_t most,
                            size_t *given) {
    bool is_due = is_pump_due(consumer);
    bool has_flushed = false;
    for (;;) {
        uint64_t ended = consumer->pages_ended;
        weir_status st = is_due ? weir_consumer_pump(consumer, has_flushed) : WEIR_OK;
        st = st == WEIR_OK ? give(consumer, list, most, given) : st;
        st = st == WEIR_ERR_FULL && give_way(consumer) ? WEIR_MORE : st;
        bool may_go_on = st == WEIR_MORE || st == WEIR_ERR_FULL;
        if (!may_go_on || (has_flushed && consumer->pages_ended == ended)) {
            return st == WEIR_ERR_FULL ? full(consumer) : st;
        }
        has_flushed = is_due;
        is_due = true;
    }
}

static bool is_over(weir_consumer *consumer) {
    return weir_wake_is_set(&consumer->wake) || consumer->leaving != WEIR_LEAVING_NOT;
}

weir_status weir_consumer_take(weir_consumer *consumer, int64_t timeout_ms,
                               weir_delivery *deliveries, size_t most, size_t *count_out) {
    int64_t until_ms = weir_consumer_until(consumer, timeout_ms);
    *count_out = 0;
    if (most == 0) {
        return weir_consumer_wrong(consumer, "room for no delivery");
    }
    note_pace(consumer);
    weir_give_release(consumer);
    while (!is_over(consumer)) {
        weir_status st = try_give(consumer, deliveries, most, count_out);
        if (st == WEIR_OK) {
            consumer->gave_ms = consumer->now_ms;
            consumer->gave_count = *count_out;
        }
        if (st != WEIR_MORE || consumer->now_ms >= until_ms) {
            return st;
        }
        st = weir_consumer_wait(consumer, until_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
    return consumer->failure != WEIR_OK ? consumer->failure : WEIR_END;
}

weir_status weir_consumer_next(weir_consumer *consumer, int64_t timeout_ms,
                               weir_delivery *delivery) {
    size_t count_one;
    return weir_consumer_take(consumer, timeout_ms, delivery, 1, &count_one);
}
