/* Entries: an iterator over any bytes as the answer to each command that reads gives the
 * same entries however they arrive; and the hot path decodes what the general reader does.
 * Choices: the command, pieces, the receive buffer's ceiling.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/session.h"
#include "record.h"

/* ---- the hot path against the general reader ---- */

static bool is_same_field(const weir_field *a, const weir_field *b) {
    return a->name.data == b->name.data && a->name.len == b->name.len &&
           a->value.data == b->value.data && a->value.len == b->value.len;
}

/* Both were decoded from the same bytes: their views are the same too. */
static void check_same_entry(const weir_entry *hot, const weir_entry *general) {
    fuzz_check(weir_id_compare(hot->id, general->id) == 0 && hot->state == general->state &&
                   hot->idle_ms == general->idle_ms &&
                   hot->deliveries == general->deliveries &&
                   hot->field_count == general->field_count,
               "the hot path decodes the same entry");
    for (size_t i = 0; i < hot->field_count; i++) {
        fuzz_check(is_same_field(&hot->fields[i], &general->fields[i]),
                   "the hot path decodes the same fields");
    }
}

/* A reader that leaps over the entry stands where one that skips it does. */
static void check_leap(weir_view whole) {
    weir_reader leaping;
    weir_reader skipping;
    weir_token token;
    size_t used = 0;
    weir_view head = weir_text("*2\r\n");
    weir_reader_init(&leaping, &weir_stream_reading);
    fuzz_check(weir_reader_next(&leaping, head, &used, &token) == WEIR_OK,
               "heads are read");
    skipping = leaping;
    for (int i = 0; i < 2; i++) {
        fuzz_check(weir_reader_skip(&skipping, whole, &used) == WEIR_OK &&
                       used == whole.len,
                   "the hot path uses what the reader skips");
        weir_reader_leap(&leaping, whole.len);
        fuzz_check(weir_reader_depth(&leaping) == weir_reader_depth(&skipping) &&
                       weir_reader_offset(&leaping) == weir_reader_offset(&skipping) &&
                       weir_reader_is_between(&leaping) ==
                           weir_reader_is_between(&skipping),
                   "leaping is skipping");
    }
}

static void check_usual(weir_view input, weir_fields *hot_fields, weir_fields *fields) {
    weir_entry hot = {0};
    weir_entry general = {0};
    size_t used = 0;
    weir_view guarded = fuzz_guard(1, input);
    weir_status st = weir_decode_usual_entry(guarded, hot_fields, &hot, &used);
    if (st != WEIR_OK) {
        fuzz_check(st == WEIR_MORE, "the hot path decodes or declines");
        return;
    }
    fuzz_check(used <= guarded.len, "the hot path uses no more than there is");
    weir_view whole = weir_bytes(guarded.data, used);
    fuzz_check(weir_decode_entry(whole, fields, &general) == WEIR_OK,
               "what the hot path decodes is an entry");
    check_same_entry(&hot, &general);
    check_leap(whole);
    weir_view cut = fuzz_guard(2, weir_bytes(whole.data, used - 1));
    fuzz_check(weir_decode_usual_entry(cut, hot_fields, &hot, &used) == WEIR_MORE,
               "the hot path waits for the last byte");
}

#define MOST_PLACES 128

/* Wherever an entry may begin. */
static void check_all_usual(weir_view wire, const weir_mem *mem) {
    weir_fields hot_fields = {.mem = mem};
    weir_fields fields = {.mem = mem};
    size_t places = 0;
    for (size_t at = 0; at < wire.len && places < MOST_PLACES; at++) {
        if (wire.data[at] == '*') {
            check_usual(weir_bytes(wire.data + at, wire.len - at), &hot_fields, &fields);
            places++;
        }
    }
    weir_fields_free(&hot_fields);
    weir_fields_free(&fields);
}

/* ---- what an iterator gave ---- */

#define MOST_ENTRIES (FUZZ_MOST / 2)

typedef struct transcript {
    size_t count;
    size_t len;
    weir_status end;
    uint64_t fault_at;
    weir_id next;
    size_t ends[MOST_ENTRIES]; /* where each entry ends in bytes */
    char bytes[FUZZ_MOST * 16];
} transcript;

static transcript reference;
static transcript other;

static void note_bytes(transcript *out, const void *bytes, size_t len) {
    fuzz_check(len <= sizeof out->bytes - out->len,
               "entries are no larger than their wire");
    if (len > 0) {
        memcpy(out->bytes + out->len, bytes, len);
    }
    out->len += len;
}

static void note_view(transcript *out, weir_view view) {
    note_bytes(out, &view.len, sizeof(uint32_t));
    note_bytes(out, view.data, view.len);
}

static void note_entry(transcript *out, const weir_entry *entry) {
    fuzz_check(out->count < MOST_ENTRIES, "entries are fewer than bytes");
    fuzz_check((entry->state == WEIR_ENTRY_WHOLE) == (entry->field_count > 0),
               "whole entries have fields, others have none");
    uint8_t state = (uint8_t)entry->state;
    note_bytes(out, &entry->id, sizeof entry->id);
    note_bytes(out, &state, sizeof state);
    note_bytes(out, &entry->idle_ms, sizeof entry->idle_ms);
    note_bytes(out, &entry->deliveries, sizeof entry->deliveries);
    note_view(out, entry->stream);
    for (size_t i = 0; i < entry->field_count; i++) {
        note_view(out, entry->fields[i].name);
        note_view(out, entry->fields[i].value);
    }
    out->ends[out->count++] = out->len;
}

/* ---- one run ---- */

typedef struct run {
    weir_answer answer;
    size_t base;
    size_t most;
    bool is_held; /* the answer is wholly received before it is opened */
    fuzz_pieces pieces;
} run;

static weir_session session;

static void start_session(const weir_mem *mem, const run *how) {
    static const weir_greeter greeter = {
        .user = "", .password = "", .name = "", .protocol = 2};
    weir_session_sizes sizes = {.receive_base = how->base,
                                .receive_most = how->most,
                                .send_base = 64,
                                .send_most = 64,
                                .ring_base = 4,
                                .unanswered_most = 4,
                                .slots = 2};
    weir_status st = weir_session_init(&session, mem, &sizes, &greeter, "peer");
    fuzz_check(st == WEIR_OK, "a session has memory");
    session.phase = WEIR_PHASE_READY;
}

static uint64_t ask(weir_answer answer) {
    char *at = NULL;
    fuzz_check(weir_session_reserve(&session, 1, 1, &at) == WEIR_OK,
               "there is room to ask");
    *at = 'x';
    uint64_t ticket = weir_session_commit(&session, 1, answer, 0, 0);
    weir_session_sent(&session, 1);
    return ticket;
}

/* The next piece comes, as far as there is room. WEIR_MORE: all has come. Else, why the
 * answer cannot be waited for. */
static weir_status pump(fuzz_feed *feed, uint64_t ticket) {
    if (feed->input.len == 0 && !fuzz_feed_more(feed)) {
        return WEIR_MORE;
    }
    char *at = NULL;
    size_t room = 0;
    weir_status st = weir_session_room(&session, &at, &room);
    if (st != WEIR_OK) {
        fuzz_check(st == WEIR_ERR_LIMIT, "only the ceiling stops receiving");
        return weir_session_make_way(&session, ticket);
    }
    size_t count = feed->input.len < room ? feed->input.len : room;
    memcpy(at, feed->input.data, count);
    fuzz_feed_use(feed, count);
    return weir_session_received(&session, count, 0);
}

static weir_status hold(fuzz_feed *feed, uint64_t ticket) {
    weir_status st = weir_session_reach(&session, ticket);
    while (st == WEIR_MORE) {
        st = pump(feed, ticket);
        st = st == WEIR_OK ? weir_session_reach(&session, ticket) : st;
        if (st == WEIR_MORE && feed->used == feed->wire.len) {
            break;
        }
    }
    return st;
}

static weir_status open_iterator(fuzz_feed *feed, uint64_t ticket, weir_slot **slot) {
    for (;;) {
        weir_status st = weir_session_open_entries(&session, ticket, &session, slot);
        if (st != WEIR_MORE) {
            return st;
        }
        st = pump(feed, ticket);
        if (st != WEIR_OK) {
            return st;
        }
    }
}

static weir_status next_entry(fuzz_feed *feed, uint64_t ticket, weir_slot *slot,
                              weir_entry *entry) {
    weir_session_unpin(&session, slot);
    for (;;) {
        if (slot->is_dropped) {
            return WEIR_ERR_LIMIT;
        }
        weir_status st = weir_session_next_entry(&session, slot, entry);
        if (st != WEIR_MORE) {
            return st;
        }
        st = pump(feed, ticket);
        if (st != WEIR_OK) {
            return st;
        }
    }
}

/* An entry that is larger than the buffer is passed over, and the iterator goes on. */
static bool goes_on(weir_status st, const weir_slot *slot) {
    return st == WEIR_OK || (st == WEIR_ERR_LIMIT && slot == session.streaming);
}

static void iterate(transcript *out, fuzz_feed *feed, uint64_t ticket) {
    weir_slot *slot = NULL;
    weir_status st = open_iterator(feed, ticket, &slot);
    size_t steps = 0;
    while (slot != NULL && goes_on(st, slot)) {
        weir_entry entry;
        st = next_entry(feed, ticket, slot, &entry);
        if (st == WEIR_OK) {
            note_entry(out, &entry);
        }
        fuzz_check(++steps <= MOST_ENTRIES, "an iterator ends");
    }
    out->end = st;
    if (slot != NULL) {
        out->next = slot->next;
        weir_session_close_slot(&session, slot);
    }
}

static void play(transcript *out, weir_view wire, const run *how) {
    fuzz_mem counts = {.refuse_at = SIZE_MAX};
    weir_mem mem = fuzz_mem_of(&counts);
    fuzz_feed feed;
    out->count = out->len = 0;
    out->next = (weir_id){0, 0};
    start_session(&mem, how);
    fuzz_feed_open(&feed, wire, &how->pieces);
    uint64_t ticket = ask(how->answer);
    out->end = how->is_held ? hold(&feed, ticket) : WEIR_OK;
    if (out->end == WEIR_OK) {
        iterate(out, &feed, ticket);
    }
    out->fault_at = out->end == WEIR_ERR_PROTOCOL ? session.error.byte : 0;
    weir_session_free(&session);
    fuzz_check(counts.live == 0, "nothing is leaked");
    /* two blocks, the fields (a name and a value take 12 bytes of wire), a key */
    size_t most = 2 * how->most + 6 * how->most + how->most + 16384;
    fuzz_check(counts.peak <= most, "memory follows the ceiling");
}

/* ---- runs compared ---- */

static void check_same(void) {
    fuzz_check(other.end == reference.end && other.fault_at == reference.fault_at,
               "an iterator ends alike however bytes arrive");
    fuzz_check(other.count == reference.count && other.len == reference.len &&
                   memcmp(other.bytes, reference.bytes, other.len) == 0,
               "an iterator gives the same entries however bytes arrive");
    fuzz_check(weir_id_compare(other.next, reference.next) == 0,
               "the id to go on from is the same");
}

static weir_view entry_of(const transcript *from, size_t index) {
    size_t begin = index > 0 ? from->ends[index - 1] : 0;
    return weir_bytes(from->bytes + begin, from->ends[index] - begin);
}

/* Some entries were too large: the others are there, in order. Those are not looked into,
 * so a wrong one among them does not end the answer. */
static void check_some(void) {
    size_t at = 0;
    if (reference.end == WEIR_ERR_REPLY) {
        return;
    }
    for (size_t i = 0; i < other.count; i++) {
        while (at < reference.count &&
               !weir_view_equal(entry_of(&other, i), entry_of(&reference, at))) {
            at++;
        }
        fuzz_check(at < reference.count, "a small buffer makes up no entries");
        at++;
    }
}

/* By the tokens of the answer to XRANGE: no entry is lost. */
static void check_count(weir_view wire) {
    static fuzz_record tokens;
    static const fuzz_pieces in_one = {0};
    fuzz_record_read(&tokens, &weir_stream_reading, wire, &in_one);
    size_t head = 0;
    while (head < tokens.count && tokens.tokens[head].type == WEIR_TOKEN_PUSH) {
        head = fuzz_value_end(&tokens, head);
    }
    fuzz_check(head < tokens.count, "an answer that ends has begun");
    size_t entries = 0;
    for (size_t i = head + 1; i < tokens.count; i++) {
        const fuzz_token *token = &tokens.tokens[i];
        entries += token->depth == 1 && token->type != WEIR_TOKEN_NULL;
    }
    fuzz_check(reference.count == entries, "an iterator gives every entry there is");
}

/* The wire up to the end of the first answer: what comes behind has no part in it. */
static weir_view first_answer(weir_view wire) {
    weir_reader reader;
    size_t at = 0;
    bool is_push = true;
    weir_reader_init(&reader, &weir_stream_reading);
    while (is_push && at < wire.len) {
        size_t used = 0;
        is_push = wire.data[at] == '>';
        weir_view rest = weir_bytes(wire.data + at, wire.len - at);
        if (weir_reader_skip_reply(&reader, rest, &used) != WEIR_OK) {
            return wire;
        }
        at += used;
    }
    return weir_bytes(wire.data, at);
}

#define LARGE             ((size_t)1 << 20)
#define MOST_BYTE_BY_BYTE 2048

static void check_iterator(fuzz_input *input, weir_answer answer) {
    fuzz_pieces pieces = fuzz_choose_pieces(input);
    size_t small = 64 + 4 * (size_t)fuzz_choice(input);
    weir_view wire = first_answer(fuzz_wire(input));
    run how = {.answer = answer, .base = 64, .most = LARGE};
    play(&reference, wire, &how);
    if (reference.end == WEIR_END && answer == WEIR_ANSWER_RANGE) {
        check_count(wire);
    }
    how.pieces = pieces;
    play(&other, wire, &how);
    check_same();
    how.is_held = true;
    play(&other, wire, &how);
    if (reference.end != WEIR_MORE && other.end != WEIR_MORE &&
        other.end != WEIR_ERR_PROTOCOL) {
        check_same();
    }
    how.is_held = false;
    how.most = small;
    play(&other, wire, &how);
    check_some();
    how.most = LARGE;
    how.pieces = (fuzz_pieces){1, {0}};
    if (wire.len <= MOST_BYTE_BY_BYTE) {
        play(&other, wire, &how);
        check_same();
    }
}

int fuzz_one(const uint8_t *data, size_t len) {
    static const weir_answer answers[] = {WEIR_ANSWER_RANGE, WEIR_ANSWER_STREAMS,
                                          WEIR_ANSWER_AUTOCLAIM};
    fuzz_input input = fuzz_open(data, len);
    size_t answer = fuzz_choice_below(&input, 3);
    fuzz_mem counts = {.refuse_at = SIZE_MAX};
    weir_mem mem = fuzz_mem_of(&counts);
    check_all_usual(fuzz_wire(&input), &mem);
    fuzz_check(counts.live == 0, "fields are given back");
    if (input.has_choices) {
        check_iterator(&input, answers[answer]);
        return 0;
    }
    for (size_t i = 0; i < 3; i++) {
        check_iterator(&input, answers[i]);
    }
    return 0;
}
