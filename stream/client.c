/* Opening, closing, and a client in an event loop.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../net/line.h"
#include "client_private.h"

#define DEFAULT_TIMEOUT_MS    5000
#define MOST_TIMEOUT_MS       (INT64_MAX / 4) /* a deadline is a sum with the clock */
#define DEFAULT_RECEIVE_BYTES ((size_t)64 << 20)
#define DEFAULT_UNANSWERED    65536
#define LEAST_BYTES           1024 /* of either buffer: the handshake must fit */

#define LEAST_KEEPALIVE_MS 3000 /* its parts are whole seconds, 1 at least */

#define RECEIVE_BASE ((size_t)64 << 10)
#define SEND_BASE    ((size_t)16 << 10)
#define RING_BASE    64

#define STEP_ROUNDS                                                                        \
    16 /* receives of one weir_step: then the loop's others have their turn */

/* ---- options ---- */

static size_t or_default(size_t given, size_t standard) {
    return given != 0 ? given : standard;
}

static int64_t time_limit(int64_t given_ms) {
    int64_t limit_ms = given_ms != 0 ? given_ms : DEFAULT_TIMEOUT_MS;
    return limit_ms < MOST_TIMEOUT_MS ? limit_ms : MOST_TIMEOUT_MS;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* The largest power of two up to `most`. */
static size_t power_of_two_below(size_t most) {
    size_t power = 1;
    while (power <= most / 2) {
        power *= 2;
    }
    return power;
}

static weir_session_sizes sizes_of(const weir_limits *limits) {
    weir_session_sizes sizes = {0};
    sizes.receive_most = or_default(limits->receive_bytes, DEFAULT_RECEIVE_BYTES);
    sizes.receive_base = smaller(RECEIVE_BASE, sizes.receive_most);
    sizes.send_most = or_default(limits->send_bytes, WEIR_SEND_BYTES);
    sizes.send_base = smaller(SEND_BASE, sizes.send_most);
    sizes.unanswered_most = or_default(limits->unanswered, DEFAULT_UNANSWERED);
    sizes.ring_base = RING_BASE;
    sizes.slots = WEIR_MAX_SLOTS;
    return sizes;
}

static weir_status check_options(weir_client *client, const weir_options *options) {
    const weir_limits *limits = &options->limits;
    bool is_small = (limits->receive_bytes != 0 && limits->receive_bytes < LEAST_BYTES) ||
                    (limits->send_bytes != 0 && limits->send_bytes < LEAST_BYTES);
    if (is_small) {
        return weir_client_wrong(client,
                                 "limits.receive_bytes and send_bytes: at least 1024");
    }
    if (options->protocol != 0 && options->protocol != 2 && options->protocol != 3) {
        return weir_client_wrong(client, "options.protocol is 0, 2 or 3");
    }
    if (options->timeout_ms < 0 || options->connect_timeout_ms < 0 ||
        options->attempt_delay_ms < 0) {
        return weir_client_wrong(client,
                                 "a time limit is in milliseconds, 0 for the default");
    }
    if (options->keepalive_ms < LEAST_KEEPALIVE_MS && options->keepalive_ms != 0 &&
        options->keepalive_ms != WEIR_FOREVER) {
        return weir_client_wrong(client,
                                 "options.keepalive_ms is at least 3000, or WEIR_FOREVER");
    }
    return WEIR_OK;
}

/* Copies a text over what the URL says; false if it is too long. */
static bool take_text(char *out, size_t size, const char *text) {
    if (text == NULL) {
        return true;
    }
    size_t len = strlen(text);
    if (len >= size) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

static int64_t first_of(int64_t given, int64_t else_given) {
    return given != 0 ? given : else_given;
}

static const char *first_text(const char *given, const char *else_given) {
    return given != NULL ? given : else_given;
}

/* What the URL says of TLS, where the options do not. */
static void take_tls(weir_tls *tls, const weir_tls *named) {
    tls->insecure_skip_verify = tls->insecure_skip_verify || named->insecure_skip_verify;
    tls->verify_name = first_text(tls->verify_name, named->verify_name);
    tls->ca_file = first_text(tls->ca_file, named->ca_file);
    tls->ca_folder = first_text(tls->ca_folder, named->ca_folder);
    tls->crl_file = first_text(tls->crl_file, named->crl_file);
    tls->cert_file = first_text(tls->cert_file, named->cert_file);
    tls->key_file = first_text(tls->key_file, named->key_file);
}

/* The same for all that a URL can name; *tls is where the two are joined. */
static void take_query(weir_options *options, const weir_query *query, weir_tls *tls) {
    options->connect_timeout_ms =
        first_of(options->connect_timeout_ms, query->connect_timeout_ms);
    options->timeout_ms = first_of(options->timeout_ms, query->timeout_ms);
    options->attempt_delay_ms =
        first_of(options->attempt_delay_ms, query->attempt_delay_ms);
    options->keepalive_ms = first_of(options->keepalive_ms, query->keepalive_ms);
    options->protocol = options->protocol != 0 ? options->protocol : query->protocol;
    options->client_name = first_text(options->client_name, query->client_name);
    if (query->has_tls) {
        static const weir_tls none = {0};
        *tls = options->tls != NULL ? *options->tls : none;
        take_tls(tls, &query->tls);
        options->tls = tls;
    }
}

static weir_status take_options(weir_client *client, const weir_options *options) {
    weir_address *address = &client->address;
    weir_status st = check_options(client, options);
    if (st != WEIR_OK) {
        return st;
    }
    if (!take_text(address->user, sizeof address->user, options->user) ||
        !take_text(address->password, sizeof address->password, options->password) ||
        !take_text(client->name, sizeof client->name, options->client_name)) {
        return weir_client_wrong(client, "user and password: at most 511 bytes, name 63");
    }
    if (address->user[0] != '\0' && address->password[0] == '\0') {
        return weir_client_wrong(client, "a user without a password: name both or none");
    }
    address->db = options->db != 0 ? options->db : address->db;
    client->is_non_blocking = options->non_blocking;
    client->may_nap =
        !options->no_nap && options->transport == NULL && weir_address_is_local(address);
    client->session.greeter.db = address->db;
    client->session.greeter.protocol = options->protocol;
    client->timeout_ms = time_limit(options->timeout_ms);
    client->connect_timeout_ms = time_limit(options->connect_timeout_ms);
    client->session.timeout_ms = client->timeout_ms;
    return WEIR_OK;
}

/* The URL's options are read before the caller's are looked at: both must hold together. */
static weir_status open_url(weir_client *client, const char *url,
                            const weir_options *options) {
    weir_query query;
    weir_tls tls;
    weir_options all = *options;
    if (url == NULL) {
        (void)weir_client_wrong(client, "the URL is NULL: redis://127.0.0.1:6379 is one");
        return weir_client_fail_connect(client, WEIR_ERR_ARG);
    }
    weir_status st = weir_url_parse(&client->address, &query, url, &client->session.error);
    if (st == WEIR_OK) {
        weir_address_name(&client->address, client->peer, sizeof client->peer);
        take_query(&all, &query, &tls);
        st = take_options(client, &all);
    }
    return st == WEIR_OK ? weir_client_connect(client, &all)
                         : weir_client_fail_connect(client, st);
}

/* ---- opening and closing ---- */

static weir_status open_cancel(weir_client *client) {
    int os_error = 0;
    weir_status st = weir_wake_open(&client->cancel, &os_error);
    if (st == WEIR_OK) {
        return st;
    }
    struct weir_line text = weir_line_of_error(&client->session.error, st, os_error);
    weir_line_add(&text, "no descriptor for weir_client_cancel: ");
    weir_line_add_os_error(&text, os_error);
    return weir_client_fail_connect(client, st);
}

static weir_status open_client(weir_client *client, const char *url,
                               const weir_options *options,
                               const weir_session_sizes *sizes) {
    weir_greeter greeter = {.user = client->address.user,
                            .password = client->address.password,
                            .name = client->name};
    weir_status st =
        weir_session_init(&client->session, &client->mem, sizes, &greeter, client->peer);
    if (st != WEIR_OK) {
        return st;
    }
    st = open_cancel(client);
    if (st != WEIR_OK) {
        return st;
    }
    return open_url(client, url, options);
}

static void begin_client(weir_client *client) {
    memset(client, 0, sizeof *client);
    weir_wake_init(&client->cancel);
}

weir_status weir_open(const char *url, const weir_options *options, weir_client **client) {
    static const weir_options defaults = {0};
    const weir_options *given = options != NULL ? options : &defaults;
    weir_client *made = weir_mem_resize(&given->mem, NULL, 0, sizeof *made);
    if (made == NULL) {
        *client = NULL;
        return WEIR_ERR_NOMEM;
    }
    begin_client(made);
    made->mem = given->mem;
    *client = made; /* a signal handler may cancel what comes now */
    weir_session_sizes sizes = sizes_of(&given->limits);
    weir_status st = open_client(made, url, given, &sizes);
    if (st == WEIR_ERR_NOMEM) {
        *client = NULL;
        weir_close(made);
    }
    return st;
}

/* The shares of a caller's block, behind the client itself. */
static weir_session_sizes share_out(size_t bytes, const weir_limits *limits) {
    weir_session_sizes sizes = {.slots = 4, .is_fixed = true, .fixed_key = 128};
    size_t shared = bytes - sizes.slots * (sizeof(weir_slot) + sizes.fixed_key) - 1024;
    sizes.fixed_fields = /* a list of fields doubles: no more than its share */
        power_of_two_below(shared / 8 / sizes.slots / sizeof(weir_field));
    sizes.ring_base = power_of_two_below(shared / 8 / sizeof(weir_request));
    size_t send = shared / 4;
    size_t receive = shared / 4; /* twice: a pinned block, and the one that goes on */
    sizes.unanswered_most = or_default(limits->unanswered, sizes.ring_base);
    sizes.unanswered_most = smaller(sizes.unanswered_most, sizes.ring_base);
    sizes.send_base = sizes.send_most = smaller(or_default(limits->send_bytes, send), send);
    sizes.receive_base = sizes.receive_most =
        smaller(or_default(limits->receive_bytes, receive), receive);
    return sizes;
}

weir_status weir_open_in(void *block, size_t block_bytes, const char *url,
                         const weir_options *options, weir_client **client) {
    static const weir_options defaults = {0};
    const weir_options *given = options != NULL ? options : &defaults;
    if (block_bytes < WEIR_BLOCK_BYTES) {
        *client = NULL;
        return WEIR_ERR_ARG;
    }
    weir_client *made = block;
    begin_client(made);
    made->arena.at = (char *)block + sizeof *made;
    made->arena.left = block_bytes - sizeof *made;
    made->mem = weir_arena_mem(&made->arena);
    *client = made;
    weir_session_sizes sizes = share_out(made->arena.left, &given->limits);
    return open_client(made, url, given, &sizes);
}

void weir_close(weir_client *client) {
    if (client == NULL) {
        return;
    }
    weir_mem mem = client->mem;
    weir_client_disconnect(client);
    weir_tls_end(&client->tls);
    weir_socket_end(&client->socket);
    if (client->session.in.block != NULL) { /* an old server repeats what it was sent */
        weir_block *in = client->session.in.block;
        weir_wipe(weir_block_bytes(in), in->capacity);
    }
    weir_session_free(&client->session);
    weir_wake_close(&client->cancel);
    weir_wipe(client, sizeof *client);
    weir_mem_free(&mem, client, sizeof *client);
}

const weir_error *weir_client_error(const weir_client *client) {
    static const weir_error no_memory = {.status = WEIR_ERR_NOMEM, .text = "out of memory"};
    return client != NULL ? &client->session.error : &no_memory;
}

weir_greeting weir_client_greeting(const weir_client *client) {
    const weir_session *session = &client->session;
    weir_greeting greeting = {session->server, session->version, session->client_id,
                              session->protocol};
    return greeting;
}

weir_tls_state weir_client_tls(const weir_client *client) {
    return weir_tls_state_of(&client->tls);
}

size_t weir_unanswered(const weir_client *client) { return client->session.untaken; }

uint64_t weir_client_pushes(const weir_client *client) { return client->session.pushes; }

/* The connection may have ended: what was queued is not sent then, its takes will tell. */
static weir_status check_flush(weir_client *client, weir_status st) {
    (void)weir_client_heed_cancel(client);
    bool was_lost = weir_client_mend(client);
    weir_status failure = weir_session_failed(&client->session);
    if (failure != WEIR_OK) {
        return failure;
    }
    return was_lost ? weir_client_refuse(client) : st;
}

weir_status weir_flush(weir_client *client) {
    weir_session *session = &client->session;
    weir_status st = check_flush(client, WEIR_OK);
    if (st != WEIR_OK) {
        return st;
    }
    st = client->is_non_blocking ? weir_client_send(client) : weir_client_drain(client, 1);
    if (st < 0) {
        return check_flush(client, st);
    }
    if (!weir_client_is_ready(client)) {
        if (weir_buffer_len(&session->out) == 0 || client->is_non_blocking) {
            return weir_buffer_len(&session->out) == 0 ? WEIR_OK : WEIR_MORE;
        }
        weir_session_resolve(session); /* as DOWN says: none of it will be sent */
        return weir_client_refuse(client);
    }
    if (st == WEIR_OK && weir_session_queued(session) > 0) {
        return weir_session_error(session, WEIR_ERR_FULL,
                                  "the peer sends and takes nothing: take answers first");
    }
    return st;
}

/* ---- from anywhere ---- */

void weir_client_cancel(weir_client *client) { weir_wake_set(&client->cancel); }

int weir_client_cancel_fd(const weir_client *client) { return client->cancel.fd; }

/* ---- event loops ---- */

bool weir_client_is_ready(const weir_client *client) {
    return client->session.phase == WEIR_PHASE_READY;
}

/* A nearly full buffer is filled up only if a caller cannot go on without: else the room
 * for each entry that is taken would be made by moving all the rest. */
static bool may_receive(const weir_client *client) {
    const weir_buffer *in = &client->session.in;
    size_t least = client->needs_more ? 1 : in->most / 8 + 1;
    return weir_buffer_len(in) + least <= in->most && weir_buffer_can_grow(in);
}

static bool can_receive_pending(const weir_client *client) {
    return weir_client_has_pending(client) && may_receive(client);
}

int weir_client_wants(const weir_client *client) {
    if (client->session.failure != WEIR_OK) {
        return 0;
    }
    if (!weir_client_is_ready(client)) {
        return weir_client_link_wants(client);
    }
    bool is_queued = weir_session_queued(&client->session) > 0;
    int directions =
        (may_receive(client) ? WEIR_WANT_READ : 0) | (is_queued ? WEIR_WANT_WRITE : 0);
    if (directions == 0) {
        return 0;
    }
    int wants = weir_client_transport_wants(client, directions);
    /* a descriptor is nearly always writable: the loop comes back at once */
    return can_receive_pending(client) ? wants | WEIR_WANT_WRITE : wants;
}

int64_t weir_client_deadline_ms(const weir_client *client) {
    bool has_failed = client->session.failure != WEIR_OK;
    if (has_failed && (!client->link.is_on || client->link.state == WEIR_LINK_ENDED)) {
        return INT64_MAX;
    }
    if (has_failed || weir_wake_is_set(&client->cancel)) {
        return INT64_MIN; /* long ago: the next step looks into it */
    }
    if (!weir_client_is_ready(client)) {
        return weir_client_link_deadline(client);
    }
    return can_receive_pending(client) ? weir_now_ms()
                                       : weir_session_deadline(&client->session);
}

/* Moves bytes as far as it goes. */
static weir_status exchange(weir_client *client) {
    for (int round = 0; round < STEP_ROUNDS; round++) {
        weir_status st = weir_client_send(client);
        if (st < 0) {
            return st;
        }
        st = may_receive(client) ? weir_client_receive(client) : WEIR_ERR_FULL;
        if (st != WEIR_OK) {
            return st == WEIR_MORE || st == WEIR_ERR_FULL ? WEIR_OK : st;
        }
    }
    return WEIR_OK;
}

/* A cancel that weir_client_reconnect came in the middle of may have made the descriptor
 * readable after all, with nothing behind it: a loop would come back for ever. What is
 * forgotten here was set before, and is seen by its flag. */
static void quiet_cancel_fd(const weir_client *client) {
    if (client->was_uncancelled && !weir_wake_is_set(&client->cancel)) {
        weir_wake_forget(&client->cancel);
    }
}

weir_status weir_step(weir_client *client) {
    quiet_cancel_fd(client);
    weir_status st = weir_client_advance(client);
    if (st != WEIR_OK || !weir_client_is_ready(client)) {
        return st;
    }
    st = exchange(client);
    if (st == WEIR_OK) {
        weir_session_tick(&client->session, weir_now_ms());
    }
    return weir_client_usable(client);
}
