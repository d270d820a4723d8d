/* TLS as a transport over another one. tls.c is OpenSSL's; tls_none.c stands in its place
 * in a build without TLS. Internal to weir. SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_TLS_LINK_H
#define WEIR_NET_TLS_LINK_H

#include "net.h"
#include "tls.h"

#define WEIR_FIRST_BYTES 8 /* of the peer, by which one that speaks no TLS is known */

/* Caller-held, fields private; must not be moved once it is used. */
typedef struct weir_tls_link {
    weir_transport below;
    const weir_address *address; /* for error texts */
    char *name;                  /* that the peer must prove and is asked for; "": none */
    void *context;               /* SSL_CTX, for all connections */
    void *method;                /* BIO_METHOD, likewise */
    void *session;               /* SSL_SESSION to go on with; NULL: none */
    void *ssl;                   /* SSL of the connection in hand; NULL: none */
    int64_t began_ms;            /* when the handshake did */
    int64_t deadline_ms;
    int receive_wants; /* what SSL_read, SSL_write and SSL_connect wait for */
    int send_wants;
    int connect_wants;
    bool is_below_connected;
    bool is_connected;
    bool is_broken;          /* nothing more may be said, not even goodbye */
    bool may_have_pending;   /* the last SSL_read did not come to an end */
    bool was_asked_for_cert; /* and has_cert says whether there was one to give */
    bool has_cert;
    bool is_at_end; /* below has closed in good order */
    unsigned char first[WEIR_FIRST_BYTES];
    size_t first_count;
    weir_status below_status; /* why the transport below failed; WEIR_OK: it has not */
    weir_error *error;        /* where it says so; of the call in hand */
} weir_tls_link;

/*
 * TLS over `below`, whose table is copied. *address is borrowed until weir_tls_end, the
 * options are not. WEIR_OK; WEIR_ERR_ARG: *error says what is wrong with which option;
 * WEIR_ERR_NOMEM; WEIR_ERR_UNSUPPORTED: this build has no TLS. Unless WEIR_OK nothing is
 * left of it. OpenSSL allocates through the C library.
 */
weir_status weir_tls_begin(weir_tls_link *link, const weir_tls *options,
                           const weir_address *address, const weir_transport *below,
                           weir_error *error);

/* The transport; borrows the link until weir_tls_end. */
weir_transport weir_tls_transport(weir_tls_link *link);

weir_tls_state weir_tls_state_of(const weir_tls_link *link);

/* Gives everything back, after close; a zeroed one is fine. */
void weir_tls_end(weir_tls_link *link);

/*
 * What needs no TLS to be found out (tls_options.c): options that contradict each other,
 * and the name to verify and to ask for, without the dot that may end it; "": there is
 * none. WEIR_OK; WEIR_ERR_ARG: *error says why.
 */
weir_status weir_tls_check(const weir_tls *options, const weir_address *address,
                           char name[WEIR_HOST_BYTES], weir_error *error);

/* True if the name is an IP address in digits. */
bool weir_tls_is_ip(const char *name);

#endif
