/* One line of printable ASCII, put together piece by piece.
 * Not snprintf: a host name, a path and the system's translated words hold any byte.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"

/* Leaves 128 bytes of weir_error.text for what happened to the peer. */
#define PEER_BYTES 192

static const char digits[] = "0123456789abcdef";

struct weir_line weir_line_start(char *out, size_t room) {
    out[0] = '\0';
    return (struct weir_line){.out = out, .room = room};
}

/* Adds all `len` bytes or closes the line: an escape is never cut in half. */
static void add_whole(struct weir_line *line, const char *bytes, size_t len) {
    if (len >= line->room - line->len) {
        line->room = line->len + 1;
        return;
    }
    memcpy(line->out + line->len, bytes, len);
    line->len += len;
    line->out[line->len] = '\0';
}

void weir_line_add(struct weir_line *line, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte >= ' ' && byte <= '~') {
            add_whole(line, at, 1);
        } else {
            char escaped[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            add_whole(line, escaped, sizeof escaped);
        }
    }
}

void weir_line_add_number(struct weir_line *line, uint64_t number) {
    char text[21]; /* 2^64 has 20 digits */
    size_t at = sizeof text - 1;
    text[at] = '\0';
    do {
        text[--at] = digits[number % 10];
        number /= 10;
    } while (number != 0);
    weir_line_add(line, text + at);
}

void weir_line_add_os_error(struct weir_line *line, int os_error) {
    char words[96];
    if (strerror_r(os_error, words, sizeof words) != 0) {
        weir_line_add(line, "error ");
        weir_line_add_number(line, (uint64_t)os_error);
        return;
    }
    weir_line_add(line, words);
}

struct weir_line weir_line_of_error(weir_error *error, weir_status status, int os_error) {
    *error = (weir_error){.status = status, .os_error = os_error};
    return weir_line_start(error->text, sizeof error->text);
}

void weir_line_add_peer(struct weir_line *line, const weir_address *address) {
    char name[PEER_BYTES];
    weir_address_name(address, name, sizeof name);
    weir_line_add(line, name);
}
