/* A consumer whose connections are cut, in the middle of an answer or of a request: each
 * entry is handled, none is lost, and what is handled twice is known to have been delivered
 * before. Cut at every STEPth byte; with WEIR_EVERY_BYTE in the environment at every one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../net/net.h"
#include "../stream/consumer.h"

#include <stdlib.h>

#define LETTER_OF 7 /* is rejected */
#define BACK_OF   8 /* is released once */
#define LONG_OF   6 /* is extended once */
#define LAST      8
#define PLENTY_MS 20000
#define STEP      7

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};
static const weir_view DEAD = {"letters", 7};

/* ---- a transport that is cut once ---- */

struct cut {
    weir_socket socket;
    weir_transport below;
    weir_address address;
    bool is_armed;   /* the handshake is done */
    bool is_sending; /* what is sent is counted and cut, else what is received */
    size_t moved;    /* bytes since then */
    size_t allowed;  /* so many; then the connection ends, once */
    bool has_been_cut;
};

static weir_status cut_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                               weir_error *error) {
    struct cut *self = context;
    return self->below.connect(self->below.context, now_ms, deadline_ms, error);
}

/* How many of `count` bytes may still be moved in that direction. */
static size_t allowance(const struct cut *self, bool is_sending, size_t count) {
    bool is_limited =
        self->is_armed && !self->has_been_cut && self->is_sending == is_sending;
    size_t left = self->allowed - self->moved;
    return is_limited && left < count ? left : count;
}

static void note(struct cut *self, bool is_sending, size_t moved) {
    if (self->is_armed && self->is_sending == is_sending) {
        self->moved += moved;
    }
}

static weir_status cut_receive(void *context, char *data, size_t room, size_t *moved,
                               weir_error *error) {
    struct cut *self = context;
    size_t most = allowance(self, false, room);
    if (most == 0) {
        self->has_been_cut = true;
        return WEIR_ERR_CLOSED;
    }
    weir_status st = self->below.receive(self->below.context, data, most, moved, error);
    note(self, false, st == WEIR_OK ? *moved : 0);
    return st;
}

static weir_status cut_send(void *context, const weir_view *parts, size_t count,
                            size_t *moved, weir_error *error) {
    struct cut *self = context;
    size_t first = 0;
    while (first + 1 < count && parts[first].len == 0) {
        first++;
    }
    size_t most = allowance(self, true, parts[first].len);
    if (most == 0) {
        self->has_been_cut = true;
        return WEIR_ERR_IO;
    }
    weir_view part = weir_bytes(parts[first].data, most);
    weir_status st = self->below.send(self->below.context, &part, 1, moved, error);
    note(self, true, st == WEIR_OK ? *moved : 0);
    return st;
}

static int cut_fd(const void *context) {
    const struct cut *self = context;
    return self->below.fd(self->below.context);
}

static int64_t cut_deadline_ms(const void *context) {
    const struct cut *self = context;
    return self->below.deadline_ms(self->below.context);
}

static void cut_close(void *context) {
    struct cut *self = context;
    self->below.close(self->below.context);
}

static void arm(void *context, const weir_link_event *event) {
    struct cut *self = context;
    self->is_armed = self->is_armed || event->state == WEIR_LINK_READY;
}

static weir_transport cut_table(struct cut *self, const struct live *live) {
    weir_error error;
    memset(self, 0, sizeof *self);
    self->allowed = SIZE_MAX;
    assert_status(weir_address_parse(&self->address, live->server->url, &error), WEIR_OK);
    weir_socket_init(&self->socket, &self->address);
    self->below = weir_socket_transport(&self->socket);
    return (weir_transport){.context = self,
                            .connect = cut_connect,
                            .receive = cut_receive,
                            .send = cut_send,
                            .fd = cut_fd,
                            .deadline_ms = cut_deadline_ms,
                            .close = cut_close};
}

/* ---- the stage ---- */

static void read_as(weir_client *client, const char *name, uint64_t count) {
    weir_source fresh = weir_source_new(KEY);
    weir_read_options some = {.count = count};
    weir_entries page;
    assert_ok(client,
              weir_xreadgroup(client, GROUP, weir_text(name), &fresh, 1, &some, &page));
    weir_entries_close(&page);
}

/* 1 to 3: of one who died; 4 and 5: of an earlier run of ours; 2 and 5 were deleted since;
 * 6 to 8 are new. */
static void set_stage(weir_client *client) {
    weir_source all = weir_source_after(KEY, WEIR_ID_MIN);
    const weir_id dead[] = {{1, 0}, {2, 0}, {3, 0}};
    const weir_id gone[] = {{2, 0}, {5, 0}};
    const weir_xclaim_options long_ago = {.idle_ms = 3600000, .ids_only = true};
    weir_entries page;
    assert_ok(client, live_say(client, "DEL", "s", "letters"));
    live_fill(client, "s", LAST, 3);
    assert_ok(client, weir_xgroup_create(client, all, GROUP, NULL, NULL));
    read_as(client, "dead", 3);
    read_as(client, "me", 2);
    assert_ok(client, weir_xclaim(client, KEY, GROUP, weir_text("dead"), 0, dead, 3,
                                  &long_ago, &page));
    weir_entries_close(&page);
    assert_ok(client, weir_xdel(client, KEY, gone, 2, NULL));
}

/* What was seen of each entry. */
struct journal {
    int handled[LAST + 1];
    bool was_released;
    bool was_extended;
};

static void settle(weir_consumer *consumer, struct journal *journal,
                   const weir_delivery *task) {
    uint64_t ms = task->entry.id.ms;
    if (ms == LONG_OF && !journal->was_extended) {
        journal->was_extended = true;
        assert_in_range(weir_consumer_extend(consumer, 50, task), WEIR_OK, WEIR_MORE);
    }
    if (ms == BACK_OF && !journal->was_released) {
        journal->was_released = true;
        assert_status(weir_consumer_release(consumer, task), WEIR_OK);
    } else if (ms == LETTER_OF) {
        assert_status(weir_consumer_reject(consumer, task, "no"), WEIR_OK);
    } else {
        assert_status(weir_consumer_done(consumer, task), WEIR_OK);
    }
}

static void handle(struct journal *journal, const weir_delivery *task) {
    uint64_t ms = task->entry.id.ms;
    assert_true(ms >= 1 && ms <= LAST && ms != 2 && ms != 5);
    assert_int_equal(task->entry.field_count, 1);
    assert_view(task->entry.fields[0].value, "vvv");
    if (journal->handled[ms]++ > 0) {
        assert_true(task->entry.deliveries > 0); /* it was said that this may be again */
    }
}

static bool is_pending(weir_client *client) {
    weir_pending summary;
    assert_ok(client, weir_xpending(client, KEY, GROUP, &summary));
    weir_pending_close(&summary);
    return summary.count > 0;
}

static void check_letters(weir_client *client) {
    weir_entries page;
    weir_entry letter;
    weir_view id;
    int count = 0;
    assert_ok(client, weir_xrange(client, DEAD, WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    while (weir_entries_next(&page, &letter) == WEIR_OK) {
        assert_status(weir_entry_get(&letter, "dead-id", &id), WEIR_OK);
        assert_view(id, "7-0");
        count++;
    }
    assert_in_range(count, 1, 2);
}

static void work(struct live *live, weir_consumer *consumer, struct journal *journal) {
    int64_t until_ms = live_now_ms() + PLENTY_MS;
    bool is_over = false;
    while (!is_over) {
        weir_delivery task;
        weir_status st = weir_consumer_next(consumer, 2, &task);
        assert_true(live_now_ms() < until_ms);
        if (st == WEIR_OK) {
            handle(journal, &task);
            settle(consumer, journal, &task);
            continue;
        }
        assert_status(st, WEIR_MORE);
        is_over = journal->handled[BACK_OF] > 1 && journal->handled[1] > 0 &&
                  journal->handled[3] > 0 && !is_pending(live->client);
    }
}

/* One run; gives the bytes that were moved. */
static size_t run(struct live *live, bool is_reading, bool is_sending, size_t allowed) {
    static struct cut cut; /* large */
    static struct cut whole;
    weir_transport tables[] = {cut_table(&cut, live), cut_table(&whole, live)};
    weir_options first = {.protocol = live->protocol};
    first.reconnect = (weir_reconnect){.floor_ms = 1, .ceiling_ms = 2};
    weir_options second = first;
    weir_options *chosen = is_reading ? &first : &second;
    first.transport = second.transport = &tables[1];
    chosen->transport = &tables[0];
    chosen->reconnect.on_change = arm;
    chosen->reconnect.context = &cut;
    cut.allowed = allowed;
    cut.is_sending = is_sending;
    weir_consumer_options options = {.streams = &KEY,
                                     .stream_count = 1,
                                     .group = GROUP,
                                     .name = weir_text("me"),
                                     .start = WEIR_START_BEGINNING,
                                     .count = 3,
                                     .claim_interval_ms = 1,
                                     .dead_letters = DEAD,
                                     .second = &second,
                                     .non_blocking = true};
    struct journal journal = {.was_released = false};
    weir_consumer *consumer;
    set_stage(live->client);
    assert_status(weir_consumer_open("redis://of-the-test", &first, &options, &consumer),
                  WEIR_OK);
    work(live, consumer, &journal);
    assert_true(allowed == SIZE_MAX || cut.has_been_cut || cut.moved <= allowed);
    assert_status(weir_consumer_close(consumer, PLENTY_MS), WEIR_OK);
    assert_false(is_pending(live->client));
    for (int ms = 1; ms <= LAST; ms++) {
        assert_true(journal.handled[ms] > 0 || ms == 2 || ms == 5);
    }
    check_letters(live->client);
    return cut.moved;
}

static void cut_everywhere(struct live *live, bool is_reading, bool is_sending) {
    size_t bytes = run(live, is_reading, is_sending, SIZE_MAX);
    int64_t began_ms = live_now_ms();
    assert_true(bytes > 100);
    size_t step = getenv("WEIR_EVERY_BYTE") != NULL ? 1 : STEP;
    int runs = 0;
    for (size_t allowed = (size_t)began_ms % step; allowed < bytes; allowed += step) {
        (void)run(live, is_reading, is_sending, allowed);
        runs++;
    }
    print_message("cut at %d of %zu bytes, in %d ms\n", runs, bytes,
                  (int)(live_now_ms() - began_ms));
}

static void answers_to_its_reads_are_cut(void **state) {
    cut_everywhere(*state, true, false);
}

static void answers_to_its_verdicts_and_claims_are_cut(void **state) {
    cut_everywhere(*state, false, false);
}

static void its_reads_are_cut(void **state) { cut_everywhere(*state, true, true); }

static void its_verdicts_and_claims_are_cut(void **state) {
    cut_everywhere(*state, false, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(answers_to_its_reads_are_cut),
        LIVE_ON_BOTH(answers_to_its_verdicts_and_claims_are_cut),
        LIVE_ON_BOTH(its_reads_are_cut),
        LIVE_ON_BOTH(its_verdicts_and_claims_are_cut),
    };
    return live_run("live_consumer_lost", tests);
}
