/* What was read is written again and read again: the same tokens, and the same bytes from
 * there on. What is written as a command takes the bytes it said, and reads as it was.
 * Choices: protocol, how many arguments and how long each is.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "../resp/command.h"
#include "record.h"

static fuzz_record first;
static fuzz_record second;

static const fuzz_pieces in_one = {0};

/* ---- replies ---- */

static char *put_bytes(char *out, weir_view bytes) {
    if (bytes.len > 0) {
        memcpy(out, bytes.data, bytes.len);
    }
    return out + bytes.len;
}

static char *put_text(char *out, const char *text) {
    return put_bytes(out, weir_text(text));
}

static char *put_line(char *out, char type, weir_view text) {
    *out = type;
    return put_text(put_bytes(out + 1, text), "\r\n");
}

/* TYPE NUMBER CR LF */
static char *put_number(char *out, char type, int64_t number) {
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)number);
    return put_line(out, type, weir_bytes(text, (size_t)len));
}

static char *put_string(char *out, char type, weir_view bytes) {
    out = put_number(out, type, (int64_t)bytes.len);
    return put_text(put_bytes(out, bytes), "\r\n");
}

/* All of a streamed string in one part. */
static char *put_streamed(char *out, weir_view bytes) {
    out = put_text(out, "$?\r\n");
    out = bytes.len > 0 ? put_string(out, ';', bytes) : out;
    return put_text(out, ";0\r\n");
}

static char *put_aggregate(char *out, char type, int64_t number) {
    return number == WEIR_STREAMED ? put_line(out, type, weir_text("?"))
                                   : put_number(out, type, number);
}

static char *put_null(char *out, int64_t type) {
    return type == '_' ? put_text(out, "_\r\n") : put_number(out, (char)type, -1);
}

static char *put_token(char *out, const fuzz_token *token, weir_view bytes) {
    switch (token->type) {
    case WEIR_TOKEN_SIMPLE: return put_line(out, '+', bytes);
    case WEIR_TOKEN_ERROR: return put_line(out, '-', bytes);
    case WEIR_TOKEN_BULK:
        return token->number == WEIR_STREAMED ? put_streamed(out, bytes)
                                              : put_string(out, '$', bytes);
    case WEIR_TOKEN_BULK_ERROR: return put_string(out, '!', bytes);
    case WEIR_TOKEN_VERBATIM: return put_string(out, '=', bytes);
    case WEIR_TOKEN_INTEGER: return put_number(out, ':', token->number);
    case WEIR_TOKEN_BOOLEAN: return put_text(out, token->number == 1 ? "#t\r\n" : "#f\r\n");
    case WEIR_TOKEN_DOUBLE: return put_line(out, ',', bytes);
    case WEIR_TOKEN_BIG_NUMBER: return put_line(out, '(', bytes);
    case WEIR_TOKEN_NULL: return put_null(out, token->number);
    case WEIR_TOKEN_ARRAY: return put_aggregate(out, '*', token->number);
    case WEIR_TOKEN_SET: return put_aggregate(out, '~', token->number);
    case WEIR_TOKEN_PUSH: return put_aggregate(out, '>', token->number);
    case WEIR_TOKEN_MAP: return put_aggregate(out, '%', token->number);
    case WEIR_TOKEN_ATTRIBUTE: return put_aggregate(out, '|', token->number);
    case WEIR_TOKEN_END: return put_text(out, ".\r\n");
    case WEIR_TOKEN_STRING:
    case WEIR_TOKEN_PART: break;
    }
    fuzz_broken("parts were joined");
}

/* Writes the whole replies of a record; they are never longer than what was read. */
static weir_view write_record(unsigned room, size_t most, const fuzz_record *record) {
    char *begin = fuzz_room(room, most);
    char *out = begin;
    for (size_t i = 0; i < record->whole; i++) {
        const fuzz_token *token = &record->tokens[i];
        out = put_token(out, token, weir_bytes(record->bytes + token->at, token->len));
    }
    return weir_bytes(begin, (size_t)(out - begin));
}

static void check_replies(weir_view wire, int protocol) {
    weir_reader_options options = {.protocol = protocol};
    fuzz_record_read(&first, &options, wire, &in_one);
    weir_view written = write_record(1, wire.len, &first);
    fuzz_record_read(&second, &options, written, &in_one);
    fuzz_check(second.status == WEIR_OK, "what is written can be read");
    fuzz_check(second.count == first.whole, "as many tokens are read as were written");
    for (size_t i = 0; i < second.count; i++) {
        fuzz_check(fuzz_is_same_token(&first, &first.tokens[i], &second, &second.tokens[i]),
                   "tokens are read as they were written");
    }
    weir_view again = write_record(2, written.len, &second);
    fuzz_check(weir_view_equal(written, again), "writing twice gives the same bytes");
}

/* ---- commands ---- */

#define MOST_ARGS 32

/* Cuts the wire into arguments. Gives how many: 1 or more. */
static size_t cut_args(fuzz_input *input, weir_view *args) {
    size_t count = fuzz_choice_below(input, MOST_ARGS) + 1;
    size_t lens[MOST_ARGS];
    for (size_t i = 0; i < count; i++) {
        lens[i] = fuzz_choice(input);
    }
    weir_view rest = fuzz_wire(input);
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count;
        size_t len = is_last || lens[i] > rest.len ? rest.len : lens[i];
        args[i] = weir_bytes(rest.data, len);
        rest = weir_bytes(rest.data + len, rest.len - len);
    }
    return count;
}

static void check_pieces(const weir_view *args, size_t count, weir_view command) {
    char *begin = fuzz_room(2, command.len);
    char *out = weir_put_header(begin, count);
    fuzz_check((size_t)(out - begin) == weir_header_size(count),
               "a header's size is exact");
    for (size_t i = 0; i < count; i++) {
        char *before = out;
        if (i % 2 == 0) {
            out = weir_put_bulk(out, args[i]);
        } else {
            out = put_bytes(weir_put_bulk_head(out, args[i].len), args[i]);
            out = weir_put_bulk_end(out);
        }
        fuzz_check((size_t)(out - before) == weir_bulk_size(args[i].len),
                   "an argument's size is exact");
    }
    fuzz_check(weir_view_equal(weir_bytes(begin, (size_t)(out - begin)), command),
               "a command put in pieces is the same");
}

static void check_read_back(const weir_view *args, size_t count, weir_view command) {
    static const weir_reader_options resp2 = {.protocol = 2};
    fuzz_record_read(&second, &resp2, command, &in_one);
    fuzz_check(second.status == WEIR_OK && second.count == count + 1 &&
                   second.tokens[0].type == WEIR_TOKEN_ARRAY &&
                   second.tokens[0].number == (int64_t)count &&
                   second.tokens[count].end == command.len,
               "a command reads as one array of its arguments");
    for (size_t i = 0; i < count; i++) {
        const fuzz_token *token = &second.tokens[i + 1];
        weir_view bytes = weir_bytes(second.bytes + token->at, token->len);
        fuzz_check(token->type == WEIR_TOKEN_BULK && weir_view_equal(bytes, args[i]),
                   "an argument reads as it was written");
    }
}

static void check_command(const weir_view *args, size_t count) {
    size_t size = 0;
    weir_status st = weir_command_size(args, count, &size);
    fuzz_check(st == WEIR_OK, "a command that fits has a size");
    char *out = fuzz_room(1, size);
    fuzz_check(weir_command_write(out, args, count) == out + size,
               "a command takes the bytes that it said");
    weir_view command = weir_bytes(out, size);
    check_pieces(args, count, command);
    check_read_back(args, count, command);
}

/* Bytes of a line of a type byte, a number and CR LF. */
static size_t head_size(size_t number) {
    char text[32];
    return (size_t)snprintf(text, sizeof text, "%zu", number) + 3;
}

static void add(size_t *sum, size_t size, bool *fits) {
    *fits = *fits && size <= SIZE_MAX - *sum;
    *sum += size;
}

/* Lengths that no memory could hold: the size is right, or refused. */
static void check_huge(weir_view wire) {
    weir_view args[MOST_ARGS];
    size_t count = wire.len / sizeof(size_t);
    count = count < MOST_ARGS ? count : MOST_ARGS;
    size_t sum = head_size(count);
    bool fits = true;
    bool is_edge = false; /* the last lengths before SIZE_MAX may be refused */
    for (size_t i = 0; i < count; i++) {
        size_t len;
        memcpy(&len, wire.data + i * sizeof len, sizeof len);
        len = i % 2 == 0 ? len : len >> (len % 64);
        args[i] = weir_bytes(NULL, len);
        add(&sum, head_size(len), &fits);
        add(&sum, len, &fits);
        add(&sum, 2, &fits);
        is_edge = is_edge || len > SIZE_MAX - 64;
    }
    size_t size = 0;
    weir_status st = weir_command_size(args, count, &size);
    if (count == 0) {
        fuzz_check(st == WEIR_ERR_ARG && size == 0, "a command has arguments");
    } else if (fits && !is_edge) {
        fuzz_check(st == WEIR_OK && size == sum, "a size that fits is given");
    } else {
        fuzz_check(st == WEIR_ERR_LIMIT && size == 0,
                   "a size that does not fit is refused");
    }
}

int fuzz_one(const uint8_t *data, size_t len) {
    fuzz_input input = fuzz_open(data, len);
    int protocol = fuzz_choice_below(&input, 2) != 0 ? 2 : 3;
    fuzz_input before = input;
    weir_view args[MOST_ARGS];
    size_t count = cut_args(&input, args);
    check_command(args, count);
    check_huge(fuzz_wire(&input));
    check_replies(fuzz_wire(&before), protocol);
    return 0;
}
