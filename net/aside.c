/* A job beside the caller's thread: the one place that makes a thread.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "aside.h"

#include <pthread.h>
#include <signal.h>

static int start(void *(*job)(void *of), void *of) {
    pthread_attr_t detached;
    pthread_t unused;
    int os_error = pthread_attr_init(&detached);
    if (os_error != 0) {
        return os_error;
    }
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    os_error = pthread_create(&unused, &detached, job, of);
    (void)pthread_attr_destroy(&detached);
    return os_error;
}

/* A thread begins with the mask of the one that makes it: the caller's handlers never run
 * on a thread that the caller does not know of. */
int weir_aside_run(void *(*job)(void *of), void *of) {
    sigset_t all;
    sigset_t kept;
    (void)sigfillset(&all);
    int os_error = pthread_sigmask(SIG_SETMASK, &all, &kept);
    if (os_error != 0) {
        return os_error;
    }
    os_error = start(job, of);
    (void)pthread_sigmask(SIG_SETMASK, &kept, NULL);
    return os_error;
}
