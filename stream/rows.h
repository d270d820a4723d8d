/* Rows of an answer that is held whole: finding them, and reading them by their keys.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_ROWS_H
#define WEIR_STREAM_ROWS_H

#include "client_private.h"

/* What a list's rows are. */
typedef enum weir_rows_kind {
    WEIR_ROWS_NONE,
    WEIR_ROWS_KEYS,
    WEIR_ROWS_ENTRIES,
    WEIR_ROWS_PENDING,          /* [id, consumer, idle ms, deliveries] */
    WEIR_ROWS_GROUP_PENDING,    /* [id, consumer, Unix ms, deliveries] */
    WEIR_ROWS_CONSUMER_PENDING, /* [id, Unix ms, deliveries] */
    WEIR_ROWS_GROUPS,
    WEIR_ROWS_CONSUMERS
} weir_rows_kind;

/* A whole value and how far it is read. */
typedef struct weir_cursor {
    weir_reader reader;
    weir_view rest;
} weir_cursor;

/* One value: its first token, all its bytes, and where its elements begin. */
typedef struct weir_value {
    weir_token token;
    weir_view whole;
    const char *inner;
} weir_value;

void weir_cursor_init(weir_cursor *at, weir_view whole);

/* The next value, with all inside it passed over. False: none, or one whose size is told
 * by its end only. */
bool weir_cursor_next(weir_cursor *at, weir_value *value);

/* What a key's value is to be kept as. */
typedef enum weir_known_kind {
    WEIR_KNOWN_NUMBER, /* int64_t */
    WEIR_KNOWN_NAME,   /* weir_view */
    WEIR_KNOWN_ID,     /* weir_id */
    WEIR_KNOWN_ENTRY,  /* weir_rows of one entry */
    WEIR_KNOWN_LIST    /* weir_rows */
} weir_known_kind;

typedef struct weir_known {
    const char *name;
    weir_known_kind kind;
    uint32_t offset;     /* in the struct that is filled */
    uint32_t flag;       /* of a bool that says that it was told; 0: none */
    weir_rows_kind rows; /* WEIR_KNOWN_LIST */
} weir_known;

/*
 * Reads a map, or an array of names and values in its place, into `out`: what the table
 * knows. A name may stand in it twice, for two kinds of value; null leaves `out` as it is.
 * *keys becomes the list of all. False: it has not that shape.
 */
bool weir_rows_read_keys(const weir_rows *from, const weir_value *row,
                         const weir_known *table, size_t count, void *out, weir_rows *keys);

/* The next row of a list of that kind; statuses as in inspect.h. */
weir_status weir_rows_next(weir_rows *rows, unsigned kinds, weir_value *row);

/* A row has another shape than `expected`: ends the list. WEIR_ERR_REPLY. */
weir_status weir_rows_refuse(weir_rows *rows, const char *expected);

/* The answer is held: `rows` goes over it. False: it is no list. */
bool weir_rows_open(weir_rows *rows, weir_rows_kind kind);

/* The whole answer as one value. */
bool weir_rows_whole(const weir_rows *rows, weir_value *whole);

#endif
