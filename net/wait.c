/* The clock and the wait: one file descriptor, one deadline.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "net.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

int64_t weir_now_ms(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* fails for an unknown clock alone */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

weir_status weir_wait(int fd, int wants, int64_t deadline_ms, int *os_error) {
    struct pollfd wait = {.fd = fd};
    wait.events = (short)(((wants & WEIR_WANT_READ) != 0 ? POLLIN : 0) |
                          ((wants & WEIR_WANT_WRITE) != 0 ? POLLOUT : 0));
    for (;;) {
        int ready = poll(&wait, 1, poll_timeout(deadline_ms, weir_now_ms()));
        if (ready > 0 && (wait.revents & POLLNVAL) == 0) {
            return WEIR_OK;
        }
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            *os_error = ready > 0 ? EBADF : errno;
            return WEIR_ERR_IO;
        }
        /* Also after a signal: if they come faster than poll ends, this must end it. */
        if (weir_now_ms() >= deadline_ms) {
            return WEIR_ERR_TIMEOUT;
        }
    }
}
