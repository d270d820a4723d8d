/* The query of a URL: options by the names that they have in weir_options, read strictly.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "url.h"

#include <stddef.h>

enum kind { KIND_TIME, KIND_PROTOCOL, KIND_TEXT, KIND_YES, KIND_DB };

struct known {
    const char *name;
    enum kind kind;
    size_t offset; /* in weir_query */
};

#define TLS "tls."

static const struct known known[] = {
    {"connect_timeout_ms", KIND_TIME, offsetof(weir_query, connect_timeout_ms)},
    {"timeout_ms", KIND_TIME, offsetof(weir_query, timeout_ms)},
    {"attempt_delay_ms", KIND_TIME, offsetof(weir_query, attempt_delay_ms)},
    {"keepalive_ms", KIND_TIME, offsetof(weir_query, keepalive_ms)},
    {"protocol", KIND_PROTOCOL, offsetof(weir_query, protocol)},
    {"client_name", KIND_TEXT, offsetof(weir_query, client_name)},
    {"db", KIND_DB, 0},
    {TLS "insecure_skip_verify", KIND_YES, offsetof(weir_query, tls.insecure_skip_verify)},
    {TLS "verify_name", KIND_TEXT, offsetof(weir_query, tls.verify_name)},
    {TLS "ca_file", KIND_TEXT, offsetof(weir_query, tls.ca_file)},
    {TLS "ca_folder", KIND_TEXT, offsetof(weir_query, tls.ca_folder)},
    {TLS "crl_file", KIND_TEXT, offsetof(weir_query, tls.crl_file)},
    {TLS "cert_file", KIND_TEXT, offsetof(weir_query, tls.cert_file)},
    {TLS "key_file", KIND_TEXT, offsetof(weir_query, tls.key_file)},
};

#define KNOWN_COUNT (sizeof known / sizeof *known)

struct reading {
    const struct weir_url *url;
    weir_query *query;
    unsigned seen; /* bits, by the place in `known` */
};

static bool is_text(struct weir_url_part part, const char *text) {
    size_t len = (size_t)(part.end - part.at);
    return strlen(text) == len && memcmp(part.at, text, len) == 0;
}

static size_t find_known(struct weir_url_part name) {
    size_t i = 0;
    while (i < KNOWN_COUNT && !is_text(name, known[i].name)) {
        i++;
    }
    return i;
}

static weir_status read_time(const struct reading *reading, struct weir_url_part value,
                             void *out) {
    uint32_t number = 0;
    if (!weir_url_number(value, UINT32_MAX, &number) || number == 0) {
        return weir_url_refuse(reading->url, value.at,
                               "expected milliseconds, from 1 to 4294967295");
    }
    int64_t ms = number;
    memcpy(out, &ms, sizeof ms);
    return WEIR_OK;
}

static weir_status read_protocol(const struct reading *reading, struct weir_url_part value,
                                 void *out) {
    uint32_t number = 0;
    if (!weir_url_number(value, 3, &number) || number < 2) {
        return weir_url_refuse(reading->url, value.at, "expected protocol 2 or 3");
    }
    int protocol = (int)number;
    memcpy(out, &protocol, sizeof protocol);
    return WEIR_OK;
}

static weir_status read_db(const struct reading *reading, struct weir_url_part value) {
    uint32_t number = 0;
    if (reading->query->has_db) {
        return weir_url_refuse(reading->url, value.at, "the database is named twice");
    }
    if (!weir_url_number(value, UINT32_MAX, &number)) {
        return weir_url_refuse(
            reading->url, value.at,
            "expected a database from 0 to 4294967295, and nothing after it");
    }
    reading->query->has_db = true;
    reading->query->db = number;
    return WEIR_OK;
}

static weir_status read_yes(const struct reading *reading, struct weir_url_part value,
                            void *out) {
    bool is_yes = is_text(value, "true");
    if (!is_yes && !is_text(value, "false")) {
        return weir_url_refuse(reading->url, value.at, "expected true or false");
    }
    memcpy(out, &is_yes, sizeof is_yes);
    return WEIR_OK;
}

static weir_status read_text(const struct reading *reading, struct weir_url_part value,
                             void *out) {
    weir_query *query = reading->query;
    char *text = query->texts + query->used;
    weir_status st =
        weir_url_decode(reading->url, value, text, sizeof query->texts - query->used,
                        "the options are longer than 1023 bytes");
    if (st == WEIR_OK) {
        query->used += strlen(text) + 1;
        memcpy(out, &text, sizeof text);
    }
    return st;
}

static weir_status read_value(const struct reading *reading, const struct known *option,
                              struct weir_url_part value) {
    void *out = (char *)reading->query + option->offset;
    if (value.at == value.end) {
        return weir_url_refuse(reading->url, value.at, "the option has no value");
    }
    switch (option->kind) {
    case KIND_TIME: return read_time(reading, value, out);
    case KIND_PROTOCOL: return read_protocol(reading, value, out);
    case KIND_TEXT: return read_text(reading, value, out);
    case KIND_YES: return read_yes(reading, value, out);
    case KIND_DB: break;
    }
    return read_db(reading, value);
}

static weir_status read_option(struct reading *reading, struct weir_url_part option,
                               bool is_tls_possible) {
    struct weir_url_part name = {option.at, weir_url_find(option, '=')};
    if (name.end == option.end) {
        return weir_url_refuse(reading->url, name.at, "an option is written as name=value");
    }
    size_t which = find_known(name);
    if (which == KNOWN_COUNT) {
        return weir_url_refuse(reading->url, name.at,
                               "no option of a URL has this name; those of a URL are "
                               "named as in weir_options, but few of them are");
    }
    if ((reading->seen & 1U << which) != 0) {
        return weir_url_refuse(reading->url, name.at, "the option is there twice");
    }
    reading->seen |= 1U << which;
    bool is_tls = strncmp(known[which].name, TLS, sizeof TLS - 1) == 0;
    if (is_tls && !is_tls_possible) {
        return weir_url_refuse(reading->url, name.at,
                               "an option of TLS, which this URL does not speak: write "
                               "rediss://");
    }
    reading->query->has_tls = reading->query->has_tls || is_tls;
    struct weir_url_part value = {name.end + 1, option.end};
    return read_value(reading, &known[which], value);
}

weir_status weir_url_query(const struct weir_url *url, struct weir_url_part part,
                           bool is_tls_possible, weir_query *query) {
    static const char wrong[] = "#@";
    for (const char *at = wrong; *at != '\0'; at++) {
        const char *found = weir_url_find(part, *at);
        if (found != part.end) {
            return weir_url_refuse(url, found,
                                   *at == '#' ? "'#' in an option is written as %23"
                                              : "'@' in an option is written as %40 (in a "
                                                "user or password '/' as %2F, '?' as %3F)");
        }
    }
    struct reading reading = {.url = url, .query = query};
    weir_status st = WEIR_OK;
    while (st == WEIR_OK) {
        struct weir_url_part option = {part.at, weir_url_find(part, '&')};
        st = read_option(&reading, option, is_tls_possible);
        if (option.end == part.end) {
            break;
        }
        part.at = option.end + 1;
    }
    return st;
}
