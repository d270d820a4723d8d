/* The hot path of reading: one entry in the shape that servers send, decoded in one pass
 * over its bytes. Whatever else it is, weir_decode_entry decides; a fuzz target and the
 * tests hold the two together.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "decode.h"

/* Lengths up to here are taken by the hot path; longer ones by the general reader. */
#define MOST_DIGITS 9

/* Reads TYPE DIGITS CR LF at `at`; gives the byte behind, or NULL if it is not all there or
 * is not as it must be. No leading zeros, no sign: those are for the reader to judge. */
static const char *read_head(const char *at, const char *end, char type, size_t *number) {
    if (end - at < 4 || *at != type) {
        return NULL;
    }
    at++;
    size_t value = (size_t)(unsigned char)*at - '0';
    if (value > 9) {
        return NULL;
    }
    const char *first = at++;
    while (at < end && (unsigned char)(*at - '0') <= 9) {
        if (value == 0 || at - first >= MOST_DIGITS) {
            return NULL;
        }
        value = value * 10 + (size_t)(*at++ - '0');
    }
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n') {
        return NULL;
    }
    *number = value;
    return at + 2;
}

static const char *read_string(const char *at, const char *end, weir_view *bytes) {
    size_t len;
    at = read_head(at, end, '$', &len);
    if (at == NULL || (size_t)(end - at) < len + 2) {
        return NULL;
    }
    *bytes = weir_bytes(at, len);
    at += len;
    return at[0] == '\r' && at[1] == '\n' ? at + 2 : NULL;
}

weir_status weir_decode_usual_entry(weir_view input, weir_fields *fields, weir_entry *entry,
                                    size_t *used) {
    if (input.len == 0) {
        return WEIR_MORE;
    }
    const char *at = input.data;
    const char *end = input.data + input.len;
    size_t parts;
    size_t values;
    weir_view id;
    at = read_head(at, end, '*', &parts);
    if (at == NULL || parts != 2 || (at = read_string(at, end, &id)) == NULL ||
        !weir_decode_id(id, &entry->id) ||
        (at = read_head(at, end, '*', &values)) == NULL || values == 0 || values % 2 != 0) {
        return WEIR_MORE;
    }
    for (size_t i = 0; i < values / 2; i++) {
        weir_field field;
        at = read_string(at, end, &field.name);
        if (at == NULL || (at = read_string(at, end, &field.value)) == NULL ||
            weir_fields_reserve(fields, i + 1) != WEIR_OK) {
            return WEIR_MORE;
        }
        fields->list[i] = field;
    }
    entry->stream = weir_bytes(NULL, 0);
    entry->fields = fields->list;
    entry->field_count = values / 2;
    entry->state = WEIR_ENTRY_WHOLE;
    entry->idle_ms = -1;
    entry->deliveries = -1;
    *used = (size_t)(at - input.data);
    return WEIR_OK;
}
