/* The working line's queue: what was asked, in the order of the answers, and who takes
 * each. SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

bool weir_orders_have_room(const weir_consumer *consumer, uint32_t count) {
    return consumer->order_count + count <= consumer->order_capacity;
}

void weir_orders_note(weir_consumer *consumer, weir_order_kind kind, uint32_t stream,
                      uint32_t count, uint64_t ticket) {
    uint32_t at =
        (consumer->order_first + consumer->order_count) % consumer->order_capacity;
    consumer->orders[at] = (weir_order){kind, stream, count, ticket};
    consumer->order_count++;
}

/* WEIR_MORE: it has not come. Else its answer is taken; a failure has been dealt with. */
static weir_status take(weir_consumer *consumer, const weir_order *order) {
    switch (order->kind) {
    case WEIR_ORDER_GROUP: return weir_setup_take(consumer);
    case WEIR_ORDER_ACK:
    case WEIR_ORDER_ACK_DEL:
    case WEIR_ORDER_DEL:
    case WEIR_ORDER_LETTER:
    case WEIR_ORDER_RELEASE:
    case WEIR_ORDER_EXTEND:
    case WEIR_ORDER_COUNT: return weir_verdicts_take(consumer, order);
    case WEIR_ORDER_FACTS:
    case WEIR_ORDER_CLAIM: return weir_claims_take(consumer, order);
    case WEIR_ORDER_UNBLOCK:
    case WEIR_ORDER_MINE:
    case WEIR_ORDER_BACK:
    case WEIR_ORDER_REMOVE: return weir_leave_take(consumer, order);
    }
    return WEIR_OK;
}

weir_status weir_orders_take(weir_consumer *consumer) {
    while (consumer->order_count > 0) {
        weir_order order = consumer->orders[consumer->order_first];
        weir_status st = take(consumer, &order);
        if (st != WEIR_OK) {
            return st == WEIR_MORE ? WEIR_OK : st;
        }
        consumer->order_first = (consumer->order_first + 1) % consumer->order_capacity;
        consumer->order_count--;
    }
    return WEIR_OK;
}
