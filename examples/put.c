/* put URL STREAM N: adds N entries in a pipeline, keeps the newest 100000, and says how
 * many the stream holds. SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir/weir.h>

/* Asks for the next entry to be added; the answer comes later. */
static weir_status append(weir_client *redis, weir_view stream, long number) {
    char text[24];
    (void)snprintf(text, sizeof text, "%ld", number);
    weir_field task[] = {weir_pair("task_type", "email"), weir_pair("number", text)};
    return weir_append_xadd(redis, stream, task, 2, NULL);
}

/* Keeps the pipeline full: takes an answer only where there is no room for a request. */
static weir_status put(weir_client *redis, weir_view stream, long count) {
    weir_status st = WEIR_OK;
    for (long i = 0; i < count && st == WEIR_OK; i++) {
        st = append(redis, stream, i);
        while (st == WEIR_ERR_FULL) {
            st = weir_take_id(redis, NULL);
            st = st == WEIR_OK ? append(redis, stream, i) : st;
        }
    }
    while (st == WEIR_OK && weir_unanswered(redis) > 0) {
        st = weir_take_id(redis, NULL);
    }
    return st;
}

int main(int argc, char **argv) {
    char *end = NULL;
    long count = argc == 4 ? strtol(argv[3], &end, 10) : -1;
    if (count < 0 || end == argv[3] || *end != '\0') {
        (void)fprintf(stderr, "usage: put URL STREAM N\n");
        return 2;
    }
    weir_client *redis;
    weir_view stream = weir_text(argv[2]);
    weir_trim newest = {.by = WEIR_TRIM_MAXLEN, .is_exact = true, .max_len = 100000};
    uint64_t trimmed = 0;
    uint64_t length = 0;
    weir_status st = weir_open(argv[1], NULL, &redis);
    st = st == WEIR_OK ? put(redis, stream, count) : st;
    st = st == WEIR_OK ? weir_xtrim(redis, stream, &newest, &trimmed) : st;
    st = st == WEIR_OK ? weir_xlen(redis, stream, &length) : st;
    if (st == WEIR_OK) {
        printf("%ld entries added, %" PRIu64 " trimmed, %" PRIu64 " in the stream\n", count,
               trimmed, length);
    } else {
        (void)fprintf(stderr, "put: %s\n", weir_client_error(redis)->text);
    }
    weir_close(redis);
    return st == WEIR_OK ? 0 : 1;
}
