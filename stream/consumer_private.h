/* What the consumer's files share.
 *
 *     reading line   XREADGROUP (history, new)   -> pages  \
 *                                                           give -> the caller -> verdicts
 *     working line   XPENDING, XAUTOCLAIM        -> page   /                         |
 *                    XACK, XADD, XCLAIM ...      <- orders <-------------------------'
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_CONSUMER_PRIVATE_H
#define WEIR_STREAM_CONSUMER_PRIVATE_H

#include "client_private.h"
#include "client_waiting.h"
#include "consumer.h"
#include "hand.h"
#include "pending_facts.h"
#include "remedy.h"

#define WEIR_ORDERS_MORE  64 /* than there are entries in hand */
#define WEIR_STREAMS_MOST 64
#define WEIR_READS_MOST   2
#define WEIR_DEAD_FIELDS  6

/* One connection that is kept alive. */
typedef struct weir_wire {
    weir_consumer *consumer;
    weir_client *client;
    bool is_lost;         /* since this was looked at last */
    bool was_ready;       /* once */
    bool may_run_late;    /* what an earlier connection had sent, for all that is known */
    weir_reconnect rules; /* the caller's */
} weir_wire;

/* One stream of the group. */
typedef struct weir_share {
    weir_view key;        /* in consumer.texts */
    weir_id claim_cursor; /* where the next look for idle entries begins */
    weir_id furthest;     /* the highest id that was given as new */
} weir_share;

/* What was asked on the working line, in the order of the answers. */
typedef enum weir_order_kind {
    WEIR_ORDER_GROUP,   /* XGROUP CREATE */
    WEIR_ORDER_ACK,     /* XACK of `count` */
    WEIR_ORDER_ACK_DEL, /* XACKDEL of `count` */
    WEIR_ORDER_DEL,     /* XDEL of the `count` that were acknowledged before */
    WEIR_ORDER_LETTER,  /* XADD to the dead letters, of `ticket` */
    WEIR_ORDER_RELEASE, /* XNACK or XCLAIM, of `ticket` */
    WEIR_ORDER_EXTEND,  /* XREADGROUP of `ticket` alone */
    WEIR_ORDER_COUNT,   /* XCLAIM, which puts its count of deliveries right again */
    WEIR_ORDER_FACTS,   /* XPENDING, for the page of claims */
    WEIR_ORDER_CLAIM,   /* XAUTOCLAIM, likewise */
    WEIR_ORDER_UNBLOCK, /* CLIENT UNBLOCK of the reading line */
    WEIR_ORDER_MINE,    /* XPENDING of what is left to give back */
    WEIR_ORDER_BACK,    /* XNACK or XCLAIM of it */
    WEIR_ORDER_REMOVE   /* XGROUP DELCONSUMER */
} weir_order_kind;

typedef struct weir_order {
    weir_order_kind kind;
    uint32_t stream;
    uint32_t count;
    uint64_t ticket;
} weir_order;

/* How far a page is. */
typedef enum weir_lot_state {
    WEIR_LOT_NONE,
    WEIR_LOT_ASKED, /* on its way */
    WEIR_LOT_OPEN,  /* gives entries */
    WEIR_LOT_OVER   /* has given all; what it gave last may still be looked at */
} weir_lot_state;

/* One answer that gives entries. */
typedef struct weir_lot {
    weir_client *client;
    weir_lot_state state;
    weir_origin origin;
    uint32_t stream;  /* unless it is NEW: of all streams */
    uint64_t serial;  /* of those asked; 0: it cannot tell of what is in hand */
    bool has_facts;   /* XPENDING was asked before it */
    bool is_told;     /* its answer has come */
    bool is_stale;    /* it has waited too long: what it holds may be another's */
    bool is_kept;     /* `kept` was read and could not be given yet */
    bool has_fault;   /* consumer.fault is to be heeded before its next entry */
    int64_t since_ms; /* nothing of it was delivered before */
    uint64_t seen;    /* entries read of it, or passed over for their size */
    weir_id last;     /* of them */
    weir_entry kept;
    weir_pending_facts facts;
    weir_entries entries;
} weir_lot;

/* How far leaving is. */
typedef enum weir_leaving {
    WEIR_LEAVING_NOT,
    WEIR_LEAVING_READS,  /* reads that are under way are ended */
    WEIR_LEAVING_FLUSH,  /* verdicts are told */
    WEIR_LEAVING_LIST,   /* what is pending is asked for */
    WEIR_LEAVING_BACK,   /* and given back */
    WEIR_LEAVING_REMOVE, /* the name is taken out of the group */
    WEIR_LEAVING_OVER
} weir_leaving;

struct weir_consumer {
    weir_mem mem;
    weir_consumer_options options; /* texts are in `texts`; defaults are filled in */
    char *texts;
    size_t texts_len;
    weir_share *shares; /* options.stream_count of them */
    weir_source *sources;
    uint32_t share_count;
    char made_name[WEIR_MADE_NAME];

    weir_wire reading;
    weir_wire working;
    weir_wake wake; /* weir_consumer_cancel */
    weir_backoff backoff;
    int64_t hold_until_ms; /* after an error that passes: not before */
    int64_t now_ms;        /* when a call that may take entries looked last */
    int64_t pumped_ms;     /* when the connections were looked at last */

    weir_error error;    /* the last trouble */
    weir_status failure; /* WEIR_OK until the consumer has ended */

    weir_hand hand;
    weir_id *ids;             /* of one acknowledgement */
    weir_deletion *deletions; /* likewise, only with options.delete_done */
    weir_entries lease;       /* the answer to an extension */
    uint32_t undeleted;       /* XACK went out for the first of ids, XDEL did not yet */
    uint32_t undeleted_stream;
    int64_t done_since_ms; /* the oldest verdict that was not sent */
    int64_t send_again_ms; /* they were refused: not before; INT64_MAX: what makes room for
                              them is seen on the connection */

    weir_order *orders; /* a ring */
    uint32_t order_capacity;
    uint32_t order_first;
    uint32_t order_count;

    uint32_t groups_asked;
    uint32_t groups_made;
    uint32_t read_first; /* of reads: the one that gives entries */

    weir_lot reads[WEIR_READS_MOST];
    uint32_t history_stream;
    weir_id history_cursor;
    uint64_t serial; /* of the page asked last */

    weir_lot claims;
    int64_t claim_at_ms;
    weir_error fault; /* behind the last entry of a batch */

    weir_lot *given_from; /* the page whose entry is in hand, NULL: none */
    uint64_t pages_ended; /* ever: how one sees that there is something to ask for */
    int64_t gave_ms;
    size_t gave_count;
    int64_t pace_us; /* of one entry, as it was lately */

    weir_field *fields; /* of a batch */
    size_t field_capacity;
    weir_block **pins; /* what the views of a batch lie in */
    size_t pin_count;
    size_t pin_capacity;
    weir_client *pinned_of;

    weir_field *letter; /* fields of one dead letter */
    size_t letter_capacity;

    weir_leaving leaving;
    uint32_t leave_stream;
    uint32_t leave_count;
    uint32_t claim_stream; /* whose idle entries are looked for next */
    weir_id leave_cursor;
    int64_t unblock_at_ms;

    weir_consumer_counts counts;

    bool is_name_made;
    bool is_group_lost; /* the groups are to be made again */
    bool is_lease_open;
    bool is_set_up;      /* the groups are there */
    bool was_set_up;     /* once */
    bool is_reading_new; /* the history is read */
    bool is_history_due;
    bool is_last_list;
    bool is_unblocking;
    bool is_name_used;
};

/* A request went down with its connection: the next step heeds that. */
static inline bool weir_status_is_lost(weir_status status) {
    return status == WEIR_ERR_DOWN || status == WEIR_ERR_LOST;
}

/* It could not be asked as things are: nothing was, and it may be tried again. */
static inline bool weir_status_is_later(weir_status status) {
    return status == WEIR_MORE || status == WEIR_ERR_FULL || status == WEIR_ERR_NOMEM;
}

/* ---- consumer_wire.c: two connections, and what ends them ---- */

/* Opens both. WEIR_OK, or why the client could not be made. */
weir_status weir_wires_open(weir_consumer *consumer, const char *url,
                            const weir_options *connection);
void weir_wires_close(weir_consumer *consumer);

/* Moves bytes, heeds losses. WEIR_OK; WEIR_MORE: there was no memory for that, later; or
 * the failure that ended the consumer. */
weir_status weir_wires_step(weir_consumer *consumer);

/* Sends what was asked, and receives nothing: what had come unnoticed would not end the
 * wait that follows. */
void weir_wires_flush(weir_consumer *consumer);

/* The consumer's last error is the client's. */
void weir_consumer_note(weir_consumer *consumer, const weir_error *error);

/* A trouble that is survived: notes it and tells the caller. */
void weir_consumer_trouble(weir_consumer *consumer, const weir_error *error);

/* The end: notes why. Gives its status. */
weir_status weir_consumer_end(weir_consumer *consumer, const weir_error *error);

/* An answer on `client` failed: does what its remedy is. WEIR_MORE: it goes on, later; or
 * the failure that ended the consumer. */
weir_status weir_consumer_heed(weir_consumer *consumer, const weir_client *client);

/* The same, of an error that was kept. */
weir_status weir_consumer_heed_error(weir_consumer *consumer, const weir_error *error);

/* WEIR_ERR_ARG with a text of its own. */
weir_status weir_consumer_wrong(weir_consumer *consumer, const char *why);

/* ---- consumer_orders.c: the working line ---- */

/* Room for so many more orders. */
bool weir_orders_have_room(const weir_consumer *consumer, uint32_t count);
void weir_orders_note(weir_consumer *consumer, weir_order_kind kind, uint32_t stream,
                      uint32_t count, uint64_t ticket);

/* Takes what answers have come. WEIR_OK, or the failure that ended the consumer. */
weir_status weir_orders_take(weir_consumer *consumer);

/* ---- consumer_setup.c ---- */

/* Makes the groups, where that is due. WEIR_OK: they are there; WEIR_MORE; or the end. */
weir_status weir_consumer_set_up(weir_consumer *consumer);
weir_status weir_setup_take(weir_consumer *consumer);

/* ---- consumer_verdicts.c ---- */

/* It is to be acknowledged. */
void weir_verdicts_note_done(weir_consumer *consumer, weir_held *held);

/* Sends acknowledgements that are due; all of them if `now`. */
weir_status weir_verdicts_send(weir_consumer *consumer, bool now);

/* When acknowledgements that wait are to be sent; INT64_MAX: none wait, or there is no room
 * for them. */
int64_t weir_verdicts_deadline(const weir_consumer *consumer);

/* Answers. As weir_orders_take; WEIR_MORE: it has not come. */
weir_status weir_verdicts_take(weir_consumer *consumer, const weir_order *order);

/* XNACK or XCLAIM of these ids: gives them back. */
weir_status weir_verdicts_give_back(weir_consumer *consumer, uint32_t stream,
                                    const weir_id *ids, uint32_t count);

/* Who was given it and has not said anything yet. */
weir_status weir_verdicts_find(weir_consumer *consumer, const weir_delivery *delivery,
                               weir_held **held);

/* There is no connection to tell it to: it is in hand no more, and comes again as history.
 */
void weir_verdicts_let_go(weir_consumer *consumer, weir_held *held);

/* ---- consumer_letters.c ---- */

/* Puts an entry into the dead letters. WEIR_OK, or as weir_append_xadd. */
weir_status weir_letters_bury(weir_consumer *consumer, const weir_entry *entry,
                              weir_held *held, const char *reason);

/* The letter's answer. */
weir_status weir_letters_take(weir_consumer *consumer, const weir_order *order);

/* ---- consumer_lease.c ---- */

/* The answer to what weir_consumer_extend asked. */
weir_status weir_lease_take(weir_consumer *consumer, const weir_order *order);

/* ---- consumer_lots.c ---- */

/* The next entry of an open page, with what XPENDING told of it. WEIR_ERR_LIMIT, and
 * entry->id is above 0-0: that one was passed over. */
weir_status weir_lot_next(weir_lot *page, weir_entry *entry, weir_view *from);

/* The entry just read cannot be given yet: it is the next one again. */
void weir_lot_keep(weir_lot *page, const weir_entry *entry);

/* It is closed for good; its memory is free. */
void weir_lot_drop(weir_lot *page);

/* What was settled before the oldest page that is still there was asked for can be
 * forgotten: no answer tells of it any more. */
void weir_lots_forget(weir_consumer *consumer);

/* The highest serial asked that may tell of what is settled now; 0: none. */
uint64_t weir_lots_serial(const weir_consumer *consumer);

/* How many entries to ask for. */
uint64_t weir_lots_count(const weir_consumer *consumer);

/* ---- consumer_reads.c ---- */

/* Asks for what is next, opens what has come. */
weir_status weir_reads_go_on(weir_consumer *consumer);

/* The page that gives entries is over: what comes then. */
void weir_reads_end_page(weir_consumer *consumer, weir_lot *page);

/* All from the beginning: history, then new ones. */
void weir_reads_restart(weir_consumer *consumer);

/* ---- consumer_claims.c ---- */

weir_status weir_claims_go_on(weir_consumer *consumer);
weir_status weir_claims_take(weir_consumer *consumer, const weir_order *order);
void weir_claims_end_page(weir_consumer *consumer);
void weir_claims_restart(weir_consumer *consumer);

/* When the next look for idle entries is due; INT64_MAX: something else comes first. */
int64_t weir_claims_deadline(const weir_consumer *consumer);

/* ---- consumer_judge.c ---- */

/* It is too large to be received, and stays pending. */
void weir_give_pass_over(weir_consumer *consumer, const weir_lot *page,
                         const weir_entry *entry);

/* WEIR_OK: given. WEIR_END: dealt with, look at the next. WEIR_ERR_FULL and the like: it
 * cannot be dealt with now. */
weir_status weir_give_judge(weir_consumer *consumer, weir_lot *page, weir_view from,
                            weir_delivery *delivery);

/* The caller never saw it: it is as if it had not been read. */
void weir_give_take_back(weir_consumer *consumer, weir_lot *page,
                         const weir_delivery *delivery);

/* ---- consumer_batch.c ---- */

/* Makes room for one more of the batch, whose fields so far are `used`. False: no memory.
 */
bool weir_batch_hold(weir_consumer *consumer, const weir_lot *page, const weir_entry *entry,
                     size_t used);

/* The batch is whole: its entries' fields. */
void weir_batch_set_fields(weir_consumer *consumer, weir_delivery *list, size_t count);

/* Its views are over. */
void weir_batch_release(weir_consumer *consumer);

/* ---- consumer_give.c ---- */

/* Ends what was in hand of the caller: its views are over. */
void weir_give_release(weir_consumer *consumer);

/* ---- consumer_leave.c ---- */

weir_status weir_leave_go_on(weir_consumer *consumer);
weir_status weir_leave_take(weir_consumer *consumer, const weir_order *order);

/* ---- consumer_options.c ---- */

/* Checks and copies the options, allocates what they ask for. WEIR_OK, WEIR_ERR_ARG,
 * WEIR_ERR_NOMEM. */
weir_status weir_consumer_prepare(weir_consumer *consumer,
                                  const weir_consumer_options *options);

/* Frees all; also what was only prepared in part. */
void weir_consumer_free(weir_consumer *consumer);

/* ---- consumer.c ---- */

/* Goes on as far as possible. `flush`: acknowledgements do not linger. */
weir_status weir_consumer_pump(weir_consumer *consumer, bool flush);

/* Waits for either line, a cancel, or the deadline. WEIR_OK; or the end. */
weir_status weir_consumer_wait(weir_consumer *consumer, int64_t deadline_ms);

/* The same, whether it was cancelled or not. */
weir_status weir_consumer_wait_on(weir_consumer *consumer, int64_t deadline_ms);

/* Now and the time that the caller gives. */
int64_t weir_consumer_until(weir_consumer *consumer, int64_t timeout_ms);

#endif
