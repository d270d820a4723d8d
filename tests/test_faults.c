/* Everything that can go wrong on a connection, at every byte: a client before a peer that
 * is played. No sockets, and a clock that does as it is told.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "stage.h"

#include <stdio.h>

/* ---- what the server must have ---- */

static void get_stuck(void) {
    the_peer.is_stuck = true;
    the_peer.hang_up_ms = the_peer.now_ms + 100;
}

/* The connection is lost while a command waits for room: it goes to the next server only if
 * that has what it needs. */
static void a_command_is_checked_again_for_the_next_server(void **state) {
    (void)state;
    static const struct {
        const char *next;
        weir_status expected;
    } servers[] = {{"7.0.15", WEIR_ERR_UNSUPPORTED}, {"8.8.0", WEIR_OK}};
    for (size_t i = 0; i < 2; i++) {
        stage play = {.version = "8.6.0",
                      .later_version = servers[i].next,
                      .options = {.reconnect.is_on = true, .limits.send_bytes = 4096}};
        static char bytes[3800];
        weir_field large = {WIRE("f"), weir_bytes(bytes, sizeof bytes)};
        weir_xadd_options once = {.producer = WIRE("p"), .iid = WIRE("1")};
        memset(bytes, 'x', sizeof bytes);
        stage_open(&play);
        assert_status(play.opened, WEIR_OK);
        get_stuck();
        assert_status(stage_append(&play, 2), WEIR_OK);
        assert_status(stage_append(&play, 4), WEIR_OK);
        memset(bytes, 'y', sizeof bytes);
        weir_field half = {WIRE("f"), weir_bytes(bytes, 1000)};
        assert_status(weir_append_xadd(play.client, WIRE("k1"), &half, 1, NULL), WEIR_OK);
        assert_status(weir_append_xadd(play.client, WIRE("k5"), &large, 1, &once),
                      servers[i].expected);
        assert_int_equal(the_peer.connections, 2);
        assert_false(weir_client_error(play.client)->may_have_run);
        stage_take(&play, 2);
        stage_take(&play, 4);
        stage_take(&play, 1);
        if (servers[i].expected == WEIR_OK) {
            stage_take(&play, 5);
            assert_int_equal(play.ends[5], STAGE_ANSWERED);
        }
        stage_check(&play);
        assert_int_equal(play.ends[1], STAGE_NEVER_RUN);
        stage_close(&play);
    }
}

/* Whether the server is known or not, and whatever it has. */
static void what_waits_is_refused_in_an_event_loop(void **state) {
    (void)state;
    for (int is_known = 0; is_known < 2; is_known++) {
        stage play = {.options.non_blocking = true, .lacks_hello = is_known == 0};
        const weir_view key = WIRE("k1");
        const weir_view group = WIRE("g");
        const weir_id ids[9] = {{1, 1}};
        weir_deletion results[9];
        weir_entries page;
        weir_source last = {.key = key, .from = WEIR_FROM_LAST};
        weir_source fresh = weir_source_new(key);
        weir_field field = weir_pair("f", "v");
        stage_open(&play);
        for (int turn = 0; turn < 3; turn++) {
            weir_client *client = play.client;
            const weir_status given[] = {
                weir_xdelex(client, key, WEIR_REFS_DEFAULT, ids, 9, results),
                weir_xackdel(client, key, group, WEIR_REFS_DEFAULT, ids, 9, results),
                weir_xnack(client, key, group, WEIR_NACK_FAIL, ids, 1, NULL, NULL),
                weir_xcfgset(client, key, &(weir_xcfgset_options){.idmp_maxsize = 1}),
                weir_xread(client, &last, 1, NULL, &page),
                weir_xreadgroup(client, group, group, &fresh, 1,
                                &(weir_read_options){.claim = true}, &page),
                weir_xadd(client, key, &field, 1,
                          &(weir_xadd_options){.producer = key, .idmp_auto = true}, NULL)};
            for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
                assert_status(given[i], WEIR_ERR_ARG);
            }
            assert_non_null(strstr(weir_client_error(client)->text, "non_blocking"));
            stage_turn(&play); /* from the handshake's beginning to its end */
        }
        assert_true(weir_client_is_ready(play.client));
        stage_close(&play);
    }
}

/* ---- every byte ---- */

/* How the peer moves bytes: all at once, one at a time, and with nothing between. */
static const fuzz_pieces MANNERS[] = {
    {0, {0}}, {1, {0}}, {2, {0, 255}}, {4, {6, 255, 0, 1}}};
#define MANNER_COUNT (sizeof MANNERS / sizeof MANNERS[0])

static const weir_options CALLS = {.reconnect.is_on = true};
static const weir_options LOOP = {.non_blocking = true, .reconnect.is_on = true};
static const weir_options RESP2 = {.protocol = 2, .reconnect.is_on = true};

/* One run: all is asked and taken, whatever happens, and then it is well again. Gives the
 * bytes that were said. */
static size_t play_once(const weir_options *options, const char *aside, stage_fault fault) {
    stage play = {.options = *options, .aside = aside, .fault = fault};
    stage_open(&play);
    stage_ask_and_take(&play);
    stage_check(&play);
    stage_expect_good(&play, 2); /* the first may see that the connection was cut */
    size_t said = the_peer.said;
    stage_close(&play);
    return said;
}

/* Whichever byte of an answer is the last of one turn: it is not left lying there. */
static void a_handshake_in_single_bytes_may_be_of_any_length(void **state) {
    (void)state;
    char version[40] = "7.0.15";
    for (size_t len = strlen(version); len < sizeof version; len++) {
        stage play = {.version = version, .fault = {.manner = MANNERS[1]}};
        stage_open(&play);
        assert_status(play.opened, WEIR_OK);
        assert_int_equal(the_peer.now_ms, STAGE_BEGAN_MS); /* nothing waited in vain */
        stage_close(&play);
        play.options.non_blocking = true;
        stage_open(&play);
        while (!weir_client_is_ready(play.client)) {
            stage_turn(&play);
        }
        assert_int_equal(the_peer.now_ms, STAGE_BEGAN_MS);
        stage_close(&play);
        version[len] = '5';
    }
}

/* Cut after each byte that the peer says, and after each that it takes. */
static void play_every_cut(const weir_options *options, const char *aside, size_t manner) {
    stage_fault fault = {.manner = MANNERS[manner]};
    size_t said = play_once(options, aside, fault);
    size_t taken = the_peer.taken;
    assert_int_equal(the_peer.connections, 1);
    for (fault.says_most = 1; fault.says_most < said; fault.says_most++) {
        play_once(options, aside, fault);
    }
    fault.says_most = 0;
    for (fault.takes_most = 1; fault.takes_most < taken; fault.takes_most++) {
        play_once(options, aside, fault);
    }
}

static void each_request_has_one_end_wherever_the_connection_is_cut(void **state) {
    (void)state;
    play_every_cut(&CALLS, NULL, 0);
    play_every_cut(&CALLS, NULL, 2);
    play_every_cut(&LOOP, NULL, 1);
    play_every_cut(&LOOP, NULL, 3);
    play_every_cut(&RESP2, NULL, 3);
}

#define INVALIDATE ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"
#define MOVING     ">4\r\n+MOVING\r\n:1\r\n:15\r\n$14\r\n127.0.0.1:6380\r\n"
#define UNKNOWN    ">3\r\n+unheard\r\n%1\r\n+of\r\n_\r\n#t\r\n"
#define ATTRIBUTE  "|1\r\n$3\r\nttl\r\n*2\r\n:1\r\n|1\r\n+a\r\n+b\r\n:2\r\n"

/* Before each answer, those of the handshake too. */
static void pushes_and_attributes_are_no_answers(void **state) {
    (void)state;
    static const char all_of_them[] = INVALIDATE MOVING UNKNOWN ATTRIBUTE;
    const char *const asides[] = {INVALIDATE, MOVING, UNKNOWN, ATTRIBUTE, all_of_them};
    for (size_t i = 0; i < sizeof asides / sizeof *asides; i++) {
        for (size_t manner = 0; manner < MANNER_COUNT; manner++) {
            play_once(&CALLS, asides[i], (stage_fault){.manner = MANNERS[manner]});
            play_once(&LOOP, asides[i], (stage_fault){.manner = MANNERS[manner]});
            assert_int_equal(the_peer.connections, 1);
        }
    }
    play_every_cut(&LOOP, MOVING ATTRIBUTE, 3);
}

/* ---- a peer that falls silent ---- */

/* At each byte of the handshake's answers, with HELLO and without. */
static void a_handshake_that_stalls_ends_at_its_deadline(void **state) {
    (void)state;
    const weir_options options = {.user = "anna",
                                  .password = "hunter",
                                  .client_name = "worker",
                                  .db = 7,
                                  .connect_timeout_ms = 700};
    for (int lacks_hello = 0; lacks_hello < 2; lacks_hello++) {
        stage well = {.options = options, .lacks_hello = lacks_hello == 1};
        stage_open(&well);
        assert_status(well.opened, WEIR_OK);
        size_t said = the_peer.said;
        stage_close(&well);
        for (size_t most = 1; most < said; most++) {
            stage play = {.options = options,
                          .lacks_hello = lacks_hello == 1,
                          .fault = {.says_most = most, .sticks = true}};
            stage_open(&play);
            const weir_error *error = weir_client_error(play.client);
            assert_status(play.opened, WEIR_ERR_TIMEOUT);
            assert_int_equal(the_peer.now_ms, STAGE_BEGAN_MS + 700);
            assert_non_null(strstr(error->text, "peer:6379 did not answer the handshake"));
            assert_null(strstr(error->text, "hunter"));
            assert_false(error->may_have_run);
            stage_close(&play);
        }
    }
}

/* At each byte of all answers: what waits ends in time, and the next connection is well. */
static void an_answer_that_stalls_ends_its_connection(void **state) {
    (void)state;
    const weir_options *const options[] = {&CALLS, &LOOP};
    for (size_t i = 0; i < 2; i++) {
        size_t said = play_once(options[i], NULL, (stage_fault){.sticks = false});
        for (size_t most = 1; most < said; most++) {
            play_once(options[i], NULL, (stage_fault){.says_most = most, .sticks = true});
            assert_int_equal(the_peer.connections, 2);
        }
    }
}

/* ---- answers that are none ---- */

#define HANDSHAKE 3 /* answers: HELLO, CLIENT SETINFO twice */
#define ANSWERS   (HANDSHAKE + STAGE_REQUESTS)

/* In place of each answer in turn, those of the handshake too. */
static void garbage_ends_the_connection_and_is_placed(void **state) {
    (void)state;
    for (size_t which = 1; which <= ANSWERS; which++) {
        stage play = {.fault = {.spoiled = which, .instead = "garbage\r\n"}};
        stage_open(&play);
        const weir_error *error = weir_client_error(play.client);
        if (which <= HANDSHAKE) {
            assert_status(play.opened, WEIR_ERR_PROTOCOL);
        } else {
            stage_ask_and_take(&play);
            stage_check(&play);
            for (size_t i = 1; i <= STAGE_REQUESTS; i++) {
                bool is_before = HANDSHAKE + i < which;
                assert_int_equal(play.ends[i], is_before ? STAGE_ANSWERED : STAGE_UNKNOWN);
            }
        }
        assert_int_equal(error->status, WEIR_ERR_PROTOCOL);
        assert_non_null(strstr(error->text, "peer:6379: "));
        assert_non_null(strstr(error->text, "begins \"garbage"));
        assert_true(error->byte > 0 || which == 1);
        stage_close(&play);
    }
}

/* Requests from `first` to `last` were told that what came is no answer to them, the last
 * one, if `is_last_lost`, that none came; all others have their own. */
static void expect_misplaced(stage_fault fault, size_t first, size_t last,
                             bool is_last_lost) {
    stage play = {.fault = fault};
    stage_open(&play);
    stage_ask_and_take(&play);
    stage_check(&play);
    for (size_t i = 1; i <= STAGE_REQUESTS; i++) {
        stage_end expected = i >= first && i <= last ? STAGE_OTHER_ANSWER : STAGE_ANSWERED;
        expected = is_last_lost && i == STAGE_REQUESTS ? STAGE_UNKNOWN : expected;
        assert_int_equal(play.ends[i], expected);
    }
    if (is_last_lost) {
        assert_int_equal(play.last.status, WEIR_ERR_TIMEOUT);
        assert_false(weir_client_is_ready(play.client));
    }
    stage_close(&play);
}

/* None that is of another kind passes for an answer, and who waits for what never comes is
 * told in time. (One of the same kind cannot be told from the right one: RESP numbers none;
 * and weir_command, the last request, takes any.) */
static void an_answer_in_a_wrong_place_is_not_taken_for_another(void **state) {
    (void)state;
    for (size_t which = 1; which < STAGE_REQUESTS; which++) {
        stage_fault missing = {.spoiled = HANDSHAKE + which, .instead = ""};
        expect_misplaced(missing, which, STAGE_REQUESTS - 1, true);
    }
    for (size_t which = 1; which < STAGE_REQUESTS - 1; which++) {
        stage_fault behind_the_next = {.spoiled = HANDSHAKE + which};
        expect_misplaced(behind_the_next, which, which + 1, false);
    }
}

/* Behind each answer in turn; requests are asked one by one, so that it is nobody's. */
static void an_answer_too_many_is_nobodys(void **state) {
    (void)state;
    for (size_t which = 1; which <= ANSWERS; which++) {
        stage play = {.is_in_turn = true, .fault = {.spoiled = which, .behind = ":9\r\n"}};
        stage_open(&play);
        for (size_t i = 1; play.opened == WEIR_OK && i <= STAGE_REQUESTS; i++) {
            if (stage_append(&play, i) == WEIR_OK) {
                stage_take(&play, i);
            }
        }
        stage_check(&play);
        for (size_t i = 1; i <= STAGE_REQUESTS; i++) {
            bool is_before = HANDSHAKE + i < which;
            bool is_at = HANDSHAKE + i == which;
            assert_true(!is_before || play.ends[i] == STAGE_ANSWERED);
            assert_true(is_before || is_at || play.ends[i] == STAGE_NOT_ASKED);
        }
        const weir_error *error = weir_client_error(play.client);
        assert_int_equal(error->status, WEIR_ERR_PROTOCOL);
        assert_non_null(strstr(error->text, "an answer that no request asked for"));
        stage_close(&play);
    }
}

/* A lasting client goes on without that connection. */
static void an_answer_too_many_is_a_loss_like_any_other(void **state) {
    (void)state;
    for (size_t which = 1; which <= ANSWERS; which++) {
        stage play = {.options = CALLS,
                      .is_in_turn = true,
                      .fault = {.spoiled = which, .behind = ":9"}}; /* it has begun */
        stage_open(&play);
        stage_ask_and_take(&play);
        stage_check(&play);
        for (size_t i = 1; i <= STAGE_REQUESTS; i++) {
            assert_int_not_equal(play.ends[i], STAGE_NOT_ASKED);
        }
        stage_expect_good(&play, 2);
        assert_int_equal(the_peer.connections, 2);
        stage_close(&play);
    }
}

/* Also if it stands in or behind the handshake that an append has waited for. */
static weir_status append_behind_handshake(size_t spoiled) {
    stage play = {.options = CALLS, .fault = {.on = 2, .spoiled = spoiled, .behind = ":9"}};
    play.options.reconnect.fail_fast = true;
    stage_open(&play);
    the_peer.fault = PEER_HANGS_UP;
    assert_status(weir_xlen(play.client, WIRE("k1"), NULL), WEIR_ERR_DOWN);
    the_peer.now_ms += 1000; /* the next try is due */
    weir_status st = stage_append(&play, 1);
    if (st != WEIR_OK) {
        assert_status(st, WEIR_ERR_DOWN);
        assert_non_null(strstr(weir_client_error(play.client)->text, "no connection to"));
        assert_int_equal(weir_unanswered(play.client), 0);
        the_peer.now_ms += 1000;
        stage_expect_good(&play, 1);
        assert_int_equal(the_peer.connections, 3);
    }
    stage_close(&play);
    return st;
}

static void an_answer_too_many_refuses_who_waited_for_the_handshake(void **state) {
    (void)state;
    size_t refused = 0;
    while (append_behind_handshake(refused + 1) != WEIR_OK) {
        refused++;
    }
    assert_in_range(refused, HANDSHAKE, ANSWERS);
}

/* ---- the clock ---- */

/* While each answer in turn is on its way, on a connection that may be lost then. */
static void a_clock_that_jumps_costs_no_more_than_the_connection(void **state) {
    (void)state;
    static const int64_t jumps_ms[] = {1, 4999, 5000, 3600000, -1, -3600000};
    const weir_options *const options[] = {&CALLS, &LOOP};
    for (size_t i = 0; i < sizeof jumps_ms / sizeof *jumps_ms * 2; i++) {
        for (size_t which = 1; which <= ANSWERS; which++) {
            stage_fault fault = {
                .spoiled = which, .behind = "", .jump_ms = jumps_ms[i / 2]};
            play_once(options[i % 2], NULL, fault);
            fault.manner = MANNERS[1];
            play_once(options[i % 2], NULL, fault);
            fault.says_most = 150; /* within the pipeline */
            play_once(options[i % 2], NULL, fault);
            assert_int_equal(the_peer.connections, 2);
        }
    }
}

/* ---- memory ---- */

/* Gives the allocations of the run; one that was refused ended it, or was told. */
static size_t play_without_memory(const weir_options *options, size_t says_most,
                                  size_t refuse_at, bool refuses_on) {
    stage play = {.options = *options,
                  .fault = {.manner = MANNERS[3], .says_most = says_most},
                  .refuse_at = refuse_at,
                  .refuses_on = refuses_on};
    play.options.limits.receive_bytes = 1024;
    stage_open(&play);
    size_t calls = play.counts.calls;
    if (play.client != NULL) {
        stage_ask_and_take(&play);
        stage_check(&play);
        calls = play.counts.calls;
        play.counts.refuse_at = SIZE_MAX;
        play.counts.refuses_on = false;
        stage_expect_good(&play, 2);
    }
    stage_close(&play);
    return calls;
}

/* Each fails in turn, alone or with all behind it, until none does; so when it connects
 * again, too. */
static void each_failing_allocation_is_told_and_costs_nothing_else(void **state) {
    (void)state;
    const weir_options *const options[] = {&CALLS, &LOOP};
    for (size_t i = 0; i < 2; i++) {
        for (size_t says_most = 0; says_most <= 400; says_most += 100) {
            size_t refuse_at = 1;
            while (play_without_memory(options[i], says_most, refuse_at, false) >=
                   refuse_at) {
                play_without_memory(options[i], says_most, refuse_at, true);
                refuse_at++;
            }
            assert_true(refuse_at > 4);
        }
    }
}

/* ---- the client's end ---- */

static weir_link_state the_states[16];
static size_t the_state_count;

static void note_state(void *context, const weir_link_event *event) {
    (void)context;
    assert_true(the_state_count < 16);
    the_states[the_state_count++] = event->state;
}

/* Nothing is lost then but hope. */
static void a_cancel_between_two_tries_is_told_as_the_end_alone(void **state) {
    (void)state;
    stage play = {.options = LOOP};
    play.options.reconnect.on_change = note_state;
    the_state_count = 0;
    stage_open(&play);
    while (!weir_client_is_ready(play.client)) {
        stage_turn(&play);
    }
    the_peer.fault = PEER_HANGS_UP;
    stage_turn(&play);
    weir_client_cancel(play.client);
    assert_status(weir_step(play.client), WEIR_ERR_CANCELLED);
    const weir_link_state told[] = {WEIR_LINK_CONNECTING, WEIR_LINK_READY, WEIR_LINK_LOST,
                                    WEIR_LINK_WAITING, WEIR_LINK_ENDED};
    assert_int_equal(the_state_count, sizeof told / sizeof *told);
    assert_memory_equal(the_states, told, sizeof told);
    stage_close(&play);
}

/* The call that sees it tells of its own request; no take tells of it again. */
static void a_call_that_ends_with_its_client_is_told_of_once(void **state) {
    (void)state;
    stage play = {.options = CALLS};
    play.options.reconnect.give_up_ms = 1000;
    stage_open(&play);
    assert_status(play.opened, WEIR_OK);
    the_peer.fault = PEER_HANGS_UP;
    the_peer.refusals = SIZE_MAX;
    assert_status(stage_append(&play, 1), WEIR_OK);
    assert_status(weir_flush(play.client), WEIR_ERR_DOWN);
    assert_status(weir_xlen(play.client, WIRE("k2"), NULL), WEIR_ERR_CONNECT);
    assert_int_equal(weir_unanswered(play.client), 1);
    stage_take(&play, 1);
    assert_int_equal(play.ends[1], STAGE_NEVER_RUN);
    const char *told = strstr(play.last.text, "; this request was never sent");
    assert_non_null(told);
    assert_status(weir_flush(play.client),
                  WEIR_ERR_CONNECT); /* and that is of no request */
    assert_null(strstr(weir_client_error(play.client)->text, "this request"));
    stage_close(&play);
}

#define MANY 200 /* answers of 4 bytes: that of HELLO does not fit behind them */
#define LONG_VERSION                                                                        \
    "8.0.0-0123456789012345678901234567890123456789012345678901234567890123456789012345678" \
    "9012345678901234567890123456789012345678901234567890123456789012345678901234567890123"

static void fill_with_answers(stage *play) {
    weir_session *session = &play->client->session;
    for (int i = 0; i < MANY; i++) {
        assert_status(stage_append(play, 2), WEIR_OK);
    }
    if (!play->options.non_blocking) { /* all that came before its own answer is kept */
        assert_status(weir_xlen(play->client, WIRE("k2"), NULL), WEIR_OK);
    }
    while (weir_buffer_len(&session->in) < MANY * 4) {
        stage_turn(play);
    }
}

/* Answers that nobody has taken leave no room for the handshake of the next connection: a
 * call does not wait for it, an event loop is asked to wait for nothing, and neither
 * spins (the peer counts what is asked of it). */
static void answers_that_fill_the_buffer_are_to_be_taken_first(void **state) {
    (void)state;
    const weir_options *const options[] = {&CALLS, &LOOP};
    for (size_t i = 0; i < 2; i++) {
        stage play = {.options = *options[i], .later_version = LONG_VERSION};
        play.options.limits.receive_bytes = 1024;
        stage_open(&play);
        fill_with_answers(&play);
        the_peer.fault = PEER_HANGS_UP;
        if (play.options.non_blocking) {
            for (int turns = 0; turns < 10; turns++) {
                stage_turn(&play);
            }
            assert_int_equal(weir_client_wants(play.client), 0);
            assert_false(weir_client_is_ready(play.client));
        } else {
            (void)weir_xlen(play.client, WIRE("k2"), NULL); /* sees the end */
            int64_t began_ms = the_peer.now_ms;
            assert_status(weir_xlen(play.client, WIRE("k2"), NULL), WEIR_ERR_DOWN);
            assert_true(the_peer.now_ms - began_ms < 1000);
        }
        for (int taken = 0; taken < MANY; taken++) {
            uint64_t count = 0;
            assert_status(weir_take_count(play.client, &count), WEIR_OK);
            assert_int_equal(count, 2);
        }
        stage_expect_good(&play, 2);
        stage_close(&play);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_checked_again_for_the_next_server),
        cmocka_unit_test(what_waits_is_refused_in_an_event_loop),
        cmocka_unit_test(a_handshake_in_single_bytes_may_be_of_any_length),
        cmocka_unit_test(each_request_has_one_end_wherever_the_connection_is_cut),
        cmocka_unit_test(pushes_and_attributes_are_no_answers),
        cmocka_unit_test(a_handshake_that_stalls_ends_at_its_deadline),
        cmocka_unit_test(an_answer_that_stalls_ends_its_connection),
        cmocka_unit_test(garbage_ends_the_connection_and_is_placed),
        cmocka_unit_test(an_answer_in_a_wrong_place_is_not_taken_for_another),
        cmocka_unit_test(an_answer_too_many_is_nobodys),
        cmocka_unit_test(an_answer_too_many_is_a_loss_like_any_other),
        cmocka_unit_test(an_answer_too_many_refuses_who_waited_for_the_handshake),
        cmocka_unit_test(a_clock_that_jumps_costs_no_more_than_the_connection),
        cmocka_unit_test(each_failing_allocation_is_told_and_costs_nothing_else),
        cmocka_unit_test(a_cancel_between_two_tries_is_told_as_the_end_alone),
        cmocka_unit_test(a_call_that_ends_with_its_client_is_told_of_once),
        cmocka_unit_test(answers_that_fill_the_buffer_are_to_be_taken_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
