/* Giving up entries that have no end yet, and showing them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

/* What was sent: it stays in the lane, which must know what the server answers. */
static void purge_sent(weir_producer *producer, weir_fifo *fifo, int64_t now_us) {
    for (weir_item *item = fifo->first; item != NULL; item = item->next) {
        if (!item->is_told) {
            weir_producer_tell(producer, item, WEIR_OUTCOME_UNKNOWN, WEIR_REASON_PURGED,
                               now_us);
        }
    }
}

/* What stands in the queue: what was never sent, or what was, as `what` says. A report may
 * append: what is kept stays before that. */
static void purge_queue(weir_producer *producer, weir_fifo *queue, int what,
                        int64_t now_us) {
    weir_fifo all = *queue;
    weir_fifo kept = {NULL, NULL, 0};
    weir_item *item;
    *queue = (weir_fifo){NULL, NULL, 0};
    while ((item = weir_fifo_pop(&all)) != NULL) {
        int kind = item->attempts == 0 ? WEIR_PURGE_QUEUED : WEIR_PURGE_IN_FLIGHT;
        if ((what & kind) == 0) {
            weir_fifo_push(&kept, item);
            continue;
        }
        weir_producer_finish_queued(producer, item, WEIR_FATE_NONE, WEIR_REASON_PURGED,
                                    now_us);
    }
    weir_fifo_put_before(queue, &kept);
}

/* Acknowledged, and a WAIT is not answered: they are what they are. */
static void purge_settling(weir_producer *producer, int64_t now_us) {
    weir_item *item;
    while ((item = weir_fifo_pop(&producer->settling)) != NULL) {
        weir_producer_finish_acked(producer, item, 0, false, now_us);
    }
}

weir_status weir_producer_purge(weir_producer *producer, int what) {
    if ((what & ~(WEIR_PURGE_QUEUED | WEIR_PURGE_IN_FLIGHT)) != 0) {
        return weir_producer_wrong(producer, WEIR_ERR_ARG, "purge: other bits");
    }
    int64_t now_us = weir_client_now_us();
    for (size_t i = 0; i < producer->stream_count; i++) {
        weir_lane *lane = &producer->streams[i]->lane;
        if ((what & WEIR_PURGE_IN_FLIGHT) != 0) {
            purge_sent(producer, &lane->held, now_us);
            purge_sent(producer, &lane->flight, now_us);
        }
        purge_queue(producer, &lane->queue, what, now_us);
    }
    if ((what & WEIR_PURGE_IN_FLIGHT) != 0) {
        purge_settling(producer, now_us);
    }
    return WEIR_OK;
}

static void show_all(const weir_fifo *fifo,
                     void (*show)(void *context, const weir_unreported *entry),
                     void *context) {
    for (const weir_item *item = fifo->first; item != NULL; item = item->next) {
        weir_unreported entry = {.stream = item->stream, .user = item->user};
        entry.may_have_run = item->attempts > 0;
        entry.fields = item->fields;
        entry.field_count = item->field_count;
        if (item->bytes != NULL) {
            entry.encoded = weir_bytes(item->bytes + item->skip, item->len);
        }
        if (!item->is_told) {
            show(context, &entry);
        }
    }
}

void weir_producer_unreported(const weir_producer *producer,
                              void (*show)(void *context, const weir_unreported *entry),
                              void *context) {
    for (size_t i = 0; i < producer->stream_count; i++) {
        const weir_lane *lane = &producer->streams[i]->lane;
        show_all(&lane->held, show, context);
        show_all(&lane->flight, show, context);
        show_all(&lane->queue, show, context);
    }
}
