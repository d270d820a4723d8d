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

static bool open_stream(struct own_producer *self) {
    weir_view names[PAYLOAD_MAX_FIELDS];
    for (size_t i = 0; i < self->field_count; i++) {
        names[i] = weir_text(payload_names[i]);
    }
    const weir_stream_options shape = {.names = names, .name_count = self->field_count};
    return weir_producer_stream(self->producer, weir_text(BENCH_KEY), &shape,
                                &self->stream) == WEIR_OK ||
           failed(self, "its stream");
}

bool own_producer_open(struct own_producer *self, const struct endpoint *endpoint,
                       weir_mem mem, weir_delivery_mode delivery, const weir_field *fields,
                       size_t field_count) {
    char url[CONNECT_URL];
    size_t count = BENCH_BLOCK * field_count;
    connect_url(endpoint, url);
    self->field_count = field_count;
    self->values = need_memory(count * sizeof *self->values);
    for (size_t i = 0; i < count; i++) {
        self->values[i] = fields[i].value;
    }
    const weir_options connection = {.timeout_ms = WIRE_TIMEOUT_SECONDS * 1000, .mem = mem};
    const weir_producer_options options = {.delivery = delivery,
                                           .most_entries = 2 * BENCH_WINDOW,
                                           .in_flight_entries = BENCH_WINDOW,
                                           .full_wait_ms = WEIR_FOREVER,
                                           .on_report = count_report,
                                           .context = self};
    if (weir_producer_open(url, &connection, &options, &self->producer) != WEIR_OK) {
        return failed(self, "opening a producer");
    }
    return open_stream(self);
}

bool own_producer_run(struct own_producer *self, uint64_t entries) {
    uint64_t before = self->acked;
    for (uint64_t i = 0; i < entries; i++) {
        const weir_view *values = self->values + i % BENCH_BLOCK * self->field_count;
        if (weir_producer_append_values(self->producer, self->stream, values, NULL) !=
            WEIR_OK) {
            return failed(self, "an entry");
        }
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
}
