/* Arguments that many commands have: what is wrong with them is told before anything is
 * sent. Each gives WEIR_OK, or WEIR_ERR_ARG with an error that names the argument.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_CHECKS_H
#define WEIR_STREAM_CHECKS_H

#include "client_private.h"

static inline weir_status weir_check_key(weir_client *client, weir_view key) {
    return key.len > 0 ? WEIR_OK : weir_client_wrong(client, "the key is empty");
}

static inline weir_status weir_check_group(weir_client *client, weir_view key,
                                           weir_view group) {
    if (key.len == 0) {
        return weir_check_key(client, key);
    }
    return group.len > 0 ? WEIR_OK : weir_client_wrong(client, "the group is empty");
}

static inline weir_status weir_check_consumer(weir_client *client, weir_view key,
                                              weir_view group, weir_view consumer) {
    weir_status st = weir_check_group(client, key, group);
    if (st != WEIR_OK || consumer.len > 0) {
        return st;
    }
    return weir_client_wrong(client, "the consumer is empty");
}

static inline weir_status weir_check_ids(weir_client *client, size_t id_count) {
    return id_count > 0 ? WEIR_OK : weir_client_wrong(client, "no ids are given");
}

/* Redis reads numbers as 64 bits with a sign. `why` names the argument. */
static inline weir_status weir_check_number(weir_client *client, uint64_t number,
                                            const char *why) {
    return number <= INT64_MAX ? WEIR_OK : weir_client_wrong(client, why);
}

/* What is wrong with it, in words; NULL: nothing. */
static inline const char *weir_refs_fault(weir_refs refs) {
    switch (refs) {
    case WEIR_REFS_DEFAULT:
    case WEIR_REFS_KEEP:
    case WEIR_REFS_DELETE:
    case WEIR_REFS_ACKED: return NULL;
    }
    return "refs is none of its kind";
}

static inline weir_status weir_check_refs(weir_client *client, weir_refs refs) {
    const char *fault = weir_refs_fault(refs);
    return fault == NULL ? WEIR_OK : weir_client_wrong(client, fault);
}

/* Likewise of a trim (write.c). */
const char *weir_trim_fault(const weir_trim *trim);

#endif
