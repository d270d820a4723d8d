/* What the system may say at any call: that a signal came, that there is nothing to do now,
 * that one byte was moved. The linker puts the functions here before those of the C library
 * (--wrap, CMakeLists.txt); each fault comes at each call in turn, and changes nothing of
 * what the caller is told.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/net.h"
#include "../net/wake.h"
#include "peer.h"
#include "resolver.h"
#include "support.h"

#include "../weir.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PLENTY_MS 5000
#define SHORT_MS  100  /* a wait that nothing ends but its limit */
#define SLOW_MS   1000 /* how late a busy machine may be at that limit */
#define MOST      400  /* calls of one scenario */

typedef enum fault { NO_FAULT, INTERRUPTED, NOT_NOW, ONE_BYTE, STORM } fault;

/* Calls are counted from 1; that of number `at` has the fault. STORM: all are interrupted.
 * The lookup's thread makes calls too, and may end them when the next plan is made. */
static struct {
    _Atomic(pid_t) process; /* the test's, not a peer's that it forks */
    _Atomic(fault) kind;
    atomic_uint at;
    atomic_uint calls;
    atomic_uint faults;
} plan;

static void plan_fault(fault kind, unsigned at) {
    plan.process = getpid();
    plan.kind = kind;
    plan.at = at;
    atomic_store(&plan.calls, 0);
    atomic_store(&plan.faults, 0);
}

/* True if this call is to have the fault that is planned, and it is one of two that it can
 * have. */
static bool strikes(fault one, fault other) {
    if (plan.kind == NO_FAULT || getpid() != plan.process) {
        return false;
    }
    unsigned call = atomic_fetch_add(&plan.calls, 1) + 1;
    bool is_struck = plan.kind == STORM
                         ? one == INTERRUPTED
                         : call == plan.at && (plan.kind == one || plan.kind == other);
    if (is_struck) {
        atomic_fetch_add(&plan.faults, 1);
    }
    return is_struck;
}

static int fail_now(void) {
    errno = plan.kind == NOT_NOW ? EAGAIN : EINTR;
    return -1;
}

/* ---- in place of the C library ---- */

int wrap_connect(int fd, const struct sockaddr *place,
                 socklen_t len) __asm__("__wrap_connect");
int real_connect(int fd, const struct sockaddr *place,
                 socklen_t len) __asm__("__real_connect");
int wrap_poll(struct pollfd *list, nfds_t count, int ms) __asm__("__wrap_poll");
int real_poll(struct pollfd *list, nfds_t count, int ms) __asm__("__real_poll");
int wrap_checked_poll(struct pollfd *list, nfds_t count, int ms,
                      size_t room) __asm__("__wrap___poll_chk");
ssize_t wrap_recv(int fd, void *data, size_t room, int flags) __asm__("__wrap_recv");
ssize_t real_recv(int fd, void *data, size_t room, int flags) __asm__("__real_recv");
ssize_t wrap_sendmsg(int fd, const struct msghdr *message,
                     int flags) __asm__("__wrap_sendmsg");
ssize_t real_sendmsg(int fd, const struct msghdr *message,
                     int flags) __asm__("__real_sendmsg");
ssize_t wrap_read(int fd, void *data, size_t room) __asm__("__wrap_read");
ssize_t real_read(int fd, void *data, size_t room) __asm__("__real_read");
ssize_t wrap_write(int fd, const void *data, size_t len) __asm__("__wrap_write");
ssize_t real_write(int fd, const void *data, size_t len) __asm__("__real_write");
int wrap_nanosleep(const struct timespec *wanted,
                   struct timespec *left) __asm__("__wrap_nanosleep");
int real_nanosleep(const struct timespec *wanted,
                   struct timespec *left) __asm__("__real_nanosleep");

/* POSIX: over TCP one that is interrupted goes on by itself. Over a Unix socket it has not
 * begun, nor where the backlog is full. */
int wrap_connect(int fd, const struct sockaddr *place, socklen_t len) {
    bool is_unix = place->sa_family == AF_UNIX;
    if (!strikes(INTERRUPTED, is_unix ? NOT_NOW : INTERRUPTED)) {
        return real_connect(fd, place, len);
    }
    if (!is_unix) {
        (void)real_connect(fd, place, len);
    }
    return fail_now();
}

/* In a storm no wait lasts for a millisecond. */
int wrap_poll(struct pollfd *list, nfds_t count, int ms) {
    if (!strikes(INTERRUPTED, INTERRUPTED)) {
        return real_poll(list, count, ms);
    }
    int ready = plan.kind == STORM ? real_poll(list, count, ms != 0 ? 1 : 0) : 0;
    return ready > 0 ? ready : fail_now();
}

/* What poll is called where it is checked (_FORTIFY_SOURCE). */
int wrap_checked_poll(struct pollfd *list, nfds_t count, int ms, size_t room) {
    assert_true(room >= count * sizeof *list);
    return wrap_poll(list, count, ms);
}

ssize_t wrap_recv(int fd, void *data, size_t room, int flags) {
    if (plan.kind == ONE_BYTE) {
        return real_recv(fd, data, strikes(ONE_BYTE, ONE_BYTE) ? 1 : room, flags);
    }
    bool is_storm = plan.kind == STORM; /* here it would never end */
    return !is_storm && strikes(INTERRUPTED, NOT_NOW) ? fail_now()
                                                      : real_recv(fd, data, room, flags);
}

ssize_t wrap_sendmsg(int fd, const struct msghdr *message, int flags) {
    if (plan.kind == ONE_BYTE && strikes(ONE_BYTE, ONE_BYTE)) {
        struct iovec byte = {message->msg_iov[0].iov_base, 1};
        struct msghdr shorter = {.msg_iov = &byte, .msg_iovlen = 1};
        return real_sendmsg(fd, &shorter, flags);
    }
    bool is_storm = plan.kind == STORM;
    return !is_storm && plan.kind != ONE_BYTE && strikes(INTERRUPTED, NOT_NOW)
               ? fail_now()
               : real_sendmsg(fd, message, flags);
}

ssize_t wrap_read(int fd, void *data, size_t room) {
    return strikes(INTERRUPTED, NOT_NOW) ? fail_now() : real_read(fd, data, room);
}

/* Once, in a storm too: who wakes tries again. An eventfd that cannot take a byte now is
 * readable already, so there is no NOT_NOW. */
ssize_t wrap_write(int fd, const void *data, size_t len) {
    static _Thread_local bool was_struck;
    was_struck = !was_struck && strikes(INTERRUPTED, INTERRUPTED);
    return was_struck ? fail_now() : real_write(fd, data, len);
}

int wrap_nanosleep(const struct timespec *wanted, struct timespec *left) {
    return strikes(INTERRUPTED, INTERRUPTED) ? fail_now() : real_nanosleep(wanted, left);
}

/* ---- what is done meanwhile ---- */

#define ADDED 600 /* answers for which a client naps (client_private.h) */

static void say_ids(int fd) {
    for (int i = 1; i <= ADDED; i++) {
        char id[32];
        int digits = snprintf(NULL, 0, "%d", i);
        (void)snprintf(id, sizeof id, "$%d\r\n%d-0\r\n", digits + 2, i);
        peer_say(fd, id);
    }
}

/* A server that knows what it will be asked. */
static void serve(int fd) {
    peer_greet(fd);
    peer_read(fd, ADDED);
    (void)support_poll(-1, 0, 2);
    say_ids(fd);
    peer_read(fd, 1);
    peer_say(fd, "*2\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
                 "*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nf\r\n$1\r\nw\r\n");
    peer_read(fd, 1);
    (void)support_poll(-1, 0, 5);
    peer_say(fd, "%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n9-0\r\n*2\r\n$1\r\nf\r\n$1\r\nx\r\n");
    peer_be_silent(fd);
}

#define assert_done(client, status) assert_done_at((client), (status), __LINE__)
static void assert_done_at(weir_client *client, weir_status status, int line) {
    if (status != WEIR_OK) {
        print_error("fault %d at call %u: %s\n", (int)plan.kind, plan.at,
                    weir_client_error(client)->text);
        _fail(__FILE__, line);
    }
}

static void assert_given(weir_client *client, weir_entries *page, uint64_t ms,
                         const char *value) {
    weir_entry entry;
    assert_done(client, weir_entries_next(page, &entry));
    assert_int_equal(entry.id.ms, ms);
    assert_int_equal(entry.field_count, 1);
    assert_view(entry.fields[0].value, value);
}

static void add(weir_client *client) {
    const weir_field field = weir_pair("f", "v");
    for (int i = 0; i < ADDED; i++) {
        assert_done(client, weir_append_xadd(client, WIRE("s"), &field, 1, NULL));
    }
    for (uint64_t i = 1; i <= ADDED; i++) {
        weir_id id;
        assert_done(client, weir_take_id(client, &id));
        assert_int_equal(id.ms, i);
    }
}

/* A client from the lookup of its name to its end. */
static void use_client(const char *url) {
    weir_client *client;
    weir_entries page;
    weir_entry entry;
    const weir_source behind = weir_source_after(WIRE("s"), (weir_id){2, 0});
    const weir_read_options block = {.block_ms = PLENTY_MS};
    weir_status st = weir_open(url, NULL, &client);
    assert_done(client, st);
    add(client);
    st = weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page);
    assert_done(client, st);
    assert_given(client, &page, 1, "v");
    assert_given(client, &page, 2, "w");
    assert_status(weir_entries_next(&page, &entry), WEIR_END);
    assert_done(client, weir_xread(client, &behind, 1, &block, &page));
    assert_given(client, &page, 9, "x");
    assert_status(weir_entries_next(&page, &entry), WEIR_END);
    weir_close(client);
}

/* The fault at each call, until there is a run without it. */
static void strike_each_call(fault kind) {
    struct peer peer = peer_start(serve);
    char url[64];
    unsigned at = 0;
    unsigned struck = 0;
    (void)snprintf(url, sizeof url, "redis://host.test:%u", (unsigned)peer.port);
    do {
        int64_t began_ms = weir_now_ms();
        resolver_has("127.0.0.1");
        plan_fault(kind, ++at);
        use_client(url);
        struck += atomic_load(&plan.faults);
        assert_in_range(weir_now_ms() - began_ms, 0, SLOW_MS);
        assert_true(at < MOST);
    } while (atomic_load(&plan.calls) >= at);
    plan_fault(NO_FAULT, 0);
    print_message("%u calls, %u of them struck\n", at - 1, struck);
    assert_true(struck >= 5);
    peer_stop(&peer);
}

static void a_signal_at_any_call_changes_nothing(void **state) {
    (void)state;
    strike_each_call(INTERRUPTED);
}

static void nothing_to_do_at_any_call_changes_nothing(void **state) {
    (void)state;
    strike_each_call(NOT_NOW);
}

static void one_byte_at_any_call_changes_nothing(void **state) {
    (void)state;
    strike_each_call(ONE_BYTE);
}

/* ---- a Unix socket ---- */

static int listen_at(const char *path) {
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(place.sun_path, sizeof place.sun_path, "%s", path);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&place, sizeof place), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void connect_to(const weir_address *address, fault kind) {
    weir_socket socket;
    weir_error error;
    weir_socket_init(&socket, address);
    plan_fault(kind, 1);
    int64_t until_ms = weir_now_ms() + PLENTY_MS;
    weir_status st = weir_socket_start(&socket, weir_now_ms(), until_ms, &error);
    assert_status(st, WEIR_OK);
    st = weir_socket_connect(&socket, weir_now_ms(), &error);
    while (st == WEIR_MORE && weir_now_ms() < until_ms) {
        int64_t left_ms = weir_socket_deadline(&socket) - weir_now_ms();
        (void)support_poll(-1, 0, left_ms > 0 ? (int)left_ms : 0);
        st = weir_socket_connect(&socket, weir_now_ms(), &error);
    }
    assert_status(st, WEIR_OK);
    assert_int_equal(atomic_load(&plan.faults), 1);
    plan_fault(NO_FAULT, 0);
    weir_socket_close(&socket);
}

static void a_unix_socket_is_connected_by_another_try(void **state) {
    (void)state;
    char folder[] = "/tmp/weir-test-XXXXXX";
    char path[64];
    char url[80];
    weir_address address;
    weir_error error;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/socket", folder);
    (void)snprintf(url, sizeof url, "unix://%s", path);
    assert_status(weir_address_parse(&address, url, &error), WEIR_OK);
    int listener = listen_at(path);
    connect_to(&address, INTERRUPTED);
    connect_to(&address, NOT_NOW);
    (void)close(listener);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- waking ---- */

/* Who waits by the descriptor would wait for ever. */
static void a_wake_that_is_interrupted_is_not_lost(void **state) {
    (void)state;
    weir_wake wake;
    int os_error = 0;
    weir_wake_init(&wake);
    assert_status(weir_wake_open(&wake, &os_error), WEIR_OK);
    plan_fault(INTERRUPTED, 1);
    weir_wake_set(&wake);
    assert_int_equal(atomic_load(&plan.faults), 1);
    plan_fault(NO_FAULT, 0);
    assert_int_equal(support_poll(wake.fd, POLLIN, 0), 1);
    weir_wake_close(&wake);
}

/* ---- a storm of signals ---- */

static int64_t storm(void) {
    plan_fault(STORM, 0);
    return weir_now_ms();
}

/* It has lasted as long as it was to, and signals came all the time. */
static void expect_lasted(const char *what, int64_t began_ms) {
    int64_t took_ms = weir_now_ms() - began_ms;
    unsigned faults = atomic_load(&plan.faults);
    plan_fault(NO_FAULT, 0);
    print_message("%s: %d ms, %u signals\n", what, (int)took_ms, faults);
    assert_in_range(took_ms, SHORT_MS, SHORT_MS + SLOW_MS);
    assert_true(faults >= 10);
}

static void be_deaf(int fd) {
    peer_greet(fd);
    peer_be_silent(fd);
}

static void a_storm_does_not_lengthen_a_command(void **state) {
    (void)state;
    struct peer peer = peer_start(be_deaf);
    weir_client *client;
    uint64_t len;
    weir_options options = {.timeout_ms = SHORT_MS};
    assert_status(weir_open(peer.url, &options, &client), WEIR_OK);
    int64_t began_ms = storm();
    assert_status(weir_xlen(client, WIRE("s"), &len), WEIR_ERR_TIMEOUT);
    expect_lasted("XLEN", began_ms);
    weir_close(client);
    peer_stop(&peer);
}

static void a_storm_does_not_lengthen_a_blocking_read(void **state) {
    (void)state;
    struct peer peer = peer_start(be_deaf);
    weir_client *client;
    weir_entries page;
    weir_source fresh = {.key = WIRE("s"), .from = WEIR_FROM_NEW};
    weir_options options = {.timeout_ms = SHORT_MS / 2};
    weir_read_options block = {.block_ms = SHORT_MS / 2};
    assert_status(weir_open(peer.url, &options, &client), WEIR_OK);
    int64_t began_ms = storm();
    assert_status(weir_xread(client, &fresh, 1, &block, &page), WEIR_ERR_TIMEOUT);
    expect_lasted("XREAD BLOCK", began_ms);
    weir_close(client);
    peer_stop(&peer);
}

static void a_storm_does_not_lengthen_a_handshake(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    weir_client *client;
    weir_options options = {.connect_timeout_ms = SHORT_MS};
    int64_t began_ms = storm();
    assert_status(weir_open(peer.url, &options, &client), WEIR_ERR_TIMEOUT);
    expect_lasted("HELLO", began_ms);
    weir_close(client);
    peer_stop(&peer);
}

static void a_storm_does_not_lengthen_a_lookup(void **state) {
    (void)state;
    weir_client *client;
    weir_options options = {.connect_timeout_ms = SHORT_MS};
    resolver_has("127.0.0.1");
    resolver_hangs();
    int64_t began_ms = storm();
    assert_status(weir_open("redis://host.test", &options, &client), WEIR_ERR_TIMEOUT);
    expect_lasted("a lookup", began_ms);
    weir_close(client);
    resolver_goes_on();
    resolver_await_answers(1);
}

static void a_storm_does_not_lengthen_a_consumers_wait(void **state) {
    (void)state;
    static const weir_view key = {"s", 1};
    struct peer peer = peer_start(peer_be_silent);
    weir_consumer *consumer;
    weir_delivery task;
    weir_consumer_options options = {.streams = &key,
                                     .stream_count = 1,
                                     .group = WIRE("g"),
                                     .name = WIRE("me"),
                                     .start = WEIR_START_BEGINNING,
                                     .non_blocking = true};
    assert_status(weir_consumer_open(peer.url, NULL, &options, &consumer), WEIR_OK);
    int64_t began_ms = storm();
    assert_status(weir_consumer_next(consumer, SHORT_MS, &task), WEIR_MORE);
    expect_lasted("a consumer", began_ms);
    (void)weir_consumer_close(consumer, 0);
    peer_stop(&peer);
}

/* The producer's handshake, which also asks PING, INFO and CLIENT ID. */
static void know_the_producer(int fd) {
    peer_greet(fd);
    peer_read(fd, 3);
    peer_say(fd, "+OK\r\n$21\r\nredis_version:9.9.9\r\n\r\n:7\r\n");
    peer_be_silent(fd);
}

static void a_storm_does_not_lengthen_a_producers_wait(void **state) {
    (void)state;
    struct peer peer = peer_start(know_the_producer);
    weir_producer *producer;
    weir_stream *stream;
    weir_field field = weir_pair("f", "v");
    weir_producer_options options = {.delivery = WEIR_DELIVERY_REPORT};
    assert_status(weir_producer_open(peer.url, NULL, &options, &producer), WEIR_OK);
    assert_status(weir_producer_stream(producer, WIRE("s"), NULL, &stream), WEIR_OK);
    assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_OK);
    int64_t began_ms = storm();
    assert_status(weir_producer_flush(producer, SHORT_MS), WEIR_ERR_TIMEOUT);
    expect_lasted("a producer", began_ms);
    weir_producer_free(producer);
    peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_at_any_call_changes_nothing),
        cmocka_unit_test(nothing_to_do_at_any_call_changes_nothing),
        cmocka_unit_test(one_byte_at_any_call_changes_nothing),
        cmocka_unit_test(a_unix_socket_is_connected_by_another_try),
        cmocka_unit_test(a_wake_that_is_interrupted_is_not_lost),
        cmocka_unit_test(a_storm_does_not_lengthen_a_command),
        cmocka_unit_test(a_storm_does_not_lengthen_a_blocking_read),
        cmocka_unit_test(a_storm_does_not_lengthen_a_handshake),
        cmocka_unit_test(a_storm_does_not_lengthen_a_lookup),
        cmocka_unit_test(a_storm_does_not_lengthen_a_consumers_wait),
        cmocka_unit_test(a_storm_does_not_lengthen_a_producers_wait),
    };
    return cmocka_run_group_tests_name("interrupted", tests, NULL, NULL);
}
