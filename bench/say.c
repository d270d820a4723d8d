/* What weir-bench says on stderr: how far it is, and why it failed.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "say.h"

#include "measure.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define WIPE_LINE "\r\033[K"

bool say_failed(const char *format, ...) {
    say_progress_end();
    fputs("weir-bench: ", stderr);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return false;
}

void say_progress(const char *what, uint64_t done, uint64_t total) {
    static double last_shown;
    if (!isatty(STDERR_FILENO)) {
        return;
    }
    double now = clock_seconds();
    if (now - last_shown < 0.1) {
        return;
    }
    last_shown = now;
    unsigned percent = total == 0 ? 0 : (unsigned)(done * 100 / total);
    fprintf(stderr, WIPE_LINE "%s: %u %%", what, percent);
    fflush(stderr);
}

void say_progress_end(void) {
    if (isatty(STDERR_FILENO)) {
        fputs(WIPE_LINE, stderr);
    }
}
