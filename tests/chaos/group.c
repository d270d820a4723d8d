/* What came of consumers: each entry worked on, twice only where that was said, nothing
 * pending, the dead letters exactly the poison, nobody left in the group.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "chaos.h"

#include "../support.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define AWAIT_MS  45000
#define CLOSE_MS  20000
#define LATEST_MS 2000

/* What a worker that ends well leaves pending is nobody's, or for all to take at once. */
void chaos_dismiss(struct chaos_run *run, int which) {
    int64_t until_ms = chaos_now_ms() + CLOSE_MS;
    while (!atomic_load(&run->shared->workers[which].is_open) &&
           chaos_now_ms() < until_ms) {
        chaos_nap(1); /* it does not listen yet */
    }
    (void)kill(run->workers[which], SIGTERM);
    chaos_reap(run, run->workers[which], CLOSE_MS, "a worker");
}

/* The last entry that is there; 0-0: there is none. */
static weir_id last_of(struct chaos_run *run) {
    weir_stream_info info;
    weir_entry last = {.id = WEIR_ID_MIN};
    if (weir_xinfo_stream(run->control, weir_text(CHAOS_KEY), NULL, &info) == WEIR_OK) {
        (void)weir_rows_next_entry(&info.last, &last);
        weir_stream_info_close(&info);
    }
    return last.id;
}

/* Not by the lag: what is trimmed before it is given leaves that wrong (Redis 7.0). */
static bool all_is_given(struct chaos_run *run) {
    weir_rows groups;
    weir_group_info group;
    bool is_given = false;
    weir_id last = last_of(run);
    if (weir_xinfo_groups(run->control, weir_text(CHAOS_KEY), &groups) != WEIR_OK) {
        return false;
    }
    while (weir_rows_next_group(&groups, &group) == WEIR_OK) {
        is_given = is_given || (weir_view_equal(group.name, weir_text(CHAOS_GROUP)) &&
                                weir_id_compare(last, group.last_id) <= 0);
    }
    weir_rows_close(&groups);
    return is_given;
}

static bool is_at_rest(struct chaos_run *run) {
    weir_group_health health;
    return all_is_given(run) &&
           weir_group_look(run->control, weir_text(CHAOS_KEY), weir_text(CHAOS_GROUP),
                           &health) == WEIR_OK &&
           health.pending == 0;
}

/* What counts is what the workers wrote down. */
static bool all_is_done(struct chaos_run *run) {
    const struct chaos_writer *writer = &run->shared->writers[0];
    for (uint64_t i = 0; i < writer->appended; i++) {
        if (!writer->fates[i].is_seen && !chaos_is_poison(run, i) &&
            writer->fates[i].outcome == WEIR_OUTCOME_ACKED &&
            atomic_load(&run->shared->works[i].done) == 0) {
            return false;
        }
    }
    return true;
}

bool chaos_await_work(struct chaos_run *run) {
    int64_t until_ms = chaos_now_ms() + AWAIT_MS;
    while (chaos_now_ms() < until_ms) {
        if (is_at_rest(run) && all_is_done(run)) {
            return true;
        }
        chaos_nap(20);
    }
    return is_at_rest(run) && all_is_done(run);
}

static void judge_works(struct chaos_run *run) {
    struct chaos_result *result = run->result;
    const struct chaos_writer *writer = &run->shared->writers[0];
    result->entries = writer->appended;
    for (uint64_t i = 0; i < writer->appended; i++) {
        unsigned done = atomic_load(&run->shared->works[i].done);
        unsigned as_new = atomic_load(&run->shared->works[i].as_new);
        result->acked += writer->fates[i].outcome == WEIR_OUTCOME_ACKED ? 1 : 0;
        result->done += done > 0 ? 1 : 0;
        result->again += done > 1 ? done - 1 : 0;
        result->unexplained += as_new > 1 ? as_new - 1 : 0;
    }
    if (!all_is_done(run)) {
        chaos_broken(run, "L: an entry was not worked on");
    }
    if ((run->scenario->letters & CHAOS_D) != 0 && result->unexplained > 0) {
        chaos_broken(run, "D: %" PRIu64 " were given again as new", result->unexplained);
    }
}

static void judge_letters(struct chaos_run *run) {
    static bool is_there[CHAOS_ENTRIES];
    uint64_t poison = 0;
    uint64_t found = 0;
    weir_pages pages;
    weir_entry letter;
    weir_status st = weir_pages_open(run->control, weir_text(CHAOS_DEAD), WEIR_ID_MIN,
                                     WEIR_ID_MAX, NULL, &pages);
    while (st == WEIR_OK && (st = weir_pages_next(&pages, &letter)) == WEIR_OK) {
        int64_t number = chaos_number(&letter, "n");
        run->result->letters++;
        if (number < 0 || number >= CHAOS_ENTRIES ||
            !chaos_is_poison(run, (uint64_t)number)) {
            chaos_broken(run, "L: %d is a dead letter, and no poison", (int)number);
            continue;
        }
        found += is_there[number] ? 0 : 1;
        is_there[number] = true;
    }
    for (uint64_t i = 0; i < run->shared->writers[0].appended; i++) {
        poison += chaos_is_poison(run, i) ? 1 : 0;
    }
    if (found != poison) {
        chaos_broken(run, "L: %" PRIu64 " of %" PRIu64 " poison are dead letters", found,
                     poison);
    }
}

/* Made names that gave entries back stay until somebody reaps them: an operator, or this.
 */
static void reap(struct chaos_run *run) {
    if ((run->scenario->how & CHAOS_MADE_NAMES) != 0 &&
        weir_group_reap(run->control, weir_text(CHAOS_KEY), weir_text(CHAOS_GROUP), 0,
                        NULL) != WEIR_OK) {
        chaos_broken(run, "K: members cannot be removed: %s",
                     weir_client_error(run->control)->text);
    }
}

static void judge_members(struct chaos_run *run) {
    weir_group_health health;
    reap(run);
    if (weir_group_look(run->control, weir_text(CHAOS_KEY), weir_text(CHAOS_GROUP),
                        &health) != WEIR_OK) {
        chaos_broken(run, "the group cannot be looked at: %s",
                     weir_client_error(run->control)->text);
        return;
    }
    int64_t named = (run->scenario->how & CHAOS_MADE_NAMES) != 0 ? 0 : CHAOS_WORKERS;
    run->result->pending = (uint64_t)health.pending;
    run->result->members =
        health.consumers > named ? (uint64_t)(health.consumers - named) : 0;
    if (health.pending > 0) {
        chaos_broken(run, "L: %" PRIu64 " are still pending", run->result->pending);
    }
    if (run->result->members > 0) {
        chaos_broken(run, "K: %" PRIu64 " consumers are left in the group",
                     run->result->members);
    }
}

static void judge_workers(struct chaos_run *run) {
    for (int i = 0; i < CHAOS_WORKERS; i++) {
        const struct chaos_worker *worker = &run->shared->workers[i];
        if ((run->scenario->letters & CHAOS_T) != 0 && worker->latest_ms > LATEST_MS) {
            chaos_broken(run, "T: a call of a worker was %d ms late",
                         (int)worker->latest_ms);
        }
        if ((run->scenario->how & CHAOS_IDLE) != 0 && worker->losses > 0) {
            chaos_broken(run, "T: an idle worker lost its connection: %s", worker->words);
        }
    }
}

void chaos_judge_work(struct chaos_run *run) {
    judge_works(run);
    judge_letters(run);
    judge_members(run);
    judge_workers(run);
}
