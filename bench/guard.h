/* Whatever becomes of the work, the server stops and its folder goes.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_GUARD_H
#define BENCH_GUARD_H

#include "server.h"

/* Starts a private server, and calls `work` in a child process. Gives the exit code: what
 * work gave, or 1. On SIGINT, SIGTERM, SIGHUP or SIGQUIT it cleans up, then dies of it. */
int guard_run(const char *server_program, int (*work)(struct server *, void *),
              void *argument);

#endif
