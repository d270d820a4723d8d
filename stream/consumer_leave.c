/* Ending well: no read is left under way, every verdict is answered, what is still pending
 * goes back to the group, and a name that was made goes where nothing is pending under it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/number.h"
#include "consumer_private.h"

#define UNBLOCK_EVERY_MS 50  /* a read that was sent may reach the server after it */
#define LIST_MOST        100 /* pending entries asked for at once */

/* ---- reads under way ---- */

static weir_status unblock(weir_consumer *consumer) {
    char text[24];
    int64_t client_id = weir_client_greeting(consumer->reading.client).client_id;
    int64_t now_ms = weir_now_ms();
    bool is_due = client_id > 0 && now_ms >= consumer->unblock_at_ms &&
                  weir_orders_have_room(consumer, 1);
    if (!is_due) {
        return WEIR_OK;
    }
    weir_view id =
        weir_bytes(text, (size_t)(weir_put_u64(text, (uint64_t)client_id) - text));
    weir_view words[] = {weir_text("CLIENT"), weir_text("UNBLOCK"), id};
    consumer->is_unblocking = true;
    consumer->unblock_at_ms = now_ms + UNBLOCK_EVERY_MS;
    weir_status st = weir_append_command(consumer->working.client, words, 3);
    if (st == WEIR_OK) {
        weir_orders_note(consumer, WEIR_ORDER_UNBLOCK, 0, 0, 0);
    }
    return st;
}

/* What the reads under way bring is not given any more: it is pending, and goes back. */
static weir_status end_reads(weir_consumer *consumer) {
    weir_client *client = consumer->reading.client;
    for (size_t i = 0; i < WEIR_READS_MOST; i++) {
        weir_lot_drop(&consumer->reads[i]);
    }
    while (weir_unanswered(client) > 0) {
        weir_status st = weir_take_any(client);
        if (st == WEIR_MORE) {
            return unblock(consumer);
        }
        if (st == WEIR_ERR_NOMEM) {
            return st;
        }
    }
    consumer->is_unblocking = false;
    if (!weir_client_is_ready(client)) {
        return WEIR_MORE; /* the read of a lost connection ends where the next one fences */
    }
    consumer->leaving = WEIR_LEAVING_FLUSH;
    return WEIR_OK;
}

/* ---- verdicts ---- */

static void await_verdicts(weir_consumer *consumer) {
    if (consumer->claims.state == WEIR_LOT_OPEN) {
        weir_lot_drop(&consumer->claims);
    }
    if (consumer->order_count == 0 && weir_hand_unsettled(&consumer->hand) == 0) {
        consumer->leaving = WEIR_LEAVING_LIST;
        consumer->leave_stream = 0;
        consumer->leave_cursor = WEIR_ID_MIN;
        consumer->is_name_used = false;
    }
}

/* ---- what is still pending ---- */

static weir_status ask_pending(weir_consumer *consumer) {
    size_t most = consumer->options.ack_count;
    size_t count = most < LIST_MOST ? most : LIST_MOST;
    const weir_xpending_options mine = {.consumer = consumer->options.name};
    weir_status st = weir_append_xpending_range(
        consumer->working.client, consumer->shares[consumer->leave_stream].key,
        consumer->options.group, consumer->leave_cursor, WEIR_ID_MAX, count, &mine);
    if (st == WEIR_OK) {
        weir_orders_note(consumer, WEIR_ORDER_MINE, consumer->leave_stream, (uint32_t)count,
                         0);
    }
    return st;
}

static weir_status remove_name(weir_consumer *consumer) {
    weir_status st = weir_append_xgroup_delconsumer(
        consumer->working.client, consumer->shares[consumer->leave_stream].key,
        consumer->options.group, consumer->options.name);
    if (st == WEIR_OK) {
        weir_orders_note(consumer, WEIR_ORDER_REMOVE, consumer->leave_stream, 0, 0);
    }
    return st;
}

/* This stream is left; the next one. */
static void go_to_next(weir_consumer *consumer) {
    consumer->leave_stream++;
    consumer->leave_cursor = WEIR_ID_MIN;
    consumer->is_name_used = false;
    consumer->leaving = consumer->leave_stream < consumer->share_count ? WEIR_LEAVING_LIST
                                                                       : WEIR_LEAVING_OVER;
}

/* What was listed is given back. Where that was all of this stream's, the next one. (As far
 * as is known: XCLAIM leaves them under this name, and a read or a look for idle entries of
 * a lost connection that could not be fenced may still take some, which would go with the
 * name. Nobody knows how long that may take: no wait would be long enough.) */
static void end_list(weir_consumer *consumer) {
    bool may_take_more = consumer->reading.may_run_late || consumer->working.may_run_late;
    bool is_removed = consumer->is_name_made && !consumer->options.keep_name &&
                      !consumer->is_name_used && !may_take_more;
    if (!consumer->is_last_list) {
        consumer->leaving = WEIR_LEAVING_LIST;
    } else if (is_removed) {
        consumer->leaving = WEIR_LEAVING_REMOVE;
    } else {
        go_to_next(consumer);
    }
}

/* What has been idle for so long can be taken as it is, and may have been in between: it is
 * not claimed back. */
static bool is_free_already(const weir_consumer *consumer, const weir_pending_entry *own) {
    int64_t idle_ms = consumer->options.claim_idle_ms;
    return idle_ms != WEIR_FOREVER && own->idle_ms >= idle_ms;
}

static weir_status take_mine(weir_consumer *consumer, const weir_order *order) {
    weir_rows rows = {0};
    weir_pending_entry own = {.deliveries = 0};
    uint32_t seen = 0;
    weir_status st = weir_take_rows(consumer->working.client, &rows);
    if (st != WEIR_OK) {
        return st;
    }
    consumer->leave_count = 0;
    while (seen < order->count && weir_rows_next_pending(&rows, &own) == WEIR_OK) {
        if (!is_free_already(consumer, &own)) {
            consumer->ids[consumer->leave_count++] = own.id;
        }
        seen++;
    }
    weir_rows_close(&rows);
    consumer->is_last_list =
        seen < order->count || weir_id_next(own.id, &consumer->leave_cursor) != WEIR_OK;
    consumer->is_name_used = consumer->is_name_used || seen > 0;
    consumer->leaving = WEIR_LEAVING_BACK;
    if (consumer->leave_count == 0) {
        end_list(consumer);
    }
    return WEIR_OK;
}

static weir_status give_back(weir_consumer *consumer) {
    weir_status st = weir_verdicts_give_back(consumer, consumer->leave_stream,
                                             consumer->ids, consumer->leave_count);
    if (st == WEIR_OK) {
        weir_orders_note(consumer, WEIR_ORDER_BACK, consumer->leave_stream,
                         consumer->leave_count, 0);
    }
    return st;
}

static weir_status take_back(weir_consumer *consumer, const weir_order *order) {
    weir_status st = weir_take_any(consumer->working.client);
    if (st != WEIR_OK) {
        return st;
    }
    consumer->counts.released += order->count;
    end_list(consumer);
    return WEIR_OK;
}

static weir_status take_removal(weir_consumer *consumer) {
    weir_status st = weir_take_any(consumer->working.client);
    if (st == WEIR_OK) {
        go_to_next(consumer);
    }
    return st;
}

/* The group is gone, or this user may not do that: there is nothing to be done about it. */
static weir_status pass_over(weir_consumer *consumer, const weir_order *order) {
    const weir_error *error = weir_client_error(consumer->working.client);
    if (error->status != WEIR_ERR_SERVER || weir_remedy_for(error) == WEIR_REMEDY_AGAIN) {
        return weir_consumer_heed(consumer, consumer->working.client);
    }
    if (order->kind != WEIR_ORDER_UNBLOCK) {
        weir_consumer_trouble(consumer, error);
        go_to_next(consumer);
    }
    return WEIR_OK;
}

weir_status weir_leave_take(weir_consumer *consumer, const weir_order *order) {
    weir_status st = WEIR_OK;
    switch (order->kind) {
    case WEIR_ORDER_UNBLOCK: st = weir_take_any(consumer->working.client); break;
    case WEIR_ORDER_MINE: st = take_mine(consumer, order); break;
    case WEIR_ORDER_BACK: st = take_back(consumer, order); break;
    case WEIR_ORDER_REMOVE: st = take_removal(consumer); break;
    case WEIR_ORDER_GROUP:
    case WEIR_ORDER_ACK:
    case WEIR_ORDER_ACK_DEL:
    case WEIR_ORDER_DEL:
    case WEIR_ORDER_LETTER:
    case WEIR_ORDER_RELEASE:
    case WEIR_ORDER_EXTEND:
    case WEIR_ORDER_COUNT:
    case WEIR_ORDER_FACTS:
    case WEIR_ORDER_CLAIM: break;
    }
    return st < 0 ? pass_over(consumer, order) : st;
}

/* ---- the steps ---- */

/* One thing is asked at a time. */
static weir_status ask_next(weir_consumer *consumer) {
    bool is_asked = consumer->order_count > 0;
    switch (consumer->leaving) {
    case WEIR_LEAVING_READS: return end_reads(consumer);
    case WEIR_LEAVING_FLUSH: await_verdicts(consumer); return WEIR_OK;
    case WEIR_LEAVING_LIST: return is_asked ? WEIR_OK : ask_pending(consumer);
    case WEIR_LEAVING_BACK: return is_asked ? WEIR_OK : give_back(consumer);
    case WEIR_LEAVING_REMOVE: return is_asked ? WEIR_OK : remove_name(consumer);
    case WEIR_LEAVING_NOT:
    case WEIR_LEAVING_OVER: return WEIR_OK;
    }
    return WEIR_OK;
}

weir_status weir_leave_go_on(weir_consumer *consumer) {
    weir_status st = WEIR_OK;
    weir_leaving before;
    do {
        before = consumer->leaving;
        st = ask_next(consumer);
    } while (st == WEIR_OK && consumer->leaving != before);
    bool is_later = weir_status_is_later(st);
    return st == WEIR_OK || is_later
               ? WEIR_OK
               : weir_consumer_heed(consumer, consumer->working.client);
}

weir_status weir_consumer_leave(weir_consumer *consumer, int64_t timeout_ms) {
    int64_t until_ms = weir_consumer_until(consumer, timeout_ms);
    if (consumer->failure == WEIR_OK && consumer->leaving == WEIR_LEAVING_NOT) {
        weir_give_release(consumer);
        consumer->leaving = WEIR_LEAVING_READS;
    }
    for (;;) {
        weir_status st = weir_consumer_pump(consumer, true);
        if (st != WEIR_OK || consumer->leaving == WEIR_LEAVING_OVER) {
            return st;
        }
        if (weir_now_ms() >= until_ms) {
            return WEIR_MORE;
        }
        st = weir_consumer_wait(consumer, until_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
}
