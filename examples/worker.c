/* worker URL STREAM GROUP NAME [IDLE_MS]: one member of a consumer group. First it goes on
 * where it was stopped, then takes over what others left alone for IDLE_MS (60000), then
 * waits for new entries. Acknowledged when done: a crash loses none, some are done twice.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir/weir.h>

typedef struct worker {
    weir_client *redis;
    weir_view stream, group, name;
    uint64_t idle_ms;
} worker;

/* Works on each entry, then acknowledges it: on the same client, inside the loop. */
static weir_status work(const worker *me, weir_entries *page, weir_id *last, int *count) {
    weir_entry entry;
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && (st = weir_entries_next(page, &entry)) == WEIR_OK) {
        if (entry.state == WEIR_ENTRY_WHOLE) {
            printf("%" PRIu64 "-%" PRIu64 "\n", entry.id.ms, entry.id.seq); /* the work */
        }
        st = weir_xack(me->redis, me->stream, me->group, &entry.id, 1, NULL);
        *last = entry.id;
        ++*count;
    }
    return st == WEIR_END ? WEIR_OK : st;
}

/* One page of entries behind `source`, which then stands behind the last of them. */
static weir_status read_on(const worker *me, weir_source *source, int64_t wait_ms,
                           int *count) {
    weir_read_options options = {.count = 100, .block_ms = wait_ms};
    weir_entries page;
    weir_status st =
        weir_xreadgroup(me->redis, me->group, me->name, source, 1, &options, &page);
    *count = 0;
    return st == WEIR_OK ? work(me, &page, &source->after, count) : st;
}

static weir_status take_over(const worker *me) {
    weir_status st = WEIR_OK;
    weir_id next = WEIR_ID_MIN;
    do {
        weir_entries page;
        weir_id last;
        int count = 0;
        st = weir_xautoclaim(me->redis, me->stream, me->group, me->name, me->idle_ms, next,
                             NULL, &next, &page);
        st = st == WEIR_OK ? work(me, &page, &last, &count) : st;
    } while (st == WEIR_OK && weir_id_compare(next, WEIR_ID_MIN) != 0);
    return st;
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        (void)fprintf(stderr, "usage: worker URL STREAM GROUP NAME [IDLE_MS]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* also into a pipe: each line at once */
    uint64_t idle_ms = argc == 6 ? strtoull(argv[5], NULL, 10) : 60000;
    worker me = {NULL, weir_text(argv[2]), weir_text(argv[3]), weir_text(argv[4]), idle_ms};
    weir_source all = weir_source_after(me.stream, WEIR_ID_MIN);
    weir_xgroup_options made = {.make_stream = true};
    weir_status st = weir_open(argv[1], NULL, &me.redis);
    st = st == WEIR_OK ? weir_xgroup_create(me.redis, all, me.group, &made, NULL) : st;
    for (int count = 1; st == WEIR_OK && count > 0;) {
        st = read_on(&me, &all, 0, &count); /* its own history, to the end */
    }
    weir_source fresh = weir_source_new(me.stream);
    for (int count; st == WEIR_OK;) {
        st = take_over(&me);
        st = st == WEIR_OK ? read_on(&me, &fresh, 1000, &count) : st;
    }
    (void)fprintf(stderr, "worker: %s\n", weir_client_error(me.redis)->text);
    weir_close(me.redis);
    return 1;
}
