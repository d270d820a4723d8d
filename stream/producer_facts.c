/* What XINFO STREAM tells of a stream: where it ends, which shows losses, and how many
 * numbers of a producer it remembers.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include "../resp/reader.h"

#define SECOND_US ((int64_t)1000000)

typedef struct facts {
    bool has_last;
    weir_id last;
    uint64_t idmp_maxsize; /* 0: not told */
    uint64_t idmp_duration_s;
} facts;

static uint64_t count_of(const weir_token *token) {
    return token->type == WEIR_TOKEN_INTEGER && token->number > 0 ? (uint64_t)token->number
                                                                  : 0;
}

static void note_fact(facts *told, weir_view name, const weir_token *value) {
    if (weir_view_equal(name, weir_text("last-generated-id"))) {
        told->has_last = value->type == WEIR_TOKEN_BULK &&
                         weir_id_parse(value->bytes, &told->last) == WEIR_OK;
    } else if (weir_view_equal(name, weir_text("idmp-maxsize"))) {
        told->idmp_maxsize = count_of(value);
    } else if (weir_view_equal(name, weir_text("idmp-duration"))) {
        told->idmp_duration_s = count_of(value);
    }
}

/* Reads the next token off `rest`. */
static bool next_token(weir_reader *reader, weir_view *rest, weir_token *token) {
    size_t used;
    weir_status st = weir_reader_next(reader, *rest, &used, token);
    *rest = weir_bytes(rest->data + used, rest->len - used);
    return st == WEIR_OK;
}

/* A value of one token; a list is passed over, and *token is its head. */
static bool next_value(weir_reader *reader, weir_view *rest, weir_token *token) {
    weir_reader before = *reader;
    weir_view all = *rest;
    if (!next_token(reader, rest, token)) {
        return false;
    }
    if (token->type == WEIR_TOKEN_ARRAY || token->type == WEIR_TOKEN_MAP ||
        token->type == WEIR_TOKEN_SET) {
        size_t used;
        *reader = before;
        if (weir_reader_skip(reader, all, &used) != WEIR_OK) {
            return false;
        }
        *rest = weir_bytes(all.data + used, all.len - used);
    }
    return true;
}

/* A map, or on RESP2 a list of names and values in turn; the entries it ends with, which
 * may be large, need not be there. */
static facts read_facts(weir_view whole) {
    facts told = {0};
    weir_reader reader;
    weir_token head;
    weir_token name;
    weir_token value;
    weir_reader_init(&reader, NULL);
    bool is_more = next_token(&reader, &whole, &head);
    while (is_more && whole.len > 0) {
        is_more = next_token(&reader, &whole, &name) && name.type == WEIR_TOKEN_BULK &&
                  next_value(&reader, &whole, &value);
        if (is_more) {
            note_fact(&told, name.bytes, &value);
        }
    }
    return told;
}

/* How much the server remembers. Where that is changed it forgets all that it knew. */
static void note_idmp(weir_stream *stream, const facts *told) {
    bool is_changed =
        stream->idmp_maxsize != 0 && (stream->idmp_maxsize != told->idmp_maxsize ||
                                      stream->idmp_duration_s != told->idmp_duration_s);
    uint64_t half = told->idmp_maxsize / 2;
    stream->is_forgetful = stream->is_forgetful || is_changed;
    stream->idmp_maxsize = told->idmp_maxsize;
    stream->idmp_duration_s = told->idmp_duration_s;
    half = half > WEIR_IDMP_LEAST ? half : WEIR_IDMP_LEAST;
    stream->window = half < UINT32_MAX ? (uint32_t)half : UINT32_MAX;
}

static void tell_loss(weir_producer *producer, weir_stream *stream, bool is_gone,
                      weir_id kept) {
    weir_loss_notice notice = {stream, is_gone, kept, stream->acked};
    producer->counters.losses++;
    stream->acked = kept;
    weir_producer_turn_lost(producer, &notice);
    if (producer->options.on_loss != NULL) {
        bool was_calling = producer->is_calling;
        producer->is_calling = true;
        producer->options.on_loss(producer->options.context, &notice);
        producer->is_calling = was_calling;
    }
}

void weir_producer_no_stream(weir_producer *producer, weir_stream *stream) {
    bool was_there = stream->acked.ms != 0 || stream->acked.seq != 0;
    stream->has_facts =
        producer->delivery != WEIR_DELIVERY_IDMP; /* else once there is one */
    if (was_there) {
        tell_loss(producer, stream, true, WEIR_ID_MIN);
    }
}

bool weir_producer_facts(weir_producer *producer, weir_stream *stream, weir_view answer) {
    facts told = read_facts(answer);
    if (!told.has_last) {
        return false;
    }
    stream->has_facts = true;
    if (weir_id_compare(told.last, stream->acked) < 0) {
        tell_loss(producer, stream, false, told.last);
    }
    if (weir_id_compare(told.last, stream->top) > 0) {
        stream->top = told.last;
    }
    if (producer->delivery == WEIR_DELIVERY_IDMP) {
        note_idmp(stream, &told);
    }
    return true;
}

int64_t weir_producer_memory_us(const weir_stream *stream) {
    const uint64_t most_s = 1000000;
    const uint64_t usual_s = 100; /* idmp-duration of redis.conf */
    uint64_t duration_s = stream->idmp_duration_s != 0 ? stream->idmp_duration_s : usual_s;
    return (int64_t)(duration_s < most_s ? duration_s : most_s) * SECOND_US / 2;
}
