/* Waking a wait: from another thread, from a signal handler, before it begins.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/wake.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SOON_MS   30
#define PLENTY_MS 10000

static weir_wake the_wake;
static int ends[2]; /* of a quiet stream */

static int open_wake(void **state) {
    (void)state;
    int os_error = 0;
    weir_wake_init(&the_wake);
    return weir_wake_open(&the_wake, &os_error) == WEIR_OK &&
                   socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0
               ? 0
               : 1;
}

static int close_wake(void **state) {
    (void)state;
    weir_wake_close(&the_wake);
    return close(ends[0]) == 0 && close(ends[1]) == 0 ? 0 : 1;
}

static weir_status wait_ms(int64_t ms) {
    int os_error = 0;
    return weir_wait_or_wake(ends[0], WEIR_WANT_READ, &the_wake, weir_now_ms() + ms,
                             &os_error);
}

static void *set_soon(void *unused) {
    (void)poll(NULL, 0, SOON_MS);
    weir_wake_set(&the_wake);
    return unused;
}

static void a_wait_is_woken_by_another_thread(void **state) {
    (void)state;
    pthread_t thread;
    int64_t began_ms = weir_now_ms();
    assert_int_equal(pthread_create(&thread, NULL, set_soon, NULL), 0);
    assert_status(wait_ms(PLENTY_MS), WEIR_ERR_CANCELLED);
    assert_in_range(weir_now_ms() - began_ms, SOON_MS - 1, PLENTY_MS / 2);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void set_now(int number) {
    (void)number;
    weir_wake_set(&the_wake);
}

static void a_wait_is_woken_by_a_signal_handler(void **state) {
    (void)state;
    struct itimerval time = {.it_value = {.tv_usec = SOON_MS * 1000}};
    struct sigaction action = {.sa_handler = set_now};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &time, NULL), 0);
    assert_status(wait_ms(PLENTY_MS), WEIR_ERR_CANCELLED);
}

static void what_was_set_before_ends_each_wait(void **state) {
    (void)state;
    weir_wake_set(&the_wake);
    assert_true(weir_wake_is_set(&the_wake));
    assert_status(wait_ms(PLENTY_MS), WEIR_ERR_CANCELLED);
    assert_status(wait_ms(PLENTY_MS), WEIR_ERR_CANCELLED);
    assert_int_equal(write(ends[1], "x", 1), 1); /* it comes before bytes */
    assert_status(wait_ms(PLENTY_MS), WEIR_ERR_CANCELLED);
}

static void what_was_cleared_wakes_nobody(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        weir_wake_set(&the_wake);
        weir_wake_set(&the_wake);
        weir_wake_clear(&the_wake);
        assert_false(weir_wake_is_set(&the_wake));
        assert_status(wait_ms(5), WEIR_ERR_TIMEOUT);
    }
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_status(wait_ms(PLENTY_MS), WEIR_OK);
}

static void its_descriptor_is_readable_once_it_is_set(void **state) {
    (void)state;
    struct pollfd watched = {.fd = the_wake.fd, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, 0), 0);
    weir_wake_set(&the_wake);
    assert_int_equal(poll(&watched, 1, 0), 1);
    weir_wake_clear(&the_wake);
    assert_int_equal(poll(&watched, 1, 0), 0);
}

static void setting_leaves_errno_alone(void **state) {
    (void)state;
    weir_wake closed;
    weir_wake_init(&closed);
    errno = 77;
    for (int i = 0; i < 10; i++) {
        weir_wake_set(&the_wake);
    }
    weir_wake_set(&closed);
    assert_int_equal(errno, 77);
    assert_true(weir_wake_is_set(&closed));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wait_is_woken_by_another_thread, open_wake,
                                        close_wake),
        cmocka_unit_test_setup_teardown(a_wait_is_woken_by_a_signal_handler, open_wake,
                                        close_wake),
        cmocka_unit_test_setup_teardown(what_was_set_before_ends_each_wait, open_wake,
                                        close_wake),
        cmocka_unit_test_setup_teardown(what_was_cleared_wakes_nobody, open_wake,
                                        close_wake),
        cmocka_unit_test_setup_teardown(its_descriptor_is_readable_once_it_is_set,
                                        open_wake, close_wake),
        cmocka_unit_test_setup_teardown(setting_leaves_errno_alone, open_wake, close_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
