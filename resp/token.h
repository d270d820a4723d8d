/* What the reader's files share: states, failing, opening and closing aggregates.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_TOKEN_H
#define WEIR_RESP_TOKEN_H

#include "reader.h"

/* Where the reader stands within a token. */
enum weir_reader_state {
    WEIR_AT_TYPE,   /* before its type byte */
    WEIR_IN_LINE,   /* in text that ends with CR LF */
    WEIR_IN_NUMBER, /* in the digits of an integer, a length or a count */
    WEIR_IN_BODY,   /* in the bytes of a string whose length is known */
    WEIR_PAST_BODY, /* handing out or dropping a string's bytes as they come */
    WEIR_BROKEN
};

#define WEIR_VERBATIM_HEAD 4 /* "txt:" (RESP3.md, "Verbatim string") */

/* Ends the connection's reading: the fault lies `at` bytes behind the bytes used. Gives
 * WEIR_ERR_PROTOCOL. */
weir_status weir_reader_fail(weir_reader *reader, weir_resp_fault fault, size_t at);

/* An empty view may have no address to add to. */
static inline weir_view weir_view_behind(weir_view input, size_t used) {
    return used == 0 ? input : weir_bytes(input.data + used, input.len - used);
}

/* `count` bytes of the input are done with. */
static inline void weir_reader_use(weir_reader *reader, size_t count) {
    reader->offset += count;
    reader->seen = 0;
}

/* ---- frame.c ---- */

/* The aggregate that is open innermost is a streamed one. */
bool weir_frame_is_streamed(const weir_reader *reader);

/* It is, and has as many values as it may have. */
bool weir_frame_is_full(const weir_reader *reader);

/* A value is complete, and with it each aggregate whose last element it was. */
void weir_frame_close_value(weir_reader *reader);

/* An aggregate's head is read: opens it, or closes it at once if it is empty. */
weir_status weir_frame_open(weir_reader *reader, size_t *used, weir_token *token);

/* "." is read: ends the streamed aggregate that is open. */
weir_status weir_frame_end(weir_reader *reader, size_t *used, weir_token *token);

/* ---- body.c ---- */

/* The length of a string, or of a part of one, is read. WEIR_MORE: its bytes are next. */
weir_status weir_body_begin(weir_reader *reader, size_t *used, weir_token *token);

/* Reads a string whose length is known. */
weir_status weir_body_read(weir_reader *reader, weir_view input, size_t *used,
                           weir_token *token);

/* Turns a string that is begun into one whose bytes are not held. WEIR_MORE: too little of
 * it is there to be checked. */
weir_status weir_body_let_go(weir_reader *reader, weir_view input, size_t *used);

/* Hands out what has come of such a string. */
weir_status weir_body_part(weir_reader *reader, weir_view input, size_t *used,
                           weir_token *token);

/* ---- token.c ---- */

/* One token, attributes not hidden; *used is written only with WEIR_OK. */
weir_status weir_token_read(weir_reader *reader, weir_view input, size_t *used,
                            weir_token *token);

#endif
