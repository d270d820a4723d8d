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
#include "group.h"
#include "inspect.h"
#include "pages.h"
#include "read.h"
#include "reply.h"
#include "write.h"

#endif
