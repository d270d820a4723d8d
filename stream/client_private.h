/* What the client's files share: the session joined to a socket.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_CLIENT_PRIVATE_H
#define WEIR_STREAM_CLIENT_PRIVATE_H

#include "../net/net.h"
#include "../net/tls_link.h"
#include "../net/wake.h"
#include "args.h"
#include "link.h"
#include "session.h"

#define WEIR_PEER_TEXT  300 /* host name, port, brackets */
#define WEIR_NAME_TEXT  64
#define WEIR_SEND_BYTES ((size_t)64 << 20) /* limits.send_bytes, where it is 0 */

struct weir_client {
    weir_mem mem;
    weir_arena arena; /* weir_open_in only */
    weir_session session;
    weir_socket socket;       /* unless the transport is the caller's */
    weir_tls_link tls;        /* over either, where TLS is spoken */
    weir_transport transport; /* what is spoken through; connect is NULL before there is */
    weir_link link;
    weir_wake cancel;     /* set by weir_client_cancel, from anywhere */
    weir_address address; /* with user and password, wiped at the end */
    char peer[WEIR_PEER_TEXT];
    char name[WEIR_NAME_TEXT];
    bool was_uncancelled; /* by weir_client_reconnect, see weir_step */
    bool is_connected;    /* the transport is; the handshake may still go on */
    bool is_non_blocking;
    bool may_nap;    /* before a wait for many answers, see weir_client_nap_for */
    bool needs_more; /* a take or an iterator cannot go on with what was received */
    int64_t timeout_ms;
    int64_t connect_timeout_ms;
    int64_t connect_deadline_ms;
    uint64_t fd_changes; /* as weir_client_fd_changes has it */
    size_t send_at;      /* queued bytes at which the next send is worth a try */
};

/* ---- client_connect.c: from an address to a session that has been greeted ---- */

/* TCP or a Unix socket, or options->transport; with TLS over it where that is spoken.
 * WEIR_OK; WEIR_ERR_ARG, WEIR_ERR_NOMEM, WEIR_ERR_UNSUPPORTED. */
weir_status weir_client_choose_transport(weir_client *client, const weir_options *options);

/* Goes on connecting without waiting. WEIR_OK: connected; WEIR_MORE; or the failure. */
weir_status weir_client_go_on_connecting(weir_client *client);

/* When to go on at the latest, while it connects. */
int64_t weir_client_connect_deadline(const weir_client *client);

/* What the transport waits for, so that the client can do `directions`. */
int weir_client_transport_wants(const weir_client *client, int directions);

/* True if bytes can be received that the descriptor says nothing of. */
bool weir_client_has_pending(const weir_client *client);

/* Ends the connection, if there is one. */
void weir_client_disconnect(weir_client *client);

/* A failure before there is a session to speak of; *error is written. Gives `st`. */
weir_status weir_client_fail_connect(weir_client *client, weir_status st);

/* Goes on with the handshake without waiting. WEIR_OK: ready; WEIR_MORE; or the failure.
 */
weir_status weir_client_greet(weir_client *client);

/* The caller has cancelled: ends the connection and closes it, so that the server lets go
 * of what it holds for it. WEIR_OK: he has not. WEIR_ERR_CANCELLED, or an earlier failure.
 */
weir_status weir_client_heed_cancel(weir_client *client);

/* ---- client_link.c: keeping it alive ---- */

/* Begins to connect; a blocking client waits until the first try has an end. WEIR_OK, or
 * why it failed. */
weir_status weir_client_connect(weir_client *client, const weir_options *options);

/*
 * Before anything else is done on a client: heeds a cancel; and where the connection has
 * ended and the client connects again, tells its requests and its owner, and begins to
 * wait for the next try. WEIR_OK: the client goes on, ready or not. Or the failure that
 * ended it for good.
 */
weir_status weir_client_usable(weir_client *client);

/* The second half of that: true if the connection has ended since the last look, and all
 * that was in flight is lost from now on. */
bool weir_client_mend(weir_client *client);

/* Goes on with connecting, and begins it if it is time, without waiting. As usable. */
weir_status weir_client_advance(weir_client *client);

/* The same with waiting, until it is ready (WEIR_OK), or deadline_ms has passed
 * (WEIR_MORE), or it has failed for good; is_once: or until it waits for another try. */
weir_status weir_client_bring_up(weir_client *client, int64_t deadline_ms, bool is_once);

/* What a client that is not ready waits for, and until when. */
int weir_client_link_wants(const weir_client *client);
int64_t weir_client_link_deadline(const weir_client *client);

/* A request is not taken while it is down: notes why. WEIR_ERR_DOWN. */
weir_status weir_client_refuse(weir_client *client);

/* ---- client_io.c: bytes between session and socket ---- */

/* Sends what the socket takes now. WEIR_OK: the queue is empty; WEIR_MORE: the socket is
 * full; or the failure. */
weir_status weir_client_send(weir_client *client);

/* For how many nanoseconds a blocking client sleeps before it waits for the first of so
 * many answers; 0: it does not. */
int64_t weir_client_nap_for(uint64_t answers);

/* Receives once. WEIR_OK: something came; WEIR_MORE: nothing there; WEIR_ERR_FULL: no room;
 * or the failure. */
weir_status weir_client_receive(weir_client *client);

/*
 * More bytes are needed for the answer of `ticket`: sends, makes room if there is none, and
 * receives; waits if the client may. *deadline_ms is set by the first call (it holds 0
 * before): now, timeout_ms and block_ms; it ends the call also if bytes come all the time.
 * WEIR_OK: something came. WEIR_MORE: nothing yet, or enough for one call (non_blocking).
 * WEIR_ERR_LIMIT: the answer cannot be held. Or the failure.
 */
weir_status weir_client_await(weir_client *client, uint64_t ticket, int64_t block_ms,
                              int64_t *deadline_ms);

/* Waits until less than `most` bytes are queued, receiving meanwhile; WEIR_OK also if
 * nothing can be received for want of room. */
weir_status weir_client_drain(weir_client *client, size_t most);

/* ---- client_call.c: requests and their answers ---- */

/*
 * The form that only asks. `made`, here and below, is what putting the command together
 * gave: unless WEIR_OK it is returned, and nothing is done. WEIR_MORE: still connecting.
 */
weir_status weir_client_append(weir_client *client, weir_status made, const weir_args *args,
                               weir_answer answer, int64_t block_ms);

/* May a form that waits be used? WEIR_ERR_ARG: the client is non-blocking. */
weir_status weir_client_check_waiting(weir_client *client);

/* Asks for a page that no take is for, and sends it at once: a failure to do that sticks,
 * and its answer tells. On WEIR_OK *ticket is its own. */
weir_status weir_client_ask_page(weir_client *client, const weir_args *args,
                                 uint64_t *ticket);

/* Queues a command for a form that waits: refused on a non-blocking client. On WEIR_OK
 * *ticket is its own. */
weir_status weir_client_ask_now(weir_client *client, const weir_args *args,
                                weir_answer answer, int64_t block_ms, uint64_t *ticket);

/* The same where the answer will open `handle`, an iterator or a reply: refused, before
 * anything is sent, if no more can be open. handle NULL: one that is passed over. */
weir_status weir_client_ask_open(weir_client *client, const weir_args *args,
                                 weir_answer answer, int64_t block_ms, const void *handle,
                                 uint64_t *ticket);

/* The ticket whose answer is due, if it is one of the kinds (bits, 1 << weir_answer). */
weir_status weir_client_due(weir_client *client, unsigned kinds, uint64_t *ticket);

/*
 * What a take of the session's gave: if the connection ended in it and the client goes on
 * without, WEIR_MORE, so that the take is tried again and tells of the loss; or, where the
 * answer had been taken already, WEIR_ERR_LOST.
 */
weir_status weir_client_end_take(weir_client *client, uint64_t ticket, weir_status st);

weir_status weir_client_take_token(weir_client *client, uint64_t ticket, weir_token *token);
weir_status weir_client_take_count(weir_client *client, uint64_t ticket, uint64_t *count);
weir_status weir_client_take_entries(weir_client *client, uint64_t ticket,
                                     weir_entries *entries);
weir_status weir_client_take_reply(weir_client *client, uint64_t ticket, weir_reply *reply);

/* Waits for the whole answer; *whole is good until the next call on the client. An error
 * answer is noted and WEIR_ERR_SERVER. */
weir_status weir_client_take_whole(weir_client *client, uint64_t ticket, weir_view *whole);

/* Asks, and waits for OK (settings.c). */
weir_status weir_client_done_now(weir_client *client, weir_status made,
                                 const weir_args *args);

/* Asks, and waits for the count. count NULL: it is not wanted. */
weir_status weir_client_count_now(weir_client *client, weir_status made,
                                  const weir_args *args, uint64_t *count);

/* Asks, and waits for the beginning of the answer. */
weir_status weir_client_entries_now(weir_client *client, weir_status made,
                                    const weir_args *args, weir_answer answer,
                                    int64_t block_ms, weir_entries *entries);

/* ---- read.c ---- */

/* Puts an XRANGE or XREVRANGE together, with both ends included; count 0: no COUNT. */
void weir_client_put_range(weir_args *args, weir_view key, weir_id start, weir_id end,
                           bool is_reverse, uint64_t count);

/* ---- server.c ---- */

/* XACKDEL with more ids than WEIR_XACKDEL_FEW: a need beside the features. */
#define WEIR_NEED_LONG_XACKDEL (UINT32_C(1) << 31)
#define WEIR_XACKDEL_FEW       8

/*
 * Before a command is queued that needs something newer than Redis 5.0: bits, 1 <<
 * weir_feature, and WEIR_NEED_LONG_XACKDEL. WEIR_OK: the server has it, or nobody knows,
 * and it will say. WEIR_ERR_UNSUPPORTED: it has not, and the text says who has. Asks the
 * server on account of a feature that is not old, once a connection, where HELLO did not
 * tell; WEIR_MORE (non_blocking): it has been asked; WEIR_ERR_FULL; or why the connection
 * ended.
 */
weir_status weir_client_need(weir_client *client, uint32_t needs);

/* How many ids one XACKDEL may have: Redis 8.2.0 to 8.2.2 overflow their stack with more
 * than 8 (CVE-2025-62507), and so may a server of which nothing is known. */
size_t weir_client_xackdel_most(const weir_client *client);

/* A wrong argument: notes why. WEIR_ERR_ARG. */
weir_status weir_client_wrong(weir_client *client, const char *why);

#endif
