/* Waiting for any of a few descriptors.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "net.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

static int timeout_until(int64_t deadline_ms) {
    if (deadline_ms == WEIR_NO_DEADLINE) {
        return -1;
    }
    int64_t now_ms = weir_now_ms();
    if (deadline_ms <= now_ms) {
        return 0;
    }
    return deadline_ms - now_ms > INT_MAX ? INT_MAX : (int)(deadline_ms - now_ms);
}

weir_status weir_wait_any(const weir_waited *list, size_t count, int64_t deadline_ms,
                          int *os_error) {
    struct pollfd waits[WEIR_WAITED_MOST];
    for (size_t i = 0; i < count; i++) {
        int events = ((list[i].wants & WEIR_WANT_READ) != 0 ? POLLIN : 0) |
                     ((list[i].wants & WEIR_WANT_WRITE) != 0 ? POLLOUT : 0);
        waits[i] = (struct pollfd){.fd = list[i].fd, .events = (short)events};
    }
    int ready = poll(waits, (nfds_t)count, timeout_until(deadline_ms));
    if (ready == 0) {
        return WEIR_ERR_TIMEOUT;
    }
    if (ready < 0 && errno != EINTR) {
        *os_error = errno;
        return WEIR_ERR_IO;
    }
    return WEIR_OK;
}
