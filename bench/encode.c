/* Commands as bytes, encoded before the clock starts: for the floor.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "encode.h"

#include "need.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void encode_raw(struct bytes *bytes, const void *data, size_t len) {
    if (bytes->size - bytes->len < len) {
        size_t size = (bytes->len + len) * 2;
        char *grown = need_memory(size);
        if (bytes->len > 0) {
            memcpy(grown, bytes->data, bytes->len);
        }
        free(bytes->data);
        bytes->data = grown;
        bytes->size = size;
    }
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
}

static void add_header(struct bytes *bytes, char type, size_t number) {
    char text[32];
    int len = snprintf(text, sizeof text, "%c%zu\r\n", type, number);
    encode_raw(bytes, text, (size_t)len);
}

void encode_head(struct bytes *bytes, size_t parts) { add_header(bytes, '*', parts); }

void encode_part(struct bytes *bytes, const void *data, size_t len) {
    add_header(bytes, '$', len);
    encode_raw(bytes, data, len);
    encode_raw(bytes, "\r\n", 2);
}

void encode_text(struct bytes *bytes, const char *text) {
    encode_part(bytes, text, strlen(text));
}
