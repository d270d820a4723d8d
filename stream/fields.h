/* The list that an entry's fields stand in while the entry is in hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_FIELDS_H
#define WEIR_STREAM_FIELDS_H

#include "entry.h"
#include "memory.h"

#define WEIR_FIELDS_FIRST 16 /* capacity to begin with */

/* Grows with the fields that were really received. */
typedef struct weir_fields {
    const weir_mem *mem; /* borrowed */
    weir_field *list;
    size_t capacity; /* fields */
} weir_fields;

/* Grows the list to hold `count` fields; what is in it stays. WEIR_OK, WEIR_ERR_NOMEM. */
weir_status weir_fields_grow(weir_fields *fields, size_t count);

static inline weir_status weir_fields_reserve(weir_fields *fields, size_t count) {
    return count <= fields->capacity ? WEIR_OK : weir_fields_grow(fields, count);
}

/* Frees the list. */
void weir_fields_free(weir_fields *fields);

#endif
