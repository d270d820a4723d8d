/* A producer: adds entries to streams as fast as the server takes them, and tells of each
 * one exactly once what became of it. It has a connection of its own, which it keeps alive.
 * One thread at a time may use a producer. docs/producing.md explains the modes.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_PRODUCER_H
#define WEIR_STREAM_PRODUCER_H

#include "client.h"
#include "entry.h"
#include "write.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_producer weir_producer;

/* A stream that a producer adds to. Lives as long as the producer. */
typedef struct weir_stream weir_stream;

/* What is done where an answer was lost, so that nobody knows whether the entry was added.
 */
typedef enum weir_delivery_mode {
    WEIR_DELIVERY_REPORT,        /* it is reported as unknown; nothing that may have been
                                    executed is sent again. Order is kept */
    WEIR_DELIVERY_AT_LEAST_ONCE, /* it is sent again until it is acknowledged: entries may
                                    be doubled, and stand in another order */
    WEIR_DELIVERY_EXACTLY_ONCE,  /* WEIR_DELIVERY_SCRIPT where the user may run scripts,
                                    else WEIR_DELIVERY_IDMP */
    WEIR_DELIVERY_IDMP,   /* XADD IDMP (Redis 8.6.2): sent again under its number, which the
                             server knows. Order is kept, unless an entry is refused and
                             the answer that says so is lost */
    WEIR_DELIVERY_SCRIPT, /* a script on the server counts, next to the stream: sent again
                             under its number. Order is kept, also where one is refused */
    WEIR_DELIVERY_IDS /* ids are made here, so an entry cannot be added twice: for a stream
                         that has no other writer. Order is kept */
} weir_delivery_mode;

/* What became of an entry. */
typedef enum weir_outcome {
    WEIR_OUTCOME_ACKED = 1,    /* the server has added it */
    WEIR_OUTCOME_NOT_EXECUTED, /* it is surely not in the stream, and will not be */
    WEIR_OUTCOME_UNKNOWN,      /* it may be in the stream, or be added yet */
    WEIR_OUTCOME_ACKED_LOST    /* it was acknowledged, and then the server lost it */
} weir_outcome;

/* Why it is not acknowledged. */
typedef enum weir_reason {
    WEIR_REASON_NONE,       /* it is */
    WEIR_REASON_SERVER,     /* the server refused it: error has its words */
    WEIR_REASON_CONNECTION, /* the connection was lost before the answer: error says how */
    WEIR_REASON_DEADLINE, /* timeout_ms passed; error: the last failure, if there was one */
    WEIR_REASON_OVERTAKEN, /* it was refused for the time being, and an entry behind it was
                              (or may have been) added: there is no place for it any more */
    WEIR_REASON_FORGOTTEN, /* the server may have forgotten its number (IDMP), or the entry
                              is not to be found under its id, which others have passed */
    WEIR_REASON_PURGED     /* weir_producer_purge or weir_producer_close */
} weir_reason;

/* The end of one entry. */
typedef struct weir_report {
    weir_outcome outcome;
    weir_reason reason;
    weir_stream *stream;
    void *user;              /* as given to weir_producer_append */
    weir_id id;              /* ACKED, ACKED_LOST: its id; 0-0: it is not known which */
    uint32_t attempts;       /* how often it was sent */
    uint32_t replicas;       /* ACKED: so many had it (wait_replicas), else 0 */
    bool is_fsynced;         /* ACKED: it was on the server's disk (wait_fsync) */
    int64_t latency_us;      /* since it was appended */
    const weir_error *error; /* never NULL; status WEIR_OK if there was no failure. Borrows
                                until the next call on the producer */
} weir_report;

/* The server has lost entries that it had acknowledged. */
typedef struct weir_loss_notice {
    weir_stream *stream;
    bool is_gone;  /* the stream is no more: deleted, or its server began anew */
    weir_id kept;  /* the last id that the server knows of; 0-0 if is_gone */
    weir_id acked; /* the highest that was acknowledged: what lies between is lost */
} weir_loss_notice;

/* All zero is right: the defaults are in the comments. */
typedef struct weir_producer_options {
    weir_delivery_mode delivery; /* default WEIR_DELIVERY_REPORT */

    /* A batch is sent when the first of these is reached. */
    uint32_t batch_entries; /* default 512; WEIR_DELIVERY_SCRIPT: also of one call */
    size_t batch_bytes;     /* default 64 KiB */
    int64_t linger_us;      /* since the oldest was appended; default 0: at once if nothing
                               is on its way. Time passes in calls on the producer */

    /* Ceilings. */
    uint32_t most_entries;      /* appended and not yet reported; default 65536 */
    uint32_t in_flight_entries; /* sent and unanswered; default 4096 */
    size_t most_bytes;          /* of the fields of the former, those that are lent too;
                                   default 64 MiB, at least 4096 */
    size_t in_flight_bytes;     /* of the latter; default 8 MiB, at least 4096 and at most
                                   half of the client's limits.send_bytes */
    uint32_t most_streams;      /* default 65536 */
    int64_t full_wait_ms; /* at a ceiling an append waits so long for room, WEIR_FOREVER: as
                             long as it takes; default 0: it says WEIR_ERR_FULL at once */

    int64_t timeout_ms; /* of each entry, over all attempts; default 30000; WEIR_FOREVER */

    /* What else an acknowledgement waits for: one WAIT or WAITAOF behind each batch. */
    uint32_t wait_replicas; /* so many replicas have it */
    bool wait_fsync;        /* it is on disk: Redis 7.2, with appendonly yes */
    /* At most so long; then the report says what is so. Default 1000; 5000 with wait_fsync,
     * as appendfsync everysec syncs every second or two. */
    int64_t wait_ms;

    const char *name; /* IDMP, SCRIPT: how the server calls us, at most 40 bytes, with a
                         random number behind it; default "weir". Copied */

    /* Called for each report, within a call on the producer; NULL: weir_producer_take. It
     * may append, and must call nothing else on the producer. */
    void (*on_report)(void *context, const weir_report *report);
    /* Called when a loss is found; may be NULL, it is counted in any case. */
    void (*on_loss)(void *context, const weir_loss_notice *notice);
    void *context; /* handed to both */
} weir_producer_options;

/*
 * Opens a producer. The URL and `client` (NULL: defaults) are those of weir_open; its
 * `non_blocking` is the producer's too. Of its `reconnect` the delays, give_up_ms and the
 * callbacks count: it is always on, and fences where the server lets us.
 * Waits until the server is there, and has what `options` (NULL: defaults) ask for: one try
 * to connect, or as many as fit into give_up_ms. non_blocking: weir_producer_step tells.
 * WEIR_OK. Failed: *producer is given too, to be asked for the error and freed; NULL only
 * if it is WEIR_ERR_NOMEM.
 *   WEIR_ERR_ARG          an option is wrong, or two contradict each other
 *   WEIR_ERR_UNSUPPORTED  the server lacks what the delivery needs, or the user may not use
 *                         it; the text says what to do
 * and all of weir_open.
 */
WEIR_API weir_status weir_producer_open(const char *url, const weir_options *client,
                                        const weir_producer_options *options,
                                        weir_producer **producer);

/* How an entry's stream is kept short, and what is the same in all of its entries. */
typedef struct weir_stream_options {
    const weir_view *names; /* of the fields, for weir_producer_append_values. Copied */
    size_t name_count;
    weir_trim trim;      /* by each XADD, or as trim_every says */
    uint64_t trim_every; /* by an XTRIM behind each so many entries instead: cheaper for the
                            server. WEIR_DELIVERY_SCRIPT trims once a batch in any case */
} weir_stream_options;

/*
 * The stream of that key; makes it known at the first call, copying key and options (NULL:
 * none). Later calls give the same *stream, and their options are not looked at.
 * WEIR_OK; WEIR_ERR_ARG: no key, an empty name, or a trim that contradicts itself;
 * WEIR_ERR_FULL: most_streams; WEIR_ERR_NOMEM.
 */
WEIR_API weir_status weir_producer_stream(weir_producer *producer, weir_view key,
                                          const weir_stream_options *options,
                                          weir_stream **stream);

/* The key. Borrows until the producer is closed. */
WEIR_API weir_view weir_stream_key(const weir_stream *stream);

/*
 * Appends an entry, which from then on is the producer's to bring to its end: each that got
 * WEIR_OK has one report, no other has. `user` comes back in it. Copies the fields.
 * WEIR_OK; WEIR_ERR_ARG: no fields, or an empty name; WEIR_ERR_FULL: a ceiling is reached
 * (where it is that of unreported entries: take reports); WEIR_ERR_LIMIT: larger than
 * most_bytes (a copy takes the next power of two) or in_flight_bytes; WEIR_ERR_NOMEM; or
 * why the producer has ended.
 * A lost connection is none of these: the entry waits for the next one.
 */
WEIR_API weir_status weir_producer_append(weir_producer *producer, weir_stream *stream,
                                          const weir_field *fields, size_t count,
                                          void *user);

/* The same with the values alone, one for each of the stream's names, in their order. */
WEIR_API weir_status weir_producer_append_values(weir_producer *producer,
                                                 weir_stream *stream,
                                                 const weir_view *values, void *user);

/* The same without a copy: borrows `fields`, and all that they name, until the report.
 * (WEIR_DELIVERY_SCRIPT copies all the same: what a call was, it stays.) */
WEIR_API weir_status weir_producer_append_borrowed(weir_producer *producer,
                                                   weir_stream *stream,
                                                   const weir_field *fields, size_t count,
                                                   void *user);

/* Gives up to `most` reports in *count, oldest first; WEIR_OK, or WEIR_END: none is there.
 * Does not move bytes: see weir_producer_step. Not with on_report. */
WEIR_API weir_status weir_producer_take(weir_producer *producer, weir_report *reports,
                                        size_t most, size_t *count);

/*
 * Moves what can be moved without waiting: sends batches that are due, takes answers, tries
 * to connect again, watches deadlines. WEIR_OK, also while the connection is down;
 * WEIR_MORE: non_blocking, and it is not opened yet; or why the producer has ended.
 */
WEIR_API weir_status weir_producer_step(weir_producer *producer);

/* weir_producer_step, and waits until something has happened, or `timeout_ms` have passed
 * (WEIR_FOREVER: no limit). WEIR_OK, or as weir_producer_step. */
WEIR_API weir_status weir_producer_wait(weir_producer *producer, int64_t timeout_ms);

/*
 * Sends all without lingering, and waits until each entry that was appended has its end
 * (its report called or ready to be taken), or `timeout_ms` have passed.
 * WEIR_OK; WEIR_ERR_TIMEOUT; or why the producer has ended. non_blocking: does not wait,
 * and gives WEIR_MORE until all have; go on with weir_producer_step.
 */
WEIR_API weir_status weir_producer_flush(weir_producer *producer, int64_t timeout_ms);

/* What weir_producer_purge gives up: bits. */
#define WEIR_PURGE_QUEUED    1 /* what was never sent: NOT_EXECUTED */
#define WEIR_PURGE_IN_FLIGHT 2 /* what was sent, and is not acknowledged: UNKNOWN */

/* Gives up entries that have no end yet: each gets its report, with WEIR_REASON_PURGED.
 * WEIR_OK, or WEIR_ERR_ARG: other bits. */
WEIR_API weir_status weir_producer_purge(weir_producer *producer, int what);

/* An entry without an end, as weir_producer_unreported gives it. */
typedef struct weir_unreported {
    weir_stream *stream;
    void *user;
    bool may_have_run;        /* it was sent */
    const weir_field *fields; /* those borrowed; NULL where they were copied, then: */
    size_t field_count;
    weir_view encoded; /* names and values in turn, as RESP bulk strings */
} weir_unreported;

/* Shows each entry that has no end yet, stream by stream in their order, for instance to
 * save them before the program ends. Changes nothing. What `show` is given borrows until it
 * returns; it must not call the producer. */
WEIR_API void weir_producer_unreported(const weir_producer *producer,
                                       void (*show)(void *context,
                                                    const weir_unreported *entry),
                                       void *context);

/*
 * Flushes for at most `timeout_ms`, purges what is left, and ends the connection; reports
 * can still be taken, all else gives WEIR_ERR_CLOSED. Then weir_producer_free.
 * WEIR_OK: every entry had its end by itself; WEIR_ERR_TIMEOUT: some were purged; or why
 * the producer had ended. non_blocking: does not wait; flush before.
 */
WEIR_API weir_status weir_producer_close(weir_producer *producer, int64_t timeout_ms);

/* Frees it with all it gave; NULL is fine. Entries without an end get no report. */
WEIR_API void weir_producer_free(weir_producer *producer);

/* The last failure, of a call or of an entry, also one that is sent again: it tells why
 * nothing moves. As weir_client_error. */
WEIR_API const weir_error *weir_producer_error(const weir_producer *producer);

/* How it delivers: what WEIR_DELIVERY_EXACTLY_ONCE has become once it is open. */
WEIR_API weir_delivery_mode weir_producer_delivery(const weir_producer *producer);

/* Latencies of acknowledged entries: bucket 0 counts those below 1 us, bucket b those from
 * 2^(b-1) us on and below 2^b us, the last all above. */
#define WEIR_LATENCY_BUCKETS 32

/* Counted since the producer was opened, but for those that say "now". */
typedef struct weir_counters {
    uint64_t appended;
    uint64_t acked; /* ACKED_LOST too */
    uint64_t not_executed;
    uint64_t unknown;
    uint64_t acked_lost; /* reports; losses that were found later are only in `losses` */
    uint64_t losses;     /* notices: a stream that had lost acknowledged entries */
    uint64_t resent;     /* entries that were sent again, once for each time */
    uint64_t batches;    /* hand-overs to the connection of one or more entries */
    uint64_t bytes;      /* of commands */
    uint64_t connections;
    uint64_t queued;     /* now */
    uint64_t in_flight;  /* now */
    uint64_t unreported; /* now: appended, and their reports not taken */
    uint64_t held_bytes; /* now: memory for entries, free pieces included */
    uint64_t latency[WEIR_LATENCY_BUCKETS];
} weir_counters;
WEIR_API void weir_producer_counters(const weir_producer *producer,
                                     weir_counters *counters);

/* EVENT LOOPS, with non_blocking: as weir_client_fd, weir_client_wants,
 * weir_client_deadline_ms (in CLOCK_MONOTONIC's milliseconds), then weir_producer_step. */
WEIR_API int weir_producer_fd(const weir_producer *producer);
WEIR_API int weir_producer_wants(const weir_producer *producer);
WEIR_API int64_t weir_producer_deadline_ms(const weir_producer *producer);

/* Ends a call that waits, from any thread or a signal handler, as weir_client_cancel; the
 * producer has then ended, with WEIR_ERR_CANCELLED. */
WEIR_API void weir_producer_cancel(weir_producer *producer);

#ifdef __cplusplus
}
#endif

#endif
