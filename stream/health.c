/* How a group is, and the members that it needs no more.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "health.h"

#include "../resp/number.h"
#include "commands.h"

#define NUMBER_BYTES 24

/* ---- looking ---- */

static weir_status look_at_group(weir_client *client, weir_view key, weir_view group,
                                 weir_group_health *health) {
    weir_rows rows;
    weir_group_info info;
    weir_status st = weir_xinfo_groups(client, key, &rows);
    while (st == WEIR_OK && (st = weir_rows_next_group(&rows, &info)) == WEIR_OK) {
        if (weir_view_equal(info.name, group)) {
            health->lag = info.lag;
            health->pending = info.pending_count;
            health->consumers = info.consumer_count;
            break;
        }
    }
    weir_rows_close(&rows);
    return st;
}

static weir_status look_at_consumers(weir_client *client, weir_view key, weir_view group,
                                     weir_group_health *health) {
    weir_rows rows;
    weir_consumer_info info;
    weir_status st = weir_xinfo_consumers(client, key, group, &rows);
    while (st == WEIR_OK && (st = weir_rows_next_consumer(&rows, &info)) == WEIR_OK) {
        bool is_later =
            health->last_seen_ms == WEIR_UNKNOWN || info.idle_ms < health->last_seen_ms;
        health->busy_consumers += info.pending_count > 0;
        health->last_seen_ms = is_later ? info.idle_ms : health->last_seen_ms;
    }
    weir_rows_close(&rows);
    return st == WEIR_END ? WEIR_OK : st;
}

static weir_status look_at_pending(weir_client *client, weir_view key, weir_view group,
                                   weir_group_health *health) {
    weir_rows rows;
    weir_pending_entry oldest;
    weir_status st =
        weir_xpending_range(client, key, group, WEIR_ID_MIN, WEIR_ID_MAX, 1, NULL, &rows);
    if (st == WEIR_OK && (st = weir_rows_next_pending(&rows, &oldest)) == WEIR_OK) {
        health->oldest = oldest.id;
        health->oldest_idle_ms = oldest.idle_ms;
    }
    weir_rows_close(&rows);
    return st == WEIR_END ? WEIR_OK : st;
}

weir_status weir_group_look(weir_client *client, weir_view key, weir_view group,
                            weir_group_health *health) {
    *health = (weir_group_health){
        .lag = WEIR_UNKNOWN, .oldest_idle_ms = WEIR_UNKNOWN, .last_seen_ms = WEIR_UNKNOWN};
    weir_status st = look_at_group(client, key, group, health);
    st = st == WEIR_OK ? look_at_consumers(client, key, group, health) : st;
    return st == WEIR_OK ? look_at_pending(client, key, group, health) : st;
}

/* ---- reaping ---- */

/* XINFO CONSUMERS in a script is a list of names and values on every server. */
#define REAP                                                                               \
    "local count = 0 "                                                                     \
    "for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do "         \
    "local known = {} "                                                                    \
    "for i = 1, #row, 2 do known[row[i]] = row[i + 1] end "                                \
    "if known.pending == 0 and known.idle >= tonumber(ARGV[2]) then "                      \
    "redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], known.name) "                   \
    "count = count + 1 end end "                                                           \
    "return count"

weir_status weir_group_reap(weir_client *client, weir_view key, weir_view group,
                            uint64_t min_idle_ms, uint64_t *count) {
    char idle[NUMBER_BYTES];
    const weir_view words[] = {
        weir_text("EVAL"),
        weir_text(REAP),
        weir_text("1"),
        key,
        group,
        weir_bytes(idle, (size_t)(weir_put_u64(idle, min_idle_ms) - idle))};
    weir_reply reply;
    weir_token token = {.type = WEIR_TOKEN_NULL};
    weir_status st = weir_command(client, words, sizeof words / sizeof words[0], &reply);
    if (st != WEIR_OK) {
        return st;
    }
    st = weir_reply_next(&reply, &token);
    weir_reply_close(&reply);
    if (count != NULL) {
        *count = token.type == WEIR_TOKEN_INTEGER ? (uint64_t)token.number : 0;
    }
    return st;
}
