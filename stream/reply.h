/* Answers that are held whole, and any command. What holds for every command is said in
 * commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_REPLY_H
#define WEIR_STREAM_REPLY_H

#include "client.h"

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif

#endif
