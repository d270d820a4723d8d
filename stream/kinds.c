/* Errors of servers, told apart by how they begin. The words are Redis's (server.c,
 * cluster.c, t_stream.c, blocked.c, acl.c) and Valkey's; whatever a server says before it
 * executes a command has had no effect.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "kinds.h"

/* More particular beginnings stand before those that they begin with. */
static const weir_error_row ROWS[] = {
    {"LOADING", WEIR_KIND_RETRY, false},
    {"BUSY", WEIR_KIND_RETRY, false},
    {"TRYAGAIN", WEIR_KIND_RETRY, false},
    {"CLUSTERDOWN", WEIR_KIND_RETRY, false},
    {"MASTERDOWN", WEIR_KIND_RETRY, false},
    {"OOM", WEIR_KIND_RETRY, false},
    {"MISCONF", WEIR_KIND_RETRY, false},
    {"NOREPLICAS", WEIR_KIND_RETRY, false},
    {"INPROG", WEIR_KIND_RETRY, false},
    {"NOQUORUM", WEIR_KIND_RETRY, false},
    {"NOGOODSLAVE", WEIR_KIND_RETRY, false},
    {"ERR max number of clients reached", WEIR_KIND_RETRY, false},
    {"MOVED", WEIR_KIND_REDIRECT, false},
    {"ASK", WEIR_KIND_REDIRECT, false},
    {"REDIRECT", WEIR_KIND_REDIRECT, false},
    {"READONLY", WEIR_KIND_ROLE, false},
    {"UNBLOCKED", WEIR_KIND_UNBLOCKED, false},
    {"NOAUTH", WEIR_KIND_LOGIN, false},
    {"WRONGPASS", WEIR_KIND_LOGIN, false},
    {"ERR AUTH", WEIR_KIND_LOGIN, false},
    {"ERR invalid password", WEIR_KIND_LOGIN, false},
    {"ERR Client sent AUTH", WEIR_KIND_LOGIN, false},
    {"NOPERM", WEIR_KIND_FORBIDDEN, false},
    {"DENIED", WEIR_KIND_FORBIDDEN, false},
    {"NOPROTO", WEIR_KIND_UNKNOWN, false},
    {"ERR unknown command", WEIR_KIND_UNKNOWN, false},
    {"ERR unknown subcommand", WEIR_KIND_UNKNOWN, false},
    {"ERR Unknown subcommand", WEIR_KIND_UNKNOWN, false},
    {"CROSSSLOT", WEIR_KIND_WRONG, false},
    {"NOTBUSY", WEIR_KIND_WRONG, false},
    {"UNKILLABLE", WEIR_KIND_WRONG, false},
    {"BUSYKEY", WEIR_KIND_WRONG, false},
    {"ERR Protocol error", WEIR_KIND_WRONG, false},
    {"ERR wrong number of arguments", WEIR_KIND_WRONG, false},
    {"ERR syntax error", WEIR_KIND_WRONG, false},
    {"ERR value is", WEIR_KIND_WRONG, false},
    {"ERR Invalid stream ID", WEIR_KIND_WRONG, false},
    {"ERR invalid start ID", WEIR_KIND_WRONG, false},
    {"ERR invalid end ID", WEIR_KIND_WRONG, false},
    {"ERR timeout is", WEIR_KIND_WRONG, false},
    {"ERR Unbalanced", WEIR_KIND_WRONG, false},
    {"ERR Unrecognized XCLAIM option", WEIR_KIND_WRONG, false},
    {"ERR The MAXLEN argument", WEIR_KIND_WRONG, false},
    {"ERR The ID specified in XADD must be greater", WEIR_KIND_WRONG, false},
    {"ERR The ID specified in XSETID", WEIR_KIND_WRONG, false},
    {"ERR The stream has no last element", WEIR_KIND_WRONG, false},
    {"ERR Elements are too large", WEIR_KIND_WRONG, false},
    {"ERR index is out of range", WEIR_KIND_WRONG, false},
    {"ERR DB index is out of range", WEIR_KIND_WRONG, false},
    {"ERR EXEC without MULTI", WEIR_KIND_WRONG, false},
    {"ERR DISCARD without MULTI", WEIR_KIND_WRONG, false},
    {"ERR MULTI calls can not be nested", WEIR_KIND_WRONG, false},
    {"ERR WATCH inside MULTI", WEIR_KIND_WRONG, false},
    {"ERR Command not allowed inside a transaction", WEIR_KIND_WRONG, false},
    {"WRONGTYPE", WEIR_KIND_WRONG_TYPE, false},
    {"ERR no such key", WEIR_KIND_NO_KEY, false},
    {"ERR The XGROUP subcommand requires the key", WEIR_KIND_NO_KEY, false},
    {"NOGROUP", WEIR_KIND_NO_GROUP, false},
    {"BUSYGROUP", WEIR_KIND_GROUP_EXISTS, false},
    {"ERR The ID specified in XADD is equal or smaller", WEIR_KIND_ID_PASSED, false},
    {"ERR The stream has exhausted the last possible ID", WEIR_KIND_ID_EXHAUSTED, false},
    {"EXECABORT", WEIR_KIND_ABORTED, false},
    {"NOSCRIPT", WEIR_KIND_NO_SCRIPT, false},
    {"SEQGAP", WEIR_KIND_SEQUENCE_GAP, false},
};
#define ROW_COUNT (sizeof ROWS / sizeof ROWS[0])

static const weir_error_row OTHER = {"", WEIR_KIND_OTHER, true};

static bool has_space(const char *text) { return strchr(text, ' ') != NULL; }

/* A single word ends where the server's word ends: BUSY is not BUSYGROUP. */
static bool is_row_of(const weir_error_row *row, weir_view words) {
    size_t len = strlen(row->beginning);
    if (words.len < len || memcmp(words.data, row->beginning, len) != 0) {
        return false;
    }
    return words.len == len || words.data[len] == ' ' || has_space(row->beginning);
}

const weir_error_row *weir_error_row_of(weir_view words) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (is_row_of(&ROWS[i], words)) {
            return &ROWS[i];
        }
    }
    return &OTHER;
}

const weir_error_row *weir_error_rows(size_t *count) {
    *count = ROW_COUNT;
    return ROWS;
}

bool weir_status_may_have_run(weir_status status) {
    switch (status) {
    case WEIR_OK:
    case WEIR_MORE:
    case WEIR_END:
    case WEIR_ERR_ARG:
    case WEIR_ERR_FULL:
    case WEIR_ERR_UNSUPPORTED:
    case WEIR_ERR_DOWN:
    case WEIR_ERR_CONNECT:
    case WEIR_ERR_REFUSED: return false;
    case WEIR_ERR_NOMEM: /* both also where an answer cannot be held */
    case WEIR_ERR_LIMIT:
    case WEIR_ERR_SERVER:
    case WEIR_ERR_REPLY:
    case WEIR_ERR_LOST:
    case WEIR_ERR_IO:
    case WEIR_ERR_CLOSED:
    case WEIR_ERR_TIMEOUT:
    case WEIR_ERR_PROTOCOL:
    case WEIR_ERR_TLS:
    case WEIR_ERR_CANCELLED: return true;
    }
    return true;
}
