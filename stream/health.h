/* How a group is, and the members that it needs no more. What holds for every command is
 * said in commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_HEALTH_H
#define WEIR_STREAM_HEALTH_H

#include "inspect.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_group_health {
    int64_t lag;            /* entries that nobody was given yet; WEIR_UNKNOWN: the server
                               is too old for it, or cannot tell */
    int64_t pending;        /* given and not acknowledged */
    weir_id oldest;         /* the lowest id of them; 0-0: none is pending */
    int64_t oldest_idle_ms; /* since that one was delivered last; WEIR_UNKNOWN: none is
                               pending; -1: it was given back by XNACK */
    int64_t consumers;      /* members, also those that are gone */
    int64_t busy_consumers; /* of them, those with pending entries */
    int64_t last_seen_ms;   /* since any of them tried to read; WEIR_UNKNOWN: no members */
} weir_group_health;

/*
 * Asks XINFO GROUPS, XINFO CONSUMERS and XPENDING; each tells of its own moment. What is
 * pending for each member, weir_xinfo_consumers tells. WEIR_OK. WEIR_END: there is no such
 * group. WEIR_ERR_SERVER: no such stream; and what ends a connection.
 * https://redis.io/docs/latest/commands/xinfo-groups/
 */
WEIR_API weir_status weir_group_look(weir_client *client, weir_view key, weir_view group,
                                     weir_group_health *health);

/*
 * Removes the members that have nothing pending and have not tried to read for min_idle_ms:
 * longer than any block_ms, since one that waits has not tried again. All at once on the
 * server, by a script (EVAL), so none is removed that was given an entry in between; one
 * that was removed and lives is back with its next read. *count (may be NULL): how many.
 * WEIR_OK. WEIR_ERR_SERVER: no such stream or group, or this user may not use EVAL.
 * https://redis.io/docs/latest/commands/xgroup-delconsumer/
 */
WEIR_API weir_status weir_group_reap(weir_client *client, weir_view key, weir_view group,
                                     uint64_t min_idle_ms, uint64_t *count);

#ifdef __cplusplus
}
#endif

#endif
