/* queue [URL]: a task queue. Each of four workers is a thread with a consumer of its own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/weir.h>

#define WORKERS 4

/* The work. False: not now, whoever is free may try again. */
static bool work(weir_view name, const weir_entry *task) {
    char id[WEIR_ID_TEXT];
    weir_view to = weir_text("nobody");
    (void)weir_id_format(task->id, id);
    (void)weir_entry_get(task, "to", &to);
    (void)sleep(1);
    printf("%s: %.*s wrote to %.*s%s\n", id, WEIR_PRINT(name), WEIR_PRINT(to),
           task->deliveries > 0 ? ", perhaps again" : "");
    return true;
}

static weir_consumer *hire(const char *url, const char *name) {
    weir_view stream = weir_text("tasks");
    weir_consumer_options options = {
        .streams = &stream,
        .stream_count = 1,
        .group = weir_text("workers"), /* made if it is missing, used if it is there */
        .start = WEIR_START_BEGINNING, /* of one that is made: all that was ever added */
        .name = weir_text(name),       /* the same after a restart: it goes on at once */
        .count = 2,             /* tasks taken at a time: few, for the work is slow */
        .claim_idle_ms = 30000, /* silent for so long: dead, others take its tasks */
        .max_deliveries = 10,   /* tried so often: poison, set aside */
        .dead_letters = weir_text("tasks-dead")};
    weir_consumer *consumer;
    if (weir_consumer_open(url, NULL, &options, &consumer) != WEIR_OK) {
        (void)fprintf(stderr, "%s: %s\n", name, weir_consumer_error(consumer)->text);
        exit(1);
    }
    return consumer;
}

static void *run(void *consumer) {
    weir_delivery task;
    weir_status st = WEIR_OK;
    while (st == WEIR_OK &&
           (st = weir_consumer_next(consumer, WEIR_FOREVER, &task)) == WEIR_OK) {
        bool is_done = work(weir_consumer_name(consumer), &task.entry);
        st = is_done ? weir_consumer_done(consumer, &task)
                     : weir_consumer_release(consumer, &task);
    }
    if (st < 0) { /* WEIR_END: it was cancelled */
        (void)fprintf(stderr, "%s\n", weir_consumer_error(consumer)->text);
        (void)kill(getpid(), SIGTERM);
    }
    return NULL;
}

int main(int argc, char **argv) {
    static const char *const names[WORKERS] = {"ann", "bob", "cyd", "dan"};
    weir_consumer *workers[WORKERS];
    pthread_t threads[WORKERS];
    sigset_t stop;
    int which;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGINT);
    (void)sigaddset(&stop, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &stop, NULL); /* in all threads: main waits for them */
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = hire(argc > 1 ? argv[1] : "redis://127.0.0.1:6379", names[i]);
        (void)pthread_create(&threads[i], NULL, run, workers[i]);
    }
    (void)sigwait(&stop, &which);
    for (int i = 0; i < WORKERS; i++) {
        weir_consumer_cancel(workers[i]);
        (void)pthread_join(threads[i], NULL);
        (void)weir_consumer_close(workers[i], 5000); /* gives back what it did not do */
    }
    return 0;
}
