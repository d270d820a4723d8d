/* A group that is made anew, with the same ids, while verdicts on their forerunners are not
 * answered: what comes then is new, and is given. SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../net/net.h"

#include <poll.h>

#define SOON_MS 10000

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};

/* A transport that keeps answers back while it is told to. */
struct holding {
    weir_socket socket;
    weir_transport below;
    weir_address address;
    bool is_held;
};

static weir_status holding_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                                   weir_error *error) {
    struct holding *self = context;
    return self->below.connect(self->below.context, now_ms, deadline_ms, error);
}

static weir_status holding_receive(void *context, char *data, size_t room, size_t *moved,
                                   weir_error *error) {
    struct holding *self = context;
    return self->is_held
               ? WEIR_MORE
               : self->below.receive(self->below.context, data, room, moved, error);
}

static weir_status holding_send(void *context, const weir_view *parts, size_t count,
                                size_t *moved, weir_error *error) {
    struct holding *self = context;
    return self->below.send(self->below.context, parts, count, moved, error);
}

static int holding_fd(const void *context) {
    const struct holding *self = context;
    return self->below.fd(self->below.context);
}

static int64_t holding_deadline_ms(const void *context) {
    const struct holding *self = context;
    return self->below.deadline_ms(self->below.context);
}

static void holding_close(void *context) {
    struct holding *self = context;
    self->below.close(self->below.context);
}

static weir_transport holding_table(struct holding *self, const struct live *live) {
    weir_error error;
    memset(self, 0, sizeof *self);
    assert_status(weir_address_parse(&self->address, live->server->url, &error), WEIR_OK);
    weir_socket_init(&self->socket, &self->address);
    self->below = weir_socket_transport(&self->socket);
    return (weir_transport){.context = self,
                            .connect = holding_connect,
                            .receive = holding_receive,
                            .send = holding_send,
                            .fd = holding_fd,
                            .deadline_ms = holding_deadline_ms,
                            .close = holding_close};
}

static weir_consumer *open_through(struct holding *holding, const struct live *live) {
    static weir_transport table;
    const weir_options first = {.protocol = live->protocol};
    const weir_options second = {.protocol = live->protocol, .transport = &table};
    const weir_consumer_options options = {.streams = &KEY,
                                           .stream_count = 1,
                                           .group = GROUP,
                                           .start = WEIR_START_BEGINNING,
                                           .claim_idle_ms = WEIR_FOREVER,
                                           .no_read_ahead = true,
                                           .dead_letters = weir_text("letters"),
                                           .second = &second};
    weir_consumer *consumer;
    table = holding_table(holding, live);
    assert_status(weir_consumer_open(live->server->url, &first, &options, &consumer),
                  WEIR_OK);
    return consumer;
}

static uint64_t pending(weir_client *client) {
    weir_pending summary;
    assert_ok(client, weir_xpending(client, KEY, GROUP, &summary));
    weir_pending_close(&summary);
    return summary.count;
}

static void await_nothing_pending(weir_client *client) {
    int64_t until_ms = live_now_ms() + SOON_MS;
    while (pending(client) > 0 && live_now_ms() < until_ms) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(pending(client), 0);
}

/* No read waits meanwhile: its answer would tell that the group was gone. */
static void make_anew(weir_client *client) {
    assert_ok(client, live_say(client, "FLUSHALL"));
    live_add(client, "s", 1, 0);
    assert_ok(client, live_say(client, "XGROUP", "CREATE", "s", "g", "0"));
}

static void assert_given_as_new(weir_consumer *consumer, weir_delivery *task) {
    assert_status(weir_consumer_next(consumer, SOON_MS, task), WEIR_OK);
    assert_id(task->entry.id, 1, 0);
    assert_int_equal(task->origin, WEIR_ORIGIN_NEW);
    assert_int_equal(task->entry.deliveries, 0);
}

static void a_verdict_of_the_old_group_leaves_the_new_entry_alone(void **state) {
    struct live *live = *state;
    static struct holding holding; /* large */
    weir_delivery task;
    live_add(live->client, "s", 1, 0);
    weir_consumer *consumer = open_through(&holding, live);
    assert_given_as_new(consumer, &task);
    holding.is_held = true;
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    assert_status(weir_consumer_flush(consumer, 0), WEIR_MORE);
    await_nothing_pending(live->client);
    make_anew(live->client);
    assert_given_as_new(consumer, &task);
    assert_int_equal(pending(live->client), 1);
    holding.is_held = false;
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(weir_consumer_count(consumer).in_hand, 1);
    assert_int_equal(pending(live->client), 1);
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(weir_consumer_count(consumer).acknowledged, 2);
    assert_int_equal(pending(live->client), 0);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

/* The letter of the forerunner is written, and its acknowledgement goes out only when that
 * is known: the new entry's is then a second one, which finds nothing. */
static void a_letter_of_the_old_group_does_not_hide_the_new_entry(void **state) {
    struct live *live = *state;
    static struct holding holding; /* large */
    weir_delivery task;
    live_add(live->client, "s", 1, 0);
    weir_consumer *consumer = open_through(&holding, live);
    assert_given_as_new(consumer, &task);
    holding.is_held = true;
    assert_status(weir_consumer_reject(consumer, &task, "no"), WEIR_OK);
    assert_status(weir_consumer_flush(consumer, 0), WEIR_MORE);
    make_anew(live->client);
    assert_given_as_new(consumer, &task);
    holding.is_held = false;
    assert_status(weir_consumer_done(consumer, &task), WEIR_OK);
    assert_status(weir_consumer_flush(consumer, SOON_MS), WEIR_OK);
    assert_int_equal(weir_consumer_count(consumer).in_hand, 0);
    assert_int_equal(pending(live->client), 0);
    assert_status(weir_consumer_close(consumer, SOON_MS), WEIR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_verdict_of_the_old_group_leaves_the_new_entry_alone),
        LIVE_ON_BOTH(a_letter_of_the_old_group_does_not_hide_the_new_entry),
    };
    return live_run("live_consumer_anew", tests);
}
