/* A transport of the test's own: keeps what the client sends, and says what it is told. It
 * answers the handshake as a server that has every command.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_TAPE_H
#define WEIR_TESTS_TAPE_H

#include "../weir.h"

#define TAPE_BYTES ((size_t)1 << 20)

struct tape {
    char sent[TAPE_BYTES];
    size_t sent_len;
    size_t seen; /* of it, commands of the handshake that were answered */
    const char *said;
    size_t said_len; /* bytes that the client has still to receive */
    bool is_greeted;
    char greeting[512];
    size_t greeting_len;
};

/* A client that speaks through the tape and never waits; nothing is sent that the tape
 * remembers. */
weir_client *tape_open(struct tape *tape);

/* What the client has sent since the last call. Good until the next one. */
weir_view tape_take_sent(struct tape *tape, weir_client *client);

/* The client will receive this, which is borrowed until it has. */
void tape_say(struct tape *tape, weir_view bytes);

#endif
