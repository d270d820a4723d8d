/* What a reader says of a wire that comes in pieces, so that any two ways of reading it can
 * be compared: strings that came in parts are joined.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_FUZZ_RECORD_H
#define WEIR_FUZZ_RECORD_H

#include "../resp/reader.h"
#include "fuzz.h"

/* ---- a wire in pieces ---- */

#define FUZZ_SIZES 8

/* The sizes of the pieces, one after another and then again from the first; none: whole. */
typedef struct fuzz_pieces {
    size_t count;
    uint8_t sizes[FUZZ_SIZES]; /* bytes less one */
} fuzz_pieces;

fuzz_pieces fuzz_choose_pieces(fuzz_input *input);

/* A wire of which the reader sees what has come and is not used, and an unreadable page
 * behind it. Uses room 0. */
typedef struct fuzz_feed {
    weir_view wire;
    fuzz_pieces pieces;
    size_t turn;  /* of the next piece */
    size_t used;  /* bytes that the reader is done with */
    size_t given; /* bytes that have come */
    weir_view input;
} fuzz_feed;

/* Nothing has come yet. */
void fuzz_feed_open(fuzz_feed *feed, weir_view wire, const fuzz_pieces *pieces);

/* The next piece comes; false: all has come. */
bool fuzz_feed_more(fuzz_feed *feed);

/* The reader is done with `used` bytes of feed->input. */
void fuzz_feed_use(fuzz_feed *feed, size_t used);

/* ---- what was read ---- */

#define FUZZ_TOKENS (FUZZ_MOST / 2) /* the shortest token takes three bytes */

typedef struct fuzz_token {
    weir_token_type type; /* never WEIR_TOKEN_STRING nor WEIR_TOKEN_PART */
    uint32_t depth;
    int64_t number; /* WEIR_STREAMED: a streamed aggregate, or a streamed string */
    size_t at;      /* its bytes in the record's */
    size_t len;
    uint64_t end; /* offset behind it */
} fuzz_token;

typedef struct fuzz_record {
    size_t count;
    size_t whole; /* of them, tokens of replies that are whole */
    size_t byte_count;
    bool is_joining; /* the token behind the last is a string that comes in parts */
    weir_status status;
    weir_resp_fault fault;
    uint64_t offset;
    fuzz_token tokens[FUZZ_TOKENS + 1];
    char bytes[FUZZ_MOST];
} fuzz_record;

void fuzz_record_clear(fuzz_record *record);

/* Adds what a reader gave, having used all before `end`. */
void fuzz_record_add(fuzz_record *record, const weir_token *token, uint64_t end);

/* How it ended. */
void fuzz_record_end(fuzz_record *record, weir_status status, const weir_reader *reader);

/* Reads a wire to its end or to a fault, checking what holds of every call. */
void fuzz_record_read(fuzz_record *record, const weir_reader_options *options,
                      weir_view wire, const fuzz_pieces *pieces);

/* One call of weir_reader_next, checked. */
weir_status fuzz_next(weir_reader *reader, fuzz_feed *feed, weir_token *token);

/* True if the tokens are the same, wherever they end. */
bool fuzz_is_same_token(const fuzz_record *a, const fuzz_token *first, const fuzz_record *b,
                        const fuzz_token *second);

/* Ends the program unless both are the same to the last byte. */
void fuzz_check_same(const fuzz_record *a, const fuzz_record *b);

/* The index behind the last token of the value that begins at `first`; the record's count
 * if it does not end. */
size_t fuzz_value_end(const fuzz_record *record, size_t first);

#endif
