/* A second decoder of RESP2 and RESP3, for comparison: slow, and obviously right.
 * Every function gives false once the wire ends too early or is at fault.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "slow.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- ends ---- */

static bool lacks_bytes(slow *made) {
    made->status = WEIR_MORE;
    return false;
}

static bool fails(slow *made, weir_resp_fault fault, size_t at) {
    made->status = WEIR_ERR_PROTOCOL;
    made->fault = fault;
    made->fault_at = at;
    return false;
}

/* ---- the text ---- */

static void write(slow *made, const char *bytes, size_t len) {
    if (made->hidden > 0) {
        return;
    }
    fuzz_check(len <= sizeof made->text - made->len, "sixteen bytes tell of each");
    memcpy(made->text + made->len, bytes, len);
    made->len += len;
}

static void write_text(slow *made, const char *text) { write(made, text, strlen(text)); }

static void write_byte(slow *made, char byte, const char *escaped_too) {
    char hex[8];
    if (byte < ' ' || byte > '~' || strchr(escaped_too, byte) != NULL) {
        (void)snprintf(hex, sizeof hex, "\\x%02x", (unsigned char)byte);
        write_text(made, hex);
    } else {
        write(made, &byte, 1);
    }
}

static void write_bytes(slow *made, weir_view bytes, const char *escaped_too) {
    for (size_t i = 0; i < bytes.len; i++) {
        write_byte(made, bytes.data[i], escaped_too);
    }
}

static void write_quoted(slow *made, weir_view bytes) {
    write_text(made, "\"");
    write_bytes(made, bytes, "\"\\");
    write_text(made, "\"");
}

/* The shortest text that reads back as the same number; in full if it is neither very small
 * nor very large. */
static void write_double(slow *made, weir_view text) {
    char copy[512];
    write_text(made, ",");
    if (text.len >= sizeof copy) {
        write(made, text.data, text.len);
        return;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    double number = strtod(copy, NULL);
    if (isnan(number) || isinf(number)) {
        write_text(made, isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
        return;
    }
    int digits = 1;
    for (; digits < 17; digits++) {
        (void)snprintf(copy, sizeof copy, "%.*e", digits - 1, number);
        double back = strtod(copy, NULL);
        if (back <= number && back >= number) {
            break;
        }
    }
    (void)snprintf(copy, sizeof copy, "%.*e", digits - 1, number);
    long exponent = strtol(strchr(copy, 'e') + 1, NULL, 10);
    if (exponent >= -4 && exponent <= 15) {
        int places = digits - 1 - (int)exponent;
        (void)snprintf(copy, sizeof copy, "%.*f", places > 0 ? places : 0, number);
    } else {
        (void)snprintf(copy, sizeof copy, "%.*g", digits, number);
    }
    write_text(made, copy);
}

/* ---- lines ---- */

static bool is_at_end(const slow *made, size_t at) { return at >= made->wire.len; }

static char byte_at(const slow *made, size_t at) { return made->wire.data[at]; }

/* CR LF must stand at `at`. */
static bool read_line_end(slow *made, size_t at) {
    if (is_at_end(made, at)) {
        return lacks_bytes(made);
    }
    if (byte_at(made, at) != '\r') {
        return fails(made, WEIR_FAULT_TERM, at);
    }
    if (is_at_end(made, at + 1)) {
        return lacks_bytes(made);
    }
    if (byte_at(made, at + 1) != '\n') {
        return fails(made, WEIR_FAULT_TERM, at + 1);
    }
    made->at = at + 2;
    return true;
}

/* What stands between the type byte at `type_at` and CR LF. */
static bool read_line(slow *made, size_t type_at, weir_view *text) {
    size_t from = type_at + 1;
    size_t end = from;
    while (!is_at_end(made, end) && byte_at(made, end) != '\r' &&
           byte_at(made, end) != '\n') {
        end++;
    }
    if (end - from > made->limits.line_bytes) {
        return fails(made, WEIR_FAULT_LINE_BYTES,
                     type_at + (size_t)made->limits.line_bytes + 1);
    }
    *text = weir_bytes(made->wire.data + from, end - from);
    return read_line_end(made, end);
}

/* ---- numbers ---- */

/* An integer, a length or a count: what stands behind the type byte. */
typedef struct number {
    char sign;      /* '-', '+', '?' or 0 */
    uint64_t value; /* without the sign */
} number;

static bool has_streamed_form(const slow *made, char type) {
    return made->protocol == 3 && type != '\0' && strchr("$*~%", type) != NULL;
}

/* May `sign` stand in front of this type's digits? */
static bool is_sign(const slow *made, char type, char sign) {
    return (sign == '-' && strchr(":$*", type) != NULL) || (sign == '+' && type == ':') ||
           (sign == '?' && has_streamed_form(made, type));
}

/* The digit at `at` goes behind those that are read. */
static bool add_digit(slow *made, char type, number *made_of, size_t digits, size_t at) {
    weir_resp_fault fault = type == ':' ? WEIR_FAULT_INT : WEIR_FAULT_LEN;
    uint64_t digit = (uint64_t)(byte_at(made, at) - '0');
    if (made_of->sign == '?' || (digits > 0 && made_of->value == 0)) {
        return fails(made, fault, at);
    }
    if (made_of->value > (UINT64_MAX - digit) / 10) {
        bool is_large_length = type != ':' && made_of->sign == 0;
        return fails(made, is_large_length ? WEIR_FAULT_HUGE : fault, at);
    }
    made_of->value = made_of->value * 10 + digit;
    return true;
}

/* What an integer, a length or a count may not be though its digits are right. */
static weir_resp_fault judge_number(char type, number given) {
    if (type == ':') {
        uint64_t most = given.sign == '-' ? UINT64_C(1) << 63 : (UINT64_C(1) << 63) - 1;
        bool is_minus_zero = given.sign == '-' && given.value == 0;
        return given.value > most || is_minus_zero ? WEIR_FAULT_INT : WEIR_FAULT_NONE;
    }
    if (given.sign == '-') {
        return given.value == 1 ? WEIR_FAULT_NONE : WEIR_FAULT_LEN; /* null */
    }
    return given.value >= UINT64_C(1) << 63 ? WEIR_FAULT_HUGE : WEIR_FAULT_NONE;
}

static bool read_number(slow *made, size_t type_at, number *given) {
    char type = byte_at(made, type_at);
    weir_resp_fault fault = type == ':' ? WEIR_FAULT_INT : WEIR_FAULT_LEN;
    size_t at = type_at + 1;
    *given = (number){0, 0};
    if (!is_at_end(made, at) && byte_at(made, at) != '\0' &&
        is_sign(made, type, byte_at(made, at))) {
        given->sign = byte_at(made, at++);
    }
    size_t first = at;
    for (; !is_at_end(made, at) && byte_at(made, at) != '\r'; at++) {
        if (byte_at(made, at) < '0' || byte_at(made, at) > '9') {
            return fails(made, fault, at);
        }
        if (!add_digit(made, type, given, at - first, at)) {
            return false;
        }
    }
    size_t digits = at - first;
    if (!read_line_end(made, at)) {
        return false;
    }
    weir_resp_fault wrong =
        digits == 0 && given->sign != '?' ? fault : judge_number(type, *given);
    return wrong == WEIR_FAULT_NONE || fails(made, wrong, at);
}

/* ---- texts of numbers ---- */

/* Passes over digits; false if there are none, or there is a zero in front of others that
 * may not have one. */
static bool pass_digits(weir_view *text, bool may_begin_with_zero) {
    size_t digits = 0;
    while (digits < text->len && text->data[digits] >= '0' && text->data[digits] <= '9') {
        digits++;
    }
    bool has_zero = digits > 1 && text->data[0] == '0';
    *text = weir_bytes(text->data + digits, text->len - digits);
    return digits > 0 && (may_begin_with_zero || !has_zero);
}

static bool pass_one_of(weir_view *text, const char *bytes) {
    for (; *bytes != '\0'; bytes++) {
        if (text->len > 0 && text->data[0] == *bytes) {
            *text = weir_bytes(text->data + 1, text->len - 1);
            return true;
        }
    }
    return false;
}

/* What is between the parentheses has letters, digits and underscores. */
static bool is_nan(weir_view text) {
    (void)pass_one_of(&text, "-");
    if (!pass_one_of(&text, "nN") || !pass_one_of(&text, "aA") ||
        !pass_one_of(&text, "nN")) {
        return false;
    }
    if (pass_one_of(&text, "(")) {
        while (pass_one_of(&text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_")) {
        }
        return pass_one_of(&text, ")") && text.len == 0;
    }
    return text.len == 0;
}

static bool is_double(weir_view text) {
    if (weir_view_equal(text, weir_text("inf")) ||
        weir_view_equal(text, weir_text("-inf")) || is_nan(text)) {
        return true;
    }
    (void)pass_one_of(&text, "+-");
    if (!pass_digits(&text, false)) {
        return false;
    }
    if (pass_one_of(&text, ".") && !pass_digits(&text, true)) {
        return false;
    }
    if (pass_one_of(&text, "eE")) {
        (void)pass_one_of(&text, "+-");
        if (!pass_digits(&text, true)) {
            return false;
        }
    }
    return text.len == 0;
}

static bool is_big_number(weir_view text) {
    if (weir_view_equal(text, weir_text("-0"))) {
        return false;
    }
    (void)pass_one_of(&text, "+-");
    return pass_digits(&text, false) && text.len == 0;
}

/* ---- single values ---- */

static bool read_text(slow *made, size_t type_at) {
    weir_view text;
    char type = byte_at(made, type_at);
    if (!read_line(made, type_at, &text)) {
        return false;
    }
    switch (type) {
    case '+':
    case '-':
        write(made, &type, 1);
        write_quoted(made, text);
        return true;
    case '_':
        write_text(made, "_");
        return text.len == 0 || fails(made, WEIR_FAULT_NULL, type_at + 1);
    case '#':
        if (!weir_view_equal(text, weir_text("t")) &&
            !weir_view_equal(text, weir_text("f"))) {
            return fails(made, WEIR_FAULT_BOOL, type_at + 1);
        }
        write_text(made, text.data[0] == 't' ? "#t" : "#f");
        return true;
    case ',':
        if (!is_double(text)) {
            return fails(made, WEIR_FAULT_DOUBLE, type_at + 1);
        }
        write_double(made, text);
        return true;
    default: /* '(' */
        if (!is_big_number(text)) {
            return fails(made, WEIR_FAULT_BIGNUM, type_at + 1);
        }
        (void)pass_one_of(&text, "+");
        write_text(made, "(");
        write(made, text.data, text.len);
        return true;
    }
}

static bool read_integer(slow *made, size_t type_at) {
    number given;
    if (!read_number(made, type_at, &given)) {
        return false;
    }
    char text[32];
    (void)snprintf(text, sizeof text, ":%s%llu", given.sign == '-' ? "-" : "",
                   (unsigned long long)given.value);
    write_text(made, text);
    return true;
}

/* ---- strings ---- */

/* The bytes of a string whose head is read, and CR LF. */
static bool read_body(slow *made, uint64_t length, weir_view *bytes) {
    size_t left = made->wire.len - made->at;
    if (length > left) {
        return lacks_bytes(made);
    }
    *bytes = weir_bytes(made->wire.data + made->at, (size_t)length);
    return read_line_end(made, made->at + (size_t)length);
}

/* `length` bytes are announced by the head at `type_at`; `whole` with those before. */
static bool check_length(slow *made, size_t type_at, uint64_t length, uint64_t whole) {
    if (length > made->limits.bulk_bytes || whole > made->limits.bulk_bytes) {
        return fails(made, WEIR_FAULT_BULK_BYTES, type_at + 1);
    }
    uint64_t before = made->at - made->reply_at;
    if (before > made->limits.reply_bytes || length > made->limits.reply_bytes - before) {
        return fails(made, WEIR_FAULT_REPLY_BYTES, type_at + 1);
    }
    return true;
}

static bool may_begin(slow *made, size_t at) {
    return at - made->reply_at < made->limits.reply_bytes ||
           fails(made, WEIR_FAULT_REPLY_BYTES, at);
}

static bool is_type(const slow *made, char byte) {
    const char *types = made->protocol == 2 ? "+-:$*" : "+-_#,(.:$*!=~%|>;";
    return byte != '\0' && strchr(types, byte) != NULL;
}

/* The parts of "$?", each with a length of its own; ";0" ends them. */
static bool read_parts(slow *made) {
    uint64_t sum = 0;
    write_text(made, "$\"");
    for (;;) {
        size_t type_at = made->at;
        number length;
        weir_view bytes;
        if (is_at_end(made, type_at)) {
            return lacks_bytes(made);
        }
        if (byte_at(made, type_at) != ';') {
            bool is_known = is_type(made, byte_at(made, type_at));
            return fails(made, is_known ? WEIR_FAULT_STREAM : WEIR_FAULT_TYPE, type_at);
        }
        if (!may_begin(made, type_at) || !read_number(made, type_at, &length) ||
            !check_length(made, type_at, length.value, sum + length.value)) {
            return false;
        }
        if (length.value == 0) {
            write_text(made, "\"");
            return true;
        }
        if (!read_body(made, length.value, &bytes)) {
            return false;
        }
        sum += length.value;
        write_bytes(made, bytes, "\"\\");
    }
}

/* The colon behind a verbatim string's format, as soon as it has come. */
static bool check_verbatim(slow *made, size_t type_at, uint64_t length) {
    if (length < 4) {
        return fails(made, WEIR_FAULT_VERB, type_at + 1);
    }
    size_t colon = made->at + 3;
    return is_at_end(made, colon) || byte_at(made, colon) == ':' ||
           fails(made, WEIR_FAULT_VERB, colon);
}

static bool read_string(slow *made, size_t type_at) {
    number length;
    weir_view bytes;
    char type = byte_at(made, type_at);
    if (!read_number(made, type_at, &length)) {
        return false;
    }
    if (length.sign == '?') {
        return read_parts(made);
    }
    if (length.sign == '-') {
        write_text(made, "$nil");
        return true;
    }
    if (!check_length(made, type_at, length.value, length.value) ||
        (type == '=' && !check_verbatim(made, type_at, length.value)) ||
        !read_body(made, length.value, &bytes)) {
        return false;
    }
    write(made, &type, 1);
    if (type == '=') {
        write_bytes(made, weir_bytes(bytes.data, 3), "");
        write_text(made, ":");
        bytes = weir_bytes(bytes.data + 4, bytes.len - 4);
    }
    write_quoted(made, bytes);
    return true;
}

/* ---- aggregates ---- */

static bool read_value(slow *made, unsigned depth, bool is_in_streamed, bool is_full);

/* "." and CR LF. */
static bool read_stream_end(slow *made, size_t type_at, bool may_end) {
    weir_view text;
    if (!may_begin(made, type_at) || !read_line(made, type_at, &text)) {
        return false;
    }
    if (text.len > 0) {
        return fails(made, WEIR_FAULT_STREAM, type_at + 1);
    }
    return may_end || fails(made, WEIR_FAULT_STREAM, type_at);
}

/* Values until ".". */
static bool read_streamed_values(slow *made, char type, unsigned depth) {
    for (uint64_t count = 0;; count++) {
        size_t at = made->at;
        if (!is_at_end(made, at) && byte_at(made, at) == '.') {
            return read_stream_end(made, at, type != '%' || count % 2 == 0);
        }
        if (count > 0) {
            write_text(made, " ");
        }
        if (!read_value(made, depth, true, count >= made->limits.elements)) {
            return false;
        }
    }
}

static bool read_values(slow *made, uint64_t count, unsigned depth) {
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0) {
            write_text(made, " ");
        }
        if (!read_value(made, depth, false, false)) {
            return false;
        }
    }
    return true;
}

static bool read_aggregate(slow *made, size_t type_at, unsigned depth) {
    number count;
    char type = byte_at(made, type_at);
    if (!read_number(made, type_at, &count)) {
        return false;
    }
    if (count.sign == '-') {
        write_text(made, "*nil");
        return true;
    }
    bool has_pairs = type == '%' || type == '|';
    uint64_t values = has_pairs ? 2 * count.value : count.value;
    if (values > made->limits.elements) {
        return fails(made, WEIR_FAULT_ELEMENTS, type_at + 1);
    }
    bool is_streamed = count.sign == '?';
    if ((is_streamed || values > 0) && depth >= made->limits.depth) {
        return fails(made, WEIR_FAULT_DEPTH, type_at);
    }
    write(made, &type, 1);
    write_text(made, has_pairs ? "{" : "[");
    bool is_whole = is_streamed ? read_streamed_values(made, type, depth + 1)
                                : read_values(made, values, depth + 1);
    write_text(made, has_pairs ? "}" : "]");
    return is_whole;
}

/* May the type byte at `at` stand where a value is due? */
static bool check_type(slow *made, size_t at, unsigned depth, bool is_in_streamed,
                       bool is_full) {
    char type = byte_at(made, at);
    if (!is_type(made, type)) {
        return fails(made, WEIR_FAULT_TYPE, at);
    }
    if (type == ';' || (type == '.' && !is_in_streamed)) {
        return fails(made, WEIR_FAULT_STREAM, at);
    }
    if (type == '>' && depth > 0) {
        return fails(made, WEIR_FAULT_NEST, at);
    }
    if (!may_begin(made, at)) {
        return false;
    }
    return !is_full || type == '.' || fails(made, WEIR_FAULT_ELEMENTS, at);
}

/* An attribute, which is no value but stands in front of one. */
static bool read_attribute(slow *made, size_t at, unsigned depth) {
    made->hidden += made->hides_attributes;
    bool is_whole = read_aggregate(made, at, depth);
    made->hidden -= made->hides_attributes;
    if (is_whole && !made->hides_attributes) {
        write_text(made, " ");
    }
    return is_whole;
}

/* A value, with the attributes in front of it. */
static bool read_value(slow *made, unsigned depth, bool is_in_streamed, bool is_full) {
    for (bool has_attribute = false;; has_attribute = true) {
        size_t at = made->at;
        if (is_at_end(made, at)) {
            return lacks_bytes(made);
        }
        if (has_attribute && byte_at(made, at) == '>') {
            return fails(made, WEIR_FAULT_NEST, at);
        }
        if (!check_type(made, at, depth, is_in_streamed, is_full)) {
            return false;
        }
        switch (byte_at(made, at)) {
        case '|':
            if (!read_attribute(made, at, depth)) {
                return false;
            }
            break;
        case '.': return read_stream_end(made, at, false); /* an attribute of nothing */
        case '$':
        case '!':
        case '=': return read_string(made, at);
        case '*':
        case '~':
        case '%':
        case '>': return read_aggregate(made, at, depth);
        case ':': return read_integer(made, at);
        default: return read_text(made, at);
        }
    }
}

/* ---- the wire ---- */

static void write_end(slow *made) {
    made->hidden = 0;
    made->len = made->whole_len;
    if (made->status != WEIR_OK) {
        write_text(made, made->values > 0 ? " ; " : "");
        write_text(made, made->status == WEIR_MORE ? "..." : "!!");
    }
}

void slow_decode(slow *made, weir_view wire, const weir_reader_options *options) {
    made->wire = wire;
    made->at = made->len = made->whole_len = made->values = 0;
    made->protocol = options->protocol == 2 ? 2 : 3;
    made->hides_attributes = options->hide_attributes;
    made->limits = options->limits;
    made->status = WEIR_OK;
    made->fault = WEIR_FAULT_NONE;
    made->fault_at = 0;
    made->hidden = 0;
    while (!is_at_end(made, made->at)) {
        made->reply_at = made->at;
        write_text(made, made->values > 0 ? " ; " : "");
        if (!read_value(made, 0, false, false)) {
            break;
        }
        made->values++;
        made->whole_len = made->len;
    }
    write_end(made);
}
