/* Names for those who must not be mistaken for others.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "client_waiting.h"

#include <stdio.h>
#include <unistd.h>

#define HOST_BYTES 48

/* The host and the process are for people; the chance makes it unique. */
void weir_make_name(char out[WEIR_MADE_NAME]) {
    char host[HOST_BYTES];
    if (gethostname(host, sizeof host) != 0) {
        host[0] = '\0';
    }
    host[sizeof host - 1] = '\0';
    (void)snprintf(out, WEIR_MADE_NAME, "%s-%ld-%016llx", host[0] != '\0' ? host : "host",
                   (long)getpid(), (unsigned long long)weir_random_number());
}
