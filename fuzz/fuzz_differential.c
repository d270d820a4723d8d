/* The reader against a second, slow decoder: the same values, the same end, the same fault
 * at the same byte; and what resp-check prints of it. Choices: protocol and what is hidden,
 * limits. SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "record.h"
#include "render.h"
#include "slow.h"

static slow second;
static char text[sizeof second.text];

#define BULK_BYTES  (UINT64_C(512) << 20)
#define LINE_BYTES  (UINT64_C(64) << 10)
#define ELEMENTS    UINT64_C(4294967295)
#define REPLY_BYTES (UINT64_C(1) << 30)

/* Small limits if chosen, else those that a reader has by default. */
static weir_reader_options choose_options(fuzz_input *input) {
    weir_reader_options options = {
        .limits = {BULK_BYTES, LINE_BYTES, ELEMENTS, REPLY_BYTES, WEIR_READER_DEPTH}};
    size_t mode = fuzz_choice_below(input, 8);
    options.protocol = (mode & 1) != 0 ? 2 : 3;
    options.hide_attributes = (mode & 2) != 0;
    if ((mode & 4) != 0) {
        options.limits.bulk_bytes = fuzz_choice(input) + UINT64_C(1);
        options.limits.line_bytes = fuzz_choice(input) + UINT64_C(1);
        options.limits.elements = fuzz_choice(input) + UINT64_C(1);
        options.limits.reply_bytes = fuzz_wide_choice(input) + UINT64_C(1);
        options.limits.depth = (uint32_t)fuzz_choice_below(input, WEIR_READER_DEPTH) + 1;
    }
    return options;
}

/* ---- the text of what the reader says ---- */

static size_t text_len;
static size_t kept_len;

static void write_text(void *user, weir_view bytes) {
    (void)user;
    fuzz_check(bytes.len <= sizeof text - text_len, "sixteen bytes tell of each");
    memcpy(text + text_len, bytes.data, bytes.len);
    text_len += bytes.len;
}

static void keep_text(void *user) {
    (void)user;
    kept_len = text_len;
}

static void drop_text(void *user) {
    (void)user;
    text_len = kept_len;
}

/* Reads the wire by the reader and writes it down, the fault's class excepted. */
static weir_status render(const weir_reader_options *options, weir_view wire,
                          weir_reader *reader) {
    static const struct render_sink sink = {write_text, keep_text, drop_text, NULL};
    static const fuzz_pieces in_one = {0};
    struct render out;
    fuzz_feed feed;
    text_len = kept_len = 0;
    render_init(&out, &sink);
    fuzz_feed_open(&feed, wire, &in_one);
    weir_reader_init(reader, options);
    weir_status st;
    do {
        weir_token token;
        st = fuzz_next(reader, &feed, &token);
        if (st == WEIR_OK) {
            fuzz_check(render_token(&out, &token), "a token is as deep as it says");
        }
    } while (st == WEIR_OK || (st == WEIR_MORE && fuzz_feed_more(&feed)));
    st = st == WEIR_MORE && weir_reader_is_between(reader) ? WEIR_OK : st;
    render_end(&out, st, WEIR_FAULT_NONE);
    text_len -= st < 0 ? strlen(render_class(WEIR_FAULT_NONE)) : 0;
    return st;
}

int fuzz_one(const uint8_t *data, size_t len) {
    fuzz_input input = fuzz_open(data, len);
    weir_reader_options options = choose_options(&input);
    weir_view wire = fuzz_wire(&input);
    weir_reader reader;
    weir_status end = render(&options, wire, &reader);
    weir_view first = weir_bytes(text, text_len);
    slow_decode(&second, wire, &options);
    bool is_same = end == second.status && weir_reader_fault(&reader) == second.fault &&
                   (end >= 0 || weir_reader_offset(&reader) == second.fault_at) &&
                   weir_view_equal(first, weir_bytes(second.text, second.len));
    if (!is_same) {
        (void)fprintf(stderr, "the reader:  status %d, %s, byte %llu\n  %.*s\n", end,
                      render_class(weir_reader_fault(&reader)),
                      (unsigned long long)weir_reader_offset(&reader), WEIR_PRINT(first));
        (void)fprintf(stderr, "the decoder: status %d, %s, byte %zu\n  %.*s\n",
                      second.status, render_class(second.fault), second.fault_at,
                      (int)second.len, second.text);
        fuzz_broken("the reader and the slow decoder say the same");
    }
    return 0;
}
