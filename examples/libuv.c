/* libuv URL STREAM [N]: prints the entries of a stream, those that it holds and then each
 * new one, within a loop of libuv; ends after N of them. When its connection is lost it
 * connects again, and goes on behind the last entry.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <weir/weir.h>

typedef struct tail {
    weir_client *redis;
    weir_source source; /* the stream, behind the last entry */
    weir_entries page;
    unsigned long left; /* entries to print */
    uv_poll_t *watch;   /* of the client's descriptor; NULL: none is watched */
    uint64_t changes;   /* of that descriptor, when it was last looked at */
    uv_timer_t timer;
} tail;

static void turn(tail *me);

static void on_ready(uv_poll_t *watch, int status, int events) {
    (void)status; /* an error is seen by the client, too */
    (void)events;
    turn(watch->data);
}

static void on_time(uv_timer_t *timer) { turn(timer->data); }

static void on_closed(uv_handle_t *watch) { free(watch); }

static void forget_fd(tail *me) {
    if (me->watch != NULL) {
        uv_close((uv_handle_t *)me->watch, on_closed);
    }
    me->watch = NULL;
}

/* What the client waits for, and until when; its descriptor may change with each call. */
static void watch(tail *me) {
    int wants = weir_client_wants(me->redis);
    int events = (wants & WEIR_WANT_READ ? UV_READABLE : 0) |
                 (wants & WEIR_WANT_WRITE ? UV_WRITABLE : 0);
    int64_t deadline_ms = weir_client_deadline_ms(me->redis);
    if (weir_client_fd_changes(me->redis) != me->changes) { /* the number may be the same */
        forget_fd(me);
        me->changes = weir_client_fd_changes(me->redis);
    }
    if (events != 0 && me->watch == NULL &&
        (me->watch = malloc(sizeof *me->watch)) != NULL) {
        (void)uv_poll_init(me->timer.loop, me->watch, weir_client_fd(me->redis));
        me->watch->data = me;
    }
    if (events != 0 && me->watch != NULL) {
        (void)uv_poll_start(me->watch, events, on_ready);
    }
    uv_update_time(me->timer.loop);
    int64_t now_ms = (int64_t)uv_now(me->timer.loop); /* CLOCK_MONOTONIC, as ours */
    int64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    (void)uv_timer_start(&me->timer, on_time, (uint64_t)left_ms, 0);
}

/* Prints an entry, or looks for the next page, or asks for it. */
static weir_status read_on(tail *me) {
    weir_read_options options = {.count = 1000, .block_ms = 10000};
    weir_entry entry;
    weir_status st = weir_entries_next(&me->page, &entry);
    if (st == WEIR_OK) {
        printf("%" PRIu64 "-%" PRIu64 "\n", entry.id.ms, entry.id.seq);
        me->source.after = entry.id;
        me->left--;
    } else if (st == WEIR_END && weir_unanswered(me->redis) > 0) {
        st = weir_take_entries(me->redis, &me->page);
    } else if (st == WEIR_END) {
        st = weir_append_xread(me->redis, &me->source, 1, &options);
    }
    return st == WEIR_ERR_LOST || st == WEIR_ERR_DOWN ? WEIR_OK : st; /* asks again */
}

static void turn(tail *me) {
    if (me->watch != NULL) { /* the client may close what is watched */
        (void)uv_poll_stop(me->watch);
    }
    weir_status st = weir_step(me->redis);
    while (st == WEIR_OK && me->left > 0) {
        st = read_on(me);
    }
    if (st == WEIR_MORE) {
        watch(me);
    } else { /* nothing is left to wait for: the loop ends */
        forget_fd(me);
        uv_close((uv_handle_t *)&me->timer, NULL);
    }
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) {
        (void)fprintf(stderr, "usage: libuv URL STREAM [N]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* also into a pipe: each line at once */
    tail me = {.source = weir_source_after(weir_text(argv[2]), WEIR_ID_MIN),
               .left = argc == 4 ? strtoul(argv[3], NULL, 10) : (unsigned long)-1};
    weir_options options = {.non_blocking = true, .reconnect.is_on = true};
    weir_status st = weir_open(argv[1], &options, &me.redis);
    if (st == WEIR_OK) {
        (void)uv_timer_init(uv_default_loop(), &me.timer);
        me.timer.data = &me;
        turn(&me);
        (void)uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    }
    if (me.left > 0) {
        (void)fprintf(stderr, "libuv: %s\n", weir_client_error(me.redis)->text);
    }
    weir_close(me.redis);
    (void)uv_loop_close(uv_default_loop());
    return me.left > 0 ? 1 : 0;
}
