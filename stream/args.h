/* One command being put together: a few arguments, then a list of fields, ids or sources.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_ARGS_H
#define WEIR_STREAM_ARGS_H

#include <assert.h>

#include "commands.h"
#include "loans.h"
#include "server.h"

#define WEIR_ARGS_MOST    16  /* XREADGROUP with all its options */
#define WEIR_ARGS_SCRATCH 192 /* numbers and ids of one command: at most five */

typedef struct weir_args {
    weir_view list[WEIR_ARGS_MOST];
    size_t count;
    size_t tail_count;      /* how many of them stand behind all below */
    const weir_view *given; /* instead of the list, if the caller has one; borrowed */
    char scratch[WEIR_ARGS_SCRATCH]; /* texts of numbers and ids */
    size_t scratch_len;
    const weir_field *fields; /* behind the list; borrowed, like all below */
    size_t field_count;
    const weir_id *ids; /* behind the fields */
    size_t id_count;
    const weir_source *sources; /* behind the ids: all keys, then where to read each from */
    size_t source_count;
    uint32_t needs;     /* what the server must have for it: bits, 1 << weir_feature */
    bool is_group_read; /* sources: "new" is ">" and not "$" */
    bool is_in_tail;    /* what is put now stands behind the lists */
} weir_args;

/* Begins a command of that name. */
void weir_args_begin(weir_args *args, const char *name);

/* Begins, and ends, a command whose arguments the caller has in one list. */
void weir_args_begin_list(weir_args *args, const weir_view *given, size_t count);

/* What is put from now on stands behind the fields, ids and sources. */
static inline void weir_args_begin_tail(weir_args *args) { args->is_in_tail = true; }

/* What was put, or is put next, is newer than Redis 5.0: the command is queued only for a
 * server that is not known to lack it. */
static inline void weir_args_need(weir_args *args, weir_feature feature) {
    args->needs |= UINT32_C(1) << feature;
}

static inline void weir_args_view(weir_args *args, weir_view bytes) {
    assert(args->count < WEIR_ARGS_MOST);
    args->list[args->count++] = bytes;
    args->tail_count += args->is_in_tail ? 1 : 0;
}

static inline void weir_args_text(weir_args *args, const char *text) {
    weir_args_view(args, weir_text(text));
}

void weir_args_number(weir_args *args, uint64_t number);

/* An id; prefix "(" excludes it from a range, "" does not. */
void weir_args_id(weir_args *args, const char *prefix, weir_id id);

/* An id whose sequence number the server makes: "ms-*". */
void weir_args_auto_id(weir_args *args, uint64_t ms);

/* KEEPREF, DELREF or ACKED; nothing for the default. */
void weir_args_refs(weir_args *args, weir_refs refs);

/* MAXLEN|MINID =|~ threshold [LIMIT n]; LIMIT 0 is none. */
void weir_args_trim(weir_args *args, const weir_trim *trim);

/* KEEPREF, DELREF or ACKED of a trim, which are newer than trimming. */
void weir_args_trim_refs(weir_args *args, const weir_trim *trim);

/* IDS count id ...: the ids, told how many they are. */
void weir_args_counted_ids(weir_args *args, const weir_id *ids, size_t count);

/* Bytes of the command, lent ones included. WEIR_OK, or WEIR_ERR_LIMIT if they do not fit
 * size_t. */
weir_status weir_args_size(const weir_args *args, size_t *size);

/* No less than weir_args_size, and found quicker: for making room. SIZE_MAX if it is beyond
 * half of that. */
size_t weir_args_bound(const weir_args *args);

/* Bytes of the arguments that weir_args_write will lend if all of `least` bytes are. */
size_t weir_args_lent(const weir_args *args, size_t least);

/* Writes the command into `out`, which holds weir_args_size bytes less those that are lent,
 * and says where in it each of these goes: loans->count is 0 before. loans NULL: none.
 * Gives the byte behind the last one written. */
char *weir_args_write(const weir_args *args, char *out, weir_loans *loans);

#endif
