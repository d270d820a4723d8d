/* own_transport URL ADDRESS PORT STREAM: tells how long a stream is, over a transport of
 * its own: TCP to that address, in digits, which logs how much goes each way. The URL says
 * the rest: user, password, database, and with rediss:// TLS is spoken through it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/weir.h>

typedef struct wire {
    const char *address, *port;
    int fd; /* -1: there is no connection */
} wire;

/* A call of the system's failed: there is just nothing to do now, or why it is over. */
static weir_status judge(weir_error *error) {
    if (errno == EAGAIN || errno == EINTR || errno == EINPROGRESS || errno == EALREADY) {
        return WEIR_MORE;
    }
    error->os_error = errno;
    return WEIR_ERR_IO;
}

/* Digits are never waited for. Asking for a connection that is under way tells its state.
 */
static weir_status wire_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                                weir_error *error) {
    wire *self = context;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *place = NULL;
    (void)now_ms; /* the client looks at the time, too */
    (void)deadline_ms;
    if (getaddrinfo(self->address, self->port, &hints, &place) != 0) {
        (void)snprintf(error->text, sizeof error->text, "ADDRESS and PORT are digits");
        return WEIR_ERR_CONNECT;
    }
    if (self->fd < 0) {
        self->fd = socket(place->ai_family, SOCK_STREAM, 0);
    }
    bool is_connected = self->fd >= 0 && fcntl(self->fd, F_SETFL, O_NONBLOCK) == 0 &&
                        connect(self->fd, place->ai_addr, place->ai_addrlen) == 0;
    weir_status st = is_connected || errno == EISCONN ? WEIR_OK : judge(error);
    freeaddrinfo(place);
    return st;
}

static weir_status wire_receive(void *context, char *data, size_t room, size_t *moved,
                                weir_error *error) {
    const wire *self = context;
    ssize_t count = recv(self->fd, data, room, 0);
    if (count <= 0) {
        return count == 0 ? WEIR_ERR_CLOSED : judge(error);
    }
    printf("received %zd bytes\n", count);
    *moved = (size_t)count;
    return WEIR_OK;
}

static weir_status wire_send(void *context, const weir_view *parts, size_t count,
                             size_t *moved, weir_error *error) {
    const wire *self = context;
    size_t i = 0;
    while (i + 1 < count && parts[i].len == 0) {
        i++;
    }
    ssize_t sent = send(self->fd, parts[i].data, parts[i].len, MSG_NOSIGNAL);
    if (sent < 0) {
        return judge(error);
    }
    printf("sent %zd bytes\n", sent);
    *moved = (size_t)sent;
    return WEIR_OK;
}

static int wire_fd(const void *context) { return ((const wire *)context)->fd; }

static void wire_close(void *context) {
    wire *self = context;
    if (self->fd >= 0) {
        (void)close(self->fd);
    }
    self->fd = -1;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        (void)fprintf(stderr, "usage: own_transport URL ADDRESS PORT STREAM\n");
        return 2;
    }
    wire self = {.address = argv[2], .port = argv[3], .fd = -1};
    weir_transport table = {.context = &self,
                            .connect = wire_connect,
                            .receive = wire_receive,
                            .send = wire_send,
                            .fd = wire_fd,
                            .close = wire_close};
    weir_options options = {.transport = &table};
    weir_client *redis;
    uint64_t length = 0;
    weir_status st = weir_open(argv[1], &options, &redis);
    st = st == WEIR_OK ? weir_xlen(redis, weir_text(argv[4]), &length) : st;
    if (st == WEIR_OK) {
        printf("%" PRIu64 "\n", length);
    } else {
        (void)fprintf(stderr, "own_transport: %s\n", weir_client_error(redis)->text);
    }
    weir_close(redis);
    return st == WEIR_OK ? 0 : 1;
}
