/* TLS against a real server and openssl s_server: who is trusted and who is not, whose
 * certificate is taken, and what is said where it goes wrong.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"
#include "tls_server.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static struct tls_server the_tls;

static int start(void **state) {
    (void)state;
    return tls_server_start(&the_tls) ? 0 : 1;
}

static int stop(void **state) {
    (void)state;
    tls_server_stop(&the_tls);
    return 0;
}

/* Each test finds the server as it was at first. */
static int set_up(void **state) {
    (void)state;
    tls_server_show(&the_tls, "right");
    tls_server_set(&the_tls, "tls-auth-clients", "no");
    tls_server_set(&the_tls, "tls-protocols", "");
    return 0;
}

static weir_client *opened(const char *url, const weir_tls *tls) {
    weir_options options = {.tls = tls};
    weir_client *client;
    weir_status st = weir_open(url, &options, &client);
    assert_ok(client, st);
    return client;
}

static void expect_opens(const char *url, const weir_tls *tls) {
    weir_client *client = opened(url, tls);
    assert_ok(client, live_say(client, "PING"));
    weir_close(client);
}

/* Opening fails with that status and a text that holds the parts. */
static void expect_refused(const char *url, const weir_tls *tls, weir_status status,
                           const char *part, const char *other_part) {
    weir_options options = {.tls = tls, .connect_timeout_ms = 3000};
    weir_client *client;
    weir_status st = weir_open(url, &options, &client);
    const char *text = weir_client_error(client)->text;
    if (st != status || strstr(text, part) == NULL || strstr(text, other_part) == NULL) {
        fail_msg("%d, \"%s\": expected %d, \"%s\" and \"%s\"", st, text, status, part,
                 other_part);
    }
    assert_status(weir_client_error(client)->status, status);
    weir_close(client);
}

/* ---- chain and name ---- */

static void a_client_adds_and_reads_over_tls(void **state) {
    (void)state;
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    weir_client *client = opened(the_tls.url, &tls);
    assert_ok(client, live_say(client, "FLUSHALL"));
    live_fill(client, "s", 2000, 1000);
    weir_entries page;
    weir_entry entry;
    size_t count = 0;
    weir_status st = weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page);
    while (st == WEIR_OK && (st = weir_entries_next(&page, &entry)) == WEIR_OK) {
        count++;
    }
    assert_status(st, WEIR_END);
    assert_int_equal(count, 2000);
    assert_string_equal(weir_client_tls(client).version, "TLSv1.3");
    assert_memory_equal(weir_client_tls(client).cipher, "TLS_AES_", 8);
    assert_false(weir_client_tls(client).was_resumed);
    weir_close(client);
}

static void without_a_ca_of_its_own_the_servers_is_unknown(void **state) {
    (void)state;
    expect_refused(the_tls.url, NULL, WEIR_ERR_TLS, "localhost",
                   "tls.ca_file names the CA");
}

static void the_certificate_must_be_made_for_the_host(void **state) {
    (void)state;
    static const struct {
        const char *shown;
        bool is_ip;       /* the URL names 127.0.0.1, else localhost */
        const char *name; /* verify_name */
        const char *text; /* NULL: it opens */
    } cases[] = {
        {"right", false, NULL, NULL},
        {"right", true, NULL, NULL},
        {"right", true, "redis.example", NULL},
        {"right", true, "REDIS.example.", NULL},
        {"right", false, "::1", NULL},
        {"right", false, "127.0.0.2", "not made for \"127.0.0.2\""},
        {"right", false, "redis.example.com", "not made for \"redis.example.com\""},
        {"other_name", false, NULL, "not made for \"localhost\""},
        {"other_name", false, "elsewhere.example", NULL},
        {"ip_only", true, NULL, NULL},
        {"ip_only", false, NULL, "not made for \"localhost\""},
        {"other_ip", true, NULL, "not made for \"127.0.0.1\""},
        {"ip_as_dns", true, NULL, "not made for \"127.0.0.1\""},
        {"cn_only", false, NULL, "not made for \"localhost\""},
        {"wildcard", false, "redis.db.example", NULL},
        {"wildcard", false, "a.b.db.example", "not made for \"a.b.db.example\""},
        {"wildcard", false, "db.example", "not made for \"db.example\""},
        {"partial_wildcard", false, "redis.db.example",
         "not made for \"redis.db.example\""},
        {"expired", false, NULL, "certificate has expired"},
        {"unknown", false, NULL, "tls.ca_file names the CA"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_tls tls = {.ca_file = tls_file("ca.pem"), .verify_name = cases[i].name};
        const char *url = cases[i].is_ip ? the_tls.ip_url : the_tls.url;
        tls_server_show(&the_tls, cases[i].shown);
        if (cases[i].text == NULL) {
            expect_opens(url, &tls);
        } else {
            expect_refused(url, &tls, WEIR_ERR_TLS,
                           "its certificate is refused: ", cases[i].text);
        }
    }
}

static void one_option_turns_all_of_that_off(void **state) {
    (void)state;
    static const char *const shown[] = {"other_name", "expired", "unknown"};
    weir_tls tls = {.insecure_skip_verify = true};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        tls_server_show(&the_tls, shown[i]);
        expect_opens(the_tls.url, &tls);
    }
}

static void cas_come_from_a_file_a_folder_or_a_text(void **state) {
    (void)state;
    weir_view pem = tls_text("ca.pem");
    weir_tls tls[] = {{.ca_file = tls_file("ca.pem")},
                      {.ca_folder = tls_file("folder")},
                      {.ca_pem = pem},
                      {.ca_file = tls_file("other_ca.pem"), .ca_pem = pem}};
    for (size_t i = 0; i < sizeof tls / sizeof *tls; i++) {
        expect_opens(the_tls.url, &tls[i]);
    }
    free((void *)(uintptr_t)pem.data);
}

static void a_ca_that_holds_nothing_is_an_error(void **state) {
    (void)state;
    const struct {
        weir_tls tls;
        const char *option;
        const char *text;
    } cases[] = {
        {{.ca_file = tls_file("empty.pem")}, "tls.ca_file", "empty.pem"},
        {{.ca_file = tls_file("no_such.pem")}, "tls.ca_file", "No such file"},
        {{.ca_file = tls_file("ca.key")}, "tls.ca_file", "ca.key"},
        {{.ca_folder = tls_file("empty_folder")}, "tls.ca_folder", "openssl rehash"},
        {{.ca_folder = tls_file("no_such_folder")}, "tls.ca_folder", "no_such_folder"},
        {{.ca_pem = WIRE("-----BEGIN CERTIFICATE-----\nMII=\n")},
         "tls.ca_pem",
         "holds no certificate"},
        {{.ca_file = tls_file("ca.pem"), .crl_file = tls_file("ca.pem")},
         "tls.crl_file",
         "ca.pem"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_refused(the_tls.url, &cases[i].tls, WEIR_ERR_ARG, cases[i].option,
                       cases[i].text);
    }
}

static void a_certificate_that_was_taken_back_is_refused(void **state) {
    (void)state;
    weir_tls tls = {.ca_file = tls_file("ca.pem"), .crl_file = tls_file("none.crl")};
    expect_opens(the_tls.url, &tls);
    tls.crl_file = tls_file("right.crl");
    expect_refused(the_tls.url, &tls, WEIR_ERR_TLS,
                   "its certificate is refused: ", "revoked");
}

/* ---- who we are ---- */

static void demand_certificates(const char *protocols) {
    tls_server_set(&the_tls, "tls-auth-clients", "yes");
    tls_server_set(&the_tls, "tls-protocols", protocols);
}

/* Under TLS 1.3 the refusal comes after the handshake: the greeting meets it, and no
 * command of the caller's has been sent. */
static void a_client_certificate_is_shown_where_it_is_demanded(void **state) {
    (void)state;
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    for (size_t i = 0; i < 2; i++) {
        demand_certificates(protocols[i]);
        weir_tls tls = {.ca_file = tls_file("ca.pem")};
        weir_options options = {.tls = &tls};
        weir_client *client;
        assert_status(weir_open(the_tls.url, &options, &client), WEIR_ERR_TLS);
        assert_non_null(strstr(weir_client_error(client)->text,
                               "it asks for a client certificate: tls.cert_file"));
        weir_close(client);
        tls.cert_file = tls_file("client.pem");
        tls.key_file = tls_file("client.key");
        client = opened(the_tls.url, &tls);
        assert_string_equal(weir_client_tls(client).version, protocols[i]);
        weir_close(client);
        tls.cert_file = tls_file("other_client.pem");
        tls.key_file = tls_file("other_client.key");
        expect_refused(the_tls.url, &tls, WEIR_ERR_TLS, "it asks for a client certificate",
                       "ours is not to its liking");
    }
}

static void a_client_certificate_brings_its_chain(void **state) {
    (void)state;
    demand_certificates("");
    weir_view chain = tls_text("chain.pem");
    weir_view key = tls_text("chained.key");
    weir_tls tls[] = {
        {.ca_file = tls_file("ca.pem"),
         .cert_file = tls_file("chain.pem"),
         .key_file = tls_file("chained.key")},
        {.ca_file = tls_file("ca.pem"), .cert_pem = chain, .key_pem = key},
    };
    expect_opens(the_tls.url, &tls[0]);
    expect_opens(the_tls.url, &tls[1]);
    tls[0].cert_file = tls_file("chained.pem");
    expect_refused(the_tls.url, &tls[0], WEIR_ERR_TLS, "unknown ca", "");
    free((void *)(uintptr_t)chain.data);
    free((void *)(uintptr_t)key.data);
}

static void an_encrypted_key_is_opened_with_its_password(void **state) {
    (void)state;
    demand_certificates("");
    weir_view cert = tls_text("client.pem");
    weir_view key = tls_text("locked.key");
    weir_tls tls[] = {{.ca_file = tls_file("ca.pem"),
                       .cert_file = tls_file("client.pem"),
                       .key_file = tls_file("locked.key")},
                      {.ca_file = tls_file("ca.pem"), .cert_pem = cert, .key_pem = key}};
    for (size_t i = 0; i < 2; i++) {
        tls[i].key_password = "open-sesame";
        expect_opens(the_tls.url, &tls[i]);
        tls[i].key_password = "open-barley";
        expect_refused(the_tls.url, &tls[i], WEIR_ERR_ARG, "tls.key_", "");
        tls[i].key_password = NULL; /* and nobody is asked on the terminal */
        expect_refused(the_tls.url, &tls[i], WEIR_ERR_ARG, "tls.key_", "");
    }
    free((void *)(uintptr_t)cert.data);
    free((void *)(uintptr_t)key.data);
}

static void a_key_of_another_certificate_is_refused(void **state) {
    (void)state;
    weir_tls tls = {.ca_file = tls_file("ca.pem"),
                    .cert_file = tls_file("client.pem"),
                    .key_file = tls_file("right.key")};
    expect_refused(the_tls.url, &tls, WEIR_ERR_ARG, "tls.key_file", "mismatch");
    tls.key_file = tls_file("no_such.key");
    expect_refused(the_tls.url, &tls, WEIR_ERR_ARG, "tls.key_file", "No such file");
    tls.cert_file = tls_file("empty.pem");
    expect_refused(the_tls.url, &tls, WEIR_ERR_ARG, "tls.cert_file", "empty.pem");
}

/* ---- versions and ciphers ---- */

static void tls_1_2_is_spoken_with_forward_secrecy(void **state) {
    (void)state;
    tls_server_set(&the_tls, "tls-protocols", "TLSv1.2");
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    weir_client *client = opened(the_tls.url, &tls);
    assert_string_equal(weir_client_tls(client).version, "TLSv1.2");
    assert_memory_equal(weir_client_tls(client).cipher, "ECDHE-", 6);
    weir_close(client);
}

static void older_versions_and_ciphers_are_refused(void **state) {
    (void)state;
    static const char *const old[][4] = {
        {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0", NULL},
        {"-tls1", "-cipher", "ALL:@SECLEVEL=0", NULL},
        {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256", NULL}, /* CBC */
    };
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        struct s_server server = s_server_start(old[i]);
        weir_tls tls = {.ca_file = tls_file("ca.pem")};
        expect_refused(server.url, &tls, WEIR_ERR_TLS,
                       "TLS handshake with localhost:", "alert");
        s_server_stop(&server);
    }
}

static void what_openssl_does_not_know_is_refused(void **state) {
    (void)state;
    const struct {
        weir_tls tls;
        const char *option;
    } cases[] = {
        {{.ciphers = "NO-SUCH-CIPHER"}, "tls.ciphers"},
        {{.ciphersuites = "NO_SUCH_SUITE"}, "tls.ciphersuites"},
        {{.groups = "no-such-group"}, "tls.groups"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_refused(the_tls.url, &cases[i].tls, WEIR_ERR_ARG, cases[i].option, "");
    }
}

/* ---- mix-ups ---- */

static void speak_http(int fd) {
    char bytes[1024];
    (void)read(fd, bytes, sizeof bytes);
    peer_say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void speak_resp(int fd) {
    char bytes[1024];
    (void)read(fd, bytes, sizeof bytes);
    peer_say(fd, "-ERR unknown command\r\n");
}

static void speak_otherwise(int fd) {
    char bytes[1024];
    (void)read(fd, bytes, sizeof bytes);
    peer_say(fd, "220 mail.example ESMTP\r\n");
}

static void hang_up(int fd) {
    char bytes[1024];
    (void)read(fd, bytes, sizeof bytes);
}

static void expect_mix_up(peer_script *script, weir_status status, const char *text) {
    struct peer peer = peer_start(script);
    char url[64];
    (void)snprintf(url, sizeof url, "rediss://%s", peer.name);
    expect_refused(url, NULL, status, peer.name, text);
    peer_stop(&peer);
}

static void a_peer_without_tls_is_named(void **state) {
    (void)state;
    expect_mix_up(speak_http, WEIR_ERR_TLS, "it answers in HTTP");
    expect_mix_up(speak_resp, WEIR_ERR_TLS, "it speaks RESP without TLS");
    expect_mix_up(speak_otherwise, WEIR_ERR_TLS, "it does not speak TLS");
    expect_mix_up(hang_up, WEIR_ERR_CLOSED, "it closed the connection");
}

/* A server without TLS takes the greeting for the beginning of a line, and waits. */
static void a_plain_port_that_says_nothing_is_told_at_the_deadline(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    char url[64];
    (void)snprintf(url, sizeof url, "rediss://%s", peer.name);
    weir_options options = {.connect_timeout_ms = 200};
    weir_client *client;
    int64_t began_ms = live_now_ms();
    assert_status(weir_open(url, &options, &client), WEIR_ERR_TIMEOUT);
    assert_in_range(live_now_ms() - began_ms, 200, 3000);
    assert_non_null(strstr(weir_client_error(client)->text, "TLS handshake with "));
    assert_non_null(strstr(weir_client_error(client)->text, "is this its TLS port?"));
    weir_close(client);
    peer_stop(&peer);
}

static void a_plain_client_on_a_tls_port_is_told(void **state) {
    (void)state;
    char url[64];
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%u", (unsigned)the_tls.port);
    weir_client *client;
    weir_status st = weir_open(url, NULL, &client);
    assert_true(st < 0);
    if (strstr(weir_client_error(client)->text, "rediss://") == NULL) {
        fail_msg("\"%s\" does not name rediss://", weir_client_error(client)->text);
    }
    weir_close(client);
}

static void options_of_tls_without_tls_are_refused(void **state) {
    (void)state;
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    expect_refused("redis://127.0.0.1:1", &tls, WEIR_ERR_ARG, "options.tls", "rediss://");
}

/* ---- the client's other ways ---- */

static void turn(weir_client *client) {
    int wants = weir_client_wants(client);
    int64_t left_ms = weir_client_deadline_ms(client) - live_now_ms();
    struct pollfd ready = {.fd = weir_client_fd(client),
                           .events = (short)((wants & WEIR_WANT_READ ? POLLIN : 0) |
                                             (wants & WEIR_WANT_WRITE ? POLLOUT : 0))};
    left_ms = left_ms < 0 ? 0 : left_ms;
    (void)poll(&ready, 1, left_ms < 5000 ? (int)left_ms : 5000);
    assert_ok(client, weir_step(client));
}

/* Answers that are larger than a record, taken in small steps: what OpenSSL holds must not
 * be waited for. */
static void an_event_loop_goes_on_over_tls(void **state) {
    (void)state;
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    weir_client *filler = opened(the_tls.url, &tls);
    assert_ok(filler, live_say(filler, "FLUSHALL"));
    live_fill(filler, "s", 3000, 500);
    weir_close(filler);
    weir_options options = {
        .tls = &tls, .non_blocking = true, .limits = {.receive_bytes = 20000}};
    weir_client *client;
    weir_status st = weir_open(the_tls.url, &options, &client);
    assert_ok(client, st);
    while (!weir_client_is_ready(client)) {
        turn(client);
    }
    assert_ok(client,
              weir_append_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL));
    weir_entries page;
    weir_entry entry;
    size_t count = 0;
    while ((st = weir_take_entries(client, &page)) == WEIR_MORE) {
        turn(client);
    }
    while (st == WEIR_OK) {
        st = weir_entries_next(&page, &entry);
        count += st == WEIR_OK ? 1 : 0;
        if (st == WEIR_MORE) {
            turn(client);
            st = WEIR_OK;
        }
    }
    assert_status(st, WEIR_END);
    assert_int_equal(count, 3000);
    weir_close(client);
}

static void a_client_in_a_block_speaks_tls(void **state) {
    (void)state;
    static union {
        max_align_t align;
        char bytes[WEIR_BLOCK_BYTES];
    } block;
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    weir_options options = {.tls = &tls};
    weir_client *client;
    weir_status st = weir_open_in(&block, sizeof block, the_tls.ip_url, &options, &client);
    assert_ok(client, st);
    assert_ok(client, live_say(client, "FLUSHALL"));
    live_fill(client, "s", 10, 100);
    weir_close(client);
}

static void a_large_value_goes_both_ways(void **state) {
    (void)state;
    static const size_t size = 8 << 20;
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    weir_client *client = opened(the_tls.url, &tls);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(i * 31 + i / 4096);
    }
    weir_field field = {weir_text("n"), weir_bytes(bytes, size)};
    weir_entries page;
    weir_entry entry;
    assert_ok(client, live_say(client, "FLUSHALL"));
    assert_ok(client, weir_xadd(client, WIRE("s"), &field, 1, NULL, NULL));
    assert_ok(client,
              weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    assert_ok(client, weir_entries_next(&page, &entry));
    assert_true(weir_view_equal(entry.fields[0].value, field.value));
    free(bytes);
    weir_close(client);
}

/* No handler of SIGPIPE is set here: it would end the program. */
static void a_server_that_is_gone_is_told_without_a_signal(void **state) {
    (void)state;
    struct s_server server = s_server_start(NULL);
    char url[64];
    (void)snprintf(url, sizeof url, "%s", server.url);
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    weir_options options = {.tls = &tls, .non_blocking = true};
    weir_client *client;
    weir_status st = weir_open(url, &options, &client);
    while (st == WEIR_OK && weir_client_tls(client).version[0] == '\0') {
        turn(client);
    }
    assert_ok(client, st);
    s_server_stop(&server);
    for (int tries = 0; tries < 100 && st == WEIR_OK; tries++) {
        (void)poll(NULL, 0, 5);
        st = weir_step(client);
    }
    assert_true(st == WEIR_ERR_CLOSED || st == WEIR_ERR_IO);
    weir_close(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_client_adds_and_reads_over_tls, set_up),
        cmocka_unit_test_setup(without_a_ca_of_its_own_the_servers_is_unknown, set_up),
        cmocka_unit_test_setup(the_certificate_must_be_made_for_the_host, set_up),
        cmocka_unit_test_setup(one_option_turns_all_of_that_off, set_up),
        cmocka_unit_test_setup(cas_come_from_a_file_a_folder_or_a_text, set_up),
        cmocka_unit_test_setup(a_ca_that_holds_nothing_is_an_error, set_up),
        cmocka_unit_test_setup(a_certificate_that_was_taken_back_is_refused, set_up),
        cmocka_unit_test_setup(a_client_certificate_is_shown_where_it_is_demanded, set_up),
        cmocka_unit_test_setup(a_client_certificate_brings_its_chain, set_up),
        cmocka_unit_test_setup(an_encrypted_key_is_opened_with_its_password, set_up),
        cmocka_unit_test_setup(a_key_of_another_certificate_is_refused, set_up),
        cmocka_unit_test_setup(tls_1_2_is_spoken_with_forward_secrecy, set_up),
        cmocka_unit_test_setup(older_versions_and_ciphers_are_refused, set_up),
        cmocka_unit_test_setup(what_openssl_does_not_know_is_refused, set_up),
        cmocka_unit_test_setup(a_peer_without_tls_is_named, set_up),
        cmocka_unit_test_setup(a_plain_port_that_says_nothing_is_told_at_the_deadline,
                               set_up),
        cmocka_unit_test_setup(a_plain_client_on_a_tls_port_is_told, set_up),
        cmocka_unit_test_setup(options_of_tls_without_tls_are_refused, set_up),
        cmocka_unit_test_setup(an_event_loop_goes_on_over_tls, set_up),
        cmocka_unit_test_setup(a_client_in_a_block_speaks_tls, set_up),
        cmocka_unit_test_setup(a_large_value_goes_both_ways, set_up),
        cmocka_unit_test_setup(a_server_that_is_gone_is_told_without_a_signal, set_up),
    };
    return tls_server_is_here() ? cmocka_run_group_tests_name("TLS", tests, start, stop)
                                : SERVER_MISSING;
}
