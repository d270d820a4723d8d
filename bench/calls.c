/* System calls that move bytes or wait, and the bytes: counted for every side alike. The
 * functions below stand before those of the C library, as the dynamic linker looks for them
 * here first: for weir, for hiredis, for the floor. They cost each side the same addition.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "calls.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct calls counted;

struct calls calls_now(void) {
    return counted;
}

struct calls calls_since(struct calls start) {
    struct calls since = {counted.moving - start.moving, counted.waiting - start.waiting,
                          counted.sent - start.sent, counted.received - start.received};
    return since;
}

static ssize_t note_sent(long result) {
    counted.moving++;
    counted.sent += result > 0 ? (uint64_t)result : 0;
    return (ssize_t)result;
}

static ssize_t note_received(long result) {
    counted.moving++;
    counted.received += result > 0 ? (uint64_t)result : 0;
    return (ssize_t)result;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library reserves
 * the names of its parameters. */

ssize_t read(int fd, void *bytes, size_t size) {
    return note_received(syscall(SYS_read, fd, bytes, size));
}

ssize_t write(int fd, const void *bytes, size_t len) {
    return note_sent(syscall(SYS_write, fd, bytes, len));
}

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
    return note_received(syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL));
}

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
    return note_sent(syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return note_sent(syscall(SYS_sendmsg, fd, message, flags));
}

int poll(struct pollfd *watched, nfds_t count, int timeout_ms) {
    struct timespec limit = {.tv_sec = timeout_ms / 1000,
                             .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    counted.waiting++;
    return (int)syscall(SYS_ppoll, watched, count, timeout_ms < 0 ? NULL : &limit, NULL,
                        (size_t)_NSIG / 8);
}

int nanosleep(const struct timespec *time, struct timespec *left) {
    counted.waiting++;
    return (int)syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, time, left);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
