/* resp-check: says what the reader makes of a file, such as a crash or a capture, in the
 * notation of tests/resp_cases.tsv. Whatever the input, it holds little of it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "hold.h"
#include "render.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

/* Exit codes; the last three are those of sysexits.h. */
enum {
    EXIT_VALUE = 0,
    EXIT_BROKEN = 2,
    EXIT_MORE = 3,
    EXIT_WRONG_USE = 64,
    EXIT_NO_INPUT = 66,
    EXIT_NO_OUTPUT = 74
};

#define PIECE_MOST  (128 * 1024)
#define PARTS_ABOVE 4096 /* longer strings are taken in parts */
#define LINE_MOST   (64 * 1024)
#define GOT_MOST    16 /* bytes at fault that are shown */

/* The longest token that must be held whole is a line; behind it a whole piece has room. */
#define ROOM (PIECE_MOST + LINE_MOST + 64)

struct options {
    int protocol;
    size_t chunk;     /* 0: pieces as they come */
    const char *path; /* NULL: standard input */
};

struct check {
    const char *name; /* of the input, for messages */
    int fd;
    size_t chunk;
    bool is_at_end;
    int os_error; /* of reading, 0 if none */

    weir_reader reader;
    uint64_t value_at; /* where the value that is open or comes next begins */
    struct render render;
    struct hold hold;

    uint64_t start_at; /* stream offset of start */
    size_t start; /* room: [used up, start) [start, fed) the reader sees, [fed, end) not */
    size_t fed;
    size_t end;
    char room[ROOM];
};

/* ---- the input ---- */

/* Receives something, unless the input is at its end. */
static void receive(struct check *check) {
    if (sizeof check->room - check->end < PIECE_MOST) {
        memmove(check->room, check->room + check->start, check->end - check->start);
        check->fed -= check->start;
        check->end -= check->start;
        check->start = 0;
    }
    ssize_t count;
    do {
        count = read(check->fd, check->room + check->end, sizeof check->room - check->end);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        check->os_error = errno;
    }
    if (count <= 0) {
        check->is_at_end = true;
        return;
    }
    check->end += (size_t)count;
}

/* Lets the reader see one piece more; false if there is none. */
static bool feed_piece(struct check *check) {
    size_t least = check->chunk != 0 ? check->chunk : 1;
    while (check->end - check->fed < least && !check->is_at_end) {
        receive(check);
    }
    size_t come = check->end - check->fed;
    size_t most = check->chunk != 0 && check->chunk < come ? check->chunk : come;
    check->fed += most;
    return most > 0;
}

/* ---- reading ---- */

/* Takes all tokens that the reader finds in what it sees. WEIR_MORE, or the failure. */
static weir_status take_tokens(struct check *check) {
    for (;;) {
        weir_token token;
        size_t used;
        weir_view input = weir_bytes(check->room + check->start, check->fed - check->start);
        weir_status st = weir_reader_next(&check->reader, input, &used, &token);
        check->start += used;
        check->start_at += used;
        if (st != WEIR_OK) {
            return st;
        }
        if (!render_token(&check->render, &token)) {
            abort(); /* the reader contradicts itself */
        }
        if (weir_reader_is_between(&check->reader)) {
            check->value_at = weir_reader_offset(&check->reader);
        }
    }
}

/* Reads to the end of the input or to a fault. WEIR_OK: it ended on a value. */
static weir_status read_all(struct check *check) {
    weir_status st = WEIR_MORE;
    while (st == WEIR_MORE && feed_piece(check)) {
        st = take_tokens(check);
        (void)fflush(stdout);
    }
    bool is_whole = st == WEIR_MORE && weir_reader_is_between(&check->reader);
    return is_whole ? WEIR_OK : st;
}

/* ---- what it says on standard error ---- */

/* The bytes at fault, as far as they have come; more than the reader saw of them. */
static void say_got(const struct check *check) {
    uint64_t offset = weir_reader_offset(&check->reader);
    size_t at = check->start + (size_t)(offset - check->start_at);
    if (at >= check->end) {
        return;
    }
    (void)fputs(", got \"", stderr);
    for (size_t i = at; i < check->end && i < at + GOT_MOST; i++) {
        unsigned char byte = (unsigned char)check->room[i];
        bool is_plain = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
        (void)fprintf(stderr, is_plain ? "%c" : "\\x%02x", byte);
    }
    (void)fputc('"', stderr);
}

static void say_broken(const struct check *check) {
    (void)fprintf(stderr, "resp-check: %s: byte %llu: %s", check->name,
                  (unsigned long long)weir_reader_offset(&check->reader),
                  weir_resp_fault_text(weir_reader_fault(&check->reader)));
    say_got(check);
    (void)fprintf(stderr, " (in the value that begins at byte %llu)\n",
                  (unsigned long long)check->value_at);
}

static void say_more(const struct check *check) {
    uint64_t total = check->start_at + (check->fed - check->start);
    (void)fprintf(stderr,
                  "resp-check: %s: byte %llu: the input ends inside the value that begins "
                  "at byte %llu\n",
                  check->name, (unsigned long long)total,
                  (unsigned long long)check->value_at);
}

static int say_failed(const char *what, int os_error, int code) {
    (void)fprintf(stderr, "resp-check: %s: %s\n", what, strerror(os_error));
    return code;
}

/* ---- the program ---- */

/* Ends the line on standard output, and says the rest. Gives the exit code. */
static int finish(struct check *check, weir_status st) {
    render_end(&check->render, st, weir_reader_fault(&check->reader));
    errno = 0;
    bool is_written = putchar('\n') != EOF && fflush(stdout) == 0;
    if (check->hold.os_error != 0) {
        return say_failed("cannot write", check->hold.os_error, EXIT_NO_OUTPUT);
    }
    if (!is_written || ferror(stdout)) {
        return say_failed("cannot write", errno != 0 ? errno : EIO, EXIT_NO_OUTPUT);
    }
    if (st == WEIR_OK) {
        return EXIT_VALUE;
    }
    if (st == WEIR_MORE) {
        say_more(check);
        return EXIT_MORE;
    }
    say_broken(check);
    return EXIT_BROKEN;
}

static int run(const struct options *options) {
    static struct check check;
    check.name = options->path != NULL ? options->path : "standard input";
    check.chunk = options->chunk;
    check.fd = STDIN_FILENO;
    if (options->path != NULL && (check.fd = open(options->path, O_RDONLY)) < 0) {
        return say_failed(check.name, errno, EXIT_NO_INPUT);
    }
    weir_reader_init(&check.reader, &(weir_reader_options){.protocol = options->protocol,
                                                           .parts_above = PARTS_ABOVE});
    hold_open(&check.hold, stdout);
    struct render_sink sink = hold_sink(&check.hold);
    render_init(&check.render, &sink);
    weir_status st = read_all(&check);
    int code = check.os_error != 0 ? say_failed(check.name, check.os_error, EXIT_NO_INPUT)
                                   : finish(&check, st);
    hold_close(&check.hold);
    return code;
}

static void print_usage(FILE *file) {
    (void)fputs(
        "usage: resp-check [--resp2|--resp3] [--chunk N] [FILE]\n"
        "Reads RESP from FILE or standard input and prints its values on one line, in the\n"
        "notation of tests/resp_cases.tsv: with ; between them, then ... if the input ends\n"
        "inside a value, or !!CLASS if it is not RESP. Standard error says at which byte\n"
        "and why.\n"
        "\n"
        "  --resp2    RESP2's types only\n"
        "  --resp3    RESP3's types too (default)\n"
        "  --chunk N  feed the reader pieces of N bytes (default: as they come; at most\n"
        "             131072 at a time)\n"
        "  --help     this text\n"
        "\n"
        "exit code: 0 the input ends on a value, 3 inside one, 2 it is not RESP, 64 wrong\n"
        "usage, 66 the input cannot be read, 74 the output cannot be written\n",
        file);
}

/* Pieces larger than the largest are as good as that. */
static bool read_chunk(const char *text, size_t *chunk) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number == 0) {
        (void)fprintf(stderr, "resp-check: --chunk: \"%s\" is not a number from 1 on\n",
                      text);
        return false;
    }
    *chunk = number < PIECE_MOST ? (size_t)number : PIECE_MOST;
    return true;
}

static bool take_option(int option, struct options *options) {
    switch (option) {
    case '2': options->protocol = 2; return true;
    case '3': options->protocol = 3; return true;
    case 'c': return read_chunk(optarg, &options->chunk);
    default: return false; /* getopt_long has said what */
    }
}

static int wrong_use(void) {
    print_usage(stderr);
    return EXIT_WRONG_USE;
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"resp2", no_argument, NULL, '2'},
                                          {"resp3", no_argument, NULL, '3'},
                                          {"chunk", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.protocol = 3};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return EXIT_VALUE;
        }
        if (!take_option(option, &options)) {
            return wrong_use();
        }
    }
    if (argc - optind > 1) {
        (void)fputs("resp-check: more than one FILE\n", stderr);
        return wrong_use();
    }
    if (optind < argc && strcmp(argv[optind], "-") != 0) {
        options.path = argv[optind];
    }
    return run(&options);
}
