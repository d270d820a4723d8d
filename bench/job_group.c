/* The job's group: the first consumer crashes half-way, with entries that it was given and
 * did not acknowledge; the second reads the rest, then recovers what the first has left.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "connect.h"
#include "job.h"
#include "say.h"

#define GROUP  "workers"
#define FIRST  "first"
#define SECOND "second"

/* Entries that were handled together, and will be acknowledged together. */
struct batch {
    size_t count;
    weir_id ids[JOB_BATCH];
    uint64_t numbers[JOB_BATCH];
};

/* Handles entries, at most `most`, in the order they come. The rest stays in `entries`. */
static bool handle(struct job *job, weir_client *client, weir_entries *entries, size_t most,
                   struct batch *batch) {
    batch->count = 0;
    while (batch->count < most) {
        weir_entry entry;
        weir_status st = weir_entries_next(entries, &entry);
        if (st == WEIR_END) {
            return true;
        }
        if (st != WEIR_OK) {
            return connect_failed(client, "job: reading as a consumer");
        }
        uint64_t number;
        if (!job_number_of(job, &entry, &number)) {
            return false;
        }
        job->result->handled_twice += job->is_handled[number];
        job->is_handled[number] = true;
        batch->ids[batch->count] = entry.id;
        batch->numbers[batch->count] = number;
        batch->count++;
    }
    return true;
}

static bool acknowledge(struct job *job, weir_client *client, const struct batch *batch) {
    if (batch->count == 0) {
        return true;
    }
    uint64_t count = 0;
    if (weir_xack(client, job->key, weir_text(GROUP), batch->ids, batch->count, &count) !=
        WEIR_OK) {
        return connect_failed(client, "job: XACK");
    }
    if (count != batch->count) {
        return say_failed("job: XACK of %zu entries gives %llu", batch->count,
                          (unsigned long long)count);
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (job->is_acknowledged[batch->numbers[i]]) {
            return say_failed("job: entry %llu was acknowledged twice",
                              (unsigned long long)batch->numbers[i]);
        }
        job->is_acknowledged[batch->numbers[i]] = true;
    }
    job->result->acknowledged += batch->count;
    say_progress("the job: working as a group", job->result->acknowledged,
                 job->result->entries);
    return true;
}

static bool read_new(struct job *job, weir_client *client, const char *consumer,
                     weir_entries *entries) {
    const weir_source source = weir_source_new(job->key);
    const weir_read_options options = {.count = JOB_BATCH};
    return weir_xreadgroup(client, weir_text(GROUP), weir_text(consumer), &source, 1,
                           &options, entries) == WEIR_OK ||
           connect_failed(client, "job: XREADGROUP");
}

/* Is given half of the entries, acknowledges four fifths of these, and stops in the middle
 * of an answer. */
static bool work_until_the_crash(struct job *job, weir_client *client) {
    uint64_t half = job->result->entries / 2;
    uint64_t given = 0;
    for (;;) {
        given += JOB_BATCH;
        bool is_crashing = given >= half;
        weir_entries entries;
        struct batch batch;
        if (!read_new(job, client, FIRST, &entries) ||
            !handle(job, client, &entries, is_crashing ? JOB_BATCH / 2 : JOB_BATCH,
                    &batch)) {
            return false;
        }
        job->result->handled_first += batch.count;
        if (is_crashing) {
            return true;
        }
        weir_entries_close(&entries);
        if (given <= half / 5 * 4 && !acknowledge(job, client, &batch)) {
            return false;
        }
    }
}

static bool run_first(struct job *job) {
    weir_client *client = connect_weir(job->endpoint, (weir_mem){0});
    bool is_done = client != NULL && work_until_the_crash(job, client);
    weir_close(client);
    return is_done;
}

static bool count_pending(struct job *job, uint64_t *count) {
    weir_pending pending;
    if (weir_xpending(job->client, job->key, weir_text(GROUP), &pending) != WEIR_OK) {
        return connect_failed(job->client, "job: XPENDING");
    }
    *count = pending.count;
    weir_pending_close(&pending);
    return true;
}

static bool read_the_rest(struct job *job, weir_client *client) {
    struct batch batch;
    do {
        weir_entries entries;
        if (!read_new(job, client, SECOND, &entries) ||
            !handle(job, client, &entries, JOB_BATCH, &batch)) {
            return false;
        }
        weir_entries_close(&entries);
        if (!acknowledge(job, client, &batch)) {
            return false;
        }
        job->result->handled_second += batch.count;
    } while (batch.count > 0);
    return true;
}

/* One pass of XAUTOCLAIM over all that is pending. */
static bool recover(struct job *job, weir_client *client) {
    const weir_xautoclaim_options options = {.count = JOB_BATCH};
    weir_id next = WEIR_ID_MIN;
    do {
        weir_entries entries;
        if (weir_xautoclaim(client, job->key, weir_text(GROUP), weir_text(SECOND), 0, next,
                            &options, &next, &entries) != WEIR_OK) {
            return connect_failed(client, "job: XAUTOCLAIM");
        }
        struct batch batch;
        if (!handle(job, client, &entries, JOB_BATCH, &batch)) {
            return false;
        }
        weir_entries_close(&entries);
        if (!acknowledge(job, client, &batch)) {
            return false;
        }
        job->result->recovered += batch.count;
    } while (weir_id_compare(next, WEIR_ID_MIN) != 0);
    return true;
}

static bool run_second(struct job *job) {
    weir_client *client = connect_weir(job->endpoint, (weir_mem){0});
    bool is_done = client != NULL && read_the_rest(job, client) && recover(job, client);
    weir_close(client);
    return is_done;
}

static bool check_all(const struct job *job) {
    const struct job_result *result = job->result;
    for (uint64_t i = 0; i < result->entries; i++) {
        if (!job->is_handled[i] || !job->is_acknowledged[i]) {
            return say_failed("job: entry %llu was never %s", (unsigned long long)i,
                              job->is_handled[i] ? "acknowledged" : "handled");
        }
    }
    if (result->recovered != result->left) {
        return say_failed("job: recovered %llu entries of %llu",
                          (unsigned long long)result->recovered,
                          (unsigned long long)result->left);
    }
    return result->pending == 0 || say_failed("job: %llu entries are still pending",
                                              (unsigned long long)result->pending);
}

bool job_group(struct job *job) {
    bool is_new = false;
    if (weir_xgroup_create(job->client, weir_source_after(job->key, WEIR_ID_MIN),
                           weir_text(GROUP), NULL, &is_new) != WEIR_OK) {
        return connect_failed(job->client, "job: XGROUP CREATE");
    }
    struct moment start = moment_now();
    if (!run_first(job) || !count_pending(job, &job->result->left) || !run_second(job)) {
        return false;
    }
    job->result->group = moment_since(start);
    return count_pending(job, &job->result->pending) && check_all(job);
}
