/* Small questions to the server, apart from what is measured: one line out, one answer in.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "control.h"

#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define START_LIMIT_MS 10000

int control_open(const struct endpoint *endpoint) {
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int fd = wire_try_connect(endpoint);
    for (int waited_ms = 0; fd < 0 && waited_ms < START_LIMIT_MS; waited_ms += 10) {
        nanosleep(&pause, NULL);
        fd = wire_try_connect(endpoint);
    }
    if (fd < 0) {
        say_failed("the server has not answered within %d s: %s", START_LIMIT_MS / 1000,
                   strerror(errno));
        return -1;
    }
    char answer[CONTROL_ANSWER];
    if (!control_ask(fd, "PING\r\n", answer)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The bytes that the whole answer has, as far as its first line tells; 0: not yet known. */
static size_t answer_size(const char *answer) {
    const char *end = strstr(answer, "\r\n");
    if (end == NULL) {
        return 0;
    }
    size_t line = (size_t)(end - answer) + 2;
    return answer[0] == '$' ? line + strtoul(answer + 1, NULL, 10) + 2 : line;
}

static bool receive_answer(const struct wire *wire, char answer[CONTROL_ANSWER],
                           size_t *size) {
    size_t len = 0;
    do {
        size_t got;
        if (!wire_receive(wire, answer + len, CONTROL_ANSWER - 1 - len, &got)) {
            return false;
        }
        len += got;
        answer[len] = '\0';
        *size = answer_size(answer);
    } while ((*size == 0 || len < *size) && len < CONTROL_ANSWER - 1);
    return len == *size || say_failed("control: an answer of unexpected size");
}

bool control_ask(int fd, const char *line, char answer[CONTROL_ANSWER]) {
    const struct wire wire = {.fd = fd};
    size_t size;
    if (!wire_send(&wire, line, strlen(line)) || !receive_answer(&wire, answer, &size)) {
        return say_failed("control: no answer to %.*s", (int)strcspn(line, "\r"), line);
    }
    answer[size - 2] = '\0';
    if (answer[0] == '-') {
        return say_failed("control: %.*s: %s", (int)strcspn(line, "\r"), line, answer + 1);
    }
    const char *text = answer[0] == '$' ? strstr(answer, "\r\n") + 2 : answer + 1;
    memmove(answer, text, strlen(text) + 1);
    return true;
}

bool control_expect(int fd, const char *line, uint64_t expected) {
    char answer[CONTROL_ANSWER];
    if (!control_ask(fd, line, answer)) {
        return false;
    }
    if (strtoull(answer, NULL, 10) == expected) {
        return true;
    }
    return say_failed("%.*s gives %s, not %llu", (int)strcspn(line, "\r"), line, answer,
                      (unsigned long long)expected);
}

void control_field(const char *info, const char *name, char *value, size_t size) {
    size_t name_len = strlen(name);
    value[0] = '\0';
    for (const char *line = info; line != NULL; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        if (strncmp(line, name, name_len) != 0 || line[name_len] != ':') {
            continue;
        }
        const char *text = line + name_len + 1;
        size_t len = strcspn(text, "\r\n");
        len = len < size - 1 ? len : size - 1;
        memcpy(value, text, len);
        value[len] = '\0';
        return;
    }
}

double control_cpu(int fd) {
    char info[CONTROL_ANSWER];
    if (!control_ask(fd, "INFO cpu\r\n", info)) {
        return -1;
    }
    char user[32];
    char sys[32];
    control_field(info, "used_cpu_user", user, sizeof user);
    control_field(info, "used_cpu_sys", sys, sizeof sys);
    return strtod(user, NULL) + strtod(sys, NULL);
}
