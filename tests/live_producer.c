/* The producer on a real server: each delivery, what is refused, and a server that is
 * killed. SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/producer.h"
#include "live.h"

#include <stdio.h>
#include <stdlib.h>

#define MANY 3000

struct tally {
    size_t reports;
    size_t outcomes[5];
    weir_id last;
    bool is_ordered;
    char words[320];
};

static void count(void *context, const weir_report *report) {
    struct tally *tally = context;
    tally->reports++;
    tally->outcomes[report->outcome]++;
    if (report->outcome == WEIR_OUTCOME_ACKED) {
        tally->is_ordered =
            tally->is_ordered && weir_id_compare(report->id, tally->last) > 0;
        tally->last = report->id;
    } else {
        (void)snprintf(tally->words, sizeof tally->words, "%s", report->error->text);
    }
}

static weir_producer *open_producer(const struct live *live, weir_delivery_mode delivery,
                                    struct tally *tally) {
    weir_producer *producer;
    weir_options client = {.protocol = live->protocol};
    weir_producer_options options = {
        .delivery = delivery, .on_report = count, .context = tally};
    *tally = (struct tally){.is_ordered = true};
    weir_status st = weir_producer_open(live->server->url, &client, &options, &producer);
    if (st != WEIR_OK) {
        print_error("%s\n", weir_producer_error(producer)->text);
    }
    assert_status(st, WEIR_OK);
    return producer;
}

static void append(weir_producer *producer, weir_stream *stream, int from, int to) {
    for (int i = from; i < to; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        weir_field field = weir_pair("n", text);
        assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_OK);
    }
}

/* The stream holds 0, 1, 2 ... count - 1. */
static void assert_row(weir_client *client, const char *key, int count) {
    weir_entries all;
    weir_entry entry;
    int next = 0;
    assert_ok(client,
              weir_xrange(client, weir_text(key), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &all));
    while (weir_entries_next(&all, &entry) == WEIR_OK) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", next++);
        assert_true(weir_view_equal(entry.fields[0].value, weir_text(text)));
    }
    assert_int_equal(next, count);
}

static void deliver(struct live *live, weir_delivery_mode delivery) {
    struct tally tally;
    weir_producer *producer = open_producer(live, delivery, &tally);
    weir_stream *stream;
    assert_status(weir_producer_stream(producer, weir_text("s"), NULL, &stream), WEIR_OK);
    append(producer, stream, 0, MANY);
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], MANY);
    assert_int_equal(tally.reports, MANY);
    assert_true(tally.is_ordered);
    assert_row(live->client, "s", MANY);
    assert_status(weir_producer_close(producer, 1000), WEIR_OK);
    weir_producer_free(producer);
}

static void report_mode_adds_all_in_order(void **state) {
    deliver(*state, WEIR_DELIVERY_REPORT);
}

static void at_least_once_adds_all_in_order(void **state) {
    deliver(*state, WEIR_DELIVERY_AT_LEAST_ONCE);
}

static void exactly_once_adds_all_in_order(void **state) {
    deliver(*state, WEIR_DELIVERY_EXACTLY_ONCE);
}

static void script_adds_all_in_order(void **state) {
    deliver(*state, WEIR_DELIVERY_SCRIPT);
}

static void own_ids_add_all_in_order(void **state) { deliver(*state, WEIR_DELIVERY_IDS); }

static void refuse(struct live *live, weir_delivery_mode delivery) {
    struct tally tally;
    weir_producer *producer = open_producer(live, delivery, &tally);
    weir_stream *stream;
    assert_ok(live->client, live_say(live->client, "SET", "s", "x"));
    assert_status(weir_producer_stream(producer, weir_text("s"), NULL, &stream), WEIR_OK);
    append(producer, stream, 0, 700);
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_NOT_EXECUTED], 700);
    assert_non_null(strstr(tally.words, "WRONGTYPE"));
    assert_ok(live->client, live_say(live->client, "DEL", "s"));
    append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 10);
    assert_row(live->client, "s", 10);
    weir_producer_free(producer);
}

static void what_is_refused_is_reported_with_the_words(void **state) {
    refuse(*state, WEIR_DELIVERY_REPORT);
}

static void a_script_tells_of_what_is_refused(void **state) {
    refuse(*state, WEIR_DELIVERY_SCRIPT);
}

/* CLIENT KILL of every connection but the test's, again and again. */
static void cut(struct live *live, weir_delivery_mode delivery) {
    struct tally tally;
    weir_producer *producer = open_producer(live, delivery, &tally);
    weir_stream *stream;
    assert_status(weir_producer_stream(producer, weir_text("s"), NULL, &stream), WEIR_OK);
    for (int round = 0; round < 8; round++) {
        append(producer, stream, round * 1000, round * 1000 + 1000);
        assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "TYPE", "normal"));
    }
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_ACKED], 8000);
    assert_row(live->client, "s", 8000);
    weir_producer_free(producer);
}

static void exactly_once_survives_cut_connections(void **state) {
    cut(*state, WEIR_DELIVERY_EXACTLY_ONCE);
}

static void a_script_survives_cut_connections(void **state) {
    cut(*state, WEIR_DELIVERY_SCRIPT);
}

static void own_ids_survive_cut_connections(void **state) {
    cut(*state, WEIR_DELIVERY_IDS);
}

/* Nothing is doubled or reordered, and what is unknown is told. */
static void report_mode_tells_of_cut_connections(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_producer *producer = open_producer(live, WEIR_DELIVERY_REPORT, &tally);
    weir_stream *stream;
    uint64_t length = 0;
    weir_entries all;
    weir_entry entry;
    long last = -1;
    assert_status(weir_producer_stream(producer, weir_text("s"), NULL, &stream), WEIR_OK);
    for (int round = 0; round < 8; round++) {
        append(producer, stream, round * 1000, round * 1000 + 1000);
        assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "TYPE", "normal"));
    }
    assert_status(weir_producer_flush(producer, 20000), WEIR_OK);
    assert_int_equal(tally.reports, 8000);
    assert_int_equal(
        tally.outcomes[WEIR_OUTCOME_ACKED] + tally.outcomes[WEIR_OUTCOME_UNKNOWN], 8000);
    assert_ok(live->client, weir_xlen(live->client, weir_text("s"), &length));
    assert_true(length >= tally.outcomes[WEIR_OUTCOME_ACKED] && length <= 8000);
    assert_ok(live->client, weir_xrange(live->client, weir_text("s"), WEIR_ID_MIN,
                                        WEIR_ID_MAX, NULL, &all));
    while (weir_entries_next(&all, &entry) == WEIR_OK) {
        char text[16] = "";
        memcpy(text, entry.fields[0].value.data, entry.fields[0].value.len);
        long number = strtol(text, NULL, 10);
        assert_true(number > last);
        last = number;
    }
    weir_producer_free(producer);
}

static void reports_are_taken_at_a_ceiling(void **state) {
    struct live *live = *state;
    weir_producer *producer;
    weir_stream *stream;
    weir_report reports[16];
    size_t count = 0;
    weir_view names[] = {weir_text("a"), weir_text("b")};
    weir_view values[] = {weir_text("1"), weir_text("two")};
    weir_stream_options shape = {.names = names, .name_count = 2};
    weir_producer_options options = {.most_entries = 16};
    assert_status(weir_producer_open(live->server->url, NULL, &options, &producer),
                  WEIR_OK);
    assert_status(weir_producer_stream(producer, weir_text("s"), &shape, &stream), WEIR_OK);
    for (int i = 0; i < 16; i++) {
        assert_status(weir_producer_append_values(producer, stream, values, &reports[i]),
                      WEIR_OK);
    }
    assert_status(weir_producer_append_values(producer, stream, values, NULL),
                  WEIR_ERR_FULL);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_status(weir_producer_take(producer, reports, 16, &count), WEIR_OK);
    assert_int_equal(count, 16);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(reports[i].outcome, WEIR_OUTCOME_ACKED);
        assert_ptr_equal(reports[i].user, &reports[i]);
    }
    assert_status(weir_producer_take(producer, reports, 16, &count), WEIR_END);
    assert_status(weir_producer_append_values(producer, stream, values, NULL), WEIR_OK);
    assert_status(weir_producer_close(producer, 5000), WEIR_OK);
    assert_status(weir_producer_take(producer, reports, 16, &count), WEIR_OK);
    assert_int_equal(count, 1);
    weir_producer_free(producer);
}

static void what_is_purged_is_told(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_stream *stream;
    weir_producer_options options = {
        .linger_us = 60000000, .on_report = count, .context = &tally};
    weir_producer *producer;
    tally = (struct tally){.is_ordered = true};
    assert_status(weir_producer_open(live->server->url, NULL, &options, &producer),
                  WEIR_OK);
    assert_status(weir_producer_stream(producer, weir_text("s"), NULL, &stream), WEIR_OK);
    append(producer, stream, 0, 100);
    assert_status(weir_producer_purge(producer, WEIR_PURGE_QUEUED), WEIR_OK);
    assert_int_equal(tally.outcomes[WEIR_OUTCOME_NOT_EXECUTED], 100);
    append(producer, stream, 0, 100);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_row(live->client, "s", 100);
    weir_producer_free(producer);
}

static void a_lost_stream_is_told(void **state) {
    struct live *live = *state;
    struct tally tally;
    weir_counters counters;
    weir_producer *producer = open_producer(live, WEIR_DELIVERY_REPORT, &tally);
    weir_stream *stream;
    assert_status(weir_producer_stream(producer, weir_text("s"), NULL, &stream), WEIR_OK);
    append(producer, stream, 0, 10);
    assert_status(weir_producer_flush(producer, 5000), WEIR_OK);
    assert_ok(live->client, live_say(live->client, "DEL", "s"));
    assert_ok(live->client, live_say(live->client, "CLIENT", "KILL", "TYPE", "normal"));
    append(producer, stream, 0, 10);
    for (int i = 0; i < 100; i++) {
        assert_status(weir_producer_wait(producer, 10), WEIR_OK);
        weir_producer_counters(producer, &counters);
        if (counters.losses > 0 && counters.connections == 2) {
            break;
        }
    }
    assert_int_equal(counters.losses, 1);
    weir_producer_free(producer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(report_mode_adds_all_in_order),
        LIVE_ON_BOTH(at_least_once_adds_all_in_order),
        LIVE_ON_BOTH(exactly_once_adds_all_in_order),
        LIVE_ON_BOTH(script_adds_all_in_order),
        LIVE_ON_BOTH(own_ids_add_all_in_order),
        LIVE_ON_BOTH(what_is_refused_is_reported_with_the_words),
        LIVE_ON_BOTH(a_script_tells_of_what_is_refused),
        LIVE_ON_BOTH(reports_are_taken_at_a_ceiling),
        LIVE_ON_BOTH(what_is_purged_is_told),
        LIVE_ON_BOTH(a_lost_stream_is_told),
        LIVE_ON_BOTH(report_mode_tells_of_cut_connections),
        LIVE_ON_BOTH(exactly_once_survives_cut_connections),
        LIVE_ON_BOTH(a_script_survives_cut_connections),
        LIVE_ON_BOTH(own_ids_survive_cut_connections),
    };
    return live_run("producer", tests);
}
