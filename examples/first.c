/* first [URL]: adds an entry to a stream, then prints all that the stream holds.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <weir/weir.h>

int main(int argc, char **argv) {
    weir_client *redis;
    weir_view key = weir_text("tasks");
    weir_field task[] = {weir_pair("type", "email"), weir_pair("to", "user@example.com")};
    weir_entries all;
    weir_entry entry;
    weir_status st = weir_open(argc > 1 ? argv[1] : "redis://127.0.0.1:6379", NULL, &redis);
    st = st == WEIR_OK ? weir_xadd(redis, key, task, 2, NULL, NULL) : st;
    st = st == WEIR_OK ? weir_xrange(redis, key, WEIR_ID_MIN, WEIR_ID_MAX, NULL, &all) : st;
    while (st == WEIR_OK && (st = weir_entries_next(&all, &entry)) == WEIR_OK) {
        char id[WEIR_ID_TEXT];
        weir_view to = weir_text("nobody");
        weir_id_format(entry.id, id);
        weir_entry_get(&entry, "to", &to);
        printf("%s is for %.*s\n", id, WEIR_PRINT(to));
    }
    if (st < 0) {
        fprintf(stderr, "%s\n", weir_client_error(redis)->text);
    }
    weir_close(redis);
    return st < 0;
}
