/* Reports: each entry's one end, with the errors they speak of, and the counters.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#define FIRST_REPORTS 256

/* ---- errors that reports speak of ---- */

/* The place of the error among those kept, from 1; 0: there is no place. */
static uint8_t keep(weir_producer *producer, const weir_error *error) {
    uint8_t empty = 0;
    for (uint8_t i = 0; i < WEIR_KEPT_ERRORS; i++) {
        weir_kept_error *kept = &producer->errors[i];
        bool is_same = kept->uses > 0 && kept->error.status == error->status &&
                       strcmp(kept->error.text, error->text) == 0;
        if (is_same) {
            kept->uses++;
            return (uint8_t)(i + 1);
        }
        empty = kept->uses == 0 ? (uint8_t)(i + 1) : empty;
    }
    if (empty != 0) {
        producer->errors[empty - 1].error = *error;
        producer->errors[empty - 1].uses = 1;
    }
    return empty;
}

static void drop(weir_producer *producer, uint8_t place) {
    if (place != 0) {
        producer->errors[place - 1].uses--;
    }
}

void weir_producer_blame(weir_producer *producer, weir_item *item,
                         const weir_error *error) {
    drop(producer, item->error);
    item->error = keep(producer, error);
    if (error->kind != WEIR_KIND_SEQUENCE_GAP) { /* that but follows from another one */
        producer->error = *error; /* why nothing moves, also where it is sent again */
    }
}

/* What a report shows: kept, none, or one of more than can be kept at once. */
static const weir_error *shown(weir_producer *producer, uint8_t place, weir_reason reason) {
    bool is_failure = reason == WEIR_REASON_SERVER || reason == WEIR_REASON_CONNECTION;
    if (place != 0) {
        return &producer->errors[place - 1].error;
    }
    return &producer->shown[is_failure ? 1 : 0];
}

/* ---- making reports ---- */

bool weir_producer_can_report(weir_producer *producer) {
    size_t room = producer->report_room;
    if (producer->options.on_report != NULL || producer->counters.unreported < room) {
        return true;
    }
    size_t more = room == 0 ? FIRST_REPORTS : 2 * room;
    weir_kept_report *reports =
        weir_mem_resize(&producer->mem, NULL, 0, more * sizeof *reports);
    if (reports == NULL) {
        return false;
    }
    for (uint64_t i = producer->first_report; i < producer->next_report; i++) {
        reports[i & (more - 1)] = producer->reports[i & (room - 1)];
    }
    weir_mem_free(&producer->mem, producer->reports, room * sizeof *reports);
    producer->reports = reports;
    producer->report_room = more;
    return true;
}

static void count_latency(weir_producer *producer, int64_t latency_us) {
    unsigned bucket = 0;
    for (uint64_t rest = (uint64_t)latency_us; rest != 0; rest >>= 1) {
        bucket++;
    }
    producer->counters
        .latency[bucket < WEIR_LATENCY_BUCKETS ? bucket : WEIR_LATENCY_BUCKETS - 1]++;
}

static void count_outcome(weir_counters *counters, weir_outcome outcome) {
    switch (outcome) {
    case WEIR_OUTCOME_ACKED: counters->acked++; break;
    case WEIR_OUTCOME_NOT_EXECUTED: counters->not_executed++; break;
    case WEIR_OUTCOME_UNKNOWN: counters->unknown++; break;
    case WEIR_OUTCOME_ACKED_LOST: counters->acked_lost++; break;
    }
}

static void call_back(weir_producer *producer, weir_report *report, uint8_t error) {
    bool was_calling = producer->is_calling;
    report->error = shown(producer, error, report->reason);
    producer->is_calling = true;
    producer->counters.unreported--;
    producer->options.on_report(producer->options.context, report);
    producer->is_calling = was_calling;
    drop(producer, error);
}

/* The error's place is the report's from now on. */
static void report(weir_producer *producer, weir_report *made, uint8_t error) {
    producer->live--;
    count_outcome(&producer->counters, made->outcome);
    if (producer->options.on_report != NULL) {
        call_back(producer, made, error);
        return;
    }
    weir_kept_report *kept =
        &producer->reports[producer->next_report++ & (producer->report_room - 1)];
    kept->report = *made;
    kept->error = error;
}

static weir_report begin_report(const weir_item *item, weir_outcome outcome,
                                weir_reason reason, int64_t now_us) {
    int64_t latency_us = now_us > item->appended_us ? now_us - item->appended_us : 0;
    weir_report made = {.outcome = outcome,
                        .reason = reason,
                        .stream = item->stream,
                        .user = item->user,
                        .attempts = item->attempts,
                        .latency_us = latency_us};
    return made;
}

static void give_back(weir_producer *producer, weir_item *item) {
    if (item->bytes == NULL && !item->is_told) {
        producer->borrowed_bytes -= item->len;
    }
    weir_store_give_back(&producer->store, item);
}

void weir_producer_finish_acked(weir_producer *producer, weir_item *item, uint32_t replicas,
                                bool is_fsynced, int64_t now_us) {
    weir_report made = begin_report(item, WEIR_OUTCOME_ACKED, WEIR_REASON_NONE, now_us);
    made.id = item->id;
    made.replicas = replicas;
    made.is_fsynced = is_fsynced;
    count_latency(producer, made.latency_us);
    drop(producer, item->error);
    give_back(producer, item);
    report(producer, &made, 0);
}

static weir_outcome outcome_of(weir_fate fate, const weir_item *item) {
    switch (fate) {
    case WEIR_FATE_REFUSED: return WEIR_OUTCOME_NOT_EXECUTED;
    case WEIR_FATE_ACKED: return WEIR_OUTCOME_ACKED;
    case WEIR_FATE_UNKNOWN:
    case WEIR_FATE_DOUBTED:
    case WEIR_FATE_FORGOTTEN: return WEIR_OUTCOME_UNKNOWN;
    case WEIR_FATE_OVERTAKEN:
    case WEIR_FATE_NONE:
    case WEIR_FATE_HELD:
    case WEIR_FATE_LOOK:
    case WEIR_FATE_DROPPED: break;
    }
    return item->may_have_run ? WEIR_OUTCOME_UNKNOWN : WEIR_OUTCOME_NOT_EXECUTED;
}

void weir_producer_finish(weir_producer *producer, weir_item *item, weir_fate fate,
                          weir_reason reason, int64_t now_us) {
    if (fate == WEIR_FATE_ACKED) {
        weir_producer_finish_acked(producer, item, 0, false, now_us);
        return;
    }
    uint8_t error = item->error;
    if (fate == WEIR_FATE_DROPPED) {
        drop(producer, error);
        give_back(producer, item);
        return;
    }
    weir_report made = begin_report(item, outcome_of(fate, item), reason, now_us);
    give_back(producer, item);
    report(producer, &made, error);
}

void weir_producer_tell(weir_producer *producer, weir_item *item, weir_outcome outcome,
                        weir_reason reason, int64_t now_us) {
    weir_report made = begin_report(item, outcome, reason, now_us);
    uint8_t error = item->error;
    item->error = 0;
    item->is_told = true;
    if (item->bytes == NULL) {
        producer->borrowed_bytes -= item->len;
    }
    report(producer, &made, error);
}

void weir_producer_finish_queued(weir_producer *producer, weir_item *item, weir_fate fate,
                                 weir_reason reason, int64_t now_us) {
    producer->queued--;
    producer->queued_bytes -= item->len;
    weir_producer_finish(producer, item, item->is_told ? WEIR_FATE_DROPPED : fate, reason,
                         now_us);
}

/* ---- taking them ---- */

weir_status weir_producer_take(weir_producer *producer, weir_report *reports, size_t most,
                               size_t *count) {
    size_t taken = 0;
    while (taken < most && producer->first_report < producer->next_report) {
        const weir_kept_report *kept =
            &producer->reports[producer->first_report++ & (producer->report_room - 1)];
        reports[taken] = kept->report;
        reports[taken].error = shown(producer, kept->error, kept->report.reason);
        drop(producer, kept->error); /* it stays as it is until the next failure is kept */
        taken++;
    }
    producer->counters.unreported -= taken;
    *count = taken;
    return taken > 0 ? WEIR_OK : WEIR_END;
}

void weir_producer_turn_lost(weir_producer *producer, const weir_loss_notice *notice) {
    for (uint64_t i = producer->first_report; i < producer->next_report; i++) {
        weir_report *kept = &producer->reports[i & (producer->report_room - 1)].report;
        bool is_lost = kept->stream == notice->stream &&
                       kept->outcome == WEIR_OUTCOME_ACKED &&
                       weir_id_compare(kept->id, notice->kept) > 0;
        if (is_lost) {
            kept->outcome = WEIR_OUTCOME_ACKED_LOST;
            producer->counters.acked_lost++;
        }
    }
}

/* ---- deadlines ---- */

/* The oldest stand first: stops at the first that has time left. */
static void expire_kept(weir_producer *producer, weir_fifo *fifo, int64_t before_us,
                        int64_t now_us) {
    for (weir_item *item = fifo->first; item != NULL && item->appended_us <= before_us;
         item = item->next) {
        if (!item->is_told) {
            bool is_sent = item->attempts > 0;
            weir_producer_tell(producer, item,
                               is_sent ? WEIR_OUTCOME_UNKNOWN : WEIR_OUTCOME_NOT_EXECUTED,
                               WEIR_REASON_DEADLINE, now_us);
        }
    }
}

/* In the queue they go, unless they belong to a call that was sent before. */
static void expire_queue(weir_producer *producer, weir_stream *stream, int64_t before_us,
                         int64_t now_us) {
    weir_fifo *queue = &stream->lane.queue;
    while (queue->first != NULL && queue->first->appended_us <= before_us &&
           queue->first->batch == 0) {
        weir_producer_finish_queued(producer, weir_fifo_pop(queue), WEIR_FATE_NONE,
                                    WEIR_REASON_DEADLINE, now_us);
    }
    expire_kept(producer, queue, before_us, now_us);
}

void weir_producer_expire(weir_producer *producer, int64_t now_us) {
    int64_t timeout_ms = producer->options.timeout_ms;
    int64_t pause_us = timeout_ms * 1000 / 20;
    pause_us = pause_us < 50000 ? pause_us : 50000;
    if (timeout_ms == WEIR_FOREVER || now_us - producer->checked_us < pause_us ||
        producer->live == 0) {
        return;
    }
    producer->checked_us = now_us;
    int64_t before_us = now_us - timeout_ms * 1000;
    for (size_t i = 0; i < producer->stream_count; i++) {
        weir_lane *lane = &producer->streams[i]->lane;
        expire_kept(producer, &lane->held, before_us, now_us);
        expire_kept(producer, &lane->flight, before_us, now_us);
        expire_queue(producer, producer->streams[i], before_us, now_us);
    }
}
