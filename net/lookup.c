/* Looking up a name: the one place that asks the system's resolver.
 *
 * getaddrinfo has no deadline, and there is no other way to hear all that the system knows
 * of names (files, DNS, mDNS, directories). So a thread asks, and shares nothing but the
 * answer with the one who wants it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "lookup.h"

#include "aside.h"
#include "line.h"
#include "wake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct weir_lookup {
    atomic_uint holders; /* the asker, and the thread */
    weir_wake done;      /* set: what follows is written, and stays as it is */
    pid_t process;   /* that has the thread; but this and the name stand from the start */
    int answer;      /* of getaddrinfo */
    int os_error;    /* errno, where that was EAI_SYSTEM */
    int64_t came_ms; /* by weir_now_ms */
    struct addrinfo *list;
    char port[sizeof "65535"];
    char host[WEIR_HOST_BYTES];
};

bool weir_lookup_is_ours(const struct weir_lookup *lookup) {
    return lookup->process == getpid();
}

/* In a child process there is no thread to let go of it, nor to finish what it began. */
void weir_lookup_release(struct weir_lookup *lookup) {
    if (lookup == NULL) {
        return;
    }
    /* asked before it is let go of: the other holder may free it at once */
    bool is_done = weir_lookup_is_done(lookup);
    bool is_ours = weir_lookup_is_ours(lookup);
    unsigned held = atomic_fetch_sub_explicit(&lookup->holders, 1, memory_order_acq_rel);
    if (held > 1 && is_ours) {
        return;
    }
    if ((held == 1 || is_done) && lookup->list != NULL) {
        freeaddrinfo(lookup->list);
    }
    weir_wake_close(&lookup->done);
    free(lookup);
}

static void *ask(void *of) {
    struct weir_lookup *lookup = of;
    static const struct addrinfo wish = {.ai_family = AF_UNSPEC,
                                         .ai_socktype = SOCK_STREAM,
                                         .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    errno = 0;
    lookup->answer = getaddrinfo(lookup->host, lookup->port, &wish, &list);
    lookup->os_error = lookup->answer == EAI_SYSTEM ? errno : 0;
    lookup->list = lookup->answer == 0 ? list : NULL;
    lookup->came_ms = weir_now_ms();
    weir_wake_set(&lookup->done);
    weir_lookup_release(lookup);
    return NULL;
}

/* 0, or errno: nobody asks. */
static int run(struct weir_lookup *lookup, bool is_here) {
    atomic_store_explicit(&lookup->holders, 2, memory_order_relaxed);
    if (is_here) {
        (void)ask(lookup);
        return 0;
    }
    int os_error = weir_aside_run(ask, lookup);
    if (os_error != 0) {
        atomic_store_explicit(&lookup->holders, 1, memory_order_relaxed);
    }
    return os_error;
}

static weir_status report(const char *host, const char *why, int os_error,
                          weir_error *error) {
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_CONNECT, os_error);
    weir_line_add(&text, "cannot resolve \"");
    weir_line_add(&text, host);
    weir_line_add(&text, "\": ");
    weir_line_add(&text, why);
    if (os_error != 0) {
        weir_line_add_os_error(&text, os_error);
    }
    return WEIR_ERR_CONNECT;
}

weir_status weir_lookup_begin(const weir_address *address, bool is_here,
                              struct weir_lookup **lookup, weir_error *error) {
    struct weir_lookup *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return report(address->host, "", ENOMEM, error);
    }
    atomic_init(&made->holders, 1);
    weir_wake_init(&made->done);
    made->process = getpid();
    memcpy(made->host, address->host, sizeof made->host);
    (void)snprintf(made->port, sizeof made->port, "%u", (unsigned)address->port);
    int os_error = 0;
    const char *lacking = "no descriptor for it: ";
    if (weir_wake_open(&made->done, &os_error) == WEIR_OK) {
        lacking = "no thread for it: ";
        os_error = run(made, is_here);
    }
    if (os_error != 0) {
        weir_lookup_release(made);
        return report(address->host, lacking, os_error, error);
    }
    *lookup = made;
    return WEIR_OK;
}

int weir_lookup_fd(const struct weir_lookup *lookup) { return lookup->done.fd; }

bool weir_lookup_is_done(const struct weir_lookup *lookup) {
    return weir_wake_is_set(&lookup->done);
}

int64_t weir_lookup_came_ms(const struct weir_lookup *lookup) { return lookup->came_ms; }

weir_status weir_lookup_result(const struct weir_lookup *lookup,
                               const struct addrinfo **list, weir_error *error) {
    if (lookup->answer == 0) {
        *list = lookup->list;
        return WEIR_OK;
    }
    const char *why = lookup->os_error != 0 ? "" : gai_strerror(lookup->answer);
    return report(lookup->host, why, lookup->os_error, error);
}
