/* What streams and groups tell of themselves. What holds for every command is said in
 * commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_INSPECT_H
#define WEIR_STREAM_INSPECT_H

#include "id.h"
#include "reply.h"

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

#ifdef __cplusplus
}
#endif

#endif
