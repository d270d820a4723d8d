/* Commands of the stream layer: sized exactly, and the same bytes as a plain list of
 * arguments gives.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/command.h"
#include "../stream/args.h"
#include "support.h"

#include <string.h>

#define MOST 64 /* arguments of one test */

/* The command is what weir_command_write makes of `count` texts, in just that many bytes.
 * Guarded memory holds it: one byte more would crash. */
static void writes(const weir_args *args, const char *const *texts, size_t count) {
    weir_view list[MOST];
    char expected[4096];
    size_t size = 0;
    size_t expected_size = 0;
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        list[i] = weir_text(texts[i]);
    }
    assert_status(weir_command_size(list, count, &expected_size), WEIR_OK);
    assert_true(expected_size <= sizeof expected);
    weir_command_write(expected, list, count);
    assert_status(weir_args_size(args, &size), WEIR_OK);
    assert_int_equal(size, expected_size);
    memset(expected + expected_size, 0, sizeof expected - expected_size);
    weir_view room = support_guard(weir_bytes(expected, size));
    char *out = (char *)(uintptr_t)room.data;
    memset(out, 'x', size);
    weir_args_write(args, out, NULL);
    assert_memory_equal(out, expected, size);
    support_unguard(room);
}

#define WRITES(args, ...)                                                                  \
    do {                                                                                   \
        const char *const texts_[] = {__VA_ARGS__};                                        \
        writes((args), texts_, sizeof texts_ / sizeof texts_[0]);                          \
    } while (0)

/* ---- the list ---- */

static void a_command_can_be_its_name_alone(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "PING");
    WRITES(&args, "PING");
}

static void the_wire_form_is_that_of_the_specification(void **state) {
    (void)state;
    weir_args args;
    char out[64] = {0};
    size_t size;
    weir_args_begin(&args, "XLEN");
    weir_args_view(&args, WIRE("a\0b"));
    assert_status(weir_args_size(&args, &size), WEIR_OK);
    assert_int_equal(size, 23);
    weir_args_write(&args, out, NULL);
    assert_memory_equal(out, "*2\r\n$4\r\nXLEN\r\n$3\r\na\0b\r\n", 24);
}

static void texts_views_and_numbers_keep_their_order(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "XTRIM");
    weir_args_view(&args, weir_text("tasks"));
    weir_args_text(&args, "MAXLEN");
    weir_args_number(&args, 1000);
    weir_args_text(&args, "LIMIT");
    weir_args_number(&args, 0);
    WRITES(&args, "XTRIM", "tasks", "MAXLEN", "1000", "LIMIT", "0");
}

static void an_argument_may_be_empty(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "X");
    weir_args_text(&args, "");
    weir_args_view(&args, weir_bytes(NULL, 0));
    WRITES(&args, "X", "", "");
}

static void numbers_of_every_length_are_written(void **state) {
    (void)state;
    static const char *const texts[] = {"0",
                                        "9",
                                        "10",
                                        "99",
                                        "100",
                                        "4294967296",
                                        "9223372036854775807",
                                        "9999999999999999999",
                                        "10000000000000000000",
                                        "18446744073709551615"};
    static const uint64_t numbers[] = {0,
                                       9,
                                       10,
                                       99,
                                       100,
                                       UINT64_C(4294967296),
                                       INT64_MAX,
                                       UINT64_C(9999999999999999999),
                                       UINT64_C(10000000000000000000),
                                       UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        weir_args args;
        weir_args_begin(&args, "N");
        weir_args_number(&args, numbers[i]);
        WRITES(&args, "N", texts[i]);
    }
}

static void ids_are_written_with_and_without_a_prefix(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "XRANGE");
    weir_args_text(&args, "tasks");
    weir_args_id(&args, "", (weir_id){5, 7});
    weir_args_id(&args, "(", WEIR_ID_MAX);
    WRITES(&args, "XRANGE", "tasks", "5-7", "(18446744073709551615-18446744073709551615");
}

static void four_longest_ids_fit_one_command(void **state) {
    (void)state;
    static const char most[] = "(18446744073709551615-18446744073709551615";
    weir_args args;
    weir_args_begin(&args, "X");
    for (int i = 0; i < 4; i++) {
        weir_args_id(&args, "(", WEIR_ID_MAX);
    }
    WRITES(&args, "X", most, most, most, most);
}

/* The last id's NUL is the last byte of the scratch memory. */
static void the_scratch_memory_is_used_to_its_end(void **state) {
    (void)state;
    static const char most[] = "18446744073709551615";
    weir_args args;
    weir_args_begin(&args, "X");
    for (int i = 0; i < 7; i++) {
        weir_args_number(&args, UINT64_MAX);
    }
    weir_args_number(&args, 123456789);
    assert_int_equal(args.scratch_len + 1 + WEIR_ID_TEXT, WEIR_ARGS_SCRATCH);
    weir_args_id(&args, "(", WEIR_ID_MAX);
    WRITES(&args, "X", most, most, most, most, most, most, most, "123456789",
           "(18446744073709551615-18446744073709551615");
}

static void sixteen_arguments_fit_the_list(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "0");
    for (int i = 1; i < WEIR_ARGS_MOST; i++) {
        weir_args_text(&args, "v");
    }
    WRITES(&args, "0", "v", "v", "v", "v", "v", "v", "v", "v", "v", "v", "v", "v", "v", "v",
           "v");
}

/* ---- what stands behind the list ---- */

static void fields_follow_the_list(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("task_type", "email"), weir_pair("empty", "")};
    weir_args args;
    weir_args_begin(&args, "XADD");
    weir_args_text(&args, "tasks");
    weir_args_text(&args, "*");
    args.fields = fields;
    args.field_count = 2;
    WRITES(&args, "XADD", "tasks", "*", "task_type", "email", "empty", "");
}

static void ids_follow_the_list(void **state) {
    (void)state;
    const weir_id ids[] = {{1, 0}, {0, 1}, {UINT64_MAX, UINT64_MAX}};
    weir_args args;
    weir_args_begin(&args, "XDEL");
    weir_args_text(&args, "tasks");
    args.ids = ids;
    args.id_count = 3;
    WRITES(&args, "XDEL", "tasks", "1-0", "0-1",
           "18446744073709551615-18446744073709551615");
}

static void the_keys_of_sources_come_before_their_places(void **state) {
    (void)state;
    const weir_source sources[] = {
        weir_source_after(weir_text("a"), (weir_id){5, 7}),
        weir_source_new(weir_text("b")),
        {weir_text("c"), WEIR_FROM_LAST, {0, 0}},
        weir_source_after(weir_text("d"), WEIR_ID_MIN),
    };
    weir_args args;
    weir_args_begin(&args, "XREAD");
    weir_args_text(&args, "STREAMS");
    args.sources = sources;
    args.source_count = 4;
    WRITES(&args, "XREAD", "STREAMS", "a", "b", "c", "d", "5-7", "$", "+", "0-0");
}

static void what_is_new_to_a_group_is_another_sign(void **state) {
    (void)state;
    const weir_source sources[] = {weir_source_new(weir_text("a")),
                                   weir_source_after(weir_text("b"), WEIR_ID_MAX)};
    weir_args args;
    weir_args_begin(&args, "XREADGROUP");
    weir_args_text(&args, "STREAMS");
    args.sources = sources;
    args.source_count = 2;
    args.is_group_read = true;
    WRITES(&args, "XREADGROUP", "STREAMS", "a", "b", ">",
           "18446744073709551615-18446744073709551615");
}

static void the_tail_stands_behind_all(void **state) {
    (void)state;
    const weir_id ids[] = {{1, 2}};
    weir_args args;
    weir_args_begin(&args, "XCLAIM");
    args.ids = ids;
    args.id_count = 1;
    weir_args_text(&args, "key");
    weir_args_begin_tail(&args);
    WRITES(&args, "XCLAIM", "key", "1-2");
    weir_args_text(&args, "IDLE");
    weir_args_number(&args, 5);
    WRITES(&args, "XCLAIM", "key", "1-2", "IDLE", "5");
    weir_args_text(&args, "");
    WRITES(&args, "XCLAIM", "key", "1-2", "IDLE", "5", "");
}

static void all_kinds_stand_in_one_order(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("f", "v")};
    const weir_id ids[] = {{1, 2}};
    const weir_source sources[] = {weir_source_new(weir_text("k"))};
    weir_args args;
    weir_args_begin(&args, "X");
    args.fields = fields;
    args.field_count = 1;
    args.ids = ids;
    args.id_count = 1;
    args.sources = sources;
    args.source_count = 1;
    weir_args_begin_tail(&args);
    weir_args_text(&args, "end");
    WRITES(&args, "X", "f", "v", "1-2", "k", "$", "end");
}

static void long_tails_have_headers_of_more_digits(void **state) {
    (void)state;
    weir_id ids[200];
    weir_view list[201] = {weir_text("XACK")};
    char expected[8192];
    char out[8192];
    size_t expected_size;
    size_t size;
    for (size_t i = 0; i < 200; i++) {
        ids[i] = (weir_id){7, 7};
        list[i + 1] = weir_text("7-7");
    }
    weir_args args;
    weir_args_begin(&args, "XACK");
    args.ids = ids;
    for (args.id_count = 0; args.id_count <= 200; args.id_count++) {
        assert_status(weir_command_size(list, 1 + args.id_count, &expected_size), WEIR_OK);
        assert_status(weir_args_size(&args, &size), WEIR_OK);
        assert_int_equal(size, expected_size);
        assert_true(size <= sizeof out);
        weir_command_write(expected, list, 1 + args.id_count);
        weir_args_write(&args, out, NULL);
        assert_memory_equal(out, expected, size);
    }
}

/* ---- the caller's list ---- */

static void a_callers_list_is_the_whole_command(void **state) {
    (void)state;
    weir_view given[] = {weir_text("CONFIG"), weir_text("GET"), weir_bytes(NULL, 0)};
    weir_args args;
    weir_args_begin_list(&args, given, 3);
    WRITES(&args, "CONFIG", "GET", "");
}

static void a_callers_list_may_be_longer_than_ours(void **state) {
    (void)state;
    weir_view given[3 * WEIR_ARGS_MOST];
    const char *texts[3 * WEIR_ARGS_MOST];
    for (size_t i = 0; i < 3 * WEIR_ARGS_MOST; i++) {
        texts[i] = &"DEL"[i % 4];
        given[i] = weir_text(texts[i]);
    }
    weir_args args;
    weir_args_begin_list(&args, given, 3 * WEIR_ARGS_MOST);
    writes(&args, texts, 3 * WEIR_ARGS_MOST);
}

static void beginning_anew_forgets_everything(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("f", "v")};
    const weir_id ids[] = {{1, 2}};
    const weir_source sources[] = {weir_source_new(weir_text("k"))};
    weir_view given[] = {weir_text("PING")};
    weir_args args;
    weir_args_begin(&args, "X");
    weir_args_number(&args, 5);
    args.fields = fields;
    args.field_count = 1;
    args.ids = ids;
    args.id_count = 1;
    args.sources = sources;
    args.source_count = 1;
    args.is_group_read = true;
    weir_args_begin_tail(&args);
    weir_args_text(&args, "end");
    weir_args_begin_list(&args, given, 1);
    WRITES(&args, "PING");
    weir_args_begin(&args, "Y");
    WRITES(&args, "Y");
    assert_false(args.is_group_read);
    assert_int_equal(args.scratch_len, 0);
}

/* ---- sizes beyond memory: views that are never read ---- */

static void refuses_size(const weir_args *args) {
    size_t size = 4711;
    assert_status(weir_args_size(args, &size), WEIR_ERR_LIMIT);
    assert_int_equal(size, 4711);
}

static void an_argument_beyond_memory_is_refused(void **state) {
    (void)state;
    weir_args args;
    for (size_t less = 0; less < 64; less++) {
        weir_args_begin(&args, "X");
        weir_args_view(&args, weir_bytes("", SIZE_MAX - less));
        refuses_size(&args);
    }
}

static void a_sum_beyond_memory_is_refused(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "X");
    weir_args_view(&args, weir_bytes("", SIZE_MAX / 2));
    size_t size;
    assert_status(weir_args_size(&args, &size), WEIR_OK);
    assert_true(size > SIZE_MAX / 2);
    weir_args_view(&args, weir_bytes("", SIZE_MAX / 2));
    refuses_size(&args);
}

/* The largest command that fits: not one byte more. */
static void the_largest_size_is_exact(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "X");
    size_t frame = weir_header_size(2) + weir_bulk_size(1);
    size_t digits = weir_bulk_size(SIZE_MAX / 2) - SIZE_MAX / 2;
    size_t half = SIZE_MAX / 2 - digits;
    size_t size = 0;
    weir_args_view(&args, weir_bytes("", half));
    weir_args_view(&args, weir_bytes("", half + 1 - frame));
    assert_status(weir_args_size(&args, &size), WEIR_OK);
    assert_int_equal(size, SIZE_MAX);
    args.list[2].len++;
    refuses_size(&args);
}

static void tails_beyond_memory_are_refused(void **state) {
    (void)state;
    weir_field name_is_huge = {weir_bytes("", SIZE_MAX - 1), weir_text("v")};
    weir_field value_is_huge = {weir_text("f"), weir_bytes("", SIZE_MAX - 70)};
    weir_source key_is_huge = weir_source_new(weir_bytes("", SIZE_MAX - 70));
    weir_args args;
    weir_args_begin(&args, "X");
    args.field_count = 1;
    args.fields = &name_is_huge;
    refuses_size(&args);
    args.fields = &value_is_huge;
    weir_args_view(&args, weir_bytes("", 128));
    refuses_size(&args);
    args.field_count = 0;
    args.sources = &key_is_huge;
    args.source_count = 1;
    refuses_size(&args);
    weir_view given[] = {weir_bytes("", SIZE_MAX / 2), weir_bytes("", SIZE_MAX / 2)};
    weir_args_begin_list(&args, given, 2);
    refuses_size(&args);
}

static void counts_beyond_memory_are_refused(void **state) {
    (void)state;
    weir_args args;
    weir_args_begin(&args, "X"); /* the lists are never looked at */
    args.field_count = SIZE_MAX / 64 + 1;
    refuses_size(&args);
    args.field_count = 0;
    args.id_count = SIZE_MAX;
    refuses_size(&args);
    args.id_count = 0;
    args.source_count = SIZE_MAX / 2;
    refuses_size(&args);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_can_be_its_name_alone),
        cmocka_unit_test(the_wire_form_is_that_of_the_specification),
        cmocka_unit_test(texts_views_and_numbers_keep_their_order),
        cmocka_unit_test(an_argument_may_be_empty),
        cmocka_unit_test(numbers_of_every_length_are_written),
        cmocka_unit_test(ids_are_written_with_and_without_a_prefix),
        cmocka_unit_test(four_longest_ids_fit_one_command),
        cmocka_unit_test(the_scratch_memory_is_used_to_its_end),
        cmocka_unit_test(sixteen_arguments_fit_the_list),
        cmocka_unit_test(fields_follow_the_list),
        cmocka_unit_test(ids_follow_the_list),
        cmocka_unit_test(the_keys_of_sources_come_before_their_places),
        cmocka_unit_test(what_is_new_to_a_group_is_another_sign),
        cmocka_unit_test(the_tail_stands_behind_all),
        cmocka_unit_test(all_kinds_stand_in_one_order),
        cmocka_unit_test(long_tails_have_headers_of_more_digits),
        cmocka_unit_test(a_callers_list_is_the_whole_command),
        cmocka_unit_test(a_callers_list_may_be_longer_than_ours),
        cmocka_unit_test(beginning_anew_forgets_everything),
        cmocka_unit_test(an_argument_beyond_memory_is_refused),
        cmocka_unit_test(a_sum_beyond_memory_is_refused),
        cmocka_unit_test(the_largest_size_is_exact),
        cmocka_unit_test(tails_beyond_memory_are_refused),
        cmocka_unit_test(counts_beyond_memory_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
