/* URLs: an address is whole or wiped, names fit, an address and its options written as a
 * URL parse to themselves, and no byte of a password is ever in an error's text.
 * No choices: the input is the URL.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "../net/net.h"
#include "fuzz.h"

#define MOST_URL 4096

/* Bytes that no text of ours holds: were one shown, it came from the URL. */
#define MARK '\x7e' /* a tilde */

#define ESCAPE 4 /* characters of "\\xHH", which stand for one byte */

static weir_address address;
static weir_address again;
static weir_query query;
static weir_query query_again;

static void check_error(const weir_error *error, weir_status st) {
    fuzz_check(error->status == st, "the error has the status that was given");
    size_t len = strnlen(error->text, sizeof error->text);
    fuzz_check(len > 0 && len < sizeof error->text, "an error has a text, and it ends");
    for (size_t i = 0; i < len; i++) {
        fuzz_check(error->text[i] >= ' ' && error->text[i] <= '~',
                   "an error's text is printable");
    }
}

static bool is_zero(const void *bytes, size_t size) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool has_end(const char *text, size_t size) { return strnlen(text, size) < size; }

static void check_address(void) {
    fuzz_check(has_end(address.host, sizeof address.host) &&
                   has_end(address.path, sizeof address.path) &&
                   has_end(address.user, sizeof address.user) &&
                   has_end(address.password, sizeof address.password),
               "each text of an address ends");
    if (address.kind == WEIR_ADDRESS_TCP) {
        fuzz_check(address.host[0] != '\0' && address.port != 0 && address.path[0] == '\0',
                   "a TCP address has a host and a port, and no path");
    } else {
        fuzz_check(address.path[0] == '/' && address.host[0] == '\0',
                   "a Unix address has a path and no host");
    }
}

/* ---- an address as URL ---- */

static char *put_escaped(char *out, const char *text) {
    static const char digits[] = "0123456789abcdef";
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        *out++ = '%';
        *out++ = digits[byte / 16];
        *out++ = digits[byte % 16];
    }
    return out;
}

static char *put_text(char *out, const char *text) {
    size_t len = strlen(text);
    memcpy(out, text, len);
    return out + len;
}

/* What of the query is there, behind a database. */
static void put_options(char *out) {
    const struct {
        const char *name;
        int64_t number;
    } numbers[] = {{"connect_timeout_ms", query.connect_timeout_ms},
                   {"timeout_ms", query.timeout_ms},
                   {"attempt_delay_ms", query.attempt_delay_ms},
                   {"keepalive_ms", query.keepalive_ms},
                   {"protocol", query.protocol}};
    const struct {
        const char *name;
        const char *text;
    } texts[] = {
        {"client_name", query.client_name},   {"tls.verify_name", query.tls.verify_name},
        {"tls.ca_file", query.tls.ca_file},   {"tls.ca_folder", query.tls.ca_folder},
        {"tls.crl_file", query.tls.crl_file}, {"tls.cert_file", query.tls.cert_file},
        {"tls.key_file", query.tls.key_file},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].number != 0) {
            out += sprintf(out, "&%s=%lld", numbers[i].name, (long long)numbers[i].number);
        }
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].text != NULL) {
            out += sprintf(out, "&%s=", texts[i].name);
            out = put_escaped(out, texts[i].text);
        }
    }
    if (query.has_tls) {
        out = put_text(out, query.tls.insecure_skip_verify
                                ? "&tls.insecure_skip_verify=true"
                                : "&tls.insecure_skip_verify=false");
    }
    *out = '\0';
}

static void write_url(char *out) {
    bool is_unix = address.kind == WEIR_ADDRESS_UNIX;
    out = put_text(out, is_unix ? "unix://" : address.is_tls ? "valkeys://" : "valkey://");
    if (address.user[0] != '\0' || address.password[0] != '\0') {
        out = put_text(put_escaped(out, address.user), ":");
        out = put_text(put_escaped(out, address.password), "@");
    }
    char end[32];
    if (is_unix) {
        out = put_escaped(put_text(out, "/"), address.path + 1);
        (void)snprintf(end, sizeof end, "?db=%lu", (unsigned long)address.db);
    } else {
        bool is_ipv6 = strchr(address.host, ':') != NULL;
        out = put_text(put_text(out, is_ipv6 ? "[" : ""), address.host);
        (void)snprintf(end, sizeof end, "%s:%u?db=%lu", is_ipv6 ? "]" : "",
                       (unsigned)address.port, (unsigned long)address.db);
    }
    put_options(put_text(out, end));
}

static bool is_same_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_query(void) {
    const weir_query *a = &query;
    const weir_query *b = &query_again;
    return a->connect_timeout_ms == b->connect_timeout_ms &&
           a->timeout_ms == b->timeout_ms && a->attempt_delay_ms == b->attempt_delay_ms &&
           a->keepalive_ms == b->keepalive_ms && a->protocol == b->protocol &&
           a->has_tls == b->has_tls && is_same_text(a->client_name, b->client_name) &&
           a->tls.insecure_skip_verify == b->tls.insecure_skip_verify &&
           is_same_text(a->tls.verify_name, b->tls.verify_name) &&
           is_same_text(a->tls.ca_file, b->tls.ca_file) &&
           is_same_text(a->tls.ca_folder, b->tls.ca_folder) &&
           is_same_text(a->tls.crl_file, b->tls.crl_file) &&
           is_same_text(a->tls.cert_file, b->tls.cert_file) &&
           is_same_text(a->tls.key_file, b->tls.key_file);
}

static void check_round_trip(void) {
    static char url[8192];
    weir_error error;
    write_url(url);
    fuzz_check(weir_url_parse(&again, &query_again, url, &error) == WEIR_OK,
               "an address written as a URL is parsed");
    fuzz_check(is_same_query(), "options written as a URL parse to themselves");
    fuzz_check(again.kind == address.kind && again.port == address.port &&
                   again.is_tls == address.is_tls && again.db == address.db &&
                   strcmp(again.host, address.host) == 0 &&
                   strcmp(again.path, address.path) == 0 &&
                   strcmp(again.user, address.user) == 0 &&
                   strcmp(again.password, address.password) == 0,
               "an address written as a URL parses to itself");
}

static void check_name(void) {
    char longest[WEIR_HOST_BYTES + 64];
    weir_address_name(&address, longest, sizeof longest);
    size_t len = strlen(longest);
    fuzz_check(len > 0 && len + 1 < sizeof longest, "an address has a name");
    static const size_t sizes[] = {1, 2, 7, 16, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *name = fuzz_room(1, sizes[i]);
        weir_address_name(&address, name, sizes[i]);
        size_t fits = len < sizes[i] ? len : sizes[i] - 1;
        size_t shown = strnlen(name, sizes[i]);
        bool is_before_escape = fits - shown < ESCAPE && longest[shown] == '\\';
        fuzz_check(shown <= fits && memcmp(name, longest, shown) == 0 &&
                       (shown == fits || is_before_escape),
                   "a name is cut to its room, and no escape within");
    }
}

/* ---- secrets ---- */

/* The user and the password stand between the scheme and the last '@' before the path. */
static bool find_secret(char *url, char **from, char **to) {
    char *scheme = strstr(url, "://");
    if (scheme == NULL) {
        return false;
    }
    char *begin = scheme + 3;
    char *end = begin + strcspn(begin, "/");
    char *sign = NULL;
    for (char *at = begin; at < end; at++) {
        sign = *at == '@' ? at : sign;
    }
    if (sign == NULL) {
        return false;
    }
    *from = begin;
    *to = sign;
    return true;
}

/* Each byte of user and password that is no ':' becomes the mark, so that wherever it shows
 * it is found. */
static void check_secret(char *url) {
    char *from;
    char *to;
    if (!find_secret(url, &from, &to)) {
        return;
    }
    for (char *at = from; at < to; at++) {
        *at = (char)(*at == ':' || *at == '%' || *at == ' ' ? *at : MARK);
    }
    char *rest = to;
    for (; *rest != '\0'; rest++) {
        *rest = (char)(*rest == MARK ? '-' : *rest);
    }
    weir_error error = {.status = WEIR_OK};
    weir_status st = weir_address_parse(&again, url, &error);
    fuzz_check(st == WEIR_OK || strchr(error.text, MARK) == NULL,
               "no byte of a password is in an error's text");
}

int fuzz_one(const uint8_t *data, size_t len) {
    if (len > MOST_URL || (len > 0 && memchr(data, '\0', len) != NULL)) {
        return 0;
    }
    char *url = fuzz_room(0, len + 1);
    memcpy(url, data, len);
    url[len] = '\0';
    weir_error error;
    memset(&error, 0x55, sizeof error);
    memset(&address, 0x55, sizeof address);
    memset(&query, 0x55, sizeof query);
    weir_status st = weir_url_parse(&address, &query, url, &error);
    if (st == WEIR_OK) {
        check_address();
        check_name();
        check_round_trip();
    } else {
        fuzz_check(st == WEIR_ERR_ARG || st == WEIR_ERR_UNSUPPORTED,
                   "a URL is parsed, wrong, or not supported");
        check_error(&error, st);
        fuzz_check(is_zero(address.user, sizeof address.user) &&
                       is_zero(address.password, sizeof address.password) &&
                       is_zero(address.host, sizeof address.host) &&
                       is_zero(address.path, sizeof address.path),
                   "an address that was refused is wiped");
    }
    weir_address_wipe(&address);
    fuzz_check(is_zero(address.user, sizeof address.user) &&
                   is_zero(address.password, sizeof address.password),
               "a wiped address has no secret");
    check_secret(url);
    return 0;
}
