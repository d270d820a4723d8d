/* A second decoder of RESP2 and RESP3, for comparison: slow, and obviously right. It has
 * the whole wire, goes through it by recursion, and shares no code with resp/. Source:
 * redis-specifications, protocol/RESP3.md (v1.6). SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_FUZZ_SLOW_H
#define WEIR_FUZZ_SLOW_H

#include "../resp/reader.h" /* for the names of faults, and the options */
#include "fuzz.h"

/* What it made of a wire. */
typedef struct slow {
    weir_view wire;
    size_t at;       /* the next byte */
    size_t reply_at; /* where the reply begins */
    int protocol;
    bool hides_attributes;
    weir_reader_limits limits;
    weir_status status; /* WEIR_OK until the wire ends inside a value or at a fault */
    weir_resp_fault fault;
    size_t fault_at;
    int hidden; /* attributes that are open and not to be written */
    size_t len; /* of the text */
    size_t whole_len;
    size_t values;
    char text[FUZZ_MOST * 16];
} slow;

/*
 * Decodes a wire: status, fault and its byte, and the text in the notation of
 * tests/resp_cases.tsv, without what of the last value is not whole. Every limit must be
 * given.
 */
void slow_decode(slow *made, weir_view wire, const weir_reader_options *options);

#endif
