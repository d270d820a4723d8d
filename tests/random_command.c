/* A command with random arguments, by its function and as words.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "random_command.h"

#include "dice.h"
#include "support.h"

#include <stdio.h>

#define MOST_IDS 12

/* ---- a command as its documentation writes it ---- */

weir_view random_words[RANDOM_WORDS_MOST];
size_t random_word_count;

static weir_client *client;
static char texts[8192]; /* of numbers and ids */
static size_t text_len;

static void word_of(weir_view view) {
    assert_true(random_word_count < RANDOM_WORDS_MOST);
    random_words[random_word_count++] = view;
}

static void word(const char *text) { word_of(weir_text(text)); }

#define wordf(...)                                                                         \
    word_end(snprintf(texts + text_len, sizeof texts - text_len, __VA_ARGS__))
static void word_end(int len) {
    assert_true(len > 0 && (size_t)len < sizeof texts - text_len);
    word_of(weir_bytes(texts + text_len, (size_t)len));
    text_len += (size_t)len + 1;
}

static void number(uint64_t given) { wordf("%llu", (unsigned long long)given); }

static void option(const char *name, uint64_t given) {
    word(name);
    number(given);
}

static void id_word(const char *prefix, weir_id id) {
    wordf("%s%llu-%llu", prefix, (unsigned long long)id.ms, (unsigned long long)id.seq);
}

static weir_id ids[MOST_IDS];
static size_t id_count;

static void choose_ids(void) {
    id_count = 1 + (size_t)dice_below(MOST_IDS);
    for (size_t i = 0; i < id_count; i++) {
        ids[i] = dice_id();
    }
}

static void id_words(void) {
    for (size_t i = 0; i < id_count; i++) {
        id_word("", ids[i]);
    }
}

static void counted_ids(void) {
    option("IDS", id_count);
    id_words();
}

static bool is_zero(weir_id id) { return id.ms == 0 && id.seq == 0; }

static weir_refs choose_refs(void) { return (weir_refs)dice_below(4); }

static void refs_word(weir_refs refs) {
    static const char *const names[] = {NULL, "KEEPREF", "DELREF", "ACKED"};
    if (names[refs] != NULL) {
        word(names[refs]);
    }
}

static weir_view key;
static weir_view group;
static weir_view consumer;

static void begin(const char *name, const char *sub) {
    key = dice_bytes(1, 40);
    group = dice_bytes(1, 20);
    consumer = dice_bytes(1, 20);
    random_word_count = text_len = 0;
    word(name);
    if (sub != NULL) {
        word(sub);
    }
    if (strcmp(name, "XREAD") != 0 && strcmp(name, "XREADGROUP") != 0) {
        word_of(key);
    }
}

/* ---- the commands ---- */

static weir_trim choose_trim(void) {
    weir_trim trim = {.by = dice_yes() ? WEIR_TRIM_MAXLEN : WEIR_TRIM_MINID,
                      .is_exact = dice_yes(),
                      .refs = choose_refs()};
    if (trim.by == WEIR_TRIM_MAXLEN) {
        trim.max_len = dice_yes() ? dice_number() : 0;
    } else {
        trim.min_id = dice_id();
    }
    if (!trim.is_exact && dice_yes()) {
        trim.limit = dice_yes() ? dice_number() : WEIR_UNLIMITED;
    }
    return trim;
}

static void trim_words(const weir_trim *trim) {
    word(trim->by == WEIR_TRIM_MAXLEN ? "MAXLEN" : "MINID");
    word(trim->is_exact ? "=" : "~");
    if (trim->by == WEIR_TRIM_MAXLEN) {
        number(trim->max_len);
    } else {
        id_word("", trim->min_id);
    }
    if (trim->limit != 0) {
        option("LIMIT", trim->limit == WEIR_UNLIMITED ? 0 : trim->limit);
    }
}

static void xadd_id_words(const weir_xadd_options *options) {
    if (options->auto_seq) {
        wordf("%llu-*", (unsigned long long)options->id.ms);
    } else if (is_zero(options->id)) {
        word("*");
    } else {
        id_word("", options->id);
    }
}

static weir_xadd_options choose_xadd(void) {
    weir_xadd_options options = {.no_mkstream = dice_yes()};
    if (dice_yes()) {
        options.producer = dice_bytes(1, 20);
        options.idmp_auto = dice_yes();
        options.iid = options.idmp_auto ? weir_text("") : dice_bytes(1, 20);
    } else if (dice_yes()) {
        options.id = dice_id();
        options.auto_seq = dice_yes();
        options.id.seq = options.auto_seq ? 0 : options.id.seq;
    }
    if (dice_yes()) {
        options.trim = choose_trim();
    }
    return options;
}

static weir_status xadd(void) {
    weir_field fields[5];
    size_t count = 1 + (size_t)dice_below(5);
    weir_xadd_options options = choose_xadd();
    begin("XADD", NULL);
    if (options.no_mkstream) {
        word("NOMKSTREAM");
    }
    refs_word(options.trim.refs);
    if (options.producer.len > 0) {
        word(options.idmp_auto ? "IDMPAUTO" : "IDMP");
        word_of(options.producer);
    }
    if (options.iid.len > 0) {
        word_of(options.iid);
    }
    if (options.trim.by != WEIR_TRIM_NONE) {
        trim_words(&options.trim);
    }
    xadd_id_words(&options);
    for (size_t i = 0; i < count; i++) {
        fields[i].name = dice_bytes(1, 30);
        fields[i].value = dice_bytes(0, 300);
        word_of(fields[i].name);
        word_of(fields[i].value);
    }
    return weir_append_xadd(client, key, fields, count, &options);
}

static weir_status xtrim(void) {
    weir_trim trim = choose_trim();
    begin("XTRIM", NULL);
    trim_words(&trim);
    refs_word(trim.refs);
    return weir_append_xtrim(client, key, &trim);
}

static weir_status xlen(void) {
    begin("XLEN", NULL);
    return weir_append_xlen(client, key);
}

static weir_status xdel(void) {
    begin("XDEL", NULL);
    choose_ids();
    id_words();
    return weir_append_xdel(client, key, ids, id_count);
}

static weir_status xdelex(void) {
    weir_refs refs = choose_refs();
    begin("XDELEX", NULL);
    choose_ids();
    refs_word(refs);
    counted_ids();
    return weir_append_xdelex(client, key, refs, ids, id_count);
}

static weir_status xsetid(void) {
    weir_id last = dice_id();
    weir_xsetid_options options = {.has_entries_added = dice_yes(),
                                   .has_max_deleted = dice_yes()};
    begin("XSETID", NULL);
    id_word("", last);
    if (options.has_entries_added) {
        options.entries_added = dice_number();
        option("ENTRIESADDED", options.entries_added);
    }
    if (options.has_max_deleted) {
        options.max_deleted = dice_id();
        word("MAXDELETEDID");
        id_word("", options.max_deleted);
    }
    return weir_append_xsetid(client, key, last, &options);
}

static weir_status xcfgset(void) {
    weir_xcfgset_options options = {.idmp_duration_s = dice_below(86401),
                                    .idmp_maxsize = 1 + dice_below(10000)};
    begin("XCFGSET", NULL);
    if (options.idmp_duration_s != 0) {
        option("IDMP-DURATION", options.idmp_duration_s);
    }
    option("IDMP-MAXSIZE", options.idmp_maxsize);
    return weir_append_xcfgset(client, key, &options);
}

/* Ends as every server knows them: an excluded one is its neighbour. */
static void bound(weir_id id, bool is_excluded, bool is_end) {
    if (is_excluded && is_end) {
        id.ms -= id.seq == 0 ? 1 : 0;
        id.seq--;
    } else if (is_excluded) {
        id.seq++;
        id.ms += id.seq == 0 ? 1 : 0;
    }
    if (is_zero(id)) {
        word("-");
    } else if (id.ms == UINT64_MAX && id.seq == UINT64_MAX) {
        word("+");
    } else {
        id_word("", id);
    }
}

static weir_status range(bool is_reverse) {
    weir_range_options options = {.count = dice_yes() ? dice_number() : 0,
                                  .exclude_start = dice_yes(),
                                  .exclude_end = dice_yes()};
    weir_id start = dice_id();
    weir_id end = dice_id();
    options.exclude_start &= start.ms != UINT64_MAX || start.seq != UINT64_MAX;
    options.exclude_end &= !is_zero(end);
    begin(is_reverse ? "XREVRANGE" : "XRANGE", NULL);
    bound(is_reverse ? end : start,
          is_reverse ? options.exclude_end : options.exclude_start, is_reverse);
    bound(is_reverse ? start : end,
          is_reverse ? options.exclude_start : options.exclude_end, !is_reverse);
    if (options.count != 0) {
        option("COUNT", options.count);
    }
    return is_reverse ? weir_append_xrevrange(client, key, start, end, &options)
                      : weir_append_xrange(client, key, start, end, &options);
}

static weir_status xrange(void) { return range(false); }
static weir_status xrevrange(void) { return range(true); }

static weir_read_options choose_read(void) {
    weir_read_options options = {.count = dice_yes() ? 1 + dice_below(1000) : 0,
                                 .max_size = dice_yes() ? dice_number() : 0};
    options.max_count = dice_yes() ? 1000 + dice_below(1000) : 0;
    if (dice_yes()) {
        options.block_ms = dice_yes() ? WEIR_FOREVER : (int64_t)(1 + dice_below(100000));
    }
    return options;
}

static void read_words(const weir_read_options *options) {
    if (options->count != 0) {
        option("COUNT", options->count);
    }
    if (options->max_count != 0) {
        option("MAXCOUNT", options->max_count);
    }
    if (options->max_size != 0) {
        option("MAXSIZE", options->max_size);
    }
    if (options->block_ms != 0) {
        option("BLOCK",
               options->block_ms == WEIR_FOREVER ? 0 : (uint64_t)options->block_ms);
    }
}

static weir_status xread(void) {
    weir_source sources[4];
    size_t count = 1 + (size_t)dice_below(4);
    weir_read_options options = choose_read();
    begin("XREAD", NULL);
    read_words(&options);
    word("STREAMS");
    for (size_t i = 0; i < count; i++) {
        sources[i] = (weir_source){dice_bytes(1, 20), (weir_from)dice_below(3), dice_id()};
        word_of(sources[i].key);
    }
    for (size_t i = 0; i < count; i++) {
        if (sources[i].from == WEIR_FROM_ID) {
            id_word("", sources[i].after);
        } else {
            word(sources[i].from == WEIR_FROM_NEW ? "$" : "+");
        }
    }
    return weir_append_xread(client, sources, count, &options);
}

static weir_status xreadgroup(void) {
    weir_source sources[4];
    size_t count = 1 + (size_t)dice_below(4);
    weir_read_options options = choose_read();
    options.claim = dice_yes();
    options.claim_idle_ms = options.claim ? dice_number() : 0;
    options.no_ack = dice_yes();
    begin("XREADGROUP", NULL);
    word("GROUP");
    word_of(group);
    word_of(consumer);
    read_words(&options);
    if (options.claim) {
        option("CLAIM", options.claim_idle_ms);
    }
    if (options.no_ack) {
        word("NOACK");
    }
    word("STREAMS");
    for (size_t i = 0; i < count; i++) {
        bool is_new = options.claim || dice_yes();
        sources[i] = (weir_source){dice_bytes(1, 20),
                                   is_new ? WEIR_FROM_NEW : WEIR_FROM_ID,
                                   {dice_below(1000), dice_number()}};
        word_of(sources[i].key);
    }
    for (size_t i = 0; i < count; i++) {
        if (sources[i].from == WEIR_FROM_NEW) {
            word(">");
        } else {
            id_word("", sources[i].after);
        }
    }
    return weir_append_xreadgroup(client, group, consumer, sources, count, &options);
}

static weir_status xack(void) {
    begin("XACK", NULL);
    choose_ids();
    word_of(group);
    id_words();
    return weir_append_xack(client, key, group, ids, id_count);
}

static weir_status xackdel(void) {
    weir_refs refs = choose_refs();
    begin("XACKDEL", NULL);
    choose_ids();
    word_of(group);
    refs_word(refs);
    counted_ids();
    return weir_append_xackdel(client, key, group, refs, ids, id_count);
}

static weir_status xnack(void) {
    static const char *const whys[] = {"SILENT", "FAIL", "FATAL"};
    weir_nack why = (weir_nack)dice_below(3);
    weir_xnack_options options = {.has_retry_count = dice_yes(), .force = dice_yes()};
    begin("XNACK", NULL);
    choose_ids();
    word_of(group);
    word(whys[why]);
    counted_ids();
    if (options.has_retry_count) {
        options.retry_count = dice_below(3);
        option("RETRYCOUNT", options.retry_count);
    }
    if (options.force) {
        word("FORCE");
    }
    return weir_append_xnack(client, key, group, why, ids, id_count, &options);
}

static void xclaim_words(const weir_xclaim_options *options) {
    if (options->idle_ms != 0) {
        option("IDLE", options->idle_ms);
    }
    if (options->time_ms != 0) {
        option("TIME", options->time_ms);
    }
    if (options->has_retry_count) {
        option("RETRYCOUNT", options->retry_count);
    }
    if (options->force) {
        word("FORCE");
    }
    if (options->ids_only) {
        word("JUSTID");
    }
    if (!is_zero(options->last)) {
        word("LASTID");
        id_word("", options->last);
    }
}

static weir_status xclaim(void) {
    uint64_t min_idle_ms = dice_yes() ? 0 : dice_number();
    weir_xclaim_options options = {.has_retry_count = dice_yes(),
                                   .force = dice_yes(),
                                   .ids_only = dice_yes(),
                                   .last = dice_yes() ? dice_id() : WEIR_ID_MIN};
    options.retry_count = options.has_retry_count ? dice_below(5) : 0;
    uint64_t *when = dice_yes() ? &options.idle_ms : &options.time_ms;
    *when = dice_yes() ? dice_number() : 0;
    begin("XCLAIM", NULL);
    choose_ids();
    word_of(group);
    word_of(consumer);
    number(min_idle_ms);
    id_words();
    xclaim_words(&options);
    return weir_append_xclaim(client, key, group, consumer, min_idle_ms, ids, id_count,
                              &options);
}

static weir_status xautoclaim(void) {
    uint64_t min_idle_ms = dice_number();
    weir_id start = {dice_number(), dice_number()};
    weir_xautoclaim_options options = {.count = dice_yes() ? 1 + dice_below(1000) : 0,
                                       .ids_only = dice_yes(),
                                       .exclude_start = dice_yes()};
    begin("XAUTOCLAIM", NULL);
    word_of(group);
    word_of(consumer);
    number(min_idle_ms);
    id_word(options.exclude_start ? "(" : "", start);
    if (options.count != 0) {
        option("COUNT", options.count);
    }
    if (options.ids_only) {
        word("JUSTID");
    }
    return weir_append_xautoclaim(client, key, group, consumer, min_idle_ms, start,
                                  &options);
}

static weir_status xpending(void) {
    begin("XPENDING", NULL);
    word_of(group);
    return weir_append_xpending(client, key, group);
}

static weir_status xpending_range(void) {
    weir_id start = {dice_number(), dice_number()};
    weir_id end = {dice_number(), dice_number()};
    uint64_t count = dice_number();
    weir_xpending_options options = {.min_idle_ms = dice_yes() ? dice_number() : 0,
                                     .exclude_start = dice_yes(),
                                     .exclude_end = dice_yes()};
    begin("XPENDING", NULL);
    word_of(group);
    if (options.min_idle_ms != 0) {
        option("IDLE", options.min_idle_ms);
    }
    id_word(options.exclude_start ? "(" : "", start);
    id_word(options.exclude_end ? "(" : "", end);
    number(count);
    if (dice_yes()) {
        options.consumer = consumer;
        word_of(consumer);
    }
    return weir_append_xpending_range(client, key, group, start, end, count, &options);
}

static weir_status xgroup_start(bool is_create) {
    weir_source start = {.after = dice_id()};
    weir_xgroup_options options = {.make_stream = is_create && dice_yes(),
                                   .has_entries_read = dice_yes()};
    begin("XGROUP", is_create ? "CREATE" : "SETID");
    start.key = key;
    start.from = dice_yes() ? WEIR_FROM_ID : WEIR_FROM_NEW;
    word_of(group);
    if (start.from == WEIR_FROM_ID) {
        id_word("", start.after);
    } else {
        word("$");
    }
    if (options.make_stream) {
        word("MKSTREAM");
    }
    if (options.has_entries_read) {
        options.entries_read = dice_number();
        option("ENTRIESREAD", options.entries_read);
    }
    return is_create ? weir_append_xgroup_create(client, start, group, &options)
                     : weir_append_xgroup_setid(client, start, group, &options);
}

static weir_status xgroup_create(void) { return xgroup_start(true); }
static weir_status xgroup_setid(void) { return xgroup_start(false); }

static weir_status xgroup_destroy(void) {
    begin("XGROUP", "DESTROY");
    word_of(group);
    return weir_append_xgroup_destroy(client, key, group);
}

static weir_status xgroup_consumer(bool is_create) {
    begin("XGROUP", is_create ? "CREATECONSUMER" : "DELCONSUMER");
    word_of(group);
    word_of(consumer);
    return is_create ? weir_append_xgroup_createconsumer(client, key, group, consumer)
                     : weir_append_xgroup_delconsumer(client, key, group, consumer);
}

static weir_status xgroup_createconsumer(void) { return xgroup_consumer(true); }
static weir_status xgroup_delconsumer(void) { return xgroup_consumer(false); }

static weir_status xinfo_stream(void) {
    weir_xinfo_options options = {.full = dice_yes()};
    begin("XINFO", "STREAM");
    if (options.full) {
        word("FULL");
        if (dice_yes()) {
            options.count = dice_yes() ? dice_number() : WEIR_UNLIMITED;
            option("COUNT", options.count == WEIR_UNLIMITED ? 0 : options.count);
        }
    }
    return weir_append_xinfo_stream(client, key, &options);
}

static weir_status xinfo_groups(void) {
    begin("XINFO", "GROUPS");
    return weir_append_xinfo_groups(client, key);
}

static weir_status xinfo_consumers(void) {
    begin("XINFO", "CONSUMERS");
    word_of(group);
    return weir_append_xinfo_consumers(client, key, group);
}

typedef weir_status send_call(void);

static send_call *const commands[] = {xadd,
                                      xtrim,
                                      xlen,
                                      xdel,
                                      xdelex,
                                      xsetid,
                                      xcfgset,
                                      xrange,
                                      xrevrange,
                                      xread,
                                      xreadgroup,
                                      xack,
                                      xackdel,
                                      xnack,
                                      xclaim,
                                      xautoclaim,
                                      xpending,
                                      xpending_range,
                                      xgroup_create,
                                      xgroup_setid,
                                      xgroup_destroy,
                                      xgroup_createconsumer,
                                      xgroup_delconsumer,
                                      xinfo_stream,
                                      xinfo_groups,
                                      xinfo_consumers};

weir_status random_command(weir_client *asked, uint64_t round) {
    client = asked;
    return commands[round % (sizeof commands / sizeof commands[0])]();
}
