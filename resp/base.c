/* The words for each status.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "base.h"

const char *weir_status_text(weir_status status) {
    switch (status) {
    case WEIR_OK: return "done";
    case WEIR_MORE: return "not finished yet";
    case WEIR_END: return "nothing left";
    case WEIR_ERR_ARG: return "wrong argument";
    case WEIR_ERR_NOMEM: return "out of memory";
    case WEIR_ERR_LIMIT: return "larger than its limit";
    case WEIR_ERR_FULL: return "no room until answers are taken";
    case WEIR_ERR_UNSUPPORTED: return "not supported";
    case WEIR_ERR_SERVER: return "the server answered with an error";
    case WEIR_ERR_REPLY: return "an answer of unexpected shape";
    case WEIR_ERR_DOWN: return "no connection, not sent";
    case WEIR_ERR_LOST: return "the answer was lost";
    case WEIR_ERR_IO: return "input or output failed";
    case WEIR_ERR_CLOSED: return "the peer closed the connection";
    case WEIR_ERR_TIMEOUT: return "timed out";
    case WEIR_ERR_PROTOCOL: return "the peer does not speak RESP";
    case WEIR_ERR_CONNECT: return "cannot connect";
    case WEIR_ERR_REFUSED: return "the server refused the handshake";
    case WEIR_ERR_CANCELLED: return "cancelled";
    case WEIR_ERR_TLS: return "TLS failed";
    }
    return "unknown status";
}
