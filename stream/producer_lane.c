/* A lane's rules: which end an entry has, and when it may be sent again.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_lane.h"

void weir_lane_append(weir_lane *lane, weir_item *item) {
    item->serial = ++lane->serial;
    weir_fifo_push(&lane->queue, item);
}

weir_item *weir_lane_send(weir_lane *lane) {
    weir_item *item = weir_fifo_take(&lane->queue);
    item->attempts++;
    weir_fifo_push(&lane->flight, item);
    return item;
}

static void note_ran(weir_lane *lane, const weir_item *item) {
    lane->ran = item->serial > lane->ran ? item->serial : lane->ran;
}

static weir_fate hold(weir_lane *lane, weir_item *item, weir_hold why) {
    item->state = (uint8_t)why;
    lane->is_draining = true;
    weir_fifo_push(&lane->held, item);
    return WEIR_FATE_HELD;
}

/* An end, unless the report of this one is out already. */
static weir_fate end(const weir_item *item, weir_fate fate) {
    return item->is_told ? WEIR_FATE_DROPPED : fate;
}

/* This attempt did nothing; an earlier one may have. */
static weir_fate end_refused(const weir_item *item, weir_fate fate) {
    return end(item, item->may_have_run ? WEIR_FATE_DOUBTED : fate);
}

static weir_fate lose(weir_lane *lane, weir_item *item) {
    note_ran(lane, item);
    item->may_have_run = true;
    if (lane->delivery == WEIR_DELIVERY_REPORT) {
        lane->is_draining = lane->is_draining || lane->flight.first != NULL;
        return end(item, WEIR_FATE_UNKNOWN);
    }
    return hold(lane, item, WEIR_HOLD_UNKNOWN);
}

/* The id is passed. Never sent before: by somebody who should not write here, or by the one
 * behind it, which overtook it. */
static weir_fate pass(weir_lane *lane, weir_item *item) {
    return item->may_have_run ? hold(lane, item, WEIR_HOLD_PASSED)
                              : end(item, WEIR_FATE_REFUSED);
}

weir_fate weir_lane_answer(weir_lane *lane, weir_verdict verdict, weir_item **item) {
    *item = weir_fifo_take(&lane->flight);
    switch (verdict) {
    case WEIR_VERDICT_DONE: note_ran(lane, *item); return end(*item, WEIR_FATE_ACKED);
    case WEIR_VERDICT_REFUSED: return end_refused(*item, WEIR_FATE_REFUSED);
    case WEIR_VERDICT_DOUBTED: note_ran(lane, *item); return end(*item, WEIR_FATE_DOUBTED);
    case WEIR_VERDICT_LATER: return hold(lane, *item, WEIR_HOLD_NOT_YET);
    case WEIR_VERDICT_AGAIN: return hold(lane, *item, WEIR_HOLD_AGAIN);
    case WEIR_VERDICT_UNSENT:
        (*item)->attempts--;
        (*item)->batch = (*item)->attempts > 0 ? (*item)->batch : 0;
        return hold(lane, *item, WEIR_HOLD_AGAIN);
    case WEIR_VERDICT_PASSED: return pass(lane, *item);
    case WEIR_VERDICT_LOST: return lose(lane, *item);
    }
    return WEIR_FATE_NONE;
}

/* Calls of a script are sent again as they were, or not at all: one whose entries have all
 * been reported is given up. */
static bool is_given_up(const weir_lane *lane, const weir_item *item) {
    if (lane->delivery != WEIR_DELIVERY_SCRIPT || item->batch == 0) {
        return item->is_told;
    }
    const weir_item *other = item;
    while (other != NULL && other->batch == item->batch && other->is_told) {
        other = other->next;
    }
    bool is_all_told = other == NULL || other->batch != item->batch;
    bool has_kept = lane->again.first != NULL && lane->again.last->batch == item->batch;
    return is_all_told && !has_kept;
}

static bool is_overtaken(const weir_lane *lane, const weir_item *item) {
    bool is_ordered = lane->delivery != WEIR_DELIVERY_AT_LEAST_ONCE &&
                      lane->delivery != WEIR_DELIVERY_SCRIPT;
    return is_ordered && item->state == WEIR_HOLD_NOT_YET && item->serial < lane->ran;
}

static void go_on(weir_lane *lane) {
    weir_fifo_put_before(&lane->queue, &lane->again);
    lane->is_draining = false;
}

weir_fate weir_lane_resolve(weir_lane *lane, bool (*is_memory_over)(const weir_item *item),
                            weir_item **item) {
    while ((*item = lane->held.first) != NULL) {
        bool is_unknown = (*item)->state == WEIR_HOLD_UNKNOWN;
        weir_fate fate = WEIR_FATE_NONE;
        bool has_passed = is_overtaken(lane, *item);
        if (is_given_up(lane, *item)) {
            fate = WEIR_FATE_DROPPED;
        } else if ((*item)->state == WEIR_HOLD_PASSED ||
                   (has_passed && (*item)->may_have_run &&
                    lane->delivery == WEIR_DELIVERY_IDS)) {
            return WEIR_FATE_LOOK;
        } else if (has_passed) {
            fate = end(*item, WEIR_FATE_OVERTAKEN);
        } else if (is_unknown && lane->delivery == WEIR_DELIVERY_IDMP &&
                   is_memory_over(*item)) {
            fate = WEIR_FATE_FORGOTTEN;
        }
        (void)weir_fifo_pop(&lane->held);
        if (fate != WEIR_FATE_NONE) {
            return fate;
        }
        weir_fifo_push(&lane->again, *item);
    }
    go_on(lane);
    return WEIR_FATE_NONE;
}

weir_fate weir_lane_seen(weir_lane *lane, bool is_there, weir_item **item) {
    *item = weir_fifo_take(&lane->held);
    return end(*item, is_there ? WEIR_FATE_ACKED : WEIR_FATE_FORGOTTEN);
}
