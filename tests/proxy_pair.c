/* One connection through the proxy: bytes in both directions, and what breaks them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "proxy_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t proxy_chance(struct proxy_loop *loop, uint64_t most) {
    uint64_t x = loop->random; /* xorshift64* */
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    loop->random = x;
    return 1 + (x * UINT64_C(2685821657736338717) >> 11) % (most > 0 ? most : 1);
}

struct proxy_rule proxy_rule_begin(struct proxy_loop *loop, struct proxy_rule rule) {
    if (rule.act != PROXY_NOTHING && rule.is_random) {
        rule.left = proxy_chance(loop, rule.left);
    }
    return rule;
}

struct proxy_pair *proxy_pair_new(struct proxy_loop *loop, int client, int server) {
    struct proxy_pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL) {
        return NULL;
    }
    pair->fds[PROXY_CLIENT] = client;
    pair->fds[PROXY_SERVER] = server;
    pair->stalled = loop->stalled;
    pair->own = proxy_rule_begin(loop, loop->each);
    pair->is_resp = true;
    weir_reader_init(&pair->reader, NULL);
    return pair;
}

/* ---- ends ---- */

static void close_end(struct proxy_pair *pair, int end, bool by_reset) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (pair->fds[end] < 0) {
        return;
    }
    if (by_reset) {
        (void)setsockopt(pair->fds[end], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    (void)close(pair->fds[end]);
    pair->fds[end] = -1;
    /* nothing comes from there any more; what goes there is dropped (proxy_pass) */
    pair->flows[end == PROXY_CLIENT ? PROXY_UP : PROXY_DOWN].is_over = true;
}

void proxy_pair_free(struct proxy_pair *pair) {
    close_end(pair, PROXY_CLIENT, false);
    close_end(pair, PROXY_SERVER, false);
    free(pair);
}

bool proxy_pair_is_open(const struct proxy_pair *pair) {
    return pair->fds[PROXY_CLIENT] >= 0 || pair->fds[PROXY_SERVER] >= 0;
}

void proxy_act(struct proxy_loop *loop, struct proxy_pair *pair, struct proxy_rule rule) {
    switch (rule.act) {
    case PROXY_NOTHING: break;
    case PROXY_STALL: pair->stalled |= rule.where; break;
    case PROXY_CUT:
    case PROXY_RESET:
        loop->counts.broken++;
        for (int end = PROXY_CLIENT; end <= PROXY_SERVER; end++) {
            if ((rule.where & 1U << end) != 0) {
                close_end(pair, end, rule.act == PROXY_RESET);
                /* the end that is left is not told */
                pair->flows[end == PROXY_CLIENT ? PROXY_UP : PROXY_DOWN].is_shut = true;
            }
        }
        break;
    }
}

/* ---- rules ---- */

static bool counts_here(const struct proxy_rule *rule, int way) {
    int counted = rule->unit == PROXY_REPLIES ? PROXY_DOWN : rule->unit;
    return rule->act != PROXY_NOTHING && counted == way;
}

/* Does what is due, and forgets it. */
static void look_at(struct proxy_loop *loop, struct proxy_pair *pair,
                    struct proxy_rule *rule, int way) {
    if (counts_here(rule, way) && rule->left == 0) {
        struct proxy_rule due = *rule;
        rule->act = PROXY_NOTHING;
        proxy_act(loop, pair, due);
    }
}

/* The bytes that may pass before the rule has to be looked at again. */
static size_t allowed(const struct proxy_rule *rule, int way, size_t len) {
    if (!counts_here(rule, way)) {
        return len;
    }
    uint64_t most = rule->unit == PROXY_REPLIES ? 1 : rule->left;
    return most < len ? (size_t)most : len;
}

static void count_bytes(struct proxy_rule *rule, int way, size_t len) {
    if (counts_here(rule, way) && rule->unit == way) {
        rule->left -= rule->left < len ? rule->left : len;
    }
}

static void count_reply(struct proxy_rule *rule) {
    if (rule->act != PROXY_NOTHING && rule->unit == PROXY_REPLIES && rule->left > 0) {
        rule->left--;
    }
}

/* Follows the server's replies, a byte at a time: a rule may count them later. */
static void follow(struct proxy_loop *loop, struct proxy_pair *pair, const char *bytes,
                   size_t len) {
    for (size_t i = 0; i < len && pair->is_resp; i++) {
        size_t used = 0;
        pair->head[pair->held++] = bytes[i];
        weir_status st = weir_reader_skip_reply(&pair->reader,
                                                weir_bytes(pair->head, pair->held), &used);
        pair->held -= used;
        memmove(pair->head, pair->head + used, pair->held);
        if (st == WEIR_OK) {
            count_reply(&loop->once);
            count_reply(&pair->own);
        }
        pair->is_resp = st >= 0 && pair->held < sizeof pair->head; /* TLS, for instance */
    }
}

/* ---- bytes ---- */

void proxy_fill(struct proxy_loop *loop, struct proxy_pair *pair, int way, int64_t now_ms) {
    struct proxy_flow *flow = &pair->flows[way];
    int from = pair->fds[way == PROXY_UP ? PROXY_CLIENT : PROXY_SERVER];
    if (flow->len == 0 && flow->due_ms < now_ms + loop->manners[way].delay_ms) {
        flow->due_ms = now_ms + loop->manners[way].delay_ms;
    }
    size_t room = sizeof flow->bytes - flow->start - flow->len;
    if (from < 0 || flow->is_over || room == 0) {
        return;
    }
    ssize_t len = recv(from, flow->bytes + flow->start + flow->len, room, MSG_DONTWAIT);
    if (len > 0) {
        flow->len += (size_t)len;
    } else if (len == 0) {
        flow->is_over = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        close_end(pair, PROXY_CLIENT, true);
        close_end(pair, PROXY_SERVER, true);
    }
}

bool proxy_is_due(const struct proxy_pair *pair, int way, int64_t now_ms,
                  int64_t *wait_ms) {
    const struct proxy_flow *flow = &pair->flows[way];
    bool has_end = flow->is_over && !flow->is_shut;
    bool is_others_turn = (pair->stalled & PROXY_TURN_BIT) != 0 && way == PROXY_UP &&
                          pair->flows[PROXY_DOWN].len > 0;
    if ((flow->len == 0 && !has_end) || flow->is_full || is_others_turn ||
        (pair->stalled & 1U << way) != 0) {
        return false;
    }
    if (flow->due_ms > now_ms) {
        int64_t left_ms = flow->due_ms - now_ms;
        *wait_ms = *wait_ms < 0 || left_ms < *wait_ms ? left_ms : *wait_ms;
        return false;
    }
    return true;
}

static size_t piece_of(struct proxy_loop *loop, const struct proxy_pair *pair, int way) {
    const struct proxy_manner *manner = &loop->manners[way];
    size_t len = pair->flows[way].len;
    if (manner->piece > 0) {
        size_t piece =
            manner->is_random ? (size_t)proxy_chance(loop, manner->piece) : manner->piece;
        len = piece < len ? piece : len;
    }
    return allowed(&pair->own, way, allowed(&loop->once, way, len));
}

static void pass_end(struct proxy_pair *pair, int way) {
    int to = pair->fds[way == PROXY_UP ? PROXY_SERVER : PROXY_CLIENT];
    pair->flows[way].is_shut = true;
    if (to >= 0) {
        (void)shutdown(to, SHUT_WR);
    }
    if (pair->flows[1 - way].is_shut) {
        close_end(pair, PROXY_CLIENT, false);
        close_end(pair, PROXY_SERVER, false);
    }
}

static void send_piece(struct proxy_loop *loop, struct proxy_pair *pair, int way, int to,
                       size_t len) {
    struct proxy_flow *flow = &pair->flows[way];
    const char *bytes = flow->bytes + flow->start;
    ssize_t sent = send(to, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) {
        flow->is_full = errno == EAGAIN || errno == EINTR;
        if (!flow->is_full) {
            close_end(pair, PROXY_CLIENT, true);
            close_end(pair, PROXY_SERVER, true);
        }
        return;
    }
    flow->len -= (size_t)sent;
    flow->start = flow->len > 0 ? flow->start + (size_t)sent : 0;
    *(way == PROXY_UP ? &loop->counts.up : &loop->counts.down) += (uint64_t)sent;
    count_bytes(&loop->once, way, (size_t)sent);
    count_bytes(&pair->own, way, (size_t)sent);
    if (way == PROXY_DOWN) {
        follow(loop, pair, bytes, (size_t)sent);
    }
}

void proxy_pass(struct proxy_loop *loop, struct proxy_pair *pair, int way, int64_t now_ms) {
    struct proxy_flow *flow = &pair->flows[way];
    int to = pair->fds[way == PROXY_UP ? PROXY_SERVER : PROXY_CLIENT];
    if (flow->len == 0) {
        pass_end(pair, way);
        return;
    }
    if (to < 0) {
        flow->start = flow->len = 0;
        return;
    }
    size_t len = piece_of(loop, pair, way);
    if (len > 0) {
        send_piece(loop, pair, way, to, len);
        flow->due_ms = loop->manners[way].every_ms > 0
                           ? now_ms + loop->manners[way].every_ms
                           : flow->due_ms;
    }
    look_at(loop, pair, &loop->once, way);
    look_at(loop, pair, &pair->own, way);
}
