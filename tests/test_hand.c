/* What a consumer has in hand, and what it does about failures.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include "../stream/hand.h"
#include "../stream/remedy.h"

static const weir_mem STANDARD = {NULL, NULL};

static weir_id at(uint64_t ms) { return (weir_id){ms, 0}; }

static void hand_finds_what_it_holds_and_nothing_else(void **state) {
    (void)state;
    weir_hand hand;
    assert_status(weir_hand_init(&hand, &STANDARD, 100, 2), WEIR_OK);
    for (uint64_t ms = 1; ms <= 100; ms++) {
        assert_non_null(weir_hand_add(&hand, ms % 2, at(ms)));
    }
    assert_true(weir_hand_is_full(&hand));
    assert_null(weir_hand_add(&hand, 0, at(101)));
    for (uint64_t ms = 1; ms <= 100; ms++) {
        const weir_held *held = weir_hand_find(&hand, ms % 2, at(ms));
        assert_non_null(held);
        assert_ptr_equal(weir_hand_of(&hand, held->ticket), held);
        assert_null(weir_hand_find(&hand, 1 - ms % 2, at(ms)));
    }
    weir_hand_free(&hand);
}

static void a_ticket_ends_with_its_entry(void **state) {
    (void)state;
    weir_hand hand;
    assert_status(weir_hand_init(&hand, &STANDARD, 1, 1), WEIR_OK);
    weir_held *held = weir_hand_add(&hand, 0, at(1));
    uint64_t first = held->ticket;
    weir_hand_drop(&hand, held, 0);
    assert_null(weir_hand_of(&hand, first));
    held = weir_hand_add(&hand, 0, at(1));
    assert_true(held->ticket != first);
    assert_null(weir_hand_of(&hand, first));
    assert_null(weir_hand_of(&hand, 0));
    weir_hand_free(&hand);
}

static void a_loss_recalls_what_was_sent_and_lets_go_what_was_leaving(void **state) {
    (void)state;
    weir_hand hand;
    weir_id ids[4];
    assert_status(weir_hand_init(&hand, &STANDARD, 4, 1), WEIR_OK);
    for (uint64_t ms = 1; ms <= 4; ms++) {
        weir_held *held = weir_hand_add(&hand, 0, at(ms));
        if (ms <= 2) {
            weir_hand_done(&hand, held);
        } else if (ms == 3) {
            weir_hand_leave(&hand, held);
        }
    }
    assert_int_equal(weir_hand_list(&hand, 0, ids, 4), 2);
    weir_hand_send(&hand, 0, 2);
    assert_int_equal(weir_hand_unsettled(&hand), 3);
    weir_hand_recall(&hand);
    assert_int_equal(weir_hand_list(&hand, 0, ids, 4), 2);
    assert_int_equal(ids[0].ms, 1);
    assert_null(weir_hand_find(&hand, 0, at(3)));
    assert_int_equal(weir_hand_find(&hand, 0, at(4))->state, WEIR_HELD_GIVEN);
    weir_hand_free(&hand);
}

static void what_is_settled_is_known_until_no_answer_can_tell_of_it(void **state) {
    (void)state;
    weir_hand hand;
    assert_status(weir_hand_init(&hand, &STANDARD, 2, 1), WEIR_OK);
    weir_hand_done(&hand, weir_hand_add(&hand, 0, at(1)));
    weir_hand_send(&hand, 0, 1);
    weir_hand_settle(&hand, 1, 7);
    assert_int_equal(weir_hand_find(&hand, 0, at(1))->state, WEIR_HELD_SETTLED);
    weir_hand_forget(&hand, 7);
    assert_non_null(weir_hand_find(&hand, 0, at(1)));
    weir_hand_forget(&hand, 8);
    assert_null(weir_hand_find(&hand, 0, at(1)));
    weir_hand_free(&hand);
}

static void what_left_without_an_acknowledgement_is_still_the_lowest(void **state) {
    (void)state;
    weir_hand hand;
    weir_id lowest;
    assert_status(weir_hand_init(&hand, &STANDARD, 4, 2), WEIR_OK);
    assert_false(weir_hand_lowest(&hand, 0, &lowest));
    weir_hand_drop(&hand, weir_hand_add(&hand, 0, at(2)), 0);
    assert_non_null(weir_hand_add(&hand, 0, at(3)));
    assert_false(weir_hand_lowest(&hand, 1, &lowest));
    assert_true(weir_hand_lowest(&hand, 0, &lowest));
    assert_int_equal(lowest.ms, 2);
    weir_hand_done(&hand, weir_hand_add(&hand, 0, at(2))); /* it came again */
    weir_hand_send(&hand, 0, 1);
    weir_hand_settle(&hand, 1, 0);
    assert_true(weir_hand_lowest(&hand, 0, &lowest));
    assert_int_equal(lowest.ms, 3);
    weir_hand_loosen(&hand, 0, at(1));
    weir_hand_leave(&hand, weir_hand_find(&hand, 0, at(3)));
    weir_hand_recall(&hand);
    assert_true(weir_hand_lowest(&hand, 0, &lowest));
    assert_int_equal(lowest.ms, 1);
    weir_hand_tie(&hand, 0);
    assert_false(weir_hand_lowest(&hand, 0, &lowest));
    weir_hand_free(&hand);
}

static void each_failure_has_its_remedy(void **state) {
    (void)state;
    const struct {
        weir_error_kind kind;
        weir_remedy remedy;
    } rows[] = {
        {WEIR_KIND_RETRY, WEIR_REMEDY_AGAIN},     {WEIR_KIND_ROLE, WEIR_REMEDY_AGAIN},
        {WEIR_KIND_UNBLOCKED, WEIR_REMEDY_AGAIN}, {WEIR_KIND_NO_GROUP, WEIR_REMEDY_GROUP},
        {WEIR_KIND_WRONG_TYPE, WEIR_REMEDY_STOP}, {WEIR_KIND_FORBIDDEN, WEIR_REMEDY_STOP},
        {WEIR_KIND_OTHER, WEIR_REMEDY_STOP}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weir_error error = {.status = WEIR_ERR_SERVER, .kind = rows[i].kind};
        assert_int_equal(weir_remedy_for(&error), rows[i].remedy);
    }
    weir_error lost = {.status = WEIR_ERR_CLOSED};
    assert_int_equal(weir_remedy_for(&lost), WEIR_REMEDY_AGAIN);
    weir_error odd = {.status = WEIR_ERR_REPLY};
    assert_int_equal(weir_remedy_for(&odd), WEIR_REMEDY_STOP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_finds_what_it_holds_and_nothing_else),
        cmocka_unit_test(a_ticket_ends_with_its_entry),
        cmocka_unit_test(a_loss_recalls_what_was_sent_and_lets_go_what_was_leaving),
        cmocka_unit_test(what_is_settled_is_known_until_no_answer_can_tell_of_it),
        cmocka_unit_test(what_left_without_an_acknowledgement_is_still_the_lowest),
        cmocka_unit_test(each_failure_has_its_remedy),
    };
    return cmocka_run_group_tests_name("hand", tests, NULL, NULL);
}
