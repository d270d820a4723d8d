/* What the answer to a script's call says of each of its entries, and what is sent after
 * one that says that the numbers do not follow each other. SPDX-License-Identifier:
 * BSD-2-Clause */
#include "producer_private.h"

#include "../resp/number.h"
#include "../resp/reader.h"
#include "client_private.h"

#define FREE_GAPS 2 /* in a row without a delay: one heals */

/* Takes out of the queue what must not be sent under a new number: what has its report
 * already, and, where `is_forgotten`, what may stand in the stream already. A report may
 * append: what is kept stays before that. */
static void sift(weir_producer *producer, weir_stream *stream, bool is_forgotten,
                 int64_t now_us) {
    weir_fifo all = stream->lane.queue;
    weir_fifo kept = {NULL, NULL, 0};
    weir_item *item;
    stream->lane.queue = (weir_fifo){NULL, NULL, 0};
    while ((item = weir_fifo_pop(&all)) != NULL) {
        item->batch = 0;
        if (item->is_told || (is_forgotten && item->may_have_run)) {
            weir_producer_finish_queued(producer, item, WEIR_FATE_FORGOTTEN,
                                        WEIR_REASON_FORGOTTEN, now_us);
        } else {
            weir_fifo_push(&kept, item);
        }
    }
    weir_fifo_put_before(&stream->lane.queue, &kept);
}

/* All numbers begin anew, under another name: the server has lost those it had. */
static void begin_anew(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    stream->epoch++;
    stream->batch = stream->acked_batch = stream->prev_batch = 0;
    sift(producer, stream, stream->gap.was_forgotten, now_us);
    stream->wants_facts = true; /* they tell what was lost */
}

void weir_producer_heal(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    uint64_t last = stream->gap.last;
    stream->prev_batch = stream->acked_batch;
    if (!stream->has_gap) {
        return;
    }
    stream->has_gap = false;
    bool is_lost = stream->gap.was_reset || stream->gap.was_forgotten ||
                   last < stream->acked_batch || last > stream->batch;
    if (is_lost) {
        begin_anew(producer, stream, now_us);
    } else {
        stream->prev_batch = last;
    }
    if (++stream->gaps > FREE_GAPS) {
        stream->retry_at_us = now_us + weir_producer_delay(&stream->retry_us);
    }
}

/* ---- the answer ---- */

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
            weir_producer_answer(producer, stream, WEIR_VERDICT_REFUSED, WEIR_ID_MIN,
                                 &session->error, now_us);
            has_refused = next_refused(&result->refused, &refused);
        } else {
            weir_producer_answer(producer, stream, WEIR_VERDICT_DONE,
                                 id_at(result, place++, count), &session->error, now_us);
        }
    }
}

/* SEQGAP: how far the server is. The first one of a drain counts. */
static void note_gap(weir_stream *stream, const weir_error *error) {
    weir_call_gap gap;
    if (error->kind == WEIR_KIND_SEQUENCE_GAP && !stream->has_gap &&
        weir_call_gap_read(error->text, &gap)) {
        stream->has_gap = true;
        stream->gap = gap;
    }
}

/* There is no result: the same holds for all entries of the call. */
static void take_failure(weir_producer *producer, const weir_note *note, weir_status st,
                         int64_t now_us) {
    const weir_error *error = &producer->client->session.error;
    if (st == WEIR_ERR_SERVER) {
        note_gap(note->stream, error);
        if (error->kind == WEIR_KIND_NO_SCRIPT) {
            producer->sha[0] = '\0';
        }
    }
    weir_verdict verdict = weir_producer_verdict(producer, st, error);
    for (uint32_t i = 0; i < note->count; i++) {
        weir_producer_answer(producer, note->stream, verdict, WEIR_ID_MIN, error, now_us);
    }
}

void weir_producer_take_call(weir_producer *producer, const weir_note *note, weir_status st,
                             weir_view whole, int64_t now_us) {
    weir_call_result result;
    producer->in_flight_bytes -= note->bytes;
    note->stream->calls--;
    if (st == WEIR_OK && weir_call_read(whole, &result) &&
        count_refused(result.refused) <= note->count) {
        take_result(producer, note, &result, now_us);
    } else {
        st = st != WEIR_OK ? st
                           : weir_session_error(&producer->client->session, WEIR_ERR_REPLY,
                                                "the script's answer has another shape");
        take_failure(producer, note, st, now_us);
    }
    weir_producer_answered(producer, note->stream, now_us);
}
