/* A client before a peer that is played (fuzz/peer.h): the same few requests are asked and
 * taken whatever goes wrong, and each must have exactly one end, its own.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_STAGE_H
#define WEIR_TESTS_STAGE_H

#include "support.h"

#include "../fuzz/peer.h"
#include "../stream/client_private.h"

#define STAGE_REQUESTS 6 /* of every kind of answer: a value, an iterator, a reply */

/* What became of a request. */
typedef enum stage_end {
    STAGE_NOT_ASKED,    /* the append did nothing */
    STAGE_ANSWERED,     /* by its own answer */
    STAGE_NEVER_RUN,    /* told as surely not executed */
    STAGE_UNKNOWN,      /* told as perhaps executed */
    STAGE_OTHER_ANSWER, /* what came was no answer to it, and this was told */
    STAGE_NO_MEMORY     /* its answer could not be held */
} stage_end;

/* What goes wrong on one connection; the others are well. */
typedef struct stage_fault {
    size_t on;          /* which connection; 0: the first */
    fuzz_pieces manner; /* in which pieces the peer says and takes, on all of them */
    size_t says_most;   /* it hangs up behind so many bytes; 0: it does not */
    size_t takes_most;
    bool sticks;         /* it gets stuck in place of hanging up */
    size_t spoiled;      /* which answer is spoiled, counted from 1, the handshake's too */
    const char *instead; /* what is said in its place; NULL: the next answer, then this */
    const char *behind;  /* what is said behind it; NULL: nothing */
    int64_t jump_ms;     /* by which the clock jumps then */
} stage_fault;

typedef struct stage {
    /* set before stage_open, or zero */
    weir_options options;
    const char *version;       /* of the server on the first connection */
    const char *later_version; /* on those behind it; NULL: the same */
    const char *aside;         /* said before each answer: pushes, attributes */
    stage_fault fault;
    size_t refuse_at; /* the allocation that fails, counted from 1; 0: none */
    bool refuses_on;  /* and all behind it */
    bool lacks_hello; /* the peer does not know HELLO */
    bool is_in_turn;  /* each answer is taken before the next request is asked */

    weir_client *client; /* NULL: it could not be opened */
    weir_status opened;
    fuzz_mem counts;
    size_t answers;                     /* that were begun on this connection */
    weir_view held;                     /* the answer that is said behind the next */
    stage_end ends[STAGE_REQUESTS + 1]; /* from 1 on */
    unsigned seen[STAGE_REQUESTS + 2];  /* how often the peer was asked */
    weir_error last;                    /* the last failure that was told of a request */
} stage;

/* There is one on stage at a time. */
extern stage *the_stage;

#define STAGE_BEGAN_MS 100000000 /* on the clock */

/* A new peer, and a client that opens. */
void stage_open(stage *self);

/* Asks all, then takes all. */
void stage_ask_and_take(stage *self);

/* Appends request `number`, or takes its answer as what is due. */
weir_status stage_append(stage *self, size_t number);
void stage_take(stage *self, size_t number);

/* Waits as an event loop does, and steps. */
void stage_turn(stage *self);

/* Each request had one end, and it is true: what was answered the peer has seen once, what
 * was never run it has not seen, nothing was sent twice. */
void stage_check(const stage *self);

/* One more request must be answered, within so many tries. */
void stage_expect_good(stage *self, int tries);

/* Closes; nothing may be left. */
void stage_close(stage *self);

#endif
