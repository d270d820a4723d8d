/* A build without TLS says so, and does all else.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../weir.h"
#include "support.h"

static void expect_unsupported(const char *url, const weir_options *options) {
    weir_client *client;
    assert_status(weir_open(url, options, &client), WEIR_ERR_UNSUPPORTED);
    const weir_error *error = weir_client_error(client);
    assert_status(error->status, WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(error->text, "built without TLS"));
    assert_non_null(strstr(error->text, "-DWEIR_TLS=ON"));
    assert_null(strstr(error->text, "secret"));
    assert_string_equal(weir_client_tls(client).version, "");
    weir_close(client);
}

static void rediss_says_what_is_missing(void **state) {
    (void)state;
    expect_unsupported("rediss://:secret@127.0.0.1:1", NULL);
    expect_unsupported("valkeys://:secret@127.0.0.1:1", NULL);
}

static void options_of_tls_say_it_too(void **state) {
    (void)state;
    weir_tls tls = {.verify_name = "redis.example"};
    expect_unsupported("unix:///dev/null/s", &(weir_options){.tls = &tls});
}

static void the_rest_does_not_ask_for_tls(void **state) {
    (void)state;
    weir_client *client;
    assert_status(weir_open("unix:///dev/null/s", NULL, &client), WEIR_ERR_CONNECT);
    weir_close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rediss_says_what_is_missing),
        cmocka_unit_test(options_of_tls_say_it_too),
        cmocka_unit_test(the_rest_does_not_ask_for_tls),
    };
    return cmocka_run_group_tests_name("without TLS", tests, NULL, NULL);
}
