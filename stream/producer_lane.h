/* The lane of one stream: which of its entries may be sent, and what an answer, or the want
 * of one, means for each. No I/O and no clock: the rules of docs/producing.md, alone.
 *
 *     queue --send--> flight --answer--> an end
 *       ^                 `--not yet, not known--> held --resolve--> an end, or the queue
 *
 * The first answer that is not final makes the lane DRAIN: it sends no more until all that
 * is on its way is answered or lost. What is held is then judged in order, and what may be
 * sent again goes before the queue, where it came from.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_PRODUCER_LANE_H
#define WEIR_STREAM_PRODUCER_LANE_H

#include "producer.h"

typedef struct weir_item {
    struct weir_item *next;
    weir_stream *stream;
    void *user;
    char *bytes; /* names and values, encoded; NULL: `fields` are borrowed */
    size_t len;  /* of the encoded names and values, in either case */
    const weir_field *fields;
    size_t field_count;
    int64_t appended_us;
    int64_t sent_us; /* first */
    uint64_t serial; /* in its stream, from 1: the order */
    uint64_t batch;  /* SCRIPT: the number of the call it belongs to, 0: none yet */
    weir_id id;      /* IDS: given when it is first sent; else when acknowledged */
    uint32_t attempts;
    uint8_t size_class; /* of bytes */
    uint8_t skip;       /* bytes before the first name */
    uint8_t error;      /* place in the errors that are kept, 0: none */
    uint8_t state;      /* weir_hold, while held */
    bool is_told;       /* its report is out: what is left of it has none */
    bool may_have_run;  /* an answer of it was lost */
} weir_item;

/* Oldest first. */
typedef struct weir_fifo {
    weir_item *first;
    weir_item *last;
    size_t count;
} weir_fifo;

static inline void weir_fifo_push(weir_fifo *fifo, weir_item *item) {
    item->next = NULL;
    if (fifo->first == NULL) {
        fifo->first = item;
    } else {
        fifo->last->next = item;
    }
    fifo->last = item;
    fifo->count++;
}

/* NULL if it is empty. */
static inline weir_item *weir_fifo_pop(weir_fifo *fifo) {
    weir_item *item = fifo->first;
    if (item != NULL) {
        fifo->first = item->next;
        fifo->count--;
    }
    return item;
}

/* The same where there is one. */
static inline weir_item *weir_fifo_take(weir_fifo *fifo) {
    weir_item *item = fifo->first;
    fifo->first = item->next;
    fifo->count--;
    return item;
}

/* Puts all of `front` before what stands in the fifo, and leaves it empty. */
static inline void weir_fifo_put_before(weir_fifo *fifo, weir_fifo *front) {
    if (front->first != NULL) {
        front->last->next = fifo->first;
        fifo->last = fifo->first != NULL ? fifo->last : front->last;
        fifo->first = front->first;
        fifo->count += front->count;
        *front = (weir_fifo){NULL, NULL, 0};
    }
}

/* What one answer says of one entry. */
typedef enum weir_verdict {
    WEIR_VERDICT_DONE,
    WEIR_VERDICT_REFUSED, /* for good, and it did nothing */
    WEIR_VERDICT_DOUBTED, /* an error that says nothing of what was done */
    WEIR_VERDICT_LATER,   /* not now, and it did nothing */
    WEIR_VERDICT_AGAIN,   /* likewise, and nothing behind it can have been done */
    WEIR_VERDICT_PASSED,  /* IDS: the stream is at this id or behind it */
    WEIR_VERDICT_UNSENT,  /* no answer: it never went out */
    WEIR_VERDICT_LOST     /* no answer: nobody knows */
} weir_verdict;

/* What becomes of it. */
typedef enum weir_fate {
    WEIR_FATE_NONE, /* nothing more to judge */
    WEIR_FATE_HELD,
    WEIR_FATE_ACKED,
    WEIR_FATE_REFUSED,   /* NOT_EXECUTED */
    WEIR_FATE_OVERTAKEN, /* likewise; UNKNOWN if it may have run before */
    WEIR_FATE_UNKNOWN,   /* its answer was lost */
    WEIR_FATE_DOUBTED,   /* UNKNOWN: the server's words leave it open */
    WEIR_FATE_FORGOTTEN, /* UNKNOWN: nobody can tell any more */
    WEIR_FATE_LOOK,      /* IDS: is it in the stream? weir_lane_seen tells */
    WEIR_FATE_DROPPED    /* its report is out already */
} weir_fate;

/* Why an item is held. */
typedef enum weir_hold {
    WEIR_HOLD_NOT_YET, /* it was refused for the time being */
    WEIR_HOLD_AGAIN,   /* likewise, or not sent at all: it cannot have been overtaken */
    WEIR_HOLD_UNKNOWN,
    WEIR_HOLD_PASSED
} weir_hold;

/* All zero but `delivery` for a new one. */
typedef struct weir_lane {
    weir_delivery_mode delivery; /* never EXACTLY_ONCE: what that has become */
    bool is_draining;
    uint64_t serial; /* of the item appended last */
    uint64_t ran;    /* serial of the last item that was, or may have been, executed */
    weir_fifo queue;
    weir_fifo flight;
    weir_fifo held;
    weir_fifo again; /* while it resolves: held items that go back to the queue */
} weir_lane;

void weir_lane_append(weir_lane *lane, weir_item *item);

/* True if the first of the queue may be sent. */
static inline bool weir_lane_may_send(const weir_lane *lane) {
    return !lane->is_draining && lane->queue.first != NULL;
}

/* The first of the queue is sent: it is in flight. */
weir_item *weir_lane_send(weir_lane *lane);

/* The oldest in flight is answered, or lost. *item is the lane's no more, unless HELD. */
weir_fate weir_lane_answer(weir_lane *lane, weir_verdict verdict, weir_item **item);

/* True if weir_lane_resolve has something to do: all that was in flight is answered. */
static inline bool weir_lane_is_drained(const weir_lane *lane) {
    return lane->is_draining && lane->flight.first == NULL;
}

/*
 * Judges the next of what is held; only if drained. NONE: all are judged, the lane sends
 * again. LOOK: *item stays, and weir_lane_seen must be called before the next call. Any
 * other: *item has its end, and is the lane's no more. `is_memory_over(item)` is asked of
 * an unknown one (IDMP): may the server have forgotten its number?
 */
weir_fate weir_lane_resolve(weir_lane *lane, bool (*is_memory_over)(const weir_item *item),
                            weir_item **item);

/* IDS: the one to look for is in the stream, or not. Gives its end, and the item. */
weir_fate weir_lane_seen(weir_lane *lane, bool is_there, weir_item **item);

#endif
