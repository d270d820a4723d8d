/* Reading streams, alone and as a member of a group. What holds for every command is said
 * in commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_READ_H
#define WEIR_STREAM_READ_H

#include "client.h"
#include "entry.h"

#ifdef __cplusplus
extern "C" {
#endif

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
    bool exclude_start; /* entries behind `start` only, on any server */
    bool exclude_end;   /* entries before `end` only, likewise */
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
    uint64_t count;     /* at most so many entries of each stream; 0: all */
    int64_t block_ms;   /* wait so long for an entry; 0: do not; WEIR_FOREVER: until one
                           comes */
    uint64_t max_count; /* at most so many entries of all streams together, and no fewer
                           than count; 0: no limit. The first streams take them, so change
                           the order from call to call. Redis 8.10 */
    uint64_t max_size;  /* no entry more once the answer has so many bytes: it has one entry
                           more at most, and one at least; 0: no limit. Redis 8.10 */
    bool no_ack; /* XREADGROUP only: new entries are not kept as pending, a lost answer
                    loses them */
    bool claim;  /* XREADGROUP from WEIR_FROM_NEW only: first take over what has been
                    pending for claim_idle_ms, whoever's it is, then give new entries.
                    Each has its idle_ms and deliveries. Deleted ones are left out and
                    stay pending: weir_xautoclaim removes them. Redis 8.4 */
    uint64_t claim_idle_ms; /* at most 2^63-1 */
} weir_read_options;

/*
 * Entries of several streams, stream by stream: entry.stream names each. Nothing there, or
 * nothing came in time: WEIR_OK, and the iterator ends at once.
 * After WEIR_FROM_NEW, go on with WEIR_FROM_ID and the last id you got, or what is added
 * between two calls is missed. BLOCK is for this connection alone: nothing else can be
 * asked on it meanwhile.
 * WEIR_ERR_UNSUPPORTED: the server does not have an option or WEIR_FROM_LAST.
 * https://redis.io/docs/latest/commands/xread/
 */
WEIR_API weir_status weir_xread(weir_client *client, const weir_source *sources,
                                size_t source_count, const weir_read_options *options,
                                weir_entries *entries);
WEIR_API weir_status weir_append_xread(weir_client *client, const weir_source *sources,
                                       size_t source_count,
                                       const weir_read_options *options);

/*
 * As weir_xread, as member `consumer` of `group`. WEIR_FROM_NEW gives new entries and
 * makes them pending for this consumer; WEIR_FROM_ID gives its pending ones again, also
 * those deleted since (entry.state). WEIR_ERR_SERVER of the kind WEIR_KIND_NO_GROUP: no
 * such group. WEIR_ERR_ARG: a history behind WEIR_ID_MAX, which servers take for new
 * entries. https://redis.io/docs/latest/commands/xreadgroup/
 */
WEIR_API weir_status weir_xreadgroup(weir_client *client, weir_view group,
                                     weir_view consumer, const weir_source *sources,
                                     size_t source_count, const weir_read_options *options,
                                     weir_entries *entries);
WEIR_API weir_status weir_append_xreadgroup(weir_client *client, weir_view group,
                                            weir_view consumer, const weir_source *sources,
                                            size_t source_count,
                                            const weir_read_options *options);

/* The answer of XRANGE, XREVRANGE, XREAD, XREADGROUP, XCLAIM; waits for its beginning. */
WEIR_API weir_status weir_take_entries(weir_client *client, weir_entries *entries);

#ifdef __cplusplus
}
#endif

#endif
