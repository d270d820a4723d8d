/* A consumer: one member of a group that shares the work of one or several streams. It
 * creates the group, goes on with what it had begun, takes over what dead members left,
 * acknowledges, sets poison aside, and connects again by itself.
 *
 *     while ((st = weir_consumer_next(tasks, WEIR_FOREVER, &task)) == WEIR_OK) {
 *         work(&task.entry);
 *         weir_consumer_done(tasks, &task);
 *     }
 *
 * Every entry is given at least once. It is given twice where its first worker died, lost
 * its connection, or took longer than claim_idle_ms: then entry.deliveries is above 0, so
 * work must bear repeating (the entry's id is a good key for that).
 * One thread at a time may use a consumer; several threads or processes are several
 * consumers of one group.
 * https://redis.io/docs/latest/develop/data-types/streams/#consumer-groups
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_CONSUMER_H
#define WEIR_STREAM_CONSUMER_H

#include "client.h"
#include "entry.h"
#include "watch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_consumer weir_consumer;

/* Where a group begins that does not exist yet. Its creator must say. */
typedef enum weir_start {
    WEIR_START_UNSAID,    /* is refused */
    WEIR_START_BEGINNING, /* all that the stream holds */
    WEIR_START_END,       /* what is added from now on */
    WEIR_START_AFTER      /* what is behind start_after */
} weir_start;

/* What to do when the group is gone while it is used: the stream was deleted, the server
 * was emptied, or a replica took over that did not have it yet. */
typedef enum weir_lost_group {
    WEIR_LOST_GROUP_STOP,      /* end with the server's error, NOGROUP */
    WEIR_LOST_GROUP_BEGINNING, /* make it again from the beginning: nothing that the stream
                                  holds is missed, much may come twice */
    WEIR_LOST_GROUP_ACKED      /* make it again behind what this consumer has acknowledged
                                  without a gap. What others had in hand before that is skipped:
                                  for a group of one */
} weir_lost_group;

/*
 * Zero in a field means its default. Texts and lists are borrowed during weir_consumer_open
 * only.
 */
typedef struct weir_consumer_options {
    const weir_view *streams; /* the keys */
    size_t stream_count;      /* 1 or more, at most 64 */
    weir_view group;
    weir_view name; /* of this member; the same after a restart, it goes on with what it had
                       in hand at once. Default: one made of host, process and chance */
    weir_start start;    /* must be said */
    weir_id start_after; /* WEIR_START_AFTER */
    weir_lost_group lost_group;

    size_t count; /* entries a read asks for, of each stream; default 100. As many again
                     are asked for while those are worked on */
    size_t
        in_hand; /* entries that are given and not settled; default 1024, at least count */
    bool no_read_ahead; /* ask for more only when all that came is given */
    int64_t block_ms; /* how long the server holds a read that finds nothing; default 5000,
                         at most an hour */

    int64_t claim_idle_ms; /* entries idle for so long are taken from who has them: longer
                              than any work takes, prefetched entries wait too. Default
                              60000; WEIR_FOREVER: never */
    int64_t claim_interval_ms; /* between two looks for such; default a quarter of
                                  claim_idle_ms, at most 10000 */

    size_t ack_count;      /* so many acknowledgements go out together; default 100 */
    int64_t ack_linger_ms; /* or when one has waited so long; default 1000. All go out when
                              weir_consumer_next has nothing to give */
    bool delete_done; /* done entries are deleted from the stream too (XACKDEL, else XACK
                         and XDEL), even if other groups have not read them */

    weir_view dead_letters;  /* stream for what is rejected; default: none */
    uint64_t max_deliveries; /* an entry delivered so often before goes to dead_letters
                                instead of being given. Each pass over the own history
                                counts too, so be generous. One whose letter cannot be
                                written (larger than limits.send_bytes, a field without a
                                name) stays pending, on_trouble hears of it each time.
                                Default: no limit */

    bool non_blocking; /* weir_consumer_open does not wait for the server */
    bool keep_name;    /* a name that was made for this consumer is not removed from the
                          group by weir_consumer_close */

    /* Called with each trouble that is survived: a lost connection, a failed try, a lost
     * group, an entry that could not be acknowledged or read; may be NULL. It must not call
     * the consumer. *error is borrowed. */
    void (*on_trouble)(void *context, const weir_error *error);
    void *context;

    /* Of the connection that acknowledges and claims; default: as the other one. Only
     * needed where connection->transport is given, which is good for one of the two. */
    const weir_options *second;
} weir_consumer_options;

/*
 * Connects, twice: one connection reads and may wait there, the other one acknowledges and
 * claims meanwhile. Creates the group, and the streams, where they are missing.
 * `connection` as for weir_open (NULL: defaults); its non_blocking and reconnect.is_on are
 * not looked at. WEIR_OK: *consumer is ready (non_blocking: it has begun, see
 * weir_consumer_step). Failed: *consumer is given too, to be asked for the error and
 * closed; NULL only if it is WEIR_ERR_NOMEM. WEIR_ERR_ARG  an option is wrong; the text
 * names it WEIR_ERR_SERVER  the server refused, for instance WRONGTYPE or NOPERM and what
 * weir_open returns. https://redis.io/docs/latest/commands/xgroup-create/
 */
WEIR_API weir_status weir_consumer_open(const char *url, const weir_options *connection,
                                        const weir_consumer_options *options,
                                        weir_consumer **consumer);

/* How an entry came to this consumer. */
typedef enum weir_origin {
    WEIR_ORIGIN_NEW,     /* nobody had it before */
    WEIR_ORIGIN_HISTORY, /* this name had it before: its process was stopped, or an answer
                            was lost on its way */
    WEIR_ORIGIN_CLAIMED  /* taken from another name, `from` */
} weir_origin;

/* An entry that was given. entry.deliveries is how often it was delivered before, 1 if the
 * server did not tell of one that was pending; entry.idle_ms how long nothing had been
 * heard of it then, -1 if the server did not tell. Both are 0 for new ones. entry.stream is
 * always set, and good as long as the consumer.
 */
typedef struct weir_delivery {
    weir_entry entry;
    uint64_t ticket; /* names it in the calls below; never used twice */
    weir_origin origin;
    weir_view from; /* CLAIMED: the name that had it; empty if not known. Borrows like the
                       entry */
} weir_delivery;

/*
 * Gives the next entry, and waits up to timeout_ms for one (0: not at all; WEIR_FOREVER).
 * Its views are good until the next call of weir_consumer_next, _take or _close; to keep it
 * longer, put a copy (weir_entry_copy) in its place.
 *   WEIR_OK        *delivery is given. It is this consumer's until a verdict, or until
 *                  claim_idle_ms are over
 *   WEIR_MORE      nothing came in that time; connections that are down are tried again
 *   WEIR_END       weir_consumer_cancel or weir_consumer_leave was called
 *   WEIR_ERR_FULL  options.in_hand entries are given without a verdict: give some
 *   WEIR_ERR_LIMIT an entry larger than limits.receive_bytes was passed over; it stays
 *                  pending. Go on with the next call. on_trouble hears of it too
 *   WEIR_ERR_NOMEM go on with the next call
 *   Any other failure is the end, and sticks: weir_consumer_error says why. It is the
 *   server's word where options or streams cannot work (WRONGTYPE, NOPERM, NOGROUP with
 *   WEIR_LOST_GROUP_STOP), or the connection's where reconnect.give_up_ms are over.
 * https://redis.io/docs/latest/commands/xreadgroup/
 */
WEIR_API weir_status weir_consumer_next(weir_consumer *consumer, int64_t timeout_ms,
                                        weir_delivery *delivery);

/* The same for several: waits for the first, then gives those that are there, up to `most`.
 * *count is 1 or more where it is WEIR_OK. All views are good until the next call. */
WEIR_API weir_status weir_consumer_take(weir_consumer *consumer, int64_t timeout_ms,
                                        weir_delivery *deliveries, size_t most,
                                        size_t *count);

/*
 * VERDICTS. One for each entry that was given, in any order and at any time. They are noted
 * at once and told to the server in batches: see options.ack_count and weir_consumer_flush.
 * WEIR_OK; WEIR_ERR_ARG: it was not given by this consumer, or has its verdict. Once the
 * consumer has ended: why.
 */

/* Its work is done: acknowledged, and deleted with options.delete_done.
 * https://redis.io/docs/latest/commands/xack/ */
WEIR_API weir_status weir_consumer_done(weir_consumer *consumer,
                                        const weir_delivery *delivery);

/*
 * It was not worked on: anybody of the group may take it now, this consumer among them.
 * The count of deliveries does not rise by this. XNACK where the server has it, else XCLAIM
 * with a large idle time. While the connection is down it is noted as given back, and comes
 * again to this consumer. Also WEIR_ERR_FULL, WEIR_ERR_NOMEM: nothing was done, try again
 * after weir_consumer_flush. https://redis.io/docs/latest/commands/xclaim/
 */
WEIR_API weir_status weir_consumer_release(weir_consumer *consumer,
                                           const weir_delivery *delivery);

/*
 * It cannot be worked on: goes to the stream options.dead_letters with all its fields and
 * these behind them: dead-stream, dead-id, dead-group, dead-consumer, dead-deliveries,
 * dead-reason (`reason`; NULL: empty). It is acknowledged only when it is there, so it is
 * never lost between, and a crash between may put it there twice. While the connection is
 * down nothing is put there, and it comes again. delivery->entry must be good, or a copy.
 * Also WEIR_ERR_ARG: there is no options.dead_letters; WEIR_ERR_FULL, WEIR_ERR_LIMIT,
 * WEIR_ERR_NOMEM: nothing was done.
 */
WEIR_API weir_status weir_consumer_reject(weir_consumer *consumer,
                                          const weir_delivery *delivery,
                                          const char *reason);

/*
 * Its work takes longer: asks the server to count its idle time anew, if it is still this
 * consumer's. Waits up to timeout_ms for the answer.
 *   WEIR_OK    it is ours for another claim_idle_ms
 *   WEIR_END   it is not: somebody has taken it over. Stop, the other one does it; it needs
 *              no verdict any more
 *   WEIR_MORE  no answer in that time; call again to hear it
 *   WEIR_ERR_ARG as above; a failure if the consumer has ended.
 */
WEIR_API weir_status weir_consumer_extend(weir_consumer *consumer, int64_t timeout_ms,
                                          const weir_delivery *delivery);

/* Sends all verdicts and waits up to timeout_ms until the server has answered them.
 * WEIR_OK: it has. WEIR_MORE: not in that time. Else as weir_consumer_next. */
WEIR_API weir_status weir_consumer_flush(weir_consumer *consumer, int64_t timeout_ms);

/* From another thread or a signal handler (async-signal-safe): the call that waits, and all
 * later weir_consumer_next and _take, return WEIR_END. Verdicts, flush and close go on as
 * ever. Not to be called when weir_consumer_close may have begun. */
WEIR_API void weir_consumer_cancel(weir_consumer *consumer);

/*
 * Ends well, for up to timeout_ms: stops reading, tells the server all verdicts and reads
 * the answers, gives back whatever else it has as pending, and removes its name from the
 * group if that was made for it and nothing is pending under it, nor can be any more: the
 * name stays where a connection was lost and the user may not CLIENT KILL, since what that
 * had asked for may still take entries: others claim them as a dead member's. A user that
 * may not CLIENT UNBLOCK waits for block_ms to end. WEIR_OK: all of that is done.
 * WEIR_MORE: not in that time; call again, or close. Else the failure that ended the
 * consumer: what it had is claimed by others when claim_idle_ms are over.
 */
WEIR_API weir_status weir_consumer_leave(weir_consumer *consumer, int64_t timeout_ms);

/* weir_consumer_leave, then frees the consumer, whatever came of it; gives its status. NULL
 * is fine. */
WEIR_API weir_status weir_consumer_close(weir_consumer *consumer, int64_t timeout_ms);

/* The last trouble or failure; status WEIR_OK if there was none. Borrows until the next
 * call on the consumer. consumer NULL: "out of memory". */
WEIR_API const weir_error *weir_consumer_error(const weir_consumer *consumer);

/* The name it has in the group; good as long as the consumer. */
WEIR_API weir_view weir_consumer_name(const weir_consumer *consumer);

/* What it has done since it was opened. */
typedef struct weir_consumer_counts {
    uint64_t given;        /* entries, of all origins */
    uint64_t history;      /* of them, those given again to this name */
    uint64_t claimed;      /* of them, those taken from others */
    uint64_t acknowledged; /* as the server counted them */
    uint64_t not_pending;  /* done, but not pending any more when it was acknowledged: taken
                              over and done by another, or the group was made anew */
    uint64_t released;
    uint64_t dead;    /* are in dead_letters now */
    uint64_t ghosts;  /* deleted while pending, and cleared away */
    uint64_t taken;   /* found to be another's by weir_consumer_extend */
    uint64_t stale;   /* left ungiven, because they had waited for half of claim_idle_ms */
    uint64_t skipped; /* came again while in hand, and were not given twice */
    uint64_t losses;  /* connections that were lost, or given up after an error */
    size_t in_hand;   /* given, without a verdict; now */
    size_t unsettled; /* verdicts that the server has not answered; now */
} weir_consumer_counts;
WEIR_API weir_consumer_counts weir_consumer_count(const weir_consumer *consumer);

/*
 * EVENT LOOPS: call everything with timeout_ms 0. Watch all of weir_consumer_watches until
 * weir_consumer_deadline_ms, then weir_consumer_step, then weir_consumer_next until it is
 * WEIR_MORE.
 */
#define WEIR_CONSUMER_WATCHES 3

/* Fills list[WEIR_CONSUMER_WATCHES]: two connections, and what weir_consumer_cancel wakes.
 * They may change with every call. */
WEIR_API void weir_consumer_watches(const weir_consumer *consumer, weir_watch *list);

/* When weir_consumer_step must be called at the latest, by CLOCK_MONOTONIC in milliseconds.
 */
WEIR_API int64_t weir_consumer_deadline_ms(const weir_consumer *consumer);

/* Goes on as far as possible without waiting; entries in hand stay good. WEIR_OK, or the
 * failure that ended the consumer. */
WEIR_API weir_status weir_consumer_step(weir_consumer *consumer);

#ifdef __cplusplus
}
#endif

#endif
