/* The shared words: every status has a text and stands in its band; views compare bytes.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const weir_status healthy[] = {WEIR_OK, WEIR_MORE, WEIR_END};
static const weir_status refusals[] = {
    WEIR_ERR_ARG,    WEIR_ERR_NOMEM, WEIR_ERR_LIMIT, WEIR_ERR_FULL, WEIR_ERR_UNSUPPORTED,
    WEIR_ERR_SERVER, WEIR_ERR_REPLY, WEIR_ERR_DOWN,  WEIR_ERR_LOST};
static const weir_status fatal[] = {WEIR_ERR_IO,        WEIR_ERR_CLOSED,  WEIR_ERR_TIMEOUT,
                                    WEIR_ERR_PROTOCOL,  WEIR_ERR_CONNECT, WEIR_ERR_REFUSED,
                                    WEIR_ERR_CANCELLED, WEIR_ERR_TLS};

#define STATUSES (COUNT(healthy) + COUNT(refusals) + COUNT(fatal))

static void the_sign_says_whether_a_call_failed(void **state) {
    (void)state;
    assert_int_equal(WEIR_OK, 0);
    for (size_t i = 1; i < COUNT(healthy); i++) {
        assert_true(healthy[i] > 0);
    }
    for (size_t i = 0; i < COUNT(refusals); i++) {
        assert_true(refusals[i] < 0);
    }
    for (size_t i = 0; i < COUNT(fatal); i++) {
        assert_true(fatal[i] < 0);
    }
}

static void the_band_says_whether_the_connection_is_gone(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(healthy); i++) {
        assert_false(weir_status_is_fatal(healthy[i]));
    }
    for (size_t i = 0; i < COUNT(refusals); i++) {
        assert_false(weir_status_is_fatal(refusals[i]));
    }
    for (size_t i = 0; i < COUNT(fatal); i++) {
        assert_true(weir_status_is_fatal(fatal[i]));
    }
}

/* No status is left out above: each number that has a text is one of them. */
static void each_status_has_a_text_of_its_own(void **state) {
    (void)state;
    static const char unknown[] = "unknown status";
    const char *texts[STATUSES];
    size_t count = 0;
    for (int number = -100; number <= 100; number++) {
        const char *text = weir_status_text((weir_status)number);
        assert_non_null(text);
        if (strcmp(text, unknown) == 0) {
            continue;
        }
        assert_true(strlen(text) > 0);
        for (size_t i = 0; i < count; i++) {
            assert_string_not_equal(text, texts[i]);
        }
        assert_in_range(count, 0, STATUSES - 1);
        texts[count++] = text;
    }
    assert_int_equal(count, STATUSES);
    for (size_t i = 0; i < COUNT(fatal); i++) {
        assert_string_not_equal(weir_status_text(fatal[i]), unknown);
    }
}

static void a_view_is_an_address_and_a_length(void **state) {
    (void)state;
    static const char bytes[] = "a\0b";
    weir_view view = weir_bytes(bytes, 3);
    assert_ptr_equal(view.data, bytes);
    assert_int_equal(view.len, 3);
    view = weir_text(bytes);
    assert_ptr_equal(view.data, bytes);
    assert_int_equal(view.len, 1);
    assert_int_equal(weir_text("").len, 0);
}

static void views_are_equal_if_their_bytes_are(void **state) {
    (void)state;
    static const char one[] = "a\0b";
    static const char same[] = "a\0b";
    assert_true(weir_view_equal(WIRE(one), WIRE(same)));
    assert_false(weir_view_equal(WIRE("a\0b"), WIRE("a\0c")));
    assert_false(weir_view_equal(WIRE("a"), WIRE("ab")));
    assert_false(weir_view_equal(WIRE("ab"), WIRE("a")));
}

static void empty_views_are_equal_wherever_they_are(void **state) {
    (void)state;
    assert_true(weir_view_equal(weir_bytes(NULL, 0), weir_bytes(NULL, 0)));
    assert_true(weir_view_equal(weir_bytes(NULL, 0), weir_text("")));
    assert_true(weir_view_equal(weir_text(""), weir_bytes(NULL, 0)));
    assert_false(weir_view_equal(weir_bytes(NULL, 0), weir_text("a")));
}

static void a_view_can_be_printed(void **state) {
    (void)state;
    char text[16];
    (void)snprintf(text, sizeof text, "<%.*s>", WEIR_PRINT(weir_bytes("abc", 2)));
    assert_string_equal(text, "<ab>");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sign_says_whether_a_call_failed),
        cmocka_unit_test(the_band_says_whether_the_connection_is_gone),
        cmocka_unit_test(each_status_has_a_text_of_its_own),
        cmocka_unit_test(a_view_is_an_address_and_a_length),
        cmocka_unit_test(views_are_equal_if_their_bytes_are),
        cmocka_unit_test(empty_views_are_equal_wherever_they_are),
        cmocka_unit_test(a_view_can_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
