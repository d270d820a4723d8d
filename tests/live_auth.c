/* Passwords, users, names and databases, against a real server that asks for them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>

#define PASSWORD      "p@ss:w/rd%?#"
#define PASSWORD_CODE "p%40ss%3Aw%2Frd%25%3F%23" /* the same in a URL */
#define ANNS          "ann s3cret"
#define ANNS_GRANT    ">ann s3cret"

static struct server the_server;

static int start(void **state) {
    const char *const args[] = {"--requirepass", PASSWORD, "--databases", "4",
                                "--maxmemory",   "3mb",    NULL};
    (void)state;
    if (!server_start(&the_server, true, args)) {
        return 1;
    }
    weir_client *client;
    weir_status st =
        weir_open(the_server.url, &(weir_options){.password = PASSWORD}, &client);
    assert_ok(client, st);
    assert_ok(client, live_say(client, "ACL", "SETUSER", "ann", "on", ANNS_GRANT, "~*",
                               "&*", "+@all"));
    assert_ok(client, live_say(client, "ACL", "SETUSER", "shy", "on", ANNS_GRANT, "~own:*",
                               "-@all", "+xadd", "+xlen"));
    weir_close(client);
    return 0;
}

static int stop(void **state) {
    (void)state;
    server_stop(&the_server);
    return 0;
}

static const char *url_of(const char *user_and_password, const char *behind) {
    static char url[200];
    const char *place = server_name(the_server.tcp_url);
    (void)snprintf(url, sizeof url, "%.*s%s%s%s", (int)(place - the_server.tcp_url),
                   the_server.tcp_url, user_and_password, place, behind);
    return url;
}

/* Opens, on both protocols, and asks who the server thinks we are. */
static void expect_user(const char *url, weir_options options, const char *user) {
    const weir_view whoami[] = {WIRE("ACL"), WIRE("WHOAMI")};
    for (options.protocol = 2; options.protocol <= 3; options.protocol++) {
        weir_client *client;
        weir_reply reply;
        weir_token token;
        weir_status st = weir_open(url, &options, &client);
        assert_ok(client, st);
        assert_ok(client, weir_command(client, whoami, 2, &reply));
        assert_status(weir_reply_next(&reply, &token), WEIR_OK);
        assert_view(token.bytes, user);
        weir_close(client);
    }
}

/* On both protocols: refused, with that code, peer and words told, but no password. */
static void expect_refused(const char *url, weir_options options, const char *code) {
    for (options.protocol = 2; options.protocol <= 3; options.protocol++) {
        weir_client *client;
        assert_status(weir_open(url, &options, &client), WEIR_ERR_REFUSED);
        const weir_error *error = weir_client_error(client);
        assert_int_equal(error->status, WEIR_ERR_REFUSED);
        assert_string_equal(error->code, code);
        assert_non_null(strstr(error->text, code));
        const char *place = strncmp(url, "unix", 4) == 0 ? server_name(url) : "127.0.0.1:";
        assert_non_null(strstr(error->text, place));
        assert_null(strstr(error->text, "p@ss"));
        assert_null(strstr(error->text, "p%40ss"));
        assert_null(strstr(error->text, "s3cret"));
        assert_status(weir_xlen(client, WIRE("s"), NULL), WEIR_ERR_REFUSED);
        weir_close(client);
    }
}

/* ---- who we are ---- */

static void the_right_password_opens(void **state) {
    (void)state;
    expect_user(the_server.url, (weir_options){.password = PASSWORD}, "default");
    expect_user(url_of("", ""), (weir_options){.password = PASSWORD}, "default");
    expect_user(url_of("", ""), (weir_options){.user = "default", .password = PASSWORD},
                "default");
}

static void the_password_may_stand_in_the_url(void **state) {
    (void)state;
    expect_user(url_of(":" PASSWORD_CODE "@", ""), (weir_options){0}, "default");
    expect_user(url_of("default:" PASSWORD_CODE "@", "/0"), (weir_options){0}, "default");
}

static void a_user_has_a_password_of_its_own(void **state) {
    (void)state;
    expect_user(url_of("", ""), (weir_options){.user = "ann", .password = ANNS}, "ann");
    expect_user(url_of("ann:ann%20s3cret@", ""), (weir_options){0}, "ann");
    expect_user(url_of("ann:wrong@", ""), (weir_options){.password = ANNS}, "ann");
    expect_user(url_of("nobody:wrong@", ""),
                (weir_options){.user = "ann", .password = ANNS}, "ann");
}

static void a_wrong_password_is_refused(void **state) {
    (void)state;
    expect_refused(the_server.url, (weir_options){.password = "p@ss:no"}, "WRONGPASS");
    expect_refused(url_of(":p%40ss@", ""), (weir_options){0}, "WRONGPASS");
    expect_refused(url_of("ann:" PASSWORD_CODE "@", ""), (weir_options){0}, "WRONGPASS");
    expect_refused(url_of("bob:s3cret@", ""), (weir_options){0}, "WRONGPASS");
}

static void a_missing_password_is_asked_for(void **state) {
    (void)state;
    weir_options options = {0};
    expect_refused(the_server.url, options, "NOAUTH");
    options.db = 1;
    expect_refused(the_server.url, options, "NOAUTH");
    options.client_name = "me";
    expect_refused(url_of("", ""), options, "NOAUTH");
}

static void what_a_user_may_not_do_is_told_call_by_call(void **state) {
    (void)state;
    weir_client *client;
    weir_field field = weir_pair("n", "1");
    weir_options options = {.user = "shy", .password = ANNS};
    weir_status st = weir_open(the_server.url, &options, &client);
    assert_ok(client, st);
    assert_ok(client, weir_xadd(client, WIRE("own:s"), &field, 1, NULL, NULL));
    assert_code(client, weir_xadd(client, WIRE("s"), &field, 1, NULL, NULL), "NOPERM");
    assert_code(client, live_say(client, "FLUSHALL"), "NOPERM");
    assert_ok(client, weir_xlen(client, WIRE("own:s"), NULL));
    weir_close(client);
}

/* ---- name, database, memory ---- */

static void the_client_can_have_a_name(void **state) {
    (void)state;
    const weir_view getname[] = {WIRE("CLIENT"), WIRE("GETNAME")};
    weir_options options = {.password = PASSWORD, .client_name = "worker-7"};
    for (options.protocol = 2; options.protocol <= 3; options.protocol++) {
        weir_client *client;
        weir_reply reply;
        weir_token token;
        weir_status st = weir_open(the_server.url, &options, &client);
        assert_ok(client, st);
        assert_ok(client, weir_command(client, getname, 2, &reply));
        assert_status(weir_reply_next(&reply, &token), WEIR_OK);
        assert_view(token.bytes, "worker-7");
        weir_close(client);
    }
    options.client_name = "two words";
    expect_refused(the_server.url, options, "ERR");
}

static void a_database_is_selected(void **state) {
    (void)state;
    weir_client *clients[3];
    weir_field field = weir_pair("n", "1");
    weir_options options = {.password = PASSWORD, .db = 2};
    weir_options default_db = {.password = PASSWORD};
    char unix_url[80];
    (void)snprintf(unix_url, sizeof unix_url, "%s?db=2", the_server.url);
    weir_status st = weir_open(the_server.url, &options, &clients[0]);
    assert_ok(clients[0], st);
    st = weir_open(url_of("", "/2"), &default_db, &clients[1]);
    assert_ok(clients[1], st);
    st = weir_open(unix_url, &default_db, &clients[2]);
    assert_ok(clients[2], st);
    assert_ok(clients[0], live_say(clients[0], "FLUSHALL"));
    for (int i = 0; i < 3; i++) {
        uint64_t count = 0;
        assert_ok(clients[i], weir_xadd(clients[i], WIRE("s"), &field, 1, NULL, NULL));
        assert_ok(clients[i], weir_xlen(clients[i], WIRE("s"), &count));
        assert_int_equal(count, i + 1);
        weir_close(clients[i]);
    }
}

static void a_database_that_is_not_there_is_refused(void **state) {
    (void)state;
    expect_refused(the_server.url, (weir_options){.password = PASSWORD, .db = 99}, "ERR");
    expect_refused(url_of(":" PASSWORD_CODE "@", "/4"), (weir_options){0}, "ERR");
}

static void a_full_server_refuses_to_add_and_still_reads(void **state) {
    (void)state;
    weir_client *client;
    char *value = calloc(1, 50000);
    weir_field field = {WIRE("n"), weir_bytes(value, 50000)};
    weir_status st =
        weir_open(the_server.url, &(weir_options){.password = PASSWORD}, &client);
    assert_ok(client, st);
    for (int i = 0; st == WEIR_OK && i < 1000; i++) {
        st = weir_xadd(client, WIRE("full"), &field, 1, NULL, NULL);
    }
    free(value);
    assert_code(client, st, "OOM");
    assert_non_null(strstr(weir_client_error(client)->text, "maxmemory"));
    assert_ok(client, weir_xlen(client, WIRE("full"), NULL));
    assert_ok(client, live_say(client, "FLUSHALL"));
    weir_close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_password_opens),
        cmocka_unit_test(the_password_may_stand_in_the_url),
        cmocka_unit_test(a_user_has_a_password_of_its_own),
        cmocka_unit_test(a_wrong_password_is_refused),
        cmocka_unit_test(a_missing_password_is_asked_for),
        cmocka_unit_test(what_a_user_may_not_do_is_told_call_by_call),
        cmocka_unit_test(the_client_can_have_a_name),
        cmocka_unit_test(a_database_is_selected),
        cmocka_unit_test(a_database_that_is_not_there_is_refused),
        cmocka_unit_test(a_full_server_refuses_to_add_and_still_reads),
    };
    if (!server_is_here()) {
        return SERVER_MISSING;
    }
    return cmocka_run_group_tests_name("passwords", tests, start, stop);
}
