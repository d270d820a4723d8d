/* How an honest peer answers: each request by the number that it carries.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

static void say_entry(size_t number, size_t place, const asked *request) {
    static char value[4096];
    char id[64];
    memset(value, 'a' + (int)(number % 26), sizeof value);
    (void)snprintf(id, sizeof id, "%zu-%zu", number, place);
    peer_say_text("*2\r\n");
    peer_say_bulk(weir_text(id));
    if (world_has_shape(request, SHAPE_ODD) && place % 2 == 0) {
        peer_say_text("*-1\r\n");
        return;
    }
    peer_say_text("*4\r\n$1\r\nf\r\n");
    peer_say_bulk(weir_bytes(value, request->value_len));
    peer_say_text("$1\r\ng\r\n");
    peer_say_bulk(weir_text(id));
}

/* Entries from `first` to `last` of an answer. */
static void say_entries(size_t number, size_t first, size_t last, const asked *request) {
    peer_say_number('*', (int64_t)(last + 1 - first));
    for (size_t i = first; i <= last; i++) {
        say_entry(number, i, request);
    }
}

static void say_stream(size_t number, size_t first, size_t last, const asked *request) {
    char key[32];
    (void)snprintf(key, sizeof key, "k%zu", number);
    peer_say_text(world_has_shape(request, SHAPE_PAIRS) ? "*2\r\n" : "");
    peer_say_bulk(weir_text(key));
    say_entries(number, first, last, request);
}

static void say_streams(size_t number, const asked *request) {
    size_t half = request->entries / 2;
    peer_say_text(world_has_shape(request, SHAPE_PAIRS) ? "*2\r\n" : "%2\r\n");
    say_stream(number, 1, half, request);
    say_stream(number, half + 1, request->entries, request);
}

static void say_autoclaim(size_t number, const asked *request) {
    char id[64];
    bool has_purged = world_has_shape(request, SHAPE_PAIRS);
    (void)snprintf(id, sizeof id, "%zu-0", number);
    peer_say_text(has_purged ? "*3\r\n" : "*2\r\n");
    peer_say_bulk(weir_text(id));
    say_entries(number, 1, request->entries, request);
    if (has_purged) {
        (void)snprintf(id, sizeof id, "%zu-%u", number, request->entries + 1U);
        peer_say_text("*1\r\n");
        peer_say_bulk(weir_text(id));
    }
}

static void say_pending(size_t number) {
    char id[64];
    (void)snprintf(id, sizeof id, "%zu-1", number);
    peer_say_text("*4\r\n");
    peer_say_number(':', (int64_t)number);
    peer_say_bulk(weir_text(id));
    peer_say_bulk(weir_text(id));
    peer_say_text("*1\r\n*2\r\n");
    peer_say_bulk(weir_text("consumer"));
    (void)snprintf(id, sizeof id, "%zu", number);
    peer_say_bulk(weir_text(id));
}

static void say_reply(size_t number, const asked *request) {
    peer_say_text("*3\r\n");
    peer_say_number(':', (int64_t)number);
    say_entries(number, 1, request->entries, request);
    peer_say_number(':', (int64_t)number);
}

static void say_error(size_t number) {
    char text[64];
    (void)snprintf(text, sizeof text, "-E%zu no\r\n", number);
    peer_say_text(text);
}

static void say_answer(size_t number, const asked *request) {
    char id[64];
    if (world_has_shape(request, SHAPE_PUSH)) {
        peer_say_text(">2\r\n+invalidate\r\n*1\r\n");
        peer_say_number(':', (int64_t)number);
    }
    if (world_has_shape(request, SHAPE_ATTRIBUTE)) {
        peer_say_text("|1\r\n+k\r\n");
        peer_say_number(':', (int64_t)number);
    }
    if (world_has_shape(request, SHAPE_ERROR)) {
        say_error(number);
        return;
    }
    bool is_null = world_has_shape(request, SHAPE_NULL);
    switch (request->kind) {
    case KIND_ID:
        (void)snprintf(id, sizeof id, "%zu-7", number);
        peer_say_bulk(weir_text(id));
        break;
    case KIND_COUNT: peer_say_number(':', (int64_t)number); break;
    case KIND_IS_NEW: peer_say_text("+OK\r\n"); break;
    case KIND_RANGE:
        if (is_null) {
            peer_say_text("*-1\r\n");
        } else {
            say_entries(number, 1, request->entries, request);
        }
        break;
    case KIND_STREAMS:
        if (is_null) {
            peer_say_text("_\r\n");
        } else {
            say_streams(number, request);
        }
        break;
    case KIND_AUTOCLAIM: say_autoclaim(number, request); break;
    case KIND_PENDING: say_pending(number); break;
    case KIND_REPLY: say_reply(number, request); break;
    case KINDS: break;
    }
}

/* The number that a request's key carries. */
static size_t number_of(const weir_view *args, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (args[i].len > 1 && args[i].data[0] == 'k') {
            return strtoul(args[i].data + 1, NULL, 10); /* CR LF follows */
        }
    }
    return 0;
}

void world_answer(const weir_view *args, size_t count) {
    if (weir_view_equal(args[0], weir_text("HELLO"))) {
        peer_say_text("%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
                      "$2\r\nid\r\n:7\r\n");
        return;
    }
    if (weir_view_equal(args[0], weir_text("INFO"))) {
        peer_say_bulk(weir_text("run_id:0123456789012345678901234567890123456789"));
        return;
    }
    size_t number = number_of(args, count);
    if (number == 0) {
        peer_say_text("+OK\r\n");
        return;
    }
    fuzz_check(number <= the_world.asked_count, "only what was asked is sent");
    fuzz_check(++the_world.seen[number] == 1, "nothing is sent twice");
    say_answer(number, &the_world.asked[number]);
}

void world_begin(void) {
    weir_view wire = the_world.wire;
    if (the_world.is_honest) {
        return;
    }
    if (the_peer.connections > 1) {
        size_t greeting = the_world.greeting.len;
        size_t said = the_peer.said_before > greeting ? the_peer.said_before - greeting : 0;
        wire = weir_bytes(wire.data + said, wire.len - said);
    }
    the_world.wire = wire;
    peer_say(the_world.greeting);
    peer_say(wire);
}
