/* The consumer: opening, going on, waiting, ending.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

/* ---- going on ---- */

/* What is in flight is answered, what is due is asked. */
static weir_status go_on(weir_consumer *consumer, bool flush) {
    weir_status st = weir_orders_take(consumer);
    if (st != WEIR_OK || !weir_client_is_ready(consumer->working.client) ||
        weir_now_ms() < consumer->hold_until_ms) {
        return st;
    }
    if (consumer->leaving != WEIR_LEAVING_NOT) {
        st = weir_leave_go_on(consumer);
        return st == WEIR_OK ? weir_verdicts_send(consumer, true) : st;
    }
    st = weir_consumer_set_up(consumer);
    st = st == WEIR_OK ? weir_reads_go_on(consumer) : st;
    st = st == WEIR_OK ? weir_claims_go_on(consumer) : st;
    return st == WEIR_OK ? weir_verdicts_send(consumer, flush) : st;
}

weir_status weir_consumer_pump(weir_consumer *consumer, bool flush) {
    if (consumer->failure != WEIR_OK) {
        return consumer->failure;
    }
    consumer->now_ms = consumer->pumped_ms = weir_now_ms();
    weir_status st = weir_wires_step(consumer);
    st = st == WEIR_OK ? go_on(consumer, flush) : st;
    if (st < 0) {
        return st;
    }
    weir_wires_flush(consumer);
    return WEIR_OK;
}

weir_status weir_consumer_step(weir_consumer *consumer) {
    return weir_consumer_pump(consumer, false);
}

/* ---- waiting ---- */

static int64_t sooner(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t weir_consumer_until(weir_consumer *consumer, int64_t timeout_ms) {
    consumer->now_ms = weir_now_ms();
    bool is_endless = timeout_ms < 0 || timeout_ms > INT64_MAX - consumer->now_ms;
    return is_endless ? WEIR_NO_DEADLINE : consumer->now_ms + timeout_ms;
}

/* An answer is surely no older than the last look for it: so that this tells something, one
 * looks from time to time. */
static int64_t next_look(const weir_consumer *consumer) {
    int64_t idle_ms = consumer->options.claim_idle_ms;
    return idle_ms == WEIR_FOREVER ? INT64_MAX : weir_now_ms() + idle_ms / 8 + 1;
}

/* Of what the working line is asked by the clock. While that cannot be asked, an answer or
 * the connection itself comes first. */
static int64_t working_deadline(const weir_consumer *consumer) {
    bool is_leaving = consumer->leaving != WEIR_LEAVING_NOT;
    bool may_ask = weir_client_is_ready(consumer->working.client) &&
                   (consumer->is_set_up || is_leaving) &&
                   weir_orders_have_room(consumer, 2);
    if (!may_ask) {
        return INT64_MAX;
    }
    int64_t at_ms =
        sooner(weir_verdicts_deadline(consumer), weir_claims_deadline(consumer));
    if (consumer->is_unblocking) {
        at_ms = sooner(at_ms, consumer->unblock_at_ms);
    }
    return at_ms > consumer->hold_until_ms ? at_ms : consumer->hold_until_ms;
}

int64_t weir_consumer_deadline_ms(const weir_consumer *consumer) {
    if (consumer->failure != WEIR_OK) {
        return INT64_MAX;
    }
    if (consumer->reading.is_lost || consumer->working.is_lost) {
        return consumer->hold_until_ms > weir_now_ms() ? consumer->hold_until_ms
                                                       : INT64_MIN; /* at once */
    }
    int64_t at_ms = sooner(weir_client_deadline_ms(consumer->reading.client),
                           weir_client_deadline_ms(consumer->working.client));
    at_ms = sooner(at_ms, working_deadline(consumer));
    at_ms = sooner(at_ms, next_look(consumer));
    if (consumer->hold_until_ms > weir_now_ms()) {
        at_ms = sooner(at_ms, consumer->hold_until_ms);
    }
    return at_ms;
}

void weir_consumer_watches(const weir_consumer *consumer, weir_watch *list) {
    const weir_wire *wires[] = {&consumer->reading, &consumer->working};
    for (size_t i = 0; i < 2; i++) {
        const weir_client *client = wires[i]->client;
        list[i].fd = client != NULL ? weir_client_fd(client) : -1;
        list[i].wants = client != NULL ? weir_client_wants(client) : 0;
    }
    list[2].fd = consumer->leaving == WEIR_LEAVING_NOT ? consumer->wake.fd : -1;
    list[2].wants = WEIR_WANT_READ;
}

static weir_status wait_for(weir_consumer *consumer, size_t count, int64_t deadline_ms) {
    weir_watch watches[WEIR_CONSUMER_WATCHES];
    weir_waited list[WEIR_CONSUMER_WATCHES];
    int os_error = 0;
    weir_consumer_watches(consumer, watches);
    for (size_t i = 0; i < count; i++) {
        bool is_idle = watches[i].wants == 0; /* it has no events but may have hung up */
        list[i] = (weir_waited){is_idle ? -1 : watches[i].fd, watches[i].wants};
    }
    weir_status st = weir_wait_any(
        list, count, sooner(deadline_ms, weir_consumer_deadline_ms(consumer)), &os_error);
    if (st == WEIR_ERR_IO) {
        weir_error error = {.status = st, .os_error = os_error};
        memcpy(error.text, "waiting failed", 15);
        return weir_consumer_end(consumer, &error);
    }
    return WEIR_OK;
}

weir_status weir_consumer_wait(weir_consumer *consumer, int64_t deadline_ms) {
    return wait_for(consumer, WEIR_CONSUMER_WATCHES, deadline_ms);
}

/* Once cancelled the last descriptor would end every wait at once. */
weir_status weir_consumer_wait_on(weir_consumer *consumer, int64_t deadline_ms) {
    return wait_for(consumer, WEIR_CONSUMER_WATCHES - 1, deadline_ms);
}

weir_status weir_consumer_flush(weir_consumer *consumer, int64_t timeout_ms) {
    int64_t until_ms = weir_consumer_until(consumer, timeout_ms);
    for (;;) {
        weir_status st = weir_consumer_pump(consumer, true);
        if (st != WEIR_OK || weir_hand_unsettled(&consumer->hand) == 0) {
            return st;
        }
        if (weir_now_ms() >= until_ms) {
            return WEIR_MORE;
        }
        st = weir_consumer_wait_on(consumer, until_ms);
        if (st != WEIR_OK) {
            return st;
        }
    }
}

/* ---- opening ---- */

/* Until the groups are there, or the first try has failed. */
static weir_status wait_set_up(weir_consumer *consumer) {
    for (;;) {
        weir_status st = weir_consumer_pump(consumer, false);
        if (st != WEIR_OK || consumer->was_set_up) {
            return st;
        }
        if (consumer->error.status != WEIR_OK) {
            return weir_consumer_end(consumer, &consumer->error);
        }
        st = weir_consumer_wait(consumer, WEIR_NO_DEADLINE);
        if (st != WEIR_OK) {
            return st;
        }
        if (weir_wake_is_set(&consumer->wake)) {
            return WEIR_END;
        }
    }
}

static weir_status open_consumer(weir_consumer *consumer, const char *url,
                                 const weir_options *connection,
                                 const weir_consumer_options *options) {
    int os_error = 0;
    weir_status st = weir_consumer_prepare(consumer, options);
    if (st != WEIR_OK) {
        return st;
    }
    st = weir_wake_open(&consumer->wake, &os_error);
    if (st != WEIR_OK) {
        weir_error error = {.status = st, .os_error = os_error};
        memcpy(error.text, "no descriptor for weir_consumer_cancel", 39);
        return weir_consumer_end(consumer, &error);
    }
    st = weir_wires_open(consumer, url, connection);
    return st == WEIR_OK && !options->non_blocking ? wait_set_up(consumer) : st;
}

weir_status weir_consumer_open(const char *url, const weir_options *connection,
                               const weir_consumer_options *options,
                               weir_consumer **consumer) {
    static const weir_options defaults = {0};
    const weir_mem *mem = connection != NULL ? &connection->mem : &defaults.mem;
    weir_consumer *made = weir_mem_resize(mem, NULL, 0, sizeof *made);
    *consumer = made;
    if (made == NULL) {
        return WEIR_ERR_NOMEM;
    }
    memset(made, 0, sizeof *made);
    made->mem = *mem;
    weir_wake_init(&made->wake);
    weir_status st = open_consumer(made, url, connection, options);
    if (st == WEIR_ERR_NOMEM) {
        weir_consumer_free(made);
        *consumer = NULL;
        return st;
    }
    if (st < 0) {
        (void)weir_consumer_end(made, &made->error);
    }
    return st;
}

weir_status weir_consumer_close(weir_consumer *consumer, int64_t timeout_ms) {
    if (consumer == NULL) {
        return WEIR_OK;
    }
    weir_status st = weir_consumer_leave(consumer, timeout_ms);
    weir_consumer_free(consumer);
    return st;
}

/* ---- small ones ---- */

void weir_consumer_cancel(weir_consumer *consumer) { weir_wake_set(&consumer->wake); }

const weir_error *weir_consumer_error(const weir_consumer *consumer) {
    static const weir_error no_memory = {.status = WEIR_ERR_NOMEM, .text = "out of memory"};
    return consumer != NULL ? &consumer->error : &no_memory;
}

weir_view weir_consumer_name(const weir_consumer *consumer) {
    return consumer->options.name;
}

weir_consumer_counts weir_consumer_count(const weir_consumer *consumer) {
    weir_consumer_counts counts = consumer->counts;
    counts.in_hand = consumer->hand.given;
    counts.unsettled = weir_hand_unsettled(&consumer->hand);
    return counts;
}
