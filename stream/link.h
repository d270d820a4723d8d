/* A connection that is kept alive: when to try again, when to stop. It knows of no socket,
 * and the clock is an argument.
 *
 *     CONNECTING -> READY -> LOST -> WAITING -> CONNECTING ...
 *          `----------------> LOST -> ENDED
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_LINK_H
#define WEIR_STREAM_LINK_H

#include "backoff.h"
#include "client.h"

/* Caller-held. */
typedef struct weir_link {
    bool is_on;            /* else the first loss ends it */
    weir_link_state state; /* CONNECTING, READY, WAITING or ENDED */
    weir_reconnect rules;  /* the caller's, with defaults filled in */
    weir_backoff backoff;
    unsigned tries;   /* to connect, since it was ready and of use */
    int64_t began_ms; /* the last try */
    int64_t next_ms;  /* WAITING: the next one */
    int64_t delay_ms; /* WAITING: how long, in all */
    int64_t down_ms;  /* since when it is not ready */
} weir_link;

/* The reason why the options are wrong, NULL if they are fine. */
const char *weir_link_check(const weir_reconnect *rules);

/* `rules` is copied; `seed`: any number that others do not have too. */
void weir_link_init(weir_link *link, const weir_reconnect *rules, uint64_t seed,
                    int64_t now_ms);

/* A try begins: CONNECTING. */
void weir_link_try(weir_link *link, int64_t now_ms);

/* It has succeeded: READY. */
void weir_link_ready(weir_link *link);

/*
 * The try or the connection has ended, `error` says why. was_useful: a request was answered
 * on it; only then does the next delay begin at the floor again, so that a server that
 * accepts and goes away is not asked in a storm. Then WAITING, or ENDED: cancelled, not
 * possible at all, no reconnecting wanted, or no other try before give_up_ms have passed
 * since it was ready last.
 */
void weir_link_lose(weir_link *link, const weir_error *error, bool was_useful,
                    int64_t now_ms);

/* The caller wants a try at `next_ms`, whatever was before: WAITING, and all times begin
 * anew. */
void weir_link_wait_until(weir_link *link, int64_t next_ms);

/* WAITING, and the time for the next try has come. */
static inline bool weir_link_is_due(const weir_link *link, int64_t now_ms) {
    return link->state == WEIR_LINK_WAITING && now_ms >= link->next_ms;
}

#endif
