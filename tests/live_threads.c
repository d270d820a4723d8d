/* Several threads, each with objects of its own, on one stream and one group: the library
 * has nothing that they share. And one thread wakes the others. tests/threads.sh runs this
 * under the thread sanitizer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define PRODUCERS 3
#define CONSUMERS 3
#define EACH      400 /* entries of one producer */
#define ALL       (PRODUCERS * EACH)
#define PLENTY_MS 20000

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};

/* What one thread does, and how that ended. */
struct job {
    pthread_t thread;
    const struct live *live;
    int number;
    weir_status status;
    weir_consumer *consumer;
    uint64_t done;
};

static atomic_uint times[ALL]; /* that each entry was worked through */
static atomic_uint worked;     /* entries in all */

/* ---- one thread each ---- */

static void *produce(void *of) {
    struct job *job = of;
    weir_options client = {.protocol = job->live->protocol};
    weir_producer_options options = {.delivery = WEIR_DELIVERY_REPORT};
    weir_producer *producer;
    weir_stream *stream = NULL;
    weir_status st =
        weir_producer_open(job->live->server->url, &client, &options, &producer);
    if (st == WEIR_OK) {
        st = weir_producer_stream(producer, KEY, NULL, &stream);
    }
    for (int i = 0; i < EACH && st == WEIR_OK; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", job->number * EACH + i);
        weir_field field = weir_pair("n", text);
        st = weir_producer_append(producer, stream, &field, 1, NULL);
    }
    job->status = st == WEIR_OK ? weir_producer_close(producer, PLENTY_MS) : st;
    weir_producer_free(producer);
    return NULL;
}

/* Until another thread says that it is enough. */
static void *consume(void *of) {
    struct job *job = of;
    weir_delivery task;
    weir_status st = WEIR_OK;
    while (st == WEIR_OK || st == WEIR_MORE) {
        st = weir_consumer_next(job->consumer, PLENTY_MS, &task);
        if (st == WEIR_OK) {
            char text[16] = "";
            weir_view value = task.entry.fields[0].value;
            memcpy(text, value.data, value.len < sizeof text ? value.len : 0);
            atomic_fetch_add(&times[strtoul(text, NULL, 10) % ALL], 1);
            st = weir_consumer_done(job->consumer, &task);
            job->done++;
            atomic_fetch_add(&worked, 1);
        }
    }
    job->status = st;
    return NULL;
}

/* Asks for what does not come, on a client that the thread opens itself. */
static void *use_client(void *of) {
    struct job *job = of;
    weir_options options = {.protocol = job->live->protocol};
    weir_client *client;
    weir_status st = weir_open(job->live->server->url, &options, &client);
    for (int i = 0; i < EACH && st == WEIR_OK; i++) {
        uint64_t len;
        st = weir_xlen(client, KEY, &len);
        job->done += st == WEIR_OK ? 1 : 0;
    }
    job->status = st;
    weir_close(client);
    return NULL;
}

/* ---- all together ---- */

static void start(struct job *jobs, int count, const struct live *live,
                  void *(*work)(void *)) {
    for (int i = 0; i < count; i++) {
        jobs[i].live = live;
        jobs[i].number = i;
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]), 0);
    }
}

static void await(struct job *jobs, int count, weir_status expected) {
    for (int i = 0; i < count; i++) {
        assert_int_equal(pthread_join(jobs[i].thread, NULL), 0);
        assert_status(jobs[i].status, expected);
    }
}

static weir_consumer *open_named(const struct live *live, int number) {
    char name[20];
    weir_consumer *consumer;
    (void)snprintf(name, sizeof name, "worker-%d", number);
    weir_options client = {.protocol = live->protocol};
    weir_consumer_options options = {.streams = &KEY,
                                     .stream_count = 1,
                                     .group = GROUP,
                                     .name = weir_text(name),
                                     .start = WEIR_START_BEGINNING};
    assert_status(weir_consumer_open(live->server->url, &client, &options, &consumer),
                  WEIR_OK);
    return consumer;
}

/* The consumers' last answers may still be under way when they are woken. */
static void close_all(struct job *jobs) {
    for (int i = 0; i < CONSUMERS; i++) {
        assert_status(weir_consumer_close(jobs[i].consumer, PLENTY_MS), WEIR_OK);
    }
}

static void threads_with_objects_of_their_own_share_nothing(void **state) {
    struct live *live = *state;
    struct job producers[PRODUCERS] = {{.number = 0}};
    struct job consumers[CONSUMERS] = {{.number = 0}};
    struct job clients[2] = {{.number = 0}};
    uint64_t len;
    weir_pending left;
    memset(times, 0, sizeof times);
    atomic_store(&worked, 0);
    for (int i = 0; i < CONSUMERS; i++) {
        consumers[i].consumer = open_named(live, i);
    }
    start(consumers, CONSUMERS, live, consume);
    start(producers, PRODUCERS, live, produce);
    start(clients, 2, live, use_client);
    await(producers, PRODUCERS, WEIR_OK);
    await(clients, 2, WEIR_OK);
    int64_t until_ms = live_now_ms() + PLENTY_MS;
    while (atomic_load(&worked) < ALL && live_now_ms() < until_ms) {
        (void)support_poll(-1, 0, 5);
    }
    int64_t began_ms = live_now_ms();
    for (int i = 0; i < CONSUMERS; i++) {
        weir_consumer_cancel(consumers[i].consumer); /* each waits in its own thread */
    }
    await(consumers, CONSUMERS, WEIR_END);
    assert_in_range(live_now_ms() - began_ms, 0, PLENTY_MS / 4);
    close_all(consumers);
    for (int i = 0; i < ALL; i++) {
        assert_int_equal(atomic_load(&times[i]), 1);
    }
    assert_ok(live->client, weir_xlen(live->client, KEY, &len));
    assert_int_equal(len, ALL);
    assert_ok(live->client, weir_xpending(live->client, KEY, GROUP, &left));
    assert_int_equal(left.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(threads_with_objects_of_their_own_share_nothing),
    };
    return live_run("live_threads", tests);
}
