/* Feeds a reader one wire in pieces.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"

#include <stdlib.h>

#include "../fuzz/render.h"

/* A cut so far behind a fault is in bytes that are no longer read: some of these will do.
 */
#define PAST_FAULT 32

void feed_open(struct feed *feed, const char *label, weir_view wire) {
    memset(feed, 0, sizeof *feed);
    feed->label = label;
    feed->wire = wire;
    feed->last = support_guard(wire);
    feed->room = support_guard(wire);
}

void feed_close(struct feed *feed) {
    support_unguard(feed->last);
    support_unguard(feed->room);
}

static void fail_feed(const struct feed *feed, const char *what, size_t first,
                      size_t step) {
    print_error("%s: %s (pieces of %zu, then %zu bytes)\n", feed->label, what, first, step);
    fail();
}

weir_view feed_piece(struct feed *feed, size_t from, size_t to) {
    size_t len = to - from;
    if (to == feed->wire.len) {
        return weir_bytes(feed->last.data + from, len);
    }
    char *end = (char *)(uintptr_t)feed->room.data + feed->room.len;
    if (len > 0) {
        memcpy(end - len, feed->wire.data + from, len);
    }
    return weir_bytes(end - len, len);
}

/* Keeps a token that was read from `input`, which stands at `from` in the wire. */
static bool keep_token(struct feed *feed, const weir_token *token, weir_view input,
                       size_t from, size_t end) {
    if (feed->token_count == FEED_TOKENS) {
        return false;
    }
    struct feed_token *kept = &feed->tokens[feed->token_count++];
    kept->type = (uint32_t)token->type;
    kept->depth = token->depth;
    kept->number = token->number;
    kept->len = token->bytes.len;
    kept->at = 0;
    kept->end = end;
    if (token->bytes.data == NULL) {
        return token->bytes.len == 0;
    }
    size_t inside = (size_t)(token->bytes.data - input.data);
    kept->at = from + inside;
    return inside <= input.len && token->bytes.len <= input.len - inside;
}

static weir_status take(weir_reader *reader, enum feed_call call, weir_view input,
                        size_t *used, weir_token *token) {
    switch (call) {
    case FEED_NEXT: return weir_reader_next(reader, input, used, token);
    case FEED_SKIP: return weir_reader_skip(reader, input, used);
    case FEED_SKIP_REPLY: return weir_reader_skip_reply(reader, input, used);
    }
    abort();
}

/* A broken reader answers each call alike and uses nothing. */
static bool stays_broken(weir_reader *reader) {
    static const enum feed_call calls[] = {FEED_NEXT, FEED_SKIP, FEED_SKIP_REPLY};
    uint64_t offset = weir_reader_offset(reader);
    weir_resp_fault fault = weir_reader_fault(reader);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        weir_token token;
        size_t used = 1;
        weir_status st = take(reader, calls[i], WIRE("+OK\r\n"), &used, &token);
        if (st != WEIR_ERR_PROTOCOL || used != 0 || weir_reader_offset(reader) != offset ||
            weir_reader_fault(reader) != fault) {
            return false;
        }
    }
    return fault != WEIR_FAULT_NONE && !weir_reader_is_between(reader);
}

/* Takes from the wire all that [*at, to) gives. NULL, or what was wrong with it. */
static const char *take_piece(struct feed *feed, weir_reader *reader, enum feed_call call,
                              size_t *at, size_t to) {
    for (;;) {
        weir_token token;
        memset(&token, 0xEE, sizeof token);
        weir_view input = feed_piece(feed, *at, to);
        size_t used = SIZE_MAX;
        feed->status = take(reader, call, input, &used, &token);
        if (used > input.len) {
            return "more was used than given";
        }
        if (feed->status != WEIR_OK) {
            *at += used;
            return NULL;
        }
        if (call == FEED_NEXT && !keep_token(feed, &token, input, *at, *at + used)) {
            return "a token's bytes are not of the input, or there are too many tokens";
        }
        *at += used;
        if (weir_reader_offset(reader) != *at) {
            return "the offset is not what was used";
        }
        if (weir_reader_is_between(reader)) {
            if (feed->value_count == FEED_TOKENS) {
                return "there are too many values";
            }
            feed->value_ends[feed->value_count++] = *at;
        }
    }
}

void feed_run(struct feed *feed, const weir_reader_options *options, enum feed_call call,
              size_t first, size_t step) {
    weir_reader reader;
    weir_reader_init(&reader, options);
    feed->token_count = 0;
    feed->value_count = 0;
    size_t at = 0;
    size_t to = first;
    for (;;) {
        const char *wrong = take_piece(feed, &reader, call, &at, to);
        if (wrong != NULL) {
            fail_feed(feed, wrong, first, step);
        }
        if (feed->status < 0 || to == feed->wire.len) {
            break;
        }
        to = step < feed->wire.len - to ? to + step : feed->wire.len;
    }
    feed->fault = weir_reader_fault(&reader);
    feed->offset = weir_reader_offset(&reader);
    size_t last_end = feed->value_count > 0 ? feed->value_ends[feed->value_count - 1] : 0;
    if (feed->status < 0 && !stays_broken(&reader)) {
        fail_feed(feed, "the failure does not stay", first, step);
    }
    if (feed->status == WEIR_MORE && last_end == feed->wire.len) {
        feed->status = WEIR_OK;
    }
}

static void print_run(const struct feed *feed) {
    print_error("%s, fault %s, offset %llu, %zu tokens, %zu values\n",
                weir_status_text(feed->status), render_class(feed->fault),
                (unsigned long long)feed->offset, feed->token_count, feed->value_count);
}

static bool is_same(const struct feed *a, const struct feed *b) {
    return a->status == b->status && a->fault == b->fault && a->offset == b->offset &&
           a->token_count == b->token_count && a->value_count == b->value_count &&
           memcmp(a->tokens, b->tokens, a->token_count * sizeof *a->tokens) == 0 &&
           memcmp(a->value_ends, b->value_ends, a->value_count * sizeof *a->value_ends) ==
               0;
}

static void compare_run(struct feed *feed, const struct feed *whole,
                        const weir_reader_options *options, enum feed_call call,
                        size_t first, size_t step) {
    feed_run(feed, options, call, first, step);
    if (!is_same(feed, whole)) {
        print_run(feed);
        print_run(whole);
        fail_feed(feed, "read otherwise than whole", first, step);
    }
}

size_t feed_every_cut(struct feed *feed, const weir_reader_options *options,
                      enum feed_call call) {
    size_t len = feed->wire.len;
    feed_run(feed, options, call, len, len);
    const struct feed whole = *feed;
    compare_run(feed, &whole, options, call, 0, 1);
    size_t runs = 2;
    for (size_t cut = 0; cut < len; runs++) {
        compare_run(feed, &whole, options, call, cut, len);
        bool is_past_end = whole.status < 0 && cut > whole.offset + PAST_FAULT;
        cut += is_past_end ? PAST_FAULT : 1;
    }
    return runs;
}

/* A text in a room of fixed size. */
struct page {
    char *out;
    size_t room;
    size_t len;
    size_t whole; /* of len, what stays */
    bool is_cut;  /* the room was too small: the text is not all */
};

static void page_write(void *user, weir_view text) {
    struct page *page = user;
    if (page->is_cut || text.len > page->room - page->len) {
        page->is_cut = true;
        return;
    }
    memcpy(page->out + page->len, text.data, text.len);
    page->len += text.len;
}

static void page_keep(void *user) {
    struct page *page = user;
    page->whole = page->len;
}

static void page_drop(void *user) {
    struct page *page = user;
    page->len = page->whole;
}

weir_view feed_text(const struct feed *feed, char *out, size_t room) {
    struct page page = {.out = out, .room = room};
    const struct render_sink sink = {page_write, page_keep, page_drop, &page};
    struct render render;
    render_init(&render, &sink);
    for (size_t i = 0; i < feed->token_count; i++) {
        const struct feed_token *kept = &feed->tokens[i];
        weir_token token = {(weir_token_type)kept->type, kept->depth, kept->number,
                            weir_bytes(feed->wire.data + kept->at, kept->len)};
        if (!render_token(&render, &token)) {
            fail_msg("%s: token %zu is not at the depth it says", feed->label, i);
        }
    }
    render_end(&render, feed->status, feed->fault);
    if (page.is_cut) {
        fail_msg("%s: no room to write it", feed->label);
    }
    return weir_bytes(out, page.len);
}

size_t feed_value_last(const struct feed *feed, size_t first) {
    uint64_t lacking = 1;
    for (size_t i = first; i < feed->token_count; i++) {
        const struct feed_token *token = &feed->tokens[i];
        uint64_t number = (uint64_t)token->number;
        switch ((weir_token_type)token->type) {
        case WEIR_TOKEN_ATTRIBUTE: lacking += 2 * number + 1; break;
        case WEIR_TOKEN_MAP: lacking += 2 * number; break;
        case WEIR_TOKEN_ARRAY:
        case WEIR_TOKEN_SET:
        case WEIR_TOKEN_PUSH: lacking += number; break;
        case WEIR_TOKEN_SIMPLE:
        case WEIR_TOKEN_ERROR:
        case WEIR_TOKEN_BULK:
        case WEIR_TOKEN_BULK_ERROR:
        case WEIR_TOKEN_VERBATIM:
        case WEIR_TOKEN_INTEGER:
        case WEIR_TOKEN_BOOLEAN:
        case WEIR_TOKEN_DOUBLE:
        case WEIR_TOKEN_BIG_NUMBER:
        case WEIR_TOKEN_NULL: break;
        case WEIR_TOKEN_END:
        case WEIR_TOKEN_STRING:
        case WEIR_TOKEN_PART: fail_msg("%s: not for streamed types", feed->label); break;
        }
        if (--lacking == 0) {
            return i;
        }
    }
    return feed->token_count;
}

void feed_expect_text(const weir_reader_options *options, weir_view wire,
                      const char *expected) {
    struct feed feed;
    feed_open(&feed, expected, wire);
    feed_every_cut(&feed, options, FEED_NEXT);
    char text[4096];
    assert_view(feed_text(&feed, text, sizeof text), expected);
    feed_close(&feed);
}

void feed_expect_fault(const weir_reader_options *options, weir_view wire,
                       weir_resp_fault fault, uint64_t offset) {
    static const enum feed_call calls[] = {FEED_NEXT, FEED_SKIP, FEED_SKIP_REPLY};
    struct feed feed;
    feed_open(&feed, render_class(fault), wire);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        feed_every_cut(&feed, options, calls[i]);
        if (feed.status != WEIR_ERR_PROTOCOL || feed.fault != fault ||
            feed.offset != offset) {
            fail_msg("got %s at byte %llu, expected %s at byte %llu",
                     render_class(feed.fault), (unsigned long long)feed.offset,
                     render_class(fault), (unsigned long long)offset);
        }
    }
    feed_close(&feed);
}
