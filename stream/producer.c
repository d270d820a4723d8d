/* Opening a producer, keeping it going, and ending it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include <stdio.h>

#include "client_private.h"
#include "facts.h"
#include "server.h"

#define MS              1000 /* microseconds */
#define MOST_TIME_MS    (INT64_MAX / 4000)
#define DEFAULT_ENTRIES 65536
#define DEFAULT_BYTES   ((size_t)64 << 20)
#define DEFAULT_FLIGHT  4096
#define FLIGHT_BYTES    ((size_t)8 << 20)
#define EXTRA_REQUESTS  4096 /* in flight that are not of entries */
#define LEAST_BYTES     4096
#define POLL_MS         50 /* deadlines are watched so often */

/* ---- errors ---- */

weir_status weir_producer_end(weir_producer *producer, weir_status status,
                              const weir_error *error) {
    if (producer->phase != WEIR_PRODUCER_ENDED) {
        producer->phase = WEIR_PRODUCER_ENDED;
        producer->ended = status;
        producer->error = *error;
        producer->error.status = status;
    }
    return producer->ended;
}

weir_status weir_producer_fail(weir_producer *producer, weir_status status,
                               const char *text, const char *more) {
    weir_error error = {.status = status};
    (void)snprintf(error.text, sizeof error.text, "%s%s", text, more);
    return weir_producer_end(producer, status, &error);
}

weir_status weir_producer_wrong(weir_producer *producer, weir_status status,
                                const char *text) {
    if (producer->phase == WEIR_PRODUCER_ENDED) {
        return producer->ended;
    }
    producer->error = (weir_error){.status = status};
    (void)snprintf(producer->error.text, sizeof producer->error.text, "%s", text);
    return status;
}

const weir_error *weir_producer_error(const weir_producer *producer) {
    static const weir_error no_memory = {.status = WEIR_ERR_NOMEM, .text = "out of memory"};
    return producer != NULL ? &producer->error : &no_memory;
}

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
    options->wait_ms = given->wait_ms != 0 ? given->wait_ms : 1000;
    options->producer_id = NULL; /* it is copied */
}

static const char *check_options(const weir_producer_options *options,
                                 const weir_options *client, const char *id) {
    bool has_time = options->linger_us >= 0 && options->full_wait_ms >= 0 &&
                    options->wait_ms >= 0 && options->linger_us <= MOST_TIME_MS &&
                    options->full_wait_ms <= MOST_TIME_MS;
    if (!has_time || options->timeout_ms < WEIR_FOREVER ||
        options->timeout_ms > MOST_TIME_MS) {
        return "a time is negative, or too long";
    }
    if (options->delivery > WEIR_DELIVERY_IDS) {
        return "options.delivery is none of weir_delivery";
    }
    if (options->most_bytes < LEAST_BYTES || options->in_flight_bytes < LEAST_BYTES) {
        return "most_bytes and in_flight_bytes: at least 4096";
    }
    size_t send_bytes = client->limits.send_bytes;
    if (send_bytes != 0 && send_bytes < 2 * options->in_flight_bytes) {
        return "in_flight_bytes: at most half of the client's limits.send_bytes";
    }
    if (client->timeout_ms > 0 && options->wait_ms >= client->timeout_ms) {
        return "wait_ms: less than the client's timeout_ms";
    }
    if (id != NULL && (strlen(id) == 0 || strlen(id) >= WEIR_PRODUCER_NAME)) {
        return "producer_id: 1 to 63 bytes";
    }
    return NULL;
}

static void name_producer(weir_producer *producer, const char *id) {
    if (id != NULL) {
        (void)snprintf(producer->name, sizeof producer->name, "%s", id);
        return;
    }
    (void)snprintf(producer->name, sizeof producer->name, "%016llx%016llx",
                   (unsigned long long)weir_client_random(),
                   (unsigned long long)weir_client_random());
}

/* ---- the connection ---- */

/* Each stream whose end is known is to be looked at: has the server lost something? */
static void greet_anew(weir_producer *producer) {
    producer->is_connected_anew = false;
    producer->sha[0] = '\0';
    producer->is_loading = false;
    for (size_t i = 0; i < producer->stream_count; i++) {
        weir_stream *stream = producer->streams[i];
        stream->wants_facts = stream->acked.ms != 0 || stream->acked.seq != 0;
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

static weir_status choose_delivery(weir_producer *producer) {
    weir_server server = {0};
    weir_delivery wanted = producer->options.delivery;
    bool asks_server = wanted == WEIR_DELIVERY_IDMP || wanted == WEIR_DELIVERY_EXACTLY_ONCE;
    weir_status st = asks_server ? weir_client_server(producer->client, &server) : WEIR_OK;
    if (st != WEIR_OK) {
        return st < 0 && !weir_status_is_fatal(st) ? WEIR_MORE : st;
    }
    if (wanted == WEIR_DELIVERY_IDMP && !has_idmp(&server)) {
        char text[160];
        (void)snprintf(text, sizeof text, "%s %s", server.name, server.version);
        return weir_producer_fail(producer, WEIR_ERR_UNSUPPORTED,
                                  "WEIR_DELIVERY_IDMP needs Redis 8.6.2: choose "
                                  "WEIR_DELIVERY_EXACTLY_ONCE or _SCRIPT; this is ",
                                  text);
    }
    if (wanted == WEIR_DELIVERY_EXACTLY_ONCE) {
        wanted = has_idmp(&server) ? WEIR_DELIVERY_IDMP : WEIR_DELIVERY_SCRIPT;
    }
    producer->delivery = wanted;
    producer->phase = WEIR_PRODUCER_CHECKING;
    st = weir_producer_write_heads(producer);
    return st == WEIR_OK ? st : weir_producer_fail(producer, st, "no memory", "");
}

static bool needs_wait(const weir_producer *producer) {
    return producer->options.wait_replicas != 0 || producer->options.wait_fsync;
}

/* Goes on with opening, as far as it goes now. */
static void check_server(weir_producer *producer) {
    if (producer->phase == WEIR_PRODUCER_CONNECTING &&
        choose_delivery(producer) != WEIR_OK) {
        return;
    }
    bool needs_script = producer->delivery == WEIR_DELIVERY_SCRIPT;
    if (needs_script && producer->sha[0] == '\0' && !producer->is_loading) {
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

/* ---- going on ---- */

weir_status weir_producer_step(weir_producer *producer) {
    if (producer->phase == WEIR_PRODUCER_ENDED || producer->is_calling) {
        return producer->ended;
    }
    weir_status st = weir_step(producer->client);
    int64_t now_us = weir_client_now_us();
    weir_producer_answers(producer, now_us);
    if (st < 0 && producer->phase != WEIR_PRODUCER_ENDED) {
        weir_producer_end(producer, st, weir_client_error(producer->client));
    }
    if (producer->phase == WEIR_PRODUCER_ENDED) {
        return producer->ended;
    }
    if (weir_client_is_ready(producer->client)) {
        if (producer->is_connected_anew) {
            greet_anew(producer);
        }
        check_server(producer);
    }
    weir_producer_expire(producer, now_us);
    if (weir_producer_has_work(producer, now_us)) {
        weir_producer_pump(producer, now_us);
    } else if (weir_client_is_ready(producer->client)) {
        (void)weir_client_send(producer->client);
    }
    if (producer->phase == WEIR_PRODUCER_ENDED) {
        return producer->ended;
    }
    return producer->phase == WEIR_PRODUCER_OPEN ? WEIR_OK : WEIR_MORE;
}

static bool is_over(const weir_producer *producer) { return producer->live == 0; }

int64_t weir_producer_deadline_ms(const weir_producer *producer) {
    if (producer->phase == WEIR_PRODUCER_ENDED) {
        return INT64_MAX;
    }
    int64_t deadline_ms = weir_client_deadline_ms(producer->client);
    int64_t now_ms = weir_client_now_us() / MS;
    int64_t own_ms = INT64_MAX;
    if (producer->live > 0 && producer->options.timeout_ms != WEIR_FOREVER) {
        own_ms = now_ms + POLL_MS;
    }
    if (producer->waiting.first != NULL) {
        own_ms = now_ms + POLL_MS / 5 < own_ms ? now_ms + POLL_MS / 5 : own_ms;
    }
    if (producer->queued > 0 && producer->options.linger_us > 0) {
        int64_t due_ms = (producer->queued_us + producer->options.linger_us + MS - 1) / MS;
        own_ms = due_ms < own_ms ? due_ms : own_ms;
    }
    return own_ms < deadline_ms ? own_ms : deadline_ms;
}

/* Waits until more can be done, and does it. */
static weir_status turn(weir_producer *producer, int64_t until_ms) {
    int64_t deadline_ms = weir_producer_deadline_ms(producer);
    weir_client_wait(producer->client, deadline_ms < until_ms ? deadline_ms : until_ms);
    return weir_producer_step(producer);
}

static int64_t until(int64_t timeout_ms) {
    int64_t now_ms = weir_client_now_us() / MS;
    return timeout_ms == WEIR_FOREVER || timeout_ms > MOST_TIME_MS ? INT64_MAX
                                                                   : now_ms + timeout_ms;
}

weir_status weir_producer_wait(weir_producer *producer, int64_t timeout_ms) {
    int64_t until_ms = until(timeout_ms);
    size_t live = producer->live;
    weir_status st = weir_producer_step(producer);
    if (st >= 0 && producer->live == live) {
        st = turn(producer, until_ms);
    }
    return st == WEIR_MORE && !producer->is_non_blocking ? WEIR_OK : st;
}

weir_status weir_producer_flush(weir_producer *producer, int64_t timeout_ms) {
    int64_t until_ms = until(timeout_ms);
    producer->is_flushing = true;
    weir_status st = weir_producer_step(producer);
    while (st >= 0 && !is_over(producer) && !producer->is_non_blocking) {
        if (weir_client_now_us() / MS >= until_ms) {
            producer->is_flushing = false;
            return weir_producer_wrong(producer, WEIR_ERR_TIMEOUT,
                                       "entries are left that have no end yet");
        }
        st = turn(producer, until_ms);
    }
    if (st < 0) {
        return st;
    }
    producer->is_flushing = !is_over(producer);
    return is_over(producer) ? WEIR_OK : WEIR_MORE;
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
        st = turn(producer, INT64_MAX);
    }
    return st;
}

static weir_status open_producer(weir_producer *producer, const char *url,
                                 const weir_options *client,
                                 const weir_producer_options *options) {
    fill_options(producer, options);
    producer->delivery = options->delivery;
    const char *wrong = check_options(&producer->options, client, options->producer_id);
    if (wrong != NULL) {
        return weir_producer_fail(producer, WEIR_ERR_ARG, wrong, "");
    }
    name_producer(producer, options->producer_id);
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

/* ---- ending ---- */

weir_status weir_producer_close(weir_producer *producer, int64_t timeout_ms) {
    weir_status st = weir_producer_flush(producer, timeout_ms);
    bool was_ended = producer->phase == WEIR_PRODUCER_ENDED;
    bool is_left = !is_over(producer);
    (void)weir_producer_purge(producer, WEIR_PURGE_QUEUED | WEIR_PURGE_IN_FLIGHT);
    if (producer->client != NULL) {
        weir_close(producer->client);
        producer->client = NULL;
    }
    producer->first_note = producer->next_note;
    weir_producer_fail(producer, WEIR_ERR_CLOSED, "the producer is closed", "");
    if (was_ended) {
        return st;
    }
    producer->ended = WEIR_ERR_CLOSED;
    return is_left ? WEIR_ERR_TIMEOUT : WEIR_OK;
}

void weir_producer_free(weir_producer *producer) {
    if (producer == NULL) {
        return;
    }
    weir_mem mem = producer->mem;
    weir_close(producer->client);
    weir_producer_free_streams(producer);
    for (size_t i = 0; i < producer->stream_count; i++) {
        producer->streams[i] = NULL;
    }
    weir_store_free(&producer->store);
    weir_mem_free(&mem, producer->notes, producer->note_room * sizeof *producer->notes);
    weir_mem_free(&mem, producer->reports,
                  producer->report_room * sizeof *producer->reports);
    weir_mem_free(&mem, producer, sizeof *producer);
}

/* ---- what it tells ---- */

weir_delivery weir_producer_delivery(const weir_producer *producer) {
    return producer->delivery;
}

void weir_producer_counters(const weir_producer *producer, weir_counters *counters) {
    *counters = producer->counters;
    counters->queued = producer->queued;
    counters->in_flight = producer->in_flight;
    counters->held_bytes = producer->store.bytes;
}

int weir_producer_fd(const weir_producer *producer) {
    return producer->client != NULL ? weir_client_fd(producer->client) : -1;
}

int weir_producer_wants(const weir_producer *producer) {
    return producer->client != NULL ? weir_client_wants(producer->client) : 0;
}

void weir_producer_cancel(weir_producer *producer) { weir_client_cancel(producer->client); }
