/* A transport: a byte stream to one peer, as a table of functions and their context. TCP,
 * Unix sockets and TLS are such tables, and options.transport takes one of your own.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_NET_TRANSPORT_H
#define WEIR_NET_TRANSPORT_H

#include "../resp/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * No function may wait, raise SIGPIPE, or call into the client. `context` is handed to
 * each. connect, receive, send, fd and close must be there; the others may be NULL.
 *
 * Where a function gives a status below 0 the connection is over, and *error says why:
 * os_error (errno, or 0) and text, one line. Both are zero before the call. Only close is
 * called then, and after it connect, if a new connection is wanted.
 */
typedef struct weir_transport {
    void *context;

    /*
     * Begins to connect, at the first call and at the first after close, and goes on with
     * it at the others: name lookup, connection and handshakes, all that there is before
     * bytes can be sent. Times are in milliseconds of CLOCK_MONOTONIC.
     * WEIR_OK: connected. WEIR_MORE: call again when fd is ready for wants(context, 0), or
     * deadline_ms(context) has passed. Failed: WEIR_ERR_CONNECT, WEIR_ERR_TIMEOUT, or
     * another one; error->text names the peer and the phase.
     */
    weir_status (*connect)(void *context, int64_t now_ms, int64_t deadline_ms,
                           weir_error *error);

    /*
     * Receives into the `room` (1 or more) bytes at `data`. WEIR_OK: *moved is 1 or more.
     * WEIR_MORE: nothing is there now. WEIR_ERR_CLOSED: the peer ended it in good order.
     * WEIR_ERR_IO or another: failed; error->text has the reason alone, without the peer.
     */
    weir_status (*receive)(void *context, char *data, size_t room, size_t *moved,
                           weir_error *error);

    /*
     * Sends the `count` parts in their order, at least one byte in all, and may stop
     * anywhere; borrows them until it returns. WEIR_OK: *moved bytes (1 or more) are taken.
     * WEIR_MORE: none can be taken now. Else failed, as with receive; *moved bytes (0, or
     * more) were taken before, and the peer may have them. After WEIR_MORE the same bytes
     * come again, perhaps from elsewhere in memory and with more behind them.
     */
    weir_status (*send)(void *context, const weir_view *parts, size_t count, size_t *moved,
                        weir_error *error);

    /* The descriptor to watch; -1: there is none now. May change while connecting, but not
     * within one call of connect to another one of the same number. */
    int (*fd)(const void *context);

    /*
     * What to watch fd for. `directions`: WEIR_WANT_READ if the client wants to receive,
     * WEIR_WANT_WRITE if it wants to send, 0 while it connects. Under TLS receiving may
     * have to wait until bytes can be sent, and the other way round. NULL: `directions`
     * as they are, and WEIR_WANT_WRITE while it connects.
     */
    int (*wants)(const void *context, int directions);

    /* True if receive has bytes to give that fd says nothing of, as a decrypted record.
     * Must be false after receive has given WEIR_MORE. NULL: never. */
    bool (*has_pending)(const void *context);

    /* While it connects: when connect must be called again at the latest. NULL: never
     * before the deadline that connect was given. */
    int64_t (*deadline_ms)(const void *context);

    /* Ends the connection if there is one, and gives back what belongs to it; does not wait
     * for the peer. May be called twice. */
    void (*close)(void *context);
} weir_transport;

#ifdef __cplusplus
}
#endif

#endif
