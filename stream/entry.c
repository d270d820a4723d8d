/* What callers do with an entry: look up a field, keep a copy.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "entry.h"

#include "memory.h"

weir_status weir_entry_get(const weir_entry *entry, const char *name, weir_view *value) {
    weir_view wanted = weir_text(name);
    for (size_t i = 0; i < entry->field_count; i++) {
        if (weir_view_equal(entry->fields[i].name, wanted)) {
            *value = entry->fields[i].value;
            return WEIR_OK;
        }
    }
    return WEIR_END;
}

/* A copy is one block: this, then the fields, then all bytes. */
typedef struct entry_copy {
    weir_entry entry; /* first, so that its address is the block's */
    size_t size;      /* of the whole block */
    weir_field fields[];
} entry_copy;

static weir_view copy_bytes(char **at, weir_view bytes) {
    weir_view copy = weir_bytes(*at, bytes.len);
    if (bytes.len > 0) {
        memcpy(*at, bytes.data, bytes.len);
    }
    *at += bytes.len;
    return copy;
}

/* The sizes cannot overflow: all of it lies in memory already, once. */
static size_t copy_size(const weir_entry *entry) {
    size_t size = sizeof(entry_copy) + entry->field_count * sizeof(weir_field);
    for (size_t i = 0; i < entry->field_count; i++) {
        size += entry->fields[i].name.len + entry->fields[i].value.len;
    }
    return size + entry->stream.len;
}

weir_status weir_entry_copy(const weir_entry *entry, const weir_mem *mem,
                            weir_entry **copy) {
    static const weir_mem standard = {NULL, NULL};
    size_t size = copy_size(entry);
    entry_copy *made = weir_mem_resize(mem != NULL ? mem : &standard, NULL, 0, size);
    if (made == NULL) {
        return WEIR_ERR_NOMEM;
    }
    made->size = size;
    made->entry = *entry;
    made->entry.fields = made->fields;
    char *at = (char *)(made->fields + entry->field_count);
    for (size_t i = 0; i < entry->field_count; i++) {
        made->fields[i].name = copy_bytes(&at, entry->fields[i].name);
        made->fields[i].value = copy_bytes(&at, entry->fields[i].value);
    }
    made->entry.stream = copy_bytes(&at, entry->stream);
    *copy = &made->entry;
    return WEIR_OK;
}

void weir_entry_free(weir_entry *copy, const weir_mem *mem) {
    static const weir_mem standard = {NULL, NULL};
    if (copy != NULL) {
        weir_mem_free(mem != NULL ? mem : &standard, copy,
                      ((entry_copy *)(void *)copy)->size);
    }
}
