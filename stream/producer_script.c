/* The script that counts on the server, beside the stream: a call carries many entries, has
 * a number, and is done once, whoever sends it how often.
 *
 * The side key is a hash. For each producer it has the number of the call done last, and
 * for each of eight places (the calls that can be in flight) what that call gave: NUMBER
 * FIRST-ID LAST-ID [ INDEX OF A REFUSED ENTRY]... The ids of a call follow each other in
 * one millisecond, so two tell all. SPDX-License-Identifier: BSD-2-Clause */
#include "producer_private.h"

#include <stdio.h>

#include "../resp/bulk.h"
#include "../resp/command.h"
#include "../resp/number.h"
#include "../resp/reader.h"
#include "client_private.h"

/*
 * KEYS: stream, side key. ARGV: name, number, number of the call before, place, count of
 * the trim's arguments, these, then for each entry the count of its arguments, and these.
 * What a server says before it writes anything (OOM and its like) refuses the call as a
 * whole; what it says of one entry refuses that one. A number of more than 15 digits is no
 * exact number to Lua: then the server makes each id.
 */
const char weir_producer_script[] =
    "local side,pid,number=KEYS[2],ARGV[1],tonumber(ARGV[2])\n"
    "local place=pid..':'..ARGV[4]\n"
    "local h=redis.pcall('HMGET',side,pid,place)\n"
    "if h.err then return {err=h.err} end\n"
    "local last=h[1] or '0'\n"
    "if number<=tonumber(last) then\n"
    "  if h[2] and string.match(h[2],'^%d+')==ARGV[2] then return {h[2]} end\n"
    "  return {ARGV[2]..' 0-0 0-0'}\n"
    "end\n"
    "local is_lost=last=='0' and ARGV[3]~='0'\n"
    "if is_lost or last~='0' then\n"
    "  if redis.call('EXISTS',KEYS[1])==0 then return redis.error_reply('SEQGAP reset') end\n"
    "  if is_lost then return redis.error_reply('SEQGAP forgotten') end\n"
    "end\n"
    "if last~=ARGV[3] then return redis.error_reply('SEQGAP after '..last) end\n"
    "local early={OOM=1,MISCONF=1,NOREPLICAS=1,READONLY=1,MASTERDOWN=1,LOADING=1,BUSY=1,\n"
    "  CLUSTERDOWN=1,TRYAGAIN=1,NOPERM=1}\n"
    "local at,index,first,final,ms,seq=6+tonumber(ARGV[5]),0,nil,nil,nil,nil\n"
    "local bad,words='',{}\n"
    "while at<=#ARGV do\n"
    "  local count=tonumber(ARGV[at])\n"
    "  local id='*'\n"
    "  if seq then id=ms..string.format('%.0f',seq+1) end\n"
    "  local got=redis.pcall('XADD',KEYS[1],id,unpack(ARGV,at+1,at+count))\n"
    "  if type(got)=='table' then\n"
    "    if index==0 and early[string.match(got.err,'^%S+')] then return {err=got.err} end\n"
    "    bad=bad..' '..index\n"
    "    words[#words+1]=got.err\n"
    "  else\n"
    "    final=got\n"
    "    if seq then seq=seq+1 end\n"
    "    if not first then\n"
    "      first=got\n"
    "      local m,s=string.match(got,'^(%d+%-)(%d+)$')\n"
    "      if #s<=15 then ms,seq=m,tonumber(s) end\n"
    "    end\n"
    "  end\n"
    "  index=index+1\n"
    "  at=at+count+1\n"
    "end\n"
    "if first and ARGV[5]~='0' then\n"
    "  redis.pcall('XTRIM',KEYS[1],unpack(ARGV,6,5+tonumber(ARGV[5])))\n"
    "end\n"
    "local told=ARGV[2]..' '..(first or '0-0')..' '..(final or '0-0')..bad\n"
    "redis.call('HSET',side,pid,ARGV[2],place,told)\n"
    "return {told,unpack(words)}\n";

#define FIXED_ARGS 9 /* EVALSHA sha 2 key side name number before place; then the trim */
#define ARG_ROOM   64
#define WORDS_MOST 4000 /* of a call: the script's answer puts them on Lua's stack */

bool weir_producer_load(weir_producer *producer) {
    weir_args args;
    weir_args_begin(&args, "SCRIPT");
    weir_args_text(&args, "LOAD");
    weir_args_text(&args, weir_producer_script);
    producer->is_loading = weir_producer_ask(producer, &args, WEIR_NOTE_LOAD, NULL);
    return producer->is_loading;
}

static size_t write_name(const weir_producer *producer, const weir_stream *stream,
                         char *text) {
    int len = stream->epoch == 0 ? snprintf(text, WEIR_PRODUCER_PID, "%s", producer->name)
                                 : snprintf(text, WEIR_PRODUCER_PID, "%s.%u",
                                            producer->name, (unsigned)stream->epoch);
    return len > 0 ? (size_t)len : 0;
}

size_t weir_producer_forget(weir_producer *producer) {
    size_t asked = 0;
    for (size_t i = 0; i < producer->stream_count; i++) {
        weir_stream *stream = producer->streams[i];
        const weir_lane *lane = &stream->lane;
        bool is_idle = lane->queue.count + lane->flight.count + lane->held.count == 0;
        char names[1 + WEIR_CALLS][WEIR_PRODUCER_PID];
        weir_args args;
        if (!is_idle || stream->batch == 0) {
            continue;
        }
        weir_args_begin(&args, "HDEL");
        weir_args_view(&args, stream->side);
        for (unsigned place = 0; place <= WEIR_CALLS; place++) {
            size_t len = write_name(producer, stream, names[place]);
            len += place == 0 ? 0
                              : (size_t)snprintf(names[place] + len,
                                                 WEIR_PRODUCER_PID - len, ":%u", place - 1);
            weir_args_view(&args, weir_bytes(names[place], len));
        }
        asked += weir_producer_ask(producer, &args, WEIR_NOTE_FORGET, NULL) ? 1 : 0;
    }
    return asked;
}

/* ---- a call ---- */

/* What the next call is to carry: all of a call that was sent before, else what fits. */
typedef struct weir_load {
    size_t count;
    size_t bytes; /* with all that goes around */
    size_t args;
} weir_load;

static weir_load choose(const weir_producer *producer, const weir_stream *stream) {
    const weir_item *item = stream->lane.queue.first;
    const weir_producer_options *options = &producer->options;
    uint64_t batch = item->batch;
    weir_load load = {0, 0, 0};
    for (; item != NULL && item->batch == batch; item = item->next) {
        size_t bytes = item->len + ARG_ROOM;
        bool is_full =
            load.count >= options->batch_entries || load.count >= WORDS_MOST ||
            load.bytes + bytes > options->batch_bytes ||
            producer->in_flight + load.count >= options->in_flight_entries ||
            producer->in_flight_bytes + load.bytes + bytes > options->in_flight_bytes;
        if (batch == 0 && load.count > 0 && is_full) {
            break;
        }
        load.count++;
        load.bytes += bytes;
        load.args += 1 + 2 * item->field_count;
    }
    return load;
}

static char *put_number(char *at, uint64_t number) {
    char text[WEIR_U64_DIGITS];
    size_t len = (size_t)(weir_put_u64(text, number) - text);
    return weir_put_argument(at, weir_bytes(text, len));
}

static char *put_call_head(const weir_producer *producer, const weir_stream *stream,
                           uint64_t batch, char *at) {
    char name[WEIR_PRODUCER_PID];
    size_t name_len = write_name(producer, stream, name);
    at = weir_put_argument(at, weir_text("EVALSHA"));
    at = weir_put_argument(at, weir_text(producer->sha));
    at = weir_put_argument(at, weir_bytes("2", 1));
    at = weir_put_argument(at, stream->key);
    at = weir_put_argument(at, stream->side);
    at = weir_put_argument(at, weir_bytes(name, name_len));
    at = put_number(at, batch);
    at = put_number(at, stream->prev_batch);
    at = put_number(at, batch % WEIR_CALLS);
    at = put_number(at, stream->head_args);
    weir_copy_short(at, stream->head, stream->head_len);
    return at + stream->head_len;
}

bool weir_producer_call(weir_producer *producer, weir_stream *stream, int64_t now_us) {
    weir_session *session = &producer->client->session;
    weir_load load = choose(producer, stream);
    size_t bound = load.bytes + stream->head_len + stream->key.len + stream->side.len + 512;
    char *begin;
    if (!weir_producer_can_note(producer) ||
        weir_session_reserve(session, bound, bound, &begin) != WEIR_OK) {
        return false;
    }
    uint64_t batch = stream->lane.queue.first->batch;
    batch = batch != 0 ? batch : ++stream->batch;
    char *at = weir_put_header(begin, FIXED_ARGS + 1 + stream->head_args + load.args);
    at = put_call_head(producer, stream, batch, at);
    for (size_t i = 0; i < load.count; i++) {
        weir_item *item = weir_lane_send(&stream->lane);
        item->batch = batch;
        at = put_number(at, 2 * item->field_count);
        at = weir_producer_put_fields(at, item);
        weir_producer_count_sent(producer, item, now_us);
    }
    size_t size = (size_t)(at - begin);
    weir_session_commit(session, size, WEIR_ANSWER_REPLY, 0, now_us / 1000);
    weir_note note = {stream, size, (uint32_t)load.count, WEIR_NOTE_CALL};
    weir_producer_note(producer, &note);
    stream->prev_batch = batch;
    stream->calls++;
    producer->in_flight_bytes += size;
    producer->counters.bytes += size;
    return true;
}

/* ---- its answer ---- */

/* Cuts the next word off `rest`. */
static weir_view cut_word(weir_view *rest) {
    const char *space = rest->len > 0 ? memchr(rest->data, ' ', rest->len) : NULL;
    size_t len = space != NULL ? (size_t)(space - rest->data) : rest->len;
    weir_view word = weir_bytes(rest->data, len);
    size_t used = space != NULL ? len + 1 : len;
    *rest = weir_bytes(rest->data + used, rest->len - used);
    return word;
}

bool weir_call_read(weir_view whole, weir_call_result *result) {
    weir_reader reader;
    weir_token token;
    size_t used;
    weir_reader_init(&reader, NULL);
    if (weir_reader_next(&reader, whole, &used, &token) != WEIR_OK ||
        token.type != WEIR_TOKEN_ARRAY) {
        return false;
    }
    whole = weir_bytes(whole.data + used, whole.len - used);
    if (weir_reader_next(&reader, whole, &used, &token) != WEIR_OK ||
        token.type != WEIR_TOKEN_BULK) {
        return false;
    }
    result->words = weir_bytes(whole.data + used, whole.len - used);
    weir_view rest = token.bytes;
    (void)cut_word(&rest);
    result->refused = weir_bytes(NULL, 0);
    if (weir_id_parse(cut_word(&rest), &result->first) != WEIR_OK ||
        weir_id_parse(cut_word(&rest), &result->last) != WEIR_OK) {
        return false;
    }
    result->refused = rest;
    return true;
}

bool weir_call_gap_read(const char *text, weir_call_gap *gap) {
    static const char mark[] = "SEQGAP ";
    static const char after[] = "after ";
    const char *at = strstr(text, mark);
    if (at == NULL) {
        return false;
    }
    at += sizeof mark - 1;
    gap->last = 0;
    gap->was_reset = strncmp(at, "reset", 5) == 0;
    gap->was_forgotten = strncmp(at, "forgotten", 9) == 0;
    if (gap->was_reset || gap->was_forgotten) {
        return true;
    }
    if (strncmp(at, after, sizeof after - 1) != 0) {
        return false;
    }
    at += sizeof after - 1;
    return weir_parse_u64(weir_bytes(at, strspn(at, "0123456789")), &gap->last);
}
