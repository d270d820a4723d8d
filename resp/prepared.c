/* Commands that are prepared: constant pieces, and values between them.
 * Pieces are copied in whole words, their last one too: each piece is padded to whole
 * words where it lies, and what is copied too much is written over by what follows.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "prepared.h"

#include "bulk.h"
#include "command.h"

#define WORD 16 /* the widest that is copied at once without asking the processor */

/* A value of more bytes is left to memcpy. */
#define COPY_MOST (16 * WORD)

/* What a value takes around its bytes beyond the pieces, at most: 20 digits, CR LF. */
#define VALUE_FRAME 22

struct weir_prepared {
    size_t value_count;
    size_t fixed_room;  /* all pieces, a frame for each value, a word to write over */
    const char *pieces; /* piece after piece, each padded to whole words */
    size_t piece_len[]; /* value_count + 1 */
};

static size_t padded(size_t len) { return (len + WORD - 1) & ~(size_t)(WORD - 1); }

/* ---- sizes ---- */

/* Adds the bytes of one argument, and padding for the piece that may end in it. */
static bool add_argument(size_t *sum, size_t len) {
    size_t most = SIZE_MAX - 2 * WORD - WEIR_BULK_FRAME_MOST;
    if (len > most || *sum > most - len) {
        return false;
    }
    *sum += len + WEIR_BULK_FRAME_MOST + WORD;
    return true;
}

static bool add_arguments(size_t *sum, const weir_view *args, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!add_argument(sum, args[i].len)) {
            return false;
        }
    }
    return true;
}

weir_status weir_prepared_size(const weir_prepared_parts *parts, size_t *size) {
    size_t lengths = sizeof(size_t) + VALUE_FRAME; /* what each name takes besides */
    if (parts->head_count == 0 && parts->name_count == 0) {
        return WEIR_ERR_ARG;
    }
    if (parts->head_count > SIZE_MAX / 4 || parts->name_count > SIZE_MAX / 4 / lengths) {
        return WEIR_ERR_LIMIT;
    }
    size_t sum = sizeof(weir_prepared) + (parts->name_count + 1) * lengths + 4 * WORD;
    if (!add_arguments(&sum, parts->head, parts->head_count) ||
        !add_arguments(&sum, parts->names, parts->name_count)) {
        return WEIR_ERR_LIMIT;
    }
    *size = sum;
    return WEIR_OK;
}

/* ---- preparing ---- */

/* The piece ends here: pads it. Gives where the next one begins. */
static char *end_piece(size_t *len, char *begin, char *end) {
    *len = (size_t)(end - begin);
    char *next = begin + padded(*len);
    memset(end, 0, (size_t)(next - end));
    return next;
}

static char *put_head(char *out, const weir_prepared_parts *parts) {
    out = weir_put_header(out, parts->head_count + 2 * parts->name_count);
    for (size_t i = 0; i < parts->head_count; i++) {
        out = weir_put_argument(out, parts->head[i]);
    }
    return out;
}

weir_prepared *weir_prepared_make(void *memory, const weir_prepared_parts *parts) {
    weir_prepared *made = memory;
    made->value_count = parts->name_count;
    char *begin = (char *)(made->piece_len + parts->name_count + 1);
    made->pieces = begin;
    made->fixed_room = WORD;
    char *end = put_head(begin, parts);
    for (size_t i = 0; i < parts->name_count; i++) {
        end = weir_put_argument(end, parts->names[i]);
        *end++ = '$';
        begin = end_piece(&made->piece_len[i], begin, end);
        end = weir_put_line_end(begin); /* of the value that stands before the next piece */
        made->fixed_room += made->piece_len[i] + VALUE_FRAME;
    }
    end_piece(&made->piece_len[parts->name_count], begin, end);
    made->fixed_room += made->piece_len[parts->name_count];
    return made;
}

bool weir_prepared_equal(const weir_prepared *prepared, const weir_prepared *other) {
    size_t sum = 0;
    if (prepared->value_count != other->value_count) {
        return false;
    }
    for (size_t i = 0; i <= prepared->value_count; i++) {
        if (prepared->piece_len[i] != other->piece_len[i]) {
            return false;
        }
        sum += padded(prepared->piece_len[i]);
    }
    return memcmp(prepared->pieces, other->pieces, sum) == 0; /* the padding is zeroed */
}

size_t weir_prepared_value_count(const weir_prepared *prepared) {
    return prepared->value_count;
}

/* ---- writing ---- */

/* WEIR_OK: *room is `fixed` and the bytes of the values. */
static inline weir_status add_values(size_t fixed, const weir_view *values, size_t count,
                                     size_t *room) {
    size_t sum = fixed;
    for (size_t i = 0; i < count; i++) {
        if (values[i].len > SIZE_MAX - sum) {
            return WEIR_ERR_LIMIT;
        }
        sum += values[i].len;
    }
    *room = sum;
    return WEIR_OK;
}

weir_status weir_prepared_room(const weir_prepared *prepared, const weir_view *values,
                               size_t *room) {
    return add_values(prepared->fixed_room, values, prepared->value_count, room);
}

/* Copies whole words, 1 or more. */
static inline char *put_piece(char *restrict out, const char *restrict piece, size_t len) {
    memcpy(out, piece, WORD);
    for (size_t at = WORD; at < len; at += WORD) {
        memcpy(out + at, piece + at, WORD);
    }
    return out + len;
}

/* "0 CR LF" to "99 CR LF", each in four bytes. */
static const char LENGTHS[] =
    "0\r\n 1\r\n 2\r\n 3\r\n 4\r\n 5\r\n 6\r\n 7\r\n 8\r\n 9\r\n "
    "10\r\n11\r\n12\r\n13\r\n14\r\n15\r\n16\r\n17\r\n18\r\n19\r\n"
    "20\r\n21\r\n22\r\n23\r\n24\r\n25\r\n26\r\n27\r\n28\r\n29\r\n"
    "30\r\n31\r\n32\r\n33\r\n34\r\n35\r\n36\r\n37\r\n38\r\n39\r\n"
    "40\r\n41\r\n42\r\n43\r\n44\r\n45\r\n46\r\n47\r\n48\r\n49\r\n"
    "50\r\n51\r\n52\r\n53\r\n54\r\n55\r\n56\r\n57\r\n58\r\n59\r\n"
    "60\r\n61\r\n62\r\n63\r\n64\r\n65\r\n66\r\n67\r\n68\r\n69\r\n"
    "70\r\n71\r\n72\r\n73\r\n74\r\n75\r\n76\r\n77\r\n78\r\n79\r\n"
    "80\r\n81\r\n82\r\n83\r\n84\r\n85\r\n86\r\n87\r\n88\r\n89\r\n"
    "90\r\n91\r\n92\r\n93\r\n94\r\n95\r\n96\r\n97\r\n98\r\n99\r\n";

/* `half` to 2 * `half` bytes, as two copies of a constant length that overlap: nothing
 * beyond them is read. */
static inline void copy_halves(char *restrict out, const char *restrict from, size_t len,
                               size_t half) {
    memcpy(out, from, half);
    memcpy(out + len - half, from + len - half, half);
}

/* WORD to COPY_MOST bytes. */
static inline void copy_words(char *restrict out, const char *restrict from, size_t len) {
    if (len <= 2 * WORD) {
        copy_halves(out, from, len, WORD);
    } else if (len <= 4 * WORD) {
        copy_halves(out, from, len, 2 * WORD);
    } else if (len <= 8 * WORD) {
        copy_halves(out, from, len, 4 * WORD);
    } else {
        copy_halves(out, from, len, 8 * WORD);
    }
}

/* 0 to COPY_MOST bytes. */
static inline void copy_value(char *restrict out, const char *restrict from, size_t len) {
    if (len < WORD) {
        weir_copy_short(out, from, len);
    } else {
        copy_words(out, from, len);
    }
}

/* The length of a value, and its bytes. */
static char *put_any_value(char *out, weir_view value) {
    out = weir_put_line_end(weir_put_u64(out, value.len));
    if (value.len > COPY_MOST) {
        memcpy(out, value.data, value.len);
    } else {
        copy_value(out, value.data, value.len);
    }
    return out + value.len;
}

static inline char *put_value(char *restrict out, weir_view value) {
    if (value.len > 99) {
        return put_any_value(out, value);
    }
    memcpy(out, LENGTHS + 4 * value.len, 4);
    out += value.len > 9 ? 4 : 3;
    copy_value(out, value.data, value.len);
    return out + value.len;
}

char *weir_prepared_write(const weir_prepared *prepared, char *out,
                          const weir_view *values) {
    const char *piece = prepared->pieces;
    const size_t *len = prepared->piece_len;
    const weir_view *end = values + prepared->value_count;
    while (values < end) {
        size_t piece_len = *len++;
        out = put_value(put_piece(out, piece, piece_len), *values++);
        piece += padded(piece_len);
    }
    return put_piece(out, piece, *len);
}

/* ---- many of them ---- */

weir_status weir_prepared_room_all(const weir_prepared *prepared, const weir_view *values,
                                   size_t count, size_t *room) {
    size_t fixed = prepared->fixed_room; /* above value_count: that product fits too */
    return count <= SIZE_MAX / fixed
               ? add_values(count * fixed, values, count * prepared->value_count, room)
               : WEIR_ERR_LIMIT;
}

/* A longer command is not worth copying as a whole, nor one of more values. */
#define MODEL_VALUES 8

/* A command that was written, for those of the same lengths behind it. */
struct model {
    const char *bytes; /* NULL: there is none */
    size_t len;
    size_t value_len[MODEL_VALUES];
    size_t value_at[MODEL_VALUES];
};

static void note_model(struct model *model, const weir_prepared *prepared,
                       const char *begin, const char *end, const weir_view *values) {
    size_t len = (size_t)(end - begin);
    size_t at = 0;
    model->bytes = NULL;
    if (prepared->value_count > MODEL_VALUES || len > COPY_MOST || len < WORD) {
        return;
    }
    for (size_t i = 0; i < prepared->value_count; i++) {
        at += prepared->piece_len[i];
        at += values[i].len > 99 ? 5 : values[i].len > 9 ? 4 : 3; /* digits, CR LF */
        model->value_len[i] = values[i].len;
        model->value_at[i] = at;
        at += values[i].len;
    }
    model->bytes = begin;
    model->len = len;
}

static inline bool is_like(const struct model *model, const weir_view *values,
                           size_t count) {
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        different |= model->value_len[i] ^ values[i].len;
    }
    return different == 0;
}

/* One value of one or two words in a command of `words` words, a constant where this is
 * called: as most entries are that are many. Gives how many commands were like the model.
 */
static inline size_t write_words(const struct model *model, char *restrict out,
                                 const weir_view *values, size_t count, size_t words) {
    const char *restrict bytes = model->bytes;
    size_t len = model->len;
    size_t value_len = model->value_len[0];
    size_t value_at = model->value_at[0];
    size_t second_at = value_len - WORD;
    size_t done = 0;
    for (; done < count && values[done].len == value_len; done++, out += len) {
        const char *value = values[done].data;
        memcpy(out, bytes, (words - 1) * WORD);
        memcpy(out + len - WORD, bytes + len - WORD, WORD);
        memcpy(out + value_at, value, WORD);
        if (second_at > 0) {
            memcpy(out + value_at + second_at, value + second_at, WORD);
        }
    }
    return done;
}

static size_t write_like_any(const struct model *model, char *out, const weir_view *values,
                             size_t value_count, size_t count) {
    size_t done = 0;
    for (; done < count && is_like(model, values, value_count); done++, out += model->len) {
        copy_words(out, model->bytes, model->len);
        for (size_t k = 0; k < value_count; k++) {
            copy_value(out + model->value_at[k], values++->data, model->value_len[k]);
        }
    }
    return done;
}

static bool has_words(const struct model *model, size_t value_count) {
    return value_count == 1 && model->value_len[0] >= WORD &&
           model->value_len[0] <= 2 * WORD;
}

/* Writes commands as long as they are like the model. Gives how many. */
static size_t write_like(const struct model *model, char *out, const weir_view *values,
                         size_t value_count, size_t count) {
    size_t words = has_words(model, value_count) ? (model->len + WORD - 1) / WORD : 0;
    switch (words) {
    case 4: return write_words(model, out, values, count, 4);
    case 5: return write_words(model, out, values, count, 5);
    case 6: return write_words(model, out, values, count, 6);
    case 7: return write_words(model, out, values, count, 7);
    default: return write_like_any(model, out, values, value_count, count);
    }
}

char *weir_prepared_write_all(const weir_prepared *prepared, char *out,
                              const weir_view *values, size_t count) {
    struct model model;
    size_t value_count = prepared->value_count;
    while (count > 0) {
        char *end = weir_prepared_write(prepared, out, values);
        note_model(&model, prepared, out, end, values);
        values += value_count;
        count--;
        out = end;
        if (model.bytes != NULL) {
            size_t done = write_like(&model, out, values, value_count, count);
            values += done * value_count;
            count -= done;
            out += done * model.len;
        }
    }
    return out;
}
