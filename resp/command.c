/* Commands: an array of bulk strings, "*COUNT" then "$LEN BYTES" for each argument.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "command.h"

#include "bulk.h"

/* "$" and two CR LF around the digits and the bytes. */
#define BULK_FRAME 5

size_t weir_header_size(size_t count) { return 1 + weir_u64_digits(count) + 2; }

size_t weir_bulk_size(size_t len) { return BULK_FRAME + weir_u64_digits(len) + len; }

char *weir_put_header(char *out, size_t count) {
    *out = '*';
    return weir_put_line_end(weir_put_u64(out + 1, count));
}

char *weir_put_bulk_head(char *out, size_t len) { return weir_put_length(out, len); }

char *weir_put_bulk_end(char *out) { return weir_put_line_end(out); }

char *weir_put_bulk(char *out, weir_view bytes) { return weir_put_argument(out, bytes); }

weir_status weir_command_size(const weir_view *args, size_t count, size_t *size) {
    if (count == 0) {
        return WEIR_ERR_ARG;
    }
    size_t sum = weir_header_size(count);
    for (size_t i = 0; i < count; i++) {
        if (args[i].len > SIZE_MAX - 64 || weir_bulk_size(args[i].len) > SIZE_MAX - sum) {
            return WEIR_ERR_LIMIT;
        }
        sum += weir_bulk_size(args[i].len);
    }
    *size = sum;
    return WEIR_OK;
}

char *weir_command_write(char *out, const weir_view *args, size_t count) {
    out = weir_put_header(out, count);
    for (size_t i = 0; i < count; i++) {
        out = weir_put_argument(out, args[i]);
    }
    return out;
}
