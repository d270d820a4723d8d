/* The field of a run: the server, the proxy before it, and the control's own connection.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "chaos.h"

#include "../support.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_WORDS 16

void chaos_control(struct chaos_run *run) {
    weir_close(run->control);
    if (weir_open(run->server.url, NULL, &run->control) != WEIR_OK) {
        chaos_broken(run, "the control cannot connect: %s",
                     weir_client_error(run->control)->text);
    }
}

/* For the servers of this run: what they preload. */
static void slow_down(const struct chaos_run *run) {
    if (run->scenario->fsync_ms != NULL) {
        (void)setenv("LD_PRELOAD", WEIR_SLOW_FSYNC, 1);
        (void)setenv("WEIR_FSYNC_MS", run->scenario->fsync_ms, 1);
    }
}

/* The proxy goes to the server's socket: the port may be another one's after a restart. */
bool chaos_field_open(struct chaos_run *run) {
    slow_down(run);
    if (!server_start(&run->server, true, run->scenario->args) ||
        !proxy_start(&run->proxy, run->server.path, run->seed)) {
        return false;
    }
    chaos_control(run);
    return run->result->broken == 0;
}

void chaos_field_close(struct chaos_run *run) {
    weir_close(run->control);
    proxy_stop(&run->proxy);
    server_stop(&run->server);
}

const char *chaos_url(const struct chaos_run *run) {
    return (run->scenario->how & CHAOS_OVER_TCP) != 0 ? run->proxy.tcp_url : run->proxy.url;
}

bool chaos_try(struct chaos_run *run, const char *const *words) {
    weir_view args[MOST_WORDS];
    size_t count = 0;
    for (; words[count] != NULL && count < MOST_WORDS; count++) {
        args[count] = weir_text(words[count]);
    }
    return weir_command(run->control, args, count, NULL) == WEIR_OK;
}

void chaos_must(struct chaos_run *run, bool is_done, const char *what) {
    if (!is_done) {
        chaos_broken(run, "the control's %s: %s", what,
                     weir_client_error(run->control)->text);
    }
}

void chaos_proxy(const struct chaos_run *run, const char *format, ...) {
    char command[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    proxy_say(&run->proxy, command);
}

void chaos_restart(struct chaos_run *run, int64_t down_ms) {
    server_kill(&run->server);
    chaos_nap(down_ms);
    if (!server_restart(&run->server, run->scenario->args)) {
        chaos_broken(run, "the server did not start again");
        return;
    }
    chaos_control(run);
}

/* Redis to 8.6, killed in the midst of writing a script's changes to its file, leaves their
 * beginning there when it restarts, and begins the next ones behind it. The restart after
 * that takes both for one, and adds what had been dropped. Valkey takes the beginning out.
 */
bool chaos_is_torn(const struct chaos_run *run) {
    char path[64];
    char line[1024];
    bool is_torn = false;
    (void)snprintf(path, sizeof path, "%s/log", run->server.folder);
    FILE *log = fopen(path, "r");
    while (log != NULL && !is_torn && fgets(line, sizeof line, log) != NULL) {
        is_torn = strstr(line, "MULTI calls can not be nested") != NULL;
    }
    if (log != NULL) {
        (void)fclose(log);
    }
    return is_torn;
}
