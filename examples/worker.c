/* worker URL STREAM GROUP NAME [IDLE_MS]: one member of a consumer group. It goes on with
 * what it was stopped in, takes over what others left alone for IDLE_MS (60000), and waits
 * for new entries. A crash loses none, some are done twice; SIGINT and SIGTERM end it well.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir/weir.h>

static weir_consumer *tasks;

static void stop(int signal_number) {
    (void)signal_number;
    weir_consumer_cancel(tasks);
}

static void on_stop(void (*handler)(int)) {
    (void)signal(SIGINT, handler);
    (void)signal(SIGTERM, handler);
}

/* What was survived: a lost connection, a server that was still loading ... */
static void tell(void *context, const weir_error *error) {
    (void)context;
    (void)fprintf(stderr, "worker: goes on after: %s\n", error->text);
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        (void)fprintf(stderr, "usage: worker URL STREAM GROUP NAME [IDLE_MS]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* also into a pipe: each line at once */
    weir_view stream = weir_text(argv[2]);
    weir_consumer_options options = {
        .streams = &stream,
        .stream_count = 1,
        .group = weir_text(argv[3]),
        .name = weir_text(argv[4]),
        .start = WEIR_START_BEGINNING, /* of a group that is not there yet */
        .claim_idle_ms = argc == 6 ? strtoll(argv[5], NULL, 10) : 60000,
        .on_trouble = tell};
    weir_delivery task;
    weir_status st = weir_consumer_open(argv[1], NULL, &options, &tasks);
    if (st == WEIR_OK) {
        on_stop(stop);
    }
    while (st == WEIR_OK &&
           (st = weir_consumer_next(tasks, WEIR_FOREVER, &task)) == WEIR_OK) {
        printf("%" PRIu64 "-%" PRIu64 "\n", task.entry.id.ms, task.entry.id.seq); /* work */
        st = weir_consumer_done(tasks, &task);
    }
    on_stop(SIG_IGN);
    if (st < 0) {
        (void)fprintf(stderr, "worker: %s\n", weir_consumer_error(tasks)->text);
    }
    weir_status closed = weir_consumer_close(tasks, 5000);
    return st < 0 || closed != WEIR_OK;
}
