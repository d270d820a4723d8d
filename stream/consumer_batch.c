/* A batch of entries whose views are all good at once: the blocks of memory that they lie
 * in are held, and so are their lists of fields, which an iterator has for one entry only.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

void weir_batch_release(weir_consumer *consumer) {
    for (size_t i = 0; i < consumer->pin_count; i++) {
        weir_buffer_unpin(&consumer->pinned_of->session.in, consumer->pins[i]);
    }
    consumer->pin_count = 0;
}

static bool reserve_fields(weir_consumer *consumer, size_t count) {
    if (count <= consumer->field_capacity) {
        return true;
    }
    size_t wanted =
        count > consumer->field_capacity * 2 ? count : consumer->field_capacity * 2;
    weir_field *fields =
        weir_mem_resize(&consumer->mem, consumer->fields,
                        consumer->field_capacity * sizeof *fields, wanted * sizeof *fields);
    if (fields == NULL) {
        return false;
    }
    consumer->fields = fields;
    consumer->field_capacity = wanted;
    return true;
}

static bool reserve_pin(weir_consumer *consumer) {
    if (consumer->pin_count < consumer->pin_capacity) {
        return true;
    }
    size_t wanted = consumer->pin_capacity * 2 + 4;
    weir_block **pins = weir_mem_resize(&consumer->mem, consumer->pins,
                                        consumer->pin_capacity * sizeof(weir_block *),
                                        wanted * sizeof(weir_block *));
    if (pins == NULL) {
        return false;
    }
    consumer->pins = pins;
    consumer->pin_capacity = wanted;
    return true;
}

/* The views of the entry just given stay although the iterator goes on. */
static bool hold_views(weir_consumer *consumer, const weir_lot *page) {
    weir_session *session = &page->client->session;
    const weir_slot *slot =
        weir_session_slot(session, page->entries.slot, page->entries.serial);
    weir_block *block = slot != NULL ? slot->pinned : NULL;
    bool is_held = block == NULL || (consumer->pin_count > 0 &&
                                     consumer->pins[consumer->pin_count - 1] == block);
    if (is_held) {
        return true;
    }
    if (!reserve_pin(consumer)) {
        return false;
    }
    block->holders++;
    consumer->pins[consumer->pin_count++] = block;
    consumer->pinned_of = page->client;
    return true;
}

bool weir_batch_hold(weir_consumer *consumer, const weir_lot *page, const weir_entry *entry,
                     size_t used) {
    if (!reserve_fields(consumer, used + entry->field_count) ||
        !hold_views(consumer, page)) {
        return false;
    }
    memcpy(consumer->fields + used, entry->fields,
           entry->field_count * sizeof *entry->fields);
    return true;
}

/* The list of fields may have moved while it grew. */
void weir_batch_set_fields(weir_consumer *consumer, weir_delivery *list, size_t count) {
    const weir_field *at = consumer->fields;
    for (size_t i = 0; i < count; i++) {
        list[i].entry.fields = at;
        at += list[i].entry.field_count;
    }
}
