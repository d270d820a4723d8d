/* Waiting for several connections at once, and being woken: what an object that holds more
 * than one client needs of the system.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_CLIENT_WAITING_H
#define WEIR_STREAM_CLIENT_WAITING_H

#include "../net/net.h"
#include "../net/wake.h"

/* Bytes of the longest name that weir_make_name makes, with its NUL. */
#define WEIR_MADE_NAME 96

/* A name that nobody else has: HOST-PID-CHANCE. */
void weir_make_name(char out[WEIR_MADE_NAME]);

#endif
