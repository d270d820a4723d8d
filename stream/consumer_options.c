/* A consumer's options: checked, completed, copied; and its memory.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "consumer_private.h"

#define DEFAULT_COUNT     100
#define DEFAULT_IN_HAND   1024
#define MOST_IN_HAND      ((size_t)1 << 20)
#define DEFAULT_BLOCK_MS  5000
#define MOST_BLOCK_MS     3600000
#define DEFAULT_IDLE_MS   60000
#define MOST_IDLE_MS      ((int64_t)365 * 24 * 3600 * 1000)
#define MOST_INTERVAL_MS  10000 /* by default */
#define DEFAULT_ACKS      100
#define MOST_ACKS         ((size_t)1 << 16)
#define DEFAULT_LINGER_MS 1000
#define PARTS_OF_IDLE     4 /* looks for idle entries within claim_idle_ms */

/* ---- checks ---- */

static const char *streams_wrong(const weir_consumer_options *options) {
    if (options->stream_count == 0 || options->stream_count > WEIR_STREAMS_MOST) {
        return "options.stream_count is 1 to 64";
    }
    for (size_t i = 0; i < options->stream_count; i++) {
        if (options->streams[i].len == 0) {
            return "a key in options.streams is empty";
        }
        for (size_t k = 0; k < i; k++) {
            if (weir_view_equal(options->streams[i], options->streams[k])) {
                return "a key is in options.streams twice";
            }
        }
    }
    return NULL;
}

static const char *times_wrong(const weir_consumer_options *options) {
    if (options->block_ms < 0 || options->block_ms > MOST_BLOCK_MS) {
        return "options.block_ms is at most an hour";
    }
    bool is_off = options->claim_idle_ms == WEIR_FOREVER;
    if (!is_off && (options->claim_idle_ms < 0 || options->claim_idle_ms > MOST_IDLE_MS)) {
        return "options.claim_idle_ms is WEIR_FOREVER or at most a year";
    }
    if (options->claim_interval_ms < 0 || options->claim_interval_ms > MOST_IDLE_MS) {
        return "options.claim_interval_ms is at most a year";
    }
    if (options->ack_linger_ms < 0 || options->ack_linger_ms > MOST_BLOCK_MS) {
        return "options.ack_linger_ms is at most an hour";
    }
    return NULL;
}

static const char *sizes_wrong(const weir_consumer_options *options) {
    size_t count = options->count != 0 ? options->count : 1;
    if (options->in_hand > MOST_IN_HAND || count > MOST_IN_HAND) {
        return "options.in_hand and count are at most 2^20";
    }
    if (options->in_hand != 0 && options->in_hand < options->count) {
        return "options.in_hand is at least options.count";
    }
    return options->ack_count > MOST_ACKS ? "options.ack_count is at most 65536" : NULL;
}

static const char *options_wrong(const weir_consumer_options *options) {
    if (options->group.len == 0) {
        return "options.group is empty";
    }
    if (options->start == WEIR_START_UNSAID) {
        return "options.start must say where a new group begins";
    }
    if (options->max_deliveries > 0 && options->dead_letters.len == 0) {
        return "options.max_deliveries needs options.dead_letters";
    }
    if (options->max_deliveries > INT64_MAX) {
        return "options.max_deliveries is at most 2^63-1";
    }
    const char *wrong = streams_wrong(options);
    wrong = wrong != NULL ? wrong : times_wrong(options);
    return wrong != NULL ? wrong : sizes_wrong(options);
}

/* ---- defaults ---- */

static void fill_in(weir_consumer_options *own) {
    own->count = own->count != 0 ? own->count : DEFAULT_COUNT;
    size_t in_hand = own->count > DEFAULT_IN_HAND ? own->count : DEFAULT_IN_HAND;
    own->in_hand = own->in_hand != 0 ? own->in_hand : in_hand;
    own->block_ms = own->block_ms != 0 ? own->block_ms : DEFAULT_BLOCK_MS;
    own->claim_idle_ms = own->claim_idle_ms != 0 ? own->claim_idle_ms : DEFAULT_IDLE_MS;
    if (own->claim_interval_ms == 0) {
        int64_t part_ms = own->claim_idle_ms / PARTS_OF_IDLE + 1;
        own->claim_interval_ms = part_ms < MOST_INTERVAL_MS ? part_ms : MOST_INTERVAL_MS;
    }
    own->ack_count = own->ack_count != 0 ? own->ack_count : DEFAULT_ACKS;
    own->ack_linger_ms = own->ack_linger_ms != 0 ? own->ack_linger_ms : DEFAULT_LINGER_MS;
}

/* ---- memory ---- */

static weir_view copy_text(char **at, weir_view text) {
    weir_view copy = weir_bytes(*at, text.len);
    if (text.len > 0) {
        memcpy(*at, text.data, text.len);
    }
    *at += text.len;
    return copy;
}

static void copy_texts(weir_consumer *consumer) {
    weir_consumer_options *own = &consumer->options;
    char *at = consumer->texts;
    for (uint32_t i = 0; i < consumer->share_count; i++) {
        consumer->shares[i] = (weir_share){.key = copy_text(&at, own->streams[i])};
        consumer->sources[i] = weir_source_new(consumer->shares[i].key);
    }
    own->streams = NULL; /* it was the caller's: shares have them */
    own->group = copy_text(&at, own->group);
    own->dead_letters = copy_text(&at, own->dead_letters);
    own->name = copy_text(&at, own->name);
}

static bool allocate(weir_consumer *consumer) {
    const weir_mem *mem = &consumer->mem;
    const weir_consumer_options *own = &consumer->options;
    size_t len = own->group.len + own->dead_letters.len + own->name.len;
    for (uint32_t i = 0; i < consumer->share_count; i++) {
        len += own->streams[i].len;
    }
    consumer->texts_len = len;
    consumer->texts = weir_mem_resize(mem, NULL, 0, len);
    consumer->shares =
        weir_mem_resize(mem, NULL, 0, consumer->share_count * sizeof(weir_share));
    consumer->sources =
        weir_mem_resize(mem, NULL, 0, consumer->share_count * sizeof(weir_source));
    consumer->ids = weir_mem_resize(mem, NULL, 0, own->ack_count * sizeof(weir_id));
    consumer->order_capacity = (uint32_t)own->in_hand + WEIR_ORDERS_MORE;
    consumer->orders =
        weir_mem_resize(mem, NULL, 0, consumer->order_capacity * sizeof(weir_order));
    bool needs_deletions = own->delete_done;
    if (needs_deletions) {
        consumer->deletions =
            weir_mem_resize(mem, NULL, 0, own->ack_count * sizeof(weir_deletion));
    }
    return consumer->texts != NULL && consumer->shares != NULL &&
           consumer->sources != NULL && consumer->ids != NULL && consumer->orders != NULL &&
           (!needs_deletions || consumer->deletions != NULL) &&
           weir_hand_init(&consumer->hand, mem, (uint32_t)own->in_hand,
                          consumer->share_count) == WEIR_OK;
}

weir_status weir_consumer_prepare(weir_consumer *consumer,
                                  const weir_consumer_options *options) {
    const char *wrong = options_wrong(options);
    if (wrong != NULL) {
        return weir_consumer_wrong(consumer, wrong);
    }
    consumer->options = *options;
    fill_in(&consumer->options);
    consumer->share_count = (uint32_t)options->stream_count;
    consumer->is_history_due = true;
    if (options->name.len == 0) {
        weir_make_name(consumer->made_name);
        consumer->is_name_made = true;
        consumer->options.name = weir_text(consumer->made_name);
    }
    if (!allocate(consumer)) {
        return WEIR_ERR_NOMEM;
    }
    copy_texts(consumer);
    return WEIR_OK;
}

void weir_consumer_free(weir_consumer *consumer) {
    weir_mem mem = consumer->mem;
    size_t count = consumer->share_count;
    size_t acks = consumer->options.ack_count;
    if (consumer->reading.client != NULL && consumer->working.client != NULL) {
        weir_give_release(consumer);
    }
    weir_wires_close(consumer);
    weir_wake_close(&consumer->wake);
    weir_hand_free(&consumer->hand);
    weir_mem_free(&mem, consumer->texts, consumer->texts_len);
    weir_mem_free(&mem, consumer->shares, count * sizeof(weir_share));
    weir_mem_free(&mem, consumer->sources, count * sizeof(weir_source));
    weir_mem_free(&mem, consumer->ids, acks * sizeof(weir_id));
    weir_mem_free(&mem, consumer->orders, consumer->order_capacity * sizeof(weir_order));
    weir_mem_free(&mem, consumer->deletions, acks * sizeof(weir_deletion));
    weir_mem_free(&mem, consumer->fields, consumer->field_capacity * sizeof(weir_field));
    weir_mem_free(&mem, consumer->pins, consumer->pin_capacity * sizeof(weir_block *));
    weir_mem_free(&mem, consumer->letter, consumer->letter_capacity * sizeof(weir_field));
    weir_mem_free(&mem, consumer, sizeof *consumer);
}
