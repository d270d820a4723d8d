/* The hot path of reading: one entry in the shape that servers send, decoded in one pass
 * over its bytes, mostly without branches that depend on their lengths. Whatever else it
 * is, weir_decode_entry decides; the tests and a fuzz target hold the two together.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "decode.h"

#define LEAST_AHEAD 8 /* bytes that a word is read from at once */
#define ONES        UINT64_C(0x0101010101010101)
#define HIGH_BITS   UINT64_C(0x8080808080808080)

/* Lengths of more digits are for the general reader, which has limits: 512 MiB a string. */
#define MOST_DIGITS 8

/* ---- words of eight bytes ---- */

/* The first byte is the lowest, on any machine; compilers make one load of it. */
static inline uint64_t load_word(const char *at) {
    const unsigned char *byte = (const unsigned char *)at;
    return (uint64_t)byte[0] | (uint64_t)byte[1] << 8 | (uint64_t)byte[2] << 16 |
           (uint64_t)byte[3] << 24 | (uint64_t)byte[4] << 32 | (uint64_t)byte[5] << 40 |
           (uint64_t)byte[6] << 48 | (uint64_t)byte[7] << 56;
}

/*
 * Reads the first `count` (1 to 8) bytes of a word as decimal digits. *fault gets a bit if
 * one of them is none. The digits move to the word's high end, zeros go in front; then
 * neighbours are added up: digits to pairs, pairs to fours, fours to eight.
 */
static inline uint64_t word_number(uint64_t word, unsigned count, uint64_t *fault) {
    unsigned shift = 64 - 8 * count;
    uint64_t digits = (word << shift) ^ ((ONES * '0') << shift);
    *fault |= ((digits + ONES * (0x7F - 9)) | digits) & HIGH_BITS;
    uint64_t pairs = digits * 10 + (digits >> 8);
    uint64_t low = (pairs & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064);
    uint64_t high =
        ((pairs >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001);
    return (low + high) >> 32;
}

/* ---- TYPE DIGITS CR LF ---- */

/* Gives the byte behind the head at `at`, or NULL if it is not all there or not as it must
 * be. No leading zeros, no sign: those are for the reader to judge. */
static const char *read_long_head(const char *at, const char *end, char type,
                                  size_t *number) {
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

/* The same; one or two digits, the usual case, without a branch between the two. */
static inline const char *read_head(const char *at, const char *end, char type,
                                    size_t *number) {
    if (end - at < LEAST_AHEAD) {
        return read_long_head(at, end, type, number);
    }
    const unsigned char *byte = (const unsigned char *)at;
    unsigned first = byte[1] - (unsigned)'0';
    unsigned second = byte[2] - (unsigned)'0';
    unsigned has_two = byte[2] != '\r';
    unsigned is_wrong = (unsigned)(byte[0] != (unsigned char)type) | (unsigned)(first > 9) |
                        (has_two & ((unsigned)(second > 9) | (unsigned)(first == 0)));
    if ((is_wrong | (unsigned)(byte[2 + has_two] != '\r') |
         (unsigned)(byte[3 + has_two] != '\n')) != 0) {
        return read_long_head(at, end, type, number);
    }
    *number = first + ((first * 9 + second) & (0U - has_two));
    return at + 4 + has_two;
}

static inline const char *read_string(const char *at, const char *end, weir_view *bytes) {
    size_t len;
    at = read_head(at, end, '$', &len);
    if (at == NULL || (size_t)(end - at) < len + 2) {
        return NULL;
    }
    *bytes = weir_bytes(at, len);
    at += len;
    return at[0] == '\r' && at[1] == '\n' ? at + 2 : NULL;
}

/* ---- the id ---- */

#define MS_DIGITS 13 /* of the milliseconds, from the year 2001 to 2286 */

/* "ms-seq" with 13 digits of milliseconds and up to 8 of the sequence number. `end` is that
 * of the input, so that whole words can be read. False: another form, or none. */
static inline bool read_usual_id(weir_view text, const char *end, weir_id *id) {
    const char *at = text.data;
    const char *seq = at + MS_DIGITS + 1;
    size_t seq_digits = text.len - (MS_DIGITS + 1);
    if (text.len < MS_DIGITS + 2 || seq_digits > 8 || end - seq < 8) {
        return false;
    }
    uint64_t fault = 0;
    uint64_t ms = word_number(load_word(at), 8, &fault) * 100000 +
                  word_number(load_word(at + 8), MS_DIGITS - 8, &fault);
    uint64_t number = word_number(load_word(seq), (unsigned)seq_digits, &fault);
    bool has_leading_zero = *at == '0' || (*seq == '0' && seq_digits > 1);
    if (fault != 0 || at[MS_DIGITS] != '-' || has_leading_zero) {
        return false;
    }
    id->ms = ms;
    id->seq = number;
    return true;
}

/* ---- the entry ---- */

static const char *read_pairs(const char *at, const char *end, size_t count,
                              weir_fields *fields) {
    for (size_t i = 0; i < count; i++) {
        if (weir_fields_reserve(fields, i + 1) != WEIR_OK) {
            return NULL;
        }
        weir_field *field = &fields->list[i];
        at = read_string(at, end, &field->name);
        if (at == NULL || (at = read_string(at, end, &field->value)) == NULL) {
            return NULL;
        }
    }
    return at;
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
    if (at == NULL || parts != 2 || (at = read_string(at, end, &id)) == NULL) {
        return WEIR_MORE;
    }
    if (!read_usual_id(id, end, &entry->id) && !weir_decode_id(id, &entry->id)) {
        return WEIR_MORE;
    }
    at = read_head(at, end, '*', &values);
    if (at == NULL || values == 0 || values % 2 != 0 ||
        (at = read_pairs(at, end, values / 2, fields)) == NULL) {
        return WEIR_MORE;
    }
    entry->fields = fields->list;
    entry->field_count = values / 2;
    entry->state = WEIR_ENTRY_WHOLE;
    entry->idle_ms = -1;
    entry->deliveries = -1;
    *used = (size_t)(at - input.data);
    return WEIR_OK;
}
