/* Sockets as transports: bytes to and from a connection that connect.c has made.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PARTS_MAX 64 /* of one sendmsg: 1 KiB of stack; the caller sends the rest next */

static_assert(EAGAIN == EWOULDBLOCK, "POSIX allows two numbers, no system in use has them");

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
    if (!socket->is_started) { /* a lookup in the call takes time: the clock is read anew */
        weir_status st = weir_socket_start(socket, now_ms, deadline_ms, error);
        return st == WEIR_OK ? weir_socket_connect(socket, weir_now_ms(), error) : st;
    }
    return weir_socket_connect(socket, now_ms, error);
}

static int fd_of(const void *context) { return weir_socket_fd(context); }

static int wants_of(const void *context, int directions) {
    return directions != 0 ? directions : weir_socket_wants(context);
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
        .wants = wants_of,
        .deadline_ms = deadline_of,
        .close = close_socket,
    };
}
