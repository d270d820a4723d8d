/* The table of docs/commands.md: each row's example is answered by a server that is new
 * enough, refused by an older one, and no function is missing.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_TEXT 32768
#define MOST_ARGS 20

static char *read_text(const char *path) {
    char *text = calloc(1, MOST_TEXT);
    FILE *file = fopen(path, "r");
    assert_non_null(text);
    assert_non_null(file);
    size_t len = fread(text, 1, MOST_TEXT - 1, file);
    assert_in_range(len, 1, MOST_TEXT - 2);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* A row's cells, without the blanks around them. */
struct row {
    char cells[5][128];
};

static bool read_row(const char *line, struct row *row) {
    if (strncmp(line, "| `X", 4) != 0) {
        return false;
    }
    for (int i = 0; i < 5; i++) {
        line += 2;
        size_t len = strcspn(line, "|\n");
        assert_true(line[len] == '|' && len < sizeof row->cells[i]);
        (void)snprintf(row->cells[i], sizeof row->cells[i], "%.*s", (int)len - 1, line);
        line += len;
    }
    return true;
}

/* Stream "s" with 1-0 to 3-0, group "g" that has been given 1-0. */
static void prepare(weir_client *client) {
    assert_ok(client, live_say(client, "DEL", "s"));
    live_fill(client, "s", 3, 1);
    assert_ok(client, live_say(client, "XGROUP", "CREATE", "s", "g", "0"));
    assert_ok(client, live_say(client, "XREADGROUP", "GROUP", "g", "c", "COUNT", "1",
                               "STREAMS", "s", ">"));
}

/* Sends the example, words between backquotes. */
static weir_status say(weir_client *client, const char *cell) {
    weir_view args[MOST_ARGS];
    size_t count = 0;
    const char *end = strrchr(cell, '`');
    for (const char *at = cell + 1; at < end; count++) {
        size_t len = strcspn(at, " `");
        assert_true(count < MOST_ARGS);
        args[count] = weir_bytes(at, len);
        at += len + 1;
    }
    return weir_command(client, args, count, NULL);
}

/* The cell "tested on" names this server if it has the command, and only then. */
static void check_tested(const struct row *row, bool is_there) {
    const char *cell = row->cells[4];
    const char *label = live_label();
    bool is_ours =
        strstr("redis-7.0 redis-8.0 redis-8.6 valkey-8.1 valkey-9.1", label) != NULL;
    bool is_named = strcmp(cell, "all") == 0 || strstr(cell, label) != NULL;
    if (is_ours && is_named != is_there) {
        print_error("%s: tested on %s, but this is %s\n", row->cells[0], cell, label);
        fail();
    }
}

static void each_row_says_which_servers_have_it(void **state) {
    struct live *live = *state;
    char *text = read_text("docs/commands.md");
    size_t rows = 0;
    struct row row;
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (!read_row(line, &row)) {
            continue;
        }
        bool has_none = strcmp(row.cells[3], "none") == 0;
        bool is_there = live_has(row.cells[2], has_none ? NULL : row.cells[3]);
        prepare(live->client);
        weir_status st = say(live->client, row.cells[0]);
        if (st != (is_there ? WEIR_OK : WEIR_ERR_SERVER)) {
            print_error("%s gave %s: %s\n", row.cells[0], weir_status_text(st),
                        weir_client_error(live->client)->text);
            fail();
        }
        check_tested(&row, is_there);
        rows++;
    }
    free(text);
    assert_true(rows >= 40);
}

static void each_function_has_a_row(void **state) {
    (void)state;
    static const char *const headers[] = {"stream/write.h", "stream/read.h",
                                          "stream/group.h", "stream/inspect.h"};
    char *table = read_text("docs/commands.md");
    size_t functions = 0;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char *header = read_text(headers[i]);
        const char *at = header;
        while ((at = strstr(at, "WEIR_API weir_status weir_x")) != NULL) {
            char name[64];
            at += strlen("WEIR_API weir_status ");
            (void)snprintf(name, sizeof name, "| `%.*s`", (int)strcspn(at, "("), at);
            if (strstr(table, name) == NULL) {
                print_error("%s is in no row of docs/commands.md\n", name + 2);
                fail();
            }
            functions++;
        }
        free(header);
    }
    free(table);
    assert_true(functions >= 24);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LIVE_ON_BOTH(each_row_says_which_servers_have_it),
        cmocka_unit_test(each_function_has_a_row),
    };
    return live_run("the table of commands", tests);
}
