/* The sleep before a wait for many answers, against a real server that is held up: weir_nap
 * is wrapped by the linker, and counted.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../stream/client_private.h"

static unsigned naps;
static int64_t last_nap_ns;

/* The linker's names (--wrap): what others call, and what they would have called. */
void count_nap(int64_t nanoseconds) __asm__("__wrap_weir_nap");
void sleep_really(int64_t nanoseconds) __asm__("__real_weir_nap");

void count_nap(int64_t nanoseconds) {
    naps++;
    last_nap_ns = nanoseconds;
    sleep_really(nanoseconds);
}

/* Asks for so many answers of a server that is held up, and takes them. */
static void take_late(struct live *live, weir_client *client, size_t count) {
    const weir_field fields[] = {{WIRE("n"), WIRE("1")}};
    assert_ok(live->client, live_say(live->client, "CLIENT", "PAUSE", "30", "WRITE"));
    for (size_t i = 0; i < count; i++) {
        assert_ok(client, weir_append_xadd(client, WIRE("s"), fields, 1, NULL));
    }
    assert_ok(client, weir_flush(client));
    naps = 0;
    last_nap_ns = 0;
    weir_id last = {0};
    for (size_t i = 0; i < count; i++) {
        weir_id id;
        assert_ok(client, weir_take_id(client, &id));
        assert_true(weir_id_compare(last, id) < 0);
        last = id;
    }
}

static void a_wait_for_many_answers_begins_with_a_nap(void **state) {
    struct live *live = *state;
    take_late(live, live_other(live, NULL), 600);
    assert_true(naps > 0);
    assert_true(last_nap_ns >= 512 * 200 && last_nap_ns <= 600 * 200);
}

static void a_wait_for_few_answers_does_not(void **state) {
    struct live *live = *state;
    take_late(live, live_other(live, NULL), WEIR_NAP_FROM - 1);
    assert_int_equal(naps, 0);
}

static void no_nap_turns_it_off(void **state) {
    struct live *live = *state;
    take_late(live, live_other(live, &(weir_options){.no_nap = true}), 600);
    assert_int_equal(naps, 0);
}

static void a_nap_is_far_shorter_than_what_the_server_has_to_do(void **state) {
    (void)state;
    assert_int_equal(weir_client_nap_for(0), 0);
    assert_int_equal(weir_client_nap_for(511), 0);
    assert_int_equal(weir_client_nap_for(512), 512 * 200);
    assert_int_equal(weir_client_nap_for(1000), 200000);
    assert_int_equal(weir_client_nap_for(UINT64_MAX), 200000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_wait_for_many_answers_begins_with_a_nap),
        LIVE_ON_BOTH(a_wait_for_few_answers_does_not),
        LIVE_ON_BOTH(no_nap_turns_it_off),
        cmocka_unit_test(a_nap_is_far_shorter_than_what_the_server_has_to_do),
    };
    return live_run("live_nap", tests);
}
