/* Waking a wait: an eventfd, and beside it a flag that is cheap to look at.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "wake.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

void weir_wake_init(weir_wake *wake) {
    atomic_init(&wake->is_set, false);
    wake->fd = -1;
}

weir_status weir_wake_open(weir_wake *wake, int *os_error) {
    wake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake->fd < 0) {
        *os_error = errno;
        return WEIR_ERR_IO;
    }
    return WEIR_OK;
}

/* write() is async-signal-safe (POSIX 2.4.3), a lock-free atomic too. It fails alone where
 * the counter is at its end, and then the descriptor is readable already. */
void weir_wake_set(weir_wake *wake) {
    static const uint64_t one = 1;
    int kept = errno;
    atomic_store_explicit(&wake->is_set, true, memory_order_release);
    if (wake->fd >= 0) {
        ssize_t put = -1;
        do {
            put = write(wake->fd, &one, sizeof one);
        } while (put < 0 && errno == EINTR);
    }
    errno = kept;
}

/* The flag first: what is set meanwhile is lost to the descriptor alone, and the flag is
 * looked at before each wait. */
void weir_wake_clear(weir_wake *wake) {
    atomic_store_explicit(&wake->is_set, false, memory_order_release);
    weir_wake_forget(wake);
}

void weir_wake_forget(const weir_wake *wake) {
    uint64_t count;
    if (wake->fd >= 0) {
        ssize_t got = read(wake->fd, &count, sizeof count);
        (void)got;
    }
}

void weir_wake_close(weir_wake *wake) {
    if (wake->fd >= 0) {
        (void)close(wake->fd);
    }
    weir_wake_init(wake);
}
