/* Random arguments: what each command's take gives of a real server's answer is what a
 * plain reading of the same bytes says, leaf for leaf. WEIR_TEST_SEED=N,
 * WEIR_TEST_ROUNDS=N: the same again, or longer SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/client_private.h"
#include "dice.h"
#include "live.h"
#include "tape.h"

#include <stdio.h>

static struct tape tape;
static weir_client *client; /* speaks to the tape */

/* ---- leaves: all values of an answer in their order ---- */

struct leaves {
    size_t len;
    size_t count;
    char text[1 << 20];
};

static struct leaves typed;
static struct leaves plain;

static void add_view(struct leaves *leaves, weir_view view) {
    int len = snprintf(leaves->text + leaves->len, 32, "%zu:", view.len);
    leaves->len += (size_t)len;
    assert_true(view.len < sizeof leaves->text - leaves->len - 64);
    if (view.len > 0) {
        memcpy(leaves->text + leaves->len, view.data, view.len);
    }
    leaves->len += view.len;
    leaves->text[leaves->len++] = '\n';
    leaves->count++;
}

static void add(weir_view view) { add_view(&typed, view); }

static void add_nil(struct leaves *leaves) { add_view(leaves, weir_text("(nil)")); }

static void add_number(struct leaves *leaves, int64_t number) {
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    add_view(leaves, weir_text(text));
}

static void add_id(weir_id id) {
    char text[WEIR_ID_TEXT];
    add(weir_bytes(text, weir_id_format(id, text)));
}

/* Reads RESP, and keeps what is no array or map. */
static void add_plain(struct leaves *leaves, weir_view wire) {
    weir_reader reader;
    weir_token token;
    weir_reader_init(&reader, NULL);
    while (wire.len > 0) {
        size_t used;
        assert_status(weir_reader_next(&reader, wire, &used, &token), WEIR_OK);
        wire = weir_bytes(wire.data + used, wire.len - used);
        if (token.type == WEIR_TOKEN_NULL) {
            add_nil(leaves);
        } else if (token.type == WEIR_TOKEN_INTEGER) {
            add_number(leaves, token.number);
        } else if (token.type != WEIR_TOKEN_ARRAY && token.type != WEIR_TOKEN_MAP) {
            add_view(leaves, token.bytes);
        }
    }
}

/* ---- what weir's takes give ---- */

static void add_entry(const weir_entry *entry) {
    add_id(entry->id);
    if (entry->state == WEIR_ENTRY_DELETED) {
        add_nil(&typed);
    }
    for (size_t i = 0; i < entry->field_count; i++) {
        add(entry->fields[i].name);
        add(entry->fields[i].value);
    }
    if (entry->deliveries >= 0) { /* XREADGROUP CLAIM */
        add_number(&typed, entry->idle_ms);
        add_number(&typed, entry->deliveries);
    }
}

static void add_entries(weir_entries *entries) {
    static char stream[64];
    weir_entry entry;
    weir_status st;
    size_t stream_len = 0;
    while ((st = weir_entries_next(entries, &entry)) == WEIR_OK) {
        if (!weir_view_equal(entry.stream, weir_bytes(stream, stream_len))) {
            add(entry.stream);
            stream_len = entry.stream.len;
            memcpy(stream, entry.stream.data, stream_len);
        }
        add_entry(&entry);
    }
    assert_status(st, WEIR_END);
}

static void take_entries(void) {
    weir_entries entries;
    assert_ok(client, weir_take_entries(client, &entries));
    add_entries(&entries);
}

static void take_autoclaim(void) {
    weir_entries entries;
    weir_id next;
    assert_ok(client, weir_take_autoclaim(client, &next, &entries));
    add_id(next);
    add_entries(&entries);
}

static void take_count(void) {
    uint64_t count = 0;
    assert_ok(client, weir_take_count(client, &count));
    add_number(&typed, (int64_t)count);
}

static void take_id(void) {
    weir_id id = {0, 0};
    assert_ok(client, weir_take_id(client, &id));
    add_id(id);
}

#define ASKED 4

static void take_deletions(void) {
    weir_deletion results[ASKED];
    assert_ok(client, weir_take_deletions(client, results, ASKED));
    for (int i = 0; i < ASKED; i++) {
        add_number(&typed, results[i]);
    }
}

static void take_pending(void) {
    weir_pending pending;
    weir_pending_consumer consumer;
    char text[32];
    assert_ok(client, weir_take_pending(client, &pending));
    add_number(&typed, (int64_t)pending.count);
    if (pending.count == 0) {
        add_nil(&typed);
        add_nil(&typed);
        add_nil(&typed);
    } else {
        add_id(pending.lowest);
        add_id(pending.highest);
    }
    while (weir_pending_next(&pending, &consumer) == WEIR_OK) {
        add(consumer.name);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)consumer.count);
        add(weir_text(text));
    }
    weir_pending_close(&pending);
}

static void take_pending_rows(void) {
    weir_rows rows;
    weir_pending_entry entry;
    weir_status st;
    assert_ok(client, weir_take_rows(client, &rows));
    while ((st = weir_rows_next_pending(&rows, &entry)) == WEIR_OK) {
        add_id(entry.id);
        add(entry.consumer);
        add_number(&typed, entry.idle_ms);
        add_number(&typed, entry.deliveries);
    }
    assert_status(st, WEIR_END);
    weir_rows_close(&rows);
}

static void add_keys(weir_rows keys) {
    weir_row_key key;
    weir_status st;
    while ((st = weir_rows_next_key(&keys, &key)) == WEIR_OK) {
        add(key.name);
        add_plain(&typed, key.whole);
    }
    assert_status(st, WEIR_END);
}

/* A field of a struct is the key that its name stands for; not told: WEIR_UNKNOWN. */
static void expect_number(const weir_rows *keys, const char *name, int64_t given) {
    weir_row_key key;
    bool is_there =
        weir_rows_find(keys, name, &key) == WEIR_OK && key.value.type == WEIR_TOKEN_INTEGER;
    if (given != (is_there ? key.value.number : WEIR_UNKNOWN)) {
        print_error("%s is %lld\n", name, (long long)given);
        fail();
    }
}

static void expect_id(const weir_rows *keys, const char *name, weir_id given) {
    weir_row_key key;
    weir_id id = {0, 0};
    if (weir_rows_find(keys, name, &key) == WEIR_OK) {
        assert_status(weir_id_parse(key.value.bytes, &id), WEIR_OK);
    }
    assert_id(given, id.ms, id.seq);
}

static void take_groups(void) {
    weir_rows rows;
    weir_group_info group;
    weir_status st;
    assert_ok(client, weir_take_rows(client, &rows));
    while ((st = weir_rows_next_group(&rows, &group)) == WEIR_OK) {
        add_keys(group.keys);
        expect_number(&group.keys, "consumers", group.consumer_count);
        expect_number(&group.keys, "pending", group.pending_count);
        expect_number(&group.keys, "entries-read", group.entries_read);
        expect_number(&group.keys, "lag", group.lag);
        expect_id(&group.keys, "last-delivered-id", group.last_id);
    }
    assert_status(st, WEIR_END);
    weir_rows_close(&rows);
}

static void take_consumers(void) {
    weir_rows rows;
    weir_consumer_info consumer;
    weir_status st;
    assert_ok(client, weir_take_rows(client, &rows));
    while ((st = weir_rows_next_consumer(&rows, &consumer)) == WEIR_OK) {
        add_keys(consumer.keys);
        expect_number(&consumer.keys, "pending", consumer.pending_count);
        expect_number(&consumer.keys, "idle", consumer.idle_ms);
        expect_number(&consumer.keys, "inactive", consumer.inactive_ms);
    }
    assert_status(st, WEIR_END);
    weir_rows_close(&rows);
}

/* The entries of a list are those of the key it stands for. */
static void expect_entries(const weir_rows *keys, const char *name, weir_rows entries) {
    weir_row_key key;
    weir_entry entry;
    struct leaves *given = &typed;
    size_t begin = given->len;
    size_t count = given->count;
    while (weir_rows_next_entry(&entries, &entry) == WEIR_OK) {
        add_entry(&entry);
    }
    size_t middle = given->len;
    if (weir_rows_find(keys, name, &key) == WEIR_OK && key.value.type != WEIR_TOKEN_NULL) {
        add_plain(given, key.whole);
    }
    assert_int_equal(given->len - middle, middle - begin);
    assert_memory_equal(given->text + begin, given->text + middle, middle - begin);
    given->len = begin;
    given->count = count;
}

static void take_stream_info(void) {
    weir_stream_info info;
    assert_ok(client, weir_take_stream_info(client, &info));
    add_keys(info.keys);
    expect_number(&info.keys, "length", info.length);
    expect_number(&info.keys, "radix-tree-keys", info.radix_tree_keys);
    expect_number(&info.keys, "radix-tree-nodes", info.radix_tree_nodes);
    expect_number(&info.keys, "entries-added", info.entries_added);
    expect_number(&info.keys, "idmp-duration", info.idmp_duration_s);
    expect_number(&info.keys, "idmp-maxsize", info.idmp_maxsize);
    expect_id(&info.keys, "last-generated-id", info.last_id);
    expect_id(&info.keys, "max-deleted-entry-id", info.max_deleted_id);
    expect_id(&info.keys, "recorded-first-entry-id", info.recorded_first_id);
    expect_entries(&info.keys, "first-entry", info.first);
    expect_entries(&info.keys, "last-entry", info.last);
    expect_entries(&info.keys, "entries", info.entries);
    weir_stream_info_close(&info);
}

/* ---- what is asked: few keys and ids, so that they meet ---- */

static weir_view some(const char *const *names) { return weir_text(names[dice_below(3)]); }
static weir_view some_key(void) {
    static const char *const names[] = {"s", "t", "none"};
    return some(names);
}
static weir_view some_group(void) {
    static const char *const names[] = {"g", "h", "g"};
    return some(names);
}
static weir_view some_consumer(void) {
    static const char *const names[] = {"a", "b", "a longer name"};
    return some(names);
}
static uint64_t last; /* id that was added */

static weir_id some_id(void) {
    uint64_t back = dice_below(8) == 0 ? last : dice_below(60);
    weir_id id = {last > back ? last - back : 0, dice_below(2)};
    return id;
}

static const weir_id *some_ids(void) {
    static weir_id ids[ASKED];
    for (int i = 0; i < ASKED; i++) {
        ids[i] = some_id();
        ids[i].seq = 0;
    }
    return ids;
}

typedef void take_call(void);

/* Appends one command to the tape's client; gives the take that fits. */
static take_call *ask_to_write(void) {
    weir_field fields[3];
    weir_status st;
    take_call *take = take_count;
    size_t count = 1 + (size_t)dice_below(3);
    weir_view key = some_key();
    weir_xadd_options explicit = {.id = {++last, 0}};
    for (size_t i = 0; i < count; i++) {
        fields[i] = (weir_field){dice_bytes(1, 9), dice_bytes(0, 200)};
    }
    weir_trim trim = {.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 200};
    switch (dice_below(8)) {
    case 0: st = weir_append_xdel(client, key, some_ids(), ASKED); break;
    case 1: st = weir_append_xack(client, key, some_group(), some_ids(), ASKED); break;
    case 2: st = weir_append_xtrim(client, key, &trim); break;
    case 3:
        st = weir_append_xdelex(client, key, WEIR_REFS_ACKED, some_ids(), ASKED);
        take = take_deletions;
        break;
    case 4:
        st = weir_append_xackdel(client, key, some_group(), WEIR_REFS_KEEP, some_ids(),
                                 ASKED);
        take = take_deletions;
        break;
    default:
        key = dice_yes() ? weir_text("s") : weir_text("t");
        st = weir_append_xadd(client, key, fields, count, &explicit);
        take = take_id;
    }
    assert_ok(client, st);
    return take;
}

static take_call *ask_to_read(void) {
    weir_range_options range = {.count = dice_below(20)};
    weir_source sources[] = {weir_source_after(weir_text("s"), some_id()),
                             weir_source_after(weir_text("t"), some_id())};
    weir_read_options options = {.count = dice_below(9)};
    weir_id low = some_id();
    weir_status st;
    switch (dice_below(5)) {
    case 0: st = weir_append_xrange(client, some_key(), low, some_id(), &range); break;
    case 1: st = weir_append_xrevrange(client, some_key(), low, some_id(), &range); break;
    case 2: st = weir_append_xread(client, sources, 2, &options); break;
    case 3:
        st = weir_append_xreadgroup(client, some_group(), some_consumer(), sources, 1,
                                    &options);
        break;
    default:
        sources[0] = weir_source_new(weir_text(dice_yes() ? "s" : "t"));
        options.count = 1 + dice_below(5);
        options.claim = dice_below(4) == 0;
        st = weir_append_xreadgroup(client, some_group(), some_consumer(), sources, 1,
                                    &options);
    }
    assert_ok(client, st);
    return take_entries;
}

static take_call *ask_to_claim(void) {
    weir_xclaim_options claim = {.ids_only = dice_yes(), .force = dice_yes()};
    weir_xautoclaim_options scan = {.count = 1 + dice_below(5), .ids_only = dice_yes()};
    if (dice_yes()) {
        assert_ok(client,
                  weir_append_xclaim(client, some_key(), some_group(), some_consumer(), 0,
                                     some_ids(), ASKED, &claim));
        return take_entries;
    }
    assert_ok(client, weir_append_xautoclaim(client, some_key(), some_group(),
                                             some_consumer(), 0, some_id(), &scan));
    return take_autoclaim;
}

static take_call *ask_to_look(void) {
    weir_xpending_options options = {.min_idle_ms = dice_below(2)};
    weir_xinfo_options full = {.full = dice_yes()};
    switch (dice_below(6)) {
    case 0:
        assert_ok(client, weir_append_xpending(client, some_key(), some_group()));
        return take_pending;
    case 1:
        assert_ok(client,
                  weir_append_xpending_range(client, some_key(), some_group(), some_id(),
                                             WEIR_ID_MAX, 1 + dice_below(9), &options));
        return take_pending_rows;
    case 2:
        assert_ok(client, weir_append_xinfo_groups(client, some_key()));
        return take_groups;
    case 3:
        assert_ok(client, weir_append_xinfo_consumers(client, some_key(), some_group()));
        return take_consumers;
    case 4: assert_ok(client, weir_append_xlen(client, some_key())); return take_count;
    default:
        assert_ok(client, weir_append_xinfo_stream(client, some_key(), &full));
        return take_stream_info;
    }
}

static take_call *ask(void) {
    switch (dice_below(6)) {
    case 0: return ask_to_look();
    case 1: return ask_to_claim();
    case 2:
    case 3: return ask_to_read();
    default: return ask_to_write();
    }
}

/* ---- one round ---- */

/* The same command to the real server, word by word. */
static weir_status ask_server(weir_client *server, weir_view sent, weir_reply *reply) {
    weir_view words[64];
    size_t count = 0;
    weir_reader reader;
    weir_token token;
    weir_reader_init(&reader, NULL);
    while (sent.len > 0) {
        size_t used;
        assert_status(weir_reader_next(&reader, sent, &used, &token), WEIR_OK);
        sent = weir_bytes(sent.data + used, sent.len - used);
        if (token.type == WEIR_TOKEN_BULK) {
            assert_true(count < 64);
            words[count++] = token.bytes;
        }
    }
    return weir_command(server, words, count, reply);
}

/* What an answer of nothing looks like differs, and weir says the same of it: no entry. */
static void expect_same(take_call *take) {
    bool is_nothing = take == take_entries && typed.count == 0 && plain.count <= 1;
    if (!is_nothing &&
        (typed.len != plain.len || memcmp(typed.text, plain.text, plain.len) != 0)) {
        print_error("weir:\n%.*s\nplainly:\n%.*s\n", (int)typed.len, typed.text,
                    (int)plain.len, plain.text);
        fail();
    }
}

/* Each take must have had something to give. */
static struct seen {
    take_call *take;
    uint64_t leaves;
} seen[] = {{take_entries, 0},  {take_autoclaim, 0}, {take_count, 0},
            {take_id, 0},       {take_pending, 0},   {take_pending_rows, 0},
            {take_groups, 0},   {take_consumers, 0}, {take_stream_info, 0},
            {take_deletions, 0}};
#define SEEN_COUNT (sizeof seen / sizeof seen[0])

static void note_seen(take_call *take) {
    for (size_t i = 0; i < SEEN_COUNT; i++) {
        seen[i].leaves += seen[i].take == take ? typed.count : 0;
    }
}

static bool are_all_seen(void) {
    bool are_seen = true;
    for (size_t i = 0; i < SEEN_COUNT; i++) {
        bool is_there = seen[i].take != take_deletions || live_has("8.2", "9.2");
        are_seen = are_seen && (!is_there || seen[i].leaves >= 100);
    }
    return are_seen;
}

static void forget_seen(void) {
    for (size_t i = 0; i < SEEN_COUNT; i++) {
        seen[i].leaves = 0;
    }
}

/* The dice may fall so that one of them has had little: then they are thrown on, for up to
 * ten times as long. */
static bool is_over(uint64_t round, uint64_t rounds) {
    bool is_enough = rounds < 3000 || round >= 10 * rounds || are_all_seen();
    return round >= rounds && is_enough;
}

/* True if the server answered with a value. */
static bool play_round(weir_client *server) {
    weir_reply reply;
    take_call *take = ask();
    weir_status st = ask_server(server, tape_take_sent(&tape, client), &reply);
    typed.len = plain.len = typed.count = plain.count = 0;
    if (st == WEIR_ERR_SERVER) {
        tape_say(&tape, weir_text("-ERR as it was told\r\n"));
        assert_status(weir_step(client), WEIR_OK);
        assert_status(weir_take_any(client), WEIR_ERR_SERVER);
        return false;
    }
    assert_ok(server, st);
    weir_view wire =
        weir_session_slot(&server->session, reply.slot, reply.serial)->detached;
    tape_say(&tape, wire);
    while (tape.said_len > 0) {
        assert_status(weir_step(client), WEIR_OK);
    }
    add_plain(&plain, wire);
    take();
    weir_reply_close(&reply);
    expect_same(take);
    note_seen(take);
    return true;
}

static void answers_are_taken_as_they_are_read_plainly(void **state) {
    struct live *live = *state;
    uint64_t answered = 0;
    uint64_t rounds = dice_rounds(3000);
    const char *const keys[] = {"s", "t"};
    uint64_t round = 0;
    last = 0;
    forget_seen();
    client = tape_open(&tape);
    for (int i = 0; i < 2; i++) {
        weir_source all = weir_source_after(weir_text(keys[i]), WEIR_ID_MIN);
        assert_ok(live->client,
                  weir_xgroup_create(live->client, all, WIRE("g"), MKSTREAM, NULL));
        assert_ok(live->client,
                  weir_xgroup_create(live->client, all, WIRE("h"), MKSTREAM, NULL));
    }
    for (; !is_over(round, rounds); round++) {
        answered += play_round(live->client) ? 1 : 0;
    }
    weir_close(client);
    assert_true(answered > round / 3);
    assert_true(rounds < 3000 || are_all_seen());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(answers_are_taken_as_they_are_read_plainly),
    };
    dice_begin();
    return live_run("random answers", tests);
}
