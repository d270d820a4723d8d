/* A producer in a process of its own: appends numbers as they come, and writes down what is
 * reported of each.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "chaos.h"

#include "../support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLOSE_MS 40000
#define PAYLOAD  2000
#define LARGE    20000

struct writer {
    const struct chaos_run *run;
    struct chaos_writer *book;
    weir_producer *producer;
    weir_stream *stream;
    uint64_t random;
    int which;
};

/* ---- what is written down ---- */

static void hear(struct writer *self, const weir_error *error) {
    const char *words = self->run->scenario->words;
    if (error == NULL || error->status == WEIR_OK) {
        return;
    }
    (void)snprintf(self->book->words, sizeof self->book->words, "%s", error->text);
    if (words != NULL && strstr(error->text, words) != NULL) {
        self->book->has_said = true;
    }
}

static void on_report(void *context, const weir_report *report) {
    struct writer *self = context;
    struct chaos_fate *fate = report->user;
    fate->reports = (uint8_t)(fate->reports < UINT8_MAX ? fate->reports + 1 : UINT8_MAX);
    fate->outcome = (uint8_t)report->outcome;
    fate->reason = (uint8_t)report->reason;
    fate->attempts = report->attempts;
    fate->id = report->id;
    hear(self, report->error);
}

static void on_loss(void *context, const weir_loss_notice *notice) {
    struct writer *self = context;
    if (self->book->notices < CHAOS_NOTICES) {
        self->book->list[self->book->notices++] = *notice;
    }
}

static void on_change(void *context, const weir_link_event *event) {
    struct writer *self = context;
    hear(self, event->error);
}

/* ---- the work ---- */

static bool is_over(const struct writer *self) {
    return atomic_load(&self->run->shared->is_over) ||
           self->book->appended == CHAOS_ENTRIES;
}

static void note_time(struct writer *self, int64_t began_ms, int64_t may_take_ms) {
    int64_t late_ms = chaos_now_ms() - began_ms - may_take_ms;
    self->book->latest_ms =
        late_ms > self->book->latest_ms ? late_ms : self->book->latest_ms;
}

static weir_status append(struct writer *self) {
    static const char payload[LARGE] = {0};
    unsigned how = self->run->scenario->how;
    char number[24];
    char name[4];
    uint64_t next = self->book->appended;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)next);
    (void)snprintf(name, sizeof name, "%d", self->which);
    size_t most = (how & CHAOS_SLOW) != 0 ? 10 : (how & CHAOS_LARGE) != 0 ? LARGE : PAYLOAD;
    bool is_small = (how & CHAOS_LARGE) == 0 && chaos_any(&self->random, 20) != 0;
    size_t len = (size_t)chaos_any(&self->random, is_small ? 20 : most);
    weir_field fields[] = {weir_pair("p", name),
                           weir_pair("n", number),
                           {weir_text("x"), weir_bytes(payload, len)}};
    weir_status st = weir_producer_append(self->producer, self->stream, fields, 3,
                                          &self->book->fates[next]);
    self->book->appended += st == WEIR_OK ? 1 : 0;
    return st;
}

static weir_status append_some(struct writer *self) {
    unsigned how = self->run->scenario->how;
    uint64_t most = (how & (CHAOS_SLOW | CHAOS_IDLE)) != 0 ? 3 : 60;
    int64_t began_ms = chaos_now_ms();
    weir_status st = WEIR_OK;
    for (uint64_t left = 1 + chaos_any(&self->random, most);
         left > 0 && st == WEIR_OK && self->book->appended < CHAOS_ENTRIES; left--) {
        st = append(self);
    }
    note_time(self, began_ms, 0);
    return st == WEIR_ERR_FULL ? WEIR_OK : st;
}

static int64_t pause_ms(struct writer *self) {
    unsigned how = self->run->scenario->how;
    return (how & CHAOS_IDLE) != 0   ? 150
           : (how & CHAOS_SLOW) != 0 ? 20
                                     : (int64_t)chaos_any(&self->random, 8);
}

static weir_status go_on(struct writer *self) {
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && !is_over(self)) {
        st = append_some(self);
        int64_t began_ms = chaos_now_ms();
        int64_t ms = pause_ms(self);
        st = st == WEIR_OK ? weir_producer_wait(self->producer, ms) : st;
        note_time(self, began_ms, ms);
        while (st == WEIR_OK && chaos_now_ms() < began_ms + ms) {
            st = weir_producer_wait(self->producer, began_ms + ms - chaos_now_ms());
        }
        hear(self, weir_producer_error(self->producer));
    }
    return st;
}

static void finish(struct writer *self) {
    int64_t began_ms = chaos_now_ms();
    self->book->status = weir_producer_close(self->producer, CLOSE_MS);
    note_time(self, began_ms, CLOSE_MS);
    hear(self, weir_producer_error(self->producer));
    weir_producer_free(self->producer);
}

static weir_status open_producer(struct writer *self) {
    const struct chaos_run *run = self->run;
    bool is_small = (run->scenario->how & CHAOS_IN_FLIGHT) != 0;
    weir_options client = {
        .user = run->user,
        .password = run->password,
        .timeout_ms = run->scenario->timeout_ms > 0 ? run->scenario->timeout_ms : 2000,
        .protocol = run->seed % 3 == 0 ? 2 : 0,
        .reconnect = {
            .floor_ms = 5, .ceiling_ms = 60, .on_change = on_change, .context = self}};
    weir_producer_options options = {
        .delivery = run->mode,
        .batch_entries = 1 + (uint32_t)chaos_any(&self->random, 64),
        .linger_us = chaos_any(&self->random, 2) == 0 ? 0 : 500,
        .in_flight_entries = is_small ? 1 + (uint32_t)chaos_any(&self->random, 64) : 0,
        .timeout_ms = WEIR_FOREVER,
        .on_report = on_report,
        .on_loss = on_loss,
        .context = self};
    const char *url = run->scenario->modes != 0 ? chaos_url(run) : run->server.url;
    weir_status st = weir_producer_open(url, &client, &options, &self->producer);
    return st == WEIR_OK ? weir_producer_stream(self->producer, weir_text(CHAOS_KEY), NULL,
                                                &self->stream)
                         : st;
}

void chaos_write(const struct chaos_run *run, int which) {
    static struct writer self;
    self = (struct writer){.run = run,
                           .book = &run->shared->writers[which],
                           .random = run->seed * 2 + 1 + (uint64_t)which * 1000,
                           .which = which};
    int before = chaos_descriptors();
    weir_status st = open_producer(&self);
    if (st == WEIR_OK) {
        atomic_store(&self.book->is_open, true);
        st = go_on(&self);
    }
    hear(&self, weir_producer_error(self.producer));
    finish(&self);
    if (st != WEIR_OK) {
        self.book->status = st;
    }
    self.book->leaked = chaos_descriptors() - before;
}
