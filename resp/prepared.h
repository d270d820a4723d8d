/* Commands that are prepared: all that is the same in each of many commands is encoded
 * once, and a command is written by copying it around the values that differ.
 *
 *     *N XADD key * name VALUE name VALUE ...
 *
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_PREPARED_H
#define WEIR_RESP_PREPARED_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lives in memory of the caller's, and never changes: it may be used by several threads. */
typedef struct weir_prepared weir_prepared;

/* What a prepared command consists of: the arguments of `head`, then each name with a value
 * behind it. There may be no names, and no head if there are. */
typedef struct weir_prepared_parts {
    const weir_view *head;
    size_t head_count;
    const weir_view *names;
    size_t name_count;
} weir_prepared_parts;

/*
 * The bytes of memory that weir_prepared_make needs for these parts.
 * WEIR_OK; WEIR_ERR_ARG: there are no arguments at all; WEIR_ERR_LIMIT: the sum does not
 * fit size_t. *size is then untouched.
 */
WEIR_API weir_status weir_prepared_size(const weir_prepared_parts *parts, size_t *size);

/* Prepares the command in `memory` (aligned for any type, weir_prepared_size bytes), which
 * is borrowed for as long as it is used. Copies the parts. */
WEIR_API weir_prepared *weir_prepared_make(void *memory, const weir_prepared_parts *parts);

/* True if both write the same command for the same values. */
WEIR_API bool weir_prepared_equal(const weir_prepared *prepared,
                                  const weir_prepared *other);

/* How many values a command takes: one for each name. */
WEIR_API size_t weir_prepared_value_count(const weir_prepared *prepared);

/*
 * The room that weir_prepared_write needs for these values. That is more than the command
 * itself takes, by a few bytes a value.
 * WEIR_OK; WEIR_ERR_LIMIT: it does not fit size_t, and *room is untouched.
 */
WEIR_API weir_status weir_prepared_room(const weir_prepared *prepared,
                                        const weir_view *values, size_t *room);

/* Writes the command with these values into `out`, which has weir_prepared_room bytes; what
 * lies behind the command, within these, is written over. Gives the byte behind the
 * command.
 */
WEIR_API char *weir_prepared_write(const weir_prepared *prepared, char *out,
                                   const weir_view *values);

/*
 * Many commands at once: as weir_prepared_room and weir_prepared_write for each of `count`
 * commands, whose values lie one behind the other: those of the first, of the second, ...
 * Commands whose values have the lengths of those before are written faster.
 */
WEIR_API weir_status weir_prepared_room_all(const weir_prepared *prepared,
                                            const weir_view *values, size_t count,
                                            size_t *room);
WEIR_API char *weir_prepared_write_all(const weir_prepared *prepared, char *out,
                                       const weir_view *values, size_t count);

#ifdef __cplusplus
}
#endif

#endif
