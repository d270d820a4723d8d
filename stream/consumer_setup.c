/* Making the groups of a consumer, at its beginning and where they were lost.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

/* Behind what was acknowledged without a gap: what is in hand, what left it without having
 * been acknowledged, and what was read and not given, comes again. */
static weir_id last_acknowledged(const weir_consumer *consumer, uint32_t stream) {
    weir_id lowest;
    weir_id before = WEIR_ID_MIN;
    if (!weir_hand_lowest(&consumer->hand, stream, &lowest) ||
        weir_id_compare(lowest, consumer->shares[stream].furthest) > 0) {
        return consumer->shares[stream].furthest;
    }
    (void)weir_id_previous(lowest, &before); /* 0-0 where nothing is before it */
    return before;
}

static weir_source start_of(const weir_consumer *consumer, uint32_t stream) {
    const weir_consumer_options *options = &consumer->options;
    weir_view key = consumer->shares[stream].key;
    if (consumer->was_set_up) {
        weir_id after = options->lost_group == WEIR_LOST_GROUP_ACKED
                            ? last_acknowledged(consumer, stream)
                            : WEIR_ID_MIN;
        return weir_source_after(key, after);
    }
    switch (options->start) {
    case WEIR_START_END: return weir_source_new(key);
    case WEIR_START_AFTER: return weir_source_after(key, options->start_after);
    case WEIR_START_UNSAID:
    case WEIR_START_BEGINNING: break;
    }
    return weir_source_after(key, WEIR_ID_MIN);
}

static weir_status ask_group(weir_consumer *consumer) {
    uint32_t stream = consumer->groups_asked;
    const weir_xgroup_options make = {.make_stream = true};
    weir_status st =
        weir_append_xgroup_create(consumer->working.client, start_of(consumer, stream),
                                  consumer->options.group, &make);
    if (st == WEIR_OK) {
        consumer->groups_asked++;
        weir_orders_note(consumer, WEIR_ORDER_GROUP, stream, 0, 0);
    }
    return st;
}

weir_status weir_consumer_set_up(weir_consumer *consumer) {
    bool is_due = !consumer->was_set_up || consumer->is_group_lost;
    if (consumer->is_set_up || !is_due) {
        consumer->is_set_up = true;
        return WEIR_OK;
    }
    while (consumer->groups_asked < consumer->share_count &&
           weir_orders_have_room(consumer, 1)) {
        weir_status st = ask_group(consumer);
        if (st != WEIR_OK) {
            return st == WEIR_MORE || st == WEIR_ERR_FULL
                       ? WEIR_MORE
                       : weir_consumer_heed(consumer, consumer->working.client);
        }
    }
    return WEIR_MORE;
}

/* What is behind its beginning is new once more. */
static void note_made(weir_consumer *consumer, uint32_t stream) {
    consumer->shares[stream].furthest = last_acknowledged(consumer, stream);
    weir_hand_tie(&consumer->hand, stream);
}

weir_status weir_setup_take(weir_consumer *consumer) {
    bool is_new = false;
    weir_status st = weir_take_is_new(consumer->working.client, &is_new);
    if (st < 0) {
        return weir_consumer_heed(consumer, consumer->working.client);
    }
    if (st == WEIR_OK && is_new) {
        note_made(consumer, consumer->groups_made);
    }
    if (st == WEIR_OK && ++consumer->groups_made == consumer->share_count) {
        consumer->is_set_up = consumer->was_set_up = true;
        consumer->is_group_lost = false;
        weir_reads_restart(consumer);
    }
    return st;
}
