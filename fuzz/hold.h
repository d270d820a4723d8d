/* A text that may still be taken back: held until it is kept, in little memory, beyond that
 * in a temporary file.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_FUZZ_HOLD_H
#define WEIR_FUZZ_HOLD_H

#include "render.h"

#include <stdio.h>

#define HOLD_ROOM (64 * 1024)

struct hold {
    FILE *out;        /* where kept text goes; borrowed */
    FILE *spill;      /* the beginning of what is held, NULL if that was never large */
    uint64_t spilled; /* bytes in it */
    size_t len;       /* bytes in room, behind those */
    int os_error;     /* errno of the first failure: nothing is written after it */
    char room[HOLD_ROOM];
};

void hold_open(struct hold *hold, FILE *out);

/* Closes the temporary file; what is held and was not kept is gone. */
void hold_close(struct hold *hold);

/* The sink that writes here; borrows hold. */
struct render_sink hold_sink(struct hold *hold);

#endif
