/* Peers that are not there, or are no Redis: what weir_open says, and within which time.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"
#include "peer.h"

#include <stdio.h>
#include <unistd.h>

#define SECRET "s3cret-word"

/*
 * Opening must fail with that status, a text that holds both parts, no secret in it, and at
 * once: within 2 seconds. The same for the calls after it.
 */
static void expect_no_way(const char *url, const weir_options *options, weir_status status,
                          const char *part, const char *other_part) {
    weir_client *client = NULL;
    int64_t began_ms = live_now_ms();
    assert_status(weir_open(url, options, &client), status);
    assert_true(live_now_ms() - began_ms < 2000);
    assert_non_null(client);
    const weir_error *error = weir_client_error(client);
    assert_int_equal(error->status, status);
    if (strstr(error->text, part) == NULL || strstr(error->text, other_part) == NULL) {
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", error->text, part, other_part);
    }
    assert_null(strstr(error->text, SECRET));
    assert_false(weir_client_is_ready(client));
    assert_status(weir_xlen(client, WIRE("s"), NULL), status);
    assert_status(weir_flush(client), status);
    assert_status(weir_step(client), status);
    weir_close(client);
}

static void expect_no_peer(peer_script *script, const weir_options *options,
                           weir_status status, const char *part) {
    struct peer peer = peer_start(script);
    expect_no_way(peer.url, options, status, peer.name, part);
    peer_stop(&peer);
}

/* ---- nobody there ---- */

static void nobody_listens_on_the_port(void **state) {
    (void)state;
    int fd;
    char url[64];
    char name[32];
    unsigned port = peer_deaf_port(&fd);
    (void)snprintf(name, sizeof name, "127.0.0.1:%u", port);
    (void)snprintf(url, sizeof url, "redis://:%s@%s", SECRET, name);
    expect_no_way(url, NULL, WEIR_ERR_CONNECT, name, "refused");
    (void)close(fd);
}

static void the_unix_socket_is_missing(void **state) {
    (void)state;
    expect_no_way("unix:///tmp/weir-no-such-folder/socket", NULL, WEIR_ERR_CONNECT,
                  "unix:/tmp/weir-no-such-folder/socket", "No such file");
}

static void the_unix_path_is_too_long(void **state) {
    (void)state;
    char url[200];
    int len = snprintf(url, sizeof url, "unix:///tmp/");
    memset(url + len, 'x', 120);
    url[len + 120] = '\0';
    expect_no_way(url, NULL, WEIR_ERR_ARG, "path", "");
}

static void the_host_does_not_resolve(void **state) {
    (void)state;
    weir_client *client = NULL;
    weir_status st = weir_open("redis://no-such-host.invalid:6379", NULL, &client);
    assert_status(st, WEIR_ERR_CONNECT);
    assert_non_null(strstr(weir_client_error(client)->text, "no-such-host.invalid"));
    weir_close(client);
}

static void wrong_urls_are_named_without_the_password(void **state) {
    (void)state;
    expect_no_way("redis://:" SECRET "@127.0.0.1:6379x", NULL, WEIR_ERR_ARG, "port", "");
    expect_no_way("http://:" SECRET "@127.0.0.1", NULL, WEIR_ERR_ARG, "", "");
    expect_no_way("redis://:" SECRET "%zz@127.0.0.1", NULL, WEIR_ERR_ARG, "", "");
    expect_no_way("", NULL, WEIR_ERR_ARG, "", "");
}

static void wrong_options_are_named(void **state) {
    (void)state;
    const char *url = "unix:///tmp/weir-no-such-folder/socket";
    expect_no_way(url, &(weir_options){.protocol = 4}, WEIR_ERR_ARG, "protocol", "");
    expect_no_way(url, &(weir_options){.timeout_ms = -1}, WEIR_ERR_ARG, "time", "");
    expect_no_way(url, &(weir_options){.limits.send_bytes = 1023}, WEIR_ERR_ARG,
                  "send_bytes", "1024");
    expect_no_way(url, &(weir_options){.limits.receive_bytes = 1023}, WEIR_ERR_ARG,
                  "receive_bytes", "1024");
    expect_no_way(url, &(weir_options){.user = "ann"}, WEIR_ERR_ARG, "password", "");
}

static void no_client_at_all_if_there_is_no_memory(void **state) {
    (void)state;
    for (size_t allowed = 0; allowed < 4; allowed++) {
        struct support_mem counts = {.allowed = allowed};
        weir_options options = {.mem = support_mem(&counts)};
        weir_client *client = (weir_client *)&counts;
        assert_status(
            weir_open("unix:///tmp/weir-no-such-folder/socket", &options, &client),
            WEIR_ERR_NOMEM);
        assert_null(client);
        assert_int_equal(counts.live, 0);
        assert_string_equal(weir_client_error(client)->text, "out of memory");
    }
}

/* ---- somebody there, but no Redis ---- */

static void a_peer_that_says_nothing_ends_at_the_deadline(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    weir_options options = {.connect_timeout_ms = 200, .password = SECRET};
    int64_t began_ms = live_now_ms();
    expect_no_way(peer.url, &options, WEIR_ERR_TIMEOUT, peer.name, "200 ms");
    assert_in_range(live_now_ms() - began_ms, 190, 1500);
    peer_stop(&peer);
}

static void drip(int fd) {
    peer_say(fd, "$1000\r\n");
    for (int i = 0; i < 100; i++) {
        peer_say(fd, "x");
        (void)usleep(20000);
    }
}

/* The deadline is of the whole handshake, whatever trickles in meanwhile. */
static void a_peer_that_dribbles_ends_at_the_deadline(void **state) {
    (void)state;
    expect_no_peer(drip, &(weir_options){.connect_timeout_ms = 200}, WEIR_ERR_TIMEOUT,
                   "200 ms");
}

static void speak_http(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}

static void a_web_server_is_recognised(void **state) {
    (void)state;
    expect_no_peer(speak_http, NULL, WEIR_ERR_PROTOCOL, "HTTP");
}

/* What a TLS server answers to a line of text: alert, fatal, unexpected_message... */
static void speak_tls(int fd) {
    peer_read(fd, 1);
    peer_say_bytes(fd, "\x15\x03\x03\x00\x02\x02\x46", 7);
}

static void a_tls_port_is_recognised(void **state) {
    (void)state;
    expect_no_peer(speak_tls, &(weir_options){.password = SECRET}, WEIR_ERR_PROTOCOL,
                   "TLS");
}

static void hang_up(int fd) { peer_read(fd, 1); }

static void a_peer_that_hangs_up_is_named(void **state) {
    (void)state;
    expect_no_peer(hang_up, NULL, WEIR_ERR_CLOSED, "closed");
}

static void hang_up_in_the_middle(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "%7\r\n$6\r\nser");
}

static void a_peer_that_hangs_up_in_its_greeting_is_named(void **state) {
    (void)state;
    expect_no_peer(hang_up_in_the_middle, NULL, WEIR_ERR_CLOSED, "closed");
}

static void refuse_more_clients(int fd) {
    peer_say(fd, "-ERR max number of clients reached\r\n");
    peer_be_silent(fd);
}

static void the_servers_reason_to_refuse_is_told(void **state) {
    (void)state;
    expect_no_peer(refuse_more_clients, NULL, WEIR_ERR_REFUSED, "max number of clients");
}

static void be_loading(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "-LOADING Redis is loading the dataset in memory\r\n");
    peer_be_silent(fd);
}

static void a_server_that_loads_is_told(void **state) {
    (void)state;
    struct peer peer = peer_start(be_loading);
    weir_client *client;
    assert_status(weir_open(peer.url, NULL, &client), WEIR_ERR_REFUSED);
    assert_string_equal(weir_client_error(client)->code, "LOADING");
    weir_close(client);
    peer_stop(&peer);
}

/* ---- servers without HELLO ---- */

static void be_old(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n");
    peer_read(fd, 3);
    peer_say(fd, "+PONG\r\n-ERR Unknown subcommand\r\n-ERR Unknown subcommand\r\n");
    peer_read(fd, 1);
    peer_say(fd, ":42\r\n");
    peer_be_silent(fd);
}

static void a_server_without_hello_is_spoken_to_in_resp2(void **state) {
    (void)state;
    struct peer peer = peer_start(be_old);
    weir_client *client;
    uint64_t count = 0;
    weir_status st = weir_open(peer.url, NULL, &client);
    assert_ok(client, st);
    weir_greeting greeting = weir_client_greeting(client);
    assert_int_equal(greeting.protocol, 2);
    assert_string_equal(greeting.server, "");
    assert_string_equal(greeting.version, "");
    assert_int_equal(greeting.client_id, 0);
    assert_ok(client, weir_xlen(client, WIRE("s"), &count));
    assert_int_equal(count, 42);
    weir_close(client);
    peer_stop(&peer);
}

static void a_server_without_hello_cannot_speak_resp3(void **state) {
    (void)state;
    expect_no_peer(be_old, &(weir_options){.protocol = 3}, WEIR_ERR_REFUSED,
                   "unknown command");
}

static void be_old_and_locked(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "-ERR unknown command 'HELLO'\r\n");
    peer_read(fd, 3);
    peer_say(fd, "-NOAUTH Authentication required.\r\n-ERR a\r\n-ERR b\r\n");
    peer_be_silent(fd);
}

static void a_missing_password_is_asked_for_by_an_old_server(void **state) {
    (void)state;
    expect_no_peer(be_old_and_locked, NULL, WEIR_ERR_REFUSED, "NOAUTH");
}

static void be_old_with_password(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "-NOPROTO unsupported protocol version\r\n");
    peer_read(fd, 1);
    peer_say(fd, "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    peer_be_silent(fd);
}

static void a_wrong_password_is_told_by_an_old_server_too(void **state) {
    (void)state;
    expect_no_peer(be_old_with_password, &(weir_options){.password = SECRET},
                   WEIR_ERR_REFUSED, "WRONGPASS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens_on_the_port),
        cmocka_unit_test(the_unix_socket_is_missing),
        cmocka_unit_test(the_unix_path_is_too_long),
        cmocka_unit_test(the_host_does_not_resolve),
        cmocka_unit_test(wrong_urls_are_named_without_the_password),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(no_client_at_all_if_there_is_no_memory),
        cmocka_unit_test(a_peer_that_says_nothing_ends_at_the_deadline),
        cmocka_unit_test(a_peer_that_dribbles_ends_at_the_deadline),
        cmocka_unit_test(a_web_server_is_recognised),
        cmocka_unit_test(a_tls_port_is_recognised),
        cmocka_unit_test(a_peer_that_hangs_up_is_named),
        cmocka_unit_test(a_peer_that_hangs_up_in_its_greeting_is_named),
        cmocka_unit_test(the_servers_reason_to_refuse_is_told),
        cmocka_unit_test(a_server_that_loads_is_told),
        cmocka_unit_test(a_server_without_hello_is_spoken_to_in_resp2),
        cmocka_unit_test(a_server_without_hello_cannot_speak_resp3),
        cmocka_unit_test(a_missing_password_is_asked_for_by_an_old_server),
        cmocka_unit_test(a_wrong_password_is_told_by_an_old_server_too),
    };
    return cmocka_run_group_tests_name("opening", tests, NULL, NULL);
}
