/* Connections that are lost or go wrong in the middle of work: what is said, within which
 * time, and that nothing is matched to what did not ask for it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const weir_field ONE = {{"n", 1}, {"1", 1}};

/* What is told stays told: each later call repeats it and does nothing. */
static void expect_gone(weir_client *client, weir_status status, const char *peer) {
    weir_entries page;
    weir_entry entry;
    assert_int_equal(weir_client_error(client)->status, status);
    assert_non_null(strstr(weir_client_error(client)->text, peer));
    assert_false(weir_client_is_ready(client));
    assert_status(weir_xadd(client, WIRE("s"), &ONE, 1, NULL, NULL), status);
    assert_status(weir_append_xlen(client, WIRE("s")), status);
    assert_status(weir_flush(client), status);
    assert_status(weir_step(client), status);
    assert_status(weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page),
                  status);
    assert_status(weir_entries_next(&page, &entry), WEIR_END);
    assert_int_equal(weir_client_deadline_ms(client), INT64_MAX);
    assert_int_equal(weir_client_wants(client), 0);
}

/* ---- a scripted peer ---- */

struct meeting {
    struct peer peer;
    weir_client *client;
    int64_t began_ms;
};

static struct meeting meet(peer_script *script, const weir_options *options) {
    struct meeting meeting = {.peer = peer_start(script), .began_ms = live_now_ms()};
    weir_status st = weir_open(meeting.peer.url, options, &meeting.client);
    assert_ok(meeting.client, st);
    return meeting;
}

static void part(struct meeting *meeting) {
    assert_true(live_now_ms() - meeting->began_ms < 3000);
    weir_close(meeting->client);
    peer_stop(&meeting->peer);
}

static weir_status range(weir_client *client, weir_entries *page) {
    return weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, page);
}

static void close_in_an_entry(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd,
             "*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n*2\r\n$3\r\n2-0\r\n*2");
}

static void closed_in_the_middle_of_an_entry(void **state) {
    (void)state;
    weir_entries page;
    weir_entry entry;
    struct meeting meeting = meet(close_in_an_entry, NULL);
    assert_ok(meeting.client, range(meeting.client, &page));
    assert_next(&page, 1, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_ERR_CLOSED);
    assert_false(weir_entries_is_open(&page));
    assert_status(weir_entries_next(&page, &entry), WEIR_END);
    expect_gone(meeting.client, WEIR_ERR_CLOSED, meeting.peer.name);
    part(&meeting);
}

static void answer_two_of_three(int fd) {
    peer_greet(fd);
    peer_read(fd, 3);
    peer_say(fd, "$3\r\n1-0\r\n$3\r\n2-0\r\n$3\r\n3-");
}

static void closed_in_the_middle_of_a_pipeline(void **state) {
    (void)state;
    weir_id id;
    struct meeting meeting = meet(answer_two_of_three, NULL);
    for (int i = 0; i < 3; i++) {
        assert_ok(meeting.client,
                  weir_append_xadd(meeting.client, WIRE("s"), &ONE, 1, NULL));
    }
    assert_ok(meeting.client, weir_take_id(meeting.client, &id));
    assert_id(id, 1, 0);
    assert_ok(meeting.client, weir_take_id(meeting.client, &id));
    assert_id(id, 2, 0);
    assert_status(weir_take_id(meeting.client, &id), WEIR_ERR_CLOSED);
    assert_int_equal(weir_unanswered(meeting.client), 1);
    assert_status(weir_take_id(meeting.client, &id), WEIR_ERR_CLOSED);
    expect_gone(meeting.client, WEIR_ERR_CLOSED, meeting.peer.name);
    part(&meeting);
}

static void answer_all_and_close(int fd) {
    peer_greet(fd);
    peer_read(fd, 4);
    peer_say(fd, "$15\r\n1700000000000-1\r\n$15\r\n1700000000000-2\r\n"
                 "$15\r\n1700000000000-3\r\n$15\r\n1700000000000-4\r\n");
}

/* The end of the connection is known before the first answer is taken. */
static void what_had_arrived_is_taken_from_a_closed_connection(void **state) {
    (void)state;
    weir_id id;
    weir_options options = {.non_blocking = true};
    struct meeting meeting = meet(answer_all_and_close, &options);
    weir_status st = WEIR_OK;
    while (!weir_client_is_ready(meeting.client)) {
        assert_ok(meeting.client, weir_step(meeting.client));
    }
    for (int i = 0; i < 4; i++) {
        assert_ok(meeting.client,
                  weir_append_xadd(meeting.client, WIRE("s"), &ONE, 1, NULL));
    }
    while (st == WEIR_OK) {
        st = weir_step(meeting.client);
    }
    assert_int_equal(st, WEIR_ERR_CLOSED);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        assert_ok(meeting.client, weir_take_id(meeting.client, &id));
        assert_id(id, 1700000000000, seq);
    }
    part(&meeting);
}

static void fall_silent(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd, "$3\r\n1-");
    peer_be_silent(fd);
}

static void silence_ends_at_the_deadline_of_a_call(void **state) {
    (void)state;
    weir_id id = {7, 7};
    struct meeting meeting = meet(fall_silent, &(weir_options){.timeout_ms = 200});
    int64_t began_ms = live_now_ms();
    assert_status(weir_xadd(meeting.client, WIRE("s"), &ONE, 1, NULL, &id),
                  WEIR_ERR_TIMEOUT);
    assert_in_range(live_now_ms() - began_ms, 190, 1500);
    assert_id(id, 7, 7);
    assert_non_null(strstr(weir_client_error(meeting.client)->text, "200 ms"));
    expect_gone(meeting.client, WEIR_ERR_TIMEOUT, meeting.peer.name);
    part(&meeting);
}

/* Pushes without end instead of an answer: there is always something to receive. */
static void talk_on_and_on(int fd) {
    static char pushes[8000];
    for (size_t at = 0; at < sizeof pushes; at += 8) {
        memcpy(pushes + at, ">1\r\n+x\r\n", 8);
    }
    peer_greet(fd);
    for (;;) {
        peer_say_bytes(fd, pushes, sizeof pushes);
    }
}

static void pushes_without_end_end_at_the_deadline_of_a_call(void **state) {
    (void)state;
    struct meeting meeting = meet(talk_on_and_on, &(weir_options){.timeout_ms = 200});
    int64_t began_ms = live_now_ms();
    assert_status(weir_xlen(meeting.client, WIRE("s"), NULL), WEIR_ERR_TIMEOUT);
    assert_in_range(live_now_ms() - began_ms, 190, 1500);
    expect_gone(meeting.client, WEIR_ERR_TIMEOUT, meeting.peer.name);
    part(&meeting);
}

static void pushes_without_end_do_not_hold_a_call_that_does_not_wait(void **state) {
    (void)state;
    weir_options options = {.non_blocking = true};
    struct meeting meeting = meet(talk_on_and_on, &options);
    while (!weir_client_is_ready(meeting.client)) {
        assert_ok(meeting.client, weir_step(meeting.client));
    }
    assert_ok(meeting.client, weir_append_xlen(meeting.client, WIRE("s")));
    int64_t began_ms = live_now_ms();
    assert_status(weir_take_count(meeting.client, NULL), WEIR_MORE);
    assert_in_range(live_now_ms() - began_ms, 0, 1000);
    part(&meeting);
}

static void talk_nonsense(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd, "*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nn\r\n@oops\r\n");
    peer_be_silent(fd);
}

static void what_is_no_resp_is_placed_to_the_byte(void **state) {
    (void)state;
    weir_entries page;
    weir_entry entry;
    struct meeting meeting = meet(talk_nonsense, NULL);
    assert_ok(meeting.client, range(meeting.client, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_ERR_PROTOCOL);
    /* 66 bytes of the greeting, 10 of +OK +OK, 28 before '@' */
    assert_int_equal(weir_client_error(meeting.client)->byte, 66 + 10 + 28);
    expect_gone(meeting.client, WEIR_ERR_PROTOCOL, meeting.peer.name);
    part(&meeting);
}

static void answer_twice(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd, ":1\r\n:2\r\n");
    peer_be_silent(fd);
}

/* The second answer must never be taken for that of a later question. */
static void an_answer_too_many_is_no_answer(void **state) {
    (void)state;
    uint64_t count = 0;
    struct meeting meeting = meet(answer_twice, NULL);
    weir_status st = weir_xlen(meeting.client, WIRE("s"), &count);
    if (st == WEIR_OK) {
        assert_int_equal(count, 1);
        st = weir_xlen(meeting.client, WIRE("s"), &count);
        assert_int_equal(count, 1);
    }
    assert_status(st, WEIR_ERR_PROTOCOL);
    part(&meeting);
}

static void answer_in_another_shape(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd, "*2\r\n:1\r\n:2\r\n");
    peer_read(fd, 1);
    peer_say(fd, "$5\r\nhello\r\n");
    peer_read(fd, 1);
    peer_say(fd, ":3\r\n");
    peer_be_silent(fd);
}

static void another_shape_leaves_the_connection_in_step(void **state) {
    (void)state;
    uint64_t count = 0;
    weir_entries page;
    struct meeting meeting = meet(answer_in_another_shape, NULL);
    assert_status(weir_xlen(meeting.client, WIRE("s"), &count), WEIR_ERR_REPLY);
    assert_status(range(meeting.client, &page), WEIR_ERR_REPLY);
    assert_ok(meeting.client, weir_xlen(meeting.client, WIRE("s"), &count));
    assert_int_equal(count, 3);
    part(&meeting);
}

static void push_in_between(int fd) {
    peer_greet(fd);
    for (;;) {
        peer_say(fd, ">2\r\n$7\r\nmessage\r\n$2\r\nhi\r\n");
        peer_read(fd, 1);
        peer_say(fd, ">1\r\n+x\r\n:3\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
    }
}

static void pushes_are_passed_over_and_counted(void **state) {
    (void)state;
    uint64_t count = 0;
    struct meeting meeting = meet(push_in_between, NULL);
    for (int i = 0; i < 10; i++) {
        assert_ok(meeting.client, weir_xlen(meeting.client, WIRE("s"), &count));
        assert_int_equal(count, 3);
    }
    assert_in_range(weir_client_pushes(meeting.client), 20, 31);
    part(&meeting);
}

static void be_loading(int fd) {
    peer_greet(fd);
    peer_read(fd, 2);
    peer_say(fd, "-LOADING Redis is loading the dataset in memory\r\n$3\r\n1-0\r\n");
    peer_be_silent(fd);
}

static void loading_is_the_servers_error(void **state) {
    (void)state;
    weir_id id;
    struct meeting meeting = meet(be_loading, NULL);
    assert_ok(meeting.client, weir_append_xadd(meeting.client, WIRE("s"), &ONE, 1, NULL));
    assert_ok(meeting.client, weir_append_xadd(meeting.client, WIRE("s"), &ONE, 1, NULL));
    assert_code(meeting.client, weir_take_id(meeting.client, NULL), "LOADING");
    assert_non_null(strstr(weir_client_error(meeting.client)->text, meeting.peer.name));
    assert_ok(meeting.client, weir_take_id(meeting.client, &id));
    assert_id(id, 1, 0);
    part(&meeting);
}

/* A peer that reads no further while nobody reads its answers. */
static void answer_before_reading_on(int fd) {
    static char answer[4007] = "$4000\r\n";
    memset(answer + 7, 'x', 4000);
    peer_greet(fd);
    for (;;) {
        peer_read(fd, 1);
        peer_say_bytes(fd, answer, sizeof answer);
        peer_say(fd, "\r\n");
    }
}

static void two_peers_that_both_write_do_not_wait_for_each_other(void **state) {
    (void)state;
    char large[4000];
    const weir_view ask[] = {WIRE("ECHO"), weir_bytes(large, sizeof large)};
    weir_options options = {.limits = {.receive_bytes = 65536, .send_bytes = 65536}};
    struct meeting meeting = meet(answer_before_reading_on, &options);
    memset(large, 'x', sizeof large);
    size_t refused = 0;
    for (int asked = 0; asked < 10000;) {
        weir_status st = weir_append_command(meeting.client, ask, 2);
        if (st == WEIR_ERR_FULL) {
            refused++;
            assert_ok(meeting.client, weir_take_any(meeting.client));
            continue;
        }
        assert_ok(meeting.client, st);
        asked++;
    }
    assert_true(refused > 0); /* 40 MB do not fit between the two */
    while (weir_unanswered(meeting.client) > 0) {
        assert_ok(meeting.client, weir_take_any(meeting.client));
    }
    meeting.began_ms = live_now_ms(); /* so much work may take its time */
    part(&meeting);
}

/* ---- a server that is killed ---- */

static struct server the_server; /* of one test */

static int stop_server(void **state) {
    (void)state;
    server_stop(&the_server);
    return 0;
}

static weir_client *open_at_server(void) {
    weir_client *client;
    assert_true(server_start(&the_server, false, NULL));
    weir_status st = weir_open(the_server.url, NULL, &client);
    assert_ok(client, st);
    return client;
}

static void killed_in_the_middle_of_a_loop(void **state) {
    (void)state;
    weir_entries page;
    weir_entry entry;
    weir_client *client = open_at_server();
    live_fill(client, "s", 20000, 1000); /* more than the socket between us holds */
    assert_ok(client, range(client, &page));
    assert_next(&page, 1, 0);
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    server_kill(&the_server);
    weir_status st = WEIR_OK;
    uint64_t expected = 2;
    while (st == WEIR_OK) {
        assert_id(entry.id, expected++, 0);
        assert_int_equal(entry.fields[0].value.len, 1000);
        st = weir_entries_next(&page, &entry);
    }
    assert_true(st == WEIR_ERR_CLOSED || st == WEIR_ERR_IO);
    assert_true(expected < 20000);
    expect_gone(client, st, server_name(the_server.url));
    weir_close(client);
}

static void killed_in_the_middle_of_a_pipeline(void **state) {
    (void)state;
    weir_status st = WEIR_OK;
    weir_client *client = open_at_server();
    for (int i = 0; st == WEIR_OK && i < 60000; i++) {
        st = weir_append_xadd(client, WIRE("s"), &ONE, 1, NULL);
        if (i == 30000) {
            server_kill(&the_server);
        }
    }
    while (st == WEIR_OK) { /* what was answered before the end may still be taken */
        st = weir_take_id(client, NULL);
    }
    assert_true(st == WEIR_ERR_CLOSED || st == WEIR_ERR_IO);
    assert_true(weir_unanswered(client) > 0);
    expect_gone(client, st, server_name(the_server.url));
    weir_close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_in_the_middle_of_an_entry),
        cmocka_unit_test(closed_in_the_middle_of_a_pipeline),
        cmocka_unit_test(what_had_arrived_is_taken_from_a_closed_connection),
        cmocka_unit_test(silence_ends_at_the_deadline_of_a_call),
        cmocka_unit_test(pushes_without_end_end_at_the_deadline_of_a_call),
        cmocka_unit_test(pushes_without_end_do_not_hold_a_call_that_does_not_wait),
        cmocka_unit_test(what_is_no_resp_is_placed_to_the_byte),
        cmocka_unit_test(an_answer_too_many_is_no_answer),
        cmocka_unit_test(another_shape_leaves_the_connection_in_step),
        cmocka_unit_test(pushes_are_passed_over_and_counted),
        cmocka_unit_test(loading_is_the_servers_error),
        cmocka_unit_test(two_peers_that_both_write_do_not_wait_for_each_other),
        cmocka_unit_test_teardown(killed_in_the_middle_of_a_loop, stop_server),
        cmocka_unit_test_teardown(killed_in_the_middle_of_a_pipeline, stop_server),
    };
    if (!server_is_here()) {
        return SERVER_MISSING;
    }
    return cmocka_run_group_tests_name("lost connections", tests, NULL, NULL);
}
