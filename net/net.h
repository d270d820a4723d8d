/* Bytes to and from a peer: addresses, sockets, waiting, the clock. Knows no RESP.
 * Internal to weir: the stream layer is its only user.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_NET_H
#define WEIR_NET_NET_H

#include "../resp/base.h"
#include "transport.h"

#define WEIR_HOST_BYTES   256 /* RFC 1035: names have at most 253 characters */
#define WEIR_PATH_BYTES   108 /* sockaddr_un.sun_path on Linux, NUL included */
#define WEIR_SECRET_BYTES 512 /* user names and passwords, NUL included */
#define WEIR_NO_DEADLINE  INT64_MAX

typedef enum weir_address_kind { WEIR_ADDRESS_TCP, WEIR_ADDRESS_UNIX } weir_address_kind;

/* Where the peer is and who we are to it. Holds a password: wipe with weir_address_wipe. */
typedef struct weir_address {
    weir_address_kind kind;
    bool is_tls;                /* rediss, valkeys */
    uint16_t port;              /* TCP; 6379 if the URL names none */
    uint32_t db;                /* 0 if the URL names none */
    char host[WEIR_HOST_BYTES]; /* TCP: name, IPv4 or IPv6 without brackets */
    char path[WEIR_PATH_BYTES]; /* Unix */
    char user[WEIR_SECRET_BYTES];
    char password[WEIR_SECRET_BYTES]; /* "" if none */
} weir_address;

/*
 * Reads redis://[[user]:password@]host[:port][/db], the same with valkey://, or
 * unix://[[user]:password@]/path[?db=N]; percent-encoded bytes are decoded in user,
 * password and path. "host" may be [IPv6]. A port of 0, an empty host, a NUL byte, a path
 * too long for a socket and anything left over are refused. rediss:// and valkeys:// mean
 * TLS. WEIR_OK; WEIR_ERR_ARG: *error says what is wrong and at which character, never
 * showing the password. *address is whole or wiped.
 */
weir_status weir_address_parse(weir_address *address, const char *url, weir_error *error);

/* True if the address itself says that the peer is on this machine: a path, localhost,
 * 127.x.x.x or ::1. */
bool weir_address_is_local(const weir_address *address);

/* Overwrites user and password so that the compiler cannot leave it out. */
void weir_address_wipe(weir_address *address);

/* For error texts: "127.0.0.1:6379", "[::1]:6379", "unix:/run/redis.sock". Writes a NUL and
 * cuts what does not fit `size` (at least 1). */
void weir_address_name(const weir_address *address, char *out, size_t size);

/*
 * A socket, from nothing to connected. Caller-held, fields private. Always non-blocking and
 * close-on-exec; TCP gets TCP_NODELAY and keepalive (15 s idle, 5 s apart, 3 probes).
 */
typedef struct weir_socket {
    int fd; /* -1 while there is none: before the first try, and between two */
    bool is_started;
    bool is_connected;
    const weir_address *address;
    void *candidates; /* struct addrinfo list of the resolver, NULL if none */
    void *next;       /* struct addrinfo to try next, NULL if none */
    unsigned tries;   /* addresses taken so far */
    int64_t started_ms;
    int64_t try_until_ms;
    int64_t deadline_ms;
    int last_error; /* errno of the address tried last, 0 if none */
} weir_socket;

/*
 * Begins to connect; *address is borrowed until the socket is closed. A name is resolved
 * here, with the system's resolver, which may block; numeric addresses and Unix paths never
 * do, nor allocate.
 * WEIR_OK: call weir_socket_connect at once, with the clock read anew (resolving took
 * time). WEIR_ERR_CONNECT: the socket is closed, *error says why.
 */
weir_status weir_socket_start(weir_socket *socket, const weir_address *address,
                              int64_t now_ms, int64_t deadline_ms, weir_error *error);

/*
 * Goes on connecting; call when the fd is writable or the clock has passed
 * weir_socket_deadline. Several addresses behind a name are tried in turn, each with its
 * share of the time that is left.
 * WEIR_OK: connected. WEIR_MORE: wait for WEIR_WANT_WRITE on the fd (which may have
 * changed) until weir_socket_deadline, then call again whichever came; if the fd is -1 (a
 * Unix server whose backlog is full) there is only the deadline to wait for. weir_wait does
 * just that. WEIR_ERR_CONNECT: none could be reached. WEIR_ERR_TIMEOUT: the deadline
 * passed. After these two the socket is closed, and *error says why.
 */
weir_status weir_socket_connect(weir_socket *socket, int64_t now_ms, weir_error *error);

/* When weir_socket_connect must be called again at the latest, if it said WEIR_MORE. */
int64_t weir_socket_deadline(const weir_socket *socket);

/* Not even begun; for the transport, which begins by itself. Borrows *address as long as
 * the socket is used. */
void weir_socket_init(weir_socket *socket, const weir_address *address);

/* The socket as a transport; borrows it. Its connect is start and connect from above, its
 * close the one below. */
weir_transport weir_socket_transport(weir_socket *socket);

/* Closes and frees; a socket that was zeroed with fd -1, or closed before, is fine. */
void weir_socket_close(weir_socket *socket);

/* A number that nobody else is likely to have drawn. */
uint64_t weir_random_number(void);

/* Milliseconds of the monotonic clock; the origin is arbitrary. */
int64_t weir_now_ms(void);

/*
 * Waits until `fd` is ready for one of `wants` (WEIR_WANT_*), or until deadline_ms of
 * weir_now_ms (WEIR_NO_DEADLINE: none). A deadline that has passed still looks once; a
 * negative fd is never ready. A signal does not end or lengthen the wait.
 * WEIR_OK: ready (an error or hang-up counts as ready). WEIR_ERR_TIMEOUT: the deadline
 * passed. WEIR_ERR_IO: poll failed, *os_error is errno.
 */
weir_status weir_wait(int fd, int wants, int64_t deadline_ms, int *os_error);

/* Sleeps, for less than a second; a signal ends it. */
void weir_nap(int64_t nanoseconds);

#endif
