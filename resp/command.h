/* The command writer: argument views in, one RESP command out, sized exactly beforehand.
 * A command is an array of bulk strings on both protocols (RESP3.md, "Sending commands").
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_COMMAND_H
#define WEIR_RESP_COMMAND_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The exact number of bytes that `count` arguments take as a command.
 * WEIR_OK, or WEIR_ERR_LIMIT if the sum does not fit size_t (*size is then untouched).
 * WEIR_ERR_ARG: count is 0.
 */
WEIR_API weir_status weir_command_size(const weir_view *args, size_t count, size_t *size);

/*
 * Writes the command into `out`, which holds at least weir_command_size bytes; copies the
 * arguments. Gives the byte behind the last one written.
 */
WEIR_API char *weir_command_write(char *out, const weir_view *args, size_t count);

/*
 * The same in pieces, for commands whose arguments do not stand in one array. The caller
 * promises `count` arguments and then puts as many.
 * weir_header_size: bytes of "*COUNT CR LF". weir_bulk_size: bytes of one argument of `len`
 * bytes (len at most SIZE_MAX - 64). The puts give the byte behind the last one written.
 */
WEIR_API size_t weir_header_size(size_t count);
WEIR_API size_t weir_bulk_size(size_t len);
WEIR_API char *weir_put_header(char *out, size_t count);
WEIR_API char *weir_put_bulk(char *out, weir_view bytes);

/*
 * One argument around bytes that are sent from where they are, by a gathering send:
 * weir_put_bulk_head writes what goes before them, weir_put_bulk_end what goes behind.
 */
WEIR_API char *weir_put_bulk_head(char *out, size_t len);
WEIR_API char *weir_put_bulk_end(char *out);

#ifdef __cplusplus
}
#endif

#endif
