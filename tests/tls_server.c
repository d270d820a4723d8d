/* Servers that speak TLS, and the certificates for them.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tls_server.h"

#include "peer.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATHS 16

static char folder[32];

/* Runs a command of the shell; true if it succeeds. */
static bool runs(const char *command) {
    return system(command) == 0; /* NOLINT(cert-env33-c): the tests' own words */
}

bool tls_server_is_here(void) {
    if (!server_is_here()) {
        return false;
    }
    if (!runs("openssl version >/dev/null 2>&1")) {
        print_message("skipped: no openssl in PATH\n");
        return false;
    }
    /* of two parameters, it refuses the one that it does not know */
    if (!runs(
            "out=$(\"${WEIR_TEST_SERVER:-redis-server}\" --tls-port 0 --port 0 --no-such 1 "
            "2>&1); case $out in *\"'tls-port\"*) exit 1 ;; *no-such*) ;; *) exit 1; esac")) {
        print_message("skipped: this server was built without TLS\n");
        return false;
    }
    return true;
}

const char *tls_file(const char *name) {
    static char paths[PATHS][128];
    static size_t next;
    char *path = paths[next++ % PATHS];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

weir_view tls_text(const char *name) {
    static const size_t most = 65536;
    char *bytes = malloc(most);
    FILE *file = fopen(tls_file(name), "r");
    assert_non_null(bytes);
    assert_non_null(file);
    size_t len = fread(bytes, 1, most, file);
    (void)fclose(file);
    return weir_bytes(bytes, len);
}

static bool make_certs(void) {
    char command[96];
    (void)snprintf(folder, sizeof folder, "/tmp/weir-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return false;
    }
    (void)snprintf(command, sizeof command, "tests/make_certs.sh %s", folder);
    if (!runs(command)) {
        print_error("tests/make_certs.sh failed\n");
        return false;
    }
    return true;
}

bool tls_server_start(struct tls_server *tls) {
    memset(tls, 0, sizeof *tls);
    if (!make_certs()) {
        return false;
    }
    int deaf;
    char port[8];
    tls->port = peer_deaf_port(&deaf);
    (void)close(deaf);
    (void)snprintf(port, sizeof port, "%u", (unsigned)tls->port);
    (void)snprintf(tls->url, sizeof tls->url, "rediss://localhost:%s", port);
    (void)snprintf(tls->ip_url, sizeof tls->ip_url, "rediss://127.0.0.1:%s", port);
    const char *args[] = {"--tls-port",
                          port,
                          "--tls-cert-file",
                          tls_file("right.pem"),
                          "--tls-key-file",
                          tls_file("right.key"),
                          "--tls-ca-cert-file",
                          tls_file("ca.pem"),
                          "--tls-auth-clients",
                          "no",
                          NULL};
    return server_start(&tls->server, true, args);
}

void tls_server_stop(struct tls_server *tls) {
    char command[64];
    server_stop(&tls->server);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    if (folder[0] != '\0' && !runs(command)) {
        print_error("%s is left\n", folder);
    }
}

static void say(const struct tls_server *tls, const char *const *words) {
    weir_client *client;
    weir_status st = weir_open(tls->server.url, NULL, &client);
    assert_ok(client, st);
    assert_ok(client, live_say_words(client, words));
    weir_close(client);
}

void tls_server_show(const struct tls_server *tls, const char *name) {
    char cert[64];
    char key[64];
    (void)snprintf(cert, sizeof cert, "%s.pem", name);
    (void)snprintf(key, sizeof key, "%s.key", name);
    say(tls, (const char *const[]){"CONFIG", "SET", "tls-cert-file", tls_file(cert),
                                   "tls-key-file", tls_file(key), NULL});
}

void tls_server_set(const struct tls_server *tls, const char *name, const char *value) {
    say(tls, (const char *const[]){"CONFIG", "SET", name, value, NULL});
}

/* ---- openssl s_server ---- */

static void become_s_server(uint16_t port, int input, const char *const *extra_args) {
    char accept_at[32];
    (void)snprintf(accept_at, sizeof accept_at, "127.0.0.1:%u", (unsigned)port);
    const char *args[32] = {"openssl", "s_server",
                            "-accept", accept_at,
                            "-cert",   tls_file("right.pem"),
                            "-key",    tls_file("right.key")};
    size_t count = 8;
    for (size_t i = 0; extra_args != NULL && extra_args[i] != NULL && count < 31; i++) {
        args[count++] = extra_args[i];
    }
    int quiet = open("/dev/null", O_WRONLY);
    (void)dup2(input, 0);
    (void)dup2(quiet, 1);
    (void)dup2(quiet, 2);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(args[0], (char *const *)(uintptr_t)args);
    _exit(127);
}

static bool listens(uint16_t port) {
    struct sockaddr_in place = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_open = connect(fd, (const struct sockaddr *)&place, sizeof place) == 0;
    (void)close(fd);
    return is_open;
}

struct s_server s_server_start(const char *const *extra_args) {
    struct s_server server = {0};
    int deaf;
    int pipe_ends[2];
    server.port = peer_deaf_port(&deaf);
    (void)close(deaf);
    assert_int_equal(pipe(pipe_ends), 0);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        (void)close(pipe_ends[1]);
        become_s_server(server.port, pipe_ends[0], extra_args);
    }
    (void)close(pipe_ends[0]);
    server.input = pipe_ends[1];
    (void)snprintf(server.url, sizeof server.url, "rediss://localhost:%u",
                   (unsigned)server.port);
    for (int tries = 0; tries < 2000; tries++) {
        if (listens(server.port)) {
            return server;
        }
        (void)poll(NULL, 0, 10);
    }
    fail_msg("openssl s_server does not listen");
    return server;
}

/* Until it was read: a command that comes together with other text is none. */
void s_server_say(const struct s_server *server, const char *text) {
    int left = 1;
    assert_int_equal(write(server->input, text, strlen(text)), (ssize_t)strlen(text));
    for (int tries = 0; tries < 10000 && left > 0; tries++) {
        assert_int_equal(ioctl(server->input, FIONREAD, &left), 0);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(left, 0);
}

void s_server_stop(struct s_server *server) {
    (void)close(server->input);
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
}
