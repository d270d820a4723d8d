/* The allocator in use: the caller's, or the C library's.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_MEMORY_H
#define WEIR_STREAM_MEMORY_H

#include "../resp/base.h"

/* resize of weir_mem; the C library's where mem->resize is NULL. */
void *weir_mem_resize(const weir_mem *mem, void *block, size_t old_size, size_t new_size);

/* The same for a block that is given back; NULL is fine. */
void weir_mem_free(const weir_mem *mem, void *block, size_t size);

/* Overwrites so that the compiler cannot leave it out. */
void weir_wipe(void *bytes, size_t size);

/*
 * Memory handed out of one caller's block, from its front, and never taken back: for
 * weir_open_in, which asks for everything once. Lives as long as the block.
 */
typedef struct weir_arena {
    char *at;
    size_t left; /* bytes */
} weir_arena;

/* The allocator over an arena; borrows it. */
weir_mem weir_arena_mem(weir_arena *arena);

#endif
