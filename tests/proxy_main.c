/* The proxy as a program: commands on stdin, answers on stdout (tests/proxy.h has them).
 *   weir-proxy PATH BACKEND [SEED]
 * Listens on a Unix socket at PATH and a loopback port, which it names first, until stdin
 * ends. BACKEND: a path, or a loopback port.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "proxy_loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    static struct proxy_loop loop = {.control_in = 0, .control_out = 1};
    if (argc < 3 || argc > 4 || strlen(argv[1]) >= sizeof loop.path ||
        strlen(argv[2]) >= sizeof loop.backend) {
        (void)fprintf(stderr, "usage: weir-proxy PATH BACKEND [SEED]\n");
        return 2;
    }
    (void)snprintf(loop.path, sizeof loop.path, "%s", argv[1]);
    (void)snprintf(loop.backend, sizeof loop.backend, "%s", argv[2]);
    loop.random = (argc > 3 ? strtoull(argv[3], NULL, 10) : 1) * 2 + 1;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!proxy_listen(&loop)) {
        perror("weir-proxy");
        return 1;
    }
    (void)printf("port %u\n", (unsigned)loop.port);
    (void)fflush(stdout);
    proxy_serve(&loop);
    (void)unlink(loop.path);
    return 0;
}
