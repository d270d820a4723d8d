/* What a server can do: its name, its version, and which of the newer commands and options
 * it has. Asking for one that it lacks is WEIR_ERR_UNSUPPORTED, before anything is sent.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_SERVER_H
#define WEIR_STREAM_SERVER_H

#include "client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What came after Redis 5.0. The versions are those of Redis / Valkey. */
typedef enum weir_feature {
    WEIR_FEATURE_XAUTOCLAIM,      /* 6.2 / 7.2 */
    WEIR_FEATURE_NOMKSTREAM,      /* XADD: 6.2 / 7.2 */
    WEIR_FEATURE_MINID,           /* XADD and XTRIM, also LIMIT: 6.2 / 7.2 */
    WEIR_FEATURE_PENDING_IDLE,    /* XPENDING IDLE, excluded ends there: 6.2 / 7.2 */
    WEIR_FEATURE_CREATECONSUMER,  /* XGROUP CREATECONSUMER: 6.2 / 7.2 */
    WEIR_FEATURE_AUTO_SEQUENCE,   /* XADD with an id "ms-*": 7.0 / 7.2 */
    WEIR_FEATURE_ENTRIESREAD,     /* XGROUP CREATE and SETID: 7.0 / 7.2 */
    WEIR_FEATURE_SETID_FACTS,     /* XSETID ENTRIESADDED, MAXDELETEDID: 7.0 / 7.2 */
    WEIR_FEATURE_XREAD_LAST,      /* XREAD from "+": 7.4 / 8.0 */
    WEIR_FEATURE_TRIM_REFERENCES, /* KEEPREF, DELREF, ACKED of XADD, XTRIM: 8.2 / none */
    WEIR_FEATURE_XDELEX,          /* 8.2 / 9.2 */
    WEIR_FEATURE_XACKDEL,         /* 8.2 / 9.2 */
    WEIR_FEATURE_CLAIM,           /* XREADGROUP CLAIM: 8.4 / none */
    WEIR_FEATURE_IDMP,            /* XADD IDMP, IDMPAUTO: 8.6 / none */
    WEIR_FEATURE_XCFGSET,         /* 8.6 / none */
    WEIR_FEATURE_XNACK,           /* 8.8 / none */
    WEIR_FEATURE_MAXCOUNT         /* XREAD, XREADGROUP MAXCOUNT, MAXSIZE: 8.10 / none */
} weir_feature;

typedef struct weir_server {
    const char *name;    /* "redis", "valkey"; "" if it was not told */
    const char *version; /* "8.6.3"; "" if it was not told */
    uint32_t features;   /* those that it is known to have: bits, 1 << weir_feature */
    uint32_t lacks; /* those that it is known not to have; of the rest nothing is known,
                       and what is asked for goes to the server, who says */
} weir_server;

/*
 * Tells what is known of the server. What HELLO told is enough for Redis and Valkey. Else,
 * as on RESP2, it asks by INFO and COMMAND INFO, once a connection, behind the requests in
 * hand, and waits; a server that forbids both stays unknown. Texts borrow until weir_close.
 * WEIR_OK; WEIR_MORE (non_blocking): it has been asked, step and call again; WEIR_ERR_FULL;
 * and what ends a connection.
 * https://redis.io/docs/latest/commands/info/
 */
WEIR_API weir_status weir_client_server(weir_client *client, weir_server *server);

/* True if it is known to have it. */
static inline bool weir_server_has(const weir_server *server, weir_feature feature) {
    return (server->features >> feature & 1) != 0;
}

#ifdef __cplusplus
}
#endif

#endif
