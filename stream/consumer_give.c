/* From pages to the caller: which entry is next, and whether it is to be given at all.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

#define PACE_WEIGHT 4 /* of what was before, against one of what is now */

/* ---- what is in hand of the caller ---- */

void weir_give_release(weir_consumer *consumer) {
    weir_page *page = consumer->given_from;
    consumer->given_from = NULL;
    for (size_t i = 0; i < consumer->pin_count; i++) {
        weir_buffer_unpin(&consumer->pinned_of->session.in, consumer->pins[i]);
    }
    consumer->pin_count = 0;
    if (page != NULL && page->state == WEIR_PAGE_OVER) {
        weir_page_drop(page);
    }
}

/* How long the work on an entry takes, of late. */
static void note_pace(weir_consumer *consumer) {
    if (consumer->gave_count > 0) {
        int64_t took_us = (weir_now_ms() - consumer->gave_ms) * 1000;
        took_us /= (int64_t)consumer->gave_count;
        consumer->pace_us = (consumer->pace_us * PACE_WEIGHT + took_us) / (PACE_WEIGHT + 1);
    }
    consumer->gave_count = 0;
}

/* ---- what becomes of one entry ---- */

/* Which of the streams it came from; share_count: none that was asked for. */
static uint32_t stream_of(const weir_consumer *consumer, const weir_page *page,
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

static bool has_waited_too_long(const weir_consumer *consumer, weir_page *page) {
    int64_t idle_ms = consumer->options.claim_idle_ms;
    if (idle_ms != WEIR_FOREVER && weir_now_ms() - page->since_ms > idle_ms / 2) {
        page->is_stale = true;
    }
    return page->is_stale;
}

static weir_status bury(weir_consumer *consumer, const weir_entry *entry, uint32_t stream) {
    weir_held *held = weir_hand_add(&consumer->hand, stream, entry->id);
    if (held == NULL) {
        return WEIR_ERR_FULL;
    }
    weir_status st = weir_verdicts_bury(consumer, entry, held, "delivered too often");
    if (st != WEIR_OK) {
        weir_hand_drop(&consumer->hand, held, 0);
    }
    return st == WEIR_OK ? WEIR_END : st;
}

static void count(weir_consumer *consumer, const weir_delivery *delivery) {
    consumer->counts.given++;
    consumer->counts.history += delivery->origin == WEIR_ORIGIN_HISTORY;
    consumer->counts.claimed += delivery->origin == WEIR_ORIGIN_CLAIMED;
}

static weir_status hand_over(weir_consumer *consumer, const weir_page *page,
                             uint32_t stream, weir_view from, weir_delivery *delivery) {
    weir_held *held = weir_hand_add(&consumer->hand, stream, delivery->entry.id);
    weir_share *share = &consumer->shares[stream];
    if (held == NULL) {
        return WEIR_ERR_FULL;
    }
    held->since_ms = page->since_ms;
    held->deliveries =
        delivery->entry.deliveries >= 0 ? delivery->entry.deliveries + 1 : -1;
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

/* It was asked for after that entry was settled: the entry is pending anew. */
static bool is_newer(const weir_page *page, const weir_held *known) {
    return known->state == WEIR_HELD_SETTLED &&
           (page->serial == 0 || page->serial > known->settled_at);
}

/* WEIR_OK: given. WEIR_END: dealt with, look at the next. WEIR_ERR_FULL and the like: it
 * cannot be dealt with now. */
static weir_status judge(weir_consumer *consumer, weir_page *page, weir_view from,
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

/* ---- which page ---- */

static void end_page(weir_consumer *consumer, weir_page *page) {
    consumer->pages_ended++;
    if (page == &consumer->claims) {
        weir_claims_end_page(consumer);
    } else {
        weir_reads_end_page(consumer, page);
    }
}

/* The next entry of a page that is to be given. WEIR_END: the page is over. */
static weir_status give_from(weir_consumer *consumer, weir_page *page,
                             weir_delivery *delivery) {
    for (;;) {
        weir_view from;
        weir_status st = weir_page_next(page, &delivery->entry, &from);
        if (st != WEIR_OK) {
            return st;
        }
        st = judge(consumer, page, from, delivery);
        if (st == WEIR_OK) {
            return st;
        }
        if (st != WEIR_END) {
            weir_page_keep(page, &delivery->entry);
            return st;
        }
    }
}

static bool is_open(const weir_page *page) { return page->state == WEIR_PAGE_OPEN; }

/* An iterator failed: the entry was too large, or its connection is lost. */
static weir_status heed(weir_consumer *consumer, weir_page *page, weir_status st) {
    bool goes_on = st == WEIR_ERR_LIMIT && weir_entries_is_open(&page->entries);
    if (goes_on) {
        weir_consumer_note(consumer, weir_client_error(page->client));
        return st;
    }
    if (st == WEIR_ERR_LIMIT) { /* memory was needed elsewhere: what is left comes again */
        page->is_stale = true;
        end_page(consumer, page);
        return WEIR_MORE;
    }
    return weir_consumer_heed(consumer, page->client);
}

static weir_status give_one(weir_consumer *consumer, weir_delivery *delivery) {
    for (;;) {
        weir_page *read = &consumer->reads[consumer->read_first];
        weir_page *page = is_open(&consumer->claims) ? &consumer->claims : read;
        if (!is_open(page)) {
            return WEIR_MORE;
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
            return heed(consumer, page, st);
        }
    }
}

/* ---- batches ---- */

static bool reserve_fields(weir_consumer *consumer, size_t count) {
    if (count <= consumer->field_capacity) {
        return true;
    }
    size_t wanted =
        count > consumer->field_capacity * 2 ? count : consumer->field_capacity * 2;
    weir_field *fields =
        weir_mem_resize(&consumer->mem, consumer->fields,
                        consumer->field_capacity * sizeof *fields, wanted * sizeof *fields);
    if (fields == NULL) {
        return false;
    }
    consumer->fields = fields;
    consumer->field_capacity = wanted;
    return true;
}

static bool reserve_pin(weir_consumer *consumer) {
    if (consumer->pin_count < consumer->pin_capacity) {
        return true;
    }
    size_t wanted = consumer->pin_capacity * 2 + 4;
    weir_block **pins =
        weir_mem_resize(&consumer->mem, consumer->pins,
                        consumer->pin_capacity * sizeof *pins, wanted * sizeof *pins);
    if (pins == NULL) {
        return false;
    }
    consumer->pins = pins;
    consumer->pin_capacity = wanted;
    return true;
}

/* The views of the entry just given stay although the iterator goes on. */
static bool hold_views(weir_consumer *consumer, const weir_page *page) {
    weir_session *session = &page->client->session;
    const weir_slot *slot =
        weir_session_slot(session, page->entries.slot, page->entries.serial);
    weir_block *block = slot != NULL ? slot->pinned : NULL;
    bool is_held = block == NULL || (consumer->pin_count > 0 &&
                                     consumer->pins[consumer->pin_count - 1] == block);
    if (is_held) {
        return true;
    }
    if (!reserve_pin(consumer)) {
        return false;
    }
    block->holders++;
    consumer->pins[consumer->pin_count++] = block;
    consumer->pinned_of = page->client;
    return true;
}

/* Makes room for one more of the batch, whose fields so far are `used`. */
static bool hold_entry(weir_consumer *consumer, const weir_page *page,
                       const weir_entry *entry, size_t used) {
    if (!reserve_fields(consumer, used + entry->field_count) ||
        !hold_views(consumer, page)) {
        return false;
    }
    memcpy(consumer->fields + used, entry->fields,
           entry->field_count * sizeof *entry->fields);
    return true;
}

/* The list of fields may have moved while it grew. */
static void set_fields(weir_consumer *consumer, weir_delivery *list, size_t count) {
    const weir_field *at = consumer->fields;
    for (size_t i = 0; i < count; i++) {
        list[i].entry.fields = at;
        at += list[i].entry.field_count;
    }
}

/* The caller never saw it: it is as if it had not been read. */
static void take_back(weir_consumer *consumer, weir_page *page,
                      const weir_delivery *delivery) {
    weir_held *held = weir_hand_of(&consumer->hand, delivery->ticket);
    weir_hand_drop(&consumer->hand, held, 0);
    weir_page_keep(page, &delivery->entry);
    consumer->counts.given--;
    consumer->counts.history -= delivery->origin == WEIR_ORIGIN_HISTORY;
    consumer->counts.claimed -= delivery->origin == WEIR_ORIGIN_CLAIMED;
}

/* Up to `most` of one page: those that are there. */
static weir_status give(weir_consumer *consumer, weir_delivery *list, size_t most,
                        size_t *given) {
    size_t used = 0;
    *given = 0;
    weir_status st = give_one(consumer, &list[0]);
    weir_page *page = consumer->given_from;
    if (st != WEIR_OK || most == 1) {
        *given = st == WEIR_OK;
        return st;
    }
    while (st == WEIR_OK) {
        weir_delivery *last = &list[*given];
        if (!hold_entry(consumer, page, &last->entry, used)) {
            take_back(consumer, page, last);
            st = WEIR_ERR_NOMEM;
            break;
        }
        used += last->entry.field_count;
        st = ++*given < most ? give_from(consumer, page, &list[*given]) : WEIR_END;
    }
    set_fields(consumer, list, *given);
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

/* Where a page is over the next one is to be asked for: goes on until there is nothing left
 * but to wait. */
static weir_status try_give(weir_consumer *consumer, weir_delivery *list, size_t most,
                            size_t *given) {
    bool has_flushed = false;
    for (;;) {
        uint64_t ended = consumer->pages_ended;
        weir_status st = weir_consumer_pump(consumer, has_flushed);
        st = st == WEIR_OK ? give(consumer, list, most, given) : st;
        bool may_go_on = st == WEIR_MORE || st == WEIR_ERR_FULL;
        if (!may_go_on || (has_flushed && consumer->pages_ended == ended)) {
            return st == WEIR_ERR_FULL ? full(consumer) : st;
        }
        has_flushed = true;
    }
}

static bool is_over(weir_consumer *consumer) {
    return weir_wake_is_set(&consumer->wake) || consumer->leaving != WEIR_LEAVING_NOT;
}

weir_status weir_consumer_take(weir_consumer *consumer, int64_t timeout_ms,
                               weir_delivery *deliveries, size_t most, size_t *count_out) {
    int64_t until_ms = weir_consumer_until(timeout_ms);
    *count_out = 0;
    if (most == 0) {
        return weir_consumer_wrong(consumer, "room for no delivery");
    }
    note_pace(consumer);
    weir_give_release(consumer);
    while (!is_over(consumer)) {
        weir_status st = try_give(consumer, deliveries, most, count_out);
        if (st == WEIR_OK) {
            consumer->gave_ms = weir_now_ms();
            consumer->gave_count = *count_out;
        }
        if (st != WEIR_MORE || weir_now_ms() >= until_ms) {
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
