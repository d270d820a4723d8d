/* docs/connection.md against the code, options that come from the URL, and descriptors that
 * an event loop must notice.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/client_private.h"
#include "peer.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PLENTY_MS 5000
#define MOST_FILE 65536

/* Nobody can listen here: /dev/null is no folder. */
#define NOWHERE "unix:///dev/null/weir"

/* ---- docs/connection.md ---- */

static const char *read_file(const char *path) {
    static char text[MOST_FILE];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    assert_true(len > 0 && len < sizeof text - 1);
    text[len] = '\0';
    (void)fclose(file);
    return text;
}

struct row {
    const char *name;
    long long value; /* -1: "never" */
    const char *unit;
};

static void write_row(char *out, size_t size, const struct row *row) {
    char value[32] = "never";
    if (row->value >= 0) {
        (void)snprintf(value, sizeof value, "%lld", row->value);
    }
    (void)snprintf(out, size, "\n| `%s` | %s | %s | ", row->name, value, row->unit);
}

static size_t count_rows(const char *from, const char *to) {
    size_t count = 0;
    for (const char *at = strstr(from, "\n| `"); at != NULL && at < to;
         at = strstr(at + 1, "\n| `")) {
        count++;
    }
    return count;
}

/* The rows between two places of the document are these, and no others. */
static void expect_rows(const char *from, const char *to, const struct row *rows,
                        size_t count) {
    for (size_t i = 0; i < count; i++) {
        char text[160];
        write_row(text, sizeof text, &rows[i]);
        const char *found = strstr(from, text);
        if (found == NULL || found >= to) {
            fail_msg("docs/connection.md lacks the row%s", text);
        }
    }
    assert_int_equal(count_rows(from, to), count);
}

static weir_client *opened(const char *url, const weir_options *options) {
    weir_client *client;
    weir_status st = weir_open(url, options, &client);
    assert_true(st == WEIR_ERR_CONNECT || st == WEIR_OK);
    return client;
}

static void the_document_has_every_default(void **state) {
    (void)state;
    const char *text = read_file("docs/connection.md");
    const char *from = strstr(text, "## Times and limits");
    const char *to = strstr(text, "These are fixed:");
    assert_true(from != NULL && to != NULL && from < to);
    weir_client *client =
        opened(NOWHERE, &(weir_options){.reconnect.is_on = true, .non_blocking = true});
    const weir_session *session = &client->session;
    const weir_reconnect *rules = &client->link.rules;
    const struct row rows[] = {
        {"connect_timeout_ms", client->connect_timeout_ms, "ms"},
        {"attempt_delay_ms", WEIR_ATTEMPT_DELAY_MS, "ms"},
        {"timeout_ms", client->timeout_ms, "ms"},
        {"keepalive_ms", WEIR_KEEPALIVE_MS, "ms"},
        {"reconnect.floor_ms", rules->floor_ms, "ms"},
        {"reconnect.ceiling_ms", rules->ceiling_ms, "ms"},
        {"reconnect.give_up_ms", rules->give_up_ms == 0 ? -1 : rules->give_up_ms, "ms"},
        {"limits.receive_bytes", (long long)session->in.most, "bytes"},
        {"limits.send_bytes", (long long)session->out.most, "bytes"},
        {"limits.unanswered", (long long)session->unanswered_most, "requests"},
    };
    expect_rows(from, to, rows, sizeof rows / sizeof *rows);
    weir_close(client);
}

static void the_document_has_every_fixed_limit(void **state) {
    (void)state;
    const char *text = read_file("docs/connection.md");
    const char *from = strstr(text, "These are fixed:");
    const char *to = strstr(text, "## Options in a URL");
    assert_true(from != NULL && to != NULL && from < to);
    const struct row rows[] = {
        {"host", WEIR_HOST_BYTES - 1, "bytes"},
        {"path", WEIR_PATH_BYTES - 1, "bytes"},
        {"user", WEIR_SECRET_BYTES - 1, "bytes"},
        {"password", WEIR_SECRET_BYTES - 1, "bytes"},
        {"client_name", WEIR_NAME_TEXT - 1, "bytes"},
        {"query", WEIR_QUERY_BYTES - 1, "bytes"},
        {"addresses", WEIR_TRIES_MOST, "tries"},
    };
    expect_rows(from, to, rows, sizeof rows / sizeof *rows);
}

/* A time that the header gains and the document does not is found here. */
static void every_time_of_the_options_is_in_the_document(void **state) {
    (void)state;
    static char header[MOST_FILE];
    (void)snprintf(header, sizeof header, "%s", read_file("stream/client.h"));
    const char *end = strstr(header, "} weir_options;");
    const char *text = read_file("docs/connection.md");
    size_t count = 0;
    assert_non_null(end);
    for (const char *at = strstr(header, "int64_t "); at != NULL && at < end;
         at = strstr(at + 1, "int64_t ")) {
        char name[64];
        at += strlen("int64_t ");
        size_t len = strcspn(at, ";");
        if (len < 3 || memcmp(at + len - 3, "_ms", 3) != 0 ||
            memcmp(at, "delay_ms", 8) == 0) {
            continue; /* of an event, not an option */
        }
        (void)snprintf(name, sizeof name, "%.*s` | ", (int)len, at);
        if (strstr(text, name) == NULL) {
            fail_msg("docs/connection.md has no row for %s", name);
        }
        count++;
    }
    assert_int_equal(count, 7);
}

static void all_examples_of_the_document_are_one_url(void **state) {
    (void)state;
    const char *text = read_file("docs/connection.md");
    const char *at = strstr(text, "## Options in a URL");
    const char *to = strstr(text, "What a program must be written for");
    char url[2048] = "rediss://h?";
    weir_address address;
    weir_query query;
    weir_error error;
    assert_true(at != NULL && to != NULL && at < to);
    assert_int_equal(count_rows(at, to), 14);
    while ((at = strstr(at + 1, "\n| `")) != NULL && at < to) {
        const char *name = at + 4;
        size_t name_len = strcspn(name, "`");
        const char *example = strstr(name, "| `") + 3;
        size_t len = strcspn(example, "`");
        assert_memory_equal(name, example, name_len); /* NAME=... */
        size_t used = strlen(url);
        (void)snprintf(url + used, sizeof url - used, "%s%.*s",
                       url[used - 1] == '?' ? "" : "&", (int)len, example);
    }
    if (weir_url_parse(&address, &query, url, &error) != WEIR_OK) {
        fail_msg("%s: %s", url, error.text);
    }
    /* all that a URL can name was named */
    assert_true(address.db != 0 && query.connect_timeout_ms != 0 && query.timeout_ms != 0);
    assert_true(query.attempt_delay_ms != 0 && query.keepalive_ms != 0);
    assert_true(query.protocol != 0 && query.client_name != NULL);
    assert_true(query.tls.insecure_skip_verify && query.tls.verify_name != NULL);
    assert_true(query.tls.ca_file != NULL && query.tls.ca_folder != NULL);
    assert_true(query.tls.crl_file != NULL && query.tls.cert_file != NULL);
    assert_non_null(query.tls.key_file);
}

/* ---- the URL and the options ---- */

static void options_of_the_url_are_used(void **state) {
    (void)state;
    weir_client *client = opened(NOWHERE "?timeout_ms=11&connect_timeout_ms=12&"
                                         "attempt_delay_ms=13&keepalive_ms=4000&"
                                         "protocol=2&client_name=ann&db=3",
                                 NULL);
    assert_int_equal(client->timeout_ms, 11);
    assert_int_equal(client->connect_timeout_ms, 12);
    assert_int_equal(client->socket.attempt_delay_ms, 13);
    assert_int_equal(client->socket.keepalive_ms, 4000);
    assert_int_equal(client->session.greeter.protocol, 2);
    assert_int_equal(client->session.greeter.db, 3);
    assert_string_equal(client->name, "ann");
    weir_close(client);
}

static void what_the_program_sets_counts_for_more(void **state) {
    (void)state;
    weir_options options = {.timeout_ms = 21, .client_name = "bob", .protocol = 3, .db = 4};
    weir_client *client = opened(
        NOWHERE "?timeout_ms=11&connect_timeout_ms=12&protocol=2&client_name=ann&db=3",
        &options);
    assert_int_equal(client->timeout_ms, 21);
    assert_int_equal(client->connect_timeout_ms, 12);
    assert_int_equal(client->session.greeter.protocol, 3);
    assert_int_equal(client->session.greeter.db, 4);
    assert_string_equal(client->name, "bob");
    weir_close(client);
}

static void expect_wrong(const char *url, const weir_options *options, const char *part) {
    weir_client *client;
    assert_status(weir_open(url, options, &client), WEIR_ERR_ARG);
    if (strstr(weir_client_error(client)->text, part) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", weir_client_error(client)->text, part);
    }
    weir_close(client);
}

static void wrong_options_are_refused_wherever_they_come_from(void **state) {
    (void)state;
    expect_wrong(NOWHERE "?keepalive_ms=2999", NULL, "keepalive_ms");
    expect_wrong(NOWHERE, &(weir_options){.keepalive_ms = 2999}, "keepalive_ms");
    expect_wrong(NOWHERE, &(weir_options){.keepalive_ms = -2}, "keepalive_ms");
    expect_wrong(NOWHERE, &(weir_options){.attempt_delay_ms = -1}, "milliseconds");
    expect_wrong(NOWHERE "?timeout=1", NULL, "character 23");
    expect_wrong("redis://h?tls.ca_file=/a", NULL, "rediss://");
}

/* A build without TLS says so; one with it reads the file that the URL names. */
static void files_of_tls_may_be_named_by_the_url(void **state) {
    (void)state;
    weir_client *client;
    weir_status st =
        weir_open("rediss://127.0.0.1:1?tls.ca_file=/dev/null/ca", NULL, &client);
    assert_true(st == WEIR_ERR_UNSUPPORTED || st == WEIR_ERR_ARG);
    const char *text = weir_client_error(client)->text;
    assert_non_null(strstr(text, st == WEIR_ERR_ARG ? "tls.ca_file" : "without TLS"));
    weir_close(client);
}

/* ---- what an event loop must notice ---- */

static void greet_and_end(int fd) {
    peer_read(fd, 1);
    peer_say(fd, "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n9.9.9\r\n"
                 "$5\r\nproto\r\n:3\r\n");
    peer_read(fd, 4);
    peer_say(fd, "+PONG\r\n+OK\r\n+OK\r\n$0\r\n\r\n");
}

static void turn(weir_client *client) {
    int wants = weir_client_wants(client);
    struct pollfd watched = {.fd = weir_client_fd(client)};
    watched.events = (short)(((wants & WEIR_WANT_READ) != 0 ? POLLIN : 0) |
                             ((wants & WEIR_WANT_WRITE) != 0 ? POLLOUT : 0));
    (void)poll(&watched, 1, 5);
    assert_status(weir_step(client), WEIR_OK);
}

/* The peer hangs up after each greeting. Connections get the same number again and again:
 * only the count tells them apart. */
static void each_new_descriptor_is_counted(void **state) {
    (void)state;
    struct peer peer = peer_start(greet_and_end);
    weir_options options = {.non_blocking = true,
                            .reconnect = {.is_on = true, .floor_ms = 1, .ceiling_ms = 1}};
    weir_client *client;
    assert_status(weir_open(peer.url, &options, &client), WEIR_OK);
    uint64_t changes = weir_client_fd_changes(client);
    int fd = weir_client_fd(client);
    int connections = 0;
    int same_numbers = 0;
    int last = -1;
    int64_t until_ms = weir_now_ms() + PLENTY_MS;
    while (connections < 5 && weir_now_ms() < until_ms) {
        turn(client);
        if (weir_client_fd(client) != fd) {
            assert_true(weir_client_fd_changes(client) > changes);
        }
        if (weir_client_fd_changes(client) != changes && weir_client_fd(client) >= 0) {
            connections++;
            same_numbers += weir_client_fd(client) == last;
            last = weir_client_fd(client);
        }
        changes = weir_client_fd_changes(client);
        fd = weir_client_fd(client);
    }
    assert_int_equal(connections, 5);
    assert_true(same_numbers > 0); /* else this has shown nothing */
    weir_close(client);
    peer_stop(&peer);
}

static void a_connection_that_stays_is_one_descriptor(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    weir_client *client;
    assert_status(weir_open(peer.url, &(weir_options){.non_blocking = true}, &client),
                  WEIR_OK);
    turn(client);
    uint64_t changes = weir_client_fd_changes(client);
    assert_true(changes > 0);
    for (int i = 0; i < 5; i++) {
        turn(client);
        assert_int_equal(weir_client_fd_changes(client), changes);
    }
    weir_client_cancel(client);
    assert_status(weir_step(client), WEIR_ERR_CANCELLED);
    assert_true(weir_client_fd_changes(client) > changes);
    weir_close(client);
    peer_stop(&peer);
}

static bool is_readable(int fd) {
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, 0) == 1;
}

/* As a cancel does that has set its flag before weir_client_reconnect cleared it, and comes
 * to its write after that. */
static void a_cancel_that_meets_a_reconnect_leaves_nothing_readable(void **state) {
    (void)state;
    struct peer peer = peer_start(peer_be_silent);
    weir_options options = {.non_blocking = true, .reconnect.is_on = true};
    weir_client *client;
    assert_status(weir_open(peer.url, &options, &client), WEIR_OK);
    weir_client_cancel(client);
    assert_status(weir_client_reconnect(client), WEIR_OK);
    static const uint64_t one = 1;
    assert_int_equal(write(weir_client_cancel_fd(client), &one, sizeof one), sizeof one);
    assert_true(is_readable(weir_client_cancel_fd(client)));
    assert_status(weir_step(client), WEIR_OK);
    assert_false(is_readable(weir_client_cancel_fd(client)));
    weir_client_cancel(client); /* one that counts still does */
    assert_true(is_readable(weir_client_cancel_fd(client)));
    assert_status(weir_step(client), WEIR_ERR_CANCELLED);
    weir_close(client);
    peer_stop(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_has_every_default),
        cmocka_unit_test(the_document_has_every_fixed_limit),
        cmocka_unit_test(every_time_of_the_options_is_in_the_document),
        cmocka_unit_test(all_examples_of_the_document_are_one_url),
        cmocka_unit_test(options_of_the_url_are_used),
        cmocka_unit_test(what_the_program_sets_counts_for_more),
        cmocka_unit_test(wrong_options_are_refused_wherever_they_come_from),
        cmocka_unit_test(files_of_tls_may_be_named_by_the_url),
        cmocka_unit_test(each_new_descriptor_is_counted),
        cmocka_unit_test(a_connection_that_stays_is_one_descriptor),
        cmocka_unit_test(a_cancel_that_meets_a_reconnect_leaves_nothing_readable),
    };
    return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
