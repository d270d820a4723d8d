/* What an event loop watches for objects that hold connections.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_WATCH_H
#define WEIR_STREAM_WATCH_H

#include "../resp/base.h"

/* One descriptor, and what to watch it for. */
typedef struct weir_watch {
    int fd;    /* -1: nothing to watch */
    int wants; /* WEIR_WANT_READ, WEIR_WANT_WRITE or both; 0: errors alone */
} weir_watch;

#endif
