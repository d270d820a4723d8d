/* XDELEX, XACKDEL and XNACK against a real server, and the servers that XACKDEL could
 * crash. SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/client_private.h"
#include "live.h"
#include "peer.h"

#include <stdio.h>
#include <unistd.h>

static const weir_id ids[] = {{1, 0}, {2, 0}, {77, 0}, {3, 0}};

/* Stream "s" with 1-0 to 3-0; group "g" has been given all of them, group "h" none. */
static void make_groups(weir_client *client) {
    weir_source all = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_source fresh = weir_source_new(WIRE("s"));
    weir_entries page;
    live_fill(client, "s", 3, 1);
    assert_ok(client, weir_xgroup_create(client, all, WIRE("g"), NULL, NULL));
    assert_ok(client, weir_xgroup_create(client, all, WIRE("h"), NULL, NULL));
    assert_ok(client,
              weir_xreadgroup(client, WIRE("g"), WIRE("c"), &fresh, 1, NULL, &page));
    weir_entries_close(&page);
}

#define assert_results(results, ...)                                                       \
    check_results((results), (const int[]){__VA_ARGS__},                                   \
                  sizeof(int[]){__VA_ARGS__} / sizeof(int), __LINE__)
static void check_results(const weir_deletion *results, const int *expected, size_t count,
                          int line) {
    for (size_t i = 0; i < count; i++) {
        if ((int)results[i] != expected[i]) {
            print_error("line %d: result %zu is %d, expected %d\n", line, i,
                        (int)results[i], expected[i]);
            fail();
        }
    }
}

/* ---- XDELEX ---- */

static void xdelex_tells_of_each_id_what_became_of_it(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_deletion results[4];
    memset(results, 0, sizeof results);
    make_groups(client);
    weir_status st = weir_xdelex(client, WIRE("s"), WEIR_REFS_DEFAULT, ids, 3, results);
    if (!live_has("8.2", "9.2")) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        assert_results(results, 0, 0, 0);
        return;
    }
    assert_ok(client, st);
    assert_results(results, WEIR_DELETION_DONE, WEIR_DELETION_DONE,
                   WEIR_DELETION_NOT_FOUND);
    assert_ok(client,
              weir_xdelex(client, WIRE("missing"), WEIR_REFS_KEEP, ids, 2, results));
    assert_results(results, WEIR_DELETION_NOT_FOUND, WEIR_DELETION_NOT_FOUND);
    assert_ok(client, weir_xdelex(client, WIRE("s"), WEIR_REFS_DELETE, ids, 4, NULL));
    uint64_t left = 9;
    assert_ok(client, weir_xlen(client, WIRE("s"), &left));
    assert_int_equal(left, 0);
}

/* With ACKED an id that the slowest group has not reached is kept, even if it is no entry.
 */
static void xdelex_keeps_what_a_group_has_not_acknowledged(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_deletion results[4];
    memset(results, 0, sizeof results);
    if (!live_has("8.2", "9.2")) {
        return; /* the test above has seen it refuse */
    }
    make_groups(client);
    assert_ok(client, weir_xdelex(client, WIRE("s"), WEIR_REFS_ACKED, ids, 4, results));
    assert_results(results, WEIR_DELETION_KEPT, WEIR_DELETION_KEPT, WEIR_DELETION_KEPT,
                   WEIR_DELETION_KEPT);
    assert_ok(client, weir_xgroup_destroy(client, WIRE("s"), WIRE("h"), NULL));
    assert_ok(client, weir_xack(client, WIRE("s"), WIRE("g"), ids, 1, NULL));
    assert_ok(client, weir_xdelex(client, WIRE("s"), WEIR_REFS_ACKED, ids, 4, results));
    assert_results(results, WEIR_DELETION_DONE, WEIR_DELETION_KEPT, WEIR_DELETION_KEPT,
                   WEIR_DELETION_KEPT);
}

/* ---- XACKDEL ---- */

static void xackdel_acknowledges_and_deletes(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_deletion results[4];
    memset(results, 0, sizeof results);
    uint64_t left = 9;
    make_groups(client);
    weir_status st =
        weir_xackdel(client, WIRE("s"), WIRE("g"), WEIR_REFS_DEFAULT, ids, 1, results);
    if (!live_has("8.2", "9.2")) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        return;
    }
    assert_ok(client, st);
    assert_results(results, WEIR_DELETION_DONE);
    assert_ok(client,
              weir_xackdel(client, WIRE("s"), WIRE("g"), WEIR_REFS_ACKED, ids, 4, results));
    assert_results(results, WEIR_DELETION_NOT_FOUND, WEIR_DELETION_KEPT,
                   WEIR_DELETION_NOT_FOUND, WEIR_DELETION_KEPT);
    assert_ok(client, weir_xlen(client, WIRE("s"), &left));
    assert_int_equal(left, 2); /* for group "h" */
    assert_ok(client, weir_xackdel(client, WIRE("s"), WIRE("none"), WEIR_REFS_DELETE, ids,
                                   2, results));
    assert_results(results, WEIR_DELETION_NOT_FOUND, WEIR_DELETION_NOT_FOUND);
}

/* "Not found" is said of what is not pending, be it in the stream or not; what is pending
 * and was deleted counts as done. */
static void xackdel_goes_by_what_is_pending(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_deletion results[4];
    memset(results, 0, sizeof results);
    if (!live_has("8.2", "9.2")) {
        return; /* the test above has seen it refuse */
    }
    make_groups(client);
    assert_ok(client, weir_xack(client, WIRE("s"), WIRE("g"), ids, 1, NULL));
    assert_ok(client, weir_xdel(client, WIRE("s"), ids + 1, 1, NULL));
    assert_ok(client,
              weir_xackdel(client, WIRE("s"), WIRE("g"), WEIR_REFS_KEEP, ids, 2, results));
    assert_results(results, WEIR_DELETION_NOT_FOUND, WEIR_DELETION_DONE);
}

static void deletions_can_be_asked_for_in_a_pipeline(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    weir_deletion results[4];
    memset(results, 0, sizeof results);
    make_groups(client);
    if (!live_has("8.2", "9.2")) {
        assert_status(
            weir_append_xackdel(client, WIRE("s"), WIRE("g"), WEIR_REFS_KEEP, ids, 2),
            WEIR_ERR_UNSUPPORTED);
        assert_status(weir_append_xdelex(client, WIRE("s"), WEIR_REFS_KEEP, ids, 4),
                      WEIR_ERR_UNSUPPORTED);
        return;
    }
    assert_ok(client,
              weir_append_xackdel(client, WIRE("s"), WIRE("g"), WEIR_REFS_KEEP, ids, 2));
    assert_ok(client, weir_append_xdelex(client, WIRE("s"), WEIR_REFS_KEEP, ids, 4));
    assert_ok(client, weir_append_xdelex(client, WIRE("s"), WEIR_REFS_KEEP, ids, 4));
    assert_status(weir_take_count(client, NULL), WEIR_ERR_ARG);
    assert_status(weir_take_deletions(client, results, 2), WEIR_OK);
    /* as many as were asked for, or none at all */
    results[0] = WEIR_DELETION_KEPT;
    assert_status(weir_take_deletions(client, results, 3), WEIR_ERR_REPLY);
    assert_results(results, WEIR_DELETION_KEPT);
    assert_status(weir_take_any(client), WEIR_OK);
    assert_ok(client, live_say(client, "PING"));
}

/* ---- Redis 8.2.0 to 8.2.2 ---- */

/* A server of version 8.2.1 that answers two XACKDELs, of 8 ids and of 2. */
static void be_8_2_1(int fd) {
    peer_read(fd, 1);
    peer_say(fd,
             "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.2.1\r\n"
             "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
             "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
    peer_read(fd, 2); /* CLIENT SETINFO, twice */
    peer_say(fd, "+OK\r\n+OK\r\n");
    char bytes[4096];
    static const char first[] = "*14\r\n$7\r\nXACKDEL\r\n$1\r\ns\r\n$1\r\ng\r\n"
                                "$7\r\nKEEPREF\r\n$3\r\nIDS\r\n$1\r\n8\r\n";
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < (ssize_t)sizeof first || memcmp(bytes, first, sizeof first - 1) != 0) {
        _exit(1);
    }
    peer_say(fd, "*8\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:-1\r\n");
    peer_read(fd, 1);
    peer_say(fd, "*2\r\n:2\r\n:1\r\n");
    peer_be_silent(fd);
}

static void servers_that_more_than_8_ids_could_crash_get_8_at_a_time(void **state) {
    (void)state;
    struct peer peer = peer_start(be_8_2_1);
    weir_client *client;
    weir_id ten[10];
    weir_deletion results[10];
    memset(results, 0, sizeof results);
    for (uint64_t i = 0; i < 10; i++) {
        ten[i] = (weir_id){i + 1, 0};
    }
    weir_status st = weir_open(peer.url, NULL, &client);
    assert_ok(client, st);
    assert_status(weir_append_xackdel(client, WIRE("s"), WIRE("g"), WEIR_REFS_KEEP, ten, 9),
                  WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(weir_client_error(client)->text, "CVE-2025-62507"));
    assert_ok(client,
              weir_xackdel(client, WIRE("s"), WIRE("g"), WEIR_REFS_KEEP, ten, 10, results));
    assert_results(results, 1, 1, 1, 1, 1, 1, 1, -1, 2, 1);
    weir_close(client);
    peer_stop(&peer);
}

/* ---- XNACK ---- */

static void xnack_gives_entries_back(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    uint64_t count = 9;
    make_groups(client);
    weir_status st =
        weir_xnack(client, WIRE("s"), WIRE("g"), WEIR_NACK_FAIL, ids, 4, NULL, &count);
    if (!live_has("8.8", NULL)) {
        assert_status(st, WEIR_ERR_UNSUPPORTED);
        assert_int_equal(count, 9);
        return;
    }
    assert_ok(client, st);
    assert_int_equal(count, 3);
}

/* No server here has it: the bytes are those of its documentation. */
static void xnack_is_sent_as_it_is_documented(void **state) {
    struct live *live = *state;
    weir_client *client = live->client;
    static const char expected[] =
        "*10\r\n$5\r\nXNACK\r\n$1\r\ns\r\n$1\r\ng\r\n$5\r\nFATAL\r\n$3\r\nIDS\r\n"
        "$1\r\n1\r\n$3\r\n1-0\r\n$10\r\nRETRYCOUNT\r\n$1\r\n0\r\n$5\r\nFORCE\r\n";
    weir_xnack_options options = {.has_retry_count = true, .force = true};
    weir_view part = {NULL, 0};
    assert_ok(client, weir_flush(client));
    weir_session *session = &client->session;
    session->facts.has |= UINT32_C(1) << WEIR_FEATURE_XNACK; /* so that it is sent at all */
    assert_ok(client, weir_append_xnack(client, WIRE("s"), WIRE("g"), WEIR_NACK_FATAL, ids,
                                        1, &options));
    assert_int_equal(weir_session_output(&client->session, &part, 1), 1);
    assert_int_equal(part.len, sizeof expected - 1);
    assert_memory_equal(part.data, expected, part.len);
    weir_status st = weir_take_count(client, NULL);
    assert_status(st, live_has("8.8", NULL) ? WEIR_OK : WEIR_ERR_SERVER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(xdelex_tells_of_each_id_what_became_of_it),
        LIVE_ON_BOTH(xdelex_keeps_what_a_group_has_not_acknowledged),
        LIVE_ON_BOTH(xackdel_acknowledges_and_deletes),
        LIVE_ON_BOTH(xackdel_goes_by_what_is_pending),
        LIVE_ON_BOTH(deletions_can_be_asked_for_in_a_pipeline),
        cmocka_unit_test(servers_that_more_than_8_ids_could_crash_get_8_at_a_time),
        LIVE_ON_BOTH(xnack_gives_entries_back),
        LIVE_ON_BOTH(xnack_is_sent_as_it_is_documented),
    };
    return live_run("deleting and giving back", tests);
}
