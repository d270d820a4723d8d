/* How long the work of a worker that was killed lies, until another of its group has it: a
 * process is killed by SIGKILL with entries in hand, and another consumer waits for them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "handover.h"

#include "connect.h"
#include "control.h"
#include "say.h"
#include "side.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEAD         "dead"
#define NEXT         "next"
#define MOST_WAIT_MS (10 * HANDOVER_PROMISE_MS)

static bool consumer_failed(const weir_consumer *consumer, const char *what) {
    return say_failed("handover: %s: %s", what, weir_consumer_error(consumer)->text);
}

static bool open_consumer(const struct endpoint *endpoint, const char *name,
                          weir_consumer **consumer) {
    char url[CONNECT_URL];
    const weir_view stream = weir_text(BENCH_KEY);
    const weir_consumer_options options = {.streams = &stream,
                                           .stream_count = 1,
                                           .group = weir_text(BENCH_GROUP),
                                           .name = weir_text(name),
                                           .start = WEIR_START_BEGINNING,
                                           .count = HANDOVER_ENTRIES,
                                           .claim_idle_ms = HANDOVER_IDLE_MS,
                                           .claim_interval_ms = HANDOVER_INTERVAL_MS};
    connect_url(endpoint, url);
    return weir_consumer_open(url, NULL, &options, consumer) == WEIR_OK ||
           consumer_failed(*consumer, "opening");
}

/* In the child: takes all entries, says so, and works on them until it is killed. */
static void become_worker(const struct endpoint *endpoint, int answer, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    weir_consumer *consumer;
    if (getppid() != parent || !open_consumer(endpoint, DEAD, &consumer)) {
        _exit(1);
    }
    for (size_t i = 0; i < HANDOVER_ENTRIES; i++) {
        weir_delivery task;
        if (weir_consumer_next(consumer, MOST_WAIT_MS, &task) != WEIR_OK) {
            consumer_failed(consumer, "the worker");
            _exit(1);
        }
    }
    if (write(answer, "", 1) == 1) {
        pause();
    }
    _exit(1);
}

/* A process that has all entries in hand; -1: failed, and said why. */
static pid_t start_worker(const struct endpoint *endpoint) {
    int ends[2];
    if (pipe(ends) != 0) {
        say_failed("handover: no pipe: %s", strerror(errno));
        return -1;
    }
    pid_t parent = getpid();
    pid_t worker = fork();
    if (worker == 0) {
        become_worker(endpoint, ends[1], parent);
    }
    close(ends[1]);
    char byte;
    bool is_at_work = worker > 0 && read(ends[0], &byte, 1) == 1;
    close(ends[0]);
    if (is_at_work) {
        return worker;
    }
    if (worker > 0) {
        waitpid(worker, NULL, 0);
    }
    say_failed("handover: the worker did not begin");
    return -1;
}

/* Waits for what the dead one had. */
static bool take_over(weir_consumer *consumer) {
    for (size_t i = 0; i < HANDOVER_ENTRIES; i++) {
        weir_delivery task;
        if (weir_consumer_next(consumer, MOST_WAIT_MS, &task) != WEIR_OK) {
            return consumer_failed(consumer, "an entry of the dead worker");
        }
        if (task.origin != WEIR_ORIGIN_CLAIMED || task.entry.deliveries < 1) {
            return say_failed("handover: an entry came that the dead worker had not");
        }
        if (weir_consumer_done(consumer, &task) != WEIR_OK) {
            return consumer_failed(consumer, "an acknowledgement");
        }
    }
    return true;
}

/* `share` of the interval passes between the last look and the kill, so that the rounds do
 * not all die at the same moment of the other's turn. */
static bool run_round(const struct endpoint *endpoint, double share, double *took_ms) {
    const struct timespec pause = {.tv_nsec =
                                       (long)(share * HANDOVER_INTERVAL_MS * 1000000)};
    weir_consumer *consumer = NULL;
    pid_t worker = start_worker(endpoint);
    if (worker < 0) {
        return false;
    }
    bool is_open = open_consumer(endpoint, NEXT, &consumer);
    nanosleep(&pause, NULL);
    double start = clock_seconds();
    kill(worker, SIGKILL);
    waitpid(worker, NULL, 0);
    bool is_done = is_open && take_over(consumer);
    *took_ms = (clock_seconds() - start) * 1000;
    bool is_closed = weir_consumer_close(consumer, WIRE_TIMEOUT_SECONDS * 1000) == WEIR_OK;
    return is_done && (is_closed || say_failed("handover: closing failed"));
}

static bool fill(int control) {
    char answer[CONTROL_ANSWER];
    bool is_done = control_ask(control, "FLUSHALL\r\n", answer);
    for (size_t i = 0; is_done && i < HANDOVER_ENTRIES; i++) {
        is_done = control_ask(control, "XADD " BENCH_KEY " * field value\r\n", answer);
    }
    return is_done;
}

bool handover_run(const struct endpoint *endpoint, int control, size_t rounds,
                  struct handover *result) {
    double took_ms[MEASURE_MAX_ROUNDS];
    char answer[CONTROL_ANSWER];
    for (size_t i = 0; i < rounds; i++) {
        say_progress("hand-over", i, rounds);
        if (!fill(control) ||
            !run_round(endpoint, (double)i / (double)rounds, &took_ms[i])) {
            return false;
        }
    }
    result->rounds = rounds;
    result->median_ms = median_of(took_ms, rounds);
    result->least_ms = took_ms[0]; /* median_of has sorted them */
    result->most_ms = took_ms[rounds - 1];
    return control_ask(control, "FLUSHALL\r\n", answer);
}
