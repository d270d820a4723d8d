/* Who has which feature. Valkey is a fork of Redis 7.2.4, so it has all that is older.
 * https://github.com/redis/docs and the release notes of both say when each came.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "facts.h"

#include "decode.h"

static const weir_feature_row ROWS[WEIR_FEATURE_COUNT] = {
    [WEIR_FEATURE_XAUTOCLAIM] = {"XAUTOCLAIM", "6.2", "7.2", "XAUTOCLAIM", true},
    [WEIR_FEATURE_NOMKSTREAM] = {"XADD NOMKSTREAM", "6.2", "7.2", NULL, true},
    [WEIR_FEATURE_MINID] = {"MINID and LIMIT", "6.2", "7.2", NULL, true},
    [WEIR_FEATURE_PENDING_IDLE] = {"XPENDING IDLE", "6.2", "7.2", NULL, true},
    [WEIR_FEATURE_CREATECONSUMER] = {"XGROUP CREATECONSUMER", "6.2", "7.2", NULL, true},
    [WEIR_FEATURE_AUTO_SEQUENCE] = {"an id ms-*", "7.0", "7.2", NULL, true},
    [WEIR_FEATURE_ENTRIESREAD] = {"XGROUP ENTRIESREAD", "7.0", "7.2", NULL, true},
    [WEIR_FEATURE_SETID_FACTS] = {"XSETID with options", "7.0", "7.2", NULL, true},
    [WEIR_FEATURE_XREAD_LAST] = {"XREAD of the last entry (+)", "7.4", "8.0", NULL, false},
    [WEIR_FEATURE_TRIM_REFERENCES] = {"KEEPREF, DELREF and ACKED of XADD and XTRIM", "8.2",
                                      NULL, NULL, false},
    [WEIR_FEATURE_XDELEX] = {"XDELEX", "8.2", "9.2", "XDELEX", false},
    [WEIR_FEATURE_XACKDEL] = {"XACKDEL", "8.2", "9.2", "XACKDEL", false},
    [WEIR_FEATURE_CLAIM] = {"XREADGROUP CLAIM", "8.4", NULL, NULL, false},
    [WEIR_FEATURE_IDMP] = {"XADD IDMP", "8.6", NULL, "XCFGSET", false},
    [WEIR_FEATURE_XCFGSET] = {"XCFGSET", "8.6", NULL, "XCFGSET", false},
    [WEIR_FEATURE_XNACK] = {"XNACK", "8.8", NULL, "XNACK", false},
    [WEIR_FEATURE_MAXCOUNT] = {"MAXCOUNT and MAXSIZE", "8.10", NULL, NULL, false},
};

const weir_feature_row *weir_feature_row_of(weir_feature feature) { return &ROWS[feature]; }

/* ---- versions ---- */

#define MOST_PART 999

uint32_t weir_version_number(const char *version) {
    uint32_t parts[3] = {0, 0, 0};
    for (size_t i = 0; i < 3; i++) {
        for (; *version >= '0' && *version <= '9'; version++) {
            uint32_t part = parts[i] * 10 + (uint32_t)(*version - '0');
            parts[i] = part < MOST_PART ? part : MOST_PART;
        }
        if (*version != '.') {
            break;
        }
        version++;
    }
    return (parts[0] * (MOST_PART + 1) + parts[1]) * (MOST_PART + 1) + parts[2];
}

bool weir_judge_version(const char *name, const char *version, uint32_t *has,
                        uint32_t *lacks) {
    bool is_valkey = strcmp(name, "valkey") == 0;
    uint32_t number = weir_version_number(version);
    if (number == 0 || (!is_valkey && strcmp(name, "redis") != 0)) {
        return false;
    }
    *has = *lacks = 0;
    for (uint32_t i = 0; i < WEIR_FEATURE_COUNT; i++) {
        const char *since = is_valkey ? ROWS[i].valkey : ROWS[i].redis;
        bool is_there = since != NULL && number >= weir_version_number(since);
        *(is_there ? has : lacks) |= UINT32_C(1) << i;
    }
    return true;
}

/* ---- INFO ---- */

/* Printable ASCII alone, cut to the room. */
static void copy_text(weir_view text, char *out, size_t size) {
    size_t count = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < count; i++) {
        bool is_printable = text.data[i] > ' ' && text.data[i] <= '~';
        out[i] = (char)(is_printable ? text.data[i] : '?');
    }
    out[count] = '\0';
}

/* Copies the value of a line "NAME:VALUE". */
static bool take_line(weir_view line, const char *name, char *out, size_t size) {
    size_t len = strlen(name);
    if (line.len <= len || memcmp(line.data, name, len) != 0 || line.data[len] != ':') {
        return false;
    }
    copy_text(weir_bytes(line.data + len + 1, line.len - len - 1), out, size);
    return true;
}

/* The next line of a text, without its end; takes it off the text. */
static weir_view next_line(weir_view *text) {
    const char *end = memchr(text->data, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->data) : text->len;
    weir_view line = weir_bytes(text->data, len);
    size_t used = end != NULL ? len + 1 : len;
    *text = weir_bytes(text->data + used, text->len - used);
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

void weir_read_info(weir_view info, char *name, size_t name_size, char *version,
                    size_t version_size) {
    bool is_named = false;
    bool is_own_version = false; /* Valkey's redis_version is what it is compatible with */
    while (info.len > 0) {
        weir_view line = next_line(&info);
        is_named = take_line(line, "server_name", name, name_size) || is_named;
        is_own_version =
            take_line(line, "valkey_version", version, version_size) || is_own_version;
        bool is_redis =
            !is_own_version && take_line(line, "redis_version", version, version_size);
        if (is_redis && !is_named) {
            copy_text(weir_text("redis"), name, name_size);
        }
    }
}

/* ---- COMMAND INFO ---- */

/* The command that proves feature `i`, where no earlier feature has the same. */
static const char *command_of(uint32_t i) {
    for (uint32_t before = 0; before < i && ROWS[i].command != NULL; before++) {
        const char *other = ROWS[before].command;
        if (other != NULL && strcmp(other, ROWS[i].command) == 0) {
            return NULL;
        }
    }
    return ROWS[i].command;
}

size_t weir_inquiry_args(weir_view *args) {
    size_t count = 0;
    args[count++] = weir_text("COMMAND");
    args[count++] = weir_text("INFO");
    for (uint32_t i = 0; i < WEIR_FEATURE_COUNT; i++) {
        if (command_of(i) != NULL) {
            args[count++] = weir_text(command_of(i));
        }
    }
    return count;
}

static void judge_command(weir_view command, bool is_there, uint32_t *has,
                          uint32_t *lacks) {
    for (uint32_t i = 0; i < WEIR_FEATURE_COUNT; i++) {
        bool is_of_it =
            ROWS[i].command != NULL && weir_view_equal(weir_text(ROWS[i].command), command);
        if (is_of_it) {
            *(is_there ? has : lacks) |= UINT32_C(1) << i;
        }
    }
}

void weir_judge_commands(weir_view whole, uint32_t *has, uint32_t *lacks) {
    weir_view args[WEIR_INQUIRY_ARGS];
    size_t count = weir_inquiry_args(args);
    size_t at = 2; /* behind COMMAND INFO */
    weir_reader reader;
    weir_token token;
    size_t used;
    *has = *lacks = 0;
    weir_reader_init(&reader, &weir_stream_reading);
    while (weir_reader_next(&reader, whole, &used, &token) == WEIR_OK) {
        whole = weir_bytes(whole.data + used, whole.len - used);
        bool is_told = token.depth == 1 && at < count &&
                       (token.type == WEIR_TOKEN_NULL || token.type == WEIR_TOKEN_ARRAY);
        if (is_told) {
            judge_command(args[at++], token.type == WEIR_TOKEN_ARRAY, has, lacks);
        }
    }
}
