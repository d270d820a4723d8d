/* What a consumer has in hand.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "hand.h"

#define NOWHERE UINT32_MAX

/* ---- lists ---- */

static void list_init(weir_held_list *list) {
    list->head = list->tail = NOWHERE;
    list->count = 0;
}

static void push(weir_hand *hand, weir_held_list *list, weir_held *held) {
    uint32_t place = (uint32_t)(held - hand->places);
    held->next = NOWHERE;
    if (list->count == 0) {
        list->head = place;
    } else {
        hand->places[list->tail].next = place;
    }
    list->tail = place;
    list->count++;
}

static weir_held *pop(weir_hand *hand, weir_held_list *list) {
    if (list->count == 0) {
        return NULL;
    }
    weir_held *held = &hand->places[list->head];
    list->head = held->next;
    list->count--;
    return held;
}

/* ---- rows ---- */

/* The finalizer of splitmix64: every bit of ms, seq and stream reaches every row. */
static uint32_t *row_of(const weir_hand *hand, uint32_t stream, weir_id id) {
    uint64_t mixed = id.ms * 0x9E3779B97F4A7C15U ^ id.seq ^ ((uint64_t)stream << 48);
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return &hand->rows[(mixed ^ (mixed >> 31)) & (hand->row_count - 1)];
}

static void unlink_row(weir_hand *hand, const weir_held *held) {
    uint32_t place = (uint32_t)(held - hand->places);
    uint32_t *at = row_of(hand, held->stream, held->id);
    while (*at != place) {
        at = &hand->places[*at].next_in_row;
    }
    *at = held->next_in_row;
}

static void release(weir_hand *hand, weir_held *held) {
    unlink_row(hand, held);
    held->ticket = 0;
    held->state = WEIR_HELD_NONE;
    push(hand, &hand->spare, held);
}

/* ---- the table ---- */

static void clear(weir_hand *hand) {
    for (uint32_t i = 0; i < hand->row_count; i++) {
        hand->rows[i] = NOWHERE;
    }
    for (uint32_t i = 0; i < hand->stream_count; i++) {
        list_init(&hand->done[i]);
        hand->loose[i] = (weir_loose){.count = 0};
    }
    for (uint32_t i = 0; i < hand->capacity; i++) {
        hand->places[i] = (weir_held){.state = WEIR_HELD_NONE};
        push(hand, &hand->spare, &hand->places[i]);
    }
}

weir_status weir_hand_init(weir_hand *hand, const weir_mem *mem, uint32_t capacity,
                           uint32_t stream_count) {
    *hand = (weir_hand){.mem = mem, .capacity = capacity, .stream_count = stream_count};
    hand->row_count = 1;
    while (hand->row_count < capacity) {
        hand->row_count *= 2;
    }
    list_init(&hand->spare);
    list_init(&hand->sent);
    list_init(&hand->settled);
    hand->places = weir_mem_resize(mem, NULL, 0, capacity * sizeof *hand->places);
    hand->rows = weir_mem_resize(mem, NULL, 0, hand->row_count * sizeof *hand->rows);
    hand->done = weir_mem_resize(mem, NULL, 0, stream_count * sizeof *hand->done);
    hand->loose = weir_mem_resize(mem, NULL, 0, stream_count * sizeof *hand->loose);
    if (hand->places == NULL || hand->rows == NULL || hand->done == NULL ||
        hand->loose == NULL) {
        return WEIR_ERR_NOMEM;
    }
    clear(hand);
    return WEIR_OK;
}

void weir_hand_free(weir_hand *hand) {
    if (hand->mem == NULL) {
        return;
    }
    weir_mem_free(hand->mem, hand->places, hand->capacity * sizeof *hand->places);
    weir_mem_free(hand->mem, hand->rows, hand->row_count * sizeof *hand->rows);
    weir_mem_free(hand->mem, hand->done, hand->stream_count * sizeof *hand->done);
    weir_mem_free(hand->mem, hand->loose, hand->stream_count * sizeof *hand->loose);
    *hand = (weir_hand){0};
}

weir_held *weir_hand_find(const weir_hand *hand, uint32_t stream, weir_id id) {
    for (uint32_t place = *row_of(hand, stream, id); place != NOWHERE;) {
        weir_held *held = &hand->places[place];
        if (held->stream == stream && weir_id_compare(held->id, id) == 0) {
            return held;
        }
        place = held->next_in_row;
    }
    return NULL;
}

weir_held *weir_hand_of(const weir_hand *hand, uint64_t ticket) {
    weir_held *held = &hand->places[ticket % hand->capacity];
    return ticket != 0 && held->ticket == ticket ? held : NULL;
}

/* ---- what is loose ---- */

void weir_hand_loosen(weir_hand *hand, uint32_t stream, weir_id id) {
    weir_loose *loose = &hand->loose[stream];
    int order = loose->count > 0 ? weir_id_compare(id, loose->lowest) : -1;
    if (order < 0) {
        loose->lowest = id;
    }
    loose->count += order != 0;
}

void weir_hand_tie(weir_hand *hand, uint32_t stream) { hand->loose[stream].count = 0; }

/* It is in hand again. Which others are loose is not kept: with those the lowest stays. */
static void catch (weir_hand *hand, uint32_t stream, weir_id id) {
    weir_loose *loose = &hand->loose[stream];
    if (loose->count == 1 && weir_id_compare(id, loose->lowest) == 0) {
        loose->count = 0;
    }
}

/* ---- in and out ---- */

weir_held *weir_hand_add(weir_hand *hand, uint32_t stream, weir_id id) {
    weir_held *held = pop(hand, &hand->spare);
    if (held == NULL) {
        return NULL;
    }
    uint32_t place = (uint32_t)(held - hand->places);
    uint32_t *row = row_of(hand, stream, id);
    *held = (weir_held){.id = id,
                        .ticket = ++hand->serial * hand->capacity + place,
                        .back_at = UINT64_MAX,
                        .deliveries = -1,
                        .stream = stream,
                        .next_in_row = *row,
                        .next = NOWHERE,
                        .state = WEIR_HELD_GIVEN};
    *row = place;
    hand->given++;
    catch (hand, stream, id);
    return held;
}

/* It is counted as what it is no more. */
static void uncount(weir_hand *hand, const weir_held *held) {
    if (held->state == WEIR_HELD_GIVEN) {
        hand->given--;
    } else {
        hand->leaving--;
    }
}

void weir_hand_done(weir_hand *hand, weir_held *held) {
    uncount(hand, held);
    held->state = WEIR_HELD_DONE;
    push(hand, &hand->done[held->stream], held);
    hand->done_count++;
}

void weir_hand_leave(weir_hand *hand, weir_held *held) {
    hand->given--;
    hand->leaving++;
    held->state = WEIR_HELD_LEAVING;
}

uint32_t weir_hand_list(const weir_hand *hand, uint32_t stream, weir_id *ids,
                        uint32_t most) {
    uint32_t place = hand->done[stream].head;
    uint32_t count = 0;
    while (count < most && count < hand->done[stream].count) {
        ids[count++] = hand->places[place].id;
        place = hand->places[place].next;
    }
    return count;
}

void weir_hand_send(weir_hand *hand, uint32_t stream, uint32_t count) {
    uint32_t sent = 0;
    weir_held *held;
    while (sent < count && (held = pop(hand, &hand->done[stream])) != NULL) {
        held->state = WEIR_HELD_SENT;
        push(hand, &hand->sent, held);
        sent++;
    }
    hand->done_count -= sent;
}

static void settle(weir_hand *hand, weir_held *held, uint64_t serial) {
    if (serial == 0) {
        release(hand, held);
        return;
    }
    held->state = WEIR_HELD_SETTLED;
    held->ticket = 0;
    held->settled_at = serial;
    push(hand, &hand->settled, held);
}

void weir_hand_settle(weir_hand *hand, uint32_t count, uint64_t serial) {
    for (uint32_t i = 0; i < count && hand->sent.count > 0; i++) {
        settle(hand, pop(hand, &hand->sent), serial);
    }
}

void weir_hand_drop(weir_hand *hand, weir_held *held, uint64_t serial) {
    uncount(hand, held);
    weir_hand_loosen(hand, held->stream, held->id);
    settle(hand, held, serial);
}

void weir_hand_forget(weir_hand *hand, uint64_t serial) {
    while (hand->settled.count > 0 &&
           hand->places[hand->settled.head].settled_at < serial) {
        release(hand, pop(hand, &hand->settled));
    }
}

void weir_hand_recall(weir_hand *hand) {
    weir_hand_forget(hand, UINT64_MAX);
    while (hand->sent.count > 0) {
        weir_held *held = pop(hand, &hand->sent);
        held->state = WEIR_HELD_DONE;
        push(hand, &hand->done[held->stream], held);
        hand->done_count++;
    }
    for (uint32_t i = 0; i < hand->capacity; i++) {
        weir_held *held = &hand->places[i];
        held->lease = WEIR_LEASE_QUIET;
        if (held->state == WEIR_HELD_LEAVING) {
            weir_hand_drop(hand, held, 0);
        }
    }
}

bool weir_hand_lowest(const weir_hand *hand, uint32_t stream, weir_id *lowest) {
    bool is_any = hand->loose[stream].count > 0;
    if (is_any) {
        *lowest = hand->loose[stream].lowest;
    }
    for (uint32_t i = 0; i < hand->capacity; i++) {
        const weir_held *held = &hand->places[i];
        bool is_held = held->state != WEIR_HELD_NONE && held->state != WEIR_HELD_SETTLED;
        if (!is_held || held->stream != stream) {
            continue;
        }
        if (!is_any || weir_id_compare(held->id, *lowest) < 0) {
            *lowest = held->id;
        }
        is_any = true;
    }
    return is_any;
}
