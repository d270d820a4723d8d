/* A client over a transport of the caller's own: a scripted one around a socket to a real
 * server, with a mood for each way in which transports differ from sockets.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../net/net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#define HELD_BYTES 65536
#define PLENTY_MS  10000

struct moody {
    weir_socket socket;
    weir_transport below;
    weir_address address;
    char held[HELD_BYTES]; /* received from below, not yet given */
    size_t held_at;
    size_t held_len;
    size_t piece;           /* bytes given or taken at a time; 0: all */
    bool has_crossed;       /* that wait was asked for */
    weir_status fails_with; /* WEIR_OK: it does not */
    const char *reason;
    int connects;
    int closes;
};

static weir_status moody_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                                 weir_error *error) {
    struct moody *self = context;
    assert_string_equal(error->text, "");
    self->connects++;
    return self->below.connect(self->below.context, now_ms, deadline_ms, error);
}

static weir_status moody_receive(void *context, char *data, size_t room, size_t *moved,
                                 weir_error *error) {
    struct moody *self = context;
    if (self->fails_with != WEIR_OK) {
        (void)snprintf(error->text, sizeof error->text, "%s", self->reason);
        return self->fails_with;
    }
    if (self->held_at == self->held_len) {
        self->held_at = self->held_len = 0;
        weir_status st = self->below.receive(self->below.context, self->held, HELD_BYTES,
                                             &self->held_len, error);
        if (st != WEIR_OK) {
            return st;
        }
    }
    size_t left = self->held_len - self->held_at;
    size_t most = self->piece != 0 && self->piece < room ? self->piece : room;
    *moved = left < most ? left : most;
    memcpy(data, self->held + self->held_at, *moved);
    self->held_at += *moved;
    return WEIR_OK;
}

static weir_status moody_send(void *context, const weir_view *parts, size_t count,
                              size_t *moved, weir_error *error) {
    struct moody *self = context;
    if (self->piece == 0) {
        return self->below.send(self->below.context, parts, count, moved, error);
    }
    size_t first = 0;
    while (parts[first].len == 0) {
        first++;
    }
    assert_true(first < count);
    size_t len = parts[first].len < self->piece ? parts[first].len : self->piece;
    weir_view part = weir_bytes(parts[first].data, len);
    return self->below.send(self->below.context, &part, 1, moved, error);
}

static int moody_fd(const void *context) {
    const struct moody *self = context;
    return self->below.fd(self->below.context);
}

static bool moody_has_pending(const void *context) {
    const struct moody *self = context;
    return self->held_at < self->held_len;
}

static int64_t moody_deadline_ms(const void *context) {
    const struct moody *self = context;
    return self->below.deadline_ms(self->below.context);
}

static void moody_close(void *context) {
    struct moody *self = context;
    self->closes++;
    self->below.close(self->below.context);
}

static weir_transport moody_table(struct moody *self, const struct live *live) {
    weir_error error;
    memset(self, 0, sizeof *self);
    assert_status(weir_address_parse(&self->address, live->server->tcp_url, &error),
                  WEIR_OK);
    weir_socket_init(&self->socket, &self->address);
    self->below = weir_socket_transport(&self->socket);
    return (weir_transport){
        .context = self,
        .connect = moody_connect,
        .receive = moody_receive,
        .send = moody_send,
        .fd = moody_fd,
        .has_pending = moody_has_pending,
        .deadline_ms = moody_deadline_ms,
        .close = moody_close,
    };
}

static weir_client *open_on(struct live *live, const weir_transport *table,
                            bool is_non_blocking) {
    weir_options options = {.transport = table,
                            .protocol = live->protocol,
                            .non_blocking = is_non_blocking,
                            .timeout_ms = 2000};
    weir_client *client;
    weir_status st = weir_open("redis://some-name:1", &options, &client);
    assert_ok(client, st);
    return client;
}

static void a_client_speaks_through_it(void **state) {
    struct live *live = *state;
    static struct moody moody;
    weir_transport table = moody_table(&moody, live);
    weir_client *client = open_on(live, &table, false);
    memset(&table, 0, sizeof table); /* it was copied */
    live_fill(client, "s", 100, 1000);
    uint64_t count = 0;
    assert_ok(client, weir_xlen(client, WIRE("s"), &count));
    assert_int_equal(count, 100);
    assert_true(moody.connects >= 1);
    assert_int_equal(moody.closes, 0);
    weir_close(client);
    assert_int_equal(moody.closes, 1);
}

/* The descriptor says nothing of what the transport holds: waiting for it would last until
 * the deadline. */
static void bytes_that_it_holds_are_not_waited_for(void **state) {
    struct live *live = *state;
    static struct moody moody;
    weir_transport table = moody_table(&moody, live);
    live_fill(live->client, "s", 50, 200);
    static const size_t pieces[] = {1, 2, 7, 100};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        weir_client *client = open_on(live, &table, false);
        moody.piece = pieces[i];
        int64_t began_ms = live_now_ms();
        weir_entries page;
        weir_entry entry;
        size_t count = 0;
        weir_status st =
            weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page);
        while (st == WEIR_OK && (st = weir_entries_next(&page, &entry)) == WEIR_OK) {
            count++;
        }
        assert_status(st, WEIR_END);
        assert_int_equal(count, 50);
        assert_true(live_now_ms() - began_ms < 2000);
        weir_close(client);
        moody.piece = 0;
    }
}

/* Polls for what the client wants; fails the test if nothing happens. */
static void turn(weir_client *client) {
    int wants = weir_client_wants(client);
    short events = (short)((wants & WEIR_WANT_READ ? POLLIN : 0) |
                           (wants & WEIR_WANT_WRITE ? POLLOUT : 0));
    assert_int_equal(support_poll(weir_client_fd(client), events, PLENTY_MS), 1);
    assert_ok(client, weir_step(client));
}

static void an_event_loop_comes_back_for_what_it_holds(void **state) {
    struct live *live = *state;
    static struct moody moody;
    weir_transport table = moody_table(&moody, live);
    live_fill(live->client, "s", 20, 100);
    weir_client *client = open_on(live, &table, true);
    moody.piece = 1; /* one step is over long before the answer */
    while (!weir_client_is_ready(client)) {
        turn(client);
    }
    weir_range_options all = {.count = 20};
    assert_ok(client,
              weir_append_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &all));
    weir_entries page;
    weir_entry entry;
    size_t count = 0;
    weir_status st = WEIR_OK;
    while ((st = weir_take_entries(client, &page)) == WEIR_MORE) {
        turn(client);
    }
    while (st == WEIR_OK) {
        st = weir_entries_next(&page, &entry);
        count += st == WEIR_OK ? 1 : 0;
        if (st == WEIR_MORE) {
            turn(client);
            st = WEIR_OK;
        }
    }
    assert_status(st, WEIR_END);
    assert_int_equal(count, 20);
    weir_close(client);
}

/* ---- what it waits for ---- */

static weir_status crossed_receive(void *context, char *data, size_t room, size_t *moved,
                                   weir_error *error) {
    struct moody *self = context;
    self->has_crossed = !self->has_crossed;
    return self->has_crossed ? WEIR_MORE : moody_receive(context, data, room, moved, error);
}

static int crossed_wants(const void *context, int directions) {
    const struct moody *self = context;
    bool is_reading = (directions & WEIR_WANT_READ) != 0;
    return self->has_crossed && is_reading ? directions | WEIR_WANT_WRITE
           : directions == 0               ? WEIR_WANT_WRITE
                                           : directions;
}

/* It has read nothing and has to write first; only then does the answer come. */
static void receiving_may_wait_until_it_can_send(void **state) {
    struct live *live = *state;
    static struct moody moody;
    weir_transport table = moody_table(&moody, live);
    table.receive = crossed_receive;
    table.wants = crossed_wants;
    weir_client *client = open_on(live, &table, false);
    live_fill(client, "s", 10, 10);
    moody.has_crossed = true;
    moody.piece = 3;
    uint64_t count = 0;
    assert_ok(client, weir_xlen(client, WIRE("s"), &count));
    assert_int_equal(count, 10);
    assert_int_equal(weir_client_wants(client),
                     moody.has_crossed ? WEIR_WANT_READ | WEIR_WANT_WRITE : WEIR_WANT_READ);
    weir_close(client);
}

/* ---- failures ---- */

static void expect_open_fails(const weir_transport *table, weir_status status,
                              const char *text) {
    weir_options options = {.transport = table, .connect_timeout_ms = 100};
    weir_client *client;
    assert_status(weir_open("redis://:secret@some-name:1", &options, &client), status);
    assert_status(weir_client_error(client)->status, status);
    assert_string_equal(weir_client_error(client)->text, text);
    weir_close(client);
}

static void a_table_that_lacks_a_function_is_refused(void **state) {
    static struct moody moody;
    weir_transport table = moody_table(&moody, *state);
    static const char text[] =
        "options.transport: connect, receive, send, fd and close must be there";
    weir_transport lacking[5] = {table, table, table, table, table};
    lacking[0].connect = NULL;
    lacking[1].receive = NULL;
    lacking[2].send = NULL;
    lacking[3].fd = NULL;
    lacking[4].close = NULL;
    for (size_t i = 0; i < 5; i++) {
        expect_open_fails(&lacking[i], WEIR_ERR_ARG, text);
    }
    assert_int_equal(moody.connects, 0);
}

static weir_status connect_fails(void *context, int64_t now_ms, int64_t deadline_ms,
                                 weir_error *error) {
    (void)now_ms;
    (void)deadline_ms;
    struct moody *self = context;
    error->os_error = self->fails_with == WEIR_ERR_IO ? EPERM : 0;
    (void)snprintf(error->text, sizeof error->text, "%s",
                   self->reason != NULL ? self->reason : "");
    return self->fails_with;
}

static weir_status connect_never_ends(void *context, int64_t now_ms, int64_t deadline_ms,
                                      weir_error *error) {
    (void)context;
    (void)now_ms;
    (void)deadline_ms;
    (void)error;
    return WEIR_MORE;
}

static void a_connect_that_fails_is_told(void **state) {
    static struct moody moody;
    weir_transport table = moody_table(&moody, *state);
    table.connect = connect_fails;
    moody.fails_with = WEIR_ERR_CONNECT;
    expect_open_fails(&table, WEIR_ERR_CONNECT,
                      "cannot connect to some-name:1: the transport gave no reason");
    moody.fails_with = WEIR_ERR_IO;
    expect_open_fails(&table, WEIR_ERR_IO,
                      "cannot connect to some-name:1: Operation not permitted");
    moody.reason = "the tunnel is shut";
    expect_open_fails(&table, WEIR_ERR_IO, "the tunnel is shut");
    assert_true(moody.closes >= 3);
}

static void a_connect_that_never_ends_does_at_the_deadline(void **state) {
    static struct moody moody;
    weir_transport table = moody_table(&moody, *state);
    table.connect = connect_never_ends;
    table.deadline_ms = NULL;
    int64_t began_ms = live_now_ms();
    expect_open_fails(&table, WEIR_ERR_TIMEOUT, "cannot connect to some-name:1: timed out");
    assert_in_range(live_now_ms() - began_ms, 100, PLENTY_MS);
}

static void its_reason_to_fail_is_told(void **state) {
    struct live *live = *state;
    static struct moody moody;
    weir_transport table = moody_table(&moody, live);
    weir_client *client = open_on(live, &table, false);
    moody.fails_with = WEIR_ERR_PROTOCOL;
    moody.reason = "a wheel came off\n";
    assert_status(weir_xlen(client, WIRE("s"), NULL), WEIR_ERR_PROTOCOL);
    assert_string_equal(weir_client_error(client)->text,
                        "some-name:1: receiving failed: a wheel came off\\x0a");
    weir_close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_client_speaks_through_it),
        LIVE_ON_BOTH(bytes_that_it_holds_are_not_waited_for),
        LIVE_ON_BOTH(an_event_loop_comes_back_for_what_it_holds),
        LIVE_ON_BOTH(receiving_may_wait_until_it_can_send),
        LIVE_ON_BOTH(a_table_that_lacks_a_function_is_refused),
        LIVE_ON_BOTH(a_connect_that_fails_is_told),
        LIVE_ON_BOTH(a_connect_that_never_ends_does_at_the_deadline),
        LIVE_ON_BOTH(its_reason_to_fail_is_told),
    };
    return live_run("one's own transport", tests);
}
