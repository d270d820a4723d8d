/* Dead letters: what cannot be worked on goes to a stream of its own, and only then out of
 * the pending ones.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/number.h"
#include "consumer_private.h"

static bool reserve_letter(weir_consumer *consumer, size_t count) {
    if (count <= consumer->letter_capacity) {
        return true;
    }
    weir_field *fields =
        weir_mem_resize(&consumer->mem, consumer->letter,
                        consumer->letter_capacity * sizeof *fields, count * sizeof *fields);
    if (fields == NULL) {
        return false;
    }
    consumer->letter = fields;
    consumer->letter_capacity = count;
    return true;
}

weir_status weir_letters_bury(weir_consumer *consumer, const weir_entry *entry,
                              weir_held *held, const char *reason) {
    char id[WEIR_ID_TEXT];
    char times[24];
    size_t count = entry->field_count;
    uint64_t before = entry->deliveries > 0 ? (uint64_t)entry->deliveries : 0;
    if (!weir_orders_have_room(consumer, 1)) {
        return WEIR_ERR_FULL;
    }
    if (!reserve_letter(consumer, count + WEIR_DEAD_FIELDS)) {
        return WEIR_ERR_NOMEM;
    }
    weir_field *fields = consumer->letter;
    if (count > 0) {
        memcpy(fields, entry->fields, count * sizeof *fields);
    }
    weir_view id_text = weir_bytes(id, weir_id_format(entry->id, id));
    weir_view times_text = weir_bytes(times, (size_t)(weir_put_u64(times, before) - times));
    weir_view key = consumer->shares[held->stream].key;
    fields[count++] = (weir_field){weir_text("dead-stream"), key};
    fields[count++] = (weir_field){weir_text("dead-id"), id_text};
    fields[count++] = (weir_field){weir_text("dead-group"), consumer->options.group};
    fields[count++] = (weir_field){weir_text("dead-consumer"), consumer->options.name};
    fields[count++] = (weir_field){weir_text("dead-deliveries"), times_text};
    fields[count++] = weir_pair("dead-reason", reason != NULL ? reason : "");
    weir_status st = weir_append_xadd(consumer->working.client,
                                      consumer->options.dead_letters, fields, count, NULL);
    if (st == WEIR_OK) {
        weir_hand_leave(&consumer->hand, held);
        weir_orders_note(consumer, WEIR_ORDER_LETTER, held->stream, 0, held->ticket);
    }
    return st;
}

weir_status weir_consumer_reject(weir_consumer *consumer, const weir_delivery *delivery,
                                 const char *reason) {
    weir_held *held;
    weir_status st = weir_verdicts_find(consumer, delivery, &held);
    if (st != WEIR_OK) {
        return st;
    }
    if (consumer->options.dead_letters.len == 0) {
        return weir_consumer_wrong(consumer, "options.dead_letters names no stream");
    }
    st = weir_letters_bury(consumer, &delivery->entry, held, reason);
    if (weir_status_is_lost(st)) {
        weir_verdicts_let_go(consumer, held);
        return WEIR_OK;
    }
    return st;
}

/* The letter is there: only now is the entry acknowledged. One that the server refused is
 * left pending, and tried again when it is claimed. */
weir_status weir_letters_take(weir_consumer *consumer, const weir_order *order) {
    weir_held *held = weir_hand_of(&consumer->hand, order->ticket);
    weir_status st = weir_take_id(consumer->working.client, NULL);
    if (st == WEIR_OK) {
        consumer->counts.dead++;
        weir_verdicts_note_done(consumer, held);
        return st;
    }
    const weir_error *error = weir_client_error(consumer->working.client);
    bool is_refused = st == WEIR_ERR_SERVER && weir_remedy_for(error) == WEIR_REMEDY_AGAIN;
    if (is_refused) {
        weir_consumer_trouble(consumer, error);
        weir_hand_drop(&consumer->hand, held, weir_lots_serial(consumer));
        return WEIR_OK;
    }
    return st;
}
