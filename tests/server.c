/* A server of the test's own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include "road.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#    include <sys/prctl.h>
#endif

#define MOST_ARGS  48
#define START_MS   20000 /* a sanitizer's machine may be slow */
#define STOP_MS    3000
#define PORT_TRIES 5 /* somebody else may take the port between our look and the start */

static const char *program(void) {
    const char *chosen = getenv("WEIR_TEST_SERVER");
    return chosen != NULL && chosen[0] != '\0' ? chosen : "redis-server";
}

static bool is_in_path(const char *name) {
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        char file[512];
        (void)snprintf(file, sizeof file, "%.*s/%s", (int)len, path, name);
        if (access(file, X_OK) == 0) {
            return true;
        }
        path += len + (path[len] == ':' ? 1 : 0);
    }
    return false;
}

bool server_is_here(void) {
    const char *name = program();
    if (strchr(name, '/') != NULL || getenv("WEIR_TEST_SERVER") != NULL ||
        is_in_path(name)) {
        return true;
    }
    print_message("skipped: no %s in PATH (or name one in WEIR_TEST_SERVER)\n", name);
    return false;
}

/* ---- folder ---- */

static void remove_files(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *file = readdir(folder); file != NULL;
         file = readdir(folder)) {
        (void)unlinkat(dirfd(folder), file->d_name, 0); /* "." and ".." stay */
    }
    (void)closedir(folder);
    (void)rmdir(path);
}

static void remove_folder(struct server *server) {
    char path[64];
    if (server->folder[0] != '\0') {
        (void)snprintf(path, sizeof path, "%s/appendonlydir", server->folder);
        remove_files(path);
        remove_files(server->folder);
    }
    server->folder[0] = '\0';
}

static void print_log(const struct server *server) {
    char path[64];
    char line[512];
    (void)snprintf(path, sizeof path, "%s/log", server->folder);
    FILE *log = fopen(path, "r");
    while (log != NULL && fgets(line, sizeof line, log) != NULL) {
        print_error("%s", line);
    }
    if (log != NULL) {
        (void)fclose(log);
    }
}

static bool make_folder(struct server *server) {
    memset(server, 0, sizeof *server);
    (void)snprintf(server->folder, sizeof server->folder, "/tmp/weir-test-XXXXXX");
    if (mkdtemp(server->folder) == NULL) {
        print_error("no folder under /tmp: %s\n", strerror(errno));
        server->folder[0] = '\0';
        return false;
    }
    (void)snprintf(server->path, sizeof server->path, "%s/socket", server->folder);
    (void)snprintf(server->url, sizeof server->url, "unix://%s", server->path);
    return true;
}

/* A port that was free a moment ago; 0 if there is none. */
static uint16_t free_port(void) {
    struct sockaddr_in place = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof place;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_bound = fd >= 0 && bind(fd, (const struct sockaddr *)&place, len) == 0 &&
                    getsockname(fd, (struct sockaddr *)&place, &len) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_bound ? ntohs(place.sin_port) : 0;
}

/* ---- process ---- */

static size_t add_args(const char *args[MOST_ARGS], size_t count, const char *const *more) {
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        args[count++] = more[i];
        if (count + 1 == MOST_ARGS) {
            _exit(126);
        }
    }
    return count;
}

static void become_server(const struct server *server, const char *const *extra_args,
                          const char *const *road) {
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)server->port);
    const char *args[MOST_ARGS] = {
        program(), "--port",       port, "--bind",      "127.0.0.1", "--unixsocket",
        "socket",  "--dir",        ".",  "--logfile",   "log",       "--save",
        "",        "--appendonly", "no", "--daemonize", "no"};
    size_t count = 0;
    while (args[count] != NULL) {
        count++;
    }
    count = add_args(args, count, road);
    (void)add_args(args, count, extra_args);
    if (chdir(server->folder) == 0) {
        int quiet = open("out", O_WRONLY | O_CREAT, 0600);
        (void)dup2(quiet, 1);
        (void)dup2(quiet, 2);
        execvp(args[0], (char *const *)(uintptr_t)args);
    }
    _exit(127);
}

static void fork_server(struct server *server, const char *const *extra_args) {
    pid_t parent = getpid();
    const char *road[ROAD_ARGS];
    road_args(server, road);
    server->pid = fork();
    if (server->pid != 0) {
        return;
    }
#if defined(__linux__)
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() == parent) {
        become_server(server, extra_args, road);
    }
    _exit(127);
}

static void nap(int ms) { (void)support_poll(-1, 0, ms); }

/* True once the process has ended; it is gone then. */
static bool has_ended(struct server *server) {
    if (server->pid > 0 && waitpid(server->pid, NULL, WNOHANG) == server->pid) {
        server->pid = 0;
    }
    return server->pid <= 0;
}

/* Any answer will do: "+PONG", but also "-NOAUTH". */
static bool answers(const struct server *server) {
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    char byte;
    memcpy(place.sun_path, server->path, sizeof server->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool is_up = fd >= 0 &&
                 connect(fd, (const struct sockaddr *)&place, sizeof place) == 0 &&
                 write(fd, "PING\r\n", 6) == 6 && read(fd, &byte, 1) == 1;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_up;
}

static bool wait_until_up(struct server *server) {
    for (int waited_ms = 0; waited_ms < START_MS; waited_ms += 5) {
        if (has_ended(server)) {
            return false;
        }
        if (answers(server)) {
            return true;
        }
        nap(5);
    }
    return false;
}

bool server_start(struct server *server, bool has_port, const char *const *extra_args) {
    for (int tries = has_port ? PORT_TRIES : 1; tries > 0; tries--) {
        if (!make_folder(server)) {
            return false;
        }
        server->port = has_port ? free_port() : 0;
        server->tls_port = road_has_tls() ? free_port() : 0;
        (void)snprintf(server->tcp_url, sizeof server->tcp_url, "redis://127.0.0.1:%u",
                       (unsigned)server->port);
        fork_server(server, extra_args);
        if (wait_until_up(server) && road_open(server)) {
            return true;
        }
        if (tries == 1) {
            print_error("%s did not start\n", program());
            print_log(server);
        }
        server_stop(server);
    }
    return false;
}

const char *server_name(const char *url) { return strstr(url, "://") + 3; }

bool server_restart(struct server *server, const char *const *extra_args) {
    fork_server(server, extra_args);
    bool is_up = wait_until_up(server);
    if (!is_up) {
        print_error("%s did not start again\n", program());
        print_log(server);
    }
    return is_up;
}

void server_kill(struct server *server) {
    if (server->pid > 0) {
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

void server_stop(struct server *server) {
    road_close(server);
    if (server->pid > 0) {
        (void)kill(server->pid, SIGTERM);
    }
    for (int waited_ms = 0; waited_ms < STOP_MS && !has_ended(server); waited_ms += 5) {
        nap(5);
    }
    server_kill(server);
    remove_folder(server);
}
