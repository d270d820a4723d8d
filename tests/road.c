/* The way from the tests to their servers.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "road.h"

#include "proxy.h"
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define SEED     1
#define ALARM_US 1000

static struct {
    const struct server *server; /* NULL: free */
    struct proxy proxy;
} the_roads[ROADS_MOST];

static const char *road(void) {
    const char *chosen = getenv("WEIR_TEST_ROAD");
    return chosen != NULL ? chosen : "";
}

bool road_has_tls(void) { return strcmp(road(), "tls") == 0; }

static const char *cert(const char *name, char *path, size_t most) {
    const char *folder = getenv("WEIR_TEST_CERTS");
    (void)snprintf(path, most, "%s/%s", folder != NULL ? folder : "?", name);
    return path;
}

void road_args(const struct server *server, const char *args[ROAD_ARGS]) {
    static char port[8];
    static char pem[128];
    static char key[128];
    static char ca[128];
    args[0] = NULL;
    if (!road_has_tls()) {
        return;
    }
    (void)snprintf(port, sizeof port, "%u", (unsigned)server->tls_port);
    const char *all[ROAD_ARGS] = {"--tls-port",         port,
                                  "--tls-cert-file",    cert("right.pem", pem, sizeof pem),
                                  "--tls-key-file",     cert("right.key", key, sizeof key),
                                  "--tls-ca-cert-file", cert("ca.pem", ca, sizeof ca),
                                  "--tls-auth-clients", "no"};
    memcpy(args, all, sizeof all);
}

static bool open_pieces(struct server *server, struct proxy *proxy) {
    if (!proxy_start(proxy, server->path, SEED)) {
        return false;
    }
    proxy_say(proxy, road());
    server->port = server->port != 0 ? proxy->port : 0;
    (void)snprintf(server->url, sizeof server->url, "%s", proxy->url);
    (void)snprintf(server->tcp_url, sizeof server->tcp_url, "%s", proxy->tcp_url);
    return true;
}

static void interrupt(int number) { (void)number; }

/* SA_RESTART is for what the tests read and wait for themselves: poll and nanosleep, the
 * only calls that weir ever waits in, end with EINTR all the same (signal(7)). */
static bool set_alarm(long every_us) {
    struct sigaction act = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    struct itimerval timer = {{0, every_us}, {0, every_us}};
    return sigaction(SIGALRM, &act, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0;
}

void road_go_on(void) {
    if (strcmp(road(), "alarm") == 0) {
        assert_true(set_alarm(ALARM_US));
    }
}

/* Index of the server's road, or of a free one for NULL; ROADS_MOST: there is none. */
static size_t find(const struct server *server) {
    size_t at = 0;
    while (at < ROADS_MOST && the_roads[at].server != server) {
        at++;
    }
    return at;
}

bool road_open(struct server *server) {
    size_t at = find(NULL);
    if (road()[0] == '\0') {
        return true;
    }
    if (at == ROADS_MOST) {
        print_error("more servers than roads\n");
        return false;
    }
    the_roads[at].server = server;
    if (road_has_tls()) {
        (void)snprintf(server->url, sizeof server->url, "rediss://127.0.0.1:%u",
                       (unsigned)server->tls_port);
        memcpy(server->tcp_url, server->url, sizeof server->tcp_url);
        return true;
    }
    if (strcmp(road(), "alarm") == 0) {
        return set_alarm(ALARM_US);
    }
    return open_pieces(server, &the_roads[at].proxy);
}

void road_close(const struct server *server) {
    size_t at = find(server);
    if (at == ROADS_MOST) {
        return;
    }
    the_roads[at].server = NULL;
    proxy_stop(&the_roads[at].proxy);
}
