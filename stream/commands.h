/* The stream commands, typed. Every one also exists as weir_append_..., see client.h.
 * All arguments are borrowed during the call only. Options may be NULL: all defaults.
 * Keys, groups, consumers and field names must not be empty: WEIR_ERR_ARG, nothing is sent.
 * Each can return, besides what its comment names: WEIR_ERR_SERVER (the server's words in
 * weir_client_error: WRONGTYPE, NOGROUP, OOM, LOADING, ...), WEIR_ERR_REPLY, WEIR_ERR_FULL,
 * WEIR_ERR_LIMIT (command larger than limits.send_bytes), WEIR_ERR_NOMEM, and what ends a
 * connection (WEIR_ERR_IO and below: whether the command ran is then unknown).
 * A result of one value (an id, a count, a flag) may be NULL. A call that failed leaves its
 * iterator, reply or summary ended: to close it is fine and not needed.
 * https://redis.io/docs/latest/commands/?group=stream
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_COMMANDS_H
#define WEIR_STREAM_COMMANDS_H

#include "client.h"
#include "entry.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- adding and removing ---- */

typedef enum weir_trim_by {
    WEIR_TRIM_NONE,
    WEIR_TRIM_MAXLEN, /* keep the newest max_len entries */
    WEIR_TRIM_MINID   /* keep entries at or behind min_id */
} weir_trim_by;

typedef struct weir_trim {
    weir_trim_by by;
    bool is_exact; /* false: "~", the server drops whole nodes only, much cheaper, and may
                      keep about a hundred entries more */
    uint64_t max_len; /* at most 2^63-1 */
    weir_id min_id;
    uint64_t limit; /* "~" only: examine at most so many entries; 0: the server's default */
} weir_trim;

typedef struct weir_xadd_options {
    weir_id id;       /* 0-0: the server makes it ("*") */
    bool no_mkstream; /* add only if the stream exists; Redis 6.2 */
    weir_trim trim;   /* in the same step; MINID and LIMIT: Redis 6.2 */
} weir_xadd_options;

/*
 * Adds an entry. WEIR_OK: *id is what the server gave it. WEIR_END: no_mkstream, and there
 * is no such stream: nothing was added. WEIR_ERR_ARG: no fields, an empty name, or a trim
 * that contradicts itself. WEIR_ERR_SERVER with an explicit id that is not behind the last.
 * https://redis.io/docs/latest/commands/xadd/
 */
WEIR_API weir_status weir_xadd(weir_client *client, weir_view key, const weir_field *fields,
                               size_t field_count, const weir_xadd_options *options,
                               weir_id *id);
WEIR_API weir_status weir_append_xadd(weir_client *client, weir_view key,
                                      const weir_field *fields, size_t field_count,
                                      const weir_xadd_options *options);

/* The answer of an XADD; as weir_xadd. */
WEIR_API weir_status weir_take_id(weir_client *client, weir_id *id);

/* Entries in the stream; 0 if there is none. https://redis.io/docs/latest/commands/xlen/ */
WEIR_API weir_status weir_xlen(weir_client *client, weir_view key, uint64_t *count);
WEIR_API weir_status weir_append_xlen(weir_client *client, weir_view key);

/* Trims; *count is how many were removed. trim->by must not be WEIR_TRIM_NONE.
 * https://redis.io/docs/latest/commands/xtrim/ */
WEIR_API weir_status weir_xtrim(weir_client *client, weir_view key, const weir_trim *trim,
                                uint64_t *count);
WEIR_API weir_status weir_append_xtrim(weir_client *client, weir_view key,
                                       const weir_trim *trim);

/* Deletes entries; *count is how many there were. Pending references of groups stay.
 * https://redis.io/docs/latest/commands/xdel/ */
WEIR_API weir_status weir_xdel(weir_client *client, weir_view key, const weir_id *ids,
                               size_t id_count, uint64_t *count);
WEIR_API weir_status weir_append_xdel(weir_client *client, weir_view key,
                                      const weir_id *ids, size_t id_count);

/* The answer of XLEN, XTRIM, XDEL or XACK. */
WEIR_API weir_status weir_take_count(weir_client *client, uint64_t *count);

/* ---- reading ---- */

/*
 * An iterator over the entries of one answer, while it arrives: a reply of any size is read
 * in the memory of the receive buffer. Caller-held, fields private; do not copy it. It ends
 * by itself with WEIR_END or a failure; to leave earlier, call weir_entries_close, or
 * simply use the same variable for the next reading call. One that is neither ended nor
 * closed costs memory: what arrives of it is kept, up to limits.receive_bytes, and it is
 * one of the 16 iterators and replies that can be open at once (4 with weir_open_in);
 * opening more is WEIR_ERR_FULL.
 */
typedef struct weir_entries {
    weir_client *client;
    uint64_t serial;
    uint32_t slot;
} weir_entries;

/*
 * Gives the next entry; it borrows until the next call on the same iterator.
 * Other calls on the client are fine inside the loop; what arrives meanwhile is kept.
 *   WEIR_OK         *entry is given
 *   WEIR_END        no more; the iterator is closed
 *   WEIR_MORE       non_blocking: the next entry has not wholly arrived
 *   WEIR_ERR_LIMIT  (a) the entry is larger than limits.receive_bytes: the text names both
 *                   sizes; it is passed over, go on with the next call. (b) a call inside
 *                   the loop needed that memory for its own answer: the iterator is
 *                   closed, the rest is passed over; read on behind the last id.
 *                   weir_entries_is_open tells (a) from (b).
 *   WEIR_ERR_REPLY  the answer has not the shape of entries; the iterator is closed
 *   and what ends a connection.
 */
WEIR_API weir_status weir_entries_next(weir_entries *entries, weir_entry *entry);

/* Leaves the iterator: the rest of its answer is passed over as it arrives. Closing twice,
 * or after the end, is fine. The entry in hand is gone. */
WEIR_API void weir_entries_close(weir_entries *entries);

/* False after the end, a failure other than (a), or a close. */
WEIR_API bool weir_entries_is_open(const weir_entries *entries);

typedef struct weir_range_options {
    uint64_t count;     /* at most so many entries; 0: all */
    bool exclude_start; /* entries behind `start` only; Redis 6.2 */
    bool exclude_end;   /* entries before `end` only; Redis 6.2 */
} weir_range_options;

/*
 * The entries from `start` to `end`, both included unless excluded, oldest first. Waits for
 * the beginning of the answer. The last hour:
 *   weir_xrange(client, key, weir_id_at_ms(now_ms - 3600000), WEIR_ID_MAX, NULL, &entries)
 * WEIR_ERR_ARG: nothing can lie between excluded ends (start is the last id, end is 0-0).
 * https://redis.io/docs/latest/commands/xrange/
 */
WEIR_API weir_status weir_xrange(weir_client *client, weir_view key, weir_id start,
                                 weir_id end, const weir_range_options *options,
                                 weir_entries *entries);
WEIR_API weir_status weir_append_xrange(weir_client *client, weir_view key, weir_id start,
                                        weir_id end, const weir_range_options *options);

/* The same entries, newest first; start is still the lower end.
 * https://redis.io/docs/latest/commands/xrevrange/ */
WEIR_API weir_status weir_xrevrange(weir_client *client, weir_view key, weir_id start,
                                    weir_id end, const weir_range_options *options,
                                    weir_entries *entries);
WEIR_API weir_status weir_append_xrevrange(weir_client *client, weir_view key,
                                           weir_id start, weir_id end,
                                           const weir_range_options *options);

/* Where to read a stream from. */
typedef enum weir_from {
    WEIR_FROM_ID,  /* entries behind `after`. XREADGROUP: this consumer's own pending
                      entries behind it (its history) */
    WEIR_FROM_NEW, /* XREAD: entries added from now on ("$"). XREADGROUP: entries that
                      nobody of the group was given yet (">") */
    WEIR_FROM_LAST /* XREAD only: the last entry ("+"); Redis 7.4, Valkey 8.0 */
} weir_from;

typedef struct weir_source {
    weir_view key;
    weir_from from;
    weir_id after;
} weir_source;

static inline weir_source weir_source_after(weir_view key, weir_id after) {
    weir_source source = {key, WEIR_FROM_ID, after};
    return source;
}

static inline weir_source weir_source_new(weir_view key) {
    weir_source source = {key, WEIR_FROM_NEW, {0, 0}};
    return source;
}

typedef struct weir_read_options {
    uint64_t count;   /* at most so many entries of each stream; 0: all */
    int64_t block_ms; /* wait so long for an entry; 0: do not; WEIR_FOREVER: until one
                         comes */
    bool no_ack;      /* XREADGROUP only: entries are not kept as pending, a lost answer
                         loses them */
} weir_read_options;

/*
 * Entries of several streams, stream by stream: entry.stream names each. Nothing there, or
 * nothing came in time: WEIR_OK, and the iterator ends at once.
 * After WEIR_FROM_NEW, go on with WEIR_FROM_ID and the last id you got, or what is added
 * between two calls is missed. BLOCK is for this connection alone: nothing else can be
 * asked on it meanwhile.
 * https://redis.io/docs/latest/commands/xread/
 */
WEIR_API weir_status weir_xread(weir_client *client, const weir_source *sources,
                                size_t source_count, const weir_read_options *options,
                                weir_entries *entries);
WEIR_API weir_status weir_append_xread(weir_client *client, const weir_source *sources,
                                       size_t source_count,
                                       const weir_read_options *options);

/* The answer of XRANGE, XREVRANGE, XREAD, XREADGROUP, XCLAIM; waits for its beginning. */
WEIR_API weir_status weir_take_entries(weir_client *client, weir_entries *entries);

/* ---- consumer groups ---- */

/*
 * Creates a group of the stream start.key, to be given the entries behind `start`:
 * weir_source_after(key, WEIR_ID_MIN) for all, weir_source_new(key) for those added from
 * now on. make_stream: also the stream, if it is missing (else that is WEIR_ERR_SERVER).
 * WEIR_OK: *is_new tells whether it was made now; false: it existed and is as it was.
 * https://redis.io/docs/latest/commands/xgroup-create/
 */
WEIR_API weir_status weir_xgroup_create(weir_client *client, weir_source start,
                                        weir_view group, bool make_stream, bool *is_new);
WEIR_API weir_status weir_append_xgroup_create(weir_client *client, weir_source start,
                                               weir_view group, bool make_stream);

/* The answer of XGROUP CREATE. */
WEIR_API weir_status weir_take_is_new(weir_client *client, bool *is_new);

/*
 * As weir_xread, as member `consumer` of `group`. WEIR_FROM_NEW gives new entries and
 * makes them pending for this consumer; WEIR_FROM_ID gives its pending ones again, also
 * those deleted since (entry.state). WEIR_ERR_SERVER with code NOGROUP: no such group.
 * https://redis.io/docs/latest/commands/xreadgroup/
 */
WEIR_API weir_status weir_xreadgroup(weir_client *client, weir_view group,
                                     weir_view consumer, const weir_source *sources,
                                     size_t source_count, const weir_read_options *options,
                                     weir_entries *entries);
WEIR_API weir_status weir_append_xreadgroup(weir_client *client, weir_view group,
                                            weir_view consumer, const weir_source *sources,
                                            size_t source_count,
                                            const weir_read_options *options);

/* Acknowledges: the entries are pending no more. *count is how many were; fewer than
 * id_count means that some were acknowledged before, claimed away, or that the group is
 * gone. https://redis.io/docs/latest/commands/xack/ */
WEIR_API weir_status weir_xack(weir_client *client, weir_view key, weir_view group,
                               const weir_id *ids, size_t id_count, uint64_t *count);
WEIR_API weir_status weir_append_xack(weir_client *client, weir_view key, weir_view group,
                                      const weir_id *ids, size_t id_count);

typedef struct weir_claim_options {
    uint64_t count; /* XAUTOCLAIM only: at most so many; 0: the server's default (100) */
    bool ids_only;  /* JUSTID: no fields, and the delivery count does not rise */
} weir_claim_options;

/*
 * Takes over pending entries that have been idle for min_idle_ms. The answer may hold fewer
 * than asked for, in any order. https://redis.io/docs/latest/commands/xclaim/
 */
WEIR_API weir_status weir_xclaim(weir_client *client, weir_view key, weir_view group,
                                 weir_view consumer, uint64_t min_idle_ms,
                                 const weir_id *ids, size_t id_count,
                                 const weir_claim_options *options, weir_entries *entries);
WEIR_API weir_status weir_append_xclaim(weir_client *client, weir_view key, weir_view group,
                                        weir_view consumer, uint64_t min_idle_ms,
                                        const weir_id *ids, size_t id_count,
                                        const weir_claim_options *options);

/*
 * The same without naming ids: scans the group's pending entries from `start` on. *next is
 * where to go on; 0-0: all were scanned. Claimed entries come first, then those that were
 * deleted meanwhile, as WEIR_ENTRY_PURGED (Redis 7.0). An empty answer with a *next other
 * than 0-0 is normal. Redis 6.2. https://redis.io/docs/latest/commands/xautoclaim/
 */
WEIR_API weir_status weir_xautoclaim(weir_client *client, weir_view key, weir_view group,
                                     weir_view consumer, uint64_t min_idle_ms,
                                     weir_id start, const weir_claim_options *options,
                                     weir_id *next, weir_entries *entries);
WEIR_API weir_status weir_append_xautoclaim(weir_client *client, weir_view key,
                                            weir_view group, weir_view consumer,
                                            uint64_t min_idle_ms, weir_id start,
                                            const weir_claim_options *options);

/* The answer of XAUTOCLAIM. */
WEIR_API weir_status weir_take_autoclaim(weir_client *client, weir_id *next,
                                         weir_entries *entries);

/* ---- answers that are held whole ---- */

/*
 * A whole answer, token by token (reader.h). Caller-held, fields private; do not copy it.
 * What it gives borrows until weir_reply_close, or until the same variable is used again.
 */
typedef struct weir_reply {
    weir_client *client;
    uint64_t serial;
    uint32_t slot;
} weir_reply;

/* The next token. WEIR_OK; WEIR_END: the answer is over (views stay good). */
WEIR_API weir_status weir_reply_next(weir_reply *reply, weir_token *token);

/* Gives back the memory of the answer; closing twice is fine. */
WEIR_API void weir_reply_close(weir_reply *reply);

/*
 * Any command, for what has no typed call. args[0] is its name. reply NULL: the answer is
 * passed over. WEIR_ERR_SERVER if it is an error; WEIR_ERR_LIMIT if it is larger than
 * limits.receive_bytes (it is passed over). WEIR_ERR_ARG: no arguments. A command that
 * changes how answers come back (SUBSCRIBE, MONITOR, CLIENT REPLY, HELLO, RESET) must not
 * be sent. The time limit is timeout_ms: for a command that blocks longer, raise it.
 */
WEIR_API weir_status weir_command(weir_client *client, const weir_view *args, size_t count,
                                  weir_reply *reply);
WEIR_API weir_status weir_append_command(weir_client *client, const weir_view *args,
                                         size_t count);

/* The answer of weir_append_command. */
WEIR_API weir_status weir_take_reply(weir_client *client, weir_reply *reply);

/* What XPENDING tells of a group: how much was given out and not acknowledged. */
typedef struct weir_pending {
    uint64_t count;
    weir_id lowest;  /* 0-0 if count is 0 */
    weir_id highest; /* likewise */
    weir_reply consumers;
} weir_pending;

/* One consumer that has pending entries. */
typedef struct weir_pending_consumer {
    weir_view name; /* borrows until weir_pending_close */
    uint64_t count;
} weir_pending_consumer;

/* The summary of the group's pending entries; close it when read.
 * https://redis.io/docs/latest/commands/xpending/ */
WEIR_API weir_status weir_xpending(weir_client *client, weir_view key, weir_view group,
                                   weir_pending *pending);
WEIR_API weir_status weir_append_xpending(weir_client *client, weir_view key,
                                          weir_view group);

/* The answer of XPENDING. */
WEIR_API weir_status weir_take_pending(weir_client *client, weir_pending *pending);

/* The next consumer of a summary. WEIR_OK, WEIR_END, WEIR_ERR_REPLY. */
WEIR_API weir_status weir_pending_next(weir_pending *pending,
                                       weir_pending_consumer *consumer);

/* Gives back the memory of the summary; closing twice is fine. */
WEIR_API void weir_pending_close(weir_pending *pending);

#ifdef __cplusplus
}
#endif

#endif
