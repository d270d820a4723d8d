/* What the codec's scenarios decode and encode: random, and the same in each run.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "codec.h"

#include "need.h"
#include "payload.h"
#include "side.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_MS    UINT64_C(1700000000000)
#define LEAST_NAME  2 /* bytes of a field's name */
#define MOST_NAME   11
#define MOST_VALUE  400
#define ID_TEXT     48
#define A_FEW_IN_MS 3 /* entries of one millisecond */

struct random {
    uint64_t state;
};

/* Knuth's generator (MMIX); the high bits are the good ones. */
static uint32_t next_random(struct random *random) {
    random->state =
        random->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random->state >> 32);
}

static size_t between(struct random *random, size_t least, size_t most) {
    return least + next_random(random) % (most - least + 1);
}

static void add_string(struct codec_data *data, const char *bytes, size_t len) {
    encode_part(&data->bytes, bytes, len);
    data->elements++;
    data->sum += codec_visit(bytes, len);
}

static void add_random(struct codec_data *data, struct random *random, size_t len,
                       bool is_name) {
    unsigned char bytes[MOST_VALUE] = {0};
    for (size_t i = 0; i < len; i++) {
        uint32_t number = next_random(random);
        bytes[i] = (unsigned char)(is_name ? 'a' + number % 26 : number & 0xFF);
    }
    add_string(data, (const char *)bytes, len);
}

/* The id of entry i. */
static void add_id(struct codec_data *data, size_t i) {
    char text[ID_TEXT];
    uint64_t ms = FIRST_MS + i / A_FEW_IN_MS;
    uint64_t seq = i % A_FEW_IN_MS;
    int len = snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)ms,
                       (unsigned long long)seq);
    encode_part(&data->bytes, text, (size_t)len);
    data->elements++;
    data->sum += ms + seq;
}

static void make_range(const struct codec_scenario *scenario, struct codec_data *data) {
    struct random random = {.state = 1};
    encode_head(&data->bytes, CODEC_ENTRIES);
    for (size_t i = 0; i < CODEC_ENTRIES; i++) {
        size_t fields =
            between(&random, scenario->shape->least_fields, scenario->shape->most_fields);
        encode_head(&data->bytes, 2);
        add_id(data, i);
        encode_head(&data->bytes, 2 * fields);
        data->elements += 2;
        for (size_t field = 0; field < fields; field++) {
            add_random(data, &random, between(&random, LEAST_NAME, MOST_NAME), true);
            add_random(
                data, &random,
                between(&random, scenario->shape->least_value, scenario->shape->most_value),
                false);
        }
    }
}

static void make_ids(struct codec_data *data) {
    for (size_t i = 0; i < CODEC_ENTRIES; i++) {
        add_id(data, i);
    }
}

/* Command i has the values of entry i % BENCH_BLOCK. */
static void make_commands(const struct codec_scenario *scenario, struct codec_data *data) {
    data->field_count = scenario->shape->least_fields;
    data->value_bytes = scenario->shape->least_value;
    data->values = payload_make(BENCH_BLOCK, data->field_count, data->value_bytes);
    for (size_t i = 0; i < CODEC_ENTRIES; i++) {
        const char *value =
            data->values + i % BENCH_BLOCK * data->field_count * data->value_bytes;
        encode_head(&data->bytes, 3 + 2 * data->field_count);
        encode_text(&data->bytes, "XADD");
        encode_text(&data->bytes, BENCH_KEY);
        encode_text(&data->bytes, "*");
        for (size_t field = 0; field < data->field_count; field++) {
            encode_text(&data->bytes, payload_names[field]);
            encode_part(&data->bytes, value, data->value_bytes);
            value += data->value_bytes;
        }
    }
    data->elements = CODEC_ENTRIES;
    data->sum = data->bytes.len;
}

void codec_data_make(const struct codec_scenario *scenario, struct codec_data *data) {
    *data = (struct codec_data){.entries = CODEC_ENTRIES};
    switch (scenario->task) {
    case CODEC_DECODE_RANGE: make_range(scenario, data); break;
    case CODEC_DECODE_IDS: make_ids(data); break;
    case CODEC_ENCODE_XADD: make_commands(scenario, data); break;
    }
}

void codec_data_free(struct codec_data *data) {
    free(data->bytes.data);
    free(data->values);
}
