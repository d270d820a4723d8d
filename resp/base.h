/* The words that every layer shares: statuses, borrowed bytes, the allocator, errors.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_BASE_H
#define WEIR_RESP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_VERSION "0.1.0"

#if defined(__GNUC__)
#    define WEIR_API __attribute__((visibility("default")))
#else
#    define WEIR_API
#endif

/*
 * What every call answers. The sign is the meaning: 0 is done, above 0 is "not finished" or
 * "nothing", below 0 is failed. `status < 0` is the one test for failure.
 * At WEIR_ERR_IO and below the connection is gone: answers that had arrived can still be
 * taken, the others never come, and each later call returns the same status.
 */
typedef enum weir_status {
    WEIR_OK = 0,
    WEIR_MORE = 1, /* healthy and unfinished: more bytes are needed, or a wait */
    WEIR_END = 2,  /* nothing (left) to give */

    WEIR_ERR_ARG = -1,   /* the caller's mistake; nothing was done */
    WEIR_ERR_NOMEM = -2, /* the allocator refused; nothing was done */
    WEIR_ERR_LIMIT = -3, /* one thing is larger than its ceiling; the text names both */
    WEIR_ERR_FULL = -4,  /* no room until answers are taken; nothing was done */
    WEIR_ERR_UNSUPPORTED = -5, /* not in this build, or not with this server */

    WEIR_ERR_SERVER = -10, /* the server answered with an error; the connection is fine */
    WEIR_ERR_REPLY = -11,  /* valid RESP of a shape this command does not have; likewise */
    WEIR_ERR_DOWN = -12,   /* reconnecting: not sent, so surely not executed */
    WEIR_ERR_LOST = -13, /* reconnecting: the answer was lost, it may have been executed */

    WEIR_ERR_IO = -20,       /* the operating system reported a failure */
    WEIR_ERR_CLOSED = -21,   /* the peer closed the connection */
    WEIR_ERR_TIMEOUT = -22,  /* the deadline passed */
    WEIR_ERR_PROTOCOL = -23, /* the peer sent what RESP forbids */
    WEIR_ERR_CONNECT = -24,  /* no address of the peer could be reached */
    WEIR_ERR_REFUSED = -25,  /* the server refused the handshake: password, database, ... */
    WEIR_ERR_CANCELLED = -26, /* the caller ended it: weir_client_cancel */
    WEIR_ERR_TLS = -27 /* TLS failed: the peer's certificate, its name, a version, ... */
} weir_status;

/* True if `status` says that the connection is gone. */
static inline bool weir_status_is_fatal(weir_status status) {
    return status <= WEIR_ERR_IO;
}

/* The status's meaning in a few words. Gives a constant text; never NULL. */
WEIR_API const char *weir_status_text(weir_status status);

/* Borrowed bytes: no NUL at their end, any byte inside. Whoever hands out a view says how
 * long it is good. data may be NULL if len is 0. */
typedef struct weir_view {
    const char *data;
    size_t len; /* bytes */
} weir_view;

/* A view of `len` bytes at `data`; borrows them. */
static inline weir_view weir_bytes(const void *data, size_t len) {
    weir_view view = {(const char *)data, len};
    return view;
}

/* A view of a NUL-terminated text, without the NUL; borrows it. */
static inline weir_view weir_text(const char *text) {
    return weir_bytes(text, strlen(text));
}

/* True if both hold the same bytes. */
static inline bool weir_view_equal(weir_view a, weir_view b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* For printf's "%.*s": printf("%.*s\n", WEIR_PRINT(view)). */
#define WEIR_PRINT(view) (int)(view).len, (view).data

/*
 * An allocator is a value. resize gives `new_size` bytes that begin with the first
 * min(old_size, new_size) bytes of `block`, and takes `block`; block is NULL and old_size 0
 * for a new one; new_size 0 frees and gives NULL. On failure it gives NULL and block is as
 * it was. Memory must be aligned for any type. resize NULL means the C library's realloc.
 */
typedef struct weir_mem {
    void *(*resize)(void *user, void *block, size_t old_size, size_t new_size);
    void *user;
} weir_mem;

/* What a connection waits for: bits. */
#define WEIR_WANT_READ  1
#define WEIR_WANT_WRITE 2

/*
 * What a server's error asks for: its word says too little ("ERR" stands for much), its
 * text is for people. docs/errors.md has the table. New kinds may come: have a default.
 */
typedef enum weir_error_kind {
    WEIR_KIND_NONE,         /* the failure is no error of the server: see status */
    WEIR_KIND_OTHER,        /* a word that weir does not know */
    WEIR_KIND_RETRY,        /* not now: wait, then ask the same server again */
    WEIR_KIND_REDIRECT,     /* the key lives at the node that the text names */
    WEIR_KIND_ROLE,         /* this server does not write: find the primary */
    WEIR_KIND_UNBLOCKED,    /* a waiting read was ended: by CLIENT UNBLOCK, or because the
                               server's role or the key changed */
    WEIR_KIND_LOGIN,        /* a user or password is missing or wrong */
    WEIR_KIND_FORBIDDEN,    /* this user, or this machine, may not do that */
    WEIR_KIND_UNKNOWN,      /* the server does not have this command or protocol */
    WEIR_KIND_WRONG,        /* the request is wrong as it stands: never repeat it */
    WEIR_KIND_WRONG_TYPE,   /* the key holds something else than a stream */
    WEIR_KIND_NO_KEY,       /* there is no such stream */
    WEIR_KIND_NO_GROUP,     /* the stream or its group is gone */
    WEIR_KIND_GROUP_EXISTS, /* the group is there already */
    WEIR_KIND_ID_PASSED,    /* an explicit id that is not behind the stream's last one */
    WEIR_KIND_ID_EXHAUSTED, /* the stream has its last possible id: no entry can be added */
    WEIR_KIND_ABORTED,      /* EXEC: a command was refused before, so none was executed */
    WEIR_KIND_NO_SCRIPT,    /* EVALSHA: load the script, then again */
    WEIR_KIND_SEQUENCE_GAP  /* a producer's script: the number is not the next one */
} weir_error_kind;

/* Details of the last failure. Code branches on status, kind and code, never on text. */
typedef struct weir_error {
    weir_status status;
    weir_error_kind kind; /* WEIR_ERR_SERVER, WEIR_ERR_REFUSED: what it asks for */
    bool may_have_run;    /* false: what failed had no effect, to repeat it cannot double
                             it. true: it had one, or nobody knows */
    int os_error;         /* errno, 0 if the operating system was not involved */
    uint64_t byte;  /* WEIR_ERR_PROTOCOL: which byte of all that were received, from 0 */
    char code[32];  /* the server's error word ("WRONGTYPE", "NOGROUP"), else "" */
    char text[320]; /* one line of printable ASCII: what, where, the server's words, what
                       to try; never a password */
} weir_error;

#ifdef __cplusplus
}
#endif

#endif
