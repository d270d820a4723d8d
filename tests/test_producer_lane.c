/* The lane's rules, explored: all interleavings of what a server and a connection can do to
 * four entries. A small server is played: it executes commands in order, refuses some for
 * the time being, and a lost connection leaves a prefix executed; without a fence the rest
 * may be executed later, at any time. SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/producer_lane.h"
#include "support.h"

#define ENTRIES  4
#define MOST_LOG 12
#define STEPS    11 /* choices of one run */

/* A copy of the world is one state of the search. Items are told by their serial. */
struct world {
    weir_delivery_mode delivery;
    weir_item items[ENTRIES + 1];
    weir_lane lane;
    unsigned reports[ENTRIES + 1];
    weir_fate fates[ENTRIES + 1];
    uint64_t log[MOST_LOG]; /* what the server has added, in order */
    size_t log_len;
    bool is_known[ENTRIES + 1]; /* IDMP: the number was seen */
};

static uint64_t runs;

/* ---- the server ---- */

static void execute(struct world *world, uint64_t serial) {
    if (world->delivery == WEIR_DELIVERY_IDMP && world->is_known[serial]) {
        return;
    }
    world->is_known[serial] = true;
    assert_true(world->log_len < MOST_LOG);
    world->log[world->log_len++] = serial;
}

/* ---- what must hold, at any time ---- */

static size_t count_in_log(const struct world *world, uint64_t serial) {
    size_t count = 0;
    for (size_t i = 0; i < world->log_len; i++) {
        count += world->log[i] == serial;
    }
    return count;
}

static void check(const struct world *world) {
    for (uint64_t serial = 1; serial <= ENTRIES; serial++) {
        size_t count = count_in_log(world, serial);
        assert_true(world->reports[serial] <= 1);
        assert_true(world->delivery == WEIR_DELIVERY_AT_LEAST_ONCE || count <= 1);
        if (world->fates[serial] == WEIR_FATE_ACKED) {
            assert_true(count >= 1);
        }
        if (world->fates[serial] == WEIR_FATE_REFUSED ||
            world->fates[serial] == WEIR_FATE_OVERTAKEN) {
            assert_true(count == 0);
        }
    }
    for (size_t i = 1; i < world->log_len; i++) {
        assert_true(world->delivery == WEIR_DELIVERY_AT_LEAST_ONCE ||
                    world->log[i] > world->log[i - 1]);
    }
}

/* ---- the lane, driven ---- */

static bool is_memory_over(const weir_item *item) {
    (void)item;
    return false;
}

static void note(struct world *world, const weir_item *item, weir_fate fate) {
    if (fate != WEIR_FATE_HELD) {
        world->reports[item->serial]++;
        bool is_open = fate == WEIR_FATE_OVERTAKEN && item->may_have_run;
        world->fates[item->serial] = is_open ? WEIR_FATE_UNKNOWN : fate;
    }
}

static void resolve(struct world *world) {
    weir_item *item;
    weir_fate fate;
    while (weir_lane_is_drained(&world->lane) &&
           (fate = weir_lane_resolve(&world->lane, is_memory_over, &item)) !=
               WEIR_FATE_NONE) {
        note(world, item, fate);
    }
}

static void answer(struct world *world, weir_verdict verdict) {
    weir_item *item;
    weir_fate fate = weir_lane_answer(&world->lane, verdict, &item);
    note(world, item, fate);
    resolve(world);
}

/* Items point to each other: a copy's pointers are moved to the copy. */
static weir_item *moved(const struct world *from, struct world *to, weir_item *item) {
    return item == NULL ? NULL : &to->items[item - from->items];
}

static void move_fifo(const struct world *from, struct world *to, weir_fifo *fifo) {
    fifo->first = moved(from, to, fifo->first);
    fifo->last = fifo->first != NULL ? moved(from, to, fifo->last) : NULL;
    for (weir_item *item = fifo->first; item != NULL; item = item->next) {
        item->next = moved(from, to, item->next);
    }
}

static void copy(const struct world *from, struct world *to) {
    memcpy(to, from, sizeof *to);
    move_fifo(from, to, &to->lane.queue);
    move_fifo(from, to, &to->lane.flight);
    move_fifo(from, to, &to->lane.held);
}

static void explore(const struct world *world, unsigned steps);

static void send_one(const struct world *world, unsigned steps) {
    struct world next;
    if (weir_lane_may_send(&world->lane)) {
        copy(world, &next);
        (void)weir_lane_send(&next.lane);
        explore(&next, steps);
    }
}

static void answer_one(const struct world *world, unsigned steps, weir_verdict verdict) {
    struct world next;
    copy(world, &next);
    if (verdict == WEIR_VERDICT_DONE) {
        execute(&next, next.lane.flight.first->serial);
    }
    answer(&next, verdict);
    explore(&next, steps);
}

/* The connection is lost: the first `ran` in flight were executed, those from `unsent` on
 * never went out. (Fenced: nothing of it is executed later.) */
static void drop(const struct world *world, unsigned steps, size_t ran, size_t unsent) {
    struct world next;
    copy(world, &next);
    size_t count = next.lane.flight.count;
    for (size_t i = 0; i < count; i++) {
        if (i < ran) {
            execute(&next, next.lane.flight.first->serial);
        }
        answer(&next, i < unsent ? WEIR_VERDICT_LOST : WEIR_VERDICT_UNSENT);
    }
    explore(&next, steps);
}

/* No more faults: all that is left is sent and done. */
static void finish(const struct world *world) {
    struct world last;
    copy(world, &last);
    while (last.lane.flight.first != NULL || weir_lane_may_send(&last.lane)) {
        if (weir_lane_may_send(&last.lane)) {
            (void)weir_lane_send(&last.lane);
        } else {
            execute(&last, last.lane.flight.first->serial);
            answer(&last, WEIR_VERDICT_DONE);
        }
    }
    check(&last);
    for (uint64_t serial = 1; serial <= ENTRIES; serial++) {
        assert_int_equal(last.reports[serial], 1);
    }
    runs++;
}

static void explore(const struct world *world, unsigned steps) {
    check(world);
    finish(world);
    if (steps == 0) {
        return;
    }
    send_one(world, steps - 1);
    size_t flight = world->lane.flight.count;
    if (flight == 0) {
        return;
    }
    answer_one(world, steps - 1, WEIR_VERDICT_DONE);
    answer_one(world, steps - 1, WEIR_VERDICT_LATER);
    answer_one(world, steps - 1, WEIR_VERDICT_REFUSED);
    for (size_t unsent = 0; unsent <= flight; unsent++) {
        for (size_t ran = 0; ran <= unsent; ran++) {
            drop(world, steps - 1, ran, unsent);
        }
    }
}

static void explore_all(weir_delivery_mode delivery) {
    struct world world;
    memset(&world, 0, sizeof world);
    world.delivery = world.lane.delivery = delivery;
    for (size_t i = 0; i < ENTRIES; i++) {
        weir_lane_append(&world.lane, &world.items[i]);
    }
    runs = 0;
    explore(&world, STEPS);
    print_message("%llu runs\n", (unsigned long long)runs);
    assert_true(runs > 10000);
}

static void report_mode_doubles_nothing_and_keeps_order(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_REPORT);
}

static void idmp_doubles_nothing_and_keeps_order(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_IDMP);
}

static void at_least_once_reports_each_once(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_AT_LEAST_ONCE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_mode_doubles_nothing_and_keeps_order),
        cmocka_unit_test(idmp_doubles_nothing_and_keeps_order),
        cmocka_unit_test(at_least_once_reports_each_once),
    };
    return cmocka_run_group_tests_name("producer_lane", tests, NULL, NULL);
}
