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

/* What becomes of an entry that consumer groups still have as pending, when it is trimmed
 * or deleted. Redis 8.2. */
typedef enum weir_refs {
    WEIR_REFS_DEFAULT, /* the server's: KEEPREF, as always before 8.2 */
    WEIR_REFS_KEEP,    /* KEEPREF: the entry goes, the groups keep the id as pending */
    WEIR_REFS_DELETE,  /* DELREF: the id goes from all groups too */
    WEIR_REFS_ACKED    /* ACKED: the entry stays until all groups have acknowledged it */
} weir_refs;

typedef enum weir_trim_by {
    WEIR_TRIM_NONE,
    WEIR_TRIM_MAXLEN, /* keep the newest max_len entries */
    WEIR_TRIM_MINID   /* keep entries at or behind min_id; Redis 6.2 */
} weir_trim_by;

/* For a limit or count that 0 leaves to the server: none at all. */
#define WEIR_UNLIMITED UINT64_MAX

typedef struct weir_trim {
    weir_trim_by by;
    bool is_exact; /* false: "~", the server drops whole nodes only, much cheaper, and may
                      keep about a hundred entries more */
    uint64_t max_len; /* WEIR_TRIM_MAXLEN only; at most 2^63-1 */
    weir_id min_id;   /* WEIR_TRIM_MINID only */
    uint64_t limit;   /* "~" only: examine at most so many entries; 0: the server's default;
                         WEIR_UNLIMITED. Redis 6.2 */
    weir_refs refs;   /* Redis 8.2; with "~" WEIR_REFS_DELETE and _ACKED remove nothing
                         before 8.2.7, 8.4.4 and 8.6 */
} weir_trim;

typedef struct weir_xadd_options {
    weir_id id;     /* 0-0: the server makes it ("*") */
    weir_trim trim; /* in the same step */
    /* Adding an entry once, though it may be sent twice (IDMP; Redis 8.6). The server
     * remembers `iid`, an id of the producer's own, for some time (weir_xcfgset; 100 s and
     * 100 iids a producer by default): an XADD with one that it knows adds nothing, and
     * answers with the id of the entry that is there or was. Ids by the server only. */
    weir_view producer; /* empty: no IDMP */
    weir_view iid;
    bool idmp_auto;   /* IDMPAUTO: no iid, the server makes it of the fields, in whatever
                         order. Two entries that are meant to be equal are then one */
    bool auto_seq;    /* id.ms is meant, the server makes the rest ("ms-*"); id.seq must be
                         0. Redis 7.0 */
    bool no_mkstream; /* add only if the stream exists; Redis 6.2 */
} weir_xadd_options;

/*
 * Adds an entry. WEIR_OK: *id is what the server gave it. WEIR_END: no_mkstream, and there
 * is no such stream: nothing was added. WEIR_ERR_ARG: no fields, an empty name, or options
 * that contradict each other. WEIR_ERR_SERVER with an explicit id that is not behind the
 * last. https://redis.io/docs/latest/commands/xadd/
 */
WEIR_API weir_status weir_xadd(weir_client *client, weir_view key, const weir_field *fields,
                               size_t field_count, const weir_xadd_options *options,
                               weir_id *id);
WEIR_API weir_status weir_append_xadd(weir_client *client, weir_view key,
                                      const weir_field *fields, size_t field_count,
                                      const weir_xadd_options *options);

/* The answer of an XADD; as weir_xadd. */
WEIR_API weir_status weir_take_id(weir_client *client, weir_id *id);

/*
 * The answers of the next `count` XADDs, in order; all answers that are due before them
 * must have been taken. *taken: how many ids are written, also where it fails. WEIR_OK: all
 * of them. Else what weir_take_id gives for the answer behind those: where that is its own
 * end (WEIR_END, WEIR_ERR_SERVER, WEIR_ERR_DOWN, WEIR_ERR_LOST) it is taken too, and the
 * next call goes on behind it.
 */
WEIR_API weir_status weir_take_ids(weir_client *client, weir_id *ids, size_t count,
                                   size_t *taken);

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

/* What became of one id of XDELEX or XACKDEL. */
typedef enum weir_deletion {
    WEIR_DELETION_NOT_FOUND = -1, /* XDELEX: there is no such entry. XACKDEL: the id is not
                                     pending in this group; nothing was done */
    WEIR_DELETION_DONE = 1,       /* it is gone (XACKDEL: and acknowledged) */
    WEIR_DELETION_KEPT = 2        /* WEIR_REFS_ACKED: another group has still to read or
                                     acknowledge it (XACKDEL: this one has now) */
} weir_deletion;

/*
 * Deletes entries, and tells of each id what became of it: results[i] of ids[i]; results
 * has id_count of them, or is NULL. A missing stream: none is found. WEIR_REFS_ACKED keeps
 * each id that some group has not reached, also one that is no entry. WEIR_ERR_REPLY: the
 * answer is not of that length; results is then untouched. Redis 8.2.
 * https://redis.io/docs/latest/commands/xdelex/
 */
WEIR_API weir_status weir_xdelex(weir_client *client, weir_view key, weir_refs refs,
                                 const weir_id *ids, size_t id_count,
                                 weir_deletion *results);
WEIR_API weir_status weir_append_xdelex(weir_client *client, weir_view key, weir_refs refs,
                                        const weir_id *ids, size_t id_count);

/* The answer of XDELEX or XACKDEL to a request of `id_count` ids; as weir_xdelex. */
WEIR_API weir_status weir_take_deletions(weir_client *client, weir_deletion *results,
                                         size_t id_count);

/* The answer of XLEN, XTRIM, XDEL, XACK, XNACK, XGROUP DESTROY or XGROUP DELCONSUMER. */
WEIR_API weir_status weir_take_count(weir_client *client, uint64_t *count);

/* ---- a stream's own settings ---- */

typedef struct weir_xsetid_options {
    bool has_entries_added; /* entries_added is meant, even if it is 0; Redis 7.0 */
    uint64_t entries_added; /* ever, at most 2^63-1 */
    bool has_max_deleted;   /* likewise; Redis 7.0 */
    weir_id max_deleted;    /* the largest id that was ever deleted */
} weir_xsetid_options;

/*
 * Sets the last id that a stream has given: for tools that restore one. WEIR_ERR_SERVER: no
 * such stream, or smaller than what is there.
 * https://redis.io/docs/latest/commands/xsetid/
 */
WEIR_API weir_status weir_xsetid(weir_client *client, weir_view key, weir_id last,
                                 const weir_xsetid_options *options);
WEIR_API weir_status weir_append_xsetid(weir_client *client, weir_view key, weir_id last,
                                        const weir_xsetid_options *options);

typedef struct weir_xcfgset_options {
    uint64_t idmp_duration_s; /* how long an iid is remembered: 1 to 86400; 0: as it is */
    uint64_t idmp_maxsize;    /* iids remembered of each producer: 1 to 10000; 0: as it is.
                                 Counts before the time does: keep fewer XADDs unanswered */
} weir_xcfgset_options;

/*
 * Sets what a stream remembers for IDMP. A value that changes makes it forget all iids, one
 * that is the same does not. WEIR_ERR_ARG: neither is given, or out of range.
 * WEIR_ERR_SERVER: no such stream. Redis 8.6.
 * https://redis.io/docs/latest/commands/xcfgset/
 */
WEIR_API weir_status weir_xcfgset(weir_client *client, weir_view key,
                                  const weir_xcfgset_options *options);
WEIR_API weir_status weir_append_xcfgset(weir_client *client, weir_view key,
                                         const weir_xcfgset_options *options);

/* The answer of XSETID, XCFGSET or XGROUP SETID: that it was done. */
WEIR_API weir_status weir_take_done(weir_client *client);

#ifdef __cplusplus
}
#endif

#endif
