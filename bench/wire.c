/* Raw sockets, with no idea of what goes over them: what the floor is made of.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include "say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define RECEIVE_BYTES ((size_t)256 * 1024)

static int connect_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int wire_try_connect(const struct endpoint *endpoint) {
    int fd = endpoint->port == 0 ? connect_unix(endpoint->socket_path)
                                 : connect_tcp(endpoint->port);
    if (fd < 0) {
        return -1;
    }
    struct timeval limit = {.tv_sec = WIRE_TIMEOUT_SECONDS};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

bool wire_connect(const struct endpoint *endpoint, struct wire *wire) {
    *wire = (struct wire){.fd = wire_try_connect(endpoint)};
    if (wire->fd < 0) {
        return say_failed("raw socket: cannot connect: %s", strerror(errno));
    }
    if (endpoint->ca_file == NULL) {
        return true;
    }
    wire->secure = secure_open(wire->fd, endpoint->ca_file);
    if (wire->secure == NULL) {
        close(wire->fd);
    }
    return wire->secure != NULL;
}

void wire_close(struct wire *wire) {
    secure_close(wire->secure);
    close(wire->fd);
}

static bool send_plain(int fd, const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return say_failed("raw socket: cannot send: %s", strerror(errno));
        }
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool wire_send(const struct wire *wire, const void *bytes, size_t len) {
    return wire->secure != NULL ? secure_send(wire->secure, bytes, len)
                                : send_plain(wire->fd, bytes, len);
}

static bool receive_plain(int fd, void *bytes, size_t size, size_t *len) {
    ssize_t got;
    do {
        got = recv(fd, bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return say_failed("raw socket: cannot receive: %s", strerror(errno));
    }
    if (got == 0) {
        return say_failed("raw socket: the server closed the connection");
    }
    *len = (size_t)got;
    return true;
}

bool wire_receive(const struct wire *wire, void *bytes, size_t size, size_t *len) {
    return wire->secure != NULL ? secure_receive(wire->secure, bytes, size, len)
                                : receive_plain(wire->fd, bytes, size, len);
}

/* Eight bytes at a time, so that counting is not what the floor stands on. A byte of `rest`
 * is 0 where there is a newline; the sums cannot carry from one byte into the next. */
size_t count_newlines(const char *bytes, size_t len) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t low_bits = ones * 0x7f;
    size_t count = 0;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        uint64_t rest = word ^ (ones * '\n');
        uint64_t is_zero = ~(((rest & low_bits) + low_bits) | rest | low_bits);
        count += (size_t)(((is_zero >> 7) * ones) >> 56);
    }
    for (; i < len; i++) {
        count += bytes[i] == '\n';
    }
    return count;
}

bool wire_skip_lines(const struct wire *wire, int64_t *due) {
    static char bytes[RECEIVE_BYTES];
    while (*due > 0) {
        size_t len;
        if (!wire_receive(wire, bytes, sizeof bytes, &len)) {
            return false;
        }
        *due -= (int64_t)count_newlines(bytes, len);
    }
    return true;
}

bool wire_skip_bytes(const struct wire *wire, uint64_t bytes) {
    static char sink[RECEIVE_BYTES];
    while (bytes > 0) {
        size_t len;
        if (!wire_receive(wire, sink, sizeof sink, &len)) {
            return false;
        }
        if (len > bytes) {
            return say_failed("raw socket: a longer answer than the first time");
        }
        bytes -= len;
    }
    return true;
}
