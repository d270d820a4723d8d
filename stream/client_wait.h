/* The clocks, the wait and the random numbers of what is built on a client.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_CLIENT_WAIT_H
#define WEIR_STREAM_CLIENT_WAIT_H

#include "client.h"

/* Waits until the client can go on, or deadline_ms has come, or it is cancelled. */
void weir_client_wait(weir_client *client, int64_t deadline_ms);

/* Microseconds of the monotonic clock. */
int64_t weir_client_now_us(void);

/* Milliseconds since 1970, as the machine has it; 0: nobody knows. */
uint64_t weir_client_wall_ms(void);

/* A number that others are not likely to have drawn. */
uint64_t weir_client_random(void);

#endif
