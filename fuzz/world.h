/* What goes on in fuzz_session: a client, what was asked on it, and what is in hand. Its
 * parts are the honest peer's answers, what must hold of each call, and the calls.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_FUZZ_WORLD_H
#define WEIR_FUZZ_WORLD_H

#include "../stream/client_private.h"
#include "peer.h"

typedef enum kind {
    KIND_ID,
    KIND_COUNT,
    KIND_IS_NEW,
    KIND_RANGE,
    KIND_STREAMS,
    KIND_AUTOCLAIM,
    KIND_PENDING,
    KIND_REPLY,
    KINDS
} kind;

/* A request, known by its number: its key is "k" and the number. */
typedef struct asked {
    kind kind;
    uint8_t shape;   /* bits of how an honest peer answers, see has_shape */
    uint8_t entries; /* that it gives */
    size_t value_len;
} asked;

enum {
    SHAPE_ERROR = 1,     /* an error */
    SHAPE_PUSH = 2,      /* a push in front */
    SHAPE_ATTRIBUTE = 4, /* an attribute in front */
    SHAPE_PAIRS = 8,     /* streams as an array of pairs */
    SHAPE_NULL = 16,     /* null in place of entries */
    SHAPE_ODD = 32       /* every other entry is a deleted one */
};

#define MOST_ASKED   256
#define MOST_HANDLES 5

/* An iterator and the entry that it gave last. */
typedef struct handle {
    weir_entries entries;
    weir_entry entry;
    bool has_entry;
    uint64_t sum;     /* of the entry's bytes, when it was given */
    size_t number;    /* of the request; 0: none */
    uint64_t last;    /* place of the entry in the answer */
    bool has_skipped; /* some entries were refused */
} handle;

typedef struct world {
    weir_client *client;
    bool is_honest;
    bool is_blocking;
    bool may_lack_memory;
    bool is_lasting;       /* it connects again */
    weir_link_state state; /* as it was told last; 0: nothing was */
    weir_status failure;   /* what ended the connection, or the client if it is lasting */
    weir_view greeting;    /* of a peer that says the wire, on each connection */
    weir_view wire;        /* that it says behind it, what is left of it on the next one */
    size_t asked_count;
    asked asked[MOST_ASKED + 1];   /* from 1 */
    unsigned seen[MOST_ASKED + 1]; /* how often an honest peer was asked */
    size_t order[MOST_ASKED];      /* numbers of the appended that are not taken */
    size_t order_first;
    size_t order_end;
    handle handles[MOST_HANDLES];
    weir_reply reply;
    weir_view reply_bytes; /* of the token in hand */
    uint64_t reply_sum;
    weir_pending pending;
    fuzz_input script;
    fuzz_mem counts;
} world;

/* There is one. */
extern world the_world;

static inline bool world_has_shape(const asked *request, unsigned shape) {
    return (request->shape & shape) != 0;
}

/* ---- honest.c ---- */

/* Answers one command as an honest peer. */
void world_answer(const weir_view *args, size_t count);

/* A connection begins: what a peer that says the wire says on it. */
void world_begin(void);

/* ---- outcome.c ---- */

/* A variable was used for a new answer, which was that of `number` and gave `st`. */
void world_open_hand(handle *hand, size_t number, weir_status st);

/* A number that tells bytes apart, whatever they are. */
uint64_t world_add_to_sum(uint64_t sum, weir_view bytes);
uint64_t world_sum_of(const weir_entry *entry);

/* What is in hand is as it was when it was given. */
void world_check_hands(void);

/* The token in hand is none any more. */
void world_drop_token(void);

/* With FUZZ_TRACE in the environment: prints what each call gave. */
void world_trace(const char *what, size_t number, weir_status st);

/* What holds of the status of every call. */
void world_check_status(weir_status st);

/* Statuses with which an answer was taken. */
bool world_is_outcome(weir_status st);

/* The caller's mistake, or the connection is lost. */
bool world_is_refusal(weir_status st);

/* Told of a request that was in flight, or queued, when a connection was lost. */
bool world_is_loss(weir_status st);

/* The owner of a lasting client is told of a change: it follows from the one before. */
void world_note_change(void *context, const weir_link_event *event);

/* An error answer names its own request; an answer was asked for once; what was surely not
 * executed was never asked. */
void world_check_end(size_t number, weir_status st);

/* Of an honest peer, an answer is that of its request. */
void world_check_own(bool is_own);
void world_check_pending(size_t number, weir_status st);

/* ---- requests.c ---- */

/* A variable that the script chooses. */
handle *world_choose_hand(void);

/* Appends this request. */
weir_status world_ask(size_t number, const asked *request);

/* Appends a request, or makes one and waits for it, as the script chooses. */
void world_append(void);
void world_call(void);

/* The request whose answer is due, 0 if none is. */
size_t world_due(void);

/* Takes what is due, as the script chooses, or as that of `number` and `as`; KINDS: any. */
void world_take(void);
void world_take_as(size_t number, kind as, handle *hand);

#endif
