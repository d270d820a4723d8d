/* Cancelling: what waits is woken from another thread and from a signal handler, says so,
 * and leaves nothing behind at the server.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "peer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define SOON_MS  50
#define WOKEN_MS 2000 /* "at once" on a machine that is busy with other tests */

/* ---- who cancels ---- */

static void *cancel_soon(void *client) {
    (void)support_poll(-1, 0, SOON_MS);
    weir_client_cancel(client);
    return NULL;
}

static pthread_t another_thread(weir_client *client) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, client), 0);
    return thread;
}

static weir_client *volatile the_client;

static void cancel_now(int number) {
    (void)number;
    if (the_client != NULL) {
        weir_client_cancel(the_client);
    }
}

static void set_alarm(int ms, void (*handler)(int)) {
    struct itimerval time = {.it_value = {.tv_usec = ms * 1000L}};
    struct sigaction action = {.sa_handler = handler};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &time, NULL), 0);
}

/* ---- what is seen ---- */

static void expect_cancelled(weir_client *client, weir_status st, int64_t began_ms) {
    uint64_t count;
    assert_status(st, WEIR_ERR_CANCELLED);
    assert_in_range(live_now_ms() - began_ms, 0, WOKEN_MS);
    assert_int_equal(weir_client_error(client)->status, WEIR_ERR_CANCELLED);
    assert_non_null(strstr(weir_client_error(client)->text, "weir_client_cancel"));
    assert_true(weir_status_is_fatal(st));
    assert_status(weir_xlen(client, WIRE("s"), &count), WEIR_ERR_CANCELLED);
    assert_status(weir_append_xlen(client, WIRE("s")), WEIR_ERR_CANCELLED);
    assert_status(weir_flush(client), WEIR_ERR_CANCELLED);
    assert_status(weir_step(client), WEIR_ERR_CANCELLED);
    assert_false(weir_client_is_ready(client));
    assert_int_equal(weir_client_fd(client), -1);
    assert_int_equal(weir_client_wants(client), 0);
    assert_int_equal(weir_client_deadline_ms(client), INT64_MAX);
}

static size_t clients_of(weir_client *client) {
    const weir_view args[] = {WIRE("CLIENT"), WIRE("LIST")};
    weir_reply reply;
    weir_token token;
    size_t lines = 0;
    assert_ok(client, weir_command(client, args, 2, &reply));
    assert_ok(client, weir_reply_next(&reply, &token));
    for (size_t i = 0; i < token.bytes.len; i++) {
        lines += token.bytes.data[i] == '\n' ? 1 : 0;
    }
    weir_reply_close(&reply);
    return lines;
}

/* The server sees the end of a connection in its next turn. */
static void expect_clients(weir_client *client, size_t expected) {
    int64_t began_ms = live_now_ms();
    while (clients_of(client) != expected) {
        assert_true(live_now_ms() - began_ms < WOKEN_MS);
        (void)poll(NULL, 0, 5);
    }
}

static weir_status block_for_ever(weir_client *client) {
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = WEIR_FOREVER};
    weir_entries page;
    return weir_xread(client, &source, 1, &options, &page);
}

/* ---- tests ---- */

static void a_blocked_read_is_woken_by_another_thread(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, NULL);
    expect_clients(live->client, 2);
    int64_t began_ms = live_now_ms();
    pthread_t thread = another_thread(client);
    expect_cancelled(client, block_for_ever(client), began_ms);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_clients(live->client, 1); /* before weir_close: the server waits for nobody */
}

static void a_blocked_read_is_woken_by_a_signal_handler(void **state) {
    struct live *live = *state;
    the_client = live_other(live, NULL);
    int64_t began_ms = live_now_ms();
    set_alarm(SOON_MS, cancel_now);
    expect_cancelled(the_client, block_for_ever(the_client), began_ms);
    the_client = NULL;
    expect_clients(live->client, 1);
}

static void a_call_after_it_is_cancelled_too(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, NULL);
    weir_client_cancel(client);
    weir_client_cancel(client);
    expect_cancelled(client, block_for_ever(client), live_now_ms());
    expect_clients(live->client, 1);
}

static void answers_that_had_arrived_can_still_be_taken(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, NULL);
    uint64_t count = 7;
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    assert_ok(client, weir_append_xlen(client, WIRE("s")));
    assert_ok(client, live_say(client, "PING")); /* behind which both are there */
    weir_client_cancel(client);
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, 0);
    assert_ok(client, weir_take_count(client, &count));
    expect_cancelled(client, weir_append_xlen(client, WIRE("s")), live_now_ms());
}

static void a_client_in_a_block_of_memory_is_woken_too(void **state) {
    struct live *live = *state;
    weir_options options = {.protocol = live->protocol};
    weir_client *client;
    void *block = malloc(WEIR_BLOCK_BYTES);
    assert_non_null(block);
    weir_status st =
        weir_open_in(block, WEIR_BLOCK_BYTES, live->server->url, &options, &client);
    assert_ok(client, st);
    int64_t began_ms = live_now_ms();
    pthread_t thread = another_thread(client);
    expect_cancelled(client, block_for_ever(client), began_ms);
    assert_int_equal(pthread_join(thread, NULL), 0);
    weir_close(client);
    free(block);
}

static void a_client_in_an_event_loop_is_woken_by_its_descriptor(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, &(weir_options){.non_blocking = true});
    while (!weir_client_is_ready(client)) {
        assert_ok(client, weir_step(client));
    }
    struct pollfd watched = {.fd = weir_client_cancel_fd(client), .events = POLLIN};
    assert_int_equal(poll(&watched, 1, 0), 0);
    int64_t began_ms = live_now_ms();
    pthread_t thread = another_thread(client);
    assert_int_equal(support_poll(watched.fd, watched.events, WOKEN_MS), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(weir_client_deadline_ms(client) < live_now_ms());
    expect_cancelled(client, weir_step(client), began_ms);
}

/* ---- before there is a connection to speak of, and while it takes nothing ---- */

/* weir_open writes here before it waits, so that a handler can find the client. */
static weir_client *opened;

static void cancel_opened(int number) {
    (void)number;
    if (opened != NULL) {
        weir_client_cancel(opened);
    }
}

static void opening_is_cancelled_by_a_signal_handler(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    weir_options options = {.connect_timeout_ms = 60000};
    int64_t began_ms = live_now_ms();
    set_alarm(SOON_MS, cancel_opened);
    weir_status st = weir_open(peer.url, &options, &opened);
    expect_cancelled(opened, st, began_ms);
    assert_non_null(strstr(weir_client_error(opened)->text, "while connecting"));
    weir_close(opened);
    opened = NULL;
    peer_stop(&peer);
}

static void connecting_in_an_event_loop_can_be_cancelled(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    weir_client *client;
    weir_options options = {.non_blocking = true};
    weir_status st = weir_open(peer.url, &options, &client);
    assert_ok(client, st);
    weir_client_cancel(client);
    expect_cancelled(client, weir_step(client), live_now_ms());
    weir_close(client);
    peer_stop(&peer);
}

static void a_system_without_descriptors_is_told(void **state) {
    struct live *live = *state;
    struct rlimit usual;
    weir_client *client;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    weir_status st = weir_open(live->server->url, NULL, &client);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_status(st, WEIR_ERR_IO);
    assert_non_null(strstr(weir_client_error(client)->text, "no descriptor"));
    assert_int_equal(weir_client_cancel_fd(client), -1);
    weir_client_cancel(client); /* harmless */
    weir_close(client);
}

static void take_nothing(int fd) {
    peer_greet(fd);
    (void)poll(NULL, 0, 60000);
}

static void a_large_command_that_nobody_takes_is_given_up(void **state) {
    (void)state;
    struct peer peer = peer_start(take_nothing);
    size_t size = (size_t)32 << 20;
    char *value = calloc(1, size);
    assert_non_null(value);
    weir_client *client;
    weir_status st = weir_open(peer.url, &(weir_options){.timeout_ms = 60000}, &client);
    assert_ok(client, st);
    weir_field field = {weir_text("n"), weir_bytes(value, size)};
    int64_t began_ms = live_now_ms();
    pthread_t thread = another_thread(client);
    expect_cancelled(client, weir_xadd(client, WIRE("s"), &field, 1, NULL, NULL), began_ms);
    assert_int_equal(pthread_join(thread, NULL), 0);
    weir_close(client);
    free(value);
    peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_blocked_read_is_woken_by_another_thread),
        LIVE_ON_BOTH(a_blocked_read_is_woken_by_a_signal_handler),
        LIVE_ON_BOTH(a_call_after_it_is_cancelled_too),
        LIVE_ON_BOTH(answers_that_had_arrived_can_still_be_taken),
        LIVE_ON_BOTH(a_client_in_a_block_of_memory_is_woken_too),
        LIVE_ON_BOTH(a_client_in_an_event_loop_is_woken_by_its_descriptor),
        LIVE_ON_BOTH(a_system_without_descriptors_is_told),
        cmocka_unit_test(opening_is_cancelled_by_a_signal_handler),
        cmocka_unit_test(connecting_in_an_event_loop_can_be_cancelled),
        cmocka_unit_test(a_large_command_that_nobody_takes_is_given_up),
    };
    return live_run("cancelling", tests);
}
