/* The floor: the least that a client can do. Bytes that were encoded before the clock
 * started, written in blocks; answers of which only the end is looked for.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "floor.h"

#include "need.h"
#include "payload.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_OF_ID 2 /* $15, 1700000000000-0 */

struct floor {
    struct wire wire;
    struct work work;
    struct bytes made;  /* work_made XADDs, all of one length */
    size_t command_len; /* of one XADD */
    size_t next;        /* of those made, to be sent */
    int64_t lines_due;  /* of answers; below 0: came earlier than they were due */
    struct pages pages;
    size_t pages_read;
    struct bytes group_read;   /* XREADGROUP */
    size_t group_envelope_len; /* what its answer has around the page's entries */
};

static void encode_made(struct floor *self, const struct work *work) {
    size_t count = work_made(work);
    char *values = payload_make(count, work->field_count, work->value_bytes);
    const char *value = values;
    for (size_t i = 0; i < count; i++) {
        char key[SIDE_KEY];
        work_key(work, i, key);
        encode_head(&self->made, 3 + 2 * work->field_count);
        encode_text(&self->made, "XADD");
        encode_text(&self->made, key);
        encode_text(&self->made, "*");
        for (size_t field = 0; field < work->field_count; field++) {
            encode_text(&self->made, payload_names[field]);
            encode_part(&self->made, value, work->value_bytes);
            value += work->value_bytes;
        }
    }
    self->command_len = self->made.len / count;
    free(values);
}

static void encode_group_read(struct floor *self) {
    char count[24];
    snprintf(count, sizeof count, "%zu", work_page(&self->work));
    const char *parts[] = {"XREADGROUP",   "GROUP",   BENCH_GROUP,
                           BENCH_CONSUMER, "COUNT",   count,
                           "STREAMS",      BENCH_KEY, ">"};
    size_t part_count = sizeof parts / sizeof *parts;
    encode_head(&self->group_read, part_count);
    for (size_t i = 0; i < part_count; i++) {
        encode_text(&self->group_read, parts[i]);
    }
    char envelope[128];
    self->group_envelope_len =
        (size_t)snprintf(envelope, sizeof envelope, "*1\r\n*2\r\n$%zu\r\n%s\r\n",
                         strlen(BENCH_KEY), BENCH_KEY);
}

static void floor_close(void *handle) {
    struct floor *self = handle;
    wire_close(&self->wire);
    free(self->made.data);
    free(self->group_read.data);
    pages_free(&self->pages);
    free(self);
}

static void *floor_open(const struct endpoint *endpoint, const struct work *work,
                        uint64_t entries) {
    struct wire wire;
    if (!wire_connect(endpoint, &wire)) {
        return NULL;
    }
    struct floor *self = need_memory(sizeof *self);
    self->wire = wire;
    self->work = *work;
    encode_made(self, work);
    encode_group_read(self);
    if (task_is_reading(work->task) && !pages_learn(&self->pages, &wire, work, entries)) {
        floor_close(self);
        return NULL;
    }
    return self;
}

static bool skip_lines(struct floor *self, int64_t count) {
    self->lines_due += count;
    return wire_skip_lines(&self->wire, &self->lines_due);
}

/* From where the last ones ended, around the end of those made. */
static bool send_block(void *handle, size_t count) {
    struct floor *self = handle;
    size_t all = work_made(&self->work);
    while (count > 0) {
        size_t now = count < all - self->next ? count : all - self->next;
        if (!wire_send(&self->wire, self->made.data + self->next * self->command_len,
                       now * self->command_len)) {
            return false;
        }
        self->next = (self->next + now) % all;
        count -= now;
    }
    return true;
}

static bool skip_ids(void *handle, size_t count) {
    struct floor *self = handle;
    return skip_lines(self, (int64_t)count * LINES_OF_ID);
}

static bool floor_produce(void *handle, uint64_t entries) {
    const struct floor *self = handle;
    return window_slide(&self->work, handle, entries, send_block, skip_ids);
}

static bool floor_round_trip(void *handle, uint64_t entries) {
    struct floor *self = handle;
    for (uint64_t i = 0; i < entries; i++) {
        if (!send_block(self, 1) || !skip_lines(self, LINES_OF_ID)) {
            return false;
        }
    }
    return true;
}

/* The request that was learned for the next page. */
static bool send_learned(struct floor *self) {
    const struct pages *pages = &self->pages;
    size_t start = self->pages_read == 0 ? 0 : pages->request_end[self->pages_read - 1];
    size_t end = pages->request_end[self->pages_read];
    return wire_send(&self->wire, pages->requests.data + start, end - start);
}

static bool floor_read_range(void *handle, uint64_t entries) {
    struct floor *self = handle;
    for (uint64_t i = 0; i < entries; i += work_page(&self->work)) {
        if (!send_learned(self) ||
            !wire_skip_bytes(&self->wire, self->pages.reply_len[self->pages_read])) {
            return false;
        }
        self->pages_read++;
    }
    return true;
}

static bool floor_read_group(void *handle, uint64_t entries) {
    struct floor *self = handle;
    for (uint64_t i = 0; i < entries; i += work_page(&self->work)) {
        size_t reply_len =
            self->group_envelope_len + self->pages.reply_len[self->pages_read];
        if (!wire_send(&self->wire, self->group_read.data, self->group_read.len) ||
            !wire_skip_bytes(&self->wire, reply_len) || !send_learned(self) ||
            !skip_lines(self, 1)) {
            return false;
        }
        self->pages_read++;
    }
    return true;
}

bool floor_fill(const struct endpoint *endpoint, size_t value_bytes, uint64_t entries,
                const char *what) {
    const struct work work = {
        .task = TASK_PRODUCE, .field_count = 1, .value_bytes = value_bytes};
    const uint64_t step = 20 * BENCH_WINDOW;
    struct floor *self = floor_open(endpoint, &work, entries);
    if (self == NULL) {
        return false;
    }
    bool is_done = true;
    for (uint64_t done = 0; is_done && done < entries; done += step) {
        say_progress(what, done, entries);
        is_done = floor_produce(self, entries - done < step ? entries - done : step);
    }
    floor_close(self);
    return is_done;
}

const struct side side_floor = {
    .name = "floor",
    .open = floor_open,
    .run = {[TASK_PRODUCE] = floor_produce,
            [TASK_PRODUCER] = floor_produce,
            [TASK_READ_RANGE] = floor_read_range,
            [TASK_READ_PAGES] = floor_read_range,
            [TASK_READ_GROUP] = floor_read_group,
            [TASK_CONSUME] = floor_read_group,
            [TASK_ROUND_TRIP] = floor_round_trip},
    .close = floor_close,
};
