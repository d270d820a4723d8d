/* What callers hold, what a client takes, and the one block that it can live in: the
 * numbers of README, "Memory".
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/client_private.h"
#include "../stream/consumer.h"
#include "../stream/producer.h"
#include "support.h"

#include <stdlib.h>

/* Nobody can listen here: /dev/null is no folder. */
#define NOWHERE "unix:///dev/null/weir"

/* A block too small for its shares would be WEIR_ERR_NOMEM, before anything is connected.
 * The sanitizers see a share that lies outside of it. */
static void open_in_block(size_t size, const weir_options *options) {
    weir_client *client;
    void *block = malloc(size);
    assert_non_null(block);
    weir_status st = weir_open_in(block, size, NOWHERE, options, &client);
    if (st != WEIR_ERR_CONNECT) {
        print_error("a block of %zu bytes: %s\n", size, weir_status_text(st));
    }
    assert_status(st, WEIR_ERR_CONNECT);
    assert_ptr_equal(client, block);
    weir_close(client);
    free(block);
}

static void what_callers_hold_is_small(void **state) {
    (void)state;
    assert_true(sizeof(weir_id) == 16);
    assert_true(sizeof(weir_view) <= 16);
    assert_true(sizeof(weir_field) <= 32);
    assert_true(sizeof(weir_entry) <= 72);
    assert_true(sizeof(weir_entries) <= 24);
    assert_true(sizeof(weir_reply) <= 24);
    assert_true(sizeof(weir_pages) <= 128);
    assert_true(sizeof(weir_rows) <= 48);
    assert_true(sizeof(weir_pending) <= 64);
    assert_true(sizeof(weir_pending_entry) <= 56);
    assert_true(sizeof(weir_group_info) <= 224);
    assert_true(sizeof(weir_consumer_info) <= 152);
    assert_true(sizeof(weir_stream_info) <= 400);
    assert_true(sizeof(weir_token) <= 32);
    assert_true(sizeof(weir_reader) <= 1300);
}

static void what_a_client_is_made_of_is_small(void **state) {
    (void)state;
    assert_true(sizeof(struct weir_client) <= 6912);
    assert_true(sizeof(weir_slot) <= 1536);
    assert_true(sizeof(weir_request) <= 32);
    assert_true(WEIR_BLOCK_BYTES == 24 * 1024);
    assert_true(WEIR_MAX_SLOTS == 16);
}

static void a_client_begins_small_and_has_ceilings(void **state) {
    (void)state;
    weir_client *client;
    assert_status(weir_open(NOWHERE, NULL, &client), WEIR_ERR_CONNECT);
    const weir_session *session = &client->session;
    assert_int_equal(session->in.block->capacity, 64 * 1024);
    assert_int_equal(session->in.most, 64 * 1024 * 1024);
    assert_int_equal(session->out.block->capacity, 16 * 1024);
    assert_int_equal(session->out.most, 64 * 1024 * 1024);
    assert_true(session->ring_capacity * sizeof *session->ring <= 2048);
    assert_int_equal(session->unanswered_most, 65536);
    assert_int_equal(session->slot_most, 16);
    for (size_t i = 0; i < WEIR_MAX_SLOTS; i++) {
        assert_null(session->slots[i]);
    }
    weir_close(client);
}

static void ceilings_are_those_of_the_options(void **state) {
    (void)state;
    weir_options options = {.limits = {5000, 6000, 7}};
    weir_client *client;
    assert_status(weir_open(NOWHERE, &options, &client), WEIR_ERR_CONNECT);
    assert_int_equal(client->session.in.block->capacity, 5000);
    assert_int_equal(client->session.in.most, 5000);
    assert_int_equal(client->session.out.block->capacity, 6000);
    assert_int_equal(client->session.out.most, 6000);
    assert_int_equal(client->session.unanswered_most, 7);
    weir_close(client);
}

static void a_client_opens_in_the_least_block(void **state) {
    (void)state;
    open_in_block(WEIR_BLOCK_BYTES, NULL);
    open_in_block(WEIR_BLOCK_BYTES + 1, NULL);
    open_in_block(WEIR_BLOCK_BYTES + 4096, NULL);
    open_in_block((size_t)1 << 20, NULL);
}

/* The shares are rounded each in its own way: only trying tells that they always fit. */
static void a_client_opens_in_a_block_of_any_size(void **state) {
    (void)state;
    for (size_t size = WEIR_BLOCK_BYTES; size < 8 * WEIR_BLOCK_BYTES; size += 61) {
        open_in_block(size, NULL);
    }
    for (size_t size = 8 * WEIR_BLOCK_BYTES; size < (size_t)4 << 20; size += 32749) {
        open_in_block(size, NULL);
    }
}

static void limits_make_the_shares_smaller(void **state) {
    (void)state;
    weir_options options = {.limits = {1024, 1024, 1}};
    open_in_block(WEIR_BLOCK_BYTES, &options);
    options.limits = (weir_limits){SIZE_MAX, SIZE_MAX, SIZE_MAX};
    open_in_block(WEIR_BLOCK_BYTES, &options);
}

static void a_smaller_block_is_refused(void **state) {
    (void)state;
    weir_client *client = (weir_client *)(void *)&state;
    void *block = malloc(WEIR_BLOCK_BYTES - 1);
    assert_status(weir_open_in(block, WEIR_BLOCK_BYTES - 1, NOWHERE, NULL, &client),
                  WEIR_ERR_ARG);
    assert_null(client);
    free(block);
}

static void *refuse(void *user, void *block, size_t old_size, size_t new_size) {
    (void)block;
    (void)old_size;
    *(size_t *)user += new_size;
    return NULL;
}

static void a_client_in_a_block_calls_no_allocator(void **state) {
    (void)state;
    size_t asked = 0;
    weir_options options = {.mem = {refuse, &asked}};
    open_in_block(WEIR_BLOCK_BYTES, &options);
    assert_int_equal(asked, 0);
}

/* Without a block: what an idle client takes of its allocator, and that all comes back. */
static void an_unused_client_takes_less_than_100_kib(void **state) {
    (void)state;
    struct support_mem counts = {.allowed = SIZE_MAX};
    weir_options options = {.mem = support_mem(&counts)};
    weir_client *client;
    assert_status(weir_open(NOWHERE, &options, &client), WEIR_ERR_CONNECT);
    assert_true(counts.bytes <= (size_t)100 * 1024);
    weir_close(client);
    assert_int_equal(counts.live, 0);
    assert_int_equal(counts.bytes, 0);
}

static void an_unused_producer_and_consumer_are_small(void **state) {
    (void)state;
    struct support_mem counts = {.allowed = SIZE_MAX};
    const weir_options options = {.mem = support_mem(&counts), .non_blocking = true};
    weir_producer *producer;
    assert_status(weir_producer_open(NOWHERE, &options, NULL, &producer), WEIR_OK);
    assert_true(counts.bytes <= (size_t)104 * 1024);
    weir_producer_free(producer);
    const weir_view key = weir_text("tasks");
    const weir_consumer_options tasks = {.streams = &key,
                                         .stream_count = 1,
                                         .group = weir_text("workers"),
                                         .start = WEIR_START_END,
                                         .non_blocking = true};
    weir_consumer *consumer;
    assert_status(weir_consumer_open(NOWHERE, &options, &tasks, &consumer), WEIR_OK);
    assert_true(counts.bytes <= (size_t)300 * 1024);
    (void)weir_consumer_close(consumer, 0);
    assert_int_equal(counts.live, 0);
    assert_int_equal(counts.bytes, 0);
}

static void opening_survives_every_failing_allocation(void **state) {
    (void)state;
    weir_status st = WEIR_ERR_NOMEM;
    for (size_t allowed = 0; st == WEIR_ERR_NOMEM; allowed++) {
        struct support_mem counts = {.allowed = allowed};
        weir_options options = {.mem = support_mem(&counts)};
        weir_client *client = (weir_client *)(void *)&counts;
        st = weir_open(NOWHERE, &options, &client);
        assert_true(st == WEIR_ERR_NOMEM ? client == NULL : client != NULL);
        weir_close(client);
        assert_int_equal(counts.live, 0);
    }
    assert_status(st, WEIR_ERR_CONNECT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_callers_hold_is_small),
        cmocka_unit_test(what_a_client_is_made_of_is_small),
        cmocka_unit_test(a_client_begins_small_and_has_ceilings),
        cmocka_unit_test(ceilings_are_those_of_the_options),
        cmocka_unit_test(a_client_opens_in_the_least_block),
        cmocka_unit_test(a_client_opens_in_a_block_of_any_size),
        cmocka_unit_test(limits_make_the_shares_smaller),
        cmocka_unit_test(a_smaller_block_is_refused),
        cmocka_unit_test(a_client_in_a_block_calls_no_allocator),
        cmocka_unit_test(an_unused_client_takes_less_than_100_kib),
        cmocka_unit_test(an_unused_producer_and_consumer_are_small),
        cmocka_unit_test(opening_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
