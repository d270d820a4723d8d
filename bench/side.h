/* The sides of a comparison: weir, the floor, a peer. Each does the same work with its own
 * means, on one connection, with the same window, pages and data.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_KEY      "weir-bench"
#define BENCH_GROUP    "workers"
#define BENCH_CONSUMER "worker"

#define BENCH_WINDOW 1000 /* XADD that may be unanswered */
#define BENCH_BLOCK  500  /* of these are sent together, when there is room for so many */
#define BENCH_PAGE   1000 /* entries asked for at once; also acknowledged at once */

enum task {
    TASK_PRODUCE,        /* XADD, pipelined */
    TASK_PRODUCER,       /* the same with weir_producer, which reports each entry */
    TASK_PRODUCER_EXACT, /* the same exactly once */
    TASK_READ_RANGE,     /* XRANGE, page by page behind the last id */
    TASK_READ_PAGES,     /* the same with weir_pages, which asks for the next page early */
    TASK_READ_GROUP,     /* XREADGROUP, and XACK of what it gave */
    TASK_CONSUME, /* the same with weir_consumer, which asks early and acknowledges late */
    TASK_ROUND_TRIP /* one XADD at a time */
};
#define TASK_COUNT 8

static inline bool task_is_group(enum task task) {
    return task == TASK_READ_GROUP || task == TASK_CONSUME;
}

static inline bool task_is_reading(enum task task) {
    return task == TASK_READ_RANGE || task == TASK_READ_PAGES || task_is_group(task);
}

struct work {
    enum task task;
    size_t field_count; /* 1 to PAYLOAD_MAX_FIELDS */
    size_t value_bytes;
};

struct side {
    const char *name;

    /* Connects and prepares all that is not to be measured, for a task of `entries` in all.
     * NULL: failed, and said why. */
    void *(*open)(const struct endpoint *endpoint, const struct work *work,
                  uint64_t entries);

    /* Does the task for so many entries more (reading: a multiple of BENCH_PAGE). False: it
     * failed, or entries are missing, and said so. */
    bool (*run[TASK_COUNT])(void *self, uint64_t entries);

    /* Calls of its allocator so far; NULL: not counted. */
    uint64_t (*allocations)(const void *self);

    void (*close)(void *self);
};

extern const struct side side_weir;
extern const struct side side_floor;
extern const struct side side_hiredis;

/* Calls send and take for blocks of at most BENCH_BLOCK, so that at most BENCH_WINDOW
 * are unanswered, until `entries` were sent and taken. */
bool window_slide(void *self, uint64_t entries, bool (*send)(void *self, size_t count),
                  bool (*take)(void *self, size_t count));

#endif
