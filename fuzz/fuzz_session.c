/* A client and its session against a peer that the fuzzer plays: whatever the bytes, cuts,
 * times, failing allocations and order of calls, each request has one outcome, its own;
 * what is in hand stays as it is; a failure stays; memory keeps to its ceilings.
 *
 * The input is a wire, then a script, then its length and the settings. An honest peer
 * answers each request with the number that the request carries, and the script chooses
 * only how; any other says the wire.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"
#include <stdio.h>

world the_world;

/* ---- iterators and replies ---- */

static void check_entry(handle *hand) {
    const weir_entry *entry = &hand->entry;
    const asked *request = &the_world.asked[hand->number];
    world_check_own(entry->id.ms == hand->number && entry->id.seq > hand->last);
    world_check_own(hand->has_skipped || entry->id.seq == hand->last + 1);
    world_check_own(
        entry->state != WEIR_ENTRY_WHOLE ||
        (entry->field_count == 2 && entry->fields[0].value.len == request->value_len));
    hand->last = entry->id.seq;
}

static void check_end(const handle *hand) {
    const asked *request = &the_world.asked[hand->number];
    uint64_t entries = request->entries;
    if (request->kind == KIND_AUTOCLAIM) {
        entries += world_has_shape(request, SHAPE_PAIRS);
    } else if (world_has_shape(request, SHAPE_NULL)) {
        entries = 0;
    }
    world_check_own(hand->has_skipped || hand->last == entries);
}

static void do_next(handle *hand) {
    hand->has_entry = false;
    size_t before = weir_unanswered(the_world.client);
    bool was_open = weir_entries_is_open(&hand->entries);
    weir_status st = weir_entries_next(&hand->entries, &hand->entry);
    world_trace("next", hand->number, st);
    world_check_status(st);
    fuzz_check(weir_unanswered(the_world.client) == before, "an iterator takes no answer");
    if (st == WEIR_OK) {
        hand->has_entry = true;
        hand->sum = world_sum_of(&hand->entry);
        if (the_world.is_honest) {
            check_entry(hand);
        }
    } else if (st == WEIR_END && was_open && the_world.is_honest && hand->number != 0) {
        check_end(hand);
    } else if (st < 0) {
        hand->has_skipped = true;
    }
    fuzz_check(st == WEIR_OK || st == WEIR_MORE || st == WEIR_ERR_LIMIT ||
                   !weir_entries_is_open(&hand->entries),
               "an iterator that ends is closed");
    if (!weir_entries_is_open(&hand->entries) && st != WEIR_OK) {
        hand->number = 0;
    }
}

static void do_close(handle *hand) {
    hand->has_entry = false;
    hand->number = 0;
    weir_entries_close(&hand->entries);
    fuzz_check(!weir_entries_is_open(&hand->entries), "what is closed is not open");
}

static void do_reply(size_t how) {
    world_drop_token();
    if (how == 0) {
        weir_reply_close(&the_world.reply);
        return;
    }
    weir_token token;
    weir_status st = weir_reply_next(&the_world.reply, &token);
    world_trace("token", 0, st);
    world_check_status(st);
    if (st == WEIR_OK) {
        the_world.reply_bytes = token.bytes;
        the_world.reply_sum = world_add_to_sum(1, token.bytes);
    }
}

/* ---- the script ---- */

static void do_step(void) {
    weir_status st = weir_step(the_world.client);
    world_trace("step", 0, st);
    world_check_status(st);
    fuzz_check(st == WEIR_OK || st < 0, "a step goes as far as it goes");
    int wants = weir_client_wants(the_world.client);
    fuzz_check(the_world.failure == WEIR_OK ? wants >= 0 : wants == 0,
               "the lost wants nothing");
    (void)weir_client_deadline_ms(the_world.client);
}

static void do_flush(void) {
    weir_status failure = the_world.failure;
    weir_status st = weir_flush(the_world.client);
    world_trace("flush", 0, st);
    world_check_status(st);
    fuzz_check(failure == WEIR_OK || st == failure, "a failure stays");
}

/* Also where it was ended for good: it goes on. */
static void do_reconnect(void) {
    if (the_world.is_lasting) {
        the_world.failure = WEIR_OK;
        weir_status st = weir_client_reconnect(the_world.client);
        world_trace("anew", 0, st);
        world_check_status(st);
    }
}

static void do_fault(unsigned which) {
    size_t more = which >= 8 && which <= 11 ? fuzz_choice(&the_world.script) : 0;
    switch (which) {
    case 8: the_peer.refusals = more % 16; break;
    case 9: the_peer.says_most = the_peer.out_at + more + 1; break;
    case 10: the_peer.takes_most = the_peer.taken + more + 1; break;
    case 11:
        the_peer.is_stuck = true;
        the_peer.hang_up_ms = the_peer.now_ms + (int64_t)more * 100;
        break;
    case 12: do_reconnect(); break;
    case 13: weir_client_cancel(the_world.client); break;
    case 14: the_peer.fault = PEER_HANGS_UP; break;
    case 15: the_peer.fault = PEER_FAILS; break;
    default: break;
    }
}

/* The entry in hand may stay there while the iterator's variable is used for another. */
static void do_op(uint8_t op) {
    switch (op % 16) {
    case 0:
    case 1:
    case 2: world_append(); break;
    case 3:
    case 4: world_take(); break;
    case 5:
    case 6: world_call(); break;
    case 7:
    case 8:
    case 9: do_next(world_choose_hand()); break;
    case 10: do_close(world_choose_hand()); break;
    case 11: do_reply(op / 16 % 4); break;
    case 12: do_step(); break;
    case 13: do_flush(); break;
    case 14:
        the_peer.now_ms += (int64_t)fuzz_choice(&the_world.script) * (1 << op / 16);
        break;
    default: do_fault(op / 16);
    }
    world_check_hands();
}

#define MOST_OPS 400

static void run_script(void) {
    for (int i = 0; i < MOST_OPS && the_world.script.len > 0; i++) {
        do_op(fuzz_choice(&the_world.script));
    }
}

/* What an input without choices does: one request of each kind, and each answer to its end.
 */
static void run_plain(void) {
    for (kind each = KIND_ID; each < KINDS; each++) {
        size_t number = ++the_world.asked_count;
        the_world.asked[number].kind = each;
        if (world_ask(number, &the_world.asked[number]) == WEIR_OK) {
            the_world.order[the_world.order_end++] = number;
        }
    }
    for (kind each = KIND_ID; each < KINDS && the_world.failure == WEIR_OK; each++) {
        handle *hand = &the_world.handles[each % MOST_HANDLES];
        world_take_as(world_due(), each, hand);
        while (weir_entries_is_open(&hand->entries)) {
            do_next(hand);
            world_check_hands();
        }
        while (the_world.reply_bytes.len > 0 || each == KIND_REPLY) {
            do_reply(1);
            world_check_hands();
            if (the_world.reply_bytes.len == 0) {
                break;
            }
        }
    }
}

/* Every request that is left has an outcome too: its own, or that the connection is lost.
 */
static void take_rest(void) {
    the_peer.says.count = the_peer.takes.count = 0; /* what is left comes whole */
    the_peer.is_stuck = false;
    the_peer.refusals = 0;
    for (size_t rounds = 0; world_due() != 0 && the_world.failure == WEIR_OK; rounds++) {
        if (!the_world.is_blocking) {
            do_step();
        }
        if (the_world.failure == WEIR_OK) {
            size_t number = world_due();
            world_take_as(number, the_world.asked[number].kind, &the_world.handles[0]);
            world_check_hands();
        }
        if (rounds > MOST_ASKED) {
            the_peer.now_ms += 1000; /* the peer owes bytes: time will tell */
        }
        fuzz_check(rounds < 3 * MOST_ASKED, "every request has an outcome in the end");
    }
    fuzz_check(the_world.failure != WEIR_OK || weir_unanswered(the_world.client) == 0,
               "every request has one outcome");
}

/* ---- one input ---- */

static void choose_options(fuzz_input *input, weir_options *options) {
    size_t mode = fuzz_choice(input);
    the_world.is_honest = input->has_choices && (mode & 1) == 0;
    the_world.is_blocking = (mode & 2) == 0;
    options->non_blocking = !the_world.is_blocking;
    options->protocol = (mode & 4) != 0 ? 2 : 0;
    options->limits.receive_bytes =
        (mode & 8) != 0 ? 1024 + 8 * (size_t)fuzz_choice(input) : 0;
    options->limits.send_bytes =
        (mode & 16) != 0 ? 1024 + 8 * (size_t)fuzz_choice(input) : 0;
    options->limits.unanswered = (mode & 32) != 0 ? 1 + fuzz_choice_below(input, 8) : 0;
    the_peer.refusals = (mode & 192) == 192 && fuzz_choice(input) == 1 ? SIZE_MAX : 0;
    the_peer.says = fuzz_choose_pieces(input);
    the_peer.takes = fuzz_choose_pieces(input);
    options->mem.resize = NULL;
    the_world.may_lack_memory = (mode & 64) != 0;
}

/* Ceilings that are not chosen are small ones too: large buffers take much of the time. */
static void set_ceilings(weir_limits *limits) {
    limits->receive_bytes = limits->receive_bytes != 0 ? limits->receive_bytes : 16384;
    limits->send_bytes = limits->send_bytes != 0 ? limits->send_bytes : 4096;
}

/* The handshake as an honest peer would answer it, for one that says the wire: that of a
 * lasting client also asks PING and INFO. */
static const char *handshake_for(const weir_options *options) {
    if (options->protocol == 2) {
        return options->reconnect.is_on ? "+PONG\r\n+OK\r\n+OK\r\n$-1\r\n"
                                        : "+PONG\r\n+OK\r\n+OK\r\n";
    }
    return options->reconnect.is_on ? "%1\r\n+proto\r\n:3\r\n+PONG\r\n+OK\r\n+OK\r\n$-1\r\n"
                                    : "%1\r\n+proto\r\n:3\r\n+OK\r\n+OK\r\n";
}

/* It gives up at last, so that in an event loop too each request has an outcome. */
static void choose_reconnect(size_t how, weir_reconnect *rules) {
    the_world.is_lasting = (how & 48) == 48;
    *rules = (weir_reconnect){.is_on = the_world.is_lasting,
                              .fail_fast = (how & 64) != 0,
                              .is_fencing = (how & 128) != 0,
                              .give_up_ms = 60000,
                              .on_change = world_note_change};
}

static size_t most_memory(const weir_options *options) {
    size_t receive = options->limits.receive_bytes;
    size_t send = options->limits.send_bytes;
    /* without small ceilings, what came decides: twice that, for each that pins a block */
    receive = receive != 0 ? receive : 65536 + 2 * (the_peer.said + the_peer.out_len);
    send = send != 0 ? send : 65536 + (size_t)MOST_ASKED * 4096;
    size_t pins = MOST_HANDLES + 3; /* reply, pending, and what is being received */
    return 65536 + (pins + 1) * (receive + 4096) + 4 * receive + 2 * send;
}

/* A client in one block of memory has four iterators and small shares. */
static weir_status open_in_block(const weir_options *options) {
    size_t size = WEIR_BLOCK_BYTES + 1024 * fuzz_choice_below(&the_world.script, 64);
    size_t aligned = size / 64 * 64;
    char *block = fuzz_room(3, aligned);
    return weir_open_in(block, aligned, "unix:///peer", options, &the_world.client);
}

static void close_all(void) {
    for (size_t i = 0; i < MOST_HANDLES; i++) {
        do_close(&the_world.handles[i]);
    }
    world_drop_token();
    weir_reply_close(&the_world.reply);
    weir_pending_close(&the_world.pending);
}

/* What the input has left behind its settings: a wire, and the script behind it. */
static void split_input(fuzz_input *settings, const weir_options *options,
                        bool is_greeted) {
    size_t most = the_world.is_honest ? SIZE_MAX : fuzz_wide_choice(settings);
    size_t script_len = most < settings->len ? most : settings->len;
    size_t wire_len = settings->len - script_len;
    the_world.script = (fuzz_input){settings->bytes + wire_len, script_len, true};
    if (!the_world.is_honest) {
        the_world.greeting = weir_text(is_greeted ? handshake_for(options) : "");
        the_world.wire = weir_bytes(settings->bytes, wire_len);
    }
}

static void use_client(bool has_script) {
    if (has_script) {
        run_script();
    } else {
        run_plain();
    }
    close_all(); /* so that there are iterators to open, and memory */
    the_world.counts.refuse_at = SIZE_MAX;
    take_rest();
    close_all();
    do_flush();
    weir_close(the_world.client);
}

int fuzz_one(const uint8_t *data, size_t len) {
    weir_options options = {0};
    fuzz_mem *counts = &the_world.counts;
    fuzz_input settings = fuzz_open(data, len);
    peer_reset();
    memset(&the_world, 0, sizeof the_world);
    counts->refuse_at = SIZE_MAX;
    world_drop_token();
    choose_options(&settings, &options);
    the_peer.is_honest = the_world.is_honest;
    the_peer.answer = world_answer;
    the_peer.begin = world_begin;
    size_t how = fuzz_choice(&settings);
    if ((how & 8) == 0) {
        set_ceilings(&options.limits);
    }
    choose_reconnect(how, &options.reconnect);
    bool is_in_block = (how & 1) != 0;
    if (the_world.may_lack_memory) {
        counts->refuse_at = fuzz_choice(&settings);
        counts->refuses_on = (how & 2) != 0;
    }
    split_input(&settings, &options, (how & 4) == 0);
    options.mem = fuzz_mem_of(counts);
    the_world.may_lack_memory = the_world.may_lack_memory || is_in_block;
    weir_status st = is_in_block ? open_in_block(&options)
                                 : weir_open("redis://peer", &options, &the_world.client);
    fuzz_check(the_world.client != NULL || st == WEIR_ERR_NOMEM, "open gives a client");
    if (the_world.client != NULL) {
        if (!the_world.is_lasting) { /* that of the first try, of which there may be more */
            world_check_status(st);
        }
        use_client(settings.has_choices);
    }
    fuzz_check(counts->live == 0, "nothing is leaked");
    fuzz_check(counts->peak <= most_memory(&options), "memory keeps to its ceilings");
    return 0;
}
