/* Looking up a name: the system's resolver may wait for as long as it likes, nobody waits
 * for it here.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_LOOKUP_H
#define WEIR_NET_LOOKUP_H

#include "net.h"

#include <netdb.h>

/* Memory of the C library, freed by whoever lets go of it last: the asker, or the thread
 * whose answer comes too late for him. */
struct weir_lookup;

/*
 * Asks the system's resolver for the address's host, aside (aside.h); is_here: in this
 * call, which may take long. The address is copied. WEIR_OK: *lookup, to be released.
 * WEIR_ERR_CONNECT: there is no memory, descriptor or thread for it, *error says so.
 */
weir_status weir_lookup_begin(const weir_address *address, bool is_here,
                              struct weir_lookup **lookup, weir_error *error);

/* Readable once there is an answer. */
int weir_lookup_fd(const struct weir_lookup *lookup);

bool weir_lookup_is_done(const struct weir_lookup *lookup);

/* False: this process is a child of the one that asks, and there will be no answer here. */
bool weir_lookup_is_ours(const struct weir_lookup *lookup);

/* Of one that is done: when the answer came, by weir_now_ms. */
int64_t weir_lookup_came_ms(const struct weir_lookup *lookup);

/* Of one that is done. WEIR_OK: *list has one address or more; it lives as long as the
 * lookup is held. WEIR_ERR_CONNECT: *error says why there is none. */
weir_status weir_lookup_result(const struct weir_lookup *lookup,
                               const struct addrinfo **list, weir_error *error);

/* NULL is fine. */
void weir_lookup_release(struct weir_lookup *lookup);

#endif
