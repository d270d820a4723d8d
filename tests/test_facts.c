/* Who has which feature: versions, what servers say of themselves, and the inquiry on a
 * session, at every cut of its answers.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/session.h"
#include "support.h"

/* ---- versions ---- */

static void versions_are_ordered(void **state) {
    (void)state;
    static const char *const rising[] = {
        "0.0.1", "5.0",    "6.2",  "6.2.0.1", "7.0.15", "7.2.4",    "8.2",
        "8.2.1", "8.9.99", "8.10", "8.10.2",  "10.0.0", "255.255.1"};
    for (size_t i = 1; i < sizeof rising / sizeof rising[0]; i++) {
        assert_true(weir_version_number(rising[i - 1]) <= weir_version_number(rising[i]));
    }
    assert_int_equal(weir_version_number("8.2"), weir_version_number("8.2.0"));
    assert_int_equal(weir_version_number("8.4-RC1"), weir_version_number("8.4"));
    assert_true(weir_version_number("8.10") > weir_version_number("8.9"));
    assert_true(weir_version_number("99999999999.1") > weir_version_number("998"));
}

static void what_is_no_version_is_zero(void **state) {
    (void)state;
    assert_int_equal(weir_version_number(""), 0);
    assert_int_equal(weir_version_number("unstable"), 0);
    assert_int_equal(weir_version_number("v8.2"), 0);
}

static bool has(const char *name, const char *version, weir_feature feature) {
    uint32_t has_bits = 0;
    uint32_t lacks = 0;
    assert_true(weir_judge_version(name, version, &has_bits, &lacks));
    assert_int_equal(has_bits & lacks, 0);
    assert_int_equal(has_bits | lacks, (UINT32_C(1) << WEIR_FEATURE_COUNT) - 1);
    return (has_bits >> feature & 1) != 0;
}

static void features_follow_name_and_version(void **state) {
    (void)state;
    assert_false(has("redis", "6.0.16", WEIR_FEATURE_XAUTOCLAIM));
    assert_true(has("redis", "6.2.0", WEIR_FEATURE_XAUTOCLAIM));
    assert_false(has("redis", "6.2.14", WEIR_FEATURE_ENTRIESREAD));
    assert_true(has("redis", "7.0.15", WEIR_FEATURE_ENTRIESREAD));
    assert_false(has("redis", "7.2.4", WEIR_FEATURE_XREAD_LAST));
    assert_true(has("redis", "7.4.0", WEIR_FEATURE_XREAD_LAST));
    assert_true(has("valkey", "8.1.1", WEIR_FEATURE_XREAD_LAST));
    assert_false(has("redis", "8.0.2", WEIR_FEATURE_XACKDEL));
    assert_true(has("redis", "8.2.0", WEIR_FEATURE_XACKDEL));
    assert_false(has("valkey", "9.1.2", WEIR_FEATURE_XACKDEL));
    assert_true(has("valkey", "9.2.0", WEIR_FEATURE_XACKDEL));
    assert_false(has("valkey", "9.2.0", WEIR_FEATURE_TRIM_REFERENCES));
    assert_true(has("redis", "8.4.0", WEIR_FEATURE_CLAIM));
    assert_false(has("redis", "8.4.0", WEIR_FEATURE_IDMP));
    assert_true(has("redis", "8.6.3", WEIR_FEATURE_IDMP));
    assert_false(has("redis", "8.9.1", WEIR_FEATURE_MAXCOUNT));
    assert_true(has("redis", "8.10.0", WEIR_FEATURE_MAXCOUNT));
    assert_false(has("valkey", "99.0.0", WEIR_FEATURE_MAXCOUNT));
}

static void another_server_is_not_judged_by_its_version(void **state) {
    (void)state;
    uint32_t has_bits = 1;
    uint32_t lacks = 2;
    assert_false(weir_judge_version("dragonfly", "8.6.0", &has_bits, &lacks));
    assert_false(weir_judge_version("", "8.6.0", &has_bits, &lacks));
    assert_false(weir_judge_version("redis", "", &has_bits, &lacks));
    assert_int_equal(has_bits, 1);
    assert_int_equal(lacks, 2);
}

static void every_feature_has_its_row(void **state) {
    (void)state;
    for (int feature = 0; feature < WEIR_FEATURE_COUNT; feature++) {
        const weir_feature_row *row = weir_feature_row_of((weir_feature)feature);
        assert_non_null(row->name);
        assert_true(weir_version_number(row->redis) > 0);
        assert_int_equal(row->is_old,
                         weir_version_number(row->redis) < weir_version_number("7.2"));
    }
}

/* ---- INFO ---- */

static void expect_info(const char *info, const char *name, const char *version) {
    char name_text[16] = "before";
    char version_text[32] = "before";
    weir_read_info(weir_text(info), name_text, sizeof name_text, version_text,
                   sizeof version_text);
    assert_string_equal(name_text, name);
    assert_string_equal(version_text, version);
}

static void info_tells_name_and_version(void **state) {
    (void)state;
    expect_info("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n", "redis",
                "7.0.15");
    expect_info("txt:# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\n"
                "valkey_version:9.1.2\r\nserver_mode:standalone\r\n",
                "valkey", "9.1.2");
    expect_info("valkey_version:9.1.2\nserver_name:valkey\nredis_version:7.2.4", "valkey",
                "9.1.2");
    expect_info("# Server\r\nuptime:1\r\n", "before", "before");
    expect_info("", "before", "before");
    expect_info("redis_version:\r\n", "redis", "");
    expect_info("server_name:a name that is too long\r\nredis_version:1\x01\r\n",
                "a?name?that?is?", "1?");
}

/* ---- COMMAND INFO ---- */

static void command_info_tells_commands(void **state) {
    (void)state;
    weir_view args[WEIR_INQUIRY_ARGS];
    uint32_t has_bits = 0;
    uint32_t lacks = 0;
    assert_int_equal(weir_inquiry_args(args), 7);
    assert_view(args[0], "COMMAND");
    assert_view(args[2], "XAUTOCLAIM");
    assert_view(args[3], "XDELEX");
    assert_view(args[4], "XACKDEL");
    assert_view(args[5], "XCFGSET");
    assert_view(args[6], "XNACK");
    weir_judge_commands(WIRE("*5\r\n*2\r\n$10\r\nxautoclaim\r\n:-6\r\n*-1\r\n"
                             "*2\r\n$7\r\nxackdel\r\n*1\r\n_\r\n*2\r\n+a\r\n:1\r\n_\r\n"),
                        &has_bits, &lacks);
    assert_int_equal(has_bits, 1U << WEIR_FEATURE_XAUTOCLAIM | 1U << WEIR_FEATURE_XACKDEL |
                                   1U << WEIR_FEATURE_XCFGSET | 1U << WEIR_FEATURE_IDMP);
    assert_int_equal(lacks, 1U << WEIR_FEATURE_XDELEX | 1U << WEIR_FEATURE_XNACK);
    weir_judge_commands(WIRE("-NOPERM no\r\n"), &has_bits, &lacks);
    assert_int_equal(has_bits | lacks, 0);
}

/* ---- the inquiry ---- */

struct rig {
    weir_mem mem;
    weir_session session;
};

static void start_rig(struct rig *rig) {
    static const weir_greeter plain = {
        .user = "", .password = "", .name = "", .protocol = 2};
    static const weir_session_sizes sizes = {.receive_base = 64,
                                             .receive_most = 1024,
                                             .send_base = 256,
                                             .send_most = 256,
                                             .ring_base = 4,
                                             .unanswered_most = 64,
                                             .slots = 1};
    memset(rig, 0, sizeof *rig);
    assert_status(weir_session_init(&rig->session, &rig->mem, &sizes, &plain, "peer"),
                  WEIR_OK);
    rig->session.phase = WEIR_PHASE_READY;
}

static void receive(weir_session *session, weir_view bytes) {
    while (bytes.len > 0) {
        char *at;
        size_t room;
        assert_status(weir_session_room(session, &at, &room), WEIR_OK);
        size_t count = bytes.len < room ? bytes.len : room;
        memcpy(at, bytes.data, count);
        bytes = weir_bytes(bytes.data + count, bytes.len - count);
        assert_status(weir_session_received(session, count, 0), WEIR_OK);
    }
}

#define INFO_86     "$29\r\n# Server\r\nredis_version:8.6.3\r\n"
#define NO_COMMANDS "*5\r\n*-1\r\n*-1\r\n*-1\r\n*-1\r\n*-1\r\n"

/* A request is in hand before, and keeps its answer. */
static void inquire_with_cut(weir_view wire, size_t cut, uint32_t has_bits) {
    struct rig rig;
    char *at;
    start_rig(&rig);
    assert_status(weir_session_reserve(&rig.session, 1, 1, &at), WEIR_OK);
    *at = 'x';
    uint64_t before = weir_session_commit(&rig.session, 1, WEIR_ANSWER_COUNT, 0, 0);
    assert_status(weir_session_inquire(&rig.session), WEIR_OK);
    assert_int_equal(rig.session.untaken, 1);
    receive(&rig.session, weir_bytes(wire.data, cut));
    weir_status st = weir_session_take_facts(&rig.session);
    assert_status(st, cut < wire.len ? WEIR_MORE : WEIR_OK);
    receive(&rig.session, weir_bytes(wire.data + cut, wire.len - cut));
    assert_status(weir_session_take_facts(&rig.session), WEIR_OK);
    assert_int_equal(rig.session.facts.inquiry, WEIR_INQUIRY_OVER);
    assert_int_equal(rig.session.facts.has, has_bits);
    weir_token token;
    assert_status(weir_session_take_token(&rig.session, before, &token), WEIR_OK);
    assert_int_equal(token.number, 7);
    weir_session_free(&rig.session);
}

static void inquire_at_every_cut(weir_view wire, uint32_t has_bits) {
    for (size_t cut = 0; cut <= wire.len; cut++) {
        inquire_with_cut(wire, cut, has_bits);
    }
}

static void an_inquiry_leaves_the_pipeline_in_order(void **state) {
    (void)state;
    uint32_t all_but_two = ((1U << WEIR_FEATURE_COUNT) - 1) &
                           ~(1U << WEIR_FEATURE_XNACK | 1U << WEIR_FEATURE_MAXCOUNT);
    inquire_at_every_cut(WIRE(":7\r\n" INFO_86 NO_COMMANDS), all_but_two);
}

static void a_server_that_forbids_info_is_known_by_its_commands(void **state) {
    (void)state;
    inquire_at_every_cut(WIRE(":7\r\n-NOPERM no\r\n*5\r\n*-1\r\n*-1\r\n*1\r\n+xackdel\r\n"
                              "*-1\r\n*-1\r\n"),
                         1U << WEIR_FEATURE_XACKDEL);
}

static void a_server_that_forbids_both_is_not_known(void **state) {
    (void)state;
    inquire_at_every_cut(WIRE(":7\r\n-NOPERM no\r\n-NOPERM no\r\n"), 0);
}

static void a_name_that_hello_told_stays(void **state) {
    (void)state;
    struct rig rig;
    start_rig(&rig);
    (void)strcpy(rig.session.server, "other");
    (void)strcpy(rig.session.version, "1.0");
    assert_status(weir_session_inquire(&rig.session), WEIR_OK);
    receive(&rig.session, WIRE(INFO_86 NO_COMMANDS));
    assert_status(weir_session_take_facts(&rig.session), WEIR_OK);
    assert_string_equal(rig.session.server, "other");
    assert_string_equal(rig.session.version, "1.0");
    assert_int_equal(rig.session.facts.has, 0);
    weir_session_free(&rig.session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_ordered),
        cmocka_unit_test(what_is_no_version_is_zero),
        cmocka_unit_test(features_follow_name_and_version),
        cmocka_unit_test(another_server_is_not_judged_by_its_version),
        cmocka_unit_test(every_feature_has_its_row),
        cmocka_unit_test(info_tells_name_and_version),
        cmocka_unit_test(command_info_tells_commands),
        cmocka_unit_test(an_inquiry_leaves_the_pipeline_in_order),
        cmocka_unit_test(a_server_that_forbids_info_is_known_by_its_commands),
        cmocka_unit_test(a_server_that_forbids_both_is_not_known),
        cmocka_unit_test(a_name_that_hello_told_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
