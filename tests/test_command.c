/* Commands are sized exactly, written into just that many bytes, and read back as they
 * were. SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "../resp/command.h"
#include "../resp/reader.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What the command takes, counted by hand: a '*' or '$', digits and CR LF for each. */
static size_t digits_of(size_t value) {
    size_t digits = 1;
    for (; value >= 10; value /= 10) {
        digits++;
    }
    return digits;
}

/* The command in memory of exactly the size that weir_command_size says. */
static weir_view written(const weir_view *args, size_t count) {
    size_t size = 0;
    assert_status(weir_command_size(args, count, &size), WEIR_OK);
    char *blank = calloc(1, size);
    assert_non_null(blank);
    weir_view command = support_guard(weir_bytes(blank, size));
    free(blank);
    char *out = (char *)(uintptr_t)command.data;
    assert_ptr_equal(weir_command_write(out, args, count), out + size);
    return command;
}

/* The reader finds the same arguments in it, and nothing else. */
static void expect_args(weir_view command, const weir_view *args, size_t count) {
    static const weir_reader_options resp2 = {.protocol = 2};
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, &resp2);
    assert_status(weir_reader_next(&reader, command, &used, &token), WEIR_OK);
    assert_int_equal(token.type, WEIR_TOKEN_ARRAY);
    assert_int_equal(token.number, count);
    size_t at = used;
    for (size_t i = 0; i < count; i++) {
        weir_view rest = weir_bytes(command.data + at, command.len - at);
        assert_status(weir_reader_next(&reader, rest, &used, &token), WEIR_OK);
        assert_int_equal(token.type, WEIR_TOKEN_BULK);
        assert_true(weir_view_equal(token.bytes, args[i]));
        at += used;
    }
    assert_int_equal(at, command.len);
    assert_true(weir_reader_is_between(&reader));
}

static void expect_command(const weir_view *args, size_t count, weir_view expected) {
    weir_view command = written(args, count);
    assert_int_equal(command.len, expected.len);
    assert_memory_equal(command.data, expected.data, expected.len);
    expect_args(command, args, count);
    support_unguard(command);
}

static void a_command_is_an_array_of_bulk_strings(void **state) {
    (void)state;
    const weir_view ping[] = {weir_text("PING")};
    expect_command(ping, 1, WIRE("*1\r\n$4\r\nPING\r\n"));
    const weir_view get[] = {weir_text("GET"), weir_text("a key 10b")};
    expect_command(get, 2, WIRE("*2\r\n$3\r\nGET\r\n$9\r\na key 10b\r\n"));
}

static void an_argument_may_be_empty_without_an_address(void **state) {
    (void)state;
    const weir_view args[] = {weir_text("SET"), weir_bytes(NULL, 0), weir_text("")};
    expect_command(args, 3, WIRE("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n"));
}

static void an_argument_may_hold_any_byte(void **state) {
    (void)state;
    const weir_view args[] = {WIRE("a\0b"), WIRE("\r\n$1\r\n"), WIRE("\xff")};
    expect_command(args, 3, WIRE("*3\r\n$3\r\na\0b\r\n$6\r\n\r\n$1\r\n\r\n$1\r\n\xff\r\n"));
    char all[256];
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (char)i;
    }
    const weir_view every = weir_bytes(all, sizeof all);
    weir_view command = written(&every, 1);
    expect_args(command, &every, 1);
    support_unguard(command);
}

static void sizes_are_exact_at_every_count_of_digits(void **state) {
    (void)state;
    static const size_t lens[] = {0,   1,   9,    10,   11,    99,    100,
                                  101, 999, 1000, 9999, 10000, 99999, 100000};
    char *bytes = calloc(1, 100000);
    assert_non_null(bytes);
    for (size_t i = 0; i < COUNT(lens); i++) {
        size_t len = lens[i];
        assert_int_equal(weir_bulk_size(len), 1 + digits_of(len) + 2 + len + 2);
        const weir_view args[] = {weir_text("X"), weir_bytes(bytes, len)};
        weir_view command = written(args, 2);
        assert_int_equal(command.len, 4 + 7 + weir_bulk_size(len));
        expect_args(command, args, 2);
        support_unguard(command);
    }
    free(bytes);
}

static void counts_are_exact_at_every_count_of_digits(void **state) {
    (void)state;
    static const size_t counts[] = {1, 9, 10, 11, 99, 100, 999, 1000, 9999, 10000};
    weir_view *args = calloc(10000, sizeof *args);
    assert_non_null(args);
    for (size_t i = 0; i < 10000; i++) {
        args[i] = weir_text("ab");
    }
    for (size_t i = 0; i < COUNT(counts); i++) {
        size_t count = counts[i];
        assert_int_equal(weir_header_size(count), 1 + digits_of(count) + 2);
        weir_view command = written(args, count);
        assert_int_equal(command.len, weir_header_size(count) + count * 8);
        expect_args(command, args, count);
        support_unguard(command);
    }
    free(args);
}

static void pieces_make_the_same_command(void **state) {
    (void)state;
    const weir_view args[] = {weir_text("XADD"), weir_bytes(NULL, 0), WIRE("\r\n")};
    weir_view command = written(args, 3);
    char pieces[64];
    char *out = weir_put_header(pieces, 3);
    assert_int_equal(out - pieces, weir_header_size(3));
    for (size_t i = 0; i < 3; i++) {
        char *end = weir_put_bulk(out, args[i]);
        assert_int_equal(end - out, weir_bulk_size(args[i].len));
        out = end;
    }
    assert_true(weir_view_equal(weir_bytes(pieces, (size_t)(out - pieces)), command));
    support_unguard(command);
}

static void head_and_end_stand_around_the_bytes(void **state) {
    (void)state;
    char whole[32];
    char around[32];
    weir_view bytes = weir_text("0123456789");
    size_t size = (size_t)(weir_put_bulk(whole, bytes) - whole);
    char *out = weir_put_bulk_head(around, bytes.len);
    assert_view(weir_bytes(around, (size_t)(out - around)), "$10\r\n");
    memcpy(out, bytes.data, bytes.len);
    out = weir_put_bulk_end(out + bytes.len);
    assert_int_equal(out - around, size);
    assert_memory_equal(around, whole, size);
}

static void a_command_without_arguments_is_refused(void **state) {
    (void)state;
    const weir_view none = weir_text("X");
    size_t size = 77;
    assert_status(weir_command_size(&none, 0, &size), WEIR_ERR_ARG);
    assert_status(weir_command_size(NULL, 0, &size), WEIR_ERR_ARG);
    assert_int_equal(size, 77);
}

/* Lengths that nobody has; weir_command_size does not look at the bytes. */
static void expect_size(const size_t *lens, size_t count, weir_status st, size_t expected) {
    weir_view args[4];
    for (size_t i = 0; i < count; i++) {
        args[i] = weir_bytes("", lens[i]);
    }
    size_t size = 77;
    assert_status(weir_command_size(args, count, &size), st);
    assert_int_equal(size, st == WEIR_OK ? expected : 77);
}

static void a_sum_beyond_size_t_is_refused(void **state) {
    (void)state;
    static const size_t most[] = {SIZE_MAX - 64};
    static const size_t more[] = {SIZE_MAX - 63};
    static const size_t all[] = {SIZE_MAX};
    size_t framed = 4 + 1 + digits_of(SIZE_MAX) + 2 + (SIZE_MAX - 64) + 2;
    expect_size(most, 1, WEIR_OK, framed);
    expect_size(more, 1, WEIR_ERR_LIMIT, 0);
    expect_size(all, 1, WEIR_ERR_LIMIT, 0);
    static const size_t halves[] = {SIZE_MAX / 2, SIZE_MAX / 2};
    expect_size(halves, 2, WEIR_ERR_LIMIT, 0);
    static const size_t behind[] = {1, SIZE_MAX};
    expect_size(behind, 2, WEIR_ERR_LIMIT, 0);
}

static void the_largest_sum_is_the_largest_size_t(void **state) {
    (void)state;
    size_t first = SIZE_MAX - 64;
    size_t left = SIZE_MAX - weir_header_size(2) - weir_bulk_size(first);
    size_t fits[] = {first, left - 7};
    assert_int_equal(weir_bulk_size(fits[1]), left);
    expect_size(fits, 2, WEIR_OK, SIZE_MAX);
    fits[1]++;
    expect_size(fits, 2, WEIR_ERR_LIMIT, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_an_array_of_bulk_strings),
        cmocka_unit_test(an_argument_may_be_empty_without_an_address),
        cmocka_unit_test(an_argument_may_hold_any_byte),
        cmocka_unit_test(sizes_are_exact_at_every_count_of_digits),
        cmocka_unit_test(counts_are_exact_at_every_count_of_digits),
        cmocka_unit_test(pieces_make_the_same_command),
        cmocka_unit_test(head_and_end_stand_around_the_bytes),
        cmocka_unit_test(a_command_without_arguments_is_refused),
        cmocka_unit_test(a_sum_beyond_size_t_is_refused),
        cmocka_unit_test(the_largest_sum_is_the_largest_size_t),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
