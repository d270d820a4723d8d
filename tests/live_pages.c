/* Ranges page by page, against a real server and scripted peers: every entry once and in
 * order, whatever the page, the loop, the memory or the connection.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include "../stream/client_private.h"
#include "peer.h"

#include "../resp/reader.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VALUE_BYTES 100

/* The next entry must be that one. */
static void expect_next(weir_pages *pages, uint64_t ms, uint64_t seq) {
    weir_entry entry;
    weir_status st = weir_pages_next(pages, &entry);
    assert_ok(pages->client, st);
    assert_id(entry.id, ms, seq);
    weir_id position = {0, 0};
    assert_true(weir_pages_position(pages, &position));
    assert_id(position, ms, seq);
}

static void expect_end(weir_pages *pages) {
    weir_entry entry;
    assert_status(weir_pages_next(pages, &entry), WEIR_END);
    assert_false(weir_pages_is_open(pages));
    assert_status(weir_pages_next(pages, &entry), WEIR_END);
    weir_pages_close(pages);
}

/* From first-0 to last-0, up or down, and no other. */
static void expect_run(weir_pages *pages, uint64_t first, uint64_t last) {
    for (uint64_t ms = first; ms != last; ms += first < last ? 1 : UINT64_MAX) {
        expect_next(pages, ms, 0);
    }
    expect_next(pages, last, 0);
    expect_end(pages);
}

static void open_all(weir_client *client, const weir_pages_options *options,
                     weir_pages *pages) {
    assert_ok(client,
              weir_pages_open(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, options, pages));
}

/* ---- what is given ---- */

static void every_entry_comes_once_whatever_the_page(void **state) {
    struct live *live = *state;
    const uint64_t sizes[] = {1, 2, 7, 50, 99, 100, 101, 0};
    live_fill(live->client, "s", 100, VALUE_BYTES);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        weir_pages pages;
        weir_pages_options options = {.page = sizes[i]};
        open_all(live->client, &options, &pages);
        expect_run(&pages, 1, 100);
        options.is_reverse = true;
        open_all(live->client, &options, &pages);
        expect_run(&pages, 100, 1);
    }
    assert_int_equal(weir_unanswered(live->client), 0);
}

static void pages_larger_than_the_receive_buffer_come_whole(void **state) {
    struct live *live = *state;
    weir_pages pages;
    live_fill(live->client, "s", 5000, VALUE_BYTES);
    open_all(live->client, &(weir_pages_options){.page = 3000}, &pages);
    expect_run(&pages, 1, 5000);
}

static void ends_are_included_or_not(void **state) {
    struct live *live = *state;
    weir_pages pages;
    live_fill(live->client, "s", 9, 1);
    weir_pages_options options = {.page = 3};
    weir_id low = {2, 0};
    weir_id high = {8, 0};
    for (int i = 0; i < 8; i++) {
        options.exclude_start = (i & 1) != 0;
        options.exclude_end = (i & 2) != 0;
        options.is_reverse = (i & 4) != 0;
        uint64_t first = options.exclude_start ? 3 : 2;
        uint64_t last = options.exclude_end ? 7 : 8;
        assert_ok(live->client,
                  weir_pages_open(live->client, WIRE("s"), low, high, &options, &pages));
        expect_run(&pages, options.is_reverse ? last : first,
                   options.is_reverse ? first : last);
    }
}

/* The id behind 1-18446744073709551615 is 2-0; behind the last of all there is none. */
static void pages_turn_where_ids_carry(void **state) {
    struct live *live = *state;
    weir_pages pages;
    live_add(live->client, "s", 1, UINT64_MAX - 1);
    live_add(live->client, "s", 1, UINT64_MAX);
    live_add(live->client, "s", 2, 0);
    live_add(live->client, "s", UINT64_MAX, UINT64_MAX);
    weir_pages_options options = {.page = 1};
    open_all(live->client, &options, &pages);
    expect_next(&pages, 1, UINT64_MAX - 1);
    expect_next(&pages, 1, UINT64_MAX);
    expect_next(&pages, 2, 0);
    expect_next(&pages, UINT64_MAX, UINT64_MAX);
    expect_end(&pages);
    options.is_reverse = true;
    open_all(live->client, &options, &pages);
    expect_next(&pages, UINT64_MAX, UINT64_MAX);
    expect_next(&pages, 2, 0);
    expect_next(&pages, 1, UINT64_MAX);
    expect_next(&pages, 1, UINT64_MAX - 1);
    expect_end(&pages);
}

static void no_more_come_than_were_wanted(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 20, 1);
    for (uint64_t count = 1; count <= 20; count++) {
        weir_pages pages;
        open_all(live->client, &(weir_pages_options){.page = 5, .count = count}, &pages);
        expect_run(&pages, 1, count);
    }
}

static void nothing_there_is_the_end(void **state) {
    struct live *live = *state;
    weir_pages pages;
    weir_id position = {7, 7};
    open_all(live->client, NULL, &pages);
    assert_false(weir_pages_position(&pages, &position));
    expect_end(&pages);
    live_fill(live->client, "s", 3, 1);
    assert_ok(live->client, weir_pages_open(live->client, WIRE("s"), (weir_id){5, 0},
                                            (weir_id){4, 0}, NULL, &pages));
    expect_end(&pages);
    assert_false(weir_pages_position(&pages, &position));
    assert_id(position, 7, 7);
}

static void what_is_left_is_read_on_from_its_position(void **state) {
    struct live *live = *state;
    live_fill(live->client, "s", 10, 1);
    weir_pages pages;
    weir_id position = {0, 0};
    open_all(live->client, &(weir_pages_options){.page = 3}, &pages);
    for (uint64_t ms = 1; ms <= 4; ms++) {
        expect_next(&pages, ms, 0);
    }
    weir_pages_close(&pages);
    assert_true(weir_pages_position(&pages, &position));
    weir_pages_options options = {.page = 3, .exclude_start = true};
    assert_ok(live->client, weir_pages_open(live->client, WIRE("s"), position, WEIR_ID_MAX,
                                            &options, &pages));
    expect_run(&pages, 5, 10);
    options = (weir_pages_options){.page = 3, .exclude_end = true, .is_reverse = true};
    assert_ok(live->client, weir_pages_open(live->client, WIRE("s"), WEIR_ID_MIN, position,
                                            &options, &pages));
    expect_run(&pages, 3, 1);
}

/* A page is what was there when it was asked for, at most one ahead. */
static void what_is_added_and_deleted_meanwhile(void **state) {
    struct live *live = *state;
    weir_client *other = live_other(live, NULL);
    weir_pages pages;
    live_fill(live->client, "s", 10, 1);
    open_all(live->client, &(weir_pages_options){.page = 2}, &pages);
    expect_next(&pages, 1, 0);
    weir_id gone[] = {{1, 0}, {9, 0}};
    assert_ok(other, weir_xdel(other, WIRE("s"), gone, 2, NULL));
    live_add(other, "s", 11, 0);
    for (uint64_t ms = 2; ms <= 11; ms++) {
        if (ms != 9) {
            expect_next(&pages, ms, 0);
        }
    }
    expect_end(&pages);
    open_all(live->client, &(weir_pages_options){.page = 2, .is_reverse = true}, &pages);
    expect_next(&pages, 11, 0);
    live_add(other, "s", 12, 0);
    assert_ok(other, live_say(other, "XTRIM", "s", "MINID", "=", "5"));
    expect_next(&pages, 10, 0);
    weir_entry entry;
    uint64_t least = 10;
    while (weir_pages_next(&pages, &entry) == WEIR_OK) {
        assert_true(entry.id.ms < least);
        least = entry.id.ms;
    }
    assert_in_range(least, 5, 7);
}

/* ---- loops ---- */

static void other_calls_inside_the_loop(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_pages pages;
    weir_entry entry;
    uint64_t ms = 0;
    live_fill(client, "s", 500, VALUE_BYTES);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client, weir_append_xlen(client, WIRE("s"))); /* taken behind the loop */
    open_all(client, &(weir_pages_options){.page = 50}, &pages);
    while (weir_pages_next(&pages, &entry) == WEIR_OK) {
        weir_xadd_options options = {.id = entry.id};
        assert_ok(client, weir_xadd(client, WIRE("t"), entry.fields, entry.field_count,
                                    &options, NULL));
        assert_id(entry.id, ++ms, 0);
        assert_int_equal(entry.fields[0].value.len, VALUE_BYTES);
        assert_ok(client, weir_append_xack(client, WIRE("s"), WIRE("g"), &entry.id, 1));
        if (ms % 100 == 0) {
            weir_pages inner;
            open_all(client, &(weir_pages_options){.page = 10, .count = 25}, &inner);
            expect_run(&inner, 1, 25);
        }
    }
    uint64_t count = 0;
    assert_int_equal(ms, 500);
    assert_int_equal(weir_unanswered(client), 501);
    assert_ok(client, weir_take_count(client, &count));
    assert_int_equal(count, 500);
    while (weir_unanswered(client) > 0) {
        assert_ok(client, weir_take_count(client, NULL));
    }
    assert_ok(client, weir_xlen(client, WIRE("t"), &count));
    assert_int_equal(count, 500);
}

/* A page gives way to the answer of a call, which does not fail for it. */
static void a_page_gives_way_and_is_asked_for_again(void **state) {
    struct live *live = *state;
    weir_options small = {.limits = {.receive_bytes = 4096}};
    weir_client *client = live_other(live, &small);
    live_fill(live->client, "s", 300, VALUE_BYTES);
    for (int is_reverse = 0; is_reverse < 2; is_reverse++) {
        weir_pages pages;
        weir_entry entry;
        uint64_t given = 0;
        open_all(client, &(weir_pages_options){.page = 100, .is_reverse = is_reverse == 1},
                 &pages);
        while (weir_pages_next(&pages, &entry) == WEIR_OK) {
            uint64_t count = 0;
            given++;
            assert_id(entry.id, is_reverse == 1 ? 301 - given : given, 0);
            assert_ok(client, weir_xlen(client, WIRE("s"), &count));
            assert_int_equal(count, 300);
            assert_int_equal(entry.fields[0].value.len, VALUE_BYTES);
        }
        assert_int_equal(given, 300);
    }
}

static void a_client_in_a_block_reads_any_range(void **state) {
    struct live *live = *state;
    static _Alignas(max_align_t) char block[WEIR_BLOCK_BYTES];
    weir_client *client;
    weir_pages pages;
    weir_entry entry;
    uint64_t ms = 0;
    live_fill(live->client, "s", 3000, VALUE_BYTES);
    weir_options options = {.protocol = live->protocol};
    weir_status st =
        weir_open_in(block, sizeof block, live->server->url, &options, &client);
    assert_ok(client, st);
    open_all(client, NULL, &pages);
    while ((st = weir_pages_next(&pages, &entry)) == WEIR_OK) {
        assert_id(entry.id, ++ms, 0);
        if (ms % 500 == 0) {
            assert_ok(client, weir_xlen(client, WIRE("s"), NULL));
        }
    }
    assert_status(st, WEIR_END);
    assert_int_equal(ms, 3000);
    weir_close(client);
}

static void an_entry_too_large_is_passed_over(void **state) {
    struct live *live = *state;
    static char large[20000];
    weir_field field = {weir_text("n"), weir_bytes(large, sizeof large)};
    weir_options small = {.limits = {.receive_bytes = 4096}};
    weir_client *client = live_other(live, &small);
    live_fill(live->client, "s", 3, 1);
    assert_ok(live->client, weir_xadd(live->client, WIRE("s"), &field, 1,
                                      &(weir_xadd_options){.id = {4, 0}}, NULL));
    live_add(live->client, "s", 5, 0);
    for (uint64_t page = 1; page <= 6; page++) {
        weir_pages pages;
        weir_entry entry;
        weir_id position = {0, 0};
        open_all(client, &(weir_pages_options){.page = page}, &pages);
        expect_next(&pages, 1, 0);
        expect_next(&pages, 2, 0);
        expect_next(&pages, 3, 0);
        assert_status(weir_pages_next(&pages, &entry), WEIR_ERR_LIMIT);
        assert_non_null(strstr(weir_client_error(client)->text, "4-0"));
        assert_true(weir_pages_is_open(&pages));
        assert_true(weir_pages_position(&pages, &position));
        assert_id(position, 4, 0);
        expect_next(&pages, 5, 0);
        expect_end(&pages);
    }
}

static void leaving_early_leaves_nothing_behind(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_pages pages;
    uint64_t count = 0;
    live_fill(client, "s", 1000, VALUE_BYTES);
    for (uint64_t left = 0; left <= 30; left++) {
        open_all(client, &(weir_pages_options){.page = 10}, &pages);
        for (uint64_t ms = 1; ms <= left; ms++) {
            expect_next(&pages, ms, 0);
        }
        if (left % 2 == 0) { /* else the variable is simply used again */
            weir_pages_close(&pages);
            weir_pages_close(&pages);
        }
        assert_ok(client, weir_xlen(client, WIRE("s"), &count));
        assert_int_equal(count, 1000);
        assert_int_equal(weir_unanswered(client), 0);
    }
    open_all(client, NULL, &pages);
    expect_run(&pages, 1, 1000);
}

/* A few blocks, until the buffer has its size. */
static void memory_does_not_grow_with_the_range(void **state) {
    struct live *live = *state;
    struct support_mem counts = {.allowed = SIZE_MAX};
    weir_client *client = live_other(live, &(weir_options){.mem = support_mem(&counts)});
    weir_pages pages;
    live_fill(live->client, "s", 20000, VALUE_BYTES);
    open_all(client, NULL, &pages);
    expect_run(&pages, 1, 20000);
    assert_true(counts.calls < 20);
    assert_true(counts.peak < 1024 * 1024);
    weir_close(client);
    live->other_count--;
    assert_int_equal(counts.live, 0);
}

/* ---- refusals ---- */

static void wrong_arguments_are_named(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_pages pages;
    weir_pages_options options = {.page = (uint64_t)INT64_MAX + 1};
    assert_status(weir_pages_open(client, WIRE(""), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &pages),
                  WEIR_ERR_ARG);
    assert_non_null(strstr(weir_client_error(client)->text, "key"));
    assert_false(weir_pages_is_open(&pages));
    assert_status(
        weir_pages_open(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &options, &pages),
        WEIR_ERR_ARG);
    assert_non_null(strstr(weir_client_error(client)->text, "page is"));
    options = (weir_pages_options){.count = UINT64_MAX};
    assert_status(
        weir_pages_open(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, &options, &pages),
        WEIR_ERR_ARG);
    assert_non_null(strstr(weir_client_error(client)->text, "count is"));
    options = (weir_pages_options){.exclude_start = true};
    assert_status(
        weir_pages_open(client, WIRE("s"), WEIR_ID_MAX, WEIR_ID_MAX, &options, &pages),
        WEIR_ERR_ARG);
    options = (weir_pages_options){.exclude_end = true};
    assert_status(
        weir_pages_open(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MIN, &options, &pages),
        WEIR_ERR_ARG);
    weir_entry entry;
    assert_status(weir_pages_next(&pages, &entry), WEIR_END);
}

static void a_servers_error_ends_it(void **state) {
    struct live *live = *state;
    weir_client *other = live_other(live, NULL);
    weir_pages pages;
    weir_entry entry;
    assert_ok(live->client, live_say(live->client, "SET", "text", "x"));
    assert_ok(live->client, weir_pages_open(live->client, WIRE("text"), WEIR_ID_MIN,
                                            WEIR_ID_MAX, NULL, &pages));
    assert_code(live->client, weir_pages_next(&pages, &entry), "WRONGTYPE");
    expect_end(&pages);
    live_fill(live->client, "s", 10, 1);
    open_all(live->client, &(weir_pages_options){.page = 2}, &pages);
    expect_next(&pages, 1, 0);
    assert_ok(other, live_say(other, "SET", "s", "x"));
    weir_status st = WEIR_OK;
    while (st == WEIR_OK) {
        st = weir_pages_next(&pages, &entry);
    }
    assert_code(live->client, st, "WRONGTYPE");
    expect_end(&pages);
    assert_ok(live->client, weir_xlen(live->client, WIRE("none"), NULL));
}

static void as_many_as_iterators_can_be_open(void **state) {
    struct live *live = *state;
    static weir_pages many[17];
    weir_entry entry;
    live_fill(live->client, "s", 40, 1);
    for (int i = 0; i < 17; i++) {
        open_all(live->client, &(weir_pages_options){.page = 2}, &many[i]);
        assert_status(weir_pages_next(&many[i], &entry), i < 16 ? WEIR_OK : WEIR_ERR_FULL);
    }
    weir_pages_close(&many[3]);
    for (int i = 0; i < 17; i++) {
        if (i != 3) {
            expect_run(&many[i], i < 16 ? 2 : 1, 40);
        }
    }
}

/* ---- event loops ---- */

static weir_status turn(weir_client *client) {
    int wants = weir_client_wants(client);
    struct pollfd watched = {.fd = weir_client_fd(client)};
    watched.events |= wants & WEIR_WANT_READ ? POLLIN : 0;
    watched.events |= wants & WEIR_WANT_WRITE ? POLLOUT : 0;
    (void)poll(&watched, 1, 100);
    return weir_step(client);
}

static void an_event_loop_never_waits_in_a_page(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, &(weir_options){.non_blocking = true});
    weir_pages pages;
    weir_entry entry;
    uint64_t ms = 0;
    live_fill(live->client, "s", 3000, VALUE_BYTES);
    open_all(client, &(weir_pages_options){.page = 70}, &pages);
    weir_status st = weir_pages_next(&pages, &entry);
    while (st == WEIR_OK || st == WEIR_MORE) {
        if (st == WEIR_OK) {
            assert_id(entry.id, ++ms, 0);
        } else {
            assert_ok(client, turn(client));
        }
        st = weir_pages_next(&pages, &entry);
    }
    assert_status(st, WEIR_END);
    assert_int_equal(ms, 3000);
}

/* ---- scripted peers ---- */

#define PAGED 5 /* entries 1-0 to 5-0, two a page */

/* Of answers to XRANGE, before the connection is closed. */
static size_t bytes_until_cut;

struct request {
    weir_view args[8];
    size_t count;
    char bytes[512];
};

/* The next command of the connection, byte by byte. False: it has ended. */
static bool read_request(int fd, struct request *request) {
    weir_reader reader;
    weir_token token;
    size_t len = 0;
    weir_reader_init(&reader, NULL);
    request->count = 0;
    do {
        size_t at = len;
        weir_status st = WEIR_MORE;
        while (st == WEIR_MORE) {
            size_t used;
            if (len == sizeof request->bytes || read(fd, request->bytes + len, 1) != 1) {
                return false;
            }
            len++;
            st = weir_reader_next(&reader, weir_bytes(request->bytes + at, len - at), &used,
                                  &token);
            at += used;
        }
        if (token.type == WEIR_TOKEN_BULK && request->count < 8) {
            request->args[request->count++] = token.bytes;
        }
    } while (weir_reader_depth(&reader) > 0);
    return request->count > 0;
}

static bool is_named(const struct request *request, const char *name) {
    return weir_view_equal(request->args[0], weir_text(name));
}

/* The page that was asked for, up to the cut: then false. */
static bool say_page(int fd, const struct request *request, size_t *left) {
    weir_id start = {0, 0};
    char text[256];
    (void)weir_id_parse(request->args[2], &start); /* "-" stays 0-0 */
    unsigned long long first = start.ms + (start.seq > 0 ? 1 : 0);
    first = first == 0 ? 1 : first;
    unsigned long long last = first + 1 < PAGED ? first + 1 : PAGED;
    int len = snprintf(text, sizeof text, "*%llu\r\n", last + 1 - first);
    for (; first <= last; first++) {
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "*2\r\n$3\r\n%llu-0\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n", first);
    }
    size_t count = (size_t)len < *left ? (size_t)len : *left;
    peer_say_bytes(fd, text, count);
    *left -= count;
    return count == (size_t)len;
}

/* A server that knows one stream, and the handshake. The connection behind one that was cut
 * stays; the next client is cut a byte later. */
static void serve_pages(int fd) {
    static bool was_cut;
    struct request request;
    size_t left = was_cut ? SIZE_MAX : bytes_until_cut;
    int on = 1; /* else small answers wait for each other */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (read_request(fd, &request)) {
        if (is_named(&request, "XRANGE")) {
            if (!say_page(fd, &request, &left)) {
                was_cut = true;
                return;
            }
        } else if (is_named(&request, "HELLO")) {
            peer_say(fd, "%2\r\n+server\r\n+redis\r\n+version\r\n+9.9.9\r\n");
        } else {
            peer_say(fd, "+OK\r\n");
        }
    }
    was_cut = false;
    bytes_until_cut++;
}

static weir_client *meet(const struct peer *peer, bool is_lasting) {
    weir_client *client;
    weir_options options = {.timeout_ms = 10000,
                            .reconnect = {.is_on = is_lasting, .floor_ms = 1}};
    weir_status st = weir_open(peer->url, &options, &client);
    assert_ok(client, st);
    return client;
}

static void a_lost_connection_loses_no_entry_wherever_it_is_cut(void **state) {
    (void)state;
    const size_t answers = 3 * 4 + PAGED * 31; /* bytes of them all */
    bytes_until_cut = 0;
    struct peer peer = peer_start(serve_pages);
    for (size_t cut = 0; cut <= answers; cut++) {
        weir_client *client = meet(&peer, true);
        weir_pages pages;
        open_all(client, &(weir_pages_options){.page = 2}, &pages);
        expect_run(&pages, 1, PAGED);
        weir_close(client);
    }
    peer_stop(&peer);
}

/* Without reconnecting the loss is told, and where to go on. */
static void a_loss_is_told_and_where_to_go_on(void **state) {
    (void)state;
    bytes_until_cut = 4 + 2 * 31 + 4 + 31 + 5; /* in 4-0 */
    struct peer peer = peer_start(serve_pages);
    weir_client *client = meet(&peer, false);
    weir_pages pages;
    weir_entry entry;
    weir_id position = {0, 0};
    open_all(client, &(weir_pages_options){.page = 2}, &pages);
    weir_status st = WEIR_OK;
    while (st == WEIR_OK) {
        st = weir_pages_next(&pages, &entry);
    }
    assert_true(weir_status_is_fatal(st));
    assert_false(weir_pages_is_open(&pages));
    assert_true(weir_pages_position(&pages, &position));
    weir_close(client);
    client = meet(&peer, false);
    weir_pages_options options = {.page = 2, .exclude_start = true};
    assert_ok(client,
              weir_pages_open(client, WIRE("s"), position, WEIR_ID_MAX, &options, &pages));
    expect_run(&pages, position.ms + 1, PAGED);
    weir_close(client);
    peer_stop(&peer);
}

/* Says a part of the page's head, and the rest with the next command; then ids. */
static void say_half_a_head(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd, "*1");
    peer_read(fd, 1);
    peer_say(fd, "\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n+PONG\r\n");
    peer_be_silent(fd);
}

static weir_client *open_in_a_loop(const struct peer *peer) {
    weir_client *client;
    assert_ok(NULL, weir_open(peer->url, &(weir_options){.non_blocking = true}, &client));
    while (!weir_client_is_ready(client)) {
        assert_ok(client, weir_step(client));
    }
    return client;
}

static void closing_in_a_half_read_head_leaves_nothing_open(void **state) {
    (void)state;
    struct peer peer = peer_start(say_half_a_head);
    weir_client *client = open_in_a_loop(&peer);
    const weir_view ping[] = {WIRE("PING")};
    weir_pages pages;
    weir_entry entry;
    open_all(client, NULL, &pages);
    while (weir_buffer_len(&client->session.in) == 0) {
        assert_status(weir_pages_next(&pages, &entry), WEIR_MORE);
        assert_ok(client, weir_step(client));
    }
    assert_status(weir_pages_next(&pages, &entry), WEIR_MORE);
    assert_non_null(client->session.streaming);
    weir_pages_close(&pages);
    assert_null(client->session.streaming);
    for (size_t i = 0; i < WEIR_MAX_SLOTS; i++) {
        const weir_slot *slot = client->session.slots[i];
        assert_true(slot == NULL || slot->serial == 0);
    }
    assert_ok(client, weir_append_command(client, ping, 1));
    weir_reply reply;
    weir_status st;
    while ((st = weir_take_reply(client, &reply)) == WEIR_MORE) {
        assert_ok(client, weir_step(client));
    }
    assert_ok(client, st);
    weir_reply_close(&reply);
    weir_close(client);
    peer_stop(&peer);
}

/* Closes each connection at the first XRANGE. */
static void never_answer(int fd) {
    struct request request;
    while (read_request(fd, &request) && !is_named(&request, "XRANGE")) {
        peer_say(fd, is_named(&request, "HELLO")
                         ? "%2\r\n+server\r\n+redis\r\n+version\r\n+9.9.9\r\n"
                         : "+OK\r\n");
    }
}

static void a_call_does_not_ask_again_for_ever(void **state) {
    (void)state;
    struct peer peer = peer_start(never_answer);
    weir_options options = {.timeout_ms = 200,
                            .reconnect = {.is_on = true, .floor_ms = 1, .ceiling_ms = 10}};
    weir_client *client;
    weir_pages pages;
    weir_entry entry;
    weir_status opened = weir_open(peer.url, &options, &client);
    assert_ok(client, opened);
    open_all(client, NULL, &pages);
    for (int i = 0; i < 2; i++) {
        int64_t began_ms = live_now_ms();
        weir_status st = weir_pages_next(&pages, &entry);
        assert_true(st == WEIR_ERR_LOST || st == WEIR_ERR_DOWN);
        assert_in_range(live_now_ms() - began_ms, 190, 2000);
        assert_true(weir_pages_is_open(&pages));
    }
    weir_pages_close(&pages);
    weir_close(client);
    peer_stop(&peer);
}

/* The second page comes although nobody asks for an entry of it yet. */
static void the_next_page_is_asked_for_while_this_one_is_handed_over(void **state) {
    (void)state;
    bytes_until_cut = SIZE_MAX;
    struct peer peer = peer_start(serve_pages);
    weir_client *client = meet(&peer, false);
    weir_pages pages;
    open_all(client, &(weir_pages_options){.page = 2}, &pages);
    expect_next(&pages, 1, 0);
    struct pollfd watched = {.fd = weir_client_fd(client), .events = POLLIN};
    assert_int_equal(support_poll(watched.fd, watched.events, 5000), 1);
    expect_next(&pages, 2, 0);
    expect_next(&pages, 3, 0);
    expect_next(&pages, 4, 0);
    expect_next(&pages, 5, 0);
    expect_end(&pages);
    weir_close(client);
    peer_stop(&peer);
}

/* What a peer may say to an XRANGE from 1-0 to 9-0 with COUNT 2, and must not. */
static const char *wrong_page;

static void answer_wrongly(int fd) {
    peer_greet(fd);
    peer_read(fd, 1);
    peer_say(fd, wrong_page);
    peer_be_silent(fd);
}

#define ENTRY(id) "*2\r\n$3\r\n" id "\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n"

static void a_page_that_was_not_asked_for_is_refused(void **state) {
    (void)state;
    const char *const wrong[] = {
        "*2\r\n" ENTRY("2-0") ENTRY("2-0"),              /* twice the same */
        "*2\r\n" ENTRY("2-0") ENTRY("1-0"),              /* backwards */
        "*2\r\n" ENTRY("0-9") ENTRY("1-0"),              /* before the start */
        "*2\r\n" ENTRY("9-0") ENTRY("9-1"),              /* behind the end */
        "*3\r\n" ENTRY("2-0") ENTRY("3-0") ENTRY("4-0"), /* too many */
        ":2\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        wrong_page = wrong[i];
        struct peer peer = peer_start(answer_wrongly);
        weir_client *client = meet(&peer, false);
        weir_pages pages;
        weir_entry entry;
        weir_status st = WEIR_OK;
        assert_ok(client,
                  weir_pages_open(client, WIRE("s"), (weir_id){1, 0}, (weir_id){9, 0},
                                  &(weir_pages_options){.page = 2}, &pages));
        for (int given = 0; st == WEIR_OK && given < 3; given++) {
            st = weir_pages_next(&pages, &entry);
        }
        assert_status(st, WEIR_ERR_REPLY);
        expect_end(&pages);
        weir_close(client);
        peer_stop(&peer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(every_entry_comes_once_whatever_the_page),
        LIVE_ON_BOTH(pages_larger_than_the_receive_buffer_come_whole),
        LIVE_ON_BOTH(ends_are_included_or_not),
        LIVE_ON_BOTH(pages_turn_where_ids_carry),
        LIVE_ON_BOTH(no_more_come_than_were_wanted),
        LIVE_ON_BOTH(nothing_there_is_the_end),
        LIVE_ON_BOTH(what_is_left_is_read_on_from_its_position),
        LIVE_ON_BOTH(what_is_added_and_deleted_meanwhile),
        LIVE_ON_BOTH(other_calls_inside_the_loop),
        LIVE_ON_BOTH(a_page_gives_way_and_is_asked_for_again),
        LIVE_ON_BOTH(a_client_in_a_block_reads_any_range),
        LIVE_ON_BOTH(an_entry_too_large_is_passed_over),
        LIVE_ON_BOTH(leaving_early_leaves_nothing_behind),
        LIVE_ON_BOTH(memory_does_not_grow_with_the_range),
        LIVE_ON_BOTH(wrong_arguments_are_named),
        LIVE_ON_BOTH(a_servers_error_ends_it),
        LIVE_ON_BOTH(as_many_as_iterators_can_be_open),
        LIVE_ON_BOTH(an_event_loop_never_waits_in_a_page),
        cmocka_unit_test(a_lost_connection_loses_no_entry_wherever_it_is_cut),
        cmocka_unit_test(a_loss_is_told_and_where_to_go_on),
        cmocka_unit_test(closing_in_a_half_read_head_leaves_nothing_open),
        cmocka_unit_test(a_call_does_not_ask_again_for_ever),
        cmocka_unit_test(the_next_page_is_asked_for_while_this_one_is_handed_over),
        cmocka_unit_test(a_page_that_was_not_asked_for_is_refused),
    };
    return live_run("pages", tests);
}
