/* Consumer groups: making them, acknowledging, taking over. What holds for every command
 * is said in commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_GROUP_H
#define WEIR_STREAM_GROUP_H

#include "read.h"
#include "write.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- groups and their consumers ---- */

typedef struct weir_xgroup_options {
    bool make_stream;      /* XGROUP CREATE only: make the stream too, if it is missing */
    bool has_entries_read; /* entries_read is meant, even if it is 0; Redis 7.0 */
    uint64_t entries_read; /* how many entries the group shall count as read, so that its
                              lag is known; at most 2^63-1 */
} weir_xgroup_options;

/*
 * Creates a group of the stream start.key, to be given the entries behind `start`:
 * weir_source_after(key, WEIR_ID_MIN) for all, weir_source_new(key) for those added from
 * now on. WEIR_ERR_SERVER without make_stream: the stream is missing.
 * WEIR_OK: *is_new tells whether it was made now; false: it existed and is as it was.
 * https://redis.io/docs/latest/commands/xgroup-create/
 */
WEIR_API weir_status weir_xgroup_create(weir_client *client, weir_source start,
                                        weir_view group, const weir_xgroup_options *options,
                                        bool *is_new);
WEIR_API weir_status weir_append_xgroup_create(weir_client *client, weir_source start,
                                               weir_view group,
                                               const weir_xgroup_options *options);

/*
 * Moves a group: `start` as above. Entries behind it are given again, as if for the first
 * time; what is pending stays. WEIR_ERR_SERVER: NOGROUP, or no such stream.
 * Its answer is taken with weir_take_done.
 * https://redis.io/docs/latest/commands/xgroup-setid/
 */
WEIR_API weir_status weir_xgroup_setid(weir_client *client, weir_source start,
                                       weir_view group, const weir_xgroup_options *options);
WEIR_API weir_status weir_append_xgroup_setid(weir_client *client, weir_source start,
                                              weir_view group,
                                              const weir_xgroup_options *options);

/* Removes a group with all that it has as pending; who waits for entries in it is woken by
 * NOGROUP. *count: 1, or 0 if there was none; a missing stream is WEIR_ERR_SERVER.
 * https://redis.io/docs/latest/commands/xgroup-destroy/ */
WEIR_API weir_status weir_xgroup_destroy(weir_client *client, weir_view key,
                                         weir_view group, uint64_t *count);
WEIR_API weir_status weir_append_xgroup_destroy(weir_client *client, weir_view key,
                                                weir_view group);

/* Makes a consumer, which its first read would do too. Redis 6.2.
 * https://redis.io/docs/latest/commands/xgroup-createconsumer/ */
WEIR_API weir_status weir_xgroup_createconsumer(weir_client *client, weir_view key,
                                                weir_view group, weir_view consumer,
                                                bool *is_new);
WEIR_API weir_status weir_append_xgroup_createconsumer(weir_client *client, weir_view key,
                                                       weir_view group, weir_view consumer);

/* Removes a consumer. *count is how many entries it had as pending: these are given to
 * nobody any more, so claim them before.
 * https://redis.io/docs/latest/commands/xgroup-delconsumer/ */
WEIR_API weir_status weir_xgroup_delconsumer(weir_client *client, weir_view key,
                                             weir_view group, weir_view consumer,
                                             uint64_t *count);
WEIR_API weir_status weir_append_xgroup_delconsumer(weir_client *client, weir_view key,
                                                    weir_view group, weir_view consumer);

/* The answer of XGROUP CREATE or XGROUP CREATECONSUMER. */
WEIR_API weir_status weir_take_is_new(weir_client *client, bool *is_new);

/* ---- acknowledging and giving back ---- */

/* Acknowledges: the entries are pending no more. *count is how many were; fewer than
 * id_count means that some were acknowledged before, claimed away, or that the group is
 * gone. https://redis.io/docs/latest/commands/xack/ */
WEIR_API weir_status weir_xack(weir_client *client, weir_view key, weir_view group,
                               const weir_id *ids, size_t id_count, uint64_t *count);
WEIR_API weir_status weir_append_xack(weir_client *client, weir_view key, weir_view group,
                                      const weir_id *ids, size_t id_count);

/*
 * Acknowledges and deletes in one step; as weir_xdelex, of ids that are pending in the
 * group. A missing stream or group: none is found. Redis 8.2; versions 8.2.0 to 8.2.2 may
 * crash with more than 8 ids (CVE-2025-62507): there, and where the version is not known
 * (RESP2), weir_xackdel asks for 8 at a time, and weir_append_xackdel with more is
 * WEIR_ERR_UNSUPPORTED. Where a later 8 fail, those before are done: their results are
 * there, and error.may_have_run is true. https://redis.io/docs/latest/commands/xackdel/
 */
WEIR_API weir_status weir_xackdel(weir_client *client, weir_view key, weir_view group,
                                  weir_refs refs, const weir_id *ids, size_t id_count,
                                  weir_deletion *results);
WEIR_API weir_status weir_append_xackdel(weir_client *client, weir_view key,
                                         weir_view group, weir_refs refs,
                                         const weir_id *ids, size_t id_count);

/* Why pending entries are given back. */
typedef enum weir_nack {
    WEIR_NACK_SILENT, /* not tried: the delivery does not count */
    WEIR_NACK_FAIL,   /* tried in vain: the delivery counts */
    WEIR_NACK_FATAL   /* nobody should try again: the count of deliveries becomes 2^63-1 */
} weir_nack;

typedef struct weir_xnack_options {
    bool has_retry_count; /* retry_count is meant, even if it is 0 */
    uint64_t retry_count; /* the count of deliveries from now on; at most 2^63-1 */
    bool force;           /* make those pending that are not */
} weir_xnack_options;

/*
 * Gives pending entries back, whoever has them: they belong to no consumer then, and can be
 * claimed at once. *count is how many were pending. WEIR_ERR_SERVER: NOGROUP. Redis 8.8.
 * https://redis.io/docs/latest/commands/xnack/
 */
WEIR_API weir_status weir_xnack(weir_client *client, weir_view key, weir_view group,
                                weir_nack why, const weir_id *ids, size_t id_count,
                                const weir_xnack_options *options, uint64_t *count);
WEIR_API weir_status weir_append_xnack(weir_client *client, weir_view key, weir_view group,
                                       weir_nack why, const weir_id *ids, size_t id_count,
                                       const weir_xnack_options *options);

/* ---- taking over ---- */

typedef struct weir_xclaim_options {
    uint64_t idle_ms;     /* count as idle for so long already; 0: not at all */
    uint64_t time_ms;     /* likewise, as idle since that Unix time; 0: not given */
    bool has_retry_count; /* retry_count is meant, even if it is 0 */
    uint64_t retry_count; /* the count of deliveries from now on; at most 2^63-1 */
    bool force;           /* make those pending that are not, if they are in the stream */
    bool ids_only;        /* JUSTID: no fields, and the delivery count does not rise */
    weir_id last;         /* LASTID: the group has been given entries up to here; 0-0: not
                             given */
} weir_xclaim_options;

/*
 * Takes over pending entries that have been idle for min_idle_ms; 0: all. The answer may
 * hold fewer than asked for, in any order. What is pending and was deleted is not in it:
 * Redis 7.0 removes it from the pending ones.
 * https://redis.io/docs/latest/commands/xclaim/
 */
WEIR_API weir_status weir_xclaim(weir_client *client, weir_view key, weir_view group,
                                 weir_view consumer, uint64_t min_idle_ms,
                                 const weir_id *ids, size_t id_count,
                                 const weir_xclaim_options *options, weir_entries *entries);
WEIR_API weir_status weir_append_xclaim(weir_client *client, weir_view key, weir_view group,
                                        weir_view consumer, uint64_t min_idle_ms,
                                        const weir_id *ids, size_t id_count,
                                        const weir_xclaim_options *options);

typedef struct weir_xautoclaim_options {
    uint64_t count;     /* at most so many; 0: the server's default (100); at most 2^59-1 */
    bool ids_only;      /* JUSTID: no fields, and the delivery count does not rise */
    bool exclude_start; /* from behind `start` on */
} weir_xautoclaim_options;

/*
 * The same without naming ids: scans the group's pending entries from `start` on. *next is
 * where to go on; 0-0: all were scanned. Claimed entries come first, then those that were
 * deleted meanwhile, as WEIR_ENTRY_PURGED (Redis 7.0). An empty answer with a *next other
 * than 0-0 is normal. Redis 6.2. https://redis.io/docs/latest/commands/xautoclaim/
 */
WEIR_API weir_status weir_xautoclaim(weir_client *client, weir_view key, weir_view group,
                                     weir_view consumer, uint64_t min_idle_ms,
                                     weir_id start, const weir_xautoclaim_options *options,
                                     weir_id *next, weir_entries *entries);
WEIR_API weir_status weir_append_xautoclaim(weir_client *client, weir_view key,
                                            weir_view group, weir_view consumer,
                                            uint64_t min_idle_ms, weir_id start,
                                            const weir_xautoclaim_options *options);

/* The answer of XAUTOCLAIM. */
WEIR_API weir_status weir_take_autoclaim(weir_client *client, weir_id *next,
                                         weir_entries *entries);

#ifdef __cplusplus
}
#endif

#endif
