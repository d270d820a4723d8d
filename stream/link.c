/* A connection that is kept alive: when to try again, when to stop.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#define FLOOR_MS   50
#define CEILING_MS 5000
#define MOST_MS    (INT64_MAX / 8) /* a time is a sum with the clock */

/* What only people can put right is not tried more often than this. */
#define REFUSED_MS 1000

const char *weir_link_check(const weir_reconnect *rules) {
    if (rules->floor_ms < 0 || rules->ceiling_ms < 0 || rules->give_up_ms < 0) {
        return "a time of options.reconnect is in milliseconds, 0 for the default";
    }
    int64_t floor_ms = rules->floor_ms != 0 ? rules->floor_ms : FLOOR_MS;
    if (rules->ceiling_ms != 0 && rules->ceiling_ms < floor_ms) {
        return "reconnect.ceiling_ms is below floor_ms";
    }
    return NULL;
}

static int64_t or_default(int64_t given_ms, int64_t standard_ms) {
    int64_t ms = given_ms != 0 ? given_ms : standard_ms;
    return ms < MOST_MS ? ms : MOST_MS;
}

void weir_link_init(weir_link *link, const weir_reconnect *rules, uint64_t seed,
                    int64_t now_ms) {
    *link = (weir_link){.is_on = rules->is_on, .rules = *rules, .down_ms = now_ms};
    link->rules.floor_ms = or_default(rules->floor_ms, FLOOR_MS);
    int64_t floor_ms = link->rules.floor_ms;
    link->rules.ceiling_ms =
        or_default(rules->ceiling_ms, floor_ms < CEILING_MS ? CEILING_MS : floor_ms);
    link->state = WEIR_LINK_CONNECTING;
    weir_backoff_init(&link->backoff, link->rules.floor_ms, link->rules.ceiling_ms, seed);
}

void weir_link_try(weir_link *link, int64_t now_ms) {
    link->state = WEIR_LINK_CONNECTING;
    link->began_ms = now_ms;
    link->tries++;
}

void weir_link_ready(weir_link *link) { link->state = WEIR_LINK_READY; }

/* Nothing that time could mend. */
static bool is_hopeless(weir_status status) {
    return status == WEIR_ERR_CANCELLED || status == WEIR_ERR_ARG ||
           status == WEIR_ERR_UNSUPPORTED;
}

/* The server has refused us, for a reason that does not pass by itself. */
static bool is_refused(const weir_error *error) {
    return error->status == WEIR_ERR_REFUSED && error->kind != WEIR_KIND_RETRY;
}

static int64_t delay_after(weir_link *link, const weir_error *error, int64_t now_ms) {
    int64_t delay_ms = weir_backoff_next(&link->backoff);
    int64_t least_ms = link->began_ms + REFUSED_MS - now_ms;
    return is_refused(error) && delay_ms < least_ms ? least_ms : delay_ms;
}

void weir_link_lose(weir_link *link, const weir_error *error, bool was_useful,
                    int64_t now_ms) {
    if (link->state == WEIR_LINK_READY) {
        link->down_ms = now_ms;
    }
    if (was_useful) {
        link->tries = 0;
        weir_backoff_reset(&link->backoff);
    }
    link->state = WEIR_LINK_ENDED;
    if (!link->is_on || is_hopeless(error->status)) {
        return;
    }
    link->delay_ms = delay_after(link, error, now_ms);
    link->next_ms = now_ms + link->delay_ms;
    bool is_over = link->rules.give_up_ms != 0 &&
                   link->next_ms - link->down_ms >= link->rules.give_up_ms;
    link->state = is_over ? WEIR_LINK_ENDED : WEIR_LINK_WAITING;
}

void weir_link_wait_until(weir_link *link, int64_t next_ms) {
    weir_backoff_reset(&link->backoff);
    link->state = WEIR_LINK_WAITING;
    link->tries = 0;
    link->delay_ms = 0;
    link->next_ms = next_ms;
    link->down_ms = next_ms;
}
