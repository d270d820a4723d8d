/* Answers: each belongs to the oldest note, and says what became of the entries that were
 * sent with it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include "../resp/reader.h"
#include "client_private.h"

#define FEW_STREAMS 16 /* they stay near by themselves */
#define AHEAD       4  /* answers: so early is fetched what one needs */

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

void weir_producer_answer(weir_producer *producer, weir_stream *stream,
                          weir_verdict verdict, weir_id id, const weir_error *error,
                          int64_t now_us) {
    weir_item *item = stream->lane.flight.first;
    producer->in_flight--;
    if (verdict == WEIR_VERDICT_DONE) {
        if (producer->delivery != WEIR_DELIVERY_IDS) {
            item->id = id;
        }
        note_acked(stream, item->id);
        producer->has_written = producer->has_written || item->attempts == 1;
    } else {
        weir_producer_blame(producer, item, error);
    }
    weir_fate fate = weir_lane_answer(&stream->lane, verdict, &item);
    settle(producer, item, fate, now_us);
    stream->is_refused = stream->is_refused || verdict == WEIR_VERDICT_LATER;
}

static bool is_memory_over(const weir_item *item) {
    const weir_stream *stream = item->stream;
    return stream->is_forgetful ||
           weir_client_now_us() - item->sent_us > weir_producer_memory_us(stream);
}

/* What is drained is judged. */
static void resolve(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    weir_item *item;
    weir_fate fate;
    while ((fate = weir_lane_resolve(&stream->lane, is_memory_over, &item)) !=
           WEIR_FATE_NONE) {
        if (fate == WEIR_FATE_LOOK) {
            stream->is_looking = true;
            break;
        }
        weir_producer_finish_queued(producer, item, fate, reason_of(fate), now_us);
    }
    if (!stream->lane.is_draining) {
        stream->is_forgetful = false;
        if (stream->is_refused) {
            stream->retry_at_us = now_us + weir_producer_delay(&stream->retry_us);
        }
        stream->is_refused = false;
        if (producer->delivery == WEIR_DELIVERY_SCRIPT) {
            weir_producer_heal(producer, stream, now_us);
        }
    }
    weir_producer_list(producer, stream);
}

/* IDMP: before anything is sent a second time, the server tells whether it remembers as
 * much as it did. */
static bool needs_facts(const weir_producer *producer, const weir_stream *stream) {
    const weir_item *item = stream->lane.held.first;
    while (item != NULL && item->state != WEIR_HOLD_UNKNOWN) {
        item = item->next;
    }
    return producer->delivery == WEIR_DELIVERY_IDMP && item != NULL;
}

void weir_producer_answered(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    bool is_drained =
        weir_lane_is_drained(&stream->lane) && !stream->is_looking && !stream->is_judging;
    if (is_drained && needs_facts(producer, stream)) {
        stream->is_judging = stream->wants_facts = true;
        weir_producer_list(producer, stream);
    } else if (is_drained) {
        resolve(producer, stream, now_us);
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

weir_verdict weir_producer_verdict(const weir_producer *producer, weir_status st,
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
    weir_producer_answer(producer, note->stream, weir_producer_verdict(producer, st, error),
                         id, error, now_us);
    weir_producer_answered(producer, note->stream, now_us);
}

/* False: they are to be asked for again. Of an answer that could not be held the beginning
 * is there; where it does not tell, the next one would not either, but for want of memory.
 */
static bool read_facts(weir_producer *producer, weir_stream *stream, weir_status st,
                       weir_view whole) {
    const weir_error *error = &producer->client->session.error;
    bool is_cut = st == WEIR_ERR_LIMIT || st == WEIR_ERR_NOMEM;
    if ((st == WEIR_OK || is_cut) && weir_producer_facts(producer, stream, whole)) {
        return true;
    }
    if (st == WEIR_OK || st == WEIR_ERR_LIMIT) {
        stream->has_facts = true;
        stream->is_forgetful = stream->is_forgetful || stream->is_judging;
        return true;
    }
    bool is_final = st == WEIR_ERR_SERVER && error->kind != WEIR_KIND_RETRY &&
                    error->kind != WEIR_KIND_ROLE;
    if (is_final && error->kind == WEIR_KIND_NO_KEY) {
        weir_producer_no_stream(producer, stream);
    } else if (is_final) { /* forbidden, or no stream: its XADD will tell */
        stream->has_facts = true;
    }
    return is_final;
}

static void take_facts(weir_producer *producer, weir_stream *stream, weir_status st,
                       weir_view whole, int64_t now_us) {
    stream->is_asking = false;
    stream->wants_facts = !read_facts(producer, stream, st, whole);
    stream->is_proving = stream->is_proving && stream->wants_facts;
    if (stream->wants_facts && (st == WEIR_ERR_SERVER || st == WEIR_ERR_NOMEM)) {
        producer->error = producer->client->session.error; /* why nothing moves */
        stream->retry_at_us = now_us + weir_producer_delay(&stream->retry_us);
    }
    weir_producer_list(producer, stream);
    if (stream->is_judging && !stream->wants_facts) {
        stream->is_judging = false;
        resolve(producer, stream, now_us);
    }
}

/* An array with an entry, or an answer too large to be held: it is there. */
static void take_look(weir_producer *producer, weir_stream *stream, weir_status st,
                      weir_view whole, int64_t now_us) {
    weir_item *item = stream->lane.held.first;
    if (item == NULL) {
        return;
    }
    bool is_large = st == WEIR_ERR_LIMIT || st == WEIR_ERR_NOMEM;
    if (st != WEIR_OK && st != WEIR_ERR_SERVER && !is_large) {
        stream->is_looking = true; /* on the next connection */
        weir_producer_list(producer, stream);
        return;
    }
    bool is_there = is_large || (st == WEIR_OK && whole.len > 1 && whole.data[1] == '1');
    producer->queued--;
    producer->queued_bytes -= item->len;
    weir_fate fate = weir_lane_seen(&stream->lane, is_there, &item);
    if (is_there) {
        note_acked(stream, item->id);
    }
    settle(producer, item, fate, now_us);
    producer->needs_wait = producer->settling.first != NULL; /* none stands behind it */
    resolve(producer, stream, now_us);
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
    if (st == WEIR_OK && producer->has_written) {
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

static void take_load(weir_producer *producer, weir_status st, weir_view whole,
                      int64_t now_us) {
    weir_reader reader;
    weir_token token;
    size_t used;
    producer->is_loading = false;
    weir_reader_init(&reader, NULL);
    if (st == WEIR_OK && weir_reader_next(&reader, whole, &used, &token) == WEIR_OK &&
        token.type == WEIR_TOKEN_BULK && token.bytes.len == sizeof producer->sha - 1) {
        memcpy(producer->sha, token.bytes.data, token.bytes.len);
        producer->load_us = producer->load_at_us = 0;
        for (size_t i = 0; i < producer->stream_count; i++) {
            weir_producer_list(producer, producer->streams[i]);
        }
        return;
    }
    if (st == WEIR_OK) {
        st = weir_session_error(&producer->client->session, WEIR_ERR_REPLY,
                                "SCRIPT LOAD's answer has another shape");
    }
    bool is_answered =
        st == WEIR_ERR_REPLY ||
        (st == WEIR_ERR_SERVER && producer->client->session.error.kind != WEIR_KIND_RETRY);
    bool is_refused = is_answered && producer->phase == WEIR_PRODUCER_CHECKING;
    if (is_refused && producer->options.delivery == WEIR_DELIVERY_EXACTLY_ONCE) {
        producer->has_no_scripts = true;
        producer->phase = WEIR_PRODUCER_CONNECTING; /* to choose again */
    } else if (is_refused) {
        refuse(producer, "the server runs no scripts for this user: allow @scripting, or "
                         "choose another delivery: ");
    } else {
        producer->load_at_us = now_us + weir_producer_delay(&producer->load_us);
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

/* Of these the beginning says enough, so that they need not be held whole. */
static bool is_told_at_once(weir_note_kind kind) {
    return kind == WEIR_NOTE_FACTS || kind == WEIR_NOTE_LOOK;
}

/* An answer that is not there as a whole, and fills what receive_bytes or memory allows:
 * WEIR_OK: more of it came, WEIR_MORE: none did, WEIR_ERR_LIMIT or WEIR_ERR_NOMEM: it is
 * given up, and *whole is its beginning; or what broke. */
static weir_status receive_more(weir_client *client, weir_note_kind kind, uint64_t ticket,
                                weir_view *whole) {
    weir_session *session = &client->session;
    const weir_buffer *in = &session->in;
    bool is_full = weir_buffer_len(in) >= in->most - in->most / 4 ||
                   (session->is_starved && is_told_at_once(kind));
    if (!weir_client_is_ready(client) || !is_full) {
        return WEIR_MORE;
    }
    weir_status st = weir_client_receive(client);
    if (st == WEIR_ERR_FULL) {
        const weir_request *request = weir_session_request(session, ticket);
        *whole = request->is_begun ? weir_buffer_from(in, request->begin) : *whole;
        st = weir_session_make_way(session, ticket);
    }
    client->needs_more = st == WEIR_MORE;
    return st;
}

static weir_status take_whole(weir_client *client, weir_note_kind kind, uint64_t ticket,
                              weir_view *whole) {
    weir_status st = WEIR_OK;
    weir_status taken = WEIR_MORE;
    while (st == WEIR_OK && taken == WEIR_MORE) {
        taken = weir_session_take_whole(&client->session, ticket, whole);
        st = taken == WEIR_MORE ? receive_more(client, kind, ticket, whole) : WEIR_OK;
    }
    return st == WEIR_OK ? taken : st;
}

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
    weir_status st = take_whole(producer->client, kind, ticket, whole);
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
    case WEIR_NOTE_CALL: weir_producer_take_call(producer, note, st, whole, now_us); break;
    case WEIR_NOTE_FACTS: take_facts(producer, note->stream, st, whole, now_us); break;
    case WEIR_NOTE_LOOK: take_look(producer, note->stream, st, whole, now_us); break;
    case WEIR_NOTE_WAIT: take_wait(producer, st, whole, now_us); break;
    case WEIR_NOTE_LOAD: take_load(producer, st, whole, now_us); break;
    case WEIR_NOTE_PROBE: take_probe(producer, st); break;
    case WEIR_NOTE_TRIM:
    case WEIR_NOTE_FORGET: break;
    }
}

/* The stream of the answer that comes so many later; NULL: none that is known. */
static const weir_stream *stream_of(const weir_producer *producer, uint64_t later) {
    uint64_t at = producer->first_note + later;
    return at < producer->next_note ? producer->notes[at & (producer->note_room - 1)].stream
                                    : NULL;
}

/* What answers that come soon will need. */
static void fetch_ahead(const weir_producer *producer) {
    const weir_stream *soon = stream_of(producer, AHEAD / 2);
    const weir_stream *later = stream_of(producer, AHEAD);
    if (later != NULL) {
        weir_stream_fetch(later);
    }
    if (soon != NULL && soon->lane.flight.first != NULL) {
        weir_fetch(soon->lane.flight.first);
        weir_fetch(&soon->lane.flight.first->sent_us);
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
        if (producer->stream_count > FEW_STREAMS) {
            fetch_ahead(producer);
        }
        dispatch(producer, &note, st, id, whole, now_us);
    }
}
