/* Opening a producer: its options, its connection, and whether the server has what it
 * needs. SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include <stdio.h>

#include "client_private.h"
#include "facts.h"
#include "server.h"

#define MOST_TIME_MS    (INT64_MAX / 4000)
#define DEFAULT_ENTRIES 65536
#define DEFAULT_BYTES   ((size_t)64 << 20)
#define DEFAULT_FLIGHT  4096
#define FLIGHT_BYTES    ((size_t)8 << 20)
#define EXTRA_REQUESTS  4096 /* in flight that are not of entries */
#define LEAST_BYTES     4096

/* appendfsync everysec takes up to two seconds, and more where the disk is slow. */
#define FSYNC_WAIT_MS 5000

/* ---- options ---- */

static void fill_options(weir_producer *producer, const weir_producer_options *given) {
    weir_producer_options *options = &producer->options;
    *options = *given;
    options->batch_entries = given->batch_entries != 0 ? given->batch_entries : 512;
    options->batch_bytes = given->batch_bytes != 0 ? given->batch_bytes : (size_t)64 << 10;
    options->most_entries =
        given->most_entries != 0 ? given->most_entries : DEFAULT_ENTRIES;
    options->most_bytes = given->most_bytes != 0 ? given->most_bytes : DEFAULT_BYTES;
    options->in_flight_entries =
        given->in_flight_entries != 0 ? given->in_flight_entries : DEFAULT_FLIGHT;
    options->in_flight_bytes =
        given->in_flight_bytes != 0 ? given->in_flight_bytes : FLIGHT_BYTES;
    options->most_streams = given->most_streams != 0 ? given->most_streams : 65536;
    options->timeout_ms = given->timeout_ms != 0 ? given->timeout_ms : 30000;
    options->wait_ms = given->wait_ms != 0 ? given->wait_ms
                       : given->wait_fsync ? FSYNC_WAIT_MS
                                           : 1000;
    options->name = NULL; /* it is copied */
}

static const char *check_options(const weir_producer_options *options,
                                 const weir_options *client, const char *name) {
    bool has_time = options->linger_us >= 0 && options->full_wait_ms >= WEIR_FOREVER &&
                    options->wait_ms >= 0 && options->linger_us <= MOST_TIME_MS &&
                    options->full_wait_ms <= MOST_TIME_MS;
    if (!has_time || options->timeout_ms < WEIR_FOREVER ||
        options->timeout_ms > MOST_TIME_MS) {
        return "a time is negative, or too long";
    }
    if (options->delivery > WEIR_DELIVERY_IDS) {
        return "options.delivery is none of weir_delivery_mode";
    }
    if (options->most_bytes < LEAST_BYTES || options->in_flight_bytes < LEAST_BYTES) {
        return "most_bytes and in_flight_bytes: at least 4096";
    }
    size_t send_bytes =
        client->limits.send_bytes != 0 ? client->limits.send_bytes : WEIR_SEND_BYTES;
    if (send_bytes / 2 < options->in_flight_bytes) {
        return "in_flight_bytes: at most half of the client's limits.send_bytes";
    }
    if (name != NULL && strlen(name) > WEIR_PRODUCER_GIVEN) {
        return "name: at most 40 bytes";
    }
    return NULL;
}

/* A name is good for one life: under one that was used the server would take new entries
 * for old ones. */
static void name_producer(weir_producer *producer, const char *given) {
    (void)snprintf(producer->name, sizeof producer->name, "%s-%016llx",
                   given != NULL ? given : "weir",
                   (unsigned long long)weir_client_random());
}

/* ---- the connection ---- */

/* Each stream whose end is known is to be looked at: has the server lost something? */
static void greet_anew(weir_producer *producer) {
    producer->is_connected_anew = false;
    producer->has_written = false;
    producer->sha[0] = '\0';
    producer->load_us = producer->load_at_us = 0;
    for (size_t i = 0; i < producer->stream_count; i++) {
        weir_stream *stream = producer->streams[i];
        bool is_used = stream->acked.ms != 0 || stream->acked.seq != 0;
        stream->wants_facts = stream->is_judging || is_used;
        stream->is_proving = is_used && producer->delivery != WEIR_DELIVERY_SCRIPT;
        if (stream->wants_facts || stream->lane.queue.first != NULL) {
            weir_producer_list(producer, stream);
        }
    }
}

static void on_change(void *context, const weir_link_event *event) {
    weir_producer *producer = context;
    if (event->state == WEIR_LINK_READY) {
        producer->counters.connections++;
        producer->is_connected_anew = true;
    }
    producer->was_refused = producer->was_refused || event->state == WEIR_LINK_WAITING;
    if (producer->reconnect.on_change != NULL) {
        producer->reconnect.on_change(producer->reconnect.context, event);
    }
}

static weir_status credentials(void *context, weir_credentials *given) {
    const weir_producer *producer = context;
    return producer->reconnect.credentials(producer->reconnect.context, given);
}

static weir_status open_client(weir_producer *producer, const char *url,
                               const weir_options *client) {
    weir_options options = *client;
    options.non_blocking = true;
    options.reconnect.is_on = true;
    options.reconnect.fail_fast = true;
    options.reconnect.is_fencing = true;
    options.reconnect.on_change = on_change;
    options.reconnect.credentials =
        client->reconnect.credentials != NULL ? credentials : NULL;
    options.reconnect.context = producer;
    size_t least = (size_t)producer->options.in_flight_entries + EXTRA_REQUESTS;
    bool is_few = options.limits.unanswered == 0 || options.limits.unanswered < least;
    options.limits.unanswered = is_few ? least : options.limits.unanswered;
    weir_status st = weir_open(url, &options, &producer->client);
    if (producer->client == NULL) {
        return weir_producer_fail(producer, WEIR_ERR_NOMEM, "no memory for a connection",
                                  "");
    }
    return st;
}

/* ---- what the server must have ---- */

/* Before 8.6.2 what IDMP remembers could be lost when the AOF was rewritten. */
static bool has_idmp(const weir_server *server) {
    return weir_server_has(server, WEIR_FEATURE_IDMP) &&
           weir_version_number(server->version) >= weir_version_number("8.6.2");
}

/* WEIR_DELIVERY_EXACTLY_ONCE is the script, whose order nothing breaks; where this user may
 * run none, IDMP. */
static weir_delivery_mode wanted_delivery(const weir_producer *producer) {
    weir_delivery_mode wanted = producer->options.delivery;
    if (wanted != WEIR_DELIVERY_EXACTLY_ONCE) {
        return wanted;
    }
    return producer->has_no_scripts ? WEIR_DELIVERY_IDMP : WEIR_DELIVERY_SCRIPT;
}

#define NO_IDMP                                                                            \
    "WEIR_DELIVERY_IDMP needs Redis 8.6.2: choose WEIR_DELIVERY_EXACTLY_ONCE or _SCRIPT; " \
    "this is "
#define NO_WAY                                                                             \
    "WEIR_DELIVERY_EXACTLY_ONCE needs scripts (ACL: +@scripting) or Redis 8.6.2: allow "   \
    "them, or choose another delivery; this user may run none, on "

static weir_status choose_delivery(weir_producer *producer) {
    weir_server server = {0};
    weir_delivery_mode wanted = wanted_delivery(producer);
    bool asks_server = wanted == WEIR_DELIVERY_IDMP;
    weir_status st = asks_server ? weir_client_server(producer->client, &server) : WEIR_OK;
    if (st != WEIR_OK) {
        return st < 0 && !weir_status_is_fatal(st) ? WEIR_MORE : st;
    }
    if (wanted == WEIR_DELIVERY_IDMP && !has_idmp(&server)) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s %s", server.name, server.version);
        return weir_producer_fail(producer, WEIR_ERR_UNSUPPORTED,
                                  producer->has_no_scripts ? NO_WAY : NO_IDMP, text);
    }
    producer->delivery = wanted;
    producer->phase = WEIR_PRODUCER_CHECKING;
    st = weir_producer_write_heads(producer);
    return st == WEIR_OK ? st : weir_producer_fail(producer, st, "no memory", "");
}

static bool needs_wait(const weir_producer *producer) {
    return producer->options.wait_replicas != 0 || producer->options.wait_fsync;
}

bool weir_producer_may_call(const weir_producer *producer) {
    return producer->delivery == WEIR_DELIVERY_SCRIPT ||
           producer->delivery == WEIR_DELIVERY_EXACTLY_ONCE;
}

void weir_producer_meet(weir_producer *producer, int64_t now_us) {
    if (producer->is_connected_anew) {
        greet_anew(producer);
    }
    if (producer->phase == WEIR_PRODUCER_CONNECTING &&
        choose_delivery(producer) != WEIR_OK) {
        return;
    }
    bool needs_script = producer->delivery == WEIR_DELIVERY_SCRIPT;
    bool is_missing =
        needs_script && producer->sha[0] == '\0' && now_us >= producer->load_at_us;
    if (is_missing && !producer->is_loading) {
        (void)weir_producer_load(producer);
    }
    if (producer->phase == WEIR_PRODUCER_OPEN) {
        return;
    }
    if (needs_wait(producer) && !producer->has_probe &&
        producer->first_note + (needs_script ? 1 : 0) == producer->next_note) {
        weir_producer_probe(producer);
        return;
    }
    bool is_answered = producer->first_note == producer->next_note;
    if (is_answered && (!needs_script || producer->sha[0] != '\0')) {
        producer->phase = WEIR_PRODUCER_OPEN;
    }
}

/* ---- opening ---- */

static weir_status wait_open(weir_producer *producer) {
    weir_status st = weir_producer_step(producer);
    while (st == WEIR_MORE) {
        bool gives_up = producer->was_refused && producer->reconnect.give_up_ms == 0;
        if (gives_up) {
            const weir_error *error = weir_client_error(producer->client);
            return weir_producer_end(producer, error->status, error);
        }
        st = weir_producer_turn(producer, INT64_MAX);
    }
    return st;
}

static weir_status open_producer(weir_producer *producer, const char *url,
                                 const weir_options *client,
                                 const weir_producer_options *options) {
    fill_options(producer, options);
    producer->delivery = options->delivery;
    const char *wrong = check_options(&producer->options, client, options->name);
    if (wrong != NULL) {
        return weir_producer_fail(producer, WEIR_ERR_ARG, wrong, "");
    }
    name_producer(producer, options->name);
    weir_store_init(&producer->store, &producer->mem, producer->options.most_bytes);
    producer->reconnect = client->reconnect;
    producer->is_non_blocking = client->non_blocking;
    weir_status st = open_client(producer, url, client);
    if (producer->phase == WEIR_PRODUCER_ENDED) {
        return producer->ended;
    }
    bool is_hopeless = st == WEIR_ERR_ARG || st == WEIR_ERR_UNSUPPORTED ||
                       st == WEIR_ERR_LIMIT || st == WEIR_ERR_CANCELLED;
    if (is_hopeless) {
        return weir_producer_end(producer, st, weir_client_error(producer->client));
    }
    return producer->is_non_blocking ? WEIR_OK : wait_open(producer);
}

weir_status weir_producer_open(const char *url, const weir_options *client,
                               const weir_producer_options *options,
                               weir_producer **producer) {
    static const weir_options client_defaults = {0};
    static const weir_producer_options defaults = {0};
    const weir_options *given = client != NULL ? client : &client_defaults;
    weir_producer *made = weir_mem_resize(&given->mem, NULL, 0, sizeof *made);
    *producer = made;
    if (made == NULL) {
        return WEIR_ERR_NOMEM;
    }
    memset(made, 0, sizeof *made);
    made->mem = given->mem;
    made->shown[1] = (weir_error){
        .status = WEIR_ERR_SERVER,
        .kind = WEIR_KIND_OTHER,
        .text = "more different errors at once than a producer keeps: take reports sooner"};
    weir_status st = open_producer(made, url, given, options != NULL ? options : &defaults);
    if (st == WEIR_ERR_NOMEM) {
        weir_producer_free(made);
        *producer = NULL;
    }
    return st;
}
