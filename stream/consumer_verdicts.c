/* What the caller says of entries, told to the server: acknowledgements in batches, and
 * what is given back.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

/* An entry given back by XCLAIM counts as idle for so long: longer than anybody's
 * claim_idle_ms, so that it can be taken at once. */
#define BACK_IDLE_MS ((uint64_t)7 * 24 * 3600 * 1000)

#define SEND_AGAIN_MS 10 /* after the allocator has refused */

/* ---- acknowledging ---- */

static bool has(const weir_consumer *consumer, weir_feature feature) {
    weir_server server;
    return weir_client_server(consumer->working.client, &server) == WEIR_OK &&
           weir_server_has(&server, feature);
}

void weir_verdicts_note_done(weir_consumer *consumer, weir_held *held) {
    if (consumer->hand.done_count == 0) {
        consumer->done_since_ms = weir_now_ms();
    }
    weir_hand_done(&consumer->hand, held);
}

/* The XDEL that belongs to the XACK before it. */
static weir_status send_deletion(weir_consumer *consumer) {
    if (consumer->undeleted == 0) {
        return WEIR_OK;
    }
    uint32_t stream = consumer->undeleted_stream;
    weir_status st =
        weir_append_xdel(consumer->working.client, consumer->shares[stream].key,
                         consumer->ids, consumer->undeleted);
    if (st == WEIR_OK) {
        weir_orders_note(consumer, WEIR_ORDER_DEL, stream, consumer->undeleted, 0);
        consumer->undeleted = 0;
    }
    return st;
}

static weir_status send_batch(weir_consumer *consumer, uint32_t stream) {
    weir_client *client = consumer->working.client;
    weir_view key = consumer->shares[stream].key;
    weir_view group = consumer->options.group;
    bool is_joined = consumer->options.delete_done && has(consumer, WEIR_FEATURE_XACKDEL);
    size_t most = consumer->options.ack_count;
    size_t joined_most = weir_client_xackdel_most(client);
    most = is_joined && joined_most < most ? joined_most : most;
    uint32_t count = weir_hand_list(&consumer->hand, stream, consumer->ids, (uint32_t)most);
    weir_status st = is_joined ? weir_append_xackdel(client, key, group, WEIR_REFS_DEFAULT,
                                                     consumer->ids, count)
                               : weir_append_xack(client, key, group, consumer->ids, count);
    if (st != WEIR_OK) {
        return st;
    }
    weir_hand_send(&consumer->hand, stream, count);
    weir_orders_note(consumer, is_joined ? WEIR_ORDER_ACK_DEL : WEIR_ORDER_ACK, stream,
                     count, 0);
    if (consumer->options.delete_done && !is_joined) {
        consumer->undeleted = count;
        consumer->undeleted_stream = stream;
        return send_deletion(consumer);
    }
    return WEIR_OK;
}

static weir_status send_all(weir_consumer *consumer) {
    weir_status st = send_deletion(consumer);
    for (uint32_t stream = 0; stream < consumer->share_count && st == WEIR_OK;) {
        if (consumer->hand.done[stream].count == 0) {
            stream++;
        } else if (!weir_orders_have_room(consumer, 2)) {
            return WEIR_OK;
        } else {
            st = send_batch(consumer, stream);
        }
    }
    return st;
}

static int64_t due_ms(const weir_consumer *consumer) {
    return consumer->hand.done_count == 0
               ? INT64_MAX
               : consumer->done_since_ms + consumer->options.ack_linger_ms;
}

int64_t weir_verdicts_deadline(const weir_consumer *consumer) {
    int64_t at_ms = consumer->undeleted > 0 ? 0 : due_ms(consumer);
    return at_ms > consumer->send_again_ms ? at_ms : consumer->send_again_ms;
}

/* Bytes that leave and answers that come make room; nothing tells of memory. */
static int64_t again_ms(weir_status st) {
    if (!weir_status_is_later(st)) {
        return 0;
    }
    return st == WEIR_ERR_NOMEM ? weir_now_ms() + SEND_AGAIN_MS : INT64_MAX;
}

weir_status weir_verdicts_send(weir_consumer *consumer, bool now) {
    bool is_due = now || consumer->undeleted > 0 ||
                  consumer->hand.done_count >= consumer->options.ack_count ||
                  weir_now_ms() >= due_ms(consumer);
    weir_status st = is_due ? send_all(consumer) : WEIR_OK;
    bool is_later = weir_status_is_later(st);
    consumer->send_again_ms = again_ms(st);
    return st == WEIR_OK || is_later
               ? WEIR_OK
               : weir_consumer_heed(consumer, consumer->working.client);
}

/* ---- giving back ---- */

static weir_status claim_back(weir_consumer *consumer, uint32_t stream, const weir_id *ids,
                              uint32_t count) {
    const weir_xclaim_options idle = {.idle_ms = BACK_IDLE_MS, .ids_only = true};
    return weir_append_xclaim(consumer->working.client, consumer->shares[stream].key,
                              consumer->options.group, consumer->options.name, 0, ids,
                              count, &idle);
}

weir_status weir_verdicts_give_back(weir_consumer *consumer, uint32_t stream,
                                    const weir_id *ids, uint32_t count) {
    if (!has(consumer, WEIR_FEATURE_XNACK)) {
        return claim_back(consumer, stream, ids, count);
    }
    return weir_append_xnack(consumer->working.client, consumer->shares[stream].key,
                             consumer->options.group, WEIR_NACK_SILENT, ids, count, NULL);
}

/* ---- the calls ---- */

weir_status weir_verdicts_find(weir_consumer *consumer, const weir_delivery *delivery,
                               weir_held **held) {
    if (consumer->failure != WEIR_OK) {
        return consumer->failure;
    }
    *held = weir_hand_of(&consumer->hand, delivery->ticket);
    if (*held == NULL || (*held)->state != WEIR_HELD_GIVEN) {
        return weir_consumer_wrong(consumer, "this delivery is not in hand");
    }
    return WEIR_OK;
}

weir_status weir_consumer_done(weir_consumer *consumer, const weir_delivery *delivery) {
    weir_held *held;
    weir_status st = weir_verdicts_find(consumer, delivery, &held);
    if (st == WEIR_OK) {
        weir_verdicts_note_done(consumer, held);
    }
    return st;
}

/* What another may have claimed already is not claimed back: it can be taken as it is. */
static bool may_be_claimed(const weir_consumer *consumer, const weir_held *held) {
    int64_t idle_ms = consumer->options.claim_idle_ms;
    return idle_ms != WEIR_FOREVER && weir_now_ms() - held->since_ms >= idle_ms;
}

void weir_verdicts_let_go(weir_consumer *consumer, weir_held *held) {
    weir_hand_drop(&consumer->hand, held, 0);
    consumer->is_history_due = true;
}

weir_status weir_consumer_release(weir_consumer *consumer, const weir_delivery *delivery) {
    weir_held *held;
    weir_status st = weir_verdicts_find(consumer, delivery, &held);
    if (st != WEIR_OK) {
        return st;
    }
    if (may_be_claimed(consumer, held)) {
        consumer->counts.released++;
        held->back_at = 0; /* whoever claims it does so rightly */
        weir_hand_drop(&consumer->hand, held, weir_lots_serial(consumer));
        return WEIR_OK;
    }
    if (!weir_orders_have_room(consumer, 1)) {
        return WEIR_ERR_FULL;
    }
    st = weir_verdicts_give_back(consumer, held->stream, &held->id, 1);
    if (weir_status_is_lost(st)) {
        weir_verdicts_let_go(consumer, held);
        return WEIR_OK;
    }
    if (st == WEIR_OK) {
        held->back_at = consumer->serial;
        weir_hand_leave(&consumer->hand, held);
        weir_orders_note(consumer, WEIR_ORDER_RELEASE, held->stream, 1, held->ticket);
    }
    return st;
}

/* ---- answers ---- */

static void settle(weir_consumer *consumer, const weir_order *order) {
    weir_hand_settle(&consumer->hand, order->count, weir_lots_serial(consumer));
}

static weir_status take_ack(weir_consumer *consumer, const weir_order *order) {
    uint64_t acknowledged;
    weir_status st = weir_take_count(consumer->working.client, &acknowledged);
    if (st == WEIR_OK) {
        acknowledged = acknowledged < order->count ? acknowledged : order->count;
        consumer->counts.acknowledged += acknowledged;
        consumer->counts.not_pending += order->count - acknowledged;
        if (!consumer->options.delete_done) {
            settle(consumer, order);
        }
    }
    return st;
}

static weir_status take_deletion(weir_consumer *consumer, const weir_order *order) {
    weir_status st = weir_take_count(consumer->working.client, NULL);
    if (st == WEIR_OK) {
        settle(consumer, order);
    }
    return st;
}

static weir_status take_joined(weir_consumer *consumer, const weir_order *order) {
    weir_deletion *results = consumer->deletions;
    weir_status st = weir_take_deletions(consumer->working.client, results, order->count);
    for (uint32_t i = 0; st == WEIR_OK && i < order->count; i++) {
        bool was_pending = results[i] != WEIR_DELETION_NOT_FOUND;
        consumer->counts.acknowledged += was_pending;
        consumer->counts.not_pending += !was_pending;
    }
    if (st == WEIR_OK) {
        settle(consumer, order);
    }
    return st;
}

static weir_status take_release(weir_consumer *consumer, const weir_order *order) {
    weir_status st = weir_take_any(consumer->working.client);
    if (st == WEIR_OK) {
        consumer->counts.released++;
        weir_hand_drop(&consumer->hand, weir_hand_of(&consumer->hand, order->ticket),
                       weir_lots_serial(consumer));
    }
    return st;
}

weir_status weir_verdicts_take(weir_consumer *consumer, const weir_order *order) {
    weir_status st = WEIR_OK;
    switch (order->kind) {
    case WEIR_ORDER_ACK: st = take_ack(consumer, order); break;
    case WEIR_ORDER_ACK_DEL: st = take_joined(consumer, order); break;
    case WEIR_ORDER_DEL: st = take_deletion(consumer, order); break;
    case WEIR_ORDER_LETTER: st = weir_letters_take(consumer, order); break;
    case WEIR_ORDER_RELEASE: st = take_release(consumer, order); break;
    case WEIR_ORDER_EXTEND: st = weir_lease_take(consumer, order); break;
    case WEIR_ORDER_COUNT: st = weir_take_any(consumer->working.client); break;
    case WEIR_ORDER_GROUP:
    case WEIR_ORDER_FACTS:
    case WEIR_ORDER_CLAIM:
    case WEIR_ORDER_UNBLOCK:
    case WEIR_ORDER_MINE:
    case WEIR_ORDER_BACK:
    case WEIR_ORDER_REMOVE: break;
    }
    return st < 0 ? weir_consumer_heed(consumer, consumer->working.client) : st;
}
