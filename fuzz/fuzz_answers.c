/* Typed answers: any bytes as the answer to each command that gives no entries, taken by
 * the public calls. However they arrive the same is given, all of it lies in the answer and
 * is what the general reader says, and the next answer is not touched by it.
 * Choices: the command, how many ids were asked about, pieces.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/client_private.h"
#include "record.h"

#include <stdlib.h>

/* ---- what was given ---- */

/* Two ways of giving the same things have the same sum. */
typedef struct outcome {
    weir_status status;
    uint64_t sum;
    uint64_t rows;  /* of the outermost list */
    bool is_ended;  /* that list was read to its end */
    uint64_t value; /* a count or a flag */
} outcome;

typedef struct taker {
    weir_client client;
    fuzz_mem counts;
    outcome out;
} taker;

static taker the_taker;

static void add_bytes(const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    uint64_t sum = the_taker.out.sum;
    for (size_t i = 0; i < len; i++) {
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    the_taker.out.sum = sum;
}

static void add_number(int64_t number) { add_bytes(&number, sizeof number); }

static void add_id(weir_id id) {
    add_bytes(&id.ms, sizeof id.ms);
    add_bytes(&id.seq, sizeof id.seq);
}

/* What is given borrows of an answer that is held, and of nothing else. */
static void add_view(weir_view view) {
    const weir_session *session = &the_taker.client.session;
    bool is_inside = view.len == 0;
    for (size_t i = 0; i < WEIR_MAX_SLOTS && !is_inside; i++) {
        const weir_slot *slot = session->slots[i];
        if (slot == NULL || slot->serial == 0) {
            continue;
        }
        uintptr_t begin = (uintptr_t)slot->detached.data;
        uintptr_t at = (uintptr_t)view.data;
        is_inside = at >= begin && view.len <= slot->detached.len &&
                    at - begin <= slot->detached.len - view.len;
    }
    fuzz_check(is_inside, "what is given lies in the answer");
    add_number((int64_t)view.len);
    add_bytes(view.data, view.len);
}

static void add_token(const weir_token *token) {
    add_number(token->type);
    add_number(token->number);
    add_view(token->bytes);
}

/* ---- lists in an answer that is held whole ---- */

static void check_kind(weir_rows *rows, bool is_pending, bool is_group) {
    weir_pending_entry pending;
    weir_group_info group;
    if (!is_pending && rows->answer.client != NULL) {
        fuzz_check(weir_rows_next_pending(rows, &pending) == WEIR_ERR_ARG,
                   "rows of another kind are refused");
    }
    if (!is_group && rows->answer.client != NULL) {
        fuzz_check(weir_rows_next_group(rows, &group) == WEIR_ERR_ARG,
                   "rows of another kind are refused");
    }
}

#define LOOKED_FOR 8

static void visit_keys(weir_rows keys) {
    weir_row_key key;
    weir_row_key found;
    weir_rows all = keys;
    int count = 0;
    while (weir_rows_next_key(&keys, &key) == WEIR_OK) {
        add_view(key.name);
        add_number(key.value.type);
        add_view(key.whole);
        char name[64];
        if (count++ >= LOOKED_FOR || key.name.len >= sizeof name ||
            memchr(key.name.data, '\0', key.name.len) != NULL) {
            continue;
        }
        memcpy(name, key.name.data, key.name.len);
        name[key.name.len] = '\0';
        fuzz_check(weir_rows_find(&all, name, &found) == WEIR_OK &&
                       weir_view_equal(found.name, key.name),
                   "a key that is there is found");
    }
}

static weir_status visit_pending(weir_rows *rows) {
    weir_pending_entry entry;
    weir_status st;
    while ((st = weir_rows_next_pending(rows, &entry)) == WEIR_OK) {
        add_id(entry.id);
        add_view(entry.consumer);
        add_number(entry.idle_ms);
        add_number(entry.delivered_ms);
        add_number(entry.deliveries);
        the_taker.out.rows += rows->is_inner ? 0 : 1;
    }
    return st;
}

static void visit_entries(weir_rows rows) {
    weir_entry entry;
    while (weir_rows_next_entry(&rows, &entry) == WEIR_OK) {
        add_id(entry.id);
        add_number(entry.state);
        fuzz_check((entry.state == WEIR_ENTRY_WHOLE) == (entry.field_count > 0),
                   "whole entries have fields, others have none");
        for (size_t i = 0; i < entry.field_count; i++) {
            add_view(entry.fields[i].name);
            add_view(entry.fields[i].value);
        }
    }
}

static weir_status visit_consumers(weir_rows *rows) {
    weir_consumer_info consumer;
    weir_status st;
    while ((st = weir_rows_next_consumer(rows, &consumer)) == WEIR_OK) {
        add_view(consumer.name);
        add_number(consumer.pending_count);
        add_number(consumer.idle_ms);
        add_number(consumer.inactive_ms);
        add_number(consumer.seen_ms);
        add_number(consumer.active_ms);
        visit_keys(consumer.keys);
        (void)visit_pending(&consumer.pending);
        the_taker.out.rows += rows->is_inner ? 0 : 1;
    }
    return st;
}

static weir_status visit_groups(weir_rows *rows) {
    weir_group_info group;
    weir_status st;
    while ((st = weir_rows_next_group(rows, &group)) == WEIR_OK) {
        add_view(group.name);
        add_number(group.consumer_count);
        add_number(group.pending_count);
        add_number(group.nacked_count);
        add_id(group.last_id);
        add_number(group.entries_read);
        add_number(group.lag);
        visit_keys(group.keys);
        (void)visit_consumers(&group.consumers);
        (void)visit_pending(&group.pending);
        the_taker.out.rows += rows->is_inner ? 0 : 1;
    }
    return st;
}

/* ---- one answer, as its kind is taken ---- */

typedef weir_status take_call(size_t id_count);

static weir_status take_id(size_t id_count) {
    weir_id id = {0, 0};
    (void)id_count;
    weir_status st = weir_take_id(&the_taker.client, &id);
    add_id(id);
    return st;
}

static weir_status take_count(size_t id_count) {
    (void)id_count;
    return weir_take_count(&the_taker.client, &the_taker.out.value);
}

static weir_status take_is_new(size_t id_count) {
    bool is_new = false;
    (void)id_count;
    weir_status st = weir_take_is_new(&the_taker.client, &is_new);
    the_taker.out.value = is_new ? 1 : 0;
    return st;
}

static weir_status take_done(size_t id_count) {
    (void)id_count;
    return weir_take_done(&the_taker.client);
}

static weir_status take_deletions(size_t id_count) {
    static weir_deletion results[256];
    weir_deletion untouched[256];
    memset(results, 0, sizeof results);
    memset(untouched, 0, sizeof untouched);
    weir_status st = weir_take_deletions(&the_taker.client, results, id_count);
    if (st != WEIR_OK) {
        fuzz_check(memcmp(results, untouched, sizeof results) == 0,
                   "a failed take leaves its results");
        return st;
    }
    for (size_t i = 0; i < 256; i++) {
        fuzz_check(i < id_count ? results[i] == WEIR_DELETION_NOT_FOUND ||
                                      results[i] == WEIR_DELETION_DONE ||
                                      results[i] == WEIR_DELETION_KEPT
                                : results[i] == 0,
                   "each id has one of the results there are");
        add_number(results[i]);
    }
    the_taker.out.rows = id_count;
    the_taker.out.is_ended = true;
    return st;
}

static weir_status take_pending(size_t id_count) {
    static weir_pending pending;
    weir_pending_consumer consumer;
    (void)id_count;
    weir_status st = weir_take_pending(&the_taker.client, &pending);
    if (st != WEIR_OK) {
        return st;
    }
    add_number((int64_t)pending.count);
    add_id(pending.lowest);
    add_id(pending.highest);
    while ((st = weir_pending_next(&pending, &consumer)) == WEIR_OK) {
        add_view(consumer.name);
        add_number((int64_t)consumer.count);
    }
    add_number(st);
    weir_pending_close(&pending);
    return WEIR_OK;
}

static weir_rows the_rows;

static void end_rows(weir_status st) {
    fuzz_check(st == WEIR_END || st == WEIR_ERR_REPLY || st == WEIR_ERR_NOMEM,
               "a list ends, or is refused");
    the_taker.out.is_ended = st == WEIR_END;
    add_number(st);
    weir_rows_close(&the_rows);
    weir_rows_close(&the_rows);
}

static weir_status take_pending_rows(size_t id_count) {
    (void)id_count;
    weir_status st = weir_take_rows(&the_taker.client, &the_rows);
    if (st == WEIR_OK) {
        check_kind(&the_rows, true, false);
        end_rows(visit_pending(&the_rows));
    }
    return st;
}

static weir_status take_groups(size_t id_count) {
    (void)id_count;
    weir_status st = weir_take_rows(&the_taker.client, &the_rows);
    if (st == WEIR_OK) {
        check_kind(&the_rows, false, true);
        end_rows(visit_groups(&the_rows));
    }
    return st;
}

static weir_status take_consumers(size_t id_count) {
    (void)id_count;
    weir_status st = weir_take_rows(&the_taker.client, &the_rows);
    if (st == WEIR_OK) {
        check_kind(&the_rows, false, false);
        end_rows(visit_consumers(&the_rows));
    }
    return st;
}

static weir_status take_stream_info(size_t id_count) {
    static weir_stream_info info;
    (void)id_count;
    weir_status st = weir_take_stream_info(&the_taker.client, &info);
    if (st != WEIR_OK) {
        return st;
    }
    const int64_t numbers[] = {info.length,
                               info.radix_tree_keys,
                               info.radix_tree_nodes,
                               info.group_count,
                               info.entries_added,
                               info.idmp_duration_s,
                               info.idmp_maxsize,
                               info.pids_tracked,
                               info.iids_tracked,
                               info.iids_added,
                               info.iids_duplicates,
                               info.has_max_deleted_id,
                               info.has_recorded_first_id};
    add_bytes(numbers, sizeof numbers);
    add_id(info.last_id);
    add_id(info.max_deleted_id);
    add_id(info.recorded_first_id);
    visit_keys(info.keys);
    visit_entries(info.first);
    visit_entries(info.last);
    visit_entries(info.entries);
    weir_rows groups = info.groups;
    (void)visit_groups(&groups);
    weir_stream_info_close(&info);
    return st;
}

static weir_status take_reply(size_t id_count) {
    static weir_reply reply;
    weir_token token;
    (void)id_count;
    weir_status st = weir_take_reply(&the_taker.client, &reply);
    if (st != WEIR_OK) {
        return st;
    }
    while (weir_reply_next(&reply, &token) == WEIR_OK) {
        add_token(&token);
    }
    weir_reply_close(&reply);
    return st;
}

static weir_status take_any(size_t id_count) {
    (void)id_count;
    return weir_take_any(&the_taker.client);
}

static const struct kind {
    take_call *take;
    weir_answer answer;
    bool is_list; /* its answer is a list, a row of which is one element */
} kinds[] = {
    {take_id, WEIR_ANSWER_ID, false},
    {take_count, WEIR_ANSWER_COUNT, false},
    {take_is_new, WEIR_ANSWER_IS_NEW, false},
    {take_done, WEIR_ANSWER_DONE, false},
    {take_deletions, WEIR_ANSWER_DELETIONS, true},
    {take_pending, WEIR_ANSWER_PENDING, false},
    {take_pending_rows, WEIR_ANSWER_PENDING_ROWS, true},
    {take_stream_info, WEIR_ANSWER_STREAM_INFO, false},
    {take_groups, WEIR_ANSWER_GROUPS, true},
    {take_consumers, WEIR_ANSWER_CONSUMERS, true},
    {take_reply, WEIR_ANSWER_REPLY, false},
    {take_any, WEIR_ANSWER_STREAM_INFO, false},
    {take_any, WEIR_ANSWER_COUNT, false},
    {take_any, WEIR_ANSWER_AUTOCLAIM, false},
};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

/* ---- one run ---- */

/* A client that is connected to nothing: the harness puts in what a peer would send. */
static void start(const weir_mem *mem) {
    static const weir_greeter greeter = {
        .user = "", .password = "", .name = "", .protocol = 2};
    static const weir_session_sizes sizes = {.receive_base = 64,
                                             .receive_most = (size_t)1 << 20,
                                             .send_base = 64,
                                             .send_most = 64,
                                             .ring_base = 4,
                                             .unanswered_most = 4,
                                             .slots = 4};
    weir_client *client = &the_taker.client;
    memset(client, 0, sizeof *client);
    memset(&the_taker.out, 0, sizeof the_taker.out);
    weir_wake_init(&client->cancel);
    client->mem = *mem;
    client->is_non_blocking = true;
    weir_status st = weir_session_init(&client->session, mem, &sizes, &greeter, "peer");
    fuzz_check(st == WEIR_OK, "a session has memory");
    client->session.phase = WEIR_PHASE_READY;
}

static void ask(weir_answer answer) {
    weir_session *session = &the_taker.client.session;
    char *at = NULL;
    fuzz_check(weir_session_reserve(session, 1, 1, &at) == WEIR_OK, "there is room to ask");
    *at = 'x';
    (void)weir_session_commit(session, 1, answer, 0, 0);
    weir_session_sent(session, 1);
}

static void put(weir_view bytes) {
    weir_session *session = &the_taker.client.session;
    while (bytes.len > 0 && session->failure == WEIR_OK) {
        char *at = NULL;
        size_t room = 0;
        fuzz_check(weir_session_room(session, &at, &room) == WEIR_OK, "there is room");
        size_t count = bytes.len < room ? bytes.len : room;
        memcpy(at, bytes.data, count);
        (void)weir_session_received(session, count, 0);
        bytes = weir_bytes(bytes.data + count, bytes.len - count);
    }
}

/* The answer of the request behind: it must be its own. */
static void check_step(void) {
    uint64_t count = 0;
    put(weir_text(":7\r\n"));
    fuzz_check(weir_take_count(&the_taker.client, &count) == WEIR_OK && count == 7,
               "the next answer is its own");
}

static outcome play(const struct kind *kind, weir_view wire, const fuzz_pieces *pieces,
                    size_t id_count) {
    fuzz_feed feed;
    the_taker.counts = (fuzz_mem){.refuse_at = SIZE_MAX};
    weir_mem mem = fuzz_mem_of(&the_taker.counts);
    start(&mem);
    ask(kind->answer);
    ask(WEIR_ANSWER_COUNT);
    fuzz_feed_open(&feed, wire, pieces);
    weir_status st = WEIR_MORE;
    while (st == WEIR_MORE && fuzz_feed_more(&feed)) {
        put(feed.input);
        fuzz_feed_use(&feed, feed.input.len);
        the_taker.out.sum = 0;
        st = kind->take(id_count);
    }
    while (fuzz_feed_more(&feed)) { /* taken before all of it has come */
        put(feed.input);
        fuzz_feed_use(&feed, feed.input.len);
    }
    the_taker.out.status = st;
    return the_taker.out;
}

static void stop(void) {
    weir_session_free(&the_taker.client.session);
    fuzz_check(the_taker.counts.live == 0, "nothing is leaked");
}

/* ---- what the general reader says ---- */

static fuzz_record tokens;

/* The first token of the answer, behind pushes; NULL: it is not whole, or no RESP. */
static const fuzz_token *head_of(weir_view wire) {
    static const fuzz_pieces in_one = {0};
    fuzz_record_read(&tokens, &weir_stream_reading, wire, &in_one);
    size_t head = 0;
    while (head < tokens.whole && tokens.tokens[head].type == WEIR_TOKEN_PUSH) {
        head = fuzz_value_end(&tokens, head);
    }
    return head < tokens.whole ? &tokens.tokens[head] : NULL;
}

static void check_against(const struct kind *kind, const outcome *out,
                          const fuzz_token *head) {
    fuzz_check(out->status != WEIR_MORE, "an answer that has come is taken");
    fuzz_check(!weir_status_is_fatal(out->status),
               "an answer of whole RESP breaks nothing");
    bool is_error = head->type == WEIR_TOKEN_ERROR || head->type == WEIR_TOKEN_BULK_ERROR;
    if (is_error) {
        fuzz_check(out->status == WEIR_ERR_SERVER ||
                       (kind->answer == WEIR_ANSWER_IS_NEW && out->status == WEIR_OK),
                   "an error is told");
    }
    if (kind->take == take_count && head->type == WEIR_TOKEN_INTEGER && head->number >= 0) {
        fuzz_check(out->status == WEIR_OK && out->value == (uint64_t)head->number,
                   "a count is the number that came");
    }
    if (kind->is_list && out->status == WEIR_OK && out->is_ended) {
        uint64_t rows = head->type == WEIR_TOKEN_NULL ? 0 : (uint64_t)head->number;
        fuzz_check(out->rows == rows, "a list gives each row there is");
    }
}

static void check_same(const outcome *a, const outcome *b) {
    fuzz_check(a->status == b->status && a->sum == b->sum && a->rows == b->rows &&
                   a->is_ended == b->is_ended && a->value == b->value,
               "an answer is the same however it arrives");
}

/* The wire up to the end of the first answer. */
static weir_view first_answer(weir_view wire, const fuzz_token *head) {
    if (head == NULL) {
        return wire;
    }
    size_t end = fuzz_value_end(&tokens, (size_t)(head - tokens.tokens));
    return weir_bytes(wire.data, (size_t)tokens.tokens[end - 1].end);
}

static void check_kind_of_answer(const struct kind *kind, weir_view given,
                                 const fuzz_pieces *pieces, size_t id_count) {
    static const fuzz_pieces in_one = {0};
    const fuzz_token *head = head_of(given);
    weir_view wire = first_answer(given, head);
    outcome whole = play(kind, wire, &in_one, id_count);
    if (head != NULL) {
        check_against(kind, &whole, head);
        check_step();
    }
    stop();
    if (wire.len > 0) {
        outcome cut = play(kind, wire, pieces, id_count);
        if (head != NULL) {
            check_same(&whole, &cut);
            check_step();
        }
        stop();
    }
}

int fuzz_one(const uint8_t *data, size_t len) {
    fuzz_input input = fuzz_open(data, len);
    size_t kind = fuzz_choice_below(&input, KIND_COUNT);
    size_t id_count = fuzz_choice(&input);
    fuzz_pieces pieces = fuzz_choose_pieces(&input);
    weir_view wire = fuzz_wire(&input);
    if (input.has_choices) {
        check_kind_of_answer(&kinds[kind], wire, &pieces, id_count);
        return 0;
    }
    pieces = (fuzz_pieces){1, {0}};
    for (size_t i = 0; i < KIND_COUNT; i++) {
        check_kind_of_answer(&kinds[i], wire, &pieces, 1);
    }
    return 0;
}
