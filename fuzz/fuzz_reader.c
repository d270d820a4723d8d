/* The reader: however a wire is cut, whatever comes in parts, and wherever values are
 * passed over, it says the same and reads nothing but what has come. Choices: protocol and
 * what is hidden, limits, what comes in parts, pieces, what is skipped.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "record.h"

static fuzz_record whole;
static fuzz_record other;

#define MOST_BYTE_BY_BYTE 4096 /* longer wires take too long so */

static weir_reader_options choose_options(fuzz_input *input) {
    weir_reader_options options = {0};
    size_t mode = fuzz_choice_below(input, 8);
    options.protocol = (mode & 1) != 0 ? 2 : 3;
    options.hide_attributes = (mode & 2) != 0;
    if ((mode & 4) != 0) {
        options.limits.bulk_bytes = fuzz_choice(input);
        options.limits.line_bytes = fuzz_choice(input);
        options.limits.elements = fuzz_choice(input);
        options.limits.reply_bytes = fuzz_wide_choice(input);
        options.limits.depth = fuzz_choice(input);
    }
    return options;
}

/* ---- skipping ---- */

/* Which tokens are passed over instead of read: a bit each, over and over. */
typedef struct skips {
    uint8_t values;  /* by weir_reader_skip */
    uint8_t replies; /* by weir_reader_skip_reply */
} skips;

static bool is_chosen(uint8_t bits, size_t turn) { return (bits >> (turn % 8) & 1) != 0; }

/* Calls one of the two until it is over. */
static weir_status skip(weir_reader *reader, fuzz_feed *feed, bool is_reply) {
    weir_status st;
    do {
        size_t used = SIZE_MAX;
        st = is_reply ? weir_reader_skip_reply(reader, feed->input, &used)
                      : weir_reader_skip(reader, feed->input, &used);
        fuzz_feed_use(feed, used);
    } while (st == WEIR_MORE && fuzz_feed_more(feed));
    return st;
}

/* The first token of the reply that token `at` stands in, at or behind token `begin`. */
static size_t reply_of(size_t at, size_t begin) {
    while (begin < whole.count && fuzz_value_end(&whole, begin) <= at) {
        begin = fuzz_value_end(&whole, begin);
    }
    return begin;
}

/* What was passed over, which begins with token `from`, ends where the tokens say. Gives
 * the index behind it. */
static size_t check_skip(size_t at, size_t from, weir_status st, const fuzz_feed *feed,
                         const weir_reader *reader) {
    if (st != WEIR_OK) {
        fuzz_check(st == WEIR_MORE ? whole.status != WEIR_ERR_PROTOCOL
                                   : whole.fault == weir_reader_fault(reader) &&
                                         whole.offset == weir_reader_offset(reader),
                   "skipping ends as reading does");
        return whole.count;
    }
    fuzz_check(at < whole.count, "nothing is skipped where nothing is read");
    bool is_end = whole.tokens[from].type == WEIR_TOKEN_END;
    size_t end = is_end ? at + 1 : fuzz_value_end(&whole, from);
    fuzz_check(end <= whole.count && whole.tokens[end - 1].end == feed->used,
               "a skip ends where the value does");
    return end;
}

/* The next token is the one that was read before; a string in parts is complete with the
 * last of them. Gives the index behind it. */
static size_t check_token(size_t at, const weir_token *token, uint64_t end) {
    if (!other.is_joining) {
        fuzz_record_clear(&other);
    }
    fuzz_record_add(&other, token, end);
    if (other.is_joining) {
        return at;
    }
    fuzz_check(at < whole.count &&
                   fuzz_is_same_token(&whole, &whole.tokens[at], &other, &other.tokens[0]),
               "what is read between skips is the same");
    return at + 1;
}

/* Reads on, passing over what is chosen: what is read is what was read before. */
static void read_with_skips(weir_view wire, const weir_reader_options *options,
                            const fuzz_pieces *pieces, const skips *chosen) {
    weir_reader reader;
    fuzz_feed feed;
    weir_reader_init(&reader, options);
    fuzz_feed_open(&feed, wire, pieces);
    fuzz_record_clear(&other);
    size_t at = 0;
    size_t reply = 0;
    weir_status st = WEIR_OK;
    for (size_t turn = 0; st == WEIR_OK; turn++) {
        bool is_reply = is_chosen(chosen->replies, turn);
        bool is_value = is_chosen(chosen->values, turn) && !other.is_joining;
        if (is_reply || is_value) {
            reply = reply_of(at, reply);
            st = skip(&reader, &feed, is_reply);
            at = check_skip(at, is_reply ? reply : at, st, &feed, &reader);
            other.is_joining = false;
        } else {
            weir_token token;
            st = fuzz_next(&reader, &feed, &token);
            at = st == WEIR_OK ? check_token(at, &token, feed.used) : at;
        }
        st = st == WEIR_MORE && fuzz_feed_more(&feed) ? WEIR_OK : st;
    }
}

/* ---- one input ---- */

int fuzz_one(const uint8_t *data, size_t len) {
    static const fuzz_pieces in_one = {0};
    static const fuzz_pieces bytes = {1, {0}};
    fuzz_input input = fuzz_open(data, len);
    weir_reader_options options = choose_options(&input);
    uint64_t parts_above = fuzz_choice(&input);
    skips chosen;
    chosen.values = fuzz_choice(&input);
    chosen.replies = fuzz_choice(&input);
    fuzz_pieces pieces = fuzz_choose_pieces(&input);
    weir_view wire = fuzz_wire(&input);

    fuzz_record_read(&whole, &options, wire, &in_one);
    if (wire.len <= MOST_BYTE_BY_BYTE) {
        fuzz_record_read(&other, &options, wire, &bytes);
        fuzz_check_same(&whole, &other);
    }
    fuzz_record_read(&other, &options, wire, &pieces);
    fuzz_check_same(&whole, &other);
    if (!input.has_choices) {
        chosen = (skips){0x55, 0x10};
    }
    read_with_skips(wire, &options, &pieces, &chosen);

    options.parts_above = parts_above + 1;
    fuzz_record_read(&other, &options, wire, &pieces);
    fuzz_check_same(&whole, &other);
    if (wire.len <= MOST_BYTE_BY_BYTE) {
        fuzz_record_read(&other, &options, wire, &bytes);
        fuzz_check_same(&whole, &other);
    }
    return 0;
}
