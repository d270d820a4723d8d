/* weir's parts that need no session: the general reader over a whole reply, and the
 * encoders of commands. SPDX-License-Identifier: BSD-2-Clause */
#include "codec.h"

#include "../resp/prepared.h"
#include "../stream/args.h"
#include "need.h"
#include "payload.h"
#include "say.h"

#include <stdlib.h>

#define MOST_AT_ONCE 250 /* prepared commands that are written by one call */
#define ENTRY_DEPTH  2   /* of an entry's id: reply, entry, id */

struct plain {
    const struct codec_data *data;
    weir_reader reader;
    weir_field *fields;      /* commands: of BENCH_BLOCK entries */
    weir_view *values;       /* commands: those of the fields alone */
    weir_prepared *prepared; /* commands: what is the same in each */
    char *out;               /* commands: CODEC_PIECE bytes */
};

static void plain_close(void *handle) {
    struct plain *self = handle;
    free(self->fields);
    free(self->values);
    free(self->prepared);
    free(self->out);
    free(self);
}

/* XADD key * NAME value ... */
static void prepare(struct plain *self) {
    const weir_view head[] = {weir_text("XADD"), weir_text(BENCH_KEY), weir_text("*")};
    weir_view names[PAYLOAD_MAX_FIELDS];
    for (size_t i = 0; i < self->data->field_count; i++) {
        names[i] = weir_text(payload_names[i]);
    }
    weir_prepared_parts parts = {head, 3, names, self->data->field_count};
    size_t size = 0;
    if (weir_prepared_size(&parts, &size) == WEIR_OK) {
        self->prepared = weir_prepared_make(need_memory(size), &parts);
    }
}

static void *plain_open(const struct codec_data *data) {
    struct plain *self = need_memory(sizeof *self);
    self->data = data;
    self->out = need_memory(CODEC_PIECE);
    weir_reader_init(&self->reader, NULL);
    size_t count = BENCH_BLOCK * data->field_count;
    self->fields = need_memory((count + 1) * sizeof *self->fields);
    self->values = need_memory((count + 1) * sizeof *self->values);
    for (size_t i = 0; i < count; i++) {
        self->fields[i].name = weir_text(payload_names[i % data->field_count]);
        self->fields[i].value =
            weir_bytes(data->values + i * data->value_bytes, data->value_bytes);
        self->values[i] = self->fields[i].value;
    }
    prepare(self);
    return self;
}

/* ---- the general reader ---- */

static bool add_id(weir_view text, uint64_t *sum) {
    weir_id id;
    if (weir_id_parse(text, &id) != WEIR_OK) {
        return say_failed("weir: an id that is none");
    }
    *sum += id.ms + id.seq;
    return true;
}

/* Takes all tokens; strings at `id_depth` are ids. */
static bool read_tokens(struct plain *self, uint32_t id_depth, uint64_t *sum) {
    weir_view rest = weir_bytes(self->data->bytes.data, self->data->bytes.len);
    for (;;) {
        weir_token token;
        size_t used;
        weir_status st = weir_reader_next(&self->reader, rest, &used, &token);
        if (st != WEIR_OK) {
            bool is_over = st == WEIR_MORE && weir_reader_is_between(&self->reader);
            return is_over || say_failed("weir: the reader fails");
        }
        rest = weir_bytes(rest.data + used, rest.len - used);
        if (token.type != WEIR_TOKEN_BULK) {
            continue;
        }
        if (token.depth != id_depth) {
            *sum += codec_visit(token.bytes.data, token.bytes.len);
        } else if (!add_id(token.bytes, sum)) {
            return false;
        }
    }
}

static bool read_range(void *handle, struct codec_tally *tally) {
    return read_tokens(handle, ENTRY_DEPTH, &tally->sum);
}

static bool read_ids(void *handle, struct codec_tally *tally) {
    return read_tokens(handle, 0, &tally->sum);
}

/* ---- commands ---- */

/* As weir_append_xadd makes and queues them, into a buffer that is large enough. */
static bool write_commands(void *handle, struct codec_tally *tally) {
    struct plain *self = handle;
    const struct codec_data *data = self->data;
    const weir_view key = weir_text(BENCH_KEY);
    size_t at = 0;
    for (size_t i = 0; i < data->entries; i++) {
        weir_args args;
        weir_args_begin(&args, "XADD");
        weir_args_view(&args, key);
        weir_args_text(&args, "*");
        args.fields = self->fields + i % BENCH_BLOCK * data->field_count;
        args.field_count = data->field_count;
        size_t bound = weir_args_bound(&args);
        at = CODEC_PIECE - at < bound ? 0 : at;
        const char *end = weir_args_write(&args, self->out + at, NULL);
        size_t len = (size_t)(end - (self->out + at));
        at += len;
        tally->sum += len;
    }
    return true;
}

/* One at a time. */
static bool write_prepared(void *handle, struct codec_tally *tally) {
    struct plain *self = handle;
    const struct codec_data *data = self->data;
    size_t at = 0;
    for (size_t i = 0; i < data->entries; i++) {
        const weir_view *values = self->values + i % BENCH_BLOCK * data->field_count;
        size_t room;
        if (weir_prepared_room(self->prepared, values, &room) != WEIR_OK) {
            return say_failed("weir: values beyond all memory");
        }
        at = CODEC_PIECE - at < room ? 0 : at;
        const char *end = weir_prepared_write(self->prepared, self->out + at, values);
        size_t len = (size_t)(end - (self->out + at));
        at += len;
        tally->sum += len;
    }
    return true;
}

/* How many commands are written by one call: fewer if they are long. */
static size_t count_at_once(const struct codec_data *data) {
    size_t each = data->bytes.len / data->entries;
    size_t fit = CODEC_PIECE / (2 * each); /* the room that is asked for is larger */
    return fit < MOST_AT_ONCE ? fit : MOST_AT_ONCE;
}

static bool write_prepared_all(void *handle, struct codec_tally *tally) {
    struct plain *self = handle;
    const struct codec_data *data = self->data;
    size_t at = 0;
    const size_t at_once = count_at_once(data);
    size_t count;
    for (size_t i = 0; i < data->entries; i += count) {
        const weir_view *values = self->values + i % BENCH_BLOCK * data->field_count;
        size_t left = data->entries - i;
        size_t until_again = BENCH_BLOCK - i % BENCH_BLOCK; /* of the values */
        size_t room;
        count = left < at_once ? left : at_once;
        count = count < until_again ? count : until_again;
        if (weir_prepared_room_all(self->prepared, values, count, &room) != WEIR_OK) {
            return say_failed("weir: values beyond all memory");
        }
        if (room > CODEC_PIECE) {
            return say_failed("weir: commands that are longer than the output has room");
        }
        at = CODEC_PIECE - at < room ? 0 : at;
        const char *end =
            weir_prepared_write_all(self->prepared, self->out + at, values, count);
        size_t len = (size_t)(end - (self->out + at));
        at += len;
        tally->sum += len;
    }
    return true;
}

const struct codec_side codec_own_reader = {plain_open, read_range, plain_close, NULL};
const struct codec_side codec_own_reader_ids = {plain_open, read_ids, plain_close, NULL};
const struct codec_side codec_own_encoder = {plain_open, write_commands, plain_close, NULL};
const struct codec_side codec_own_prepared = {plain_open, write_prepared, plain_close,
                                              NULL};
const struct codec_side codec_own_prepared_all = {plain_open, write_prepared_all,
                                                  plain_close, NULL};
