/* A queue of bytes with a ceiling: written at the end, used up at the front. What was used
 * up can be pinned, then it stays where it is until it is unpinned, whatever the queue does
 * meanwhile.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_BUFFER_H
#define WEIR_STREAM_BUFFER_H

#include "memory.h"

typedef struct weir_block {
    size_t capacity; /* bytes behind this head */
    size_t holders;  /* the buffer itself, and each pin */
} weir_block;

typedef struct weir_buffer {
    const weir_mem *mem;
    weir_block *block;
    weir_block *spare; /* an unused one of `base` bytes, or NULL */
    size_t start;      /* of the bytes not used up, within block */
    size_t end;
    size_t base;         /* capacity to begin with */
    size_t most;         /* ceiling of the capacity */
    size_t small_rounds; /* times it was emptied with little in it, in a row */
    size_t peak;         /* most bytes held in those rounds */
    bool is_fixed;       /* it has its spare block, and never allocates again */
    uint64_t offset;     /* bytes ever used up: the stream's offset of `start` */
} weir_buffer;

/* Allocates the first block. WEIR_OK, WEIR_ERR_NOMEM. `mem` is borrowed until free. */
weir_status weir_buffer_init(weir_buffer *buffer, const weir_mem *mem, size_t base,
                             size_t most);

/* Allocates the block that a pin will need now instead of then. WEIR_OK, WEIR_ERR_NOMEM. */
weir_status weir_buffer_keep_spare(weir_buffer *buffer);

/* Frees all but blocks that are pinned: unpin those before. A zeroed buffer is fine. */
void weir_buffer_free(weir_buffer *buffer);

static inline char *weir_block_bytes(weir_block *block) { return (char *)(block + 1); }

static inline size_t weir_buffer_len(const weir_buffer *buffer) {
    return buffer->end - buffer->start;
}

/* The bytes not used up, from stream offset `from` on (start <= from <= end). Good until
 * the next weir_buffer_room, unless pinned. */
static inline weir_view weir_buffer_from(const weir_buffer *buffer, uint64_t from) {
    size_t start = buffer->start + (size_t)(from - buffer->offset);
    return weir_bytes(weir_block_bytes(buffer->block) + start, buffer->end - start);
}

static inline weir_view weir_buffer_view(const weir_buffer *buffer) {
    return weir_buffer_from(buffer, buffer->offset);
}

/*
 * Makes room for `want` bytes (1 or more) behind the end: *at and *room, which is at least
 * `want`. Write there, then call weir_buffer_filled.
 * WEIR_ERR_LIMIT: not below the ceiling. WEIR_ERR_NOMEM. The buffer is then as it was.
 */
weir_status weir_buffer_room(weir_buffer *buffer, size_t want, char **at, size_t *room);

/* False if there is no room for a byte, and no block to go on in: a fixed buffer whose
 * blocks are all pinned. */
static inline bool weir_buffer_can_grow(const weir_buffer *buffer) {
    bool is_pinned = buffer->block->holders > 1;
    bool is_at_end = buffer->end == buffer->block->capacity;
    return !(is_pinned && is_at_end && buffer->is_fixed && buffer->spare == NULL);
}

/* `count` bytes were written behind the end. */
void weir_buffer_filled(weir_buffer *buffer, size_t count);

/* Uses up everything before stream offset `to`. */
static inline void weir_buffer_use_to(weir_buffer *buffer, uint64_t to) {
    buffer->start += (size_t)(to - buffer->offset);
    buffer->offset = to;
}

/* Takes back what was written behind stream offset `to`; nothing pinned may lie there. */
void weir_buffer_cut(weir_buffer *buffer, uint64_t to);

/* Pins the block that holds the bytes now: they stay until weir_buffer_unpin. */
static inline weir_block *weir_buffer_pin(weir_buffer *buffer) {
    buffer->block->holders++;
    return buffer->block;
}

/* Nobody holds this block any more. */
void weir_buffer_drop(weir_buffer *buffer, weir_block *block);

/* Gives a pin back; NULL is fine. */
static inline void weir_buffer_unpin(weir_buffer *buffer, weir_block *block) {
    if (block != NULL && --block->holders == 0) {
        weir_buffer_drop(buffer, block);
    }
}

#endif
