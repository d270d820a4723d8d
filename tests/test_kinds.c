/* Errors of servers by kind: the table in the code, the one in docs/errors.md, and what a
 * session makes of an error answer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/kinds.h"
#include "../stream/session.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static weir_error_kind kind_of(const char *words) {
    return weir_error_row_of(weir_text(words))->kind;
}

/* ---- words ---- */

static void a_single_word_is_the_whole_word(void **state) {
    (void)state;
    assert_int_equal(kind_of("BUSY Redis is busy running a script."), WEIR_KIND_RETRY);
    assert_int_equal(kind_of("BUSY"), WEIR_KIND_RETRY);
    assert_int_equal(kind_of("BUSYGROUP Consumer Group name already exists"),
                     WEIR_KIND_GROUP_EXISTS);
    assert_int_equal(kind_of("BUSYKEY Target key name already exists."), WEIR_KIND_WRONG);
    assert_int_equal(kind_of("BUSYBODY who knows"), WEIR_KIND_OTHER);
    assert_int_equal(kind_of("BUS"), WEIR_KIND_OTHER);
    assert_int_equal(kind_of("busy"), WEIR_KIND_OTHER);
}

static void several_words_are_a_beginning(void **state) {
    (void)state;
    assert_int_equal(kind_of("ERR syntax error"), WEIR_KIND_WRONG);
    assert_int_equal(kind_of("ERR syntax error, LIMIT cannot be used without the special "
                             "~ option"),
                     WEIR_KIND_WRONG);
    assert_int_equal(kind_of("ERR unknown command 'XACKDEL', with args beginning with: "),
                     WEIR_KIND_UNKNOWN);
    assert_int_equal(kind_of("ERR The ID specified in XADD is equal or smaller than the "
                             "target stream top item"),
                     WEIR_KIND_ID_PASSED);
    assert_int_equal(kind_of("ERR The ID specified in XADD must be greater than 0-0"),
                     WEIR_KIND_WRONG);
    assert_int_equal(kind_of("ERR The ID specified in XADD"), WEIR_KIND_OTHER);
}

static void what_nobody_knows_may_have_run(void **state) {
    (void)state;
    static const char *const unknown[] = {"", " ", "ERR", "ERR something new", "NEWWORD x"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const weir_error_row *row = weir_error_row_of(weir_text(unknown[i]));
        assert_int_equal(row->kind, WEIR_KIND_OTHER);
        assert_true(row->may_have_run);
    }
    assert_int_equal(weir_error_row_of(weir_bytes(NULL, 0))->kind, WEIR_KIND_OTHER);
}

/* No row can hide behind one that stands before it. */
static void every_row_is_found_by_its_own_words(void **state) {
    (void)state;
    size_t count;
    const weir_error_row *rows = weir_error_rows(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(weir_error_row_of(weir_text(rows[i].beginning)), &rows[i]);
    }
}

/* ---- what a session makes of it ---- */

static const weir_greeter PLAIN = {.user = "", .password = "", .name = "", .protocol = 2};

static void start_session(weir_session *session, const weir_mem *mem) {
    static const weir_session_sizes sizes = {.receive_base = 64,
                                             .receive_most = 64,
                                             .send_base = 64,
                                             .send_most = 64,
                                             .ring_base = 4,
                                             .unanswered_most = 4,
                                             .slots = 1};
    assert_status(weir_session_init(session, mem, &sizes, &PLAIN, "peer"), WEIR_OK);
    session->phase = WEIR_PHASE_READY;
}

static void an_error_answer_has_its_kind(void **state) {
    (void)state;
    static const weir_mem mem = {NULL, NULL};
    weir_session session;
    start_session(&session, &mem);
    assert_status(weir_session_server_error(&session, WIRE("OOM command not allowed")),
                  WEIR_ERR_SERVER);
    assert_int_equal(session.error.kind, WEIR_KIND_RETRY);
    assert_false(session.error.may_have_run);
    assert_string_equal(session.error.code, "OOM");
    weir_session_server_error(&session, WIRE("NEWWORD x"));
    assert_int_equal(session.error.kind, WEIR_KIND_OTHER);
    assert_true(session.error.may_have_run);
    weir_session_error(&session, WEIR_ERR_ARG, "no");
    assert_int_equal(session.error.kind, WEIR_KIND_NONE);
    assert_false(session.error.may_have_run);
    weir_session_free(&session);
}

static void an_error_inside_a_script_may_follow_what_it_did(void **state) {
    (void)state;
    static const weir_mem mem = {NULL, NULL};
    weir_session session;
    start_session(&session, &mem);
    weir_session_server_error(&session,
                              WIRE("WRONGTYPE Operation against a key holding the "
                                   "wrong kind of value script: 6f1c, on "
                                   "@user_script:1."));
    assert_int_equal(session.error.kind, WEIR_KIND_WRONG_TYPE);
    assert_true(session.error.may_have_run);
    weir_session_server_error(&session, WIRE("WRONGTYPE Operation against a key"));
    assert_false(session.error.may_have_run);
    weir_session_free(&session);
}

static void a_lost_connection_leaves_requests_in_doubt(void **state) {
    (void)state;
    static const weir_mem mem = {NULL, NULL};
    weir_session session;
    start_session(&session, &mem);
    weir_session_break(&session, WEIR_ERR_CLOSED, 0, "gone");
    assert_true(session.error.may_have_run);
    weir_session_free(&session);
    start_session(&session, &mem);
    session.phase = WEIR_PHASE_HELLO;
    weir_session_break(&session, WEIR_ERR_CLOSED, 0, "gone");
    assert_false(session.error.may_have_run); /* no request was sent yet */
    weir_session_free(&session);
}

static void what_was_not_sent_has_not_run(void **state) {
    (void)state;
    static const weir_status sent_nothing[] = {WEIR_OK,          WEIR_MORE,
                                               WEIR_END,         WEIR_ERR_ARG,
                                               WEIR_ERR_FULL,    WEIR_ERR_UNSUPPORTED,
                                               WEIR_ERR_CONNECT, WEIR_ERR_REFUSED};
    static const weir_status in_doubt[] = {
        WEIR_ERR_NOMEM, WEIR_ERR_LIMIT,  WEIR_ERR_SERVER,  WEIR_ERR_REPLY,
        WEIR_ERR_IO,    WEIR_ERR_CLOSED, WEIR_ERR_TIMEOUT, WEIR_ERR_PROTOCOL};
    for (size_t i = 0; i < 8; i++) {
        assert_false(weir_status_may_have_run(sent_nothing[i]));
        assert_true(weir_status_may_have_run(in_doubt[i]));
    }
}

/* ---- docs/errors.md ---- */

static const char *name_of(weir_error_kind kind) {
    switch (kind) {
    case WEIR_KIND_NONE: return "NONE";
    case WEIR_KIND_OTHER: return "OTHER";
    case WEIR_KIND_RETRY: return "RETRY";
    case WEIR_KIND_REDIRECT: return "REDIRECT";
    case WEIR_KIND_ROLE: return "ROLE";
    case WEIR_KIND_UNBLOCKED: return "UNBLOCKED";
    case WEIR_KIND_LOGIN: return "LOGIN";
    case WEIR_KIND_FORBIDDEN: return "FORBIDDEN";
    case WEIR_KIND_UNKNOWN: return "UNKNOWN";
    case WEIR_KIND_WRONG: return "WRONG";
    case WEIR_KIND_WRONG_TYPE: return "WRONG_TYPE";
    case WEIR_KIND_NO_KEY: return "NO_KEY";
    case WEIR_KIND_NO_GROUP: return "NO_GROUP";
    case WEIR_KIND_GROUP_EXISTS: return "GROUP_EXISTS";
    case WEIR_KIND_ID_PASSED: return "ID_PASSED";
    case WEIR_KIND_ID_EXHAUSTED: return "ID_EXHAUSTED";
    case WEIR_KIND_ABORTED: return "ABORTED";
    case WEIR_KIND_NO_SCRIPT: return "NO_SCRIPT";
    case WEIR_KIND_SEQUENCE_GAP: return "SEQUENCE_GAP";
    }
    return "?";
}

static char *read_page(void) {
    FILE *file = fopen("docs/errors.md", "r");
    assert_non_null(file);
    char *page = calloc(1, 65536);
    assert_non_null(page);
    assert_true(fread(page, 1, 65535, file) > 0);
    (void)fclose(file);
    return page;
}

/* The row of the page's table that begins with "| `" and has `words` in its first column;
 * NULL if there is none. Gives where its second column begins. */
static const char *second_column_of(const char *page, const char *words) {
    char quoted[128];
    int len = snprintf(quoted, sizeof quoted, "`%s`", words);
    assert_true(len > 0 && len < (int)sizeof quoted);
    for (const char *at = strstr(page, "| the server's words |"); at != NULL;
         at = strchr(at + 1, '\n')) {
        const char *bar = at[1] == '|' ? strstr(at + 2, " | ") : NULL;
        const char *found = bar != NULL ? strstr(at, quoted) : NULL;
        if (found != NULL && found < bar) {
            return bar + 3;
        }
    }
    return NULL;
}

static void the_page_has_every_row_of_the_code(void **state) {
    (void)state;
    char *page = read_page();
    size_t count;
    const weir_error_row *rows = weir_error_rows(&count);
    for (size_t i = 0; i < count; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "`%s` | %s |", name_of(rows[i].kind),
                       rows[i].may_have_run ? "yes" : "no");
        const char *column = second_column_of(page, rows[i].beginning);
        if (column == NULL || strncmp(column, expected, strlen(expected)) != 0) {
            print_error("docs/errors.md: `%s` should be %s\n", rows[i].beginning, expected);
            fail();
        }
    }
    free(page);
}

static size_t count_of(const char *begin, const char *end, char wanted) {
    size_t count = 0;
    for (const char *at = begin; at < end; at++) {
        count += *at == wanted;
    }
    return count;
}

/* As many words stand there as the code has rows: with the test above, the same ones. */
static void the_page_has_no_row_more(void **state) {
    (void)state;
    char *page = read_page();
    size_t count;
    size_t words = 0;
    (void)weir_error_rows(&count);
    for (const char *at = strstr(page, "| the server's words |"); at != NULL;
         at = strchr(at + 1, '\n')) {
        if (strncmp(at, "\n| `", 4) == 0) {
            words += count_of(at, strstr(at + 3, " | "), '`') / 2;
        }
    }
    assert_int_equal(words, count);
    free(page);
}

static void the_page_says_what_each_kind_asks_for(void **state) {
    (void)state;
    char *page = read_page();
    for (int kind = WEIR_KIND_OTHER; kind <= WEIR_KIND_SEQUENCE_GAP; kind++) {
        char row[64];
        (void)snprintf(row, sizeof row, "\n| `WEIR_KIND_%s` | ",
                       name_of((weir_error_kind)kind));
        assert_non_null(strstr(page, row));
    }
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_word_is_the_whole_word),
        cmocka_unit_test(several_words_are_a_beginning),
        cmocka_unit_test(what_nobody_knows_may_have_run),
        cmocka_unit_test(every_row_is_found_by_its_own_words),
        cmocka_unit_test(an_error_answer_has_its_kind),
        cmocka_unit_test(an_error_inside_a_script_may_follow_what_it_did),
        cmocka_unit_test(a_lost_connection_leaves_requests_in_doubt),
        cmocka_unit_test(what_was_not_sent_has_not_run),
        cmocka_unit_test(the_page_has_every_row_of_the_code),
        cmocka_unit_test(the_page_has_no_row_more),
        cmocka_unit_test(the_page_says_what_each_kind_asks_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
