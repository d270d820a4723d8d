/* Clients that connect again: servers that go and come back, wrong passwords, cancelling,
 * giving up; and that each request has its one end.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "peer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define PLENTY_MS 15000

static const weir_field ONE = {{"n", 1}, {"1", 1}};

/* ---- what the owner is told ---- */

struct diary {
    weir_link_state states[512];
    size_t count;
    size_t tries;
    weir_status last_error;
    weir_link_event ready; /* the last one */
    const char *password;  /* given from now on; NULL: as it was */
};

static void write_down(void *context, const weir_link_event *event) {
    struct diary *diary = context;
    assert_true(diary->count < 512);
    diary->states[diary->count++] = event->state;
    diary->tries += event->state == WEIR_LINK_CONNECTING ? 1 : 0;
    bool is_good = event->state == WEIR_LINK_READY || event->state == WEIR_LINK_CONNECTING;
    assert_true((event->error == NULL) == is_good);
    if (event->error != NULL) {
        diary->last_error = event->error->status;
        assert_true(event->error->text[0] != '\0');
    }
    if (event->state == WEIR_LINK_READY) {
        diary->ready = *event;
    }
}

static weir_status give_password(void *context, weir_credentials *credentials) {
    const struct diary *diary = context;
    if (diary->password != NULL) {
        credentials->password = diary->password;
    }
    return WEIR_OK;
}

static weir_reconnect rules_for(struct diary *diary) {
    return (weir_reconnect){.is_on = true,
                            .floor_ms = 5,
                            .ceiling_ms = 50,
                            .on_change = write_down,
                            .context = diary};
}

static weir_client *open_with(struct live *live, weir_reconnect rules, bool is_loop) {
    weir_options options = {
        .reconnect = rules, .non_blocking = is_loop, .timeout_ms = PLENTY_MS};
    return live_other(live, &options);
}

/* The server ends all connections but the test's own. */
static void kill_at_server(struct live *live) {
    assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "TYPE", "normal"));
}

/* The connection was gone: whether that was seen before or after sending is chance, what is
 * said of it is not. */
static void expect_lost(weir_client *client, weir_status st) {
    assert_true(st == WEIR_ERR_LOST || st == WEIR_ERR_DOWN);
    assert_int_equal(weir_client_error(client)->status, st);
    assert_int_equal(weir_client_error(client)->may_have_run, st == WEIR_ERR_LOST);
}

static void turn(weir_client *client) {
    int wants = weir_client_wants(client);
    int64_t left_ms = weir_client_deadline_ms(client) - live_now_ms();
    struct pollfd watched = {.fd = weir_client_fd(client)};
    watched.events |= (wants & WEIR_WANT_READ) != 0 ? POLLIN : 0;
    watched.events |= (wants & WEIR_WANT_WRITE) != 0 ? POLLOUT : 0;
    (void)poll(&watched, 1, left_ms < 0 ? 0 : left_ms > 100 ? 100 : (int)left_ms);
    assert_ok(client, weir_step(client));
}

/* ---- tests ---- */

static void a_call_after_a_loss_goes_to_the_next_connection(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    weir_client *client = open_with(live, rules_for(&diary), false);
    for (int i = 0; i < 3; i++) {
        assert_ok(client, weir_xadd(client, WIRE("s"), &ONE, 1, NULL, NULL));
        kill_at_server(live);
        expect_lost(client, weir_xadd(client, WIRE("s"), &ONE, 1, NULL, NULL));
    }
    uint64_t count = 0;
    assert_ok(client, weir_xlen(client, WIRE("s"), &count));
    assert_int_equal(count, 3);
    assert_int_equal(diary.tries, 4);
    assert_true(diary.ready.is_same_run);
    const weir_link_state once[] = {WEIR_LINK_CONNECTING, WEIR_LINK_READY, WEIR_LINK_LOST,
                                    WEIR_LINK_WAITING};
    for (size_t i = 0; i < diary.count; i++) {
        assert_int_equal(diary.states[i], once[i % 4]);
    }
}

static void answers_that_had_come_are_taken_and_the_others_told_in_order(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    weir_client *client = open_with(live, rules_for(&diary), false);
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, NULL));
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, NULL));
    assert_ok(client, live_say(client, "PING")); /* behind which both are there */
    kill_at_server(live);
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, NULL));
    (void)weir_flush(client);
    assert_int_equal(weir_unanswered(client), 3);
    assert_ok(client, weir_take_id(client, NULL));
    assert_ok(client, weir_take_id(client, NULL));
    expect_lost(client, weir_take_id(client, NULL));
    assert_int_equal(weir_unanswered(client), 0);
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    uint64_t count = 0;
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, 2);
}

static void an_iterator_ends_with_its_connection(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    live_fill(live->client, "s", 20000, 1000); /* more than the socket between us holds */
    weir_client *client = open_with(live, rules_for(&diary), false);
    weir_entries page;
    weir_entry entry;
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_next(&page, 1, 0);
    kill_at_server(live);
    weir_status st = WEIR_OK;
    uint64_t expected = 2;
    while ((st = weir_entries_next(&page, &entry)) == WEIR_OK) {
        assert_id(entry.id, expected++, 0);
    }
    assert_status(st, WEIR_ERR_LOST);
    assert_status(weir_entries_next(&page, &entry), WEIR_END);
    uint64_t count = 0;
    assert_ok(client, weir_xlen(client, WIRE("s"), &count));
    assert_int_equal(count, 20000);
}

static void an_event_loop_connects_again(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    weir_client *client = open_with(live, rules_for(&diary), true);
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, NULL)); /* queued */
    weir_status st = WEIR_OK;
    while ((st = weir_take_id(client, NULL)) == WEIR_MORE) {
        turn(client);
    }
    assert_ok(client, st);
    kill_at_server(live);
    while (weir_client_is_ready(client)) {
        turn(client);
    }
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    uint64_t count = 0;
    while ((st = weir_take_count(client, &count)) == WEIR_MORE) {
        turn(client);
    }
    assert_ok(client, st);
    assert_int_equal(count, 1);
    assert_int_equal(diary.tries, 2);
}

static void a_client_in_a_block_of_memory_connects_again_too(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    weir_options options = {.protocol = live->protocol, .reconnect = rules_for(&diary)};
    weir_client *client;
    void *block = malloc(WEIR_BLOCK_BYTES);
    assert_non_null(block);
    weir_status st =
        weir_open_in(block, WEIR_BLOCK_BYTES, live->server->url, &options, &client);
    assert_ok(client, st);
    for (int i = 0; i < 20; i++) {
        kill_at_server(live);
        expect_lost(client, live_say(client, "PING"));
        assert_ok(client, live_say(client, "PING"));
    }
    weir_close(client);
    free(block);
}

static void cancelling_ends_it_until_it_is_wanted_again(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    weir_client *client = open_with(live, rules_for(&diary), false);
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    weir_client_cancel(client);
    assert_status(live_say(client, "PING"), WEIR_ERR_CANCELLED);
    assert_int_equal(diary.states[diary.count - 1], WEIR_LINK_ENDED);
    assert_status(weir_take_count(client, NULL), WEIR_ERR_CANCELLED);
    assert_false(weir_client_error(client)->may_have_run); /* it was never sent */
    assert_int_equal(weir_unanswered(client), 0);
    assert_status(live_say(client, "PING"), WEIR_ERR_CANCELLED);
    assert_ok(client, weir_client_reconnect(client));
    assert_ok(client, live_say(client, "PING"));
}

/* ---- servers that are not there, or say no ---- */

static void nobody_is_there_and_requests_are_refused_or_end_in_time(void **state) {
    (void)state;
    int deaf;
    char url[48];
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u",
                   (unsigned)peer_deaf_port(&deaf));
    for (int is_fast = 0; is_fast < 2; is_fast++) {
        static struct diary diary;
        memset(&diary, 0, sizeof diary);
        weir_options options = {.reconnect = rules_for(&diary), .timeout_ms = 150};
        options.reconnect.fail_fast = is_fast == 1;
        weir_client *client;
        assert_status(weir_open(url, &options, &client), WEIR_ERR_CONNECT);
        int64_t began_ms = live_now_ms();
        assert_status(live_say(client, "PING"), WEIR_ERR_DOWN);
        assert_false(weir_client_error(client)->may_have_run);
        assert_non_null(strstr(weir_client_error(client)->text, "cannot connect"));
        assert_in_range(live_now_ms() - began_ms, is_fast == 1 ? 0 : 140, 2000);
        assert_int_equal(weir_unanswered(client), 0);
        weir_close(client);
    }
}

static void it_gives_up_in_time_and_says_why(void **state) {
    (void)state;
    int deaf;
    char url[48];
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u",
                   (unsigned)peer_deaf_port(&deaf));
    weir_options options = {.reconnect = rules_for(&diary)};
    options.reconnect.give_up_ms = 200;
    weir_client *client;
    int64_t began_ms = live_now_ms();
    assert_status(weir_open(url, &options, &client), WEIR_ERR_CONNECT);
    assert_status(live_say(client, "PING"), WEIR_ERR_CONNECT);
    assert_in_range(live_now_ms() - began_ms, 100, 2000);
    assert_int_equal(diary.states[diary.count - 1], WEIR_LINK_ENDED);
    assert_status(weir_append_xlen(client, WIRE("s")), WEIR_ERR_CONNECT);
    assert_int_equal(weir_client_deadline_ms(client), INT64_MAX);
    weir_close(client);
}

static void new_credentials_are_asked_for_before_each_handshake(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    weir_reconnect rules = rules_for(&diary);
    rules.credentials = give_password;
    weir_client *client = open_with(live, rules, false);
    assert_ok(live->client, live_say(live->client, "CONFIG", "SET", "requirepass", "new"));
    diary.password = "old";
    kill_at_server(live);
    expect_lost(client, live_say(client, "PING"));
    int64_t began_ms = live_now_ms();
    weir_status st = weir_append_xlen(client, WIRE("s"));
    while (diary.last_error != WEIR_ERR_REFUSED) {
        (void)weir_step(client);
        (void)poll(NULL, 0, 1);
    }
    diary.password = "new";
    size_t tries = diary.tries;
    assert_ok(client, st);
    assert_ok(client, weir_take_count(client, NULL));
    assert_int_equal(diary.tries, tries + 1);
    assert_true(live_now_ms() - began_ms >= 990); /* a wrong one: once a second */
    assert_ok(live->client, live_say(live->client, "CONFIG", "SET", "requirepass", ""));
}

static void what_the_last_connection_left_is_dropped_where_it_is_wanted(void **state) {
    struct live *live = *state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    weir_reconnect rules = rules_for(&diary);
    rules.is_fencing = true;
    weir_client *client = open_with(live, rules, false);
    int64_t before = diary.ready.client_id;
    assert_false(diary.ready.is_fenced);
    assert_ok(client, weir_client_reconnect(client));
    assert_ok(client, live_say(client, "PING"));
    assert_int_not_equal(diary.ready.client_id, before);
    assert_true(diary.ready.is_fenced);
}

static void be_loading(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "%1\r\n$5\r\nproto\r\n:3\r\n");
    peer_read(fd, 4);
    peer_say(fd,
             "-LOADING Redis is loading the dataset in memory\r\n+OK\r\n+OK\r\n$0\r\n\r\n");
    peer_be_silent(fd);
}

static void a_server_that_loads_is_not_ready(void **state) {
    (void)state;
    static struct diary diary;
    memset(&diary, 0, sizeof diary);
    struct peer peer = peer_start(be_loading);
    weir_options options = {.reconnect = rules_for(&diary), .timeout_ms = 400};
    weir_client *client;
    assert_status(weir_open(peer.url, &options, &client), WEIR_ERR_REFUSED);
    assert_string_equal(weir_client_error(client)->code, "LOADING");
    assert_status(live_say(client, "PING"), WEIR_ERR_DOWN);
    assert_in_range(diary.tries, 2, 1 + 400 / 5);
    weir_close(client);
    peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(an_event_loop_connects_again),
        LIVE_ON_BOTH(cancelling_ends_it_until_it_is_wanted_again),
        LIVE_ON_BOTH(new_credentials_are_asked_for_before_each_handshake),
        LIVE_ON_BOTH(what_the_last_connection_left_is_dropped_where_it_is_wanted),
        {"a_call_after_a_loss_goes_to_the_next_connection",
         a_call_after_a_loss_goes_to_the_next_connection, live_open_resp3, live_close,
         NULL},
        {"answers_that_had_come_are_taken_and_the_others_told_in_order",
         answers_that_had_come_are_taken_and_the_others_told_in_order, live_open_resp3,
         live_close, NULL},
        {"an_iterator_ends_with_its_connection", an_iterator_ends_with_its_connection,
         live_open_resp3, live_close, NULL},
        {"a_client_in_a_block_of_memory_connects_again_too",
         a_client_in_a_block_of_memory_connects_again_too, live_open_resp3, live_close,
         NULL},
        cmocka_unit_test(nobody_is_there_and_requests_are_refused_or_end_in_time),
        cmocka_unit_test(it_gives_up_in_time_and_says_why),
        cmocka_unit_test(a_server_that_loads_is_not_ready),
    };
    return live_run("connecting again", tests);
}
