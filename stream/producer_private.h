/* What the producer's files share.
 *
 *     append -> lane's queue -> pump: commands, and a note of each -> the client
 *     answers -> notes, oldest first -> lane -> report
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_PRODUCER_PRIVATE_H
#define WEIR_STREAM_PRODUCER_PRIVATE_H

#include "../resp/prepared.h"
#include "args.h"
#include "client_wait.h"
#include "producer_store.h"
#include "session.h"

#define WEIR_KEPT_ERRORS    32   /* different ones, of reports that are not taken yet */
#define WEIR_PRODUCER_GIVEN 40   /* bytes of options.name */
#define WEIR_PRODUCER_NAME  64   /* with what makes it unique, NUL included */
#define WEIR_IDMP_LEAST     1    /* in flight of a stream, until XINFO has told more */
#define WEIR_CALLS          8    /* of the script, in flight for a stream */
#define WEIR_CALL_FIELDS    3500 /* of an entry: Lua's unpack puts all on a stack of 8000 */

/* A producer's name in one stream, with the count of its new beginnings there. */
#define WEIR_PRODUCER_PID (WEIR_PRODUCER_NAME + 24)

/* What a request on the connection is for. */
typedef enum weir_note_kind {
    WEIR_NOTE_ENTRY, /* XADD of one entry */
    WEIR_NOTE_CALL,  /* the script, with `count` entries */
    WEIR_NOTE_FACTS, /* XINFO STREAM */
    WEIR_NOTE_TRIM,
    WEIR_NOTE_LOOK,   /* XRANGE of one id */
    WEIR_NOTE_WAIT,   /* WAIT or WAITAOF: what was acknowledged before waits for it */
    WEIR_NOTE_LOAD,   /* SCRIPT LOAD */
    WEIR_NOTE_FORGET, /* SCRIPT: HDEL of our numbers, at the end */
    WEIR_NOTE_PROBE   /* may we do what WAIT needs? */
} weir_note_kind;

typedef struct weir_note {
    weir_stream *stream; /* NULL: of no stream */
    size_t bytes;        /* ENTRY, CALL: of the command */
    uint32_t count;      /* likewise: entries */
    weir_note_kind kind;
} weir_note;

/* What SEQGAP says. */
typedef struct weir_call_gap {
    uint64_t last;      /* the call done last, if it is neither of these */
    bool was_reset;     /* the stream is gone */
    bool was_forgotten; /* the stream is there, its numbers are not */
} weir_call_gap;

/* What each entry touches stands first and close together, or with thousands of streams the
 * memory that is fetched for an entry would be most of what it costs. */
struct weir_stream {
    weir_stream *next_waiting;
    int64_t retry_at_us;  /* 0: now */
    weir_prepared *names; /* NULL: none were given */
    char *head;           /* XADD, key, trim, IDMP and name: encoded */
    size_t head_len;
    size_t head_args;
    uint8_t names_skip; /* bytes of the prepared command's header */
    bool is_listed;     /* in the producer's `ready` or `waiting` */
    bool has_facts;
    bool wants_facts;
    bool is_asking;    /* for facts */
    bool is_proving;   /* they tell whether something was lost: new ids would hide it */
    bool is_judging;   /* IDMP: they decide what becomes of what is held */
    bool is_looking;   /* for an id */
    bool is_refused;   /* for the time being: a delay is due once it is drained */
    bool is_forgetful; /* IDMP: the server may have forgotten what was in flight */
    bool has_gap;
    weir_lane lane;
    uint64_t since_trim;
    uint64_t trim_every;
    weir_id top;      /* highest id that was acknowledged, or told by XINFO */
    weir_id acked;    /* likewise, acknowledged alone */
    int64_t retry_us; /* the last delay, 0: none since something was acknowledged */
    uint32_t gaps;    /* SCRIPT: in a row */
    uint32_t window;  /* IDMP: in flight at most */
    /* SCRIPT: numbers of calls */
    uint64_t batch;       /* given last */
    uint64_t acked_batch; /* done, as the server said */
    uint64_t prev_batch;  /* the one before the next that is sent */
    weir_call_gap gap;    /* if has_gap */
    uint32_t epoch;
    uint32_t calls;           /* in flight */
    uint64_t idmp_maxsize;    /* IDMP: as XINFO told last, 0: not yet */
    uint64_t idmp_duration_s; /* likewise */
    char *keys;               /* own copies of both: */
    size_t keys_size;
    weir_view key;
    weir_view side; /* SCRIPT: the key beside it where its numbers are kept */
    weir_trim trim;
    size_t names_size;      /* of `names`, 0: they are another stream's */
    weir_stream *next_same; /* hash chain */
    uint64_t hash;
};

/* What will be read and written soon: with thousands of streams it is far away. */
static inline void weir_fetch(const void *at) {
#if defined(__GNUC__)
    __builtin_prefetch(at, 1);
#else
    (void)at;
#endif
}

/* All of a stream that an entry touches. */
static inline void weir_stream_fetch(const weir_stream *stream) {
    weir_fetch(stream);
    weir_fetch(&stream->lane);
    weir_fetch(&stream->lane.held);
    weir_fetch(&stream->acked);
    weir_fetch(&stream->window);
}

/* Streams that have something to send. A ring, so that it is known which come soon. */
typedef struct weir_ready {
    weir_stream **ring; /* of stream_room places, by first and next */
    size_t first;
    size_t next;
} weir_ready;

typedef enum weir_producer_phase {
    WEIR_PRODUCER_CONNECTING,
    WEIR_PRODUCER_CHECKING, /* connected: has the server what is needed? */
    WEIR_PRODUCER_OPEN,
    WEIR_PRODUCER_ENDED
} weir_producer_phase;

typedef struct weir_kept_error {
    weir_error error;
    size_t uses;
} weir_kept_error;

/* A report that waits to be taken. */
typedef struct weir_kept_report {
    weir_report report; /* error is not set */
    uint8_t error;
} weir_kept_report;

struct weir_producer {
    weir_mem mem;
    weir_client *client;
    weir_producer_options options; /* with the defaults filled in */
    weir_reconnect reconnect;      /* the caller's */
    weir_delivery_mode delivery;
    weir_producer_phase phase;
    weir_status ended; /* why */
    weir_error error;  /* the last failure */
    bool is_non_blocking;
    bool is_calling;  /* in a callback: no bytes are moved */
    bool is_flushing; /* no lingering */
    bool is_connected_anew;
    bool is_starved;  /* the last pump had something to send, and no memory for it */
    bool was_refused; /* the first try to connect has failed */
    bool has_probe;
    bool has_no_scripts; /* the server runs none for this user */
    char name[WEIR_PRODUCER_NAME];
    char sha[41]; /* of the script; "": not loaded */
    bool is_loading;
    int64_t load_us;    /* the last delay before loading, 0: none */
    int64_t load_at_us; /* 0: now */

    weir_store store;
    weir_stream **streams;
    size_t stream_count;
    size_t stream_room;
    weir_stream **buckets; /* by hash of their keys; a power of two, stream_room * 2 */
    weir_ready ready;
    weir_stream *waiting; /* the first of those that will have something */

    weir_note *notes; /* ring, by first_note and next_note */
    size_t note_room; /* a power of two */
    uint64_t first_note;
    uint64_t next_note;

    size_t live;   /* entries without an end */
    size_t queued; /* of them, not in flight */
    size_t queued_bytes;
    int64_t queued_us; /* when the oldest of what is queued was appended, about */
    size_t in_flight;
    size_t in_flight_bytes;
    size_t borrowed_bytes; /* of live entries that were not copied */
    int64_t checked_us;    /* deadlines were looked at */
    bool needs_wait;       /* acknowledged entries wait, and no WAIT is sent for them */
    bool has_written;      /* an entry was added by this connection: WAIT knows of it */
    weir_fifo settling;    /* acknowledged, and a WAIT is not answered yet */

    weir_kept_report *reports; /* ring */
    size_t report_room;        /* a power of two */
    uint64_t first_report;
    uint64_t next_report;
    weir_kept_error errors[WEIR_KEPT_ERRORS];
    weir_error shown[2]; /* what the reports taken last point to, where it is not kept */
    weir_counters counters;
};

static inline bool weir_producer_has_ready(const weir_producer *producer) {
    return producer->ready.first != producer->ready.next;
}

/* ---- producer.c ---- */

/* Ends the producer, keeping what *error says. Gives the status. */
weir_status weir_producer_end(weir_producer *producer, weir_status status,
                              const weir_error *error);

/* The same with a text of our own. */
weir_status weir_producer_fail(weir_producer *producer, weir_status status,
                               const char *text, const char *more);

/* Waits until more can be done, or until_ms has come, and does it. */
weir_status weir_producer_turn(weir_producer *producer, int64_t until_ms);

/* A failure of one call. Gives the status. */
weir_status weir_producer_wrong(weir_producer *producer, weir_status status,
                                const char *text);

/* ---- producer_open.c ---- */

/* The connection is ready: goes on with opening, or with what each connection needs. */
void weir_producer_meet(weir_producer *producer, int64_t now_us);

/* True if entries are sent in calls of the script, or may be once it is open. */
bool weir_producer_may_call(const weir_producer *producer);

/* ---- producer_streams.c ---- */

/* The stream has something to do: the next pump looks at it. */
void weir_producer_list(weir_producer *producer, weir_stream *stream);

/* Frees them all. */
void weir_producer_free_streams(weir_producer *producer);

/* The delivery is decided: heads are written for it. */
weir_status weir_producer_write_heads(weir_producer *producer);

/* ---- producer_pump.c ---- */

/* True if a step has something to send. */
bool weir_producer_has_work(const weir_producer *producer, int64_t now_us);

/* Sends what may be sent; moves bytes if there are some. */
void weir_producer_pump(weir_producer *producer, int64_t now_us);

/* True if what is queued is due: a batch is full, or has lingered. */
bool weir_producer_is_due(const weir_producer *producer, int64_t now_us);

/* True if what is ready waits for an answer: only that makes room in flight. */
bool weir_producer_awaits_window(const weir_producer *producer);

/* Sends one request that is not of entries. False: there is no room now. */
bool weir_producer_ask(weir_producer *producer, const weir_args *args, weir_note_kind kind,
                       weir_stream *stream);

/* Names and values, encoded; gives the byte behind. */
char *weir_producer_put_fields(char *at, const weir_item *item);

/* The lane has sent the item. */
void weir_producer_count_sent(weir_producer *producer, weir_item *item, int64_t now_us);

/* May we do what WAIT needs? Asks. */
void weir_producer_probe(weir_producer *producer);

/* The next delay of something that fails: longer each time, up to a second. */
int64_t weir_producer_delay(int64_t *delay_us);

/* Notes a request that was committed. The ring has room: weir_producer_can_note. */
void weir_producer_note(weir_producer *producer, const weir_note *note);
bool weir_producer_can_note(weir_producer *producer);

/* ---- producer_script.c ---- */

/* SCRIPT LOAD. False: no room now. */
bool weir_producer_load(weir_producer *producer);

/* Sends the next call of a stream's entries. False: no room now. */
bool weir_producer_call(weir_producer *producer, weir_stream *stream, int64_t now_us);

/* The server need not know our numbers any more: takes them out of the side keys of streams
 * that have no entry without an end. Gives how many are asked for. */
size_t weir_producer_forget(weir_producer *producer);

/* One call's answer, in pieces. */
typedef struct weir_call_result {
    weir_id first;
    weir_id last;
    weir_view refused; /* indexes, with a space before each */
    weir_view words;   /* RESP: the errors of these, in the same order; may be empty */
} weir_call_result;

/* Reads the script's answer. False: it is none. */
bool weir_call_read(weir_view whole, weir_call_result *result);

/* Finds it in an error's text. False: it does not say. */
bool weir_call_gap_read(const char *text, weir_call_gap *gap);

extern const char weir_producer_script[];

/* ---- producer_call.c ---- */

/* A call's answer, or why there is none. */
void weir_producer_take_call(weir_producer *producer, const weir_note *note, weir_status st,
                             weir_view whole, int64_t now_us);

/* A lane of calls is resolved: what it sends next says what it stands behind. */
void weir_producer_heal(weir_producer *producer, weir_stream *stream, int64_t now_us);

/* ---- producer_answer.c ---- */

/* Takes all answers that have come. */
void weir_producer_answers(weir_producer *producer, int64_t now_us);

/* What a take's status says of an entry. */
weir_verdict weir_producer_verdict(const weir_producer *producer, weir_status st,
                                   const weir_error *error);

/* The stream's oldest entry in flight is answered. */
void weir_producer_answer(weir_producer *producer, weir_stream *stream,
                          weir_verdict verdict, weir_id id, const weir_error *error,
                          int64_t now_us);

/* All entries of a note are: the lane is judged if it is drained, else it may go on. */
void weir_producer_answered(weir_producer *producer, weir_stream *stream, int64_t now_us);

/* ---- producer_facts.c ---- */

/* Reads XINFO STREAM's answer, or the beginning of it. False: it does not tell. */
bool weir_producer_facts(weir_producer *producer, weir_stream *stream, weir_view answer);

/* XINFO STREAM says that there is no such key. */
void weir_producer_no_stream(weir_producer *producer, weir_stream *stream);

/* IDMP: so long the server surely knows a number. */
int64_t weir_producer_memory_us(const weir_stream *stream);

/* ---- producer_report.c ---- */

/* The entry has its end: reports it, and gives its record back. */
void weir_producer_finish(weir_producer *producer, weir_item *item, weir_fate fate,
                          weir_reason reason, int64_t now_us);

/* Acknowledged, and durability asked for or not: `replicas` and `is_fsynced` are told. */
void weir_producer_finish_acked(weir_producer *producer, weir_item *item, uint32_t replicas,
                                bool is_fsynced, int64_t now_us);

/* The report goes out, what is left of the entry stays where it is, and is not read any
 * more if it was borrowed. */
void weir_producer_tell(weir_producer *producer, weir_item *item, weir_outcome outcome,
                        weir_reason reason, int64_t now_us);

/* An item of a lane's queue has its end. */
void weir_producer_finish_queued(weir_producer *producer, weir_item *item, weir_fate fate,
                                 weir_reason reason, int64_t now_us);

/* Room for a report for each entry that is live, and one more. */
bool weir_producer_can_report(weir_producer *producer);

/* Remembers why the item failed last. */
void weir_producer_blame(weir_producer *producer, weir_item *item, const weir_error *error);

/* Reports that were not taken, of entries that the server lost. */
void weir_producer_turn_lost(weir_producer *producer, const weir_loss_notice *notice);

/* Gives up entries whose time is over. */
void weir_producer_expire(weir_producer *producer, int64_t now_us);

#endif
