/* Sockets against listeners that the test makes itself, on loopback and in a folder of its
 * own. Time is handed in wherever that is possible, so hardly a test waits.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "../net/net.h"

#define PLENTY_MS  5000 /* ends a wait that should not be */
#define FILL_TRIES 16

/* ---- peers ---- */

struct peer {
    int listener;
    int full[FILL_TRIES]; /* connections that fill its backlog */
    size_t full_count;
    weir_address address;
    char folder[32]; /* of a Unix socket, else "" */
};

static weir_address tcp_address(const char *host, uint16_t port) {
    weir_address address = {.kind = WEIR_ADDRESS_TCP, .port = port};
    (void)snprintf(address.host, sizeof address.host, "%s", host);
    return address;
}

static int bound_tcp(uint16_t *port) {
    struct sockaddr_in place = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof place;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&place, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&place, &len), 0);
    *port = ntohs(place.sin_port);
    return fd;
}

/* Bound, not listening: nobody else can listen there, and each connect is refused. */
static struct peer silent_port(void) {
    struct peer peer = {0};
    uint16_t port = 0;
    peer.listener = bound_tcp(&port);
    peer.address = tcp_address("127.0.0.1", port);
    return peer;
}

static struct peer tcp_peer(int backlog) {
    struct peer peer = silent_port();
    assert_int_equal(listen(peer.listener, backlog), 0);
    return peer;
}

static struct peer unix_peer(int backlog) {
    struct peer peer = {.folder = "/tmp/weir-test-XXXXXX"};
    assert_non_null(mkdtemp(peer.folder));
    peer.address.kind = WEIR_ADDRESS_UNIX;
    (void)snprintf(peer.address.path, sizeof peer.address.path, "%s/s", peer.folder);
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    memcpy(place.sun_path, peer.address.path, sizeof place.sun_path);
    peer.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(peer.listener >= 0);
    assert_int_equal(bind(peer.listener, (const struct sockaddr *)&place, sizeof place), 0);
    assert_int_equal(listen(peer.listener, backlog), 0);
    return peer;
}

static void close_peer(struct peer *peer) {
    for (size_t i = 0; i < peer->full_count; i++) {
        (void)close(peer->full[i]);
    }
    (void)close(peer->listener);
    if (peer->folder[0] != '\0') {
        (void)unlink(peer->address.path);
        (void)rmdir(peer->folder);
    }
}

/* Connects until nothing more is taken; a further connect then gets no answer at all. */
static void fill_backlog(struct peer *peer) {
    struct sockaddr_storage place;
    socklen_t len = sizeof place;
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&place, &len), 0);
    while (peer->full_count < FILL_TRIES) {
        int fd = socket(place.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        peer->full[peer->full_count++] = fd;
        int result = connect(fd, (const struct sockaddr *)&place, len);
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (result != 0 && (errno == EAGAIN || poll(&wait, 1, 100) == 0)) {
            return;
        }
    }
    print_message("skipped: this system takes connections beyond a listener's backlog\n");
    skip();
}

/* ---- connecting ---- */

static weir_status start(weir_socket *socket, const weir_address *address, int64_t now_ms,
                         int64_t deadline_ms, weir_error *error) {
    weir_socket_init(socket, address);
    return weir_socket_start(socket, now_ms, deadline_ms, error);
}

static weir_status drive(weir_socket *socket, weir_error *error) {
    for (;;) {
        int os_error = 0;
        weir_status st = weir_socket_connect(socket, weir_now_ms(), error);
        if (st != WEIR_MORE) {
            return st;
        }
        st = weir_wait(weir_socket_fd(socket), weir_socket_wants(socket),
                       weir_socket_deadline(socket), &os_error);
        assert_true(st == WEIR_OK || st == WEIR_ERR_TIMEOUT);
    }
}

static weir_status connect_to(weir_socket *socket, const weir_address *address,
                              weir_error *error) {
    int64_t now_ms = weir_now_ms();
    weir_status st = start(socket, address, now_ms, now_ms + PLENTY_MS, error);
    return st == WEIR_OK ? drive(socket, error) : st;
}

/* Connects, and gives the peer's end of it. */
static int connected_pair(weir_socket *socket, struct peer *peer) {
    weir_error error;
    weir_status st = connect_to(socket, &peer->address, &error);
    if (st != WEIR_OK) {
        fail_msg("%s", error.text);
    }
    assert_true(socket->is_connected);
    int accepted = accept(peer->listener, NULL, NULL);
    assert_true(accepted >= 0);
    return accepted;
}

static void expect_connects(struct peer *peer) {
    weir_socket socket;
    int accepted = connected_pair(&socket, peer);
    assert_int_equal(write(accepted, "hi", 2), 2);
    int os_error = 0;
    assert_int_equal(
        weir_wait(socket.fd, WEIR_WANT_READ, weir_now_ms() + PLENTY_MS, &os_error),
        WEIR_OK);
    weir_transport transport = weir_socket_transport(&socket);
    char bytes[8];
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(
        transport.receive(transport.context, bytes, sizeof bytes, &moved, &error), WEIR_OK);
    assert_int_equal(moved, 2);
    assert_memory_equal(bytes, "hi", 2);
    (void)close(accepted);
    weir_socket_close(&socket);
    close_peer(peer);
}

static void expect_closed(weir_socket *socket) {
    assert_int_equal(socket->fd, -1);
    assert_false(socket->is_connected);
    assert_int_equal(weir_socket_fd(socket), -1);
    assert_null(socket->lookup);
}

static void expect_fails(const weir_address *address, int os_error, const char *text) {
    weir_socket socket;
    weir_error error;
    assert_int_equal(connect_to(&socket, address, &error), WEIR_ERR_CONNECT);
    assert_int_equal(error.status, WEIR_ERR_CONNECT);
    assert_int_equal(error.os_error, os_error);
    assert_string_equal(error.text, text);
    expect_closed(&socket);
    weir_socket_close(&socket);
}

static void socket_connects_to_an_ipv4_number(void **state) {
    (void)state;
    struct peer peer = tcp_peer(8);
    expect_connects(&peer);
}

static void socket_connects_to_an_ipv6_number(void **state) {
    (void)state;
    struct sockaddr_in6 place = {.sin6_family = AF_INET6,
                                 .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof place;
    struct peer peer = {.listener = socket(AF_INET6, SOCK_STREAM, 0)};
    if (peer.listener < 0 ||
        bind(peer.listener, (const struct sockaddr *)&place, len) != 0) {
        print_message("skipped: this system has no ::1\n");
        skip();
    }
    assert_int_equal(listen(peer.listener, 8), 0);
    assert_int_equal(getsockname(peer.listener, (struct sockaddr *)&place, &len), 0);
    peer.address = tcp_address("::1", ntohs(place.sin6_port));
    expect_connects(&peer);
}

static void socket_connects_to_a_unix_path(void **state) {
    (void)state;
    struct peer peer = unix_peer(8);
    expect_connects(&peer);
}

/* Where localhost is ::1 first, as on many machines, that one is refused before. */
static void socket_connects_to_localhost_if_only_127_0_0_1_listens(void **state) {
    (void)state;
    struct peer peer = tcp_peer(8);
    peer.address = tcp_address("localhost", peer.address.port);
    expect_connects(&peer);
}

static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void socket_is_nonblocking_and_closed_on_exec(void **state) {
    (void)state;
    struct peer peers[] = {tcp_peer(8), unix_peer(8)};
    for (size_t i = 0; i < 2; i++) {
        weir_socket socket;
        int accepted = connected_pair(&socket, &peers[i]);
        assert_int_equal(fcntl(socket.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fcntl(socket.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        (void)close(accepted);
        weir_socket_close(&socket);
        close_peer(&peers[i]);
    }
}

static void socket_has_nodelay_and_keepalive(void **state) {
    (void)state;
    struct peer peer = tcp_peer(8);
    weir_socket socket;
    int accepted = connected_pair(&socket, &peer);
    assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(socket.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_KEEPIDLE), 15);
    assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    (void)close(accepted);
    weir_socket_close(&socket);
    close_peer(&peer);
}

/* The options of a socket that connects with this keepalive_ms: whether it is on, what the
 * kernel is told of it, and for how long bytes may stay unanswered. */
static void expect_keepalive(int64_t keepalive_ms, int is_on, int idle_s, int interval_s,
                             int unanswered_ms) {
    struct peer peer = tcp_peer(8);
    weir_socket socket;
    weir_error error;
    weir_socket_init(&socket, &peer.address);
    socket.keepalive_ms = keepalive_ms;
    assert_int_equal(
        weir_socket_start(&socket, weir_now_ms(), weir_now_ms() + PLENTY_MS, &error),
        WEIR_OK);
    assert_int_equal(drive(&socket, &error), WEIR_OK);
    assert_int_equal(option(socket.fd, SOL_SOCKET, SO_KEEPALIVE), is_on);
    if (is_on) {
        assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_KEEPIDLE), idle_s);
        assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_KEEPINTVL), interval_s);
        assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    }
#ifdef TCP_USER_TIMEOUT
    assert_int_equal(option(socket.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), unanswered_ms);
#else
    (void)unanswered_ms;
#endif
    weir_socket_close(&socket);
    close_peer(&peer);
}

static void socket_shares_the_keepalive_time_between_a_wait_and_three_probes(void **state) {
    (void)state;
    expect_keepalive(0, 1, 15, 5, 30000);
    expect_keepalive(30000, 1, 15, 5, 30000);
    expect_keepalive(3000, 1, 1, 1, 3000);
    expect_keepalive(60000, 1, 30, 10, 60000);
    expect_keepalive(INT64_MAX, 1, 32767, 32767, INT_MAX);
    expect_keepalive(-1, 0, 0, 0, 0);
}

static void socket_says_that_a_port_refused(void **state) {
    (void)state;
    struct peer peer = silent_port();
    char text[128];
    (void)snprintf(
        text, sizeof text,
        "cannot connect to 127.0.0.1:%u: Connection refused (is a server running "
        "there?)",
        (unsigned)peer.address.port);
    expect_fails(&peer.address, ECONNREFUSED, text);
    close_peer(&peer);
}

static void socket_says_that_a_path_is_missing(void **state) {
    (void)state;
    weir_address address = {.kind = WEIR_ADDRESS_UNIX, .path = "/nowhere/\x1bx.sock"};
    expect_fails(
        &address, ENOENT,
        "cannot connect to unix:/nowhere/\\x1bx.sock: No such file or directory (is "
        "a server running, and is this its path?)");
}

static void socket_says_that_nobody_listens_on_a_path(void **state) {
    (void)state;
    struct peer peer = unix_peer(8);
    (void)close(peer.listener); /* leaves the file, as a server that crashed does */
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "cannot connect to unix:%s: Connection refused (is a server running there?)",
        peer.address.path);
    expect_fails(&peer.address, ECONNREFUSED, text);
    (void)unlink(peer.address.path);
    (void)rmdir(peer.folder);
}

/* A label of 64 bytes is in no DNS (RFC 1035, 2.3.4): no server is asked. */
static void socket_says_that_a_name_is_unknown(void **state) {
    (void)state;
    static const char name[] =
        "x123456789012345678901234567890123456789012345678901234567890123.invalid";
    weir_address address = tcp_address(name, 6379);
    weir_socket socket;
    weir_error error;
    assert_int_equal(connect_to(&socket, &address, &error), WEIR_ERR_CONNECT);
    assert_int_equal(error.status, WEIR_ERR_CONNECT);
    char start[128];
    int len = snprintf(start, sizeof start, "cannot resolve \"%s\": ", name);
    assert_memory_equal(error.text, start, (size_t)len);
    assert_true(strlen(error.text) > (size_t)len);
    expect_closed(&socket);
}

static void socket_waits_for_an_answer_up_to_its_deadline(void **state) {
    (void)state;
    struct peer peer = tcp_peer(0);
    fill_backlog(&peer);
    weir_socket socket;
    weir_error error;
    assert_int_equal(start(&socket, &peer.address, 1000, 1200, &error), WEIR_OK);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_true(weir_socket_fd(&socket) >= 0);
    assert_int_equal(weir_socket_deadline(&socket), 1200);
    assert_int_equal(weir_socket_connect(&socket, 1199, &error), WEIR_MORE);
    assert_false(socket.is_connected);
    assert_int_equal(weir_socket_connect(&socket, 1200, &error), WEIR_ERR_TIMEOUT);
    assert_int_equal(error.status, WEIR_ERR_TIMEOUT);
    assert_int_equal(error.os_error, 0);
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "cannot connect to 127.0.0.1:%u: no answer to connect within 200 ms (is it "
        "the right host, and does a firewall drop this?)",
        (unsigned)peer.address.port);
    assert_string_equal(error.text, text);
    expect_closed(&socket);
    close_peer(&peer);
}

static void socket_times_out_by_the_real_clock(void **state) {
    (void)state;
    struct peer peer = tcp_peer(0);
    fill_backlog(&peer);
    weir_socket socket;
    weir_error error;
    int64_t start_ms = weir_now_ms();
    assert_int_equal(start(&socket, &peer.address, start_ms, start_ms + 100, &error),
                     WEIR_OK);
    assert_int_equal(drive(&socket, &error), WEIR_ERR_TIMEOUT);
    assert_in_range(weir_now_ms() - start_ms, 100, PLENTY_MS);
    close_peer(&peer);
}

static void socket_without_deadline_goes_on_waiting(void **state) {
    (void)state;
    struct peer peer = tcp_peer(0);
    fill_backlog(&peer);
    weir_socket socket;
    weir_error error;
    assert_int_equal(start(&socket, &peer.address, 0, WEIR_NO_DEADLINE, &error), WEIR_OK);
    assert_int_equal(weir_socket_connect(&socket, 0, &error), WEIR_MORE);
    assert_true(weir_socket_deadline(&socket) == WEIR_NO_DEADLINE);
    assert_int_equal(weir_socket_connect(&socket, INT64_MAX - 1, &error), WEIR_MORE);
    weir_socket_close(&socket);
    close_peer(&peer);
}

static void socket_tries_nothing_after_its_deadline(void **state) {
    (void)state;
    struct peer peer = tcp_peer(8);
    weir_socket socket;
    weir_error error;
    assert_int_equal(start(&socket, &peer.address, 1000, 1000, &error), WEIR_OK);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_ERR_TIMEOUT);
    expect_closed(&socket);
    close_peer(&peer);
}

static void socket_asks_a_full_unix_server_again_until_it_accepts(void **state) {
    (void)state;
    struct peer peer = unix_peer(0);
    fill_backlog(&peer);
    weir_socket socket;
    weir_error error;
    assert_int_equal(start(&socket, &peer.address, 1000, 2000, &error), WEIR_OK);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(weir_socket_fd(&socket), -1);
    assert_int_equal(weir_socket_deadline(&socket), 1010);
    assert_int_equal(weir_socket_connect(&socket, 1010, &error), WEIR_MORE);
    assert_int_equal(weir_socket_deadline(&socket), 1020);
    int accepted = accept(peer.listener, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(weir_socket_connect(&socket, 1020, &error), WEIR_OK);
    assert_true(socket.is_connected);
    (void)close(accepted);
    weir_socket_close(&socket);
    close_peer(&peer);
}

static void socket_gives_up_on_a_full_unix_server_at_its_deadline(void **state) {
    (void)state;
    struct peer peer = unix_peer(0);
    fill_backlog(&peer);
    weir_socket socket;
    weir_error error;
    assert_int_equal(start(&socket, &peer.address, 1000, 1005, &error), WEIR_OK);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(weir_socket_deadline(&socket), 1005);
    assert_int_equal(weir_socket_connect(&socket, 1005, &error), WEIR_ERR_TIMEOUT);
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "cannot connect to unix:%s: no answer to connect within 5 ms (the server "
        "does not accept: is it stuck?)",
        peer.address.path);
    assert_string_equal(error.text, text);
    expect_closed(&socket);
    close_peer(&peer);
}

static void socket_close_may_be_called_at_any_time(void **state) {
    (void)state;
    weir_socket socket;
    weir_address address = tcp_address("localhost", 1);
    weir_error error;
    weir_socket_init(&socket, &address);
    weir_socket_close(&socket);
    expect_closed(&socket);
    assert_int_equal(start(&socket, &address, 0, 1000, &error), WEIR_OK);
    assert_non_null(socket.lookup);
    weir_socket_close(&socket);
    weir_socket_close(&socket);
    assert_int_equal(weir_socket_fd(&socket), -1);
    weir_socket_end(&socket);
    expect_closed(&socket);
    weir_socket_end(&socket);
}

/* ---- bytes ---- */

struct link {
    struct peer peer;
    weir_socket socket;
    weir_transport transport;
    int accepted;
};

static struct link *new_link(struct peer peer) {
    struct link *link = calloc(1, sizeof *link);
    assert_non_null(link);
    link->peer = peer;
    link->accepted = connected_pair(&link->socket, &link->peer);
    link->transport = weir_socket_transport(&link->socket);
    return link;
}

static void free_link(struct link *link) {
    if (link->accepted >= 0) {
        (void)close(link->accepted);
    }
    weir_socket_close(&link->socket);
    close_peer(&link->peer);
    free(link);
}

static void close_accepted(struct link *link) {
    assert_int_equal(close(link->accepted), 0);
    link->accepted = -1;
}

/* Closes so that the other end gets a reset. */
static void reset_accepted(struct link *link) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(
        setsockopt(link->accepted, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    close_accepted(link);
}

static weir_status receive(struct link *link, char *bytes, size_t room, size_t *moved,
                           weir_error *error) {
    return link->transport.receive(link->transport.context, bytes, room, moved, error);
}

static weir_status send_text(struct link *link, const char *text, weir_error *error) {
    weir_view part = weir_text(text);
    size_t moved = 0;
    return link->transport.send(link->transport.context, &part, 1, &moved, error);
}

static void wait_for(const struct link *link, int wants) {
    int os_error = 0;
    assert_int_equal(
        weir_wait(link->socket.fd, wants, weir_now_ms() + PLENTY_MS, &os_error), WEIR_OK);
}

static void send_gathers_parts_in_order_and_skips_empty_ones(void **state) {
    (void)state;
    struct link *link = new_link(tcp_peer(8));
    weir_view parts[] = {weir_text("*1\r\n"), weir_text(""), weir_bytes(NULL, 0),
                         weir_text("$4\r\n"), weir_bytes("PI\0G\r\n", 6)};
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(
        link->transport.send(link->transport.context, parts, 5, &moved, &error), WEIR_OK);
    assert_int_equal(moved, 14);
    char bytes[32];
    assert_int_equal(recv(link->accepted, bytes, 14, MSG_WAITALL), 14);
    assert_memory_equal(bytes, "*1\r\n$4\r\nPI\0G\r\n", 14);
    free_link(link);
}

static void send_takes_what_it_can_of_very_many_parts(void **state) {
    (void)state;
    struct link *link = new_link(unix_peer(8));
    weir_view parts[5000];
    for (size_t i = 0; i < 5000; i++) {
        parts[i] = i < 2000 ? weir_text("") : weir_text("a");
    }
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(
        link->transport.send(link->transport.context, parts, 5000, &moved, &error),
        WEIR_OK);
    assert_in_range(moved, 1, 3000);
    free_link(link);
}

static void send_says_more_when_the_peer_does_not_read(void **state) {
    (void)state;
    struct link *link = new_link(unix_peer(8));
    char *bytes = calloc(1, 65536);
    assert_non_null(bytes);
    weir_view part = weir_bytes(bytes, 65536);
    size_t sent = 0;
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    weir_status st = WEIR_OK;
    while (st == WEIR_OK) {
        sent += moved;
        assert_true(sent < (size_t)64 << 20);
        st = link->transport.send(link->transport.context, &part, 1, &moved, &error);
    }
    assert_int_equal(st, WEIR_MORE);
    while (sent > 0) {
        ssize_t got = recv(link->accepted, bytes, 65536, 0);
        assert_true(got > 0);
        sent -= (size_t)got;
    }
    wait_for(link, WEIR_WANT_WRITE);
    assert_int_equal(send_text(link, "again", &error), WEIR_OK);
    free(bytes);
    free_link(link);
}

static void send_to_a_closed_unix_peer_raises_no_signal(void **state) {
    (void)state;
    struct link *link = new_link(unix_peer(8));
    close_accepted(link);
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(send_text(link, "x", &error), WEIR_ERR_IO);
    assert_int_equal(error.os_error, EPIPE);
    free_link(link);
}

static void send_to_a_closed_tcp_peer_raises_no_signal(void **state) {
    (void)state;
    struct link *link = new_link(tcp_peer(8));
    close_accepted(link);
    weir_error error = {.status = WEIR_OK};
    weir_status st = WEIR_OK;
    /* The first goes out and is answered by a reset. */
    for (int i = 0; i < 100 && st == WEIR_OK; i++) {
        st = send_text(link, "x", &error);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(st, WEIR_ERR_IO);
    assert_true(error.os_error == EPIPE || error.os_error == ECONNRESET);
    free_link(link);
}

static void receive_says_more_when_nothing_has_come(void **state) {
    (void)state;
    struct link *link = new_link(tcp_peer(8));
    char bytes[8];
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(receive(link, bytes, sizeof bytes, &moved, &error), WEIR_MORE);
    free_link(link);
}

static void receive_gives_no_more_than_there_is_room_for(void **state) {
    (void)state;
    struct link *link = new_link(tcp_peer(8));
    assert_int_equal(write(link->accepted, "abcde", 5), 5);
    wait_for(link, WEIR_WANT_READ);
    char bytes[4] = "";
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(receive(link, bytes, 3, &moved, &error), WEIR_OK);
    assert_int_equal(moved, 3);
    assert_string_equal(bytes, "abc");
    free_link(link);
}

static void receive_after_the_peers_close_gives_its_last_bytes_then_closed(void **state) {
    (void)state;
    struct link *link = new_link(tcp_peer(8));
    assert_int_equal(write(link->accepted, "bye", 3), 3);
    close_accepted(link);
    wait_for(link, WEIR_WANT_READ);
    char bytes[8];
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(receive(link, bytes, sizeof bytes, &moved, &error), WEIR_OK);
    assert_int_equal(moved, 3);
    wait_for(link, WEIR_WANT_READ);
    assert_int_equal(receive(link, bytes, sizeof bytes, &moved, &error), WEIR_ERR_CLOSED);
    assert_int_equal(receive(link, bytes, sizeof bytes, &moved, &error), WEIR_ERR_CLOSED);
    assert_int_equal(error.os_error, 0);
    free_link(link);
}

static void receive_after_a_reset_is_an_io_error(void **state) {
    (void)state;
    struct link *link = new_link(tcp_peer(8));
    reset_accepted(link);
    wait_for(link, WEIR_WANT_READ);
    char bytes[8];
    size_t moved = 0;
    weir_error error = {.status = WEIR_OK};
    assert_int_equal(receive(link, bytes, sizeof bytes, &moved, &error), WEIR_ERR_IO);
    assert_int_equal(error.os_error, ECONNRESET);
    free_link(link);
}

/* ---- a peer that goes silent ---- */

/* All that comes to this socket is dropped before TCP sees it, as if the cable were out:
 * the kernel behind it answers nothing any more. */
static void go_silent(int fd) {
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &nothing};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
                     0);
}

static void connect_with_keepalive(weir_socket *socket, struct peer *peer, int64_t ms) {
    weir_error error;
    weir_socket_init(socket, &peer->address);
    socket->keepalive_ms = ms;
    assert_int_equal(
        weir_socket_start(socket, weir_now_ms(), weir_now_ms() + PLENTY_MS, &error),
        WEIR_OK);
    assert_int_equal(drive(socket, &error), WEIR_OK);
}

static void expect_given_up(const weir_socket *socket, int64_t silent_since_ms) {
    char byte;
    int os_error = 0;
    assert_int_equal(
        weir_wait(socket->fd, WEIR_WANT_READ, silent_since_ms + 10000, &os_error), WEIR_OK);
    int64_t took_ms = weir_now_ms() - silent_since_ms;
    assert_int_equal(recv(socket->fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ETIMEDOUT);
    print_message("keepalive_ms 3000: noticed after %d ms\n", (int)took_ms);
    assert_in_range(took_ms, 2500, 7000);
}

/* One connection is quiet, as a BLOCK 0 is; on the other there is something to send. */
static void a_peer_that_goes_silent_is_noticed(void **state) {
    (void)state;
    struct peer peer = tcp_peer(8);
    weir_socket sockets[2];
    int accepted[2];
    for (size_t i = 0; i < 2; i++) {
        connect_with_keepalive(&sockets[i], &peer, 3000);
        accepted[i] = accept(peer.listener, NULL, NULL);
        assert_true(accepted[i] >= 0);
        go_silent(accepted[i]);
    }
    int64_t since_ms = weir_now_ms();
    assert_int_equal(send(sockets[1].fd, "PING\r\n", 6, 0), 6);
    expect_given_up(&sockets[0], since_ms);
    expect_given_up(&sockets[1], since_ms);
    for (size_t i = 0; i < 2; i++) {
        (void)close(accepted[i]);
        weir_socket_close(&sockets[i]);
    }
    close_peer(&peer);
}

/* ---- waiting ---- */

/* What the handler of SIGALRM writes to; -1: it does nothing. */
static volatile sig_atomic_t alarm_fd = -1;

static void on_alarm(int number) {
    (void)number;
    if (alarm_fd >= 0) {
        (void)!write(alarm_fd, "!", 1);
    }
}

static void set_alarm(suseconds_t first_us, suseconds_t period_us) {
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: calls end early */
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval timer = {.it_value.tv_usec = first_us,
                              .it_interval.tv_usec = period_us};
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

struct waited {
    weir_status status;
    int os_error;
    int64_t ms;
};

static struct waited timed_wait(int fd, int wants, int64_t for_ms) {
    struct waited waited = {0};
    int64_t start_ms = weir_now_ms();
    waited.status = weir_wait(fd, wants, start_ms + for_ms, &waited.os_error);
    waited.ms = weir_now_ms() - start_ms;
    return waited;
}

static void wait_ends_at_its_deadline(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct waited waited = timed_wait(ends[0], WEIR_WANT_READ, 50);
    assert_int_equal(waited.status, WEIR_ERR_TIMEOUT);
    assert_in_range(waited.ms, 50, PLENTY_MS);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void wait_keeps_its_deadline_under_a_thousand_signals_a_second(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    set_alarm(1000, 1000);
    struct waited waited = timed_wait(ends[0], WEIR_WANT_READ, 200);
    set_alarm(0, 0);
    assert_int_equal(waited.status, WEIR_ERR_TIMEOUT);
    assert_in_range(waited.ms, 200, PLENTY_MS);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void wait_without_deadline_ends_when_bytes_come(void **state) {
    (void)state;
    int ends[2];
    int os_error = 0;
    assert_int_equal(pipe(ends), 0);
    alarm_fd = ends[1];
    set_alarm(20000, 20000);
    assert_int_equal(weir_wait(ends[0], WEIR_WANT_READ, WEIR_NO_DEADLINE, &os_error),
                     WEIR_OK);
    set_alarm(0, 0);
    alarm_fd = -1;
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void wait_with_a_deadline_beyond_polls_range_ends_when_bytes_come(void **state) {
    (void)state;
    int ends[2];
    int os_error = 0;
    assert_int_equal(pipe(ends), 0);
    alarm_fd = ends[1];
    set_alarm(20000, 20000);
    assert_int_equal(weir_wait(ends[0], WEIR_WANT_READ, WEIR_NO_DEADLINE - 1, &os_error),
                     WEIR_OK);
    set_alarm(0, 0);
    alarm_fd = -1;
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void wait_past_its_deadline_looks_once(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(timed_wait(ends[0], WEIR_WANT_READ, -10).status, WEIR_ERR_TIMEOUT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(timed_wait(ends[0], WEIR_WANT_READ, -10).status, WEIR_OK);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void wait_takes_a_hang_up_as_ready(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[1]);
    assert_int_equal(timed_wait(ends[0], WEIR_WANT_READ, PLENTY_MS).status, WEIR_OK);
    (void)close(ends[0]);
}

static void wait_for_either_ends_with_the_first(void **state) {
    (void)state;
    struct link *link = new_link(tcp_peer(8));
    int wants = WEIR_WANT_READ | WEIR_WANT_WRITE;
    assert_int_equal(timed_wait(link->socket.fd, wants, PLENTY_MS).status, WEIR_OK);
    assert_int_equal(timed_wait(link->socket.fd, WEIR_WANT_READ, 10).status,
                     WEIR_ERR_TIMEOUT);
    free_link(link);
}

static void wait_reports_a_descriptor_that_is_not_open(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    struct waited waited = timed_wait(ends[0], WEIR_WANT_READ, PLENTY_MS);
    assert_int_equal(waited.status, WEIR_ERR_IO);
    assert_int_equal(waited.os_error, EBADF);
}

static void wait_for_no_descriptor_is_a_pause(void **state) {
    (void)state;
    struct waited waited = timed_wait(-1, WEIR_WANT_WRITE, 20);
    assert_int_equal(waited.status, WEIR_ERR_TIMEOUT);
    assert_in_range(waited.ms, 20, PLENTY_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_connects_to_an_ipv4_number),
        cmocka_unit_test(socket_connects_to_an_ipv6_number),
        cmocka_unit_test(socket_connects_to_a_unix_path),
        cmocka_unit_test(socket_connects_to_localhost_if_only_127_0_0_1_listens),
        cmocka_unit_test(socket_is_nonblocking_and_closed_on_exec),
        cmocka_unit_test(socket_has_nodelay_and_keepalive),
        cmocka_unit_test(socket_shares_the_keepalive_time_between_a_wait_and_three_probes),
        cmocka_unit_test(socket_says_that_a_port_refused),
        cmocka_unit_test(socket_says_that_a_path_is_missing),
        cmocka_unit_test(socket_says_that_nobody_listens_on_a_path),
        cmocka_unit_test(socket_says_that_a_name_is_unknown),
        cmocka_unit_test(socket_waits_for_an_answer_up_to_its_deadline),
        cmocka_unit_test(socket_times_out_by_the_real_clock),
        cmocka_unit_test(socket_without_deadline_goes_on_waiting),
        cmocka_unit_test(socket_tries_nothing_after_its_deadline),
        cmocka_unit_test(socket_asks_a_full_unix_server_again_until_it_accepts),
        cmocka_unit_test(socket_gives_up_on_a_full_unix_server_at_its_deadline),
        cmocka_unit_test(socket_close_may_be_called_at_any_time),
        cmocka_unit_test(send_gathers_parts_in_order_and_skips_empty_ones),
        cmocka_unit_test(send_takes_what_it_can_of_very_many_parts),
        cmocka_unit_test(send_says_more_when_the_peer_does_not_read),
        cmocka_unit_test(send_to_a_closed_unix_peer_raises_no_signal),
        cmocka_unit_test(send_to_a_closed_tcp_peer_raises_no_signal),
        cmocka_unit_test(receive_says_more_when_nothing_has_come),
        cmocka_unit_test(receive_gives_no_more_than_there_is_room_for),
        cmocka_unit_test(receive_after_the_peers_close_gives_its_last_bytes_then_closed),
        cmocka_unit_test(receive_after_a_reset_is_an_io_error),
        cmocka_unit_test(a_peer_that_goes_silent_is_noticed),
        cmocka_unit_test(wait_ends_at_its_deadline),
        cmocka_unit_test(wait_keeps_its_deadline_under_a_thousand_signals_a_second),
        cmocka_unit_test(wait_without_deadline_ends_when_bytes_come),
        cmocka_unit_test(wait_with_a_deadline_beyond_polls_range_ends_when_bytes_come),
        cmocka_unit_test(wait_past_its_deadline_looks_once),
        cmocka_unit_test(wait_takes_a_hang_up_as_ready),
        cmocka_unit_test(wait_for_either_ends_with_the_first),
        cmocka_unit_test(wait_reports_a_descriptor_that_is_not_open),
        cmocka_unit_test(wait_for_no_descriptor_is_a_pause),
    };
    return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
