/* How much memory it takes to read a stream of any size in one reply.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "one_reply.h"

#include "connect.h"
#include "control.h"
#include "floor.h"
#include "say.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the reading process found out. */
struct findings {
    uint64_t entries;
    uint64_t peak_kib;
    double seconds;
};

/* https://man7.org/linux/man-pages/man5/proc_pid_status.5.html; 0: not known. */
static uint64_t peak_resident_kib(void) {
    FILE *status = fopen("/proc/self/status", "r");
    if (status == NULL) {
        return 0;
    }
    uint64_t kib = 0;
    char line[256];
    while (kib == 0 && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtoull(line + 6, NULL, 10);
        }
    }
    fclose(status);
    return kib;
}

/* Counts the entries; each id is behind the one before. */
static bool count_entries(weir_client *client, uint64_t *count) {
    weir_entries all;
    if (weir_xrange(client, weir_text(BENCH_KEY), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &all) !=
        WEIR_OK) {
        return connect_failed(client, "memory: XRANGE");
    }
    weir_id last = WEIR_ID_MIN;
    weir_entry entry;
    weir_status st;
    *count = 0;
    while ((st = weir_entries_next(&all, &entry)) == WEIR_OK) {
        if (weir_id_compare(last, entry.id) >= 0 || entry.field_count != 1) {
            return say_failed("memory: entry %llu is out of order or not whole",
                              (unsigned long long)*count);
        }
        last = entry.id;
        ++*count;
    }
    return st == WEIR_END || connect_failed(client, "memory: reading entries");
}

static bool find_out(const struct endpoint *endpoint, struct findings *findings) {
    weir_client *client = connect_weir(endpoint, (weir_mem){0});
    if (client == NULL) {
        return false;
    }
    double start = clock_seconds();
    bool is_done = count_entries(client, &findings->entries);
    findings->seconds = clock_seconds() - start;
    findings->peak_kib = peak_resident_kib();
    weir_close(client);
    return is_done;
}

/* In the child. */
static void become_reader(const struct endpoint *endpoint, int answer, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    struct findings findings = {0};
    if (!find_out(endpoint, &findings) ||
        write(answer, &findings, sizeof findings) != (ssize_t)sizeof findings) {
        _exit(1);
    }
    _exit(0);
}

/* Reads in a process of its own, whose peak is not that of anything before. */
static bool find_out_apart(const struct endpoint *endpoint, struct findings *findings) {
    int ends[2];
    if (pipe(ends) != 0) {
        return say_failed("memory: no pipe: %s", strerror(errno));
    }
    pid_t parent = getpid();
    pid_t reader = fork();
    if (reader == 0) {
        become_reader(endpoint, ends[1], parent);
    }
    close(ends[1]);
    ssize_t len = 0;
    if (reader > 0) {
        len = read(ends[0], findings, sizeof *findings); /* at once: fewer than PIPE_BUF */
        waitpid(reader, NULL, 0);
    }
    close(ends[0]);
    return len == (ssize_t)sizeof *findings ||
           say_failed("memory: the reading process failed");
}

static uint64_t bytes_sent_by_server(int control) {
    char info[CONTROL_ANSWER];
    char value[32];
    if (!control_ask(control, "INFO stats\r\n", info)) {
        return 0;
    }
    control_field(info, "total_net_output_bytes", value, sizeof value);
    return strtoull(value, NULL, 10);
}

bool one_reply_run(const struct endpoint *endpoint, int control, uint64_t entries,
                   struct one_reply *result) {
    char answer[CONTROL_ANSWER];
    if (!control_ask(control, "DEL " BENCH_KEY "\r\n", answer) ||
        !floor_fill(endpoint, 16, entries, "memory: filling a stream")) {
        return false;
    }
    say_progress("memory: reading it in one reply", 0, 0);
    uint64_t sent_before = bytes_sent_by_server(control);
    struct findings findings;
    if (!find_out_apart(endpoint, &findings)) {
        return false;
    }
    result->reply_bytes = bytes_sent_by_server(control) - sent_before;
    result->entries = findings.entries;
    result->peak_kib = findings.peak_kib;
    result->seconds = findings.seconds;
    if (findings.entries != entries) {
        return say_failed("memory: read %llu entries of %llu",
                          (unsigned long long)findings.entries,
                          (unsigned long long)entries);
    }
    if (findings.peak_kib == 0 || findings.peak_kib >= ONE_REPLY_KIB_BOUND) {
        return say_failed("memory: reading took %llu KiB, the bound is %d KiB",
                          (unsigned long long)findings.peak_kib, ONE_REPLY_KIB_BOUND);
    }
    return control_ask(control, "DEL " BENCH_KEY "\r\n", answer);
}
