/* One descriptor to watch in place of several: a caller's event loop knows one a client.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_GATHER_H
#define WEIR_NET_GATHER_H

#include "net.h"

/* A new one, to be closed with close(); -1: errno says why. */
int weir_gather_open(void);

/* From now on `gather` is readable while `fd` is ready for `wants` (WEIR_WANT_*), or has an
 * error. False: errno says why. */
bool weir_gather_add(int gather, int fd, int wants);

/* Before `fd` is closed. */
void weir_gather_remove(int gather, int fd);

#endif
