/* Following streams without a group, from ids that the caller keeps: all that is there,
 * then what is added, without a gap. What holds for every command is said in commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_FOLLOW_H
#define WEIR_STREAM_FOLLOW_H

#include "read.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_follow_options {
    uint64_t count;   /* entries asked for at a time, of each stream; default 100 */
    int64_t block_ms; /* how long a call waits where nothing is there; default 5000, at
                         most an hour */
} weir_follow_options;

/*
 * Caller-held, fields private; do not copy it. One that is left must be closed. It is one
 * of the 16 iterators and replies that can be open at once.
 */
typedef struct weir_follow {
    weir_client *client;
    weir_source *sources;
    size_t source_count;
    weir_read_options asks;
    weir_entries page;
    uint64_t given; /* of the page */
    bool is_asked;
    bool is_open;
} weir_follow;

/*
 * Begins. The sources are borrowed until it is closed, and each one's `after` moves with
 * the entries: it is the id of the one given last, so whoever stores it once that entry is
 * dealt with goes on there after a restart, by weir_source_after. WEIR_FROM_NEW asks once
 * where the stream ends (XINFO STREAM; 0-0 if there is none yet) and becomes WEIR_FROM_ID:
 * nothing that is added from now on is missed. Such a source cannot be had on a
 * non_blocking client. WEIR_OK. WEIR_ERR_ARG: no sources, WEIR_FROM_LAST, or an option is
 * out of range; and what weir_xinfo_stream returns.
 */
WEIR_API weir_status weir_follow_open(weir_client *client, weir_source *sources,
                                      size_t source_count,
                                      const weir_follow_options *options,
                                      weir_follow *follow);

/*
 * Gives the next entry; it borrows until the next call. Waits for one up to block_ms; the
 * client can do nothing else meanwhile. With weir_options.reconnect, a lost connection is
 * asked again behind the entry given last: no entry is missed, none comes twice.
 *   WEIR_OK    *entry is given, entry.stream says of which stream
 *   WEIR_MORE  nothing came in that time (non_blocking: has not arrived); call again
 *   WEIR_ERR_LIMIT as weir_entries_next. An entry larger than limits.receive_bytes is
 *   passed over: `after` moves behind it, entry->id and entry->stream name it; and what
 * ends a connection: with the same sources another weir_follow goes on there. A stream that
 * was deleted and made anew with lower ids gives nothing until it is behind `after` again:
 * compare weir_stream_info.last_id where that can be.
 * https://redis.io/docs/latest/commands/xread/
 */
WEIR_API weir_status weir_follow_next(weir_follow *follow, weir_entry *entry);

/* Leaves it; twice is fine. non_blocking: an XREAD that is under way blocks the connection
 * still, and its answer is the caller's to pass over (weir_take_any). */
WEIR_API void weir_follow_close(weir_follow *follow);

#ifdef __cplusplus
}
#endif

#endif
