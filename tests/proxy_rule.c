/* The proxy's commands (proxy.h): words into what is to happen.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "proxy_loop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WORDS 12

struct words {
    const char *list[MOST_WORDS];
    size_t count;
    size_t next;
};

static struct words split(char *line) {
    struct words words = {.count = 0};
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word != NULL && words.count < MOST_WORDS;
         word = strtok_r(NULL, " ", &rest)) {
        words.list[words.count++] = word;
    }
    return words;
}

/* Takes the next word if it is that one. */
static bool takes(struct words *words, const char *word) {
    bool is_it = words->next < words->count && strcmp(words->list[words->next], word) == 0;
    words->next += is_it ? 1 : 0;
    return is_it;
}

static bool takes_number(struct words *words, uint64_t most, uint64_t *number) {
    char *end;
    if (words->next >= words->count) {
        return false;
    }
    const char *word = words->list[words->next];
    errno = 0;
    unsigned long long given = strtoull(word, &end, 10);
    if (word[0] < '0' || word[0] > '9' || *end != '\0' || errno != 0 || given > most) {
        return false;
    }
    words->next++;
    *number = given;
    return true;
}

static bool is_done(const struct words *words) { return words->next == words->count; }

/* Bits of directions. */
static bool takes_ways(struct words *words, unsigned *ways) {
    *ways = takes(words, "up")     ? PROXY_UP_BIT
            : takes(words, "down") ? PROXY_DOWN_BIT
            : takes(words, "both") ? PROXY_UP_BIT | PROXY_DOWN_BIT
                                   : 0;
    return *ways != 0;
}

static unsigned take_ends(struct words *words) {
    return takes(words, "client")   ? PROXY_CLIENT_BIT
           : takes(words, "server") ? PROXY_SERVER_BIT
                                    : PROXY_CLIENT_BIT | PROXY_SERVER_BIT;
}

static bool takes_unit(struct words *words, int *unit) {
    *unit = takes(words, "up")        ? PROXY_UP
            : takes(words, "down")    ? PROXY_DOWN
            : takes(words, "replies") ? PROXY_REPLIES
                                      : -1;
    return *unit >= 0;
}

/* ---- what is to happen ---- */

static void do_now(struct proxy_loop *loop, struct proxy_rule rule) {
    if (rule.act == PROXY_STALL) {
        loop->stalled |= rule.where;
    }
    for (size_t i = 0; i < loop->pair_count; i++) {
        proxy_act(loop, loop->pairs[i], rule);
    }
}

static void do_each(struct proxy_loop *loop, struct proxy_rule rule) {
    loop->each = rule;
    for (size_t i = 0; i < loop->pair_count; i++) {
        loop->pairs[i]->own = proxy_rule_begin(loop, rule);
    }
}

static bool obey_act(struct proxy_loop *loop, struct words *words, struct proxy_rule rule) {
    bool is_each = takes(words, "each");
    bool is_later = takes(words, "after");
    if (!is_later && is_each) {
        is_later = rule.is_random = takes(words, "within");
    }
    if (is_each && !is_later) {
        return false;
    }
    if (is_later &&
        (!takes_number(words, UINT64_MAX, &rule.left) || !takes_unit(words, &rule.unit))) {
        return false;
    }
    if (!is_done(words)) {
        return false;
    }
    if (!is_later) {
        do_now(loop, rule);
    } else if (is_each) {
        do_each(loop, rule);
    } else {
        loop->once = rule;
    }
    return true;
}

static bool obey_stall(struct proxy_loop *loop, struct words *words) {
    struct proxy_rule rule = {.act = PROXY_STALL};
    return takes_ways(words, &rule.where) && obey_act(loop, words, rule);
}

static bool obey_turns(struct proxy_loop *loop, struct words *words) {
    const struct proxy_rule rule = {.act = PROXY_STALL, .where = PROXY_TURN_BIT};
    return obey_act(loop, words, rule);
}

static bool obey_break(struct proxy_loop *loop, struct words *words, enum proxy_act act) {
    struct proxy_rule rule = {.act = act};
    rule.where = take_ends(words);
    return obey_act(loop, words, rule);
}

static bool obey_go(struct proxy_loop *loop) {
    loop->stalled = 0;
    loop->once.act = PROXY_NOTHING;
    loop->each.act = PROXY_NOTHING;
    for (size_t i = 0; i < loop->pair_count; i++) {
        loop->pairs[i]->stalled = 0;
        loop->pairs[i]->own.act = PROXY_NOTHING;
    }
    return true;
}

/* ---- how bytes pass ---- */

static bool obey_pieces(struct proxy_loop *loop, struct words *words) {
    unsigned ways;
    uint64_t piece = 0;
    uint64_t every_ms = 0;
    if (!takes_ways(words, &ways)) {
        return false;
    }
    bool is_whole = takes(words, "whole");
    bool is_random = !is_whole && takes(words, "random");
    if (!is_whole && (!takes_number(words, PROXY_BUFFER, &piece) || piece == 0)) {
        return false;
    }
    if (!is_whole && takes(words, "every") && !takes_number(words, 60000, &every_ms)) {
        return false;
    }
    for (int way = PROXY_UP; way <= PROXY_DOWN && is_done(words); way++) {
        if ((ways & 1U << way) != 0) {
            loop->manners[way].piece = (size_t)piece;
            loop->manners[way].is_random = is_random;
            loop->manners[way].every_ms = (int64_t)every_ms;
        }
    }
    return is_done(words);
}

static bool obey_delay(struct proxy_loop *loop, struct words *words) {
    unsigned ways;
    uint64_t delay_ms;
    if (!takes_ways(words, &ways) || !takes_number(words, 60000, &delay_ms) ||
        !is_done(words)) {
        return false;
    }
    for (int way = PROXY_UP; way <= PROXY_DOWN; way++) {
        if ((ways & 1U << way) != 0) {
            loop->manners[way].delay_ms = (int64_t)delay_ms;
        }
    }
    return true;
}

static bool obey_backend(struct proxy_loop *loop, struct words *words) {
    if (words->count != 2) {
        return false;
    }
    (void)snprintf(loop->backend, sizeof loop->backend, "%s", words->list[1]);
    return true;
}

static bool obey_accept(struct proxy_loop *loop) {
    return loop->listeners[0] >= 0 || proxy_listen(loop);
}

static bool obey(struct proxy_loop *loop, struct words *words) {
    if (takes(words, "cut")) {
        return obey_break(loop, words, PROXY_CUT);
    }
    if (takes(words, "reset")) {
        return obey_break(loop, words, PROXY_RESET);
    }
    if (takes(words, "stall")) {
        return obey_stall(loop, words);
    }
    if (takes(words, "turns")) {
        return obey_turns(loop, words);
    }
    if (takes(words, "pieces")) {
        return obey_pieces(loop, words);
    }
    if (takes(words, "delay")) {
        return obey_delay(loop, words);
    }
    if (takes(words, "backend")) {
        return obey_backend(loop, words);
    }
    if (words->count != 1) {
        return false;
    }
    if (takes(words, "refuse")) {
        proxy_refuse(loop);
        return true;
    }
    return takes(words, "go")       ? obey_go(loop)
           : takes(words, "accept") ? obey_accept(loop)
                                    : takes(words, "counts");
}

void proxy_obey(struct proxy_loop *loop, char *line, char *answer, size_t most) {
    struct words words = split(line);
    const struct proxy_counts *c = &loop->counts;
    if (!obey(loop, &words)) {
        (void)snprintf(answer, most, "no such command (tests/proxy.h has them)");
    } else if (strcmp(words.list[0], "counts") == 0) {
        (void)snprintf(answer, most,
                       "ok connections %" PRIu64 " open %" PRIu64 " refused %" PRIu64
                       " broken %" PRIu64 " up %" PRIu64 " down %" PRIu64,
                       c->connections, c->open, c->refused, c->broken, c->up, c->down);
    } else {
        (void)snprintf(answer, most, "ok");
    }
}
