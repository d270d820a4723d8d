/* Options of TLS that contradict each other, and the name that the peer must prove.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"
#include "tls_link.h"

#include <arpa/inet.h>

static weir_status refuse(weir_error *error, const char *why) {
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_ARG, 0);
    weir_line_add(&text, why);
    return WEIR_ERR_ARG;
}

bool weir_tls_is_ip(const char *name) {
    struct in6_addr unused; /* the larger of both */
    return inet_pton(AF_INET, name, &unused) == 1 ||
           inet_pton(AF_INET6, name, &unused) == 1;
}

static bool has_ca(const weir_tls *options) {
    return options->ca_file != NULL || options->ca_folder != NULL ||
           options->ca_pem.len > 0 || options->crl_file != NULL;
}

static weir_status check_pair(const weir_tls *options, weir_error *error) {
    if ((options->cert_file != NULL) != (options->key_file != NULL)) {
        return refuse(error, "tls.cert_file and tls.key_file: both or none");
    }
    if ((options->cert_pem.len > 0) != (options->key_pem.len > 0)) {
        return refuse(error, "tls.cert_pem and tls.key_pem: both or none");
    }
    if (options->cert_file != NULL && options->cert_pem.len > 0) {
        return refuse(error, "tls.cert_file and tls.cert_pem: one of them");
    }
    return WEIR_OK;
}

/* Host names as a certificate has them; others must come as A-labels ("xn--..."). */
static bool is_name(const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char at = name[i];
        bool is_word = (at >= 'a' && at <= 'z') || (at >= 'A' && at <= 'Z') ||
                       (at >= '0' && at <= '9') || at == '-' || at == '_';
        if (!is_word && (at != '.' || i == 0 || name[i - 1] == '.')) {
            return false;
        }
    }
    return len > 0;
}

static weir_status take_name(const char *given, char *name, weir_error *error) {
    size_t len = strlen(given);
    if (len > 0 && given[len - 1] == '.' && len > 1) {
        len--;
    }
    if (len >= WEIR_HOST_BYTES || (!weir_tls_is_ip(given) && !is_name(given, len))) {
        return refuse(error, "tls.verify_name (or the URL's host) is neither a DNS name "
                             "of letters, digits, '-', '_' and '.' nor an IP address");
    }
    memcpy(name, given, len);
    name[len] = '\0';
    return WEIR_OK;
}

weir_status weir_tls_check(const weir_tls *options, const weir_address *address,
                           char name[WEIR_HOST_BYTES], weir_error *error) {
    name[0] = '\0';
    if (options->insecure_skip_verify &&
        (options->verify_name != NULL || has_ca(options))) {
        return refuse(error, "tls.insecure_skip_verify verifies nothing: without it, or "
                             "without verify_name, ca_... and crl_file");
    }
    weir_status st = check_pair(options, error);
    if (st != WEIR_OK) {
        return st;
    }
    if (options->alpn != NULL &&
        (options->alpn[0] == '\0' || strlen(options->alpn) > 255)) {
        return refuse(error, "tls.alpn: 1 to 255 bytes");
    }
    bool is_unix = address->kind == WEIR_ADDRESS_UNIX;
    if (options->verify_name != NULL) {
        return take_name(options->verify_name, name, error);
    }
    if (is_unix && !options->insecure_skip_verify) {
        return refuse(error, "TLS over a Unix socket needs tls.verify_name: the name that "
                             "its certificate is made for");
    }
    return is_unix ? WEIR_OK : take_name(address->host, name, error);
}
