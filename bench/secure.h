/* TLS by OpenSSL alone, as little as can be: the floor of what goes over TLS.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SECURE_H
#define BENCH_SECURE_H

#include <stdbool.h>
#include <stddef.h>

struct secure;

/* False: built without OpenSSL, and all that goes over TLS is left out. */
bool secure_is_built(void);

/* Shakes hands over a connected, blocking socket; the peer's certificate must be signed by
 * ca_file's. NULL: failed, and said why. */
struct secure *secure_open(int fd, const char *ca_file);

/* False: failed, and said why. Receives at least one byte. */
bool secure_send(struct secure *secure, const void *bytes, size_t len);
bool secure_receive(struct secure *secure, void *bytes, size_t size, size_t *len);

/* Does not close the socket. NULL is fine. */
void secure_close(struct secure *secure);

#endif
