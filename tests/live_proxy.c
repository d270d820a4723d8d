/* The proxy of the tests, before a real server: it does what it is told, to the byte and to
 * the reply.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "proxy.h"
#include "tally.h"

#include <stdio.h>

#define SEED 7

static struct proxy the_proxy;

static int open_proxy(void **state) {
    if (live_open_resp3(state) != 0) {
        return 1;
    }
    const struct live *live = *state;
    return proxy_start(&the_proxy, live->server->path, SEED) ? 0 : 1;
}

static int close_proxy(void **state) {
    proxy_stop(&the_proxy);
    return live_close(state);
}

/* A client of the proxy's; the live one goes to the server itself. */
static weir_client *through(struct live *live, const char *url) {
    weir_client *client;
    weir_options options = {.protocol = 2, .timeout_ms = 2000};
    weir_status st = weir_open(url, &options, &client);
    live->others[live->other_count++] = client;
    assert_ok(client, st);
    return client;
}

static void close_last(struct live *live) { weir_close(live->others[--live->other_count]); }

static uint64_t length(const struct live *live) {
    uint64_t count = 0;
    assert_ok(live->client, weir_xlen(live->client, WIRE("s"), &count));
    return count;
}

static void append(weir_client *client, uint64_t count) {
    weir_field field = weir_pair("n", "1");
    for (uint64_t i = 1; i <= count; i++) {
        weir_id id = {.ms = i, .seq = 0};
        assert_ok(client, weir_append_xadd(client, WIRE("s"), &field, 1,
                                           &(weir_xadd_options){.id = id}));
    }
}

/* How many answers come until the connection is over. */
static uint64_t answers(weir_client *client, weir_status *end) {
    uint64_t count = 0;
    while ((*end = weir_take_id(client, NULL)) == WEIR_OK) {
        count++;
    }
    return count;
}

static void bytes_pass_whole_and_in_pieces(void **state) {
    struct live *live = *state;
    const char *const manners[] = {"pieces both whole", "pieces both 1",
                                   "pieces both random 7"};
    for (size_t i = 0; i < 3; i++) {
        proxy_say(&the_proxy, manners[i]);
        weir_client *client = through(live, i == 1 ? the_proxy.tcp_url : the_proxy.url);
        assert_ok(client, live_say(client, "DEL", "s"));
        live_fill(client, "s", 100, 50);
        assert_int_equal(length(live), 100);
    }
    struct proxy_counts counts = proxy_counts(&the_proxy);
    assert_int_equal(counts.connections, 3);
    assert_int_equal(counts.open, 3);
    assert_int_equal(counts.broken, 0);
    assert_true(counts.up > 3 * 100 * 50 && counts.down > 3 * 100 * 8);
}

static void more_passes_than_it_holds(void **state) {
    struct live *live = *state;
    const char *const manners[] = {"pieces both whole", "pieces both 1000",
                                   "pieces both random 3000"};
    for (size_t i = 0; i < 3; i++) {
        proxy_say(&the_proxy, manners[i]);
        weir_client *client = through(live, the_proxy.url);
        assert_ok(client, live_say(client, "DEL", "s"));
        live_fill(client, "s", 500, 1000);
        weir_entries all;
        weir_entry entry;
        uint64_t count = 0;
        weir_status st =
            weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &all);
        while (st == WEIR_OK && (st = weir_entries_next(&all, &entry)) == WEIR_OK) {
            count++;
        }
        assert_status(st, WEIR_END);
        assert_int_equal(count, 500);
    }
}

static void an_answer_is_cut_off_after_the_server_gave_it(void **state) {
    struct live *live = *state;
    weir_client *client = through(live, the_proxy.url);
    proxy_say(&the_proxy, "cut after 0 down");
    append(client, 1);
    weir_status end;
    assert_int_equal(answers(client, &end), 0);
    assert_status(end, WEIR_ERR_CLOSED);
    assert_int_equal(length(live), 1);
    assert_int_equal(proxy_counts(&the_proxy).open, 0);
}

static void a_cut_comes_behind_the_reply_or_byte_that_was_named(void **state) {
    struct live *live = *state;
    static const struct {
        const char *command;
        uint64_t answers;
    } cases[] = {{"cut after 4 replies", 4}, /* each is "$3\r\n1-0\r\n": 9 bytes */
                 {"cut after 26 down", 2},
                 {"cut after 27 down", 3},
                 {"cut after 28 down", 3}};
    for (size_t i = 0; i < 4; i++) {
        weir_client *client = through(live, the_proxy.url);
        assert_ok(client, live_say(client, "DEL", "s"));
        proxy_say(&the_proxy, cases[i].command);
        append(client, 9);
        weir_status end;
        assert_int_equal(answers(client, &end), cases[i].answers);
        assert_status(end, WEIR_ERR_CLOSED);
        close_last(live);
    }
}

static void a_reset_is_told_from_a_close(void **state) {
    struct live *live = *state;
    weir_client *client = through(live, the_proxy.tcp_url);
    proxy_say(&the_proxy, "reset client after 0 down");
    append(client, 1);
    weir_status end;
    assert_int_equal(answers(client, &end), 0);
    assert_status(end, WEIR_ERR_IO);
    assert_non_null(strstr(weir_client_error(client)->text, "reset"));
}

static void what_was_stalled_goes_on_and_runs_late(void **state) {
    struct live *live = *state;
    weir_client *client = through(live, the_proxy.url);
    proxy_say(&the_proxy, "stall up");
    append(client, 3);
    assert_ok(client, weir_step(client)); /* sent, and held by the proxy */
    assert_int_equal(length(live), 0);
    close_last(live);
    proxy_say(&the_proxy, "go"); /* the client is gone: this is the late execution */
    for (int tries = 0; tries < 200 && length(live) < 3; tries++) {
        assert_ok(live->client, live_say(live->client, "PING"));
    }
    assert_int_equal(length(live), 3);
}

static void an_answer_that_is_stalled_is_waited_for(void **state) {
    struct live *live = *state;
    weir_client *client = through(live, the_proxy.url);
    proxy_say(&the_proxy, "stall down after 1 replies");
    append(client, 2);
    weir_status end;
    assert_int_equal(answers(client, &end), 1);
    assert_status(end, WEIR_ERR_TIMEOUT);
    assert_int_equal(length(live), 2);
}

static void a_delay_is_kept(void **state) {
    struct live *live = *state;
    weir_client *client = through(live, the_proxy.url);
    proxy_say(&the_proxy, "delay down 60");
    int64_t began = live_now_ms();
    assert_ok(client, live_say(client, "PING"));
    assert_true(live_now_ms() - began >= 59);
    proxy_say(&the_proxy, "delay down 0");
    proxy_say(&the_proxy, "pieces down 1 every 10"); /* "+PONG\r\n": 6 waits */
    began = live_now_ms();
    assert_ok(client, live_say(client, "PING"));
    assert_true(live_now_ms() - began >= 59);
}

static void new_connections_are_refused_until_they_are_accepted(void **state) {
    struct live *live = *state;
    const char *const urls[] = {the_proxy.url, the_proxy.tcp_url};
    proxy_say(&the_proxy, "refuse");
    for (size_t i = 0; i < 2; i++) {
        weir_client *client;
        assert_status(weir_open(urls[i], NULL, &client), WEIR_ERR_CONNECT);
        weir_close(client);
    }
    proxy_say(&the_proxy, "accept");
    (void)through(live, urls[0]);
    (void)through(live, urls[1]);
}

static void the_backend_can_be_another(void **state) {
    struct live *live = *state;
    weir_client *client;
    proxy_say(&the_proxy, "backend /nowhere");
    /* closed, or reset: it depends on whether the greeting had arrived */
    assert_true(weir_open(the_proxy.url, NULL, &client) <= WEIR_ERR_IO);
    weir_close(client);
    assert_int_equal(proxy_counts(&the_proxy).refused, 1);
    char command[32];
    (void)snprintf(command, sizeof command, "backend %u", (unsigned)live->server->port);
    proxy_say(&the_proxy, command);
    (void)through(live, the_proxy.url);
}

/* After how many answers each of some connections is cut, by chance of 1 to 100. */
static void cut_at_random(struct live *live, uint64_t *lives, size_t count) {
    for (size_t i = 0; i < count; i++) {
        weir_status end;
        weir_client *client = through(live, the_proxy.url);
        assert_ok(client, live_say(client, "DEL", "s"));
        proxy_say(&the_proxy, "cut each within 100 replies");
        append(client, 200);
        lives[i] = answers(client, &end);
        assert_status(end, WEIR_ERR_CLOSED);
        proxy_say(&the_proxy, "go"); /* the next one is to get through its handshake */
        close_last(live);
    }
}

static void chance_is_the_same_for_the_same_seed(void **state) {
    struct live *live = *state;
    uint64_t lives[2][5];
    bool differ = false;
    for (size_t i = 0; i < 2; i++) {
        proxy_stop(&the_proxy);
        assert_true(proxy_start(&the_proxy, live->server->path, SEED));
        cut_at_random(live, lives[i], 5);
    }
    assert_memory_equal(lives[0], lives[1], sizeof lives[0]);
    for (size_t i = 0; i < 5; i++) {
        assert_in_range(lives[0][i], 1, 100);
        differ = differ || lives[0][i] != lives[0][0];
    }
    assert_true(differ);
}

static void each_connection_has_a_count_of_its_own(void **state) {
    struct live *live = *state;
    weir_client *clients[] = {through(live, the_proxy.url),
                              through(live, the_proxy.tcp_url)};
    proxy_say(&the_proxy, "cut each after 5 replies");
    for (size_t i = 0; i < 2; i++) {
        assert_ok(live->client, live_say(live->client, "DEL", "s"));
        append(clients[i], 9);
        weir_status end;
        assert_int_equal(answers(clients[i], &end), 5);
    }
    assert_int_equal(proxy_counts(&the_proxy).broken, 2);
}

/* 100 MB of appends to one who reads nothing while its answers are not taken: whoever only
 * writes until all is written waits for ever. */
static void who_answers_before_it_reads_on_holds_nothing_up(void **state) {
    (void)state;
    static char value[4001];
    struct support_mem mem = {.allowed = SIZE_MAX};
    const size_t most_bytes = 1000000;
    const int count = 25000;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    weir_options client = {.mem = support_mem(&mem)};
    const weir_stream_options few = {.trim = {.by = WEIR_TRIM_MAXLEN, .max_len = 100}};
    weir_stream *stream;
    memset(value, 'x', sizeof value - 1);
    options.most_bytes = most_bytes;
    options.in_flight_bytes = most_bytes / 2;
    options.full_wait_ms = 10000;
    proxy_say(&the_proxy, "turns");
    weir_producer *producer = tally_open(the_proxy.url, &client, &options);
    assert_status(weir_producer_stream(producer, WIRE("s"), &few, &stream), WEIR_OK);
    weir_field field = weir_pair("n", value);
    for (int i = 0; i < count; i++) {
        assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_OK);
    }
    assert_status(weir_producer_close(producer, 20000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], count);
    weir_producer_free(producer);
    assert_true(mem.peak < 3 * most_bytes);
}

#define BEFORE_PROXY(test)                                                                 \
    { #test, test, open_proxy, close_proxy, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        BEFORE_PROXY(bytes_pass_whole_and_in_pieces),
        BEFORE_PROXY(more_passes_than_it_holds),
        BEFORE_PROXY(an_answer_is_cut_off_after_the_server_gave_it),
        BEFORE_PROXY(a_cut_comes_behind_the_reply_or_byte_that_was_named),
        BEFORE_PROXY(a_reset_is_told_from_a_close),
        BEFORE_PROXY(what_was_stalled_goes_on_and_runs_late),
        BEFORE_PROXY(an_answer_that_is_stalled_is_waited_for),
        BEFORE_PROXY(a_delay_is_kept),
        BEFORE_PROXY(who_answers_before_it_reads_on_holds_nothing_up),
        BEFORE_PROXY(new_connections_are_refused_until_they_are_accepted),
        BEFORE_PROXY(the_backend_can_be_another),
        BEFORE_PROXY(each_connection_has_a_count_of_its_own),
        BEFORE_PROXY(chance_is_the_same_for_the_same_seed),
    };
    return live_run("proxy", tests);
}
