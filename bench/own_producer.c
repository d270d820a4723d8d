/* Producing by weir_producer: values alone, reports by a callback.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "own_producer.h"

#include "connect.h"
#include "need.h"
#include "payload.h"
#include "say.h"
#include "side.h"

#include <stdlib.h>

static bool failed(const struct own_producer *self, const char *what) {
    return say_failed("weir: %s: %s", what, weir_producer_error(self->producer)->text);
}

static void count_report(void *context, const weir_report *report) {
    struct own_producer *self = context;
    self->acked += report->outcome == WEIR_OUTCOME_ACKED ? 1 : 0;
}

static bool open_streams(struct own_producer *self) {
    size_t count = work_streams(&self->work);
    weir_view names[PAYLOAD_MAX_FIELDS];
    for (size_t i = 0; i < self->work.field_count; i++) {
        names[i] = weir_text(payload_names[i]);
    }
    const weir_stream_options shape = {.names = names,
                                       .name_count = self->work.field_count};
    self->streams = need_memory(count * sizeof *self->streams);
    for (size_t i = 0; i < count; i++) {
        char key[SIDE_KEY];
        work_key(&self->work, i, key);
        if (weir_producer_stream(self->producer, weir_text(key), &shape,
                                 &self->streams[i].stream) != WEIR_OK) {
            return failed(self, "its stream");
        }
    }
    return true;
}

bool own_producer_open(struct own_producer *self, const struct endpoint *endpoint,
                       weir_mem mem, const struct work *work, const weir_field *fields) {
    char url[CONNECT_URL];
    size_t count = work_block(work) * work->field_count;
    connect_url(endpoint, url);
    self->work = *work;
    self->values = need_memory(count * sizeof *self->values);
    for (size_t i = 0; i < count; i++) {
        self->values[i] = fields[i].value;
    }
    weir_tls tls;
    const weir_options connection = connect_options(endpoint, mem, &tls);
    const weir_producer_options options = {.delivery = work->delivery,
                                           .most_entries = 2 * (uint32_t)work_window(work),
                                           .in_flight_entries = (uint32_t)work_window(work),
                                           .full_wait_ms = WEIR_FOREVER,
                                           .on_report = count_report,
                                           .context = self};
    if (weir_producer_open(url, &connection, &options, &self->producer) != WEIR_OK) {
        return failed(self, "opening a producer");
    }
    return open_streams(self);
}

bool own_producer_run(struct own_producer *self, uint64_t entries) {
    uint64_t before = self->acked;
    size_t block = work_block(&self->work);
    size_t stream_count = work_streams(&self->work);
    size_t at = 0;
    for (uint64_t i = 0; i < entries; i++) {
        const weir_view *values = self->values + at * self->work.field_count;
        weir_stream *stream = self->streams[self->appended++ % stream_count].stream;
        if (weir_producer_append_values(self->producer, stream, values, NULL) != WEIR_OK) {
            return failed(self, "an entry");
        }
        at = at + 1 < block ? at + 1 : 0;
    }
    if (weir_producer_flush(self->producer, WIRE_TIMEOUT_SECONDS * 1000) != WEIR_OK) {
        return failed(self, "flush");
    }
    return self->acked - before == entries ||
           say_failed("weir: the producer has entries that were not acknowledged");
}

void own_producer_close(struct own_producer *self) {
    if (self->producer != NULL) {
        (void)weir_producer_close(self->producer, WIRE_TIMEOUT_SECONDS * 1000);
    }
    weir_producer_free(self->producer);
    free(self->values);
    free(self->streams);
}
