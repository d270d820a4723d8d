/* What must hold of every call, and of what is in hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

/* ---- what is in hand ---- */

uint64_t world_add_to_sum(uint64_t sum, weir_view bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        sum = (sum ^ (unsigned char)bytes.data[i]) * UINT64_C(1099511628211); /* FNV-1a */
    }
    return sum * 31 + bytes.len;
}

uint64_t world_sum_of(const weir_entry *entry) {
    uint64_t sum = world_add_to_sum(1, entry->stream);
    for (size_t i = 0; i < entry->field_count; i++) {
        sum = world_add_to_sum(sum, entry->fields[i].name);
        sum = world_add_to_sum(sum, entry->fields[i].value);
    }
    return sum;
}

void world_check_hands(void) {
    for (size_t i = 0; i < MOST_HANDLES; i++) {
        const handle *hand = &the_world.handles[i];
        fuzz_check(!hand->has_entry || world_sum_of(&hand->entry) == hand->sum,
                   "an entry in hand stays as it is");
    }
    fuzz_check(world_add_to_sum(1, the_world.reply_bytes) == the_world.reply_sum,
               "a token in hand stays as it is");
}

void world_drop_token(void) {
    the_world.reply_bytes = weir_bytes(NULL, 0);
    the_world.reply_sum = world_add_to_sum(1, the_world.reply_bytes);
}

/* ---- outcomes ---- */

/* With FUZZ_TRACE in the environment: what each call gave. */
void world_trace(const char *what, size_t number, weir_status st) {
    static int is_wanted = -1;
    if (is_wanted < 0) {
        is_wanted = getenv("FUZZ_TRACE") != NULL;
    }
    if (is_wanted != 0) {
        const weir_session *session = &the_world.client->session;
        (void)fprintf(stderr, "%-8s %3zu %-30s %s | in %zu, first %llu, next %llu\n", what,
                      number, weir_status_text(st), st < 0 ? session->error.text : "",
                      weir_buffer_len(&session->in), (unsigned long long)session->first,
                      (unsigned long long)session->next);
    }
}

/* A client that is lasting goes on, unless it was ended for good. */
static void check_failure(weir_status st) {
    const weir_client *client = the_world.client;
    bool is_over = !the_world.is_lasting || client->link.state == WEIR_LINK_ENDED;
    fuzz_check(is_over || !weir_status_is_fatal(st),
               "who connects again is told of a loss as of one");
    fuzz_check(the_world.failure == WEIR_OK || !weir_status_is_fatal(st) ||
                   st == the_world.failure,
               "a failure stays the same");
    if (weir_status_is_fatal(st)) {
        the_world.failure = st;
    }
    if (is_over && client->session.failure != WEIR_OK) {
        the_world.failure = client->session.failure;
    }
}

/* What holds of the status of every call. */
void world_check_status(weir_status st) {
    const weir_error *error = weir_client_error(the_world.client);
    fuzz_check(weir_status_text(st)[0] != 'u' || st == WEIR_OK,
               "a status is one of those that there are");
    check_failure(st);
    fuzz_check(!the_world.is_blocking || st != WEIR_MORE, "a blocking call ends");
    fuzz_check(st >= 0 || error->status != WEIR_OK, "a failed call leaves an error");
    fuzz_check(strnlen(error->text, sizeof error->text) < sizeof error->text &&
                   strnlen(error->code, sizeof error->code) < sizeof error->code,
               "an error's texts end");
    fuzz_check(st != WEIR_ERR_NOMEM || the_world.may_lack_memory,
               "memory lacks if it is refused");
    fuzz_check(!the_world.is_honest ||
                   (st != WEIR_ERR_PROTOCOL && st != WEIR_ERR_REPLY &&
                    st != WEIR_ERR_REFUSED && st != WEIR_ERR_UNSUPPORTED),
               "an honest peer is understood");
}

/* Statuses with which an answer is taken, or cannot have been. */
bool world_is_outcome(weir_status st) {
    return st == WEIR_OK || st == WEIR_END || st == WEIR_ERR_SERVER || st == WEIR_ERR_REPLY;
}

bool world_is_loss(weir_status st) { return st == WEIR_ERR_DOWN || st == WEIR_ERR_LOST; }

void world_note_change(void *context, const weir_link_event *event) {
    (void)context;
    weir_link_state before = the_world.state;
    bool follows = false;
    switch (event->state) {
    case WEIR_LINK_CONNECTING: /* the last: it was wanted anew */
        follows = before == 0 || before == WEIR_LINK_WAITING || before == WEIR_LINK_ENDED;
        break;
    case WEIR_LINK_READY: follows = before == WEIR_LINK_CONNECTING; break;
    case WEIR_LINK_LOST:
        follows = before == WEIR_LINK_CONNECTING || before == WEIR_LINK_READY;
        break;
    case WEIR_LINK_WAITING: follows = before == WEIR_LINK_LOST; break;
    case WEIR_LINK_ENDED: follows = before == WEIR_LINK_LOST || before == WEIR_LINK_WAITING;
    }
    fuzz_check(follows, "each change follows from the one before");
    bool is_good = event->state == WEIR_LINK_CONNECTING || event->state == WEIR_LINK_READY;
    fuzz_check(is_good == (event->error == NULL), "a change for the worse has its reason");
    fuzz_check(is_good || event->error->text[0] != '\0', "and the reason is in words");
    the_world.state = event->state;
}

/* The caller's mistake, or the connection is lost. */
bool world_is_refusal(weir_status st) {
    return st == WEIR_ERR_ARG || (the_world.failure != WEIR_OK && st == the_world.failure);
}

static void check_error(size_t number, weir_status st) {
    const asked *request = &the_world.asked[number];
    bool is_error = world_has_shape(request, SHAPE_ERROR);
    fuzz_check(!world_is_outcome(st) || (st == WEIR_ERR_SERVER) == is_error,
               "an error is an error and an answer an answer");
    if (st == WEIR_ERR_SERVER) {
        char code[32];
        (void)snprintf(code, sizeof code, "E%zu", number);
        fuzz_check(strcmp(weir_client_error(the_world.client)->code, code) == 0,
                   "an error is that of its own request");
    }
}

void world_check_end(size_t number, weir_status st) {
    const weir_error *error = weir_client_error(the_world.client);
    if (!the_world.is_honest || number == 0) {
        return;
    }
    check_error(number, st);
    fuzz_check(!world_is_outcome(st) || the_world.seen[number] == 1,
               "what is answered was asked");
    bool is_told = world_is_loss(st) || (the_world.is_lasting && weir_status_is_fatal(st));
    fuzz_check(!is_told || error->may_have_run || the_world.seen[number] == 0,
               "what was surely not executed was never asked");
}

void world_check_own(bool is_own) {
    fuzz_check(!the_world.is_honest || is_own,
               "an answer is given to the request that asked");
}

void world_open_hand(handle *hand, size_t number, weir_status st) {
    hand->has_entry = false;
    hand->number = st == WEIR_OK ? number : 0;
    hand->last = 0;
    hand->has_skipped = false;
}

void world_check_pending(size_t number, weir_status st) {
    weir_pending_consumer consumer;
    if (st != WEIR_OK) {
        return;
    }
    world_check_own(the_world.pending.count == number &&
                    the_world.pending.lowest.ms == number);
    st = weir_pending_next(&the_world.pending, &consumer);
    world_check_status(st);
    world_check_own(st == WEIR_OK && consumer.count == number);
}
