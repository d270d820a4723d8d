/* A producer that can do nothing for a while does nothing: it sleeps behind a full window,
 * and asks what was refused again only after a delay.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "tally.h"

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

/* XINFO STREAM shows the last entry, which takes memory to be received. */
static void facts_without_memory_are_not_asked_again_at_once(void **state) {
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
    assert_true(asked >= 1 && asked < 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 20);
    assert_status(weir_producer_close(producer, 5000), WEIR_OK);
    weir_producer_free(producer);
    assert_int_equal(mem.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(lingering_behind_a_full_window_sleeps),
        LIVE_ON_BOTH(facts_without_memory_are_not_asked_again_at_once),
    };
    return live_run("producer_quiet", tests);
}
