/* TLS by OpenSSL alone, as little as can be: the floor of what goes over TLS.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "secure.h"

#include "need.h"
#include "say.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct secure {
    SSL_CTX *context;
    SSL *ssl;
};

bool secure_is_built(void) { return true; }

static bool failed(const char *what) {
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return say_failed("raw TLS: %s: %s", what, text);
}

void secure_close(struct secure *secure) {
    if (secure == NULL) {
        return;
    }
    SSL_free(secure->ssl);
    SSL_CTX_free(secure->context);
    free(secure);
}

struct secure *secure_open(int fd, const char *ca_file) {
    struct secure *secure = need_memory(sizeof *secure);
    secure->context = SSL_CTX_new(TLS_client_method());
    bool is_ready = secure->context != NULL &&
                    SSL_CTX_load_verify_locations(secure->context, ca_file, NULL) == 1 &&
                    SSL_CTX_set_min_proto_version(secure->context, TLS1_2_VERSION) == 1;
    if (is_ready) {
        SSL_CTX_set_verify(secure->context, SSL_VERIFY_PEER, NULL);
        secure->ssl = SSL_new(secure->context);
    }
    if (secure->ssl == NULL || SSL_set_fd(secure->ssl, fd) != 1 ||
        SSL_connect(secure->ssl) != 1) {
        failed("cannot connect");
        secure_close(secure);
        return NULL;
    }
    return secure;
}

bool secure_send(struct secure *secure, const void *bytes, size_t len) {
    size_t sent;
    return len == 0 || SSL_write_ex(secure->ssl, bytes, len, &sent) == 1 ||
           failed("cannot send");
}

bool secure_receive(struct secure *secure, void *bytes, size_t size, size_t *len) {
    return SSL_read_ex(secure->ssl, bytes, size, len) == 1 || failed("cannot receive");
}
