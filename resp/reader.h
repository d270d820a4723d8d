/* The pull reader: RESP2 and RESP3 bytes in, one token at a time out.
 * It does no I/O, never allocates and never recurses; bytes from the peer are hostile.
 * Source: redis-specifications, protocol/RESP3.md (v1.6).
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_READER_H
#define WEIR_RESP_READER_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The deepest nesting that a reader can follow, a reply itself being at depth 0. */
#define WEIR_READER_DEPTH 128

typedef enum weir_token_type {
    WEIR_TOKEN_SIMPLE,     /* +  bytes */
    WEIR_TOKEN_ERROR,      /* -  bytes */
    WEIR_TOKEN_BULK,       /* $  bytes */
    WEIR_TOKEN_BULK_ERROR, /* !  bytes */
    WEIR_TOKEN_VERBATIM,   /* =  bytes, the three of the format and the colon included */
    WEIR_TOKEN_INTEGER,    /* :  number */
    WEIR_TOKEN_BOOLEAN,    /* #  number: 0 or 1 */
    WEIR_TOKEN_DOUBLE,     /* ,  bytes: its decimal text, checked */
    WEIR_TOKEN_BIG_NUMBER, /* (  bytes: sign and digits, checked; a leading '+' dropped */
    WEIR_TOKEN_NULL,       /* _, $-1 or *-1; number: the type byte that was sent */
    WEIR_TOKEN_ARRAY,      /* *  number: elements that follow, WEIR_STREAMED if not told */
    WEIR_TOKEN_SET,        /* ~  likewise */
    WEIR_TOKEN_PUSH,       /* >  number: elements that follow; at depth 0 only */
    WEIR_TOKEN_MAP,        /* %  number: pairs that follow, WEIR_STREAMED if not told */
    WEIR_TOKEN_ATTRIBUTE,  /* |  number: pairs that follow, then the value they are about */
    WEIR_TOKEN_END,        /* .  the streamed aggregate at this depth is over */
    WEIR_TOKEN_STRING,     /* a string that comes in parts begins; number: its length,
                              WEIR_STREAMED if not told; bytes: its type byte */
    WEIR_TOKEN_PART        /* the next part of it; number: 1 if it is the last, which may
                              be empty */
} weir_token_type;

/* The number of an aggregate or a string whose size is told by its end only (RESP3.md,
 * "Streamed strings", "Streamed aggregated data types"). */
#define WEIR_STREAMED (-1)

typedef struct weir_token {
    weir_token_type type;
    uint32_t depth;  /* 0 for a reply, 1 for its elements, ... */
    int64_t number;  /* see the type; 0 where none is named */
    weir_view bytes; /* see the type; borrows the input it was read from */
} weir_token;

/* What was wrong, for programs. */
typedef enum weir_resp_fault {
    WEIR_FAULT_NONE,
    WEIR_FAULT_TYPE,   /* a byte that begins no value in this protocol */
    WEIR_FAULT_TERM,   /* CR LF is not where it must be, or CR or LF where they must not */
    WEIR_FAULT_INT,    /* not an integer of 64 bits */
    WEIR_FAULT_LEN,    /* not a length or count */
    WEIR_FAULT_BOOL,   /* neither t nor f */
    WEIR_FAULT_NULL,   /* something between '_' and CR LF */
    WEIR_FAULT_DOUBLE, /* not a decimal floating-point number */
    WEIR_FAULT_BIGNUM, /* not an integer of any size */
    WEIR_FAULT_VERB,   /* a verbatim string without its four-byte head */
    WEIR_FAULT_NEST,   /* a push inside another value, or between it and its attribute */
    WEIR_FAULT_STREAM, /* an end without a beginning, or something else than the next part
                        */
    WEIR_FAULT_HUGE,   /* a length or count beyond 2^63-1 */
    /* beyond a budget of weir_reader_limits: */
    WEIR_FAULT_BULK_BYTES,
    WEIR_FAULT_LINE_BYTES,
    WEIR_FAULT_ELEMENTS,
    WEIR_FAULT_REPLY_BYTES,
    WEIR_FAULT_DEPTH
} weir_resp_fault;

/* Budgets; 0 in a field means its default. */
typedef struct weir_reader_limits {
    uint64_t bulk_bytes; /* of one string; default 512 MiB (Redis's proto-max-bulk-len) */
    uint64_t line_bytes; /* of one line (simple strings, errors, numbers); default 64 KiB */
    uint64_t elements;   /* of one aggregate; default 2^32-1 */
    uint64_t reply_bytes; /* of one reply with all inside it; default 1 GiB */
    uint32_t depth;       /* default and most: WEIR_READER_DEPTH */
} weir_reader_limits;

typedef struct weir_reader_options {
    int protocol;         /* 2: RESP2's types only; 0 and 3: RESP3's too */
    bool hide_attributes; /* pass over attributes: no token speaks of them */
    uint64_t parts_above; /* strings of more bytes come in parts, as they arrive; 0: none
                             but streamed ones do */
    weir_reader_limits limits;
} weir_reader_options;

/*
 * Caller-held; plain data, may be copied to try something ahead. All fields are private.
 * After a failure a reader is broken for good: each call repeats the status.
 */
typedef struct weir_reader {
    uint64_t offset;   /* bytes used since init */
    uint64_t reply_at; /* offset of the reply that is open or comes next */
    uint64_t length; /* pending token: the number read so far, or bytes that are to come */
    uint64_t total;  /* bytes of the streamed string so far */
    uint64_t parts_above;
    size_t seen; /* pending token: bytes already examined */
    weir_reader_limits limits;
    uint32_t depth;  /* open aggregates */
    uint32_t hidden; /* depth of the attribute being passed over, 0 if none */
    uint32_t skip_depth;
    uint8_t state;
    uint8_t type;   /* pending token: its type byte */
    uint8_t digits; /* pending number: digits seen */
    uint8_t sign;   /* pending number: '-', '+', '?' or 0 */
    uint8_t protocol;
    uint8_t fault;
    bool hide_attributes;
    bool is_skipping;
    bool owes_value;  /* an attribute has been read, its value has not begun */
    bool is_in_parts; /* a streamed string's next part is due */
    uint8_t kind[WEIR_READER_DEPTH]; /* type byte of each open aggregate */
    uint64_t
        left[WEIR_READER_DEPTH]; /* values each still lacks; streamed: how many it has */
} weir_reader;

/* Makes `reader` ready for the first byte of a connection. options NULL: all defaults. */
WEIR_API void weir_reader_init(weir_reader *reader, const weir_reader_options *options);

/*
 * Reads the next token. `input` begins behind the last byte used; after the call *used
 * bytes at its front are done with, whatever the status, and `input` of the next call must
 * begin behind them. The token borrows `input`. Time is linear in bytes received however
 * they are cut.
 * WEIR_OK: *token is given. WEIR_MORE: it has not wholly arrived; call again with the same
 * unused bytes and more behind them. WEIR_ERR_PROTOCOL: the input is not RESP.
 */
WEIR_API weir_status weir_reader_next(weir_reader *reader, weir_view input, size_t *used,
                                      weir_token *token);

/*
 * Passes over one whole value, with all inside it: the one that begins next. Holds nothing:
 * parts of a long string are used as they come.
 * WEIR_OK: done. WEIR_MORE: call again with more. WEIR_ERR_PROTOCOL: as above.
 * Between the first WEIR_MORE and WEIR_OK only weir_reader_skip may be called.
 */
WEIR_API weir_status weir_reader_skip(weir_reader *reader, weir_view input, size_t *used);

/*
 * The same for what is left of the reply that is open, or, between two replies, for the
 * whole of the next one. May follow any call, also one of weir_reader_skip that gave
 * WEIR_MORE.
 */
WEIR_API weir_status weir_reader_skip_reply(weir_reader *reader, weir_view input,
                                            size_t *used);

/*
 * Says that the caller has itself read one whole value of `bytes` bytes, element of an open
 * aggregate: for loops that know the shape. The reader must stand between two tokens
 * inside an aggregate, and the bytes must be what weir_reader_next would accept.
 */
WEIR_API void weir_reader_leap(weir_reader *reader, size_t bytes);

/* How many aggregates are open: the depth of the next token. */
static inline uint32_t weir_reader_depth(const weir_reader *reader) {
    return reader->depth;
}

/* True between two replies: nothing of the next one has been used or examined. */
WEIR_API bool weir_reader_is_between(const weir_reader *reader);

/* Bytes used since init; after WEIR_ERR_PROTOCOL the offset of the byte at fault. */
static inline uint64_t weir_reader_offset(const weir_reader *reader) {
    return reader->offset;
}

/* What was wrong after WEIR_ERR_PROTOCOL, else WEIR_FAULT_NONE. */
static inline weir_resp_fault weir_reader_fault(const weir_reader *reader) {
    return (weir_resp_fault)reader->fault;
}

/* The fault in words ("expected CR LF"). Gives a constant text. */
WEIR_API const char *weir_resp_fault_text(weir_resp_fault fault);

#ifdef __cplusplus
}
#endif

#endif
