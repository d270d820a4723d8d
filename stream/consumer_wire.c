/* A consumer's two connections, and what ends them or the consumer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

#include <stdio.h>

#define FLOOR_MS   50 /* of the wait after an error that passes; as weir_reconnect's */
#define CEILING_MS 5000

/* ---- what is told ---- */

void weir_consumer_note(weir_consumer *consumer, const weir_error *error) {
    if (error->status != WEIR_OK) {
        consumer->error = *error;
    }
}

void weir_consumer_trouble(weir_consumer *consumer, const weir_error *error) {
    weir_consumer_note(consumer, error);
    if (consumer->options.on_trouble != NULL) {
        consumer->options.on_trouble(consumer->options.context, error);
    }
}

weir_status weir_consumer_end(weir_consumer *consumer, const weir_error *error) {
    if (consumer->failure == WEIR_OK) {
        weir_consumer_note(consumer, error);
        consumer->failure = error->status;
    }
    return consumer->failure;
}

weir_status weir_consumer_wrong(weir_consumer *consumer, const char *why) {
    consumer->error = (weir_error){.status = WEIR_ERR_ARG};
    (void)snprintf(consumer->error.text, sizeof consumer->error.text, "%s", why);
    return WEIR_ERR_ARG;
}

/* ---- the connections ---- */

/* A server's other process knows nothing of the connections to the one before. */
static bool is_other_run(const weir_session *session) {
    bool is_told = session->run[0] != '\0' && session->last_run[0] != '\0';
    return is_told && !weir_session_is_same_run(session);
}

static void note_ready(weir_wire *wire, const weir_link_event *event) {
    bool is_over =
        event->is_fenced || !wire->was_ready || is_other_run(&wire->client->session);
    wire->may_run_late = wire->may_run_late || !is_over;
    wire->was_ready = true;
}

static void on_change(void *context, const weir_link_event *event) {
    weir_wire *wire = context;
    if (event->state == WEIR_LINK_READY) {
        note_ready(wire, event);
    }
    if (event->state == WEIR_LINK_LOST) {
        wire->is_lost = true;
        wire->consumer->counts.losses++;
        weir_consumer_trouble(wire->consumer, event->error);
    }
    if (wire->rules.on_change != NULL) {
        wire->rules.on_change(wire->rules.context, event);
    }
}

static weir_status credentials(void *context, weir_credentials *given) {
    const weir_wire *wire = context;
    return wire->rules.credentials(wire->rules.context, given);
}

static weir_status open_wire(weir_consumer *consumer, weir_wire *wire, const char *url,
                             const weir_options *connection) {
    weir_options options = *connection;
    wire->consumer = consumer;
    wire->rules = connection->reconnect;
    options.non_blocking = true;
    options.reconnect.is_on = true;
    options.reconnect.fail_fast = true;
    options.reconnect.is_fencing = true;
    options.reconnect.on_change = on_change;
    options.reconnect.credentials = wire->rules.credentials != NULL ? credentials : NULL;
    options.reconnect.context = wire;
    weir_status st = weir_open(url, &options, &wire->client);
    return st == WEIR_OK ? st
                         : weir_consumer_end(consumer, weir_client_error(wire->client));
}

weir_status weir_wires_open(weir_consumer *consumer, const char *url,
                            const weir_options *connection) {
    static const weir_options defaults = {0};
    const weir_options *first = connection != NULL ? connection : &defaults;
    const weir_options *second =
        consumer->options.second != NULL ? consumer->options.second : first;
    if (first->transport != NULL && consumer->options.second == NULL) {
        return weir_consumer_wrong(consumer, "a transport of your own is for one "
                                             "connection: give options.second its own");
    }
    weir_backoff_init(&consumer->backoff, FLOOR_MS, CEILING_MS, weir_random_number());
    weir_status st = open_wire(consumer, &consumer->reading, url, first);
    return st == WEIR_OK ? open_wire(consumer, &consumer->working, url, second) : st;
}

void weir_wires_close(weir_consumer *consumer) {
    weir_close(consumer->reading.client);
    weir_close(consumer->working.client);
    consumer->reading.client = consumer->working.client = NULL;
}

/* ---- losses ---- */

/* Nothing of what was asked on the working line is answered any more. What was being
 * rejected or released comes again as history. */
static void lose_working(weir_consumer *consumer) {
    consumer->order_count = 0;
    consumer->undeleted = 0;
    consumer->groups_asked = consumer->groups_made = 0;
    consumer->is_set_up = false;
    consumer->is_lease_open = false;
    if (consumer->leaving != WEIR_LEAVING_NOT) {
        consumer->leaving = WEIR_LEAVING_READS;
    }
    weir_claims_restart(consumer);
    weir_hand_recall(&consumer->hand);
    if (consumer->hand.done_count > 0) {
        consumer->done_since_ms = 0; /* long ago: they go out first of all */
    }
}

/* Requests of a lost connection are answered by that; nobody waits for it. False: there was
 * no memory to take them, and they are still to be passed over. */
static bool pass_over_losses(weir_client *client) {
    while (weir_unanswered(client) > 0) {
        weir_status st = weir_take_any(client);
        if (st == WEIR_ERR_NOMEM) {
            return false;
        }
        if (st == WEIR_MORE || st == WEIR_ERR_ARG) {
            return true;
        }
    }
    return true;
}

/* WEIR_MORE: for want of memory it is not done yet. */
static weir_status heed_losses(weir_consumer *consumer) {
    if (consumer->working.is_lost) {
        consumer->working.is_lost = false;
        lose_working(consumer);
        consumer->working.is_lost = !pass_over_losses(consumer->working.client);
        if (weir_client_is_ready(consumer->reading.client)) {
            (void)weir_client_reconnect(consumer->reading.client); /* sets is_lost */
        }
    }
    if (consumer->reading.is_lost) {
        consumer->reading.is_lost = false;
        weir_reads_restart(consumer);
        consumer->reading.is_lost = !pass_over_losses(consumer->reading.client);
    }
    bool is_starved = consumer->working.is_lost || consumer->reading.is_lost;
    if (is_starved) {
        consumer->hold_until_ms = weir_now_ms() + FLOOR_MS;
    }
    return is_starved ? WEIR_MORE : WEIR_OK;
}

weir_status weir_wires_step(weir_consumer *consumer) {
    weir_wire *wires[] = {&consumer->reading, &consumer->working};
    for (size_t i = 0; i < 2; i++) {
        weir_status st = weir_step(wires[i]->client);
        if (st < 0) {
            return weir_consumer_end(consumer, weir_client_error(wires[i]->client));
        }
    }
    return heed_losses(consumer);
}

/* A failure shows in the next step. */
void weir_wires_flush(weir_consumer *consumer) {
    (void)weir_flush(consumer->reading.client);
    (void)weir_flush(consumer->working.client);
}

static bool may_make_group(const weir_consumer *consumer) {
    return consumer->options.lost_group != WEIR_LOST_GROUP_STOP;
}

weir_status weir_consumer_heed(weir_consumer *consumer, const weir_client *client) {
    return weir_consumer_heed_error(consumer, weir_client_error(client));
}

weir_status weir_consumer_heed_error(weir_consumer *consumer, const weir_error *error) {
    bool is_lost = consumer->reading.is_lost || consumer->working.is_lost ||
                   weir_status_is_lost(error->status);
    if (is_lost) {
        return WEIR_MORE; /* the step heeds it */
    }
    switch (weir_remedy_for(error)) {
    case WEIR_REMEDY_AGAIN: break;
    case WEIR_REMEDY_STOP: return weir_consumer_end(consumer, error);
    case WEIR_REMEDY_GROUP:
        if (!may_make_group(consumer)) {
            return weir_consumer_end(consumer, error);
        }
        consumer->is_group_lost = true;
        break;
    }
    weir_consumer_trouble(consumer, error);
    consumer->hold_until_ms = weir_now_ms() + weir_backoff_next(&consumer->backoff);
    if (weir_client_is_ready(consumer->working.client)) {
        (void)weir_client_reconnect(consumer->working.client); /* the other one follows */
    }
    return WEIR_MORE;
}
