/* Clients whose host is a name, with a resolver that answers late or never: nobody waits
 * for it longer than his deadline, and nothing is left of it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/lookup.h"
#include "../net/net.h"
#include "../stream/client.h"
#include "../stream/commands.h"
#include "peer.h"
#include "resolver.h"
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLENTY_MS 5000
#define SOON_MS   50  /* when somebody does what ends a wait */
#define QUICK_MS  200 /* of what does not wait, on a slow machine */

#define NAME "redis://host.test:6379"

static void expect_all_freed(void) {
    for (int i = 0; i < PLENTY_MS && resolver_unfreed() != 0; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(resolver_unfreed(), 0);
}

static void await_call(void) {
    for (int i = 0; i < PLENTY_MS && resolver_calls() == 0; i++) {
        (void)poll(NULL, 0, 1);
    }
}

/* The resolver answers at last those that have long gone: what it gives is freed. */
static void let_it_answer(int calls) {
    await_call();
    assert_int_equal(resolver_calls(), calls);
    resolver_goes_on();
    resolver_await_answers(calls);
    expect_all_freed();
}

static void hang(void) {
    expect_all_freed();
    resolver_has("127.0.0.1 127.0.0.2");
    resolver_hangs();
}

static void *cancel_soon(void *client) {
    (void)poll(NULL, 0, SOON_MS);
    weir_client_cancel(client);
    return NULL;
}

/* ---- a resolver that hangs ---- */

static void opening_ends_at_its_deadline(void **state) {
    (void)state;
    hang();
    weir_client *client;
    int64_t began_ms = weir_now_ms();
    weir_status st = weir_open(NAME, &(weir_options){.connect_timeout_ms = 200}, &client);
    int64_t took_ms = weir_now_ms() - began_ms;
    print_message("a resolver that hangs, connect_timeout_ms 200: %d ms\n", (int)took_ms);
    assert_status(st, WEIR_ERR_TIMEOUT);
    assert_in_range(took_ms, 200, 1000);
    const char *text = weir_client_error(client)->text;
    assert_non_null(strstr(text, "cannot connect to host.test:6379: its name was not "
                                 "resolved within "));
    weir_close(client); /* waits for nobody */
    assert_in_range(weir_now_ms() - began_ms, 200, 1000);
    let_it_answer(1);
}

static void opening_in_an_event_loop_waits_for_nothing(void **state) {
    (void)state;
    hang();
    weir_client *client;
    weir_options options = {.non_blocking = true, .connect_timeout_ms = 600};
    int64_t began_ms = weir_now_ms();
    assert_status(weir_open(NAME, &options, &client), WEIR_OK);
    assert_in_range(weir_now_ms() - began_ms, 0, QUICK_MS);
    assert_true(weir_client_fd(client) >= 0);
    assert_int_equal(weir_client_wants(client), WEIR_WANT_READ);
    struct pollfd watched = {.fd = weir_client_fd(client), .events = POLLIN};
    assert_int_equal(poll(&watched, 1, 50), 0); /* nothing to do, and it does not spin */
    assert_status(weir_step(client), WEIR_OK);
    assert_in_range(weir_now_ms() - began_ms, 50, 50 + QUICK_MS);
    weir_status st = WEIR_OK;
    while (st == WEIR_OK) {
        int64_t left_ms = weir_client_deadline_ms(client) - weir_now_ms();
        (void)poll(&watched, 1, left_ms > 0 ? (int)left_ms : 0);
        st = weir_step(client);
    }
    assert_status(st, WEIR_ERR_TIMEOUT);
    assert_in_range(weir_now_ms() - began_ms, 600, 2000);
    weir_close(client);
    let_it_answer(1);
}

static void opening_is_cancelled_from_another_thread(void **state) {
    (void)state;
    hang();
    weir_client *client = NULL;
    pthread_t thread;
    weir_options options = {.non_blocking = true, .reconnect.is_on = true};
    assert_status(weir_open(NAME, &options, &client), WEIR_OK);
    weir_close(client);
    let_it_answer(1);
    hang(); /* a blocking call on a client that is not up yet waits for it */
    options.non_blocking = false;
    options.connect_timeout_ms = 100;
    assert_status(weir_open(NAME, &options, &client), WEIR_ERR_TIMEOUT);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, client), 0);
    int64_t began_ms = weir_now_ms();
    uint64_t count;
    weir_status st = weir_xlen(client, WIRE("s"), &count);
    assert_in_range(weir_now_ms() - began_ms, SOON_MS / 2, 1000);
    assert_true(st == WEIR_ERR_CANCELLED || st == WEIR_ERR_DOWN);
    assert_int_equal(weir_client_error(client)->status, st);
    assert_int_equal(pthread_join(thread, NULL), 0);
    weir_close(client);
    let_it_answer(1);
}

static weir_client *opened; /* by weir_open, which has not returned yet */

static void cancel_opened(int number) {
    (void)number;
    weir_client_cancel(opened);
}

/* Also: the signal comes to us, not to the thread that looks up. */
static void opening_is_cancelled_by_a_signal_handler(void **state) {
    (void)state;
    hang();
    struct sigaction action = {.sa_handler = cancel_opened};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval timer = {.it_value.tv_usec = SOON_MS * 1000};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    int64_t began_ms = weir_now_ms();
    weir_status st = weir_open(NAME, NULL, &opened);
    assert_status(st, WEIR_ERR_CANCELLED);
    assert_in_range(weir_now_ms() - began_ms, SOON_MS / 2, 1000);
    assert_true(resolver_was_aside());
    assert_true(resolver_had_signals_blocked());
    weir_close(opened);
    let_it_answer(1);
}

static void a_client_that_tries_again_asks_once(void **state) {
    (void)state;
    hang();
    weir_client *client;
    weir_options options = {.non_blocking = true,
                            .connect_timeout_ms = 30,
                            .reconnect = {.is_on = true, .floor_ms = 1, .ceiling_ms = 2}};
    assert_status(weir_open(NAME, &options, &client), WEIR_OK);
    int64_t until_ms = weir_now_ms() + 300;
    while (weir_now_ms() < until_ms) { /* some ten tries */
        struct pollfd watched = {.fd = weir_client_fd(client), .events = POLLIN};
        (void)poll(&watched, 1, 5);
        assert_status(weir_step(client), WEIR_OK);
    }
    assert_int_equal(resolver_calls(), 1);
    weir_close(client);
    let_it_answer(1);
}

/* ---- a resolver that answers ---- */

static void serve(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd, ":7\r\n");
    peer_be_silent(fd);
}

static void greet(int fd) {
    peer_greet(fd);
    peer_be_silent(fd);
}

/* To a client that connects again: it also asks PING and INFO. */
static void serve_again(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n9.9.9\r\n"
                 "$5\r\nproto\r\n:3\r\n");
    peer_read(fd, 4);
    peer_say(fd, "+PONG\r\n+OK\r\n+OK\r\n$0\r\n\r\n");
    peer_read(fd, 1);
    peer_say(fd, ":7\r\n");
    peer_be_silent(fd);
}

static const char *url_of(const struct peer *peer) {
    static char url[64];
    (void)snprintf(url, sizeof url, "redis://host.test:%u", (unsigned)peer->port);
    return url;
}

static void expect_serves(const char *url, const weir_options *options) {
    weir_client *client;
    uint64_t count = 0;
    weir_status st = weir_open(url, options, &client);
    if (st != WEIR_OK) {
        fail_msg("%s", weir_client_error(client)->text);
    }
    assert_status(weir_xlen(client, WIRE("s"), &count), WEIR_OK);
    assert_int_equal(count, 7);
    weir_close(client);
    expect_all_freed();
}

static void a_name_leads_to_its_server(void **state) {
    (void)state;
    struct peer peer = peer_start(serve);
    resolver_has("127.0.0.1");
    expect_serves(url_of(&peer), NULL);
    assert_true(resolver_was_aside());
    expect_serves(url_of(&peer), &(weir_options){.lookup_blocks = true});
    assert_false(resolver_was_aside());
    peer_stop(&peer);
}

/* 127.0.0.2 and ::1 have nobody at this port. */
static void a_name_leads_to_its_server_past_dead_addresses(void **state) {
    (void)state;
    struct peer peer = peer_start(serve);
    resolver_has("::1 127.0.0.2 127.0.0.3 127.0.0.1");
    expect_serves(url_of(&peer), NULL);
    peer_stop(&peer);
}

static void a_client_in_a_block_has_names_too(void **state) {
    (void)state;
    struct peer peer = peer_start(serve);
    resolver_has("127.0.0.1");
    void *block = malloc(WEIR_BLOCK_BYTES);
    weir_client *client;
    uint64_t count = 0;
    assert_status(weir_open_in(block, WEIR_BLOCK_BYTES, url_of(&peer), NULL, &client),
                  WEIR_OK);
    assert_status(weir_xlen(client, WIRE("s"), &count), WEIR_OK);
    weir_close(client);
    free(block);
    expect_all_freed();
    peer_stop(&peer);
}

/* The answer comes after the deadline of the try that asked: the next one has it. */
static void a_late_answer_serves_the_next_try(void **state) {
    (void)state;
    struct peer peer = peer_start(serve_again);
    hang();
    weir_client *client;
    weir_options options = {.connect_timeout_ms = 300,
                            .reconnect = {.is_on = true, .floor_ms = 1, .ceiling_ms = 2}};
    assert_status(weir_open(url_of(&peer), &options, &client), WEIR_ERR_TIMEOUT);
    resolver_goes_on();
    resolver_await_answers(1);
    uint64_t count = 0;
    assert_status(weir_xlen(client, WIRE("s"), &count), WEIR_OK);
    assert_int_equal(count, 7);
    assert_int_equal(resolver_calls(), 1);
    weir_close(client);
    expect_all_freed();
    peer_stop(&peer);
}

static void a_late_refusal_is_asked_again(void **state) {
    (void)state;
    struct peer peer = peer_start(serve_again);
    resolver_has("");
    resolver_hangs();
    weir_client *client;
    weir_options options = {.connect_timeout_ms = 300,
                            .reconnect = {.is_on = true, .floor_ms = 1, .ceiling_ms = 2}};
    assert_status(weir_open(url_of(&peer), &options, &client), WEIR_ERR_TIMEOUT);
    resolver_goes_on();
    resolver_await_answers(1);
    resolver_has("127.0.0.1");
    uint64_t count = 0;
    assert_status(weir_xlen(client, WIRE("s"), &count), WEIR_OK);
    assert_int_equal(resolver_calls(), 1); /* since it has another answer */
    weir_close(client);
    expect_all_freed();
    peer_stop(&peer);
}

static void await_answer(const weir_socket *socket) {
    for (int i = 0; i < PLENTY_MS && !weir_lookup_is_done(socket->lookup); i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_true(weir_lookup_is_done(socket->lookup));
}

/* How often the resolver was asked in all, if the next try begins so long after the answer
 * to the first has come. */
static int calls_when_tried_again_after(int64_t ms) {
    weir_address address;
    weir_error error;
    weir_socket socket;
    hang();
    assert_status(weir_address_parse(&address, NAME, &error), WEIR_OK);
    weir_socket_init(&socket, &address);
    int64_t now_ms = weir_now_ms();
    assert_status(weir_socket_start(&socket, now_ms, now_ms + 10, &error), WEIR_OK);
    assert_status(weir_socket_connect(&socket, now_ms + 10, &error), WEIR_ERR_TIMEOUT);
    await_call();
    resolver_goes_on();
    await_answer(&socket);
    now_ms = weir_lookup_came_ms(socket.lookup) + ms;
    assert_status(weir_socket_start(&socket, now_ms, now_ms + 10, &error), WEIR_OK);
    await_answer(&socket);
    weir_socket_close(&socket);
    weir_socket_end(&socket);
    expect_all_freed();
    return resolver_calls();
}

static void an_answer_of_long_ago_is_asked_for_again(void **state) {
    (void)state;
    assert_int_equal(calls_when_tried_again_after(10000), 1);
    assert_int_equal(calls_when_tried_again_after(10001), 2);
}

/* ---- fork ---- */

/* The child has no thread of its parent's: it closes what it was given without waiting, and
 * asks by itself. Its exit status says how it went. */
static int child_of(weir_client *of_parent, const char *url) {
    weir_client *client;
    weir_close(of_parent);
    weir_status st = weir_open(url, NULL, &client);
    weir_close(client);
    return st == WEIR_OK ? 0 : 1;
}

static void a_child_process_looks_up_by_itself(void **state) {
    (void)state;
    struct peer peer = peer_start(serve);
    resolver_has("127.0.0.1");
    resolver_hangs();
    weir_client *client;
    weir_options options = {.non_blocking = true};
    assert_status(weir_open(NAME, &options, &client), WEIR_OK);
    await_call();
    pid_t pid = fork();
    if (pid == 0) {
        resolver_goes_on(); /* in the child */
        _exit(child_of(client, url_of(&peer)));
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    weir_close(client);
    let_it_answer(1);
    peer_stop(&peer);
}

/* Drives what was opened as an event loop does, until it is connected. True if it took so
 * few turns that none was in vain. */
static bool is_opened_without_spinning(weir_client *client) {
    int turns = 0;
    while (weir_client_greeting(client).server[0] == '\0' && turns < 30) {
        int wants = weir_client_wants(client);
        struct pollfd watched = {.fd = weir_client_fd(client),
                                 .events =
                                     (short)((wants & WEIR_WANT_READ ? POLLIN : 0) |
                                             (wants & WEIR_WANT_WRITE ? POLLOUT : 0))};
        (void)poll(&watched, 1, 100);
        if (weir_step(client) != WEIR_OK) {
            return false;
        }
        turns++;
    }
    return turns < 30;
}

/* Both ask for themselves, and neither is in the other's way. */
static void a_child_process_goes_on_where_its_parent_was(void **state) {
    (void)state;
    struct peer peer = peer_start(greet);
    resolver_has("127.0.0.1");
    resolver_hangs();
    weir_client *client;
    weir_options options = {.non_blocking = true};
    assert_status(weir_open(url_of(&peer), &options, &client), WEIR_OK);
    await_call();
    pid_t pid = fork();
    if (pid == 0) {
        resolver_goes_on(); /* in the child */
        bool is_well = is_opened_without_spinning(client);
        weir_close(client);
        _exit(is_well ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(resolver_calls(), 1);
    resolver_goes_on();
    struct pollfd watched = {.fd = weir_client_fd(client), .events = POLLIN};
    assert_int_equal(poll(&watched, 1, PLENTY_MS), 1); /* the child left it as it was */
    assert_true(is_opened_without_spinning(client));
    weir_close(client);
    expect_all_freed();
    peer_stop(&peer);
}

/* An epoll of the caller's keeps what is closed as long as a child has it: then it must be
 * ready for nothing. */
static void a_child_process_leaves_nothing_ready_in_the_parents_loop(void **state) {
    (void)state;
    struct peer peer = peer_start(greet);
    resolver_has("127.0.0.1");
    resolver_hangs();
    weir_client *client;
    weir_options options = {.non_blocking = true};
    assert_status(weir_open(url_of(&peer), &options, &client), WEIR_OK);
    await_call();
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    assert_true(loop >= 0);
    assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, weir_client_fd(client), &event), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)poll(NULL, 0, PLENTY_MS);
        _exit(0);
    }
    resolver_goes_on();
    assert_int_equal(epoll_wait(loop, &event, 1, PLENTY_MS), 1);
    assert_true(is_opened_without_spinning(client));
    assert_int_equal(epoll_wait(loop, &event, 1, SOON_MS), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(loop);
    weir_close(client);
    expect_all_freed();
    peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_ends_at_its_deadline),
        cmocka_unit_test(opening_in_an_event_loop_waits_for_nothing),
        cmocka_unit_test(opening_is_cancelled_from_another_thread),
        cmocka_unit_test(opening_is_cancelled_by_a_signal_handler),
        cmocka_unit_test(a_client_that_tries_again_asks_once),
        cmocka_unit_test(a_name_leads_to_its_server),
        cmocka_unit_test(a_name_leads_to_its_server_past_dead_addresses),
        cmocka_unit_test(a_client_in_a_block_has_names_too),
        cmocka_unit_test(a_late_answer_serves_the_next_try),
        cmocka_unit_test(a_late_refusal_is_asked_again),
        cmocka_unit_test(an_answer_of_long_ago_is_asked_for_again),
        cmocka_unit_test(a_child_process_looks_up_by_itself),
        cmocka_unit_test(a_child_process_goes_on_where_its_parent_was),
        cmocka_unit_test(a_child_process_leaves_nothing_ready_in_the_parents_loop),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
