/* Bytes to and from a peer: addresses, sockets, waiting, the clock. Knows no RESP.
 * Internal to weir: the stream layer is its only user.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_NET_H
#define WEIR_NET_NET_H

#include "../resp/base.h"
#include "tls.h"
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

#define WEIR_QUERY_BYTES 1024

/* Options that a URL can name, as in weir_options; zero where it does not. Its texts are in
 * it: must not be moved. */
typedef struct weir_query {
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    int64_t attempt_delay_ms;
    int64_t keepalive_ms;
    const char *client_name;
    weir_tls tls;
    int protocol;
    uint32_t db;
    bool has_db;
    bool has_tls; /* one of TLS's is named */
    size_t used;
    char texts[WEIR_QUERY_BYTES];
} weir_query;

/*
 * Reads redis://[[user]:password@]host[:port][/db][?query], the same with valkey://, or
 * unix://[[user]:password@]/path[?query]; percent-encoded bytes are decoded in user,
 * password, path and the query's values. "host" may be [IPv6]. A port of 0, an empty host,
 * a NUL byte, a path too long for a socket and anything left over are refused. rediss://
 * and valkeys:// mean TLS. The query is name=value&name=value (docs/connection.md); db is
 * one of its names; a name that is unknown or there twice, and a value that is none, are
 * refused. WEIR_OK; WEIR_ERR_ARG: *error says what is wrong and at which character, never
 * showing the password. *address is whole or wiped.
 */
weir_status weir_url_parse(weir_address *address, weir_query *query, const char *url,
                           weir_error *error);

/* The same for those who want the address alone. */
weir_status weir_address_parse(weir_address *address, const char *url, weir_error *error);

/* True if the address itself says that the peer is on this machine: a path, localhost,
 * 127.x.x.x or ::1. */
bool weir_address_is_local(const weir_address *address);

/* Overwrites user and password so that the compiler cannot leave it out. */
void weir_address_wipe(weir_address *address);

/* For error texts: "127.0.0.1:6379", "[::1]:6379", "unix:/run/redis.sock". Writes a NUL and
 * cuts what does not fit `size` (at least 1). */
void weir_address_name(const weir_address *address, char *out, size_t size);

#define WEIR_TRIES_MOST       6   /* addresses that are tried at the same time */
#define WEIR_ATTEMPT_DELAY_MS 250 /* RFC 8305, 5: recommended */
#define WEIR_KEEPALIVE_MS     30000

/*
 * A socket, from nothing to connected. Caller-held, fields private but for the first three,
 * which may be set after weir_socket_init. Always non-blocking and close-on-exec; TCP gets
 * TCP_NODELAY, and keepalive with TCP_USER_TIMEOUT where there is one.
 */
typedef struct weir_socket {
    int64_t attempt_delay_ms; /* until the next address is tried too; 0: the default */
    int64_t keepalive_ms;     /* of a peer that is gone; 0: the default; below 0: off */
    bool lookup_blocks;       /* a name is looked up in weir_socket_start itself */
    bool is_started;
    bool is_connected;
    bool is_path_left; /* what is no name: the one address is not tried yet */
    int fd;            /* the connection; -1 until it is connected */
    int gather;        /* to watch while a name's addresses are tried; -1: none */
    const weir_address *address;
    void *lookup;        /* of the name; NULL: none */
    const void *next[2]; /* struct addrinfo to try next, of either family; NULL: none */
    int tries[WEIR_TRIES_MOST]; /* under way, the oldest first */
    unsigned try_count;
    unsigned begun;  /* tries so far */
    int last_error;  /* errno of the address that failed last, 0 if none has */
    int process;     /* that began to connect: a child of it begins anew */
    int64_t next_ms; /* when to begin another try, if there is one */
    int64_t started_ms;
    int64_t deadline_ms;
} weir_socket;

/* Not even begun. Borrows *address as long as the socket is used. */
void weir_socket_init(weir_socket *socket, const weir_address *address);

/*
 * Begins to connect. A name is looked up aside by the system's resolver, which allocates
 * with the C library (lookup.h); numeric addresses and Unix paths need none, nor allocate.
 * WEIR_OK: call weir_socket_connect at once (lookup_blocks: with the clock read anew).
 * WEIR_ERR_CONNECT: the socket is closed, *error says why.
 */
weir_status weir_socket_start(weir_socket *socket, int64_t now_ms, int64_t deadline_ms,
                              weir_error *error);

/*
 * Goes on connecting; call when weir_socket_fd is ready for weir_socket_wants, or the clock
 * has passed weir_socket_deadline. The addresses behind a name are tried as RFC 8305 says:
 * both families in turn, the next one when one fails or attempt_delay_ms have passed; the
 * first that connects is taken, the others are closed.
 * WEIR_OK: connected. WEIR_MORE: wait for what was said, then call again whichever came; if
 * there is no descriptor (a Unix server whose backlog is full) there is only the deadline
 * to wait for. weir_wait does just that. WEIR_ERR_CONNECT: the name is unknown, or none of
 * its addresses could be reached. WEIR_ERR_TIMEOUT: the deadline passed. After these two
 * the socket is closed, and *error says why.
 */
weir_status weir_socket_connect(weir_socket *socket, int64_t now_ms, weir_error *error);

/* What to watch, -1 if there is nothing: while a name's addresses are tried, one descriptor
 * that stands for all of them; never the number of the connection that comes of it. */
int weir_socket_fd(const weir_socket *socket);

/* What to watch it for while it connects. */
int weir_socket_wants(const weir_socket *socket);

/* When weir_socket_connect must be called again at the latest, if it said WEIR_MORE. */
int64_t weir_socket_deadline(const weir_socket *socket);

/* The socket as a transport; borrows it. Its connect is start and connect from above, its
 * close the one below. */
weir_transport weir_socket_transport(weir_socket *socket);

/* Closes; a socket that was zeroed with fd and gather -1, or closed before, is fine. A
 * lookup that is still under way is kept: the next weir_socket_start goes on with it, so
 * that a resolver that hangs holds one thread a socket, however often it is asked. */
void weir_socket_close(weir_socket *socket);

/* After close: lets go of the lookup. A zeroed socket is fine. */
void weir_socket_end(weir_socket *socket);

/* A number that nobody else is likely to have drawn. */
uint64_t weir_random_number(void);

/* Milliseconds of the monotonic clock; the origin is arbitrary. */
int64_t weir_now_ms(void);

/* The same in microseconds. */
int64_t weir_now_us(void);

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

/* One of several to wait for. */
typedef struct weir_waited {
    int fd;    /* -1: is never ready */
    int wants; /* WEIR_WANT_*; 0: errors and hang-ups alone */
} weir_waited;

#define WEIR_WAITED_MOST 4

/* The same for any of `count` (at most WEIR_WAITED_MOST); a signal may end it early, with
 * WEIR_OK. */
weir_status weir_wait_any(const weir_waited *list, size_t count, int64_t deadline_ms,
                          int *os_error);

#endif
