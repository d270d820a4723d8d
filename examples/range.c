/* range URL STREAM [--last-hour]: prints the entries of a stream, all of them or those of
 * the last hour. A stream of any size is read page by page, in the memory of the receive
 * buffer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <weir/weir.h>

#define HOUR_MS 3600000

static void print(const weir_entry *entry) {
    printf("%" PRIu64 "-%" PRIu64, entry->id.ms, entry->id.seq);
    for (size_t i = 0; i < entry->field_count; i++) {
        printf(" %.*s=%.*s", WEIR_PRINT(entry->fields[i].name),
               WEIR_PRINT(entry->fields[i].value));
    }
    printf("\n");
}

static weir_status print_since(weir_client *redis, weir_view stream, weir_id start) {
    weir_pages pages;
    weir_entry entry;
    weir_status st = weir_pages_open(redis, stream, start, WEIR_ID_MAX, NULL, &pages);
    while (st == WEIR_OK && (st = weir_pages_next(&pages, &entry)) == WEIR_OK) {
        print(&entry);
    }
    return st; /* WEIR_END when all are printed */
}

int main(int argc, char **argv) {
    bool is_last_hour = argc == 4 && strcmp(argv[3], "--last-hour") == 0;
    if (argc != 3 && !is_last_hour) {
        (void)fprintf(stderr, "usage: range URL STREAM [--last-hour]\n");
        return 2;
    }
    weir_id start = WEIR_ID_MIN;
    if (is_last_hour) { /* ids begin with the time in milliseconds, by the server's clock */
        start = weir_id_at_ms((uint64_t)time(NULL) * 1000 - HOUR_MS);
    }
    weir_client *redis;
    weir_status st = weir_open(argv[1], NULL, &redis);
    st = st == WEIR_OK ? print_since(redis, weir_text(argv[2]), start) : st;
    if (st < 0) {
        (void)fprintf(stderr, "range: %s\n", weir_client_error(redis)->text);
    }
    weir_close(redis);
    return st < 0 ? 1 : 0;
}
