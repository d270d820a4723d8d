/* The allocator in use: the caller's, the C library's, or an arena in a caller's block.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <stdalign.h>
#include <stdlib.h>

void *weir_mem_resize(const weir_mem *mem, void *block, size_t old_size, size_t new_size) {
    if (mem->resize != NULL) {
        return mem->resize(mem->user, block, old_size, new_size);
    }
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, new_size);
}

void weir_mem_free(const weir_mem *mem, void *block, size_t size) {
    if (block != NULL) {
        weir_mem_resize(mem, block, size, 0);
    }
}

void weir_wipe(void *bytes, size_t size) {
    volatile char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        at[i] = 0;
    }
}

static void *take_from_arena(void *user, void *block, size_t old_size, size_t new_size) {
    (void)old_size;
    weir_arena *arena = user;
    size_t padding =
        (alignof(max_align_t) - new_size % alignof(max_align_t)) % alignof(max_align_t);
    if (block != NULL || new_size == 0 || arena->left < new_size ||
        arena->left - new_size < padding) {
        return NULL;
    }
    void *given = arena->at;
    arena->at += new_size + padding;
    arena->left -= new_size + padding;
    return given;
}

weir_mem weir_arena_mem(weir_arena *arena) {
    weir_mem mem = {take_from_arena, arena};
    return mem;
}
