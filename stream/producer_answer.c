/* Answers: each belongs to the oldest note, and says what became of the entries that were
 * sent with it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include "../resp/number.h"
#include "../resp/reader.h"
#include "client_private.h"

#define FREE_GAPS 2 /* in a row without a delay: one heals */

/* ---- from a lane to reports ---- */

static weir_reason reason_of(weir_fate fate) {
    switch (fate) {
    case WEIR_FATE_OVERTAKEN: return WEIR_REASON_OVERTAKEN;
    case WEIR_FATE_UNKNOWN: return WEIR_REASON_CONNECTION;
    case WEIR_FATE_REFUSED:
    case WEIR_FATE_DOUBTED: return WEIR_REASON_SERVER;
    case WEIR_FATE_FORGOTTEN: return WEIR_REASON_FORGOTTEN;
    case WEIR_FATE_NONE:
    case WEIR_FATE_HELD:
    case WEIR_FATE_ACKED:
    case WEIR_FATE_LOOK:
    case WEIR_FATE_DROPPED: return WEIR_REASON_NONE;
    }
    return WEIR_REASON_NONE;
}

static void note_acked(weir_stream *stream, weir_id id) {
    stream->acked = weir_id_compare(id, stream->acked) > 0 ? id : stream->acked;
    stream->top = weir_id_compare(id, stream->top) > 0 ? id : stream->top;
    stream->retry_us = 0;
    stream->gaps = 0;
}

static void settle(weir_producer *producer, weir_item *item, weir_fate fate,
                   int64_t now_us) {
    if (fate == WEIR_FATE_HELD) {
        producer->queued++;
        producer->queued_bytes += item->len;
        return;
    }
    bool waits = fate == WEIR_FATE_ACKED &&
                 (producer->options.wait_replicas != 0 || producer->options.wait_fsync);
    if (waits) {
        weir_fifo_push(&producer->settling, item);
    } else {
        weir_producer_finish(producer, item, fate, reason_of(fate), now_us);
    }
}

/* One entry of a note is answered. */
static void answer(weir_producer *producer, weir_stream *stream, weir_verdict verdict,
                   weir_id id, const weir_error *error, int64_t now_us) {
    weir_item *item = stream->lane.flight.first;
    producer->in_flight--;
    if (verdict == WEIR_VERDICT_DONE) {
        if (producer->delivery != WEIR_DELIVERY_IDS) {
            item->id = id;
        }
        note_acked(stream, item->id);
    } else {
        weir_producer_blame(producer, item, error);
    }
    weir_fate fate = weir_lane_answer(&stream->lane, verdict, &item);
    settle(producer, item, fate, now_us);
    if (verdict == WEIR_VERDICT_LATER) {
        stream->retry_at_us = now_us; /* a delay is due: see resolve */
    }
}

static bool is_memory_over(const weir_item *item) {
    int64_t age_us = weir_client_now_us() - item->sent_us;
    return item->stream->memory_us != 0 && age_us > item->stream->memory_us;
}

/* All numbers begin anew, under another name: the server has lost those it had. */
static void begin_anew(weir_stream *stream) {
    stream->epoch++;
    stream->batch = stream->acked_batch = stream->prev_batch = stream->told_batch = 0;
    for (weir_item *item = stream->lane.queue.first; item != NULL; item = item->next) {
        item->batch = 0;
    }
}

/* What is sent next says what it stands behind. */
static void heal(weir_stream *stream, int64_t now_us) {
    stream->prev_batch = stream->acked_batch;
    if (!stream->has_gap) {
        return;
    }
    stream->has_gap = false;
    bool is_lost = stream->was_reset || stream->told_batch < stream->acked_batch ||
                   stream->told_batch > stream->batch;
    if (is_lost) {
        begin_anew(stream);
        stream->wants_facts = true; /* they tell what was lost */
    } else {
        stream->prev_batch = stream->told_batch;
    }
    if (++stream->gaps > FREE_GAPS) {
        weir_producer_delay(stream, now_us);
    }
}

void weir_producer_resolve(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    weir_item *item;
    weir_fate fate;
    while ((fate = weir_lane_resolve(&stream->lane, is_memory_over, &item)) !=
           WEIR_FATE_NONE) {
        if (fate == WEIR_FATE_LOOK) {
            stream->is_looking = true;
            break;
        }
        producer->queued--;
        producer->queued_bytes -= item->len;
        weir_producer_finish(producer, item, fate, reason_of(fate), now_us);
    }
    if (!stream->lane.is_draining) {
        if (stream->retry_at_us != 0) {
            weir_producer_delay(stream, now_us);
        }
        if (producer->delivery == WEIR_DELIVERY_SCRIPT) {
            heal(stream, now_us);
        }
    }
    weir_producer_list(producer, stream);
}

static void after_answer(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    if (weir_lane_is_drained(&stream->lane) && !stream->is_looking) {
        weir_producer_resolve(producer, stream, now_us);
    } else if (stream->lane.queue.first != NULL) {
        weir_producer_list(producer, stream);
    }
}

/* ---- what a status says ---- */

static weir_verdict verdict_of_error(const weir_producer *producer,
                                     const weir_error *error) {
    if (error->may_have_run) {
        return WEIR_VERDICT_DOUBTED;
    }
    weir_verdict verdict = WEIR_VERDICT_REFUSED;
    if (error->kind == WEIR_KIND_RETRY || error->kind == WEIR_KIND_ROLE) {
        verdict = WEIR_VERDICT_LATER;
    } else if (error->kind == WEIR_KIND_NO_SCRIPT ||
               error->kind == WEIR_KIND_SEQUENCE_GAP) {
        verdict = WEIR_VERDICT_AGAIN;
    } else if (error->kind == WEIR_KIND_ID_PASSED &&
               producer->delivery == WEIR_DELIVERY_IDS) {
        verdict = WEIR_VERDICT_PASSED;
    }
    return verdict;
}

static weir_verdict verdict_of(const weir_producer *producer, weir_status st,
                               const weir_error *error) {
    if (st == WEIR_OK) {
        return WEIR_VERDICT_DONE;
    }
    if (st == WEIR_ERR_SERVER) {
        return verdict_of_error(producer, error);
    }
    if (st == WEIR_ERR_DOWN || st == WEIR_ERR_LOST || weir_status_is_fatal(st)) {
        return error->may_have_run ? WEIR_VERDICT_LOST : WEIR_VERDICT_UNSENT;
    }
    return WEIR_VERDICT_DOUBTED; /* an answer of another shape, or too large to be held */
}

/* ---- one note's answer ---- */

static void take_entry(weir_producer *producer, const weir_note *note, weir_status st,
                       weir_id id, int64_t now_us) {
    const weir_error *error = &producer->client->session.error;
    producer->in_flight_bytes -= note->bytes;
    answer(producer, note->stream, verdict_of(producer, st, error), id, error, now_us);
    after_answer(producer, note->stream, now_us);
}

/* The id of the entry of a call that was added `place`-th, of `count`; 0-0: not known. */
static weir_id id_at(const weir_call_result *result, size_t place, size_t count) {
    weir_id id = result->first;
    if (place + 1 == count) {
        return result->last;
    }
    bool is_row = result->first.ms == result->last.ms &&
                  result->last.seq - result->first.seq == count - 1;
    id.seq += place;
    return place == 0 || is_row ? id : WEIR_ID_MIN;
}

/* Cuts an index off the front of those refused. False: none is left. */
static bool next_refused(weir_view *rest, uint64_t *index) {
    const char *space = rest->len > 0 ? memchr(rest->data, ' ', rest->len) : NULL;
    size_t len = space != NULL ? (size_t)(space - rest->data) : rest->len;
    bool is_one = weir_parse_u64(weir_bytes(rest->data, len), index);
    size_t used = space != NULL ? len + 1 : len;
    *rest = weir_bytes(rest->data + used, rest->len - used);
    return is_one;
}

/* The words about the next entry refused; where they are gone (the first answer was lost),
 * that. */
static void blame_words(weir_session *session, weir_view *words) {
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    if (words->len > 0 && weir_reader_next(&reader, *words, &used, &token) == WEIR_OK &&
        token.type == WEIR_TOKEN_BULK) {
        weir_session_server_error(session, token.bytes);
        *words = weir_bytes(words->data + used, words->len - used);
    } else {
        weir_session_server_error(
            session, weir_text("refused; the words were in an answer that was lost"));
    }
    session->error.may_have_run = false;
}

static size_t count_refused(weir_view rest) {
    uint64_t index;
    size_t count = 0;
    while (next_refused(&rest, &index)) {
        count++;
    }
    return count;
}

static void take_result(weir_producer *producer, const weir_note *note,
                        weir_call_result *result, int64_t now_us) {
    weir_session *session = &producer->client->session;
    weir_stream *stream = note->stream;
    size_t count = note->count - count_refused(result->refused);
    uint64_t refused = UINT64_MAX;
    bool has_refused = next_refused(&result->refused, &refused);
    size_t place = 0;
    stream->acked_batch = stream->lane.flight.first->batch;
    for (uint32_t i = 0; i < note->count; i++) {
        if (has_refused && refused == i) {
            blame_words(session, &result->words);
            answer(producer, stream, WEIR_VERDICT_REFUSED, WEIR_ID_MIN, &session->error,
                   now_us);
            has_refused = next_refused(&result->refused, &refused);
        } else {
            answer(producer, stream, WEIR_VERDICT_DONE, id_at(result, place++, count),
                   &session->error, now_us);
        }
    }
}

/* SEQGAP: how far the server is. The first one of a drain counts. */
static void note_gap(weir_stream *stream, const weir_error *error) {
    bool was_reset = false;
    uint64_t last = 0;
    if (error->kind == WEIR_KIND_SEQUENCE_GAP && !stream->has_gap &&
        weir_call_gap(error->text, &was_reset, &last)) {
        stream->has_gap = true;
        stream->was_reset = was_reset;
        stream->told_batch = last;
    }
}

static void take_call(weir_producer *producer, const weir_note *note, weir_status st,
                      weir_view whole, int64_t now_us) {
    const weir_error *error = &producer->client->session.error;
    weir_call_result result;
    producer->in_flight_bytes -= note->bytes;
    note->stream->calls--;
    if (st == WEIR_OK && weir_call_read(whole, &result) &&
        count_refused(result.refused) <= note->count) {
        take_result(producer, note, &result, now_us);
    } else {
        if (st == WEIR_OK) {
            st = weir_session_error(&producer->client->session, WEIR_ERR_REPLY,
                                    "the script's answer has another shape");
        }
        if (st == WEIR_ERR_SERVER) {
            note_gap(note->stream, error);
        }
        if (error->kind == WEIR_KIND_NO_SCRIPT) {
            producer->sha[0] = '\0';
        }
        weir_verdict verdict = verdict_of(producer, st, error);
        for (uint32_t i = 0; i < note->count; i++) {
            answer(producer, note->stream, verdict, WEIR_ID_MIN, error, now_us);
        }
    }
    after_answer(producer, note->stream, now_us);
}

static void take_facts(weir_producer *producer, weir_stream *stream, weir_status st,
                       weir_view whole) {
    const weir_error *error = &producer->client->session.error;
    stream->is_asking = false;
    if (st == WEIR_OK) {
        weir_producer_facts(producer, stream, whole);
    } else if (st == WEIR_ERR_SERVER && error->kind == WEIR_KIND_NO_KEY) {
        weir_producer_no_stream(producer, stream);
    } else if (st == WEIR_ERR_SERVER) { /* forbidden, or no stream: its XADD will tell */
        stream->has_facts = true;
        stream->window = stream->window != 0 ? WEIR_IDMP_WINDOW : 0;
    } else {
        stream->wants_facts = true; /* on the next connection */
    }
    weir_producer_list(producer, stream);
}

/* An array with an entry: it is there. */
static void take_look(weir_producer *producer, weir_stream *stream, weir_status st,
                      weir_view whole, int64_t now_us) {
    weir_item *item = stream->lane.held.first;
    if (item == NULL) {
        return;
    }
    if (st != WEIR_OK && st != WEIR_ERR_SERVER) {
        stream->is_looking = true; /* on the next connection */
        weir_producer_list(producer, stream);
        return;
    }
    bool is_there = st == WEIR_OK && whole.len > 1 && whole.data[1] == '1';
    producer->queued--;
    producer->queued_bytes -= item->len;
    weir_fate fate = weir_lane_seen(&stream->lane, is_there, &item);
    if (is_there) {
        note_acked(stream, item->id);
    }
    settle(producer, item, fate, now_us);
    weir_producer_resolve(producer, stream, now_us);
}

/* Numbers of WAIT (replicas) or WAITAOF (own disk, replicas). */
static void read_wait(const weir_producer *producer, weir_view whole, uint32_t *replicas,
                      bool *is_fsynced) {
    weir_reader reader;
    weir_token token;
    size_t used;
    uint64_t numbers[2] = {0, 0};
    size_t count = 0;
    weir_reader_init(&reader, NULL);
    while (count < 2 && weir_reader_next(&reader, whole, &used, &token) == WEIR_OK) {
        whole = weir_bytes(whole.data + used, whole.len - used);
        if (token.type == WEIR_TOKEN_INTEGER && token.number >= 0) {
            numbers[count++] = (uint64_t)token.number;
        }
    }
    *is_fsynced = producer->options.wait_fsync && numbers[0] > 0;
    *replicas = (uint32_t)(producer->options.wait_fsync ? numbers[1] : numbers[0]);
}

static void take_wait(weir_producer *producer, weir_status st, weir_view whole,
                      int64_t now_us) {
    uint32_t replicas = 0;
    bool is_fsynced = false;
    if (st == WEIR_OK) {
        read_wait(producer, whole, &replicas, &is_fsynced);
    }
    weir_item *item;
    while ((item = weir_fifo_pop(&producer->settling)) != NULL) {
        weir_producer_finish_acked(producer, item, replicas, is_fsynced, now_us);
    }
}

/* "ERR ..." of a probe or of SCRIPT LOAD: what the delivery needs is not there. */
static void refuse(weir_producer *producer, const char *what) {
    weir_error error = producer->client->session.error;
    weir_producer_fail(producer, WEIR_ERR_UNSUPPORTED, what, error.text);
}

static void take_load(weir_producer *producer, weir_status st, weir_view whole) {
    weir_reader reader;
    weir_token token;
    size_t used;
    producer->is_loading = false;
    weir_reader_init(&reader, NULL);
    if (st == WEIR_OK && weir_reader_next(&reader, whole, &used, &token) == WEIR_OK &&
        token.type == WEIR_TOKEN_BULK && token.bytes.len == sizeof producer->sha - 1) {
        memcpy(producer->sha, token.bytes.data, token.bytes.len);
        for (size_t i = 0; i < producer->stream_count; i++) {
            weir_producer_list(producer, producer->streams[i]);
        }
    } else if (st == WEIR_ERR_SERVER &&
               producer->client->session.error.kind != WEIR_KIND_RETRY &&
               producer->phase == WEIR_PRODUCER_CHECKING) {
        refuse(producer, "the server runs no scripts for this user: allow @scripting, or "
                         "choose another delivery: ");
    }
}

static void take_probe(weir_producer *producer, weir_status st) {
    producer->has_probe = st == WEIR_OK;
    if (st == WEIR_ERR_SERVER) {
        refuse(producer, producer->options.wait_fsync
                             ? "wait_fsync needs WAITAOF (Redis 7.2) and appendonly yes: "
                             : "wait_replicas needs WAIT: ");
    }
}

/* ---- all of them ---- */

/* What a take gave, once the client has looked after its connection. */
static weir_status take(weir_producer *producer, weir_note_kind kind, weir_id *id,
                        weir_view *whole) {
    weir_session *session = &producer->client->session;
    uint64_t ticket = weir_session_due(session);
    if (ticket == 0) {
        return WEIR_MORE;
    }
    if (kind == WEIR_NOTE_ENTRY) {
        return weir_client_end_take(producer->client, ticket,
                                    weir_session_take_id(session, ticket, id));
    }
    weir_status st = weir_session_take_whole(session, ticket, whole);
    if (st == WEIR_OK && whole->len > 0 && (*whole->data == '-' || *whole->data == '!')) {
        weir_reader reader;
        weir_token token;
        size_t used;
        weir_reader_init(&reader, NULL);
        if (weir_reader_next(&reader, *whole, &used, &token) == WEIR_OK) {
            return weir_session_server_error(session, token.bytes);
        }
    }
    return weir_client_end_take(producer->client, ticket, st);
}

static void dispatch(weir_producer *producer, const weir_note *note, weir_status st,
                     weir_id id, weir_view whole, int64_t now_us) {
    switch (note->kind) {
    case WEIR_NOTE_ENTRY: take_entry(producer, note, st, id, now_us); break;
    case WEIR_NOTE_CALL: take_call(producer, note, st, whole, now_us); break;
    case WEIR_NOTE_FACTS: take_facts(producer, note->stream, st, whole); break;
    case WEIR_NOTE_LOOK: take_look(producer, note->stream, st, whole, now_us); break;
    case WEIR_NOTE_WAIT: take_wait(producer, st, whole, now_us); break;
    case WEIR_NOTE_LOAD: take_load(producer, st, whole); break;
    case WEIR_NOTE_PROBE: take_probe(producer, st); break;
    case WEIR_NOTE_TRIM: break;
    }
}

void weir_producer_answers(weir_producer *producer, int64_t now_us) {
    while (producer->first_note < producer->next_note) {
        weir_note note = producer->notes[producer->first_note & (producer->note_room - 1)];
        weir_id id = WEIR_ID_MIN;
        weir_view whole = {NULL, 0};
        weir_status st = take(producer, note.kind, &id, &whole);
        if (st == WEIR_MORE) {
            return;
        }
        producer->first_note++;
        dispatch(producer, &note, st, id, whole, now_us);
    }
}
