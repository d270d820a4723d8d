/* What XPENDING tells of pending entries, one by one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "pending_facts.h"

#include "../resp/number.h"
#include "decode.h"

#define NUMBER_BYTES 24

static weir_view number_text(uint64_t number, char *out) {
    return weir_bytes(out, (size_t)(weir_put_u64(out, number) - out));
}

weir_status weir_pending_ask_now(weir_client *client, const weir_pending_ask *ask) {
    char idle[NUMBER_BYTES];
    char count[NUMBER_BYTES];
    char start[WEIR_ID_TEXT];
    weir_view words[9];
    size_t used = 0;
    words[used++] = weir_text("XPENDING");
    words[used++] = ask->key;
    words[used++] = ask->group;
    if (ask->idle_ms > 0) {
        words[used++] = weir_text("IDLE");
        words[used++] = number_text(ask->idle_ms, idle);
    }
    words[used++] = weir_bytes(start, weir_id_format(ask->start, start));
    words[used++] = weir_text("+");
    words[used++] = number_text(ask->count, count);
    if (ask->consumer.len > 0) {
        words[used++] = ask->consumer;
    }
    return weir_append_command(client, words, used);
}

weir_status weir_pending_take(weir_client *client, weir_pending_facts *facts) {
    weir_token head;
    weir_status st = weir_take_reply(client, &facts->reply);
    if (st != WEIR_OK) {
        return st;
    }
    facts->is_open = true;
    facts->has_fact = false;
    st = weir_reply_next(&facts->reply, &head);
    if (st != WEIR_OK || head.type != WEIR_TOKEN_ARRAY) {
        weir_pending_drop(facts);
    }
    return WEIR_OK;
}

static bool next_is(weir_reply *reply, weir_token_type type, weir_token *token) {
    return weir_reply_next(reply, token) == WEIR_OK && token->type == type;
}

weir_status weir_pending_step(weir_pending_facts *facts, weir_pending_fact *fact) {
    weir_token token;
    if (!facts->is_open || weir_reply_next(&facts->reply, &token) != WEIR_OK) {
        return WEIR_END;
    }
    bool is_row = token.type == WEIR_TOKEN_ARRAY && token.number == 4 &&
                  next_is(&facts->reply, WEIR_TOKEN_BULK, &token) &&
                  weir_decode_id(token.bytes, &fact->id) &&
                  next_is(&facts->reply, WEIR_TOKEN_BULK, &token);
    fact->owner = token.bytes;
    is_row = is_row && next_is(&facts->reply, WEIR_TOKEN_INTEGER, &token);
    fact->idle_ms = token.number;
    is_row = is_row && next_is(&facts->reply, WEIR_TOKEN_INTEGER, &token);
    fact->deliveries = token.number;
    if (!is_row) {
        weir_pending_drop(facts);
        return WEIR_ERR_REPLY;
    }
    return WEIR_OK;
}

bool weir_pending_find(weir_pending_facts *facts, weir_id id, weir_pending_fact *fact) {
    while (!facts->has_fact || weir_id_compare(facts->fact.id, id) < 0) {
        facts->has_fact = weir_pending_step(facts, &facts->fact) == WEIR_OK;
        if (!facts->has_fact) {
            return false;
        }
    }
    *fact = facts->fact;
    return weir_id_compare(facts->fact.id, id) == 0;
}

void weir_pending_drop(weir_pending_facts *facts) {
    if (facts->is_open) {
        weir_reply_close(&facts->reply);
    }
    facts->is_open = false;
    facts->has_fact = false;
}
