/* What a consumer does about a failure: try again, make the group anew, or stop. One table,
 * so that no failure is met by spinning or by silence.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_REMEDY_H
#define WEIR_STREAM_REMEDY_H

#include "../resp/base.h"

typedef enum weir_remedy {
    WEIR_REMEDY_AGAIN, /* wait, connect anew, go on: it passes */
    WEIR_REMEDY_GROUP, /* the group or its stream is gone */
    WEIR_REMEDY_STOP   /* it will be the same each time */
} weir_remedy;

/* For a failed answer to one of the consumer's own requests. */
weir_remedy weir_remedy_for(const weir_error *error);

#endif
