/* weir's side of the codec, as the client does it: a session that is fed from memory, and
 * on it the calls that weir_entries_next and weir_take_ids make.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "codec.h"

#include "../stream/session.h"
#include "need.h"
#include "say.h"
#include "side.h"

#include <stdlib.h>

#define RECEIVE_MOST ((size_t)64 << 20) /* the client's defaults */
#define SEND_MOST    ((size_t)64 << 20)
#define UNANSWERED   65536
#define IDS_AT_ONCE  BENCH_WINDOW

struct own {
    const struct codec_data *data;
    size_t fed;   /* bytes of the data that have come */
    size_t asked; /* bytes of it that answer what was asked */
    uint64_t allocations;
    weir_session session;
};

static void *count_resize(void *user, void *block, size_t old_size, size_t new_size) {
    (void)old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    struct own *self = user;
    self->allocations++;
    return realloc(block, new_size);
}

static bool failed(const struct own *self, const char *what) {
    return say_failed("weir: %s: %s", what, self->session.error.text);
}

/* ---- a session past its handshake ---- */

static bool receive_text(struct own *self, const char *text) {
    char *at;
    size_t room;
    size_t len = strlen(text);
    if (weir_session_room(&self->session, &at, &room) != WEIR_OK || room < len) {
        return false;
    }
    memcpy(at, text, len);
    return weir_session_received(&self->session, len, 0) == WEIR_OK;
}

static void drop_output(struct own *self) {
    weir_session_sent(&self->session, weir_session_queued(&self->session));
}

/* As of a server that knows neither HELLO's parts nor CLIENT SETINFO. */
static bool greet(struct own *self) {
    if (weir_session_greet(&self->session) != WEIR_MORE) {
        return failed(self, "handshake");
    }
    drop_output(self);
    return (receive_text(self, "+PONG\r\n-ERR unknown\r\n+OK\r\n") &&
            weir_session_greet(&self->session) == WEIR_OK) ||
           failed(self, "handshake");
}

static void own_close(void *handle) {
    struct own *self = handle;
    weir_session_free(&self->session);
    free(self);
}

static void *own_open(const struct codec_data *data) {
    static const weir_greeter plain = {
        .user = "", .password = "", .name = "", .protocol = 2};
    const weir_session_sizes sizes = {.receive_base = CODEC_PIECE,
                                      .receive_most = RECEIVE_MOST,
                                      .send_base = CODEC_PIECE,
                                      .send_most = SEND_MOST,
                                      .ring_base = 64,
                                      .unanswered_most = UNANSWERED,
                                      .slots = WEIR_MAX_SLOTS};
    struct own *self = need_memory(sizeof *self);
    self->data = data;
    weir_mem mem = {count_resize, self};
    if (weir_session_init(&self->session, &mem, &sizes, &plain, "memory") != WEIR_OK) {
        say_failed("weir: no memory");
        free(self);
        return NULL;
    }
    if (!greet(self)) {
        own_close(self);
        return NULL;
    }
    return self;
}

/* ---- bytes in, requests out ---- */

/* One request, as if it was sent; 0: failed, and said why. */
static uint64_t ask(struct own *self, weir_answer answer) {
    char *at;
    if (weir_session_reserve(&self->session, 1, 1, &at) != WEIR_OK) {
        failed(self, "request");
        return 0;
    }
    *at = 'x';
    return weir_session_commit(&self->session, 1, answer, 0, 0);
}

/* The next piece comes; the copying, a kernel's work, does not count. */
static bool receive(struct own *self, struct codec_tally *tally) {
    char *at;
    size_t room;
    size_t left = self->asked - self->fed;
    if (left == 0 || weir_session_room(&self->session, &at, &room) != WEIR_OK) {
        return say_failed("weir: no room, or the reply is not whole");
    }
    size_t len = left < CODEC_PIECE ? left : CODEC_PIECE;
    len = len < room ? len : room;
    double start = codec_now();
    memcpy(at, self->data->bytes.data + self->fed, len);
    codec_end_apart(tally, start, len);
    self->fed += len;
    return weir_session_received(&self->session, len, 0) == WEIR_OK ||
           failed(self, "receiving");
}

/* ---- entries ---- */

static uint64_t visit(const weir_entry *entry) {
    uint64_t sum = entry->id.ms + entry->id.seq;
    for (size_t i = 0; i < entry->field_count; i++) {
        weir_field field = entry->fields[i];
        sum += codec_visit(field.name.data, field.name.len) +
               codec_visit(field.value.data, field.value.len);
    }
    return sum;
}

/* What weir_entries_next does with its session, but for the socket. */
static weir_status next_entry(weir_session *session, uint32_t index, uint64_t serial,
                              weir_entry *entry) {
    weir_slot *slot = weir_session_slot(session, index, serial);
    if (slot == NULL || slot->is_dropped) {
        return WEIR_END;
    }
    weir_session_unpin(session, slot);
    return weir_session_next_entry(session, slot, entry);
}

static bool read_all(struct own *self, weir_slot *slot, struct codec_tally *tally) {
    weir_session *session = &self->session;
    uint32_t index = weir_session_slot_index(session, slot);
    uint64_t serial = slot->serial;
    weir_entry entry;
    for (;;) {
        weir_status st = next_entry(session, index, serial, &entry);
        if (st == WEIR_OK) {
            tally->sum += visit(&entry);
        } else if (st == WEIR_MORE) {
            if (!receive(self, tally)) {
                return false;
            }
        } else {
            weir_session_close_slot(session, slot);
            return st == WEIR_END || failed(self, "reading entries");
        }
    }
}

static bool read_entries(void *handle, struct codec_tally *tally) {
    struct own *self = handle;
    uint64_t before = self->allocations;
    uint64_t ticket = ask(self, WEIR_ANSWER_RANGE);
    weir_slot *slot = NULL;
    drop_output(self);
    self->fed = 0;
    self->asked = self->data->bytes.len;
    weir_status st = WEIR_MORE;
    while (ticket != 0 && st == WEIR_MORE) {
        if (!receive(self, tally)) {
            return false;
        }
        st = weir_session_open_entries(&self->session, ticket, self, &slot);
    }
    if (st != WEIR_OK) {
        return failed(self, "the beginning of the reply");
    }
    bool is_done = read_all(self, slot, tally);
    tally->allocations += self->allocations - before;
    return is_done;
}

/* ---- ids ---- */

/* What weir_take_ids does with its session, but for the socket. */
static bool take_window(struct own *self, struct codec_tally *tally) {
    weir_session *session = &self->session;
    weir_id ids[IDS_AT_ONCE];
    size_t done = 0;
    while (done < IDS_AT_ONCE) {
        size_t quick = weir_session_take_ids(session, ids + done, IDS_AT_ONCE - done);
        done += quick;
        if (quick > 0) {
            continue;
        }
        weir_status st =
            weir_session_take_id(session, weir_session_due(session), ids + done);
        done += st == WEIR_OK ? 1 : 0;
        if (st == WEIR_MORE ? !receive(self, tally) : st != WEIR_OK) {
            return failed(self, "an id");
        }
    }
    for (size_t i = 0; i < IDS_AT_ONCE; i++) {
        tally->sum += ids[i].ms + ids[i].seq;
    }
    return true;
}

static bool ask_ids(void *handle) {
    struct own *self = handle;
    for (uint64_t i = 0; i < self->data->entries; i++) {
        if (ask(self, WEIR_ANSWER_ID) == 0) {
            return false;
        }
    }
    drop_output(self);
    return true;
}

static bool take_ids(void *handle, struct codec_tally *tally) {
    struct own *self = handle;
    uint64_t before = self->allocations;
    self->fed = 0;
    self->asked = self->data->bytes.len;
    for (uint64_t i = 0; i < self->data->entries; i += IDS_AT_ONCE) {
        if (!take_window(self, tally)) {
            return false;
        }
    }
    tally->allocations += self->allocations - before;
    return true;
}

const struct codec_side codec_own_entries = {own_open, read_entries, own_close, NULL};
const struct codec_side codec_own_ids = {own_open, take_ids, own_close, ask_ids};
