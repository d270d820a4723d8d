/* Who takes part at a fixed rate besides weir: a raw socket, and hiredis.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "encode.h"
#include "need.h"
#include "pace.h"
#include "payload.h"
#include "say.h"
#include "side.h"

#include <hiredis/hiredis.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define PARTS       5     /* XADD key * name value */
#define ROOM        65536 /* bytes received at once */
#define LINES_OF_ID 2

/* ---- the floor ---- */

struct floor_pace {
    struct wire wire;
    struct bytes made; /* PACE_MADE XADDs of one length */
    uint64_t sent;
    uint64_t writes;
    uint64_t lines;
    char in[ROOM];
};

static void *floor_open(const struct endpoint *endpoint, int64_t linger_us) {
    (void)linger_us;
    struct floor_pace *self = need_memory(sizeof *self);
    if (!wire_connect(endpoint, &self->wire)) {
        free(self);
        return NULL;
    }
    for (uint64_t i = 0; i < PACE_MADE; i++) {
        char text[PACE_VALUE + 1];
        pace_put_value(i, text);
        encode_head(&self->made, PARTS);
        encode_text(&self->made, "XADD");
        encode_text(&self->made, BENCH_KEY);
        encode_text(&self->made, "*");
        encode_text(&self->made, payload_names[0]);
        encode_text(&self->made, text);
    }
    return self;
}

static bool floor_append(void *handle, uint64_t count, uint64_t *taken) {
    struct floor_pace *self = handle;
    size_t len = self->made.len / PACE_MADE;
    for (*taken = 0; *taken < count;) {
        uint64_t at = self->sent % PACE_MADE;
        uint64_t now = count - *taken < PACE_MADE - at ? count - *taken : PACE_MADE - at;
        if (!wire_send(&self->wire, self->made.data + at * len, now * len)) {
            return false;
        }
        self->sent += now;
        self->writes++;
        *taken += now;
    }
    return true;
}

static bool floor_step(void *handle, bool is_readable, uint64_t *acked) {
    struct floor_pace *self = handle;
    size_t len = 0;
    if (is_readable && !wire_receive(&self->wire, self->in, sizeof self->in, &len)) {
        return false;
    }
    self->lines += count_newlines(self->in, len);
    *acked = self->lines / LINES_OF_ID;
    return true;
}

static void floor_watch(const void *handle, struct pollfd *watched) {
    const struct floor_pace *self = handle;
    *watched = (struct pollfd){.fd = self->wire.fd, .events = POLLIN};
}

static uint64_t floor_writes(const void *handle) {
    const struct floor_pace *self = handle;
    return self->writes;
}

static void floor_close(void *handle) {
    struct floor_pace *self = handle;
    wire_close(&self->wire);
    free(self->made.data);
    free(self);
}

/* ---- hiredis ---- */

struct hiredis_pace {
    redisContext *context;
    uint64_t appended;
    uint64_t writes;
    uint64_t acked;
};

static void *hiredis_open(const struct endpoint *endpoint, int64_t linger_us) {
    (void)linger_us;
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024); /* as peer_hiredis.c has it */
    mallopt(M_TOP_PAD, 64 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024 * 1024);
    struct hiredis_pace *self = need_memory(sizeof *self);
    self->context = redisConnectUnix(endpoint->socket_path);
    if (self->context == NULL || self->context->err != 0) {
        say_failed("hiredis: cannot connect");
        redisFree(self->context);
        free(self);
        return NULL;
    }
    self->context->reader->maxbuf = 0; /* else it frees its buffer whenever it is empty */
    return self;
}

static bool hiredis_append(void *handle, uint64_t count, uint64_t *taken) {
    struct hiredis_pace *self = handle;
    for (*taken = 0; *taken < count; ++*taken) {
        char text[PACE_VALUE + 1];
        pace_put_value(self->appended++, text);
        const char *parts[PARTS] = {"XADD", BENCH_KEY, "*", payload_names[0], text};
        const size_t lens[PARTS] = {4, strlen(BENCH_KEY), 1, strlen(payload_names[0]),
                                    PACE_VALUE};
        if (redisAppendCommandArgv(self->context, PARTS, parts, lens) != REDIS_OK) {
            return say_failed("hiredis: %s", self->context->errstr);
        }
    }
    int is_written = 0;
    while (is_written == 0) {
        self->writes++;
        if (redisBufferWrite(self->context, &is_written) != REDIS_OK) {
            return say_failed("hiredis: %s", self->context->errstr);
        }
    }
    return true;
}

static bool hiredis_step(void *handle, bool is_readable, uint64_t *acked) {
    struct hiredis_pace *self = handle;
    void *taken = NULL;
    if (is_readable && redisBufferRead(self->context) != REDIS_OK) {
        return say_failed("hiredis: %s", self->context->errstr);
    }
    while (redisGetReplyFromReader(self->context, &taken) == REDIS_OK && taken != NULL) {
        const redisReply *reply = taken;
        self->acked += reply->type == REDIS_REPLY_STRING;
        freeReplyObject(taken);
    }
    *acked = self->acked;
    return self->context->err == 0 || say_failed("hiredis: %s", self->context->errstr);
}

static void hiredis_watch(const void *handle, struct pollfd *watched) {
    const struct hiredis_pace *self = handle;
    *watched = (struct pollfd){.fd = self->context->fd, .events = POLLIN};
}

static uint64_t hiredis_writes(const void *handle) {
    const struct hiredis_pace *self = handle;
    return self->writes;
}

static void hiredis_close(void *handle) {
    struct hiredis_pace *self = handle;
    redisFree(self->context);
    free(self);
}

const struct pace_side pace_floor = {floor_open,  floor_append, floor_step,
                                     floor_watch, floor_writes, floor_close};
const struct pace_side pace_hiredis = {hiredis_open,  hiredis_append, hiredis_step,
                                       hiredis_watch, hiredis_writes, hiredis_close};
