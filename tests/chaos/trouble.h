/* What happens in the scenarios, once each.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_CHAOS_TROUBLE_H
#define WEIR_CHAOS_TROUBLE_H

#include "chaos.h"

/* A number below that, and a nap by chance. */
static inline uint64_t any(struct chaos_run *run, uint64_t below) {
    return chaos_any(&run->random, below);
}

static inline void nap(struct chaos_run *run, int least_ms, int most_ms) {
    chaos_nap(least_ms + (int64_t)any(run, (uint64_t)(most_ms - least_ms) + 1));
}

/* ---- trouble.c: to connections, and to the server as a whole ---- */

void chaos_cut(struct chaos_run *run);
void chaos_reset(struct chaos_run *run);
void chaos_stall(struct chaos_run *run);
void chaos_swallow(struct chaos_run *run);
void chaos_drip(struct chaos_run *run);
void chaos_take_turns(struct chaos_run *run);
void chaos_wake_the_dead(struct chaos_run *run);
void chaos_pause_all(struct chaos_run *run);
void chaos_make_few(struct chaos_run *run);
void chaos_crowd_out(struct chaos_run *run);
void chaos_set_password(struct chaos_run *run);
void chaos_change_password(struct chaos_run *run);
void chaos_crash(struct chaos_run *run);
void chaos_shut_down(struct chaos_run *run);
void chaos_fill(struct chaos_run *run);
void chaos_crash_and_load(struct chaos_run *run);
void chaos_fill_memory(struct chaos_run *run);
void chaos_want_replicas(struct chaos_run *run);
void chaos_fail_to_save(struct chaos_run *run);
void chaos_heal_saving(struct chaos_run *run);

/* ---- trouble_stream.c: to the stream, the group and its workers ---- */

void chaos_rename_it(struct chaos_run *run);
void chaos_delete_it(struct chaos_run *run);
void chaos_flush_it(struct chaos_run *run);
void chaos_replace_it(struct chaos_run *run);
void chaos_trim_the_window(struct chaos_run *run);
void chaos_trim_and_cut(struct chaos_run *run);
void chaos_change_idmp(struct chaos_run *run);
void chaos_kill_a_worker(struct chaos_run *run);
void chaos_dismiss_a_worker(struct chaos_run *run);
void chaos_cut_late_and_dismiss(struct chaos_run *run);
void chaos_kill_or_cut(struct chaos_run *run);
void chaos_disturb(struct chaos_run *run);
void chaos_only_wait(struct chaos_run *run);

#endif
