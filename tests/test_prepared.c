/* A prepared command is what the plain writer makes of the same arguments, in memory of
 * exactly the sizes that were said. SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "../resp/command.h"
#include "../resp/prepared.h"
#include "support.h"

#define MOST_ARGS 64

/* Memory of exactly `size` bytes, behind which nothing can be read or written. */
static weir_view guarded(size_t size) {
    char *blank = calloc(1, size);
    assert_non_null(blank);
    weir_view memory = support_guard(weir_bytes(blank, size));
    free(blank);
    return memory;
}

static char *bytes_of(weir_view memory) { return (char *)(uintptr_t)memory.data; }

static size_t all_args(const weir_prepared_parts *parts, const weir_view *values,
                       weir_view *args) {
    size_t count = 0;
    for (size_t i = 0; i < parts->head_count; i++) {
        args[count++] = parts->head[i];
    }
    for (size_t i = 0; i < parts->name_count; i++) {
        args[count++] = parts->names[i];
        args[count++] = values[i];
    }
    return count;
}

static void expect_plain(const weir_prepared_parts *parts, const weir_view *values,
                         weir_view written) {
    weir_view args[MOST_ARGS];
    size_t size = 0;
    size_t count = all_args(parts, values, args);
    assert_status(weir_command_size(args, count, &size), WEIR_OK);
    assert_int_equal(written.len, size);
    char *plain = malloc(size);
    assert_non_null(plain);
    weir_command_write(plain, args, count);
    assert_memory_equal(written.data, plain, size);
    free(plain);
}

/* Writes it where each value, the prepared memory and the room end at a page's end. */
static void expect_command(const weir_prepared_parts *parts, const weir_view *values) {
    size_t size = 0;
    size_t room = 0;
    weir_view guards[MOST_ARGS] = {{NULL, 0}};
    assert_status(weir_prepared_size(parts, &size), WEIR_OK);
    size = (size + 63) / 64 * 64; /* so that it begins aligned */
    weir_view memory = guarded(size);
    weir_prepared *prepared = weir_prepared_make(bytes_of(memory), parts);
    assert_int_equal(weir_prepared_value_count(prepared), parts->name_count);
    for (size_t i = 0; i < parts->name_count; i++) {
        assert_non_null(values);
        guards[i] = support_guard(values[i]);
    }
    assert_status(weir_prepared_room(prepared, guards, &room), WEIR_OK);
    weir_view out = guarded(room);
    const char *end = weir_prepared_write(prepared, bytes_of(out), guards);
    assert_in_range(end - out.data, 1, room);
    expect_plain(parts, values, weir_bytes(out.data, (size_t)(end - out.data)));
    for (size_t i = 0; i < parts->name_count; i++) {
        support_unguard(guards[i]);
    }
    support_unguard(out);
    support_unguard(memory);
}

static void a_prepared_command_is_the_plain_one(void **state) {
    (void)state;
    const weir_view head[] = {weir_text("XADD"), weir_text("tasks"), weir_text("*")};
    const weir_view names[] = {weir_text("type"), weir_text("to")};
    const weir_view values[] = {weir_text("email"), weir_text("user@example.com")};
    weir_prepared_parts parts = {head, 3, names, 2};
    expect_command(&parts, values);
}

static void values_of_every_length_stand_where_they_must(void **state) {
    (void)state;
    const weir_view head[] = {weir_text("XADD"), weir_text("k"), weir_text("*")};
    const weir_view names[] = {weir_text("a name of more than one block"), weir_text("b")};
    static char bytes[10001];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    weir_prepared_parts parts = {head, 3, names, 2};
    for (size_t len = 0; len <= 600; len++) {
        const weir_view values[] = {weir_bytes(bytes, len), weir_bytes(bytes, 600 - len)};
        expect_command(&parts, values);
    }
    static const size_t digits[] = {999, 1000, 9999, 10000};
    for (size_t i = 0; i < 4; i++) {
        const weir_view values[] = {weir_bytes(bytes, digits[i]), weir_bytes(NULL, 0)};
        expect_command(&parts, values);
    }
}

static void constant_parts_of_every_length_are_copied_whole(void **state) {
    (void)state;
    static char bytes[300];
    memset(bytes, 'n', sizeof bytes);
    for (size_t len = 0; len < sizeof bytes; len++) {
        const weir_view head[] = {weir_bytes(bytes, len)};
        const weir_view names[] = {weir_bytes(bytes, sizeof bytes - len)};
        const weir_view value = weir_text("v");
        weir_prepared_parts parts = {head, 1, names, 1};
        expect_command(&parts, &value);
    }
}

/* `count` commands by one call, where the room ends at a page's end, and one by one. */
static void expect_all(const weir_prepared_parts *parts, const weir_view *values,
                       size_t count) {
    size_t size = 0;
    size_t room = 0;
    assert_status(weir_prepared_size(parts, &size), WEIR_OK);
    weir_prepared *prepared = weir_prepared_make(malloc(size), parts);
    assert_non_null(prepared);
    assert_status(weir_prepared_room_all(prepared, values, count, &room), WEIR_OK);
    weir_view out = guarded(room);
    const char *end = weir_prepared_write_all(prepared, bytes_of(out), values, count);
    char *one_by_one = malloc(room + 1);
    assert_non_null(one_by_one);
    char *at = one_by_one;
    for (size_t i = 0; i < count; i++) {
        at = weir_prepared_write(prepared, at, values + i * parts->name_count);
    }
    assert_int_equal(end - out.data, at - one_by_one);
    assert_memory_equal(out.data, one_by_one, (size_t)(end - out.data));
    free(one_by_one);
    free(prepared);
    support_unguard(out);
}

#define ALL_COMMANDS 6
#define ALL_NAMES    10

/* Values of one length, and of others now and then; one, several and many of them. */
static void expect_all_lengths(size_t key_len) {
    static const size_t name_counts[] = {0, 1, 2, 8, 9, ALL_NAMES};
    weir_view names[ALL_NAMES];
    weir_view values[ALL_COMMANDS * ALL_NAMES];
    static char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    for (size_t i = 0; i < ALL_NAMES; i++) {
        names[i] = weir_text("n");
    }
    const weir_view head[] = {weir_text("XADD"), weir_bytes(bytes, key_len),
                              weir_text("*")};
    for (size_t which = 0; which < sizeof name_counts / sizeof *name_counts; which++) {
        weir_prepared_parts parts = {head, 3, names, name_counts[which]};
        for (size_t len = 0; len <= 300; len++) {
            for (size_t i = 0; i < ALL_COMMANDS * parts.name_count; i++) {
                bool is_other = i == 3 * parts.name_count;
                values[i] = weir_bytes(bytes + i, is_other ? len / 2 : len);
            }
            expect_all(&parts, values, ALL_COMMANDS);
        }
        expect_all(&parts, values, 0);
    }
}

static void many_commands_are_as_if_written_one_by_one(void **state) {
    (void)state;
    static const size_t key_lens[] = {1, 17, 33, 49, 200};
    for (size_t i = 0; i < sizeof key_lens / sizeof *key_lens; i++) {
        expect_all_lengths(key_lens[i]);
    }
}

static void sums_of_many_commands_beyond_size_t_are_refused(void **state) {
    (void)state;
    const weir_view names[] = {weir_text("a")};
    weir_prepared_parts parts = {NULL, 0, names, 1};
    size_t size = 0;
    assert_status(weir_prepared_size(&parts, &size), WEIR_OK);
    weir_prepared *prepared = weir_prepared_make(malloc(size), &parts);
    assert_non_null(prepared);
    const weir_view halves[] = {weir_bytes("", SIZE_MAX / 2), weir_bytes("", SIZE_MAX / 2)};
    size_t room = 77;
    assert_status(weir_prepared_room_all(prepared, halves, 2, &room), WEIR_ERR_LIMIT);
    assert_status(weir_prepared_room_all(prepared, halves, SIZE_MAX / 8, &room),
                  WEIR_ERR_LIMIT);
    assert_int_equal(room, 77);
    free(prepared);
}

static void names_may_be_none_and_so_may_the_head(void **state) {
    (void)state;
    const weir_view ping = weir_text("PING");
    weir_prepared_parts no_names = {&ping, 1, NULL, 0};
    const weir_view value = weir_text("key");
    expect_command(&no_names, &value);
    const weir_view get = weir_text("GET");
    weir_prepared_parts no_head = {NULL, 0, &get, 1};
    expect_command(&no_head, &value);
}

static void counts_of_every_number_of_digits_are_told(void **state) {
    (void)state;
    weir_view names[31];
    weir_view values[31];
    const weir_view head = weir_text("X");
    for (size_t i = 0; i < 31; i++) {
        names[i] = weir_text("name");
        values[i] = weir_text("value");
    }
    for (size_t count = 0; count <= 31; count++) {
        weir_prepared_parts parts = {&head, 1, names, count};
        expect_command(&parts, values);
    }
}

static void no_arguments_at_all_are_refused(void **state) {
    (void)state;
    weir_prepared_parts nothing = {NULL, 0, NULL, 0};
    size_t size = 77;
    assert_status(weir_prepared_size(&nothing, &size), WEIR_ERR_ARG);
    assert_int_equal(size, 77);
}

/* Lengths that nobody has; the bytes are not looked at. */
static void sums_beyond_size_t_are_refused(void **state) {
    (void)state;
    const weir_view huge[] = {weir_bytes("", SIZE_MAX), weir_bytes("", SIZE_MAX / 2),
                              weir_bytes("", SIZE_MAX / 2)};
    const weir_prepared_parts parts[] = {
        {huge, 1, NULL, 0},
        {huge + 1, 2, NULL, 0},
        {NULL, 0, huge, 1},
        {huge + 1, 1, huge + 2, 1},
        {huge, SIZE_MAX / 2, NULL, 0},
        {NULL, 0, huge, SIZE_MAX / 2},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t size = 77;
        assert_status(weir_prepared_size(&parts[i], &size), WEIR_ERR_LIMIT);
        assert_int_equal(size, 77);
    }
}

static void a_value_beyond_size_t_is_refused(void **state) {
    (void)state;
    const weir_view names[] = {weir_text("a"), weir_text("b")};
    weir_prepared_parts parts = {NULL, 0, names, 2};
    size_t size = 0;
    assert_status(weir_prepared_size(&parts, &size), WEIR_OK);
    weir_prepared *prepared = weir_prepared_make(malloc(size), &parts);
    assert_non_null(prepared);
    const weir_view most[] = {weir_bytes("", SIZE_MAX), weir_text("")};
    const weir_view halves[] = {weir_bytes("", SIZE_MAX / 2), weir_bytes("", SIZE_MAX / 2)};
    size_t room = 77;
    assert_status(weir_prepared_room(prepared, most, &room), WEIR_ERR_LIMIT);
    assert_status(weir_prepared_room(prepared, halves, &room), WEIR_ERR_LIMIT);
    assert_int_equal(room, 77);
    free(prepared);
}

static weir_prepared *prepare(const weir_prepared_parts *parts) {
    size_t size = 0;
    assert_status(weir_prepared_size(parts, &size), WEIR_OK);
    void *memory = malloc(size);
    assert_non_null(memory);
    memset(memory, 0xa5, size);
    return weir_prepared_make(memory, parts);
}

static void equal_are_those_that_write_the_same(void **state) {
    (void)state;
    const weir_view words[] = {weir_text("XADD"), weir_text("k"), weir_text("a"),
                               weir_text("b"), weir_text("ab")};
    const weir_prepared_parts all[] = {{words, 2, words + 2, 2}, {words, 2, words + 2, 1},
                                       {words, 2, words + 3, 2}, {words, 1, words + 2, 2},
                                       {NULL, 0, words + 2, 2},  {words, 2, NULL, 0}};
    const size_t count = sizeof all / sizeof *all;
    for (size_t i = 0; i < count * count; i++) {
        weir_prepared *one = prepare(&all[i / count]);
        weir_prepared *other = prepare(&all[i % count]);
        assert_int_equal(weir_prepared_equal(one, other), i / count == i % count);
        free(one);
        free(other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prepared_command_is_the_plain_one),
        cmocka_unit_test(values_of_every_length_stand_where_they_must),
        cmocka_unit_test(constant_parts_of_every_length_are_copied_whole),
        cmocka_unit_test(many_commands_are_as_if_written_one_by_one),
        cmocka_unit_test(sums_of_many_commands_beyond_size_t_are_refused),
        cmocka_unit_test(names_may_be_none_and_so_may_the_head),
        cmocka_unit_test(counts_of_every_number_of_digits_are_told),
        cmocka_unit_test(no_arguments_at_all_are_refused),
        cmocka_unit_test(sums_beyond_size_t_are_refused),
        cmocka_unit_test(a_value_beyond_size_t_is_refused),
        cmocka_unit_test(equal_are_those_that_write_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
