/* The session: what is on its way on one connection. Sans-I/O: bytes in, bytes out, the
 * clock is an argument; so every cut, stall and push is a plain unit test.
 *
 * Requests have tickets, numbered from 1 in the order they are sent. Their answers arrive
 * in that order. `first` is the oldest that is still known. An answer is used up from the
 * front of the receive buffer when its ticket is `first`; one that is asked for while older
 * ones still wait is found by the `ahead` reader, which runs before the front and marks
 * where each answer begins and ends.
 *
 *     receive buffer   [ rest of answer 5 | answer 6 | answer 7 | beginning of 8 ]
 *                      ^ in.offset        ^ begin, end of each          ^ ahead_at
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_SESSION_H
#define WEIR_STREAM_SESSION_H

#include "buffer.h"
#include "client.h"
#include "commands.h"
#include "decode.h"
#include "facts.h"
#include "loans.h"

#define WEIR_MAX_SLOTS 16 /* iterators and replies that can be open at once */

/* What the answer to a request is to be taken as. */
typedef enum weir_answer {
    WEIR_ANSWER_ID,
    WEIR_ANSWER_COUNT,
    WEIR_ANSWER_IS_NEW,
    WEIR_ANSWER_RANGE,     /* array of entries */
    WEIR_ANSWER_STREAMS,   /* map, or array of pairs: key, array of entries */
    WEIR_ANSWER_AUTOCLAIM, /* id, array of entries, array of deleted ids */
    WEIR_ANSWER_DONE,      /* OK */
    WEIR_ANSWER_DELETIONS, /* array of integers, one for each id */
    WEIR_ANSWER_PENDING,
    WEIR_ANSWER_PENDING_ROWS,
    WEIR_ANSWER_STREAM_INFO,
    WEIR_ANSWER_GROUPS,
    WEIR_ANSWER_CONSUMERS,
    WEIR_ANSWER_REPLY
} weir_answer;

/* What became of a request whose connection ended before its answer. */
typedef enum weir_loss {
    WEIR_LOSS_NONE,
    WEIR_LOSS_UNSENT, /* its last byte was never handed to the system: not executed */
    WEIR_LOSS_UNKNOWN /* it may have been executed */
} weir_loss;

typedef struct weir_request {
    uint64_t begin;   /* stream offset of its answer if is_begun; before, that of its
                         command's end in what is sent */
    uint64_t end;     /* known if is_whole */
    int64_t block_ms; /* how long the server may wait before it answers, WEIR_FOREVER */
    uint8_t answer;   /* weir_answer */
    uint8_t loss;     /* weir_loss; a lost one is whole, of no bytes */
    bool is_begun;    /* the ahead reader has reached its answer */
    bool is_whole;    /* the ahead reader has passed its answer */
    bool is_taken;    /* no longer due to a take: somebody has or had it */
    bool is_gone;     /* nobody wants its bytes any more: to be passed over */
    bool is_held;     /* but a detached slot looks at them where they are */
    bool is_paged; /* a page that no take is for: weir_pages knows it by its ticket, which
                      is therefore never given to another request */
} weir_request;

/* Where an iterator stands in its answer. */
typedef enum weir_stage {
    WEIR_STAGE_HEAD,       /* before the answer's first token */
    WEIR_STAGE_NEXT_ID,    /* XAUTOCLAIM: before the cursor */
    WEIR_STAGE_LIST,       /* before the count of an array of entries */
    WEIR_STAGE_STREAM,     /* before the next stream, or at the answer's end */
    WEIR_STAGE_KEY,        /* before a stream's name */
    WEIR_STAGE_ENTRIES,    /* between entries, or in one */
    WEIR_STAGE_AFTER_LIST, /* behind XAUTOCLAIM's entries */
    WEIR_STAGE_PURGED,     /* between XAUTOCLAIM's deleted ids */
    WEIR_STAGE_OVER
} weir_stage;

/* An open iterator or reply. */
typedef struct weir_slot {
    uint64_t serial;    /* never used twice; 0: the slot is free */
    uint64_t ticket;    /* of its request; means nothing once is_detached or over */
    const void *handle; /* the caller's variable, only compared */
    weir_answer answer;
    weir_stage stage;
    bool is_pair_list;   /* streams as an array of pairs, not as a map */
    bool has_purged;     /* XAUTOCLAIM told deleted ids (Redis 7) */
    bool is_half_open;   /* its answer has not been read as far as the first entry */
    bool is_dropped;     /* its answer is passed over; only the entry in hand lives on */
    bool is_lost;        /* dropped, because the connection ended within it */
    bool is_passing;     /* in an entry larger than the receive buffer */
    bool is_seeking;     /* the reader has begun to look for the end of the value sought */
    bool is_detached;    /* its answer is `detached`, no more in the queue's order */
    uint32_t list_depth; /* depth inside the array of entries */
    uint64_t list_count; /* entries in that array; 0 also for null */
    uint64_t look_left;  /* of them, those that were not looked at ahead; 0: all, or given
                            up */
    uint64_t look_at;    /* where the first of these begins */
    size_t look_least;   /* bytes that must be there before it is worth looking again */
    uint64_t ahead;      /* ticket of the page asked for behind this one; 0: none */
    weir_id next;        /* XAUTOCLAIM: the cursor */
    weir_id passing_id;  /* of the entry being passed over; 0-0 if not known */
    weir_reader reader;
    uint64_t value_at;  /* stream offset of the value sought; if detached, within that */
    uint64_t at;        /* likewise, of the reader */
    weir_view detached; /* the whole answer, in the pinned block */
    weir_block *pinned; /* what the views in hand are in, NULL if none are */
    weir_fields fields;
    char *key; /* copy of the stream's name */
    size_t key_len;
    size_t key_capacity;
} weir_slot;

/* How far the handshake is. */
typedef enum weir_phase {
    WEIR_PHASE_START, /* nothing is sent */
    WEIR_PHASE_HELLO,
    WEIR_PHASE_AUTH,   /* HELLO is not known: AUTH alone */
    WEIR_PHASE_SELECT, /* and what else needs no waiting for each other */
    WEIR_PHASE_FENCE,  /* an earlier connection is ended at the server */
    WEIR_PHASE_READY,
    WEIR_PHASE_BROKEN
} weir_phase;

/* What the handshake is to bring about; texts are borrowed by the session. */
typedef struct weir_greeter {
    const char *user;     /* "" : none */
    const char *password; /* "" : none */
    const char *name;     /* "" : none */
    uint32_t db;
    int protocol;     /* 0, 2, 3 */
    bool is_lasting;  /* for a client that connects again: the server must be ready, and say
                        which run of it this is */
    bool wants_fence; /* an earlier connection to the same run is to be ended */
} weir_greeter;

#define WEIR_GREETING_BYTES 1152 /* HELLO with a user and a password of 511 bytes */
#define WEIR_RUN_TEXT       41   /* run_id of INFO: 40 digits */

typedef struct weir_session {
    weir_mem mem;
    weir_phase phase;
    weir_buffer in;
    weir_buffer out;
    size_t greeting_len;  /* bytes of the handshake, sent before those of out */
    size_t greeting_sent; /* of them */
    weir_loans loans; /* what goes out from where the caller has it, between bytes of out */

    weir_request *ring;     /* ring[ticket % ring_capacity] */
    size_t ring_capacity;   /* a power of two */
    size_t unanswered_most; /* requests from first to next, at most */
    uint64_t first;         /* oldest ticket that is known */
    uint64_t next;          /* ticket of the next request */
    uint64_t oldest;        /* no ticket before it is due to a take */
    size_t untaken;         /* tickets that are due to a take */

    weir_reader ahead;
    uint64_t ahead_at;     /* stream offset of the ahead reader */
    uint64_t ahead_ticket; /* whose answer it reads or will read next */
    bool is_in_push;       /* it is inside a push */
    uint64_t pushes;

    weir_slot *slots[WEIR_MAX_SLOTS];
    size_t slot_most;
    weir_slot *streaming; /* the one that reads the answer of `first` as it arrives */
    uint64_t serial;      /* of the slot opened last */

    int64_t timeout_ms;
    int64_t progress_ms; /* when a byte last came, or waiting began */

    weir_greeter greeter;
    unsigned greet_asked;  /* commands of the handshake sent in this phase */
    unsigned greet_got;    /* of them, those that are answered */
    unsigned greet_needed; /* errors in answers before this one end the handshake */
    unsigned greet_ping;   /* which one is PING, counted from 1; 0: none */
    unsigned greet_info;   /* which one is INFO, likewise */
    unsigned greet_id;     /* which one is CLIENT ID, likewise */
    int protocol;          /* 2 or 3 */
    uint64_t greet_begin;  /* stream offset of the answer awaited, if is_greet_begun */
    int64_t client_id;
    char server[16];
    char version[32];
    weir_facts facts;             /* of the server at the other end of this connection */
    char run[WEIR_RUN_TEXT];      /* "" if not told */
    char last_run[WEIR_RUN_TEXT]; /* of the connection before, likewise */
    int64_t last_client_id;       /* likewise, 0 if not told */
    uint64_t base;                /* stream offset of this connection's first byte */

    bool is_fixed;       /* it never allocates: what it has is its ceiling */
    bool is_starved;     /* memory, not a ceiling, kept the receive buffer from growing */
    bool is_greet_begun; /* the handshake's next answer has begun to come */
    bool was_greeted;    /* it was ready when it broke */
    bool is_proved;      /* since it is ready a request was answered */
    bool is_fenced;      /* the server has ended what the last connection left */
    bool is_loss_told;   /* the last error is what became of one request */
    const char *peer;    /* for error texts; borrowed */
    weir_error error;    /* the last one */
    weir_error ending;   /* what ended the connection, while `error` is a later one */
    weir_status failure; /* WEIR_OK while the connection is good */
    char greeting[WEIR_GREETING_BYTES];
} weir_session;

/* Sizes of a session's memory. */
typedef struct weir_session_sizes {
    size_t receive_base;
    size_t receive_most;
    size_t send_base;
    size_t send_most;
    size_t ring_base; /* requests to begin with; a power of two */
    size_t unanswered_most;
    size_t slots;        /* at most WEIR_MAX_SLOTS */
    bool is_fixed;       /* allocate all that will ever be used now: */
    size_t fixed_fields; /* of one entry */
    size_t fixed_key;    /* bytes of a stream's name in XREAD */
} weir_session_sizes;

/*
 * Caller-held. Allocates through `mem` (copied). WEIR_OK, WEIR_ERR_NOMEM (then it is as if
 * it had been freed). `peer` and the texts of `greeter` are borrowed until free.
 */
weir_status weir_session_init(weir_session *session, const weir_mem *mem,
                              const weir_session_sizes *sizes, const weir_greeter *greeter,
                              const char *peer);

void weir_session_free(weir_session *session);

/* ---- bytes in and out ---- */

/* Where to put received bytes. WEIR_OK; WEIR_ERR_LIMIT: the receive buffer is full of what
 * nobody has taken, WEIR_ERR_NOMEM: it cannot grow: see weir_session_make_way. */
weir_status weir_session_room(weir_session *session, char **at, size_t *room);

/* `count` bytes were put there. Passes over what nobody wants. WEIR_OK, or the failure. */
weir_status weir_session_received(weir_session *session, size_t count, int64_t now_ms);

/* Bytes that are queued and may be sent: those of the handshake until it is over. */
size_t weir_session_queued(const weir_session *session);

/* The first of them in at most `most` parts (1 or more); gives the number of parts.
 * Borrowed until the next call on the session. */
size_t weir_session_output(const weir_session *session, weir_view *parts, size_t most);

/* The first `count` bytes of them were sent. */
void weir_session_sent(weir_session *session, size_t count);

/* When weir_session_tick must be called at the latest; INT64_MAX: never. */
int64_t weir_session_deadline(const weir_session *session);

/* Ends the connection if its deadline has passed and it is the peer who is late: where all
 * answers wait to be taken, or fill the buffer, the deadline begins anew. */
weir_status weir_session_tick(weir_session *session, int64_t now_ms);

/* ---- failures (failure.c) ---- */

/* Why the connection ended, told again: gives the status, WEIR_OK while it is good. */
weir_status weir_session_failed(weir_session *session);

/* Notes an error and gives its status. The connection stays. */
weir_status weir_session_error(weir_session *session, weir_status status,
                               const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the connection for good: `status` is of the fatal band and sticks. */
weir_status weir_session_break(weir_session *session, weir_status status, int os_error,
                               const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Notes a server's error answer; WEIR_ERR_SERVER. */
weir_status weir_session_server_error(weir_session *session, weir_view words);

/* ---- handshake ---- */

/* Goes on with the handshake. WEIR_OK: ready. WEIR_MORE: send the output, receive, again.
 */
weir_status weir_session_greet(weir_session *session);

/* ---- what the server can do (server.c) ---- */

/* Asks INFO and COMMAND INFO, as no take of the caller's. WEIR_OK, or why they cannot be
 * queued. Only while facts.inquiry is WEIR_INQUIRY_NONE. */
weir_status weir_session_inquire(weir_session *session);

/* Takes what has come of their answers. WEIR_OK: the inquiry is over. WEIR_MORE: receive,
 * then again. */
weir_status weir_session_take_facts(weir_session *session);
/* True once the handshake is over, also if the connection ended since: what has come
 * belongs to requests. */
static inline bool weir_session_is_greeted(const weir_session *session) {
    return session->phase == WEIR_PHASE_READY || session->was_greeted;
}

/* Reads on for the handshake's next answer. WEIR_OK: *whole, good until the next
 * weir_session_room. WEIR_MORE. Or the failure. */
weir_status weir_session_take_greeting(weir_session *session, weir_view *whole);

/* True if this connection is to the process that the one before was to. */
bool weir_session_is_same_run(const weir_session *session);

/* ---- losses (loss.c): what a client needs that connects again ---- */

/*
 * The connection has ended: each request whose answer has not wholly come is lost, in one
 * of the two ways; its take says so in its turn. Answers that had come are still taken. An
 * iterator whose answer was cut ends, but for the entry in hand. What is queued is dropped.
 * Also while it is down, for requests that were queued since and shall not be sent.
 */
void weir_session_resolve(weir_session *session);

/* A connection has ended before its handshake did: no request was sent on it, so those that
 * are queued stay queued. */
void weir_session_drop_greeting(weir_session *session);

/* Makes it ready for the handshake of a new connection, after one of those two;
 * requests may be queued at once, and are sent when it is over. */
void weir_session_restart(weir_session *session);

/* The next request that was lost, or is whole, is told as lost: WEIR_ERR_DOWN or
 * WEIR_ERR_LOST, or the failure that ended the connection for good; error.may_have_run
 * tells which. The answer is taken. */
weir_status weir_session_tell_loss(weir_session *session, uint64_t ticket);

/* The same for an iterator that was cut. */
weir_status weir_session_tell_cut(weir_session *session);

/* ---- requests ---- */

/* Before a request is queued: where none is under way, bytes that have come begin an answer
 * that nobody asked for, and the connection ends. WEIR_OK, or why it ended. */
weir_status weir_session_expect_silence(weir_session *session);

/*
 * Room for `own` bytes of a command of `size` bytes, to be written there and committed.
 * WEIR_OK. WEIR_ERR_FULL: ceilings on unanswered requests or queued bytes. WEIR_ERR_LIMIT:
 * it is larger than the ceiling. WEIR_ERR_NOMEM. Or the failure that ended the connection.
 */
weir_status weir_session_reserve(weir_session *session, size_t own, size_t size, char **at);

/* The command that is committed next has these arguments left out: they go out from where
 * they are. Only while nothing else is lent. */
void weir_session_lend(weir_session *session, const weir_loans *loans);

/* The command is written: queues it. Gives its ticket. */
uint64_t weir_session_commit(weir_session *session, size_t size, weir_answer answer,
                             int64_t block_ms, int64_t now_ms);

/* Whose answer is taken next, in order; 0 if none is due. */
uint64_t weir_session_due(weir_session *session);

/* The request of a ticket that is due, or was just committed. */
static inline weir_request *weir_session_request(const weir_session *session,
                                                 uint64_t ticket) {
    return &session->ring[ticket & (session->ring_capacity - 1)];
}

/* ---- answers ---- */

/* Below, WEIR_MORE means: receive, then call again. With any other status the answer is
 * taken. */

/* An answer of one token. An error answer is noted and WEIR_ERR_SERVER, an aggregate
 * WEIR_ERR_REPLY. token->bytes is good until the next weir_session_room. */
weir_status weir_session_take_token(weir_session *session, uint64_t ticket,
                                    weir_token *token);

/* Ids that answer the requests at the front, as many as have come whole, in their usual
 * shape, and at most so many; gives how many. Where it gives none, weir_session_take_id
 * may have one all the same. */
size_t weir_session_take_ids(weir_session *session, weir_id *ids, size_t most);

/* An answer that is an id. WEIR_END: it is null. Else as weir_session_take_token. */
weir_status weir_session_take_id(weir_session *session, uint64_t ticket, weir_id *id);

/* Waits for the whole answer and gives its bytes, error answers too; good until the next
 * weir_session_room. */
weir_status weir_session_take_whole(weir_session *session, uint64_t ticket,
                                    weir_view *whole);

/* The answer is no more due to a take; its bytes are still wanted. */
void weir_session_mark_taken(weir_session *session, uint64_t ticket);

/* The streaming iterator reads its answer by itself: where it is further than the ahead
 * reader, that goes on from there. */
void weir_session_catch_up(weir_session *session);

/* Nobody wants this answer: it is passed over when it comes. */
void weir_session_abandon(weir_session *session, uint64_t ticket);

/* Passes over what nobody wants, as far as it has come. WEIR_OK, or the failure. */
weir_status weir_session_settle(weir_session *session);

/* Whose answer is the first that has not wholly come; 0: all have. Changes nothing that can
 * be seen: an answer that the ahead reader had begun would have to be held whole. */
uint64_t weir_session_owed(weir_session *session);

/* The answer of `ticket` is wholly received: its bytes stay in the queue. */
weir_status weir_session_reach(weir_session *session, uint64_t ticket);
weir_view weir_session_whole(const weir_session *session, const weir_request *request);

/* Stands the ahead reader before the next answer's first byte. WEIR_OK, WEIR_MORE. */
weir_status weir_session_face(weir_session *session);

/* A reader found `fault`: ends the connection. `rest` is what it could not read. */
weir_status weir_session_fault(weir_session *session, const weir_reader *reader);

/* ---- iterators and replies (slots.c, entries.c) ---- */

/* The slot that reads the answer: one half open for it, or a new one; may_stream: while it
 * arrives if it stands at the front, else held whole. WEIR_OK, WEIR_MORE; WEIR_ERR_FULL,
 * WEIR_ERR_NOMEM: no slot, the answer is still due; or why the connection ended. */
weir_status weir_session_bind(weir_session *session, uint64_t ticket, const void *handle,
                              bool may_stream, weir_slot **slot);

/* Opens an iterator on the answer and reads as far as the first entry. `handle` is the
 * caller's variable. *slot is NULL unless WEIR_OK. */
weir_status weir_session_open_entries(weir_session *session, uint64_t ticket,
                                      const void *handle, weir_slot **slot);

/* Opens a reply on the answer, which is then held whole. */
weir_status weir_session_open_reply(weir_session *session, uint64_t ticket,
                                    const void *handle, weir_slot **slot);

/* Makes sure that a slot can be had for `handle`, before the request is sent whose answer
 * needs it. Closes nothing. WEIR_OK; WEIR_ERR_FULL: all are open; WEIR_ERR_NOMEM. */
weir_status weir_session_keep_slot(weir_session *session, const void *handle);

/* The caller uses the variable for something new: closes what it was used for before, but
 * not what is half open, whose call goes on. Before the answer is looked for: one that
 * comes to the front by this is read as it arrives. */
void weir_session_leave(weir_session *session, const void *handle);

/* A free slot for `handle`, whose earlier one is closed. WEIR_OK; WEIR_ERR_FULL: all are
 * open; WEIR_ERR_NOMEM. */
weir_status weir_session_new_slot(weir_session *session, const void *handle,
                                  weir_slot **slot);

/* The slot that was opened on the answer of `ticket` and has not got as far as an entry. */
weir_slot *weir_session_half_open(const weir_session *session, uint64_t ticket);

/* The slot at `index` if it is still `serial`'s, else NULL. */
weir_slot *weir_session_slot(const weir_session *session, uint32_t index, uint64_t serial);
uint32_t weir_session_slot_index(const weir_session *session, const weir_slot *slot);

/* As weir_entries_next; the caller has unpinned the entry before. */
weir_status weir_session_next_entry(weir_session *session, weir_slot *slot,
                                    weir_entry *entry);

/*
 * Looks at the entries that have come and are not handed over yet, before the slot's next
 * one is read. True once, when the last of the list has come: *last is its id. Those of
 * another form than servers usually send are not waited for: the id is known when they are
 * handed over.
 */
bool weir_session_look_ahead(weir_session *session, weir_slot *slot, weir_id *last);

/* The request was just committed, for a page that no take is for. */
void weir_session_mark_paged(weir_session *session, uint64_t ticket);

/* True if the page asked for is still to be had: nobody has dropped it. */
bool weir_session_has_page(const weir_session *session, uint64_t ticket);

/* Memory is needed: gives up all pages asked for ahead, but not that of `ticket`. */
void weir_session_drop_ahead(weir_session *session, uint64_t ticket);

/* What is received of the slot's answer from `offset` on. */
weir_view weir_session_rest(const weir_session *session, const weir_slot *slot,
                            uint64_t offset);

/* The entry that the streaming slot is in cannot be held: its bytes are passed over from
 * here on. False: it is in no entry, or nothing was gained. */
bool weir_session_pass_entry(weir_session *session, weir_slot *slot);

/* As weir_reply_next. */
weir_status weir_session_next_token(weir_session *session, weir_slot *slot,
                                    weir_token *token);

/* The streaming slot's answer is read to its end: the next answer comes to the front. */
void weir_session_finish(weir_session *session, weir_slot *slot);

/* Gives up the entry in hand. */
void weir_session_unpin(weir_session *session, weir_slot *slot);

/* Closes a slot; the rest of its answer is passed over. */
void weir_session_close_slot(weir_session *session, weir_slot *slot);

/*
 * The receive buffer is full while the answer of `ticket` is waited for: drops what can be
 * dropped for it. WEIR_OK: there is or will be room. WEIR_ERR_LIMIT: that answer cannot be
 * held; it is passed over.
 */
weir_status weir_session_make_way(weir_session *session, uint64_t ticket);

#endif
