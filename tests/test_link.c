/* A connection that is kept alive, without one: what each end leads to, at which time.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/link.h"
#include "support.h"

static const weir_error CLOSED = {.status = WEIR_ERR_CLOSED};
static const weir_error NOBODY = {.status = WEIR_ERR_CONNECT};
static const weir_error CANCELLED = {.status = WEIR_ERR_CANCELLED};
static const weir_error WRONGPASS = {.status = WEIR_ERR_REFUSED, .kind = WEIR_KIND_LOGIN};
static const weir_error LOADING = {.status = WEIR_ERR_REFUSED, .kind = WEIR_KIND_RETRY};

static weir_link begin(const weir_reconnect *rules, int64_t now_ms) {
    weir_link link;
    assert_null(weir_link_check(rules));
    weir_link_init(&link, rules, 42, now_ms);
    weir_link_try(&link, now_ms);
    assert_int_equal(link.state, WEIR_LINK_CONNECTING);
    return link;
}

/* Goes to the time of the next try and begins it; gives the time. */
static int64_t try_next(weir_link *link, int64_t now_ms) {
    assert_int_equal(link->state, WEIR_LINK_WAITING);
    assert_int_equal(link->next_ms - link->delay_ms, now_ms);
    assert_false(weir_link_is_due(link, link->next_ms - 1));
    assert_true(weir_link_is_due(link, link->next_ms));
    now_ms = link->next_ms;
    weir_link_try(link, now_ms);
    return now_ms;
}

static void without_reconnecting_the_first_loss_is_the_end(void **state) {
    (void)state;
    weir_link link = begin(&(weir_reconnect){.floor_ms = 1}, 0);
    weir_link_ready(&link);
    weir_link_lose(&link, &CLOSED, true, 10);
    assert_int_equal(link.state, WEIR_LINK_ENDED);
}

static void a_loss_is_followed_by_a_try_within_the_defaults(void **state) {
    (void)state;
    weir_link link = begin(&(weir_reconnect){.is_on = true}, 1000);
    int64_t now_ms = 1000;
    int64_t most_ms = 100;
    for (int i = 0; i < 20; i++) {
        weir_link_lose(&link, &NOBODY, false, now_ms);
        assert_in_range(link.delay_ms, 50, most_ms);
        assert_int_equal(link.tries, i + 1);
        now_ms = try_next(&link, now_ms);
        most_ms = most_ms < 2500 ? 2 * most_ms : 5000;
    }
}

static void only_a_connection_that_was_of_use_makes_delays_short_again(void **state) {
    (void)state;
    weir_reconnect rules = {.is_on = true, .floor_ms = 10, .ceiling_ms = 10000};
    weir_link link = begin(&rules, 0);
    int64_t now_ms = 0;
    for (int i = 0; i < 12;
         i++) { /* accepted, greeted, and closed: a storm if not counted */
        weir_link_ready(&link);
        weir_link_lose(&link, &CLOSED, false, now_ms);
        now_ms = try_next(&link, now_ms);
    }
    assert_true(now_ms > 1000);
    assert_int_equal(link.tries, 13);
    weir_link_ready(&link);
    weir_link_lose(&link, &CLOSED, true, now_ms);
    assert_in_range(link.delay_ms, 10, 20);
    assert_int_equal(link.tries, 0);
}

static void a_wrong_password_is_tried_once_a_second(void **state) {
    (void)state;
    weir_reconnect rules = {.is_on = true, .floor_ms = 1, .ceiling_ms = 2};
    weir_link link = begin(&rules, 0);
    int64_t now_ms = 0;
    for (int i = 0; i < 5; i++) {
        int64_t began_ms = now_ms;
        weir_link_lose(&link, &WRONGPASS, false, now_ms + 3); /* three later it is told */
        now_ms = try_next(&link, now_ms + 3);
        assert_int_equal(now_ms - began_ms, 1000);
    }
}

static void loading_is_asked_at_the_rate_of_the_delays(void **state) {
    (void)state;
    weir_link link = begin(&(weir_reconnect){.is_on = true}, 0);
    int64_t now_ms = 0;
    unsigned tries = 0;
    while (now_ms < 20000) { /* a server that loads for 20 s */
        weir_link_lose(&link, &LOADING, false, now_ms);
        assert_in_range(link.delay_ms, 50, 5000);
        now_ms = try_next(&link, now_ms);
        tries++;
    }
    assert_true(tries < 25);
}

static void it_gives_up_when_no_try_fits_into_the_time(void **state) {
    (void)state;
    weir_reconnect rules = {.is_on = true, .give_up_ms = 1000, .ceiling_ms = 100};
    weir_link link = begin(&rules, 0);
    weir_link_ready(&link); /* long ago; the time begins when it is lost */
    int64_t now_ms = 50000;
    weir_link_lose(&link, &CLOSED, true, now_ms);
    while (link.state == WEIR_LINK_WAITING) {
        now_ms = try_next(&link, now_ms);
        weir_link_lose(&link, &NOBODY, false, now_ms);
    }
    assert_int_equal(link.state, WEIR_LINK_ENDED);
    assert_in_range(now_ms, 50850, 50999);
}

static void what_time_cannot_mend_ends_it(void **state) {
    (void)state;
    const weir_status hopeless[] = {WEIR_ERR_CANCELLED, WEIR_ERR_ARG, WEIR_ERR_UNSUPPORTED};
    const weir_status mendable[] = {WEIR_ERR_IO,       WEIR_ERR_CLOSED,  WEIR_ERR_TIMEOUT,
                                    WEIR_ERR_PROTOCOL, WEIR_ERR_CONNECT, WEIR_ERR_REFUSED,
                                    WEIR_ERR_NOMEM,    WEIR_ERR_LIMIT};
    for (size_t i = 0; i < sizeof hopeless / sizeof *hopeless; i++) {
        weir_link link = begin(&(weir_reconnect){.is_on = true}, 0);
        weir_link_lose(&link, &(weir_error){.status = hopeless[i]}, false, 5);
        assert_int_equal(link.state, WEIR_LINK_ENDED);
    }
    for (size_t i = 0; i < sizeof mendable / sizeof *mendable; i++) {
        weir_link link = begin(&(weir_reconnect){.is_on = true}, 0);
        weir_link_lose(&link, &(weir_error){.status = mendable[i]}, false, 5);
        assert_int_equal(link.state, WEIR_LINK_WAITING);
    }
}

static void a_try_that_is_wanted_begins_all_times_anew(void **state) {
    (void)state;
    weir_reconnect rules = {.is_on = true, .give_up_ms = 500, .ceiling_ms = 100};
    weir_link link = begin(&rules, 0);
    weir_link_lose(&link, &CANCELLED, false, 100);
    assert_int_equal(link.state, WEIR_LINK_ENDED);
    weir_link_wait_until(&link, 9000);
    assert_true(weir_link_is_due(&link, 9000));
    weir_link_try(&link, 9000);
    assert_int_equal(link.tries, 1);
    weir_link_lose(&link, &NOBODY, false, 9001);
    assert_int_equal(link.state, WEIR_LINK_WAITING);
}

static void rules_that_contradict_are_refused(void **state) {
    (void)state;
    assert_non_null(weir_link_check(&(weir_reconnect){.floor_ms = -1}));
    assert_non_null(weir_link_check(&(weir_reconnect){.ceiling_ms = -1}));
    assert_non_null(weir_link_check(&(weir_reconnect){.give_up_ms = -1}));
    assert_non_null(weir_link_check(&(weir_reconnect){.floor_ms = 11, .ceiling_ms = 10}));
    assert_non_null(weir_link_check(&(weir_reconnect){.ceiling_ms = 49}));
    assert_null(weir_link_check(&(weir_reconnect){.floor_ms = 10, .ceiling_ms = 10}));
    assert_null(weir_link_check(&(weir_reconnect){.floor_ms = INT64_MAX}));
    weir_link link = begin(&(weir_reconnect){.is_on = true, .floor_ms = INT64_MAX}, 0);
    weir_link_lose(&link, &NOBODY, false, 5);
    assert_true(link.next_ms > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_reconnecting_the_first_loss_is_the_end),
        cmocka_unit_test(a_loss_is_followed_by_a_try_within_the_defaults),
        cmocka_unit_test(only_a_connection_that_was_of_use_makes_delays_short_again),
        cmocka_unit_test(a_wrong_password_is_tried_once_a_second),
        cmocka_unit_test(loading_is_asked_at_the_rate_of_the_delays),
        cmocka_unit_test(it_gives_up_when_no_try_fits_into_the_time),
        cmocka_unit_test(what_time_cannot_mend_ends_it),
        cmocka_unit_test(a_try_that_is_wanted_begins_all_times_anew),
        cmocka_unit_test(rules_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
