/* Makes the private server speak TLS too: with certificates of the tests' maker, and told
 * while it runs, so that one which cannot is still good for all the rest.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "secure_server.h"

#include "control.h"
#include "say.h"
#include "secure.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* CMake tells where it is. */
#ifndef WEIR_BENCH_CERTS
#    define WEIR_BENCH_CERTS "tests/make_certs.sh"
#endif

static bool make_certs(const struct server *server) {
    pid_t maker = fork();
    if (maker == 0) {
        execl(WEIR_BENCH_CERTS, WEIR_BENCH_CERTS, server->folder, "right", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    bool is_done = maker > 0 && waitpid(maker, &status, 0) == maker && status == 0;
    return is_done || say_failed("%s failed; it needs openssl", WEIR_BENCH_CERTS);
}

bool secure_server(struct server *server, int control, struct endpoint *endpoint) {
    char line[512];
    char answer[CONTROL_ANSWER];
    int port = server_free_port();
    if (!secure_is_built()) {
        return say_failed("built without OpenSSL");
    }
    if (port == 0 || !make_certs(server)) {
        return false;
    }
    snprintf(line, sizeof line,
             "CONFIG SET tls-ca-cert-file %s/ca.pem tls-cert-file %s/right.pem "
             "tls-key-file %s/right.key tls-auth-clients no tls-port %d\r\n",
             server->folder, server->folder, server->folder, port);
    snprintf(server->ca_file, sizeof server->ca_file, "%s/ca.pem", server->folder);
    *endpoint = (struct endpoint){server->socket_path, port, server->ca_file};
    return control_ask(control, line, answer);
}
