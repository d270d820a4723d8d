/* The hot path of reading: one entry in the shape that servers send, decoded in one pass
 * over its bytes, mostly without branches that depend on their lengths. Whatever else it
 * is, weir_decode_entry decides; the tests and a fuzz target hold the two together.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "decode.h"

#define ONES      UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Lengths of more digits are for the general reader, which has limits: 512 MiB a string. */
#define MOST_DIGITS 8

/* In the loop over strings a call costs as much as what it does. */
#if defined(__GNUC__)
#    define HOT  static inline __attribute__((always_inline))
#    define COLD static __attribute__((noinline))
#else
#    define HOT  static inline
#    define COLD static
#endif

/* ---- words of eight bytes ---- */

/* The first byte is the lowest, on any machine. */
HOT uint64_t load_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/*
 * Reads the first `count` (1 to 8) bytes of a word as decimal digits. *fault gets a bit if
 * one of them is none. The digits move to the word's high end, zeros go in front; then
 * neighbours are added up: digits to pairs, pairs to fours, fours to eight.
 */
HOT uint64_t word_number(uint64_t word, unsigned count, uint64_t *fault) {
    unsigned shift = 64 - 8 * count;
    uint64_t digits = (word << shift) ^ ((ONES * '0') << shift);
    *fault |= ((digits + ONES * (0x7F - 9)) | digits) & HIGH_BITS;
    uint64_t pairs = digits * 10 + (digits >> 8);
    uint64_t low = (pairs & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064);
    uint64_t high =
        ((pairs >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001);
    return (low + high) >> 32;
}

/* ---- TYPE DIGITS CR LF, with care ---- */

/* Gives the byte behind the head at `at`, or NULL if it is not all there or not as it must
 * be. No leading zeros, no sign: those are for the reader to judge. */
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

/* ---- what CLAIM tells of a delivery ---- */

#define MOST_INTEGER_DIGITS 18 /* that surely fit; more are for the general reader */

typedef struct delivery {
    int64_t idle_ms;
    int64_t count;
} delivery;

/* : DIGITS CR LF, no sign: who is idle since before 1970 is for the general reader. */
static const char *read_integer(const char *at, const char *end, int64_t *number) {
    if (end - at < 4 || *at != ':') {
        return NULL;
    }
    const char *first = ++at;
    int64_t value = 0;
    while (at < end && (unsigned char)(*at - '0') <= 9) {
        if (at - first >= MOST_INTEGER_DIGITS) {
            return NULL;
        }
        value = value * 10 + (*at++ - '0');
    }
    bool has_leading_zero = *first == '0' && at - first > 1;
    if (at == first || has_leading_zero || end - at < 2 || at[0] != '\r' || at[1] != '\n') {
        return NULL;
    }
    *number = value;
    return at + 2;
}

COLD const char *read_delivery(const char *at, const char *end, delivery *told) {
    at = read_integer(at, end, &told->idle_ms);
    return at != NULL ? read_integer(at, end, &told->count) : NULL;
}

/* ---- the id ---- */

#define MS_DIGITS 13 /* of the milliseconds, from the year 2001 to 2286 */

/* "ms-seq" with 13 digits of milliseconds and up to 8 of the sequence number. `end` is that
 * of the input, so that whole words can be read. False: another form, or none. */
HOT bool read_usual_id(weir_view text, const char *end, weir_id *id) {
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

/* ---- the entry, anywhere ---- */

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

static const char *decode_anywhere(const char *at, const char *end, weir_fields *fields,
                                   weir_entry *entry, delivery *told) {
    size_t parts;
    size_t values;
    weir_view id;
    at = read_head(at, end, '*', &parts);
    bool is_entry = at != NULL && (parts == 2 || parts == 4);
    if (!is_entry || (at = read_string(at, end, &id)) == NULL) {
        return NULL;
    }
    if (!read_usual_id(id, end, &entry->id) && !weir_decode_id(id, &entry->id)) {
        return NULL;
    }
    at = read_head(at, end, '*', &values);
    if (at == NULL || values == 0 || values % 2 != 0) {
        return NULL;
    }
    entry->field_count = values / 2;
    at = read_pairs(at, end, entry->field_count, fields);
    return at != NULL && parts == 4 ? read_delivery(at, end, told) : at;
}

/* ---- the entry, with bytes to spare behind it ---- */

/*
 * Where the entry does not stand at the very end of what has come, whole words can be read,
 * and each word read between two strings holds the end of one and the head of the next:
 *
 *     ... v a l u e CR LF $ 1 2 CR LF n e x t ...
 *                   [ one word      ]
 */
#define SPARE                                                                              \
    16 /* bytes that are there behind a string, so that the next word can be read */

#define BEHIND_STRING UINT64_C(0x240A0D) /* CR LF $ */
#define BEHIND_ID     UINT64_C(0x2A0A0D) /* CR LF * */
#define LINE_END      UINT64_C(0x0A0D)

HOT unsigned byte_of(uint64_t word, unsigned index) {
    return (unsigned)(word >> (8 * index)) & 0xFF;
}

/* 1 for a number that is no digit, one below zero included; without a branch. */
HOT unsigned is_above_9(unsigned number) { return (number | (9U - number)) >> 31; }

/* The digits and CR LF at `at`, where SPARE - 3 bytes can be read: three digits to six. */
COLD const char *three_to_six(const char *at, size_t *number) {
    uint64_t word = load_word(at);
    uint64_t no_cr = word ^ (ONES * '\r');
    uint64_t cr = (no_cr - ONES) & ~no_cr & HIGH_BITS; /* the lowest bit set is exact */
    unsigned digits = cr != 0 ? (unsigned)__builtin_ctzll(cr) / 8 : 0;
    if (digits < 3 || digits > 6 || byte_of(word, digits + 1) != '\n' || *at == '0') {
        return NULL;
    }
    uint64_t fault = 0;
    *number = (size_t)word_number(word, digits, &fault);
    return fault == 0 ? at + digits + 2 : NULL;
}

/* The head behind the CR LF at `at`: `behind` is that and the type byte. One digit or two,
 * without a branch between them; then three to six. NULL: not as it must be. */
HOT const char *head_behind(const char *at, uint64_t behind, size_t *number) {
    uint64_t word = load_word(at);
    unsigned first = (unsigned)(unsigned char)at[3] - '0';
    unsigned second = (unsigned)(unsigned char)at[4] - '0';
    unsigned has_two = at[4] != '\r';
    uint64_t line_end = (word >> (32 + 8 * has_two)) & 0xFFFF;
    unsigned is_no_digit =
        is_above_9(first) | (has_two & (is_above_9(second) | (first == 0)));
    if ((((word & 0xFFFFFF) ^ behind) | (line_end ^ LINE_END) | is_no_digit) != 0) {
        return (word & 0xFFFFFF) == behind ? three_to_six(at + 3, number) : NULL;
    }
    *number = first + ((first * 9 + second) & (0U - has_two));
    return at + 6 + has_two;
}

/* The string behind the CR LF at `at`, where SPARE bytes can be read. Gives the byte behind
 * its last one, where as many can be read, or NULL. */
HOT const char *string_behind(const char *at, const char *end, weir_view *bytes) {
    size_t len;
    at = head_behind(at, BEHIND_STRING, &len);
    if (at == NULL || (size_t)(end - at) < len + SPARE) {
        return NULL;
    }
    *bytes = weir_bytes(at, len);
    return at + len;
}

#define ID_ROOM 64 /* the longest id, its heads, and what is read ahead */

/* $ LEN CR LF ID, ID_ROOM bytes being there. Gives the byte behind the id, or NULL. */
HOT const char *spared_id(const char *at, const char *end, weir_id *id) {
    uint64_t word = load_word(at);
    unsigned first = byte_of(word, 1) - '0';
    unsigned second = byte_of(word, 2) - '0';
    bool is_head = byte_of(word, 0) == '$' && first <= 3 && second <= 9 &&
                   ((word >> 24) & 0xFFFF) == LINE_END;
    weir_view text = weir_bytes(at + 5, first * 10 + second);
    return is_head && read_usual_id(text, end, id) ? text.data + text.len : NULL;
}

/* Gives the byte behind the entry at `at`, or NULL if it has another form or too few bytes
 * stand behind it. */
static const char *decode_spared(const char *at, const char *end, weir_fields *fields,
                                 weir_entry *entry, delivery *told) {
    size_t values;
    bool has_room = end - at >= ID_ROOM;
    bool is_plain = has_room && memcmp(at, "*2\r\n", 4) == 0;
    bool is_claimed = has_room && !is_plain && memcmp(at, "*4\r\n", 4) == 0;
    if ((!is_plain && !is_claimed) || (at = spared_id(at + 4, end, &entry->id)) == NULL ||
        (at = head_behind(at, BEHIND_ID, &values)) == NULL) {
        return NULL;
    }
    /* A field takes 12 bytes or more: memory grows with what is there. */
    size_t count = values / 2;
    bool is_there = (size_t)(end - at) >= SPARE && count <= (size_t)(end - at) / 12;
    if (count == 0 || values % 2 != 0 || !is_there ||
        weir_fields_reserve(fields, count) != WEIR_OK) {
        return NULL;
    }
    at -= 2; /* the count's CR LF stands where that of a string would */
    for (weir_field *field = fields->list; field < fields->list + count; field++) {
        at = string_behind(at, end, &field->name);
        if (at == NULL || (at = string_behind(at, end, &field->value)) == NULL) {
            return NULL;
        }
    }
    entry->field_count = count;
    if (at[0] != '\r' || at[1] != '\n') {
        return NULL;
    }
    return is_plain ? at + 2 : read_delivery(at + 2, end, told);
}

weir_status weir_decode_usual_entry(weir_view input, weir_fields *fields, weir_entry *entry,
                                    size_t *used) {
    if (input.len == 0) {
        return WEIR_MORE;
    }
    delivery told = {-1, -1};
    const char *end = input.data + input.len;
    const char *at = decode_spared(input.data, end, fields, entry, &told);
    if (at == NULL &&
        (at = decode_anywhere(input.data, end, fields, entry, &told)) == NULL) {
        return WEIR_MORE;
    }
    entry->fields = fields->list;
    entry->state = WEIR_ENTRY_WHOLE;
    entry->idle_ms = told.idle_ms;
    entry->deliveries = told.count;
    *used = (size_t)(at - input.data);
    return WEIR_OK;
}

size_t weir_decode_usual_ids(weir_view input, weir_id *ids, size_t most, size_t *used) {
    const char *at = input.data;
    const char *end = at + input.len;
    size_t count = 0;
    while (count < most && (size_t)(end - at) >= ID_ROOM) {
        const char *behind = spared_id(at, end, &ids[count]);
        if (behind == NULL || behind[0] != '\r' || behind[1] != '\n') {
            break;
        }
        at = behind + 2;
        count++;
    }
    *used = (size_t)(at - input.data);
    return count;
}
