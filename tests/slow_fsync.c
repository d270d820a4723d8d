/* Preloaded into a server: each of its fdatasync takes WEIR_FSYNC_MS longer, as on a disk
 * that has much to do. SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* (The name that unistd.h gives the parameter is reserved.)
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int fdatasync(int fd) {
    const char *text = getenv("WEIR_FSYNC_MS");
    long ms = text != NULL ? strtol(text, NULL, 10) : 0;
    (void)poll(NULL, 0, ms > 0 && ms < 60000 ? (int)ms : 0);
    return (int)syscall(SYS_fdatasync, fd);
}
