/* The list that an entry's fields stand in while the entry is in hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "fields.h"

weir_status weir_fields_grow(weir_fields *fields, size_t count) {
    size_t capacity = fields->capacity > 0 ? fields->capacity : WEIR_FIELDS_FIRST;
    while (capacity < count) {
        capacity *= 2;
    }
    weir_field *list =
        weir_mem_resize(fields->mem, fields->list, fields->capacity * sizeof *list,
                        capacity * sizeof *list);
    if (list == NULL) {
        return WEIR_ERR_NOMEM;
    }
    fields->list = list;
    fields->capacity = capacity;
    return WEIR_OK;
}

void weir_fields_free(weir_fields *fields) {
    weir_mem_free(fields->mem, fields->list, fields->capacity * sizeof *fields->list);
    fields->list = NULL;
    fields->capacity = 0;
}
