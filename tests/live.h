/* Tests against a real server: one server a program, emptied before each test; one client a
 * test, which runs on RESP2 and on RESP3.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_LIVE_H
#define WEIR_TESTS_LIVE_H

#include "server.h"
#include "support.h"

#include "../weir.h"

#define LIVE_OTHERS 4

/* What a test finds in its state. */
struct live {
    const struct server *server;
    weir_client *client;
    int protocol;
    weir_client *others[LIVE_OTHERS]; /* closed when the test ends */
    size_t other_count;
};

/* For cmocka's list of tests: the test on both protocols. */
#define LIVE_ON_BOTH(test)                                                                 \
    {#test " on RESP2", test, live_open_resp2, live_close, NULL}, {                        \
#        test " on RESP3", test, live_open_resp3, live_close, NULL                         \
    }

/* Group setup and teardown: the server. */
int live_start(void **state);
int live_stop(void **state);

/* Setup and teardown of one test. */
int live_open_resp2(void **state);
int live_open_resp3(void **state);
int live_close(void **state);

/* Runs the tests; what main returns. */
#define live_run(name, tests)                                                              \
    (server_is_here() ? cmocka_run_group_tests_name(name, tests, live_start, live_stop)    \
                      : SERVER_MISSING)

/* One more client of the same protocol (options may be NULL), closed after the test. */
weir_client *live_other(struct live *live, const weir_options *options);

/* Fails the test, with the client's error text, unless the status is WEIR_OK. */
#define assert_ok(client, status)                                                          \
    live_assert_ok((client), (status), #status, __FILE__, __LINE__)
void live_assert_ok(weir_client *client, weir_status given, const char *what,
                    const char *file, int line);

/* Fails unless the last error of the client is the server's, with that word. */
#define assert_code(client, status, word)                                                  \
    live_assert_code((client), (status), (word), __FILE__, __LINE__)
void live_assert_code(weir_client *client, weir_status given, const char *word,
                      const char *file, int line);

/* Fails unless the id is that one. */
#define assert_id(id, ms, seq) live_assert_id((id), (ms), (seq), __FILE__, __LINE__)
void live_assert_id(weir_id given, uint64_t ms, uint64_t seq, const char *file, int line);

/* True if the server has what came with that version of Redis and of Valkey; NULL: none of
 * that kind has it. Where it has not, a test expects that it refuses. */
bool live_has(const char *redis, const char *valkey);

/* The server's kind and version as "redis-7.0". */
const char *live_label(void);

/* Any command, as words; its answer is passed over. */
#define live_say(client, ...)                                                              \
    live_say_words((client), (const char *const[]){__VA_ARGS__, NULL})
weir_status live_say_words(weir_client *client, const char *const *words);

/* For weir_xgroup_create: also the stream. */
#define MKSTREAM (&(const weir_xgroup_options){.make_stream = true})

/* Adds {"n": number} with the id ms-seq. */
void live_add(weir_client *client, const char *key, uint64_t ms, uint64_t seq);

/* Appends `count` entries of that shape from 1-0 on and takes their answers. */
void live_fill(weir_client *client, const char *key, uint64_t count, size_t value_bytes);

/* The next entry must be that one. */
#define assert_next(entries, ms, seq)                                                      \
    live_assert_next((entries), (ms), (seq), __FILE__, __LINE__)
void live_assert_next(weir_entries *entries, uint64_t ms, uint64_t seq, const char *file,
                      int line);

/* No entry must be left. */
#define assert_end(entries) live_assert_end((entries), __FILE__, __LINE__)
void live_assert_end(weir_entries *entries, const char *file, int line);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t live_now_ms(void);

#endif
