/* A connection that ends after each byte sent and each byte received, and the next one:
 * what becomes of the requests. No sockets, no clock. SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stream/session.h"
#include "support.h"

#define REQUESTS 4
#define COMMAND  "command\r\n" /* of one request; what it says does not matter here */
#define SIZE     (sizeof COMMAND - 1)
#define GREETING "+PONG\r\n+OK\r\n+OK\r\n"

static const weir_greeter PLAIN = {.user = "", .password = "", .name = "", .protocol = 2};

struct rig {
    struct support_mem counts;
    weir_mem mem;
    weir_session session;
};

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

/* The handshake of RESP2: PING, and CLIENT SETINFO twice. */
static void greet(weir_session *session) {
    assert_status(weir_session_greet(session), WEIR_MORE);
    assert_int_not_equal(weir_session_queued(session), 0);
    weir_session_sent(session, weir_session_queued(session));
    assert_true(feed(session, WIRE(GREETING)));
    assert_status(weir_session_greet(session), WEIR_OK);
}

static void start(struct rig *rig) {
    static const weir_session_sizes sizes = {.receive_base = 64,
                                             .receive_most = 4096,
                                             .send_base = 64,
                                             .send_most = 4096,
                                             .ring_base = 1,
                                             .unanswered_most = 64,
                                             .slots = WEIR_MAX_SLOTS};
    memset(rig, 0, sizeof *rig);
    rig->counts.allowed = SIZE_MAX;
    rig->mem = support_mem(&rig->counts);
    assert_status(weir_session_init(&rig->session, &rig->mem, &sizes, &PLAIN, "peer"),
                  WEIR_OK);
    greet(&rig->session);
}

static void stop(struct rig *rig) {
    weir_session_free(&rig->session);
    assert_int_equal(rig->counts.live, 0);
}

static uint64_t ask(weir_session *session, weir_answer answer) {
    char *at;
    assert_status(weir_session_reserve(session, SIZE, SIZE, &at), WEIR_OK);
    memcpy(at, COMMAND, SIZE);
    return weir_session_commit(session, SIZE, answer, 0, 0);
}

static void lose(weir_session *session) {
    weir_session_break(session, WEIR_ERR_CLOSED, 0, "peer closed the connection");
    weir_session_resolve(session);
    weir_session_restart(session);
}

static void expect_number(weir_session *session, uint64_t ticket, int64_t number) {
    weir_token token;
    assert_int_equal(weir_session_due(session), ticket);
    assert_status(weir_session_take_token(session, ticket, &token), WEIR_OK);
    assert_int_equal(token.number, number);
}

static void expect_loss(weir_session *session, uint64_t ticket, weir_status expected) {
    weir_token token;
    assert_int_equal(weir_session_due(session), ticket);
    assert_status(weir_session_take_token(session, ticket, &token), expected);
    assert_int_equal(session->error.status, expected);
    assert_int_equal(session->error.may_have_run, expected == WEIR_ERR_LOST);
    assert_non_null(strstr(session->error.text, "peer closed the connection"));
}

/* The next connection works, and its answers are its own. */
static void expect_good(weir_session *session) {
    greet(session);
    uint64_t ticket = ask(session, WEIR_ANSWER_COUNT);
    assert_int_equal(weir_session_queued(session), SIZE);
    weir_session_sent(session, SIZE);
    assert_true(feed(session, WIRE(":77\r\n")));
    expect_number(session, ticket, 77);
    assert_int_equal(weir_session_due(session), 0);
    assert_int_equal(session->untaken, 0);
    assert_int_equal(weir_buffer_len(&session->in), 0);
    assert_status(session->failure, WEIR_OK);
}

static const char answers[] = ":1\r\n:2\r\n:3\r\n:4\r\n";
#define ANSWER 4 /* bytes of each */

/* One end: after so many bytes of commands were handed on, and so many of answers came. The
 * takes may come before the next connection is there, or behind it. */
static void end_after(size_t sent, size_t received, bool is_taken_late) {
    struct rig rig;
    uint64_t tickets[REQUESTS];
    start(&rig);
    for (size_t i = 0; i < REQUESTS; i++) {
        tickets[i] = ask(&rig.session, WEIR_ANSWER_COUNT);
    }
    weir_session_sent(&rig.session, sent);
    assert_true(feed(&rig.session, weir_bytes(answers, received)));
    lose(&rig.session);
    assert_int_equal(weir_session_queued(&rig.session), 0); /* nothing is sent again */
    if (is_taken_late) {
        greet(&rig.session);
        assert_int_equal(weir_session_queued(&rig.session), 0);
    }
    assert_int_equal(rig.session.untaken, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++) {
        if (received >= (i + 1) * ANSWER) {
            expect_number(&rig.session, tickets[i], (int64_t)i + 1);
        } else {
            bool was_sent = sent >= (i + 1) * SIZE;
            expect_loss(&rig.session, tickets[i], was_sent ? WEIR_ERR_LOST : WEIR_ERR_DOWN);
        }
    }
    if (is_taken_late) {
        uint64_t ticket = ask(&rig.session, WEIR_ANSWER_COUNT);
        weir_session_sent(&rig.session, SIZE);
        assert_true(feed(&rig.session, WIRE(":9\r\n")));
        expect_number(&rig.session, ticket, 9);
        lose(&rig.session);
    }
    expect_good(&rig.session);
    stop(&rig);
}

static void each_request_has_one_end_wherever_the_connection_ends(void **state) {
    (void)state;
    for (size_t sent = 0; sent <= REQUESTS * SIZE; sent++) {
        size_t answered = sent / SIZE; /* no honest server answers what it has not */
        for (size_t received = 0; received <= answered * ANSWER; received++) {
            end_after(sent, received, false);
            end_after(sent, received, true);
        }
    }
}

static void what_is_asked_while_it_is_down_is_sent_behind_the_handshake(void **state) {
    (void)state;
    struct rig rig;
    weir_token token;
    weir_view part;
    start(&rig);
    uint64_t lost = ask(&rig.session, WEIR_ANSWER_COUNT);
    lose(&rig.session);
    uint64_t queued = ask(&rig.session, WEIR_ANSWER_COUNT);
    assert_int_equal(weir_session_queued(&rig.session), 0);
    assert_status(weir_session_take_token(&rig.session, queued, &token), WEIR_MORE);
    assert_status(weir_session_greet(&rig.session), WEIR_MORE);
    assert_int_equal(weir_session_output(&rig.session, &part, 1), 1);
    assert_memory_equal(part.data, "*1\r\n$4\r\nPING\r\n", 14);
    weir_session_sent(&rig.session, part.len);
    for (size_t i = 0; i + 1 < sizeof GREETING; i++) { /* no byte is taken for its answer */
        assert_true(feed(&rig.session, weir_bytes(&GREETING[i], 1)));
        assert_status(weir_session_take_token(&rig.session, queued, &token), WEIR_MORE);
        weir_status st = weir_session_greet(&rig.session);
        assert_status(st, i + 2 == sizeof GREETING ? WEIR_OK : WEIR_MORE);
    }
    assert_int_equal(weir_session_queued(&rig.session), SIZE);
    weir_session_sent(&rig.session, SIZE);
    assert_true(feed(&rig.session, WIRE(":5\r\n")));
    expect_loss(&rig.session, lost, WEIR_ERR_DOWN);
    expect_number(&rig.session, queued, 5);
    stop(&rig);
}

static void what_is_still_queued_can_be_given_up(void **state) {
    (void)state;
    struct rig rig;
    start(&rig);
    lose(&rig.session);
    uint64_t one = ask(&rig.session, WEIR_ANSWER_COUNT);
    uint64_t two = ask(&rig.session, WEIR_ANSWER_ID);
    weir_session_resolve(&rig.session);
    expect_loss(&rig.session, one, WEIR_ERR_DOWN);
    expect_loss(&rig.session, two, WEIR_ERR_DOWN);
    expect_good(&rig.session);
    stop(&rig);
}

#define ENTRY(ms) "*2\r\n$3\r\n" ms "-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"

/* The entry in hand lives on, the iterator does not. */
static void an_iterator_is_cut_with_its_answer(void **state) {
    (void)state;
    static const char wire[] = "*2\r\n" ENTRY("1") ENTRY("2");
    size_t first_end = sizeof "*2\r\n" ENTRY("1") - 1;
    for (size_t came = 0; came + 1 < sizeof wire; came++) {
        struct rig rig;
        weir_slot *slot = NULL;
        weir_entry entry = {.state = WEIR_ENTRY_PURGED};
        start(&rig);
        uint64_t ticket = ask(&rig.session, WEIR_ANSWER_RANGE);
        weir_session_sent(&rig.session, SIZE);
        assert_true(feed(&rig.session, weir_bytes(wire, came)));
        weir_status st = weir_session_open_entries(&rig.session, ticket, &slot, &slot);
        assert_status(st, came < 4 ? WEIR_MORE : WEIR_OK);
        bool has_entry = st == WEIR_OK && came >= first_end;
        if (has_entry) {
            assert_status(weir_session_next_entry(&rig.session, slot, &entry), WEIR_OK);
        }
        lose(&rig.session);
        if (has_entry) {
            assert_view(entry.fields[0].value, "v");
        }
        assert_true((slot != NULL) == (st == WEIR_OK));
        if (slot != NULL) {
            assert_true(slot->is_lost);
            assert_status(weir_session_tell_cut(&rig.session), WEIR_ERR_LOST);
            weir_session_close_slot(&rig.session, slot);
        } else {
            expect_loss(&rig.session, ticket, WEIR_ERR_LOST);
        }
        expect_good(&rig.session);
        stop(&rig);
    }
}

static void a_handshake_that_ends_at_each_byte_leaves_no_byte_behind(void **state) {
    (void)state;
    for (size_t came = 0; came + 1 < sizeof GREETING; came++) {
        struct rig rig;
        start(&rig);
        uint64_t lost = ask(&rig.session, WEIR_ANSWER_COUNT);
        weir_session_sent(&rig.session, SIZE);
        lose(&rig.session);
        uint64_t queued = ask(&rig.session, WEIR_ANSWER_COUNT);
        assert_status(weir_session_greet(&rig.session), WEIR_MORE);
        weir_session_sent(&rig.session, weir_session_queued(&rig.session));
        assert_true(feed(&rig.session, weir_bytes(GREETING, came)));
        assert_status(weir_session_greet(&rig.session), WEIR_MORE);
        lose(&rig.session);
        expect_loss(&rig.session, lost, WEIR_ERR_LOST);
        expect_loss(&rig.session, queued, WEIR_ERR_DOWN);
        expect_good(&rig.session);
        stop(&rig);
    }
}

/* What had come of its answer is all of it: the iterator is not cut. */
static void an_iterator_whose_answer_has_come_reads_on(void **state) {
    (void)state;
    static const char wire[] = "*2\r\n" ENTRY("1") ENTRY("2");
    for (size_t came = 4; came < sizeof wire; came++) {
        struct rig rig;
        weir_slot *slot = NULL;
        weir_entry entry = {.state = WEIR_ENTRY_PURGED};
        start(&rig);
        uint64_t ticket = ask(&rig.session, WEIR_ANSWER_RANGE);
        weir_session_sent(&rig.session, SIZE);
        assert_true(feed(&rig.session, weir_bytes(wire, came)));
        assert_status(weir_session_open_entries(&rig.session, ticket, &slot, &slot),
                      WEIR_OK);
        assert_true(feed(&rig.session, weir_bytes(wire + came, sizeof wire - 1 - came)));
        lose(&rig.session);
        assert_true(slot != NULL && !slot->is_lost);
        for (uint64_t i = 1; i <= 2; i++) {
            assert_status(weir_session_next_entry(&rig.session, slot, &entry), WEIR_OK);
            assert_int_equal(entry.id.ms, i);
            weir_session_unpin(&rig.session, slot);
        }
        assert_status(weir_session_next_entry(&rig.session, slot, &entry), WEIR_END);
        weir_session_close_slot(&rig.session, slot);
        expect_good(&rig.session);
        stop(&rig);
    }
}

/* One whose answer's head alone was looked at is opened by its take. */
static void an_answer_half_opened_and_whole_is_taken_after_the_loss(void **state) {
    (void)state;
    static const char wire[] = "*3\r\n$3\r\n0-0\r\n*1\r\n" ENTRY("1") "*0\r\n";
    for (size_t came = 1; came < sizeof wire - 1; came++) {
        struct rig rig;
        weir_slot *slot = NULL;
        weir_entry entry = {.state = WEIR_ENTRY_PURGED};
        start(&rig);
        uint64_t ticket = ask(&rig.session, WEIR_ANSWER_AUTOCLAIM);
        weir_session_sent(&rig.session, SIZE);
        assert_true(feed(&rig.session, weir_bytes(wire, came)));
        weir_status st = weir_session_open_entries(&rig.session, ticket, &slot, &slot);
        assert_true(st == WEIR_MORE || st == WEIR_OK);
        assert_true(feed(&rig.session, weir_bytes(wire + came, sizeof wire - 1 - came)));
        lose(&rig.session);
        if (st == WEIR_MORE) {
            assert_status(weir_session_open_entries(&rig.session, ticket, &slot, &slot),
                          WEIR_OK);
        }
        assert_non_null(slot);
        assert_status(weir_session_next_entry(&rig.session, slot, &entry), WEIR_OK);
        assert_int_equal(entry.id.ms, 1);
        assert_status(weir_session_next_entry(&rig.session, slot, &entry), WEIR_END);
        weir_session_close_slot(&rig.session, slot);
        expect_good(&rig.session);
        stop(&rig);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_one_end_wherever_the_connection_ends),
        cmocka_unit_test(what_is_asked_while_it_is_down_is_sent_behind_the_handshake),
        cmocka_unit_test(what_is_still_queued_can_be_given_up),
        cmocka_unit_test(an_iterator_is_cut_with_its_answer),
        cmocka_unit_test(a_handshake_that_ends_at_each_byte_leaves_no_byte_behind),
        cmocka_unit_test(an_iterator_whose_answer_has_come_reads_on),
        cmocka_unit_test(an_answer_half_opened_and_whole_is_taken_after_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
