/* A producer that can do nothing for a while does nothing: it sleeps behind a full window,
 * and asks what was refused again only after a delay.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>

/* How often the server has executed that command, as INFO COMMANDSTATS has its name. */
static long calls_of(weir_client *client, const char *name) {
    const weir_view words[] = {WIRE("INFO"), WIRE("COMMANDSTATS")};
    static char text[65536];
    weir_reply reply;
    weir_token token;
    assert_ok(client, weir_command(client, words, 2, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_true(token.bytes.len < sizeof text);
    memcpy(text, token.bytes.data, token.bytes.len);
    text[token.bytes.len] = '\0';
    weir_reply_close(&reply);
    const char *line = strstr(text, name);
    const char *calls = line != NULL ? strstr(line, "calls=") : NULL;
    return calls != NULL ? strtol(calls + strlen("calls="), NULL, 10) : 0;
}

static void lingering_behind_a_full_window_sleeps(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.linger_us = 1000;
    options.in_flight_entries = 4;
    options.timeout_ms = WEIR_FOREVER;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    assert_ok(live->client, live_say(live->client, "CLIENT", "PAUSE", "400", "WRITE"));
    tally_append(producer, stream, 0, 20);
    int waits = 0;
    while (tally.reports < 20) {
        assert_status(weir_producer_wait(producer, WEIR_FOREVER), WEIR_OK);
        waits++;
    }
    assert_true(waits < 60); /* once a millisecond would be 400 */
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 20);
    assert_status(weir_producer_close(producer, 5000), WEIR_OK);
    weir_producer_free(producer);
}

/* XINFO STREAM shows the last entry, which takes memory to be received: what stands before
 * it is enough. */
static void facts_without_memory_are_asked_once(void **state) {
    struct live *live = *state;
    static char big[300001];
    struct tally tally;
    struct support_mem mem = {.allowed = SIZE_MAX};
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_IDS);
    weir_options client = {.mem = support_mem(&mem), .limits = {.receive_bytes = 80000}};
    memset(big, 'x', sizeof big - 1);
    assert_ok(live->client, live_say(live->client, "XADD", "s", "1-1", "n", big));
    options.linger_us = 20000; /* appended, and not sent while memory is to be had */
    weir_producer *producer = tally_open(live->server->url, &client, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, tally_stream(producer, "other"), 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    tally_append(producer, stream, 0, 10);
    long before = calls_of(live->client, "cmdstat_xinfo");
    size_t allowed = mem.allowed;
    mem.allowed = 0;
    int64_t began_ms = live_now_ms();
    while (live_now_ms() - began_ms < 400) {
        assert_true(weir_producer_wait(producer, 20) >= 0);
    }
    mem.allowed = allowed;
    long asked = calls_of(live->client, "cmdstat_xinfo") - before;
    assert_int_equal(asked, 1);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 20);
    assert_status(weir_producer_close(producer, 5000), WEIR_OK);
    weir_producer_free(producer);
    assert_int_equal(mem.live, 0);
}

/* ---- a server that loads its data ---- */

static struct server the_server;

static int stop_own(void **state) {
    (void)state;
    server_stop(&the_server);
    return 0;
}

static void count_tries(void *context, const weir_link_event *event) {
    *(int *)context += event->state == WEIR_LINK_CONNECTING;
}

/* 250 keys that take 8 ms each to be loaded; the server answers meanwhile. */
static const char *const SLOWLY[] = {"--key-load-delay",
                                     "8000",
                                     "--loading-process-events-interval-bytes",
                                     "1024",
                                     "--rdbcompression",
                                     "no",
                                     NULL};

static void save_much(weir_client *client) {
    static char value[2001];
    memset(value, 'x', sizeof value - 1);
    for (int i = 0; i < 250; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        assert_ok(client, live_say(client, "SET", key, value));
    }
    assert_ok(client, live_say(client, "SAVE"));
}

static void produce_while_it_loads(weir_delivery_mode delivery) {
    struct tally tally;
    int tries = 0;
    weir_client *direct;
    weir_producer_options options = tally_options(&tally, delivery);
    weir_options client = {.reconnect = {.on_change = count_tries, .context = &tries}};
    assert_true(server_start(&the_server, false, SLOWLY));
    weir_producer *producer = tally_open(the_server.url, &client, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_status(weir_open(the_server.url, NULL, &direct), WEIR_OK);
    save_much(direct);
    weir_close(direct);
    server_kill(&the_server);
    tries = 0;
    int64_t began_ms = live_now_ms();
    assert_true(server_restart(&the_server, SLOWLY));
    tally_append(producer, stream, 10, 20);
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    int64_t took_ms = live_now_ms() - began_ms;
    print_message("loaded after %d ms: %d tries to connect\n", (int)took_ms, tries);
    assert_true(took_ms > 1500);
    assert_true(tries > 1 && tries <= took_ms / 100 + 1); /* less than ten a second */
    assert_int_equal(tally.reports, 20);
    assert_true(tally.outcomes[WEIR_OUTCOME_NOT_EXECUTED] == 0);
    assert_int_equal(tally.losses, 0);
    assert_status(weir_producer_close(producer, 5000), WEIR_OK);
    weir_producer_free(producer);
    server_stop(&the_server);
}

static void a_server_that_loads_its_data_is_waited_for(void **state) {
    (void)state;
    produce_while_it_loads(WEIR_DELIVERY_REPORT);
    produce_while_it_loads(WEIR_DELIVERY_SCRIPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(lingering_behind_a_full_window_sleeps),
        LIVE_ON_BOTH(facts_without_memory_are_asked_once),
        cmocka_unit_test_teardown(a_server_that_loads_its_data_is_waited_for, stop_own),
    };
    return live_run("producer_quiet", tests);
}
