/* Waking a wait: one event that any thread and any signal handler may set.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_WAKE_H
#define WEIR_NET_WAKE_H

#include "net.h"

#include <stdatomic.h>

/* Caller-held, fields private. */
typedef struct weir_wake {
    atomic_bool is_set;
    int fd; /* readable once it is set; -1: none */
} weir_wake;

/* Not set, without a descriptor: weir_wake_close is fine, weir_wake_set is told to nobody
 * who waits. */
void weir_wake_init(weir_wake *wake);

/* Makes the descriptor. WEIR_OK; WEIR_ERR_IO: *os_error is errno. */
weir_status weir_wake_open(weir_wake *wake, int *os_error);

/* Sets it, until weir_wake_clear: whoever waits for it goes on at once. From any thread and
 * from signal handlers, as long as it is open; leaves errno alone. */
void weir_wake_set(weir_wake *wake);

static inline bool weir_wake_is_set(const weir_wake *wake) {
    return atomic_load_explicit(&wake->is_set, memory_order_acquire);
}

/* By the thread that waits for it. */
void weir_wake_clear(weir_wake *wake);

/* By the same, where the descriptor is readable though it is not set: a set that
 * weir_wake_clear came between. */
void weir_wake_forget(const weir_wake *wake);

void weir_wake_close(weir_wake *wake);

/* As weir_wait, and WEIR_ERR_CANCELLED as soon as `wake` is set, before all else. */
weir_status weir_wait_or_wake(int fd, int wants, const weir_wake *wake, int64_t deadline_ms,
                              int *os_error);

#endif
