/* What a reader says of a wire that comes in pieces.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "record.h"

/* ---- a wire in pieces ---- */

fuzz_pieces fuzz_choose_pieces(fuzz_input *input) {
    fuzz_pieces pieces = {fuzz_choice_below(input, FUZZ_SIZES + 1), {0}};
    for (size_t i = 0; i < pieces.count; i++) {
        pieces.sizes[i] = fuzz_choice(input);
    }
    return pieces;
}

void fuzz_feed_open(fuzz_feed *feed, weir_view wire, const fuzz_pieces *pieces) {
    *feed = (fuzz_feed){.wire = wire, .pieces = *pieces};
    feed->input = fuzz_guard(0, weir_bytes(NULL, 0));
}

bool fuzz_feed_more(fuzz_feed *feed) {
    size_t left = feed->wire.len - feed->given;
    if (left == 0) {
        return false;
    }
    const fuzz_pieces *pieces = &feed->pieces;
    size_t size =
        pieces->count > 0 ? (size_t)pieces->sizes[feed->turn++ % pieces->count] + 1 : left;
    feed->given += size < left ? size : left;
    feed->input =
        fuzz_guard(0, weir_bytes(feed->wire.data + feed->used, feed->given - feed->used));
    return true;
}

void fuzz_feed_use(fuzz_feed *feed, size_t used) {
    fuzz_check(used <= feed->input.len, "no more is used than was given");
    feed->used += used;
    feed->input = weir_bytes(feed->input.data + used, feed->input.len - used);
}

/* ---- what was read ---- */

void fuzz_record_clear(fuzz_record *record) {
    record->count = 0;
    record->whole = 0;
    record->byte_count = 0;
    record->is_joining = false;
}

static weir_token_type type_of_string(const weir_token *token) {
    switch (token->bytes.len == 1 ? token->bytes.data[0] : '$') {
    case '!': return WEIR_TOKEN_BULK_ERROR;
    case '=': return WEIR_TOKEN_VERBATIM;
    default: return WEIR_TOKEN_BULK;
    }
}

static void add_bytes(fuzz_record *record, fuzz_token *kept, weir_view bytes) {
    fuzz_check(bytes.len <= FUZZ_MOST - record->byte_count,
               "tokens hold no more bytes than came");
    if (bytes.len > 0) {
        memcpy(record->bytes + record->byte_count, bytes.data, bytes.len);
    }
    record->byte_count += bytes.len;
    kept->len += bytes.len;
}

static void begin_string(fuzz_record *record, fuzz_token *kept, const weir_token *token) {
    kept->type = type_of_string(token);
    kept->depth = token->depth;
    kept->number = token->number == WEIR_STREAMED ? WEIR_STREAMED : 0;
    record->is_joining = true;
}

static void add_part(fuzz_record *record, fuzz_token *kept, const weir_token *token,
                     uint64_t end) {
    fuzz_check(record->is_joining, "a part belongs to a string that has begun");
    fuzz_check(token->depth == kept->depth, "parts are as deep as their string");
    add_bytes(record, kept, token->bytes);
    if (token->number == 1) {
        kept->end = end;
        record->count++;
        record->is_joining = false;
    }
}

void fuzz_record_add(fuzz_record *record, const weir_token *token, uint64_t end) {
    fuzz_check(record->count < FUZZ_TOKENS, "tokens are fewer than bytes");
    fuzz_token *kept = &record->tokens[record->count];
    if (token->type == WEIR_TOKEN_PART) {
        add_part(record, kept, token, end);
        return;
    }
    fuzz_check(!record->is_joining, "only parts follow where a string comes in parts");
    *kept = (fuzz_token){.at = record->byte_count};
    if (token->type == WEIR_TOKEN_STRING) {
        begin_string(record, kept, token);
        return;
    }
    kept->type = token->type;
    kept->depth = token->depth;
    kept->number = token->number;
    kept->end = end;
    add_bytes(record, kept, token->bytes);
    record->count++;
}

void fuzz_record_end(fuzz_record *record, weir_status status, const weir_reader *reader) {
    bool is_between = weir_reader_is_between(reader);
    record->status = status == WEIR_MORE && is_between ? WEIR_OK : status;
    record->fault = weir_reader_fault(reader);
    record->offset = status == WEIR_ERR_PROTOCOL ? weir_reader_offset(reader) : 0;
}

/* Bytes of a token lie in what was given, or there are none. */
static bool is_inside(weir_view bytes, weir_view input) {
    if (bytes.data == NULL) {
        return bytes.len == 0;
    }
    return bytes.data >= input.data && bytes.data <= input.data + input.len &&
           bytes.len <= (size_t)(input.data + input.len - bytes.data);
}

/* A broken reader stays as it is. */
static void check_broken(weir_reader *reader) {
    weir_reader before = *reader;
    const char *text = weir_resp_fault_text(weir_reader_fault(reader));
    weir_token token;
    size_t used;
    weir_view healthy = weir_text("+OK\r\n");
    bool is_broken = weir_reader_next(reader, healthy, &used, &token) < 0 && used == 0 &&
                     weir_reader_skip(reader, healthy, &used) < 0 && used == 0 &&
                     weir_reader_skip_reply(reader, healthy, &used) < 0 && used == 0;
    fuzz_check(is_broken, "a broken reader stays broken");
    fuzz_check(weir_reader_offset(reader) == weir_reader_offset(&before) &&
                   weir_reader_fault(reader) == weir_reader_fault(&before) &&
                   weir_reader_fault(reader) != WEIR_FAULT_NONE &&
                   !weir_reader_is_between(reader),
               "a broken reader keeps its fault and the byte");
    fuzz_check(text != NULL && text[0] != '\0' && strcmp(text, "unknown fault") != 0,
               "a fault has a text");
}

weir_status fuzz_next(weir_reader *reader, fuzz_feed *feed, weir_token *token) {
    size_t used = SIZE_MAX;
    weir_view input = feed->input;
    weir_status st = weir_reader_next(reader, input, &used, token);
    fuzz_feed_use(feed, used);
    if (st == WEIR_OK || st == WEIR_MORE) {
        fuzz_check(weir_reader_offset(reader) == feed->used, "the offset is what was used");
    } else {
        fuzz_check(st == WEIR_ERR_PROTOCOL, "reading ends well or in a protocol error");
        fuzz_check(weir_reader_offset(reader) < feed->given, "the fault is in what came");
        check_broken(reader);
    }
    fuzz_check(st != WEIR_OK || is_inside(token->bytes, input),
               "a token borrows the input");
    return st;
}

void fuzz_record_read(fuzz_record *record, const weir_reader_options *options,
                      weir_view wire, const fuzz_pieces *pieces) {
    fuzz_record_clear(record);
    fuzz_feed feed;
    weir_reader reader;
    fuzz_feed_open(&feed, wire, pieces);
    weir_reader_init(&reader, options);
    weir_status st;
    do {
        weir_token token;
        st = fuzz_next(&reader, &feed, &token);
        if (st == WEIR_OK) {
            fuzz_record_add(record, &token, feed.used);
            record->whole = weir_reader_is_between(&reader) ? record->count : record->whole;
        }
    } while (st == WEIR_OK || (st == WEIR_MORE && fuzz_feed_more(&feed)));
    fuzz_record_end(record, st, &reader);
}

/* ---- comparing ---- */

bool fuzz_is_same_token(const fuzz_record *a, const fuzz_token *first, const fuzz_record *b,
                        const fuzz_token *second) {
    return first->type == second->type && first->depth == second->depth &&
           first->number == second->number &&
           weir_view_equal(weir_bytes(a->bytes + first->at, first->len),
                           weir_bytes(b->bytes + second->at, second->len));
}

void fuzz_check_same(const fuzz_record *a, const fuzz_record *b) {
    fuzz_check(a->count == b->count, "as many tokens however the wire is cut");
    for (size_t i = 0; i < a->count; i++) {
        fuzz_check(fuzz_is_same_token(a, &a->tokens[i], b, &b->tokens[i]),
                   "the same tokens however the wire is cut");
        fuzz_check(a->tokens[i].end == b->tokens[i].end,
                   "tokens end at the same byte however the wire is cut");
    }
    fuzz_check(a->status == b->status, "the same end however the wire is cut");
    fuzz_check(a->fault == b->fault, "the same fault however the wire is cut");
    fuzz_check(a->offset == b->offset, "a fault at the same byte however the wire is cut");
}

/* Passes over all that is deeper. */
static size_t pass_deeper(const fuzz_record *record, size_t index, uint32_t depth) {
    while (index < record->count && record->tokens[index].depth > depth) {
        index++;
    }
    return index;
}

static bool is_aggregate(weir_token_type type) {
    return type == WEIR_TOKEN_ARRAY || type == WEIR_TOKEN_SET || type == WEIR_TOKEN_PUSH ||
           type == WEIR_TOKEN_MAP;
}

size_t fuzz_value_end(const fuzz_record *record, size_t first) {
    uint32_t depth = record->tokens[first].depth;
    size_t index = first;
    while (index < record->count && record->tokens[index].type == WEIR_TOKEN_ATTRIBUTE) {
        index = pass_deeper(record, index + 1, depth);
    }
    if (index == record->count) {
        return index;
    }
    const fuzz_token *value = &record->tokens[index];
    index = pass_deeper(record, index + 1, depth);
    bool is_streamed = is_aggregate(value->type) && value->number == WEIR_STREAMED;
    return is_streamed && index < record->count ? index + 1 : index;
}
