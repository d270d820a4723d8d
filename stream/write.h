/* Adding to streams and removing from them. What holds for every command is said in
 * commands.h.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_WRITE_H
#define WEIR_STREAM_WRITE_H

#include "client.h"
#include "entry.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weir_trim_by {
    WEIR_TRIM_NONE,
    WEIR_TRIM_MAXLEN, /* keep the newest max_len entries */
    WEIR_TRIM_MINID   /* keep entries at or behind min_id */
} weir_trim_by;

typedef struct weir_trim {
    weir_trim_by by;
    bool is_exact; /* false: "~", the server drops whole nodes only, much cheaper, and may
                      keep about a hundred entries more */
    uint64_t max_len; /* at most 2^63-1 */
    weir_id min_id;
    uint64_t limit; /* "~" only: examine at most so many entries; 0: the server's default */
} weir_trim;

typedef struct weir_xadd_options {
    weir_id id;       /* 0-0: the server makes it ("*") */
    bool no_mkstream; /* add only if the stream exists; Redis 6.2 */
    weir_trim trim;   /* in the same step; MINID and LIMIT: Redis 6.2 */
} weir_xadd_options;

/*
 * Adds an entry. WEIR_OK: *id is what the server gave it. WEIR_END: no_mkstream, and there
 * is no such stream: nothing was added. WEIR_ERR_ARG: no fields, an empty name, or a trim
 * that contradicts itself. WEIR_ERR_SERVER with an explicit id that is not behind the last.
 * https://redis.io/docs/latest/commands/xadd/
 */
WEIR_API weir_status weir_xadd(weir_client *client, weir_view key, const weir_field *fields,
                               size_t field_count, const weir_xadd_options *options,
                               weir_id *id);
WEIR_API weir_status weir_append_xadd(weir_client *client, weir_view key,
                                      const weir_field *fields, size_t field_count,
                                      const weir_xadd_options *options);

/* The answer of an XADD; as weir_xadd. */
WEIR_API weir_status weir_take_id(weir_client *client, weir_id *id);

/* Entries in the stream; 0 if there is none. https://redis.io/docs/latest/commands/xlen/ */
WEIR_API weir_status weir_xlen(weir_client *client, weir_view key, uint64_t *count);
WEIR_API weir_status weir_append_xlen(weir_client *client, weir_view key);

/* Trims; *count is how many were removed. trim->by must not be WEIR_TRIM_NONE.
 * https://redis.io/docs/latest/commands/xtrim/ */
WEIR_API weir_status weir_xtrim(weir_client *client, weir_view key, const weir_trim *trim,
                                uint64_t *count);
WEIR_API weir_status weir_append_xtrim(weir_client *client, weir_view key,
                                       const weir_trim *trim);

/* Deletes entries; *count is how many there were. Pending references of groups stay.
 * https://redis.io/docs/latest/commands/xdel/ */
WEIR_API weir_status weir_xdel(weir_client *client, weir_view key, const weir_id *ids,
                               size_t id_count, uint64_t *count);
WEIR_API weir_status weir_append_xdel(weir_client *client, weir_view key,
                                      const weir_id *ids, size_t id_count);

/* The answer of XLEN, XTRIM, XDEL or XACK. */
WEIR_API weir_status weir_take_count(weir_client *client, uint64_t *count);

#ifdef __cplusplus
}
#endif

#endif
