/* Waiting longer each time: between which ends each delay lies, and that many clients
 * spread.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/backoff.h"
#include "support.h"

static void each_delay_lies_between_the_floor_and_twice_the_last_end(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        weir_backoff backoff;
        weir_backoff_init(&backoff, 50, 5000, seed);
        int64_t most_ms = 100;
        for (int i = 0; i < 20; i++) {
            assert_in_range(weir_backoff_next(&backoff), 50, most_ms);
            most_ms = most_ms < 2500 ? 2 * most_ms : 5000;
        }
        weir_backoff_reset(&backoff);
        assert_in_range(weir_backoff_next(&backoff), 50, 100);
    }
}

/* Full jitter: each part of the whole range is drawn about as often as any other. */
static void delays_are_spread_over_the_whole_range(void **state) {
    (void)state;
    size_t counts[10] = {0};
    for (uint64_t seed = 0; seed < 10000; seed++) {
        weir_backoff backoff;
        weir_backoff_init(&backoff, 1, 1000, seed);
        int64_t delay_ms = 0;
        for (int i = 0; i < 12; i++) { /* 2, 4, 8 ... 1000: the end is reached */
            delay_ms = weir_backoff_next(&backoff);
        }
        assert_in_range(delay_ms, 1, 1000);
        counts[(delay_ms - 1) / 100]++;
    }
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(counts[i], 850, 1150);
    }
}

static void a_floor_that_is_the_ceiling_is_the_delay(void **state) {
    (void)state;
    weir_backoff backoff;
    weir_backoff_init(&backoff, 7, 7, 1);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(weir_backoff_next(&backoff), 7);
    }
}

static void the_longest_times_do_not_overflow(void **state) {
    (void)state;
    const int64_t most_ms = INT64_MAX / 4;
    weir_backoff backoff;
    weir_backoff_init(&backoff, 1, most_ms, 3);
    for (int i = 0; i < 200; i++) {
        int64_t delay_ms = weir_backoff_next(&backoff);
        assert_true(delay_ms >= 1 && delay_ms <= most_ms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_delay_lies_between_the_floor_and_twice_the_last_end),
        cmocka_unit_test(delays_are_spread_over_the_whole_range),
        cmocka_unit_test(a_floor_that_is_the_ceiling_is_the_delay),
        cmocka_unit_test(the_longest_times_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
