/* The main job: produce, read back, compare each entry; the group's part is in job_group.c.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

#include "connect.h"
#include "need.h"
#include "say.h"
#include "side.h"

#include <stdlib.h>

#define NUMBER_DIGITS 16
#define NUMBER_NAME   "number"

static void write_number(uint64_t number, char digits[NUMBER_DIGITS]) {
    for (size_t i = NUMBER_DIGITS; i > 0; i--) {
        digits[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
}

bool job_number_of(const struct job *job, const weir_entry *entry, uint64_t *number) {
    char id[WEIR_ID_TEXT];
    weir_id_format(entry->id, id);
    if (entry->field_count != 1 ||
        !weir_view_equal(entry->fields[0].name, weir_text(NUMBER_NAME)) ||
        entry->fields[0].value.len != NUMBER_DIGITS) {
        return say_failed("job: entry %s has not the field that was sent", id);
    }
    const char *digits = entry->fields[0].value.data;
    uint64_t found = 0;
    for (size_t i = 0; i < NUMBER_DIGITS; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return say_failed("job: the value of entry %s is no number", id);
        }
        found = found * 10 + (uint64_t)(digits[i] - '0');
    }
    if (found >= job->result->entries || weir_id_compare(entry->id, job->ids[found]) != 0) {
        return say_failed("job: entry %s holds the number %llu, which has another id", id,
                          (unsigned long long)found);
    }
    *number = found;
    return true;
}

struct producer {
    struct job *job;
    uint64_t sent;
    uint64_t taken;
};

static bool send_numbers(void *handle, size_t count) {
    struct producer *producer = handle;
    struct job *job = producer->job;
    char digits[NUMBER_DIGITS];
    weir_field field = {weir_text(NUMBER_NAME), weir_bytes(digits, sizeof digits)};
    for (size_t i = 0; i < count; i++) {
        write_number(producer->sent++, digits);
        if (weir_append_xadd(job->client, job->key, &field, 1, NULL) != WEIR_OK) {
            return connect_failed(job->client, "job: XADD");
        }
    }
    if (weir_flush(job->client) != WEIR_OK) {
        return connect_failed(job->client, "job: flush");
    }
    return true;
}

/* Keeps the ids that the server gave; each is behind the one before. */
static bool take_numbers(void *handle, size_t count) {
    struct producer *producer = handle;
    struct job *job = producer->job;
    for (size_t i = 0; i < count; i++) {
        uint64_t number = producer->taken++;
        weir_id *id = &job->ids[number];
        if (weir_take_id(job->client, id) != WEIR_OK) {
            return connect_failed(job->client, "job: the answer of XADD");
        }
        if (number > 0 && weir_id_compare(job->ids[number - 1], *id) >= 0) {
            return say_failed("job: the id of entry %llu is not behind the one before",
                              (unsigned long long)number);
        }
    }
    say_progress("the job: producing", producer->taken, job->result->entries);
    return true;
}

static bool produce(struct job *job) {
    struct moment start = moment_now();
    struct producer producer = {.job = job};
    const struct work work = {.task = TASK_PRODUCE};
    if (!window_slide(&work, &producer, job->result->entries, send_numbers, take_numbers)) {
        return false;
    }
    job->result->produce = moment_since(start);
    uint64_t length = 0;
    if (weir_xlen(job->client, job->key, &length) != WEIR_OK) {
        return connect_failed(job->client, "job: XLEN");
    }
    return length == job->result->entries ||
           say_failed("job: the stream has %llu entries", (unsigned long long)length);
}

/* The entries behind *count others. */
static bool check_page(struct job *job, weir_entries *page, uint64_t *count) {
    weir_entry entry;
    weir_status st;
    while ((st = weir_entries_next(page, &entry)) == WEIR_OK) {
        uint64_t number;
        if (!job_number_of(job, &entry, &number)) {
            return false;
        }
        if (number != *count) {
            return say_failed("job: read back entry %llu where %llu was due",
                              (unsigned long long)number, (unsigned long long)*count);
        }
        ++*count;
    }
    return st == WEIR_END || connect_failed(job->client, "job: reading entries");
}

/* Numbers in order have ids in order: take_numbers has seen to that. */
static bool read_back(struct job *job) {
    struct moment start = moment_now();
    uint64_t count = 0;
    uint64_t before;
    do {
        before = count;
        weir_range_options options = {.count = BENCH_PAGE, .exclude_start = count > 0};
        weir_id last = count > 0 ? job->ids[count - 1] : WEIR_ID_MIN;
        weir_entries page;
        if (weir_xrange(job->client, job->key, last, WEIR_ID_MAX, &options, &page) !=
            WEIR_OK) {
            return connect_failed(job->client, "job: XRANGE");
        }
        if (!check_page(job, &page, &count)) {
            return false;
        }
        say_progress("the job: reading back", count, job->result->entries);
    } while (count > before);
    job->result->read = moment_since(start);
    return count == job->result->entries ||
           say_failed("job: read back %llu entries of %llu", (unsigned long long)count,
                      (unsigned long long)job->result->entries);
}

bool job_run(const struct endpoint *endpoint, uint64_t entries, struct job_result *result) {
    *result = (struct job_result){.entries = entries};
    struct job job = {.endpoint = endpoint, .key = weir_text("job"), .result = result};
    job.ids = need_memory((size_t)entries * sizeof *job.ids);
    job.is_handled = need_memory((size_t)entries * sizeof *job.is_handled);
    job.is_acknowledged = need_memory((size_t)entries * sizeof *job.is_acknowledged);
    job.client = connect_weir(endpoint, (weir_mem){0});
    bool is_done =
        job.client != NULL && produce(&job) && read_back(&job) && job_group(&job);
    weir_close(job.client);
    free(job.ids);
    free(job.is_handled);
    free(job.is_acknowledged);
    return is_done;
}
