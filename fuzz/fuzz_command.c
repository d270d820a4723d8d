/* Commands: whatever a command is put together from, it takes the bytes that it said, and
 * is what the plain writer makes of the same arguments; lent or copied, sent whole or in
 * parts. Choices: what the command is made of, what is lent, how it is sent. Arguments are
 * cut from the wire. SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "../resp/command.h"
#include "../stream/args.h"
#include "../stream/session.h"
#include "fuzz.h"

#define MOST_LIST    8
#define MOST_NUMBERS 2 /* beside as many ids: what scratch has room for */
#define MOST_FIELDS  12
#define MOST_IDS     6
#define MOST_SOURCES 4
#define MOST_VIEWS                                                                         \
    (MOST_LIST + 2 * (MOST_NUMBERS + MOST_FIELDS + MOST_SOURCES) + MOST_IDS + 2)
#define MOST_TEXTS (2 * MOST_NUMBERS + MOST_IDS + MOST_SOURCES)
#define ID_TEXT    48

/* One command: as a weir_args, and as the plain list of its arguments. */
typedef struct command {
    weir_args args;
    weir_field fields[MOST_FIELDS];
    weir_id ids[MOST_IDS];
    weir_source sources[MOST_SOURCES];
    weir_view given[MOST_VIEWS];
    weir_view plain[MOST_VIEWS];
    size_t plain_count;
    char texts[MOST_TEXTS][ID_TEXT];
    size_t text_count;
} command;

/* ---- from choices to a command ---- */

static void add_plain(command *made, weir_view bytes) {
    fuzz_check(made->plain_count < MOST_VIEWS, "a harness has room for its arguments");
    made->plain[made->plain_count++] = bytes;
}

static weir_view cut(fuzz_input *input, weir_view *rest) {
    size_t wanted = fuzz_choice(input);
    size_t len = wanted < rest->len ? wanted : rest->len;
    weir_view bytes = weir_bytes(rest->data, len);
    *rest = weir_bytes(rest->data + len, rest->len - len);
    return bytes;
}

/* A number of as many digits as may be. */
static uint64_t choose_number(fuzz_input *input) {
    uint64_t number = fuzz_choice(input) * UINT64_C(0x0101010101010101);
    return number >> fuzz_choice_below(input, 64);
}

static weir_id choose_id(fuzz_input *input) {
    weir_id id;
    id.ms = choose_number(input);
    id.seq = choose_number(input);
    return id;
}

static char *next_text(command *made) {
    fuzz_check(made->text_count < MOST_TEXTS, "a harness has room for its texts");
    return made->texts[made->text_count++];
}

static void add_plain_id(command *made, const char *prefix, weir_id id) {
    char *text = next_text(made);
    (void)snprintf(text, ID_TEXT, "%s%llu-%llu", prefix, (unsigned long long)id.ms,
                   (unsigned long long)id.seq);
    add_plain(made, weir_text(text));
}

static void choose_head(command *made, fuzz_input *input, weir_view *rest) {
    weir_args_begin(&made->args, "XADD");
    add_plain(made, weir_text("XADD"));
    size_t count = fuzz_choice_below(input, MOST_LIST);
    for (size_t i = 0; i < count; i++) {
        weir_view bytes = cut(input, rest);
        weir_args_view(&made->args, bytes);
        add_plain(made, bytes);
    }
    count = fuzz_choice_below(input, MOST_NUMBERS + 1);
    for (size_t i = 0; i < count; i++) {
        uint64_t number = choose_number(input);
        weir_args_number(&made->args, number);
        char *text = next_text(made);
        (void)snprintf(text, ID_TEXT, "%llu", (unsigned long long)number);
        add_plain(made, weir_text(text));
        weir_id id = choose_id(input);
        const char *prefix = fuzz_choice_below(input, 2) != 0 ? "(" : "";
        weir_args_id(&made->args, prefix, id);
        add_plain_id(made, prefix, id);
    }
}

static void choose_fields(command *made, fuzz_input *input, weir_view *rest) {
    made->args.fields = made->fields;
    made->args.field_count = fuzz_choice_below(input, MOST_FIELDS + 1);
    for (size_t i = 0; i < made->args.field_count; i++) {
        made->fields[i].name = cut(input, rest);
        made->fields[i].value = cut(input, rest);
        add_plain(made, made->fields[i].name);
        add_plain(made, made->fields[i].value);
    }
}

static void choose_ids(command *made, fuzz_input *input) {
    made->args.ids = made->ids;
    made->args.id_count = fuzz_choice_below(input, MOST_IDS + 1);
    for (size_t i = 0; i < made->args.id_count; i++) {
        made->ids[i] = choose_id(input);
        add_plain_id(made, "", made->ids[i]);
    }
}

static void add_plain_source(command *made, const weir_source *source) {
    switch (source->from) {
    case WEIR_FROM_NEW:
        add_plain(made, weir_text(made->args.is_group_read ? ">" : "$"));
        break;
    case WEIR_FROM_LAST: add_plain(made, weir_text("+")); break;
    case WEIR_FROM_ID: add_plain_id(made, "", source->after); break;
    }
}

static void choose_sources(command *made, fuzz_input *input, weir_view *rest) {
    static const weir_from froms[] = {WEIR_FROM_ID, WEIR_FROM_NEW, WEIR_FROM_LAST};
    made->args.sources = made->sources;
    made->args.source_count = fuzz_choice_below(input, MOST_SOURCES + 1);
    made->args.is_group_read = fuzz_choice_below(input, 2) != 0;
    for (size_t i = 0; i < made->args.source_count; i++) {
        made->sources[i].key = cut(input, rest);
        made->sources[i].from = froms[fuzz_choice_below(input, 3)];
        made->sources[i].after = choose_id(input);
        add_plain(made, made->sources[i].key);
    }
    for (size_t i = 0; i < made->args.source_count; i++) {
        add_plain_source(made, &made->sources[i]);
    }
}

/* The command's arguments in one list of the caller's. */
static void choose_list(command *made, fuzz_input *input, weir_view *rest) {
    size_t count = fuzz_choice_below(input, MOST_VIEWS) + 1;
    for (size_t i = 0; i < count; i++) {
        made->given[i] = cut(input, rest);
        add_plain(made, made->given[i]);
    }
    weir_args_begin_list(&made->args, made->given, count);
}

static void choose_command(command *made, fuzz_input *input, weir_view *rest) {
    made->plain_count = made->text_count = 0;
    if (fuzz_choice_below(input, 4) == 3) {
        choose_list(made, input, rest);
        return;
    }
    choose_head(made, input, rest);
    choose_fields(made, input, rest);
    choose_ids(made, input);
    choose_sources(made, input, rest);
    if (fuzz_choice_below(input, 2) != 0) {
        weir_args_begin_tail(&made->args);
        weir_args_text(&made->args, "JUSTID");
        add_plain(made, weir_text("JUSTID"));
    }
}

/* ---- the command's bytes ---- */

/* What the plain writer makes of it, in room 1. */
static weir_view write_plain(const command *made) {
    size_t size = 0;
    weir_status st = weir_command_size(made->plain, made->plain_count, &size);
    fuzz_check(st == WEIR_OK, "a command has a size");
    char *out = fuzz_room(1, size);
    fuzz_check(weir_command_write(out, made->plain, made->plain_count) == out + size,
               "a plain command takes the bytes that it said");
    return weir_bytes(out, size);
}

static void check_copied(const command *made, weir_view plain) {
    size_t size = 0;
    fuzz_check(weir_args_size(&made->args, &size) == WEIR_OK && size == plain.len,
               "a command says the bytes that it takes");
    char *out = fuzz_room(2, size);
    weir_args_write(&made->args, out, NULL);
    fuzz_check(weir_view_equal(weir_bytes(out, size), plain),
               "a command is what the plain writer makes of it");
}

static void check_loans(const weir_loans *loans, size_t least, size_t own) {
    size_t bytes = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < loans->count; i++) {
        fuzz_check(loans->list[i].rest.len >= least, "what is small is not lent");
        fuzz_check(loans->list[i].at >= before && loans->list[i].at <= own,
                   "loans go out in order, within the command");
        before = loans->list[i].at;
        bytes += loans->list[i].rest.len;
    }
    fuzz_check(bytes == loans->bytes, "loans are as many bytes as they say");
}

/* ---- through a session ---- */

static weir_session session;

static void start_session(const weir_mem *mem) {
    static const weir_greeter greeter = {
        .user = "", .password = "", .name = "", .protocol = 2};
    static const weir_session_sizes sizes = {.receive_base = 64,
                                             .receive_most = 64,
                                             .send_base = 64,
                                             .send_most = FUZZ_ROOM_BYTES,
                                             .ring_base = 4,
                                             .unanswered_most = 16,
                                             .slots = 1};
    weir_status st = weir_session_init(&session, mem, &sizes, &greeter, "peer");
    fuzz_check(st == WEIR_OK, "a session has memory");
    session.phase = WEIR_PHASE_READY;
}

/* Queues the command, its own bytes copied and the rest lent. */
static void queue(const command *made, size_t least, size_t size) {
    size_t lent = weir_args_lent(&made->args, least);
    fuzz_check(lent <= size, "no more is lent than there is");
    size_t own = size - lent;
    char *at = NULL;
    weir_status st = weir_session_reserve(&session, own, size, &at);
    fuzz_check(st == WEIR_OK, "there is room for a command");
    char *out = fuzz_room(2, own);
    weir_loans loans = {.least = least};
    weir_args_write(&made->args, out, &loans);
    check_loans(&loans, least, own);
    fuzz_check(loans.bytes == lent, "what is lent is what was said");
    memcpy(at, out, own);
    if (loans.count > 0) {
        weir_session_lend(&session, &loans);
    }
    weir_session_commit(&session, own, WEIR_ANSWER_REPLY, 0, 0);
}

#define MOST_PARTS 5

/* Sends all that is queued, as the choices say, and checks that it is `expected`. */
static void send_all(fuzz_input *input, weir_view expected) {
    size_t at = 0;
    while (weir_session_queued(&session) > 0) {
        weir_view parts[MOST_PARTS];
        size_t most = fuzz_choice_below(input, MOST_PARTS) + 1;
        size_t count = weir_session_output(&session, parts, most);
        size_t left = fuzz_wide_choice(input);
        left = left == 0 ? SIZE_MAX : left;
        fuzz_check(count > 0 && count <= most, "what is queued comes in parts");
        size_t sent = 0;
        for (size_t i = 0; i < count && left > 0; i++) {
            size_t taken = parts[i].len < left ? parts[i].len : left;
            fuzz_check(parts[i].len > 0 && taken <= expected.len - at - sent &&
                           memcmp(parts[i].data, expected.data + at + sent, taken) == 0,
                       "what is sent is the command");
            sent += taken;
            left -= taken;
        }
        weir_session_sent(&session, sent);
        at += sent;
        fuzz_check(weir_session_queued(&session) == expected.len - at,
                   "what is not sent stays queued");
    }
    fuzz_check(at == expected.len && session.loans.count == 0, "all of it is sent");
}

int fuzz_one(const uint8_t *data, size_t len) {
    static command made;
    static command earlier;
    fuzz_input input = fuzz_open(data, len);
    size_t least = fuzz_choice(&input);
    bool has_earlier = fuzz_choice_below(&input, 2) != 0;
    fuzz_input for_sending = input;
    weir_view rest = fuzz_wire(&input);
    choose_command(&made, &input, &rest);
    weir_view plain = write_plain(&made);
    check_copied(&made, plain);

    fuzz_mem counts = {.refuse_at = SIZE_MAX};
    weir_mem mem = fuzz_mem_of(&counts);
    start_session(&mem);
    if (has_earlier) {
        choose_command(&earlier, &input, &rest);
        char *begin = fuzz_room(3, 0);
        weir_view before = write_plain(&earlier);
        size_t sum = before.len;
        begin -= before.len;
        memcpy(begin, before.data, before.len);
        queue(&earlier, SIZE_MAX, sum);
        plain = write_plain(&made);
        memmove(begin - plain.len, begin, before.len);
        memcpy(begin - plain.len + before.len, plain.data, plain.len);
        queue(&made, least + 1, plain.len);
        plain = weir_bytes(begin - plain.len, before.len + plain.len);
    } else {
        queue(&made, least + 1, plain.len);
    }
    send_all(&for_sending, plain);
    weir_session_free(&session);
    fuzz_check(counts.live == 0, "nothing is leaked");
    return 0;
}
