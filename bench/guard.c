/* Whatever becomes of the work, the server stops and its folder goes.
 *
 * The work runs in a child. The parent only waits, with all signals blocked and taken by
 * sigwaitinfo: it has no signal handler, and is there to clean up after an error, a crash,
 * or Ctrl-C in the middle of a peer's blocking call.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include "say.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct guard {
    struct server server;
    pid_t worker; /* 0: ended */
    sigset_t taken;
    int code;   /* our exit code */
    int signal; /* what to die of; 0: nothing */
};

/* Signals that are ignored (nohup) stay so. */
static void take_signals(sigset_t *taken) {
    const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigemptyset(taken);
    sigaddset(taken, SIGCHLD);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction action;
        sigaction(ends[i], NULL, &action);
        if (action.sa_handler != SIG_IGN) {
            sigaddset(taken, ends[i]);
        }
    }
    sigprocmask(SIG_BLOCK, taken, NULL);
}

/* In the child. */
static void become_worker(struct guard *guard, pid_t parent,
                          int (*work)(struct server *, void *), void *argument) {
    sigprocmask(SIG_UNBLOCK, &guard->taken, NULL);
    signal(SIGPIPE, SIG_IGN); /* a peer that closes is an error to be told */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    exit(work(&guard->server, argument));
}

/* True if the worker has ended; then code is set. */
static bool worker_has_ended(struct guard *guard) {
    int status;
    if (waitpid(guard->worker, &status, WNOHANG) != guard->worker) {
        return false;
    }
    guard->worker = 0;
    if (WIFSIGNALED(status)) {
        int signal = WTERMSIG(status);
        say_failed("the measuring process died of signal %d (%s)", signal,
                   strsignal(signal));
        guard->code = 1;
    } else {
        guard->code = WEXITSTATUS(status);
    }
    return true;
}

static void await(struct guard *guard) {
    for (;;) {
        int signal = sigwaitinfo(&guard->taken, NULL);
        if (signal < 0) {
            continue; /* EINTR: stopped and continued */
        }
        if (signal != SIGCHLD) {
            guard->signal = signal;
            return;
        }
        if (worker_has_ended(guard)) {
            return;
        }
        if (server_has_ended(&guard->server)) {
            guard->code = 1;
            return;
        }
    }
}

/* That may have been the reason. Its connections end a moment before the process does. */
static void say_if_server_ended(struct guard *guard) {
    if (!server_has_ended(&guard->server)) {
        const struct timespec moment = {.tv_nsec = 100 * 1000 * 1000};
        sigtimedwait(&guard->taken, NULL, &moment);
        server_has_ended(&guard->server);
    }
}

static void clean_up(struct guard *guard) {
    if (guard->worker != 0) {
        kill(guard->worker, SIGKILL);
        waitpid(guard->worker, NULL, 0);
    }
    if (guard->code != 0 && guard->signal == 0) {
        say_if_server_ended(guard);
    }
    server_stop(&guard->server);
}

static void die_of(int number) {
    say_progress_end();
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
}

int guard_run(const char *server_program, int (*work)(struct server *, void *),
              void *argument) {
    struct guard guard = {.code = 1};
    take_signals(&guard.taken);
    if (!server_start(&guard.server, server_program)) {
        return 1;
    }
    fflush(NULL); /* what is buffered would be written twice */
    pid_t parent = getpid();
    guard.worker = fork();
    if (guard.worker == 0) {
        become_worker(&guard, parent, work, argument);
    }
    if (guard.worker < 0) {
        say_failed("cannot start a process: %s", strerror(errno));
        guard.worker = 0;
    } else {
        await(&guard);
    }
    clean_up(&guard);
    if (guard.signal != 0) {
        die_of(guard.signal);
    }
    return guard.code;
}
