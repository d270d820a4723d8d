/* Following streams without a group.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "follow.h"

#include "client_private.h"
#include "inspect.h"

#define DEFAULT_COUNT    100
#define DEFAULT_BLOCK_MS 5000
#define MOST_BLOCK_MS    3600000

/* ---- beginning ---- */

/* "$" would be another place with each call. Where the stream ends now is a place. */
static weir_status find_end(weir_client *client, weir_source *source) {
    weir_stream_info info;
    weir_status st = weir_xinfo_stream(client, source->key, NULL, &info);
    bool is_missing =
        st == WEIR_ERR_SERVER && weir_client_error(client)->kind == WEIR_KIND_NO_KEY;
    if (st != WEIR_OK && !is_missing) {
        return st;
    }
    *source = weir_source_after(source->key, is_missing ? WEIR_ID_MIN : info.last_id);
    weir_stream_info_close(&info);
    return WEIR_OK;
}

static weir_status find_ends(weir_client *client, weir_source *sources, size_t count) {
    weir_status st = WEIR_OK;
    for (size_t i = 0; i < count && st == WEIR_OK; i++) {
        if (sources[i].from == WEIR_FROM_LAST) {
            return weir_client_wrong(client, "WEIR_FROM_LAST is no place to go on from");
        }
        st = sources[i].from == WEIR_FROM_NEW ? find_end(client, &sources[i]) : WEIR_OK;
    }
    return st;
}

weir_status weir_follow_open(weir_client *client, weir_source *sources, size_t source_count,
                             const weir_follow_options *options, weir_follow *follow) {
    static const weir_follow_options defaults = {0};
    const weir_follow_options *given = options != NULL ? options : &defaults;
    *follow =
        (weir_follow){.client = client, .sources = sources, .source_count = source_count};
    follow->asks.count = given->count != 0 ? given->count : DEFAULT_COUNT;
    follow->asks.block_ms = given->block_ms != 0 ? given->block_ms : DEFAULT_BLOCK_MS;
    if (source_count == 0) {
        return weir_client_wrong(client, "no sources to follow");
    }
    if (given->block_ms < 0 || given->block_ms > MOST_BLOCK_MS) {
        return weir_client_wrong(client, "options.block_ms is at most an hour");
    }
    return find_ends(client, sources, source_count);
}

/* ---- giving ---- */

/* Given, or passed over for its size: what follows is behind it. */
static void note(weir_follow *follow, const weir_entry *entry) {
    for (size_t i = 0; i < follow->source_count; i++) {
        if (weir_view_equal(follow->sources[i].key, entry->stream)) {
            follow->sources[i].after = entry->id;
        }
    }
    follow->given++;
}

static weir_status ask(weir_follow *follow) {
    weir_status st = weir_append_xread(follow->client, follow->sources,
                                       follow->source_count, &follow->asks);
    follow->is_asked = st == WEIR_OK;
    follow->is_open = false;
    follow->given = 0;
    return st;
}

/* One step: WEIR_OK, an entry; WEIR_END, the page is over. */
static weir_status step(weir_follow *follow, weir_entry *entry) {
    weir_status st = follow->is_asked ? WEIR_OK : ask(follow);
    if (st == WEIR_OK && !follow->is_open) {
        st = weir_take_entries(follow->client, &follow->page);
        follow->is_open = st == WEIR_OK;
    }
    entry->id = WEIR_ID_MIN;
    st = st == WEIR_OK ? weir_entries_next(&follow->page, entry) : st;
    bool is_under_way = st == WEIR_OK || st == WEIR_MORE ||
                        (st == WEIR_ERR_LIMIT && weir_entries_is_open(&follow->page));
    follow->is_asked = follow->is_asked && is_under_way;
    return st;
}

weir_status weir_follow_next(weir_follow *follow, weir_entry *entry) {
    bool has_lost = false;
    for (;;) {
        weir_status st = step(follow, entry);
        bool is_passed =
            st == WEIR_ERR_LIMIT && weir_id_compare(entry->id, WEIR_ID_MIN) > 0;
        if (st == WEIR_OK || is_passed) {
            note(follow, entry);
            return st;
        }
        bool is_lost = st == WEIR_ERR_LOST || st == WEIR_ERR_DOWN;
        if (is_lost && !has_lost) { /* reading again does no harm */
            has_lost = true;
        } else if (st != WEIR_END) {
            return st;
        } else if (follow->given == 0) {
            return WEIR_MORE;
        }
    }
}

void weir_follow_close(weir_follow *follow) {
    if (follow->is_open) {
        weir_entries_close(&follow->page);
    }
    follow->is_asked = follow->is_open = false;
}
