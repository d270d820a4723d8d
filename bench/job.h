/* The main job: every entry that is produced is read back, worked through by a group whose
 * first consumer crashes, and accounted for.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include "measure.h"
#include "wire.h"

#include <weir/weir.h>

#define JOB_BATCH 1000 /* entries that a consumer reads and acknowledges at once */

struct job_result {
    uint64_t entries;        /* produced, and read back one by one */
    uint64_t handled_first;  /* by the consumer that crashed */
    uint64_t left;           /* it was given and did not acknowledge */
    uint64_t handled_second; /* by the other, what nobody had been given */
    uint64_t recovered;      /* by the other, by XAUTOCLAIM */
    uint64_t handled_twice;  /* recovered, and the first had handled them */
    uint64_t acknowledged;   /* each once */
    uint64_t pending;        /* at the end */
    struct moment produce;   /* what the three parts took */
    struct moment read;
    struct moment group;
};

/* What the parts of the job know of each entry. Entry i has the number i in its value. */
struct job {
    const struct endpoint *endpoint;
    weir_view key;
    weir_client *client;
    weir_id *ids; /* as XADD answered */
    bool *is_handled;
    bool *is_acknowledged;
    struct job_result *result;
};

/* Does all of it. False: something failed or is not as it should be, and said what. */
bool job_run(const struct endpoint *endpoint, uint64_t entries, struct job_result *result);

/* The number in an entry, if it is just as it was produced. False: it is not; said why. */
bool job_number_of(const struct job *job, const weir_entry *entry, uint64_t *number);

/* The part with the group; job->client is open and stays so. False: said why. */
bool job_group(struct job *job);

#endif
