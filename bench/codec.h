/* Decoding and encoding alone: replies and commands in memory, no server. The sides take
 * turns over the same bytes; what a kernel would do, copying them in, is not counted.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_CODEC_H
#define BENCH_CODEC_H

#include "encode.h"
#include "scenario.h"

#define CODEC_ENTRIES 20000     /* in a reply; as many ids, commands */
#define CODEC_PIECE   (1 << 16) /* bytes that a client receives at once */

/* What is decoded or encoded, made once for all sides. */
struct codec_data {
    struct bytes bytes; /* the reply, replies or commands */
    uint64_t entries;   /* entries, ids, commands */
    uint64_t elements;  /* RESP values: aggregates, ids, names, values; commands */
    uint64_t sum;       /* what visiting all of it must come to */
    size_t field_count; /* commands: fields of each */
    char *values;       /* commands: as payload_make gives them */
    size_t value_bytes; /* commands: of each value */
};

/* Work that does not count, between what does: bytes brought in. */
struct codec_apart {
    double seconds;
    double least_a_byte; /* seconds, of the fastest piece ever */
};

/* What passes over the data came to. */
struct codec_tally {
    uint64_t sum; /* compared with the data's */
    struct codec_apart apart;
    uint64_t allocations; /* of a side that counts them */
};

struct codec_side {
    /* NULL: failed, and said why. The data is borrowed until close. */
    void *(*open)(const struct codec_data *data);
    /* False: failed, and said why. */
    bool (*pass)(void *self, struct codec_tally *tally);
    void (*close)(void *self);
    /* What must be done before each pass, and is not measured; NULL: nothing. As pass. */
    bool (*make_ready)(void *self);
};

enum codec_task { CODEC_DECODE_RANGE, CODEC_DECODE_IDS, CODEC_ENCODE_XADD };
#define CODEC_TASK_COUNT 3

/* Between which bounds the entries are random. */
struct codec_shape {
    size_t least_fields;
    size_t most_fields;
    size_t least_value; /* bytes */
    size_t most_value;
};

struct codec_scenario {
    const char *name;
    const char *unit;
    enum codec_task task;
    const struct codec_shape *shape; /* NULL for ids */
    const struct codec_side *own;    /* which part of weir does it */
};

#define CODEC_COUNT 14
extern const struct codec_scenario codec_scenarios[CODEC_COUNT];

/* The iterator over entries and the taking of ids, each fed by a session; the reader alone;
 * the encoder of commands, and that of prepared ones. */
extern const struct codec_side codec_own_entries;
extern const struct codec_side codec_own_ids;
extern const struct codec_side codec_own_reader;
extern const struct codec_side codec_own_reader_ids;
extern const struct codec_side codec_own_encoder;
extern const struct codec_side codec_own_prepared;
extern const struct codec_side codec_own_prepared_all; /* many of them by one call */

extern const struct codec_side codec_floor[CODEC_TASK_COUNT];
extern const struct codec_side codec_hiredis[CODEC_TASK_COUNT];

void codec_data_make(const struct codec_scenario *scenario, struct codec_data *data);
void codec_data_free(struct codec_data *data);

/* A clock that is read without a system call. */
double codec_now(void);

/* A piece of work that does not count, begun at codec_now `start`, was of so many bytes. */
void codec_end_apart(struct codec_tally *tally, double start, size_t bytes);

/* What visiting a field adds to the sum: each byte range is looked at. */
static inline uint64_t codec_visit(const char *bytes, size_t len) {
    return len + (len > 0 ? (uint64_t)(unsigned char)bytes[0] : 0);
}

/* Measures with about `entries` entries a round. False: a side failed, and said why. */
bool codec_run(const struct codec_scenario *scenario, uint64_t entries, size_t rounds,
               struct result *result);

#endif
