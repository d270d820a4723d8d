/* Decoding of whole values: one entry, one id.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_DECODE_H
#define WEIR_STREAM_DECODE_H

#include "../resp/reader.h"
#include "entry.h"
#include "fields.h"

/* How every reader of this layer reads. */
extern const weir_reader_options weir_stream_reading;

/*
 * Decodes the entry at the front of `input`, if it has the shape that servers send: array
 * of an id and an array of pairs, and behind these, where CLAIM was asked for, the idle
 * time and the deliveries; no attributes, nothing absent. Never needs to be called
 * twice for the same bytes: whoever gets WEIR_MORE finds the entry's end by a reader and
 * then calls weir_decode_entry. WEIR_OK: *entry (id, fields) and *used. WEIR_MORE: not
 * whole, or another shape.
 */
weir_status weir_decode_usual_entry(weir_view input, weir_fields *fields, weir_entry *entry,
                                    size_t *used);

/* The same for answers that are ids: bulk strings, with bytes to spare behind each. Gives
 * how many of at most `most` it was; *used: their bytes. */
size_t weir_decode_usual_ids(weir_view input, weir_id *ids, size_t most, size_t *used);

/*
 * Decodes one whole entry of any shape that servers send:
 *   [id, [field, value, ...]]; the same with idle time and deliveries behind; [id, null];
 *   null (XCLAIM and XAUTOCLAIM before Redis 7); an id alone.
 * WEIR_OK; WEIR_END: null, nothing is known of the entry, not even its id; WEIR_ERR_REPLY:
 * it is none of these; WEIR_ERR_NOMEM.
 */
weir_status weir_decode_entry(weir_view whole, weir_fields *fields, weir_entry *entry);

/* A number, also one that comes as a string (XPENDING's counts do, and CLAIM's before the
 * release of Redis 8.4): what lies beyond 2^63-1, or has a leading zero, is none. */
bool weir_decode_integer(const weir_token *token, int64_t *number);

/* An id as servers send it, "ms-seq" in full. */
bool weir_decode_id(weir_view text, weir_id *id);

#endif
