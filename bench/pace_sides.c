/* Who takes part at a fixed rate: weir_producer, nobody, and those of
 * pace_peers.c.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "connect.h"
#include "need.h"
#include "pace.h"
#include "payload.h"
#include "say.h"
#include "side.h"

#include <stdio.h>
#include <stdlib.h>

void pace_put_value(uint64_t entry, char text[PACE_VALUE + 1]) {
    snprintf(text, PACE_VALUE + 1, "%.6f", (double)(entry % PACE_MADE) / PACE_MADE);
}

/* ---- weir ---- */

struct own_pace {
    weir_producer *producer;
    weir_stream *stream;
    uint64_t appended;
    uint64_t acked;
};

static bool own_failed(const struct own_pace *self, const char *what) {
    return say_failed("weir: %s: %s", what, weir_producer_error(self->producer)->text);
}

static void own_close(void *handle) {
    struct own_pace *self = handle;
    if (self->producer != NULL) {
        (void)weir_producer_close(self->producer, WIRE_TIMEOUT_SECONDS * 1000);
    }
    weir_producer_free(self->producer);
    free(self);
}

static void own_report(void *context, const weir_report *report) {
    struct own_pace *self = context;
    self->acked += report->outcome == WEIR_OUTCOME_ACKED ? 1 : 0;
}

static void *own_open(const struct endpoint *endpoint, int64_t linger_us) {
    char url[CONNECT_URL];
    connect_url(endpoint, url);
    const weir_view name = weir_text(payload_names[0]);
    const weir_stream_options shape = {.names = &name, .name_count = 1};
    struct own_pace *self = need_memory(sizeof *self);
    const weir_producer_options options = {
        .linger_us = linger_us, .on_report = own_report, .context = self};
    if (weir_producer_open(url, NULL, &options, &self->producer) != WEIR_OK ||
        weir_producer_stream(self->producer, weir_text(BENCH_KEY), &shape, &self->stream) !=
            WEIR_OK) {
        own_failed(self, "opening a producer");
        own_close(self);
        return NULL;
    }
    return self;
}

static bool own_append(void *handle, uint64_t count, uint64_t *taken) {
    struct own_pace *self = handle;
    weir_status st = WEIR_OK;
    for (*taken = 0; *taken < count && st == WEIR_OK; *taken += st == WEIR_OK) {
        char text[PACE_VALUE + 1];
        pace_put_value(self->appended, text);
        const weir_view value = weir_bytes(text, PACE_VALUE);
        st = weir_producer_append_values(self->producer, self->stream, &value, NULL);
        self->appended += st == WEIR_OK;
    }
    return st == WEIR_OK || st == WEIR_ERR_FULL || own_failed(self, "an entry");
}

static bool own_step(void *handle, bool is_readable, uint64_t *acked) {
    struct own_pace *self = handle;
    (void)is_readable;
    weir_status st = weir_producer_step(self->producer);
    *acked = self->acked;
    return st == WEIR_OK || own_failed(self, "a step");
}

static void own_watch(const void *handle, struct pollfd *watched) {
    const struct own_pace *self = handle;
    int wants = weir_producer_wants(self->producer);
    watched->fd = weir_producer_fd(self->producer);
    watched->events = (short)(((wants & WEIR_WANT_READ) != 0 ? POLLIN : 0) |
                              ((wants & WEIR_WANT_WRITE) != 0 ? POLLOUT : 0));
}

static uint64_t own_writes(const void *handle) {
    const struct own_pace *self = handle;
    weir_counters counters;
    weir_producer_counters(self->producer, &counters);
    return counters.batches;
}

/* ---- nobody ---- */

static void *nobody_open(const struct endpoint *endpoint, int64_t linger_us) {
    (void)endpoint;
    (void)linger_us;
    return need_memory(sizeof(uint64_t));
}

static bool nobody_append(void *handle, uint64_t count, uint64_t *taken) {
    uint64_t *appended = handle;
    *appended += count;
    *taken = count;
    return true;
}

static bool nobody_step(void *handle, bool is_readable, uint64_t *acked) {
    (void)is_readable;
    *acked = *(const uint64_t *)handle;
    return true;
}

static void nobody_watch(const void *handle, struct pollfd *watched) {
    (void)handle;
    *watched = (struct pollfd){.fd = -1};
}

static uint64_t nobody_writes(const void *handle) {
    (void)handle;
    return 0;
}

/* ---- all of them ---- */

static const struct pace_side own = {own_open,  own_append, own_step,
                                     own_watch, own_writes, own_close};
static const struct pace_side nobody = {nobody_open,  nobody_append, nobody_step,
                                        nobody_watch, nobody_writes, free};

const char *const pace_who_names[PACE_WHO_COUNT] = {
    "weir", "weir 100 us", "weir 1 ms", "weir 5 ms", "floor", "hiredis", "nobody"};

const struct pace_side *pace_side_of(enum pace_who who) {
    switch (who) {
    case PACE_WEIR:
    case PACE_WEIR_100_US:
    case PACE_WEIR_1_MS:
    case PACE_WEIR_5_MS: return &own;
    case PACE_FLOOR: return &pace_floor;
    case PACE_HIREDIS: return &pace_hiredis;
    case PACE_NOBODY: return &nobody;
    }
    return &nobody;
}

int64_t pace_linger_of(enum pace_who who) {
    switch (who) {
    case PACE_WEIR_100_US: return 100;
    case PACE_WEIR_1_MS: return 1000;
    case PACE_WEIR_5_MS: return 5000;
    case PACE_WEIR:
    case PACE_FLOOR:
    case PACE_HIREDIS:
    case PACE_NOBODY: return 0;
    }
    return 0;
}
