/* Every row of resp_cases.tsv, with each protocol it names, at every cut: what is read, and
 * what is passed over. The table's head says what its columns mean.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "../fuzz/render.h"
#include "feed.h"

#define TABLE_FILE "tests/resp_cases.tsv"
#define CASES_MAX  512
#define TEXT_ROOM  (64 * 1024)

/* A row with one of the protocols it names. */
struct row {
    const char *name;
    const char *expect;
    const char *canonical;
    weir_view wire;
    int protocol;
};

struct table {
    char *file;
    size_t rows;
    size_t case_count;
    struct row cases[CASES_MAX];
    char text[TEXT_ROOM];
};

/* ---- the table ---- */

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s: the tests run in weir's own folder", path);
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    text[size] = '\0';
    (void)fclose(file);
    return text;
}

/* Gives the text up to `stop` and moves *at behind it. */
static char *cut_field(char **at, char stop) {
    char *field = *at;
    char *end = strchr(field, stop);
    if (end == NULL) {
        fail_msg("a row ends early, at \"%.40s\"", field);
        abort();
    }
    *end = '\0';
    *at = end + 1;
    return field;
}

static char escaped_byte(const char **at) {
    char letter = *(*at)++;
    switch (letter) {
    case 'r': return '\r';
    case 'n': return '\n';
    case 't': return '\t';
    case '\\':
    case '"': return letter;
    default: break;
    }
    const char *octal = *at - 1;
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(octal[i], '0', '7');
    }
    *at += 2;
    return (char)((octal[0] - '0') * 64 + (octal[1] - '0') * 8 + (octal[2] - '0'));
}

/* The bytes that the escaped text stands for, in its place. */
static weir_view unescape(char *text) {
    char *out = text;
    for (const char *at = text; *at != '\0';) {
        char byte = *at++;
        if (byte == '\\') {
            byte = escaped_byte(&at);
        }
        *out++ = byte;
    }
    return weir_bytes(text, (size_t)(out - text));
}

static void add_row(struct table *table, char *line) {
    struct row row = {.name = cut_field(&line, '\t')};
    const char *protocols = cut_field(&line, '\t');
    row.wire = unescape(cut_field(&line, '\t'));
    row.expect = cut_field(&line, '\t');
    row.canonical = line;
    char *note = strchr(line, '\t');
    if (note != NULL) {
        *note = '\0';
    }
    for (; *protocols != '\0'; protocols++) {
        assert_true(*protocols == '2' || *protocols == '3');
        assert_in_range(table->case_count, 0, CASES_MAX - 1);
        row.protocol = *protocols - '0';
        table->cases[table->case_count++] = row;
    }
    table->rows++;
}

static int load(void **state) {
    struct table *table = calloc(1, sizeof *table);
    assert_non_null(table);
    table->file = read_file(TABLE_FILE);
    bool is_head_seen = false;
    for (char *at = table->file; *at != '\0';) {
        char *line = cut_field(&at, '\n');
        if (*line == '#') {
            continue;
        }
        if (is_head_seen) {
            add_row(table, line);
        }
        is_head_seen = true;
    }
    *state = table;
    return 0;
}

static int unload(void **state) {
    struct table *table = *state;
    free(table->file);
    free(table);
    return 0;
}

/* ---- what a row asks for ---- */

/* One alternative: a text, or one whose "!!CLASS" may be any class. */
static bool is_as(weir_view text, const struct feed *feed, weir_view alternative) {
    if (feed->status != WEIR_ERR_PROTOCOL) {
        return weir_view_equal(text, alternative);
    }
    size_t before = text.len - strlen("!!") - strlen(render_class(feed->fault));
    weir_view head = weir_bytes(text.data, before + strlen("!!"));
    return alternative.len > head.len &&
           weir_view_equal(head, weir_bytes(alternative.data, head.len));
}

static bool is_expected(weir_view text, const struct feed *feed, const struct row *row) {
    static const char between[] = " || ";
    const char *at = row->canonical;
    for (;;) {
        const char *end = strstr(at, between);
        size_t len = end != NULL ? (size_t)(end - at) : strlen(at);
        if (is_as(text, feed, weir_bytes(at, len))) {
            return true;
        }
        if (end == NULL) {
            return false;
        }
        at = end + strlen(between);
    }
}

/* The one word of `expect` that names how the reader ended; "either" leaves it open. */
static bool is_ended_as(const struct feed *feed, const char *expect) {
    const char *ended = feed->status == WEIR_OK     ? "value"
                        : feed->status == WEIR_MORE ? "incomplete"
                                                    : "error";
    return strcmp(expect, ended) == 0 || strcmp(expect, "either") == 0;
}

static void open_case(struct feed *feed, const struct row *row,
                      weir_reader_options *options) {
    memset(options, 0, sizeof *options);
    options->protocol = row->protocol;
    feed_open(feed, row->name, row->wire);
}

static void fail_row(const struct row *row, weir_view text) {
    print_error("%s, protocol %d: got %.*s, expected %s %s\n", row->name, row->protocol,
                WEIR_PRINT(text), row->expect, row->canonical);
    fail();
}

/* ---- the facts ---- */

static void the_table_is_whole(void **state) {
    const struct table *table = *state;
    print_message("%zu rows, %zu with each protocol that they name\n", table->rows,
                  table->case_count);
    assert_int_equal(table->rows, 259);
    assert_int_equal(table->case_count, 359);
}

static void rows_are_read_as_written_at_every_cut(void **state) {
    struct table *table = *state;
    size_t runs = 0;
    size_t errors = 0;
    size_t classes = 0;
    for (size_t i = 0; i < table->case_count; i++) {
        const struct row *row = &table->cases[i];
        struct feed feed;
        weir_reader_options options;
        open_case(&feed, row, &options);
        runs += feed_every_cut(&feed, &options, FEED_NEXT);
        weir_view text = feed_text(&feed, table->text, sizeof table->text);
        if (!is_ended_as(&feed, row->expect) || !is_expected(text, &feed, row)) {
            fail_row(row, text);
        }
        if (strcmp(row->expect, "error") == 0) {
            errors++;
            classes += weir_view_equal(text, weir_text(row->canonical)) ? 1 : 0;
        }
        feed_close(&feed);
    }
    print_message("%zu readings; %zu errors, of them %zu of the very class\n", runs, errors,
                  classes);
}

/* The same values end at the same bytes, and the same fault is found at the same place. */
static void expect_same_verdict(const struct row *row, const struct feed *skipped,
                                const struct feed *read) {
    bool is_same = skipped->status == read->status && skipped->fault == read->fault &&
                   skipped->value_count == read->value_count &&
                   memcmp(skipped->value_ends, read->value_ends,
                          read->value_count * sizeof *read->value_ends) == 0;
    if (is_same && read->status == WEIR_ERR_PROTOCOL) {
        is_same = skipped->offset == read->offset;
    }
    if (!is_same) {
        fail_msg("%s, protocol %d: skipped: %s at %llu; read: %s at %llu", row->name,
                 row->protocol, render_class(skipped->fault),
                 (unsigned long long)skipped->offset, render_class(read->fault),
                 (unsigned long long)read->offset);
    }
}

static void skip_every_row(const struct table *table, enum feed_call call) {
    size_t runs = 0;
    for (size_t i = 0; i < table->case_count; i++) {
        const struct row *row = &table->cases[i];
        struct feed feed;
        weir_reader_options options;
        open_case(&feed, row, &options);
        feed_run(&feed, &options, FEED_NEXT, row->wire.len, row->wire.len);
        const struct feed read = feed;
        runs += feed_every_cut(&feed, &options, call);
        expect_same_verdict(row, &feed, &read);
        if (strcmp(row->expect, "value") == 0) {
            assert_int_equal(feed.offset, row->wire.len);
        }
        feed_close(&feed);
    }
    print_message("%zu skippings\n", runs);
}

static void skip_passes_over_what_reading_reads(void **state) {
    skip_every_row(*state, FEED_SKIP);
}

static void skip_reply_passes_over_what_reading_reads(void **state) {
    skip_every_row(*state, FEED_SKIP_REPLY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(rows_are_read_as_written_at_every_cut),
        cmocka_unit_test(skip_passes_over_what_reading_reads),
        cmocka_unit_test(skip_reply_passes_over_what_reading_reads),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
