/* A proxy of the test's own: starting it, and talking to it.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "proxy.h"

#include "proxy_loop.h"
#include "support.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#    include <sys/prctl.h>
#endif

#define ANSWER_MS 20000

static struct proxy_loop the_loop; /* of the child; here until it is forked */

static bool make_loop(struct proxy *proxy, const char *backend, uint64_t seed) {
    memset(&the_loop, 0, sizeof the_loop);
    (void)snprintf(the_loop.path, sizeof the_loop.path, "%s", proxy->path);
    (void)snprintf(the_loop.backend, sizeof the_loop.backend, "%s", backend);
    the_loop.random = seed * 2 + 1; /* never 0 */
    bool listens = proxy_listen(&the_loop);
    if (!listens) {
        print_error("the proxy cannot listen: %s\n", strerror(errno));
        proxy_refuse(&the_loop);
    }
    return listens;
}

/* The parent's end, or -1. */
static int fork_loop(struct proxy *proxy) {
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return -1;
    }
    proxy->pid = fork();
    if (proxy->pid == 0) {
        (void)close(ends[0]);
        (void)signal(SIGPIPE, SIG_IGN);
#if defined(__linux__)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        the_loop.control_in = the_loop.control_out = ends[1];
        if (getppid() == parent) {
            proxy_serve(&the_loop);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    return ends[0];
}

bool proxy_start(struct proxy *proxy, const char *backend, uint64_t seed) {
    memset(proxy, 0, sizeof *proxy);
    (void)snprintf(proxy->folder, sizeof proxy->folder, "/tmp/weir-test-XXXXXX");
    if (mkdtemp(proxy->folder) == NULL) {
        print_error("no folder under /tmp: %s\n", strerror(errno));
        return false;
    }
    (void)snprintf(proxy->path, sizeof proxy->path, "%s/socket", proxy->folder);
    (void)snprintf(proxy->url, sizeof proxy->url, "unix://%s", proxy->path);
    if (!make_loop(proxy, backend, seed)) {
        (void)rmdir(proxy->folder);
        return false;
    }
    proxy->port = the_loop.port;
    (void)snprintf(proxy->tcp_url, sizeof proxy->tcp_url, "redis://127.0.0.1:%u",
                   (unsigned)proxy->port);
    proxy->control = fork_loop(proxy);
    proxy_refuse(&the_loop); /* the child's copies listen on */
    return proxy->control >= 0 && proxy->pid > 0;
}

static void ask(const struct proxy *proxy, const char *command, char *answer, size_t most) {
    char line[256];
    size_t len = 0;
    (void)snprintf(line, sizeof line, "%s\n", command);
    assert_int_equal(write(proxy->control, line, strlen(line)), (ssize_t)strlen(line));
    while (len < most - 1 && support_poll(proxy->control, POLLIN, ANSWER_MS) == 1 &&
           read(proxy->control, answer + len, 1) == 1 && answer[len] != '\n') {
        len++;
    }
    answer[len] = '\0';
    if (memcmp(answer, "ok", 2) != 0) {
        fail_msg("the proxy says to \"%s\": \"%s\"", command, answer);
    }
}

void proxy_say(const struct proxy *proxy, const char *command) {
    char answer[256] = "";
    ask(proxy, command, answer, sizeof answer);
}

struct proxy_counts proxy_counts(const struct proxy *proxy) {
    char answer[256] = "";
    struct proxy_counts c = {0};
    ask(proxy, "counts", answer, sizeof answer);
    int count = sscanf(answer, /* NOLINT(cert-err34-c): the proxy's own numbers */
                       "ok connections %" SCNu64 " open %" SCNu64 " refused %" SCNu64
                       " broken %" SCNu64 " up %" SCNu64 " down %" SCNu64,
                       &c.connections, &c.open, &c.refused, &c.broken, &c.up, &c.down);
    assert_int_equal(count, 6);
    return c;
}

void proxy_stop(struct proxy *proxy) {
    if (proxy->pid <= 0) {
        return;
    }
    (void)close(proxy->control);
    (void)kill(proxy->pid, SIGKILL);
    (void)waitpid(proxy->pid, NULL, 0);
    (void)unlink(proxy->path);
    (void)rmdir(proxy->folder);
    proxy->pid = 0;
}
