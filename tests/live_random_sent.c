/* Random arguments: what each command's function sends is, argument for argument, what
 * redis-cli sends for the same command written down by its documented syntax.
 *   WEIR_TEST_SEED=N, WEIR_TEST_ROUNDS=N: the same again, or longer
 * SPDX-License-Identifier: BSD-2-Clause */
#include "dice.h"
#include "live.h"
#include "random_command.h"
#include "tape.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tape tape;
static weir_client *client;

/* ---- what was sent ---- */

/* One more command by weir; what it sent is good until the next. */
static weir_view send_one(uint64_t round) {
    weir_status st = random_command(client, round);
    if (st != WEIR_OK) {
        print_error("%.*s: %s: %s\n", WEIR_PRINT(random_words[0]), weir_status_text(st),
                    weir_client_error(client)->text);
        fail();
    }
    weir_view sent = tape_take_sent(&tape, client);
    tape_say(&tape, weir_text("-ERR not now\r\n")); /* so that nothing is unanswered */
    assert_status(weir_step(client), WEIR_OK);
    assert_status(weir_take_any(client), WEIR_ERR_SERVER);
    return sent;
}

/* The words as RESP: an array of bulk strings. */
static weir_view written_down(void) {
    static char out[65536];
    size_t len = (size_t)snprintf(out, sizeof out, "*%zu\r\n", random_word_count);
    for (size_t i = 0; i < random_word_count; i++) {
        len +=
            (size_t)snprintf(out + len, sizeof out - len, "$%zu\r\n", random_words[i].len);
        assert_true(random_words[i].len + 2 < sizeof out - len);
        memcpy(out + len, random_words[i].data, random_words[i].len);
        memcpy(out + len + random_words[i].len, "\r\n", 2);
        len += random_words[i].len + 2;
    }
    return weir_bytes(out, len);
}

static void expect_same(weir_view sent, weir_view expected, uint64_t round) {
    if (!weir_view_equal(sent, expected)) {
        print_error("round %llu: sent\n%.*s\nexpected\n%.*s\n", (unsigned long long)round,
                    WEIR_PRINT(sent), WEIR_PRINT(expected));
        fail();
    }
}

static void commands_are_sent_as_they_are_written_down(void **state) {
    (void)state;
    client = tape_open(&tape);
    for (uint64_t round = 0; round < dice_rounds(5000); round++) {
        weir_view sent = send_one(round);
        expect_same(sent, written_down(), round);
    }
    weir_close(client);
}

/* ---- redis-cli ---- */

static void become_redis_cli(const char *port) {
    static char copies[65536];
    char *args[RANDOM_WORDS_MOST + 4] = {copies};
    size_t len = 0;
    const char *const first[] = {"redis-cli", "-p", port};
    size_t count = 0;
    for (; count < 3; count++) {
        args[count] = copies + len;
        len += (size_t)snprintf(copies + len, sizeof copies - len, "%s", first[count]) + 1;
    }
    for (size_t i = 0; i < random_word_count; i++) {
        args[count++] = copies + len;
        memcpy(copies + len, random_words[i].data, random_words[i].len);
        len += random_words[i].len;
        copies[len++] = '\0';
    }
    args[count] = NULL;
    if (freopen("/dev/null", "w", stdout) != NULL) {
        execvp("redis-cli", args);
    }
    _exit(127);
}

/* What redis-cli sends for the words: all up to the end of the command. */
static weir_view sent_by_redis_cli(int listener, const char *port) {
    static char got[65536];
    size_t len = 0;
    size_t used = 0;
    weir_reader reader;
    weir_reader_init(&reader, NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        become_redis_cli(port);
    }
    if (support_poll(listener, POLLIN, 10000) != 1) {
        fail_msg("redis-cli does not connect: is it there?");
    }
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    size_t at = 0;
    weir_status st = WEIR_MORE;
    while (st == WEIR_MORE) {
        ssize_t more = read(fd, got + len, sizeof got - len);
        assert_true(more > 0);
        len += (size_t)more;
        st = weir_reader_skip_reply(&reader, weir_bytes(got + at, len - at), &used);
        at += used;
    }
    assert_status(st, WEIR_OK);
    assert_int_equal(write(fd, "+OK\r\n", 5), 5);
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    (void)close(fd);
    return weir_bytes(got, len);
}

static int listen_somewhere(char port[8]) {
    struct sockaddr_in place = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof place;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&place, len), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&place, &len), 0);
    assert_int_equal(listen(listener, 4), 0);
    (void)snprintf(port, 8, "%u", (unsigned)ntohs(place.sin_port));
    return listener;
}

static void commands_are_sent_as_redis_cli_sends_them(void **state) {
    (void)state;
    char port[8];
    int listener = listen_somewhere(port);
    client = tape_open(&tape);
    for (uint64_t round = 0; round < dice_rounds(5000) / 192; round++) {
        weir_view sent = send_one(round);
        expect_same(sent, sent_by_redis_cli(listener, port), round);
    }
    weir_close(client);
    (void)close(listener);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_sent_as_they_are_written_down),
        cmocka_unit_test(commands_are_sent_as_redis_cli_sends_them),
    };
    dice_begin();
    return live_run("random arguments", tests);
}
