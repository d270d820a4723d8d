/* The streams of a producer: found by their keys, and what is the same in each of a
 * stream's commands, encoded once.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include "../resp/bulk.h"
#include "../resp/command.h"
#include "checks.h"

#define FIRST_ROOM    16
#define POINTER_BYTES sizeof(void *)

/* FNV-1a: short keys of the caller's. */
static uint64_t hash_of(weir_view key) {
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211U;
    }
    return hash;
}

static weir_stream **bucket_of(const weir_producer *producer, uint64_t hash) {
    return &producer->buckets[(hash ^ hash >> 32) & (producer->stream_room * 2 - 1)];
}

static weir_stream *find(const weir_producer *producer, weir_view key, uint64_t hash) {
    if (producer->stream_room == 0) {
        return NULL;
    }
    weir_stream *stream = *bucket_of(producer, hash);
    while (stream != NULL && !weir_view_equal(stream->key, key)) {
        stream = stream->next_same;
    }
    return stream;
}

/* Bytes of buckets, and of the ready ones' ring behind them. */
static size_t table_size(size_t room) { return 3 * room * POINTER_BYTES; }

/* The table is another one, of `room`: puts into it what the old one had. */
static void fill_table(weir_producer *producer, weir_stream **table, size_t room) {
    weir_ready old = producer->ready;
    weir_ready ready = {table + 2 * room, 0, 0};
    while (old.first != old.next) {
        ready.ring[ready.next++] = old.ring[old.first++ & (producer->stream_room - 1)];
    }
    weir_mem_free(&producer->mem, producer->buckets, table_size(producer->stream_room));
    producer->ready = ready;
    producer->buckets = table;
    producer->stream_room = room;
    for (size_t i = 0; i < producer->stream_count; i++) {
        weir_stream *stream = producer->streams[i];
        weir_stream **bucket = bucket_of(producer, stream->hash);
        stream->next_same = *bucket;
        *bucket = stream;
    }
}

/* Room for one stream more. */
static bool grow(weir_producer *producer) {
    size_t old = producer->stream_room;
    size_t room = old == 0 ? FIRST_ROOM : 2 * old;
    weir_stream **table = weir_mem_resize(&producer->mem, NULL, 0, table_size(room));
    weir_stream **streams =
        table == NULL ? NULL
                      : weir_mem_resize(&producer->mem, producer->streams,
                                        old * POINTER_BYTES, room * POINTER_BYTES);
    if (streams == NULL) {
        weir_mem_free(&producer->mem, table, table_size(room));
        return false;
    }
    memset(table, 0, table_size(room));
    producer->streams = streams;
    fill_table(producer, table, room);
    return true;
}

/* ---- what is the same in each command ---- */

/* Encodes the arguments, without a header. */
static bool write_head(weir_producer *producer, weir_stream *stream,
                       const weir_args *args) {
    size_t size = 0;
    for (size_t i = 0; i < args->count; i++) {
        size += weir_bulk_size(args->list[i].len);
    }
    char *head = weir_mem_resize(&producer->mem, stream->head, stream->head_len, size);
    if (head == NULL) {
        return false;
    }
    stream->head = head;
    stream->head_len = size;
    stream->head_args = args->count;
    for (size_t i = 0; i < args->count; i++) {
        head = weir_put_argument(head, args->list[i]);
    }
    return true;
}

/* XADD key [refs] [trim] [IDMP name] [*] */
static void put_xadd(const weir_producer *producer, const weir_stream *stream,
                     weir_args *args) {
    weir_args_view(args, stream->key);
    if (stream->trim_every == 0) {
        weir_args_trim_refs(args, &stream->trim);
        weir_args_trim(args, &stream->trim);
    }
    if (producer->delivery == WEIR_DELIVERY_IDMP) {
        weir_args_text(args, "IDMP");
        weir_args_text(args, producer->name);
    } else if (producer->delivery != WEIR_DELIVERY_IDS) {
        weir_args_text(args, "*");
    }
}

/* SCRIPT: the trim alone, which is the script's. */
static bool make_head(weir_producer *producer, weir_stream *stream) {
    weir_args args;
    weir_args_begin(&args, "XADD");
    if (producer->delivery == WEIR_DELIVERY_SCRIPT) {
        args.count = 0;
        weir_args_trim(&args, &stream->trim);
        weir_args_trim_refs(&args, &stream->trim);
    } else {
        put_xadd(producer, stream, &args);
    }
    stream->window = WEIR_IDMP_LEAST;
    stream->lane.delivery = producer->delivery;
    return args.count == 0 || write_head(producer, stream, &args);
}

weir_status weir_producer_write_heads(weir_producer *producer) {
    for (size_t i = 0; i < producer->stream_count; i++) {
        if (!make_head(producer, producer->streams[i])) {
            return WEIR_ERR_NOMEM;
        }
    }
    return WEIR_OK;
}

/* The bytes between a key's first "{" and the next "}", which alone choose its slot: all of
 * it if there are none (cluster specification, "Hash tags"). */
static bool has_tag(weir_view key) {
    const char *open = memchr(key.data, '{', key.len);
    if (open == NULL) {
        return false;
    }
    const char *close = memchr(open, '}', key.len - (size_t)(open - key.data));
    return close != NULL && close != open + 1;
}

/* Own copy of the key, and behind it, for SCRIPT, the key of its numbers: in the same slot,
 * unless the key has a "}" and no tag. */
static bool copy_key(weir_producer *producer, weir_stream *stream, weir_view key) {
    static const char ending[] = ":weir";
    const size_t ending_len = sizeof ending - 1;
    size_t size = 2 * key.len + 2 + ending_len;
    char *text = weir_mem_resize(&producer->mem, NULL, 0, size);
    if (text == NULL) {
        return false;
    }
    stream->keys = text;
    stream->keys_size = size;
    memcpy(text, key.data, key.len);
    stream->key = weir_bytes(text, key.len);
    bool is_tagged = has_tag(key);
    char *side = text + key.len;
    char *at = side;
    if (!is_tagged) {
        *at++ = '{';
    }
    memcpy(at, key.data, key.len);
    at += key.len;
    if (!is_tagged) {
        *at++ = '}';
    }
    memcpy(at, ending, ending_len);
    stream->side = weir_bytes(side, (size_t)(at - side) + ending_len);
    return true;
}

/* ---- making and finding ---- */

static void free_stream(weir_producer *producer, weir_stream *stream) {
    weir_mem_free(&producer->mem, stream->keys, stream->keys_size);
    weir_mem_free(&producer->mem, stream->head, stream->head_len);
    if (stream->names_size > 0) {
        weir_mem_free(&producer->mem, stream->names, stream->names_size);
    }
    weir_mem_free(&producer->mem, stream, sizeof *stream);
}

void weir_producer_free_streams(weir_producer *producer) {
    for (size_t i = 0; i < producer->stream_count; i++) {
        free_stream(producer, producer->streams[i]);
    }
    weir_mem_free(&producer->mem, producer->streams, producer->stream_room * POINTER_BYTES);
    weir_mem_free(&producer->mem, producer->buckets, table_size(producer->stream_room));
    producer->stream_count = producer->stream_room = 0;
}

/* Many streams have the same names as a rule: they are kept once, as long as one stream
 * with them follows another. */
static void share_names(weir_producer *producer, weir_stream *stream) {
    size_t count = producer->stream_count;
    weir_prepared *last = count > 0 ? producer->streams[count - 1]->names : NULL;
    if (last != NULL && weir_prepared_equal(stream->names, last)) {
        weir_mem_free(&producer->mem, stream->names, stream->names_size);
        stream->names = last;
        stream->names_size = 0;
    }
}

static bool prepare_names(weir_producer *producer, weir_stream *stream,
                          const weir_stream_options *options) {
    weir_prepared_parts parts = {NULL, 0, options->names, options->name_count};
    size_t size;
    if (options->name_count == 0 || weir_prepared_size(&parts, &size) != WEIR_OK) {
        return options->name_count == 0;
    }
    void *memory = weir_mem_resize(&producer->mem, NULL, 0, size);
    if (memory == NULL) {
        return false;
    }
    stream->names = weir_prepared_make(memory, &parts);
    stream->names_size = size;
    stream->names_skip = (uint8_t)weir_header_size(2 * options->name_count);
    share_names(producer, stream);
    return true;
}

static const char *check(const weir_producer *producer, weir_view key,
                         const weir_stream_options *options) {
    const char *fault = weir_trim_fault(&options->trim);
    if (key.len == 0) {
        return "the key is empty";
    }
    for (size_t i = 0; i < options->name_count; i++) {
        if (options->names[i].len == 0) {
            return "a field's name is empty";
        }
    }
    if (fault != NULL) {
        return fault;
    }
    if (options->trim.by == WEIR_TRIM_NONE && options->trim_every != 0) {
        return "trim_every without a trim";
    }
    return weir_producer_may_call(producer) && options->name_count > WEIR_CALL_FIELDS
               ? "more fields than a script can take: 3500"
               : NULL;
}

static weir_stream *make(weir_producer *producer, weir_view key,
                         const weir_stream_options *options) {
    weir_stream *stream = weir_mem_resize(&producer->mem, NULL, 0, sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    memset(stream, 0, sizeof *stream);
    stream->trim = options->trim;
    stream->trim_every = options->trim_every;
    if (!copy_key(producer, stream, key) || !prepare_names(producer, stream, options) ||
        (producer->phase != WEIR_PRODUCER_CONNECTING && !make_head(producer, stream))) {
        free_stream(producer, stream);
        return NULL;
    }
    return stream;
}

weir_status weir_producer_stream(weir_producer *producer, weir_view key,
                                 const weir_stream_options *options, weir_stream **stream) {
    static const weir_stream_options none = {0};
    const weir_stream_options *given = options != NULL ? options : &none;
    uint64_t hash = hash_of(key);
    *stream = find(producer, key, hash);
    if (*stream != NULL) {
        return WEIR_OK;
    }
    const char *wrong = check(producer, key, given);
    if (wrong != NULL) {
        return weir_producer_wrong(producer, WEIR_ERR_ARG, wrong);
    }
    if (producer->stream_count >= producer->options.most_streams) {
        return weir_producer_wrong(producer, WEIR_ERR_FULL, "options.most_streams");
    }
    if (producer->stream_count == producer->stream_room && !grow(producer)) {
        return weir_producer_wrong(producer, WEIR_ERR_NOMEM, "no memory for a stream");
    }
    weir_stream *made = make(producer, key, given);
    if (made == NULL) {
        return weir_producer_wrong(producer, WEIR_ERR_NOMEM, "no memory for a stream");
    }
    made->hash = hash;
    weir_stream **bucket = bucket_of(producer, hash);
    made->next_same = *bucket;
    *bucket = made;
    producer->streams[producer->stream_count++] = made;
    *stream = made;
    return WEIR_OK;
}

weir_view weir_stream_key(const weir_stream *stream) { return stream->key; }

void weir_producer_list(weir_producer *producer, weir_stream *stream) {
    if (!stream->is_listed) {
        stream->is_listed = true;
        producer->ready.ring[producer->ready.next++ & (producer->stream_room - 1)] = stream;
    }
}
