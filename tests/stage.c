/* A client before a peer that is played.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>

#define ONE_MORE (STAGE_REQUESTS + 1)

stage *the_stage;

/* ---- the peer's part ---- */

static void say_hello(void) {
    const stage *self = the_stage;
    bool is_first = the_peer.connections == 1 || self->later_version == NULL;
    peer_say_text("%4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n");
    peer_say_bulk(weir_text(is_first ? self->version : self->later_version));
    peer_say_text("$5\r\nproto\r\n:3\r\n$2\r\nid\r\n");
    peer_say_number(':', (int64_t)the_peer.connections);
}

static void say_id(size_t number, size_t seq) {
    char id[32];
    (void)snprintf(id, sizeof id, "%zu-%zu", number, seq);
    peer_say_bulk(weir_text(id));
}

static void say_entry(size_t number, size_t seq) {
    peer_say_text("*2\r\n");
    say_id(number, seq);
    peer_say_text("*2\r\n$1\r\nf\r\n$5\r\nvalue\r\n");
}

static bool is_named(const weir_view *args, const char *name) {
    return weir_view_equal(args[0], weir_text(name));
}

static void say_answer(const weir_view *args, size_t number) {
    if (is_named(args, "XADD")) {
        say_id(number, 7);
    } else if (is_named(args, "XRANGE")) {
        peer_say_text("*3\r\n");
        for (size_t seq = 1; seq <= 3; seq++) {
            say_entry(number, seq);
        }
    } else if (is_named(args, "GET")) {
        peer_say_text("*2\r\n");
        peer_say_number(':', (int64_t)number);
        say_id(number, 7);
    } else {
        peer_say_number(':', (int64_t)number);
    }
}

/* The key of request N is "kN"; the handshake has none. */
static size_t number_of(const weir_view *args, size_t count) {
    bool has_key = count > 1 && args[1].len == 2 && args[1].data[0] == 'k';
    return has_key ? (size_t)(args[1].data[1] - '0') : 0;
}

static void say_well(const weir_view *args, size_t count) {
    stage *self = the_stage;
    size_t number = number_of(args, count);
    peer_say_text(self->aside != NULL ? self->aside : "");
    if (number != 0) {
        self->seen[number]++;
        say_answer(args, number);
    } else if (is_named(args, "HELLO") && self->lacks_hello) {
        peer_say_text("-ERR unknown command 'HELLO'\r\n");
    } else if (is_named(args, "HELLO")) {
        say_hello();
    } else {
        peer_say_text("+OK\r\n");
    }
}

/* What was just said, from `from` on, is said otherwise. */
static void spoil(const stage_fault *fault, size_t from) {
    static char held[4096];
    the_peer.now_ms += fault->jump_ms;
    if (fault->instead == NULL && fault->behind == NULL) {
        assert_true(the_peer.out_len - from <= sizeof held);
        the_stage->held = weir_bytes(held, the_peer.out_len - from);
        memcpy(held, the_peer.out + from, the_stage->held.len);
    }
    if (fault->behind == NULL) {
        the_peer.out_len = from;
        peer_say_text(fault->instead != NULL ? fault->instead : "");
    } else {
        peer_say_text(fault->behind);
    }
}

static bool is_faulty(const stage *self) {
    return the_peer.connections == (self->fault.on != 0 ? self->fault.on : 1);
}

static void answer(const weir_view *args, size_t count) {
    stage *self = the_stage;
    size_t from = the_peer.out_len;
    self->answers++;
    say_well(args, count);
    if (is_faulty(self) && self->answers == self->fault.spoiled) {
        spoil(&self->fault, from);
    } else {
        peer_say(self->held);
        self->held = weir_bytes(NULL, 0);
    }
}

static void begin(void) {
    stage *self = the_stage;
    const stage_fault *fault = &self->fault;
    self->answers = 0;
    self->held = weir_bytes(NULL, 0);
    the_peer.says = the_peer.takes = fault->manner;
    if (is_faulty(self)) {
        the_peer.says_most = fault->says_most;
        the_peer.takes_most = fault->takes_most;
        the_peer.sticks = fault->sticks;
    }
}

/* ---- the client's part ---- */

void stage_open(stage *self) {
    the_stage = self;
    peer_reset();
    the_peer.answer = answer;
    the_peer.begin = begin;
    the_peer.now_ms = STAGE_BEGAN_MS;
    self->version = self->version != NULL ? self->version : "7.0.15";
    self->counts.refuse_at = self->refuse_at != 0 ? self->refuse_at - 1 : SIZE_MAX;
    self->counts.refuses_on = self->refuses_on;
    self->options.mem = fuzz_mem_of(&self->counts);
    self->opened = weir_open("redis://peer", &self->options, &self->client);
    assert_true(self->client != NULL || self->opened == WEIR_ERR_NOMEM);
}

void stage_turn(stage *self) {
    int os_error = 0;
    weir_client *client = self->client;
    (void)weir_wait_or_wake(weir_client_fd(client), weir_client_wants(client),
                            &client->cancel, weir_client_deadline_ms(client), &os_error);
    (void)weir_step(client);
}

static weir_view key_of(size_t number) {
    static char key[3];
    (void)snprintf(key, sizeof key, "k%zu", number % 10);
    return weir_text(key);
}

static weir_status append(weir_client *client, size_t number) {
    weir_view key = key_of(number);
    weir_view get[] = {WIRE("GET"), key};
    weir_field field = weir_pair("f", "v");
    weir_id id = {number, 7};
    switch (number) {
    case 1:
    case 5: return weir_append_xadd(client, key, &field, 1, NULL);
    case 3: return weir_append_xrange(client, key, WEIR_ID_MIN, WEIR_ID_MAX, NULL);
    case 4: return weir_append_xack(client, key, WIRE("g"), &id, 1);
    case 6: return weir_append_command(client, get, 2);
    default: return weir_append_xlen(client, key);
    }
}

weir_status stage_append(stage *self, size_t number) {
    size_t before = weir_unanswered(self->client);
    weir_status st = append(self->client, number);
    while (st == WEIR_MORE) {
        stage_turn(self);
        st = append(self->client, number);
    }
    assert_int_equal(weir_unanswered(self->client), before + (st == WEIR_OK));
    return st;
}

/* One try; an answer must be that of the request. */
static weir_status take_entries(weir_client *client, size_t number) {
    weir_entries page;
    weir_entry entry;
    weir_status st = weir_take_entries(client, &page);
    for (uint64_t seq = 1; st == WEIR_OK; seq++) {
        while ((st = weir_entries_next(&page, &entry)) == WEIR_MORE) {
            stage_turn(the_stage);
        }
        if (st == WEIR_OK) {
            assert_int_equal(entry.id.ms, number);
            assert_int_equal(entry.id.seq, seq);
            assert_view(entry.fields[0].value, "value");
        } else if (st == WEIR_END) {
            assert_int_equal(seq, 4);
            return WEIR_OK;
        }
    }
    weir_entries_close(&page);
    return st;
}

static weir_status take_reply(weir_client *client, size_t number) {
    weir_reply reply;
    weir_token token;
    weir_status st = weir_take_reply(client, &reply);
    if (st == WEIR_OK) {
        assert_status(weir_reply_next(&reply, &token), WEIR_OK);
        assert_status(weir_reply_next(&reply, &token), WEIR_OK);
        assert_int_equal(token.number, number);
        weir_reply_close(&reply);
    }
    return st;
}

static weir_status take(weir_client *client, size_t number) {
    uint64_t count = number;
    weir_id id = {number, 7};
    weir_status st = WEIR_OK;
    switch (number) {
    case 1:
    case 5: st = weir_take_id(client, &id); break;
    case 3: return take_entries(client, number);
    case 6: return take_reply(client, number);
    default: st = weir_take_count(client, &count);
    }
    assert_true(count == number && id.ms == number && id.seq == 7);
    return st;
}

static stage_end end_of(weir_status st, bool may_have_run) {
    if (st == WEIR_OK) {
        return STAGE_ANSWERED;
    }
    if (st == WEIR_ERR_NOMEM) {
        return STAGE_NO_MEMORY;
    }
    if (st == WEIR_ERR_REPLY) {
        return STAGE_OTHER_ANSWER;
    }
    assert_true(st == WEIR_ERR_DOWN || st == WEIR_ERR_LOST || weir_status_is_fatal(st));
    return may_have_run ? STAGE_UNKNOWN : STAGE_NEVER_RUN;
}

void stage_take(stage *self, size_t number) {
    size_t before = weir_unanswered(self->client);
    weir_status st = take(self->client, number);
    for (;;) {
        bool is_still_due = st == WEIR_ERR_NOMEM && weir_unanswered(self->client) == before;
        if (st != WEIR_MORE && !is_still_due) {
            break;
        }
        if (is_still_due) { /* there is memory again */
            self->counts.refuse_at = SIZE_MAX;
            self->counts.refuses_on = false;
        } else {
            stage_turn(self);
        }
        st = take(self->client, number);
    }
    const weir_error *error = weir_client_error(self->client);
    if (st != WEIR_OK) {
        assert_int_equal(error->status, st);
        assert_true(error->text[0] != '\0');
        self->last = *error;
    }
    self->ends[number] = end_of(st, error->may_have_run);
}

void stage_ask_and_take(stage *self) {
    bool is_asked[STAGE_REQUESTS + 1] = {false};
    for (size_t i = 1; i <= STAGE_REQUESTS; i++) {
        is_asked[i] = stage_append(self, i) == WEIR_OK;
        if (self->is_in_turn && is_asked[i]) {
            stage_take(self, i);
        }
    }
    for (size_t i = 1; i <= STAGE_REQUESTS; i++) {
        if (!self->is_in_turn && is_asked[i]) {
            stage_take(self, i);
        }
    }
    bool is_over = !self->options.reconnect.is_on && !weir_client_is_ready(self->client);
    assert_true(is_over || weir_unanswered(self->client) == 0);
}

void stage_check(const stage *self) {
    for (size_t i = 1; i <= STAGE_REQUESTS; i++) {
        unsigned seen = self->seen[i];
        assert_true(seen <= 1);
        switch (self->ends[i]) {
        case STAGE_NOT_ASKED:
        case STAGE_NEVER_RUN: assert_int_equal(seen, 0); break;
        case STAGE_ANSWERED:
        case STAGE_OTHER_ANSWER:
        case STAGE_NO_MEMORY: assert_int_equal(seen, 1); break;
        case STAGE_UNKNOWN: break;
        }
    }
}

void stage_expect_good(stage *self, int tries) {
    uint64_t count = 0;
    weir_status st = WEIR_ERR_DOWN;
    while (st != WEIR_OK && tries-- > 0) {
        st = stage_append(self, ONE_MORE);
        while (st == WEIR_OK && (st = weir_take_count(self->client, &count)) == WEIR_MORE) {
            stage_turn(self);
            st = WEIR_OK;
        }
    }
    assert_status(st, WEIR_OK);
    assert_int_equal(count, ONE_MORE);
}

void stage_close(stage *self) {
    weir_close(self->client);
    assert_int_equal(self->counts.live, 0);
}
