/* TLS by OpenSSL, over any transport: it verifies chain and name, never waits, and goes on
 * with an earlier session where the peer lets it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"
#include "tls_link.h"

#include <assert.h>
#include <dirent.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* TLS 1.2 with forward secrecy and authenticated encryption alone (RFC 9325, 4.2). */
#define CIPHERS_12 "ECDHE+AESGCM:ECDHE+CHACHA20"

/* The bytes of one record at most (RFC 8446, 5.1). SSL_write takes no more at once, so that
 * a call that is repeated never has fewer bytes than the one before. */
#define RECORD_BYTES 16384

#define PASSWORD_BYTES 1024 /* PEM_BUFSIZE */

/* ---- words ---- */

/* Adds the reason of OpenSSL's first failure, which the others followed from, or that of
 * the system; leaves its queue empty. */
static void add_reason(struct weir_line *text) {
    unsigned long first = ERR_get_error();
    unsigned long next = first;
    while (next != 0 && !ERR_SYSTEM_ERROR(next)) {
        next = ERR_get_error();
    }
    const char *reason = ERR_reason_error_string(first);
    if (next != 0) {
        weir_line_add_os_error(text, ERR_GET_REASON(next));
    } else {
        weir_line_add(text, reason != NULL ? reason : "no reason given");
    }
    ERR_clear_error();
}

/* An option that does not work: "tls.ca_file "PATH": REASON". */
static weir_status refuse(weir_error *error, const char *option, const char *path,
                          const char *why) {
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_ARG, 0);
    weir_line_add(&text, "tls.");
    weir_line_add(&text, option);
    if (path != NULL) {
        weir_line_add(&text, " \"");
        weir_line_add(&text, path);
        weir_line_add(&text, "\"");
    }
    weir_line_add(&text, ": ");
    if (why != NULL) {
        weir_line_add(&text, why);
        ERR_clear_error();
    } else {
        add_reason(&text);
    }
    return WEIR_ERR_ARG;
}

/* ---- options: whom we trust ---- */

/* A folder without one file named by its hash trusts nobody, and OpenSSL would not say so.
 */
static bool has_hashed_file(const char *path) {
    static const char hex[] = "0123456789abcdef";
    bool is_found = false;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return false;
    }
    const struct dirent *file;
    while (!is_found &&
           (file = readdir(folder)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        is_found = strspn(file->d_name, hex) == 8 && file->d_name[8] == '.';
    }
    (void)closedir(folder);
    return is_found;
}

static weir_status trust_text(SSL_CTX *context, weir_view pem, weir_error *error) {
    int count = 0;
    BIO *bytes = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    X509 *one = NULL;
    while (bytes != NULL && (one = PEM_read_bio_X509(bytes, NULL, NULL, NULL)) != NULL) {
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one);
        X509_free(one);
    }
    BIO_free(bytes);
    ERR_clear_error(); /* the end of the text is an error to OpenSSL */
    return count > 0 ? WEIR_OK : refuse(error, "ca_pem", NULL, "holds no certificate");
}

static weir_status trust_revoked(SSL_CTX *context, const char *path, weir_error *error) {
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == NULL || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1) {
        return refuse(error, "crl_file", path, NULL);
    }
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_CRL_CHECK);
    return WEIR_OK;
}

static weir_status take_trust(SSL_CTX *context, const weir_tls *options,
                              weir_error *error) {
    bool is_named =
        options->ca_file != NULL || options->ca_folder != NULL || options->ca_pem.len > 0;
    if (!is_named && SSL_CTX_set_default_verify_paths(context) != 1) {
        return refuse(error, "ca_file", NULL, NULL);
    }
    if (options->ca_file != NULL &&
        SSL_CTX_load_verify_file(context, options->ca_file) != 1) {
        return refuse(error, "ca_file", options->ca_file, NULL);
    }
    if (options->ca_folder != NULL && !has_hashed_file(options->ca_folder)) {
        return refuse(error, "ca_folder", options->ca_folder,
                      "holds no certificate by its hash (run openssl rehash on it)");
    }
    if (options->ca_folder != NULL &&
        SSL_CTX_load_verify_dir(context, options->ca_folder) != 1) {
        return refuse(error, "ca_folder", options->ca_folder, NULL);
    }
    weir_status st =
        options->ca_pem.len > 0 ? trust_text(context, options->ca_pem, error) : WEIR_OK;
    if (st == WEIR_OK && options->crl_file != NULL) {
        st = trust_revoked(context, options->crl_file, error);
    }
    return st;
}

/* What the certificate must be made for. The subject's CN is no name (RFC 9525, 2). */
static weir_status take_name(SSL_CTX *context, const char *name, weir_error *error) {
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    int is_set = weir_tls_is_ip(name)
                     ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
                     : X509_VERIFY_PARAM_set1_host(param, name, strlen(name));
    return is_set == 1 ? WEIR_OK : refuse(error, "verify_name", name, NULL);
}

/* ---- options: who we are ---- */

/* OpenSSL's pem_password_cb. Without a password it would ask on the terminal. */
static int give_password(char *out, int room, int is_writing, void *password) {
    (void)is_writing;
    size_t len = password != NULL ? strlen(password) : 0;
    if (len == 0 || len > (size_t)room) {
        return -1;
    }
    memcpy(out, password, len);
    return (int)len;
}

static bool use_chain_text(SSL_CTX *context, weir_view pem) {
    BIO *bytes = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *own = bytes != NULL ? PEM_read_bio_X509_AUX(bytes, NULL, NULL, NULL) : NULL;
    bool is_used = own != NULL && SSL_CTX_use_certificate(context, own) == 1;
    X509_free(own);
    X509 *next = NULL;
    while (is_used && (next = PEM_read_bio_X509(bytes, NULL, NULL, NULL)) != NULL) {
        is_used = SSL_CTX_add1_chain_cert(context, next) == 1;
        X509_free(next);
    }
    BIO_free(bytes);
    return is_used;
}

static bool use_key_text(SSL_CTX *context, weir_view pem, void *password) {
    BIO *bytes = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *key = bytes != NULL
                        ? PEM_read_bio_PrivateKey(bytes, NULL, give_password, password)
                        : NULL;
    bool is_used = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bytes);
    return is_used;
}

static weir_status take_pair(SSL_CTX *context, const weir_tls *options, void *password,
                             weir_error *error) {
    bool is_file = options->cert_file != NULL;
    if (options->cert_pem.len > INT32_MAX || options->key_pem.len > INT32_MAX) {
        return refuse(error, "cert_pem", NULL, "larger than 2 GiB");
    }
    ERR_clear_error();
    if (is_file ? SSL_CTX_use_certificate_chain_file(context, options->cert_file) != 1
                : !use_chain_text(context, options->cert_pem)) {
        return refuse(error, is_file ? "cert_file" : "cert_pem", options->cert_file, NULL);
    }
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, password);
    bool has_key = is_file ? SSL_CTX_use_PrivateKey_file(context, options->key_file,
                                                         SSL_FILETYPE_PEM) == 1
                           : use_key_text(context, options->key_pem, password);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (!has_key || SSL_CTX_check_private_key(context) != 1) {
        return refuse(error, is_file ? "key_file" : "key_pem", options->key_file, NULL);
    }
    return WEIR_OK;
}

/* The password is handed on as what OpenSSL takes, a pointer to what it may write. */
static weir_status take_own(SSL_CTX *context, const weir_tls *options, weir_error *error) {
    char password[PASSWORD_BYTES] = "";
    if (options->cert_file == NULL && options->cert_pem.len == 0) {
        return WEIR_OK;
    }
    if (options->key_password != NULL) {
        size_t len = strlen(options->key_password);
        if (len >= sizeof password) {
            return refuse(error, "key_password", NULL, "longer than 1023 bytes");
        }
        memcpy(password, options->key_password, len + 1);
    }
    weir_status st = take_pair(context, options, password, error);
    OPENSSL_cleanse(password, sizeof password);
    return st;
}

/* ---- options: how it is spoken ---- */

static weir_status take_ways(SSL_CTX *context, const weir_tls *options, weir_error *error) {
    const char *ciphers = options->ciphers != NULL ? options->ciphers : CIPHERS_12;
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        return refuse(error, "version", NULL, NULL);
    }
    if (SSL_CTX_set_cipher_list(context, ciphers) != 1) {
        return refuse(error, "ciphers", NULL, NULL);
    }
    if (options->ciphersuites != NULL &&
        SSL_CTX_set_ciphersuites(context, options->ciphersuites) != 1) {
        return refuse(error, "ciphersuites", NULL, NULL);
    }
    /* not SSL_CTX_set1_groups_list, a macro that casts const away; it is only read */
    void *groups;
    memcpy(&groups, &options->groups, sizeof groups);
    if (groups != NULL && SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, groups) != 1) {
        return refuse(error, "groups", NULL, NULL);
    }
    if (options->alpn != NULL) {
        unsigned char wire[256]; /* a length, then the name: RFC 7301, 3.1 */
        size_t len = strlen(options->alpn);
        wire[0] = (unsigned char)len;
        memcpy(wire + 1, options->alpn, len);
        if (SSL_CTX_set_alpn_protos(context, wire, (unsigned)len + 1) != 0) {
            return refuse(error, "alpn", NULL, NULL);
        }
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    return WEIR_OK;
}

/* ---- sessions ---- */

/* The peer gives a ticket, under TLS 1.3 at any time: the newest is kept. */
static int keep_session(SSL *ssl, SSL_SESSION *session) {
    weir_tls_link *link = SSL_get_app_data(ssl);
    SSL_SESSION_free(link->session);
    link->session = session;
    return 1; /* it is ours now */
}

/* A ticket of TLS 1.3 is used once, so that nobody can tell two connections to be of one
 * client (RFC 8446, C.4). */
static void use_session(weir_tls_link *link) {
    SSL_SESSION *session = link->session;
    if (session == NULL) {
        return;
    }
    if (SSL_SESSION_is_resumable(session) == 1) {
        (void)SSL_set_session(link->ssl, session);
    }
    if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
        SSL_SESSION_free(session);
        link->session = NULL;
    }
}

/* The peer wants a certificate of ours: noted for the error text, should it end in one. */
static int note_cert_request(SSL *ssl, void *context) {
    (void)context;
    weir_tls_link *link = SSL_get_app_data(ssl);
    link->was_asked_for_cert = true;
    return 1;
}

/* ---- bytes from and to the transport below ---- */

static void note_first(weir_tls_link *link, const char *bytes, size_t count) {
    for (size_t i = 0; i < count && link->first_count < WEIR_FIRST_BYTES; i++) {
        link->first[link->first_count++] = (unsigned char)bytes[i];
    }
}

static int read_below(BIO *bio, char *data, int room) {
    weir_tls_link *link = BIO_get_data(bio);
    size_t moved = 0;
    BIO_clear_retry_flags(bio);
    if (room <= 0) {
        return 0;
    }
    weir_status st =
        link->below.receive(link->below.context, data, (size_t)room, &moved, link->error);
    if (st == WEIR_OK) {
        note_first(link, data, moved);
        return (int)moved;
    }
    if (st == WEIR_MORE) {
        BIO_set_retry_read(bio);
        return -1;
    }
    link->below_status = st;
    link->is_at_end = st == WEIR_ERR_CLOSED;
    return link->is_at_end ? 0 : -1;
}

static int write_below(BIO *bio, const char *data, int len) {
    weir_tls_link *link = BIO_get_data(bio);
    size_t moved = 0;
    BIO_clear_retry_flags(bio);
    if (len <= 0) {
        return 0;
    }
    weir_view part = weir_bytes(data, (size_t)len);
    weir_status st = link->below.send(link->below.context, &part, 1, &moved, link->error);
    if (st == WEIR_OK) {
        return (int)moved;
    }
    if (st == WEIR_MORE) {
        BIO_set_retry_write(bio);
        return -1;
    }
    link->below_status = st;
    return -1;
}

static long control_below(BIO *bio, int command, long number, void *pointer) {
    (void)number;
    (void)pointer;
    const weir_tls_link *link = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF) {
        return link->is_at_end;
    }
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP;
}

static BIO_METHOD *make_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir transport");
    if (method != NULL) {
        BIO_meth_set_read(method, read_below);
        BIO_meth_set_write(method, write_below);
        BIO_meth_set_ctrl(method, control_below);
    }
    return method;
}

/* ---- beginning and end ---- */

static weir_status set_up(weir_tls_link *link, const weir_tls *options, weir_error *error) {
    SSL_CTX *context = link->context;
    weir_status st = take_ways(context, options, error);
    if (st == WEIR_OK && !options->insecure_skip_verify) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        st = take_trust(context, options, error);
        st = st == WEIR_OK ? take_name(context, link->name, error) : st;
    } else {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    }
    st = st == WEIR_OK ? take_own(context, options, error) : st;
    link->has_cert = options->cert_file != NULL || options->cert_pem.len > 0;
    SSL_CTX_set_cert_cb(context, note_cert_request, NULL);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    return st;
}

weir_status weir_tls_begin(weir_tls_link *link, const weir_tls *options,
                           const weir_address *address, const weir_transport *below,
                           weir_error *error) {
    memset(link, 0, sizeof *link);
    link->below = *below;
    link->address = address;
    char name[WEIR_HOST_BYTES];
    weir_status st = weir_tls_check(options, address, name, error);
    if (st != WEIR_OK) {
        return st;
    }
    ERR_clear_error();
    link->context = SSL_CTX_new(TLS_client_method());
    link->method = make_method();
    link->name = OPENSSL_strdup(name);
    if (link->context == NULL || link->method == NULL || link->name == NULL) {
        weir_line_of_error(error, WEIR_ERR_NOMEM, 0);
        st = WEIR_ERR_NOMEM;
    } else {
        st = set_up(link, options, error);
    }
    ERR_clear_error();
    if (st != WEIR_OK) {
        weir_tls_end(link);
    }
    return st;
}

void weir_tls_end(weir_tls_link *link) {
    SSL_free(link->ssl);
    SSL_SESSION_free(link->session);
    SSL_CTX_free(link->context);
    BIO_meth_free(link->method);
    OPENSSL_free(link->name);
    memset(link, 0, sizeof *link);
}

weir_tls_state weir_tls_state_of(const weir_tls_link *link) {
    weir_tls_state state = {"", "", false};
    if (link->is_connected) {
        state.version = SSL_get_version(link->ssl);
        state.cipher = SSL_get_cipher_name(link->ssl);
        state.was_resumed = SSL_session_reused(link->ssl) == 1;
    }
    return state;
}

/* ---- why it failed ---- */

static const char *what_it_speaks(const weir_tls_link *link) {
    if (link->first_count == 0 || (link->first[0] >= 20 && link->first[0] <= 24)) {
        return NULL; /* types of records: RFC 8446, B.1 */
    }
    if (link->first_count >= 5 && memcmp(link->first, "HTTP/", 5) == 0) {
        return "it answers in HTTP: a web server or a proxy?";
    }
    if (strchr("+-:$*%_~>", link->first[0]) != NULL) {
        return "it speaks RESP without TLS: write redis://, or its TLS port";
    }
    return "it does not speak TLS: is this its TLS port?";
}

/* Why the certificate is refused, and what to try. */
static void add_verdict(struct weir_line *text, const weir_tls_link *link, long verdict) {
    weir_line_add(text, "its certificate is refused: ");
    weir_line_add(text, X509_verify_cert_error_string(verdict));
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        weir_line_add(text, ", it is not made for \"");
        weir_line_add(text, link->name);
        weir_line_add(text, "\" (tls.verify_name names another)");
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        weir_line_add(text, " (tls.ca_file names the CA to trust)");
        break;
    default: break;
    }
}

static void add_cert_advice(struct weir_line *text, const weir_tls_link *link) {
    if (link->was_asked_for_cert) {
        weir_line_add(text, link->has_cert
                                ? " (it asks for a client certificate; ours is not to its "
                                  "liking?)"
                                : " (it asks for a client certificate: tls.cert_file and "
                                  "tls.key_file)");
    }
}

/* Adds why OpenSSL or the transport below has failed. */
static void add_cause(struct weir_line *text, const weir_tls_link *link,
                      const weir_error *below) {
    const char *other = what_it_speaks(link);
    long verdict = SSL_get_verify_result(link->ssl);
    if (other != NULL) {
        weir_line_add(text, other);
    } else if (verdict != X509_V_OK && SSL_get_verify_mode(link->ssl) != SSL_VERIFY_NONE) {
        add_verdict(text, link, verdict);
    } else if (link->below_status == WEIR_ERR_CLOSED) {
        weir_line_add(text, "it closed the connection");
        add_cert_advice(text, link);
    } else if (link->below_status != WEIR_OK) {
        weir_line_add(text, below->text[0] != '\0' ? below->text
                                                   : weir_status_text(link->below_status));
        add_cert_advice(text, link);
    } else {
        add_reason(text);
        add_cert_advice(text, link);
    }
    ERR_clear_error();
}

/* Whose failure it is: that of the transport below, or of TLS. */
static weir_status cause(const weir_tls_link *link) {
    return link->below_status != WEIR_OK && what_it_speaks(link) == NULL
               ? link->below_status
               : WEIR_ERR_TLS;
}

static weir_status fail_handshake(weir_tls_link *link, weir_error *error) {
    weir_status st = cause(link);
    weir_error below = *error;
    struct weir_line text = weir_line_of_error(error, st, below.os_error);
    weir_line_add(&text, "TLS handshake with ");
    weir_line_add_peer(&text, link->address);
    weir_line_add(&text, ": ");
    add_cause(&text, link, &below);
    link->is_broken = true;
    return st;
}

static weir_status fail_late(weir_tls_link *link, int64_t now_ms, weir_error *error) {
    int64_t waited_ms = now_ms > link->began_ms ? now_ms - link->began_ms : 0;
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_TIMEOUT, 0);
    weir_line_add(&text, "TLS handshake with ");
    weir_line_add_peer(&text, link->address);
    weir_line_add(&text, ": not done within ");
    weir_line_add_number(&text, (uint64_t)waited_ms);
    weir_line_add(&text, link->first_count == 0
                             ? " ms, it says nothing (is this its TLS port?)"
                             : " ms");
    link->is_broken = true;
    return WEIR_ERR_TIMEOUT;
}

static weir_status fail_bytes(weir_tls_link *link, weir_error *error) {
    weir_status st = cause(link);
    weir_error below = *error;
    struct weir_line text = weir_line_of_error(error, st, below.os_error);
    weir_line_add(&text, st == WEIR_ERR_TLS ? "TLS: " : "");
    add_cause(&text, link, &below);
    link->is_broken = true;
    return st;
}

/* ---- the handshake ---- */

static weir_status begin_ssl(weir_tls_link *link, int64_t now_ms, weir_error *error) {
    ERR_clear_error();
    link->began_ms = now_ms;
    link->ssl = SSL_new(link->context);
    BIO *bio = link->ssl != NULL ? BIO_new(link->method) : NULL;
    if (bio == NULL) {
        weir_line_of_error(error, WEIR_ERR_NOMEM, 0);
        link->is_broken = true;
        return WEIR_ERR_NOMEM;
    }
    BIO_set_data(bio, link);
    BIO_set_init(bio, 1);
    SSL_set_bio(link->ssl, bio, bio);
    SSL_set_app_data(link->ssl, link);
    if (link->name[0] != '\0' && !weir_tls_is_ip(link->name)) { /* RFC 6066, 3 */
        (void)SSL_set_tlsext_host_name(link->ssl, link->name);
    }
    use_session(link);
    return WEIR_OK;
}

/* What OpenSSL waits for; 0: it has failed. */
static int want_of(int ssl_error) {
    if (ssl_error == SSL_ERROR_WANT_READ) {
        return WEIR_WANT_READ;
    }
    return ssl_error == SSL_ERROR_WANT_WRITE ? WEIR_WANT_WRITE : 0;
}

static weir_status shake_hands(weir_tls_link *link, int64_t now_ms, int64_t deadline_ms,
                               weir_error *error) {
    ERR_clear_error();
    link->error = error;
    int result = SSL_connect(link->ssl);
    if (result == 1) {
        link->is_connected = true;
        link->receive_wants = WEIR_WANT_READ;
        link->send_wants = WEIR_WANT_WRITE;
        link->may_have_pending = true;
        return WEIR_OK;
    }
    link->connect_wants = want_of(SSL_get_error(link->ssl, result));
    if (link->connect_wants == 0) {
        return fail_handshake(link, error);
    }
    return now_ms < deadline_ms ? WEIR_MORE : fail_late(link, now_ms, error);
}

static weir_status connect_tls(void *context, int64_t now_ms, int64_t deadline_ms,
                               weir_error *error) {
    weir_tls_link *link = context;
    if (link->is_connected) {
        return WEIR_OK;
    }
    if (!link->is_below_connected) {
        weir_status st =
            link->below.connect(link->below.context, now_ms, deadline_ms, error);
        if (st != WEIR_OK) {
            return st;
        }
        link->is_below_connected = true;
        link->deadline_ms = deadline_ms;
        st = begin_ssl(link, now_ms, error);
        if (st != WEIR_OK) {
            return st;
        }
    }
    return shake_hands(link, now_ms, deadline_ms, error);
}

static void close_tls(void *context) {
    weir_tls_link *link = context;
    if (link->ssl != NULL) {
        ERR_clear_error();
        if (link->is_connected && !link->is_broken) {
            weir_error unused = {.status = WEIR_OK};
            link->error = &unused;
            (void)SSL_shutdown(link->ssl); /* says goodbye, and does not wait for theirs */
        }
        /* else OpenSSL would take the session for a bad one */
        SSL_set_shutdown(link->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(link->ssl);
        ERR_clear_error();
        link->error = NULL;
    }
    link->ssl = NULL;
    link->is_below_connected = false;
    link->is_connected = false;
    link->is_broken = false;
    link->may_have_pending = false;
    link->was_asked_for_cert = false;
    link->is_at_end = false;
    link->first_count = 0;
    link->below_status = WEIR_OK;
    link->below.close(link->below.context);
}

/* ---- bytes ---- */

static weir_status receive_tls(void *context, char *data, size_t room, size_t *moved,
                               weir_error *error) {
    weir_tls_link *link = context;
    ERR_clear_error();
    link->error = error;
    link->below_status = WEIR_OK; /* sending may have failed, and the reason be here */
    int result = SSL_read_ex(link->ssl, data, room, moved);
    if (result == 1) {
        link->receive_wants = WEIR_WANT_READ;
        link->may_have_pending = true;
        return WEIR_OK;
    }
    int ssl_error = SSL_get_error(link->ssl, result);
    link->may_have_pending = false;
    if (ssl_error == SSL_ERROR_ZERO_RETURN) {
        return WEIR_ERR_CLOSED;
    }
    int wants = want_of(ssl_error);
    if (wants != 0) {
        link->receive_wants = wants;
        return WEIR_MORE;
    }
    return fail_bytes(link, error);
}

/* Sends one part as far as it goes; *sum grows by what was taken. */
static weir_status send_part(weir_tls_link *link, weir_view part, size_t *sum,
                             weir_error *error) {
    for (size_t at = 0; at < part.len;) {
        size_t left = part.len - at;
        size_t len = left < RECORD_BYTES ? left : RECORD_BYTES;
        size_t taken = 0;
        ERR_clear_error();
        int result = SSL_write_ex(link->ssl, part.data + at, len, &taken);
        if (result != 1) {
            link->send_wants = want_of(SSL_get_error(link->ssl, result));
            return link->send_wants != 0 ? WEIR_MORE : fail_bytes(link, error);
        }
        at += taken;
        *sum += taken;
    }
    return WEIR_OK;
}

static weir_status send_tls(void *context, const weir_view *parts, size_t count,
                            size_t *moved, weir_error *error) {
    weir_tls_link *link = context;
    weir_status st = WEIR_OK;
    link->error = error;
    link->send_wants = WEIR_WANT_WRITE;
    *moved = 0;
    for (size_t i = 0; i < count && st == WEIR_OK; i++) {
        st = send_part(link, parts[i], moved, error);
    }
    return st == WEIR_MORE && *moved > 0 ? WEIR_OK : st;
}

/* ---- the table ---- */

static int fd_of(const void *context) {
    const weir_tls_link *link = context;
    return link->below.fd(link->below.context);
}

static int wants_below(const weir_tls_link *link, int directions) {
    if (link->below.wants != NULL) {
        return link->below.wants(link->below.context, directions);
    }
    return directions != 0 ? directions : WEIR_WANT_WRITE;
}

static int wants_of(const void *context, int directions) {
    const weir_tls_link *link = context;
    if (!link->is_below_connected) {
        return wants_below(link, 0);
    }
    int wants = !link->is_connected ? link->connect_wants : 0;
    if (link->is_connected && (directions & WEIR_WANT_READ) != 0) {
        wants |= link->receive_wants;
    }
    if (link->is_connected && (directions & WEIR_WANT_WRITE) != 0) {
        wants |= link->send_wants;
    }
    return wants_below(link, wants);
}

/* Read ahead, whole records may wait in OpenSSL, decrypted or not; parts of one do, too,
 * and are nothing to come back for: the last SSL_read has then asked for more. */
static bool has_pending(const void *context) {
    const weir_tls_link *link = context;
    bool is_below_pending =
        link->below.has_pending != NULL && link->below.has_pending(link->below.context);
    return link->ssl != NULL && link->is_connected &&
           (is_below_pending ||
            (link->may_have_pending && SSL_has_pending(link->ssl) == 1));
}

static int64_t deadline_of(const void *context) {
    const weir_tls_link *link = context;
    if (link->is_below_connected || link->below.deadline_ms == NULL) {
        return link->is_below_connected ? link->deadline_ms : WEIR_NO_DEADLINE;
    }
    return link->below.deadline_ms(link->below.context);
}

weir_transport weir_tls_transport(weir_tls_link *link) {
    return (weir_transport){
        .context = link,
        .connect = connect_tls,
        .receive = receive_tls,
        .send = send_tls,
        .fd = fd_of,
        .wants = wants_of,
        .has_pending = has_pending,
        .deadline_ms = deadline_of,
        .close = close_tls,
    };
}
