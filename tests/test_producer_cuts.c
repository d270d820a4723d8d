/* A producer whose connection dies after each byte that it sends or receives, on a server
 * that is played: each entry has one report, the reports agree with what the server has,
 * and order is kept.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/producer_private.h"
#include "played.h"

#include <stdio.h>

#define ENTRIES 5
#define TURNS   1000

struct run {
    struct played server;
    weir_transport table;
    weir_producer *producer;
    weir_delivery_mode delivery;
    unsigned reports[ENTRIES + 1];
    weir_report ends[ENTRIES + 1];
};

static int numbers[ENTRIES + 1];

static void note(void *context, const weir_report *report) {
    struct run *run = context;
    int number = *(const int *)report->user;
    run->reports[number]++;
    run->ends[number] = *report;
    run->ends[number].error = NULL; /* it is good for this call alone */
}

static void open_run(struct run *run, weir_delivery_mode delivery) {
    weir_options client = {.non_blocking = true,
                           .transport = &run->table,
                           .limits = {.receive_bytes = 4096, .send_bytes = 16384},
                           .reconnect = {.floor_ms = 1, .ceiling_ms = 1}};
    weir_producer_options options = {.delivery = delivery,
                                     .batch_entries = 2,
                                     .in_flight_bytes = 8192,
                                     .timeout_ms = WEIR_FOREVER,
                                     .on_report = note,
                                     .context = run};
    memset(run, 0, sizeof *run);
    run->delivery = delivery;
    run->table = played_transport(&run->server);
    run->server.has_fence = true;
    assert_status(weir_producer_open("redis://played", &client, &options, &run->producer),
                  WEIR_OK);
    weir_status st = WEIR_MORE;
    for (int i = 0; i < TURNS && st == WEIR_MORE; i++) {
        st = weir_producer_step(run->producer);
    }
    assert_status(st, WEIR_OK);
    run->server.sent = run->server.received = 0;
}

/* What would be waited for is done at once. */
static void skip_delays(weir_producer *producer) {
    if (!weir_client_is_ready(producer->client)) {
        (void)weir_client_reconnect(producer->client);
    }
    for (weir_stream *stream = producer->waiting; stream != NULL;
         stream = stream->next_waiting) {
        stream->retry_at_us = 1;
    }
}

/* Who waits for it is woken: by an answer, or by a time. */
static bool will_wake(const weir_producer *producer) {
    return producer->first_note < producer->next_note ||
           weir_producer_deadline_ms(producer) < INT64_MAX;
}

/* Appends all, and goes on until all have their ends. */
static void work(struct run *run) {
    weir_stream *stream;
    weir_status st = WEIR_MORE;
    assert_status(weir_producer_stream(run->producer, WIRE("s"), NULL, &stream), WEIR_OK);
    for (int i = 1; i <= ENTRIES; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        weir_field field = weir_pair("n", text);
        numbers[i] = i;
        assert_status(weir_producer_append(run->producer, stream, &field, 1, &numbers[i]),
                      WEIR_OK);
    }
    for (int i = 0; i < TURNS && st == WEIR_MORE; i++) {
        st = weir_producer_flush(run->producer, 0);
        assert_true(st != WEIR_MORE || will_wake(run->producer));
        skip_delays(run->producer);
    }
    assert_status(st, WEIR_OK);
}

static size_t count_of(const struct run *run, int number, weir_id *id) {
    size_t count = 0;
    for (size_t i = 0; i < run->server.count; i++) {
        if (run->server.entries[i].number == number) {
            *id = run->server.entries[i].id;
            count++;
        }
    }
    return count;
}

static void check_one(const struct run *run, int number) {
    weir_id id = {0, 0};
    size_t count = count_of(run, number, &id);
    const weir_report *end = &run->ends[number];
    assert_int_equal(run->reports[number], 1);
    if (run->delivery != WEIR_DELIVERY_AT_LEAST_ONCE) {
        assert_true(count <= 1);
    }
    switch (end->outcome) {
    case WEIR_OUTCOME_ACKED:
        assert_true(count >= 1);
        if (run->delivery != WEIR_DELIVERY_AT_LEAST_ONCE) {
            assert_int_equal(weir_id_compare(end->id, id), 0);
        }
        break;
    case WEIR_OUTCOME_NOT_EXECUTED: assert_int_equal(count, 0); break;
    case WEIR_OUTCOME_UNKNOWN:
    case WEIR_OUTCOME_ACKED_LOST: break;
    }
}

/* What must be acknowledged in the end, whatever happened: all, but for what was refused
 * in the midst of others, which the script alone can still place. */
static bool must_be_acked(const struct run *run) {
    switch (run->delivery) {
    case WEIR_DELIVERY_REPORT: return false;
    case WEIR_DELIVERY_IDMP:
    case WEIR_DELIVERY_IDS: return run->server.refusals == 0;
    case WEIR_DELIVERY_AT_LEAST_ONCE:
    case WEIR_DELIVERY_EXACTLY_ONCE:
    case WEIR_DELIVERY_SCRIPT: return true;
    }
    return true;
}

static void check(const struct run *run, bool is_ordered) {
    for (int i = 1; i <= ENTRIES; i++) {
        check_one(run, i);
        if (must_be_acked(run)) {
            assert_int_equal(run->ends[i].outcome, WEIR_OUTCOME_ACKED);
        }
        if (run->ends[i].reason == WEIR_REASON_OVERTAKEN) {
            assert_true(run->server.refusals > 0);
        }
    }
    for (size_t i = 1; i < run->server.count && is_ordered; i++) {
        assert_true(run->server.entries[i].number > run->server.entries[i - 1].number);
    }
}

/* How a server treats who is cut, and whom it refuses. */
struct way {
    size_t stride; /* a cut after each so many bytes */
    enum played_rest rest;
    bool has_fence;
    int refused_from;
    int refusals;
};

/* What docs/producing.md says of order. */
static bool keeps_order(weir_delivery_mode delivery, const struct way *way) {
    switch (delivery) {
    case WEIR_DELIVERY_REPORT: return way->rest != PLAYED_IS_LATE || way->has_fence;
    case WEIR_DELIVERY_IDMP: return way->refusals == 0;
    case WEIR_DELIVERY_AT_LEAST_ONCE: return false;
    case WEIR_DELIVERY_EXACTLY_ONCE:
    case WEIR_DELIVERY_SCRIPT:
    case WEIR_DELIVERY_IDS: return true;
    }
    return true;
}

/* One run, cut after so many bytes. True: it was cut. */
static bool cut(weir_delivery_mode delivery, size_t sent, size_t received,
                const struct way *way) {
    static struct run run;
    open_run(&run, delivery);
    run.server.send_most = sent;
    run.server.receive_most = received;
    run.server.rest = way->rest;
    run.server.has_fence = way->has_fence;
    run.server.refused_from = way->refused_from;
    run.server.refusals = way->refusals;
    work(&run);
    check(&run, keeps_order(delivery, way));
    bool was_cut = run.server.connections > 1;
    assert_status(weir_producer_close(run.producer, 0), WEIR_OK);
    weir_producer_free(run.producer);
    return was_cut;
}

static void cut_everywhere(weir_delivery_mode delivery) {
    static const struct way ways[] = {
        {1, PLAYED_EXECUTES, true, 0, 0}, {1, PLAYED_IS_LATE, false, 0, 0},
        {5, PLAYED_DROPS, true, 0, 0},    {5, PLAYED_IS_LATE, true, 0, 0},
        {3, PLAYED_EXECUTES, true, 1, 2}, {5, PLAYED_IS_LATE, true, 0, 1}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        size_t sent = 1;
        size_t received = 0;
        while (cut(delivery, sent, SIZE_MAX, &ways[i])) {
            sent += ways[i].stride;
        }
        while (cut(delivery, SIZE_MAX, received, &ways[i])) {
            received += ways[i].stride;
        }
        assert_true(sent > 100 && received > 50);
    }
}

static void report_mode_at_every_cut(void **state) {
    (void)state;
    cut_everywhere(WEIR_DELIVERY_REPORT);
}

static void at_least_once_at_every_cut(void **state) {
    (void)state;
    cut_everywhere(WEIR_DELIVERY_AT_LEAST_ONCE);
}

static void idmp_at_every_cut(void **state) {
    (void)state;
    cut_everywhere(WEIR_DELIVERY_IDMP);
}

static void the_script_at_every_cut(void **state) {
    (void)state;
    cut_everywhere(WEIR_DELIVERY_SCRIPT);
}

static void own_ids_at_every_cut(void **state) {
    (void)state;
    cut_everywhere(WEIR_DELIVERY_IDS);
}

/* ---- a loss, and a connection that is lost before it is known ---- */

static void append_one(struct run *run, int number) {
    weir_stream *stream;
    weir_field field = weir_pair("n", "1");
    numbers[number] = number;
    assert_status(weir_producer_stream(run->producer, WIRE("s"), NULL, &stream), WEIR_OK);
    assert_status(weir_producer_append(run->producer, stream, &field, 1, &numbers[number]),
                  WEIR_OK);
}

static void flush(struct run *run) {
    weir_status st = WEIR_MORE;
    for (int i = 0; i < TURNS && st == WEIR_MORE; i++) {
        st = weir_producer_flush(run->producer, 0);
        skip_delays(run->producer);
    }
    assert_status(st, WEIR_OK);
}

/* The server begins anew without its last entry, and the connection to it ends after so
 * many bytes. True: it did. */
static bool lose_and_cut(weir_delivery_mode delivery, size_t received) {
    static struct run run;
    weir_counters counters;
    open_run(&run, delivery);
    for (int number = 1; number <= 2; number++) {
        append_one(&run, number);
        flush(&run);
    }
    run.server.count = 1;
    run.server.last = run.server.entries[0].id;
    (void)weir_client_reconnect(run.producer->client);
    run.server.receive_most = received;
    for (int number = 3; number <= ENTRIES; number++) {
        append_one(&run, number);
    }
    flush(&run);
    weir_producer_counters(run.producer, &counters);
    assert_int_equal(counters.losses, 1);
    bool was_cut = run.server.connections > 2;
    assert_status(weir_producer_close(run.producer, 0), WEIR_OK);
    weir_producer_free(run.producer);
    return was_cut;
}

static void a_loss_is_told_though_the_next_connection_is_lost_too(void **state) {
    static const weir_delivery_mode all[] = {
        WEIR_DELIVERY_REPORT, WEIR_DELIVERY_AT_LEAST_ONCE, WEIR_DELIVERY_IDS};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t received = 1;
        while (lose_and_cut(all[i], received)) {
            received++;
        }
        assert_true(received > 50);
    }
}

/* ---- memory that runs out ---- */

/* Opens, appends and flushes with so many allocations; true: none was refused. */
static bool work_with(weir_delivery_mode delivery, size_t allowed) {
    static struct run run;
    struct support_mem mem = {.allowed = allowed};
    weir_options client = {.non_blocking = true,
                           .mem = support_mem(&mem),
                           .transport = &run.table,
                           .reconnect = {.floor_ms = 1, .ceiling_ms = 1}};
    weir_producer_options options = {
        .delivery = delivery, .on_report = note, .context = &run};
    weir_stream *stream = NULL;
    unsigned appended = 0;
    unsigned reported = 0;
    memset(&run, 0, sizeof run);
    run.table = played_transport(&run.server);
    weir_status st = weir_producer_open("redis://played", &client, &options, &run.producer);
    for (int i = 0; i < TURNS && st == WEIR_OK && weir_producer_step(run.producer) > 0;
         i++) {
        skip_delays(run.producer);
    }
    st = st == WEIR_OK ? weir_producer_stream(run.producer, WIRE("s"), NULL, &stream) : st;
    for (int i = 1; i <= ENTRIES && st == WEIR_OK; i++) {
        weir_field field = weir_pair("n", "1");
        numbers[i] = i;
        st = weir_producer_append(run.producer, stream, &field, 1, &numbers[i]);
        appended += st == WEIR_OK ? 1 : 0;
    }
    for (int i = 0; i < TURNS && st >= 0 && run.producer != NULL; i++) {
        st = weir_producer_flush(run.producer, 0);
        if (st != WEIR_MORE) {
            break;
        }
        skip_delays(run.producer);
    }
    if (run.producer != NULL) {
        (void)weir_producer_close(run.producer, 0);
    }
    weir_producer_free(run.producer);
    for (int i = 1; i <= ENTRIES; i++) {
        reported += run.reports[i];
        assert_true(run.reports[i] <= 1);
    }
    assert_int_equal(reported, appended);
    assert_int_equal(mem.live, 0);
    return mem.calls <= allowed;
}

static void memory_may_run_out_at_any_time(void **state) {
    static const weir_delivery_mode all[] = {WEIR_DELIVERY_REPORT, WEIR_DELIVERY_IDMP,
                                             WEIR_DELIVERY_SCRIPT, WEIR_DELIVERY_IDS};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t allowed = 0;
        while (!work_with(all[i], allowed)) {
            allowed++;
        }
        assert_true(allowed > 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_mode_at_every_cut),
        cmocka_unit_test(at_least_once_at_every_cut),
        cmocka_unit_test(idmp_at_every_cut),
        cmocka_unit_test(the_script_at_every_cut),
        cmocka_unit_test(own_ids_at_every_cut),
        cmocka_unit_test(a_loss_is_told_though_the_next_connection_is_lost_too),
        cmocka_unit_test(memory_may_run_out_at_any_time),
    };
    return cmocka_run_group_tests_name("producer_cuts", tests, NULL, NULL);
}
