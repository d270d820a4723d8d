/* A number from the system's generator.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "net.h"

#include <sys/random.h>
#include <unistd.h>

/* Without a generator (a sandbox that forbids it) time and process tell us apart: it serves
 * to spread clients, not to keep secrets. */
uint64_t weir_random_number(void) {
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number) {
        number = (uint64_t)weir_now_ms() << 20 ^ (uint64_t)getpid();
    }
    return number;
}
