/* Sockets: from an address to a connected byte stream, one try after another, no wait.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"
#include "resolve.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>
#include <unistd.h>

#define KEEPALIVE_IDLE_S     15
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES     3

/* A Unix server whose backlog is full has nothing to poll for: ask again after this. */
#define BACKLOG_RETRY_MS 10

#define PARTS_MAX 64 /* of one sendmsg: 1 KiB of stack; the caller sends the rest next */

static_assert(EAGAIN == EWOULDBLOCK, "POSIX allows two numbers, no system in use has them");

void weir_socket_init(weir_socket *socket, const weir_address *address) {
    *socket = (weir_socket){.fd = -1, .address = address};
}

weir_status weir_socket_start(weir_socket *socket, const weir_address *address,
                              int64_t now_ms, int64_t deadline_ms, weir_error *error) {
    *socket = (weir_socket){.fd = -1,
                            .is_started = true,
                            .address = address,
                            .started_ms = now_ms,
                            .try_until_ms = now_ms,
                            .deadline_ms = deadline_ms};
    struct weir_endpoint unused;
    if (weir_resolve_literal(address, &unused)) {
        return WEIR_OK;
    }
    struct addrinfo *list = NULL;
    weir_status st = weir_resolve_name(address, &list, error);
    if (st != WEIR_OK) {
        weir_socket_close(socket);
        return st;
    }
    socket->candidates = list;
    socket->next = list;
    return WEIR_OK;
}

void weir_socket_close(weir_socket *socket) {
    if (socket->fd >= 0) {
        (void)close(socket->fd);
    }
    if (socket->candidates != NULL) {
        freeaddrinfo(socket->candidates);
    }
    weir_socket_init(socket, socket->address);
}

int64_t weir_socket_deadline(const weir_socket *socket) { return socket->try_until_ms; }

/* ---- why it failed ---- */

static const char *advice(const weir_address *address, int os_error) {
    bool is_unix = address->kind == WEIR_ADDRESS_UNIX;
    switch (os_error) {
    case ECONNREFUSED: return " (is a server running there?)";
    case ENOENT: return is_unix ? " (is a server running, and is this its path?)" : "";
    case EACCES:
    case EPERM: return is_unix ? " (may this user write to the socket's file?)" : "";
    default: return "";
    }
}

static void add_count(struct weir_line *text, unsigned tries) {
    if (tries > 1) {
        weir_line_add(text, "; the last of ");
        weir_line_add_number(text, tries);
        weir_line_add(text, " addresses");
    }
}

static weir_status fail_unreachable(weir_socket *socket, weir_error *error) {
    int os_error = socket->last_error;
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_CONNECT, os_error);
    weir_line_add(&text, "cannot connect to ");
    weir_line_add_peer(&text, socket->address);
    weir_line_add(&text, ": ");
    weir_line_add_os_error(&text, os_error);
    weir_line_add(&text, advice(socket->address, os_error));
    add_count(&text, socket->tries);
    weir_socket_close(socket);
    return WEIR_ERR_CONNECT;
}

static weir_status fail_late(weir_socket *socket, int64_t now_ms, weir_error *error) {
    int64_t waited_ms = now_ms > socket->started_ms ? now_ms - socket->started_ms : 0;
    bool is_unix = socket->address->kind == WEIR_ADDRESS_UNIX;
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_TIMEOUT, 0);
    weir_line_add(&text, "cannot connect to ");
    weir_line_add_peer(&text, socket->address);
    weir_line_add(&text, ": no answer to connect within ");
    weir_line_add_number(&text, (uint64_t)waited_ms);
    weir_line_add(&text,
                  is_unix ? " ms (the server does not accept: is it stuck?)"
                          : " ms (is it the right host, and does a firewall drop this?)");
    add_count(&text, socket->tries);
    weir_socket_close(socket);
    return WEIR_ERR_TIMEOUT;
}

/* ---- one try ---- */

static int open_stream(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool prepare_tcp(int fd) {
    return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
           set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

/*
 * A TCP socket that asks a free port of its own machine may be given that port as its own,
 * and then is connected to itself: it would read its own requests as answers.
 */
static bool is_connected_to_itself(int fd) {
    struct sockaddr_storage here = {0};
    struct sockaddr_storage there = {0};
    socklen_t here_len = sizeof here;
    socklen_t there_len = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 &&
           here_len == there_len && memcmp(&here, &there, here_len) == 0;
}

/* Ends a try that failed; the socket is ready for the next. */
static weir_status end_try(weir_socket *socket, int os_error) {
    if (socket->fd >= 0) {
        (void)close(socket->fd);
    }
    socket->fd = -1;
    socket->last_error = os_error;
    return WEIR_ERR_CONNECT;
}

static weir_status finish_try(weir_socket *socket) {
    bool is_tcp = socket->address->kind == WEIR_ADDRESS_TCP;
    if (is_tcp && is_connected_to_itself(socket->fd)) {
        return end_try(socket, ECONNREFUSED);
    }
    return WEIR_OK;
}

/* What became of the try in hand. SO_ERROR alone does not say: it is 0 for one that is
 * still under way. */
static weir_status check_try(weir_socket *socket, int64_t now_ms) {
    int os_error = 0;
    weir_status st = weir_wait(socket->fd, WEIR_WANT_WRITE, INT64_MIN, &os_error);
    if (st == WEIR_ERR_TIMEOUT) {
        return now_ms < socket->try_until_ms ? WEIR_MORE : end_try(socket, ETIMEDOUT);
    }
    socklen_t len = sizeof os_error;
    if (st == WEIR_OK &&
        getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &os_error, &len) != 0) {
        os_error = errno;
    }
    return os_error == 0 ? finish_try(socket) : end_try(socket, os_error);
}

static weir_status wait_for_backlog(weir_socket *socket, int64_t now_ms) {
    (void)end_try(socket, EAGAIN);
    socket->tries = 0; /* the one path is not used up */
    bool is_near = socket->deadline_ms - now_ms < BACKLOG_RETRY_MS;
    socket->try_until_ms = is_near ? socket->deadline_ms : now_ms + BACKLOG_RETRY_MS;
    return WEIR_MORE;
}

/* Begins a try that may last until try_until_ms. */
static weir_status begin_try(weir_socket *socket, const struct weir_endpoint *endpoint,
                             int64_t now_ms) {
    bool is_unix = endpoint->place.ss_family == AF_UNIX;
    socket->fd = open_stream(endpoint->place.ss_family);
    if (socket->fd < 0 || (!is_unix && !prepare_tcp(socket->fd))) {
        return end_try(socket, errno);
    }
    const struct sockaddr *place = (const struct sockaddr *)&endpoint->place;
    int result = 0;
    do {
        result = connect(socket->fd, place, endpoint->len);
    } while (result != 0 && errno == EINTR && is_unix);
    if (result == 0) {
        return finish_try(socket);
    }
    if (errno == EAGAIN && is_unix) {
        return wait_for_backlog(socket, now_ms);
    }
    /* POSIX: a connect that a signal interrupts goes on by itself. */
    return errno == EINPROGRESS || errno == EINTR ? WEIR_MORE : end_try(socket, errno);
}

/* ---- several tries ---- */

static bool take_next(weir_socket *socket, struct weir_endpoint *endpoint) {
    if (socket->candidates == NULL) {
        return socket->tries == 0 && weir_resolve_literal(socket->address, endpoint);
    }
    const struct addrinfo *next = socket->next;
    if (next == NULL) {
        return false;
    }
    memcpy(&endpoint->place, next->ai_addr, next->ai_addrlen);
    endpoint->len = next->ai_addrlen;
    socket->next = next->ai_next;
    return true;
}

/* An equal share of the time left, for the try that was just taken and each after it. */
static int64_t share_until(const weir_socket *socket, int64_t now_ms) {
    int64_t sharers = 1;
    for (const struct addrinfo *at = socket->next; at != NULL; at = at->ai_next) {
        sharers++;
    }
    if (sharers == 1 || socket->deadline_ms == WEIR_NO_DEADLINE) {
        return socket->deadline_ms;
    }
    return now_ms + (socket->deadline_ms - now_ms) / sharers;
}

static weir_status finish(weir_socket *socket) {
    if (socket->candidates != NULL) {
        freeaddrinfo(socket->candidates);
    }
    socket->candidates = NULL;
    socket->next = NULL;
    socket->is_connected = true;
    return WEIR_OK;
}

weir_status weir_socket_connect(weir_socket *socket, int64_t now_ms, weir_error *error) {
    if (socket->is_connected) {
        return WEIR_OK;
    }
    assert(socket->address != NULL); /* started, and neither failed nor closed since */
    bool has_try = socket->fd >= 0;
    weir_status st = has_try ? check_try(socket, now_ms) : WEIR_ERR_CONNECT;
    struct weir_endpoint endpoint;
    while (st == WEIR_ERR_CONNECT && now_ms < socket->deadline_ms &&
           take_next(socket, &endpoint)) {
        socket->tries++;
        socket->try_until_ms = share_until(socket, now_ms);
        st = begin_try(socket, &endpoint, now_ms);
    }
    if (st == WEIR_OK) {
        return finish(socket);
    }
    if (now_ms >= socket->deadline_ms) {
        return fail_late(socket, now_ms, error);
    }
    return st == WEIR_MORE ? WEIR_MORE : fail_unreachable(socket, error);
}

/* ---- bytes ---- */

static weir_status fail_io(weir_error *error) {
    int os_error = errno;
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_IO, os_error);
    weir_line_add_os_error(&text, os_error);
    return WEIR_ERR_IO;
}

static weir_status receive_bytes(void *context, char *data, size_t room, size_t *moved,
                                 weir_error *error) {
    const weir_socket *socket = context;
    ssize_t got = 0;
    do {
        got = recv(socket->fd, data, room, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        *moved = (size_t)got;
        return WEIR_OK;
    }
    if (got == 0) {
        return WEIR_ERR_CLOSED;
    }
    if (errno == EAGAIN) {
        return WEIR_MORE;
    }
    return fail_io(error);
}

/* sendmsg only reads what iov_base points at, but its type is older than const. */
static struct iovec part_to_iovec(weir_view part) {
    struct iovec vec = {.iov_len = part.len};
    memcpy(&vec.iov_base, &part.data, sizeof vec.iov_base);
    return vec;
}

static weir_status send_parts(void *context, const weir_view *parts, size_t count,
                              size_t *moved, weir_error *error) {
    const weir_socket *socket = context;
    struct iovec vecs[PARTS_MAX];
    size_t used = 0;
    for (size_t i = 0; i < count && used < PARTS_MAX; i++) {
        if (parts[i].len > 0) {
            vecs[used++] = part_to_iovec(parts[i]);
        }
    }
    assert(used > 0); /* else 0 bytes sent would look like progress */
    struct msghdr message = {.msg_iov = vecs, .msg_iovlen = used};
    ssize_t sent = 0;
    do {
        sent = sendmsg(socket->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent > 0) {
        *moved = (size_t)sent;
        return WEIR_OK;
    }
    if (sent < 0 && errno == EAGAIN) {
        return WEIR_MORE;
    }
    return fail_io(error);
}

/* ---- the table ---- */

static weir_status connect_socket(void *context, int64_t now_ms, int64_t deadline_ms,
                                  weir_error *error) {
    weir_socket *socket = context;
    if (!socket->is_started) { /* resolving takes time: the clock is read anew */
        weir_status st =
            weir_socket_start(socket, socket->address, now_ms, deadline_ms, error);
        return st == WEIR_OK ? weir_socket_connect(socket, weir_now_ms(), error) : st;
    }
    return weir_socket_connect(socket, now_ms, error);
}

static int fd_of(const void *context) {
    const weir_socket *socket = context;
    return socket->fd;
}

static int64_t deadline_of(const void *context) { return weir_socket_deadline(context); }

static void close_socket(void *context) { weir_socket_close(context); }

weir_transport weir_socket_transport(weir_socket *socket) {
    return (weir_transport){
        .context = socket,
        .connect = connect_socket,
        .receive = receive_bytes,
        .send = send_parts,
        .fd = fd_of,
        .deadline_ms = deadline_of,
        .close = close_socket,
    };
}
