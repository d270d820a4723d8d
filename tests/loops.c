/* What the examples of event loops and of an own transport must do.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "loops.h"

#include "program.h"

#include <stdlib.h>

#define LINES   5000 /* together less than a pipe holds */
#define ENTRIES 2500 /* two pages of the example and a half */

static void empty(weir_client *client) { assert_ok(client, live_say(client, "FLUSHALL")); }

static void tell(struct program *program, const char *line) {
    assert_true(fputs(line, program->in) >= 0);
    assert_int_equal(fflush(program->in), 0);
}

static weir_id read_id(struct program *program) {
    char line[64] = "";
    weir_id id = {0};
    assert_non_null(fgets(line, sizeof line, program->out));
    assert_status(weir_id_parse(weir_bytes(line, strcspn(line, "\n")), &id), WEIR_OK);
    return id;
}

/* The next entry has that line, and the id that was printed for it. */
static void expect_added(weir_entries *all, const char *line, weir_id id) {
    weir_entry entry;
    assert_status(weir_entries_next(all, &entry), WEIR_OK);
    assert_int_equal(weir_id_compare(entry.id, id), 0);
    assert_int_equal(entry.field_count, 1);
    assert_view(entry.fields[0].name, "line");
    assert_view(entry.fields[0].value, line);
}

void loops_expect_lines_added(weir_client *client, const char *url) {
    static weir_id ids[LINES + 3];
    char line[16];
    weir_entries all;
    empty(client);
    struct program poll = program_start("poll", url, "s");
    tell(&poll, "one\n");
    ids[0] = read_id(&poll); /* it does not wait for more */
    tell(&poll, "\n");
    for (int i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof line, "%d\n", i);
        tell(&poll, line);
    }
    tell(&poll, "the end");
    program_end_input(&poll);
    for (size_t i = 1; i < LINES + 3; i++) {
        ids[i] = read_id(&poll);
    }
    program_expect_no_line(&poll);
    assert_int_equal(program_finish(&poll), 0);
    assert_ok(client, weir_xrange(client, WIRE("s"), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &all));
    expect_added(&all, "one", ids[0]);
    expect_added(&all, "", ids[1]);
    for (int i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof line, "%d", i);
        expect_added(&all, line, ids[i + 2]);
    }
    expect_added(&all, "the end", ids[LINES + 2]);
    assert_end(&all);
}

void loops_expect_refusal_told(weir_client *client, const char *url) {
    empty(client);
    assert_ok(client, live_say(client, "SET", "s", "no stream"));
    struct program poll = program_start("poll", url, "s");
    tell(&poll, "one\n");
    program_expect_no_line(&poll);
    assert_int_equal(program_finish(&poll), 1);
    struct program tail = program_start("libuv", url, "s");
    program_expect_no_line(&tail);
    assert_int_equal(program_finish(&tail), 1);
}

/* The ids ms-0 from `first` to `last`. */
static void expect_ids(struct program *program, uint64_t first, uint64_t last) {
    for (uint64_t ms = first; ms <= last; ms++) {
        assert_id(read_id(program), ms, 0);
    }
}

void loops_expect_stream_followed(weir_client *client, const char *url) {
    empty(client);
    live_fill(client, "s", ENTRIES, 20);
    struct program tail = program_start("libuv", url, "s", "2502");
    expect_ids(&tail, 1, ENTRIES);
    live_add(client, "s", ENTRIES + 1, 0);
    expect_ids(&tail, ENTRIES + 1, ENTRIES + 1); /* it does not wait for its BLOCK */
    live_add(client, "s", ENTRIES + 2, 0);
    live_add(client, "s", ENTRIES + 3, 0);
    expect_ids(&tail, ENTRIES + 2, ENTRIES + 2);
    program_expect_no_line(&tail);
    assert_int_equal(program_finish(&tail), 0);
}

void loops_expect_loss_survived(weir_client *client, const char *url) {
    empty(client);
    struct program tail = program_start("libuv", url, "s", "30");
    for (uint64_t ms = 1; ms <= 30; ms++) {
        live_add(client, "s", ms, 0);
        expect_ids(&tail, ms, ms);
        if (ms % 10 == 0) {
            assert_ok(client, live_say(client, "CLIENT", "KILL", "TYPE", "normal"));
        }
    }
    program_expect_no_line(&tail);
    assert_int_equal(program_finish(&tail), 0);
}

void loops_expect_wire_logged(weir_client *client, const char *url, uint16_t port) {
    char line[64] = "";
    char text[8];
    unsigned long sent = 0;
    unsigned long received = 0;
    size_t lengths = 0;
    empty(client);
    live_fill(client, "s", 7, 1);
    (void)snprintf(text, sizeof text, "%u", (unsigned)port);
    struct program wire = program_start("own_transport", url, "127.0.0.1", text, "s");
    while (fgets(line, sizeof line, wire.out) != NULL) { /* TLS says goodbye at last */
        sent += line[0] == 's' ? strtoul(strchr(line, ' '), NULL, 10) : 0;
        received += line[0] == 'r' ? strtoul(strchr(line, ' '), NULL, 10) : 0;
        lengths += strcmp(line, "7\n") == 0 ? 1 : 0;
    }
    assert_int_equal(lengths, 1);
    assert_true(sent > sizeof "*2\r\n$4\r\nXLEN\r\n$1\r\ns\r\n");
    assert_true(received > sizeof ":7\r\n");
    assert_int_equal(program_finish(&wire), 0);
}
