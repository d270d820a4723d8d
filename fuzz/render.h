/* Writes what a reader says as text, in the notation of resp_cases.tsv: *[:1 $"a"] ; ...
 * Takes one token after another, never recurses, and holds nothing of the text itself.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_FUZZ_RENDER_H
#define WEIR_FUZZ_RENDER_H

#include "../resp/reader.h"

/* Where the text goes. What was written of a value can be taken back until it is whole. */
struct render_sink {
    void (*write)(void *user, weir_view text); /* more of it; borrowed until it returns */
    void (*keep)(void *user);                  /* all that was written stays */
    void (*drop)(void *user); /* takes back what was written since the last keep */
    void *user;
};

/* Counts for itself what is open and what is owed: a second opinion on the reader's. */
struct render {
    const struct render_sink *sink;   /* borrowed until the last call */
    uint64_t values;                  /* whole values */
    size_t format_left;               /* bytes of a verbatim string's format to come */
    uint32_t depth;                   /* open aggregates */
    bool has_before;                  /* something stands before in what is open */
    bool owes_value;                  /* an attribute is written, its value is not */
    uint8_t kind[WEIR_READER_DEPTH];  /* weir_token_type of each open aggregate */
    uint64_t left[WEIR_READER_DEPTH]; /* values each still lacks */
};

/* Begins a text that goes to the sink. */
void render_init(struct render *render, const struct render_sink *sink);

/* Adds a token. False if its depth is not where the tokens before it lead. */
bool render_token(struct render *render, const weir_token *token);

/*
 * Ends the text as the reader ended: WEIR_OK, between two replies; WEIR_MORE, "..." in
 * place of the value that is not whole; WEIR_ERR_PROTOCOL, "!!" and the fault's class.
 */
void render_end(struct render *render, weir_status status, weir_resp_fault fault);

/* The fault's class in the table ("BAD_TYPE"); a constant text. */
const char *render_class(weir_resp_fault fault);

#endif
