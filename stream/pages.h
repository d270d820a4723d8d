/* A range of any size, page by page: the next page is asked for while this one is handed
 * over. What holds for every command is said in commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_PAGES_H
#define WEIR_STREAM_PAGES_H

#include "client.h"
#include "entry.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_pages_options {
    bool is_reverse;    /* newest first (XREVRANGE) */
    bool exclude_start; /* entries behind `start` only, on any server */
    bool exclude_end;   /* entries before `end` only, likewise */
    uint64_t page;      /* entries asked for at a time; default 1000 */
    uint64_t count;     /* at most so many entries in all; 0: all there are */
} weir_pages_options;

/*
 * An iterator over a range. Caller-held, fields private; do not copy it. One that is left
 * before its end must be closed. It is one of the 16 iterators and replies that can be open
 * at once (4 with weir_open_in).
 *
 * It asks for a page (XRANGE with COUNT), and, as soon as all of it has come, for the next
 * one, so that the server works while the caller does. Each page is what was there when the
 * server answered, at most one page ahead of the entry in hand:
 *   - every entry that is there all the time is given, none is given twice, and each lies
 *     behind the one before it (is_reverse: before it);
 *   - one deleted meanwhile is given if its page had been asked for, else it is not;
 *   - one added behind the last is given until a page comes that is not full: that ends the
 *     iterator. To go on from there, open another behind weir_pages_position.
 * Memory is that of the receive buffer, however large the range is. Other calls on the
 * client are fine inside the loop; an answer then comes behind the page that was asked for,
 * which is kept meanwhile, up to limits.receive_bytes. Where that is too little the page
 * gives way and is asked for again.
 */
typedef struct weir_pages {
    weir_client *client;
    weir_view key;
    weir_id low;  /* what is still to be given lies from here ... */
    weir_id high; /* ... to here */
    weir_id position;
    uint64_t wanted;
    uint64_t page;
    uint64_t asked; /* COUNT of the page asked for last */
    uint64_t ticket;
    uint64_t serial;
    uint64_t behind; /* entries wanted behind the page in hand */
    uint32_t slot;
    bool is_reverse;
    bool is_over; /* no id is left to give */
    bool has_position;
    bool is_full;
} weir_pages;

/*
 * Begins at `start` (is_reverse: at `end`). Nothing is asked yet. `key` is borrowed until
 * the iterator ends or is closed.
 * WEIR_OK. WEIR_ERR_ARG: the key is empty, a count is above 2^63-1, or nothing can lie
 * between excluded ends (start is the last id, end is 0-0).
 * https://redis.io/docs/latest/commands/xrange/
 */
WEIR_API weir_status weir_pages_open(weir_client *client, weir_view key, weir_id start,
                                     weir_id end, const weir_pages_options *options,
                                     weir_pages *pages);

/*
 * Gives the next entry; it borrows until the next call on the same iterator.
 *   WEIR_OK         *entry is given
 *   WEIR_END        no more; the iterator is closed
 *   WEIR_MORE       non_blocking: the next entry has not wholly arrived
 *   WEIR_ERR_LIMIT  (a) the entry is larger than limits.receive_bytes: the text names both
 *                   sizes; it is passed over, go on with the next call. (b) answers that
 *                   wait to be taken fill limits.receive_bytes, and a page of before lies
 *                   behind them: the iterator is closed. weir_pages_is_open tells (a) from
 *                   (b)
 *   WEIR_ERR_FULL   answers must be taken before the next page can be asked for, or too
 *                   many iterators are open: then go on with the next call
 *   WEIR_ERR_DOWN, WEIR_ERR_LOST  the connection was lost, and no other page came within
 *                   timeout_ms: the next call tries again. With reconnect.is_on a loss is
 *                   told only by this: it asks again, behind the last entry given
 *   WEIR_ERR_REPLY  what came is no page of the range asked for; the iterator is closed
 *   WEIR_ERR_SERVER and what ends a connection; the iterator is closed.
 */
WEIR_API weir_status weir_pages_next(weir_pages *pages, weir_entry *entry);

/* The id of the last entry that was given or passed over: where to go on, with it as an
 * excluded end. Also good when the iterator has ended. False: there was none. */
WEIR_API bool weir_pages_position(const weir_pages *pages, weir_id *position);

/* Leaves the iterator; closing twice, or after the end, is fine. The entry in hand is gone.
 */
WEIR_API void weir_pages_close(weir_pages *pages);

/* False after the end, a failure that closes, or a close. */
WEIR_API bool weir_pages_is_open(const weir_pages *pages);

#ifdef __cplusplus
}
#endif

#endif
