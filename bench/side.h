/* The sides of a comparison: weir, the floor, a peer. Each does the same work with its own
 * means, on one connection, with the same window, pages and data.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/weir.h>

#define BENCH_KEY      "weir-bench"
#define BENCH_GROUP    "workers"
#define BENCH_CONSUMER "worker"

#define BENCH_WINDOW 1000 /* XADD that may be unanswered, if the work says nothing else */
#define BENCH_BLOCK  500  /* at most so many are sent together: half of the window */
#define BENCH_PAGE   1000 /* entries asked for, and acknowledged, at once; the same */

enum task {
    TASK_PRODUCE,    /* XADD, pipelined */
    TASK_PRODUCER,   /* the same with weir_producer, which reports each entry */
    TASK_READ_RANGE, /* XRANGE, page by page behind the last id */
    TASK_READ_PAGES, /* the same with weir_pages, which asks for the next page early */
    TASK_READ_GROUP, /* XREADGROUP, and XACK of what it gave */
    TASK_CONSUME, /* the same with weir_consumer, which asks early and acknowledges late */
    TASK_ROUND_TRIP /* one XADD at a time */
};
#define TASK_COUNT 7

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
    size_t window;               /* 0: BENCH_WINDOW */
    size_t page;                 /* at most BENCH_PAGE; 0: BENCH_PAGE */
    size_t streams;              /* that entries go to in turn; 0: one */
    weir_delivery_mode delivery; /* of TASK_PRODUCER */
};

static inline size_t work_window(const struct work *work) {
    return work->window != 0 ? work->window : BENCH_WINDOW;
}

static inline size_t work_page(const struct work *work) {
    return work->page != 0 ? work->page : BENCH_PAGE;
}

static inline size_t work_streams(const struct work *work) {
    return work->streams != 0 ? work->streams : 1;
}

/* Half of the window, so that one half is on its way while the other is made. */
static inline size_t work_block(const struct work *work) {
    size_t half = (work_window(work) + 1) / 2;
    return half < BENCH_BLOCK ? half : BENCH_BLOCK;
}

/* So many XADDs are made beforehand: a block, and one for each stream. */
static inline size_t work_made(const struct work *work) {
    size_t block = work_block(work);
    return work_streams(work) > block ? work_streams(work) : block;
}

#define SIDE_KEY 32

/* The key of the stream that the entry goes to; all are of one length. */
void work_key(const struct work *work, size_t entry, char key[SIDE_KEY]);

struct side {
    const char *name;
    bool lacks_tls;

    /* Connects and prepares all that is not to be measured, for a task of `entries` in all.
     * NULL: failed, and said why. */
    void *(*open)(const struct endpoint *endpoint, const struct work *work,
                  uint64_t entries);

    /* Does the task for so many entries more (reading: whole pages). False: it
     * failed, or entries are missing, and said so. */
    bool (*run[TASK_COUNT])(void *self, uint64_t entries);

    /* Calls of its allocator so far; NULL: not counted. */
    uint64_t (*allocations)(const void *self);

    void (*close)(void *self);
};

extern const struct side side_weir;
extern const struct side side_floor;
extern const struct side side_hiredis;

/* Calls send and take for blocks of the work, so that at most its window is unanswered,
 * until `entries` were sent and taken. */
bool window_slide(const struct work *work, void *self, uint64_t entries,
                  bool (*send)(void *self, size_t count),
                  bool (*take)(void *self, size_t count));

#endif
