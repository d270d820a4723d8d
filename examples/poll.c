/* poll URL STREAM: adds each line of standard input to a stream and prints the id of each.
 * It waits nowhere but in poll(), for both at once; where the server is slower than its
 * input, it reads no more until there is room.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weir/weir.h>

typedef struct adder {
    weir_client *redis;
    weir_view stream;
    char text[4096]; /* read and not yet added; a longer line is cut */
    size_t len;
    bool is_over; /* standard input is */
} adder;

/* Until the client must be called again, as poll() wants it. */
static int left_ms(const weir_client *redis) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    int64_t deadline_ms = weir_client_deadline_ms(redis);
    if (deadline_ms <= now_ms) {
        return 0;
    }
    return deadline_ms - now_ms < INT_MAX ? (int)(deadline_ms - now_ms) : -1;
}

/* One turn of the loop: waits for either, reads text, and moves the client's bytes. */
static weir_status turn(adder *me) {
    bool has_room = !me->is_over && me->len < sizeof me->text;
    int wants = weir_client_wants(me->redis);
    struct pollfd watched[] = {{.fd = weir_client_fd(me->redis)},
                               {.fd = has_room ? STDIN_FILENO : -1, .events = POLLIN}};
    watched[0].events |= wants & WEIR_WANT_READ ? POLLIN : 0;
    watched[0].events |= wants & WEIR_WANT_WRITE ? POLLOUT : 0;
    (void)poll(watched, 2, left_ms(me->redis));
    if (watched[1].revents != 0) {
        ssize_t count = read(STDIN_FILENO, me->text + me->len, sizeof me->text - me->len);
        me->is_over = count <= 0;
        me->len += count > 0 ? (size_t)count : 0;
    }
    return weir_step(me->redis);
}

/* Asks for all whole lines to be added, as far as the client takes them now. */
static weir_status add_lines(adder *me) {
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && me->len > 0) {
        const char *end = memchr(me->text, '\n', me->len);
        if (end == NULL && !me->is_over && me->len < sizeof me->text) {
            return WEIR_OK; /* the rest of it is to come */
        }
        size_t len = end != NULL ? (size_t)(end - me->text) : me->len;
        size_t used = end != NULL ? len + 1 : len;
        weir_field line = {weir_text("line"), weir_bytes(me->text, len)};
        st = weir_append_xadd(me->redis, me->stream, &line, 1, NULL);
        if (st == WEIR_OK) {
            me->len -= used;
            memmove(me->text, me->text + used, me->len);
        }
    }
    return st == WEIR_MORE || st == WEIR_ERR_FULL ? WEIR_OK : st; /* later */
}

/* Prints the answers that have come. */
static weir_status print_ids(weir_client *redis) {
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && weir_unanswered(redis) > 0) {
        weir_id id;
        st = weir_take_id(redis, &id);
        if (st == WEIR_OK) {
            printf("%" PRIu64 "-%" PRIu64 "\n", id.ms, id.seq);
        }
    }
    return st == WEIR_MORE ? WEIR_OK : st;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        (void)fprintf(stderr, "usage: poll URL STREAM\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* also into a pipe: each line at once */
    adder me = {.stream = weir_text(argv[2])};
    weir_options options = {.non_blocking = true};
    weir_status st = weir_open(argv[1], &options, &me.redis);
    while (st == WEIR_OK && (!me.is_over || me.len > 0 || weir_unanswered(me.redis) > 0)) {
        st = turn(&me);
        st = st == WEIR_OK ? add_lines(&me) : st;
        st = st == WEIR_OK ? print_ids(me.redis) : st;
    }
    if (st != WEIR_OK) {
        (void)fprintf(stderr, "poll: %s\n", weir_client_error(me.redis)->text);
    }
    weir_close(me.redis);
    return st == WEIR_OK ? 0 : 1;
}
