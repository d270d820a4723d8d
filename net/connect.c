/* Connecting: from an address to a connected socket, without waiting. What a name stands
 * for is tried as RFC 8305 says ("happy eyeballs"): a dead address costs the others a
 * quarter of a second, not its share of the deadline.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "attempt.h"
#include "gather.h"
#include "line.h"
#include "lookup.h"
#include "resolve.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

/* A Unix server whose backlog is full has nothing to poll for: ask again after this. */
#define BACKLOG_RETRY_MS 10

/* An answer that came when nobody waited for it any more: a later try may have it for so
 * long. More than lies between two tries by default, so that a slow resolver is of use; and
 * little, since a name may stand for another server by then. */
#define LATE_MOST_MS 10000

/* ---- beginning and ending ---- */

void weir_socket_init(weir_socket *socket, const weir_address *address) {
    *socket = (weir_socket){.fd = -1, .gather = -1, .address = address};
}

/* What is over is released; what is still under way may serve the next try. */
static void let_go(weir_socket *socket) {
    if (socket->lookup != NULL &&
        (weir_lookup_is_done(socket->lookup) || !weir_lookup_is_ours(socket->lookup))) {
        weir_lookup_release(socket->lookup);
        socket->lookup = NULL;
    }
}

/* Where a child process has the descriptor too, closing it leaves it where the caller
 * watches it: it must be ready for nothing then. The child has no say in what its parent's
 * watches. */
static void close_gather(weir_socket *socket) {
    if (socket->gather < 0) {
        return;
    }
    if (socket->process == getpid()) {
        for (unsigned i = 0; i < socket->try_count; i++) {
            weir_gather_remove(socket->gather, socket->tries[i]);
        }
        if (socket->lookup != NULL) {
            weir_gather_remove(socket->gather, weir_lookup_fd(socket->lookup));
        }
    }
    (void)close(socket->gather);
    socket->gather = -1;
}

static void stop_trying(weir_socket *socket) {
    close_gather(socket);
    while (socket->try_count > 0) {
        int fd = socket->tries[--socket->try_count];
        if (fd != socket->fd) {
            (void)close(fd);
        }
    }
    socket->next[0] = NULL;
    socket->next[1] = NULL;
    let_go(socket);
}

void weir_socket_close(weir_socket *socket) {
    int fd = socket->fd;
    socket->fd = -1;
    stop_trying(socket);
    if (fd >= 0) {
        (void)close(fd);
    }
    socket->is_started = false;
    socket->is_connected = false;
}

void weir_socket_end(weir_socket *socket) {
    weir_lookup_release(socket->lookup);
    socket->lookup = NULL;
}

static weir_status fail_system(weir_socket *socket, int os_error, weir_error *error) {
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_CONNECT, os_error);
    weir_line_add(&text, "cannot connect to ");
    weir_line_add_peer(&text, socket->address);
    weir_line_add(&text, ": ");
    weir_line_add_os_error(&text, os_error);
    weir_socket_close(socket);
    return WEIR_ERR_CONNECT;
}

/* Whether an earlier try's lookup is of use now, be it under way or answered since. */
static bool is_of_use(const struct weir_lookup *lookup, int64_t now_ms) {
    const struct addrinfo *unused;
    weir_error why;
    if (!weir_lookup_is_ours(lookup) || !weir_lookup_is_done(lookup)) {
        return weir_lookup_is_ours(lookup);
    }
    return weir_lookup_result(lookup, &unused, &why) == WEIR_OK &&
           now_ms - weir_lookup_came_ms(lookup) <= LATE_MOST_MS;
}

static weir_status look_up(weir_socket *socket, int64_t now_ms, weir_error *error) {
    if (socket->lookup != NULL && !is_of_use(socket->lookup, now_ms)) {
        weir_socket_end(socket);
    }
    struct weir_lookup *lookup = socket->lookup;
    weir_status st = WEIR_OK;
    if (lookup == NULL) {
        st = weir_lookup_begin(socket->address, socket->lookup_blocks, &lookup, error);
    }
    if (st != WEIR_OK) {
        weir_socket_close(socket);
        return st;
    }
    socket->lookup = lookup;
    socket->gather = weir_gather_open();
    if (socket->gather < 0 ||
        !weir_gather_add(socket->gather, weir_lookup_fd(lookup), WEIR_WANT_READ)) {
        return fail_system(socket, errno, error);
    }
    return WEIR_OK;
}

weir_status weir_socket_start(weir_socket *socket, int64_t now_ms, int64_t deadline_ms,
                              weir_error *error) {
    struct weir_endpoint unused;
    socket->is_started = true;
    socket->process = getpid();
    socket->is_path_left = weir_resolve_literal(socket->address, &unused);
    socket->begun = 0;
    socket->last_error = 0;
    socket->next_ms = now_ms;
    socket->started_ms = now_ms;
    socket->deadline_ms = deadline_ms;
    return socket->is_path_left ? WEIR_OK : look_up(socket, now_ms, error);
}

/* ---- what to watch ---- */

static bool is_looking_up(const weir_socket *socket) {
    return socket->lookup != NULL && socket->begun == 0 && socket->next[0] == NULL;
}

static bool has_next(const weir_socket *socket) {
    return socket->is_path_left || socket->next[0] != NULL || socket->next[1] != NULL;
}

int weir_socket_fd(const weir_socket *socket) {
    if (socket->is_connected || socket->gather >= 0) {
        return socket->is_connected ? socket->fd : socket->gather;
    }
    return socket->try_count > 0 ? socket->tries[0] : -1;
}

int weir_socket_wants(const weir_socket *socket) {
    return socket->gather >= 0 ? WEIR_WANT_READ : WEIR_WANT_WRITE;
}

int64_t weir_socket_deadline(const weir_socket *socket) {
    bool is_sooner = has_next(socket) && socket->next_ms < socket->deadline_ms;
    return is_sooner ? socket->next_ms : socket->deadline_ms;
}

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

static void add_count(struct weir_line *text, const weir_socket *socket) {
    if (socket->begun > 1) {
        weir_line_add(text, "; the last of ");
        weir_line_add_number(text, socket->begun);
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
    add_count(&text, socket);
    weir_socket_close(socket);
    return WEIR_ERR_CONNECT;
}

static weir_status fail_late(weir_socket *socket, int64_t now_ms, weir_error *error) {
    int64_t waited_ms = now_ms > socket->started_ms ? now_ms - socket->started_ms : 0;
    bool is_unix = socket->address->kind == WEIR_ADDRESS_UNIX;
    bool is_lookup = is_looking_up(socket);
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_TIMEOUT, 0);
    weir_line_add(&text, "cannot connect to ");
    weir_line_add_peer(&text, socket->address);
    weir_line_add(&text, is_lookup ? ": its name was not resolved within "
                                   : ": no answer to connect within ");
    weir_line_add_number(&text, (uint64_t)waited_ms);
    weir_line_add(&text,
                  is_lookup ? " ms (does the system's name server answer?)"
                  : is_unix ? " ms (the server does not accept: is it stuck?)"
                            : " ms (is it the right host, and does a firewall drop this?)");
    add_count(&text, socket);
    weir_socket_close(socket);
    return WEIR_ERR_TIMEOUT;
}

/* ---- one try ---- */

/* The try at `index` is over: the next one need not wait. */
static void end_try(weir_socket *socket, unsigned index, int os_error, int64_t now_ms) {
    int fd = socket->tries[index];
    if (socket->gather >= 0) {
        weir_gather_remove(socket->gather, fd);
    }
    (void)close(fd);
    socket->try_count--;
    for (unsigned i = index; i < socket->try_count; i++) {
        socket->tries[i] = socket->tries[i + 1];
    }
    socket->last_error = os_error;
    socket->next_ms = now_ms;
}

static weir_status finish(weir_socket *socket, int fd) {
    socket->fd = fd;
    socket->is_connected = true;
    stop_trying(socket);
    return WEIR_OK;
}

/* WEIR_OK: connected at once. WEIR_MORE: under way, or over already. */
static weir_status begin_try(weir_socket *socket, const struct weir_endpoint *endpoint,
                             int64_t now_ms) {
    int fd = -1;
    int os_error = weir_attempt_begin(endpoint, socket->keepalive_ms, &fd);
    socket->begun++;
    if (fd < 0) {
        socket->last_error = os_error;
        return WEIR_MORE;
    }
    unsigned index = socket->try_count++;
    socket->tries[index] = fd;
    if (os_error == EINPROGRESS && socket->gather >= 0 &&
        !weir_gather_add(socket->gather, fd, WEIR_WANT_WRITE)) {
        os_error = errno;
    }
    if (os_error == 0) {
        return finish(socket, fd);
    }
    if (os_error != EINPROGRESS) {
        end_try(socket, index, os_error, now_ms);
    }
    if (os_error == EAGAIN && socket->address->kind == WEIR_ADDRESS_UNIX) {
        socket->is_path_left = true; /* its backlog is full: the same one again */
        socket->begun = 0;
        socket->next_ms = now_ms + BACKLOG_RETRY_MS;
    }
    return WEIR_MORE;
}

/* ---- several tries ---- */

/* The next address from `at` on that is of `family`, or is not. */
static const struct addrinfo *find(const struct addrinfo *at, int family, bool is_of_it) {
    while (at != NULL && (at->ai_family == family) != is_of_it) {
        at = at->ai_next;
    }
    return at;
}

/* The resolver's order is kept within each family (RFC 8305, 4). */
static void take_addresses(weir_socket *socket, const struct addrinfo *list) {
    socket->next[0] = list;
    socket->next[1] = find(list, list->ai_family, false);
}

static void take_next(weir_socket *socket, struct weir_endpoint *endpoint) {
    if (socket->is_path_left) {
        socket->is_path_left = false;
        (void)weir_resolve_literal(socket->address, endpoint); /* as in weir_socket_start */
        return;
    }
    unsigned turn = socket->begun % 2;
    unsigned from = socket->next[turn] != NULL ? turn : 1 - turn;
    const struct addrinfo *next = socket->next[from];
    memcpy(&endpoint->place, next->ai_addr, next->ai_addrlen);
    endpoint->len = next->ai_addrlen;
    socket->next[from] = find(next->ai_next, next->ai_family, true);
}

/* WEIR_OK: connected. WEIR_MORE: none is. */
static weir_status look_at_tries(weir_socket *socket, int64_t now_ms) {
    for (unsigned i = 0; i < socket->try_count;) {
        int os_error = weir_attempt_look(socket->tries[i], socket->keepalive_ms);
        if (os_error == 0) {
            return finish(socket, socket->tries[i]);
        }
        if (os_error == EINPROGRESS) {
            i++;
        } else {
            end_try(socket, i, os_error, now_ms);
        }
    }
    return WEIR_MORE;
}

static weir_status begin_tries(weir_socket *socket, int64_t now_ms) {
    int64_t delay_ms =
        socket->attempt_delay_ms != 0 ? socket->attempt_delay_ms : WEIR_ATTEMPT_DELAY_MS;
    weir_status st = WEIR_MORE;
    while (st == WEIR_MORE && has_next(socket) && now_ms >= socket->next_ms &&
           now_ms < socket->deadline_ms) {
        struct weir_endpoint endpoint;
        if (socket->try_count == WEIR_TRIES_MOST) {
            end_try(socket, 0, ETIMEDOUT, now_ms);
        }
        unsigned under_way = socket->try_count;
        take_next(socket, &endpoint);
        st = begin_try(socket, &endpoint, now_ms);
        if (st == WEIR_MORE && socket->try_count > under_way) {
            bool is_near = socket->deadline_ms - now_ms <= delay_ms;
            socket->next_ms = is_near ? socket->deadline_ms : now_ms + delay_ms;
        }
    }
    return st;
}

/* WEIR_OK: there are addresses. WEIR_MORE: not yet. */
static weir_status await_lookup(weir_socket *socket, int64_t now_ms, weir_error *error) {
    const struct addrinfo *list = NULL;
    if (!weir_lookup_is_done(socket->lookup)) {
        return WEIR_MORE;
    }
    weir_status st = weir_lookup_result(socket->lookup, &list, error);
    if (st != WEIR_OK) {
        weir_socket_close(socket);
        return st;
    }
    weir_gather_remove(socket->gather, weir_lookup_fd(socket->lookup));
    take_addresses(socket, list);
    socket->next_ms = now_ms;
    return WEIR_OK;
}

/* In a child process: what the parent had begun is the parent's, and its lookup has no
 * thread here. All anew, until the same deadline. */
static weir_status begin_anew(weir_socket *socket, int64_t now_ms, weir_error *error) {
    int64_t started_ms = socket->started_ms;
    weir_socket_close(socket);
    weir_status st = weir_socket_start(socket, now_ms, socket->deadline_ms, error);
    socket->started_ms = started_ms;
    return st;
}

weir_status weir_socket_connect(weir_socket *socket, int64_t now_ms, weir_error *error) {
    if (socket->is_connected) {
        return WEIR_OK;
    }
    assert(socket->is_started); /* and neither failed nor closed since */
    weir_status st = WEIR_OK;
    if (socket->process != getpid()) {
        st = begin_anew(socket, now_ms, error);
    }
    if (st == WEIR_OK && is_looking_up(socket)) {
        st = await_lookup(socket, now_ms, error);
    }
    if (st == WEIR_OK) {
        st = look_at_tries(socket, now_ms);
        st = st == WEIR_MORE ? begin_tries(socket, now_ms) : st;
    }
    if (st != WEIR_MORE) {
        return st;
    }
    if (now_ms >= socket->deadline_ms) {
        return fail_late(socket, now_ms, error);
    }
    bool may_still = is_looking_up(socket) || socket->try_count > 0 || has_next(socket);
    return may_still ? WEIR_MORE : fail_unreachable(socket, error);
}
