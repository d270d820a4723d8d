/* The proxy's loop: new connections, bytes, commands.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "proxy_loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PIECES_A_TURN 64

static int64_t now(void) {
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* ---- places ---- */

static struct sockaddr_un unix_place(const char *path) {
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    (void)snprintf(place.sun_path, sizeof place.sun_path, "%.*s",
                   (int)sizeof place.sun_path - 1, path);
    return place;
}

static struct sockaddr_in tcp_place(uint16_t port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int closed(int fd) {
    if (fd >= 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
    }
    return -1;
}

static int listen_at(int family, const struct sockaddr *place, socklen_t len) {
    const int on = 1;
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, place, len) != 0 || listen(fd, PROXY_MOST) != 0) {
        return closed(fd);
    }
    return fd;
}

bool proxy_listen(struct proxy_loop *loop) {
    struct sockaddr_un at_path = unix_place(loop->path);
    struct sockaddr_in at_port = tcp_place(loop->port); /* 0, at first: any */
    socklen_t len = sizeof at_port;
    (void)unlink(loop->path);
    loop->listeners[0] =
        listen_at(AF_UNIX, (const struct sockaddr *)&at_path, sizeof at_path);
    loop->listeners[1] = listen_at(AF_INET, (const struct sockaddr *)&at_port, len);
    if (loop->listeners[0] < 0 || loop->listeners[1] < 0 ||
        getsockname(loop->listeners[1], (struct sockaddr *)&at_port, &len) != 0) {
        return false;
    }
    loop->port = ntohs(at_port.sin_port);
    return true;
}

void proxy_refuse(struct proxy_loop *loop) {
    loop->listeners[0] = closed(loop->listeners[0]);
    loop->listeners[1] = closed(loop->listeners[1]);
}

static int connect_to(const char *backend) {
    struct sockaddr_un at_path = unix_place(backend);
    struct sockaddr_in at_port = tcp_place((uint16_t)strtoul(backend, NULL, 10));
    bool is_path = backend[0] == '/';
    int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    int done = is_path ? connect(fd, (const struct sockaddr *)&at_path, sizeof at_path)
                       : connect(fd, (const struct sockaddr *)&at_port, sizeof at_port);
    return done == 0 ? fd : closed(fd);
}

/* A piece goes out as it is written. (Not on a Unix socket, which has no such delay.) */
static void send_at_once(int fd) {
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void take_connection(struct proxy_loop *loop, int listener) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) {
        return;
    }
    int server = loop->pair_count < PROXY_MOST ? connect_to(loop->backend) : -1;
    struct proxy_pair *pair = server >= 0 ? proxy_pair_new(loop, client, server) : NULL;
    if (pair == NULL) {
        loop->counts.refused++;
        (void)closed(client);
        (void)closed(server);
        return;
    }
    send_at_once(client);
    send_at_once(server);
    loop->counts.connections++;
    loop->pairs[loop->pair_count++] = pair;
}

/* ---- control ---- */

static void answer_line(struct proxy_loop *loop) {
    char answer[256];
    proxy_obey(loop, loop->line, answer, sizeof answer - 1);
    size_t len = strlen(answer);
    answer[len++] = '\n';
    if (write(loop->control_out, answer, len) != (ssize_t)len) {
        loop->control_in = closed(loop->control_in);
    }
}

/* Until its end, which ends the loop. */
static void read_control(struct proxy_loop *loop) {
    char byte;
    ssize_t len = read(loop->control_in, &byte, 1);
    if (len <= 0) {
        loop->control_in = closed(loop->control_in);
    } else if (byte != '\n') {
        loop->line[loop->line_len] = byte;
        loop->line_len += loop->line_len < sizeof loop->line - 1 ? 1 : 0;
    } else {
        loop->line[loop->line_len] = '\0';
        loop->line_len = 0;
        answer_line(loop);
    }
}

/* ---- turns ---- */

static struct pollfd watched(const struct proxy_pair *pair, int end) {
    const struct proxy_flow *from =
        &pair->flows[end == PROXY_CLIENT ? PROXY_UP : PROXY_DOWN];
    const struct proxy_flow *to = &pair->flows[end == PROXY_CLIENT ? PROXY_DOWN : PROXY_UP];
    bool has_room = from->start + from->len < sizeof from->bytes;
    struct pollfd fd = {.fd = pair->fds[end]};
    fd.events |= !from->is_over && has_room ? POLLIN : 0;
    fd.events |= to->is_full ? POLLOUT : 0;
    fd.fd = fd.events != 0 ? fd.fd : -1;
    return fd;
}

/* Puts all that is watched into the list; an end that waits for nothing is left out, since
 * a peer that is gone would wake us for ever. */
static nfds_t list_watched(const struct proxy_loop *loop, struct pollfd *list) {
    nfds_t count = 0;
    list[count++] = (struct pollfd){.fd = loop->control_in, .events = POLLIN};
    list[count++] = (struct pollfd){.fd = loop->listeners[0], .events = POLLIN};
    list[count++] = (struct pollfd){.fd = loop->listeners[1], .events = POLLIN};
    for (size_t i = 0; i < loop->pair_count; i++) {
        for (int end = PROXY_CLIENT; end <= PROXY_SERVER; end++) {
            list[count++] = watched(loop->pairs[i], end);
        }
    }
    return count;
}

static void pass_all(struct proxy_loop *loop, int64_t *wait_ms) {
    for (size_t i = 0; i < loop->pair_count; i++) {
        for (int way = PROXY_DOWN; way >= PROXY_UP; way--) { /* up may wait for down */
            int64_t now_ms = now();
            for (int n = 0;
                 n < PIECES_A_TURN && proxy_is_due(loop->pairs[i], way, now_ms, wait_ms);
                 n++) {
                proxy_pass(loop, loop->pairs[i], way, now_ms);
            }
            if (proxy_is_due(loop->pairs[i], way, now_ms, wait_ms)) {
                *wait_ms = 0;
            }
        }
    }
}

static void drop_closed(struct proxy_loop *loop) {
    for (size_t i = loop->pair_count; i > 0; i--) {
        if (!proxy_pair_is_open(loop->pairs[i - 1])) {
            proxy_pair_free(loop->pairs[i - 1]);
            loop->pairs[i - 1] = loop->pairs[--loop->pair_count];
        }
    }
    loop->counts.open = loop->pair_count;
}

static void read_pairs(struct proxy_loop *loop, const struct pollfd *list) {
    int64_t now_ms = now();
    for (size_t i = 0; i < loop->pair_count; i++) {
        for (int end = PROXY_CLIENT; end <= PROXY_SERVER; end++) {
            short events = list[3 + 2 * i + (size_t)end].revents;
            struct proxy_pair *pair = loop->pairs[i];
            if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
                proxy_fill(loop, pair, end == PROXY_CLIENT ? PROXY_UP : PROXY_DOWN, now_ms);
            }
            if ((events & (POLLOUT | POLLHUP | POLLERR)) != 0) {
                pair->flows[end == PROXY_CLIENT ? PROXY_DOWN : PROXY_UP].is_full = false;
            }
        }
    }
}

void proxy_serve(struct proxy_loop *loop) {
    static struct pollfd list[3 + 2 * PROXY_MOST];
    while (loop->control_in >= 0) {
        int64_t wait_ms = -1;
        pass_all(loop, &wait_ms);
        drop_closed(loop);
        nfds_t count = list_watched(loop, list);
        if (poll(list, count, (int)wait_ms) <= 0) {
            continue;
        }
        read_pairs(loop, list);
        if (list[0].revents != 0) {
            read_control(loop);
        }
        for (int i = 0; i < 2; i++) {
            if (loop->listeners[i] >= 0 && list[1 + i].revents != 0) {
                take_connection(loop, loop->listeners[i]);
            }
        }
    }
    while (loop->pair_count > 0) {
        proxy_pair_free(loop->pairs[--loop->pair_count]);
    }
    proxy_refuse(loop);
}
