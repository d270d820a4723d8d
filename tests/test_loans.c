/* Large arguments that go out from where the caller has them: what is sent is the same to
 * the byte, whatever the socket takes at a time. SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/command.h"
#include "../stream/args.h"
#include "../stream/session.h"
#include "support.h"

#include <stdlib.h>

static weir_status start(weir_session *session, const weir_mem *mem) {
    static const weir_greeter plain = {
        .user = "", .password = "", .name = "", .protocol = 2};
    weir_session_sizes sizes = {.receive_base = 64,
                                .receive_most = 64,
                                .send_base = 64,
                                .send_most = 65536,
                                .ring_base = 4,
                                .unanswered_most = 64,
                                .slots = 1};
    weir_status st = weir_session_init(session, mem, &sizes, &plain, "peer");
    session->phase = WEIR_PHASE_READY;
    return st;
}

/* Queues a command as the client does. */
static void queue(weir_session *session, const weir_args *args, size_t least) {
    size_t size;
    char *at;
    assert_status(weir_args_size(args, &size), WEIR_OK);
    size_t own = size - weir_args_lent(args, least);
    assert_status(weir_session_reserve(session, own, size, &at), WEIR_OK);
    weir_loans loans = {.least = least};
    weir_args_write(args, at, &loans);
    assert_int_equal(loans.bytes, size - own);
    if (loans.count > 0) {
        weir_session_lend(session, &loans);
    }
    weir_session_commit(session, own, WEIR_ANSWER_REPLY, 0, 0);
}

/* Takes what is queued, `step` bytes at a time, out of at most `most` parts. */
static size_t drain(weir_session *session, char *out, size_t step, size_t most) {
    size_t len = 0;
    while (weir_session_queued(session) > 0) {
        weir_view parts[4];
        size_t count = weir_session_output(session, parts, most);
        assert_in_range(count, 1, most);
        size_t moved = 0;
        for (size_t i = 0; i < count && moved < step; i++) {
            size_t take = parts[i].len < step - moved ? parts[i].len : step - moved;
            assert_true(parts[i].len > 0);
            memcpy(out + len + moved, parts[i].data, take);
            moved += take;
        }
        weir_session_sent(session, moved);
        len += moved;
    }
    assert_int_equal(session->loans.count, 0);
    return len;
}

static void expect_same_bytes(const weir_view *list, size_t count, size_t least) {
    static char expected[4096];
    static char sent[4096];
    size_t size;
    assert_status(weir_command_size(list, count, &size), WEIR_OK);
    assert_true(2 * size <= sizeof expected);
    weir_command_write(expected, list, count);
    weir_command_write(expected + size, list, count);
    for (size_t step = 1; step <= 2 * size; step += step < 64 ? 1 : 37) {
        for (size_t most = 1; most <= 4; most++) {
            struct support_mem counts = {.allowed = SIZE_MAX};
            weir_mem mem = support_mem(&counts);
            weir_session session;
            weir_args args;
            assert_status(start(&session, &mem), WEIR_OK);
            weir_args_begin_list(&args, list, count);
            queue(&session, &args, SIZE_MAX); /* bytes of its own before the loans */
            queue(&session, &args, least);
            assert_int_equal(drain(&session, sent, step, most), 2 * size);
            assert_memory_equal(sent, expected, 2 * size);
            weir_session_free(&session);
            assert_int_equal(counts.live, 0);
        }
    }
}

#define LARGE "0123456789012345678901234567890123456789"

static void lent_bytes_go_out_in_their_place(void **state) {
    (void)state;
    weir_view list[] = {WIRE("XADD"), WIRE("key"), WIRE("*"),          WIRE("f"),
                        WIRE(LARGE),  WIRE("g"),   WIRE(LARGE "\r\n"), WIRE("last")};
    expect_same_bytes(list, 8, 40);
    expect_same_bytes(list, 7, 40); /* a loan at the very end but for its line end */
    expect_same_bytes(list + 4, 1, 40);
    expect_same_bytes(list + 4, 3, 1);
}

static void only_so_many_arguments_are_lent(void **state) {
    (void)state;
    weir_view list[12];
    for (size_t i = 0; i < 12; i++) {
        list[i] = WIRE(LARGE);
    }
    expect_same_bytes(list, 12, 40);
    weir_args args;
    weir_args_begin_list(&args, list, 12);
    assert_int_equal(weir_args_lent(&args, 40), 40 * WEIR_LOANS_MOST);
    assert_int_equal(weir_args_lent(&args, 41), 0);
}

static void fields_are_lent_too(void **state) {
    (void)state;
    weir_field fields[] = {weir_pair("f", LARGE), weir_pair(LARGE, "v")};
    weir_args args;
    weir_args_begin(&args, "XADD");
    args.fields = fields;
    args.field_count = 2;
    assert_int_equal(weir_args_lent(&args, 40), 80);
    char own[256];
    weir_loans loans = {.least = 40};
    weir_args_write(&args, own, &loans);
    assert_int_equal(loans.count, 2);
    assert_ptr_equal(loans.list[0].rest.data, fields[0].value.data);
    assert_ptr_equal(loans.list[1].rest.data, fields[1].name.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lent_bytes_go_out_in_their_place),
        cmocka_unit_test(only_so_many_arguments_are_lent),
        cmocka_unit_test(fields_are_lent_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
