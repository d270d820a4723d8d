/* What the examples of event loops and of an own transport must do: the same with TLS as
 * without. SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_LOOPS_H
#define WEIR_TESTS_LOOPS_H

#include "live.h"

/* Each empties the server, by a client of the test's own, and gives the example that URL of
 * the same server. */

/* poll adds what it reads, and prints the ids. */
void loops_expect_lines_added(weir_client *client, const char *url);

/* It says what the server says, and ends. */
void loops_expect_refusal_told(weir_client *client, const char *url);

/* libuv prints all pages of a stream, and waits for what comes. */
void loops_expect_stream_followed(weir_client *client, const char *url);

/* It goes on where it was when its connection is lost. */
void loops_expect_loss_survived(weir_client *client, const char *url);

/* own_transport tells the length, and what went through. */
void loops_expect_wire_logged(weir_client *client, const char *url, uint16_t port);

#endif
