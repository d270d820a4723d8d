/* Writes what a reader says as text, in the notation of resp_cases.tsv.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "render.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STREAMED_LEFT (UINT64_MAX / 2) /* so many are never reached by counting down */
#define VERBATIM_HEAD 4                /* "txt:" */
#define DOUBLE_DIGITS 17               /* enough to tell any two doubles apart */
#define DOUBLE_TEXT   512              /* a longer text of a double is written as it came */

void render_init(struct render *render, const struct render_sink *sink) {
    memset(render, 0, sizeof *render);
    render->sink = sink;
}

static void put(struct render *render, weir_view text) {
    if (text.len > 0) {
        render->sink->write(render->sink->user, text);
    }
}

static void put_text(struct render *render, const char *text) {
    put(render, weir_text(text));
}

/* Is the byte written as it is? */
static bool is_plain(unsigned char byte, bool are_quoted) {
    bool is_quote = are_quoted && (byte == '"' || byte == '\\');
    return byte >= ' ' && byte <= '~' && !is_quote;
}

/* Printable ASCII as it is, all else as \xHH: quotes and backslashes are escaped too if the
 * text stands between quotes. */
static void put_escaped(struct render *render, weir_view bytes, bool are_quoted) {
    size_t from = 0; /* of what is plain and not written yet */
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (is_plain(byte, are_quoted)) {
            continue;
        }
        put(render, weir_bytes(bytes.data + from, i - from));
        char escape[8];
        (void)snprintf(escape, sizeof escape, "\\x%02x", byte);
        put_text(render, escape);
        from = i + 1;
    }
    if (from < bytes.len) {
        put(render, weir_bytes(bytes.data + from, bytes.len - from));
    }
}

static void put_string(struct render *render, const char *mark, weir_view bytes) {
    put_text(render, mark);
    put_text(render, "\"");
    put_escaped(render, bytes, true);
    put_text(render, "\"");
}

/* =txt:"bytes" */
static void put_verbatim(struct render *render, weir_view bytes) {
    weir_view format = weir_bytes(bytes.data, 4);
    put_text(render, "=");
    put_escaped(render, format, false);
    put_string(render, "", weir_bytes(bytes.data + format.len, bytes.len - format.len));
}

static bool is_same_double(double a, double b) { return !(a < b) && !(a > b); }

/* The fewest digits that read back as the same double, without an exponent if it is small.
 */
static void put_shortest(struct render *render, double value) {
    char text[DOUBLE_TEXT];
    int digits = 0;
    double back = 0;
    do {
        digits++;
        (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
        back = strtod(text, NULL);
    } while (digits < DOUBLE_DIGITS && !is_same_double(back, value));
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent < -4 || exponent > 15) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
    } else {
        int decimals = digits - 1 > exponent ? digits - 1 - exponent : 0;
        (void)snprintf(text, sizeof text, "%.*f", decimals, value);
    }
    put_text(render, text);
}

static void put_double(struct render *render, weir_view text) {
    put_text(render, ",");
    char copy[DOUBLE_TEXT];
    if (text.len >= sizeof copy) {
        put(render, text);
        return;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    double value = strtod(copy, NULL);
    if (isnan(value)) {
        put_text(render, "nan");
    } else if (isinf(value)) {
        put_text(render, value > 0 ? "inf" : "-inf");
    } else {
        put_shortest(render, value);
    }
}

static void put_null(struct render *render, int64_t type) {
    put_text(render, type == '$' ? "$nil" : type == '*' ? "*nil" : "_");
}

static void put_integer(struct render *render, int64_t number) {
    char text[32];
    (void)snprintf(text, sizeof text, ":%lld", (long long)number);
    put_text(render, text);
}

static bool has_pairs(uint8_t kind) {
    return kind == WEIR_TOKEN_MAP || kind == WEIR_TOKEN_ATTRIBUTE;
}

static void put_close(struct render *render, uint8_t kind) {
    put_text(render, has_pairs(kind) ? "}" : "]");
}

/* A value is complete, and with it each aggregate whose last element it was. */
static void end_value(struct render *render) {
    render->owes_value = false;
    render->has_before = true;
    while (render->depth > 0 && --render->left[render->depth - 1] == 0) {
        uint8_t kind = render->kind[--render->depth];
        put_close(render, kind);
        if (kind == WEIR_TOKEN_ATTRIBUTE) {
            render->owes_value = true;
            return;
        }
    }
    if (render->depth == 0) {
        render->values++;
        render->sink->keep(render->sink->user);
    }
}

/* False if more is open than can be. */
static bool open_aggregate(struct render *render, const weir_token *token,
                           const char *mark) {
    uint8_t kind = (uint8_t)token->type;
    bool is_streamed = token->number == WEIR_STREAMED;
    uint64_t values =
        is_streamed ? UINT64_MAX : (uint64_t)token->number * (has_pairs(kind) ? 2 : 1);
    put_text(render, mark);
    if (values > 0) {
        if (render->depth == WEIR_READER_DEPTH) {
            return false;
        }
        render->kind[render->depth] = kind;
        render->left[render->depth++] = values;
        render->has_before = false;
        render->owes_value = false;
        return true;
    }
    put_close(render, kind);
    if (kind == WEIR_TOKEN_ATTRIBUTE) {
        render->has_before = true;
        render->owes_value = true;
    } else {
        end_value(render);
    }
    return true;
}

static void put_separator(struct render *render) {
    if (render->depth > 0 || render->owes_value) {
        put_text(render, render->has_before ? " " : "");
    } else {
        put_text(render, render->values > 0 ? " ; " : "");
    }
}

/* A streamed aggregate is over. */
static bool end_streamed(struct render *render, const weir_token *token) {
    if (render->depth == 0 || token->depth != render->depth - 1 ||
        render->left[render->depth - 1] < STREAMED_LEFT) {
        return false;
    }
    put_close(render, render->kind[--render->depth]);
    end_value(render);
    return true;
}

/* A string that comes in parts begins. */
static void open_string(struct render *render, const weir_token *token) {
    bool is_streamed = token->number == WEIR_STREAMED;
    put(render, is_streamed ? weir_text("$") : token->bytes);
    bool is_verbatim = token->bytes.len == 1 && token->bytes.data[0] == '=';
    render->format_left = is_verbatim ? VERBATIM_HEAD : 0;
    put_text(render, is_verbatim ? "" : "\"");
}

/* The format of a verbatim string stands before its quotes. */
static void put_part(struct render *render, const weir_token *token) {
    weir_view bytes = token->bytes;
    if (render->format_left > 0) {
        size_t head = bytes.len < render->format_left ? bytes.len : render->format_left;
        put_escaped(render, weir_bytes(bytes.data, head), false);
        bytes = weir_bytes(bytes.data + head, bytes.len - head);
        render->format_left -= head;
        put_text(render, render->format_left == 0 ? "\"" : "");
    }
    put_escaped(render, bytes, true);
    if (token->number == 1) {
        put_text(render, "\"");
        end_value(render);
    }
}

bool render_token(struct render *render, const weir_token *token) {
    if (token->type == WEIR_TOKEN_END) {
        return end_streamed(render, token);
    }
    if (token->depth != render->depth) {
        return false;
    }
    if (token->type == WEIR_TOKEN_PART) {
        put_part(render, token);
        return true;
    }
    put_separator(render);
    switch (token->type) {
    case WEIR_TOKEN_END:
    case WEIR_TOKEN_PART: return false;
    case WEIR_TOKEN_STRING: open_string(render, token); return true;
    case WEIR_TOKEN_SIMPLE: put_string(render, "+", token->bytes); break;
    case WEIR_TOKEN_ERROR: put_string(render, "-", token->bytes); break;
    case WEIR_TOKEN_BULK: put_string(render, "$", token->bytes); break;
    case WEIR_TOKEN_BULK_ERROR: put_string(render, "!", token->bytes); break;
    case WEIR_TOKEN_VERBATIM: put_verbatim(render, token->bytes); break;
    case WEIR_TOKEN_INTEGER: put_integer(render, token->number); break;
    case WEIR_TOKEN_BOOLEAN: put_text(render, token->number != 0 ? "#t" : "#f"); break;
    case WEIR_TOKEN_DOUBLE: put_double(render, token->bytes); break;
    case WEIR_TOKEN_BIG_NUMBER:
        put_text(render, "(");
        put(render, token->bytes);
        break;
    case WEIR_TOKEN_NULL: put_null(render, token->number); break;
    case WEIR_TOKEN_ARRAY: return open_aggregate(render, token, "*[");
    case WEIR_TOKEN_SET: return open_aggregate(render, token, "~[");
    case WEIR_TOKEN_PUSH: return open_aggregate(render, token, ">[");
    case WEIR_TOKEN_MAP: return open_aggregate(render, token, "%{");
    case WEIR_TOKEN_ATTRIBUTE: return open_aggregate(render, token, "|{");
    }
    end_value(render);
    return true;
}

const char *render_class(weir_resp_fault fault) {
    switch (fault) {
    case WEIR_FAULT_NONE: return "NONE";
    case WEIR_FAULT_TYPE: return "BAD_TYPE";
    case WEIR_FAULT_TERM: return "BAD_TERM";
    case WEIR_FAULT_INT: return "BAD_INT";
    case WEIR_FAULT_LEN: return "BAD_LEN";
    case WEIR_FAULT_BOOL: return "BAD_BOOL";
    case WEIR_FAULT_NULL: return "BAD_NULL";
    case WEIR_FAULT_DOUBLE: return "BAD_DOUBLE";
    case WEIR_FAULT_BIGNUM: return "BAD_BIGNUM";
    case WEIR_FAULT_VERB: return "BAD_VERB";
    case WEIR_FAULT_NEST: return "BAD_NEST";
    case WEIR_FAULT_STREAM: return "BAD_STREAM";
    case WEIR_FAULT_HUGE:
    case WEIR_FAULT_BULK_BYTES:
    case WEIR_FAULT_LINE_BYTES:
    case WEIR_FAULT_ELEMENTS:
    case WEIR_FAULT_REPLY_BYTES:
    case WEIR_FAULT_DEPTH: return "LIMIT";
    }
    return "UNKNOWN";
}

void render_end(struct render *render, weir_status status, weir_resp_fault fault) {
    render->sink->drop(render->sink->user);
    if (status == WEIR_OK) {
        return;
    }
    put_text(render, render->values > 0 ? " ; " : "");
    if (status == WEIR_MORE) {
        put_text(render, "...");
    } else {
        put_text(render, "!!");
        put_text(render, render_class(fault));
    }
    render->sink->keep(render->sink->user);
}
