/* tail URL STREAM [N]: waits for new entries and prints each; ends after N of them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir/weir.h>

static void print(const weir_entry *entry) {
    printf("%" PRIu64 "-%" PRIu64, entry->id.ms, entry->id.seq);
    for (size_t i = 0; i < entry->field_count; i++) {
        printf(" %.*s=%.*s", WEIR_PRINT(entry->fields[i].name),
               WEIR_PRINT(entry->fields[i].value));
    }
    printf("\n");
}

/* The first read asks for what is new from now on, the others for what lies behind the last
 * entry that came: so nothing is missed between two reads. */
static weir_status follow(weir_client *redis, weir_view stream, unsigned long most) {
    weir_source source = weir_source_new(stream);
    weir_read_options options = {.block_ms = WEIR_FOREVER, .count = 1000};
    weir_status st = WEIR_END;
    while (st == WEIR_END && most > 0) {
        weir_entries page;
        weir_entry entry;
        st = weir_xread(redis, &source, 1, &options, &page);
        while (st == WEIR_OK && (st = weir_entries_next(&page, &entry)) == WEIR_OK) {
            print(&entry);
            source = weir_source_after(stream, entry.id);
            st = --most == 0 ? WEIR_END : st;
        }
        weir_entries_close(&page);
    }
    return st;
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) {
        (void)fprintf(stderr, "usage: tail URL STREAM [N]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* also into a pipe: each line at once */
    weir_client *redis;
    unsigned long most = argc == 4 ? strtoul(argv[3], NULL, 10) : (unsigned long)-1;
    weir_status st = weir_open(argv[1], NULL, &redis);
    st = st == WEIR_OK ? follow(redis, weir_text(argv[2]), most) : st;
    if (st < 0) {
        (void)fprintf(stderr, "tail: %s\n", weir_client_error(redis)->text);
    }
    weir_close(redis);
    return st < 0 ? 1 : 0;
}
