/* The way from the tests to their server.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "road.h"

#include "proxy.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define SEED 1

static struct proxy the_proxy;
static const struct server *whose; /* the proxy's or alarm's */
static uint16_t tls_port;

static const char *road(void) {
    const char *chosen = getenv("WEIR_TEST_ROAD");
    return chosen != NULL ? chosen : "";
}

static const char *cert(const char *name, char *path, size_t most) {
    const char *folder = getenv("WEIR_TEST_CERTS");
    (void)snprintf(path, most, "%s/%s", folder != NULL ? folder : "?", name);
    return path;
}

void road_args(const char *args[ROAD_ARGS], uint16_t free_port) {
    static char port[8];
    static char pem[128];
    static char key[128];
    static char ca[128];
    args[0] = NULL;
    if (strcmp(road(), "tls") != 0) {
        return;
    }
    tls_port = free_port;
    (void)snprintf(port, sizeof port, "%u", (unsigned)free_port);
    const char *all[ROAD_ARGS] = {"--tls-port",         port,
                                  "--tls-cert-file",    cert("right.pem", pem, sizeof pem),
                                  "--tls-key-file",     cert("right.key", key, sizeof key),
                                  "--tls-ca-cert-file", cert("ca.pem", ca, sizeof ca),
                                  "--tls-auth-clients", "no"};
    memcpy(args, all, sizeof all);
}

static bool open_pieces(struct server *server) {
    if (!proxy_start(&the_proxy, server->path, SEED)) {
        return false;
    }
    proxy_say(&the_proxy, road());
    server->port = server->port != 0 ? the_proxy.port : 0;
    (void)snprintf(server->url, sizeof server->url, "%s", the_proxy.url);
    (void)snprintf(server->tcp_url, sizeof server->tcp_url, "%s", the_proxy.tcp_url);
    return true;
}

static void interrupt(int number) { (void)number; }

static bool set_alarm(long every_us) {
    struct sigaction act = {.sa_handler = interrupt}; /* calls that wait give EINTR */
    struct itimerval timer = {{0, every_us}, {0, every_us}};
    return sigaction(SIGALRM, &act, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

bool road_open(struct server *server) {
    if (road()[0] == '\0' || whose != NULL) {
        return true;
    }
    whose = server;
    if (strcmp(road(), "tls") == 0) {
        (void)snprintf(server->url, sizeof server->url, "rediss://127.0.0.1:%u",
                       (unsigned)tls_port);
        memcpy(server->tcp_url, server->url, sizeof server->tcp_url);
        return true;
    }
    if (strcmp(road(), "alarm") == 0) {
        return set_alarm(1000);
    }
    return open_pieces(server);
}

void road_close(const struct server *server) {
    if (whose == server && whose != NULL) {
        whose = NULL;
        proxy_stop(&the_proxy);
        (void)set_alarm(0);
    }
}
