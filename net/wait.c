/* The clock and the wait: one file descriptor, one deadline, one event that ends it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "wake.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

int64_t weir_now_ms(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* fails for an unknown clock alone */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t weir_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* poll's timeout; a wait that is longer than it can say takes several turns. */
static int poll_timeout(int64_t deadline_ms, int64_t now_ms) {
    if (deadline_ms == WEIR_NO_DEADLINE) {
        return -1;
    }
    if (deadline_ms <= now_ms) {
        return 0;
    }
    int64_t left_ms = deadline_ms - now_ms;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static bool is_woken(const weir_wake *wake) {
    return wake != NULL && weir_wake_is_set(wake);
}

static struct pollfd watch(int fd, int wants) {
    int events = ((wants & WEIR_WANT_READ) != 0 ? POLLIN : 0) |
                 ((wants & WEIR_WANT_WRITE) != 0 ? POLLOUT : 0);
    return (struct pollfd){.fd = fd, .events = (short)events};
}

weir_status weir_wait_or_wake(int fd, int wants, const weir_wake *wake, int64_t deadline_ms,
                              int *os_error) {
    struct pollfd waits[] = {watch(fd, wants),
                             watch(wake != NULL ? wake->fd : -1, WEIR_WANT_READ)};
    while (!is_woken(wake)) {
        int ready = poll(waits, 2, poll_timeout(deadline_ms, weir_now_ms()));
        bool is_ready = ready > 0 && waits[0].revents != 0;
        if (is_ready && (waits[0].revents & POLLNVAL) == 0 && !is_woken(wake)) {
            return WEIR_OK;
        }
        if (ready > 0 && !is_ready && !is_woken(wake)) {
            weir_wake_forget(wake);
        }
        if (ready > 0 && (waits[0].revents & POLLNVAL) != 0) {
            *os_error = EBADF;
            return WEIR_ERR_IO;
        }
        if (ready < 0 && errno != EINTR) {
            *os_error = errno;
            return WEIR_ERR_IO;
        }
        /* Also after a signal: if they come faster than poll ends, this must end it. */
        if (!is_woken(wake) && weir_now_ms() >= deadline_ms) {
            return WEIR_ERR_TIMEOUT;
        }
    }
    return WEIR_ERR_CANCELLED;
}

void weir_nap(int64_t nanoseconds) {
    struct timespec time = {.tv_nsec = (long)nanoseconds};
    (void)nanosleep(&time, NULL);
}

weir_status weir_wait(int fd, int wants, int64_t deadline_ms, int *os_error) {
    return weir_wait_or_wake(fd, wants, NULL, deadline_ms, os_error);
}
