/* Learns what the floor will send and receive when it reads: each page's request, and how
 * long its answer is. This is the untimed part, so that the timed one looks at nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "floor.h"
#include "need.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct page {
    size_t entries;
    char *reply;
    size_t size;
    size_t len;
    size_t lines_of_entry; /* *2, $.., id, *2F, then four of each field */
    char last_id[48];
};

static void encode_range(struct bytes *bytes, const char *last_id, size_t entries) {
    char start[64] = "-";
    if (last_id[0] != '\0') {
        snprintf(start, sizeof start, "(%s", last_id);
    }
    char count[24];
    snprintf(count, sizeof count, "%zu", entries);
    encode_head(bytes, 6);
    encode_text(bytes, "XRANGE");
    encode_text(bytes, BENCH_KEY);
    encode_text(bytes, start);
    encode_text(bytes, "+");
    encode_text(bytes, "COUNT");
    encode_text(bytes, count);
}

static bool receive_page(const struct wire *wire, struct page *page) {
    char first[32];
    int first_len = snprintf(first, sizeof first, "*%zu\r\n", page->entries);
    size_t due = 1 + page->lines_of_entry * page->entries;
    page->len = 0;
    while (due > 0) {
        size_t got;
        if (!wire_receive(wire, page->reply + page->len, page->size - page->len, &got)) {
            return false;
        }
        size_t lines = count_newlines(page->reply + page->len, got);
        page->len += got;
        if (strncmp(page->reply, first, (size_t)first_len) != 0 || lines > due) {
            return say_failed("floor: a page that has not %zu entries", page->entries);
        }
        due -= lines;
    }
    return true;
}

/* Behind the next `lines` line ends. The reply is known to have them. */
static const char *skip_lines(const char *at, size_t lines) {
    for (; lines > 0; lines--) {
        at = strchr(at, '\n') + 1;
    }
    return at;
}

/* Adds the id of each entry to `acks`, and keeps the last one. */
static void gather_ids(struct page *page, struct bytes *acks) {
    page->reply[page->len] = '\0';
    const char *at = skip_lines(page->reply, 1);
    for (size_t i = 0; i < page->entries; i++) {
        const char *id = skip_lines(at, 2);
        size_t len = strcspn(id, "\r");
        encode_part(acks, id, len);
        snprintf(page->last_id, sizeof page->last_id, "%.*s", (int)len, id);
        at = skip_lines(id, page->lines_of_entry - 2);
    }
}

static void encode_ack_head(struct bytes *bytes, size_t entries) {
    encode_head(bytes, 3 + entries);
    encode_text(bytes, "XACK");
    encode_text(bytes, BENCH_KEY);
    encode_text(bytes, BENCH_GROUP);
}

static bool learn_page(struct pages *pages, const struct wire *wire,
                       const struct work *work, struct page *page) {
    struct bytes range = {0};
    struct bytes ack = {0};
    encode_range(&range, page->last_id, page->entries);
    bool is_done = wire_send(wire, range.data, range.len) && receive_page(wire, page);
    if (is_done) {
        encode_ack_head(&ack, page->entries);
        gather_ids(page, &ack);
        struct bytes *request = task_is_group(work->task) ? &ack : &range;
        encode_raw(&pages->requests, request->data, request->len);
        pages->request_end[pages->count] = pages->requests.len;
        pages->reply_len[pages->count] = page->len;
        pages->count++;
    }
    free(range.data);
    free(ack.data);
    return is_done;
}

bool pages_learn(struct pages *pages, const struct wire *wire, const struct work *work,
                 uint64_t entries) {
    size_t count = (size_t)(entries / work_page(work));
    memset(pages, 0, sizeof *pages);
    pages->request_end = need_memory(count * sizeof *pages->request_end);
    pages->reply_len = need_memory(count * sizeof *pages->reply_len);

    struct page page = {.entries = work_page(work),
                        .lines_of_entry = 4 + 4 * work->field_count};
    page.size = 64 + page.entries * (64 + work->field_count * (32 + work->value_bytes));
    page.reply = need_memory(page.size + 1);
    bool is_done = true;
    while (is_done && pages->count < count) {
        is_done = learn_page(pages, wire, work, &page);
    }
    free(page.reply);
    return is_done;
}

void pages_free(struct pages *pages) {
    free(pages->requests.data);
    free(pages->request_end);
    free(pages->reply_len);
}
