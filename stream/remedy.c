/* What a consumer does about a failure.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "remedy.h"

/* The server's word. One that nobody knows stops it too: to go on blindly would spin. */
static weir_remedy remedy_for_kind(weir_error_kind kind) {
    switch (kind) {
    case WEIR_KIND_RETRY:
    case WEIR_KIND_ROLE:
    case WEIR_KIND_UNBLOCKED: return WEIR_REMEDY_AGAIN;
    case WEIR_KIND_NO_KEY:
    case WEIR_KIND_NO_GROUP: return WEIR_REMEDY_GROUP;
    case WEIR_KIND_NONE:
    case WEIR_KIND_OTHER:
    case WEIR_KIND_REDIRECT: /* a cluster: asking the same node again changes nothing */
    case WEIR_KIND_LOGIN:
    case WEIR_KIND_FORBIDDEN:
    case WEIR_KIND_UNKNOWN:
    case WEIR_KIND_WRONG:
    case WEIR_KIND_WRONG_TYPE:
    case WEIR_KIND_GROUP_EXISTS:
    case WEIR_KIND_ID_PASSED:
    case WEIR_KIND_ID_EXHAUSTED:
    case WEIR_KIND_ABORTED:
    case WEIR_KIND_NO_SCRIPT:
    case WEIR_KIND_SEQUENCE_GAP: return WEIR_REMEDY_STOP;
    }
    return WEIR_REMEDY_STOP;
}

weir_remedy weir_remedy_for(const weir_error *error) {
    if (error->status == WEIR_ERR_SERVER) {
        return remedy_for_kind(error->kind);
    }
    bool is_mistake = error->status == WEIR_ERR_ARG ||
                      error->status == WEIR_ERR_UNSUPPORTED ||
                      error->status == WEIR_ERR_REPLY;
    return is_mistake ? WEIR_REMEDY_STOP : WEIR_REMEDY_AGAIN;
}
