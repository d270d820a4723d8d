/* One try to connect to one address: a socket that is set up as weir wants it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "attempt.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* Of the time until a silent peer is given up: a half passes before the first probe, and
 * there are three, a sixth apart. */
#define PROBES 3

/* ---- what is set on a TCP socket ---- */

static bool set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static int whole_seconds(int64_t ms) {
    int64_t seconds = ms / 1000;
    return seconds < 1          ? 1
           : seconds > SHRT_MAX ? SHRT_MAX
                                : (int)seconds; /* Linux's most */
}

/*
 * Keepalive alone finds a peer that is gone while nothing is under way. Once bytes are,
 * Linux resends them for some 15 minutes and asks keepalive nothing: TCP_USER_TIMEOUT ends
 * that, and must not end earlier what keepalive still probes (tcp(7)).
 */
static void set_user_timeout(int fd, int64_t ms) {
#ifdef TCP_USER_TIMEOUT
    /* where the kernel has none, keepalive alone is the guard */
    (void)set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, ms < INT_MAX ? (int)ms : INT_MAX);
#else
    (void)fd;
    (void)ms;
#endif
}

static bool keep_alive(int fd, int64_t keepalive_ms) {
    if (keepalive_ms < 0) {
        return true;
    }
    int64_t ms = keepalive_ms != 0 ? keepalive_ms : WEIR_KEEPALIVE_MS;
    set_user_timeout(fd, ms);
    return set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(ms / 2)) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(ms / 2 / PROBES)) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
}

/*
 * A TCP socket that asks a free port of its own machine may be given that port as its own,
 * and then is connected to itself: it would read its own requests as answers.
 */
static bool is_own_peer(int fd) {
    struct sockaddr_storage here = {0};
    struct sockaddr_storage there = {0};
    socklen_t here_len = sizeof here;
    socklen_t there_len = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 &&
           here_len == there_len && memcmp(&here, &there, here_len) == 0;
}

/* ---- a try ---- */

static int family_of(int fd) {
    struct sockaddr_storage here = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof here;
    (void)getsockname(fd, (struct sockaddr *)&here, &len);
    return here.ss_family;
}

/* It has connected; to a peer? */
static int finish(int fd, int64_t keepalive_ms) {
    if (family_of(fd) == AF_UNIX) {
        return 0;
    }
    if (is_own_peer(fd)) {
        return ECONNREFUSED;
    }
    return keep_alive(fd, keepalive_ms) ? 0 : errno;
}

int weir_attempt_begin(const struct weir_endpoint *endpoint, int64_t keepalive_ms,
                       int *fd) {
    bool is_unix = endpoint->place.ss_family == AF_UNIX;
    const struct sockaddr *place = (const struct sockaddr *)&endpoint->place;
    *fd = socket(place->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0 || (!is_unix && !set_option(*fd, IPPROTO_TCP, TCP_NODELAY, 1))) {
        return errno;
    }
    int result = 0;
    do {
        result = connect(*fd, place, endpoint->len);
    } while (result != 0 && errno == EINTR && is_unix);
    if (result == 0) {
        return finish(*fd, keepalive_ms);
    }
    /* POSIX: a connect that a signal interrupts goes on by itself. */
    return errno == EINTR ? EINPROGRESS : errno;
}

/* SO_ERROR alone does not say: it is 0 for a try that is still under way. */
int weir_attempt_look(int fd, int64_t keepalive_ms) {
    int os_error = 0;
    weir_status st = weir_wait(fd, WEIR_WANT_WRITE, INT64_MIN, &os_error);
    if (st == WEIR_ERR_TIMEOUT) {
        return EINPROGRESS;
    }
    socklen_t len = sizeof os_error;
    if (st == WEIR_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &os_error, &len) != 0) {
        os_error = errno;
    }
    return os_error == 0 ? finish(fd, keepalive_ms) : os_error;
}
