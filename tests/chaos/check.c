/* What came of producers: the journal beside what the server has.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "chaos.h"

#include "../support.h"

#include <inttypes.h>
#include <stdio.h>

static struct chaos_fate *fate_of(struct chaos_run *run, int64_t who, int64_t number) {
    bool is_one = who >= 0 && who < CHAOS_WRITERS && number >= 0 && number < CHAOS_ENTRIES;
    return is_one ? &run->shared->writers[who].fates[number] : NULL;
}

/* ---- seeing ---- */

static void see_entry(struct chaos_run *run, const weir_entry *entry) {
    int64_t who = chaos_number(entry, "p");
    int64_t number = chaos_number(entry, "n");
    struct chaos_fate *fate = fate_of(run, who, number);
    if (fate == NULL) {
        chaos_broken(run, "D: an entry that nobody appended");
        return;
    }
    if (fate->is_seen) {
        run->result->duplicated++;
        return;
    }
    fate->is_seen = true;
    run->result->reordered += number < run->last[who] ? 1 : 0;
    run->last[who] = number;
    fate->seen = entry->id;
}

void chaos_see(struct chaos_run *run, const char *key) {
    weir_pages pages;
    weir_entry entry;
    weir_status st = weir_pages_open(run->control, weir_text(key), WEIR_ID_MIN, WEIR_ID_MAX,
                                     NULL, &pages);
    while (st == WEIR_OK && (st = weir_pages_next(&pages, &entry)) == WEIR_OK) {
        see_entry(run, &entry);
    }
    if (st != WEIR_END) {
        chaos_broken(run, "the stream cannot be read: %s",
                     weir_client_error(run->control)->text);
    }
}

void chaos_see_and_drop(struct chaos_run *run, const char *key) {
    chaos_see(run, key);
    chaos_say(run, "DEL", key);
}

/* ---- judging ---- */

static bool is_told(const struct chaos_writer *writer, const struct chaos_fate *fate) {
    if (fate->outcome == WEIR_OUTCOME_ACKED_LOST) {
        return true;
    }
    for (uint64_t i = 0; i < writer->notices; i++) {
        const weir_loss_notice *notice = &writer->list[i];
        if (weir_id_compare(fate->id, notice->acked) <= 0 &&
            (notice->is_gone || weir_id_compare(fate->id, notice->kept) > 0)) {
            return true;
        }
    }
    return false;
}

/* An acknowledgement names the id; 0-0: it is not known which. */
static void judge_id(struct chaos_run *run, uint64_t number,
                     const struct chaos_fate *fate) {
    if (fate->is_seen && run->mode != WEIR_DELIVERY_AT_LEAST_ONCE && !run->is_torn &&
        weir_id_compare(fate->id, WEIR_ID_MIN) != 0 &&
        weir_id_compare(fate->id, fate->seen) != 0) {
        chaos_broken(run, "U: %d was acknowledged with another id", (int)number);
    }
}

/* What it was told as, beside whether it is there. */
static void judge_fate(struct chaos_run *run, const struct chaos_writer *writer,
                       uint64_t number, const struct chaos_fate *fate) {
    struct chaos_result *result = run->result;
    if (fate->reports != 1) {
        chaos_broken(run, "K: %d has %u reports", (int)number, (unsigned)fate->reports);
    }
    switch ((weir_outcome)fate->outcome) {
    case WEIR_OUTCOME_ACKED:
        result->acked++;
        judge_id(run, number, fate);
        if (!fate->is_seen && is_told(writer, fate)) {
            result->told++;
        } else if (!fate->is_seen && result->lost++ == 0) {
            chaos_broken(
                run, "L: %d was acknowledged as %" PRIu64 "-%" PRIu64 " and is not there",
                (int)number, fate->id.ms, fate->id.seq);
        }
        break;
    case WEIR_OUTCOME_NOT_EXECUTED:
        result->refused++;
        if (fate->is_seen) {
            chaos_broken(run, "U: %d was not executed, and is there", (int)number);
        }
        break;
    case WEIR_OUTCOME_UNKNOWN: result->unknown++; break;
    case WEIR_OUTCOME_ACKED_LOST:
        result->told++;
        if (fate->is_seen && (run->scenario->how & CHAOS_LOSES) != 0) {
            chaos_broken(run, "U: %d was acknowledged and lost, and is there", (int)number);
        }
        break;
    default: chaos_broken(run, "K: %d has no report", (int)number); break;
    }
}

/* What the mode promises, whatever happens. */
static void judge_sums(struct chaos_run *run) {
    const struct chaos_result *result = run->result;
    const struct chaos_scenario *scenario = run->scenario;
    bool is_exactly_once =
        run->mode != WEIR_DELIVERY_REPORT && run->mode != WEIR_DELIVERY_AT_LEAST_ONCE;
    if (result->duplicated > 0 && run->mode != WEIR_DELIVERY_AT_LEAST_ONCE &&
        !run->is_torn) {
        chaos_broken(run, "D: %" PRIu64 " are there twice", result->duplicated);
    }
    if (result->reordered > 0 && (scenario->letters & CHAOS_O) != 0 &&
        run->mode != WEIR_DELIVERY_AT_LEAST_ONCE) {
        chaos_broken(run, "O: %" PRIu64 " are behind later ones", result->reordered);
    }
    if ((scenario->how & CHAOS_EXACT) == 0) {
        return;
    }
    if (is_exactly_once && result->unknown > 0) {
        chaos_broken(run, "U: %" PRIu64 " unknown, exactly once", result->unknown);
    }
    if (run->mode == WEIR_DELIVERY_SCRIPT && result->acked != result->entries) {
        chaos_broken(run, "L: the script left %" PRIu64 " out",
                     result->entries - result->acked);
    }
}

void chaos_judge(struct chaos_run *run) {
    for (int i = 0; i < CHAOS_WRITERS; i++) {
        const struct chaos_writer *writer = &run->shared->writers[i];
        run->result->entries += writer->appended;
        for (uint64_t number = 0; number < writer->appended; number++) {
            judge_fate(run, writer, number, &writer->fates[number]);
        }
        for (uint64_t number = writer->appended; number < CHAOS_ENTRIES; number++) {
            if (writer->fates[number].is_seen) {
                chaos_broken(run, "D: %d is there, and was not appended", (int)number);
            }
        }
    }
    if (run->result->entries == 0) {
        chaos_broken(run, "nothing was appended");
    }
    judge_sums(run);
}
