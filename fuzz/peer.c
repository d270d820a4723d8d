/* A peer that is played: net/net.h without sockets, and a clock that it turns.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"

#include <stdio.h>

#define SILENCE 255
/* any that look like descriptors: they are never used */
#define PEER_FD      3
#define PEER_WAKE_FD 4

#define MOST_CALLS 200000 /* of one input, whatever it is: thousands are usual */

peer the_peer;

void peer_reset(void) {
    peer *self = &the_peer;
    memset(self, 0, offsetof(peer, out));
    self->is_honest = true;
    self->now_ms = 1000;
}

static void count_call(void) {
    fuzz_check(++the_peer.calls < MOST_CALLS, "a client never loops for ever");
}

/* ---- what it says ---- */

bool peer_say(weir_view bytes) {
    if (bytes.len > PEER_BYTES - the_peer.out_len) {
        return false;
    }
    if (bytes.len > 0) {
        memcpy(the_peer.out + the_peer.out_len, bytes.data, bytes.len);
    }
    the_peer.out_len += bytes.len;
    return true;
}

bool peer_say_text(const char *text) { return peer_say(weir_text(text)); }

bool peer_say_number(char type, int64_t number) {
    char text[32];
    (void)snprintf(text, sizeof text, "%c%lld\r\n", type, (long long)number);
    return peer_say_text(text);
}

bool peer_say_bulk(weir_view bytes) {
    return peer_say_number('$', (int64_t)bytes.len) && peer_say(bytes) &&
           peer_say_text("\r\n");
}

/* ---- what it takes ---- */

/* The whole command at the front of what came; 0 if there is none. */
static size_t read_command(weir_view input, weir_view *args, size_t *count) {
    static const weir_reader_options resp2 = {.protocol = 2};
    weir_reader reader;
    size_t used_up = 0;
    weir_reader_init(&reader, &resp2);
    *count = 0;
    do {
        weir_token token;
        size_t used;
        weir_view rest = weir_bytes(input.data + used_up, input.len - used_up);
        weir_status st = weir_reader_next(&reader, rest, &used, &token);
        fuzz_check(st == WEIR_OK || st == WEIR_MORE, "a client sends RESP");
        if (st == WEIR_MORE) {
            return 0;
        }
        used_up += used;
        if (token.depth == 0) {
            fuzz_check(token.type == WEIR_TOKEN_ARRAY && token.number > 0,
                       "a command is an array");
        } else {
            fuzz_check(token.type == WEIR_TOKEN_BULK && *count < PEER_ARGS,
                       "a command is made of bulk strings");
            args[(*count)++] = token.bytes;
        }
    } while (!weir_reader_is_between(&reader));
    return used_up;
}

static void answer_commands(void) {
    peer *self = &the_peer;
    size_t at = 0;
    for (;;) {
        weir_view args[PEER_ARGS];
        size_t count;
        size_t used =
            read_command(weir_bytes(self->in + at, self->in_len - at), args, &count);
        if (used == 0) {
            break;
        }
        self->answer(args, count);
        at += used;
    }
    memmove(self->in, self->in + at, self->in_len - at);
    self->in_len -= at;
}

/* ---- the transport ---- */

static size_t next_piece(const fuzz_pieces *pieces, size_t *turn, bool *was_none) {
    if (pieces->count == 0) {
        return SIZE_MAX;
    }
    size_t size = pieces->sizes[(*turn)++ % pieces->count];
    bool is_none = size == SILENCE && !*was_none;
    *was_none = is_none;
    return is_none ? 0 : size + 1;
}

static weir_status fail(weir_error *error) {
    peer_fault fault = the_peer.fault;
    error->os_error = 104; /* any: only its text is shown */
    return fault == PEER_HANGS_UP ? WEIR_ERR_CLOSED : WEIR_ERR_IO;
}

static weir_status peer_receive(void *context, char *data, size_t room, size_t *moved,
                                weir_error *error) {
    (void)context;
    peer *self = &the_peer;
    count_call();
    fuzz_check(room > 0, "a client has room when it receives");
    size_t left = self->out_len - self->out_at;
    if (self->fault == PEER_FAILS || (self->fault == PEER_HANGS_UP && left == 0)) {
        return fail(error);
    }
    if (self->is_stuck && self->fault == PEER_IS_WELL) {
        return WEIR_MORE;
    }
    size_t piece = next_piece(&self->says, &self->says_turn, &self->was_silent);
    piece = piece < left ? piece : left;
    *moved = piece < room ? piece : room;
    if (self->says_most != 0 && *moved >= self->says_most - self->out_at) {
        *moved = self->says_most - self->out_at;
        self->out_len = self->says_most; /* no more of it is to come */
        self->fault = self->sticks ? PEER_IS_WELL : PEER_HANGS_UP;
        self->is_stuck = self->sticks;
    }
    memcpy(data, self->out + self->out_at, *moved);
    self->out_at += *moved;
    self->said += *moved;
    return *moved > 0 ? WEIR_OK : self->fault == PEER_IS_WELL ? WEIR_MORE : fail(error);
}

static size_t take(weir_view part, size_t most) {
    peer *self = &the_peer;
    size_t count = part.len < most ? part.len : most;
    if (self->is_honest) {
        fuzz_check(count <= PEER_BYTES - self->in_len, "commands are no longer than sent");
        memcpy(self->in + self->in_len, part.data, count);
        self->in_len += count;
    }
    self->taken += count;
    return count;
}

static weir_status peer_send(void *context, const weir_view *parts, size_t count,
                             size_t *moved, weir_error *error) {
    (void)context;
    peer *self = &the_peer;
    count_call();
    if (self->fault != PEER_IS_WELL) {
        (void)fail(error);
        return WEIR_ERR_IO;
    }
    if (self->is_stuck && self->fault == PEER_IS_WELL) {
        return WEIR_MORE;
    }
    size_t most = next_piece(&self->takes, &self->takes_turn, &self->was_full);
    size_t left = self->takes_most != 0 ? self->takes_most - self->taken : SIZE_MAX;
    most = most < left ? most : left;
    *moved = 0;
    for (size_t i = 0; i < count && *moved < most; i++) {
        *moved += take(parts[i], most - *moved);
    }
    if (self->is_honest) {
        answer_commands();
    }
    if (self->taken == self->takes_most && left != SIZE_MAX) {
        self->fault = PEER_HANGS_UP; /* what it has answered can still be read */
    }
    return *moved > 0 ? WEIR_OK : WEIR_MORE;
}

/* ---- net/net.h ---- */

void weir_socket_init(weir_socket *socket, const weir_address *address) {
    *socket = (weir_socket){.fd = -1, .address = address};
}

void weir_socket_end(weir_socket *socket) { (void)socket; }

static weir_status peer_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                                weir_error *error) {
    (void)context;
    (void)now_ms;
    (void)deadline_ms;
    peer *self = &the_peer;
    count_call();
    fuzz_check(!self->is_connected, "a client connects after it has closed");
    if (self->refusals > 0) {
        self->refusals -= self->refusals != SIZE_MAX ? 1 : 0;
        error->status = WEIR_ERR_CONNECT;
        (void)snprintf(error->text, sizeof error->text, "nobody listens");
        return WEIR_ERR_CONNECT;
    }
    self->is_connected = true;
    self->connections++;
    self->said_before = self->out_at;
    self->fault = PEER_IS_WELL;
    self->is_stuck = self->sticks = false;
    self->hang_up_ms = 0;
    self->says_most = self->takes_most = self->taken = 0;
    self->out_len = self->out_at = self->in_len = 0;
    if (self->begin != NULL) {
        self->begin();
    }
    return WEIR_OK;
}

static int peer_fd(const void *context) {
    (void)context;
    return the_peer.is_connected ? PEER_FD : -1;
}

static void peer_close(void *context) {
    (void)context;
    the_peer.is_connected = false;
}

weir_transport weir_socket_transport(weir_socket *socket) {
    return (weir_transport){
        .context = socket,
        .connect = peer_connect,
        .receive = peer_receive,
        .send = peer_send,
        .fd = peer_fd,
        .close = peer_close,
    };
}

uint64_t weir_random_number(void) { return 1; }

int64_t weir_now_ms(void) {
    count_call();
    return the_peer.now_ms;
}

void weir_nap(int64_t nanoseconds) {
    (void)nanoseconds;
    count_call();
}

int64_t weir_now_us(void) { return weir_now_ms() * 1000; }

/* Nothing comes that is not there already: the time passes at once. */
weir_status weir_wait_or_wake(int fd, int wants, const weir_wake *wake, int64_t deadline_ms,
                              int *os_error) {
    peer *self = &the_peer;
    count_call();
    if (weir_wake_is_set(wake)) {
        return WEIR_ERR_CANCELLED;
    }
    bool has_ended = self->fault != PEER_IS_WELL;
    bool can_write = fd >= 0 && (has_ended || !self->is_stuck);
    bool can_read = can_write && (has_ended || self->out_at < self->out_len);
    if ((can_write && (wants & WEIR_WANT_WRITE) != 0) ||
        (can_read && (wants & WEIR_WANT_READ) != 0)) {
        return WEIR_OK;
    }
    if (self->hang_up_ms != 0 && fd >= 0 && self->hang_up_ms <= deadline_ms) {
        self->now_ms = self->hang_up_ms > self->now_ms ? self->hang_up_ms : self->now_ms;
        self->fault = PEER_HANGS_UP;
        return WEIR_OK;
    }
    if (deadline_ms == WEIR_NO_DEADLINE) {
        *os_error = 104;
        return WEIR_ERR_IO;
    }
    self->now_ms = self->now_ms > deadline_ms ? self->now_ms : deadline_ms;
    return WEIR_ERR_TIMEOUT;
}

/* ---- net/wake.h ---- */

/* There is one connection here: whoever waits for several has none of them. */
weir_status weir_wait_any(const weir_waited *list, size_t count, int64_t deadline_ms,
                          int *os_error) {
    (void)list;
    (void)count;
    (void)deadline_ms;
    *os_error = 9; /* EBADF */
    return WEIR_ERR_IO;
}

void weir_wake_init(weir_wake *wake) {
    atomic_init(&wake->is_set, false);
    wake->fd = -1;
}

weir_status weir_wake_open(weir_wake *wake, int *os_error) {
    *os_error = 0;
    wake->fd = PEER_WAKE_FD;
    return WEIR_OK;
}

void weir_wake_set(weir_wake *wake) { atomic_store(&wake->is_set, true); }

void weir_wake_forget(const weir_wake *wake) { (void)wake; }

void weir_wake_clear(weir_wake *wake) { atomic_store(&wake->is_set, false); }

void weir_wake_close(weir_wake *wake) { weir_wake_init(wake); }
