/* Feeds a reader one wire in pieces, each in memory that ends where the piece ends, and
 * keeps what it says, so that any two ways to cut the wire can be compared.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_FEED_H
#define WEIR_TESTS_FEED_H

#include "../resp/reader.h"
#include "support.h"

#define FEED_TOKENS 1024

/* Which call takes the bytes in. */
enum feed_call { FEED_NEXT, FEED_SKIP, FEED_SKIP_REPLY };

/* A token, its bytes as a place in the wire. No padding: compared by memcmp. */
struct feed_token {
    uint32_t type;
    uint32_t depth;
    int64_t number;
    size_t at;  /* where its bytes begin; 0 if it has none */
    size_t len; /* of its bytes */
    size_t end; /* bytes of the wire used with it */
};

struct feed {
    const char *label; /* names the wire when a test fails */
    weir_view wire;    /* borrowed */
    weir_view last;    /* the wire in guarded memory: its end is the last piece */
    weir_view room;    /* guarded memory for the pieces before */

    /* what the last run said */
    weir_status status; /* WEIR_OK: ended between two replies; WEIR_MORE: inside one */
    weir_resp_fault fault;
    uint64_t offset;
    size_t token_count; /* 0 when skipping */
    size_t value_count; /* whole values at depth 0 */
    struct feed_token tokens[FEED_TOKENS];
    size_t value_ends[FEED_TOKENS];
};

/* Borrows label and wire until feed_close. */
void feed_open(struct feed *feed, const char *label, weir_view wire);
void feed_close(struct feed *feed);

/* Feeds the wire: first `first` bytes, then `step` bytes at a time. After a failure checks
 * that it stays. */
void feed_run(struct feed *feed, const weir_reader_options *options, enum feed_call call,
              size_t first, size_t step);

/* Feeds the wire whole, byte by byte, and cut in two at every place (far behind a fault, at
 * some), and checks that the reader says the same each time. What it said is left in
 * `feed`. Gives the runs made. */
size_t feed_every_cut(struct feed *feed, const weir_reader_options *options,
                      enum feed_call call);

/* The wire's bytes from `from` up to `to`, where nothing behind them can be read; good
 * until the next call. */
weir_view feed_piece(struct feed *feed, size_t from, size_t to);

/* After a run with FEED_NEXT: the last token of the value that begins with token `first`;
 * token_count if the value does not end. */
size_t feed_value_last(const struct feed *feed, size_t first);

/* What the last run with FEED_NEXT said, in the notation of resp_cases.tsv, in `out`. */
weir_view feed_text(const struct feed *feed, char *out, size_t room);

/* Fails the test unless the wire reads so, at every cut. */
void feed_expect_text(const weir_reader_options *options, weir_view wire,
                      const char *expected);

/* Fails the test unless the wire is refused so, read and skipped, at every cut. */
void feed_expect_fault(const weir_reader_options *options, weir_view wire,
                       weir_resp_fault fault, uint64_t offset);

#endif
