/* The memory of a producer's entries: records, and pieces for their bytes. Both are used
 * again and again; only what was never needed before is asked of the allocator, and nothing
 * beyond the ceilings.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_PRODUCER_STORE_H
#define WEIR_STREAM_PRODUCER_STORE_H

#include "memory.h"
#include "producer_lane.h"

#define WEIR_LEAST_PIECE 64 /* bytes; each class has twice as many as the one before */
#define WEIR_PIECES      32

typedef struct weir_piece {
    struct weir_piece *next;
} weir_piece;

typedef struct weir_slab weir_slab;

/* Caller-held. */
typedef struct weir_store {
    weir_mem mem;
    size_t most_bytes;               /* of all pieces, free ones included */
    size_t bytes;                    /* likewise, now */
    size_t used;                     /* of these, of pieces that items have */
    weir_item *free;                 /* records */
    weir_slab *slabs;                /* where the records are */
    weir_piece *pieces[WEIR_PIECES]; /* free ones, by class */
} weir_store;

void weir_store_init(weir_store *store, const weir_mem *mem, size_t most_bytes);
void weir_store_free(weir_store *store);

/* A record, zeroed but for its pointers; NULL: no memory. */
weir_item *weir_store_item(weir_store *store);

/* A piece of `size` bytes or more for item->bytes. WEIR_OK; WEIR_ERR_FULL: the ceiling;
 * WEIR_ERR_NOMEM. */
weir_status weir_store_bytes(weir_store *store, weir_item *item, size_t size);

/* Gives back a record and its piece. */
void weir_store_give_back(weir_store *store, weir_item *item);

/* What a piece of `size` bytes takes. SIZE_MAX: more than there can be. */
size_t weir_store_piece_size(size_t size);

#endif
