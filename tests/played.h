/* A server that is played in memory, behind a transport: one stream, whose entries hold a
 * number each. Its connection is cut where a test says, and what had been received then
 * is executed, dropped, or executed late, as servers do.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_PLAYED_H
#define WEIR_TESTS_PLAYED_H

#include "support.h"

#include "../weir.h"

#define PLAYED_BYTES   8192
#define PLAYED_ENTRIES 64
#define PLAYED_CALLS   8 /* that the script remembers of a producer */
#define PLAYED_IIDS    100

/* What becomes of commands that were received and not answered when a connection ends. */
enum played_rest {
    PLAYED_EXECUTES, /* at once */
    PLAYED_DROPS,
    PLAYED_IS_LATE /* when the next connection has sent something */
};

struct played_entry {
    weir_id id;
    int number;
};

struct played_call {
    uint64_t number;
    weir_id first;
    weir_id last;
};

/* All zero is a server that has nothing. */
struct played {
    /* what a test says */
    size_t send_most;    /* so many more bytes are taken, then it is cut; SIZE_MAX: never */
    size_t receive_most; /* likewise, given */
    enum played_rest rest;
    bool has_fence;   /* CLIENT KILL drops what is late */
    int refusals;     /* so many XADDs, or calls, are refused: OOM */
    int refused_from; /* the first of them, counted from 0 */

    /* what it tells */
    struct played_entry entries[PLAYED_ENTRIES];
    size_t count;
    size_t sent;     /* bytes taken since the test last set it to 0 */
    size_t received; /* likewise, given */
    size_t connections;
    int adds; /* XADDs and calls that came */

    /* its own */
    bool is_up;
    bool is_cut;
    weir_id last;
    struct played_call calls[PLAYED_CALLS];
    uint64_t last_call;
    uint64_t iids[PLAYED_IIDS];
    weir_id iid_ids[PLAYED_IIDS];
    size_t iid_count; /* ever */
    bool has_script;
    char in[PLAYED_BYTES];
    size_t in_len;
    char late[PLAYED_BYTES];
    size_t late_len;
    char out[PLAYED_BYTES];
    size_t out_len;
    size_t out_at;
};

/* The transport to it; borrows it. */
weir_transport played_transport(struct played *self);

#endif
