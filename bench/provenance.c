/* Where figures come from: without it they mean nothing.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "provenance.h"

#include "control.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <weir/weir.h>

#define TEXT_OF(word)  TEXT_OF_(word)
#define TEXT_OF_(word) #word

#if defined(__clang__)
#    define COMPILER __VERSION__
#else
#    define COMPILER "gcc " __VERSION__
#endif

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#    define IS_SLOW_BUILD false
#else
#    define IS_SLOW_BUILD true
#endif

/* The build may tell its flags. */
#if defined(WEIR_BENCH_FLAGS)
#    define FLAGS WEIR_BENCH_FLAGS
#elif defined(__OPTIMIZE__)
#    define FLAGS "optimised"
#else
#    define FLAGS "not optimised"
#endif

/* Copies what stands behind "name<blanks>: " on one line of a file of /proc. */
static void find_line(const char *path, const char *name, char *value, size_t size) {
    snprintf(value, size, "unknown");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    char line[512];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (colon == NULL || strncmp(line, name, strlen(name)) != 0) {
            continue;
        }
        const char *text = colon + 1 + strspn(colon + 1, " \t");
        snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
        break;
    }
    fclose(file);
}

static void find_kernel(char *kernel, size_t size) {
    struct utsname name;
    if (uname(&name) != 0) {
        snprintf(kernel, size, "unknown");
        return;
    }
    snprintf(kernel, size, "%s %s %s", name.sysname, name.release, name.machine);
}

/* Valkey gives its own name and version, and for old clients a redis_version too. */
static bool find_server(struct provenance *provenance, int control) {
    char info[CONTROL_ANSWER];
    if (!control_ask(control, "INFO server\r\n", info)) {
        return false;
    }
    char *name = provenance->server;
    char *version = provenance->server_version;
    control_field(info, "server_name", name, sizeof provenance->server);
    control_field(info, "valkey_version", version, sizeof provenance->server_version);
    if (name[0] == '\0') {
        snprintf(name, sizeof provenance->server, "redis");
    }
    if (version[0] == '\0') {
        control_field(info, "redis_version", version, sizeof provenance->server_version);
    }
    return true;
}

bool provenance_find(struct provenance *provenance, int control) {
    *provenance = (struct provenance){
        .weir = WEIR_VERSION,
        .compiler = COMPILER,
        .flags = FLAGS,
        .hiredis =
            TEXT_OF(HIREDIS_MAJOR) "." TEXT_OF(HIREDIS_MINOR) "." TEXT_OF(HIREDIS_PATCH),
        .is_slow_build = IS_SLOW_BUILD,
        .cores = sysconf(_SC_NPROCESSORS_ONLN),
    };
    find_line("/proc/cpuinfo", "model name", provenance->cpu, sizeof provenance->cpu);
    find_kernel(provenance->kernel, sizeof provenance->kernel);
    return control < 0 || find_server(provenance, control);
}
