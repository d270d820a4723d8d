/* What streams and groups tell of themselves. What holds for every command is said in
 * commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_INSPECT_H
#define WEIR_STREAM_INSPECT_H

#include "entry.h"
#include "reply.h"
#include "write.h"

#ifdef __cplusplus
extern "C" {
#endif

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

/* ---- rows: lists in an answer that is held whole ---- */

/* A number that the server did not tell: it is too old for it, or said null. */
#define WEIR_UNKNOWN INT64_MIN

/*
 * A list of rows. Caller-held, fields private. The list that a call gives holds the answer:
 * all views of its rows, and the lists inside them, borrow until weir_rows_close on it
 * (weir_stream_info_close), until it ends with WEIR_ERR_REPLY, or until the same variable
 * is used again. A list inside a row may be copied, and closes nothing. A
 * weir_rows_next_... that fits no row of the list is WEIR_ERR_ARG; each gives WEIR_OK;
 * WEIR_END: no more; WEIR_ERR_REPLY: a row of another shape, the list has ended.
 */
typedef struct weir_rows {
    weir_reply answer;
    uint64_t at;
    uint64_t left;
    uint32_t kind;
    bool is_inner;
} weir_rows;

/* Gives back the memory of the answer; closing twice is fine. */
WEIR_API void weir_rows_close(weir_rows *rows);

/* One key of a row and its value, whatever it is: also what weir has no field for. */
typedef struct weir_row_key {
    weir_view name;
    weir_token value; /* its first token: all of it, unless it is an array or a map */
    weir_view whole;  /* its RESP bytes, for a reader of your own (reader.h) */
} weir_row_key;

WEIR_API weir_status weir_rows_next_key(weir_rows *keys, weir_row_key *key);

/* The first key of that name; WEIR_END: there is none. `keys` is as it was. */
WEIR_API weir_status weir_rows_find(const weir_rows *keys, const char *name,
                                    weir_row_key *key);

/* The next entry; its fields borrow until the next entry of the same answer. */
WEIR_API weir_status weir_rows_next_entry(weir_rows *rows, weir_entry *entry);

/* ---- XPENDING, entry by entry ---- */

typedef struct weir_pending_entry {
    weir_id id;
    weir_view consumer;   /* empty: given back by XNACK, or a list of one consumer's */
    int64_t idle_ms;      /* since the last delivery; -1: given back; XINFO: WEIR_UNKNOWN */
    int64_t delivered_ms; /* when, in Unix time; XPENDING: WEIR_UNKNOWN */
    int64_t deliveries;   /* so far */
} weir_pending_entry;

typedef struct weir_xpending_options {
    uint64_t min_idle_ms; /* only what is idle for so long; Redis 6.2 */
    weir_view consumer;   /* only this one's; empty: of all */
    bool exclude_start;   /* entries behind `start` only; Redis 6.2 */
    bool exclude_end;     /* entries before `end` only; Redis 6.2 */
} weir_xpending_options;

/*
 * The pending entries from `start` to `end`, at most `count` (1 or more), by id.
 * WEIR_ERR_SERVER with code NOGROUP: no such group. An unknown consumer has none.
 * https://redis.io/docs/latest/commands/xpending/
 */
WEIR_API weir_status weir_xpending_range(weir_client *client, weir_view key,
                                         weir_view group, weir_id start, weir_id end,
                                         uint64_t count,
                                         const weir_xpending_options *options,
                                         weir_rows *rows);
WEIR_API weir_status weir_append_xpending_range(weir_client *client, weir_view key,
                                                weir_view group, weir_id start, weir_id end,
                                                uint64_t count,
                                                const weir_xpending_options *options);

WEIR_API weir_status weir_rows_next_pending(weir_rows *rows, weir_pending_entry *entry);

/* ---- XINFO ---- */

typedef struct weir_group_info {
    weir_view name;
    int64_t consumer_count;
    int64_t pending_count;
    int64_t nacked_count; /* XINFO STREAM FULL only; Redis 8.8 */
    weir_id last_id;      /* the last that was given to a consumer */
    int64_t entries_read; /* Redis 7.0; WEIR_UNKNOWN also where the server cannot tell */
    int64_t lag;          /* entries not yet given; likewise */
    weir_rows consumers;  /* XINFO STREAM FULL only; like: */
    weir_rows pending;    /* at most `count` of them */
    weir_rows keys;       /* all, as they were sent */
} weir_group_info;

typedef struct weir_consumer_info {
    weir_view name;
    int64_t pending_count;
    int64_t idle_ms;     /* since it last tried to read; FULL: WEIR_UNKNOWN */
    int64_t inactive_ms; /* since it last got something, -1: never; Redis 7.2; likewise */
    int64_t seen_ms;     /* FULL only: when it last tried, in Unix time */
    int64_t active_ms;   /* FULL only: when it last got something, -1: never; Redis 7.2 */
    weir_rows pending;   /* FULL only: at most `count` of them */
    weir_rows keys;      /* all, as they were sent */
} weir_consumer_info;

/* The groups of a stream. WEIR_ERR_SERVER: no such stream.
 * https://redis.io/docs/latest/commands/xinfo-groups/ */
WEIR_API weir_status weir_xinfo_groups(weir_client *client, weir_view key, weir_rows *rows);
WEIR_API weir_status weir_append_xinfo_groups(weir_client *client, weir_view key);

WEIR_API weir_status weir_rows_next_group(weir_rows *rows, weir_group_info *group);

/* The consumers of a group. https://redis.io/docs/latest/commands/xinfo-consumers/ */
WEIR_API weir_status weir_xinfo_consumers(weir_client *client, weir_view key,
                                          weir_view group, weir_rows *rows);
WEIR_API weir_status weir_append_xinfo_consumers(weir_client *client, weir_view key,
                                                 weir_view group);

WEIR_API weir_status weir_rows_next_consumer(weir_rows *rows, weir_consumer_info *consumer);

/* The answer of XPENDING with a range, XINFO GROUPS or XINFO CONSUMERS. */
WEIR_API weir_status weir_take_rows(weir_client *client, weir_rows *rows);

/* What a stream tells of itself; close it when read. */
typedef struct weir_stream_info {
    weir_rows keys; /* all, as they were sent; holds the answer */
    int64_t length;
    int64_t radix_tree_keys;
    int64_t radix_tree_nodes;
    int64_t group_count;
    weir_id last_id;            /* the last that was ever given to an entry */
    bool has_max_deleted_id;    /* the next is told; Redis 7.0 */
    bool has_recorded_first_id; /* likewise */
    weir_id max_deleted_id;     /* 0-0: none was deleted */
    weir_id recorded_first_id;  /* 0-0: the stream is empty */
    int64_t entries_added;      /* ever; Redis 7.0 */
    int64_t idmp_duration_s;    /* this and below: Redis 8.6 */
    int64_t idmp_maxsize;
    int64_t pids_tracked;
    int64_t iids_tracked;
    int64_t iids_added;
    int64_t iids_duplicates;
    weir_rows first;   /* the first entry, none if the stream is empty; not if full */
    weir_rows last;    /* likewise */
    weir_rows entries; /* full only: the first `count` */
    weir_rows groups;  /* full only: weir_rows_next_group */
} weir_stream_info;

typedef struct weir_xinfo_options {
    bool full;      /* FULL: with entries, groups, consumers and what is pending */
    uint64_t count; /* full only: entries of each list; 0: the server's default (10);
                       WEIR_UNLIMITED: all, which may take the server long */
} weir_xinfo_options;

/* WEIR_ERR_SERVER: no such stream. https://redis.io/docs/latest/commands/xinfo-stream/ */
WEIR_API weir_status weir_xinfo_stream(weir_client *client, weir_view key,
                                       const weir_xinfo_options *options,
                                       weir_stream_info *info);
WEIR_API weir_status weir_append_xinfo_stream(weir_client *client, weir_view key,
                                              const weir_xinfo_options *options);

/* The answer of XINFO STREAM. */
WEIR_API weir_status weir_take_stream_info(weir_client *client, weir_stream_info *info);

/* Gives back the memory of the answer; closing twice is fine. */
WEIR_API void weir_stream_info_close(weir_stream_info *info);

#ifdef __cplusplus
}
#endif

#endif
