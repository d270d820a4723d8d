/* Options of TLS: what contradicts itself, and the name that is verified.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/tls_link.h"
#include "support.h"

static const weir_address HOST = {.is_tls = true, .port = 1, .host = "redis.example."};
static const weir_address IP = {.is_tls = true, .port = 1, .host = "2001:db8::1"};
static const weir_address PATH = {.kind = WEIR_ADDRESS_UNIX, .path = "/run/s"};

static void expect_name(const weir_address *address, const weir_tls *tls,
                        const char *name) {
    char given[WEIR_HOST_BYTES];
    weir_error error;
    assert_status(weir_tls_check(tls, address, given, &error), WEIR_OK);
    assert_string_equal(given, name);
}

static void expect_refused(const weir_address *address, const weir_tls *tls,
                           const char *part) {
    char given[WEIR_HOST_BYTES];
    weir_error error;
    assert_status(weir_tls_check(tls, address, given, &error), WEIR_ERR_ARG);
    assert_status(error.status, WEIR_ERR_ARG);
    if (strstr(error.text, part) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", error.text, part);
    }
}

static void the_name_is_that_of_the_url_without_its_last_dot(void **state) {
    (void)state;
    expect_name(&HOST, &(weir_tls){0}, "redis.example");
    expect_name(&IP, &(weir_tls){0}, "2001:db8::1");
}

static void verify_name_takes_its_place(void **state) {
    (void)state;
    expect_name(&HOST, &(weir_tls){.verify_name = "other.example."}, "other.example");
    expect_name(&IP, &(weir_tls){.verify_name = "192.0.2.1"}, "192.0.2.1");
    expect_name(&PATH, &(weir_tls){.verify_name = "a_b-c.example"}, "a_b-c.example");
}

static void a_unix_socket_needs_a_name_unless_nothing_is_verified(void **state) {
    (void)state;
    expect_refused(&PATH, &(weir_tls){0}, "needs tls.verify_name");
    expect_name(&PATH, &(weir_tls){.insecure_skip_verify = true}, "");
}

static void what_is_no_name_is_refused(void **state) {
    (void)state;
    static char longest[WEIR_HOST_BYTES + 1];
    static const char *const wrong[] = {"",    ".",   "..",           ".a",    "a..b",
                                        "*.a", "a b", "b\xc3\xbc.de", "[::1]", "::1%lo",
                                        "a/b", "a:1", "1.2.3.4:5",    longest};
    memset(longest, 'a', WEIR_HOST_BYTES);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_refused(&HOST, &(weir_tls){.verify_name = wrong[i]}, "tls.verify_name");
    }
}

static void to_verify_and_not_to_verify_is_refused(void **state) {
    (void)state;
    const weir_tls wrong[] = {
        {.insecure_skip_verify = true, .verify_name = "a"},
        {.insecure_skip_verify = true, .ca_file = "a"},
        {.insecure_skip_verify = true, .ca_folder = "a"},
        {.insecure_skip_verify = true, .ca_pem = WIRE("a")},
        {.insecure_skip_verify = true, .crl_file = "a"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_refused(&HOST, &wrong[i], "insecure_skip_verify");
    }
}

static void half_a_pair_is_refused(void **state) {
    (void)state;
    const weir_tls wrong[] = {
        {.cert_file = "a"},
        {.key_file = "a"},
        {.cert_pem = WIRE("a")},
        {.key_pem = WIRE("a")},
        {.cert_file = "a", .key_pem = WIRE("a")},
        {.cert_file = "a", .key_file = "a", .cert_pem = WIRE("a"), .key_pem = WIRE("a")},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_refused(&HOST, &wrong[i], i < 5 ? "both or none" : "one of them");
    }
}

static void an_alpn_that_does_not_fit_is_refused(void **state) {
    (void)state;
    char name[257];
    memset(name, 'a', 256);
    name[256] = '\0';
    expect_refused(&HOST, &(weir_tls){.alpn = ""}, "tls.alpn");
    expect_refused(&HOST, &(weir_tls){.alpn = name}, "tls.alpn");
    expect_name(&HOST, &(weir_tls){.alpn = name + 1}, "redis.example");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_that_of_the_url_without_its_last_dot),
        cmocka_unit_test(verify_name_takes_its_place),
        cmocka_unit_test(a_unix_socket_needs_a_name_unless_nothing_is_verified),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(to_verify_and_not_to_verify_is_refused),
        cmocka_unit_test(half_a_pair_is_refused),
        cmocka_unit_test(an_alpn_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("TLS options", tests, NULL, NULL);
}
