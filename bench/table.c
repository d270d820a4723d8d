/* The report for people.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <math.h>
#include <string.h>

#define GROUPED 32 /* bytes that a grouped number takes at most */

/* 1234567 as "1 234 567". */
static const char *group_digits(uint64_t number, char text[GROUPED]) {
    char digits[GROUPED];
    size_t len =
        (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text[at++] = ' ';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

void table_head(FILE *file, const struct report *report) {
    const struct provenance *provenance = &report->provenance;
    fprintf(file, "weir %s (%s, %s), hiredis %s\n", provenance->weir, provenance->compiler,
            provenance->flags, provenance->hiredis);
    fprintf(file, "on %s, %ld cores, %s\n", provenance->cpu, provenance->cores,
            provenance->kernel);
    if (provenance->server[0] != '\0') {
        fprintf(file, "%s %s: %s\n", provenance->server, provenance->server_version,
                SERVER_SETTINGS);
    }
    if (provenance->is_slow_build) {
        fputs("NOT AN OPTIMISED BUILD: its figures mean little\n", file);
    }
    fputc('\n', file);
    fflush(file);
}

static void print_part(FILE *file, const char *what, uint64_t entries,
                       const struct moment *took) {
    char count[GROUPED];
    char rate[GROUPED];
    double cpu_ns = (took->user + took->sys) / (double)entries * 1e9;
    fprintf(file, "  %-22s %12s entries %11s entries/s %7.0f ns of CPU an entry\n", what,
            group_digits(entries, count),
            group_digits((uint64_t)((double)entries / took->wall), rate), cpu_ns);
}

static void print_count(FILE *file, const char *what, uint64_t count, const char *remark) {
    char text[GROUPED];
    fprintf(file, "  %-22s %12s %s\n", what, group_digits(count, text), remark);
}

void table_job(FILE *file, const struct job_result *job) {
    fputs("The job: every entry is produced, read back, compared and acknowledged\n", file);
    print_part(file, "produced", job->entries, &job->produce);
    print_part(file, "read back", job->entries, &job->read);
    print_part(file, "worked as a group", job->entries, &job->group);
    print_count(file, "first consumer", job->handled_first, "handled before it crashed");
    print_count(file, "  left behind", job->left, "given to it, not acknowledged");
    print_count(file, "second consumer", job->handled_second, "handled, new to the group");
    print_count(file, "  recovered", job->recovered, "by XAUTOCLAIM, then handled");
    print_count(file, "  a second time", job->handled_twice, "handled by the first too");
    print_count(file, "acknowledged", job->acknowledged, "each once");
    print_count(file, "still pending", job->pending, "");
    fputc('\n', file);
    fflush(file);
}

void table_memory(FILE *file, const struct one_reply *memory) {
    char entries[GROUPED];
    char megabytes[GROUPED];
    fprintf(file,
            "Memory: one reply of %s entries, %s MB, was read in %.1f s\n"
            "  by a process of %.1f MiB at its peak (bound: below %d MiB)\n\n",
            group_digits(memory->entries, entries),
            group_digits(memory->reply_bytes / 1000000, megabytes), memory->seconds,
            (double)memory->peak_kib / 1024, ONE_REPLY_KIB_BOUND / 1024);
    fflush(file);
}

void table_handover(FILE *file, const struct handover *handover) {
    fprintf(
        file,
        "Hand-over: a worker is killed with %d entries in hand; another of its group has\n"
        "  all of them after %.0f ms (%.0f to %.0f, %zu rounds); promised: %d ms, which is\n"
        "  claim_idle_ms %d and one claim_interval_ms of %d\n\n",
        HANDOVER_ENTRIES, handover->median_ms, handover->least_ms, handover->most_ms,
        handover->rounds, HANDOVER_PROMISE_MS, HANDOVER_IDLE_MS, HANDOVER_INTERVAL_MS);
    fflush(file);
}

static void print_value(FILE *file, const struct scenario *scenario, double value) {
    char text[GROUPED];
    if (isnan(value)) {
        fprintf(file, " %9s", "-");
    } else if (scenario->is_lower_better) {
        fprintf(file, " %9.2f", value);
    } else {
        fprintf(file, " %9s", group_digits((uint64_t)(value + 0.5), text));
    }
}

static double spread_percent(const struct figure *figure) {
    return (figure->high - figure->low) / figure->value * 100;
}

/* A number, or "-" where there is none. */
static void print_number(FILE *file, int width, int digits, double number) {
    if (isnan(number)) {
        fprintf(file, " %*s", width, "-");
    } else {
        fprintf(file, " %*.*f", width, digits, number);
    }
}

static void print_speed(FILE *file, const struct result *result) {
    const struct figure *figures = result->figures;
    fprintf(file, "  %-21s %-9s", result->scenario->name, result->scenario->unit);
    for (size_t who = 0; who < WHO_COUNT; who++) {
        print_value(file, result->scenario, figures[who].value);
    }
    double weir = figures[WHO_WEIR].value;
    print_number(file, 7, 3, weir / figures[WHO_FLOOR].value);
    print_number(file, 8, 3, weir / figures[WHO_HIREDIS].value);
    fputs("  ", file);
    for (size_t who = 0; who < WHO_COUNT; who++) {
        print_number(file, 3, 0, spread_percent(&figures[who]));
    }
    fprintf(file, "   %4.0f %%\n", figures[WHO_WEIR].server_busy * 100);
}

static void print_cpu(FILE *file, const struct result *result) {
    const struct figure *figures = result->figures;
    fprintf(file, "  %-21s", result->scenario->name);
    for (size_t who = 0; who < WHO_COUNT; who++) {
        const struct figure *figure = &figures[who];
        char parts[48] = "-";
        if (!isnan(figure->cpu_ns)) {
            snprintf(parts, sizeof parts, "%.0f (%.0f+%.0f)", figure->cpu_ns,
                     figure->cpu_user_ns, figure->cpu_sys_ns);
        }
        fprintf(file, " %19s", parts);
    }
    double weir = figures[WHO_WEIR].cpu_ns;
    print_number(file, 7, 2, weir / figures[WHO_FLOOR].cpu_ns);
    print_number(file, 8, 2, weir / figures[WHO_HIREDIS].cpu_ns);
    print_number(file, 9, 6, result->allocations_per_entry);
    fputc(' ', file);
    for (size_t who = 0; who < WHO_COUNT; who++) {
        print_number(file, 7, 1, figures[who].calls * 1000);
    }
    fputc('\n', file);
}

static void print_pace(FILE *file, const char *name, const struct pace_figure *figure) {
    char rate[GROUPED];
    fprintf(file, "  %-12s %9s %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f", name,
            group_digits((uint64_t)(figure->rate + 0.5), rate), figure->p50_us,
            figure->p99_us, figure->p999_us, figure->most_us, figure->backlog,
            figure->cpu_ns, figure->whole_ns);
    print_number(file, 8, 1, figure->batch);
    fprintf(file, "   %4.0f %%\n", figure->server_busy * 100);
}

static void print_paces(FILE *file, const struct pace_result *pace) {
    double held = PACE_HELD * (double)pace->scenario->rate;
    char due[GROUPED];
    fprintf(file,
            "%s: %s entries of one number are due each second, one stream, Unix socket;\n"
            "latency in us from when each was due, %zu rounds together\n"
            "  %-12s %9s %8s %8s %8s %8s %8s %8s %8s %8s   server\n",
            pace->scenario->name, group_digits(pace->scenario->rate, due), pace->rounds,
            "linger", "acked/s", "p50", "p99", "p99.9", "most", "backlog", "CPU", "whole",
            "a write");
    for (size_t who = 0; who < PACE_WHO_COUNT; who++) {
        print_pace(file, pace_who_names[who], &pace->figures[who]);
    }
    fprintf(file, "  weir %s the rate, the floor %s\n\n",
            pace->figures[PACE_WEIR].rate >= held ? "holds" : "DOES NOT HOLD",
            pace->figures[PACE_FLOOR].rate >= held ? "holds it" : "DOES NOT");
}

void table_paces(FILE *file, const struct report *report) {
    for (size_t i = 0; i < report->pace_count; i++) {
        print_paces(file, &report->paces[i]);
    }
    if (report->pace_count > 0) {
        fprintf(
            file,
            "pace: backlog: most entries due and not acknowledged. CPU: ns an entry, in the\n"
            "client's calls; whole: of the process, with the loop that makes the entries\n"
            "and sleeps %d us or more. nobody: that loop without a client.\n\n",
            PACE_TICK_US);
    }
    fflush(file);
}

void table_scenarios(FILE *file, const struct report *report) {
    if (report->result_count == 0) {
        return;
    }
    fprintf(file,
            "Speed: median of %zu rounds, taking turns; spread: (most - least) / median\n"
            "  %-21s %-9s %9s %9s %9s  %6s %8s   %11s   %6s\n",
            report->options.rounds, "", "", "weir", "floor", "hiredis", "/floor",
            "/hiredis", "spread, %  ", "server");
    for (size_t i = 0; i < report->result_count; i++) {
        print_speed(file, &report->results[i]);
    }
    fprintf(file,
            "\nCPU of the client: ns an entry (user+system); weir's allocations an entry;\n"
            "system calls that move bytes or wait, a thousand entries\n"
            "  %-21s %19s %19s %19s  %6s %8s  %8s  %7s %7s %7s\n",
            "", "weir", "floor", "hiredis", "/floor", "/hiredis", "allocs", "weir", "floor",
            "hiredis");
    for (size_t i = 0; i < report->result_count; i++) {
        print_cpu(file, &report->results[i]);
    }
    fputs("\nserver: how busy it was with weir; near 100 % it is the limit, and the\n"
          "client's own figure is its CPU. Where the unit is a time, less is better.\n"
          "decode, encode: in memory; what puts a reply's bytes there is not counted.\n"
          "tls: the floor is OpenSSL alone; Debian's hiredis speaks no TLS.\n",
          file);
    fflush(file);
}
