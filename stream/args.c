/* Commands of the stream layer: sized exactly, then written once, straight into the send
 * buffer.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "args.h"

#include <assert.h>

#include "../resp/bulk.h"
#include "../resp/command.h"

static void clear(weir_args *args) {
    args->count = 0;
    args->tail_count = 0;
    args->given = NULL;
    args->scratch_len = 0;
    args->field_count = 0;
    args->id_count = 0;
    args->source_count = 0;
    args->needs = 0;
    args->is_group_read = false;
    args->is_in_tail = false;
}

void weir_args_begin(weir_args *args, const char *name) {
    clear(args);
    weir_args_text(args, name);
}

void weir_args_begin_list(weir_args *args, const weir_view *given, size_t count) {
    clear(args);
    args->given = given;
    args->count = count;
}

static const weir_view *list_of(const weir_args *args) {
    return args->given != NULL ? args->given : args->list;
}

/* Room for the text of one number or id, the id's prefix included. */
static char *scratch(weir_args *args) {
    assert(args->scratch_len + 1 + WEIR_ID_TEXT <= WEIR_ARGS_SCRATCH);
    return args->scratch + args->scratch_len;
}

static void keep_scratch(weir_args *args, const char *begin, const char *end) {
    size_t len = (size_t)(end - begin);
    args->scratch_len += len;
    weir_args_view(args, weir_bytes(begin, len));
}

void weir_args_number(weir_args *args, uint64_t number) {
    char *begin = scratch(args);
    keep_scratch(args, begin, weir_put_u64(begin, number));
}

void weir_args_id(weir_args *args, const char *prefix, weir_id id) {
    char *begin = scratch(args);
    size_t prefix_len = strlen(prefix);
    memcpy(begin, prefix, prefix_len);
    keep_scratch(args, begin, begin + prefix_len + weir_id_format(id, begin + prefix_len));
}

void weir_args_auto_id(weir_args *args, uint64_t ms) {
    char *begin = scratch(args);
    char *end = weir_put_u64(begin, ms);
    *end++ = '-';
    *end++ = '*';
    keep_scratch(args, begin, end);
}

void weir_args_trim(weir_args *args, const weir_trim *trim) {
    if (trim->by == WEIR_TRIM_NONE) {
        return;
    }
    if (trim->by == WEIR_TRIM_MINID || trim->limit != 0) {
        weir_args_need(args, WEIR_FEATURE_MINID);
    }
    weir_args_text(args, trim->by == WEIR_TRIM_MAXLEN ? "MAXLEN" : "MINID");
    weir_args_text(args, trim->is_exact ? "=" : "~");
    if (trim->by == WEIR_TRIM_MAXLEN) {
        weir_args_number(args, trim->max_len);
    } else {
        weir_args_id(args, "", trim->min_id);
    }
    if (trim->limit != 0) {
        weir_args_text(args, "LIMIT");
        weir_args_number(args, trim->limit == WEIR_UNLIMITED ? 0 : trim->limit);
    }
}

void weir_args_trim_refs(weir_args *args, const weir_trim *trim) {
    if (trim->refs != WEIR_REFS_DEFAULT) {
        weir_args_need(args, WEIR_FEATURE_TRIM_REFERENCES);
        weir_args_refs(args, trim->refs);
    }
}

void weir_args_refs(weir_args *args, weir_refs refs) {
    switch (refs) {
    case WEIR_REFS_DEFAULT: break;
    case WEIR_REFS_KEEP: weir_args_text(args, "KEEPREF"); break;
    case WEIR_REFS_DELETE: weir_args_text(args, "DELREF"); break;
    case WEIR_REFS_ACKED: weir_args_text(args, "ACKED"); break;
    }
}

void weir_args_counted_ids(weir_args *args, const weir_id *ids, size_t count) {
    weir_args_text(args, "IDS");
    weir_args_number(args, count);
    args->ids = ids;
    args->id_count = count;
}

/* Where to read a source from, as the command has it; `text` is room for an id. */
static weir_view source_text(const weir_args *args, const weir_source *source, char *text) {
    switch (source->from) {
    case WEIR_FROM_NEW: return weir_text(args->is_group_read ? ">" : "$");
    case WEIR_FROM_LAST: return weir_text("+");
    case WEIR_FROM_ID: break;
    }
    return weir_bytes(text, weir_id_format(source->after, text));
}

static size_t id_len(weir_id id) {
    return weir_u64_digits(id.ms) + 1 + weir_u64_digits(id.seq);
}

/* Adds one argument of `len` bytes to *sum. */
static bool add_bulk(size_t *sum, size_t len) {
    if (len > SIZE_MAX - 64 || weir_bulk_size(len) > SIZE_MAX - *sum) {
        return false;
    }
    *sum += weir_bulk_size(len);
    return true;
}

static bool add_fields(const weir_args *args, size_t *sum) {
    for (size_t i = 0; i < args->field_count; i++) {
        if (!add_bulk(sum, args->fields[i].name.len) ||
            !add_bulk(sum, args->fields[i].value.len)) {
            return false;
        }
    }
    return true;
}

static bool add_lists(const weir_args *args, size_t *sum) {
    char text[WEIR_ID_TEXT];
    for (size_t i = 0; i < args->id_count; i++) {
        if (!add_bulk(sum, id_len(args->ids[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < args->source_count; i++) {
        const weir_source *source = &args->sources[i];
        if (!add_bulk(sum, source->key.len) ||
            !add_bulk(sum, source_text(args, source, text).len)) {
            return false;
        }
    }
    return true;
}

static size_t argument_count(const weir_args *args) {
    return args->count + 2 * args->field_count + args->id_count + 2 * args->source_count;
}

/* Such a list cannot lie in memory. */
static bool is_beyond_memory(const weir_args *args) {
    return args->field_count > SIZE_MAX / 64 || args->id_count > SIZE_MAX / 64 ||
           args->source_count > SIZE_MAX / 64;
}

weir_status weir_args_size(const weir_args *args, size_t *size) {
    if (is_beyond_memory(args)) {
        return WEIR_ERR_LIMIT;
    }
    size_t sum = weir_header_size(argument_count(args));
    const weir_view *list = list_of(args);
    for (size_t i = 0; i < args->count; i++) {
        if (!add_bulk(&sum, list[i].len)) {
            return WEIR_ERR_LIMIT;
        }
    }
    if (!add_fields(args, &sum) || !add_lists(args, &sum)) {
        return WEIR_ERR_LIMIT;
    }
    *size = sum;
    return WEIR_OK;
}

size_t weir_args_lent(const weir_args *args, size_t least) {
    weir_loans loans = {.least = least};
    const weir_view *list = list_of(args);
    size_t head_count = args->count - args->tail_count;
    for (size_t i = 0; i < head_count; i++) {
        weir_loans_take(&loans, list[i], 0);
    }
    for (size_t i = 0; i < args->field_count; i++) {
        weir_loans_take(&loans, args->fields[i].name, 0);
        weir_loans_take(&loans, args->fields[i].value, 0);
    }
    for (size_t i = head_count; i < args->count; i++) {
        weir_loans_take(&loans, list[i], 0);
    }
    return loans.bytes;
}

/* Adds `len` bytes and their frame; SIZE_MAX once the sum is beyond half of that. */
static size_t bound_with(size_t sum, size_t len) {
    bool fits = sum <= SIZE_MAX / 2 && len <= SIZE_MAX / 4;
    return fits ? sum + len + WEIR_BULK_FRAME_MOST : SIZE_MAX;
}

size_t weir_args_bound(const weir_args *args) {
    if (is_beyond_memory(args)) {
        return SIZE_MAX; /* and weir_args_size says so */
    }
    const weir_view *list = list_of(args);
    size_t sum = WEIR_BULK_FRAME_MOST; /* and no less than the header */
    for (size_t i = 0; i < args->count; i++) {
        sum = bound_with(sum, list[i].len);
    }
    for (size_t i = 0; i < args->field_count; i++) {
        sum = bound_with(sum, args->fields[i].name.len);
        sum = bound_with(sum, args->fields[i].value.len);
    }
    for (size_t i = 0; i < args->id_count; i++) {
        sum = bound_with(sum, WEIR_ID_TEXT);
    }
    for (size_t i = 0; i < args->source_count; i++) {
        sum = bound_with(sum, args->sources[i].key.len);
        sum = bound_with(sum, WEIR_ID_TEXT);
    }
    return sum;
}

/* A command being written. */
typedef struct writing {
    char *begin;
    char *at;
    weir_loans *loans;
} writing;

static bool put_loan(writing *to, weir_view bytes) {
    char *behind_head = weir_put_bulk_head(to->at, bytes.len);
    if (!weir_loans_take(to->loans, bytes, (size_t)(behind_head - to->begin))) {
        return false;
    }
    to->at = weir_put_bulk_end(behind_head);
    return true;
}

static void put(writing *to, weir_view bytes) {
    bool is_large = to->loans != NULL && bytes.len >= to->loans->least;
    if (!is_large || !put_loan(to, bytes)) {
        to->at = weir_put_argument(to->at, bytes);
    }
}

static void put_ids(writing *to, const weir_args *args) {
    char text[WEIR_ID_TEXT];
    for (size_t i = 0; i < args->id_count; i++) {
        to->at =
            weir_put_argument(to->at, weir_bytes(text, weir_id_format(args->ids[i], text)));
    }
}

static void put_sources(writing *to, const weir_args *args) {
    char text[WEIR_ID_TEXT];
    for (size_t i = 0; i < args->source_count; i++) {
        to->at = weir_put_argument(to->at, args->sources[i].key);
    }
    for (size_t i = 0; i < args->source_count; i++) {
        to->at = weir_put_argument(to->at, source_text(args, &args->sources[i], text));
    }
}

char *weir_args_write(const weir_args *args, char *out, weir_loans *loans) {
    writing to = {out, out, loans};
    const weir_view *list = list_of(args);
    size_t head_count = args->count - args->tail_count;
    to.at = weir_put_header(out, argument_count(args));
    for (size_t i = 0; i < head_count; i++) {
        put(&to, list[i]);
    }
    for (size_t i = 0; i < args->field_count; i++) {
        put(&to, args->fields[i].name);
        put(&to, args->fields[i].value);
    }
    put_ids(&to, args);
    put_sources(&to, args);
    for (size_t i = head_count; i < args->count; i++) {
        put(&to, list[i]);
    }
    return to.at;
}
