/* What callers do with an entry in hand: look up a field, keep a copy.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/entry.h"
#include "support.h"

#include <string.h>

static weir_entry entry_of(const weir_field *fields, size_t count) {
    weir_entry entry = {.id = {1526919030474, 55},
                        .fields = fields,
                        .field_count = count,
                        .state = count > 0 ? WEIR_ENTRY_WHOLE : WEIR_ENTRY_ID_ONLY,
                        .idle_ms = -1,
                        .deliveries = -1};
    return entry;
}

static void assert_same_view(weir_view given, weir_view expected) {
    assert_int_equal(given.len, expected.len);
    if (expected.len > 0) {
        assert_memory_equal(given.data, expected.data, expected.len);
    }
}

static void assert_same_entry(const weir_entry *given, const weir_entry *expected) {
    assert_int_equal(weir_id_compare(given->id, expected->id), 0);
    assert_int_equal(given->state, expected->state);
    assert_int_equal(given->idle_ms, expected->idle_ms);
    assert_int_equal(given->deliveries, expected->deliveries);
    assert_same_view(given->stream, expected->stream);
    assert_int_equal(given->field_count, expected->field_count);
    for (size_t i = 0; i < expected->field_count; i++) {
        assert_same_view(given->fields[i].name, expected->fields[i].name);
        assert_same_view(given->fields[i].value, expected->fields[i].value);
    }
}

/* Copies, compares, frees; all that was allocated is back. */
static void copy_is_the_same(const weir_entry *entry) {
    struct support_mem counts = {.allowed = SIZE_MAX};
    weir_mem mem = support_mem(&counts);
    weir_entry *copy = NULL;
    assert_status(weir_entry_copy(entry, &mem, &copy), WEIR_OK);
    assert_same_entry(copy, entry);
    assert_int_equal(counts.calls, 1);
    weir_entry_free(copy, &mem);
    assert_int_equal(counts.live, 0);
    assert_int_equal(counts.bytes, 0);
}

/* ---- lookup ---- */

static void get_gives_the_value_of_a_name(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("a", "1"), weir_pair("bb", "22")};
    weir_entry entry = entry_of(fields, 2);
    weir_view value;
    assert_status(weir_entry_get(&entry, "bb", &value), WEIR_OK);
    assert_view(value, "22");
    assert_ptr_equal(value.data, fields[1].value.data); /* borrowed, not copied */
}

static void get_gives_the_first_of_several(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("x", "0"), weir_pair("a", "first"),
                                 weir_pair("a", "second")};
    weir_entry entry = entry_of(fields, 3);
    weir_view value;
    assert_status(weir_entry_get(&entry, "a", &value), WEIR_OK);
    assert_view(value, "first");
}

static void get_ends_where_no_field_has_the_name(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("name", "1"), {WIRE("na\0e"), WIRE("2")}};
    const char *others[] = {"", "n", "nam", "names", "Name", "na"};
    weir_entry entry = entry_of(fields, 2);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        weir_view value = weir_text("untouched");
        assert_status(weir_entry_get(&entry, others[i], &value), WEIR_END);
        assert_view(value, "untouched");
    }
}

static void get_ends_in_an_entry_without_fields(void **state) {
    (void)state;
    weir_entry entry = entry_of(NULL, 0);
    weir_view value = weir_text("untouched");
    assert_status(weir_entry_get(&entry, "a", &value), WEIR_END);
    assert_view(value, "untouched");
}

static void get_finds_empty_names_and_values(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("a", ""), {{NULL, 0}, WIRE("x")}};
    weir_entry entry = entry_of(fields, 2);
    weir_view value = weir_text("old");
    assert_status(weir_entry_get(&entry, "a", &value), WEIR_OK);
    assert_int_equal(value.len, 0);
    assert_status(weir_entry_get(&entry, "", &value), WEIR_OK);
    assert_view(value, "x");
}

static void get_stays_within_a_guarded_name(void **state) {
    (void)state;
    weir_view name = support_guard(WIRE("name"));
    const weir_field fields[] = {{name, WIRE("v")}};
    weir_entry entry = entry_of(fields, 1);
    weir_view value;
    assert_status(weir_entry_get(&entry, "name and more", &value), WEIR_END);
    assert_status(weir_entry_get(&entry, "name", &value), WEIR_OK);
    support_unguard(name);
}

/* ---- copies ---- */

static void copy_outlives_the_bytes_it_was_made_from(void **state) {
    (void)state;
    weir_view name = support_guard(WIRE("field"));
    weir_view value = support_guard(WIRE("value"));
    weir_view stream = support_guard(WIRE("stream"));
    weir_field field = {name, value};
    weir_entry entry = entry_of(&field, 1);
    entry.stream = stream;
    weir_entry *copy = NULL;
    assert_status(weir_entry_copy(&entry, NULL, &copy), WEIR_OK);
    memset(&entry, 0, sizeof entry);
    memset(&field, 0, sizeof field);
    support_unguard(name);
    support_unguard(value);
    support_unguard(stream);
    assert_int_equal(copy->id.ms, 1526919030474);
    assert_int_equal(copy->id.seq, 55);
    assert_int_equal(copy->field_count, 1);
    assert_view(copy->fields[0].name, "field");
    assert_view(copy->fields[0].value, "value");
    assert_view(copy->stream, "stream");
    weir_entry_free(copy, NULL);
}

static void copy_keeps_every_member(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("a", "1"), weir_pair("a", "2")};
    weir_entry entry = entry_of(fields, 2);
    entry.stream = weir_text("tasks");
    entry.idle_ms = 12345;
    entry.deliveries = 3;
    copy_is_the_same(&entry);
}

static void copy_of_an_entry_without_fields_has_none(void **state) {
    (void)state;
    weir_entry entry = entry_of(NULL, 0);
    copy_is_the_same(&entry);
    entry.state = WEIR_ENTRY_DELETED;
    entry.stream = weir_text("tasks");
    copy_is_the_same(&entry);
    entry.state = WEIR_ENTRY_PURGED;
    copy_is_the_same(&entry);
}

static void copy_keeps_empty_names_and_values(void **state) {
    (void)state;
    const weir_field fields[] = {
        {{NULL, 0}, {NULL, 0}}, weir_pair("", ""), weir_pair("a", ""), weir_pair("", "b")};
    weir_entry entry = entry_of(fields, 4);
    copy_is_the_same(&entry);
}

static void copy_keeps_every_byte(void **state) {
    (void)state;
    char bytes[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
    }
    const weir_field fields[] = {{weir_bytes(bytes, 256), weir_bytes(bytes + 128, 128)},
                                 {weir_bytes(bytes, 1), weir_bytes(bytes, 2)}};
    weir_entry entry = entry_of(fields, 2);
    entry.stream = weir_bytes(bytes + 10, 5);
    copy_is_the_same(&entry);
}

static void copy_of_a_copy_is_the_same(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("a", "1"), weir_pair("b", "2")};
    weir_entry entry = entry_of(fields, 2);
    weir_entry *first = NULL;
    weir_entry *second = NULL;
    assert_status(weir_entry_copy(&entry, NULL, &first), WEIR_OK);
    assert_status(weir_entry_copy(first, NULL, &second), WEIR_OK);
    weir_entry_free(first, NULL);
    assert_same_entry(second, &entry);
    weir_entry_free(second, NULL);
}

static void copy_holds_many_fields(void **state) {
    (void)state;
    weir_field fields[1000];
    for (size_t i = 0; i < 1000; i++) {
        fields[i] = weir_pair("a name of some length", "and its value");
        fields[i].value.len = i % 14;
    }
    weir_entry entry = entry_of(fields, 1000);
    copy_is_the_same(&entry);
}

static void copy_fails_as_a_whole_without_memory(void **state) {
    (void)state;
    const weir_field fields[] = {weir_pair("a", "1")};
    weir_entry entry = entry_of(fields, 1);
    struct support_mem counts = {.allowed = 0};
    weir_mem mem = support_mem(&counts);
    weir_entry *copy = &entry;
    assert_status(weir_entry_copy(&entry, &mem, &copy), WEIR_ERR_NOMEM);
    assert_ptr_equal(copy, &entry); /* untouched */
    assert_int_equal(counts.live, 0);
}

static void an_allocator_without_a_function_is_the_c_librarys(void **state) {
    (void)state;
    const weir_mem mem = {NULL, NULL};
    const weir_field fields[] = {weir_pair("a", "1")};
    weir_entry entry = entry_of(fields, 1);
    weir_entry *copy = NULL;
    assert_status(weir_entry_copy(&entry, &mem, &copy), WEIR_OK);
    assert_same_entry(copy, &entry);
    weir_entry_free(copy, &mem);
}

static void freeing_nothing_is_fine(void **state) {
    (void)state;
    struct support_mem counts = {.allowed = 0};
    weir_mem mem = support_mem(&counts);
    weir_entry_free(NULL, NULL);
    weir_entry_free(NULL, &mem);
    assert_int_equal(counts.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_gives_the_value_of_a_name),
        cmocka_unit_test(get_gives_the_first_of_several),
        cmocka_unit_test(get_ends_where_no_field_has_the_name),
        cmocka_unit_test(get_ends_in_an_entry_without_fields),
        cmocka_unit_test(get_finds_empty_names_and_values),
        cmocka_unit_test(get_stays_within_a_guarded_name),
        cmocka_unit_test(copy_outlives_the_bytes_it_was_made_from),
        cmocka_unit_test(copy_keeps_every_member),
        cmocka_unit_test(copy_of_an_entry_without_fields_has_none),
        cmocka_unit_test(copy_keeps_empty_names_and_values),
        cmocka_unit_test(copy_keeps_every_byte),
        cmocka_unit_test(copy_of_a_copy_is_the_same),
        cmocka_unit_test(copy_holds_many_fields),
        cmocka_unit_test(copy_fails_as_a_whole_without_memory),
        cmocka_unit_test(an_allocator_without_a_function_is_the_c_librarys),
        cmocka_unit_test(freeing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
