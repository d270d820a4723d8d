/* What TLS is to hold to: whose word is trusted, which name the peer must prove, and who we
 * are to it.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_TLS_H
#define WEIR_NET_TLS_H

#include "../resp/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * All zero is right: the certificate must come from a CA that the system trusts, and be
 * made for the host of the URL. TLS 1.2 at least. Files and texts are PEM, and are read
 * when the client is opened, not again when it reconnects. A file, a folder or a text that
 * is named and holds nothing of its kind is an error.
 */
typedef struct weir_tls {
    bool insecure_skip_verify; /* verifies nothing: anyone between can read and change all.
                                  Not together with a CA or verify_name */
    const char *verify_name;   /* DNS name or IP address that the certificate must be made
                                  for, and the name asked for (SNI); default: the URL's
                                  host. unix:// has none, and needs it */
    const char *ca_file;       /* trusted CAs in place of the system's; */
    const char *ca_folder;     /* a folder of them, by hash (openssl rehash); */
    weir_view ca_pem;          /* the same as text. All that are given count */
    const char *crl_file;      /* revoked certificates of the CA that signed the peer's */
    const char *cert_file;     /* our own certificate, then the chain behind it, and */
    const char *key_file;      /* its private key; both or none */
    weir_view cert_pem;        /* the same as text, in place of the files */
    weir_view key_pem;
    const char *key_password; /* of an encrypted key; wiped with the client's own copies */
    const char *ciphers;      /* for TLS 1.2, as OpenSSL writes them; default: those with
                                 ECDHE and AEAD */
    const char *ciphersuites; /* for TLS 1.3; default OpenSSL's */
    const char *groups;       /* for the key exchange; default OpenSSL's */
    const char *alpn;         /* one protocol to ask for, 255 bytes at most; default none.
                                 Servers need none, some proxies do */
} weir_tls;

/* What was agreed on with the peer. Texts are constant; empty if TLS is not spoken. */
typedef struct weir_tls_state {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
    bool was_resumed;    /* an earlier session went on: no certificates were exchanged */
} weir_tls_state;

#ifdef __cplusplus
}
#endif

#endif
