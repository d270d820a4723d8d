/* One entry, decoded two ways: the hot path against the general one, and both against an
 * encoder. The hot path takes exactly what the encoder writes; all else is the general
 * one's to judge.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/command.h"
#include "../stream/decode.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- both ways at once ---- */

struct decoder {
    struct support_mem counts;
    weir_mem mem;
    weir_fields fields;
};

static void start_decoder(struct decoder *decoder, size_t allowed) {
    memset(decoder, 0, sizeof *decoder);
    decoder->counts.allowed = allowed;
    decoder->mem = support_mem(&decoder->counts);
    decoder->fields.mem = &decoder->mem;
}

static void stop_decoder(struct decoder *decoder) {
    weir_fields_free(&decoder->fields);
    assert_int_equal(decoder->counts.live, 0);
}

static weir_status skip_value(weir_view input, size_t *used) {
    static const weir_reader_options options = {.hide_attributes = true};
    weir_reader reader;
    weir_reader_init(&reader, &options);
    return weir_reader_skip(&reader, input, used);
}

/* What CLAIM tells behind the fields. */
static char *put_delivery(char *end, const weir_entry *entry) {
    return end + sprintf(end, ":%lld\r\n:%lld\r\n", (long long)entry->idle_ms,
                         (long long)entry->deliveries);
}

/* The general reader judges what has more digits, or a sign. */
static bool is_usual_number(int64_t number) {
    return number >= 0 && number < INT64_C(1000000000000000000);
}

/* True if `input` begins with this entry as servers send it; *len is then how much. */
static bool is_encoding_of(const weir_entry *entry, weir_view input, size_t *len) {
    bool is_claimed = input.len > 1 && input.data[1] == '4';
    if (is_claimed &&
        !(is_usual_number(entry->idle_ms) && is_usual_number(entry->deliveries))) {
        return false;
    }
    char id[WEIR_ID_TEXT];
    weir_view id_text = weir_bytes(id, weir_id_format(entry->id, id));
    size_t size = 128 + weir_bulk_size(id_text.len);
    for (size_t i = 0; i < entry->field_count; i++) {
        size += weir_bulk_size(entry->fields[i].name.len) +
                weir_bulk_size(entry->fields[i].value.len);
    }
    char *encoded = malloc(size);
    assert_non_null(encoded);
    char *end = weir_put_bulk(weir_put_header(encoded, is_claimed ? 4 : 2), id_text);
    end = weir_put_header(end, 2 * entry->field_count);
    for (size_t i = 0; i < entry->field_count; i++) {
        end = weir_put_bulk(end, entry->fields[i].name);
        end = weir_put_bulk(end, entry->fields[i].value);
    }
    end = is_claimed ? put_delivery(end, entry) : end;
    *len = (size_t)(end - encoded);
    bool is_same = input.len >= *len && memcmp(input.data, encoded, *len) == 0;
    free(encoded);
    return is_same;
}

static void assert_same_entry(const weir_entry *given, const weir_entry *expected) {
    assert_int_equal(given->id.ms, expected->id.ms);
    assert_int_equal(given->id.seq, expected->id.seq);
    assert_int_equal(given->state, expected->state);
    assert_int_equal(given->idle_ms, expected->idle_ms);
    assert_int_equal(given->deliveries, expected->deliveries);
    assert_int_equal(given->field_count, expected->field_count);
    for (size_t i = 0; i < expected->field_count; i++) {
        weir_field a = given->fields[i];
        weir_field b = expected->fields[i];
        assert_ptr_equal(a.name.data, b.name.data); /* both borrow the input */
        assert_int_equal(a.name.len, b.name.len);
        assert_ptr_equal(a.value.data, b.value.data);
        assert_int_equal(a.value.len, b.value.len);
    }
}

/* Decodes guarded input both ways; true if the hot path took it. */
static bool decode_both(weir_view input) {
    struct decoder hot;
    struct decoder general;
    start_decoder(&hot, SIZE_MAX);
    start_decoder(&general, SIZE_MAX);
    weir_entry entry = {.field_count = 0};
    weir_entry expected = {.field_count = 0};
    size_t used = 0;
    size_t whole = 0;
    size_t encoded = 0;
    weir_status st = weir_decode_usual_entry(input, &hot.fields, &entry, &used);
    assert_true(st == WEIR_OK || st == WEIR_MORE);
    bool is_entry = skip_value(input, &whole) == WEIR_OK &&
                    weir_decode_entry(weir_bytes(input.data, whole), &general.fields,
                                      &expected) == WEIR_OK;
    bool is_usual = is_entry && expected.state == WEIR_ENTRY_WHOLE &&
                    is_encoding_of(&expected, input, &encoded) && encoded == whole;
    if ((st == WEIR_OK) != is_usual) {
        print_error("the hot path %s \"%.*s\"\n", st == WEIR_OK ? "took" : "missed",
                    WEIR_PRINT(input));
    }
    assert_int_equal(st == WEIR_OK, is_usual);
    if (st == WEIR_OK) {
        assert_int_equal(used, whole);
        assert_same_entry(&entry, &expected);
    }
    stop_decoder(&hot);
    stop_decoder(&general);
    return st == WEIR_OK;
}

static bool decode_guarded(weir_view wire) {
    weir_view guarded = support_guard(wire);
    bool is_taken = decode_both(guarded);
    support_unguard(guarded);
    return is_taken;
}

/* ---- entries of all shapes ---- */

#define ID   "$15\r\n1700000000000-0\r\n"
#define PAIR "*2\r\n$1\r\nf\r\n$1\r\nv\r\n"

struct shape {
    const char *wire;
    weir_status status; /* of the general path */
    weir_entry_state state;
    size_t field_count;
    bool is_usual;
};

static const struct shape SHAPES[] = {
    /* what servers usually send */
    {"*2\r\n" ID PAIR, WEIR_OK, WEIR_ENTRY_WHOLE, 1, true},
    {"*2\r\n$3\r\n1-0\r\n" PAIR, WEIR_OK, WEIR_ENTRY_WHOLE, 1, true},
    {"*2\r\n" ID "*2\r\n$0\r\n\r\n$0\r\n\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, true},
    {"*2\r\n" ID "*2\r\n$2\r\n\r\n\r\n$4\r\n$1\r\n\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1,
     true},
    {"*2\r\n" ID "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$10\r\n0123456789\r\n", WEIR_OK,
     WEIR_ENTRY_WHOLE, 2, true},
    {"*2\r\n$41\r\n18446744073709551615-18446744073709551615\r\n" PAIR, WEIR_OK,
     WEIR_ENTRY_WHOLE, 1, true},
    {"*2\r\n$24\r\n1700000000000-1234567890\r\n" PAIR, WEIR_OK, WEIR_ENTRY_WHOLE, 1, true},
    /* XREADGROUP CLAIM: idle time and deliveries behind */
    {"*4\r\n" ID PAIR ":60000\r\n:3\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, true},
    {"*4\r\n" ID PAIR ":0\r\n:0\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, true},
    {"*4\r\n$3\r\n1-0\r\n" PAIR ":1\r\n:2\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, true},
    {"*4\r\n" ID PAIR ":1764000000000\r\n:999999999999999999\r\n", WEIR_OK,
     WEIR_ENTRY_WHOLE, 1, true},
    {"*4\r\n" ID PAIR ":1\r\n:9223372036854775807\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1,
     false},
    {"*4\r\n" ID PAIR ":-1\r\n:3\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, false},
    {"*4\r\n" ID "*-1\r\n:60000\r\n:3\r\n", WEIR_OK, WEIR_ENTRY_DELETED, 0, false},
    {"*4\r\n" ID "_\r\n:60000\r\n:3\r\n", WEIR_OK, WEIR_ENTRY_DELETED, 0, false},
    {"*4\r\n" ID PAIR ":60000\r\n$1\r\n3\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, false},
    {"*4\r\n" ID PAIR "$2\r\n-1\r\n+3\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, false},
    {"*4\r\n" ID PAIR ":60000\r\n$1\r\nx\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*4\r\n" ID PAIR ":60000\r\n$2\r\n03\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*4\r\n" ID PAIR ":60000\r\n$0\r\n\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*4\r\n" ID PAIR ":60000\r\n$19\r\n9223372036854775808\r\n", WEIR_ERR_REPLY, 0, 0,
     false},
    {"*4\r\n" ID PAIR "_\r\n:3\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*4\r\n" ID PAIR "*0\r\n:3\r\n", WEIR_ERR_REPLY, 0, 0, false},
    /* deleted: no fields, or nothing at all */
    {"*2\r\n" ID "*-1\r\n", WEIR_OK, WEIR_ENTRY_DELETED, 0, false},
    {"*2\r\n" ID "$-1\r\n", WEIR_OK, WEIR_ENTRY_DELETED, 0, false},
    {"*2\r\n" ID "_\r\n", WEIR_OK, WEIR_ENTRY_DELETED, 0, false},
    {"*-1\r\n", WEIR_END, 0, 0, false},
    {"$-1\r\n", WEIR_END, 0, 0, false},
    {"_\r\n", WEIR_END, 0, 0, false},
    /* ids alone */
    {ID, WEIR_OK, WEIR_ENTRY_ID_ONLY, 0, false},
    {"$4\r\n1700\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"$0\r\n\r\n", WEIR_ERR_REPLY, 0, 0, false},
    /* attributes are passed over */
    {"|1\r\n+ttl\r\n:1\r\n*2\r\n" ID PAIR, WEIR_OK, WEIR_ENTRY_WHOLE, 1, false},
    {"*2\r\n|1\r\n+ttl\r\n:1\r\n" ID PAIR, WEIR_OK, WEIR_ENTRY_WHOLE, 1, false},
    {"*2\r\n" ID "|1\r\n*1\r\n:9\r\n%1\r\n+a\r\n_\r\n" PAIR, WEIR_OK, WEIR_ENTRY_WHOLE, 1,
     false},
    {"*2\r\n" ID "*2\r\n|1\r\n+a\r\n+b\r\n$1\r\nf\r\n|0\r\n$1\r\nv\r\n", WEIR_OK,
     WEIR_ENTRY_WHOLE, 1, false},
    /* simple strings are strings */
    {"*2\r\n+1-1\r\n*2\r\n+f\r\n+v\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, false},
    {"*2\r\n" ID "*2\r\n$1\r\nf\r\n+v\r\n", WEIR_OK, WEIR_ENTRY_WHOLE, 1, false},
    /* counts that no entry has */
    {"*0\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*1\r\n" ID, WEIR_ERR_REPLY, 0, 0, false},
    {"*3\r\n" ID PAIR ":1\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*5\r\n" ID PAIR ":1\r\n:2\r\n:3\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*0\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*1\r\n$1\r\nf\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*3\r\n$1\r\nf\r\n$1\r\nv\r\n$1\r\nf\r\n", WEIR_ERR_REPLY, 0, 0, false},
    /* ids that are none */
    {"*2\r\n$1\r\n1\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$0\r\n\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$2\r\n1-\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$5\r\n1-2-3\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$4\r\n01-1\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$15\r\n0700000000000-0\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$16\r\n1700000000000-00\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$16\r\n1700000000000--1\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$15\r\n170000000000x-0\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$22\r\n18446744073709551616-0\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n$-1\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n:1\r\n" PAIR, WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n*1\r\n" ID PAIR, WEIR_ERR_REPLY, 0, 0, false},
    /* fields that are no strings */
    {"*2\r\n" ID "*2\r\n:1\r\n$1\r\nv\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*2\r\n$1\r\nf\r\n_\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*2\r\n$1\r\nf\r\n$-1\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*2\r\n$1\r\nf\r\n#t\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*2\r\n$1\r\nf\r\n-ERR\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*2\r\n$1\r\nf\r\n=5\r\ntxt:v\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "*2\r\n$1\r\nf\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n", WEIR_ERR_REPLY, 0, 0,
     false},
    {"*2\r\n" ID "%1\r\n$1\r\nf\r\n$1\r\nv\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID "~2\r\n$1\r\nf\r\n$1\r\nv\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID ":1\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"*2\r\n" ID ID, WEIR_ERR_REPLY, 0, 0, false},
    /* no entry at all */
    {":1\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"+OK\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"-ERR no\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"#t\r\n", WEIR_ERR_REPLY, 0, 0, false},
    {"%1\r\n" ID PAIR, WEIR_ERR_REPLY, 0, 0, false},
};
#define SHAPE_COUNT (sizeof SHAPES / sizeof SHAPES[0])

/* As the shape says; a failure leaves the entry untouched. */
static void check_shape(const struct shape *shape) {
    struct decoder decoder;
    weir_view whole = support_guard(weir_text(shape->wire));
    weir_entry entry = {.deliveries = 4711};
    start_decoder(&decoder, SIZE_MAX);
    weir_status st = weir_decode_entry(whole, &decoder.fields, &entry);
    if (st != shape->status) {
        print_error("of \"%s\":\n", shape->wire);
    }
    assert_status(st, shape->status);
    if (st == WEIR_OK) {
        assert_int_equal(entry.state, shape->state);
        assert_int_equal(entry.field_count, shape->field_count);
        assert_true(entry.id.ms > 0);
    } else {
        assert_int_equal(entry.deliveries, 4711);
        assert_int_equal(entry.id.ms, 0);
        assert_null(entry.fields);
    }
    stop_decoder(&decoder);
    support_unguard(whole);
}

static void every_shape_is_decoded_or_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        check_shape(&SHAPES[i]);
    }
}

static void the_hot_path_takes_the_usual_shape_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        bool is_taken = decode_guarded(weir_text(SHAPES[i].wire));
        assert_int_equal(is_taken, SHAPES[i].is_usual);
    }
}

static void fields_are_views_into_the_input(void **state) {
    (void)state;
    struct decoder decoder;
    weir_entry entry;
    weir_view wire = WIRE("*2\r\n$3\r\n5-7\r\n*4\r\n$1\r\nf\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n"
                          "$2\r\nvv\r\n");
    start_decoder(&decoder, SIZE_MAX);
    assert_status(weir_decode_entry(wire, &decoder.fields, &entry), WEIR_OK);
    assert_int_equal(entry.id.ms, 5);
    assert_int_equal(entry.id.seq, 7);
    assert_int_equal(entry.idle_ms, -1);
    assert_int_equal(entry.deliveries, -1);
    assert_int_equal(entry.field_count, 2);
    assert_view(entry.fields[0].name, "f");
    assert_true(weir_view_equal(entry.fields[0].value, WIRE("\0\r\n")));
    assert_ptr_equal(entry.fields[0].name.data, wire.data + 21);
    assert_int_equal(entry.fields[1].name.len, 0);
    assert_view(entry.fields[1].value, "vv");
    stop_decoder(&decoder);
}

static void idle_time_and_deliveries_are_told(void **state) {
    (void)state;
    static const char *const wires[] = {"*4\r\n" ID PAIR ":60000\r\n:3\r\n",
                                        "*4\r\n" ID PAIR "$5\r\n60000\r\n+3\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct decoder decoder;
        weir_entry entry;
        start_decoder(&decoder, SIZE_MAX);
        assert_status(weir_decode_entry(weir_text(wires[i]), &decoder.fields, &entry),
                      WEIR_OK);
        assert_int_equal(entry.idle_ms, 60000);
        assert_int_equal(entry.deliveries, 3);
        stop_decoder(&decoder);
    }
}

static void a_negative_number_is_one(void **state) {
    (void)state;
    int64_t number = 7;
    weir_token token = {.type = WEIR_TOKEN_BULK, .bytes = weir_text("-1")};
    assert_true(weir_decode_integer(&token, &number));
    assert_int_equal(number, -1);
    static const char *const wrong[] = {"", "-", "-0", "--1", "+1", "1 ", "01", "1x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        token.bytes = weir_text(wrong[i]);
        assert_false(weir_decode_integer(&token, &number));
    }
    assert_int_equal(number, -1); /* untouched */
}

/* ---- ends ---- */

static void no_prefix_of_an_entry_is_one(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        weir_view wire = weir_text(SHAPES[i].wire);
        for (size_t len = 0; len < wire.len; len++) {
            weir_view prefix = support_guard(weir_bytes(wire.data, len));
            struct decoder decoder;
            weir_entry entry = {.deliveries = 4711};
            size_t used = 4711;
            start_decoder(&decoder, SIZE_MAX);
            assert_status(weir_decode_usual_entry(prefix, &decoder.fields, &entry, &used),
                          WEIR_MORE);
            assert_int_equal(used, 4711);
            assert_status(skip_value(prefix, &used), WEIR_MORE);
            assert_status(weir_decode_entry(prefix, &decoder.fields, &entry),
                          WEIR_ERR_REPLY);
            assert_int_equal(entry.deliveries, 4711);
            stop_decoder(&decoder);
            support_unguard(prefix);
        }
    }
}

/* The hot path reads words: those behind the entry must not change what it says. */
static void what_follows_an_entry_does_not_matter(void **state) {
    (void)state;
    static const char *const behind[] = {"0123456789012345", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
                                         "-------------------", "*2\r\n$3\r\n1-1\r\n*2\r\n",
                                         "\377\377\377\377\377\377\377\377\377"};
    for (size_t i = 0; i < SHAPE_COUNT; i++) {
        size_t len = strlen(SHAPES[i].wire);
        for (size_t k = 0; k < sizeof behind / sizeof behind[0]; k++) {
            for (size_t more = 1; more <= strlen(behind[k]); more++) {
                char wire[256];
                assert_true(len + more <= sizeof wire);
                memcpy(wire, SHAPES[i].wire, len);
                memcpy(wire + len, behind[k], more);
                bool is_taken = decode_guarded(weir_bytes(wire, len + more));
                assert_int_equal(is_taken, SHAPES[i].is_usual);
            }
        }
    }
}

/* ---- numbers ---- */

/* A usual entry whose id is that text, of that length. */
static bool takes_id(const char *id, size_t len) {
    char wire[128];
    int head = snprintf(wire, sizeof wire, "*2\r\n$%zu\r\n", len);
    memcpy(wire + head, id, len);
    memcpy(wire + head + len, "\r\n" PAIR, strlen("\r\n" PAIR));
    return decode_guarded(weir_bytes(wire, (size_t)head + len + strlen("\r\n" PAIR)));
}

static void ids_of_every_length_are_taken(void **state) {
    (void)state;
    static const char *const digits[] = {"18446744073709551615", "10000000000000000000",
                                         "12345678901234567890", "99999999999999999999"};
    for (size_t i = 0; i < 4; i++) {
        for (int ms = 0; ms <= 20; ms++) {
            for (int seq = 0; seq <= 20; seq++) {
                char id[64];
                int len = snprintf(id, sizeof id, "%.*s-%.*s", ms, digits[i], seq,
                                   digits[(i + 1) % 4]);
                bool fits = (ms < 20 || i != 3) && (seq < 20 || (i + 1) % 4 != 3);
                bool is_taken = takes_id(id, (size_t)len);
                assert_int_equal(is_taken, ms > 0 && seq > 0 && fits);
            }
        }
    }
}

static void ids_are_taken_with_no_wrong_byte(void **state) {
    (void)state;
    static const char *const ids[] = {"1700000000000-0", "1700000000000-12345678",
                                      "1700000000000-123456789", "5-5"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        size_t len = strlen(ids[i]);
        for (size_t place = 0; place < len; place++) {
            for (int byte = 0; byte < 256; byte++) {
                char id[32];
                memcpy(id, ids[i], len + 1);
                id[place] = (char)byte;
                takes_id(id, len); /* compares both ways */
            }
        }
    }
}

static void heads_are_taken_with_no_wrong_byte(void **state) {
    (void)state;
    weir_view wire = WIRE("*2\r\n" ID "*4\r\n$1\r\nf\r\n$12\r\n0123456789ab\r\n$1\r\ng\r\n"
                          "$3\r\nabc\r\n");
    size_t taken = 0;
    for (size_t place = 0; place < wire.len; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char copy[128];
            memcpy(copy, wire.data, wire.len);
            copy[place] = (char)byte;
            taken += decode_guarded(weir_bytes(copy, wire.len)) ? 1 : 0;
        }
    }
    assert_true(taken > wire.len); /* other digits of the id, other bytes of values */
}

/* Values up to 1200 bytes: lengths of one to four digits. */
static void lengths_of_any_size_are_taken(void **state) {
    (void)state;
    char value[1200];
    char wire[1400];
    memset(value, '7', sizeof value);
    for (size_t len = 0; len <= sizeof value; len += len < 130 ? 1 : 97) {
        char *end = weir_put_bulk(weir_put_header(wire, 2), weir_text("1700000000000-0"));
        end = weir_put_bulk(weir_put_header(end, 2), weir_text("f"));
        end = weir_put_bulk(end, weir_bytes(value, len));
        assert_true(decode_guarded(weir_bytes(wire, (size_t)(end - wire))));
    }
}

static void leading_zeros_are_not_taken(void **state) {
    (void)state;
    static const char *const wires[] = {"*02\r\n" ID PAIR,
                                        "*2\r\n$015\r\n1700000000000-0\r\n" PAIR,
                                        "*2\r\n" ID "*02\r\n$1\r\nf\r\n$1\r\nv\r\n",
                                        "*2\r\n" ID "*2\r\n$01\r\nf\r\n$1\r\nv\r\n",
                                        "*2\r\n" ID "*2\r\n$1\r\nf\r\n$00\r\n\r\n",
                                        "*2\r\n" ID
                                        "*2\r\n$1\r\nf\r\n$000000000001\r\nv\r\n"};
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        size_t used;
        assert_false(decode_guarded(weir_text(wires[i])));
        assert_status(skip_value(weir_text(wires[i]), &used), WEIR_ERR_PROTOCOL);
    }
}

static void lengths_beyond_what_is_there_are_waited_for(void **state) {
    (void)state;
    static const char *const lengths[] = {"2",
                                          "99",
                                          "99999999",
                                          "999999999",
                                          "9999999999",
                                          "18446744073709551615",
                                          "18446744073709551616"};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char wire[128];
        int len = snprintf(wire, sizeof wire, "*2\r\n" ID "*2\r\n$1\r\nf\r\n$%s\r\nv\r\n",
                           lengths[i]);
        assert_false(decode_guarded(weir_bytes(wire, (size_t)len)));
        len = snprintf(wire, sizeof wire, "*2\r\n" ID "*%s\r\n$1\r\nf\r\n$1\r\nv\r\n",
                       lengths[i]);
        assert_int_equal(decode_guarded(weir_bytes(wire, (size_t)len)), i == 0);
    }
}

/* 600 MB lie beyond the reader's limit of 512 MiB. The pages between are never touched. */
static void a_string_beyond_the_readers_limit_is_not_taken(void **state) {
    (void)state;
    static const char head_text[] = "*2\r\n" ID "*2\r\n$1\r\nf\r\n$600000000\r\n";
    size_t head = sizeof head_text - 1;
    size_t size = head + 600000000 + 2;
    char *wire = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (wire == MAP_FAILED) {
        print_message("no room for 600 MB of addresses\n");
        skip();
    }
    memcpy(wire, head_text, head);
    memcpy(wire + size - 2, "\r\n", 2);
    struct decoder decoder;
    weir_entry entry;
    size_t used;
    start_decoder(&decoder, SIZE_MAX);
    assert_status(skip_value(weir_bytes(wire, size), &used), WEIR_ERR_PROTOCOL);
    assert_status(
        weir_decode_usual_entry(weir_bytes(wire, size), &decoder.fields, &entry, &used),
        WEIR_MORE);
    stop_decoder(&decoder);
    assert_int_equal(munmap(wire, size), 0);
}

/* ---- at random ---- */

#define RANDOM_BYTES 4096

struct random {
    uint64_t state;
};

/* xorshift64* */
static uint64_t draw(struct random *random, uint64_t below) {
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return ((random->state * UINT64_C(2685821657736338717)) >> 33) % below;
}

static uint64_t draw_number(struct random *random) {
    uint64_t number = (draw(random, UINT64_C(1) << 31) << 33) ^
                      (draw(random, UINT64_C(1) << 31) << 16) ^ draw(random, 65536);
    return number >> draw(random, 64);
}

/* An entry as servers send it, of up to 20 fields; its length. */
static size_t draw_entry(struct random *random, char *wire) {
    char bytes[128];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)draw(random, 256);
    }
    bool is_now = draw(random, 2) == 0;
    weir_id id = {is_now ? UINT64_C(1700000000000) + draw(random, 1000000000)
                         : draw_number(random),
                  draw_number(random)};
    char text[WEIR_ID_TEXT];
    bool is_claimed = draw(random, 3) == 0;
    char *end = weir_put_header(wire, is_claimed ? 4 : 2);
    end = weir_put_bulk(end, weir_bytes(text, weir_id_format(id, text)));
    size_t count = 1 + draw(random, 20);
    end = weir_put_header(end, 2 * count);
    for (size_t i = 0; i < 2 * count; i++) {
        size_t most = draw(random, 4) == 0 ? 90 : 12;
        end = weir_put_bulk(end, weir_bytes(bytes + draw(random, 32), draw(random, most)));
    }
    if (is_claimed) {
        weir_entry told = {.idle_ms = (int64_t)(draw_number(random) >> 5),
                           .deliveries = (int64_t)draw(random, 12)};
        end = put_delivery(end, &told);
    }
    return (size_t)(end - wire);
}

/* One change: a byte replaced, left out or put in, or the end cut off. */
static size_t mutate(struct random *random, char *wire, size_t len) {
    static const char telling[] = "*$0123456789\r\n-+:_|%~#>=(,!";
    if (len < 2) {
        return len;
    }
    size_t at =
        draw(random, 3) == 0 ? draw(random, len < 40 ? len : 40) : draw(random, len);
    char byte = telling[draw(random, sizeof telling - 1)];
    if (draw(random, 4) == 0) {
        byte = (char)draw(random, 256);
    }
    switch (draw(random, 5)) {
    case 0: memmove(wire + at, wire + at + 1, len - at - 1); return len - 1;
    case 1:
        memmove(wire + at + 1, wire + at, len - at);
        wire[at] = byte;
        return len + 1;
    case 2: return draw(random, 4) == 0 ? at : len;
    default: wire[at] = byte; return len;
    }
}

static void random_entries_are_taken(void **state) {
    (void)state;
    struct random random = {UINT64_C(20240229)};
    char wire[RANDOM_BYTES];
    for (int round = 0; round < 3000; round++) {
        size_t len = draw_entry(&random, wire);
        assert_true(decode_guarded(weir_bytes(wire, len)));
    }
}

static void mutated_entries_are_judged_alike(void **state) {
    (void)state;
    struct random random = {UINT64_C(19991231)};
    char wire[RANDOM_BYTES];
    size_t taken = 0;
    size_t rounds = 20000;
    for (size_t round = 0; round < rounds; round++) {
        size_t len = draw_entry(&random, wire);
        for (uint64_t changes = 1 + draw(&random, 3); changes > 0; changes--) {
            len = mutate(&random, wire, len);
        }
        taken += decode_guarded(weir_bytes(wire, len)) ? 1 : 0;
    }
    assert_true(taken > rounds / 10 && taken < rounds * 9 / 10); /* some of both */
}

static void mutated_shapes_are_judged_alike(void **state) {
    (void)state;
    struct random random = {UINT64_C(31415926)};
    for (size_t round = 0; round < 20000; round++) {
        char wire[256];
        const char *shape = SHAPES[draw(&random, SHAPE_COUNT)].wire;
        size_t len = strlen(shape);
        memcpy(wire, shape, len);
        for (uint64_t changes = 1 + draw(&random, 4); changes > 0; changes--) {
            len = mutate(&random, wire, len);
        }
        decode_guarded(weir_bytes(wire, len));
    }
}

/* ---- memory ---- */

/* An entry of `count` fields "f" "v"; its length. */
static size_t put_entry(char *wire, size_t count) {
    char *end = weir_put_bulk(weir_put_header(wire, 2), weir_text("1700000000000-0"));
    end = weir_put_header(end, 2 * count);
    for (size_t i = 0; i < count; i++) {
        end = weir_put_bulk(weir_put_bulk(end, weir_text("f")), weir_text("v"));
    }
    return (size_t)(end - wire);
}

static void a_failing_allocation_is_told_and_can_be_tried_again(void **state) {
    (void)state;
    char wire[2048];
    weir_view whole = weir_bytes(wire, put_entry(wire, 100));
    for (size_t allowed = 0; allowed <= 4; allowed++) { /* 16, 32, 64, 128 fields */
        struct decoder decoder;
        weir_entry entry = {.deliveries = 4711};
        size_t used = 4711;
        start_decoder(&decoder, allowed);
        weir_status st = weir_decode_entry(whole, &decoder.fields, &entry);
        assert_status(st, allowed < 4 ? WEIR_ERR_NOMEM : WEIR_OK);
        if (allowed < 4) {
            assert_int_equal(entry.deliveries, 4711);
            st = weir_decode_usual_entry(whole, &decoder.fields, &entry, &used);
            assert_status(st, WEIR_MORE);
            assert_int_equal(used, 4711);
        }
        decoder.counts.allowed = SIZE_MAX;
        assert_status(weir_decode_entry(whole, &decoder.fields, &entry), WEIR_OK);
        assert_int_equal(entry.field_count, 100);
        assert_view(entry.fields[99].value, "v");
        stop_decoder(&decoder);
    }
}

static void fields_are_allocated_once_for_entries_of_one_size(void **state) {
    (void)state;
    char wire[2048];
    struct decoder decoder;
    start_decoder(&decoder, SIZE_MAX);
    size_t calls = 0;
    for (int round = 0; round < 100; round++) {
        weir_entry entry;
        size_t used;
        weir_view whole = weir_bytes(wire, put_entry(wire, 60));
        assert_status(weir_decode_entry(whole, &decoder.fields, &entry), WEIR_OK);
        assert_status(weir_decode_usual_entry(whole, &decoder.fields, &entry, &used),
                      WEIR_OK);
        calls = round == 0 ? decoder.counts.calls : calls;
        assert_int_equal(decoder.counts.calls, calls);
    }
    stop_decoder(&decoder);
}

static void memory_follows_the_fields_received_not_their_count(void **state) {
    (void)state;
    static const char *const wires[] = {
        "*2\r\n" ID "*99999998\r\n$1\r\nf\r\n$1\r\nv\r\n$1\r\nf\r\n",
        "*2\r\n" ID "*4294967294\r\n$1\r\nf\r\n$1\r\nv\r\n$1\r\nf\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct decoder decoder;
        weir_entry entry;
        size_t used;
        weir_view wire = weir_text(wires[i]);
        start_decoder(&decoder, SIZE_MAX);
        assert_status(weir_decode_usual_entry(wire, &decoder.fields, &entry, &used),
                      WEIR_MORE);
        assert_status(weir_decode_entry(wire, &decoder.fields, &entry), WEIR_ERR_REPLY);
        assert_true(decoder.counts.peak <= WEIR_FIELDS_FIRST * sizeof(weir_field));
        stop_decoder(&decoder);
    }
}

/* ---- ids of servers ---- */

static void an_id_of_a_server_is_given_in_full(void **state) {
    (void)state;
    weir_id id = {7, 7};
    assert_true(weir_decode_id(weir_text("1-2"), &id));
    assert_int_equal(id.ms, 1);
    assert_int_equal(id.seq, 2);
    assert_false(weir_decode_id(weir_text("1"), &id));
    assert_false(weir_decode_id(weir_text("1-"), &id));
    assert_false(weir_decode_id(weir_text(""), &id));
    assert_false(weir_decode_id(weir_bytes(NULL, 0), &id));
    assert_int_equal(id.ms, 1); /* untouched */
}

static void what_is_no_number_is_not_decoded_as_one(void **state) {
    (void)state;
    static const weir_token_type types[] = {WEIR_TOKEN_BOOLEAN, WEIR_TOKEN_NULL,
                                            WEIR_TOKEN_DOUBLE, WEIR_TOKEN_BULK};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const weir_token token = {.type = types[i], .number = 1};
        int64_t number = 77;
        assert_false(weir_decode_integer(&token, &number));
        assert_int_equal(number, 77);
    }
}

/* Ids of any lengths, in memory of exactly the size of what has come: as many are taken as
 * stand there with room behind them, and no byte behind the last is used. */
static void ids_are_taken_as_far_as_they_have_come(void **state) {
    (void)state;
    static const char wire[] = "$15\r\n1700000000000-7\r\n$16\r\n1700000000000-12\r\n"
                               "$17\r\n1700000000001-999\r\n$15\r\n1700000000002-0\r\n"
                               "$18\r\n9999999999999-1234\r\n"
                               "-ERR this is none, of whatever length it may be so that "
                               "enough bytes follow\r\n";
    static const weir_id expected[] = {{1700000000000, 7},
                                       {1700000000000, 12},
                                       {1700000000001, 999},
                                       {1700000000002, 0},
                                       {9999999999999, 1234}};
    size_t most = 0;
    for (size_t len = 0; len < sizeof wire; len++) {
        char *bytes = malloc(len + (len == 0 ? 1 : 0));
        assert_non_null(bytes);
        memcpy(bytes, wire, len);
        for (size_t want = 0; want <= 6; want++) {
            weir_id ids[6];
            size_t used;
            size_t count = weir_decode_usual_ids(weir_bytes(bytes, len), ids, want, &used);
            assert_true(count <= want && count <= 5 && used <= len);
            assert_true(used == 0 || memcmp(bytes + used - 2, "\r\n", 2) == 0);
            for (size_t i = 0; i < count; i++) {
                assert_true(weir_id_compare(ids[i], expected[i]) == 0);
            }
            most = count > most ? count : most;
        }
        free(bytes);
    }
    assert_int_equal(most, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_is_decoded_or_refused),
        cmocka_unit_test(ids_are_taken_as_far_as_they_have_come),
        cmocka_unit_test(the_hot_path_takes_the_usual_shape_alone),
        cmocka_unit_test(fields_are_views_into_the_input),
        cmocka_unit_test(idle_time_and_deliveries_are_told),
        cmocka_unit_test(a_negative_number_is_one),
        cmocka_unit_test(no_prefix_of_an_entry_is_one),
        cmocka_unit_test(what_follows_an_entry_does_not_matter),
        cmocka_unit_test(ids_of_every_length_are_taken),
        cmocka_unit_test(ids_are_taken_with_no_wrong_byte),
        cmocka_unit_test(heads_are_taken_with_no_wrong_byte),
        cmocka_unit_test(lengths_of_any_size_are_taken),
        cmocka_unit_test(leading_zeros_are_not_taken),
        cmocka_unit_test(lengths_beyond_what_is_there_are_waited_for),
        cmocka_unit_test(a_string_beyond_the_readers_limit_is_not_taken),
        cmocka_unit_test(random_entries_are_taken),
        cmocka_unit_test(mutated_entries_are_judged_alike),
        cmocka_unit_test(mutated_shapes_are_judged_alike),
        cmocka_unit_test(a_failing_allocation_is_told_and_can_be_tried_again),
        cmocka_unit_test(fields_are_allocated_once_for_entries_of_one_size),
        cmocka_unit_test(memory_follows_the_fields_received_not_their_count),
        cmocka_unit_test(an_id_of_a_server_is_given_in_full),
        cmocka_unit_test(what_is_no_number_is_not_decoded_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
