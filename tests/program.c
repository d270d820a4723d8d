/* Programs that a test runs as a user does.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "program.h"

#include "support.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[512]; /* of the programs, with a '/' at its end */

void program_find(const char *self) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s", self);
    (void)snprintf(folder, sizeof folder, "%.490s/../examples/", dirname(path));
}

static const char *path_of(const char *name) {
    static char path[600];
    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    return path;
}

bool program_is_built(const char *name) { return access(path_of(name), X_OK) == 0; }

static void become(const char *name, const char *const *args) {
    const char *all[8] = {name};
    for (size_t i = 0; args[i] != NULL && i < 6; i++) {
        all[i + 1] = args[i];
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(path_of(name), (char *const *)(uintptr_t)all);
    _exit(127);
}

/* Both ends close where another program begins: else it would hold them open. */
static void open_pipe(int ends[2]) {
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
}

struct program program_start_with(const char *name, const char *const *args) {
    int in[2];
    int out[2];
    struct program program = {0};
    open_pipe(in);
    open_pipe(out);
    program.pid = fork();
    assert_true(program.pid >= 0);
    if (program.pid == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        become(name, args);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    program.in = fdopen(in[1], "w");
    program.out = fdopen(out[0], "r");
    assert_non_null(program.in);
    assert_non_null(program.out);
    return program;
}

void program_end_input(struct program *program) {
    if (program->in != NULL) {
        assert_int_equal(fclose(program->in), 0);
    }
    program->in = NULL;
}

int program_finish(struct program *program) {
    int how = 0;
    program_end_input(program);
    (void)fclose(program->out);
    assert_int_equal(waitpid(program->pid, &how, 0), program->pid);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

void program_expect_line(struct program *program, const char *expected) {
    char line[256] = "";
    assert_non_null(fgets(line, sizeof line, program->out));
    assert_string_equal(line, expected);
}

void program_expect_no_line(struct program *program) {
    char line[256];
    assert_null(fgets(line, sizeof line, program->out));
}
