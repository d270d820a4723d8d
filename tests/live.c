/* Tests against a real server.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "road.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MOST_WORDS 16
#define FILL_BATCH 1000

/* cmocka hands one state to a group, another to a test; the program has one server. */
static struct server the_server;

/* What it says of itself on RESP3: on RESP2 alone, nobody asks it. */
static char the_name[16];
static char the_version[32];

/* A test that fails on one kind of server alone is to say on which. */
static void learn_server(void) {
    weir_client *client;
    if (weir_open(the_server.url, NULL, &client) == WEIR_OK) {
        weir_greeting greeting = weir_client_greeting(client);
        (void)snprintf(the_name, sizeof the_name, "%s", greeting.server);
        (void)snprintf(the_version, sizeof the_version, "%s", greeting.version);
        print_message("server: %s %s\n", the_name, the_version);
    }
    weir_close(client);
}

int live_start(void **state) {
    (void)state;
    if (!server_start(&the_server, true, NULL)) {
        return 1;
    }
    learn_server();
    return 0;
}

int live_stop(void **state) {
    (void)state;
    server_stop(&the_server);
    return 0;
}

static int open_live(void **state, int protocol) {
    struct live *live = calloc(1, sizeof *live);
    assert_non_null(live);
    live->server = &the_server;
    live->protocol = protocol;
    *state = live;
    road_go_on();
    weir_options options = {.protocol = protocol};
    weir_status st = weir_open(the_server.url, &options, &live->client);
    assert_ok(live->client, st);
    assert_ok(live->client, live_say(live->client, "FLUSHALL"));
    assert_int_equal(weir_client_greeting(live->client).protocol, protocol);
    return 0;
}

int live_open_resp2(void **state) { return open_live(state, 2); }

int live_open_resp3(void **state) { return open_live(state, 3); }

int live_close(void **state) {
    struct live *live = *state;
    for (size_t i = 0; i < live->other_count; i++) {
        weir_close(live->others[i]);
    }
    weir_close(live->client);
    free(live);
    return 0;
}

weir_client *live_other(struct live *live, const weir_options *options) {
    weir_options given = options != NULL ? *options : (weir_options){0};
    given.protocol = live->protocol;
    assert_true(live->other_count < LIVE_OTHERS);
    weir_client **other = &live->others[live->other_count++];
    weir_status st = weir_open(the_server.url, &given, other);
    assert_ok(*other, st);
    return *other;
}

void live_assert_ok(weir_client *client, weir_status given, const char *what,
                    const char *file, int line) {
    if (given != WEIR_OK) {
        print_error("%s is %d (%s): %s\n", what, given, weir_status_text(given),
                    weir_client_error(client)->text);
        _fail(file, line);
    }
}

void live_assert_code(weir_client *client, weir_status given, const char *word,
                      const char *file, int line) {
    const weir_error *error = weir_client_error(client);
    if (given != WEIR_ERR_SERVER || error->status != WEIR_ERR_SERVER ||
        strcmp(error->code, word) != 0) {
        print_error("status %d (%s), code \"%s\", text \"%s\"; expected code \"%s\"\n",
                    given, weir_status_text(given), error->code, error->text, word);
        _fail(file, line);
    }
}

void live_assert_id(weir_id given, uint64_t ms, uint64_t seq, const char *file, int line) {
    if (given.ms != ms || given.seq != seq) {
        print_error("id %llu-%llu, expected %llu-%llu\n", (unsigned long long)given.ms,
                    (unsigned long long)given.seq, (unsigned long long)ms,
                    (unsigned long long)seq);
        _fail(file, line);
    }
}

/* "8.6.3" as 8006003. */
static long version_number(const char *text) {
    long number = 0;
    for (int i = 0; i < 3; i++) {
        char *end;
        number = number * 1000 + strtol(text, &end, 10);
        text = *end == '.' ? end + 1 : end;
    }
    return number;
}

bool live_has(const char *redis, const char *valkey) {
    const char *first = strcmp(the_name, "valkey") == 0 ? valkey : redis;
    return first != NULL && version_number(the_version) >= version_number(first);
}

const char *live_label(void) {
    static char label[64];
    const char *patch = strrchr(the_version, '.');
    int len = patch != NULL ? (int)(patch - the_version) : 0;
    (void)snprintf(label, sizeof label, "%s-%.*s", the_name, len, the_version);
    return label;
}

weir_status live_say_words(weir_client *client, const char *const *words) {
    weir_view args[MOST_WORDS];
    size_t count = 0;
    for (; words[count] != NULL; count++) {
        assert_true(count < MOST_WORDS);
        args[count] = weir_text(words[count]);
    }
    return weir_command(client, args, count, NULL);
}

void live_add(weir_client *client, const char *key, uint64_t ms, uint64_t seq) {
    weir_field field = weir_pair("n", "1");
    weir_xadd_options options = {.id = {ms, seq}};
    assert_ok(client, weir_xadd(client, weir_text(key), &field, 1, &options, NULL));
}

void live_fill(weir_client *client, const char *key, uint64_t count, size_t value_bytes) {
    char *value = malloc(value_bytes + 1);
    assert_non_null(value);
    memset(value, 'v', value_bytes);
    weir_field field = {weir_text("n"), weir_bytes(value, value_bytes)};
    for (uint64_t ms = 1; ms <= count; ms++) {
        weir_xadd_options options = {.id = {ms, 0}};
        assert_ok(client, weir_append_xadd(client, weir_text(key), &field, 1, &options));
        while (weir_unanswered(client) >= (ms == count ? 1 : FILL_BATCH)) {
            assert_ok(client, weir_take_id(client, NULL));
        }
    }
    free(value);
}

void live_assert_next(weir_entries *entries, uint64_t ms, uint64_t seq, const char *file,
                      int line) {
    weir_entry entry;
    weir_status st = weir_entries_next(entries, &entry);
    if (st != WEIR_OK) {
        print_error("no entry: %d (%s)\n", st, weir_status_text(st));
        _fail(file, line);
    }
    live_assert_id(entry.id, ms, seq, file, line);
}

void live_assert_end(weir_entries *entries, const char *file, int line) {
    weir_entry entry;
    weir_status st = weir_entries_next(entries, &entry);
    if (st == WEIR_OK) {
        print_error("an entry too many: %llu-%llu\n", (unsigned long long)entry.id.ms,
                    (unsigned long long)entry.id.seq);
    }
    support_assert_status(st, WEIR_END, "the end of the entries", file, line);
    support_assert_status(weir_entries_next(entries, &entry), WEIR_END, "the end, again",
                          file, line);
}

int64_t live_now_ms(void) {
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
