/* The session against scripted bytes: every cut of every script, no sockets, no clock.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/session.h"
#include "support.h"

#include <string.h>

/* ---- a session that is past its handshake ---- */

struct rig {
    struct support_mem counts;
    weir_mem mem;
    weir_session session;
};

static const weir_greeter PLAIN = {.user = "", .password = "", .name = "", .protocol = 2};

static weir_session_sizes sizes_for(size_t receive_base, size_t receive_most) {
    weir_session_sizes sizes = {.receive_base = receive_base,
                                .receive_most = receive_most,
                                .send_base = 256,
                                .send_most = 4096,
                                .ring_base = 4,
                                .unanswered_most = 64,
                                .slots = WEIR_MAX_SLOTS};
    return sizes;
}

static void drop_output(weir_session *session) {
    weir_session_sent(session, weir_session_queued(session));
}

/* Hands bytes over as the transport would; false once there is no room. */
static bool feed(weir_session *session, weir_view bytes) {
    while (bytes.len > 0) {
        char *at;
        size_t room;
        if (weir_session_room(session, &at, &room) != WEIR_OK) {
            return false;
        }
        size_t count = bytes.len < room ? bytes.len : room;
        memcpy(at, bytes.data, count);
        bytes = weir_bytes(bytes.data + count, bytes.len - count);
        weir_session_received(session, count, 0);
    }
    return true;
}

static void start_rig(struct rig *rig, size_t receive_base, size_t receive_most) {
    memset(rig, 0, sizeof *rig);
    rig->counts.allowed = SIZE_MAX;
    rig->mem = support_mem(&rig->counts);
    weir_session_sizes sizes = sizes_for(receive_base, receive_most);
    assert_status(weir_session_init(&rig->session, &rig->mem, &sizes, &PLAIN, "peer"),
                  WEIR_OK);
    assert_status(weir_session_greet(&rig->session), WEIR_MORE);
    drop_output(&rig->session);
    assert_true(feed(&rig->session, WIRE("+PONG\r\n-ERR unknown subcommand\r\n+OK\r\n")));
    assert_status(weir_session_greet(&rig->session), WEIR_OK);
}

static void stop_rig(struct rig *rig) {
    weir_session_free(&rig->session);
    assert_int_equal(rig->counts.live, 0);
}

/* A request of one byte; what is sent does not matter here. */
static uint64_t ask(weir_session *session, weir_answer answer) {
    char *at;
    assert_status(weir_session_reserve(session, 1, 1, &at), WEIR_OK);
    *at = 'x';
    uint64_t ticket = weir_session_commit(session, 1, answer, 0, 0);
    drop_output(session);
    return ticket;
}

/* ---- scripts: run whole, byte by byte, and at every cut ---- */

/* Bytes that come piece by piece: pumped whenever the session says WEIR_MORE. */
struct script {
    weir_view left;
    size_t piece; /* bytes a pump; the last may be shorter */
    size_t first; /* of the first pump, 0: as the others */
};

static bool pump(weir_session *session, struct script *script) {
    size_t count = script->first != 0 ? script->first : script->piece;
    script->first = 0;
    count = count < script->left.len ? count : script->left.len;
    if (count == 0) {
        return false;
    }
    bool is_taken = feed(session, weir_bytes(script->left.data, count));
    script->left = weir_bytes(script->left.data + count, script->left.len - count);
    return is_taken;
}

typedef void run_script(struct rig *rig, struct script *script);

static void run_once(run_script *run, weir_view wire, size_t piece, size_t first) {
    struct rig rig;
    weir_view guarded = support_guard(wire);
    struct script script = {guarded, piece, first};
    start_rig(&rig, 64, 4096);
    run(&rig, &script);
    stop_rig(&rig);
    support_unguard(guarded);
}

static void run_every_cut(run_script *run, weir_view wire) {
    run_once(run, wire, wire.len, 0);
    run_once(run, wire, 1, 0);
    for (size_t cut = 1; cut < wire.len; cut++) {
        run_once(run, wire, wire.len, cut);
    }
}

static weir_status take(struct rig *rig, struct script *script, uint64_t ticket,
                        weir_token *token) {
    for (;;) {
        weir_status st = weir_session_take_token(&rig->session, ticket, token);
        if (st != WEIR_MORE) {
            return st;
        }
        if (!pump(&rig->session, script)) {
            return WEIR_MORE;
        }
    }
}

static weir_status open_entries(struct rig *rig, struct script *script, uint64_t ticket,
                                const void *handle, weir_slot **slot) {
    for (;;) {
        weir_status st = weir_session_open_entries(&rig->session, ticket, handle, slot);
        if (st != WEIR_MORE) {
            return st;
        }
        if (!pump(&rig->session, script)) {
            return WEIR_MORE;
        }
    }
}

static weir_status next_entry(struct rig *rig, struct script *script, weir_slot *slot,
                              weir_entry *entry) {
    weir_session_unpin(&rig->session, slot);
    for (;;) {
        weir_status st = weir_session_next_entry(&rig->session, slot, entry);
        if (st != WEIR_MORE) {
            return st;
        }
        if (!pump(&rig->session, script)) {
            return WEIR_MORE;
        }
    }
}

/* The next entry is `id` with one field of name "f" and that value. */
static void expect_entry(struct rig *rig, struct script *script, weir_slot *slot,
                         uint64_t ms, const char *value) {
    weir_entry entry;
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_int_equal(entry.state, WEIR_ENTRY_WHOLE);
    assert_int_equal(entry.id.ms, ms);
    assert_int_equal(entry.field_count, 1);
    assert_view(entry.fields[0].name, "f");
    assert_view(entry.fields[0].value, value);
}

static void expect_end(struct rig *rig, struct script *script, weir_slot *slot) {
    weir_entry entry;
    assert_status(next_entry(rig, script, slot, &entry), WEIR_END);
    weir_session_close_slot(&rig->session, slot);
}

static void expect_integer(struct rig *rig, struct script *script, uint64_t ticket,
                           int64_t number) {
    weir_token token;
    assert_status(take(rig, script, ticket, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_INTEGER);
    assert_int_equal(token.number, number);
}

#define ENTRY(ms, value) "*2\r\n$3\r\n" ms "-0\r\n*2\r\n$1\r\nf\r\n$1\r\n" value "\r\n"

/* ---- answers in order ---- */

static void run_tokens(struct rig *rig, struct script *script) {
    uint64_t one = ask(&rig->session, WEIR_ANSWER_COUNT);
    uint64_t two = ask(&rig->session, WEIR_ANSWER_COUNT);
    uint64_t three = ask(&rig->session, WEIR_ANSWER_ID);
    expect_integer(rig, script, one, 1);
    weir_token token;
    assert_status(take(rig, script, two, &token), WEIR_ERR_SERVER);
    assert_string_equal(rig->session.error.code, "WRONGTYPE");
    assert_string_equal(rig->session.error.text, "peer: WRONGTYPE no stream");
    assert_status(take(rig, script, three, &token), WEIR_OK);
    assert_view(token.bytes, "7-7");
    assert_int_equal(weir_session_due(&rig->session), 0);
}

static void session_gives_answers_in_order(void **state) {
    (void)state;
    run_every_cut(run_tokens, WIRE(":1\r\n-WRONGTYPE no stream\r\n$3\r\n7-7\r\n"));
}

static void session_passes_over_pushes_and_attributes(void **state) {
    (void)state;
    run_every_cut(
        run_tokens,
        WIRE(">2\r\n+message\r\n$2\r\nhi\r\n:1\r\n|1\r\n+ttl\r\n:3\r\n-WRONGTYPE no "
             "stream\r\n>1\r\n+x\r\n|1\r\n+k\r\n*1\r\n:1\r\n$3\r\n7-7\r\n>1\r\n+y\r\n"));
}

static void run_later_first(struct rig *rig, struct script *script) {
    uint64_t one = ask(&rig->session, WEIR_ANSWER_COUNT);
    uint64_t two = ask(&rig->session, WEIR_ANSWER_COUNT);
    uint64_t three = ask(&rig->session, WEIR_ANSWER_COUNT);
    expect_integer(rig, script, three, 3);
    assert_int_equal(weir_session_due(&rig->session), one);
    expect_integer(rig, script, one, 1);
    assert_int_equal(weir_session_due(&rig->session), two);
    expect_integer(rig, script, two, 2);
    assert_int_equal(weir_session_due(&rig->session), 0);
    assert_int_equal(rig->session.untaken, 0);
    assert_int_equal(weir_buffer_len(&rig->session.in), 0);
}

static void session_keeps_earlier_answers_for_later(void **state) {
    (void)state;
    run_every_cut(run_later_first, WIRE(":1\r\n:2\r\n:3\r\n"));
    run_every_cut(run_later_first,
                  WIRE(">1\r\n+a\r\n:1\r\n>1\r\n+b\r\n:2\r\n>1\r\n+c\r\n:3\r\n"));
}

static void run_abandoned(struct rig *rig, struct script *script) {
    uint64_t one = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t two = ask(&rig->session, WEIR_ANSWER_COUNT);
    weir_session_abandon(&rig->session, one);
    expect_integer(rig, script, two, 2);
}

static void session_passes_over_an_abandoned_answer(void **state) {
    (void)state;
    run_every_cut(run_abandoned, WIRE("*2\r\n" ENTRY("1", "a") ENTRY("2", "b") ":2\r\n"));
}

static void run_aggregate(struct rig *rig, struct script *script) {
    uint64_t one = ask(&rig->session, WEIR_ANSWER_COUNT);
    uint64_t two = ask(&rig->session, WEIR_ANSWER_COUNT);
    weir_token token;
    assert_status(take(rig, script, one, &token), WEIR_ERR_REPLY);
    expect_integer(rig, script, two, 2);
}

static void session_stays_in_step_after_an_answer_of_wrong_shape(void **state) {
    (void)state;
    run_every_cut(run_aggregate, WIRE("*2\r\n:8\r\n*1\r\n$1\r\nz\r\n:2\r\n"));
    run_every_cut(run_aggregate, WIRE("*0\r\n:2\r\n"));
    run_every_cut(run_aggregate, WIRE("%1\r\n+a\r\n:1\r\n:2\r\n"));
}

static void run_reply_error(struct rig *rig, struct script *script) {
    weir_slot *slot = NULL;
    uint64_t one = ask(&rig->session, WEIR_ANSWER_REPLY);
    uint64_t two = ask(&rig->session, WEIR_ANSWER_COUNT);
    weir_status st = WEIR_MORE;
    while (st == WEIR_MORE) {
        st = weir_session_open_reply(&rig->session, one, script, &slot);
        assert_true(st != WEIR_MORE || pump(&rig->session, script));
    }
    assert_status(st, WEIR_ERR_SERVER);
    assert_string_equal(rig->session.error.code, "WRONGTYPE");
    assert_null(slot);
    expect_integer(rig, script, two, 2);
}

static void a_reply_that_is_an_error_is_told_at_once(void **state) {
    (void)state;
    run_every_cut(run_reply_error, WIRE("-WRONGTYPE no stream\r\n:2\r\n"));
    run_every_cut(run_reply_error, WIRE("!12\r\nWRONGTYPE no\r\n:2\r\n"));
    run_every_cut(run_reply_error,
                  WIRE("|1\r\n+ttl\r\n:3\r\n-WRONGTYPE no stream\r\n:2\r\n"));
}

/* ---- iterators ---- */

static void run_range(struct rig *rig, struct script *script) {
    weir_slot *slot;
    uint64_t range = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, range, script, &slot), WEIR_OK);
    expect_entry(rig, script, slot, 1, "a");
    expect_entry(rig, script, slot, 2, "b");
    expect_entry(rig, script, slot, 3, "c");
    expect_end(rig, script, slot);
    expect_integer(rig, script, count, 5);
}

#define THREE ENTRY("1", "a") ENTRY("2", "b") ENTRY("3", "c")

static void iterator_gives_the_entries_of_a_range(void **state) {
    (void)state;
    run_every_cut(run_range, WIRE("*3\r\n" THREE ":5\r\n"));
    run_every_cut(run_range, WIRE("*3\r\n|1\r\n+k\r\n+v\r\n" THREE ":5\r\n"));
}

/* The answer of a call inside the loop lies behind the entries that have not been read. */
static void run_nested(struct rig *rig, struct script *script) {
    weir_slot *slot;
    weir_entry entry;
    uint64_t range = ask(&rig->session, WEIR_ANSWER_RANGE);
    assert_status(open_entries(rig, script, range, script, &slot), WEIR_OK);
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    expect_integer(rig, script, ask(&rig->session, WEIR_ANSWER_COUNT), 5);
    assert_view(entry.fields[0].value, "a");
    assert_int_equal(rig->session.next - rig->session.first, 1); /* nothing left behind */
    expect_entry(rig, script, slot, 2, "b");
    expect_integer(rig, script, ask(&rig->session, WEIR_ANSWER_COUNT), 6);
    expect_entry(rig, script, slot, 3, "c");
    expect_end(rig, script, slot);
    expect_integer(rig, script, ask(&rig->session, WEIR_ANSWER_COUNT), 7);
    assert_int_equal(weir_buffer_len(&rig->session.in), 0);
}

static void calls_inside_a_loop_leave_the_entry_in_hand_good(void **state) {
    (void)state;
    /* what comes behind an answer before it is asked for would be a fault: one piece each
     */
    struct rig rig;
    weir_view wire = WIRE("*3\r\n" THREE ":5\r\n:6\r\n:7\r\n");
    start_rig(&rig, 64, 4096);
    struct script script = {wire, 1, 0};
    run_nested(&rig, &script);
    stop_rig(&rig);
    size_t answers = wire.len - 3 * 4;
    for (size_t cut = 1; cut <= answers; cut++) {
        start_rig(&rig, 64, 4096);
        script = (struct script){wire, 1, cut};
        run_nested(&rig, &script);
        stop_rig(&rig);
    }
}

static void run_nested_range(struct rig *rig, struct script *script) {
    weir_slot *outer;
    weir_slot *inner;
    int handles[2];
    weir_entry outer_entry;
    uint64_t one = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t two = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t three = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, one, &handles[0], &outer), WEIR_OK);
    assert_status(next_entry(rig, script, outer, &outer_entry), WEIR_OK);
    assert_status(open_entries(rig, script, two, &handles[1], &inner), WEIR_OK);
    expect_entry(rig, script, inner, 4, "d");
    expect_integer(rig, script, three, 9);
    assert_view(outer_entry.fields[0].value, "a");
    expect_entry(rig, script, outer, 2, "b");
    expect_entry(rig, script, inner, 5, "e");
    expect_entry(rig, script, outer, 3, "c");
    expect_end(rig, script, outer);
    expect_end(rig, script, inner);
    assert_int_equal(weir_buffer_len(&rig->session.in), 0);
}

static void two_iterators_can_be_open_at_once(void **state) {
    (void)state;
    run_every_cut(run_nested_range,
                  WIRE("*3\r\n" THREE "*2\r\n" ENTRY("4", "d") ENTRY("5", "e") ":9\r\n"));
}

static void run_left_early(struct rig *rig, struct script *script) {
    weir_slot *slot;
    uint64_t range = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, range, script, &slot), WEIR_OK);
    expect_entry(rig, script, slot, 1, "a");
    weir_session_close_slot(&rig->session, slot);
    expect_integer(rig, script, count, 5);
    assert_int_equal(weir_buffer_len(&rig->session.in), 0);
}

static void iterator_can_be_left_early(void **state) {
    (void)state;
    run_every_cut(run_left_early, WIRE("*3\r\n" THREE ":5\r\n"));
}

static void run_reused(struct rig *rig, struct script *script) {
    weir_slot *slot;
    uint64_t one = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t two = ask(&rig->session, WEIR_ANSWER_RANGE);
    assert_status(open_entries(rig, script, one, script, &slot), WEIR_OK);
    expect_entry(rig, script, slot, 1, "a");
    assert_status(open_entries(rig, script, two, script, &slot), WEIR_OK);
    expect_entry(rig, script, slot, 4, "d");
    expect_end(rig, script, slot);
    assert_int_equal(weir_buffer_len(&rig->session.in), 0);
}

static void iterator_ends_when_its_variable_is_used_again(void **state) {
    (void)state;
    run_every_cut(run_reused, WIRE("*3\r\n" THREE "*1\r\n" ENTRY("4", "d")));
}

static void run_empty(struct rig *rig, struct script *script) {
    weir_slot *slot;
    uint64_t range = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t streams = ask(&rig->session, WEIR_ANSWER_STREAMS);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, range, script, &slot), WEIR_OK);
    expect_end(rig, script, slot);
    assert_status(open_entries(rig, script, streams, script, &slot), WEIR_OK);
    expect_end(rig, script, slot);
    expect_integer(rig, script, count, 5);
}

static void an_iterator_opened_in_two_tries_belongs_to_the_second_variable(void **state) {
    (void)state;
    struct rig rig;
    struct script script = {weir_bytes(NULL, 0), 64, 0};
    int one = 1;
    int two = 2;
    weir_slot *slot;
    weir_slot *later;
    start_rig(&rig, 64, 4096);
    uint64_t range = ask(&rig.session, WEIR_ANSWER_RANGE);
    uint64_t next = ask(&rig.session, WEIR_ANSWER_RANGE);
    assert_true(feed(&rig.session, WIRE("*1")));
    assert_status(weir_session_open_entries(&rig.session, range, &one, &slot), WEIR_MORE);
    assert_true(feed(&rig.session, WIRE("\r\n" ENTRY("1", "a") "*1\r\n" ENTRY("2", "b"))));
    assert_status(weir_session_open_entries(&rig.session, range, &two, &slot), WEIR_OK);
    assert_status(weir_session_open_entries(&rig.session, next, &one, &later), WEIR_OK);
    expect_entry(&rig, &script, slot, 1, "a"); /* still open */
    expect_entry(&rig, &script, later, 2, "b");
    stop_rig(&rig);
}

static void nothing_is_an_iterator_that_ends_at_once(void **state) {
    (void)state;
    run_every_cut(run_empty, WIRE("*0\r\n*-1\r\n:5\r\n"));
    run_every_cut(run_empty, WIRE("*-1\r\n_\r\n:5\r\n"));
    run_every_cut(run_empty, WIRE("_\r\n%0\r\n:5\r\n"));
    run_every_cut(run_empty, WIRE("$-1\r\n*0\r\n:5\r\n"));
}

static void run_streams(struct rig *rig, struct script *script) {
    weir_slot *slot;
    weir_entry entry;
    uint64_t streams = ask(&rig->session, WEIR_ANSWER_STREAMS);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, streams, script, &slot), WEIR_OK);
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_view(entry.stream, "left");
    assert_view(entry.fields[0].value, "a");
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_view(entry.stream, "left");
    assert_int_equal(entry.id.ms, 2);
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_view(entry.stream, "right");
    assert_int_equal(entry.id.ms, 3);
    expect_end(rig, script, slot);
    expect_integer(rig, script, count, 5);
}

static void iterator_names_the_stream_of_each_entry(void **state) {
    (void)state;
    run_every_cut(run_streams,
                  WIRE("*2\r\n*2\r\n$4\r\nleft\r\n*2\r\n" ENTRY("1", "a") ENTRY(
                      "2", "b") "*2\r\n$5\r\nright\r\n*1\r\n" ENTRY("3", "c") ":5\r\n"));
    run_every_cut(run_streams,
                  WIRE("%2\r\n$4\r\nleft\r\n*2\r\n" ENTRY("1", "a") ENTRY(
                      "2", "b") "$5\r\nright\r\n*1\r\n" ENTRY("3", "c") ":5\r\n"));
}

static void run_states(struct rig *rig, struct script *script) {
    weir_slot *slot;
    weir_entry entry;
    uint64_t streams = ask(&rig->session, WEIR_ANSWER_STREAMS);
    assert_status(open_entries(rig, script, streams, script, &slot), WEIR_OK);
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_int_equal(entry.state, WEIR_ENTRY_DELETED);
    assert_int_equal(entry.id.ms, 1);
    assert_int_equal(entry.field_count, 0);
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_int_equal(entry.state, WEIR_ENTRY_WHOLE);
    assert_int_equal(entry.idle_ms, 5000);
    assert_int_equal(entry.deliveries, INT64_MAX);
    expect_end(rig, script, slot);
}

static void entries_tell_that_they_were_deleted_or_delivered_before(void **state) {
    (void)state;
    run_every_cut(run_states,
                  WIRE("%1\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-0\r\n_\r\n"
                       "*4\r\n$3\r\n2-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n:5000\r\n"
                       ":9223372036854775807\r\n"));
}

static void run_autoclaim(struct rig *rig, struct script *script) {
    weir_slot *slot;
    weir_entry entry;
    uint64_t claim = ask(&rig->session, WEIR_ANSWER_AUTOCLAIM);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, claim, script, &slot), WEIR_OK);
    assert_int_equal(slot->next.ms, 7);
    expect_entry(rig, script, slot, 1, "a");
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_int_equal(entry.state, WEIR_ENTRY_PURGED);
    assert_int_equal(entry.id.ms, 8);
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_int_equal(entry.id.ms, 9);
    expect_end(rig, script, slot);
    expect_integer(rig, script, count, 5);
}

static void autoclaim_tells_deleted_ids_apart_from_claimed_ones(void **state) {
    (void)state;
    run_every_cut(run_autoclaim, WIRE("*3\r\n$3\r\n7-0\r\n*1\r\n" ENTRY(
                                     "1", "a") "*2\r\n$3\r\n8-0\r\n$3\r\n9-0\r\n:5\r\n"));
}

static void run_autoclaim_62(struct rig *rig, struct script *script) {
    weir_slot *slot;
    uint64_t claim = ask(&rig->session, WEIR_ANSWER_AUTOCLAIM);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, claim, script, &slot), WEIR_OK);
    expect_entry(rig, script, slot, 1, "a");
    expect_end(rig, script, slot);
    expect_integer(rig, script, count, 5);
}

static void autoclaim_of_redis_6_is_read_too(void **state) {
    (void)state;
    run_every_cut(run_autoclaim_62,
                  WIRE("*2\r\n$3\r\n0-0\r\n*2\r\n*-1\r\n" ENTRY("1", "a") ":5\r\n"));
}

static void run_ids(struct rig *rig, struct script *script) {
    weir_slot *slot;
    weir_entry entry;
    uint64_t claim = ask(&rig->session, WEIR_ANSWER_RANGE);
    assert_status(open_entries(rig, script, claim, script, &slot), WEIR_OK);
    assert_status(next_entry(rig, script, slot, &entry), WEIR_OK);
    assert_int_equal(entry.state, WEIR_ENTRY_ID_ONLY);
    assert_int_equal(entry.id.seq, 4);
    expect_end(rig, script, slot);
}

static void ids_alone_are_entries_without_fields(void **state) {
    (void)state;
    run_every_cut(run_ids, WIRE("*1\r\n$3\r\n1-4\r\n"));
}

/* ---- shapes that are not what they should be ---- */

static void run_bad_open(struct rig *rig, struct script *script) {
    weir_slot *slot;
    uint64_t range = ask(&rig->session, WEIR_ANSWER_STREAMS);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    weir_entry entry;
    weir_status st = open_entries(rig, script, range, script, &slot);
    if (st == WEIR_OK) {
        st = next_entry(rig, script, slot, &entry);
        weir_session_close_slot(&rig->session, slot);
    }
    assert_status(st, WEIR_ERR_REPLY);
    expect_integer(rig, script, count, 5);
}

static void iterator_refuses_other_shapes_and_stays_in_step(void **state) {
    (void)state;
    static const char *const shapes[] = {
        "+OK\r\n",
        ":3\r\n",
        "*1\r\n:3\r\n",
        "*1\r\n*3\r\n+a\r\n+b\r\n+c\r\n",
        "%1\r\n:1\r\n*0\r\n",
        "%1\r\n$1\r\ns\r\n:1\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n:1\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*1\r\n$3\r\n1-0\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-x\r\n*2\r\n+a\r\n+b\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$1\r\n1\r\n*2\r\n+a\r\n+b\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*1\r\n+a\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*0\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n%1\r\n+a\r\n+b\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n+a\r\n*0\r\n",
        "%1\r\n$1\r\ns\r\n*1\r\n*4\r\n$3\r\n1-0\r\n*2\r\n+a\r\n+b\r\n+c\r\n:1\r\n",
        "$?\r\n;1\r\na\r\n;0\r\n",
        "*?\r\n.\r\n",
        "%?\r\n.\r\n",
        "%1\r\n$1\r\ns\r\n*?\r\n*2\r\n$3\r\n1-0\r\n*2\r\n+a\r\n+b\r\n.\r\n",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char wire[256];
        size_t len = strlen(shapes[i]);
        memcpy(wire, shapes[i], len);
        memcpy(wire + len, ":5\r\n", 4);
        run_every_cut(run_bad_open, weir_bytes(wire, len + 4));
    }
}

static void run_error_open(struct rig *rig, struct script *script) {
    weir_slot *slot;
    uint64_t range = ask(&rig->session, WEIR_ANSWER_STREAMS);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    assert_status(open_entries(rig, script, range, script, &slot), WEIR_ERR_SERVER);
    assert_string_equal(rig->session.error.code, "NOGROUP");
    expect_integer(rig, script, count, 5);
}

static void iterator_tells_the_servers_error_when_it_is_opened(void **state) {
    (void)state;
    run_every_cut(run_error_open, WIRE("-NOGROUP No such key\r\n:5\r\n"));
    run_every_cut(run_error_open, WIRE("!12\r\nNOGROUP gone\r\n:5\r\n"));
}

static void run_broken(struct rig *rig, struct script *script) {
    weir_slot *slot;
    weir_entry entry;
    uint64_t range = ask(&rig->session, WEIR_ANSWER_RANGE);
    uint64_t count = ask(&rig->session, WEIR_ANSWER_COUNT);
    weir_status st = open_entries(rig, script, range, script, &slot);
    if (st == WEIR_OK) {
        st = next_entry(rig, script, slot, &entry);
        st = st == WEIR_OK ? next_entry(rig, script, slot, &entry) : st;
        weir_session_close_slot(&rig->session, slot);
    }
    assert_status(st, WEIR_ERR_PROTOCOL);
    weir_token token;
    assert_status(take(rig, script, count, &token), WEIR_ERR_PROTOCOL);
    char *at;
    assert_status(weir_session_reserve(&rig->session, 1, 1, &at), WEIR_ERR_PROTOCOL);
}

static void broken_bytes_end_the_connection_for_good(void **state) {
    (void)state;
    run_every_cut(run_broken, WIRE("HTTP/1.1 400 Bad Request\r\n\r\n"));
    run_every_cut(run_broken, WIRE("*2\r\n" ENTRY("1", "a") "*2\r\n$3\r\n1-0XX*2\r\n"));
    run_every_cut(run_broken, WIRE("*2\r\n" ENTRY("1", "a") "x"));
    run_every_cut(run_broken, WIRE("*2\r\n>1\r\n+a\r\n"));
}

/* An attribute, a piece of which was looked at for a take, belongs to the answer also for
 * another way of taking it: its parts are never the answer. */
static void an_attribute_that_came_in_part_is_never_the_answer(void **state) {
    (void)state;
    const weir_view wire = WIRE("|1\r\n+k\r\n:1\r\n-ERR no\r\n");
    for (size_t cut = 0; cut < wire.len; cut++) {
        struct rig rig;
        weir_token token;
        weir_view whole;
        start_rig(&rig, 64, 4096);
        uint64_t ticket = ask(&rig.session, WEIR_ANSWER_COUNT);
        feed(&rig.session, weir_bytes(wire.data, cut));
        assert_status(weir_session_take_token(&rig.session, ticket, &token), WEIR_MORE);
        feed(&rig.session, weir_bytes(wire.data + cut, wire.len - cut));
        assert_status(weir_session_take_whole(&rig.session, ticket, &whole), WEIR_OK);
        assert_true(whole.len == wire.len && memcmp(whole.data, wire.data, whole.len) == 0);
        stop_rig(&rig);
    }
}

static void session_names_a_peer_that_is_no_redis(void **state) {
    (void)state;
    struct rig rig;
    weir_token token;
    start_rig(&rig, 64, 4096);
    rig.session.in.offset = 0; /* as if nothing had come before */
    rig.session.ahead_at = 0;
    uint64_t ticket = ask(&rig.session, WEIR_ANSWER_COUNT);
    feed(&rig.session, WIRE("HTTP/1.1 400 Bad Request\r\n"));
    assert_status(weir_session_take_token(&rig.session, ticket, &token), WEIR_ERR_PROTOCOL);
    assert_non_null(strstr(rig.session.error.text, "it speaks HTTP"));
    stop_rig(&rig);
}

static void an_answer_that_nobody_asked_for_ends_the_connection(void **state) {
    (void)state;
    struct rig rig;
    char *at;
    start_rig(&rig, 64, 4096);
    feed(&rig.session, WIRE("+OK\r\n"));
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_ERR_PROTOCOL);
    stop_rig(&rig);
    start_rig(&rig, 64, 4096);
    feed(&rig.session, WIRE("+O"));
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_ERR_PROTOCOL);
    stop_rig(&rig);
}

static void the_servers_last_words_are_told(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 64, 4096);
    feed(&rig.session, WIRE("-ERR max number of clients reached\r\n"));
    assert_status(rig.session.failure, WEIR_ERR_CLOSED);
    assert_non_null(strstr(rig.session.error.text, "max number of clients"));
    stop_rig(&rig);
}

/* ---- ceilings ---- */

/* Pumps, making way where there is no room. */
static weir_status next_with_way(struct rig *rig, struct script *script, weir_slot *slot,
                                 weir_entry *entry) {
    weir_session_unpin(&rig->session, slot);
    for (;;) {
        weir_status st = weir_session_next_entry(&rig->session, slot, entry);
        if (st != WEIR_MORE) {
            return st;
        }
        char *at;
        size_t room;
        while (weir_session_room(&rig->session, &at, &room) != WEIR_OK) {
            assert_status(weir_session_make_way(&rig->session, slot->ticket), WEIR_OK);
        }
        assert_true(script->left.len > 0);
        size_t count = room < script->piece ? room : script->piece;
        script->piece = count;
        pump(&rig->session, script);
    }
}

static void an_entry_beyond_the_ceiling_is_passed_over_with_both_sizes(void **state) {
    (void)state;
    static char wire[4096];
    size_t len = 0;
    memcpy(wire, "*3\r\n" ENTRY("1", "a"), 4 + strlen(ENTRY("1", "a")));
    len = strlen("*3\r\n" ENTRY("1", "a"));
    const char *head = "*2\r\n$3\r\n2-9\r\n*2\r\n$1\r\nf\r\n$1000\r\n";
    memcpy(wire + len, head, strlen(head));
    len += strlen(head);
    memset(wire + len, 'x', 1000);
    len += 1000;
    const char *tail = "\r\n" ENTRY("3", "c") ":5\r\n";
    memcpy(wire + len, tail, strlen(tail));
    len += strlen(tail);
    for (size_t piece = 1; piece < 80; piece++) {
        struct rig rig;
        struct script script = {weir_bytes(wire, len), piece, 0};
        weir_slot *slot;
        weir_entry entry;
        start_rig(&rig, 128, 256);
        uint64_t range = ask(&rig.session, WEIR_ANSWER_RANGE);
        uint64_t count = ask(&rig.session, WEIR_ANSWER_COUNT);
        assert_status(open_entries(&rig, &script, range, &script, &slot), WEIR_OK);
        assert_status(next_with_way(&rig, &script, slot, &entry), WEIR_OK);
        assert_status(next_with_way(&rig, &script, slot, &entry), WEIR_ERR_LIMIT);
        assert_string_equal(
            rig.session.error.text,
            "peer: entry 2-9 takes 1033 bytes, limits.receive_bytes is 256; it "
            "was passed over");
        assert_status(next_with_way(&rig, &script, slot, &entry), WEIR_OK);
        assert_int_equal(entry.id.ms, 3);
        assert_status(next_with_way(&rig, &script, slot, &entry), WEIR_END);
        weir_session_close_slot(&rig.session, slot);
        script.piece = 64;
        expect_integer(&rig, &script, count, 5);
        assert_true(rig.counts.peak < 16384);
        stop_rig(&rig);
    }
}

static void a_call_inside_a_loop_takes_the_room_of_what_is_left(void **state) {
    (void)state;
    struct rig rig;
    weir_slot *slot;
    weir_entry entry;
    weir_token token;
    static char wire[8192];
    size_t len = 6;
    memcpy(wire, "*99\r\n", 5);
    len = 5;
    for (int i = 0; i < 99; i++) {
        memcpy(wire + len, ENTRY("1", "a"), strlen(ENTRY("1", "a")));
        len += strlen(ENTRY("1", "a"));
    }
    memcpy(wire + len, ":5\r\n", 4);
    len += 4;
    start_rig(&rig, 128, 512);
    struct script script = {weir_bytes(wire, len), 50, 0};
    uint64_t range = ask(&rig.session, WEIR_ANSWER_RANGE);
    assert_status(open_entries(&rig, &script, range, &script, &slot), WEIR_OK);
    assert_status(next_entry(&rig, &script, slot, &entry), WEIR_OK);
    uint64_t count = ask(&rig.session, WEIR_ANSWER_COUNT);
    weir_status st;
    while ((st = weir_session_take_token(&rig.session, count, &token)) == WEIR_MORE) {
        char *at;
        size_t room;
        while (weir_session_room(&rig.session, &at, &room) != WEIR_OK) {
            assert_status(weir_session_make_way(&rig.session, count), WEIR_OK);
        }
        script.piece = room < 50 ? room : 50;
        assert_true(script.left.len > 0);
        pump(&rig.session, &script);
    }
    assert_status(st, WEIR_OK);
    assert_int_equal(token.number, 5);
    assert_true(slot->is_dropped);
    assert_view(entry.fields[0].value, "a"); /* the entry in hand is still good */
    weir_session_close_slot(&rig.session, slot);
    stop_rig(&rig);
}

/* Feeds what there is, and makes way for the answer of `ticket` once it does not fit. */
static weir_status open_with_way(struct rig *rig, struct script *script, uint64_t ticket,
                                 const void *handle) {
    weir_slot *slot;
    weir_status st;
    while ((st = weir_session_open_entries(&rig->session, ticket, handle, &slot)) ==
           WEIR_MORE) {
        char *at;
        size_t room;
        if (weir_session_room(&rig->session, &at, &room) != WEIR_OK) {
            return weir_session_make_way(&rig->session, ticket);
        }
        script->piece = room;
        assert_true(script->left.len > 0);
        pump(&rig->session, script);
    }
    return st;
}

#define TEN     "xxxxxxxxxx"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void an_answer_given_up_at_its_head_leaves_no_iterator_open(void **state) {
    (void)state;
    struct rig rig;
    struct script script = {WIRE("|1\r\n+k\r\n*4\r\n$100\r\n" HUNDRED "\r\n$100\r\n" HUNDRED
                                 "\r\n$100\r\n" HUNDRED "\r\n$100\r\n" HUNDRED
                                 "\r\n*1\r\n$3\r\n1-0\r\n"),
                            50, 0};
    start_rig(&rig, 128, 256);
    uint64_t range = ask(&rig.session, WEIR_ANSWER_RANGE);
    uint64_t count = ask(&rig.session, WEIR_ANSWER_COUNT);
    assert_status(open_with_way(&rig, &script, range, &script), WEIR_ERR_LIMIT);
    for (size_t i = 0; i < WEIR_MAX_SLOTS; i++) {
        assert_true(rig.session.slots[i] == NULL || rig.session.slots[i]->serial == 0);
    }
    assert_true(feed(&rig.session, script.left));
    script.left = WIRE(":5\r\n");
    expect_integer(&rig, &script, count, 5);
    stop_rig(&rig);
}

static void a_line_that_fills_the_buffer_ends_the_connection(void **state) {
    (void)state;
    struct rig rig;
    struct script script = {WIRE("*2\r\n+" HUNDRED HUNDRED HUNDRED HUNDRED), 50, 0};
    start_rig(&rig, 128, 256);
    uint64_t streams = ask(&rig.session, WEIR_ANSWER_AUTOCLAIM);
    assert_status(open_with_way(&rig, &script, streams, &script), WEIR_ERR_PROTOCOL);
    assert_non_null(strstr(rig.session.error.text, "a line longer than"));
    stop_rig(&rig);
}

static void calls_inside_two_loops_leave_nothing_behind(void **state) {
    (void)state;
    struct rig rig;
    struct script script = {WIRE(""), 64, 0};
    weir_slot *outer;
    weir_slot *inner;
    start_rig(&rig, 64, 256);
    uint64_t first = ask(&rig.session, WEIR_ANSWER_RANGE);
    uint64_t second = ask(&rig.session, WEIR_ANSWER_RANGE);
    assert_true(feed(&rig.session,
                     WIRE("*2\r\n" ENTRY("1", "a") ENTRY("2", "b") "*2\r\n" ENTRY("3", "c")
                              ENTRY("4", "d"))));
    assert_status(open_entries(&rig, &script, first, &outer, &outer), WEIR_OK);
    assert_status(open_entries(&rig, &script, second, &inner, &inner), WEIR_OK);
    for (int i = 0; i < 1000; i++) {
        uint64_t count = ask(&rig.session, WEIR_ANSWER_COUNT);
        script.left = WIRE(":5\r\n");
        expect_integer(&rig, &script, count, 5);
    }
    expect_entry(&rig, &script, inner, 3, "c");
    expect_entry(&rig, &script, inner, 4, "d");
    weir_session_close_slot(&rig.session, inner);
    expect_entry(&rig, &script, outer, 1, "a");
    expect_entry(&rig, &script, outer, 2, "b");
    weir_session_close_slot(&rig.session, outer);
    script.left = WIRE(":6\r\n");
    expect_integer(&rig, &script, ask(&rig.session, WEIR_ANSWER_COUNT), 6);
    stop_rig(&rig);
}

static void too_many_requests_are_refused(void **state) {
    (void)state;
    struct rig rig;
    char *at;
    start_rig(&rig, 64, 4096);
    uint64_t first = 0;
    for (int i = 0; i < 64; i++) {
        uint64_t ticket = ask(&rig.session, WEIR_ANSWER_COUNT);
        first = first != 0 ? first : ticket;
    }
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_ERR_FULL);
    struct script script = {WIRE(":0\r\n"), 4, 0};
    expect_integer(&rig, &script, first, 0);
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_OK);
    stop_rig(&rig);
}

static void unsent_bytes_have_a_ceiling(void **state) {
    (void)state;
    struct rig rig;
    char *at;
    start_rig(&rig, 64, 4096);
    assert_status(weir_session_reserve(&rig.session, 4097, 4097, &at), WEIR_ERR_LIMIT);
    assert_status(weir_session_reserve(&rig.session, 4000, 4000, &at), WEIR_OK);
    memset(at, 'x', 4000);
    weir_session_commit(&rig.session, 4000, WEIR_ANSWER_COUNT, 0, 0);
    assert_status(weir_session_reserve(&rig.session, 97, 97, &at), WEIR_ERR_FULL);
    assert_status(weir_session_reserve(&rig.session, 96, 96, &at), WEIR_OK);
    weir_session_sent(&rig.session, 1000);
    assert_status(weir_session_reserve(&rig.session, 1000, 1000, &at), WEIR_OK);
    stop_rig(&rig);
}

/* ---- time ---- */

static void a_request_that_is_not_answered_in_time_ends_the_connection(void **state) {
    (void)state;
    struct rig rig;
    char *at;
    start_rig(&rig, 64, 4096);
    rig.session.timeout_ms = 100;
    assert_true(weir_session_deadline(&rig.session) == INT64_MAX);
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_OK);
    *at = 'x';
    weir_session_commit(&rig.session, 1, WEIR_ANSWER_COUNT, 0, 1000);
    assert_int_equal(weir_session_deadline(&rig.session), 1100);
    assert_status(weir_session_tick(&rig.session, 1099), WEIR_OK);
    assert_status(weir_session_tick(&rig.session, 500),
                  WEIR_OK); /* a clock that jumps back */
    assert_status(weir_session_tick(&rig.session, 1100), WEIR_ERR_TIMEOUT);
    assert_status(weir_session_tick(&rig.session, 0), WEIR_ERR_TIMEOUT);
    stop_rig(&rig);
}

static void answers_that_wait_to_be_taken_are_not_late(void **state) {
    (void)state;
    struct rig rig;
    struct script script = {WIRE(""), 64, 0};
    start_rig(&rig, 64, 128);
    rig.session.timeout_ms = 100;
    uint64_t first = ask(&rig.session, WEIR_ANSWER_COUNT);
    uint64_t second = ask(&rig.session, WEIR_ANSWER_REPLY);
    assert_true(feed(&rig.session, WIRE(">1\r\n+x\r\n:1\r\n>1\r\n+y\r\n+OK\r\n>1")));
    assert_status(weir_session_tick(&rig.session, 1000), WEIR_OK);
    assert_int_equal(weir_session_deadline(&rig.session), 1100);
    assert_status(weir_session_tick(&rig.session, 1100), WEIR_OK);
    expect_integer(&rig, &script, first, 1);
    assert_status(weir_session_tick(&rig.session, 1200), WEIR_OK);
    weir_session_abandon(&rig.session, second);
    assert_true(feed(&rig.session, WIRE("\r\n+z\r\n")));
    ask(&rig.session, WEIR_ANSWER_COUNT);
    assert_true(feed(&rig.session, WIRE(":1\r")));
    assert_status(weir_session_tick(&rig.session, 1300), WEIR_ERR_TIMEOUT);
    stop_rig(&rig);
}

static void a_peer_that_is_not_listened_to_is_not_late(void **state) {
    (void)state;
    struct rig rig;
    struct script script = {WIRE(""), 64, 0};
    weir_slot *slot;
    start_rig(&rig, 64, 128);
    rig.session.timeout_ms = 100;
    uint64_t range = ask(&rig.session, WEIR_ANSWER_RANGE);
    assert_false(
        feed(&rig.session, WIRE("*9\r\n" ENTRY("1", "a") ENTRY("2", "b") ENTRY("3", "c")
                                    ENTRY("4", "d") ENTRY("5", "e") ENTRY("6", "f"))));
    assert_status(open_entries(&rig, &script, range, &script, &slot), WEIR_OK);
    assert_false(feed(&rig.session, WIRE(ENTRY("7", "g"))));
    assert_status(weir_session_tick(&rig.session, 1000), WEIR_OK);
    expect_entry(&rig, &script, slot, 1, "a");
    assert_status(weir_session_tick(&rig.session, 1100), WEIR_ERR_TIMEOUT);
    stop_rig(&rig);
}

static void a_blocking_request_has_its_time_on_top(void **state) {
    (void)state;
    struct rig rig;
    char *at;
    start_rig(&rig, 64, 4096);
    rig.session.timeout_ms = 100;
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_OK);
    *at = 'x';
    weir_session_commit(&rig.session, 1, WEIR_ANSWER_COUNT, 5000, 1000);
    assert_int_equal(weir_session_deadline(&rig.session), 6100);
    stop_rig(&rig);
    start_rig(&rig, 64, 4096);
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_OK);
    *at = 'x';
    weir_session_commit(&rig.session, 1, WEIR_ANSWER_COUNT, WEIR_FOREVER, 1000);
    assert_true(weir_session_deadline(&rig.session) == INT64_MAX);
    stop_rig(&rig);
}

/* ---- memory ---- */

static void session_survives_every_failing_allocation(void **state) {
    (void)state;
    weir_status st = WEIR_ERR_NOMEM;
    for (size_t allowed = 0; st != WEIR_OK; allowed++) {
        struct rig rig;
        memset(&rig, 0, sizeof rig);
        rig.counts.allowed = allowed;
        rig.mem = support_mem(&rig.counts);
        weir_session_sizes sizes = sizes_for(64, 4096);
        sizes.is_fixed = true;
        sizes.fixed_fields = 4;
        sizes.fixed_key = 16;
        st = weir_session_init(&rig.session, &rig.mem, &sizes, &PLAIN, "peer");
        assert_true(st == WEIR_OK || st == WEIR_ERR_NOMEM);
        if (st == WEIR_OK) {
            weir_session_free(&rig.session);
        }
        assert_int_equal(rig.counts.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_gives_answers_in_order),
        cmocka_unit_test(session_passes_over_pushes_and_attributes),
        cmocka_unit_test(an_attribute_that_came_in_part_is_never_the_answer),
        cmocka_unit_test(session_keeps_earlier_answers_for_later),
        cmocka_unit_test(session_passes_over_an_abandoned_answer),
        cmocka_unit_test(session_stays_in_step_after_an_answer_of_wrong_shape),
        cmocka_unit_test(a_reply_that_is_an_error_is_told_at_once),
        cmocka_unit_test(iterator_gives_the_entries_of_a_range),
        cmocka_unit_test(calls_inside_a_loop_leave_the_entry_in_hand_good),
        cmocka_unit_test(two_iterators_can_be_open_at_once),
        cmocka_unit_test(iterator_can_be_left_early),
        cmocka_unit_test(iterator_ends_when_its_variable_is_used_again),
        cmocka_unit_test(an_iterator_opened_in_two_tries_belongs_to_the_second_variable),
        cmocka_unit_test(nothing_is_an_iterator_that_ends_at_once),
        cmocka_unit_test(iterator_names_the_stream_of_each_entry),
        cmocka_unit_test(entries_tell_that_they_were_deleted_or_delivered_before),
        cmocka_unit_test(autoclaim_tells_deleted_ids_apart_from_claimed_ones),
        cmocka_unit_test(autoclaim_of_redis_6_is_read_too),
        cmocka_unit_test(ids_alone_are_entries_without_fields),
        cmocka_unit_test(iterator_refuses_other_shapes_and_stays_in_step),
        cmocka_unit_test(iterator_tells_the_servers_error_when_it_is_opened),
        cmocka_unit_test(broken_bytes_end_the_connection_for_good),
        cmocka_unit_test(session_names_a_peer_that_is_no_redis),
        cmocka_unit_test(an_answer_that_nobody_asked_for_ends_the_connection),
        cmocka_unit_test(the_servers_last_words_are_told),
        cmocka_unit_test(an_entry_beyond_the_ceiling_is_passed_over_with_both_sizes),
        cmocka_unit_test(a_call_inside_a_loop_takes_the_room_of_what_is_left),
        cmocka_unit_test(an_answer_given_up_at_its_head_leaves_no_iterator_open),
        cmocka_unit_test(a_line_that_fills_the_buffer_ends_the_connection),
        cmocka_unit_test(calls_inside_two_loops_leave_nothing_behind),
        cmocka_unit_test(too_many_requests_are_refused),
        cmocka_unit_test(unsent_bytes_have_a_ceiling),
        cmocka_unit_test(a_request_that_is_not_answered_in_time_ends_the_connection),
        cmocka_unit_test(answers_that_wait_to_be_taken_are_not_late),
        cmocka_unit_test(a_peer_that_is_not_listened_to_is_not_late),
        cmocka_unit_test(a_blocking_request_has_its_time_on_top),
        cmocka_unit_test(session_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
