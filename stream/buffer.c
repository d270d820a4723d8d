/* A queue of bytes with a ceiling, whose blocks can be pinned.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "buffer.h"

/* Less room than this at the end is not worth a system call if more can be made. */
#define SMALL_ROOM(base) ((base) / 4)

/* So often a buffer must have been emptied with little in it before it shrinks. */
#define ROUNDS_TO_SHRINK 1024

static weir_block *new_block(const weir_mem *mem, size_t capacity) {
    if (capacity > SIZE_MAX - sizeof(weir_block)) {
        return NULL;
    }
    weir_block *block = weir_mem_resize(mem, NULL, 0, sizeof *block + capacity);
    if (block != NULL) {
        block->capacity = capacity;
        block->holders = 1;
    }
    return block;
}

static void free_block(const weir_mem *mem, weir_block *block) {
    if (block != NULL) {
        weir_mem_free(mem, block, sizeof *block + block->capacity);
    }
}

weir_status weir_buffer_init(weir_buffer *buffer, const weir_mem *mem, size_t base,
                             size_t most) {
    memset(buffer, 0, sizeof *buffer);
    buffer->block = new_block(mem, base);
    if (buffer->block == NULL) {
        return WEIR_ERR_NOMEM;
    }
    buffer->mem = mem;
    buffer->base = base;
    buffer->most = most > base ? most : base;
    return WEIR_OK;
}

void weir_buffer_free(weir_buffer *buffer) {
    if (buffer->block != NULL) {
        weir_buffer_unpin(buffer, buffer->block);
        free_block(buffer->mem, buffer->spare);
    }
    memset(buffer, 0, sizeof *buffer);
}

/* The next capacity that holds `need` bytes: doubled, not above the ceiling. */
static size_t grown(const weir_buffer *buffer, size_t need) {
    size_t capacity = buffer->base;
    while (capacity < need && capacity < buffer->most) {
        capacity = capacity > buffer->most / 2 ? buffer->most : capacity * 2;
    }
    return capacity;
}

/* The bytes go on in another block, because this one is pinned. */
static weir_status change_block(weir_buffer *buffer, size_t capacity) {
    weir_block *block = buffer->spare;
    if (block != NULL && block->capacity >= capacity) {
        buffer->spare = NULL;
        block->holders = 1;
    } else {
        block = new_block(buffer->mem, capacity);
        if (block == NULL) {
            return WEIR_ERR_NOMEM;
        }
    }
    size_t len = weir_buffer_len(buffer);
    memcpy(weir_block_bytes(block), weir_block_bytes(buffer->block) + buffer->start, len);
    buffer->block->holders--; /* its pins hold it on */
    buffer->block = block;
    buffer->start = 0;
    buffer->end = len;
    return WEIR_OK;
}

static void move_to_front(weir_buffer *buffer) {
    size_t len = weir_buffer_len(buffer);
    char *bytes = weir_block_bytes(buffer->block);
    memmove(bytes, bytes + buffer->start, len);
    buffer->start = 0;
    buffer->end = len;
}

static weir_status resize_block(weir_buffer *buffer, size_t capacity) {
    weir_block *block = buffer->block;
    size_t head = sizeof *block;
    if (capacity > SIZE_MAX - head) {
        return WEIR_ERR_NOMEM;
    }
    block = weir_mem_resize(buffer->mem, block, head + block->capacity, head + capacity);
    if (block == NULL) {
        return WEIR_ERR_NOMEM;
    }
    block->capacity = capacity;
    buffer->block = block;
    return WEIR_OK;
}

/* Makes the block's tail at least `want` bytes long, in the cheapest way that is left. */
static weir_status make_room(weir_buffer *buffer, size_t want) {
    size_t len = weir_buffer_len(buffer);
    if (want > buffer->most - len) {
        return WEIR_ERR_LIMIT;
    }
    bool is_pinned = buffer->block->holders > 1;
    if (is_pinned) {
        size_t capacity = grown(buffer, len + want);
        bool gains_little = capacity > buffer->base && capacity - len < len / 4;
        return change_block(buffer, gains_little ? grown(buffer, capacity + 1) : capacity);
    }
    bool fits_here = want <= buffer->block->capacity - len;
    bool is_mostly_used_up = len <= buffer->block->capacity / 2;
    if (fits_here && is_mostly_used_up) {
        move_to_front(buffer);
        return WEIR_OK;
    }
    /* Moving a nearly full block for little room each time would cost quadratic time. */
    size_t twice = buffer->block->capacity > buffer->most / 2 ? buffer->most
                                                              : buffer->block->capacity * 2;
    size_t capacity = twice >= len + want ? twice : grown(buffer, len + want);
    if (capacity > buffer->block->capacity) {
        weir_status st = resize_block(buffer, capacity);
        if (st != WEIR_OK && !fits_here) {
            return st;
        }
    }
    move_to_front(buffer);
    return WEIR_OK;
}

/* Empty: begin at the front again. A capacity of which no more than a quarter was needed
 * for long is given back: what a rare large answer took. */
static void start_over(weir_buffer *buffer) {
    if (buffer->block->holders > 1) {
        return;
    }
    buffer->start = 0;
    buffer->end = 0;
    size_t capacity = buffer->block->capacity;
    if (capacity == buffer->base || buffer->peak > capacity / 4) {
        buffer->small_rounds = 0;
        buffer->peak = 0;
    } else if (++buffer->small_rounds >= ROUNDS_TO_SHRINK) {
        resize_block(buffer, grown(buffer, buffer->peak)); /* else it stays large */
        buffer->small_rounds = 0;
        buffer->peak = 0;
    }
}

/* True if moving the bytes to the front is cheap and gains what a small tail lacks. */
static bool is_worth_moving(const weir_buffer *buffer) {
    size_t capacity = buffer->block->capacity;
    return capacity - buffer->end < SMALL_ROOM(buffer->base) && buffer->start > 0 &&
           weir_buffer_len(buffer) <= capacity / 2 && buffer->block->holders == 1;
}

weir_status weir_buffer_room(weir_buffer *buffer, size_t want, char **at, size_t *room) {
    if (weir_buffer_len(buffer) == 0) {
        start_over(buffer);
    }
    if (buffer->block->capacity - buffer->end < want) {
        weir_status st = make_room(buffer, want);
        if (st != WEIR_OK) {
            return st;
        }
    } else if (is_worth_moving(buffer)) {
        move_to_front(buffer);
    }
    *at = weir_block_bytes(buffer->block) + buffer->end;
    *room = buffer->block->capacity - buffer->end;
    return WEIR_OK;
}

void weir_buffer_filled(weir_buffer *buffer, size_t count) {
    buffer->end += count;
    if (weir_buffer_len(buffer) > buffer->peak) {
        buffer->peak = weir_buffer_len(buffer);
    }
}

void weir_buffer_cut(weir_buffer *buffer, uint64_t to) {
    buffer->end = buffer->start + (size_t)(to - buffer->offset);
}

void weir_buffer_drop(weir_buffer *buffer, weir_block *block) {
    if (buffer->spare == NULL && block != buffer->block &&
        block->capacity == buffer->base) {
        buffer->spare = block;
        return;
    }
    free_block(buffer->mem, block);
}

weir_status weir_buffer_keep_spare(weir_buffer *buffer) {
    buffer->is_fixed = true;
    buffer->spare = new_block(buffer->mem, buffer->base);
    return buffer->spare != NULL ? WEIR_OK : WEIR_ERR_NOMEM;
}
