/* What a real server can do, and what is refused before it is sent.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "../stream/client_private.h"
#include "live.h"

#include <poll.h>

static bool knows_command(weir_client *client, const char *name) {
    const weir_view args[] = {weir_text("COMMAND"), weir_text("INFO"), weir_text(name)};
    weir_reply reply;
    weir_token token;
    assert_ok(client, weir_command(client, args, 3, &reply));
    assert_ok(client, weir_reply_next(&reply, &token));
    assert_ok(client, weir_reply_next(&reply, &token));
    weir_reply_close(&reply);
    return token.type != WEIR_TOKEN_NULL;
}

/* The version says the same as the commands that are there. */
static void features_are_those_of_the_server(void **state) {
    struct live *live = *state;
    static const struct {
        const char *command;
        weir_feature feature;
    } commands[] = {{"XAUTOCLAIM", WEIR_FEATURE_XAUTOCLAIM},
                    {"XDELEX", WEIR_FEATURE_XDELEX},
                    {"XACKDEL", WEIR_FEATURE_XACKDEL},
                    {"XCFGSET", WEIR_FEATURE_XCFGSET},
                    {"XNACK", WEIR_FEATURE_XNACK}};
    weir_server server;
    assert_ok(live->client, weir_client_server(live->client, &server));
    assert_true(strcmp(server.name, "redis") == 0 || strcmp(server.name, "valkey") == 0);
    assert_true(weir_version_number(server.version) > weir_version_number("5.0"));
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(weir_server_has(&server, commands[i].feature),
                         knows_command(live->client, commands[i].command));
    }
}

/* What RESP2 asks by INFO is what RESP3 is told by HELLO. */
static void both_protocols_know_the_same_server(void **state) {
    struct live *live = *state;
    weir_client *other;
    weir_options options = {.protocol = live->protocol == 2 ? 3 : 2};
    weir_server mine;
    weir_server theirs;
    weir_status st = weir_open(live->server->url, &options, &other);
    assert_ok(other, st);
    assert_ok(live->client, weir_client_server(live->client, &mine));
    assert_ok(other, weir_client_server(other, &theirs));
    assert_string_equal(mine.name, theirs.name);
    assert_string_equal(mine.version, theirs.version);
    assert_int_equal(mine.features, theirs.features);
    assert_int_equal(mine.lacks, theirs.lacks);
    weir_close(other);
}

static void the_server_is_asked_behind_a_pipeline_in_hand(void **state) {
    struct live *live = *state;
    weir_server server;
    weir_entries page;
    weir_entry entry;
    uint64_t count;
    live_fill(live->client, "s", 100, 1000);
    assert_ok(live->client,
              weir_xrange(live->client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_ok(live->client, weir_append_xlen(live->client, WIRE("s")));
    assert_ok(live->client, weir_client_server(live->client, &server));
    assert_int_equal(weir_unanswered(live->client), 1);
    assert_int_equal(entry.fields[0].value.len, 1000); /* the entry in hand stays */
    assert_int_equal(entry.fields[0].value.data[999], 'v');
    for (uint64_t ms = 2; ms <= 100; ms++) {
        assert_next(&page, ms, 0);
    }
    assert_end(&page);
    assert_ok(live->client, weir_take_count(live->client, &count));
    assert_int_equal(count, 100);
}

static void an_old_feature_asks_for_nothing(void **state) {
    struct live *live = *state;
    uint64_t before = live->client->session.next;
    assert_ok(live->client,
              weir_client_need(live->client, UINT32_C(1) << WEIR_FEATURE_XAUTOCLAIM));
    assert_int_equal(live->client->session.next, before);
}

static void a_feature_is_asked_for_once(void **state) {
    struct live *live = *state;
    weir_server server;
    assert_ok(live->client, weir_client_server(live->client, &server));
    uint64_t before = live->client->session.next;
    assert_ok(live->client, weir_client_server(live->client, &server));
    (void)weir_client_need(live->client, UINT32_C(1) << WEIR_FEATURE_MAXCOUNT);
    assert_int_equal(live->client->session.next, before);
}

static void what_the_server_lacks_names_it_and_who_has_it(void **state) {
    struct live *live = *state;
    weir_server server;
    assert_ok(live->client, weir_client_server(live->client, &server));
    for (int i = 0; i < WEIR_FEATURE_COUNT; i++) {
        weir_feature feature = (weir_feature)i;
        weir_status st = weir_client_need(live->client, UINT32_C(1) << feature);
        if (weir_server_has(&server, feature)) {
            assert_ok(live->client, st);
            continue;
        }
        const char *text = weir_client_error(live->client)->text;
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        assert_non_null(strstr(text, server.name));
        assert_non_null(strstr(text, server.version));
        assert_non_null(strstr(text, weir_feature_row_of(feature)->redis));
        assert_false(weir_client_error(live->client)->may_have_run);
    }
}

static void an_event_loop_asks_without_waiting(void **state) {
    struct live *live = *state;
    weir_options options = {.non_blocking = true};
    weir_client *client = live_other(live, &options);
    weir_server server = {.name = NULL};
    weir_status st = weir_client_server(client, &server);
    for (int turns = 0; st == WEIR_MORE && turns < 1000; turns++) {
        struct pollfd watched = {.fd = weir_client_fd(client), .events = POLLIN};
        (void)poll(&watched, 1, 10);
        assert_ok(client, weir_step(client));
        st = weir_client_server(client, &server);
    }
    assert_ok(client, st);
    assert_true(server.features != 0);
}

static void xackdel_is_cut_where_it_overflows(void **state) {
    struct live *live = *state;
    weir_session *session = &live->client->session;
    weir_server server;
    assert_ok(live->client, weir_client_server(live->client, &server));
    assert_true(weir_client_xackdel_most(live->client) == SIZE_MAX);
    static const struct {
        const char *name;
        const char *version;
        size_t most;
    } servers[] = {{"redis", "8.2.0", 8},         {"redis", "8.2.2", 8},
                   {"redis", "8.2.3", SIZE_MAX},  {"redis", "8.1.9", SIZE_MAX},
                   {"valkey", "9.2.0", SIZE_MAX}, {"valkey", "8.2.1", SIZE_MAX},
                   {"other", "8.2.1", 8},         {"", "", 8}};
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        (void)snprintf(session->server, sizeof session->server, "%s", servers[i].name);
        (void)snprintf(session->version, sizeof session->version, "%s", servers[i].version);
        assert_true(weir_client_xackdel_most(live->client) == servers[i].most);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(features_are_those_of_the_server),
        LIVE_ON_BOTH(both_protocols_know_the_same_server),
        LIVE_ON_BOTH(the_server_is_asked_behind_a_pipeline_in_hand),
        LIVE_ON_BOTH(an_old_feature_asks_for_nothing),
        LIVE_ON_BOTH(a_feature_is_asked_for_once),
        LIVE_ON_BOTH(what_the_server_lacks_names_it_and_who_has_it),
        LIVE_ON_BOTH(an_event_loop_asks_without_waiting),
        LIVE_ON_BOTH(xackdel_is_cut_where_it_overflows),
    };
    return live_run("the server", tests);
}
