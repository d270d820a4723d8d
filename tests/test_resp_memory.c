/* Memory and time are linear in bytes received: what a length claims costs nothing, nesting
 * takes no stack, and cutting a reply into single bytes makes it no slower than its length.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/session.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#    define IS_SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define IS_SANITIZED 1
#    endif
#endif
#ifndef IS_SANITIZED
#    define IS_SANITIZED 0
#endif

#define MIB ((size_t)1 << 20)

/* ---- a session past its handshake, with the client's sizes ---- */

static const weir_session_sizes CLIENT_SIZES = {.receive_base = 64 << 10,
                                                .receive_most = 64 * MIB,
                                                .send_base = 4096,
                                                .send_most = 64 * MIB,
                                                .ring_base = 64,
                                                .unanswered_most = 65536,
                                                .slots = WEIR_MAX_SLOTS};

static weir_status receive(weir_session *session, weir_view bytes) {
    weir_status st = WEIR_OK;
    while (bytes.len > 0 && st == WEIR_OK) {
        char *at;
        size_t room;
        st = weir_session_room(session, &at, &room);
        size_t count = bytes.len < room ? bytes.len : room;
        if (st == WEIR_OK) {
            memcpy(at, bytes.data, count);
            bytes = weir_bytes(bytes.data + count, bytes.len - count);
            st = weir_session_received(session, count, 0);
        }
    }
    return st;
}

static bool start_session(weir_session *session) {
    static const weir_greeter plain = {
        .user = "", .password = "", .name = "", .protocol = 2};
    weir_mem mem = {NULL, NULL};
    return weir_session_init(session, &mem, &CLIENT_SIZES, &plain, "peer") == WEIR_OK &&
           weir_session_greet(session) == WEIR_MORE &&
           receive(session, WIRE("+PONG\r\n-ERR unknown\r\n+OK\r\n")) == WEIR_OK &&
           weir_session_greet(session) == WEIR_OK;
}

/* A request of one byte, taken as sent. 0: failed. */
static uint64_t ask(weir_session *session, weir_answer answer) {
    char *at;
    if (weir_session_reserve(session, 1, 1, &at) != WEIR_OK) {
        return 0;
    }
    *at = 'x';
    uint64_t ticket = weir_session_commit(session, 1, answer, 0, 0);
    weir_session_sent(session, weir_session_queued(session));
    return ticket;
}

/* ---- little memory ---- */

#define ADDRESS_SPACE (64 * MIB)

static const char *const claims[] = {
    "*2147483647\r\n", "$536870912\r\n",       "*4294967295\r\n",       "~4294967295\r\n",
    "%2147483647\r\n", "|2147483647\r\n",      "!536870912\r\n",        "=536870912\r\n",
    ">4294967295\r\n", "$?\r\n;536870912\r\n", "*1\r\n*4294967295\r\n",
};

/* The claim, then some of what it claims. */
static bool reader_takes(const char *claim) {
    weir_reader reader;
    weir_reader_init(&reader, NULL);
    weir_view rest = weir_text(claim);
    weir_status st = WEIR_OK;
    while (st == WEIR_OK) {
        weir_token token;
        size_t used;
        st = weir_reader_next(&reader, rest, &used, &token);
        rest = weir_bytes(rest.data + used, rest.len - used);
    }
    return st == WEIR_MORE;
}

/* The answer is wanted whole: the session holds it, as far as it has come. */
static bool session_takes(const char *claim) {
    weir_session session;
    if (claim[0] == '>' || !start_session(&session)) {
        return claim[0] == '>'; /* no answer: the session passes it over */
    }
    uint64_t ticket = ask(&session, WEIR_ANSWER_REPLY);
    weir_view whole;
    bool is_taken = ticket != 0 && receive(&session, weir_text(claim)) == WEIR_OK &&
                    weir_session_take_whole(&session, ticket, &whole) == WEIR_MORE;
    weir_session_free(&session);
    return is_taken;
}

/* In a child of its own: 0, or which claim it could not stand. */
static int take_claims(void) {
    struct rlimit little = {ADDRESS_SPACE, ADDRESS_SPACE};
    if (setrlimit(RLIMIT_AS, &little) != 0) {
        return 100;
    }
    void *volatile much = malloc(ADDRESS_SPACE); /* or it would be optimised away */
    bool is_limited = much == NULL;
    free(much);
    if (!is_limited) {
        return 101;
    }
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        if (!reader_takes(claims[i]) || !session_takes(claims[i])) {
            return (int)i + 1;
        }
    }
    return 0;
}

/* The child's exit code; fails the test if it did not exit. */
static int wait_for(pid_t child) {
    int status;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_claimed_length_takes_no_memory(void **state) {
    (void)state;
    if (IS_SANITIZED) {
        print_message("skipped: a sanitizer needs more address space than 64 MiB\n");
        skip();
    }
    pid_t child = fork();
    if (child == 0) {
        _exit(take_claims());
    }
    assert_int_equal(wait_for(child), 0);
}

/* ---- little stack ---- */

#define STACK_BYTES  (256 * 1024)
#define NESTED_WORD  "nested"
#define NESTED_COUNT 1000000

/* Opens arrays in arrays until the reader refuses; skip: by passing over them. */
static bool is_refused(weir_view wire, bool by_skip) {
    weir_reader reader;
    weir_reader_init(&reader, NULL);
    weir_status st = WEIR_OK;
    while (st == WEIR_OK) {
        weir_token token;
        size_t used;
        st = by_skip ? weir_reader_skip(&reader, wire, &used)
                     : weir_reader_next(&reader, wire, &used, &token);
        wire = weir_bytes(wire.data + used, wire.len - used);
    }
    return st == WEIR_ERR_PROTOCOL && weir_reader_fault(&reader) == WEIR_FAULT_DEPTH &&
           weir_reader_offset(&reader) == (uint64_t)4 * WEIR_READER_DEPTH;
}

/* In a program of its own, whose stack is small: 0 if all went well. */
static int nest_deeply(void) {
    size_t len = (size_t)4 * NESTED_COUNT;
    char *wire = malloc(len);
    if (wire == NULL) {
        return 1;
    }
    for (size_t i = 0; i < len; i += 4) {
        memcpy(wire + i, "*1\r\n", 4);
    }
    int code =
        is_refused(weir_bytes(wire, len), false) && is_refused(weir_bytes(wire, len), true)
            ? 0
            : 2;
    free(wire);
    return code;
}

static void a_million_nested_arrays_fit_a_small_stack(void **state) {
    const char *program = *state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit little = {STACK_BYTES, STACK_BYTES};
        if (setrlimit(RLIMIT_STACK, &little) == 0) {
            execl(program, program, NESTED_WORD, (char *)NULL);
        }
        _exit(3);
    }
    assert_int_equal(wait_for(child), 0);
}

/* ---- time ---- */

#define TIMES      4  /* as long */
#define MOST_TIMES 10 /* as slow: twice and a half linear; quadratic is 16 */
#define TRIES      5

static double cpu_seconds(void) {
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* `len` bytes that are one value, or values. */
struct shape {
    const char *name;
    char *(*make)(size_t len);
};

static char *need_text(size_t len, char filler) {
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, filler, len);
    return text;
}

static char *make_line(size_t len) {
    char *text = need_text(len, 'a');
    text[0] = '+';
    memcpy(text + len - 2, "\r\n", 2);
    return text;
}

static char *make_bulk(size_t len) {
    char *text = need_text(len, 'a');
    int head = snprintf(text, 32, "$%08zu\r\n", len - 12);
    assert_in_range(head, 11, 11);
    text[1] = '1'; /* no leading zeros: some more bytes are claimed than come */
    text[head] = 'a';
    return text;
}

static char *make_small_values(size_t len) {
    char *text = need_text(len, 'a');
    for (size_t i = 0; i + 8 <= len; i += 8) {
        memcpy(text + i, "$2\r\nab\r\n", 8);
    }
    return text;
}

static char *make_nested(size_t len) {
    char *text = need_text(len, 'a');
    for (size_t i = 0; i + 16 <= len; i += 16) {
        memcpy(text + i, "*1\r\n*1\r\n*1\r\n:1\r\n", 16);
    }
    return text;
}

/* Reads `len` bytes that come one at a time. */
static double read_slowly(const char *text, size_t len) {
    weir_reader reader;
    weir_reader_options options = {.limits = {.line_bytes = 1 << 30}};
    weir_reader_init(&reader, &options);
    size_t at = 0;
    double start = cpu_seconds();
    for (size_t come = 1; come <= len; come++) {
        weir_token token;
        weir_status st;
        do {
            size_t used;
            st = weir_reader_next(&reader, weir_bytes(text + at, come - at), &used, &token);
            at += used;
        } while (st == WEIR_OK);
        assert_status(st, WEIR_MORE);
    }
    return cpu_seconds() - start;
}

static double least_time(const struct shape *shape, size_t len) {
    char *text = shape->make(len);
    double least = read_slowly(text, len);
    for (int i = 1; i < TRIES; i++) {
        double took = read_slowly(text, len);
        least = took < least ? took : least;
    }
    free(text);
    return least;
}

static void single_bytes_cost_linear_time(void **state) {
    (void)state;
    static const struct shape shapes[] = {{"a line", make_line},
                                          {"a string", make_bulk},
                                          {"small values", make_small_values},
                                          {"nested values", make_nested}};
    const size_t len = 128 * 1024;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double once = least_time(&shapes[i], len);
        double more = least_time(&shapes[i], len * TIMES);
        print_message("%s: %zu bytes in %.1f ms, %d times as many in %.1f times as long\n",
                      shapes[i].name, len, once * 1e3, TIMES, more / once);
        assert_true(more < once * MOST_TIMES);
    }
}

#define ENTRY "*2\r\n$15\r\n1700000000000-0\r\n*2\r\n$5\r\nfield\r\n$5\r\nvalue\r\n"

/* Reads a reply of `count` entries that comes one byte at a time. */
static double iterate_slowly(size_t count) {
    weir_session session;
    assert_true(start_session(&session));
    uint64_t ticket = ask(&session, WEIR_ANSWER_RANGE);
    char head[32];
    (void)snprintf(head, sizeof head, "*%zu\r\n", count);
    assert_status(receive(&session, weir_text(head)), WEIR_OK);
    weir_slot *slot = NULL;
    assert_status(weir_session_open_entries(&session, ticket, &slot, &slot), WEIR_OK);
    double start = cpu_seconds();
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        for (const char *at = ENTRY; *at != '\0'; at++) {
            weir_entry entry;
            assert_status(receive(&session, weir_bytes(at, 1)), WEIR_OK);
            while (weir_session_next_entry(&session, slot, &entry) == WEIR_OK) {
                weir_session_unpin(&session, slot);
                seen++;
            }
        }
    }
    double took = cpu_seconds() - start;
    assert_int_equal(seen, count);
    weir_session_close_slot(&session, slot);
    weir_session_free(&session);
    return took;
}

static void entries_that_come_in_single_bytes_cost_linear_time(void **state) {
    (void)state;
    const size_t count = 2000;
    double once = iterate_slowly(count);
    double more = iterate_slowly(count * TIMES);
    for (int i = 1; i < TRIES; i++) {
        double took = iterate_slowly(count);
        once = took < once ? took : once;
        took = iterate_slowly(count * TIMES);
        more = took < more ? took : more;
    }
    print_message("%zu entries in %.1f ms, %d times as many in %.1f times as long\n", count,
                  once * 1e3, TIMES, more / once);
    assert_true(more < once * MOST_TIMES);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], NESTED_WORD) == 0) {
        return nest_deeply();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claimed_length_takes_no_memory),
        cmocka_unit_test_prestate(a_million_nested_arrays_fit_a_small_stack, argv[0]),
        cmocka_unit_test(single_bytes_cost_linear_time),
        cmocka_unit_test(entries_that_come_in_single_bytes_cost_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
