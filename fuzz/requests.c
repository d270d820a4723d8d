/* Requests of all kinds: appended and taken, or made and waited for.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "world.h"

/* ---- requests ---- */

static weir_view key_of(size_t number) {
    static char key[32];
    (void)snprintf(key, sizeof key, "k%zu", number);
    return weir_text(key);
}

static size_t choose_request(void) {
    if (the_world.asked_count == MOST_ASKED) {
        return 0;
    }
    size_t number = ++the_world.asked_count;
    asked *request = &the_world.asked[number];
    request->kind = (kind)fuzz_choice_below(&the_world.script, KINDS);
    request->shape = fuzz_choice(&the_world.script);
    size_t size = fuzz_choice(&the_world.script);
    request->entries = (uint8_t)(size % 8);
    request->value_len = size < 224 ? size : 100 * (size - 220);
    return number;
}

static const weir_id from_start = {0, 0};

/* Appends a request of that kind. */
weir_status world_ask(size_t number, const asked *request) {
    weir_client *client = the_world.client;
    weir_view key = key_of(number);
    weir_view group = weir_text("g");
    weir_field field = {weir_text("f"), weir_bytes(the_peer.out, request->value_len)};
    weir_source source = weir_source_after(key, from_start);
    weir_id id = {number, 0};
    const weir_view args[] = {weir_text("GET"), key};
    bool is_odd = request->entries % 2 != 0;
    switch (request->kind) {
    case KIND_ID: return weir_append_xadd(client, key, &field, 1, NULL);
    case KIND_COUNT:
        return is_odd ? weir_append_xlen(client, key)
                      : weir_append_xack(client, key, group, &id, 1);
    case KIND_IS_NEW: return weir_append_xgroup_create(client, source, group, NULL);
    case KIND_RANGE:
        return is_odd ? weir_append_xrange(client, key, id, id, NULL)
                      : weir_append_xclaim(client, key, group, group, 1, &id, 1, NULL);
    case KIND_STREAMS: return weir_append_xread(client, &source, 1, NULL);
    case KIND_AUTOCLAIM:
        return weir_append_xautoclaim(client, key, group, group, 1, id, NULL);
    case KIND_PENDING: return weir_append_xpending(client, key, group);
    case KIND_REPLY: return weir_append_command(client, args, 2);
    case KINDS: break;
    }
    return WEIR_OK;
}

void world_append(void) {
    size_t number = choose_request();
    if (number == 0) {
        return;
    }
    size_t before = weir_unanswered(the_world.client);
    weir_status st = world_ask(number, &the_world.asked[number]);
    world_trace("append", number, st);
    world_check_status(st);
    size_t after = weir_unanswered(the_world.client);
    fuzz_check(after == before + (st == WEIR_OK), "an append asks or does nothing");
    if (st == WEIR_OK) {
        the_world.order[the_world.order_end++] = number;
    }
}

/* ---- takes ---- */

/* Takes the next answer as that of a request of this kind. */
static weir_status take(size_t number, kind as, handle *hand) {
    weir_client *client = the_world.client;
    uint64_t count = number;
    bool is_new = false;
    weir_id id = {number, 7};
    weir_status st = WEIR_OK;
    switch (as) {
    case KIND_ID: st = weir_take_id(client, &id); break;
    case KIND_COUNT: st = weir_take_count(client, &count); break;
    case KIND_IS_NEW: st = weir_take_is_new(client, &is_new); break;
    case KIND_RANGE:
    case KIND_STREAMS:
        st = weir_take_entries(client, &hand->entries);
        world_open_hand(hand, number, st);
        break;
    case KIND_AUTOCLAIM:
        st = weir_take_autoclaim(client, &id, &hand->entries);
        world_open_hand(hand, number, st);
        break;
    case KIND_PENDING:
        weir_pending_close(&the_world.pending);
        st = weir_take_pending(client, &the_world.pending);
        world_check_pending(number, st);
        break;
    case KIND_REPLY:
        world_drop_token();
        st = weir_take_reply(client, &the_world.reply);
        break;
    case KINDS: st = weir_take_any(client); break;
    }
    world_check_own(st != WEIR_OK || (count == number && id.ms == number));
    return st;
}

/* What is due, or nothing is. */
size_t world_due(void) {
    return the_world.order_first < the_world.order_end
               ? the_world.order[the_world.order_first]
               : 0;
}

/* A take gives the outcome of the request that is due, or none. */
static void check_take(size_t number, kind as, weir_status st, size_t before) {
    size_t after = weir_unanswered(the_world.client);
    fuzz_check(after == before || after + 1 == before, "a take takes one answer at most");
    bool is_taken = after < before;
    if (is_taken) {
        fuzz_check(number != 0, "nothing is taken where nothing is due");
        the_world.order_first++;
        world_check_end(number, st);
    }
    bool is_kind = number != 0 &&
                   (as == KINDS || as == the_world.asked[number].kind ||
                    (as == KIND_RANGE && the_world.asked[number].kind == KIND_STREAMS) ||
                    (as == KIND_STREAMS && the_world.asked[number].kind == KIND_RANGE));
    fuzz_check(is_kind || (!is_taken && world_is_refusal(st)),
               "a take that does not fit does nothing");
    fuzz_check(!(world_is_outcome(st) || world_is_loss(st)) || is_taken,
               "what was given is taken");
    fuzz_check(st != WEIR_MORE || !is_taken, "what has not come is not taken");
}

handle *world_choose_hand(void) {
    return &the_world.handles[fuzz_choice_below(&the_world.script, MOST_HANDLES)];
}

void world_take_as(size_t number, kind as, handle *hand) {
    size_t before = weir_unanswered(the_world.client);
    weir_status st = take(number, as, hand);
    world_trace("take", number, st);
    world_check_status(st);
    check_take(number, as, st, before);
}

void world_take(void) {
    size_t number = world_due();
    size_t how = fuzz_choice_below(&the_world.script, 16);
    kind fits = number != 0 ? the_world.asked[number].kind : KIND_ID;
    kind as = how < KINDS && how > 0 ? (kind)how : how == 15 ? KINDS : fits;
    world_take_as(number, as, world_choose_hand());
}

/* ---- calls that wait for their own answer ---- */

static weir_status call(size_t number, const asked *request, handle *hand) {
    weir_client *client = the_world.client;
    weir_view key = key_of(number);
    weir_view group = weir_text("g");
    weir_field field = {weir_text("f"), weir_bytes(the_peer.out, request->value_len)};
    weir_source source = weir_source_after(key, from_start);
    weir_read_options blocking = {.block_ms = request->entries};
    const weir_view args[] = {weir_text("GET"), key};
    uint64_t count = number;
    bool is_new = false;
    weir_id id = {number, 7};
    weir_status st = WEIR_OK;
    switch (request->kind) {
    case KIND_ID: st = weir_xadd(client, key, &field, 1, NULL, &id); break;
    case KIND_COUNT: st = weir_xdel(client, key, &id, 1, &count); break;
    case KIND_IS_NEW: st = weir_xgroup_create(client, source, group, NULL, &is_new); break;
    case KIND_RANGE:
        st = weir_xrevrange(client, key, id, id, NULL, &hand->entries);
        world_open_hand(hand, number, st);
        break;
    case KIND_STREAMS:
        st = weir_xreadgroup(client, group, group, &source, 1, &blocking, &hand->entries);
        world_open_hand(hand, number, st);
        break;
    case KIND_AUTOCLAIM:
        st = weir_xautoclaim(client, key, group, group, 1, from_start, NULL, &id,
                             &hand->entries);
        world_open_hand(hand, number, st);
        break;
    case KIND_PENDING:
        weir_pending_close(&the_world.pending);
        st = weir_xpending(client, key, group, &the_world.pending);
        world_check_pending(number, st);
        break;
    case KIND_REPLY:
        world_drop_token();
        st = weir_command(client, args, 2, &the_world.reply);
        break;
    case KINDS: break;
    }
    world_check_own(st != WEIR_OK || (count == number && id.ms == number));
    return st;
}

void world_call(void) {
    size_t number = choose_request();
    handle *hand = world_choose_hand();
    if (number == 0) {
        return;
    }
    size_t before = weir_unanswered(the_world.client);
    weir_status failure = the_world.failure;
    weir_status st = call(number, &the_world.asked[number], hand);
    world_trace("call", number, st);
    world_check_status(st);
    fuzz_check(the_world.is_blocking || world_is_refusal(st),
               "what waits is refused in a loop");
    fuzz_check(!the_world.is_blocking || failure == WEIR_OK || st == failure,
               "a call on a lost connection fails as it did");
    fuzz_check(weir_unanswered(the_world.client) == before ||
                   (weir_status_is_fatal(st) && !the_world.is_lasting),
               "a call takes its own answer and no other");
    if (world_is_outcome(st) || world_is_loss(st)) {
        world_check_end(number, st);
    }
}
