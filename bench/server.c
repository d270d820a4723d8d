/* A private server: its own folder, a Unix socket and a loopback port, nothing kept.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "server.h"

#include "say.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_GRACE_MS 5000
#define LOG_TAIL      600 /* bytes */

int server_free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        return 0;
    }
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bool is_bound = bind(fd, (const struct sockaddr *)&address, size) == 0 &&
                    getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    close(fd);
    return is_bound ? ntohs(address.sin_port) : 0;
}

/* In TMPDIR if its name leaves room for a Unix socket's path, else in /tmp. */
static bool make_folder(struct server *server) {
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] != '/' || strlen(parent) > 40) {
        parent = "/tmp";
    }
    snprintf(server->folder, sizeof server->folder, "%s/weir-bench-XXXXXX", parent);
    if (mkdtemp(server->folder) == NULL) {
        return say_failed("cannot make a folder %s: %s", server->folder, strerror(errno));
    }
    snprintf(server->socket_path, sizeof server->socket_path, "%s/redis.sock",
             server->folder);
    snprintf(server->log_path, sizeof server->log_path, "%s/server.log", server->folder);
    return true;
}

static void remove_folder(const struct server *server) {
    DIR *folder = opendir(server->folder);
    if (folder == NULL) {
        return;
    }
    for (struct dirent *file = readdir(folder); file != NULL; file = readdir(folder)) {
        unlinkat(dirfd(folder), file->d_name, 0); /* "." and ".." refuse */
    }
    closedir(folder);
    if (rmdir(server->folder) != 0) {
        say_failed("cannot remove %s: %s", server->folder, strerror(errno));
    }
}

/* In the child. Its own process group: Ctrl-C is for us, and we stop it. */
static void become_server(const struct server *server, const char *program, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127); /* it died before the line above */
    }
    int log = open(server->log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int nothing = open("/dev/null", O_RDONLY);
    if (log < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) {
        _exit(127);
    }
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    execlp(program, program, "--bind", "127.0.0.1", "--port", port, "--unixsocket",
           server->socket_path, "--unixsocketperm", "700", "--save", "", "--appendonly",
           "no", "--daemonize", "no", "--dir", server->folder, (char *)NULL);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

bool server_start(struct server *server, const char *program) {
    memset(server, 0, sizeof *server);
    server->port = server_free_port();
    if (server->port == 0) {
        return say_failed("no free TCP port on 127.0.0.1: %s", strerror(errno));
    }
    if (!make_folder(server)) {
        return false;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_server(server, program, parent);
    }
    if (pid < 0) {
        say_failed("cannot start a process for the server: %s", strerror(errno));
        remove_folder(server);
        return false;
    }
    server->pid = pid;
    return true;
}

static void show_log(const struct server *server) {
    FILE *log = fopen(server->log_path, "r");
    if (log == NULL) {
        return;
    }
    char tail[LOG_TAIL];
    if (fseek(log, -(long)sizeof tail, SEEK_END) != 0) {
        rewind(log);
    }
    size_t len = fread(tail, 1, sizeof tail, log);
    fwrite(tail, 1, len, stderr);
    fclose(log);
}

bool server_has_ended(struct server *server) {
    int status;
    if (server->pid == 0 || waitpid(server->pid, &status, WNOHANG) != server->pid) {
        return false;
    }
    server->pid = 0;
    if (WIFSIGNALED(status)) {
        say_failed("the server died of signal %d; the end of its log:", WTERMSIG(status));
    } else {
        say_failed("the server ended with code %d; the end of its log:",
                   WEXITSTATUS(status));
    }
    show_log(server);
    return true;
}

/* True if the process ended within the grace. */
static bool await_end(pid_t pid) {
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    for (int waited_ms = 0; waited_ms < STOP_GRACE_MS; waited_ms += 5) {
        if (waitpid(pid, NULL, WNOHANG) != 0) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

void server_stop(struct server *server) {
    if (server->pid != 0) {
        kill(server->pid, SIGTERM);
        if (!await_end(server->pid)) {
            kill(server->pid, SIGKILL);
            waitpid(server->pid, NULL, 0);
        }
        server->pid = 0;
    }
    remove_folder(server);
}
