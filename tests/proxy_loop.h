/* The proxy's inside: its connections and what is to happen to them.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_PROXY_LOOP_H
#define WEIR_TESTS_PROXY_LOOP_H

#include "proxy.h"

#include "../resp/reader.h"

#include <stddef.h>

#define PROXY_BUFFER 16384
#define PROXY_HELD   256 /* the beginning of a reply that the reader has not used yet */

enum { PROXY_CLIENT, PROXY_SERVER };          /* ends */
enum { PROXY_UP, PROXY_DOWN, PROXY_REPLIES }; /* directions, and what is counted */
enum { PROXY_UP_BIT = 1, PROXY_DOWN_BIT = 2, PROXY_TURN_BIT = 4 }; /* of stall */
enum { PROXY_CLIENT_BIT = 1, PROXY_SERVER_BIT = 2 };

enum proxy_act { PROXY_NOTHING, PROXY_CUT, PROXY_RESET, PROXY_STALL };

/* What is to happen once that much has passed. */
struct proxy_rule {
    enum proxy_act act;
    unsigned where; /* bits: ends, or directions to stall */
    int unit;
    bool is_random; /* of 1 to `left` */
    uint64_t left;
};

/* How one direction passes bytes on. */
struct proxy_manner {
    size_t piece; /* 0: whole */
    bool is_random;
    int64_t every_ms;
    int64_t delay_ms;
};

struct proxy_flow {
    size_t start;
    size_t len;
    int64_t due_ms; /* not before that */
    bool is_over;   /* its source has ended */
    bool is_shut;   /* and its other end was told */
    bool is_full;   /* the other end takes no more now */
    char bytes[PROXY_BUFFER];
};

struct proxy_pair {
    int fds[2]; /* -1: that end was closed */
    unsigned stalled;
    struct proxy_rule own;
    struct proxy_flow flows[2];
    weir_reader reader;
    size_t held;
    bool is_resp; /* so far */
    char head[PROXY_HELD];
};

struct proxy_loop {
    int control_in;
    int control_out;
    int listeners[2]; /* -1: refuses */
    uint16_t port;
    char path[48];
    char backend[128];
    uint64_t random;
    struct proxy_counts counts;
    struct proxy_manner manners[2];
    struct proxy_rule once;
    struct proxy_rule each; /* copied by each new pair */
    unsigned stalled;       /* likewise */
    size_t line_len;
    char line[256];
    size_t pair_count;
    struct proxy_pair *pairs[PROXY_MOST];
};

/* Listens; false: it cannot, and errno says why. `path` and the fields of control are the
 * caller's to set before. */
bool proxy_listen(struct proxy_loop *loop);
void proxy_refuse(struct proxy_loop *loop);

/* Serves until its control ends. */
void proxy_serve(struct proxy_loop *loop);

/* Does what a line says; writes the answer, without its end of line. */
void proxy_obey(struct proxy_loop *loop, char *line, char *answer, size_t most);

/* ---- pairs (proxy_pair.c) ---- */

/* A number of 1 to `most`. */
uint64_t proxy_chance(struct proxy_loop *loop, uint64_t most);

/* NULL: there is no memory. */
struct proxy_pair *proxy_pair_new(struct proxy_loop *loop, int client, int server);

/* Closes what is open, and frees it. */
void proxy_pair_free(struct proxy_pair *pair);

/* False where both ends are closed. */
bool proxy_pair_is_open(const struct proxy_pair *pair);

/* The copy of a rule that begins to count now. */
struct proxy_rule proxy_rule_begin(struct proxy_loop *loop, struct proxy_rule rule);

/* Does it to the pair. */
void proxy_act(struct proxy_loop *loop, struct proxy_pair *pair, struct proxy_rule rule);

/* Reads what the direction's source has. */
void proxy_fill(struct proxy_loop *loop, struct proxy_pair *pair, int way, int64_t now_ms);

/* True if it has something to pass on; *wait_ms is lessened to when that will be. */
bool proxy_is_due(const struct proxy_pair *pair, int way, int64_t now_ms, int64_t *wait_ms);

/* Passes on the next piece. */
void proxy_pass(struct proxy_loop *loop, struct proxy_pair *pair, int way, int64_t now_ms);

#endif
