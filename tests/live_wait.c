/* XREAD and XREADGROUP that wait (BLOCK), against a real server: the end of the time, and
 * being woken by another client, which is a process of its own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLENTY_MS 15000

/* ---- the other process ---- */

/* True if INFO tells of a client that waits. */
static bool is_somebody_blocked(weir_client *client) {
    const weir_view args[] = {WIRE("INFO"), WIRE("clients")};
    weir_reply reply;
    weir_token token;
    char text[4096] = "";
    if (weir_command(client, args, 2, &reply) == WEIR_OK &&
        weir_reply_next(&reply, &token) == WEIR_OK && token.bytes.len < sizeof text) {
        memcpy(text, token.bytes.data, token.bytes.len);
    }
    weir_reply_close(&reply);
    return strstr(text, "blocked_clients:1") != NULL;
}

/* Exits with 0 if it did its part. */
static void wake(const char *url, void (*act)(weir_client *)) {
    weir_client *client;
    if (weir_open(url, NULL, &client) != WEIR_OK) {
        _exit(1);
    }
    for (int waited_ms = 0; !is_somebody_blocked(client); waited_ms += 5) {
        if (waited_ms > PLENTY_MS) {
            _exit(2);
        }
        (void)poll(NULL, 0, 5);
    }
    act(client);
    weir_close(client);
    _exit(0);
}

/* A process that acts once a client of the server waits. */
static pid_t when_blocked(const struct live *live, void (*act)(weir_client *)) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        wake(live->server->url, act);
    }
    return pid;
}

static void expect_done(pid_t pid) {
    int how = -1;
    pid_t ended = -1;
    do {
        ended = waitpid(pid, &how, 0); /* SIGALRM may come meanwhile (road.h) */
    } while (ended < 0 && errno == EINTR);
    assert_int_equal(ended, pid);
    assert_int_equal(how, 0);
}

static void add_9(weir_client *client) {
    weir_field field = weir_pair("n", "nine");
    weir_xadd_options options = {.id = {9, 0}};
    if (weir_xadd(client, WIRE("s"), &field, 1, &options, NULL) != WEIR_OK) {
        _exit(3);
    }
}

static void destroy_group(weir_client *client) {
    if (live_say(client, "XGROUP", "DESTROY", "s", "g") != WEIR_OK) {
        _exit(3);
    }
}

static void unblock_with_error(weir_client *client) {
    char id[24];
    (void)snprintf(id, sizeof id, "%lld",
                   (long long)weir_client_greeting(client).client_id - 1);
    if (live_say(client, "CLIENT", "UNBLOCK", id, "ERROR") != WEIR_OK) {
        _exit(3);
    }
}

/* ---- tests ---- */

static void a_wait_for_nothing_ends_when_its_time_is_over(void **state) {
    struct live *live = *state;
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = 60};
    weir_entries page;
    int64_t began_ms = live_now_ms();
    assert_ok(live->client, weir_xread(live->client, &source, 1, &options, &page));
    int64_t took_ms = live_now_ms() - began_ms;
    assert_end(&page);
    assert_in_range(took_ms, 50, 5000);
}

/* BLOCK's time comes on top of timeout_ms, so a wait longer than that is no timeout. (A
 * server looks only 10 times a second whose time is over, so it answers that much late.) */
static void a_wait_may_be_longer_than_the_timeout(void **state) {
    struct live *live = *state;
    weir_client *client = live_other(live, &(weir_options){.timeout_ms = 300});
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = 600};
    weir_entries page;
    assert_ok(client, weir_xread(client, &source, 1, &options, &page));
    assert_end(&page);
    assert_ok(client, live_say(client, "PING"));
}

static void a_wait_with_entries_there_does_not_wait(void **state) {
    struct live *live = *state;
    weir_source source = weir_source_after(WIRE("s"), WEIR_ID_MIN);
    weir_read_options options = {.block_ms = WEIR_FOREVER};
    weir_entries page;
    live_add(live->client, "s", 1, 0);
    assert_ok(live->client, weir_xread(live->client, &source, 1, &options, &page));
    assert_next(&page, 1, 0);
    assert_end(&page);
}

static void expect_woken(struct live *live, int64_t block_ms) {
    const weir_source sources[] = {weir_source_new(WIRE("other")),
                                   weir_source_new(WIRE("s"))};
    weir_read_options options = {.block_ms = block_ms};
    weir_entries page;
    weir_entry entry;
    live_add(live->client, "s", 1, 0);
    pid_t waker = when_blocked(live, add_9);
    assert_ok(live->client, weir_xread(live->client, sources, 2, &options, &page));
    assert_status(weir_entries_next(&page, &entry), WEIR_OK);
    assert_id(entry.id, 9, 0);
    assert_view(entry.stream, "s");
    assert_view(entry.fields[0].value, "nine");
    assert_end(&page);
    expect_done(waker);
}

static void a_wait_is_woken_by_what_another_client_adds(void **state) {
    expect_woken(*state, PLENTY_MS);
}

static void a_wait_for_ever_is_woken_too(void **state) {
    expect_woken(*state, WEIR_FOREVER);
}

static void a_group_read_is_woken_too(void **state) {
    struct live *live = *state;
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = WEIR_FOREVER};
    weir_entries page;
    assert_ok(live->client,
              weir_xgroup_create(live->client, source, WIRE("g"), MKSTREAM, NULL));
    pid_t waker = when_blocked(live, add_9);
    assert_ok(live->client, weir_xreadgroup(live->client, WIRE("g"), WIRE("c"), &source, 1,
                                            &options, &page));
    assert_next(&page, 9, 0);
    assert_end(&page);
    expect_done(waker);
}

static void a_group_that_goes_away_ends_the_wait(void **state) {
    struct live *live = *state;
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = PLENTY_MS};
    weir_entries page;
    assert_ok(live->client,
              weir_xgroup_create(live->client, source, WIRE("g"), MKSTREAM, NULL));
    pid_t waker = when_blocked(live, destroy_group);
    weir_status st =
        weir_xreadgroup(live->client, WIRE("g"), WIRE("c"), &source, 1, &options, &page);
    assert_code(live->client, st, "NOGROUP");
    expect_done(waker);
    assert_ok(live->client, live_say(live->client, "PING"));
}

static void a_wait_that_the_server_breaks_off_says_so(void **state) {
    struct live *live = *state;
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options options = {.block_ms = PLENTY_MS};
    weir_entries page;
    weir_client *client = live_other(live, NULL);
    pid_t waker = when_blocked(live, unblock_with_error); /* the id before its own */
    weir_status st = weir_xread(client, &source, 1, &options, &page);
    assert_code(client, st, "UNBLOCKED");
    expect_done(waker);
    assert_ok(client, live_say(client, "PING"));
}

/* Whoever wants no deadline may say so with the largest number there is. */
static void a_time_limit_of_ages_is_no_deadline(void **state) {
    struct live *live = *state;
    weir_options options = {.timeout_ms = INT64_MAX, .connect_timeout_ms = INT64_MAX};
    weir_client *client = live_other(live, &options);
    weir_source source = weir_source_new(WIRE("s"));
    weir_read_options wait = {.block_ms = 10};
    weir_entries page;
    assert_ok(client, live_say(client, "PING"));
    assert_ok(client, weir_xread(client, &source, 1, &wait, &page));
    assert_end(&page);
    assert_ok(client, weir_append_xlen(client, source.key));
    assert_true(weir_client_deadline_ms(client) > INT64_MAX / 8);
    assert_ok(client, weir_take_count(client, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(a_wait_for_nothing_ends_when_its_time_is_over),
        LIVE_ON_BOTH(a_wait_may_be_longer_than_the_timeout),
        LIVE_ON_BOTH(a_wait_with_entries_there_does_not_wait),
        LIVE_ON_BOTH(a_wait_is_woken_by_what_another_client_adds),
        LIVE_ON_BOTH(a_wait_for_ever_is_woken_too),
        LIVE_ON_BOTH(a_group_read_is_woken_too),
        LIVE_ON_BOTH(a_group_that_goes_away_ends_the_wait),
        LIVE_ON_BOTH(a_wait_that_the_server_breaks_off_says_so),
        LIVE_ON_BOTH(a_time_limit_of_ages_is_no_deadline),
    };
    return live_run("waiting", tests);
}
