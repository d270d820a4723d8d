/* hiredis' reader and formatter at their best: malloc keeps its memory and joins what is
 * freed at once, the reader keeps its buffer; bytes come in pieces as from a socket, and
 * putting them into its buffer is not counted; each tree is visited and freed.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "codec.h"

#include "need.h"
#include "payload.h"
#include "say.h"
#include "side.h"

#include <hiredis/hiredis.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PARTS (3 + 2 * PAYLOAD_MAX_FIELDS)

struct peer {
    const struct codec_data *data;
    redisReader *reader;
    size_t fed;
};

static void peer_close(void *handle) {
    struct peer *self = handle;
    redisReaderFree(self->reader);
    free(self);
}

static void *peer_open(const struct codec_data *data) {
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
    mallopt(M_TOP_PAD, 64 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024 * 1024);
    mallopt(M_MXFAST, 0); /* a third less time than sorting a tree's chunks later */
    struct peer *self = need_memory(sizeof *self);
    self->data = data;
    self->reader = redisReaderCreate();
    if (self->reader == NULL) {
        say_failed("hiredis: no memory");
        free(self);
        return NULL;
    }
    self->reader->maxbuf = 0; /* else it frees its buffer whenever it is empty */
    return self;
}

/* The next reply; NULL: there is none, and said why. */
static redisReply *next_reply(struct peer *self, struct codec_tally *tally) {
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(self->reader, &reply) != REDIS_OK) {
            say_failed("hiredis: %s", self->reader->errstr);
            return NULL;
        }
        if (reply != NULL) {
            return reply;
        }
        size_t left = self->data->bytes.len - self->fed;
        size_t len = left < CODEC_PIECE ? left : CODEC_PIECE;
        double start = codec_now();
        if (len == 0 || redisReaderFeed(self->reader, self->data->bytes.data + self->fed,
                                        len) != REDIS_OK) {
            say_failed("hiredis: cannot be fed");
            return NULL;
        }
        codec_end_apart(tally, start, len);
        self->fed += len;
    }
}

/* "ms-seq" */
static uint64_t id_sum(const redisReply *reply) {
    char *end;
    uint64_t ms = strtoull(reply->str, &end, 10);
    return ms + strtoull(end + 1, NULL, 10);
}

static void visit(const redisReply *reply, uint64_t *sum) {
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *entry = reply->element[i];
        const redisReply *fields = entry->element[1];
        *sum += id_sum(entry->element[0]);
        for (size_t field = 0; field < fields->elements; field++) {
            *sum += codec_visit(fields->element[field]->str, fields->element[field]->len);
        }
    }
}

static bool read_range(void *handle, struct codec_tally *tally) {
    struct peer *self = handle;
    self->fed = 0;
    redisReply *reply = next_reply(self, tally);
    if (reply == NULL) {
        return false;
    }
    visit(reply, &tally->sum);
    freeReplyObject(reply);
    return true;
}

static bool read_ids(void *handle, struct codec_tally *tally) {
    struct peer *self = handle;
    self->fed = 0;
    for (uint64_t i = 0; i < self->data->entries; i++) {
        redisReply *reply = next_reply(self, tally);
        if (reply == NULL) {
            return false;
        }
        tally->sum += id_sum(reply);
        freeReplyObject(reply);
    }
    return true;
}

static bool format_commands(void *handle, struct codec_tally *tally) {
    struct peer *self = handle;
    const struct codec_data *data = self->data;
    const char *parts[MOST_PARTS] = {"XADD", BENCH_KEY, "*"};
    size_t lens[MOST_PARTS] = {4, strlen(BENCH_KEY), 1};
    size_t count = 3 + 2 * data->field_count;
    for (size_t part = 3; part < count; part += 2) {
        parts[part] = payload_names[part / 2 - 1];
        lens[part] = strlen(parts[part]);
        lens[part + 1] = data->value_bytes;
    }
    for (size_t i = 0; i < data->entries; i++) {
        const char *value =
            data->values + i % BENCH_BLOCK * data->field_count * data->value_bytes;
        for (size_t part = 3; part < count; part += 2) {
            parts[part + 1] = value;
            value += data->value_bytes;
        }
        char *command;
        long long len = redisFormatCommandArgv(&command, (int)count, parts, lens);
        if (len < 0) {
            return say_failed("hiredis: cannot format");
        }
        tally->sum += (uint64_t)len;
        redisFreeCommand(command);
    }
    return true;
}

const struct codec_side codec_hiredis[CODEC_TASK_COUNT] = {
    [CODEC_DECODE_RANGE] = {peer_open, read_range, peer_close, NULL},
    [CODEC_DECODE_IDS] = {peer_open, read_ids, peer_close, NULL},
    [CODEC_ENCODE_XADD] = {peer_open, format_commands, peer_close, NULL},
};
