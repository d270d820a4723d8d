/* A client and its session against a peer that the fuzzer plays: whatever the bytes, cuts,
 * times, failing allocations and order of calls, each request has one outcome, its own;
 * what is in hand stays as it is; a failure stays; memory keeps to its ceilings.
 *
 * The input is a wire, then a script, then its length and the settings. An honest peer
 * answers each request with the number that the request carries, and the script chooses
 * only how; any other says the wire.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "../stream/client_private.h"
#include "peer.h"

/* ---- what is going on ---- */

typedef enum kind {
    KIND_ID,
    KIND_COUNT,
    KIND_IS_NEW,
    KIND_RANGE,
    KIND_STREAMS,
    KIND_AUTOCLAIM,
    KIND_PENDING,
    KIND_REPLY,
    KINDS
} kind;

/* A request, known by its number: its key is "k" and the number. */
typedef struct asked {
    kind kind;
    uint8_t shape;   /* bits of how an honest peer answers, see has_shape */
    uint8_t entries; /* that it gives */
    size_t value_len;
} asked;

enum {
    SHAPE_ERROR = 1,     /* an error */
    SHAPE_PUSH = 2,      /* a push in front */
    SHAPE_ATTRIBUTE = 4, /* an attribute in front */
    SHAPE_PAIRS = 8,     /* streams as an array of pairs */
    SHAPE_NULL = 16,     /* null in place of entries */
    SHAPE_ODD = 32       /* every other entry is a deleted one */
};

#define MOST_ASKED   256
#define MOST_HANDLES 5

/* An iterator and the entry that it gave last. */
typedef struct handle {
    weir_entries entries;
    weir_entry entry;
    bool has_entry;
    uint64_t sum;     /* of the entry's bytes, when it was given */
    size_t number;    /* of the request; 0: none */
    uint64_t last;    /* place of the entry in the answer */
    bool has_skipped; /* some entries were refused */
} handle;

typedef struct world {
    weir_client *client;
    bool is_honest;
    bool is_blocking;
    bool may_lack_memory;
    weir_status failure; /* what ended the connection */
    size_t asked_count;
    asked asked[MOST_ASKED + 1]; /* from 1 */
    size_t order[MOST_ASKED];    /* numbers of the appended that are not taken */
    size_t order_first;
    size_t order_end;
    handle handles[MOST_HANDLES];
    weir_reply reply;
    weir_view reply_bytes; /* of the token in hand */
    uint64_t reply_sum;
    weir_pending pending;
    fuzz_input script;
    fuzz_mem counts;
} world;

static world now;

static bool has_shape(const asked *request, unsigned shape) {
    return (request->shape & shape) != 0;
}

/* ---- the honest peer's answers ---- */

static void say_entry(size_t number, size_t place, const asked *request) {
    static char value[4096];
    char id[64];
    memset(value, 'a' + (int)(number % 26), sizeof value);
    (void)snprintf(id, sizeof id, "%zu-%zu", number, place);
    peer_say_text("*2\r\n");
    peer_say_bulk(weir_text(id));
    if (has_shape(request, SHAPE_ODD) && place % 2 == 0) {
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
    peer_say_text(has_shape(request, SHAPE_PAIRS) ? "*2\r\n" : "");
    peer_say_bulk(weir_text(key));
    say_entries(number, first, last, request);
}

static void say_streams(size_t number, const asked *request) {
    size_t half = request->entries / 2;
    peer_say_text(has_shape(request, SHAPE_PAIRS) ? "*2\r\n" : "%2\r\n");
    say_stream(number, 1, half, request);
    say_stream(number, half + 1, request->entries, request);
}

static void say_autoclaim(size_t number, const asked *request) {
    char id[64];
    bool has_purged = has_shape(request, SHAPE_PAIRS);
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

static void say_error(size_t number, bool is_group) {
    char text[64];
    (void)snprintf(text, sizeof text, "-%s%zu no\r\n", is_group ? "G" : "E", number);
    peer_say_text(text);
}

static void say_answer(size_t number, const asked *request) {
    char id[64];
    if (has_shape(request, SHAPE_PUSH)) {
        peer_say_text(">2\r\n+invalidate\r\n*1\r\n");
        peer_say_number(':', (int64_t)number);
    }
    if (has_shape(request, SHAPE_ATTRIBUTE)) {
        peer_say_text("|1\r\n+k\r\n");
        peer_say_number(':', (int64_t)number);
    }
    if (has_shape(request, SHAPE_ERROR)) {
        say_error(number, false);
        return;
    }
    bool is_null = has_shape(request, SHAPE_NULL);
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

static void answer(const weir_view *args, size_t count) {
    if (weir_view_equal(args[0], weir_text("HELLO"))) {
        peer_say_text("%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
                      "$2\r\nid\r\n:7\r\n");
        return;
    }
    size_t number = number_of(args, count);
    if (number == 0) {
        peer_say_text("+OK\r\n");
        return;
    }
    fuzz_check(number <= now.asked_count, "only what was asked is sent");
    say_answer(number, &now.asked[number]);
}

/* ---- what is in hand ---- */

static uint64_t add_to_sum(uint64_t sum, weir_view bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        sum = (sum ^ (unsigned char)bytes.data[i]) * UINT64_C(1099511628211); /* FNV-1a */
    }
    return sum * 31 + bytes.len;
}

static uint64_t sum_of(const weir_entry *entry) {
    uint64_t sum = add_to_sum(1, entry->stream);
    for (size_t i = 0; i < entry->field_count; i++) {
        sum = add_to_sum(sum, entry->fields[i].name);
        sum = add_to_sum(sum, entry->fields[i].value);
    }
    return sum;
}

static void check_hands(void) {
    for (size_t i = 0; i < MOST_HANDLES; i++) {
        const handle *hand = &now.handles[i];
        fuzz_check(!hand->has_entry || sum_of(&hand->entry) == hand->sum,
                   "an entry in hand stays as it is");
    }
    fuzz_check(add_to_sum(1, now.reply_bytes) == now.reply_sum,
               "a token in hand stays as it is");
}

static void drop_token(void) {
    now.reply_bytes = weir_bytes(NULL, 0);
    now.reply_sum = add_to_sum(1, now.reply_bytes);
}

/* ---- outcomes ---- */

/* With FUZZ_TRACE in the environment: what each call gave. */
static void trace(const char *what, size_t number, weir_status st) {
    static int is_wanted = -1;
    if (is_wanted < 0) {
        is_wanted = getenv("FUZZ_TRACE") != NULL;
    }
    if (is_wanted != 0) {
        const weir_session *session = &now.client->session;
        (void)fprintf(stderr, "%-8s %3zu %-30s %s | in %zu, first %llu, next %llu\n", what,
                      number, weir_status_text(st), st < 0 ? session->error.text : "",
                      weir_buffer_len(&session->in), (unsigned long long)session->first,
                      (unsigned long long)session->next);
    }
}

/* What holds of the status of every call. */
static void check_status(weir_status st) {
    const weir_error *error = weir_client_error(now.client);
    fuzz_check(weir_status_text(st)[0] != 'u' || st == WEIR_OK,
               "a status is one of those that there are");
    fuzz_check(now.failure == WEIR_OK || !weir_status_is_fatal(st) || st == now.failure,
               "a failure stays the same");
    if (weir_status_is_fatal(st)) {
        now.failure = st;
    }
    if (now.client->session.failure != WEIR_OK) {
        now.failure = now.client->session.failure;
    }
    fuzz_check(!now.is_blocking || st != WEIR_MORE, "a blocking call ends");
    fuzz_check(st >= 0 || error->status != WEIR_OK, "a failed call leaves an error");
    fuzz_check(strnlen(error->text, sizeof error->text) < sizeof error->text &&
                   strnlen(error->code, sizeof error->code) < sizeof error->code,
               "an error's texts end");
    fuzz_check(st != WEIR_ERR_NOMEM || now.may_lack_memory,
               "memory lacks if it is refused");
    fuzz_check(!now.is_honest || (st != WEIR_ERR_PROTOCOL && st != WEIR_ERR_REPLY &&
                                  st != WEIR_ERR_REFUSED && st != WEIR_ERR_UNSUPPORTED),
               "an honest peer is understood");
}

/* Statuses with which an answer is taken, or cannot have been. */
static bool is_outcome(weir_status st) {
    return st == WEIR_OK || st == WEIR_END || st == WEIR_ERR_SERVER || st == WEIR_ERR_REPLY;
}

/* The caller's mistake, or the connection is lost. */
static bool is_refusal(weir_status st) {
    return st == WEIR_ERR_ARG || (now.failure != WEIR_OK && st == now.failure);
}

/* An error answer names its own request. */
static void check_error(size_t number, weir_status st) {
    if (!now.is_honest || number == 0) {
        return;
    }
    const asked *request = &now.asked[number];
    bool is_error = has_shape(request, SHAPE_ERROR);
    fuzz_check(!is_outcome(st) || (st == WEIR_ERR_SERVER) == is_error,
               "an error is an error and an answer an answer");
    if (st == WEIR_ERR_SERVER) {
        char code[32];
        (void)snprintf(code, sizeof code, "E%zu", number);
        fuzz_check(strcmp(weir_client_error(now.client)->code, code) == 0,
                   "an error is that of its own request");
    }
}

static void check_own(bool is_own) {
    fuzz_check(!now.is_honest || is_own, "an answer is given to the request that asked");
}

static void open_hand(handle *hand, size_t number, weir_status st) {
    hand->has_entry = false;
    hand->number = st == WEIR_OK ? number : 0;
    hand->last = 0;
    hand->has_skipped = false;
}

static void check_pending(size_t number, weir_status st) {
    weir_pending_consumer consumer;
    if (st != WEIR_OK) {
        return;
    }
    check_own(now.pending.count == number && now.pending.lowest.ms == number);
    st = weir_pending_next(&now.pending, &consumer);
    check_status(st);
    check_own(st == WEIR_OK && consumer.count == number);
}

/* ---- requests ---- */

static weir_view key_of(size_t number) {
    static char key[32];
    (void)snprintf(key, sizeof key, "k%zu", number);
    return weir_text(key);
}

static size_t choose_request(void) {
    if (now.asked_count == MOST_ASKED) {
        return 0;
    }
    size_t number = ++now.asked_count;
    asked *request = &now.asked[number];
    request->kind = (kind)fuzz_choice_below(&now.script, KINDS);
    request->shape = fuzz_choice(&now.script);
    size_t size = fuzz_choice(&now.script);
    request->entries = (uint8_t)(size % 8);
    request->value_len = size < 224 ? size : 100 * (size - 220);
    return number;
}

static const weir_id from_start = {0, 0};

/* Appends a request of that kind. */
static weir_status append(size_t number, const asked *request) {
    weir_client *client = now.client;
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
    case KIND_IS_NEW: return weir_append_xgroup_create(client, source, group, true);
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

static void do_append(void) {
    size_t number = choose_request();
    if (number == 0) {
        return;
    }
    size_t before = weir_unanswered(now.client);
    weir_status st = append(number, &now.asked[number]);
    trace("append", number, st);
    check_status(st);
    size_t after = weir_unanswered(now.client);
    fuzz_check(after == before + (st == WEIR_OK), "an append asks or does nothing");
    if (st == WEIR_OK) {
        now.order[now.order_end++] = number;
    }
}

/* ---- takes ---- */

/* Takes the next answer as that of a request of this kind. */
static weir_status take(size_t number, kind as, handle *hand) {
    weir_client *client = now.client;
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
        open_hand(hand, number, st);
        break;
    case KIND_AUTOCLAIM:
        st = weir_take_autoclaim(client, &id, &hand->entries);
        open_hand(hand, number, st);
        break;
    case KIND_PENDING:
        weir_pending_close(&now.pending);
        st = weir_take_pending(client, &now.pending);
        check_pending(number, st);
        break;
    case KIND_REPLY:
        drop_token();
        st = weir_take_reply(client, &now.reply);
        break;
    case KINDS: st = weir_take_any(client); break;
    }
    check_own(st != WEIR_OK || (count == number && id.ms == number));
    return st;
}

/* What is due, or nothing is. */
static size_t next_due(void) {
    return now.order_first < now.order_end ? now.order[now.order_first] : 0;
}

/* A take gives the outcome of the request that is due, or none. */
static void check_take(size_t number, kind as, weir_status st, size_t before) {
    size_t after = weir_unanswered(now.client);
    fuzz_check(after == before || after + 1 == before, "a take takes one answer at most");
    bool is_taken = after < before;
    if (is_taken) {
        fuzz_check(number != 0, "nothing is taken where nothing is due");
        now.order_first++;
        check_error(number, st);
    }
    bool is_kind =
        number != 0 && (as == KINDS || as == now.asked[number].kind ||
                        (as == KIND_RANGE && now.asked[number].kind == KIND_STREAMS) ||
                        (as == KIND_STREAMS && now.asked[number].kind == KIND_RANGE));
    fuzz_check(is_kind || (!is_taken && is_refusal(st)),
               "a take that does not fit does nothing");
    fuzz_check(!is_outcome(st) || is_taken, "what was given is taken");
    fuzz_check(st != WEIR_MORE || !is_taken, "what has not come is not taken");
}

static handle *choose_hand(void) {
    return &now.handles[fuzz_choice_below(&now.script, MOST_HANDLES)];
}

static void take_as(size_t number, kind as, handle *hand) {
    size_t before = weir_unanswered(now.client);
    weir_status st = take(number, as, hand);
    trace("take", number, st);
    check_status(st);
    check_take(number, as, st, before);
}

static void do_take(void) {
    size_t number = next_due();
    size_t how = fuzz_choice_below(&now.script, 16);
    kind fits = number != 0 ? now.asked[number].kind : KIND_ID;
    kind as = how < KINDS && how > 0 ? (kind)how : how == 15 ? KINDS : fits;
    take_as(number, as, choose_hand());
}

/* ---- calls that wait for their own answer ---- */

static weir_status call(size_t number, const asked *request, handle *hand) {
    weir_client *client = now.client;
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
    case KIND_IS_NEW: st = weir_xgroup_create(client, source, group, true, &is_new); break;
    case KIND_RANGE:
        st = weir_xrevrange(client, key, id, id, NULL, &hand->entries);
        open_hand(hand, number, st);
        break;
    case KIND_STREAMS:
        st = weir_xreadgroup(client, group, group, &source, 1, &blocking, &hand->entries);
        open_hand(hand, number, st);
        break;
    case KIND_AUTOCLAIM:
        st = weir_xautoclaim(client, key, group, group, 1, from_start, NULL, &id,
                             &hand->entries);
        open_hand(hand, number, st);
        break;
    case KIND_PENDING:
        weir_pending_close(&now.pending);
        st = weir_xpending(client, key, group, &now.pending);
        check_pending(number, st);
        break;
    case KIND_REPLY:
        drop_token();
        st = weir_command(client, args, 2, &now.reply);
        break;
    case KINDS: break;
    }
    check_own(st != WEIR_OK || (count == number && id.ms == number));
    return st;
}

static void do_call(void) {
    size_t number = choose_request();
    handle *hand = choose_hand();
    if (number == 0) {
        return;
    }
    size_t before = weir_unanswered(now.client);
    weir_status failure = now.failure;
    weir_status st = call(number, &now.asked[number], hand);
    trace("call", number, st);
    check_status(st);
    fuzz_check(now.is_blocking || is_refusal(st), "what waits is refused in a loop");
    fuzz_check(!now.is_blocking || failure == WEIR_OK || st == failure,
               "a call on a lost connection fails as it did");
    fuzz_check(weir_unanswered(now.client) == before || weir_status_is_fatal(st),
               "a call takes its own answer and no other");
    if (is_outcome(st)) {
        check_error(number, st);
    }
}

/* ---- iterators and replies ---- */

static void check_entry(handle *hand) {
    const weir_entry *entry = &hand->entry;
    const asked *request = &now.asked[hand->number];
    check_own(entry->id.ms == hand->number && entry->id.seq > hand->last);
    check_own(hand->has_skipped || entry->id.seq == hand->last + 1);
    check_own(
        entry->state != WEIR_ENTRY_WHOLE ||
        (entry->field_count == 2 && entry->fields[0].value.len == request->value_len));
    hand->last = entry->id.seq;
}

static void check_end(const handle *hand) {
    const asked *request = &now.asked[hand->number];
    uint64_t entries = request->entries;
    if (request->kind == KIND_AUTOCLAIM) {
        entries += has_shape(request, SHAPE_PAIRS);
    } else if (has_shape(request, SHAPE_NULL)) {
        entries = 0;
    }
    check_own(hand->has_skipped || hand->last == entries);
}

static void do_next(handle *hand) {
    hand->has_entry = false;
    size_t before = weir_unanswered(now.client);
    bool was_open = weir_entries_is_open(&hand->entries);
    weir_status st = weir_entries_next(&hand->entries, &hand->entry);
    trace("next", hand->number, st);
    check_status(st);
    fuzz_check(weir_unanswered(now.client) == before, "an iterator takes no answer");
    if (st == WEIR_OK) {
        hand->has_entry = true;
        hand->sum = sum_of(&hand->entry);
        if (now.is_honest) {
            check_entry(hand);
        }
    } else if (st == WEIR_END && was_open && now.is_honest && hand->number != 0) {
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
    drop_token();
    if (how == 0) {
        weir_reply_close(&now.reply);
        return;
    }
    weir_token token;
    weir_status st = weir_reply_next(&now.reply, &token);
    trace("token", 0, st);
    check_status(st);
    if (st == WEIR_OK) {
        now.reply_bytes = token.bytes;
        now.reply_sum = add_to_sum(1, token.bytes);
    }
}

/* ---- the script ---- */

static void do_step(void) {
    weir_status st = weir_step(now.client);
    trace("step", 0, st);
    check_status(st);
    fuzz_check(st == WEIR_OK || st < 0, "a step goes as far as it goes");
    int wants = weir_client_wants(now.client);
    fuzz_check(now.failure == WEIR_OK ? wants >= 0 : wants == 0, "the lost wants nothing");
    (void)weir_client_deadline_ms(now.client);
}

static void do_flush(void) {
    weir_status failure = now.failure;
    weir_status st = weir_flush(now.client);
    trace("flush", 0, st);
    check_status(st);
    fuzz_check(failure == WEIR_OK || st == failure, "a failure stays");
}

/* The entry in hand may stay there while the iterator's variable is used for another. */
static void do_op(uint8_t op) {
    switch (op % 16) {
    case 0:
    case 1:
    case 2: do_append(); break;
    case 3:
    case 4: do_take(); break;
    case 5:
    case 6: do_call(); break;
    case 7:
    case 8:
    case 9: do_next(choose_hand()); break;
    case 10: do_close(choose_hand()); break;
    case 11: do_reply(op / 16 % 4); break;
    case 12: do_step(); break;
    case 13: do_flush(); break;
    case 14: the_peer.now_ms += (int64_t)fuzz_choice(&now.script) * (1 << op / 16); break;
    default:
        the_peer.fault = op == 255   ? PEER_FAILS
                         : op == 239 ? PEER_HANGS_UP
                                     : the_peer.fault;
    }
    check_hands();
}

#define MOST_OPS 400

static void run_script(void) {
    for (int i = 0; i < MOST_OPS && now.script.len > 0; i++) {
        do_op(fuzz_choice(&now.script));
    }
}

/* What an input without choices does: one request of each kind, and each answer to its end.
 */
static void run_plain(void) {
    for (kind each = KIND_ID; each < KINDS; each++) {
        size_t number = ++now.asked_count;
        now.asked[number].kind = each;
        if (append(number, &now.asked[number]) == WEIR_OK) {
            now.order[now.order_end++] = number;
        }
    }
    for (kind each = KIND_ID; each < KINDS && now.failure == WEIR_OK; each++) {
        handle *hand = &now.handles[each % MOST_HANDLES];
        take_as(next_due(), each, hand);
        while (weir_entries_is_open(&hand->entries)) {
            do_next(hand);
            check_hands();
        }
        while (now.reply_bytes.len > 0 || each == KIND_REPLY) {
            do_reply(1);
            check_hands();
            if (now.reply_bytes.len == 0) {
                break;
            }
        }
    }
}

/* Every request that is left has an outcome too: its own, or that the connection is lost.
 */
static void take_rest(void) {
    the_peer.says.count = the_peer.takes.count = 0; /* what is left comes whole */
    for (size_t rounds = 0; next_due() != 0 && now.failure == WEIR_OK; rounds++) {
        if (!now.is_blocking) {
            do_step();
        }
        if (now.failure == WEIR_OK) {
            size_t number = next_due();
            take_as(number, now.asked[number].kind, &now.handles[0]);
            check_hands();
        }
        if (rounds > MOST_ASKED) {
            the_peer.now_ms += 1000; /* the peer owes bytes: time will tell */
        }
        fuzz_check(rounds < 3 * MOST_ASKED, "every request has an outcome in the end");
    }
    fuzz_check(now.failure != WEIR_OK || weir_unanswered(now.client) == 0,
               "every request has one outcome");
}

/* ---- one input ---- */

static void choose_options(fuzz_input *input, weir_options *options) {
    size_t mode = fuzz_choice(input);
    now.is_honest = input->has_choices && (mode & 1) == 0;
    now.is_blocking = (mode & 2) == 0;
    options->non_blocking = !now.is_blocking;
    options->protocol = (mode & 4) != 0 ? 2 : 0;
    options->limits.receive_bytes =
        (mode & 8) != 0 ? 1024 + 8 * (size_t)fuzz_choice(input) : 0;
    options->limits.send_bytes =
        (mode & 16) != 0 ? 1024 + 8 * (size_t)fuzz_choice(input) : 0;
    options->limits.unanswered = (mode & 32) != 0 ? 1 + fuzz_choice_below(input, 8) : 0;
    the_peer.refuses = (mode & 192) == 192 && fuzz_choice(input) == 1;
    the_peer.says = fuzz_choose_pieces(input);
    the_peer.takes = fuzz_choose_pieces(input);
    options->mem.resize = NULL;
    now.may_lack_memory = (mode & 64) != 0;
}

/* The handshake as an honest peer would answer it, for one that says the wire. */
static void say_handshake(const weir_options *options) {
    if (options->protocol == 2) {
        peer_say_text("+PONG\r\n+OK\r\n+OK\r\n");
    } else {
        peer_say_text("%1\r\n+proto\r\n:3\r\n+OK\r\n+OK\r\n");
    }
}

static size_t most_memory(const weir_options *options) {
    size_t receive = options->limits.receive_bytes;
    size_t send = options->limits.send_bytes;
    /* without small ceilings, what came decides: twice that, for each that pins a block */
    receive = receive != 0 ? receive : 65536 + 2 * the_peer.out_len;
    send = send != 0 ? send : 65536 + (size_t)MOST_ASKED * 4096;
    size_t pins = MOST_HANDLES + 3; /* reply, pending, and what is being received */
    return 65536 + (pins + 1) * (receive + 4096) + 4 * receive + 2 * send;
}

/* A client in one block of memory has four iterators and small shares. */
static weir_status open_in_block(const weir_options *options) {
    size_t size = WEIR_BLOCK_BYTES + 1024 * fuzz_choice_below(&now.script, 64);
    size_t aligned = size / 64 * 64;
    char *block = fuzz_room(3, aligned);
    return weir_open_in(block, aligned, "unix:///peer", options, &now.client);
}

static void close_all(void) {
    for (size_t i = 0; i < MOST_HANDLES; i++) {
        do_close(&now.handles[i]);
    }
    drop_token();
    weir_reply_close(&now.reply);
    weir_pending_close(&now.pending);
}

/* What the input has left behind its settings: a wire, and the script behind it. */
static void split_input(fuzz_input *settings, const weir_options *options,
                        bool is_greeted) {
    size_t most = now.is_honest ? SIZE_MAX : fuzz_wide_choice(settings);
    size_t script_len = most < settings->len ? most : settings->len;
    size_t wire_len = settings->len - script_len;
    now.script = (fuzz_input){settings->bytes + wire_len, script_len, true};
    if (now.is_honest) {
        return;
    }
    if (is_greeted) {
        say_handshake(options);
    }
    peer_say(weir_bytes(settings->bytes, wire_len));
}

static void use_client(bool has_script) {
    if (has_script) {
        run_script();
    } else {
        run_plain();
    }
    close_all(); /* so that there are iterators to open, and memory */
    now.counts.refuse_at = SIZE_MAX;
    take_rest();
    close_all();
    do_flush();
    weir_close(now.client);
}

int fuzz_one(const uint8_t *data, size_t len) {
    weir_options options = {0};
    fuzz_mem *counts = &now.counts;
    fuzz_input settings = fuzz_open(data, len);
    peer_reset();
    memset(&now, 0, sizeof now);
    counts->refuse_at = SIZE_MAX;
    drop_token();
    choose_options(&settings, &options);
    the_peer.is_honest = now.is_honest;
    the_peer.answer = answer;
    size_t how = fuzz_choice(&settings);
    bool is_in_block = (how & 1) != 0;
    if (now.may_lack_memory) {
        counts->refuse_at = fuzz_choice(&settings);
        counts->refuses_on = (how & 2) != 0;
    }
    split_input(&settings, &options, (how & 4) == 0);
    options.mem = fuzz_mem_of(counts);
    now.may_lack_memory = now.may_lack_memory || is_in_block;
    weir_status st = is_in_block ? open_in_block(&options)
                                 : weir_open("redis://peer", &options, &now.client);
    fuzz_check(now.client != NULL || st == WEIR_ERR_NOMEM, "open gives a client");
    if (now.client != NULL) {
        check_status(st);
        use_client(settings.has_choices);
    }
    fuzz_check(counts->live == 0, "nothing is leaked");
    fuzz_check(counts->peak <= most_memory(&options), "memory keeps to its ceilings");
    return 0;
}
