/* The codec's floor: loops that know the shape of what they read, check tags, digits and
 * line ends, and have no state, no budget and no way to wait for more; and memcpy.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "codec.h"

#include "need.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>

struct floor {
    const struct codec_data *data;
    char *out; /* commands: CODEC_PIECE bytes */
};

static void *floor_open(const struct codec_data *data) {
    struct floor *self = need_memory(sizeof *self);
    self->data = data;
    self->out = need_memory(CODEC_PIECE);
    return self;
}

static void floor_close(void *handle) {
    struct floor *self = handle;
    free(self->out);
    free(self);
}

/* Reads digits up to `stop`; NULL if there are others, or none. */
static const char *read_digits(const char *at, const char *end, char stop, uint64_t *sum) {
    const char *first = at;
    uint64_t number = 0;
    while (at < end && *at != stop) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9) {
            return NULL;
        }
        number = number * 10 + digit;
        at++;
    }
    *sum = number;
    return at < end && at > first ? at : NULL;
}

/* A tag, digits, CR LF. */
static const char *read_head(const char *at, const char *end, char tag, uint64_t *number) {
    if (at >= end || *at != tag) {
        return NULL;
    }
    at = read_digits(at + 1, end, '\r', number);
    return at != NULL && end - at >= 2 && at[1] == '\n' ? at + 2 : NULL;
}

static const char *read_string(const char *at, const char *end, const char **bytes,
                               uint64_t *len) {
    at = read_head(at, end, '$', len);
    if (at == NULL || (uint64_t)(end - at) < *len + 2) {
        return NULL;
    }
    *bytes = at;
    at += *len;
    return at[0] == '\r' && at[1] == '\n' ? at + 2 : NULL;
}

static const char *read_id(const char *at, const char *end, uint64_t *sum) {
    const char *text;
    uint64_t len;
    uint64_t ms;
    uint64_t seq;
    at = read_string(at, end, &text, &len);
    const char *dash = at != NULL ? read_digits(text, text + len, '-', &ms) : NULL;
    if (dash == NULL || read_digits(dash + 1, text + len + 1, '\r', &seq) == NULL) {
        return NULL;
    }
    *sum += ms + seq;
    return at;
}

static const char *read_entry(const char *at, const char *end, uint64_t *sum) {
    uint64_t count;
    at = read_head(at, end, '*', &count);
    if (at == NULL || count != 2 || (at = read_id(at, end, sum)) == NULL) {
        return NULL;
    }
    at = read_head(at, end, '*', &count);
    for (uint64_t i = 0; at != NULL && i < count; i++) {
        const char *bytes;
        uint64_t len;
        at = read_string(at, end, &bytes, &len);
        *sum += at != NULL ? codec_visit(bytes, len) : 0;
    }
    return at;
}

static bool read_range(void *handle, struct codec_tally *tally) {
    struct floor *self = handle;
    const char *at = self->data->bytes.data;
    const char *end = at + self->data->bytes.len;
    uint64_t count;
    at = read_head(at, end, '*', &count);
    for (uint64_t i = 0; at != NULL && i < count; i++) {
        at = read_entry(at, end, &tally->sum);
    }
    return at == end || say_failed("floor: a reply that it cannot read");
}

static bool read_ids(void *handle, struct codec_tally *tally) {
    struct floor *self = handle;
    const char *at = self->data->bytes.data;
    const char *end = at + self->data->bytes.len;
    for (uint64_t i = 0; at != NULL && i < self->data->entries; i++) {
        at = read_id(at, end, &tally->sum);
    }
    return at == end || say_failed("floor: a reply that it cannot read");
}

/* All commands are of one length: each is copied by itself. */
static bool copy_commands(void *handle, struct codec_tally *tally) {
    struct floor *self = handle;
    const struct bytes *bytes = &self->data->bytes;
    size_t len = bytes->len / self->data->entries;
    size_t at = 0;
    for (size_t from = 0; from < bytes->len; from += len) {
        at = CODEC_PIECE - at < len ? 0 : at;
        memcpy(self->out + at, bytes->data + from, len);
        at += len;
        tally->sum += len;
    }
    return true;
}

const struct codec_side codec_floor[CODEC_TASK_COUNT] = {
    [CODEC_DECODE_RANGE] = {floor_open, read_range, floor_close, NULL},
    [CODEC_DECODE_IDS] = {floor_open, read_ids, floor_close, NULL},
    [CODEC_ENCODE_XADD] = {floor_open, copy_commands, floor_close, NULL},
};
