/* What a URL says of the peer, and what is said of a URL that is wrong.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../net/net.h"

/* Parses a copy of exactly the URL's size, so that a sanitizer sees one byte too far. */
static weir_status parse(weir_address *address, const char *url, weir_error *error) {
    size_t size = strlen(url) + 1;
    char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, url, size);
    memset(address, 'x', sizeof *address);
    memset(error, 'x', sizeof *error);
    weir_status st = weir_address_parse(address, copy, error);
    free(copy);
    return st;
}

static weir_address parsed(const char *url) {
    weir_address address;
    weir_error error;
    weir_status st = parse(&address, url, &error);
    if (st != WEIR_OK) {
        fail_msg("%s: %s", url, error.text);
    }
    return address;
}

static void expect_tcp(const char *url, const char *host, unsigned port, uint32_t db) {
    weir_address address = parsed(url);
    assert_int_equal(address.kind, WEIR_ADDRESS_TCP);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
    assert_int_equal(address.db, db);
    assert_string_equal(address.path, "");
}

static void expect_unix(const char *url, const char *path, uint32_t db) {
    weir_address address = parsed(url);
    assert_int_equal(address.kind, WEIR_ADDRESS_UNIX);
    assert_string_equal(address.path, path);
    assert_int_equal(address.db, db);
    assert_string_equal(address.host, "");
}

static void expect_who(const char *url, const char *user, const char *password) {
    weir_address address = parsed(url);
    assert_string_equal(address.user, user);
    assert_string_equal(address.password, password);
}

/* Refused, with this text, and nothing is left of what was read. */
static void expect_refused_as(weir_status status, const char *url, const char *text) {
    weir_address address;
    weir_error error;
    assert_int_equal(parse(&address, url, &error), status);
    assert_int_equal(error.status, status);
    assert_int_equal(error.os_error, 0);
    assert_string_equal(error.code, "");
    assert_string_equal(error.text, text);
    static const char zeros[WEIR_SECRET_BYTES];
    assert_memory_equal(address.user, zeros, sizeof address.user);
    assert_memory_equal(address.password, zeros, sizeof address.password);
    assert_memory_equal(address.host, zeros, sizeof address.host);
    assert_memory_equal(address.path, zeros, sizeof address.path);
    assert_int_equal(address.port, 0);
    assert_int_equal(address.db, 0);
}

static void expect_refused(const char *url, const char *text) {
    expect_refused_as(WEIR_ERR_ARG, url, text);
}

/* A URL made of `before`, `count` times 'p', and `after`. */
static const char *long_url(char *out, size_t size, const char *before, size_t count,
                            const char *after) {
    size_t start = strlen(before);
    assert_true(start + count + strlen(after) < size);
    memcpy(out, before, start + 1);
    memset(out + start, 'p', count);
    memcpy(out + start + count, after, strlen(after) + 1);
    return out;
}

/* ---- TCP ---- */

static void address_of_a_host_alone_has_port_6379_and_database_0(void **state) {
    (void)state;
    expect_tcp("redis://host", "host", 6379, 0);
    expect_who("redis://host", "", "");
}

static void address_takes_port_and_database(void **state) {
    (void)state;
    expect_tcp("redis://redis-1.example_2.com:7000/15", "redis-1.example_2.com", 7000, 15);
}

static void address_takes_a_lone_slash_as_database_0(void **state) {
    (void)state;
    expect_tcp("redis://127.0.0.1:1/", "127.0.0.1", 1, 0);
}

static void address_takes_the_largest_port_and_database(void **state) {
    (void)state;
    expect_tcp("redis://h:65535/4294967295", "h", 65535, UINT32_MAX);
}

static void address_reads_valkey_as_redis(void **state) {
    (void)state;
    expect_tcp("valkey://h:1/2", "h", 1, 2);
}

static void address_reads_a_scheme_in_any_case(void **state) {
    (void)state;
    expect_tcp("Redis://h", "h", 6379, 0);
    expect_tcp("VALKEY://h", "h", 6379, 0);
}

static void address_takes_ipv6_in_brackets_and_keeps_it_without(void **state) {
    (void)state;
    expect_tcp("redis://[::1]", "::1", 6379, 0);
    expect_tcp("redis://[2001:db8::192.0.2.1]:7/8", "2001:db8::192.0.2.1", 7, 8);
}

static void address_takes_a_host_of_255_bytes_and_refuses_256(void **state) {
    (void)state;
    char url[512];
    assert_int_equal(strlen(parsed(long_url(url, sizeof url, "redis://", 255, ":1")).host),
                     255);
    expect_refused(long_url(url, sizeof url, "redis://", 256, ":1"),
                   "bad URL, character 9: the host is longer than 255 bytes");
}

static void address_refuses_an_empty_host(void **state) {
    (void)state;
    static const char text[] =
        "bad URL, character 9: the host is missing, as in redis://127.0.0.1:6379";
    expect_refused("redis://", text);
    expect_refused("redis://:6379", text);
    expect_refused("redis:///0", text);
    expect_refused("redis://[]", "bad URL, character 10: the host is missing, as in "
                                 "redis://127.0.0.1:6379");
}

static void address_refuses_a_byte_that_no_host_has(void **state) {
    (void)state;
    static const char *const urls[] = {
        "redis://ho st",      "redis://ho%20", "redis://ho#1", "redis://ho\n",
        "redis://ho\xc3\xb6", "redis://ho[::", "redis://ho\\"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        bool is_two_colons = strstr(urls[i], "::") != NULL;
        expect_refused(
            urls[i],
            is_two_colons
                ? "bad URL, character 13: a second ':'; an IPv6 address is written "
                  "in brackets, as in [::1]"
                : "bad URL, character 11: a host is letters, digits, '-', '.', '_'; "
                  "after it only :port and /database");
    }
}

static void address_refuses_ipv6_without_brackets(void **state) {
    (void)state;
    expect_refused("redis://::1", "bad URL, character 10: a second ':'; an IPv6 address is "
                                  "written in brackets, as in [::1]");
}

static void address_refuses_brackets_without_ipv6(void **state) {
    (void)state;
    expect_refused("redis://[127.0.0.1]",
                   "bad URL, character 10: [...] does not hold an IPv6 address");
    expect_refused("redis://[::1", "bad URL, character 9: '[' without ']'");
}

static void address_refuses_bytes_between_bracket_and_port(void **state) {
    (void)state;
    expect_refused(
        "redis://[::1]6379",
        "bad URL, character 14: a host is letters, digits, '-', '.', '_'; after it "
        "only :port and /database");
}

static void address_refuses_a_port_that_is_not_1_to_65535(void **state) {
    (void)state;
    static const char *const ports[] = {
        "",   "0",  "65536", "4294967297", "18446744073709551617", "+1", "-1",
        "1 ", "01", "0x1",   "6a"};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "redis://h:%s", ports[i]);
        expect_refused(url,
                       "bad URL, character 11: the port is not a number from 1 to 65535");
    }
}

static void address_refuses_a_database_that_is_no_number_of_32_bits(void **state) {
    (void)state;
    static const char *const dbs[] = {
        "4294967296", "18446744073709551616", "-1", "+1", "1/", "00", "one"};
    for (size_t i = 0; i < sizeof dbs / sizeof *dbs; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "redis://h/%s", dbs[i]);
        expect_refused(url,
                       "bad URL, character 11: expected a database from 0 to 4294967295, "
                       "and nothing after it");
    }
}

/* ---- who ---- */

static void address_takes_a_password_alone(void **state) {
    (void)state;
    expect_who("redis://:pw@host", "", "pw");
    expect_tcp("redis://:pw@host:1/2", "host", 1, 2);
}

static void address_takes_user_and_password(void **state) {
    (void)state;
    expect_who("redis://user:pw@host", "user", "pw");
    expect_who("redis://user:pw@[::1]:1/2", "user", "pw");
}

static void address_keeps_later_colons_in_the_password(void **state) {
    (void)state;
    expect_who("redis://user:p:w:@host", "user", "p:w:");
}

static void address_ends_the_password_at_the_last_at_sign(void **state) {
    (void)state;
    expect_who("redis://user:p@w@host", "user", "p@w");
    expect_tcp("redis://user:p@w@host", "host", 6379, 0);
}

static void address_decodes_percent_in_user_and_password(void **state) {
    (void)state;
    expect_who("redis://us%3aer:p%2Fw%25%40%0a%FF@host", "us:er", "p/w%@\n\xff");
}

static void address_takes_an_empty_password(void **state) {
    (void)state;
    expect_who("redis://user:@host", "user", "");
}

static void address_refuses_a_user_without_a_colon(void **state) {
    (void)state;
    expect_refused("redis://secret@host",
                   "bad URL, character 9: what stands before '@' must "
                   "be user:password or :password");
}

static void address_refuses_percent_without_two_digits(void **state) {
    (void)state;
    static const char text[] = "bad URL, character 11: '%' without two hexadecimal digits; "
                               "write '%' itself as %25";
    expect_refused("redis://:s%@host", text);
    expect_refused("redis://:s%4@host", text);
    expect_refused("redis://:s%4g@host", text);
    expect_refused("redis://:s%-1@host", text);
    expect_refused("unix:///ab%zz", text);
}

static void address_refuses_an_encoded_nul(void **state) {
    (void)state;
    expect_refused("redis://u%00:pw@h",
                   "bad URL, character 10: a NUL byte (%00) cannot be sent");
    expect_refused("redis://:pw%00@h",
                   "bad URL, character 12: a NUL byte (%00) cannot be sent");
    expect_refused("unix:///a%00b",
                   "bad URL, character 10: a NUL byte (%00) cannot be sent");
}

static void address_refuses_a_raw_space_or_control_byte(void **state) {
    (void)state;
    expect_refused("redis://:p w@h",
                   "bad URL, character 11: a space or a control character; "
                   "write it as % and two digits");
    expect_refused("unix:///a\nb", "bad URL, character 10: a space or a control character; "
                                   "write it as % and two digits");
    expect_refused("unix:///a\x7f",
                   "bad URL, character 10: a space or a control character; "
                   "write it as % and two digits");
}

static void address_takes_secrets_of_511_bytes_and_refuses_512(void **state) {
    (void)state;
    char url[1024];
    assert_int_equal(
        strlen(parsed(long_url(url, sizeof url, "redis://:", 511, "@h")).password), 511);
    assert_int_equal(strlen(parsed(long_url(url, sizeof url, "redis://", 511, ":@h")).user),
                     511);
    expect_refused(long_url(url, sizeof url, "redis://:", 512, "@h"),
                   "bad URL, character 521: the password is longer than 511 bytes");
    expect_refused(long_url(url, sizeof url, "redis://", 512, ":@h"),
                   "bad URL, character 520: the user name is longer than 511 bytes");
}

static void address_refuses_a_slash_in_the_password_without_showing_it(void **state) {
    (void)state;
    expect_refused("redis://:sec/ret@host",
                   "bad URL, character 13: an '@' follows this '/'; in "
                   "a user or password write '/' as %2F");
}

static void address_shows_no_byte_of_the_password_in_any_error(void **state) {
    (void)state;
    static const char *const urls[] = {"redis://:XYZZY@",
                                       "redis://u:XYZZY@h:0",
                                       "redis://u:XYZZY@h/x",
                                       "redis://u:XYZZY@h:XYZZY",
                                       "redis://XYZZY@h",
                                       "redis://u:XYZZY/XYZZY@h",
                                       "redis://u:XYZZY%@h",
                                       "redis://u:XYZZY%00@h",
                                       "redis://:XYZZY",
                                       "http://u:XYZZY@h",
                                       "u:XYZZY@h",
                                       "rediss://u:XYZZY@h:0",
                                       "unix://u:XYZZY@run/x",
                                       "unix://u:XYZ/ZY@/run/x",
                                       "unix://u:XYZZY@",
                                       "unix://u:XYZZY@/run?db=x",
                                       "redis://u:XYZZY@[XYZZY]",
                                       "redis://u:XYZZY XYZZY@h"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        weir_address address;
        weir_error error;
        assert_true(parse(&address, urls[i], &error) < 0);
        assert_null(strpbrk(error.text, "XYZ"));
    }
}

/* ---- Unix ---- */

static void address_takes_a_unix_path(void **state) {
    (void)state;
    expect_unix("unix:///run/x.sock", "/run/x.sock", 0);
    expect_who("unix:///run/x.sock", "", "");
}

static void address_takes_a_unix_path_with_who_and_database(void **state) {
    (void)state;
    expect_unix("unix://user:pw@/run/x.sock?db=3", "/run/x.sock", 3);
    expect_who("unix://user:pw@/run/x.sock?db=3", "user", "pw");
}

static void address_leaves_an_at_sign_in_a_unix_path(void **state) {
    (void)state;
    expect_unix("unix:///run/x@y.sock", "/run/x@y.sock", 0);
}

static void address_decodes_percent_in_a_unix_path(void **state) {
    (void)state;
    expect_unix("unix:///a%20b%3fc%23", "/a b?c#", 0);
}

static void address_takes_a_path_of_107_bytes(void **state) {
    (void)state;
    char url[256];
    weir_address address = parsed(long_url(url, sizeof url, "unix:///", 106, "?db=1"));
    assert_int_equal(strlen(address.path), 107);
    assert_int_equal(address.db, 1);
}

static void address_counts_decoded_bytes_of_a_path(void **state) {
    (void)state;
    char url[256];
    weir_address address = parsed(long_url(url, sizeof url, "unix:///", 105, "%20"));
    assert_int_equal(strlen(address.path), 107);
}

static void address_refuses_a_path_of_108_bytes(void **state) {
    (void)state;
    char url[256];
    expect_refused(long_url(url, sizeof url, "unix:///", 107, "?db=1"),
                   "bad URL, character 115: the path is longer than the 107 bytes that a "
                   "socket can have");
}

static void address_refuses_a_unix_url_without_a_rooted_path(void **state) {
    (void)state;
    static const char text[] =
        "bad URL, character 8: a path that begins with '/' must stand here, as in "
        "unix:///run/redis.sock (in a user or password write '/' as %2F)";
    expect_refused("unix://", text);
    expect_refused("unix://run/x", text);
    expect_refused("unix://u:p/w@/run/x", text);
}

static void address_refuses_a_raw_hash_in_a_unix_path(void **state) {
    (void)state;
    expect_refused("unix:///a#b", "bad URL, character 10: '#' in a path is written as %23");
}

/* ---- schemes ---- */

static void address_shows_a_right_url_where_the_scheme_is_missing(void **state) {
    (void)state;
    expect_refused("127.0.0.1:6379",
                   "bad URL, character 1: no scheme; write it as redis://127.0.0.1:6379");
    expect_refused("",
                   "bad URL, character 1: no scheme; write it as redis://127.0.0.1:6379");
    expect_refused("/run/redis.sock",
                   "bad URL, character 1: no scheme; write it as unix:///run/redis.sock");
}

static void address_examples_in_errors_are_right_themselves(void **state) {
    (void)state;
    expect_tcp("redis://127.0.0.1:6379", "127.0.0.1", 6379, 0);
    expect_unix("unix:///run/redis.sock", "/run/redis.sock", 0);
}

static void address_refuses_an_unknown_scheme(void **state) {
    (void)state;
    static const char *const urls[] = {"http://h", "://h", "redi://h", "rediss2://h",
                                       "redis+unix:///a"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        expect_refused(
            urls[i],
            "bad URL, character 1: the scheme is none of redis, rediss, valkey, valkeys and unix");
    }
}

static void address_knows_tls_by_the_scheme(void **state) {
    (void)state;
    static const char *const urls[] = {"rediss://u:pw@h:1/2", "valkeys://u:pw@h:1/2",
                                       "Rediss://u:pw@h:1/2"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        expect_tcp(urls[i], "h", 1, 2);
        expect_who(urls[i], "u", "pw");
        assert_true(parsed(urls[i]).is_tls);
    }
    expect_tcp("rediss://h", "h", 6379, 0);
    assert_false(parsed("redis://h").is_tls);
    assert_false(parsed("unix:///s").is_tls);
}

/* ---- wiping, naming ---- */

static void address_wipe_leaves_no_byte_of_user_and_password(void **state) {
    (void)state;
    weir_address address = parsed("redis://user:pw@host:1/2");
    memset(address.password, 's', sizeof address.password);
    weir_address_wipe(&address);
    for (size_t i = 0; i < WEIR_SECRET_BYTES; i++) {
        assert_int_equal(address.user[i], 0);
        assert_int_equal(address.password[i], 0);
    }
    assert_string_equal(address.host, "host");
}

static void expect_name(const char *url, const char *name) {
    weir_address address = parsed(url);
    char out[512];
    weir_address_name(&address, out, sizeof out);
    assert_string_equal(out, name);
}

static void address_name_is_host_and_port_or_path(void **state) {
    (void)state;
    expect_name("redis://u:pw@127.0.0.1", "127.0.0.1:6379");
    expect_name("redis://[::1]:7", "[::1]:7");
    expect_name("unix://u:pw@/run/redis.sock?db=1", "unix:/run/redis.sock");
}

static void address_name_is_printable_ascii(void **state) {
    (void)state;
    expect_name("unix:///a%1b[31m%0A%c3%b6%7f", "unix:/a\\x1b[31m\\x0a\\xc3\\xb6\\x7f");
}

static void address_name_cuts_at_every_size_and_never_inside_an_escape(void **state) {
    (void)state;
    weir_address address = parsed("unix:///a%ffb");
    static const char *const names[] = {"",
                                        "u",
                                        "un",
                                        "uni",
                                        "unix",
                                        "unix:",
                                        "unix:/",
                                        "unix:/a",
                                        "unix:/a",
                                        "unix:/a",
                                        "unix:/a",
                                        "unix:/a\\xff",
                                        "unix:/a\\xffb"};
    for (size_t size = 1; size <= sizeof names / sizeof *names; size++) {
        char *out = malloc(size);
        assert_non_null(out);
        weir_address_name(&address, out, size);
        assert_string_equal(out, names[size - 1]);
        free(out);
    }
}

static void a_path_and_loopback_are_local_and_nothing_else(void **state) {
    (void)state;
    static const char *const near[] = {"unix:///run/s", "redis://localhost",
                                       "redis://127.0.0.1:7", "redis://127.1.2.3",
                                       "redis://[::1]:6379"};
    static const char *const far[] = {"redis://10.0.0.1", "redis://128.0.0.1",
                                      "redis://localhost.example", "redis://[::2]"};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        weir_address address = parsed(near[i]);
        assert_true(weir_address_is_local(&address));
    }
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        weir_address address = parsed(far[i]);
        assert_false(weir_address_is_local(&address));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_loopback_are_local_and_nothing_else),
        cmocka_unit_test(address_of_a_host_alone_has_port_6379_and_database_0),
        cmocka_unit_test(address_takes_port_and_database),
        cmocka_unit_test(address_takes_a_lone_slash_as_database_0),
        cmocka_unit_test(address_takes_the_largest_port_and_database),
        cmocka_unit_test(address_reads_valkey_as_redis),
        cmocka_unit_test(address_reads_a_scheme_in_any_case),
        cmocka_unit_test(address_takes_ipv6_in_brackets_and_keeps_it_without),
        cmocka_unit_test(address_takes_a_host_of_255_bytes_and_refuses_256),
        cmocka_unit_test(address_refuses_an_empty_host),
        cmocka_unit_test(address_refuses_a_byte_that_no_host_has),
        cmocka_unit_test(address_refuses_ipv6_without_brackets),
        cmocka_unit_test(address_refuses_brackets_without_ipv6),
        cmocka_unit_test(address_refuses_bytes_between_bracket_and_port),
        cmocka_unit_test(address_refuses_a_port_that_is_not_1_to_65535),
        cmocka_unit_test(address_refuses_a_database_that_is_no_number_of_32_bits),
        cmocka_unit_test(address_takes_a_password_alone),
        cmocka_unit_test(address_takes_user_and_password),
        cmocka_unit_test(address_keeps_later_colons_in_the_password),
        cmocka_unit_test(address_ends_the_password_at_the_last_at_sign),
        cmocka_unit_test(address_decodes_percent_in_user_and_password),
        cmocka_unit_test(address_takes_an_empty_password),
        cmocka_unit_test(address_refuses_a_user_without_a_colon),
        cmocka_unit_test(address_refuses_percent_without_two_digits),
        cmocka_unit_test(address_refuses_an_encoded_nul),
        cmocka_unit_test(address_refuses_a_raw_space_or_control_byte),
        cmocka_unit_test(address_takes_secrets_of_511_bytes_and_refuses_512),
        cmocka_unit_test(address_refuses_a_slash_in_the_password_without_showing_it),
        cmocka_unit_test(address_shows_no_byte_of_the_password_in_any_error),
        cmocka_unit_test(address_takes_a_unix_path),
        cmocka_unit_test(address_takes_a_unix_path_with_who_and_database),
        cmocka_unit_test(address_leaves_an_at_sign_in_a_unix_path),
        cmocka_unit_test(address_decodes_percent_in_a_unix_path),
        cmocka_unit_test(address_takes_a_path_of_107_bytes),
        cmocka_unit_test(address_counts_decoded_bytes_of_a_path),
        cmocka_unit_test(address_refuses_a_path_of_108_bytes),
        cmocka_unit_test(address_refuses_a_unix_url_without_a_rooted_path),
        cmocka_unit_test(address_refuses_a_raw_hash_in_a_unix_path),
        cmocka_unit_test(address_shows_a_right_url_where_the_scheme_is_missing),
        cmocka_unit_test(address_examples_in_errors_are_right_themselves),
        cmocka_unit_test(address_refuses_an_unknown_scheme),
        cmocka_unit_test(address_knows_tls_by_the_scheme),
        cmocka_unit_test(address_wipe_leaves_no_byte_of_user_and_password),
        cmocka_unit_test(address_name_is_host_and_port_or_path),
        cmocka_unit_test(address_name_is_printable_ascii),
        cmocka_unit_test(address_name_cuts_at_every_size_and_never_inside_an_escape),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
