/* TLS byte by byte: a transport below it that stutters, stops, and remembers what was sent.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tls_server.h"

#include "../net/tls_link.h"

#include <poll.h>
#include <stdlib.h>

#define PLENTY_MS  10000
#define SENT_BYTES (256 * 1024)

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

/* ---- the transport below ---- */

struct tap {
    weir_socket socket;
    weir_transport socket_table;
    weir_address address;
    size_t piece;       /* bytes moved at once; 0: all */
    bool does_stutter;  /* every other call moves nothing */
    bool does_not_send; /* none does */
    bool does_not_receive;
    unsigned receives;
    unsigned sends;
    size_t sent_len;
    unsigned char sent[SENT_BYTES];
};

static weir_status tap_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                               weir_error *error) {
    struct tap *tap = context;
    return tap->socket_table.connect(&tap->socket, now_ms, deadline_ms, error);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static weir_status tap_receive(void *context, char *data, size_t room, size_t *moved,
                               weir_error *error) {
    struct tap *tap = context;
    if (tap->does_not_receive || (tap->does_stutter && tap->receives++ % 2 == 0)) {
        return WEIR_MORE;
    }
    size_t most = tap->piece != 0 ? smaller(tap->piece, room) : room;
    return tap->socket_table.receive(&tap->socket, data, most, moved, error);
}

static weir_status tap_send(void *context, const weir_view *parts, size_t count,
                            size_t *moved, weir_error *error) {
    struct tap *tap = context;
    assert_int_equal(count, 1);
    if (tap->does_not_send || (tap->does_stutter && tap->sends++ % 2 == 0)) {
        return WEIR_MORE;
    }
    size_t most = tap->piece != 0 ? smaller(tap->piece, parts->len) : parts->len;
    weir_view part = weir_bytes(parts->data, most);
    weir_status st = tap->socket_table.send(&tap->socket, &part, 1, moved, error);
    if (st == WEIR_OK && tap->sent_len + *moved <= SENT_BYTES) {
        memcpy(tap->sent + tap->sent_len, parts->data, *moved);
        tap->sent_len += *moved;
    }
    return st;
}

static int tap_fd(const void *context) {
    const struct tap *tap = context;
    return weir_socket_fd(&tap->socket);
}

static int tap_wants(const void *context, int directions) {
    const struct tap *tap = context;
    return tap->socket_table.wants(&tap->socket, directions);
}

static void tap_close(void *context) {
    struct tap *tap = context;
    tap->socket_table.close(&tap->socket);
}

static weir_transport tap_to(struct tap *tap, const char *url) {
    weir_error error;
    memset(tap, 0, sizeof *tap);
    assert_status(weir_address_parse(&tap->address, url, &error), WEIR_OK);
    weir_socket_init(&tap->socket, &tap->address);
    tap->socket_table = weir_socket_transport(&tap->socket);
    return (weir_transport){
        .context = tap,
        .connect = tap_connect,
        .receive = tap_receive,
        .send = tap_send,
        .fd = tap_fd,
        .wants = tap_wants,
        .close = tap_close,
    };
}

static bool was_sent(const struct tap *tap, const char *text) {
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= tap->sent_len; at++) {
        if (memcmp(tap->sent + at, text, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Types of the records that were sent from `at` on: RFC 8446, 5.1. */
static const char *records_from(const struct tap *tap, size_t at) {
    static char types[64];
    size_t count = 0;
    while (at + 5 <= tap->sent_len && count + 1 < sizeof types) {
        unsigned char type = tap->sent[at];
        types[count++] = (char)(type == 20   ? 'c'
                                : type == 21 ? 'a'
                                : type == 22 ? 'h'
                                : type == 23 ? 'd'
                                             : '?');
        at += 5 + (size_t)tap->sent[at + 3] * 256 + tap->sent[at + 4];
    }
    types[count] = '\0';
    return types;
}

/* ---- a link on it ---- */

static struct tap the_tap;
static weir_tls_link the_link;
static weir_transport the_table;

static void begin(const char *url, const weir_tls *options) {
    weir_error error;
    weir_transport below = tap_to(&the_tap, url);
    weir_tls given = options != NULL ? *options : (weir_tls){0};
    given.ca_file = tls_file("ca.pem");
    if (weir_tls_begin(&the_link, &given, &the_tap.address, &below, &error) != WEIR_OK) {
        fail_msg("%s", error.text);
    }
    the_table = weir_tls_transport(&the_link);
}

static void wait_for(int directions) {
    int os_error = 0;
    assert_status(weir_wait(the_table.fd(&the_link), the_table.wants(&the_link, directions),
                            weir_now_ms() + PLENTY_MS, &os_error),
                  WEIR_OK);
}

static void connect_it(void) {
    weir_error error = {.status = WEIR_OK};
    int64_t deadline_ms = weir_now_ms() + PLENTY_MS;
    weir_status st;
    while ((st = the_table.connect(&the_link, weir_now_ms(), deadline_ms, &error)) ==
           WEIR_MORE) {
        wait_for(0);
    }
    if (st != WEIR_OK) {
        fail_msg("%s", error.text);
    }
}

static void send_text(const char *text) {
    weir_error error = {.status = WEIR_OK};
    weir_view part = weir_text(text);
    while (part.len > 0) {
        size_t moved = 0;
        weir_status st = the_table.send(&the_link, &part, 1, &moved, &error);
        if (st == WEIR_MORE) {
            wait_for(WEIR_WANT_WRITE);
        } else {
            assert_status(st, WEIR_OK);
            part = weir_bytes(part.data + moved, part.len - moved);
        }
    }
}

static void expect_text(const char *text) {
    weir_error error = {.status = WEIR_OK};
    char bytes[256];
    size_t len = 0;
    while (len < strlen(text)) {
        size_t moved = 0;
        weir_status st =
            the_table.receive(&the_link, bytes + len, strlen(text) - len, &moved, &error);
        if (st == WEIR_MORE) {
            wait_for(WEIR_WANT_READ);
        } else if (st != WEIR_OK) {
            fail_msg("%d: %s", st, error.text);
        }
        len += moved;
    }
    assert_memory_equal(bytes, text, len);
}

static void ping(void) {
    send_text("PING\r\n");
    expect_text("+PONG\r\n");
}

static void end(void) {
    the_table.close(&the_link);
    weir_tls_end(&the_link);
}

/* ---- crossings ---- */

static void work_through(const weir_transport *table) {
    weir_tls tls = {.ca_file = tls_file("ca.pem")};
    weir_options options = {.tls = &tls, .transport = table, .connect_timeout_ms = 60000};
    weir_client *client;
    weir_status st = weir_open("rediss://localhost:1", &options, &client);
    assert_ok(client, st);
    the_tap.piece = 500; /* the handshake's pieces have been seen */
    assert_ok(client, live_say(client, "FLUSHALL"));
    live_fill(client, "s", 40, 3000);
    weir_entries page;
    weir_entry entry;
    size_t count = 0;
    st = weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page);
    while (st == WEIR_OK && (st = weir_entries_next(&page, &entry)) == WEIR_OK) {
        count++;
    }
    assert_status(st, WEIR_END);
    assert_int_equal(count, 40);
    weir_close(client);
}

static void a_transport_below_that_stutters_changes_nothing(void **state) {
    (void)state;
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    static const size_t pieces[] = {1, 3, 0};
    for (size_t i = 0; i < 6; i++) {
        tls_server_set(&the_tls, "tls-protocols", protocols[i % 2]);
        weir_transport table = tap_to(&the_tap, the_tls.ip_url);
        the_tap.piece = pieces[i / 2];
        the_tap.does_stutter = true;
        work_through(&table);
    }
    tls_server_set(&the_tls, "tls-protocols", "");
}

static void connecting_says_what_it_waits_for(void **state) {
    (void)state;
    begin(the_tls.ip_url, NULL);
    weir_error error = {.status = WEIR_OK};
    int64_t deadline_ms = weir_now_ms() + PLENTY_MS;
    the_tap.does_not_send = true;
    while (the_link.ssl == NULL) {
        assert_status(the_table.connect(&the_link, weir_now_ms(), deadline_ms, &error),
                      WEIR_MORE);
        assert_int_equal(the_table.wants(&the_link, 0), WEIR_WANT_WRITE);
        wait_for(0);
    }
    the_tap.does_not_send = false;
    the_tap.does_not_receive = true;
    assert_status(the_table.connect(&the_link, weir_now_ms(), deadline_ms, &error),
                  WEIR_MORE);
    assert_int_equal(the_table.wants(&the_link, 0), WEIR_WANT_READ);
    the_tap.does_not_receive = false;
    connect_it();
    assert_int_equal(the_table.wants(&the_link, WEIR_WANT_READ), WEIR_WANT_READ);
    assert_int_equal(the_table.wants(&the_link, WEIR_WANT_WRITE), WEIR_WANT_WRITE);
    ping();
    end();
}

/* The peer asks for new keys while nothing can be sent: what it says is read all the same,
 * and our new keys go out before what we say next. */
static void keys_can_be_changed_at_any_time(void **state) {
    (void)state;
    struct s_server server = s_server_start(NULL);
    begin(server.url, NULL);
    connect_it();
    s_server_say(&server, "before\n");
    expect_text("before\n");
    the_tap.does_not_send = true;
    s_server_say(&server, "K\n");
    s_server_say(&server, "after\n");
    expect_text("after\n");
    the_tap.does_not_send = false;
    size_t at = the_tap.sent_len;
    send_text("heard\n");
    assert_string_equal(records_from(&the_tap, at), "dd");
    s_server_say(&server, "again\n");
    expect_text("again\n");
    end();
    s_server_stop(&server);
}

static void a_renegotiation_is_refused(void **state) {
    (void)state;
    static const char *const tls_1_2[] = {"-tls1_2", NULL};
    struct s_server server = s_server_start(tls_1_2);
    begin(server.url, NULL);
    connect_it();
    s_server_say(&server, "before\n");
    expect_text("before\n");
    size_t at = the_tap.sent_len;
    s_server_say(&server, "R\n");
    weir_error error = {.status = WEIR_OK};
    char bytes[16];
    size_t moved = 0;
    weir_status st = WEIR_MORE;
    int64_t until_ms = weir_now_ms() + PLENTY_MS;
    while (st == WEIR_MORE && the_tap.sent_len == at && weir_now_ms() < until_ms) {
        st = the_table.receive(&the_link, bytes, sizeof bytes, &moved, &error);
        (void)poll(NULL, 0, 1);
    }
    assert_true(st != WEIR_OK);
    assert_string_equal(records_from(&the_tap, at), "a"); /* an alert, no handshake */
    end();
    s_server_stop(&server);
}

/* ---- sessions ---- */

static void a_second_connection_goes_on_with_the_session_of_the_first(void **state) {
    (void)state;
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    for (size_t i = 0; i < 2; i++) {
        tls_server_set(&the_tls, "tls-protocols", protocols[i]);
        begin(the_tls.url, NULL);
        for (int connection = 0; connection < 4; connection++) {
            connect_it();
            weir_tls_state agreed = weir_tls_state_of(&the_link);
            assert_string_equal(agreed.version, protocols[i]);
            assert_int_equal(agreed.was_resumed, connection > 0);
            ping();
            the_table.close(&the_link);
            assert_string_equal(weir_tls_state_of(&the_link).version, "");
        }
        end();
        begin(the_tls.url, NULL); /* another client knows nothing of it */
        connect_it();
        assert_false(weir_tls_state_of(&the_link).was_resumed);
        end();
    }
    tls_server_set(&the_tls, "tls-protocols", "");
}

/* A connection that was lost, not closed, leaves its session good. */
static void a_lost_connection_is_resumed_too(void **state) {
    (void)state;
    begin(the_tls.url, NULL);
    connect_it();
    ping();
    weir_client *killer;
    weir_status st = weir_open(the_tls.server.url, NULL, &killer);
    assert_ok(killer, st);
    assert_ok(killer,
              live_say(killer, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
    weir_close(killer);
    weir_error error = {.status = WEIR_OK};
    char byte;
    size_t moved = 0;
    while ((st = the_table.receive(&the_link, &byte, 1, &moved, &error)) == WEIR_MORE) {
        wait_for(WEIR_WANT_READ);
    }
    assert_true(st == WEIR_ERR_CLOSED || st == WEIR_ERR_IO);
    the_table.close(&the_link);
    connect_it();
    assert_true(weir_tls_state_of(&the_link).was_resumed);
    ping();
    end();
}

/* ---- what is sent ---- */

static void a_name_is_asked_for_and_an_address_is_not(void **state) {
    (void)state;
    begin(the_tls.url, NULL);
    connect_it();
    assert_true(was_sent(&the_tap, "localhost"));
    end();
    begin(the_tls.ip_url, NULL);
    connect_it();
    assert_false(was_sent(&the_tap, "127.0.0.1"));
    end();
    begin(the_tls.ip_url, &(weir_tls){.verify_name = "redis.example", .alpn = "some/1"});
    connect_it();
    assert_true(was_sent(&the_tap, "redis.example"));
    assert_true(was_sent(&the_tap, "\x06some/1"));
    end();
}

static void closing_says_goodbye_once(void **state) {
    (void)state;
    tls_server_set(&the_tls, "tls-protocols", "TLSv1.2");
    begin(the_tls.url, NULL);
    connect_it();
    ping();
    size_t at = the_tap.sent_len;
    the_table.close(&the_link);
    assert_string_equal(records_from(&the_tap, at), "a");
    the_table.close(&the_link);
    assert_string_equal(records_from(&the_tap, at), "a");
    weir_tls_end(&the_link);
    tls_server_set(&the_tls, "tls-protocols", "");
}

static void a_large_message_goes_out_in_whole_records(void **state) {
    (void)state;
    begin(the_tls.url, NULL);
    connect_it();
    ping();
    size_t at = the_tap.sent_len;
    static char text[40 * 1024];
    memset(text, 'x', sizeof text);
    memcpy(text, "ECHO ", 5);
    memcpy(text + sizeof text - 3, "\r\n", 3);
    send_text(text);
    assert_string_equal(records_from(&the_tap, at), "ddd");
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transport_below_that_stutters_changes_nothing),
        cmocka_unit_test(connecting_says_what_it_waits_for),
        cmocka_unit_test(keys_can_be_changed_at_any_time),
        cmocka_unit_test(a_renegotiation_is_refused),
        cmocka_unit_test(a_second_connection_goes_on_with_the_session_of_the_first),
        cmocka_unit_test(a_lost_connection_is_resumed_too),
        cmocka_unit_test(a_name_is_asked_for_and_an_address_is_not),
        cmocka_unit_test(closing_says_goodbye_once),
        cmocka_unit_test(a_large_message_goes_out_in_whole_records),
    };
    return tls_server_is_here()
               ? cmocka_run_group_tests_name("TLS on the wire", tests, start, stop)
               : SERVER_MISSING;
}
