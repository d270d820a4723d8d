/* Entries of a stream as the reading commands give them: views into the receive buffer.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_ENTRY_H
#define WEIR_STREAM_ENTRY_H

#include "id.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One field of an entry. Names may repeat; their order is kept. */
typedef struct weir_field {
    weir_view name;
    weir_view value;
} weir_field;

/* A field of two C strings; borrows both. */
static inline weir_field weir_pair(const char *name, const char *value) {
    weir_field field = {weir_text(name), weir_text(value)};
    return field;
}

/* What the server still had of the entry. */
typedef enum weir_entry_state {
    WEIR_ENTRY_WHOLE,   /* id and fields */
    WEIR_ENTRY_ID_ONLY, /* only ids were asked for (JUSTID) */
    WEIR_ENTRY_DELETED, /* deleted from the stream, still pending for this consumer:
                           acknowledge it, or it comes again */
    WEIR_ENTRY_PURGED   /* deleted from the stream, and XAUTOCLAIM has just removed it from
                           the group's pending entries: nothing is left to do */
} weir_entry_state;

/*
 * All views borrow the client's receive buffer: good until the next call on the iterator
 * that gave the entry, whatever else is called on the client meanwhile.
 */
typedef struct weir_entry {
    weir_id id;
    weir_view stream;         /* the key it was read from; empty where one stream was asked
                                 for by name (XRANGE, XREVRANGE, XCLAIM, XAUTOCLAIM) */
    const weir_field *fields; /* in the order they were added */
    size_t field_count;       /* at least 1 if WEIR_ENTRY_WHOLE, else 0 */
    weir_entry_state state;
    int64_t idle_ms;    /* XREADGROUP with claim: since the last delivery, 0 of a new entry;
                           of one that was released (XNACK), since 1970. Else -1 */
    int64_t deliveries; /* likewise, before this one: 0 of a new entry. Else -1 */
} weir_entry;

/* The value of the first field of that name; WEIR_END, with *value untouched, if none is.
 */
WEIR_API weir_status weir_entry_get(const weir_entry *entry, const char *name,
                                    weir_view *value);

/*
 * Copies an entry with all its bytes into one block of `mem` (NULL: the C library's), to be
 * freed with weir_entry_free and the same `mem`. WEIR_OK, WEIR_ERR_NOMEM.
 */
WEIR_API weir_status weir_entry_copy(const weir_entry *entry, const weir_mem *mem,
                                     weir_entry **copy);

/* Frees a copy; NULL is fine. */
WEIR_API void weir_entry_free(weir_entry *copy, const weir_mem *mem);

#ifdef __cplusplus
}
#endif

#endif
