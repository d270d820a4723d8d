/* The buffer's queue, its ceiling and its pins, by themselves and against a model that
 * forgets nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/buffer.h"
#include "support.h"

#include <string.h>

struct rig {
    struct support_mem counts;
    weir_mem mem;
    weir_buffer buffer;
    size_t moved; /* bytes that rooms had to move, ever */
};

static void start_rig(struct rig *rig, size_t base, size_t most) {
    memset(rig, 0, sizeof *rig);
    rig->counts.allowed = SIZE_MAX;
    rig->mem = support_mem(&rig->counts);
    assert_status(weir_buffer_init(&rig->buffer, &rig->mem, base, most), WEIR_OK);
}

static void stop_rig(struct rig *rig) {
    weir_buffer_free(&rig->buffer);
    assert_int_equal(rig->counts.live, 0);
    assert_int_equal(rig->counts.bytes, 0);
}

/* The byte at a stream offset, in all tests: a piece out of place is seen. */
static char byte_at(uint64_t offset) { return (char)(offset * 167 + (offset >> 8) * 13); }

static uint64_t end_of(const weir_buffer *buffer) {
    return buffer->offset + weir_buffer_len(buffer);
}

static size_t capacity_of(const struct rig *rig) { return rig->buffer.block->capacity; }

/* weir_buffer_room, counting what it moves. */
static weir_status room(struct rig *rig, size_t want, char **at, size_t *given) {
    weir_buffer before = rig->buffer;
    size_t capacity = before.block->capacity;
    weir_status st = weir_buffer_room(&rig->buffer, want, at, given);
    bool is_elsewhere = rig->buffer.block != before.block ||
                        rig->buffer.block->capacity != capacity ||
                        rig->buffer.start != before.start;
    rig->moved += is_elsewhere ? weir_buffer_len(&before) : 0;
    return st;
}

/* Writes `count` bytes through one room; none needs no room. */
static void put(struct rig *rig, size_t count) {
    char *at;
    size_t given;
    uint64_t end = end_of(&rig->buffer);
    if (count == 0) {
        return;
    }
    assert_status(room(rig, count, &at, &given), WEIR_OK);
    assert_true(given >= count);
    for (size_t i = 0; i < count; i++) {
        at[i] = byte_at(end + i);
    }
    weir_buffer_filled(&rig->buffer, count);
}

static void use(struct rig *rig, size_t count) {
    weir_buffer_use_to(&rig->buffer, rig->buffer.offset + count);
}

static void check_bytes(weir_view bytes, uint64_t offset) {
    for (size_t i = 0; i < bytes.len; i++) {
        assert_int_equal(bytes.data[i], byte_at(offset + i));
    }
}

/* The buffer holds the stream's bytes from..to. */
static void holds(const struct rig *rig, uint64_t from, uint64_t to) {
    assert_int_equal(rig->buffer.offset, from);
    weir_view view = weir_buffer_view(&rig->buffer);
    assert_int_equal(view.len, to - from);
    assert_int_equal(weir_buffer_len(&rig->buffer), to - from);
    check_bytes(view, from);
}

static void refuses_room(struct rig *rig, size_t want, weir_status expected) {
    char *at = (char *)rig;
    size_t given = 4711;
    uint64_t from = rig->buffer.offset;
    uint64_t to = end_of(&rig->buffer);
    size_t capacity = capacity_of(rig);
    assert_status(room(rig, want, &at, &given), expected);
    assert_ptr_equal(at, rig);
    assert_int_equal(given, 4711);
    assert_int_equal(capacity_of(rig), capacity);
    holds(rig, from, to);
}

/* ---- the queue ---- */

static void a_new_buffer_is_empty_and_has_room(void **state) {
    (void)state;
    struct rig rig;
    char *at;
    size_t given;
    start_rig(&rig, 16, 64);
    holds(&rig, 0, 0);
    assert_status(room(&rig, 1, &at, &given), WEIR_OK);
    assert_int_equal(given, 16);
    holds(&rig, 0, 0); /* nothing is there before weir_buffer_filled */
    stop_rig(&rig);
}

static void bytes_come_out_in_the_order_they_went_in(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 5);
    put(&rig, 7);
    holds(&rig, 0, 12);
    use(&rig, 4);
    holds(&rig, 4, 12);
    put(&rig, 10);
    holds(&rig, 4, 22);
    use(&rig, 18);
    holds(&rig, 22, 22);
    stop_rig(&rig);
}

static void a_view_may_begin_anywhere_in_the_queue(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 12);
    use(&rig, 3);
    for (uint64_t from = 3; from <= 12; from++) {
        weir_view view = weir_buffer_from(&rig.buffer, from);
        assert_int_equal(view.len, 12 - from);
        check_bytes(view, from);
    }
    stop_rig(&rig);
}

static void all_the_room_given_may_be_used(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    for (int round = 0; round < 50; round++) {
        char *at;
        size_t given;
        assert_status(room(&rig, 1, &at, &given), WEIR_OK);
        put(&rig, given); /* the sanitizer sees a byte too far */
        use(&rig, weir_buffer_len(&rig.buffer) - 5);
        holds(&rig, rig.buffer.offset, end_of(&rig.buffer));
    }
    stop_rig(&rig);
}

static void cutting_takes_back_the_end(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 14);
    use(&rig, 2);
    weir_buffer_cut(&rig.buffer, 9);
    holds(&rig, 2, 9);
    put(&rig, 20);
    holds(&rig, 2, 29);
    weir_buffer_cut(&rig.buffer, 29);
    holds(&rig, 2, 29);
    weir_buffer_cut(&rig.buffer, 2);
    holds(&rig, 2, 2);
    put(&rig, 60);
    holds(&rig, 2, 62);
    stop_rig(&rig);
}

/* ---- growth and its ceiling ---- */

static void capacity_doubles_up_to_the_ceiling(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 100);
    for (size_t len = 1; len <= 100; len++) {
        put(&rig, 1);
        size_t expected = len <= 16 ? 16 : len <= 32 ? 32 : len <= 64 ? 64 : 100;
        assert_int_equal(capacity_of(&rig), expected);
        holds(&rig, 0, len);
    }
    refuses_room(&rig, 1, WEIR_ERR_LIMIT);
    stop_rig(&rig);
}

static void one_large_room_grows_at_once(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 1000);
    put(&rig, 3);
    size_t calls = rig.counts.calls;
    put(&rig, 500);
    assert_int_equal(capacity_of(&rig), 512);
    assert_int_equal(rig.counts.calls, calls + 1);
    put(&rig, 497);
    assert_int_equal(capacity_of(&rig), 1000);
    holds(&rig, 0, 1000);
    stop_rig(&rig);
}

/* What is used up does not count, wherever the bytes lie, pinned or not. */
static void the_ceiling_is_exact(void **state) {
    (void)state;
    for (size_t used = 0; used <= 40; used += 5) {
        for (size_t len = 0; len <= 40; len++) {
            for (int is_pinned = 0; is_pinned < 2; is_pinned++) {
                struct rig rig;
                start_rig(&rig, 8, 40);
                put(&rig, used);
                use(&rig, used);
                put(&rig, len);
                weir_block *pin = is_pinned ? weir_buffer_pin(&rig.buffer) : NULL;
                refuses_room(&rig, 40 - len + 1, WEIR_ERR_LIMIT);
                refuses_room(&rig, SIZE_MAX, WEIR_ERR_LIMIT);
                put(&rig, 40 - len);
                holds(&rig, used, used + 40);
                assert_true(capacity_of(&rig) <= 40);
                weir_buffer_unpin(&rig.buffer, pin);
                stop_rig(&rig);
            }
        }
    }
}

static void a_ceiling_below_the_base_is_the_base(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4);
    put(&rig, 16);
    refuses_room(&rig, 1, WEIR_ERR_LIMIT);
    use(&rig, 16);
    put(&rig, 16);
    holds(&rig, 16, 32);
    stop_rig(&rig);
}

static void a_capacity_beyond_memory_is_refused(void **state) {
    (void)state;
    struct support_mem counts = {.allowed = SIZE_MAX};
    weir_mem mem = support_mem(&counts);
    weir_buffer buffer;
    assert_status(weir_buffer_init(&buffer, &mem, SIZE_MAX, SIZE_MAX), WEIR_ERR_NOMEM);
    assert_int_equal(counts.calls, 0);
    weir_buffer_free(&buffer);
    struct rig rig;
    start_rig(&rig, 16, SIZE_MAX);
    put(&rig, 10);
    refuses_room(&rig, SIZE_MAX - 10, WEIR_ERR_NOMEM);
    weir_block *pin = weir_buffer_pin(&rig.buffer);
    refuses_room(&rig, SIZE_MAX - 10, WEIR_ERR_NOMEM);
    weir_buffer_unpin(&rig.buffer, pin);
    stop_rig(&rig);
}

/* ---- shrinking ---- */

/* Small rounds until the capacity changes; `most` + 1 if it does not. */
static int rounds_until_it_shrinks(struct rig *rig, size_t len, int most) {
    size_t capacity = capacity_of(rig);
    for (int round = 1; round <= most; round++) {
        put(rig, len);
        assert_int_equal(weir_buffer_len(&rig->buffer), len);
        use(rig, len);
        if (capacity_of(rig) != capacity) {
            return round;
        }
    }
    return most + 1;
}

static void grow_to_1024(struct rig *rig) {
    put(rig, 1000);
    use(rig, 1000);
    assert_int_equal(capacity_of(rig), 1024);
}

static void it_shrinks_after_many_small_rounds_only(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    grow_to_1024(&rig);
    int rounds = rounds_until_it_shrinks(&rig, 4, 5000);
    assert_in_range(rounds, 1000, 1100);
    assert_int_equal(capacity_of(&rig), 16);
    assert_int_equal(rounds_until_it_shrinks(&rig, 4, 5000), 5001); /* never below base */
    stop_rig(&rig);
}

static void it_shrinks_to_what_was_needed(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    grow_to_1024(&rig);
    assert_true(rounds_until_it_shrinks(&rig, 40, 5000) <= 1100);
    assert_int_equal(capacity_of(&rig), 64);
    stop_rig(&rig);
}

static void what_needs_its_capacity_keeps_it(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    grow_to_1024(&rig);
    assert_int_equal(rounds_until_it_shrinks(&rig, 257, 5000), 5001);
    for (int times = 0; times < 20; times++) { /* a large one now and then is enough */
        assert_int_equal(rounds_until_it_shrinks(&rig, 4, 500), 501);
        assert_int_equal(rounds_until_it_shrinks(&rig, 900, 1), 2);
    }
    stop_rig(&rig);
}

static void a_buffer_that_is_never_empty_does_not_shrink(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    grow_to_1024(&rig);
    put(&rig, 1);
    for (int round = 0; round < 5000; round++) {
        put(&rig, 4);
        use(&rig, 4);
    }
    assert_int_equal(capacity_of(&rig), 1024);
    holds(&rig, 1000 + 20000, 1000 + 20001);
    stop_rig(&rig);
}

static void without_memory_to_shrink_it_stays_large(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    grow_to_1024(&rig);
    rig.counts.allowed = 0;
    assert_int_equal(rounds_until_it_shrinks(&rig, 4, 3000), 3001);
    rig.counts.allowed = SIZE_MAX;
    assert_true(rounds_until_it_shrinks(&rig, 4, 3000) <= 1100);
    stop_rig(&rig);
}

/* ---- pins ---- */

struct pin {
    weir_block *block; /* NULL: none */
    weir_view bytes;
    uint64_t offset;
};

static struct pin pin_first(struct rig *rig, size_t count) {
    weir_view view = weir_buffer_view(&rig->buffer);
    struct pin pin = {NULL, weir_bytes(view.data, count), rig->buffer.offset};
    assert_true(count <= view.len);
    pin.block = weir_buffer_pin(&rig->buffer);
    return pin;
}

static void pinned_bytes_stay_whatever_the_queue_does(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    put(&rig, 14);
    struct pin pin = pin_first(&rig, 10);
    use(&rig, 10);
    put(&rig, 8); /* moves to another block */
    check_bytes(pin.bytes, pin.offset);
    put(&rig, 500); /* grows */
    check_bytes(pin.bytes, pin.offset);
    use(&rig, weir_buffer_len(&rig.buffer)); /* empties */
    check_bytes(pin.bytes, pin.offset);
    for (int round = 0; round < 3000; round++) { /* refills, shrinks */
        put(&rig, 9);
        use(&rig, 9);
    }
    check_bytes(pin.bytes, pin.offset);
    assert_int_equal(capacity_of(&rig), 16);
    weir_buffer_unpin(&rig.buffer, pin.block);
    stop_rig(&rig);
}

static void a_pinned_block_is_filled_to_its_end_first(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 6);
    struct pin pin = pin_first(&rig, 6);
    use(&rig, 6);
    size_t calls = rig.counts.calls;
    put(&rig, 10);
    assert_int_equal(rig.counts.calls, calls);
    assert_ptr_equal(rig.buffer.block, pin.block);
    put(&rig, 1);
    assert_ptr_not_equal(rig.buffer.block, pin.block);
    holds(&rig, 6, 17);
    check_bytes(pin.bytes, pin.offset);
    weir_buffer_unpin(&rig.buffer, pin.block);
    stop_rig(&rig);
}

static void a_block_stays_until_its_last_pin_is_gone(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 16);
    struct pin one = pin_first(&rig, 8);
    use(&rig, 8);
    struct pin two = pin_first(&rig, 8);
    use(&rig, 8);
    assert_ptr_equal(one.block, two.block);
    put(&rig, 16);
    weir_buffer_unpin(&rig.buffer, one.block);
    put(&rig, 16);
    check_bytes(two.bytes, two.offset);
    weir_buffer_unpin(&rig.buffer, two.block);
    stop_rig(&rig);
}

static void unpinning_nothing_is_fine(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    weir_buffer_unpin(&rig.buffer, NULL);
    put(&rig, 3);
    weir_buffer_unpin(&rig.buffer, weir_buffer_pin(&rig.buffer)); /* still its own */
    holds(&rig, 0, 3);
    stop_rig(&rig);
}

/* Three blocks, pinned each, given back in each of the six orders. */
static void pins_may_be_given_back_in_any_order(void **state) {
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int order = 0; order < 6; order++) {
        struct rig rig;
        struct pin pins[3];
        start_rig(&rig, 16, 64);
        for (int i = 0; i < 3; i++) {
            put(&rig, 16);
            pins[i] = pin_first(&rig, 16);
            use(&rig, 16);
        }
        put(&rig, 16);
        for (int i = 0; i < 3; i++) {
            for (int k = i; k < 3; k++) {
                const struct pin *pin = &pins[orders[order][k]];
                check_bytes(pin->bytes, pin->offset);
            }
            weir_buffer_unpin(&rig.buffer, pins[orders[order][i]].block);
        }
        holds(&rig, 48, 64);
        assert_true(rig.counts.live <= 2); /* the block, and one to spare */
        stop_rig(&rig);
    }
}

static void cutting_leaves_what_is_pinned_before_it(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 12);
    struct pin pin = pin_first(&rig, 5);
    use(&rig, 5);
    weir_buffer_cut(&rig.buffer, 7);
    put(&rig, 9);
    put(&rig, 9);
    holds(&rig, 5, 25);
    check_bytes(pin.bytes, pin.offset);
    weir_buffer_unpin(&rig.buffer, pin.block);
    stop_rig(&rig);
}

/* ---- the spare block ---- */

/* An entry in hand while the next ones arrive: fill, pin, use up, unpin the one before.
 * Gives how often the second half of the rounds asked for memory. */
static size_t pin_rounds(struct rig *rig, int rounds, size_t entry, size_t backlog) {
    struct pin last = {NULL, {NULL, 0}, 0};
    size_t calls = 0;
    put(rig, backlog);
    for (int round = 0; round < rounds; round++) {
        calls = round == rounds / 2 ? rig->counts.calls : calls;
        put(rig, entry);
        struct pin pin = pin_first(rig, entry);
        use(rig, entry);
        if (last.block != NULL) {
            check_bytes(last.bytes, last.offset);
            weir_buffer_unpin(&rig->buffer, last.block);
        }
        last = pin;
    }
    weir_buffer_unpin(&rig->buffer, last.block);
    return rig->counts.calls - calls;
}

static void steady_rounds_of_pins_allocate_nothing(void **state) {
    (void)state;
    for (size_t entry = 1; entry <= 64; entry += 3) {
        for (size_t backlog = 0; backlog + entry <= 64; backlog += 5) {
            struct rig rig;
            start_rig(&rig, 64, 4096);
            assert_int_equal(pin_rounds(&rig, 800, entry, backlog), 0);
            assert_true(rig.counts.live <= 3);
            stop_rig(&rig);
        }
    }
}

static void a_kept_spare_makes_a_fixed_buffer_do_without_memory(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 64, 64);
    assert_status(weir_buffer_keep_spare(&rig.buffer), WEIR_OK);
    assert_int_equal(rig.counts.live, 2);
    rig.counts.allowed = 0;
    for (size_t entry = 1; entry <= 64; entry++) {
        /* one pin at a time: the one before is given back first */
        for (int round = 0; round < 20; round++) {
            put(&rig, entry);
            struct pin pin = pin_first(&rig, entry);
            use(&rig, entry);
            put(&rig, 64);
            check_bytes(pin.bytes, pin.offset);
            use(&rig, 64);
            weir_buffer_unpin(&rig.buffer, pin.block);
        }
    }
    stop_rig(&rig);
}

static void blocks_larger_than_the_base_are_not_kept(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 4096);
    put(&rig, 1000);
    struct pin pin = pin_first(&rig, 1000);
    use(&rig, 1000);
    put(&rig, 100);
    assert_int_equal(capacity_of(&rig), 128);
    weir_buffer_unpin(&rig.buffer, pin.block);
    assert_int_equal(rig.counts.live, 1);
    assert_true(rig.counts.bytes < 256);
    stop_rig(&rig);
}

/* ---- failing allocations ---- */

static void a_buffer_without_memory_is_not_begun(void **state) {
    (void)state;
    struct support_mem counts = {.allowed = 0};
    weir_mem mem = support_mem(&counts);
    weir_buffer buffer;
    assert_status(weir_buffer_init(&buffer, &mem, 16, 64), WEIR_ERR_NOMEM);
    weir_buffer_free(&buffer);
    assert_int_equal(counts.live, 0);
    memset(&buffer, 0, sizeof buffer);
    weir_buffer_free(&buffer); /* a zeroed one is fine */
}

static void a_spare_without_memory_changes_nothing(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 5);
    rig.counts.allowed = 0;
    assert_status(weir_buffer_keep_spare(&rig.buffer), WEIR_ERR_NOMEM);
    holds(&rig, 0, 5);
    stop_rig(&rig);
}

static void growth_without_memory_changes_nothing(void **state) {
    (void)state;
    for (size_t used = 0; used <= 16; used += 4) {
        for (size_t len = 0; len + used <= 16; len++) {
            struct rig rig;
            start_rig(&rig, 16, 64);
            put(&rig, used + len);
            use(&rig, used);
            rig.counts.allowed = 0;
            refuses_room(&rig, 17, WEIR_ERR_NOMEM);
            rig.counts.allowed = SIZE_MAX;
            put(&rig, 17);
            holds(&rig, used, used + len + 17);
            stop_rig(&rig);
        }
    }
}

static void moving_from_a_pinned_block_without_memory_changes_nothing(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig, 16, 64);
    put(&rig, 14);
    struct pin pin = pin_first(&rig, 10);
    use(&rig, 10);
    rig.counts.allowed = 0;
    refuses_room(&rig, 3, WEIR_ERR_NOMEM);
    assert_ptr_equal(rig.buffer.block, pin.block);
    put(&rig, 2); /* what is there can still be filled */
    rig.counts.allowed = SIZE_MAX;
    put(&rig, 20);
    holds(&rig, 10, 36);
    check_bytes(pin.bytes, pin.offset);
    weir_buffer_unpin(&rig.buffer, pin.block);
    stop_rig(&rig);
}

/* Growing is for speed there: without memory the bytes are moved to the front instead. */
static void what_fits_needs_no_memory(void **state) {
    (void)state;
    for (size_t used = 1; used <= 16; used++) {
        struct rig rig;
        start_rig(&rig, 16, 64);
        put(&rig, 16);
        use(&rig, used);
        rig.counts.allowed = 0;
        put(&rig, used);
        holds(&rig, used, 16 + used);
        stop_rig(&rig);
    }
}

/* ---- cost ---- */

/* Feeds n bytes one by one, with a constant backlog; gives how many were moved. */
static size_t moved_by(size_t n, size_t backlog, size_t most, bool is_pinning) {
    struct rig rig;
    struct pin last = {NULL, {NULL, 0}, 0};
    start_rig(&rig, 64, most);
    for (size_t i = 0; i < n; i++) {
        put(&rig, 1);
        if (weir_buffer_len(&rig.buffer) <= backlog) {
            continue;
        }
        struct pin pin = {NULL, {NULL, 0}, 0};
        if (is_pinning) {
            pin = pin_first(&rig, 1);
        }
        use(&rig, 1);
        weir_buffer_unpin(&rig.buffer, last.block);
        last = pin;
    }
    weir_buffer_unpin(&rig.buffer, last.block);
    stop_rig(&rig);
    return rig.moved;
}

static void growing_byte_by_byte_costs_linear_time(void **state) {
    (void)state;
    for (size_t n = 1024; n <= 65536; n *= 2) {
        assert_true(moved_by(n, SIZE_MAX, SIZE_MAX / 2, false) <= 2 * n);
    }
}

static void a_backlog_costs_linear_time(void **state) {
    (void)state;
    for (size_t backlog = 0; backlog <= 2048; backlog += 31) {
        size_t n = 20000;
        size_t once = moved_by(n, backlog, 4096, false);
        size_t twice = moved_by(2 * n, backlog, 4096, false);
        assert_true(once <= 2 * n);
        assert_true(twice <= 4 * n);
    }
}

static void a_backlog_costs_linear_time_with_pins(void **state) {
    (void)state;
    for (size_t backlog = 0; backlog <= 32; backlog++) {
        size_t n = 20000;
        assert_true(moved_by(n, backlog, 4096, true) <= 2 * n);
        assert_true(moved_by(2 * n, backlog, 4096, true) <= 4 * n);
    }
}

/* ---- at random, against all bytes ever written ---- */

#define PINS 6

struct model {
    struct rig rig;
    uint64_t random;
    uint64_t end; /* of the stream so far */
    struct pin pins[PINS];
};

/* xorshift64* */
static size_t draw(struct model *model, size_t below) {
    model->random ^= model->random >> 12;
    model->random ^= model->random << 25;
    model->random ^= model->random >> 27;
    return (size_t)((model->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

static void model_fill(struct model *model) {
    weir_buffer *buffer = &model->rig.buffer;
    size_t len = weir_buffer_len(buffer);
    size_t want = 1 + draw(model, draw(model, 4) == 0 ? buffer->most : buffer->base);
    char *at;
    size_t given;
    weir_status st = room(&model->rig, want, &at, &given);
    bool is_failing = model->rig.counts.allowed != SIZE_MAX;
    if (want > buffer->most - len) {
        assert_status(st, WEIR_ERR_LIMIT);
        return;
    }
    assert_true(st == WEIR_OK || (is_failing && st == WEIR_ERR_NOMEM));
    if (st != WEIR_OK) {
        return;
    }
    assert_true(given >= want);
    assert_true(given + len <= buffer->most);
    size_t count = draw(model, 3) == 0 ? given : draw(model, want + 1);
    for (size_t i = 0; i < count; i++) {
        at[i] = byte_at(model->end + i);
    }
    weir_buffer_filled(buffer, count);
    model->end += count;
}

static void model_use(struct model *model) {
    size_t len = weir_buffer_len(&model->rig.buffer);
    use(&model->rig, draw(model, 3) == 0 ? len : draw(model, len + 1));
}

/* Takes back a part of the end, but nothing that is pinned. */
static void model_cut(struct model *model) {
    uint64_t least = model->rig.buffer.offset;
    for (size_t i = 0; i < PINS; i++) {
        uint64_t end = model->pins[i].offset + model->pins[i].bytes.len;
        if (model->pins[i].block != NULL && end > least) {
            least = end;
        }
    }
    model->end = least + draw(model, (size_t)(model->end - least) + 1);
    weir_buffer_cut(&model->rig.buffer, model->end);
}

/* Pins some bytes of the queue, or gives a pin back. */
static void model_pin(struct model *model) {
    struct pin *pin = &model->pins[draw(model, PINS)];
    if (pin->block != NULL) {
        weir_buffer_unpin(&model->rig.buffer, pin->block);
        pin->block = NULL;
        return;
    }
    size_t len = weir_buffer_len(&model->rig.buffer);
    size_t skipped = draw(model, len + 1);
    pin->offset = model->rig.buffer.offset + skipped;
    weir_view rest = weir_buffer_from(&model->rig.buffer, pin->offset);
    pin->bytes = weir_bytes(rest.data, draw(model, rest.len + 1));
    pin->block = weir_buffer_pin(&model->rig.buffer);
}

static void model_check(const struct model *model) {
    const weir_buffer *buffer = &model->rig.buffer;
    holds(&model->rig, buffer->offset, model->end);
    assert_in_range(buffer->block->capacity, buffer->base, buffer->most);
    for (size_t i = 0; i < PINS; i++) {
        if (model->pins[i].block != NULL) {
            check_bytes(model->pins[i].bytes, model->pins[i].offset);
        }
    }
    assert_true(model->rig.counts.live <= PINS + 2);
}

static void play_model(uint64_t seed, size_t base, size_t most, int steps) {
    struct model model = {.random = seed};
    start_rig(&model.rig, base, most);
    for (int step = 0; step < steps; step++) {
        model.rig.counts.allowed = draw(&model, 8) == 0 ? draw(&model, 2) : SIZE_MAX;
        switch (draw(&model, 8)) {
        case 0:
        case 1:
        case 2: model_fill(&model); break;
        case 3:
        case 4: model_use(&model); break;
        case 5: model_cut(&model); break;
        default: model_pin(&model); break;
        }
        model_check(&model);
    }
    for (size_t i = 0; i < PINS; i++) {
        weir_buffer_unpin(&model.rig.buffer, model.pins[i].block);
    }
    stop_rig(&model.rig);
}

static void random_use_agrees_with_the_model(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 1},   {1, 50},  {16, 16},   {16, 20},
                                      {16, 64}, {16, 99}, {64, 1000}, {10, 333}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (uint64_t seed = 1; seed <= 10; seed++) {
            play_model(seed * 7919, sizes[i][0], sizes[i][1], 2000);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_is_empty_and_has_room),
        cmocka_unit_test(bytes_come_out_in_the_order_they_went_in),
        cmocka_unit_test(a_view_may_begin_anywhere_in_the_queue),
        cmocka_unit_test(all_the_room_given_may_be_used),
        cmocka_unit_test(cutting_takes_back_the_end),
        cmocka_unit_test(capacity_doubles_up_to_the_ceiling),
        cmocka_unit_test(one_large_room_grows_at_once),
        cmocka_unit_test(the_ceiling_is_exact),
        cmocka_unit_test(a_ceiling_below_the_base_is_the_base),
        cmocka_unit_test(a_capacity_beyond_memory_is_refused),
        cmocka_unit_test(it_shrinks_after_many_small_rounds_only),
        cmocka_unit_test(it_shrinks_to_what_was_needed),
        cmocka_unit_test(what_needs_its_capacity_keeps_it),
        cmocka_unit_test(a_buffer_that_is_never_empty_does_not_shrink),
        cmocka_unit_test(without_memory_to_shrink_it_stays_large),
        cmocka_unit_test(pinned_bytes_stay_whatever_the_queue_does),
        cmocka_unit_test(a_pinned_block_is_filled_to_its_end_first),
        cmocka_unit_test(a_block_stays_until_its_last_pin_is_gone),
        cmocka_unit_test(unpinning_nothing_is_fine),
        cmocka_unit_test(pins_may_be_given_back_in_any_order),
        cmocka_unit_test(cutting_leaves_what_is_pinned_before_it),
        cmocka_unit_test(steady_rounds_of_pins_allocate_nothing),
        cmocka_unit_test(a_kept_spare_makes_a_fixed_buffer_do_without_memory),
        cmocka_unit_test(blocks_larger_than_the_base_are_not_kept),
        cmocka_unit_test(a_buffer_without_memory_is_not_begun),
        cmocka_unit_test(a_spare_without_memory_changes_nothing),
        cmocka_unit_test(growth_without_memory_changes_nothing),
        cmocka_unit_test(moving_from_a_pinned_block_without_memory_changes_nothing),
        cmocka_unit_test(what_fits_needs_no_memory),
        cmocka_unit_test(growing_byte_by_byte_costs_linear_time),
        cmocka_unit_test(a_backlog_costs_linear_time),
        cmocka_unit_test(a_backlog_costs_linear_time_with_pins),
        cmocka_unit_test(random_use_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
