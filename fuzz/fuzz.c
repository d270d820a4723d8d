/* What every harness has: choices, guarded memory, a counting allocator, an end that tells.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_broken(const char *property) {
    (void)fprintf(stderr, "broken: %s\n", property);
    abort();
}

fuzz_input fuzz_open(const uint8_t *data, size_t len) {
    fuzz_input input = {data, len, len > 0 && data[len - 1] != '\n'};
    return input;
}

uint8_t fuzz_choice(fuzz_input *input) {
    return input->has_choices && input->len > 0 ? input->bytes[--input->len] : 0;
}

size_t fuzz_choice_below(fuzz_input *input, size_t count) {
    return fuzz_choice(input) % count;
}

size_t fuzz_wide_choice(fuzz_input *input) {
    size_t low = fuzz_choice(input);
    return low | (size_t)fuzz_choice(input) << 8;
}

weir_view fuzz_wire(const fuzz_input *input) {
    return weir_bytes(input->bytes, input->len);
}

/* The rooms are mapped once and kept: mapping for each input would cost more than trying
 * it. */
static char *room_end(unsigned room) {
    static char *ends[FUZZ_ROOMS];
    fuzz_check(room < FUZZ_ROOMS, "a harness uses rooms that there are");
    if (ends[room] == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *map = mmap(NULL, FUZZ_ROOM_BYTES + page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED || mprotect(map + FUZZ_ROOM_BYTES, page, PROT_NONE) != 0) {
            fuzz_broken("memory can be mapped");
        }
        ends[room] = map + FUZZ_ROOM_BYTES;
    }
    return ends[room];
}

char *fuzz_room(unsigned room, size_t len) {
    fuzz_check(len <= FUZZ_ROOM_BYTES, "a harness keeps to the room it has");
    return room_end(room) - len;
}

weir_view fuzz_guard(unsigned room, weir_view bytes) {
    char *copy = fuzz_room(room, bytes.len);
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return weir_bytes(copy, bytes.len);
}

static bool is_refused(const fuzz_mem *counts) {
    return counts->calls == counts->refuse_at ||
           (counts->refuses_on && counts->calls > counts->refuse_at);
}

/* Each block is exactly as large as asked for, and moves whenever it changes its size. */
static void *counted_resize(void *user, void *block, size_t old_size, size_t new_size) {
    fuzz_mem *counts = user;
    fuzz_check((block == NULL) == (old_size == 0), "a block is given back with its size");
    if (new_size == 0) {
        counts->live -= block != NULL;
        counts->bytes -= old_size;
        free(block);
        return NULL;
    }
    bool refuses = is_refused(counts);
    counts->calls++;
    char *given = refuses ? NULL : malloc(new_size);
    if (given == NULL) {
        return NULL;
    }
    if (block != NULL) {
        memcpy(given, block, old_size < new_size ? old_size : new_size);
        free(block);
    }
    counts->live += block == NULL;
    counts->bytes = counts->bytes - old_size + new_size;
    counts->peak = counts->bytes > counts->peak ? counts->bytes : counts->peak;
    return given;
}

weir_mem fuzz_mem_of(fuzz_mem *counts) {
    weir_mem mem = {counted_resize, counts};
    return mem;
}
