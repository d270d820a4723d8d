/* hiredis at its best: one buffered write a block, the reader's buffer kept, each reply
 * freed, and malloc told not to give memory back to the system, or page faults would make
 * its reader several times slower.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "need.h"
#include "payload.h"
#include "say.h"
#include "side.h"

#include <hiredis/hiredis.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XADD_PARTS(field_count) (3 + 2 * (field_count))
#define MOST_PARTS              (3 + BENCH_PAGE) /* XACK of a page */

struct hiredis {
    redisContext *context;
    struct work work;
    char *values;
    char (*keys)[SIDE_KEY];
    size_t part_count;  /* of each XADD */
    const char **parts; /* of work_made XADDs, one behind the other */
    size_t *lens;
    size_t next;          /* of those XADDs, to be sent */
    char after[64];       /* XRANGE: where the next page starts */
    volatile size_t seen; /* so that no visit can be left out */
};

static bool failed(const struct hiredis *self) {
    return say_failed("hiredis: %s", self->context->errstr);
}

static void put_part(struct hiredis *self, size_t at, const char *data, size_t len) {
    self->parts[at] = data;
    self->lens[at] = len;
}

static void prepare_made(struct hiredis *self, const struct work *work) {
    size_t made = work_made(work);
    size_t count = self->part_count * made;
    self->parts = need_memory(count * sizeof *self->parts);
    self->lens = need_memory(count * sizeof *self->lens);
    self->keys = need_memory(made * sizeof *self->keys);
    self->values = payload_make(made, work->field_count, work->value_bytes);
    const char *value = self->values;
    size_t at = 0;
    for (size_t i = 0; i < made; i++) {
        work_key(work, i, self->keys[i]);
        put_part(self, at++, "XADD", 4);
        put_part(self, at++, self->keys[i], strlen(self->keys[i]));
        put_part(self, at++, "*", 1);
        for (size_t field = 0; field < work->field_count; field++) {
            put_part(self, at++, payload_names[field], strlen(payload_names[field]));
            put_part(self, at++, value, work->value_bytes);
            value += work->value_bytes;
        }
    }
}

static void hiredis_close(void *handle) {
    struct hiredis *self = handle;
    redisFree(self->context);
    free(self->values);
    free(self->keys);
    free(self->parts);
    free(self->lens);
    free(self);
}

static void *hiredis_open(const struct endpoint *endpoint, const struct work *work,
                          uint64_t entries) {
    (void)entries;
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    mallopt(M_TOP_PAD, 64 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024 * 1024);
    redisContext *context = endpoint->port == 0 ? redisConnectUnix(endpoint->socket_path)
                                                : redisConnect("127.0.0.1", endpoint->port);
    if (context == NULL || context->err != 0) {
        say_failed("hiredis: cannot connect: %s", context ? context->errstr : "no memory");
        redisFree(context);
        return NULL;
    }
    redisSetTimeout(context, (struct timeval){.tv_sec = WIRE_TIMEOUT_SECONDS});
    context->reader->maxbuf = 0; /* else it frees its buffer whenever it is empty */
    struct hiredis *self = need_memory(sizeof *self);
    self->context = context;
    self->work = *work;
    self->part_count = XADD_PARTS(work->field_count);
    snprintf(self->after, sizeof self->after, "-");
    prepare_made(self, work);
    return self;
}

static bool append(struct hiredis *self, const char **parts, const size_t *lens,
                   size_t count) {
    int st = redisAppendCommandArgv(self->context, (int)count, parts, lens);
    return st == REDIS_OK || failed(self);
}

static bool append_xadd(struct hiredis *self) {
    size_t at = self->next * self->part_count;
    self->next = self->next + 1 < work_made(&self->work) ? self->next + 1 : 0;
    return append(self, self->parts + at, self->lens + at, self->part_count);
}

static bool send_block(void *handle, size_t count) {
    struct hiredis *self = handle;
    for (size_t i = 0; i < count; i++) {
        if (!append_xadd(self)) {
            return false;
        }
    }
    int is_written = 0;
    while (is_written == 0) {
        if (redisBufferWrite(self->context, &is_written) != REDIS_OK) {
            return failed(self);
        }
    }
    return true;
}

/* The next reply; NULL: failed or an error, and said so. */
static redisReply *take(struct hiredis *self) {
    void *taken = NULL;
    if (redisGetReply(self->context, &taken) != REDIS_OK) {
        failed(self);
        return NULL;
    }
    redisReply *reply = taken;
    if (reply->type == REDIS_REPLY_ERROR) {
        say_failed("hiredis: %s", reply->str);
        freeReplyObject(reply);
        return NULL;
    }
    return reply;
}

static bool take_ids(void *handle, size_t count) {
    struct hiredis *self = handle;
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = take(self);
        if (reply == NULL) {
            return false;
        }
        self->seen += (size_t)reply->len;
        freeReplyObject(reply);
    }
    return true;
}

static bool hiredis_produce(void *handle, uint64_t entries) {
    const struct hiredis *self = handle;
    return window_slide(&self->work, handle, entries, send_block, take_ids);
}

static bool hiredis_round_trip(void *handle, uint64_t entries) {
    for (uint64_t i = 0; i < entries; i++) {
        if (!append_xadd(handle) || !take_ids(handle, 1)) {
            return false;
        }
    }
    return true;
}

/* Visits every field; true if the page is full. */
static bool visit_page(struct hiredis *self, const redisReply *page) {
    if (page->type != REDIS_REPLY_ARRAY || page->elements != work_page(&self->work)) {
        return say_failed("hiredis: a page that has not %zu entries",
                          work_page(&self->work));
    }
    size_t seen = 0;
    for (size_t i = 0; i < page->elements; i++) {
        const redisReply *fields = page->element[i]->element[1];
        for (size_t j = 0; j < fields->elements; j++) {
            seen += (size_t)fields->element[j]->len + (size_t)fields->element[j]->str[0];
        }
    }
    self->seen += seen;
    return true;
}

static bool read_range_page(struct hiredis *self) {
    char count[24];
    snprintf(count, sizeof count, "%zu", work_page(&self->work));
    const char *parts[] = {"XRANGE", BENCH_KEY, self->after, "+", "COUNT", count};
    if (!append(self, parts, NULL, sizeof parts / sizeof *parts)) {
        return false;
    }
    redisReply *page = take(self);
    bool is_full = page != NULL && visit_page(self, page);
    if (is_full) {
        const redisReply *last = page->element[page->elements - 1];
        snprintf(self->after, sizeof self->after, "(%s", last->element[0]->str);
    }
    freeReplyObject(page);
    return is_full;
}

static bool hiredis_read_range(void *handle, uint64_t entries) {
    const struct hiredis *self = handle;
    for (uint64_t i = 0; i < entries; i += work_page(&self->work)) {
        if (!read_range_page(handle)) {
            return false;
        }
    }
    return true;
}

/* Acknowledges a whole page; its ids are used where they lie in the reply. */
static bool acknowledge(struct hiredis *self, const redisReply *page) {
    const char *parts[MOST_PARTS] = {"XACK", BENCH_KEY, BENCH_GROUP};
    size_t lens[MOST_PARTS] = {4, strlen(BENCH_KEY), strlen(BENCH_GROUP)};
    for (size_t i = 0; i < page->elements; i++) {
        parts[3 + i] = page->element[i]->element[0]->str;
        lens[3 + i] = (size_t)page->element[i]->element[0]->len;
    }
    if (!append(self, parts, lens, 3 + page->elements)) {
        return false;
    }
    redisReply *reply = take(self);
    if (reply == NULL) {
        return false;
    }
    long long count = reply->integer;
    freeReplyObject(reply);
    return count == (long long)page->elements ||
           say_failed("hiredis: XACK gives %lld", count);
}

static bool read_group_page(struct hiredis *self) {
    char count[24];
    snprintf(count, sizeof count, "%zu", work_page(&self->work));
    const char *parts[] = {"XREADGROUP",   "GROUP",   BENCH_GROUP,
                           BENCH_CONSUMER, "COUNT",   count,
                           "STREAMS",      BENCH_KEY, ">"};
    if (!append(self, parts, NULL, sizeof parts / sizeof *parts)) {
        return false;
    }
    redisReply *reply = take(self);
    if (reply == NULL) {
        return false;
    }
    bool is_done = false;
    if (reply->type == REDIS_REPLY_ARRAY) {
        const redisReply *page = reply->element[0]->element[1];
        is_done = visit_page(self, page) && acknowledge(self, page);
    } else {
        say_failed("hiredis: no entries left for the group");
    }
    freeReplyObject(reply);
    return is_done;
}

static bool hiredis_read_group(void *handle, uint64_t entries) {
    const struct hiredis *self = handle;
    for (uint64_t i = 0; i < entries; i += work_page(&self->work)) {
        if (!read_group_page(handle)) {
            return false;
        }
    }
    return true;
}

const struct side side_hiredis = {
    .name = "hiredis",
    .lacks_tls = true, /* until 1.0 */
    .open = hiredis_open,
    .run = {[TASK_PRODUCE] = hiredis_produce,
            [TASK_PRODUCER] = hiredis_produce,
            [TASK_READ_RANGE] = hiredis_read_range,
            [TASK_READ_PAGES] = hiredis_read_range,
            [TASK_READ_GROUP] = hiredis_read_group,
            [TASK_CONSUME] = hiredis_read_group,
            [TASK_ROUND_TRIP] = hiredis_round_trip},
    .close = hiredis_close,
};
