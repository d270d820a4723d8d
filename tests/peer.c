/* A peer of the test's own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"

#include "support.h"

#include "../resp/reader.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#    include <sys/prctl.h>
#endif

static int bound_socket(uint16_t *port) {
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

uint16_t peer_deaf_port(int *fd) {
    uint16_t port;
    *fd = bound_socket(&port);
    return port;
}

static void serve(int listener, peer_script *script) {
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            _exit(1);
        }
        script(fd);
        (void)close(fd);
    }
}

struct peer peer_start(peer_script *script) {
    struct peer peer = {0};
    int listener = bound_socket(&peer.port);
    assert_int_equal(listen(listener, 16), 0);
    (void)snprintf(peer.name, sizeof peer.name, "127.0.0.1:%u", (unsigned)peer.port);
    (void)snprintf(peer.url, sizeof peer.url, "redis://%s", peer.name);
    pid_t parent = getpid();
    peer.pid = fork();
    assert_true(peer.pid >= 0);
    if (peer.pid == 0) {
#if defined(__linux__)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        if (getppid() == parent) {
            serve(listener, script);
        }
        _exit(1);
    }
    (void)close(listener);
    return peer;
}

void peer_stop(struct peer *peer) {
    if (peer->pid > 0) {
        (void)kill(peer->pid, SIGKILL);
        (void)waitpid(peer->pid, NULL, 0);
    }
    peer->pid = 0;
}

/* ---- for scripts ---- */

/* Bytes of commands that came with earlier ones. The peer's process serves one connection
 * at a time; `of` is whose they are. */
struct inbox {
    int of;
    size_t len;
    char bytes[65536];
};

static void receive(struct inbox *inbox, int fd) {
    ssize_t got = read(fd, inbox->bytes + inbox->len, sizeof inbox->bytes - inbox->len);
    if (got <= 0) {
        _exit(0);
    }
    inbox->len += (size_t)got;
}

void peer_read(int fd, size_t count) {
    static struct inbox inbox;
    weir_reader reader;
    weir_reader_init(&reader, NULL);
    if (inbox.of != fd) {
        inbox.of = fd;
        inbox.len = 0;
    }
    while (count > 0) {
        size_t used;
        weir_status st =
            weir_reader_skip_reply(&reader, weir_bytes(inbox.bytes, inbox.len), &used);
        inbox.len -= used;
        memmove(inbox.bytes, inbox.bytes + used, inbox.len);
        if (st == WEIR_OK) {
            count--;
        } else if (st == WEIR_MORE) {
            receive(&inbox, fd);
        } else {
            _exit(2);
        }
    }
}

void peer_say_bytes(int fd, const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        ssize_t put = write(fd, at, len);
        if (put <= 0) {
            _exit(0);
        }
        at += put;
        len -= (size_t)put;
    }
}

void peer_say(int fd, const char *text) { peer_say_bytes(fd, text, strlen(text)); }

void peer_greet(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n9.9.9\r\n"
                 "$5\r\nproto\r\n:3\r\n");
    peer_read(fd, 2);
    peer_say(fd, "+OK\r\n+OK\r\n");
}

void peer_be_silent(int fd) {
    char bytes[4096];
    while (read(fd, bytes, sizeof bytes) > 0) {
    }
}
