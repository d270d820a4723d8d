/* How often an entry was delivered before is asked just before the entry: what comes
 * between the two questions must not make it look like new. SPDX-License-Identifier:
 * BSD-2-Clause */
#include "live.h"

#include "../net/net.h"

#include <poll.h>
#include <sys/socket.h>

#define TIMES   5 /* what 3-0 was delivered before */
#define SOON_MS 10000

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};
static const weir_view ME = {"me", 2};

/* A transport that, once told to, acknowledges 1-0 and 2-0 by a connection of its own when
 * XPENDING is answered and XREADGROUP has not gone out. */
struct between {
    weir_socket socket;
    weir_transport below;
    weir_address address;
    weir_client *client; /* acknowledges */
    bool is_armed;
    bool is_asked; /* XPENDING has gone out */
    bool is_done;
};

static weir_status between_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                                   weir_error *error) {
    struct between *self = context;
    return self->below.connect(self->below.context, now_ms, deadline_ms, error);
}

static weir_status between_receive(void *context, char *data, size_t room, size_t *moved,
                                   weir_error *error) {
    struct between *self = context;
    return self->below.receive(self->below.context, data, room, moved, error);
}

/* Where that word begins; len: nowhere. */
static size_t place_of(weir_view data, const char *word) {
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= data.len; i++) {
        if (memcmp(data.data + i, word, len) == 0) {
            return i;
        }
    }
    return data.len;
}

static void acknowledge(struct between *self) {
    static const weir_id two[] = {{1, 0}, {2, 0}};
    int fd = self->below.fd(self->below.context);
    assert_int_equal(support_poll(fd, POLLIN, SOON_MS), 1);
    assert_ok(self->client, weir_xack(self->client, KEY, GROUP, two, 2, NULL));
    self->is_done = true;
}

static weir_status between_send(void *context, const weir_view *parts, size_t count,
                                size_t *moved, weir_error *error) {
    struct between *self = context;
    size_t first = 0;
    while (first + 1 < count && parts[first].len == 0) {
        first++;
    }
    weir_view part = parts[first];
    if (self->is_armed && !self->is_done) {
        size_t read_at = place_of(part, "XREADGROUP");
        self->is_asked = self->is_asked || place_of(part, "XPENDING") < read_at;
        if (self->is_asked && read_at == 0) {
            acknowledge(self);
        } else if (self->is_asked) {
            part.len = read_at;
        }
    }
    return self->below.send(self->below.context, &part, 1, moved, error);
}

static int between_fd(const void *context) {
    const struct between *self = context;
    return self->below.fd(self->below.context);
}

static int64_t between_deadline_ms(const void *context) {
    const struct between *self = context;
    return self->below.deadline_ms(self->below.context);
}

static void between_close(void *context) {
    struct between *self = context;
    self->below.close(self->below.context);
}

static weir_transport between_table(struct between *self, const struct live *live) {
    weir_error error;
    memset(self, 0, sizeof *self);
    self->client = live->client;
    assert_status(weir_address_parse(&self->address, live->server->url, &error), WEIR_OK);
    weir_socket_init(&self->socket, &self->address);
    self->below = weir_socket_transport(&self->socket);
    return (weir_transport){.context = self,
                            .connect = between_connect,
                            .receive = between_receive,
                            .send = between_send,
                            .fd = between_fd,
                            .deadline_ms = between_deadline_ms,
                            .close = between_close};
}

/* Three entries, which this name had in hand before; the last one often. */
static void set_stage(weir_client *client) {
    weir_source all = weir_source_after(KEY, WEIR_ID_MIN);
    weir_source fresh = weir_source_new(KEY);
    const weir_id last = {3, 0};
    const weir_xclaim_options often = {
        .has_retry_count = true, .retry_count = TIMES, .ids_only = true};
    weir_entries page;
    live_fill(client, "s", 3, 1);
    assert_ok(client, weir_xgroup_create(client, all, GROUP, NULL, NULL));
    assert_ok(client, weir_xreadgroup(client, GROUP, ME, &fresh, 1, NULL, &page));
    weir_entries_close(&page);
    assert_ok(client, weir_xclaim(client, KEY, GROUP, ME, 0, &last, 1, &often, &page));
    weir_entries_close(&page);
}

static weir_consumer *open_through(struct between *between, const struct live *live) {
    static weir_transport table;
    const weir_options second = {.protocol = live->protocol};
    weir_options first = {.protocol = live->protocol, .transport = &table};
    const weir_consumer_options options = {.streams = &KEY,
                                           .stream_count = 1,
                                           .group = GROUP,
                                           .name = ME,
                                           .start = WEIR_START_BEGINNING,
                                           .count = 2,
                                           .second = &second,
                                           .non_blocking = true};
    weir_consumer *consumer;
    table = between_table(between, live);
    assert_status(weir_consumer_open(live->server->url, &first, &options, &consumer),
                  WEIR_OK);
    return consumer;
}

static void assert_told(weir_consumer *consumer, uint64_t ms, int64_t deliveries) {
    weir_delivery task;
    assert_status(weir_consumer_next(consumer, SOON_MS, &task), WEIR_OK);
    assert_id(task.entry.id, ms, 0);
    assert_int_equal(task.origin, WEIR_ORIGIN_HISTORY);
    assert_int_equal(task.entry.deliveries, deliveries);
}

/* As its own other line does with what was done. */
static void what_is_in_hand_is_acknowledged_between(void **state) {
    struct live *live = *state;
    static struct between between; /* large */
    set_stage(live->client);
    weir_consumer *consumer = open_through(&between, live);
    assert_told(consumer, 1, 1);
    assert_told(consumer, 2, 1);
    between.is_armed = true;
    assert_int_equal(shutdown(between.below.fd(between.below.context), SHUT_RDWR), 0);
    assert_told(consumer, 3, TIMES);
    assert_true(between.is_done);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

/* Nothing is known of the third then but that it was delivered. */
static void what_is_not_in_hand_is_acknowledged_between(void **state) {
    struct live *live = *state;
    static struct between between; /* large */
    set_stage(live->client);
    weir_consumer *consumer = open_through(&between, live);
    between.is_armed = true;
    assert_told(consumer, 3, 1);
    assert_true(between.is_done);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(what_is_in_hand_is_acknowledged_between),
        LIVE_ON_BOTH(what_is_not_in_hand_is_acknowledged_between),
    };
    return live_run("live_consumer_told", tests);
}
