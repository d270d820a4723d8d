/* A client in an event loop of the test's own (poll), against a real server and scripted
 * peers: no call waits.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "peer.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PLENTY_MS 10000

static const weir_field ONE = {{"n", 1}, {"1", 1}};

/* One turn of the loop: waits as long as the client says, then steps. */
static weir_status turn(weir_client *client) {
    int wants = weir_client_wants(client);
    int64_t left_ms = weir_client_deadline_ms(client) - live_now_ms();
    struct pollfd ready = {.fd = weir_client_fd(client),
                           .events = (short)((wants & WEIR_WANT_READ ? POLLIN : 0) |
                                             (wants & WEIR_WANT_WRITE ? POLLOUT : 0))};
    left_ms = left_ms < 0 ? 0 : left_ms;
    (void)poll(&ready, 1, left_ms < PLENTY_MS ? (int)left_ms : PLENTY_MS);
    return weir_step(client);
}

/* Turns until the handshake is done, or has failed. */
static weir_status turn_until_ready(weir_client *client) {
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && !weir_client_is_ready(client)) {
        st = turn(client);
    }
    return st;
}

static weir_client *begin(const char *url, int protocol, int64_t timeout_ms) {
    weir_options options = {.non_blocking = true,
                            .protocol = protocol,
                            .timeout_ms = timeout_ms,
                            .connect_timeout_ms = timeout_ms};
    weir_client *client;
    weir_status st = weir_open(url, &options, &client);
    assert_ok(client, st);
    return client;
}

static weir_client *connected(struct live *live) {
    weir_client *client = begin(live->server->url, live->protocol, 0);
    assert_true(live->other_count < LIVE_OTHERS);
    live->others[live->other_count++] = client;
    assert_ok(client, turn_until_ready(client));
    assert_int_equal(weir_client_greeting(client).protocol, live->protocol);
    return client;
}

static weir_status next(weir_client *client, weir_entries *page, weir_entry *entry) {
    weir_status st = weir_entries_next(page, entry);
    while (st == WEIR_MORE) {
        assert_true(weir_entries_is_open(page));
        assert_ok(client, turn(client));
        st = weir_entries_next(page, entry);
    }
    return st;
}

static weir_status take_id(weir_client *client, weir_id *id) {
    weir_status st = weir_take_id(client, id);
    while (st == WEIR_MORE) {
        assert_ok(client, turn(client));
        st = weir_take_id(client, id);
    }
    return st;
}

/* ---- the good days ---- */

static void connecting_and_greeting_wait_for_nothing(void **state) {
    struct live *live = *state;
    const char *urls[] = {live->server->url, live->server->tcp_url};
    for (int i = 0; i < 2; i++) {
        weir_client *client = begin(urls[i], live->protocol, 0);
        assert_true(weir_client_fd(client) >= 0);
        assert_true(weir_client_wants(client) != 0);
        assert_ok(client, turn_until_ready(client));
        assert_int_equal(weir_client_deadline_ms(client), INT64_MAX);
        assert_int_equal(weir_client_wants(client), WEIR_WANT_READ);
        weir_close(client);
    }
}

static void takes_leave_the_handshake_alone(void **state) {
    struct live *live = *state;
    weir_client *client = begin(live->server->tcp_url, live->protocol, 0);
    live->others[live->other_count++] = client;
    while (!weir_client_is_ready(client)) {
        assert_int_equal(weir_unanswered(client), 0);
        assert_status(weir_take_any(client), WEIR_ERR_ARG);
        assert_ok(client, turn(client));
    }
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, NULL));
    assert_ok(client, take_id(client, NULL));
}

static void forms_that_wait_are_refused(void **state) {
    struct live *live = *state;
    weir_client *client = connected(live);
    weir_entries page;
    assert_status(weir_xadd(client, WIRE("s"), &ONE, 1, NULL, NULL), WEIR_ERR_ARG);
    assert_status(weir_xlen(client, WIRE("s"), NULL), WEIR_ERR_ARG);
    assert_status(weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page),
                  WEIR_ERR_ARG);
    assert_status(live_say(client, "PING"), WEIR_ERR_ARG);
    assert_int_equal(weir_unanswered(client), 0);
}

static void a_take_before_its_time_is_more(void **state) {
    struct live *live = *state;
    weir_client *client = connected(live);
    weir_id id = {7, 7};
    weir_xadd_options options = {.id = {1, 0}};
    assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, &options));
    weir_status st = weir_take_id(client, &id);
    if (st == WEIR_MORE) { /* nearly always: nothing has waited for the server */
        assert_id(id, 7, 7);
        assert_int_equal(weir_unanswered(client), 1);
        st = take_id(client, &id);
    }
    assert_ok(client, st);
    assert_id(id, 1, 0);
}

static void thousands_go_through_in_order(void **state) {
    struct live *live = *state;
    weir_client *client = connected(live);
    uint64_t appended = 0;
    uint64_t taken = 0;
    while (taken < 20000) {
        weir_id id;
        weir_xadd_options options = {.id = {appended + 1, 0}};
        if (appended < 20000) {
            assert_ok(client, weir_append_xadd(client, WIRE("s"), &ONE, 1, &options));
            appended++;
        }
        weir_status st = weir_take_id(client, &id);
        if (st == WEIR_OK) {
            assert_id(id, ++taken, 0);
        } else {
            assert_status(st, WEIR_MORE);
            if (appended == 20000) {
                assert_ok(client, turn(client));
            }
        }
    }
    weir_status st = weir_flush(client);
    assert_ok(client, st);
}

static void a_large_page_is_read_as_it_arrives(void **state) {
    struct live *live = *state;
    weir_client *client = connected(live);
    weir_entries page;
    weir_entry entry;
    live_fill(live->client, "s", 20000, 200);
    assert_ok(client,
              weir_append_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    weir_status st = weir_take_entries(client, &page);
    while (st == WEIR_MORE) {
        assert_ok(client, turn(client));
        st = weir_take_entries(client, &page);
    }
    assert_ok(client, st);
    for (uint64_t ms = 1; ms <= 20000; ms++) {
        assert_ok(client, next(client, &page, &entry));
        assert_id(entry.id, ms, 0);
        assert_int_equal(entry.fields[0].value.len, 200);
        if (ms % 100 == 0) { /* calls inside the loop, their answers behind it */
            assert_ok(client, weir_append_xdel(client, WIRE("s"), &entry.id, 1));
        }
    }
    assert_status(next(client, &page, &entry), WEIR_END);
    for (int i = 0; i < 200; i++) {
        uint64_t count = 0;
        while ((st = weir_take_count(client, &count)) == WEIR_MORE) {
            assert_ok(client, turn(client));
        }
        assert_ok(client, st);
        assert_int_equal(count, 1);
    }
}

/* What is not taken is received only as far as it can be kept without moving it each time.
 */
static void a_nearly_full_buffer_asks_for_no_more(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 20000, 100);
    weir_options options = {.non_blocking = true,
                            .protocol = live->protocol,
                            .limits.receive_bytes = 1024 * 1024};
    weir_client *client = live_other(live, &options);
    assert_ok(client, turn_until_ready(client));
    assert_ok(client,
              weir_append_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    weir_entries page;
    weir_entry entry;
    weir_status st = weir_take_entries(client, &page);
    while (st == WEIR_MORE) {
        assert_ok(client, turn(client));
        st = weir_take_entries(client, &page);
    }
    assert_ok(client, st);
    while ((weir_client_wants(client) & WEIR_WANT_READ) != 0) {
        assert_ok(client, turn(client));
    }
    uint64_t count = 0;
    while ((st = next(client, &page, &entry)) == WEIR_OK) {
        assert_int_equal(entry.field_count, 1);
        assert_ok(client, weir_step(client));
        count++;
    }
    assert_status(st, WEIR_END);
    assert_int_equal(count, 20000);
}

static void a_blocked_read_is_woken(void **state) {
    struct live *live = *state;
    weir_client *client = connected(live);
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = WEIR_FOREVER};
    weir_entries page;
    weir_entry entry;
    assert_ok(client, weir_append_xread(client, &source, 1, &options));
    assert_status(weir_take_entries(client, &page), WEIR_MORE);
    assert_int_equal(weir_client_deadline_ms(client), INT64_MAX);
    weir_status st = weir_flush(client);
    assert_ok(client, st);
    (void)support_poll(-1, 0, 50);
    assert_ok(client, weir_step(client));
    assert_status(weir_take_entries(client, &page), WEIR_MORE);
    for (uint64_t ms = 9; (st = weir_take_entries(client, &page)) == WEIR_MORE; ms++) {
        live_add(live->client, "s", ms, 0); /* again, if the read came later than this */
        assert_ok(client, turn(client));
    }
    assert_ok(client, st);
    assert_ok(client, next(client, &page, &entry));
    assert_true(entry.id.ms >= 9);
    assert_view(entry.stream, "s");
}

static void a_blocked_read_has_its_time_on_top(void **state) {
    struct live *live = *state;
    weir_client *client = connected(live);
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = 3000};
    assert_ok(client, weir_append_xread(client, &source, 1, &options));
    assert_in_range(weir_client_deadline_ms(client) - live_now_ms(), 7000, 8000);
}

/* ---- the bad days ---- */

/* An append before the handshake is done has nowhere to go: WEIR_MORE, nothing was done. */
static void nothing_is_appended_before_the_client_is_ready(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    weir_client *client = begin(peer.url, 0, 0);
    for (int i = 0; i < 2; i++) {
        assert_false(weir_client_is_ready(client));
        assert_true(weir_client_deadline_ms(client) <= live_now_ms() + 5000);
        assert_status(weir_append_xadd(client, WIRE("s"), &ONE, 1, NULL), WEIR_MORE);
        assert_int_equal(weir_unanswered(client), 0);
        assert_status(weir_take_any(client), WEIR_ERR_ARG);
        assert_ok(client, weir_step(client));
    }
    weir_close(client);
    peer_stop(&peer);
}

static void nobody_listens(void **state) {
    (void)state;
    int fd;
    char url[48];
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u", (unsigned)peer_deaf_port(&fd));
    weir_options options = {.non_blocking = true};
    weir_client *client;
    weir_status st = weir_open(url, &options, &client);
    st = st == WEIR_OK ? turn_until_ready(client) : st;
    assert_status(st, WEIR_ERR_CONNECT);
    assert_non_null(strstr(weir_client_error(client)->text, "127.0.0.1"));
    assert_int_equal(weir_client_deadline_ms(client), INT64_MAX);
    weir_close(client);
    (void)close(fd);
}

static void silence_in_the_handshake_ends_at_the_deadline(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    int64_t began_ms = live_now_ms();
    weir_client *client = begin(peer.url, 0, 200);
    assert_status(turn_until_ready(client), WEIR_ERR_TIMEOUT);
    assert_in_range(live_now_ms() - began_ms, 190, 1500);
    assert_non_null(strstr(weir_client_error(client)->text, peer.name));
    assert_status(weir_step(client), WEIR_ERR_TIMEOUT);
    weir_close(client);
    peer_stop(&peer);
}

static void greet_and_be_silent(int fd) {
    peer_greet(fd);
    peer_be_silent(fd);
}

static void silence_after_a_request_ends_at_the_deadline(void **state) {
    (void)state;
    weir_status st = WEIR_OK;
    struct peer peer = peer_start(greet_and_be_silent);
    weir_client *client = begin(peer.url, 0, 300);
    assert_ok(client, turn_until_ready(client));
    (void)support_poll(-1, 0, 400); /* idle: no deadline runs */
    assert_ok(client, weir_step(client));
    int64_t began_ms = live_now_ms();
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    while (st == WEIR_OK) {
        st = turn(client);
    }
    assert_status(st, WEIR_ERR_TIMEOUT);
    assert_in_range(live_now_ms() - began_ms, 290, 1500);
    assert_status(weir_take_count(client, NULL), WEIR_ERR_TIMEOUT);
    weir_close(client);
    peer_stop(&peer);
}

static void greet_and_close_at_the_first_request(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
}

static void a_peer_that_closes_ends_the_loop(void **state) {
    (void)state;
    weir_status st = WEIR_OK;
    struct peer peer = peer_start(greet_and_close_at_the_first_request);
    weir_client *client = begin(peer.url, 0, 0);
    assert_ok(client, turn_until_ready(client));
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    while (st == WEIR_OK) {
        st = turn(client);
    }
    assert_status(st, WEIR_ERR_CLOSED);
    assert_status(weir_take_count(client, NULL), WEIR_ERR_CLOSED);
    assert_int_equal(weir_client_wants(client), 0);
    weir_close(client);
    peer_stop(&peer);
}

static void answer_and_close(int fd) {
    peer_greet(fd);
    peer_read(fd, 4);
    peer_say(fd, "-WRONGTYPE no\r\n:5\r\n*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nn\r\n$1\r\n1"
                 "\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n");
}

/* And what the last error tells is why the last call failed, whatever came between. */
static void what_had_arrived_is_taken_after_the_end(void **state) {
    (void)state;
    const weir_view key = WIRE("s");
    weir_status st = WEIR_OK;
    weir_entries page;
    uint64_t count;
    struct peer peer = peer_start(answer_and_close);
    weir_client *client = begin(peer.url, 0, 0);
    assert_ok(client, turn_until_ready(client));
    assert_ok(client, weir_append_xlen(client, key));
    assert_ok(client, weir_append_xlen(client, key));
    assert_ok(client, weir_append_xrange(client, key, WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    assert_ok(client, weir_append_xlen(client, key));
    while (st == WEIR_OK) {
        st = turn(client);
    }
    assert_status(st, WEIR_ERR_CLOSED);
    assert_code(client, weir_take_count(client, NULL), "WRONGTYPE");
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, 5);
    assert_ok(client, weir_take_entries(client, &page));
    assert_next(&page, 1, 0);
    assert_next(&page, 2, 0);
    assert_end(&page);
    assert_status(weir_take_count(client, NULL), WEIR_ERR_CLOSED);
    assert_int_equal(weir_client_error(client)->status, WEIR_ERR_CLOSED);
    assert_non_null(strstr(weir_client_error(client)->text, peer.name));
    assert_status(weir_append_xlen(client, WIRE("")), WEIR_ERR_CLOSED);
    assert_int_equal(weir_client_error(client)->status, WEIR_ERR_CLOSED);
    weir_close(client);
    peer_stop(&peer);
}

static void a_wrong_password_ends_the_loop(void **state) {
    struct live *live = *state;
    weir_options options = {.non_blocking = true,
                            .protocol = live->protocol,
                            .user = "nobody",
                            .password = "s3cret-word"};
    weir_client *client;
    weir_status st = weir_open(live->server->url, &options, &client);
    st = st == WEIR_OK ? turn_until_ready(client) : st;
    assert_status(st, WEIR_ERR_REFUSED);
    assert_null(strstr(weir_client_error(client)->text, "s3cret-word"));
    weir_close(client);
}

/* The four calls work on a client that waits, too. */
static void a_blocking_client_can_be_watched(void **state) {
    struct live *live = *state;
    weir_id id;
    weir_xadd_options options = {.id = {1, 0}};
    assert_ok(live->client, weir_append_xadd(live->client, WIRE("s"), &ONE, 1, &options));
    assert_true(weir_client_deadline_ms(live->client) <= live_now_ms() + 5000);
    assert_ok(live->client, turn(live->client));
    assert_ok(live->client, weir_take_id(live->client, &id));
    assert_id(id, 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(connecting_and_greeting_wait_for_nothing),
        LIVE_ON_BOTH(takes_leave_the_handshake_alone),
        LIVE_ON_BOTH(forms_that_wait_are_refused),
        LIVE_ON_BOTH(a_take_before_its_time_is_more),
        LIVE_ON_BOTH(thousands_go_through_in_order),
        LIVE_ON_BOTH(a_large_page_is_read_as_it_arrives),
        LIVE_ON_BOTH(a_nearly_full_buffer_asks_for_no_more),
        LIVE_ON_BOTH(a_blocked_read_is_woken),
        LIVE_ON_BOTH(a_blocked_read_has_its_time_on_top),
        LIVE_ON_BOTH(a_wrong_password_ends_the_loop),
        LIVE_ON_BOTH(a_blocking_client_can_be_watched),
        cmocka_unit_test(nothing_is_appended_before_the_client_is_ready),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(silence_in_the_handshake_ends_at_the_deadline),
        cmocka_unit_test(silence_after_a_request_ends_at_the_deadline),
        cmocka_unit_test(a_peer_that_closes_ends_the_loop),
        cmocka_unit_test(what_had_arrived_is_taken_after_the_end),
    };
    return live_run("event loops", tests);
}
