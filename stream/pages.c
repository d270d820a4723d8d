/* A range of any size, page by page: which page to ask for, and when.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "checks.h"

#define DEFAULT_PAGE 1000

/* While the page's end has not come, so often is it looked for in the socket, as long as no
 * more bytes than these wait: a page may be larger than the receive buffer is at first. */
#define ENTRIES_A_LOOK 64
#define LOOK_BYTES     (256 * 1024)

/* ---- beginning ---- */

static weir_status check_pages(weir_client *client, weir_view key,
                               const weir_pages_options *given) {
    weir_status st = weir_check_key(client, key);
    st = st == WEIR_OK ? weir_check_number(client, given->page, "page is at most 2^63-1")
                       : st;
    return st == WEIR_OK
               ? weir_check_number(client, given->count, "count is at most 2^63-1")
               : st;
}

weir_status weir_pages_open(weir_client *client, weir_view key, weir_id start, weir_id end,
                            const weir_pages_options *options, weir_pages *pages) {
    static const weir_pages_options defaults = {0};
    const weir_pages_options *given = options != NULL ? options : &defaults;
    weir_session_leave(&client->session, pages);
    pages->client = NULL;
    pages->has_position = false;
    weir_status st = check_pages(client, key, given);
    if (st != WEIR_OK) {
        return st;
    }
    bool is_void = (given->exclude_start && weir_id_next(start, &start) != WEIR_OK) ||
                   (given->exclude_end && weir_id_previous(end, &end) != WEIR_OK);
    if (is_void) {
        return weir_client_wrong(client, "nothing lies beyond the last or before 0-0");
    }
    *pages = (weir_pages){.client = client,
                          .key = key,
                          .low = start,
                          .high = end,
                          .wanted = given->count != 0 ? given->count : UINT64_MAX,
                          .page = given->page != 0 ? given->page : DEFAULT_PAGE,
                          .is_reverse = given->is_reverse};
    return WEIR_OK;
}

bool weir_pages_is_open(const weir_pages *pages) { return pages->client != NULL; }

bool weir_pages_position(const weir_pages *pages, weir_id *position) {
    if (pages->has_position) {
        *position = pages->position;
    }
    return pages->has_position;
}

/* ---- the page in hand, and the one asked for ---- */

static weir_slot *slot_of(const weir_pages *pages) {
    return weir_session_slot(&pages->client->session, pages->slot, pages->serial);
}

/* Gives up the page in hand and the one behind it: what is still wanted is asked for anew.
 */
static void forget(weir_pages *pages) {
    weir_session *session = &pages->client->session;
    weir_slot *slot = slot_of(pages);
    if (slot != NULL) {
        weir_session_close_slot(session, slot);
    }
    weir_slot *half = weir_session_half_open(session, pages->ticket);
    if (half != NULL) {
        weir_session_close_slot(session, half);
    }
    if (weir_session_has_page(session, pages->ticket)) {
        weir_session_abandon(session, pages->ticket);
    }
    pages->ticket = 0;
    pages->serial = 0;
}

void weir_pages_close(weir_pages *pages) {
    if (pages->client != NULL) {
        forget(pages);
        pages->client = NULL;
    }
}

static weir_status ask(weir_pages *pages, weir_id low, weir_id high, uint64_t wanted,
                       uint64_t *ticket) {
    weir_args args;
    uint64_t count = wanted < pages->page ? wanted : pages->page;
    weir_client_put_range(&args, pages->key, low, high, pages->is_reverse, count);
    weir_status st = weir_client_ask_page(pages->client, &args, ticket);
    if (st == WEIR_OK) {
        pages->asked = count;
    }
    return st;
}

/* Asks for the page behind `last`. Where that cannot be done now, it is when the page is
 * needed. */
static void ask_behind(weir_pages *pages, weir_slot *slot, weir_id last) {
    weir_id low = pages->low;
    weir_id high = pages->high;
    bool has_more = pages->is_full && pages->behind > 0 && slot->ahead == 0 &&
                    (pages->is_reverse ? weir_id_previous(last, &high)
                                       : weir_id_next(last, &low)) == WEIR_OK;
    uint64_t ticket;
    if (has_more && ask(pages, low, high, pages->behind, &ticket) == WEIR_OK) {
        slot->ahead = ticket;
    }
}

/* ---- opening a page ---- */

static weir_status refuse(weir_pages *pages, const char *what) {
    weir_session *session = &pages->client->session;
    weir_pages_close(pages);
    return weir_session_error(session, WEIR_ERR_REPLY, "%s: a page of entries %s",
                              session->peer, what);
}

static weir_status begin_page(weir_pages *pages, const weir_slot *slot) {
    pages->ticket = 0;
    pages->serial = slot->serial;
    pages->slot = weir_session_slot_index(&pages->client->session, slot);
    if (slot->list_count > pages->asked) {
        return refuse(pages, "that has more than were asked for");
    }
    pages->is_full = slot->list_count == pages->asked;
    pages->behind = pages->wanted - slot->list_count;
    return WEIR_OK;
}

/* Sees to it that a page is asked for. WEIR_END: nothing is wanted any more. */
static weir_status need_page(weir_pages *pages) {
    if (pages->wanted == 0 || pages->is_over) {
        return WEIR_END;
    }
    return weir_session_has_page(&pages->client->session, pages->ticket)
               ? WEIR_OK
               : ask(pages, pages->low, pages->high, pages->wanted, &pages->ticket);
}

static weir_status open_page(weir_pages *pages) {
    weir_slot *slot;
    weir_status st = need_page(pages);
    st = st == WEIR_OK ? weir_session_open_entries(&pages->client->session, pages->ticket,
                                                   pages, &slot)
                       : st;
    return st == WEIR_OK ? begin_page(pages, slot) : st;
}

/* ---- handing over ---- */

/* `id` is over: what comes lies beyond it. */
static void pass(weir_pages *pages, weir_id id) {
    weir_id *bound = pages->is_reverse ? &pages->high : &pages->low;
    weir_status st =
        pages->is_reverse ? weir_id_previous(id, bound) : weir_id_next(id, bound);
    pages->is_over = st != WEIR_OK;
    pages->position = id;
    pages->has_position = true;
    pages->wanted--;
}

static bool is_in_range(const weir_pages *pages, weir_id id) {
    return !pages->is_over && weir_id_compare(id, pages->low) >= 0 &&
           weir_id_compare(id, pages->high) <= 0;
}

static weir_status hand_over(weir_pages *pages, weir_slot *slot, const weir_entry *entry) {
    if (!is_in_range(pages, entry->id)) {
        return refuse(pages, "that is not in order, or not of the range");
    }
    pass(pages, entry->id);
    if (weir_reader_depth(&slot->reader) < slot->list_depth) { /* the page's last one */
        ask_behind(pages, slot, entry->id);
    }
    return WEIR_OK;
}

/* An entry was passed over for its size. */
static void hand_over_passed(weir_pages *pages, const weir_slot *slot) {
    if (is_in_range(pages, slot->passing_id)) {
        pass(pages, slot->passing_id);
    }
}

/* The page in hand is over. WEIR_OK: another one may follow. */
static weir_status turn_page(weir_pages *pages, weir_slot *slot) {
    if (!pages->is_full) {
        return WEIR_END;
    }
    pages->ticket = slot->ahead;
    slot->ahead = 0; /* closing would give it up */
    weir_session_close_slot(&pages->client->session, slot);
    pages->serial = 0;
    return WEIR_OK;
}

/* Asks for the next page as soon as this one's end has come. */
static void look_ahead(weir_pages *pages, weir_slot *slot) {
    weir_session *session = &pages->client->session;
    weir_id last;
    bool is_due = slot == session->streaming && pages->wanted % ENTRIES_A_LOOK == 0;
    if (is_due && weir_buffer_len(&session->in) < LOOK_BYTES) {
        (void)weir_client_receive(pages->client); /* a failure sticks */
    }
    if (weir_session_look_ahead(session, slot, &last)) {
        ask_behind(pages, slot, last);
    }
}

static weir_status next_of_page(weir_pages *pages, weir_slot *slot, weir_entry *entry) {
    weir_session *session = &pages->client->session;
    if (slot->is_lost) {
        return weir_session_tell_cut(session);
    }
    if (slot->look_left > 0) {
        look_ahead(pages, slot);
    }
    weir_status st = weir_session_next_entry(session, slot, entry);
    if (st == WEIR_OK) {
        return hand_over(pages, slot, entry);
    }
    if (st == WEIR_ERR_LIMIT) {
        hand_over_passed(pages, slot);
    }
    return st;
}

/* ---- the loop ---- */

/* The page in hand, if there is one. What a call inside the loop has taken the memory of is
 * asked for again. */
static weir_slot *page_in_hand(weir_pages *pages) {
    weir_slot *slot = slot_of(pages);
    if (slot == NULL) {
        return NULL;
    }
    weir_session_unpin(&pages->client->session, slot);
    if (slot->is_dropped && !slot->is_lost) {
        forget(pages);
        return NULL;
    }
    return slot;
}

/* A page was lost with its connection: it is asked for again, until the call has gone on
 * for too long. */
static bool asks_again(weir_pages *pages, weir_status st, int64_t *deadline_ms) {
    const weir_client *client = pages->client; /* NULL: it was closed for what came */
    if (client == NULL || (st != WEIR_ERR_LOST && st != WEIR_ERR_DOWN)) {
        return false;
    }
    int64_t now_ms = weir_now_ms();
    forget(pages);
    if (*deadline_ms == 0) {
        *deadline_ms = now_ms + client->timeout_ms;
    }
    return client->link.is_on && !client->link.rules.fail_fast && now_ms < *deadline_ms;
}

/* One step. WEIR_OK: *is_given tells whether it gave an entry. */
static weir_status step(weir_pages *pages, weir_slot *slot, weir_entry *entry,
                        int64_t *deadline_ms, bool *is_given) {
    weir_client *client = pages->client;
    weir_status st = slot != NULL ? next_of_page(pages, slot, entry) : open_page(pages);
    *is_given = slot != NULL && st == WEIR_OK;
    if (slot != NULL && st == WEIR_END) {
        return turn_page(pages, slot);
    }
    if (st == WEIR_MORE) {
        uint64_t ticket = slot != NULL ? slot->ticket : pages->ticket;
        return weir_client_await(client, ticket, 0, deadline_ms);
    }
    /* where the page is cut, the next look tells */
    return weir_status_is_fatal(st) && weir_client_mend(client) ? WEIR_OK : st;
}

/* What does not end the iterator leaves it where it is. */
static weir_status end_call(weir_pages *pages, const weir_slot *slot, weir_status st) {
    bool is_passed = st == WEIR_ERR_LIMIT && slot != NULL && !slot->is_dropped;
    bool stays = st == WEIR_OK || st == WEIR_MORE || st == WEIR_ERR_FULL ||
                 st == WEIR_ERR_DOWN || st == WEIR_ERR_LOST || is_passed;
    if (!stays) {
        weir_pages_close(pages);
    }
    return st;
}

weir_status weir_pages_next(weir_pages *pages, weir_entry *entry) {
    int64_t deadline_ms = 0;
    bool goes_on = true;
    weir_status st = WEIR_END;
    while (goes_on && pages->client != NULL) {
        bool is_given = false;
        weir_slot *slot = page_in_hand(pages);
        st = step(pages, slot, entry, &deadline_ms, &is_given);
        goes_on = st == WEIR_OK ? !is_given : asks_again(pages, st, &deadline_ms);
        st = goes_on ? st : end_call(pages, slot, st);
    }
    return st;
}
