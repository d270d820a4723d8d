/* Prepared commands: whatever the constant parts and the values, a command is what the
 * plain writer makes of the same arguments, within the room that was said; values are not
 * read beyond their end. Choices: how many parts, and their lengths; they are cut from the
 * wire. Many written at once are as if written one by one.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "../resp/command.h"
#include "../resp/prepared.h"
#include "fuzz.h"

#define MOST_HEAD  6
#define MOST_NAMES 10
#define MOST_TURNS 3 /* the same prepared command, with other values */

static weir_view cut(fuzz_input *input, weir_view *rest) {
    size_t wanted = fuzz_choice(input);
    wanted = wanted == 255 ? fuzz_wide_choice(input) : wanted;
    size_t len = wanted < rest->len ? wanted : rest->len;
    weir_view bytes = weir_bytes(rest->data, len);
    *rest = weir_bytes(rest->data + len, rest->len - len);
    return bytes;
}

/* What the plain writer makes of it, in room 1. */
static weir_view write_plain(const weir_prepared_parts *parts, const weir_view *values) {
    weir_view args[MOST_HEAD + 2 * MOST_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < parts->head_count; i++) {
        args[count++] = parts->head[i];
    }
    for (size_t i = 0; i < parts->name_count; i++) {
        args[count++] = parts->names[i];
        args[count++] = values[i];
    }
    size_t size = 0;
    fuzz_check(weir_command_size(args, count, &size) == WEIR_OK, "a command has a size");
    char *out = fuzz_room(1, size);
    weir_command_write(out, args, count);
    return weir_bytes(out, size);
}

/* All turns by one call, as each was by its own. */
static void check_all(const weir_prepared *prepared, const weir_view *values,
                      size_t turns) {
    size_t count = weir_prepared_value_count(prepared);
    size_t room = 0;
    fuzz_check(weir_prepared_room_all(prepared, values, turns, &room) == WEIR_OK,
               "many commands need some room");
    char *out = fuzz_room(3, room);
    char *end = weir_prepared_write_all(prepared, out, values, turns);
    fuzz_check(end <= out + room, "many commands take no more than their room");
    const char *at = out;
    for (size_t i = 0; i < turns; i++, values += count) {
        size_t own = 0;
        fuzz_check(weir_prepared_room(prepared, values, &own) == WEIR_OK, "as one does");
        char *one = fuzz_room(1, own);
        size_t len = (size_t)(weir_prepared_write(prepared, one, values) - one);
        fuzz_check(len <= (size_t)(end - at) && memcmp(at, one, len) == 0,
                   "many commands are those written one by one");
        at += len;
    }
    fuzz_check(at == end, "and nothing behind them");
}

/* The values stand one behind the other, the last at an unreadable page. */
static void check_values(const weir_prepared *prepared, const weir_prepared_parts *parts,
                         fuzz_input *input, weir_view *rest, weir_view *values) {
    weir_view guarded[MOST_NAMES];
    weir_view all = *rest;
    size_t sum = 0;
    for (size_t i = 0; i < parts->name_count; i++) {
        values[i] = cut(input, rest);
        sum += values[i].len;
    }
    const char *at = fuzz_guard(2, weir_bytes(all.data, sum)).data;
    for (size_t i = 0; i < parts->name_count; i++) {
        guarded[i] = weir_bytes(at, values[i].len);
        at += values[i].len;
    }
    size_t room = 0;
    fuzz_check(weir_prepared_room(prepared, guarded, &room) == WEIR_OK,
               "a command needs some room");
    char *out = fuzz_room(3, room);
    const char *end = weir_prepared_write(prepared, out, guarded);
    fuzz_check(end <= out + room, "a command takes no more than its room");
    weir_view plain = write_plain(parts, guarded);
    fuzz_check(weir_view_equal(weir_bytes(out, (size_t)(end - out)), plain),
               "a prepared command is what the plain writer makes of it");
}

int fuzz_one(const uint8_t *data, size_t len) {
    weir_view head[MOST_HEAD];
    weir_view names[MOST_NAMES];
    fuzz_input input = fuzz_open(data, len);
    weir_prepared_parts parts = {head, 1, names, 0};
    parts.head_count = fuzz_choice_below(&input, MOST_HEAD + 1);
    parts.name_count = fuzz_choice_below(&input, MOST_NAMES + 1);
    size_t turns = fuzz_choice_below(&input, MOST_TURNS) + 1;
    fuzz_input choices = input;
    for (size_t i = 0; i < 2 * (MOST_HEAD + (turns + 1) * MOST_NAMES); i++) {
        (void)fuzz_choice(&input);
    }
    weir_view rest = fuzz_wire(&input);
    for (size_t i = 0; i < parts.head_count; i++) {
        head[i] = cut(&choices, &rest);
    }
    for (size_t i = 0; i < parts.name_count; i++) {
        names[i] = cut(&choices, &rest);
    }
    size_t size = 0;
    weir_status st = weir_prepared_size(&parts, &size);
    if (parts.head_count + parts.name_count == 0) {
        fuzz_check(st == WEIR_ERR_ARG, "nothing at all is no command");
        return 0;
    }
    fuzz_check(st == WEIR_OK, "what is in memory has a size");
    size = (size + 63) / 64 * 64; /* so that it begins aligned */
    const weir_prepared *prepared = weir_prepared_make(fuzz_room(0, size), &parts);
    fuzz_check(weir_prepared_value_count(prepared) == parts.name_count,
               "each name has a value");
    weir_view values[MOST_TURNS * MOST_NAMES + MOST_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < turns; i++, count += parts.name_count) {
        check_values(prepared, &parts, &choices, &rest, values + count);
    }
    for (size_t i = 0; i < parts.name_count; i++, count++) { /* one that is like another */
        values[count] = values[count - parts.name_count];
    }
    check_all(prepared, values, turns + 1);
    return 0;
}
