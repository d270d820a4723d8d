/* Consumer groups: making them, acknowledging, taking over. What holds for every command
 * is said in commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_GROUP_H
#define WEIR_STREAM_GROUP_H

#include "read.h"

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif

#endif
