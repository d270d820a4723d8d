/* Commands as bytes, encoded before the clock starts: for the floor.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_ENCODE_H
#define BENCH_ENCODE_H

#include <stddef.h>

/* Bytes that grow; zeroed is empty; free() the data. */
struct bytes {
    char *data;
    size_t len;
    size_t size;
};

/* A command of so many parts begins; each part follows. */
void encode_head(struct bytes *bytes, size_t parts);
void encode_part(struct bytes *bytes, const void *data, size_t len);
void encode_text(struct bytes *bytes, const char *text);

/* Bytes that are encoded already. */
void encode_raw(struct bytes *bytes, const void *data, size_t len);

#endif
