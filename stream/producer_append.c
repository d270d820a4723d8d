/* Appending: an entry's fields are encoded once, into memory of the producer's, and wait in
 * the lane of their stream.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include "../resp/bulk.h"
#include "../resp/command.h"

#define MS 1000 /* microseconds */

static weir_status check_fields(weir_producer *producer, const weir_field *fields,
                                size_t count) {
    if (count == 0) {
        return weir_producer_wrong(producer, WEIR_ERR_ARG,
                                   "an entry needs at least one field");
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].name.len == 0) {
            return weir_producer_wrong(producer, WEIR_ERR_ARG, "a field's name is empty");
        }
    }
    return weir_producer_may_call(producer) && count > WEIR_CALL_FIELDS
               ? weir_producer_wrong(producer, WEIR_ERR_LIMIT,
                                     "more fields than a script can take: 3500")
               : WEIR_OK;
}

/* Bytes of the fields as RESP has them. False: beyond all memory. */
static bool measure(const weir_field *fields, size_t count, size_t *size) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        size_t name = fields[i].name.len;
        size_t value = fields[i].value.len;
        if (name > SIZE_MAX / 8 || value > SIZE_MAX / 8 || sum > SIZE_MAX / 2) {
            return false;
        }
        sum += weir_bulk_size(name) + weir_bulk_size(value);
    }
    *size = sum;
    return true;
}

/* `room`: what the entry takes of most_bytes. */
static bool has_room(const weir_producer *producer, size_t room) {
    size_t used = producer->store.used + producer->borrowed_bytes;
    return producer->counters.unreported < producer->options.most_entries &&
           used <= producer->options.most_bytes &&
           room <= producer->options.most_bytes - used;
}

/* True if the server's answers can make room. */
static bool can_wait(const weir_producer *producer) {
    bool has_told = producer->store.used > 0 && /* their bytes stay until the answer */
                    producer->counters.unreported < producer->options.most_entries;
    return producer->live > 0 || has_told;
}

/* At the ceiling: moves bytes, and waits for room as long as the options allow. */
static weir_status wait_for_room(weir_producer *producer, size_t room) {
    int64_t wait_ms = producer->is_non_blocking ? 0 : producer->options.full_wait_ms;
    int64_t until_us =
        wait_ms == WEIR_FOREVER ? INT64_MAX : weir_client_now_us() + wait_ms * MS;
    weir_status st = producer->is_calling ? WEIR_OK : weir_producer_step(producer);
    while (st >= 0 && !has_room(producer, room) && can_wait(producer) &&
           !producer->is_calling) {
        int64_t left_ms = (until_us - weir_client_now_us()) / MS;
        if (left_ms <= 0) {
            break;
        }
        st = weir_producer_wait(producer, left_ms);
    }
    if (st < 0) {
        return st;
    }
    return has_room(producer, room)
               ? WEIR_OK
               : weir_producer_wrong(producer, WEIR_ERR_FULL,
                                     can_wait(producer)
                                         ? "most_entries or most_bytes wait for the server"
                                         : "most_entries reports wait: take them");
}

/* A record for an entry of `size` encoded bytes, once there is room. */
static weir_status begin(weir_producer *producer, size_t size, size_t room,
                         weir_item **item) {
    if (producer->ended != WEIR_OK) {
        return producer->ended;
    }
    size_t frame = 256; /* of the command around, but for its key */
    if (room > producer->options.most_bytes ||
        size > producer->options.in_flight_bytes - frame) {
        (void)weir_producer_wrong(producer, WEIR_ERR_LIMIT,
                                  "an entry larger than most_bytes or in_flight_bytes");
        return WEIR_ERR_LIMIT;
    }
    weir_status st = has_room(producer, room) ? WEIR_OK : wait_for_room(producer, room);
    if (st != WEIR_OK) {
        return st;
    }
    if (!weir_producer_can_report(producer)) {
        (void)weir_producer_wrong(producer, WEIR_ERR_NOMEM, "no memory for a report");
        return WEIR_ERR_NOMEM;
    }
    *item = weir_store_item(&producer->store);
    if (*item == NULL) {
        (void)weir_producer_wrong(producer, WEIR_ERR_NOMEM, "no memory for an entry");
        return WEIR_ERR_NOMEM;
    }
    return WEIR_OK;
}

/* The same with a piece for the bytes. */
static weir_status begin_copy(weir_producer *producer, size_t size, weir_item **item) {
    weir_status st = begin(producer, size, weir_store_piece_size(size), item);
    if (st != WEIR_OK) {
        return st;
    }
    st = weir_store_bytes(&producer->store, *item, size);
    if (st != WEIR_OK) {
        weir_store_give_back(&producer->store, *item);
        (void)weir_producer_wrong(producer, st, "no memory for an entry's bytes");
    }
    return st;
}

static weir_status end(weir_producer *producer, weir_stream *stream, weir_item *item,
                       void *user) {
    int64_t now_us = weir_client_now_us();
    item->stream = stream;
    item->user = user;
    item->appended_us = now_us;
    weir_lane_append(&stream->lane, item);
    weir_stream_fetch(stream); /* it is sent soon */
    weir_fetch(stream->head);
    if (producer->queued == 0) {
        producer->queued_us = now_us;
    }
    producer->queued++;
    producer->queued_bytes += item->len;
    producer->live++;
    producer->counters.appended++;
    producer->counters.unreported++;
    weir_producer_list(producer, stream);
    if (!producer->is_calling && weir_producer_is_due(producer, now_us)) {
        weir_producer_pump(producer, now_us);
    }
    return WEIR_OK;
}

weir_status weir_producer_append(weir_producer *producer, weir_stream *stream,
                                 const weir_field *fields, size_t count, void *user) {
    weir_item *item = NULL;
    size_t size = 0;
    weir_status st = check_fields(producer, fields, count);
    if (st == WEIR_OK && !measure(fields, count, &size)) {
        st = weir_producer_wrong(producer, WEIR_ERR_LIMIT, "an entry beyond all memory");
    }
    st = st == WEIR_OK ? begin_copy(producer, size, &item) : st;
    if (st != WEIR_OK) {
        return st;
    }
    char *at = item->bytes;
    for (size_t i = 0; i < count; i++) {
        at = weir_put_argument(at, fields[i].name);
        at = weir_put_argument(at, fields[i].value);
    }
    item->len = (size_t)(at - item->bytes);
    item->field_count = count;
    return end(producer, stream, item, user);
}

weir_status weir_producer_append_values(weir_producer *producer, weir_stream *stream,
                                        const weir_view *values, void *user) {
    weir_item *item = NULL;
    size_t room = 0;
    if (stream->names == NULL) {
        return weir_producer_wrong(producer, WEIR_ERR_ARG,
                                   "the stream was made known without names");
    }
    weir_status st = weir_prepared_room(stream->names, values, &room);
    st = st == WEIR_OK ? begin_copy(producer, room, &item) : st;
    if (st != WEIR_OK) {
        return st;
    }
    char *end_of_it = weir_prepared_write(stream->names, item->bytes, values);
    item->skip = stream->names_skip;
    item->len = (size_t)(end_of_it - item->bytes) - stream->names_skip;
    item->field_count = weir_prepared_value_count(stream->names);
    return end(producer, stream, item, user);
}

weir_status weir_producer_append_borrowed(weir_producer *producer, weir_stream *stream,
                                          const weir_field *fields, size_t count,
                                          void *user) {
    weir_item *item = NULL;
    size_t size = 0;
    if (weir_producer_may_call(producer)) { /* a call may outlive the report of an entry */
        return weir_producer_append(producer, stream, fields, count, user);
    }
    weir_status st = check_fields(producer, fields, count);
    if (st == WEIR_OK && !measure(fields, count, &size)) {
        st = weir_producer_wrong(producer, WEIR_ERR_LIMIT, "an entry beyond all memory");
    }
    st = st == WEIR_OK ? begin(producer, size, size, &item) : st;
    if (st != WEIR_OK) {
        return st;
    }
    item->fields = fields;
    item->field_count = count;
    item->len = size;
    producer->borrowed_bytes += size;
    return end(producer, stream, item, user);
}
