/* Ids: what is parsed is formatted as it was, neighbours are neighbours, order is order.
 * The wire's lines are texts of ids; its words of eight bytes are ids too. No choices.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/decode.h"
#include "fuzz.h"

/* ---- texts ---- */

/* Decimal digits without leading zeros, at most 2^64-1. By hand, and not as resp/ does. */
static bool is_number(weir_view text) {
    static const char most[] = "18446744073709551615";
    size_t most_len = sizeof most - 1;
    if (text.len == 0 || text.len > most_len || (text.data[0] == '0' && text.len > 1)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.len < most_len || memcmp(text.data, most, most_len) <= 0;
}

/* "ms-seq", or "ms" if that may be. */
static bool is_id(weir_view text, bool may_be_short) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '-') {
            return is_number(weir_bytes(text.data, i)) &&
                   is_number(weir_bytes(text.data + i + 1, text.len - i - 1));
        }
    }
    return may_be_short && is_number(text);
}

static void check_text(weir_view given) {
    weir_view text = fuzz_guard(0, given);
    weir_id id = {1, 2};
    weir_status st = weir_id_parse(text, &id);
    fuzz_check((st == WEIR_OK) == is_id(text, true), "ids and no others are parsed");
    if (st != WEIR_OK) {
        fuzz_check(st == WEIR_ERR_ARG && id.ms == 1 && id.seq == 2,
                   "a text that is no id leaves the id as it was");
        return;
    }
    char out[WEIR_ID_TEXT];
    size_t len = weir_id_format(id, out);
    fuzz_check(strlen(out) == len, "a formatted id has the length that it says");
    bool has_both = memchr(text.data, '-', text.len) != NULL;
    weir_view shown = weir_bytes(out, has_both ? len : len - 2);
    fuzz_check(weir_view_equal(shown, text), "an id is formatted as it was parsed");
    fuzz_check(has_both || strcmp(out + len - 2, "-0") == 0, "an id without seq has seq 0");
    weir_id decoded;
    fuzz_check(weir_decode_id(text, &decoded) == has_both, "servers send ids in full");
    fuzz_check(!has_both || weir_id_compare(decoded, id) == 0, "ids are decoded alike");
}

/* ---- ids ---- */

static bool is_same(weir_id a, weir_id b) { return a.ms == b.ms && a.seq == b.seq; }

static void check_neighbours(weir_id id) {
    weir_id next = id;
    weir_id back = id;
    weir_status st = weir_id_next(id, &next);
    fuzz_check((st == WEIR_END) == is_same(id, WEIR_ID_MAX), "the last id has no next");
    if (st == WEIR_OK) {
        fuzz_check(weir_id_compare(id, next) < 0 && weir_id_compare(next, id) > 0,
                   "the next id is behind");
        fuzz_check(weir_id_previous(next, &back) == WEIR_OK && is_same(back, id),
                   "the next id's previous is the id");
    }
    weir_id previous = id;
    st = weir_id_previous(id, &previous);
    fuzz_check((st == WEIR_END) == is_same(id, WEIR_ID_MIN), "the first has no previous");
    if (st == WEIR_OK) {
        fuzz_check(weir_id_compare(previous, id) < 0, "the previous id is before");
        fuzz_check(weir_id_next(previous, &back) == WEIR_OK && is_same(back, id),
                   "the previous id's next is the id");
    }
}

static void check_pair(weir_id a, weir_id b) {
    int order = weir_id_compare(a, b);
    bool is_before = a.ms < b.ms || (a.ms == b.ms && a.seq < b.seq);
    fuzz_check((order < 0) == is_before, "ids are ordered by ms, then seq");
    fuzz_check((order == 0) == is_same(a, b), "only the same ids compare as equal");
    fuzz_check((weir_id_compare(b, a) > 0) == is_before, "order has two sides");
    fuzz_check(weir_id_compare(weir_id_at_ms(a.ms), a) <= 0 &&
                   weir_id_compare(weir_id_until_ms(a.ms), a) >= 0,
               "an id lies within its millisecond");
}

static void check_id(weir_id id) {
    char out[WEIR_ID_TEXT];
    weir_id back;
    size_t len = weir_id_format(id, out);
    fuzz_check(len < sizeof out && weir_id_parse(weir_bytes(out, len), &back) == WEIR_OK &&
                   is_same(back, id),
               "a formatted id parses to itself");
    check_neighbours(id);
}

int fuzz_one(const uint8_t *data, size_t len) {
    const char *bytes = (const char *)data;
    size_t from = 0;
    for (size_t at = 0; at <= len; at++) {
        if (at == len || bytes[at] == '\n') {
            check_text(weir_bytes(bytes + from, at - from));
            from = at + 1;
        }
    }
    weir_id before = {0, 0};
    for (size_t at = 0; at + sizeof before <= len; at += sizeof before) {
        weir_id id;
        memcpy(&id, data + at, sizeof id);
        check_id(id);
        check_pair(before, id);
        before = id;
    }
    return 0;
}
