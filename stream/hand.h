/* What a consumer has in hand: each entry that was given, until the server has answered its
 * verdict. A table of a fixed size: found by id, listed by what is to be done next.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_HAND_H
#define WEIR_STREAM_HAND_H

#include "id.h"
#include "memory.h"

typedef enum weir_held_state {
    WEIR_HELD_NONE,    /* the place is free */
    WEIR_HELD_GIVEN,   /* no verdict yet */
    WEIR_HELD_DONE,    /* to be acknowledged */
    WEIR_HELD_SENT,    /* the acknowledgement is on its way */
    WEIR_HELD_LEAVING, /* goes to the dead letters, or back to the group: on its way */
    WEIR_HELD_SETTLED  /* over; kept while an answer may come that still tells of it */
} weir_held_state;

/* What is known of its being ours. */
typedef enum weir_lease {
    WEIR_LEASE_QUIET, /* nothing was asked */
    WEIR_LEASE_ASKED,
    WEIR_LEASE_OURS,
    WEIR_LEASE_LOST
} weir_lease;

typedef struct weir_held {
    weir_id id;
    uint64_t ticket;      /* 0: the place is free */
    uint64_t settled_at;  /* SETTLED: the serial of the last read asked before */
    uint64_t back_at;     /* it was given back: the serial of the last claim asked before;
                             else UINT64_MAX */
    int64_t since_ms;     /* when it was surely ours */
    int64_t asked_ms;     /* when the lease was asked for */
    int64_t deliveries;   /* with this one; -1: not known */
    uint32_t stream;      /* index */
    uint32_t next_in_row; /* of those with the same hash */
    uint32_t next;        /* in the list that it is in */
    weir_held_state state;
    weir_lease lease;
} weir_held;

/* First in, first out; linked through weir_held.next. */
typedef struct weir_held_list {
    uint32_t head;
    uint32_t tail;
    uint32_t count;
} weir_held_list;

/* What left the hand and was not acknowledged, or never came into it, of one stream. */
typedef struct weir_loose {
    weir_id lowest;
    uint64_t count; /* at most so many; 0: there is none */
} weir_loose;

typedef struct weir_hand {
    const weir_mem *mem; /* borrowed */
    weir_held *places;
    uint32_t *rows; /* first place of each hash */
    uint32_t capacity;
    uint32_t row_count;     /* a power of two */
    uint64_t serial;        /* of the ticket given last */
    weir_held_list spare;   /* free places */
    weir_held_list *done;   /* DONE, one list a stream */
    weir_loose *loose;      /* one a stream */
    weir_held_list sent;    /* SENT, in the order of the acknowledgements */
    weir_held_list settled; /* SETTLED, in that order */
    uint32_t stream_count;
    uint32_t given;      /* places that are GIVEN */
    uint32_t done_count; /* in all lists of `done` */
    uint32_t leaving;    /* places that are LEAVING */
} weir_hand;

/* WEIR_OK, WEIR_ERR_NOMEM; to be freed after either. */
weir_status weir_hand_init(weir_hand *hand, const weir_mem *mem, uint32_t capacity,
                           uint32_t stream_count);
void weir_hand_free(weir_hand *hand);

/* The place of an entry, NULL if it is not in hand. */
weir_held *weir_hand_find(const weir_hand *hand, uint32_t stream, weir_id id);

/* The place that a ticket names, NULL if that is over. */
weir_held *weir_hand_of(const weir_hand *hand, uint64_t ticket);

/* Takes an entry in hand, which is not there: GIVEN. NULL: the table is full. */
weir_held *weir_hand_add(weir_hand *hand, uint32_t stream, weir_id id);

/* GIVEN or LEAVING becomes DONE. */
void weir_hand_done(weir_hand *hand, weir_held *held);

/* GIVEN becomes LEAVING. */
void weir_hand_leave(weir_hand *hand, weir_held *held);

/* The ids of up to `most` that are DONE, from the first on; gives their number. */
uint32_t weir_hand_list(const weir_hand *hand, uint32_t stream, weir_id *ids,
                        uint32_t most);

/* The first `count` that are DONE become SENT. */
void weir_hand_send(weir_hand *hand, uint32_t stream, uint32_t count);

/* The first `count` that are SENT have their answer: SETTLED, as long as the answer to a
 * read up to `serial` may still tell of them. */
void weir_hand_settle(weir_hand *hand, uint32_t count, uint64_t serial);

/* One that is GIVEN or LEAVING is over, in the same way, and is loose: it was not
 * acknowledged. */
void weir_hand_drop(weir_hand *hand, weir_held *held, uint64_t serial);

/* Reads before `serial` tell nothing more: what was kept for them is freed. */
void weir_hand_forget(weir_hand *hand, uint64_t serial);

/*
 * The connection was lost: what was SENT is DONE again, for to acknowledge twice is
 * harmless; what was LEAVING is let go, and comes again as history; what was SETTLED is
 * forgotten; leases are quiet.
 */
void weir_hand_recall(weir_hand *hand);

/* An entry that is not in hand is loose: it was passed over. */
void weir_hand_loosen(weir_hand *hand, uint32_t stream, weir_id id);

/* Nothing of the stream is loose: all that could be will be given as new. */
void weir_hand_tie(weir_hand *hand, uint32_t stream);

/* The lowest id of a stream that is in hand and not SETTLED, or loose. False: there is
 * none. Where several were loose the lowest one counts until weir_hand_tie, although it may
 * have come again since. */
bool weir_hand_lowest(const weir_hand *hand, uint32_t stream, weir_id *lowest);

static inline bool weir_hand_is_full(const weir_hand *hand) {
    return hand->spare.count == 0;
}

/* Verdicts that have not been answered. */
static inline uint32_t weir_hand_unsettled(const weir_hand *hand) {
    return hand->done_count + hand->sent.count + hand->leaving;
}

#endif
