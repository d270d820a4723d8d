/* One try to connect to one address, without waiting.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_ATTEMPT_H
#define WEIR_NET_ATTEMPT_H

#include "resolve.h"

/*
 * Both give 0: *fd is connected, and set up (keepalive_ms as in weir_socket); EINPROGRESS:
 * look again when it can be written to; or the errno of what failed. *fd is the caller's to
 * close; -1: there is none.
 */
int weir_attempt_begin(const struct weir_endpoint *endpoint, int64_t keepalive_ms, int *fd);
int weir_attempt_look(int fd, int64_t keepalive_ms);

#endif
