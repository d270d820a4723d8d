/* A producer on a real server that is killed, full, paused, or loses what it knew.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>

static void finish(weir_producer *producer) {
    assert_status(weir_producer_close(producer, 20000), WEIR_OK);
    weir_producer_free(producer);
}

/* ---- a server of the test's own, that is killed ---- */

static struct server the_server;

static weir_client *direct(void) {
    weir_client *client;
    assert_status(weir_open(the_server.url, NULL, &client), WEIR_OK);
    return client;
}

static int stop_own(void **state) {
    (void)state;
    server_stop(&the_server);
    return 0;
}

/* Ten are saved, ten more are acknowledged and lost, ten come while it is down. */
static void lose(weir_delivery_mode delivery) {
    struct tally tally;
    weir_producer_options options = tally_options(&tally, delivery);
    assert_true(server_start(&the_server, false, NULL));
    weir_producer *producer = tally_open(the_server.url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    weir_id saved = tally.last;
    weir_client *client = direct();
    assert_ok(client, live_say(client, "SAVE"));
    weir_close(client);
    tally_append(producer, stream, 10, 20);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    weir_id lost = tally.last;
    server_kill(&the_server);
    assert_true(server_restart(&the_server, NULL));
    assert_int_equal(tally.losses, 0);
    tally_append(producer, stream, 10, 20);
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    for (int i = 0; i < 200 && tally.losses == 0; i++) {
        assert_status(weir_producer_wait(producer, 10), WEIR_OK);
    }
    assert_int_equal(tally.losses, 1);
    assert_int_equal(weir_id_compare(tally.loss.kept, saved), 0);
    assert_int_equal(weir_id_compare(tally.loss.acked, lost), 0);
    assert_false(tally.loss.is_gone);
    assert_int_equal(
        tally.outcomes[WEIR_OUTCOME_ACKED] + tally.outcomes[WEIR_OUTCOME_UNKNOWN], 30);
    finish(producer);
    client = direct();
    if (tally.outcomes[WEIR_OUTCOME_UNKNOWN] == 0) {
        tally_assert_row(client, "s", 0, 20);
    }
    weir_close(client);
}

static void a_loss_is_told_in_report_mode(void **state) {
    (void)state;
    lose(WEIR_DELIVERY_REPORT);
}

static void a_loss_is_told_and_the_script_goes_on(void **state) {
    (void)state;
    lose(WEIR_DELIVERY_SCRIPT);
}

static void a_loss_is_told_with_own_ids(void **state) {
    (void)state;
    lose(WEIR_DELIVERY_IDS);
}

static void a_loss_is_told_at_least_once_too(void **state) {
    (void)state;
    lose(WEIR_DELIVERY_AT_LEAST_ONCE);
}

static void a_loss_is_told_by_idmp(void **state) {
    (void)state;
    if (live_has("8.6.2", NULL)) {
        lose(WEIR_DELIVERY_IDMP);
    }
}

/* A server that saves nothing begins anew: all that was acknowledged is gone. */
static void vanish(weir_delivery_mode delivery) {
    struct tally tally;
    weir_producer_options options = tally_options(&tally, delivery);
    assert_true(server_start(&the_server, false, NULL));
    weir_producer *producer = tally_open(the_server.url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    weir_id lost = tally.last;
    server_kill(&the_server);
    assert_true(server_restart(&the_server, NULL));
    for (int i = 0; i < 500 && tally.losses == 0; i++) {
        assert_status(weir_producer_wait(producer, 10), WEIR_OK);
    }
    assert_int_equal(tally.losses, 1);
    assert_true(tally.loss.is_gone);
    assert_int_equal(weir_id_compare(tally.loss.kept, WEIR_ID_MIN), 0);
    assert_int_equal(weir_id_compare(tally.loss.acked, lost), 0);
    tally_append(producer, stream, 10, 20);
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 20);
    finish(producer);
    weir_client *client = direct();
    tally_assert_row(client, "s", 10, 10);
    weir_close(client);
    server_stop(&the_server);
}

static void a_server_that_begins_anew_is_told_in_all_modes(void **state) {
    (void)state;
    vanish(WEIR_DELIVERY_REPORT);
    vanish(WEIR_DELIVERY_AT_LEAST_ONCE);
    vanish(WEIR_DELIVERY_SCRIPT);
    vanish(WEIR_DELIVERY_IDS);
    if (live_has("8.6.2", NULL)) {
        vanish(WEIR_DELIVERY_IDMP);
    }
}

/* Reports that were not taken say it themselves. */
static void a_report_that_waits_turns_into_a_loss(void **state) {
    (void)state;
    static weir_report reports[20];
    weir_producer_options options = {0};
    weir_counters counters;
    size_t count = 0;
    assert_true(server_start(&the_server, false, NULL));
    weir_producer *producer = tally_open(the_server.url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    server_kill(&the_server);
    assert_true(server_restart(&the_server, NULL));
    for (int i = 0; i < 500; i++) {
        (void)weir_producer_wait(producer, 10);
        weir_producer_counters(producer, &counters);
        if (counters.losses > 0) {
            break;
        }
    }
    assert_status(weir_producer_take(producer, reports, 20, &count), WEIR_OK);
    assert_int_equal(count, 10);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(reports[i].outcome, WEIR_OUTCOME_ACKED_LOST);
    }
    assert_int_equal(counters.acked_lost, 10);
    finish(producer);
}

/* Killed again and again in mid-run, with all on disk before it is acknowledged. */
static void killed(weir_delivery_mode delivery) {
    static const char *const always[] = {"--appendonly", "yes", "--appendfsync", "always",
                                         NULL};
    struct tally tally;
    weir_producer_options options = tally_options(&tally, delivery);
    weir_options client_options = {.reconnect = {.floor_ms = 5, .ceiling_ms = 20}};
    assert_true(server_start(&the_server, false, always));
    weir_producer *producer = tally_open(the_server.url, &client_options, &options);
    weir_stream *stream = tally_stream(producer, "s");
    for (int round = 0; round < 4; round++) {
        tally_append(producer, stream, round * 2000, round * 2000 + 2000);
        server_kill(&the_server);
        assert_true(server_restart(&the_server, always));
    }
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 8000);
    assert_int_equal(tally.losses, 0);
    finish(producer);
    weir_client *client = direct();
    tally_assert_row(client, "s", 0, 8000);
    weir_close(client);
}

static void the_script_survives_a_server_that_is_killed(void **state) {
    (void)state;
    killed(WEIR_DELIVERY_SCRIPT);
}

static void own_ids_survive_a_server_that_is_killed(void **state) {
    (void)state;
    killed(WEIR_DELIVERY_IDS);
}

/* ---- what a server forgets ---- */

static void a_script_that_is_flushed_is_loaded_again(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_SCRIPT);
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    for (int round = 0; round < 4; round++) {
        tally_append(producer, stream, round * 1000, round * 1000 + 1000);
        assert_ok(live->client, live_say(live->client, "SCRIPT", "FLUSH"));
    }
    finish(producer);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 4000);
    tally_assert_row(live->client, "s", 0, 4000);
}

/* The stream, or what is kept beside it, is deleted: what comes then is added. */
static void forget(struct live *live, const char *key, int left) {
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_SCRIPT);
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_ok(live->client, live_say(live->client, "DEL", key));
    tally_append(producer, stream, 10, 20);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 20);
    tally_assert_row(live->client, "s", 20 - left, left);
    finish(producer);
}

static void the_script_goes_on_when_the_stream_is_deleted(void **state) {
    forget(*state, "s", 10);
}

static void the_script_goes_on_when_its_numbers_are_deleted(void **state) {
    forget(*state, "{s}:weir", 20);
}

/* Closed in good order, a producer leaves nothing of its own. */
static void the_script_leaves_nothing_behind(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_SCRIPT);
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_reply reply;
    weir_token token;
    tally_append(producer, tally_stream(producer, "s"), 0, 2000);
    assert_status(weir_producer_close(producer, 5000), WEIR_OK);
    weir_producer_free(producer);
    const weir_view words[] = {weir_text("EXISTS"), weir_text("{s}:weir")};
    assert_ok(live->client, weir_command(live->client, words, 2, &reply));
    assert_status(weir_reply_next(&reply, &token), WEIR_OK);
    assert_int_equal(token.number, 0);
}

/* ---- what a server refuses for the time being ---- */

static void fill_up(struct live *live, weir_delivery_mode delivery) {
    struct tally tally;
    weir_producer_options options = tally_options(&tally, delivery);
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    tally_append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_ok(live->client, live_say(live->client, "CONFIG", "SET", "maxmemory", "1"));
    tally_append(producer, stream, 10, 30);
    (void)weir_producer_wait(producer, 120);
    assert_non_null(strstr(weir_producer_error(producer)->text, "OOM"));
    assert_status(weir_producer_flush(producer, 120), WEIR_ERR_TIMEOUT);
    assert_int_equal(tally.reports, 10);
    assert_ok(live->client, live_say(live->client, "CONFIG", "SET", "maxmemory", "0"));
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 30);
    assert_true(tally.report.attempts > 1);
    tally_assert_row(live->client, "s", 0, 30);
    finish(producer);
}

static void report_mode_waits_for_a_full_server(void **state) {
    fill_up(*state, WEIR_DELIVERY_REPORT);
}

static void at_least_once_waits_for_a_full_server(void **state) {
    fill_up(*state, WEIR_DELIVERY_AT_LEAST_ONCE);
}

static void the_script_waits_for_a_full_server(void **state) {
    fill_up(*state, WEIR_DELIVERY_SCRIPT);
}

static void own_ids_wait_for_a_full_server(void **state) {
    fill_up(*state, WEIR_DELIVERY_IDS);
}

static void a_deadline_ends_what_is_refused_with_the_words(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.timeout_ms = 150;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    assert_ok(live->client, live_say(live->client, "CONFIG", "SET", "maxmemory", "1"));
    int64_t began_ms = live_now_ms();
    tally_append(producer, stream, 0, 10);
    weir_status st = weir_producer_flush(producer, 5000);
    int64_t took_ms = live_now_ms() - began_ms;
    assert_ok(live->client, live_say(live->client, "CONFIG", "SET", "maxmemory", "0"));
    assert_status(st, WEIR_OK);
    assert_int_equal(tally.reasons[WEIR_REASON_DEADLINE], 10);
    assert_non_null(strstr(tally.words, "OOM"));
    assert_true(took_ms >= 150 && took_ms < 1000);
    finish(producer);
    tally_assert_row(live->client, "s", 0,
                     0); /* NOT_EXECUTED or UNKNOWN, it is not there: it was refused */
}

/* Sent and not answered when the time is over, or given up: nobody knows. */
static void what_is_on_its_way_ends_unknown(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer_options options = tally_options(&tally, WEIR_DELIVERY_REPORT);
    options.timeout_ms = 150;
    weir_producer *producer = tally_open(live->server->url, NULL, &options);
    weir_stream *stream = tally_stream(producer, "s");
    assert_ok(live->client, live_say(live->client, "CLIENT", "PAUSE", "600", "WRITE"));
    tally_append(producer, stream, 0, 10);
    for (int i = 0; i < 50 && tally.reports < 10; i++) {
        assert_status(weir_producer_wait(producer, 100), WEIR_OK);
    }
    assert_int_equal(tally.reasons[WEIR_REASON_DEADLINE], 10);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_UNKNOWN], 1); /* the first went at once */
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_NOT_EXECUTED], 9);
    tally_append(producer, stream, 10, 11);
    assert_status(weir_producer_purge(producer, WEIR_PURGE_QUEUED | WEIR_PURGE_IN_FLIGHT),
                  WEIR_OK);
    assert_int_equal(tally.reasons[WEIR_REASON_PURGED], 1);
    assert_int_equal(tally.reports, 11);
    assert_ok(live->client, live_say(live->client, "CLIENT", "UNPAUSE"));
    tally_append(producer, stream, 11, 12);
    finish(producer);
    assert_int_equal(tally.reports, 12); /* late answers are no reports */
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 1);
}

/* ---- what a server does not let us do ---- */

static void without_scripts_the_error_says_what_to_do(void **state) {
    struct live *live = *state;
    weir_producer *producer;
    weir_options client = {.user = "few", .password = "secret"};
    weir_producer_options options = {.delivery = WEIR_DELIVERY_SCRIPT};
    assert_ok(live->client, live_say(live->client, "ACL", "SETUSER", "few", "on", ">secret",
                                     "~*", "+@all", "-@scripting"));
    assert_status(weir_producer_open(live->server->url, &client, &options, &producer),
                  WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(weir_producer_error(producer)->text, "@scripting"));
    assert_null(strstr(weir_producer_error(producer)->text, "secret"));
    weir_producer_free(producer);
    options.delivery = WEIR_DELIVERY_EXACTLY_ONCE;
    weir_status st = weir_producer_open(live->server->url, &client, &options, &producer);
    assert_status(st, live_has("8.6.2", NULL) ? WEIR_OK : WEIR_ERR_UNSUPPORTED);
    if (st == WEIR_OK) {
        assert_int_equal(weir_producer_delivery(producer), WEIR_DELIVERY_IDMP);
        tally_append(producer, tally_stream(producer, "s"), 0, 100);
        assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
        tally_assert_row(live->client, "s", 0, 100);
    } else {
        assert_non_null(strstr(weir_producer_error(producer)->text, "8.6.2"));
    }
    weir_producer_free(producer);
    assert_ok(live->client, live_say(live->client, "ACL", "DELUSER", "few"));
}

static void idmp_needs_a_server_that_has_it(void **state) {
    struct live *live = *state;
    weir_producer *producer;
    weir_producer_options options = {.delivery = WEIR_DELIVERY_IDMP};
    weir_options client = {.protocol = live->protocol};
    weir_status st = weir_producer_open(live->server->url, &client, &options, &producer);
    assert_status(st, live_has("8.6.2", NULL) ? WEIR_OK : WEIR_ERR_UNSUPPORTED);
    weir_producer_free(producer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_loss_is_told_in_report_mode, stop_own),
        cmocka_unit_test_teardown(a_loss_is_told_and_the_script_goes_on, stop_own),
        cmocka_unit_test_teardown(a_loss_is_told_with_own_ids, stop_own),
        cmocka_unit_test_teardown(a_loss_is_told_at_least_once_too, stop_own),
        cmocka_unit_test_teardown(a_loss_is_told_by_idmp, stop_own),
        cmocka_unit_test_teardown(a_server_that_begins_anew_is_told_in_all_modes, stop_own),
        cmocka_unit_test_teardown(a_report_that_waits_turns_into_a_loss, stop_own),
        cmocka_unit_test_teardown(the_script_survives_a_server_that_is_killed, stop_own),
        cmocka_unit_test_teardown(own_ids_survive_a_server_that_is_killed, stop_own),
        LIVE_ON_BOTH(a_script_that_is_flushed_is_loaded_again),
        LIVE_ON_BOTH(the_script_goes_on_when_the_stream_is_deleted),
        LIVE_ON_BOTH(the_script_goes_on_when_its_numbers_are_deleted),
        LIVE_ON_BOTH(the_script_leaves_nothing_behind),
        LIVE_ON_BOTH(report_mode_waits_for_a_full_server),
        LIVE_ON_BOTH(at_least_once_waits_for_a_full_server),
        LIVE_ON_BOTH(the_script_waits_for_a_full_server),
        LIVE_ON_BOTH(own_ids_wait_for_a_full_server),
        LIVE_ON_BOTH(a_deadline_ends_what_is_refused_with_the_words),
        LIVE_ON_BOTH(what_is_on_its_way_ends_unknown),
        LIVE_ON_BOTH(without_scripts_the_error_says_what_to_do),
        LIVE_ON_BOTH(idmp_needs_a_server_that_has_it),
    };
    return live_run("producer_faults", tests);
}
