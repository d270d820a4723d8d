/* Sending: when a batch is due, which entries go, and their commands, written straight into
 * the connection's send buffer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include "../resp/bulk.h"
#include "../resp/command.h"
#include "client_private.h"

#define FIRST_NOTES   1024
#define HEAD_ROOM     192 /* header, iid and id of one XADD */
#define AHEAD         4   /* turns: so early is fetched what a stream needs for its own */
#define RETRY_FLOOR   ((int64_t)20000)
#define RETRY_CEILING ((int64_t)1000000)

/* ---- notes ---- */

bool weir_producer_can_note(weir_producer *producer) {
    size_t room = producer->note_room;
    if (producer->next_note - producer->first_note < room) {
        return true;
    }
    size_t more = room == 0 ? FIRST_NOTES : 2 * room;
    weir_note *notes = weir_mem_resize(&producer->mem, NULL, 0, more * sizeof *notes);
    if (notes == NULL) {
        return false;
    }
    for (uint64_t i = producer->first_note; i < producer->next_note; i++) {
        notes[i & (more - 1)] = producer->notes[i & (room - 1)];
    }
    weir_mem_free(&producer->mem, producer->notes, room * sizeof *notes);
    producer->notes = notes;
    producer->note_room = more;
    return true;
}

void weir_producer_note(weir_producer *producer, const weir_note *note) {
    producer->notes[producer->next_note++ & (producer->note_room - 1)] = *note;
}

/* The server may take `block_ms` before it answers. */
static bool ask(weir_producer *producer, const weir_args *args, weir_note_kind kind,
                weir_stream *stream, int64_t block_ms) {
    weir_session *session = &producer->client->session;
    size_t bound = weir_args_bound(args);
    char *at;
    if (!weir_producer_can_note(producer) ||
        weir_session_reserve(session, bound, bound, &at) != WEIR_OK) {
        return false;
    }
    size_t size = (size_t)(weir_args_write(args, at, NULL) - at);
    weir_session_commit(session, size, WEIR_ANSWER_REPLY, block_ms,
                        weir_client_now_us() / 1000);
    weir_note note = {stream, 0, 0, kind};
    weir_producer_note(producer, &note);
    producer->counters.bytes += size;
    return true;
}

bool weir_producer_ask(weir_producer *producer, const weir_args *args, weir_note_kind kind,
                       weir_stream *stream) {
    return ask(producer, args, kind, stream, 0);
}

/* ---- one entry as an XADD ---- */

/* The next id of a stream that has no other writer: of this millisecond, or behind the last
 * one if that is later. */
static weir_id next_id(weir_stream *stream) {
    weir_id id = {weir_client_wall_ms(), 0};
    if (weir_id_compare(id, stream->top) <= 0 &&
        weir_id_next(stream->top, &id) != WEIR_OK) {
        id = stream->top; /* there is none behind it: the server will say so */
    }
    stream->top = id;
    return id;
}

static char *put_number(char *at, uint64_t number) {
    char text[WEIR_U64_DIGITS];
    size_t len = (size_t)(weir_put_u64(text, number) - text);
    return weir_put_argument(at, weir_bytes(text, len));
}

/* IDMP: the number, then "*". IDS: the id. */
static char *put_id(char *at, weir_delivery_mode delivery, const weir_item *item) {
    if (delivery == WEIR_DELIVERY_IDMP) {
        at = put_number(at, item->serial);
        return weir_put_argument(at, weir_bytes("*", 1));
    }
    if (delivery == WEIR_DELIVERY_IDS) {
        char text[WEIR_ID_TEXT];
        return weir_put_argument(at, weir_bytes(text, weir_id_format(item->id, text)));
    }
    return at;
}

/* Arguments of put_id. */
static size_t id_args(weir_delivery_mode delivery) {
    return delivery == WEIR_DELIVERY_IDMP ? 2 : delivery == WEIR_DELIVERY_IDS ? 1 : 0;
}

char *weir_producer_put_fields(char *at, const weir_item *item) {
    if (item->bytes != NULL) {
        weir_copy_short(at, item->bytes + item->skip, item->len);
        return at + item->len;
    }
    for (size_t i = 0; i < item->field_count; i++) {
        at = weir_put_argument(at, item->fields[i].name);
        at = weir_put_argument(at, item->fields[i].value);
    }
    return at;
}

void weir_producer_count_sent(weir_producer *producer, weir_item *item, int64_t now_us) {
    item->sent_us = item->attempts == 1 ? now_us : item->sent_us;
    producer->counters.resent += item->attempts > 1;
    producer->queued--;
    producer->queued_bytes -= item->len;
    producer->in_flight++;
}

static bool send_entry(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    weir_session *session = &producer->client->session;
    weir_item *item = stream->lane.queue.first;
    size_t bound = HEAD_ROOM + stream->head_len + item->len;
    char *begin;
    if (!weir_producer_can_note(producer) ||
        weir_session_reserve(session, bound, bound, &begin) != WEIR_OK) {
        return false;
    }
    weir_delivery_mode delivery = producer->delivery;
    if (delivery == WEIR_DELIVERY_IDS && item->id.ms == 0) {
        item->id = next_id(stream);
    }
    char *at = weir_put_header(begin, stream->head_args + id_args(delivery) +
                                          2 * item->field_count);
    weir_copy_short(at, stream->head, stream->head_len);
    at = put_id(at + stream->head_len, delivery, item);
    at = weir_producer_put_fields(at, item);
    size_t size = (size_t)(at - begin);
    weir_session_commit(session, size, WEIR_ANSWER_ID, 0, now_us / 1000);
    weir_note note = {stream, size, 1, WEIR_NOTE_ENTRY};
    weir_producer_note(producer, &note);
    weir_lane_send(&stream->lane);
    weir_producer_count_sent(producer, item, now_us);
    producer->in_flight_bytes += size;
    producer->counters.bytes += size;
    stream->since_trim++;
    return true;
}

/* ---- one stream ---- */

/* XTRIM behind each `trim_every` entries. Its answer matters to nobody. */
static void send_trim(weir_producer *producer, weir_stream *stream) {
    weir_args args;
    weir_args_begin(&args, "XTRIM");
    weir_args_view(&args, stream->key);
    weir_args_trim(&args, &stream->trim);
    weir_args_trim_refs(&args, &stream->trim);
    if (weir_producer_ask(producer, &args, WEIR_NOTE_TRIM, stream)) {
        stream->since_trim = 0;
    }
}

static bool ask_facts(weir_producer *producer, weir_stream *stream) {
    weir_args args;
    weir_args_begin(&args, "XINFO");
    weir_args_text(&args, "STREAM");
    weir_args_view(&args, stream->key);
    if (!weir_producer_ask(producer, &args, WEIR_NOTE_FACTS, stream)) {
        return false;
    }
    stream->wants_facts = false;
    stream->is_asking = true;
    return true;
}

/* IDS: is the first of what is held in the stream? */
static bool look(weir_producer *producer, weir_stream *stream) {
    weir_args args;
    weir_args_begin(&args, "XRANGE");
    weir_args_view(&args, stream->key);
    weir_args_id(&args, "", stream->lane.held.first->id);
    weir_args_id(&args, "", stream->lane.held.first->id);
    return weir_producer_ask(producer, &args, WEIR_NOTE_LOOK, stream);
}

static bool has_window(const weir_producer *producer, const weir_stream *stream) {
    const weir_item *item = stream->lane.queue.first;
    return producer->in_flight == 0 ||
           (producer->in_flight < producer->options.in_flight_entries &&
            producer->in_flight_bytes + stream->head_len + item->len + HEAD_ROOM <=
                producer->options.in_flight_bytes);
}

/* The ready one that has its turn so many turns later; NULL: there is none. */
static weir_stream *ready_at(const weir_producer *producer, size_t later) {
    const weir_ready *ready = &producer->ready;
    return later < ready->next - ready->first
               ? ready->ring[(ready->first + later) & (producer->stream_room - 1)]
               : NULL;
}

bool weir_producer_awaits_window(const weir_producer *producer) {
    const weir_stream *stream = ready_at(producer, 0);
    return stream != NULL && stream->lane.queue.first != NULL &&
           !has_window(producer, stream);
}

/* What the stream's own rules allow, whatever there is room for. */
static bool may_send(const weir_producer *producer, const weir_stream *stream) {
    if (!weir_lane_may_send(&stream->lane) || stream->is_proving) {
        return false;
    }
    switch (producer->delivery) {
    case WEIR_DELIVERY_IDS: return stream->has_facts;
    case WEIR_DELIVERY_IDMP: return stream->lane.flight.count < stream->window;
    case WEIR_DELIVERY_SCRIPT:
        return stream->calls < WEIR_CALLS && producer->sha[0] != '\0';
    case WEIR_DELIVERY_REPORT:
    case WEIR_DELIVERY_AT_LEAST_ONCE:
    case WEIR_DELIVERY_EXACTLY_ONCE: return true;
    }
    return true;
}

/* True: all that the stream may do now is done. False: there was no room. */
static bool pump_stream(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    bool is_of_use =
        producer->delivery == WEIR_DELIVERY_IDS || producer->delivery == WEIR_DELIVERY_IDMP;
    bool needs_facts = is_of_use && !stream->has_facts && weir_lane_may_send(&stream->lane);
    if ((stream->wants_facts || needs_facts) && !stream->is_asking &&
        !ask_facts(producer, stream)) {
        return false;
    }
    if (stream->is_looking && stream->lane.held.first != NULL) {
        if (!look(producer, stream)) {
            return false;
        }
        stream->is_looking = false;
    }
    while (may_send(producer, stream)) {
        bool was_sent = has_window(producer, stream) &&
                        (producer->delivery == WEIR_DELIVERY_SCRIPT
                             ? weir_producer_call(producer, stream, now_us)
                             : send_entry(producer, stream, now_us));
        if (!was_sent) {
            return false;
        }
        if (stream->trim_every != 0 && stream->since_trim >= stream->trim_every &&
            producer->delivery != WEIR_DELIVERY_SCRIPT) {
            send_trim(producer, stream);
        }
    }
    return true;
}

/* ---- all of them ---- */

/* Streams whose delay is over are ready again. */
static void wake(weir_producer *producer, int64_t now_us) {
    weir_stream *stream = producer->waiting;
    producer->waiting = NULL;
    while (stream != NULL) {
        weir_stream *next = stream->next_waiting;
        if (stream->retry_at_us <= now_us) {
            stream->retry_at_us = 0;
            stream->is_listed = false;
            weir_producer_list(producer, stream);
        } else {
            stream->next_waiting = producer->waiting;
            producer->waiting = stream;
        }
        stream = next;
    }
}

/* Of one that has its turn soon, and of the head that is copied then. */
static void fetch_ready(const weir_producer *producer) {
    const weir_stream *soon = ready_at(producer, AHEAD / 2);
    const weir_stream *later = ready_at(producer, AHEAD);
    if (soon != NULL) {
        weir_fetch(soon->head);
    }
    if (later != NULL) {
        weir_stream_fetch(later);
    }
}

static bool pump_streams(weir_producer *producer, int64_t now_us) {
    weir_stream *stream;
    while ((stream = ready_at(producer, 0)) != NULL) {
        fetch_ready(producer);
        bool is_done = stream->retry_at_us != 0 || pump_stream(producer, stream, now_us);
        producer->ready.first++;
        if (!is_done) { /* the others have their turn first, when there is room again */
            stream->is_listed = false;
            weir_producer_list(producer, stream);
            return false;
        }
        if (stream->retry_at_us != 0) {
            stream->next_waiting = producer->waiting;
            producer->waiting = stream;
        } else {
            stream->is_listed = false;
        }
    }
    return true;
}

/* WAIT n ms, or WAITAOF 1 n ms: behind what was sent. */
static void send_wait(weir_producer *producer, weir_note_kind kind) {
    const weir_producer_options *options = &producer->options;
    weir_args args;
    weir_args_begin(&args, options->wait_fsync ? "WAITAOF" : "WAIT");
    if (options->wait_fsync) {
        weir_args_number(&args, 1);
    }
    bool is_probe = kind == WEIR_NOTE_PROBE;
    weir_args_number(&args, is_probe ? 0 : options->wait_replicas);
    weir_args_number(&args, is_probe ? 1 : (uint64_t)options->wait_ms);
    if (ask(producer, &args, kind, NULL, is_probe ? 1 : options->wait_ms)) {
        producer->needs_wait = producer->needs_wait && is_probe;
        producer->has_probe = producer->has_probe || is_probe;
    }
}

void weir_producer_probe(weir_producer *producer) { send_wait(producer, WEIR_NOTE_PROBE); }

bool weir_producer_is_due(const weir_producer *producer, int64_t now_us) {
    const weir_producer_options *options = &producer->options;
    return producer->queued >= options->batch_entries ||
           producer->queued_bytes >= options->batch_bytes || producer->is_flushing ||
           (options->linger_us == 0 ? producer->in_flight == 0
                                    : now_us - producer->queued_us >= options->linger_us);
}

static bool has_due_wait(const weir_producer *producer, int64_t now_us) {
    const weir_stream *stream = producer->waiting;
    while (stream != NULL && stream->retry_at_us > now_us) {
        stream = stream->next_waiting;
    }
    return stream != NULL;
}

bool weir_producer_has_work(const weir_producer *producer, int64_t now_us) {
    bool is_listed = weir_producer_has_ready(producer) || has_due_wait(producer, now_us);
    bool is_asked = producer->queued == 0; /* facts alone: they do not linger */
    return producer->needs_wait ||
           (is_listed && (is_asked || weir_producer_is_due(producer, now_us)));
}

void weir_producer_pump(weir_producer *producer, int64_t now_us) {
    if (!weir_client_is_ready(producer->client) || producer->phase != WEIR_PRODUCER_OPEN ||
        producer->is_connected_anew) { /* weir_producer_meet comes first */
        return;
    }
    uint64_t first = producer->next_note;
    size_t queued = producer->queued;
    wake(producer, now_us);
    pump_streams(producer, now_us);
    producer->queued_us = now_us; /* what is left lingers anew, if it is not due at once */
    bool needs_wait = producer->options.wait_replicas != 0 || producer->options.wait_fsync;
    if (needs_wait && (queued > producer->queued || producer->needs_wait)) {
        producer->needs_wait = true;
        send_wait(producer, WEIR_NOTE_WAIT);
    }
    bool is_left = weir_producer_has_ready(producer) || producer->needs_wait;
    producer->is_starved = is_left && producer->next_note == first;
    if (producer->next_note == first) {
        return;
    }
    producer->counters.batches += queued > producer->queued;
    if (weir_client_send(producer->client) >= 0) {
        (void)weir_client_receive(producer->client);
        weir_producer_answers(producer, now_us);
    }
}

int64_t weir_producer_delay(int64_t *delay_us) {
    int64_t twice = *delay_us < RETRY_CEILING / 2 ? 2 * *delay_us : RETRY_CEILING;
    *delay_us = twice > RETRY_FLOOR ? twice : RETRY_FLOOR;
    return *delay_us;
}
