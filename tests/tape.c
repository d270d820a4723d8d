/* A transport of the test's own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tape.h"

#include "support.h"

static weir_status tape_connect(void *context, int64_t now_ms, int64_t deadline_ms,
                                weir_error *error) {
    (void)context;
    (void)now_ms;
    (void)deadline_ms;
    (void)error;
    return WEIR_OK;
}

static weir_status tape_receive(void *context, char *data, size_t room, size_t *moved,
                                weir_error *error) {
    struct tape *tape = context;
    (void)error;
    if (tape->said_len == 0) {
        return WEIR_MORE;
    }
    *moved = room < tape->said_len ? room : tape->said_len;
    memcpy(data, tape->said, *moved);
    tape->said += *moved;
    tape->said_len -= *moved;
    return WEIR_OK;
}

static void answer(struct tape *tape, const char *text) {
    size_t len = strlen(text);
    assert_true(len <= sizeof tape->greeting - tape->greeting_len);
    memcpy(tape->greeting + tape->greeting_len, text, len);
    tape->said = tape->said_len == 0 ? tape->greeting + tape->greeting_len : tape->said;
    tape->greeting_len += len;
    tape->said_len += len;
}

static void answer_handshake(struct tape *tape) {
    weir_reader reader;
    size_t used;
    weir_reader_init(&reader, NULL);
    while (tape->seen < tape->sent_len) {
        weir_view rest = weir_bytes(tape->sent + tape->seen, tape->sent_len - tape->seen);
        if (weir_reader_skip_reply(&reader, rest, &used) != WEIR_OK) {
            return;
        }
        answer(tape, tape->seen == 0
                         ? "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n"
                           "$5\r\n9.9.9\r\n$5\r\nproto\r\n:3\r\n"
                         : "+OK\r\n");
        tape->seen += used;
    }
}

static weir_status tape_send(void *context, const weir_view *parts, size_t count,
                             size_t *moved, weir_error *error) {
    struct tape *tape = context;
    (void)error;
    for (size_t i = 0; i < count; i++) {
        assert_true(parts[i].len <= sizeof tape->sent - tape->sent_len);
        memcpy(tape->sent + tape->sent_len, parts[i].data, parts[i].len);
        tape->sent_len += parts[i].len;
        *moved += parts[i].len;
    }
    if (!tape->is_greeted) {
        answer_handshake(tape);
    }
    return WEIR_OK;
}

static int tape_fd(const void *context) {
    (void)context;
    return -1;
}

static void tape_close(void *context) { (void)context; }

weir_client *tape_open(struct tape *tape) {
    weir_client *client;
    const weir_transport transport = {.context = tape,
                                      .connect = tape_connect,
                                      .receive = tape_receive,
                                      .send = tape_send,
                                      .fd = tape_fd,
                                      .close = tape_close};
    const weir_options options = {.transport = &transport, .non_blocking = true};
    memset(tape, 0, sizeof *tape);
    assert_status(weir_open("redis://tape", &options, &client), WEIR_OK);
    for (int i = 0; i < 100 && !weir_client_is_ready(client); i++) {
        assert_status(weir_step(client), WEIR_OK);
    }
    assert_true(weir_client_is_ready(client));
    tape->is_greeted = true;
    tape->sent_len = 0;
    return client;
}

weir_view tape_take_sent(struct tape *tape, weir_client *client) {
    assert_status(weir_flush(client), WEIR_OK);
    weir_view sent = weir_bytes(tape->sent, tape->sent_len);
    tape->sent_len = 0;
    return sent;
}

void tape_say(struct tape *tape, weir_view bytes) {
    assert_int_equal(tape->said_len, 0);
    tape->said = bytes.data;
    tape->said_len = bytes.len;
}
