/* Keeping a producer going, waiting for it, and ending it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include <stdio.h>

#include "client_private.h"

#define MS           1000 /* microseconds */
#define MOST_TIME_MS (INT64_MAX / 4000)
#define POLL_MS      50 /* deadlines are watched so often */

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
        weir_producer_meet(producer, now_us);
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

/* The last answers, taken while something was sent, have left more to send: no other answer
 * is due that would wake us. */
static bool has_woken(const weir_producer *producer, int64_t now_us) {
    return producer->phase == WEIR_PRODUCER_OPEN &&
           producer->first_note == producer->next_note &&
           weir_client_is_ready(producer->client) &&
           weir_producer_has_work(producer, now_us);
}

int64_t weir_producer_deadline_ms(const weir_producer *producer) {
    if (producer->phase == WEIR_PRODUCER_ENDED) {
        return INT64_MAX;
    }
    int64_t deadline_ms = weir_client_deadline_ms(producer->client);
    int64_t now_us = weir_client_now_us();
    int64_t now_ms = now_us / MS;
    int64_t own_ms = INT64_MAX;
    bool is_due = has_woken(producer, now_us);
    if (is_due && !producer->is_starved) {
        return now_ms;
    }
    if (producer->live > 0 && producer->options.timeout_ms != WEIR_FOREVER) {
        own_ms = now_ms + POLL_MS;
    }
    if (is_due || producer->waiting != NULL || producer->load_at_us != 0) {
        own_ms = now_ms + POLL_MS / 5;
    }
    bool can_send = producer->phase == WEIR_PRODUCER_OPEN &&
                    weir_producer_has_ready(producer) &&
                    weir_client_is_ready(producer->client);
    bool lingers = producer->queued > 0 && producer->options.linger_us > 0;
    if (can_send && lingers && !weir_producer_awaits_window(producer)) {
        int64_t due_ms = (producer->queued_us + producer->options.linger_us + MS - 1) / MS;
        own_ms = due_ms < own_ms ? due_ms : own_ms;
    }
    return own_ms < deadline_ms ? own_ms : deadline_ms;
}

weir_status weir_producer_turn(weir_producer *producer, int64_t until_ms) {
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
        st = weir_producer_turn(producer, until_ms);
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
        st = weir_producer_turn(producer, until_ms);
    }
    if (st < 0) {
        return st;
    }
    producer->is_flushing = !is_over(producer);
    return is_over(producer) ? WEIR_OK : WEIR_MORE;
}

/* ---- ending ---- */

/* What the script keeps of us on the server goes, if that can be done in time. */
static void clean_up(weir_producer *producer, int64_t until_ms) {
    if (producer->delivery != WEIR_DELIVERY_SCRIPT ||
        producer->phase != WEIR_PRODUCER_OPEN || weir_producer_forget(producer) == 0) {
        return;
    }
    while (weir_producer_step(producer) == WEIR_OK && !producer->is_non_blocking &&
           producer->first_note < producer->next_note &&
           weir_client_now_us() / MS < until_ms) {
        weir_client_wait(producer->client, until_ms);
    }
}

weir_status weir_producer_close(weir_producer *producer, int64_t timeout_ms) {
    int64_t until_ms = until(timeout_ms);
    weir_status st = weir_producer_flush(producer, timeout_ms);
    clean_up(producer, until_ms);
    bool was_ended = producer->phase == WEIR_PRODUCER_ENDED;
    bool is_left = !is_over(producer);
    if (!was_ended) { /* before reports are called, which may append */
        weir_producer_fail(producer, WEIR_ERR_CLOSED, "the producer is closed", "");
    }
    (void)weir_producer_purge(producer, WEIR_PURGE_QUEUED | WEIR_PURGE_IN_FLIGHT);
    weir_close(producer->client);
    producer->client = NULL;
    producer->first_note = producer->next_note;
    if (was_ended) {
        return st;
    }
    return is_left ? WEIR_ERR_TIMEOUT : WEIR_OK;
}

void weir_producer_free(weir_producer *producer) {
    if (producer == NULL) {
        return;
    }
    weir_mem mem = producer->mem;
    weir_close(producer->client);
    weir_producer_free_streams(producer);
    weir_store_free(&producer->store);
    weir_mem_free(&mem, producer->notes, producer->note_room * sizeof *producer->notes);
    weir_mem_free(&mem, producer->reports,
                  producer->report_room * sizeof *producer->reports);
    weir_mem_free(&mem, producer, sizeof *producer);
}

/* ---- what it tells ---- */

weir_delivery_mode weir_producer_delivery(const weir_producer *producer) {
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

void weir_producer_cancel(weir_producer *producer) {
    if (producer->client != NULL) {
        weir_client_cancel(producer->client);
    }
}
