/* The lane's rules, explored: all interleavings of what a server and a connection can do to
 * five entries. A small server is played: it executes commands in order, refuses some for
 * the time being or for good (a redirect is such a refusal), and a lost connection leaves a
 * prefix executed; without a fence the rest may be executed later, at any time. A state
 * that was seen with as many steps left is not explored again.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/producer_lane.h"
#include "support.h"

#include <stdlib.h>

#define ENTRIES    5
#define MOST_LOG   16
#define STEPS      15 /* choices of one run */
#define KEY_BYTES  64
#define FIRST_BITS 16 /* of the table of states */

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
    bool is_fenced;             /* what a dead connection left is never executed */
    bool was_refused;           /* one of them, for good or for the time being */
    uint64_t late[ENTRIES];     /* what a dead connection left, in order */
    size_t late_len;
};

/* ---- states that were seen ---- */

struct seen {
    uint8_t key[KEY_BYTES]; /* the first byte is 0 in an empty place */
    unsigned steps;         /* that were left */
};

static struct seen *table;
static size_t table_size;
static size_t seen_count;

static size_t put_fifo(uint8_t *key, size_t at, const weir_fifo *fifo) {
    for (const weir_item *item = fifo->first; item != NULL; item = item->next) {
        unsigned bits = (unsigned)item->serial << 4 | (unsigned)item->state << 1 |
                        (item->may_have_run ? 1U : 0U);
        key[at++] = (uint8_t)bits;
    }
    key[at++] = 0;
    return at;
}

/* All that what comes depends on, and what must hold. How often an item was sent, and how
 * often more than twice one stands in the log, is neither. */
static void put_key(const struct world *world, uint8_t *key) {
    size_t at = 1;
    memset(key, 0, KEY_BYTES);
    key[0] =
        (uint8_t)(1 | (world->lane.is_draining ? 2 : 0) | (world->was_refused ? 4 : 0));
    key[at++] = (uint8_t)world->lane.ran;
    at = put_fifo(key, at, &world->lane.queue);
    at = put_fifo(key, at, &world->lane.flight);
    at = put_fifo(key, at, &world->lane.held);
    for (size_t i = 1; i <= ENTRIES; i++) {
        unsigned fate = (unsigned)world->fates[i] << 3 | world->reports[i] << 1;
        key[at++] = (uint8_t)(fate | (world->is_known[i] ? 1U : 0U));
    }
    for (size_t i = 0; i < world->late_len; i++) {
        key[at++] = (uint8_t)world->late[i];
    }
    key[at++] = 0;
    for (size_t i = 0; i < world->log_len; i++) {
        key[at++] = (uint8_t)world->log[i];
    }
    assert_true(at <= KEY_BYTES);
}

static struct seen *place_of(const uint8_t *key) {
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (size_t i = 0; i < KEY_BYTES; i++) {
        hash = (hash ^ key[i]) * 1099511628211U;
    }
    size_t at = (size_t)(hash ^ hash >> 32) & (table_size - 1);
    while (table[at].key[0] != 0 && memcmp(table[at].key, key, KEY_BYTES) != 0) {
        at = (at + 1) & (table_size - 1);
    }
    return &table[at];
}

static void make_table(size_t size) {
    table = calloc(size, sizeof *table);
    assert_non_null(table);
    table_size = size;
}

static void grow_table(void) {
    struct seen *old = table;
    size_t old_size = table_size;
    make_table(2 * old_size);
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].key[0] != 0) {
            *place_of(old[i].key) = old[i];
        }
    }
    free(old);
}

/* How far is this one to be explored? */
enum news { NEWS_NONE, NEWS_DEEPER, NEWS_STATE };

static enum news note_seen(const struct world *world, unsigned steps) {
    uint8_t key[KEY_BYTES];
    put_key(world, key);
    struct seen *place = place_of(key);
    if (place->key[0] != 0) {
        bool is_deeper = steps > place->steps;
        place->steps = is_deeper ? steps : place->steps;
        return is_deeper ? NEWS_DEEPER : NEWS_NONE;
    }
    memcpy(place->key, key, KEY_BYTES);
    place->steps = steps;
    if (++seen_count > table_size / 2) {
        grow_table();
    }
    return NEWS_STATE;
}

/* ---- the server ---- */

static size_t count_in_log(const struct world *world, uint64_t serial) {
    size_t count = 0;
    for (size_t i = 0; i < world->log_len; i++) {
        count += world->log[i] == serial;
    }
    return count;
}

static void execute(struct world *world, uint64_t serial) {
    if (world->delivery == WEIR_DELIVERY_IDMP && world->is_known[serial]) {
        return;
    }
    world->is_known[serial] = true;
    if (world->delivery == WEIR_DELIVERY_AT_LEAST_ONCE &&
        count_in_log(world, serial) == 2) {
        return; /* it may stand there any number of times */
    }
    assert_true(world->log_len < MOST_LOG);
    world->log[world->log_len++] = serial;
}

/* ---- what must hold, at any time ---- */

/* Without a fence: report mode may see an unknown one late, and IDMP one that was refused
 * meanwhile (docs/producing.md, "Old commands that run late"). */
static bool has_order(const struct world *world) {
    switch (world->delivery) {
    case WEIR_DELIVERY_REPORT: return world->is_fenced;
    case WEIR_DELIVERY_IDMP: return world->is_fenced || !world->was_refused;
    case WEIR_DELIVERY_AT_LEAST_ONCE:
    case WEIR_DELIVERY_EXACTLY_ONCE:
    case WEIR_DELIVERY_SCRIPT:
    case WEIR_DELIVERY_IDS: return false;
    }
    return false;
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
    for (size_t i = 1; i < world->log_len && has_order(world); i++) {
        assert_true(world->log[i] > world->log[i - 1]);
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
    next.was_refused = next.was_refused || verdict != WEIR_VERDICT_DONE;
    if (verdict == WEIR_VERDICT_DONE) {
        execute(&next, next.lane.flight.first->serial);
    }
    answer(&next, verdict);
    explore(&next, steps);
}

/* The connection is lost: the first `ran` in flight were executed, those from `unsent` on
 * never went out. What lies between may be executed later, unless there is a fence. */
static void drop(const struct world *world, unsigned steps, size_t ran, size_t unsent) {
    struct world next;
    copy(world, &next);
    const weir_item *first;
    next.late_len = 0; /* of the connection before: it came to an end */
    for (size_t i = 0; (first = next.lane.flight.first) != NULL; i++) {
        if (i < ran) {
            execute(&next, first->serial);
        } else if (i < unsent && !next.is_fenced) {
            next.late[next.late_len++] = first->serial;
        }
        answer(&next, i < unsent ? WEIR_VERDICT_LOST : WEIR_VERDICT_UNSENT);
    }
    explore(&next, steps);
}

/* The server comes to what a dead connection had sent. */
static void execute_late(const struct world *world, unsigned steps) {
    struct world next;
    if (world->late_len > 0) {
        copy(world, &next);
        execute(&next, next.late[0]);
        next.late_len--;
        memmove(next.late, next.late + 1, next.late_len * sizeof *next.late);
        explore(&next, steps);
    }
}

/* No more faults: all that is left is sent and done. */
static void finish(const struct world *world) {
    struct world last;
    copy(world, &last);
    const weir_item *first;
    do {
        while (weir_lane_may_send(&last.lane)) {
            (void)weir_lane_send(&last.lane);
        }
        first = last.lane.flight.first;
        if (first != NULL) {
            execute(&last, first->serial);
            answer(&last, WEIR_VERDICT_DONE);
        }
    } while (first != NULL);
    check(&last);
    for (uint64_t serial = 1; serial <= ENTRIES; serial++) {
        assert_int_equal(last.reports[serial], 1);
    }
}

static void explore(const struct world *world, unsigned steps) {
    enum news news = note_seen(world, steps);
    if (news == NEWS_NONE) {
        return;
    }
    if (news == NEWS_STATE) {
        check(world);
        finish(world);
    }
    if (steps == 0) {
        return;
    }
    send_one(world, steps - 1);
    execute_late(world, steps - 1);
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

static void explore_all(weir_delivery_mode delivery, bool is_fenced) {
    struct world world;
    memset(&world, 0, sizeof world);
    world.is_fenced = is_fenced;
    world.delivery = world.lane.delivery = delivery;
    for (size_t i = 0; i < ENTRIES; i++) {
        weir_lane_append(&world.lane, &world.items[i]);
    }
    seen_count = 0;
    make_table((size_t)1 << FIRST_BITS);
    explore(&world, STEPS);
    free(table);
    print_message("%zu states\n", seen_count);
    assert_true(seen_count > 10000);
}

static void report_mode_doubles_nothing_and_keeps_order(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_REPORT, true);
}

static void report_mode_doubles_nothing_without_a_fence(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_REPORT, false);
}

static void idmp_doubles_nothing_and_keeps_order(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_IDMP, true);
}

static void idmp_doubles_nothing_without_a_fence(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_IDMP, false);
}

static void at_least_once_reports_each_once(void **state) {
    (void)state;
    explore_all(WEIR_DELIVERY_AT_LEAST_ONCE, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_mode_doubles_nothing_and_keeps_order),
        cmocka_unit_test(report_mode_doubles_nothing_without_a_fence),
        cmocka_unit_test(idmp_doubles_nothing_and_keeps_order),
        cmocka_unit_test(idmp_doubles_nothing_without_a_fence),
        cmocka_unit_test(at_least_once_reports_each_once),
    };
    return cmocka_run_group_tests_name("producer_lane", tests, NULL, NULL);
}
