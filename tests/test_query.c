/* What a URL's query says of options, and what is said of one that is wrong.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "../net/net.h"

static weir_address address;
static weir_query query;

static void parse(const char *url) {
    weir_error error;
    if (weir_url_parse(&address, &query, url, &error) != WEIR_OK) {
        fail_msg("%s: %s", url, error.text);
    }
}

/* Refused at the last place where `at` stands in the URL (its end for ""), with that
 * reason. */
static void expect_refused(const char *url, const char *at, const char *why) {
    weir_error error;
    char text[320];
    const char *place = url + strlen(url) - strlen(at);
    while (strncmp(place, at, strlen(at)) != 0) {
        assert_true(place > url);
        place--;
    }
    assert_int_equal(weir_url_parse(&address, &query, url, &error), WEIR_ERR_ARG);
    (void)snprintf(text, sizeof text, "bad URL, character %d: %s", (int)(place - url) + 1,
                   why);
    assert_string_equal(error.text, text);
    assert_int_equal(error.status, WEIR_ERR_ARG);
}

#define UNKNOWN                                                                            \
    "no option of a URL has this name; those of a URL are named as in weir_options, but "  \
    "few of them are"

static void a_url_without_query_names_nothing(void **state) {
    (void)state;
    static const char none[sizeof query];
    parse("redis://h:1");
    assert_memory_equal(&query, none, sizeof query);
}

static void each_option_is_named_as_in_weir_options(void **state) {
    (void)state;
    parse("rediss://h/3?connect_timeout_ms=1&timeout_ms=2&attempt_delay_ms=3&keepalive_ms="
          "4000&protocol=2&client_name=ann&tls.verify_name=v&tls.ca_file=/ca&tls.ca_folder="
          "/cas&tls.crl_file=/crl&tls.cert_file=/cert&tls.key_file=/key");
    assert_int_equal(query.connect_timeout_ms, 1);
    assert_int_equal(query.timeout_ms, 2);
    assert_int_equal(query.attempt_delay_ms, 3);
    assert_int_equal(query.keepalive_ms, 4000);
    assert_int_equal(query.protocol, 2);
    assert_string_equal(query.client_name, "ann");
    assert_true(query.has_tls);
    assert_false(query.tls.insecure_skip_verify);
    assert_string_equal(query.tls.verify_name, "v");
    assert_string_equal(query.tls.ca_file, "/ca");
    assert_string_equal(query.tls.ca_folder, "/cas");
    assert_string_equal(query.tls.crl_file, "/crl");
    assert_string_equal(query.tls.cert_file, "/cert");
    assert_string_equal(query.tls.key_file, "/key");
    assert_string_equal(address.host, "h");
    assert_int_equal(address.db, 3);
}

static void a_flag_is_true_or_false(void **state) {
    (void)state;
    parse("rediss://h?tls.insecure_skip_verify=true");
    assert_true(query.tls.insecure_skip_verify);
    parse("rediss://h?tls.insecure_skip_verify=false");
    assert_false(query.tls.insecure_skip_verify);
    expect_refused("rediss://h?tls.insecure_skip_verify=1", "1", "expected true or false");
}

static void a_query_follows_the_host_the_slash_or_the_database(void **state) {
    (void)state;
    static const char *const urls[] = {
        "redis://h?timeout_ms=7",        "redis://h/?timeout_ms=7",
        "redis://h:6379?timeout_ms=7",   "redis://[::1]?timeout_ms=7",
        "redis://h:6379/0?timeout_ms=7", "unix:///s?timeout_ms=7",
        "redis://u:p?q@h?timeout_ms=7"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        parse(urls[i]);
        assert_int_equal(query.timeout_ms, 7);
        assert_int_equal(address.db, 0);
    }
    assert_string_equal(address.password, "p?q");
}

static void the_database_may_be_in_the_query(void **state) {
    (void)state;
    parse("redis://h?db=5");
    assert_int_equal(address.db, 5);
    parse("unix:///s?protocol=3&db=4294967295");
    assert_int_equal(address.db, UINT32_MAX);
    expect_refused("redis://h/5?db=6", "6", "the database is named twice");
    expect_refused("redis://h?db=5&db=5", "db", "the option is there twice");
    expect_refused("redis://h?db=x", "x",
                   "expected a database from 0 to 4294967295, and nothing after it");
}

static void values_are_percent_decoded(void **state) {
    (void)state;
    parse("rediss://h?client_name=a%40b%26c%3D%23&tls.ca_file=/a%20b");
    assert_string_equal(query.client_name, "a@b&c=#");
    assert_string_equal(query.tls.ca_file, "/a b");
    expect_refused("redis://h?client_name=a%4", "%4",
                   "'%' without two hexadecimal digits; write '%' itself as %25");
    expect_refused("redis://h?client_name=a%00", "%00", "a NUL byte (%00) cannot be sent");
}

static void an_unknown_name_is_refused_where_it_stands(void **state) {
    (void)state;
    expect_refused("redis://h?timeout=1", "timeout", UNKNOWN);
    expect_refused("redis://h?timeout_ms=1&Timeout_ms=2", "Timeout", UNKNOWN);
    expect_refused("redis://h?password=p", "password", UNKNOWN);
    expect_refused("rediss://h?tls.key_password=p", "tls.key", UNKNOWN);
    expect_refused("redis://h?non_blocking=true", "non_", UNKNOWN);
    expect_refused("redis://h?=1", "=1", UNKNOWN);
}

static void what_is_no_pair_is_refused(void **state) {
    (void)state;
    static const char pair[] = "an option is written as name=value";
    expect_refused("redis://h?timeout_ms", "timeout", pair);
    assert_int_equal(weir_url_parse(&address, &query, "redis://h?", &(weir_error){0}),
                     WEIR_ERR_ARG);
    expect_refused("redis://h?db=1&db", "db", pair);
    expect_refused("redis://h?timeout_ms=1&protocol=", "", "the option has no value");
}

static void values_that_are_none_are_refused(void **state) {
    (void)state;
    static const char time[] = "expected milliseconds, from 1 to 4294967295";
    expect_refused("redis://h?timeout_ms=0", "0", time);
    expect_refused("redis://h?timeout_ms=-1", "-1", time);
    expect_refused("redis://h?timeout_ms=5s", "5s", time);
    expect_refused("redis://h?connect_timeout_ms=4294967296", "4294967296", time);
    expect_refused("redis://h?protocol=4", "4", "expected protocol 2 or 3");
    expect_refused("redis://h?protocol=1", "1", "expected protocol 2 or 3");
}

static void options_of_tls_need_tls(void **state) {
    (void)state;
    expect_refused("redis://h?tls.ca_file=/ca", "tls.",
                   "an option of TLS, which this URL does not speak: write rediss://");
    parse("unix:///s?tls.verify_name=h");
    assert_true(query.has_tls);
}

static void an_at_sign_or_a_hash_is_refused_without_showing_anything(void **state) {
    (void)state;
    expect_refused("redis://h/0?client_name=a@b", "@",
                   "'@' in an option is written as %40 (in a user or password '/' as %2F, "
                   "'?' as %3F)");
    expect_refused("redis://h?client_name=a#b", "#", "'#' in an option is written as %23");
}

static void texts_fit_up_to_their_room(void **state) {
    (void)state;
    char url[WEIR_QUERY_BYTES + 64] = "redis://h?client_name=";
    size_t used = strlen(url);
    memset(url + used, 'n', WEIR_QUERY_BYTES - 1);
    url[used + WEIR_QUERY_BYTES - 1] = '\0';
    parse(url);
    assert_int_equal(strlen(query.client_name), WEIR_QUERY_BYTES - 1);
    url[used + WEIR_QUERY_BYTES - 1] = 'n';
    url[used + WEIR_QUERY_BYTES] = '\0';
    weir_error error;
    assert_int_equal(weir_url_parse(&address, &query, url, &error), WEIR_ERR_ARG);
    assert_non_null(strstr(error.text, "the options are longer than 1023 bytes"));
}

static void nothing_of_a_refused_url_is_left(void **state) {
    (void)state;
    static const char zeros[WEIR_SECRET_BYTES];
    weir_error error;
    assert_int_equal(
        weir_url_parse(&address, &query, "redis://u:s3cret@h?timeout=1", &error),
        WEIR_ERR_ARG);
    assert_null(strstr(error.text, "s3cret"));
    assert_memory_equal(address.user, zeros, sizeof zeros);
    assert_memory_equal(address.password, zeros, sizeof zeros);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_without_query_names_nothing),
        cmocka_unit_test(each_option_is_named_as_in_weir_options),
        cmocka_unit_test(a_flag_is_true_or_false),
        cmocka_unit_test(a_query_follows_the_host_the_slash_or_the_database),
        cmocka_unit_test(the_database_may_be_in_the_query),
        cmocka_unit_test(values_are_percent_decoded),
        cmocka_unit_test(an_unknown_name_is_refused_where_it_stands),
        cmocka_unit_test(what_is_no_pair_is_refused),
        cmocka_unit_test(values_that_are_none_are_refused),
        cmocka_unit_test(options_of_tls_need_tls),
        cmocka_unit_test(an_at_sign_or_a_hash_is_refused_without_showing_anything),
        cmocka_unit_test(texts_fit_up_to_their_room),
        cmocka_unit_test(nothing_of_a_refused_url_is_left),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
