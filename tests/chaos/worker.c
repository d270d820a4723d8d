/* A worker: a consumer in a process of its own, which writes down what it has worked on
 * before it says so.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "chaos.h"

#include "../support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IDLE_MS     400
#define INTERVAL_MS 40
#define BLOCK_MS    2500
#define NEXT_MS     300
#define CLOSE_MS    15000
#define MOST_TIMES  12
#define WORK_US     300
#define POISON      23

static const weir_view key = {CHAOS_KEY, 1};
static const weir_view group = {CHAOS_GROUP, 1};

static weir_consumer *tasks;
static const struct chaos_run *the_run;
static struct chaos_worker *book;

bool chaos_is_poison(const struct chaos_run *run, uint64_t number) {
    return (run->scenario->how & CHAOS_POISON) != 0 && number % POISON < 2;
}

static void on_trouble(void *context, const weir_error *error) {
    const char *words = the_run->scenario->words;
    (void)context;
    (void)snprintf(book->words, sizeof book->words, "%s", error->text);
    book->has_said =
        book->has_said || (words != NULL && strstr(error->text, words) != NULL);
}

static void stop(int signal_number) {
    (void)signal_number;
    atomic_store(&book->is_asked, true);
    weir_consumer_cancel(tasks);
}

static void on_stop(void (*handler)(int)) { (void)signal(SIGTERM, handler); }

static void note_time(int64_t began_ms, int64_t may_take_ms) {
    int64_t late_ms = chaos_now_ms() - began_ms - may_take_ms;
    book->latest_ms = late_ms > book->latest_ms ? late_ms : book->latest_ms;
}

static weir_status work(const weir_delivery *task) {
    int64_t number = chaos_number(&task->entry, "n");
    if (number < 0 || number >= CHAOS_ENTRIES) {
        _exit(3);
    }
    if (chaos_is_poison(the_run, (uint64_t)number)) {
        return number % POISON == 0 ? weir_consumer_release(tasks, task)
                                    : weir_consumer_reject(tasks, task, "poison");
    }
    (void)usleep(WORK_US);
    struct chaos_work *record = &the_run->shared->works[number];
    if (task->entry.deliveries == 0) {
        atomic_fetch_add(&record->as_new, 1);
    }
    atomic_fetch_add(&record->done, 1);
    return weir_consumer_done(tasks, task);
}

static weir_status open_consumer(int which) {
    char name[] = {'w', (char)('0' + which), '\0'};
    unsigned how = the_run->scenario->how;
    weir_options connection = {.user = the_run->user,
                               .password = the_run->password,
                               .timeout_ms = the_run->scenario->timeout_ms > 0
                                                 ? the_run->scenario->timeout_ms
                                                 : 2000,
                               .protocol = the_run->seed % 3 == 0 ? 2 : 0,
                               .reconnect = {.floor_ms = 5, .ceiling_ms = 60}};
    weir_consumer_options options = {
        .streams = &key,
        .stream_count = 1,
        .group = group,
        .name = (how & CHAOS_MADE_NAMES) != 0 ? (weir_view){NULL, 0} : weir_text(name),
        .start = WEIR_START_BEGINNING,
        .lost_group = WEIR_LOST_GROUP_BEGINNING,
        .count = 1 + the_run->seed % 50,
        .block_ms = BLOCK_MS,
        .claim_idle_ms = (how & CHAOS_IDLE) != 0 ? 60000 : IDLE_MS,
        .claim_interval_ms = INTERVAL_MS,
        .max_deliveries = (how & CHAOS_POISON) != 0 ? MOST_TIMES : 0,
        .dead_letters =
            (how & CHAOS_POISON) != 0 ? weir_text(CHAOS_DEAD) : (weir_view){NULL, 0},
        .on_trouble = on_trouble};
    weir_status st = weir_consumer_open(chaos_url(the_run), &connection, &options, &tasks);
    if (st != WEIR_OK) {
        (void)snprintf(book->words, sizeof book->words, "%s",
                       weir_consumer_error(tasks)->text);
    }
    return st;
}

/* The first try may be cut too. */
static weir_status open_at_last(int which) {
    weir_status st = open_consumer(which);
    for (int tries = 1; st != WEIR_OK && tries < 200; tries++) {
        (void)weir_consumer_close(tasks, 0);
        chaos_nap(10);
        st = open_consumer(which);
    }
    return st;
}

static weir_status go_on(void) {
    weir_delivery task;
    weir_status st = WEIR_OK;
    while (st >= 0 && st != WEIR_END) {
        int64_t began_ms = chaos_now_ms();
        st = weir_consumer_next(tasks, NEXT_MS, &task);
        note_time(began_ms, NEXT_MS);
        st = st == WEIR_OK ? work(&task) : st;
        book->losses = weir_consumer_count(tasks).losses;
        while (st == WEIR_ERR_FULL) { /* a release or a reject finds no room */
            st = weir_consumer_flush(tasks, NEXT_MS);
            st = st >= 0 ? WEIR_MORE : st;
        }
    }
    return st;
}

void chaos_work(const struct chaos_run *run, int which) {
    the_run = run;
    book = &run->shared->workers[which];
    atomic_store(&book->is_asked, false);
    int before = chaos_descriptors();
    weir_status st = open_at_last(which);
    if (st == WEIR_OK) {
        on_stop(stop);
        atomic_store(&book->is_open, true);
        st = go_on();
        on_stop(SIG_IGN);
    }
    if (st < 0) {
        (void)snprintf(book->words, sizeof book->words, "%s",
                       weir_consumer_error(tasks)->text);
        (void)fprintf(stderr, "a worker ended: %s\n", book->words);
        _exit(4);
    }
    int64_t began_ms = chaos_now_ms();
    st = weir_consumer_close(tasks, CLOSE_MS);
    note_time(began_ms, CLOSE_MS);
    if (st != WEIR_OK) {
        (void)fprintf(stderr, "a worker's close gave %s\n", weir_status_text(st));
        _exit(5);
    }
    if (chaos_descriptors() != before) {
        (void)fprintf(stderr, "a worker left descriptors open\n");
        _exit(6);
    }
}
