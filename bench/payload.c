/* What the measured entries hold: the same bytes for every side.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "payload.h"

#include "need.h"

#include <stdint.h>

const char *const payload_names[PAYLOAD_MAX_FIELDS] = {"field1", "field2", "field3",
                                                       "field4", "field5"};

char *payload_make(size_t entries, size_t field_count, size_t value_bytes) {
    size_t size = entries * field_count * value_bytes;
    char *values = need_memory(size);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525U + 1013904223U; /* Numerical Recipes' generator */
        values[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[state >> 27];
    }
    return values;
}
