/* A server that is played in memory.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "played.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_ARGS 64
#define RUN       "0123456789012345678901234567890123456789"

/* ---- saying ---- */

static void say(struct played *self, const char *text) {
    size_t len = strlen(text);
    assert_true(self->out_len + len <= PLAYED_BYTES);
    memcpy(self->out + self->out_len, text, len);
    self->out_len += len;
}

static void say_bulk(struct played *self, const char *text) {
    char head[32];
    (void)snprintf(head, sizeof head, "$%zu\r\n", strlen(text));
    say(self, head);
    say(self, text);
    say(self, "\r\n");
}

static void say_id(struct played *self, weir_id id) {
    char text[WEIR_ID_TEXT + 1] = "";
    text[weir_id_format(id, text)] = '\0';
    say_bulk(self, text);
}

/* ---- reading arguments ---- */

static bool is_word(weir_view arg, const char *word) {
    return weir_view_equal(arg, weir_text(word));
}

static uint64_t number_of(weir_view arg) {
    char text[24] = "";
    assert_true(arg.len < sizeof text);
    memcpy(text, arg.data, arg.len);
    return strtoull(text, NULL, 10);
}

/* ---- the stream ---- */

/* Ids are made, or given; false: the stream has passed that one. */
static bool add(struct played *self, weir_view id_text, weir_view value, weir_id *id) {
    *id = (weir_id){1000 + self->count, 0};
    if (!is_word(id_text, "*")) {
        assert_status(weir_id_parse(id_text, id), WEIR_OK);
        if (weir_id_compare(*id, self->last) <= 0) {
            return false;
        }
    }
    assert_true(self->count < PLAYED_ENTRIES);
    self->last = *id;
    self->entries[self->count].id = *id;
    self->entries[self->count++].number = (int)number_of(value);
    return true;
}

static bool refuses(struct played *self) {
    int place = self->adds++;
    bool is_refused =
        place >= self->refused_from && place < self->refused_from + self->refusals;
    if (is_refused) {
        say(self, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    }
    return is_refused;
}

/* XADD s [IDMP name iid] id n VALUE */
static void answer_xadd(struct played *self, const weir_view *args, size_t count) {
    weir_id id = WEIR_ID_MIN;
    uint64_t iid = is_word(args[2], "IDMP") ? number_of(args[4]) : 0;
    size_t known = self->iid_count < PLAYED_IIDS ? self->iid_count : PLAYED_IIDS;
    if (refuses(self)) {
        return;
    }
    for (size_t i = 0; iid != 0 && i < known; i++) {
        if (self->iids[i] == iid) {
            say_id(self, self->iid_ids[i]);
            return;
        }
    }
    if (!add(self, args[count - 3], args[count - 1], &id)) {
        say(self, "-ERR The ID specified in XADD is equal or smaller than the target "
                  "stream top item\r\n");
        return;
    }
    if (iid != 0) {
        self->iids[self->iid_count % PLAYED_IIDS] = iid;
        self->iid_ids[self->iid_count++ % PLAYED_IIDS] = id;
    }
    say_id(self, id);
}

static void say_call(struct played *self, const struct played_call *call) {
    char text[128];
    (void)snprintf(text, sizeof text, "%llu %llu-%llu %llu-%llu",
                   (unsigned long long)call->number, (unsigned long long)call->first.ms,
                   (unsigned long long)call->first.seq, (unsigned long long)call->last.ms,
                   (unsigned long long)call->last.seq);
    say(self, "*1\r\n");
    say_bulk(self, text);
}

/* As the script does: EVALSHA sha 2 key side name number before place 0, and for each entry
 * 2 n VALUE. The ids of a call follow each other. */
static void answer_call(struct played *self, const weir_view *args, size_t count) {
    struct played_call call = {number_of(args[6]), WEIR_ID_MIN, WEIR_ID_MIN};
    uint64_t before = number_of(args[7]);
    struct played_call *kept = &self->calls[number_of(args[8]) % PLAYED_CALLS];
    char words[64];
    if (!self->has_script) {
        say(self, "-NOSCRIPT No matching script.\r\n");
        return;
    }
    if (refuses(self)) {
        return;
    }
    if (call.number <= self->last_call) {
        assert_int_equal(kept->number, call.number);
        say_call(self, kept);
        return;
    }
    if (before != self->last_call) {
        (void)snprintf(words, sizeof words, "-SEQGAP after %llu\r\n",
                       (unsigned long long)self->last_call);
        say(self, words);
        return;
    }
    for (size_t at = 10; at < count; at += 3) {
        weir_id id = {1000, self->count};
        char text[WEIR_ID_TEXT];
        weir_view id_text = weir_bytes(text, weir_id_format(id, text));
        assert_true(add(self, id_text, args[at + 2], &id));
        call.first = at == 10 ? id : call.first;
        call.last = id;
    }
    *kept = call;
    self->last_call = call.number;
    say_call(self, &call);
}

static void answer_xinfo(struct played *self) {
    if (self->count == 0) {
        say(self, "-ERR no such key\r\n");
        return;
    }
    say(self, "%3\r\n");
    say_bulk(self, "last-generated-id");
    say_id(self, self->last);
    say_bulk(self, "idmp-duration");
    say(self, ":100\r\n");
    say_bulk(self, "idmp-maxsize");
    say(self, ":100\r\n");
}

static void answer_xrange(struct played *self, weir_view id_text) {
    weir_id id;
    assert_status(weir_id_parse(id_text, &id), WEIR_OK);
    for (size_t i = 0; i < self->count; i++) {
        if (weir_id_compare(self->entries[i].id, id) == 0) {
            say(self, "*1\r\n*2\r\n");
            say_id(self, id);
            say(self, "*2\r\n$1\r\nn\r\n$1\r\n1\r\n");
            return;
        }
    }
    say(self, "*0\r\n");
}

/* ---- commands ---- */

static void answer_client(struct played *self, const weir_view *args) {
    if (!is_word(args[1], "KILL")) {
        say(self, "+OK\r\n");
    } else if (self->has_fence) {
        self->late_len = 0;
        say(self, ":1\r\n");
    } else {
        say(self, "-NOPERM this user has no permissions to run 'client|kill'\r\n");
    }
}

static void answer(struct played *self, const weir_view *args, size_t count) {
    if (is_word(args[0], "XADD")) {
        answer_xadd(self, args, count);
    } else if (is_word(args[0], "EVALSHA")) {
        answer_call(self, args, count);
    } else if (is_word(args[0], "SCRIPT")) {
        self->has_script = true;
        say_bulk(self, RUN);
    } else if (is_word(args[0], "HELLO")) {
        say(self, "%4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.6.2\r\n"
                  "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n");
    } else if (is_word(args[0], "INFO")) {
        say_bulk(self, "run_id:" RUN "\r\n");
    } else if (is_word(args[0], "XINFO")) {
        answer_xinfo(self);
    } else if (is_word(args[0], "XRANGE")) {
        answer_xrange(self, args[2]);
    } else if (is_word(args[0], "WAIT")) {
        say(self, ":2\r\n");
    } else if (is_word(args[0], "CLIENT")) {
        answer_client(self, args);
    } else {
        say(self, "+OK\r\n");
    }
}

/* Cuts one whole command off the front of `bytes`; false: there is none. */
static bool cut_command(weir_view *bytes, weir_view *args, size_t *count) {
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_view rest = *bytes;
    weir_reader_init(&reader, NULL);
    if (weir_reader_next(&reader, rest, &used, &token) != WEIR_OK) {
        return false;
    }
    *count = (size_t)token.number;
    assert_true(token.type == WEIR_TOKEN_ARRAY && *count > 0 && *count <= MOST_ARGS);
    for (size_t i = 0; i < *count; i++) {
        rest = weir_bytes(rest.data + used, rest.len - used);
        if (weir_reader_next(&reader, rest, &used, &token) != WEIR_OK) {
            return false;
        }
        args[i] = token.bytes;
    }
    *bytes = weir_bytes(rest.data + used, rest.len - used);
    return true;
}

static void execute(struct played *self, char *bytes, size_t *len) {
    static weir_view args[MOST_ARGS]; /* large */
    weir_view rest = weir_bytes(bytes, *len);
    size_t count;
    while (cut_command(&rest, args, &count)) {
        answer(self, args, count);
    }
    memmove(bytes, rest.data, rest.len);
    *len = rest.len;
}

/* ---- the transport ---- */

static weir_status connect_played(void *context, int64_t now_ms, int64_t deadline_ms,
                                  weir_error *error) {
    struct played *self = context;
    (void)now_ms;
    (void)deadline_ms;
    (void)error;
    self->in_len = self->out_len = self->out_at = 0;
    self->is_up = true;
    self->is_cut = false;
    self->connections++;
    return WEIR_OK;
}

/* What a lost connection left behind comes before or behind what this one has sent. */
static void execute_late(struct played *self) {
    size_t out_len = self->out_len;
    execute(self, self->late, &self->late_len);
    self->late_len = 0;
    self->out_len = out_len; /* nobody hears the answers */
}

static weir_status end(struct played *self) {
    size_t out_len = self->out_len;
    self->is_cut = true;
    self->send_most = self->receive_most = SIZE_MAX;
    if (self->rest == PLAYED_EXECUTES) {
        execute(self, self->in, &self->in_len);
    } else if (self->rest == PLAYED_IS_LATE) {
        memcpy(self->late, self->in, self->in_len);
        self->late_len = self->in_len;
    }
    self->out_len = out_len;
    return WEIR_ERR_CLOSED;
}

static weir_status send_played(void *context, const weir_view *parts, size_t count,
                               size_t *moved, weir_error *error) {
    struct played *self = context;
    (void)error;
    for (size_t i = 0; i < count && !self->is_cut; i++) {
        size_t len = parts[i].len < self->send_most ? parts[i].len : self->send_most;
        assert_true(self->in_len + len <= PLAYED_BYTES);
        if (len > 0) {
            memcpy(self->in + self->in_len, parts[i].data, len);
        }
        self->in_len += len;
        *moved += len;
        self->sent += len;
        self->send_most -= self->send_most != SIZE_MAX ? len : 0;
        if (self->send_most == 0) {
            (void)end(self);
        }
    }
    return self->is_cut ? WEIR_ERR_CLOSED : WEIR_OK;
}

/* It executes what it has when somebody wants to hear of it. */
static weir_status receive_played(void *context, char *data, size_t room, size_t *moved,
                                  weir_error *error) {
    struct played *self = context;
    (void)error;
    if (self->is_cut) {
        return WEIR_ERR_CLOSED;
    }
    if (self->receive_most == 0) {
        return end(self);
    }
    bool has_come = self->in_len > 0;
    execute(self, self->in, &self->in_len);
    if (self->late_len > 0 && has_come && self->adds > 0) {
        execute_late(self);
    }
    size_t left = self->out_len - self->out_at;
    size_t len = left < room ? left : room;
    len = len < self->receive_most ? len : self->receive_most;
    if (len == 0) {
        return WEIR_MORE;
    }
    memcpy(data, self->out + self->out_at, len);
    self->out_at += len;
    self->received += len;
    self->receive_most -= self->receive_most != SIZE_MAX ? len : 0;
    *moved = len;
    if (self->out_at == self->out_len) {
        self->out_at = self->out_len = 0;
    }
    return WEIR_OK;
}

static int fd_of_played(const void *context) {
    (void)context;
    return -1;
}

static void close_played(void *context) {
    struct played *self = context;
    if (self->is_up && !self->is_cut) {
        (void)end(self);
    }
    self->is_up = false;
}

weir_transport played_transport(struct played *self) {
    weir_transport table = {.context = self,
                            .connect = connect_played,
                            .receive = receive_played,
                            .send = send_played,
                            .fd = fd_of_played,
                            .close = close_played};
    self->send_most = self->receive_most = SIZE_MAX;
    return table;
}
