/* Addresses as URLs: read strictly, named for error texts.
 * No text here quotes the URL: where a password begins and ends is unsure in a URL that is
 * wrong, so what is wrong is shown by its position alone.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"
#include "url.h"

#include <arpa/inet.h>

#define DEFAULT_PORT 6379 /* Redis's own: redis/src/config.c, "port" */

enum scheme { SCHEME_UNKNOWN, SCHEME_TCP, SCHEME_UNIX, SCHEME_TLS };

struct parse {
    struct weir_url url;
    weir_address *address;
    weir_query *query;
};

weir_status weir_url_refuse(const struct weir_url *url, const char *at, const char *why) {
    struct weir_line text = weir_line_of_error(url->error, WEIR_ERR_ARG, 0);
    weir_line_add(&text, "bad URL, character ");
    weir_line_add_number(&text, (uint64_t)(at - url->url) + 1);
    weir_line_add(&text, ": ");
    weir_line_add(&text, why);
    return WEIR_ERR_ARG;
}

static weir_status refuse(const struct parse *parse, const char *at, const char *why) {
    return weir_url_refuse(&parse->url, at, why);
}

const char *weir_url_find(struct weir_url_part part, char wanted) {
    const char *at = part.at;
    while (at < part.end && *at != wanted) {
        at++;
    }
    return at;
}

static const char *last_of(struct weir_url_part part, char wanted) {
    const char *at = part.end;
    while (at > part.at) {
        at--;
        if (*at == wanted) {
            return at;
        }
    }
    return NULL;
}

static char lower(char letter) {
    if (letter < 'A' || letter > 'Z') {
        return letter;
    }
    return (char)(letter - 'A' + 'a');
}

/* In any case, as RFC 3986, 3.1 has it for a scheme. */
static bool is_word(struct weir_url_part part, const char *word) {
    while (part.at < part.end && *word != '\0' && lower(*part.at) == *word) {
        part.at++;
        word++;
    }
    return part.at == part.end && *word == '\0';
}

static enum scheme read_scheme(struct weir_url_part name) {
    if (is_word(name, "redis") || is_word(name, "valkey")) {
        return SCHEME_TCP;
    }
    if (is_word(name, "rediss") || is_word(name, "valkeys")) {
        return SCHEME_TLS;
    }
    return is_word(name, "unix") ? SCHEME_UNIX : SCHEME_UNKNOWN;
}

bool weir_url_number(struct weir_url_part part, uint32_t max, uint32_t *number) {
    uint64_t sum = 0;
    if (part.at == part.end || (*part.at == '0' && part.end - part.at > 1)) {
        return false;
    }
    for (; part.at < part.end; part.at++) {
        if (*part.at < '0' || *part.at > '9') {
            return false;
        }
        sum = sum * 10 + (uint64_t)(*part.at - '0');
        if (sum > max) {
            return false;
        }
    }
    *number = (uint32_t)sum;
    return true;
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char letter = lower(digit);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The byte that %HH at part.at stands for; -1 if two digits do not follow. */
static int escaped_byte(struct weir_url_part part) {
    if (part.end - part.at < 3) {
        return -1;
    }
    int high = hex_value(part.at[1]);
    int low = hex_value(part.at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

weir_status weir_url_decode(const struct weir_url *url, struct weir_url_part part,
                            char *out, size_t room, const char *why_too_long) {
    size_t len = 0;
    while (part.at < part.end) {
        int byte = (unsigned char)*part.at;
        ptrdiff_t width = 1;
        if (byte <= ' ' || byte == 0x7f) {
            return weir_url_refuse(
                url, part.at,
                "a space or a control character; write it as % and two digits");
        }
        if (byte == '%') {
            byte = escaped_byte(part);
            width = 3;
        }
        if (byte < 0) {
            return weir_url_refuse(
                url, part.at,
                "'%' without two hexadecimal digits; write '%' itself as %25");
        }
        if (byte == 0) {
            return weir_url_refuse(url, part.at, "a NUL byte (%00) cannot be sent");
        }
        if (len + 1 >= room) {
            return weir_url_refuse(url, part.at, why_too_long);
        }
        out[len++] = (char)byte;
        part.at += width;
    }
    out[len] = '\0';
    return WEIR_OK;
}

static weir_status read_who(const struct parse *parse, struct weir_url_part who) {
    weir_address *address = parse->address;
    struct weir_url_part user = {who.at, weir_url_find(who, ':')};
    if (user.end == who.end) {
        return refuse(parse, who.at,
                      "what stands before '@' must be user:password or :password");
    }
    weir_status st = weir_url_decode(&parse->url, user, address->user, sizeof address->user,
                                     "the user name is longer than 511 bytes");
    if (st != WEIR_OK) {
        return st;
    }
    struct weir_url_part password = {user.end + 1, who.end};
    return weir_url_decode(&parse->url, password, address->password,
                           sizeof address->password,
                           "the password is longer than 511 bytes");
}

static bool is_host_byte(char byte) {
    char letter = lower(byte);
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '.' || byte == '_';
}

static weir_status copy_host(const struct parse *parse, struct weir_url_part host) {
    size_t len = (size_t)(host.end - host.at);
    if (len == 0) {
        return refuse(parse, host.at, "the host is missing, as in redis://127.0.0.1:6379");
    }
    if (len >= sizeof parse->address->host) {
        return refuse(parse, host.at, "the host is longer than 255 bytes");
    }
    memcpy(parse->address->host, host.at, len);
    parse->address->host[len] = '\0';
    return WEIR_OK;
}

static weir_status read_bracketed(const struct parse *parse, struct weir_url_part part,
                                  const char **host_end) {
    struct weir_url_part host = {part.at + 1, weir_url_find(part, ']')};
    if (host.end == part.end) {
        return refuse(parse, part.at, "'[' without ']'");
    }
    weir_status st = copy_host(parse, host);
    if (st != WEIR_OK) {
        return st;
    }
    struct in6_addr unused;
    if (inet_pton(AF_INET6, parse->address->host, &unused) != 1) {
        return refuse(parse, host.at, "[...] does not hold an IPv6 address");
    }
    *host_end = host.end + 1;
    return WEIR_OK;
}

static weir_status read_name(const struct parse *parse, struct weir_url_part part,
                             const char **host_end) {
    struct weir_url_part host = {part.at, part.at};
    while (host.end < part.end && is_host_byte(*host.end)) {
        host.end++;
    }
    *host_end = host.end;
    return copy_host(parse, host);
}

static weir_status read_host_and_port(const struct parse *parse,
                                      struct weir_url_part part) {
    bool is_bracketed = part.at < part.end && *part.at == '[';
    const char *end = part.end;
    const char *last_colon = last_of(part, ':');
    if (!is_bracketed && last_colon != NULL && last_colon != weir_url_find(part, ':')) {
        return refuse(parse, last_colon,
                      "a second ':'; an IPv6 address is written in brackets, as in [::1]");
    }
    weir_status st =
        is_bracketed ? read_bracketed(parse, part, &end) : read_name(parse, part, &end);
    if (st != WEIR_OK || end == part.end) {
        return st;
    }
    if (*end != ':') {
        return refuse(
            parse, end,
            "a host is letters, digits, '-', '.', '_'; after it only :port and /database");
    }
    uint32_t port = 0;
    if (!weir_url_number((struct weir_url_part){end + 1, part.end}, UINT16_MAX, &port) ||
        port == 0) {
        return refuse(parse, end + 1, "the port is not a number from 1 to 65535");
    }
    parse->address->port = (uint16_t)port;
    return WEIR_OK;
}

static weir_status read_query(const struct parse *parse, struct weir_url_part part) {
    bool is_tls_possible =
        parse->address->is_tls || parse->address->kind == WEIR_ADDRESS_UNIX;
    weir_status st = WEIR_OK;
    if (part.at < part.end) { /* with its '?' */
        part.at++;
        st = weir_url_query(&parse->url, part, is_tls_possible, parse->query);
    }
    parse->address->db = parse->query->db;
    return st;
}

/* `path` is /database, or nothing, or a lone '/', and the query. */
static weir_status read_tcp(const struct parse *parse, struct weir_url_part authority,
                            struct weir_url_part path) {
    parse->address->kind = WEIR_ADDRESS_TCP;
    parse->address->port = DEFAULT_PORT;
    struct weir_url_part query = {weir_url_find(path, '?'), path.end};
    struct weir_url_part db = {path.at, query.at};
    if (weir_url_find(db, '@') != db.end) {
        return refuse(parse, path.at,
                      "an '@' follows this '/'; in a user or password write '/' as %2F");
    }
    weir_status st = read_host_and_port(parse, authority);
    if (st != WEIR_OK) {
        return st;
    }
    parse->query->has_db = db.end - db.at > 1;
    db.at++;
    if (parse->query->has_db && !weir_url_number(db, UINT32_MAX, &parse->query->db)) {
        return refuse(parse, db.at,
                      "expected a database from 0 to 4294967295, and nothing after it");
    }
    return read_query(parse, query);
}

static weir_status read_unix(const struct parse *parse, struct weir_url_part authority,
                             struct weir_url_part path) {
    weir_address *address = parse->address;
    address->kind = WEIR_ADDRESS_UNIX;
    if (authority.at != authority.end || path.at == path.end || *path.at != '/') {
        return refuse(
            parse, authority.at,
            "a path that begins with '/' must stand here, as in unix:///run/redis.sock "
            "(in a user or password write '/' as %2F)");
    }
    struct weir_url_part file = {path.at, weir_url_find(path, '?')};
    const char *hash = weir_url_find(file, '#');
    if (hash != file.end) {
        return refuse(parse, hash, "'#' in a path is written as %23");
    }
    weir_status st =
        weir_url_decode(&parse->url, file, address->path, sizeof address->path,
                        "the path is longer than the 107 bytes that a socket can have");
    if (st != WEIR_OK) {
        return st;
    }
    return read_query(parse, (struct weir_url_part){file.end, path.end});
}

static weir_status read_url(const struct parse *parse) {
    const char *url = parse->url.url;
    const char *colon = strstr(url, "://");
    if (colon == NULL) {
        return refuse(parse, url,
                      url[0] == '/' ? "no scheme; write it as unix:///run/redis.sock"
                                    : "no scheme; write it as redis://127.0.0.1:6379");
    }
    struct weir_url_part rest = {colon + 3, url + strlen(url)};
    struct weir_url_part authority = {rest.at, weir_url_find(rest, '/')};
    struct weir_url_part path = {authority.end, rest.end};
    enum scheme scheme = read_scheme((struct weir_url_part){url, colon});
    const char *sign = last_of(authority, '@');
    if (sign != NULL && scheme != SCHEME_UNKNOWN) {
        weir_status st = read_who(parse, (struct weir_url_part){authority.at, sign});
        if (st != WEIR_OK) {
            return st;
        }
        authority.at = sign + 1;
    }
    authority.end = weir_url_find(authority, '?'); /* redis://host?db=1 */
    path.at = authority.end;
    parse->address->is_tls = scheme == SCHEME_TLS;
    switch (scheme) {
    case SCHEME_TCP:
    case SCHEME_TLS: return read_tcp(parse, authority, path);
    case SCHEME_UNIX: return read_unix(parse, authority, path);
    case SCHEME_UNKNOWN: break;
    }
    return refuse(parse, url,
                  "the scheme is none of redis, rediss, valkey, valkeys and unix");
}

weir_status weir_url_parse(weir_address *address, weir_query *query, const char *url,
                           weir_error *error) {
    *address = (weir_address){.kind = WEIR_ADDRESS_TCP};
    memset(query, 0, sizeof *query);
    weir_status st = read_url(&(struct parse){{url, error}, address, query});
    if (st != WEIR_OK) {
        weir_address_wipe(address);
        *address = (weir_address){.kind = WEIR_ADDRESS_TCP};
    }
    return st;
}

weir_status weir_address_parse(weir_address *address, const char *url, weir_error *error) {
    weir_query unused;
    return weir_url_parse(address, &unused, url, error);
}

bool weir_address_is_local(const weir_address *address) {
    return address->kind == WEIR_ADDRESS_UNIX || strcmp(address->host, "localhost") == 0 ||
           strncmp(address->host, "127.", 4) == 0 || strcmp(address->host, "::1") == 0;
}

static void wipe(volatile char *secret, size_t size) {
    for (size_t i = 0; i < size; i++) {
        secret[i] = '\0';
    }
}

void weir_address_wipe(weir_address *address) {
    wipe(address->user, sizeof address->user);
    wipe(address->password, sizeof address->password);
}

void weir_address_name(const weir_address *address, char *out, size_t size) {
    struct weir_line name = weir_line_start(out, size);
    if (address->kind == WEIR_ADDRESS_UNIX) {
        weir_line_add(&name, "unix:");
        weir_line_add(&name, address->path);
        return;
    }
    bool is_ipv6 = strchr(address->host, ':') != NULL;
    weir_line_add(&name, is_ipv6 ? "[" : "");
    weir_line_add(&name, address->host);
    weir_line_add(&name, is_ipv6 ? "]:" : ":");
    weir_line_add_number(&name, address->port);
}
