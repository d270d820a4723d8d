/* Everything that can go wrong on a connection, at every byte: a client before a peer that
 * is played. No sockets, and a clock that does as it is told.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "stage.h"

#include <stdio.h>

/* ---- what the server must have ---- */

static void get_stuck(void) {
    the_peer.is_stuck = true;
    the_peer.hang_up_ms = the_peer.now_ms + 100;
}

/* The connection is lost while a command waits for room: it goes to the next server only if
 * that has what it needs. */
static void a_command_is_checked_again_for_the_next_server(void **state) {
    (void)state;
    static const struct {
        const char *next;
        weir_status expected;
    } servers[] = {{"7.0.15", WEIR_ERR_UNSUPPORTED}, {"8.8.0", WEIR_OK}};
    for (size_t i = 0; i < 2; i++) {
        stage play = {.version = "8.6.0",
                      .later_version = servers[i].next,
                      .options = {.reconnect.is_on = true, .limits.send_bytes = 4096}};
        static char bytes[3800];
        weir_field large = {WIRE("f"), weir_bytes(bytes, sizeof bytes)};
        weir_xadd_options once = {.producer = WIRE("p"), .iid = WIRE("1")};
        memset(bytes, 'x', sizeof bytes);
        stage_open(&play);
        assert_status(play.opened, WEIR_OK);
        get_stuck();
        assert_status(stage_append(&play, 2), WEIR_OK);
        assert_status(stage_append(&play, 4), WEIR_OK);
        memset(bytes, 'y', sizeof bytes);
        weir_field half = {WIRE("f"), weir_bytes(bytes, 1000)};
        assert_status(weir_append_xadd(play.client, WIRE("k1"), &half, 1, NULL), WEIR_OK);
        assert_status(weir_append_xadd(play.client, WIRE("k5"), &large, 1, &once),
                      servers[i].expected);
        assert_int_equal(the_peer.connections, 2);
        assert_false(weir_client_error(play.client)->may_have_run);
        stage_take(&play, 2);
        stage_take(&play, 4);
        stage_take(&play, 1);
        if (servers[i].expected == WEIR_OK) {
            stage_take(&play, 5);
            assert_int_equal(play.ends[5], STAGE_ANSWERED);
        }
        stage_check(&play);
        assert_int_equal(play.ends[1], STAGE_NEVER_RUN);
        stage_close(&play);
    }
}

/* Whether the server is known or not, and whatever it has. */
static void what_waits_is_refused_in_an_event_loop(void **state) {
    (void)state;
    for (int is_known = 0; is_known < 2; is_known++) {
        stage play = {.options.non_blocking = true, .lacks_hello = is_known == 0};
        const weir_view key = WIRE("k1");
        const weir_view group = WIRE("g");
        const weir_id ids[9] = {{1, 1}};
        weir_deletion results[9];
        weir_entries page;
        weir_source last = {.key = key, .from = WEIR_FROM_LAST};
        weir_source fresh = weir_source_new(key);
        weir_field field = weir_pair("f", "v");
        stage_open(&play);
        for (int turn = 0; turn < 3; turn++) {
            weir_client *client = play.client;
            const weir_status given[] = {
                weir_xdelex(client, key, WEIR_REFS_DEFAULT, ids, 9, results),
                weir_xackdel(client, key, group, WEIR_REFS_DEFAULT, ids, 9, results),
                weir_xnack(client, key, group, WEIR_NACK_FAIL, ids, 1, NULL, NULL),
                weir_xcfgset(client, key, &(weir_xcfgset_options){.idmp_maxsize = 1}),
                weir_xread(client, &last, 1, NULL, &page),
                weir_xreadgroup(client, group, group, &fresh, 1,
                                &(weir_read_options){.claim = true}, &page),
                weir_xadd(client, key, &field, 1,
                          &(weir_xadd_options){.producer = key, .idmp_auto = true}, NULL)};
            for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
                assert_status(given[i], WEIR_ERR_ARG);
            }
            assert_non_null(strstr(weir_client_error(client)->text, "non_blocking"));
            stage_turn(&play); /* from the handshake's beginning to its end */
        }
        assert_true(weir_client_is_ready(play.client));
        stage_close(&play);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_checked_again_for_the_next_server),
        cmocka_unit_test(what_waits_is_refused_in_an_event_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
