/* A peer that is played, by the fuzzer or a test: net/net.h without sockets, and a clock
 * that turns as it likes. It says what it is told to say, in pieces, takes commands in
 * pieces, hangs up, and is there again. Linked in place of net/socket.c, net/wait.c and
 * net/wake.c.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_FUZZ_PEER_H
#define WEIR_FUZZ_PEER_H

#include "../net/net.h"
#include "../net/wake.h"
#include "record.h"

#define PEER_BYTES ((size_t)1 << 20)
#define PEER_ARGS  32

/* What goes wrong at the next chance. */
typedef enum peer_fault { PEER_IS_WELL, PEER_HANGS_UP, PEER_FAILS } peer_fault;

typedef struct peer {
    bool is_honest; /* reads commands and answers them; else it takes them and says what
                       it was told to */
    void (*answer)(const weir_view *args, size_t count); /* of an honest one */
    void (*begin)(void); /* called when a connection begins; NULL: nothing is */
    fuzz_pieces says;    /* pieces in which its bytes come; 255: none, once */
    fuzz_pieces takes;   /* pieces in which it takes bytes; likewise */
    size_t says_turn;
    size_t takes_turn;
    bool was_silent; /* it gave nothing when it was asked last */
    bool was_full;   /* it took nothing when it was asked last */
    size_t refusals; /* so often nobody can connect to it; SIZE_MAX: never */
    bool is_connected;
    size_t connections; /* that have begun */
    size_t said_before; /* bytes on the one before */
    size_t said;        /* on all of them */
    /* of this connection; as at first when the next one begins */
    peer_fault fault;
    bool is_stuck;      /* it says and takes nothing: time passes */
    int64_t hang_up_ms; /* then it hangs up, if somebody waits; 0: never */
    size_t says_most;   /* it hangs up when it has said so many bytes; 0: it does not */
    bool sticks;        /* in place of that it gets stuck */
    size_t takes_most;  /* or when it has taken so many */
    size_t taken;       /* bytes */
    int64_t now_ms;
    size_t calls;   /* of all functions here: a client that loops is found by them */
    size_t out_len; /* bytes it has to say on this connection */
    size_t out_at;  /* of them, those that are said */
    size_t in_len;  /* bytes of a command that is not whole */
    char out[PEER_BYTES];
    char in[PEER_BYTES];
} peer;

/* There is one. */
extern peer the_peer;

/* A new peer, silent and honest. */
void peer_reset(void);

/* It has this to say, too; false if that is too much. */
bool peer_say(weir_view bytes);
bool peer_say_text(const char *text);

/* TYPE NUMBER CR LF */
bool peer_say_number(char type, int64_t number);

/* $LENGTH CR LF BYTES CR LF */
bool peer_say_bulk(weir_view bytes);

#endif
