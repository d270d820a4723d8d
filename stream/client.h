/* A client: one connection to a server, and what is on its way there and back.
 * The commands are in commands.h. One thread at a time may use a client.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_CLIENT_H
#define WEIR_STREAM_CLIENT_H

#include "../net/tls.h"
#include "../net/transport.h"
#include "../resp/base.h"
#include "../resp/reader.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_client weir_client;

/* Ceilings; 0 in a field means its default. Memory grows towards them with the bytes that
 * are really there, and starts small (README, "Memory"). */
typedef struct weir_limits {
    size_t receive_bytes; /* received and not yet iterated or taken; also the largest entry
                             or answer; default 64 MiB, at least 1 KiB */
    size_t send_bytes;    /* queued and not yet sent; also the largest command;
                             default 64 MiB, at least 1 KiB */
    size_t unanswered;    /* requests whose answers have not been taken; default 65536 */
} weir_limits;

/* Who a connection is to the server. */
typedef struct weir_credentials {
    const char *user;     /* NULL or "": the server's default user */
    const char *password; /* NULL or "": none */
} weir_credentials;

/* What becomes of a connection that is kept alive. */
typedef enum weir_link_state {
    WEIR_LINK_CONNECTING = 1, /* a try begins */
    WEIR_LINK_READY,          /* connected and greeted */
    WEIR_LINK_LOST,           /* the connection, or the try, has ended */
    WEIR_LINK_WAITING,        /* for the next try */
    WEIR_LINK_ENDED           /* for good: every call says why from now on */
} weir_link_state;

/* Borrowed by who is called, as is all in it. */
typedef struct weir_link_event {
    weir_link_state state;
    unsigned tries;          /* since the connection was last of use; from 1 */
    int64_t delay_ms;        /* WAITING: until the next try, else 0 */
    const weir_error *error; /* LOST, WAITING, ENDED: why; else NULL */
    int64_t client_id;       /* READY: as in CLIENT LIST; 0 if not told */
    bool is_same_run;        /* READY: surely the process that the connection before was to:
                                it has not been restarted, nor is it another server */
    bool is_fenced;          /* READY: what the connection before had sent and was not
                                executed never will be */
} weir_link_event;

/*
 * Connecting again. Off by default: a client is then over with its connection.
 * When a connection is lost each request that was not answered is told of by its take, in
 * order: WEIR_ERR_DOWN, it was never sent, or WEIR_ERR_LOST, it may have been executed.
 * None is sent twice. The client connects again after a delay with full jitter: between
 * floor_ms and twice that, then up to twice as much each time, up to ceiling_ms; from the
 * floor again once a connection was of use (a request was answered). A server that is
 * LOADING its data is not ready, and is asked at that rate; one that refuses us (a wrong
 * password) once a second at most.
 * No thread does this: time passes for a client in its calls. weir_open makes the first
 * try; where it fails, the client may be kept, and goes on trying in later calls.
 */
typedef struct weir_reconnect {
    bool is_on;
    bool fail_fast;   /* while it is down, requests are refused at once (WEIR_ERR_DOWN);
                         default: they are queued, up to the ceilings of weir_limits, and
                         sent once it is up; a call that waits for an answer waits for that
                         too, within timeout_ms, and then all that is queued is WEIR_ERR_DOWN.
                         What needs a newer server (server.h) is not queued: it waits until
                         the server is known */
    bool is_fencing;  /* before it is ready again, the server is told to drop what the last
                         connection left unexecuted (CLIENT KILL): one round trip; a user
                         that may not do that goes without, see weir_link_event.is_fenced */
    int64_t floor_ms; /* default 50 */
    int64_t ceiling_ms; /* default 5000, or floor_ms if that is more */
    int64_t give_up_ms; /* ends for good when no other try fits into so long after it was
                           ready last; default: never */
    /* Called with each change, within a call on the client; may be NULL. It must not call
     * the client. */
    void (*on_change)(void *context, const weir_link_event *event);
    /* Called before each handshake, the first one too, and also where is_on is false; may
     * be NULL: those of the options and the URL. *credentials holds those used last; texts
     * are copied (511 bytes each at most). Any other status than WEIR_OK ends the try, as
     * if the server had refused it. */
    weir_status (*credentials)(void *context, weir_credentials *credentials);
    void *context; /* handed to both; borrowed until weir_close */
} weir_reconnect;

/* All zero is right: the defaults are in the comments. Texts are borrowed during weir_open.
 */
typedef struct weir_options {
    const char *user;        /* ACL user; default: the URL's, else the server's default */
    const char *password;    /* default: the URL's, else none. Wiped when closed */
    const char *client_name; /* shown by CLIENT LIST; default none */
    int protocol;            /* 2 or 3: that RESP or fail; default: 3, else 2 */
    uint32_t db;             /* SELECT; 0: the URL's, else 0 */
    int64_t connect_timeout_ms; /* resolve, connect and handshake together; default 5000 */
    int64_t attempt_delay_ms;   /* several addresses behind a name: after so long without an
                                   answer the next one is tried too (RFC 8305); default 250 */
    int64_t keepalive_ms;       /* TCP: a peer that is gone is noticed after about so long;
                                   at least 3000, WEIR_FOREVER: never; default 30000 */
    bool lookup_blocks; /* a host name is looked up in the call, which may then take longer
                           than connect_timeout_ms; default: in a thread, see weir_open */
    int64_t timeout_ms; /* of each call; a BLOCK's time comes on top; default 5000 */
    bool non_blocking;  /* for event loops: no call ever waits, see weir_step */
    bool no_nap;        /* true: never sleep before waiting, see PIPELINES */
    weir_limits limits;
    weir_mem mem;        /* default: the C library's allocator */
    const weir_tls *tls; /* for rediss://, and unix:// with TLS; default: all of it zero.
                            Borrowed during weir_open */
    const weir_transport *transport; /* default: TCP or a Unix socket, as the URL says. The
                       table is copied, its context borrowed until weir_close; the URL's
                       host, port and path then are but the peer's name. With rediss://
                       TLS is spoken through it */
    weir_reconnect reconnect;        /* default: a client is over with its connection */
} weir_options;

/* No end: as block_ms of a read. options.keepalive_ms finds a peer that is gone. */
#define WEIR_FOREVER (-1)

/*
 * Connects and greets: HELLO 3 with AUTH, or RESP2 where the server has no HELLO; SELECT;
 * CLIENT SETINFO.
 * url: redis://[[user]:password@]host[:port][/db][?query], with port 6379 if not given, or
 * unix://[[user]:password@]/path[?query]; valkey:// is the same as redis://; rediss:// and
 * valkeys:// are redis:// over TLS, see weir_tls. query: name=value&name=value, with db,
 * connect_timeout_ms, timeout_ms, attempt_delay_ms, keepalive_ms, protocol, client_name,
 * and of weir_tls tls.insecure_skip_verify, tls.verify_name and the files as tls.ca_file;
 * what *options sets counts for more. Percent-encoding is decoded in user, password, path
 * and values. A host name is looked up by the system's resolver, which knows no deadline,
 * in a thread of its own: the only one that weir ever makes. It takes no signals, touches
 * nothing of the client or of yours, allocates with the C library, and ends with the
 * resolver's answer, wanted or not; a client has one at most. Addresses in digits, unix://,
 * lookup_blocks and a build with -DWEIR_THREADS=OFF do without it.
 *
 * WEIR_OK: *client is ready (non_blocking: the connection has begun, go on with weir_step).
 * Failed: *client is given too, to be asked for the error and closed; NULL only if it is
 * WEIR_ERR_NOMEM.
 *   WEIR_ERR_ARG       the URL (or NULL in its place) or an option is wrong
 *   WEIR_ERR_CONNECT   does not resolve, nobody listens, path missing
 *   WEIR_ERR_TIMEOUT   within connect_timeout_ms; the text names the phase
 *   WEIR_ERR_REFUSED   the server's answer to the handshake: WRONGPASS, NOAUTH, ...
 *   WEIR_ERR_PROTOCOL  the peer is no Redis (the text says so if it speaks HTTP or TLS)
 *   WEIR_ERR_CLOSED, WEIR_ERR_IO  the connection was lost in the handshake; IO also if
 *                      the system has no descriptor left
 *   WEIR_ERR_CANCELLED weir_client_cancel was called
 *   WEIR_ERR_LIMIT     the handshake does not fit into options->limits
 *   WEIR_ERR_TLS       the TLS handshake failed: certificate, name, version; or the peer
 *                      does not speak TLS
 *   WEIR_ERR_UNSUPPORTED rediss:// in a build without TLS
 * https://redis.io/docs/latest/commands/hello/
 */
WEIR_API weir_status weir_open(const char *url, const weir_options *options,
                               weir_client **client);

/* The least memory for weir_open_in. */
#define WEIR_BLOCK_BYTES 24576

/*
 * The same in one block of the caller's memory (aligned for any type, at least
 * WEIR_BLOCK_BYTES): never calls an allocator. The block is borrowed until weir_close, and
 * shared out between receiving, sending and unanswered requests; options->limits may make
 * the shares smaller, options->mem is not used. Looking up a host name allocates with the C
 * library (weir_open); numeric addresses and unix:// do not. There, a call inside a loop
 * over entries has the rest of the receive buffer for its answer, see weir_entries_next.
 * A list of fields has its share too, and a stream's name in XREAD 128 bytes: an entry
 * beyond either ends its iterator with WEIR_ERR_NOMEM.
 * As weir_open; WEIR_ERR_ARG with *client NULL if the block is too small.
 */
WEIR_API weir_status weir_open_in(void *block, size_t block_bytes, const char *url,
                                  const weir_options *options, weir_client **client);

/* Closes the connection and frees the client with all it gave; NULL is fine. Unsent
 * commands and unanswered requests are dropped: weir_flush and take what you asked for. */
WEIR_API void weir_close(weir_client *client);

/*
 * Ends the client's work from another thread or a signal handler (async-signal-safe): a
 * call that waits, weir_open included, returns WEIR_ERR_CANCELLED at once; where none
 * waits, the next one does that sends or receives. Answers that had arrived can still be
 * taken. The connection is closed then and there, and with it the server gives up a BLOCK;
 * what was asked and not answered may have been done or not.
 * Harmless on a client whose connection is gone; never to be called when weir_close may
 * have begun. weir_open sets *client before it waits, so a handler may cancel it too.
 */
WEIR_API void weir_client_cancel(weir_client *client);

/*
 * For a client with reconnect.is_on: ends its connection if it has one (what is in flight
 * is lost, as ever) and connects anew at once, with all times as at the beginning. Also
 * where it was cancelled or has given up, and to make use of new credentials. Does not
 * wait. WEIR_OK: connecting, or ready. WEIR_ERR_ARG: is_on is false.
 */
WEIR_API weir_status weir_client_reconnect(weir_client *client);

/* The last failure of a call on this client: calls that succeed, or give WEIR_MORE or
 * WEIR_END, leave it as it is. status WEIR_OK if none failed yet. Borrows until the next
 * call on the client. client NULL: "out of memory". */
WEIR_API const weir_error *weir_client_error(const weir_client *client);

/* What the server said of itself. Borrows until weir_close. Empty texts if it has no HELLO.
 */
typedef struct weir_greeting {
    const char *server;  /* "redis", "valkey" */
    const char *version; /* "7.0.15" */
    int64_t client_id;   /* as in CLIENT LIST; 0 if not told */
    int protocol;        /* 2 or 3: what is spoken on this connection */
} weir_greeting;
WEIR_API weir_greeting weir_client_greeting(const weir_client *client);

/* What TLS has agreed on, on this connection. Borrows until weir_close. */
WEIR_API weir_tls_state weir_client_tls(const weir_client *client);

/*
 * PIPELINES. Every command CMD has two forms (commands.h):
 *   weir_CMD(...)         asks and waits for its own answer;
 *   weir_append_CMD(...)  only asks. The answers come in the order of the requests, and are
 *                         taken with the weir_take_* that fits the command.
 * An append encodes the command (copies all it is given) and may send and receive without
 * waiting. When limits.send_bytes are queued it waits for the peer to take some, receiving
 * meanwhile, so a batch of any size cannot deadlock; when limits.unanswered or
 * limits.receive_bytes is reached it does nothing and returns WEIR_ERR_FULL: take answers.
 * Both forms can be mixed: weir_CMD leaves the answers of earlier appends waiting in order.
 *
 * A server on the same machine spends its own time on waking a client that waits for it.
 * So where WEIR_NAP_FROM or more answers are due from one (unix://, localhost, 127.x.x.x,
 * [::1]), a call that waits first sleeps for a fifth of a microsecond an answer, 0.2 ms at
 * most, which is far less than the server needs for them; options->no_nap turns that off.
 */
#define WEIR_NAP_FROM 512

/*
 */

/* Sends what is queued. WEIR_OK: all of it was handed to the system. WEIR_MORE
 * (non_blocking only): some is left, see weir_step. WEIR_ERR_FULL: the peer takes no more
 * until it is rid of answers, and limits.receive_bytes of them wait: take answers. Else
 * what ended the connection. */
WEIR_API weir_status weir_flush(weir_client *client);

/* Requests whose answers have not been taken. */
WEIR_API size_t weir_unanswered(const weir_client *client);

/*
 * What every weir_take_* returns, besides what its comment names:
 *   WEIR_ERR_SERVER  the server refused this request; its words are in weir_client_error.
 *                    The answer is taken, the next take gives the next one
 *   WEIR_ERR_ARG     no answer is due, or the next is of another kind; nothing is taken
 *   WEIR_MORE        non_blocking: it has not arrived yet
 */

/* Passes over the next answer, whatever it is. An error answer is WEIR_ERR_SERVER. */
WEIR_API weir_status weir_take_any(weir_client *client);

/*
 * EVENT LOOPS, with options.non_blocking. Nothing waits: open starts connecting, appends
 * queue (before weir_client_is_ready they do nothing and return WEIR_MORE), takes and
 * iterators return WEIR_MORE until the bytes are there; where limits.send_bytes are queued
 * an append returns WEIR_ERR_FULL until weir_step has sent some; the forms that wait
 * (weir_xadd, ...) return WEIR_ERR_ARG. The loop is:
 *   poll weir_client_fd for weir_client_wants until weir_client_deadline_ms, weir_step,
 * take. The same four calls work on a blocking client that its owner wants to watch.
 */

/* The descriptor to watch, -1 if there is none. Becomes another one while connecting, and
 * with each new connection: ask after each weir_step. */
WEIR_API int weir_client_fd(const weir_client *client);

/* How often that was so. A new descriptor may have the number of one that was closed, and
 * then epoll, or a library above it, watches nothing any more: register anew whenever this
 * has changed, not only when the number has. */
WEIR_API uint64_t weir_client_fd_changes(const weir_client *client);

/* WEIR_WANT_READ, WEIR_WANT_WRITE or both; 0 if the connection is gone, or if answers must
 * be taken before anything can go on. */
WEIR_API int weir_client_wants(const weir_client *client);

/* A descriptor that becomes readable when weir_client_cancel is called: watch it beside the
 * other, and call weir_step. The same from open to close; -1 only if weir_open failed for
 * want of descriptors. */
WEIR_API int weir_client_cancel_fd(const weir_client *client);

/* When weir_step must be called at the latest, by CLOCK_MONOTONIC in milliseconds;
 * INT64_MAX if there is nothing to wait for. */
WEIR_API int64_t weir_client_deadline_ms(const weir_client *client);

/* True once the handshake is done and nothing has failed. */
WEIR_API bool weir_client_is_ready(const weir_client *client);

/* Moves bytes both ways as far as it goes without waiting, and watches the deadlines.
 * WEIR_OK, or the failure that ended the connection. */
WEIR_API weir_status weir_step(weir_client *client);

/* Pushes (RESP3) that were received and passed over. */
WEIR_API uint64_t weir_client_pushes(const weir_client *client);

#ifdef __cplusplus
}
#endif

#endif
