/* weir's side of the comparison, by its public interface.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "connect.h"
#include "need.h"
#include "own_producer.h"
#include "payload.h"
#include "say.h"
#include "side.h"

#include <stdlib.h>

struct own {
    weir_client *client;
    weir_consumer *consumer;
    struct own_producer produced;
    uint64_t allocations;
    struct work work;
    char *values;
    weir_field *fields; /* of a block's entries, one behind the other */
    weir_view key;
    weir_source source;
    weir_id last; /* XRANGE: the page ended there */
    weir_pages pages;
    weir_id ids[BENCH_PAGE];
    volatile uint64_t seen; /* so that no visit can be left out */
};

static bool failed(const struct own *self, const char *what) {
    return connect_failed(self->client, what);
}

static void *count_resize(void *user, void *block, size_t old_size, size_t new_size) {
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    struct own *self = user;
    self->allocations++;
    return realloc(block, new_size);
}

static uint64_t own_allocations(const void *handle) {
    const struct own *self = handle;
    return self->allocations;
}

static void prepare_block(struct own *self, const struct work *work) {
    size_t count = work_block(work) * work->field_count;
    self->values = payload_make(work_block(work), work->field_count, work->value_bytes);
    self->fields = need_memory(count * sizeof *self->fields);
    for (size_t i = 0; i < count; i++) {
        self->fields[i].name = weir_text(payload_names[i % work->field_count]);
        self->fields[i].value =
            weir_bytes(self->values + i * work->value_bytes, work->value_bytes);
    }
}

static void own_close(void *handle) {
    struct own *self = handle;
    (void)weir_consumer_close(self->consumer, WIRE_TIMEOUT_SECONDS * 1000);
    own_producer_close(&self->produced);
    weir_close(self->client);
    free(self->values);
    free(self->fields);
    free(self);
}

static bool consumer_failed(const struct own *self, const char *what) {
    return say_failed("weir: %s: %s", what, weir_consumer_error(self->consumer)->text);
}

static bool open_consumer(struct own *self, const struct endpoint *endpoint) {
    char url[CONNECT_URL];
    connect_url(endpoint, url);
    weir_tls tls;
    const weir_options connection =
        connect_options(endpoint, (weir_mem){count_resize, self}, &tls);
    const weir_consumer_options options = {.streams = &self->key,
                                           .stream_count = 1,
                                           .group = weir_text(BENCH_GROUP),
                                           .name = weir_text(BENCH_CONSUMER),
                                           .start = WEIR_START_BEGINNING,
                                           .count = work_page(&self->work),
                                           .in_hand = 4 * work_page(&self->work),
                                           .ack_count = work_page(&self->work)};
    return weir_consumer_open(url, &connection, &options, &self->consumer) == WEIR_OK ||
           consumer_failed(self, "opening a consumer");
}

/* What the task needs besides a client. */
static bool open_for(struct own *self, const struct endpoint *endpoint) {
    const weir_mem counted = {count_resize, self};
    if (self->work.task == TASK_CONSUME) {
        return open_consumer(self, endpoint);
    }
    return self->work.task != TASK_PRODUCER ||
           own_producer_open(&self->produced, endpoint, counted, &self->work, self->fields);
}

static void *own_open(const struct endpoint *endpoint, const struct work *work,
                      uint64_t entries) {
    (void)entries;
    struct own *self = need_memory(sizeof *self);
    weir_mem counted = {count_resize, self};
    self->client = connect_weir(endpoint, counted);
    if (self->client == NULL) {
        free(self);
        return NULL;
    }
    self->work = *work;
    self->key = weir_text(BENCH_KEY);
    self->source = weir_source_new(self->key);
    prepare_block(self, work);
    if (!open_for(self, endpoint)) {
        own_close(self);
        return NULL;
    }
    return self;
}

static bool send_block(void *handle, size_t count) {
    struct own *self = handle;
    for (size_t i = 0; i < count; i++) {
        const weir_field *fields = self->fields + i * self->work.field_count;
        if (weir_append_xadd(self->client, self->key, fields, self->work.field_count,
                             NULL) != WEIR_OK) {
            return failed(self, "XADD");
        }
    }
    return weir_flush(self->client) == WEIR_OK || failed(self, "flush");
}

static bool take_ids(void *handle, size_t count) {
    struct own *self = handle;
    size_t taken;
    if (weir_take_ids(self->client, self->ids, count, &taken) != WEIR_OK) {
        return failed(self, "the answer of XADD");
    }
    uint64_t seen = 0;
    for (size_t i = 0; i < taken; i++) {
        seen += self->ids[i].seq;
    }
    self->seen += seen;
    return true;
}

static bool own_produce(void *handle, uint64_t entries) {
    const struct own *self = handle;
    return window_slide(&self->work, handle, entries, send_block, take_ids);
}

static bool own_produce_reported(void *handle, uint64_t entries) {
    struct own *self = handle;
    return own_producer_run(&self->produced, entries);
}

static bool own_round_trip(void *handle, uint64_t entries) {
    struct own *self = handle;
    for (uint64_t i = 0; i < entries; i++) {
        const weir_field *fields =
            self->fields + i % work_block(&self->work) * self->work.field_count;
        weir_id id;
        if (weir_xadd(self->client, self->key, fields, self->work.field_count, NULL, &id) !=
            WEIR_OK) {
            return failed(self, "XADD");
        }
        self->seen += id.seq;
    }
    return true;
}

static uint64_t visit(const weir_entry *entry) {
    uint64_t seen = 0;
    for (size_t i = 0; i < entry->field_count; i++) {
        weir_field field = entry->fields[i];
        seen += field.name.len + (uint64_t)field.name.data[0];
        seen += field.value.len + (uint64_t)field.value.data[0];
    }
    return seen;
}

/* Visits every field of a page and keeps the ids; false unless it is full. */
static bool visit_page(struct own *self, weir_entries *page) {
    weir_entry entry;
    weir_status st;
    size_t due = work_page(&self->work);
    size_t count = 0;
    uint64_t seen = 0;
    while ((st = weir_entries_next(page, &entry)) == WEIR_OK && count < due) {
        self->ids[count++] = entry.id;
        seen += visit(&entry);
    }
    self->seen += seen;
    if (st < 0) {
        return failed(self, "reading entries");
    }
    if (st != WEIR_END || count != due) {
        return say_failed("weir: a page that has not %zu entries", due);
    }
    self->last = self->ids[count - 1];
    return true;
}

static bool own_read_range(void *handle, uint64_t entries) {
    struct own *self = handle;
    for (uint64_t i = 0; i < entries; i += work_page(&self->work)) {
        weir_range_options options = {.count = work_page(&self->work)};
        options.exclude_start = self->last.ms != 0;
        weir_entries page;
        if (weir_xrange(self->client, self->key, self->last, WEIR_ID_MAX, &options,
                        &page) != WEIR_OK) {
            return failed(self, "XRANGE");
        }
        if (!visit_page(self, &page)) {
            return false;
        }
    }
    return true;
}

static bool own_read_pages(void *handle, uint64_t entries) {
    struct own *self = handle;
    uint64_t seen = 0;
    if (!weir_pages_is_open(&self->pages) &&
        weir_pages_open(self->client, self->key, WEIR_ID_MIN, WEIR_ID_MAX,
                        &(weir_pages_options){.page = work_page(&self->work)},
                        &self->pages) != WEIR_OK) {
        return failed(self, "pages");
    }
    for (uint64_t i = 0; i < entries; i++) {
        weir_entry entry;
        if (weir_pages_next(&self->pages, &entry) != WEIR_OK) {
            return failed(self, "a page");
        }
        seen += visit(&entry);
    }
    self->seen += seen;
    return true;
}

static bool acknowledge_page(struct own *self) {
    size_t page = work_page(&self->work);
    uint64_t count = 0;
    if (weir_xack(self->client, self->key, weir_text(BENCH_GROUP), self->ids, page,
                  &count) != WEIR_OK) {
        return failed(self, "XACK");
    }
    return count == page || say_failed("weir: XACK gives %llu", (unsigned long long)count);
}

static bool own_read_group(void *handle, uint64_t entries) {
    struct own *self = handle;
    const weir_read_options options = {.count = work_page(&self->work)};
    for (uint64_t i = 0; i < entries; i += work_page(&self->work)) {
        weir_entries page;
        if (weir_xreadgroup(self->client, weir_text(BENCH_GROUP), weir_text(BENCH_CONSUMER),
                            &self->source, 1, &options, &page) != WEIR_OK) {
            return failed(self, "XREADGROUP");
        }
        if (!visit_page(self, &page) || !acknowledge_page(self)) {
            return false;
        }
    }
    return true;
}

static bool own_consume(void *handle, uint64_t entries) {
    struct own *self = handle;
    uint64_t seen = 0;
    for (uint64_t i = 0; i < entries; i++) {
        weir_delivery task;
        if (weir_consumer_next(self->consumer, WIRE_TIMEOUT_SECONDS * 1000, &task) !=
            WEIR_OK) {
            return consumer_failed(self, "an entry");
        }
        seen += visit(&task.entry);
        if (weir_consumer_done(self->consumer, &task) != WEIR_OK) {
            return consumer_failed(self, "an acknowledgement");
        }
    }
    self->seen += seen;
    return weir_consumer_flush(self->consumer, WIRE_TIMEOUT_SECONDS * 1000) == WEIR_OK ||
           consumer_failed(self, "flush");
}

const struct side side_weir = {
    .name = "weir",
    .open = own_open,
    .run = {[TASK_PRODUCE] = own_produce,
            [TASK_PRODUCER] = own_produce_reported,
            [TASK_READ_RANGE] = own_read_range,
            [TASK_READ_PAGES] = own_read_pages,
            [TASK_READ_GROUP] = own_read_group,
            [TASK_CONSUME] = own_consume,
            [TASK_ROUND_TRIP] = own_round_trip},
    .allocations = own_allocations,
    .close = own_close,
};
