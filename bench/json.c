/* The report for programs.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <math.h>

/* An object that is being written: its members, with something between them. */
struct object {
    FILE *file;
    const char *between;
    bool has_members;
};

static void write_text(FILE *file, const char *text) {
    fputc('"', file);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            fputc('\\', file);
        }
        fputc((unsigned char)*at < ' ' ? '?' : *at, file);
    }
    fputc('"', file);
}

static void put_name(struct object *object, const char *name) {
    if (object->has_members) {
        fputs(object->between, object->file);
    }
    object->has_members = true;
    write_text(object->file, name);
    fputs(": ", object->file);
}

static void put_text(struct object *object, const char *name, const char *text) {
    put_name(object, name);
    write_text(object->file, text);
}

static void put_count(struct object *object, const char *name, uint64_t count) {
    put_name(object, name);
    fprintf(object->file, "%llu", (unsigned long long)count);
}

static void put_number(struct object *object, const char *name, double number) {
    put_name(object, name);
    fprintf(object->file, isnan(number) ? "null" : "%.8g", number);
}

static struct object open_object(struct object *parent, const char *name) {
    put_name(parent, name);
    fputc('{', parent->file);
    return (struct object){.file = parent->file, .between = ", "};
}

static void close_object(const struct object *object) { fputc('}', object->file); }

static void put_provenance(struct object *root, const struct provenance *provenance) {
    struct object weir = open_object(root, "weir");
    put_text(&weir, "version", provenance->weir);
    put_text(&weir, "compiler", provenance->compiler);
    put_text(&weir, "flags", provenance->flags);
    close_object(&weir);

    struct object hiredis = open_object(root, "hiredis");
    put_text(&hiredis, "version", provenance->hiredis);
    close_object(&hiredis);

    struct object machine = open_object(root, "machine");
    put_text(&machine, "cpu", provenance->cpu);
    put_count(&machine, "cores", (uint64_t)provenance->cores);
    put_text(&machine, "kernel", provenance->kernel);
    close_object(&machine);

    if (provenance->server[0] == '\0') {
        return;
    }
    struct object server = open_object(root, "server");
    put_text(&server, "name", provenance->server);
    put_text(&server, "version", provenance->server_version);
    put_text(&server, "settings", SERVER_SETTINGS);
    close_object(&server);
}

static void put_part(struct object *job, const char *name, const struct moment *took,
                     uint64_t entries) {
    struct object part = open_object(job, name);
    put_number(&part, "seconds", took->wall);
    put_number(&part, "entries_per_second", (double)entries / took->wall);
    put_number(&part, "cpu_ns_per_entry", (took->user + took->sys) / (double)entries * 1e9);
    close_object(&part);
}

static void put_job(struct object *root, const struct job_result *result) {
    struct object job = open_object(root, "job");
    put_count(&job, "entries", result->entries);
    put_count(&job, "handled_first", result->handled_first);
    put_count(&job, "left", result->left);
    put_count(&job, "handled_second", result->handled_second);
    put_count(&job, "recovered", result->recovered);
    put_count(&job, "handled_twice", result->handled_twice);
    put_count(&job, "acknowledged", result->acknowledged);
    put_count(&job, "pending", result->pending);
    put_part(&job, "produce", &result->produce, result->entries);
    put_part(&job, "read", &result->read, result->entries);
    put_part(&job, "group", &result->group, result->entries);
    close_object(&job);
}

static void write_memory(FILE *file, const struct one_reply *result) {
    struct object memory = {.file = file, .between = ", "};
    fputc('{', file);
    put_text(&memory, "name", "memory.one_reply");
    put_text(&memory, "unit", "KiB");
    put_text(&memory, "better", "lower");
    put_count(&memory, "entries", result->entries);
    put_count(&memory, "weir", result->peak_kib);
    put_count(&memory, "bound", ONE_REPLY_KIB_BOUND);
    put_count(&memory, "reply_bytes", result->reply_bytes);
    put_number(&memory, "seconds", result->seconds);
    close_object(&memory);
}

static void write_handover(FILE *file, const struct handover *result) {
    struct object handover = {.file = file, .between = ", "};
    fputc('{', file);
    put_text(&handover, "name", "consumer.handover");
    put_text(&handover, "unit", "ms");
    put_text(&handover, "better", "lower");
    put_count(&handover, "rounds", result->rounds);
    put_number(&handover, "weir", result->median_ms);
    put_count(&handover, "promise", HANDOVER_PROMISE_MS);
    put_number(&handover, "least", result->least_ms);
    put_number(&handover, "most", result->most_ms);
    close_object(&handover);
}

static void write_pace(FILE *file, const struct pace_result *result) {
    struct object pace = {.file = file, .between = ",\n     "};
    fputc('{', file);
    put_text(&pace, "name", result->scenario->name);
    put_text(&pace, "unit", "us");
    put_text(&pace, "better", "lower");
    put_count(&pace, "rate", result->scenario->rate);
    put_count(&pace, "entries", result->entries);
    put_count(&pace, "rounds", result->rounds);
    for (size_t who = 0; who < PACE_WHO_COUNT; who++) {
        const struct pace_figure *figure = &result->figures[who];
        struct object side = open_object(&pace, pace_who_names[who]);
        put_number(&side, "acked_per_second", figure->rate);
        put_number(&side, "p50", figure->p50_us);
        put_number(&side, "p99", figure->p99_us);
        put_number(&side, "p99.9", figure->p999_us);
        put_number(&side, "most", figure->most_us);
        put_number(&side, "backlog", figure->backlog);
        put_number(&side, "cpu_ns_per_entry", figure->cpu_ns);
        put_number(&side, "whole_cpu_ns_per_entry", figure->whole_ns);
        put_number(&side, "entries_per_write", figure->batch);
        put_number(&side, "server_busy", figure->server_busy);
        close_object(&side);
    }
    close_object(&pace);
}

static void put_sides(struct object *scenario, const char *name, double weir, double floor,
                      double hiredis) {
    struct object sides = open_object(scenario, name);
    put_number(&sides, "weir", weir);
    put_number(&sides, "floor", floor);
    put_number(&sides, "hiredis", hiredis);
    close_object(&sides);
}

static void put_cpu(struct object *scenario, const struct figure figures[WHO_COUNT]) {
    const struct figure *weir = &figures[WHO_WEIR];
    const struct figure *floor = &figures[WHO_FLOOR];
    const struct figure *hiredis = &figures[WHO_HIREDIS];
    put_sides(scenario, "cpu_ns_per_entry", weir->cpu_ns, floor->cpu_ns, hiredis->cpu_ns);
    put_sides(scenario, "cpu_user_ns_per_entry", weir->cpu_user_ns, floor->cpu_user_ns,
              hiredis->cpu_user_ns);
    put_sides(scenario, "cpu_sys_ns_per_entry", weir->cpu_sys_ns, floor->cpu_sys_ns,
              hiredis->cpu_sys_ns);
}

static void put_calls(struct object *scenario, const struct figure figures[WHO_COUNT]) {
    const struct figure *weir = &figures[WHO_WEIR];
    const struct figure *floor = &figures[WHO_FLOOR];
    const struct figure *hiredis = &figures[WHO_HIREDIS];
    put_sides(scenario, "system_calls_per_entry", weir->calls, floor->calls,
              hiredis->calls);
    put_sides(scenario, "bytes_sent_per_entry", weir->sent, floor->sent, hiredis->sent);
    put_sides(scenario, "bytes_received_per_entry", weir->received, floor->received,
              hiredis->received);
}

static void put_spread(struct object *scenario, const struct figure figures[WHO_COUNT]) {
    struct object spread = open_object(scenario, "spread");
    for (size_t who = 0; who < WHO_COUNT; who++) {
        struct object side = open_object(&spread, scenario_sides[who]->name);
        put_number(&side, "least", figures[who].low);
        put_number(&side, "most", figures[who].high);
        close_object(&side);
    }
    close_object(&spread);
}

static void put_values(struct object *scenario, const struct figure figures[WHO_COUNT]) {
    double weir = figures[WHO_WEIR].value;
    put_number(scenario, "weir", weir);
    put_number(scenario, "floor", figures[WHO_FLOOR].value);
    struct object peers = open_object(scenario, "peers");
    put_number(&peers, "hiredis", figures[WHO_HIREDIS].value);
    close_object(&peers);
    struct object ratio = open_object(scenario, "ratio");
    put_number(&ratio, "floor", weir / figures[WHO_FLOOR].value);
    put_number(&ratio, "hiredis", weir / figures[WHO_HIREDIS].value);
    close_object(&ratio);
}

static void write_scenario(FILE *file, const struct result *result, size_t rounds) {
    const struct figure *figures = result->figures;
    struct object scenario = {.file = file, .between = ",\n     "};
    fputc('{', file);
    put_text(&scenario, "name", result->scenario->name);
    put_text(&scenario, "unit", result->scenario->unit);
    put_text(&scenario, "better", result->scenario->is_lower_better ? "lower" : "higher");
    put_count(&scenario, "entries", result->entries);
    put_count(&scenario, "rounds", rounds);
    put_values(&scenario, figures);
    put_spread(&scenario, figures);
    put_cpu(&scenario, figures);
    put_calls(&scenario, figures);
    put_number(&scenario, "allocations_per_entry", result->allocations_per_entry);
    put_number(&scenario, "server_busy", figures[WHO_WEIR].server_busy);
    close_object(&scenario);
}

void json_write(FILE *file, const struct report *report) {
    struct object root = {.file = file, .between = ",\n  "};
    fputs("{\n  ", file);
    put_provenance(&root, &report->provenance);
    if (report->options.with_job) {
        put_job(&root, &report->job);
    }
    put_name(&root, "scenarios");
    const char *before = "[\n    ";
    if (report->options.with_memory) {
        fputs(before, file);
        write_memory(file, &report->memory);
        before = ",\n    ";
    }
    if (report->options.with_handover) {
        fputs(before, file);
        write_handover(file, &report->handover);
        before = ",\n    ";
    }
    for (size_t i = 0; i < report->pace_count; i++) {
        fputs(before, file);
        write_pace(file, &report->paces[i]);
        before = ",\n    ";
    }
    for (size_t i = 0; i < report->result_count; i++) {
        fputs(before, file);
        write_scenario(file, &report->results[i], report->options.rounds);
        before = ",\n    ";
    }
    fputs(before[0] == '[' ? "[]\n}\n" : "]\n}\n", file);
}
