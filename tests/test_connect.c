/* Several addresses behind a name, on loopback: which one is tried when, which one is
 * taken. Where the clock is handed in, no test waits. SPDX-License-Identifier: BSD-2-Clause
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../net/net.h"
#include "resolver.h"

#define PLENTY_MS 5000 /* ends a wait that should not be */
#define PEERS     8    /* 127.0.0.1 to 127.0.0.8 */

/* ---- what was connected to, in order: connect stands before that of the C library ---- */

static char tried[512];
static bool has_ipv6_refused; /* as if there were no route */

int note_and_connect(int fd, const struct sockaddr *addr, socklen_t len) __asm__("connect");

int note_and_connect(int fd, const struct sockaddr *addr, socklen_t len) {
    char digits[64] = "?";
    if (addr->sa_family == AF_INET) {
        (void)inet_ntop(AF_INET,
                        &((const struct sockaddr_in *)(const void *)addr)->sin_addr, digits,
                        sizeof digits);
    } else if (addr->sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6,
                        &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr,
                        digits, sizeof digits);
    }
    size_t used = strlen(tried);
    (void)snprintf(tried + used, sizeof tried - used, "%s%s", used > 0 ? " " : "", digits);
    if (addr->sa_family == AF_INET6 && has_ipv6_refused) {
        errno = ENETUNREACH;
        return -1;
    }
    return (int)syscall(SYS_connect, fd, addr, len);
}

/* ---- peers: one port, on several addresses ---- */

enum mood {
    LISTENS = 'l',
    REFUSES = 'r', /* bound, not listening */
    IS_MUTE = 'm'  /* its backlog is full: no answer at all */
};

struct host {
    char moods[PEERS + 1];
    int listeners[PEERS];
    int full[PEERS][8];
    uint16_t port;
    weir_address address;
};

static struct sockaddr_in place_of(unsigned number, uint16_t port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(0x7f000000U + number)};
}

/* Connects until nothing more is taken. */
static void fill_backlog(struct host *host, size_t i) {
    struct sockaddr_in place = place_of((unsigned)i + 1, host->port);
    for (size_t n = 0; n < 8; n++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        host->full[i][n] = fd;
        int result = connect(fd, (const struct sockaddr *)&place, sizeof place);
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (result != 0 && poll(&wait, 1, 50) == 0) {
            return;
        }
    }
    print_message("skipped: this system takes connections beyond a listener's backlog\n");
    skip();
}

static bool bind_all(struct host *host) {
    for (size_t i = 0; host->moods[i] != '\0'; i++) {
        struct sockaddr_in place = place_of((unsigned)i + 1, host->port);
        socklen_t len = sizeof place;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        host->listeners[i] = fd;
        if (bind(fd, (const struct sockaddr *)&place, len) != 0) {
            return false;
        }
        assert_int_equal(getsockname(fd, (struct sockaddr *)&place, &len), 0);
        host->port = ntohs(place.sin_port);
    }
    return true;
}

static void close_all(struct host *host) {
    for (size_t i = 0; i < PEERS; i++) {
        for (size_t n = 0; n < 8; n++) {
            if (host->full[i][n] > 0) {
                (void)close(host->full[i][n]);
            }
        }
        if (host->listeners[i] > 0) {
            (void)close(host->listeners[i]);
        }
    }
}

/* "mrl": 127.0.0.1 is mute, 127.0.0.2 refuses, 127.0.0.3 listens. */
static struct host host_of(const char *moods) {
    struct host host = {0};
    bool is_bound = false;
    for (int i = 0; i < 20 && !is_bound; i++) { /* the port may be in use on another one */
        close_all(&host);
        host = (struct host){.address = {.kind = WEIR_ADDRESS_TCP, .host = "host.test"}};
        (void)snprintf(host.moods, sizeof host.moods, "%s", moods);
        is_bound = bind_all(&host);
    }
    assert_true(is_bound);
    host.address.port = host.port;
    char names[256] = "";
    for (size_t i = 0; moods[i] != '\0'; i++) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "127.0.0.%zu ", i + 1);
        if (moods[i] != REFUSES) {
            assert_int_equal(listen(host.listeners[i], moods[i] == IS_MUTE ? 0 : 8), 0);
        }
        if (moods[i] == IS_MUTE) {
            fill_backlog(&host, i);
        }
    }
    resolver_has(names);
    tried[0] = '\0';
    return host;
}

/* ---- connecting ---- */

static int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return -1; /* the same before and after */
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

/* The thread that looked up may be the last to let go of what it found, a moment later. */
static void expect_open(int count) {
    for (int i = 0; i < PLENTY_MS && open_descriptors() != count; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(open_descriptors(), count);
}

static void expect_all_freed(void) {
    for (int i = 0; i < PLENTY_MS && resolver_unfreed() != 0; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(resolver_unfreed(), 0);
}

/* Begins at `now_ms`, with the name resolved, and its first address tried. */
static void start_at(weir_socket *socket, const struct host *host, int64_t now_ms,
                     int64_t deadline_ms) {
    weir_error error;
    int os_error = 0;
    weir_socket_init(socket, &host->address);
    assert_int_equal(weir_socket_start(socket, now_ms, deadline_ms, &error), WEIR_OK);
    assert_int_equal(weir_socket_wants(socket), WEIR_WANT_READ);
    assert_int_equal(weir_wait(weir_socket_fd(socket), WEIR_WANT_READ,
                               weir_now_ms() + PLENTY_MS, &os_error),
                     WEIR_OK);
}

/* Waits for what happens, at a clock that stands still. */
static weir_status drive_at(weir_socket *socket, int64_t now_ms, weir_error *error) {
    weir_status st = weir_socket_connect(socket, now_ms, error);
    while (st == WEIR_MORE) {
        int os_error = 0;
        assert_int_equal(weir_wait(weir_socket_fd(socket), weir_socket_wants(socket),
                                   weir_now_ms() + PLENTY_MS, &os_error),
                         WEIR_OK);
        st = weir_socket_connect(socket, now_ms, error);
    }
    return st;
}

/* By the real clock; gives the time that it took. */
static int64_t drive(weir_socket *socket, const struct host *host, int64_t for_ms,
                     weir_status status, weir_error *error) {
    int64_t began_ms = weir_now_ms();
    weir_status st = weir_socket_start(socket, began_ms, began_ms + for_ms, error);
    assert_int_equal(st, WEIR_OK);
    assert_ptr_equal(socket->address, &host->address);
    while ((st = weir_socket_connect(socket, weir_now_ms(), error)) == WEIR_MORE) {
        int os_error = 0;
        (void)weir_wait(weir_socket_fd(socket), weir_socket_wants(socket),
                        weir_socket_deadline(socket), &os_error);
    }
    assert_int_equal(st, status);
    return weir_now_ms() - began_ms;
}

static void end(weir_socket *socket, struct host *host) {
    weir_socket_close(socket);
    weir_socket_end(socket);
    expect_all_freed();
    close_all(host);
}

static void expect_peer(const weir_socket *socket, unsigned number) {
    struct sockaddr_in place;
    socklen_t len = sizeof place;
    assert_true(socket->is_connected);
    assert_int_equal(getpeername(socket->fd, (struct sockaddr *)&place, &len), 0);
    assert_int_equal(ntohl(place.sin_addr.s_addr), 0x7f000000U + number);
}

/* ---- which one is tried when ---- */

static void an_address_that_refuses_costs_no_time(void **state) {
    (void)state;
    struct host host = host_of("rrrrrrrl");
    weir_socket socket;
    weir_error error;
    start_at(&socket, &host, 1000, 2000);
    assert_int_equal(drive_at(&socket, 1000, &error), WEIR_OK);
    expect_peer(&socket, 8);
    end(&socket, &host);
}

static void an_address_that_is_mute_costs_250_ms(void **state) {
    (void)state;
    struct host host = host_of("ml");
    weir_socket socket;
    weir_error error;
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(weir_socket_deadline(&socket), 1250);
    assert_int_equal(weir_socket_connect(&socket, 1249, &error), WEIR_MORE);
    assert_string_equal(tried, "127.0.0.1");
    assert_int_equal(drive_at(&socket, 1250, &error), WEIR_OK);
    assert_string_equal(tried, "127.0.0.1 127.0.0.2");
    expect_peer(&socket, 2);
    end(&socket, &host);
}

static void the_delay_is_the_callers(void **state) {
    (void)state;
    struct host host = host_of("mml");
    weir_socket socket;
    weir_error error;
    start_at(&socket, &host, 1000, 9000);
    socket.attempt_delay_ms = 100;
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(weir_socket_deadline(&socket), 1100);
    assert_int_equal(weir_socket_connect(&socket, 1100, &error), WEIR_MORE);
    assert_int_equal(weir_socket_deadline(&socket), 1200);
    assert_int_equal(drive_at(&socket, 1200, &error), WEIR_OK);
    expect_peer(&socket, 3);
    end(&socket, &host);
}

static void a_delay_without_end_ends_with_the_deadline(void **state) {
    (void)state;
    struct host host = host_of("ml");
    weir_socket socket;
    weir_error error;
    start_at(&socket, &host, 1000, 9000);
    socket.attempt_delay_ms = INT64_MAX;
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(weir_socket_deadline(&socket), 9000);
    assert_int_equal(weir_socket_connect(&socket, 9000, &error), WEIR_ERR_TIMEOUT);
    end(&socket, &host);
}

/* Makes room in a backlog: those that filled it come first, then the kernel asks again for
 * us, a second after it asked first. The clock of the socket stands still. */
static weir_status accept_until_connected(weir_socket *socket, int listener,
                                          int64_t now_ms) {
    weir_error error;
    int64_t until_ms = weir_now_ms() + PLENTY_MS;
    weir_status st = weir_socket_connect(socket, now_ms, &error);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    while (st == WEIR_MORE && weir_now_ms() < until_ms) {
        int os_error = 0;
        int accepted = accept(listener, NULL, NULL);
        if (accepted >= 0) {
            (void)close(accepted);
        }
        (void)weir_wait(weir_socket_fd(socket), WEIR_WANT_READ, weir_now_ms() + 20,
                        &os_error);
        st = weir_socket_connect(socket, now_ms, &error);
    }
    return st;
}

/* The one that was mute is still being tried: when it answers at last, it is taken. */
static void an_earlier_address_may_still_win(void **state) {
    (void)state;
    struct host host = host_of("mm");
    weir_socket socket;
    weir_error error;
    int before = open_descriptors();
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(weir_socket_connect(&socket, 1250, &error), WEIR_MORE);
    assert_string_equal(tried, "127.0.0.1 127.0.0.2");
    int gathered = weir_socket_fd(&socket);
    assert_int_equal(accept_until_connected(&socket, host.listeners[0], 1300), WEIR_OK);
    expect_peer(&socket, 1);
    assert_int_not_equal(weir_socket_fd(&socket), gathered);
    expect_open(before + 1); /* the other one is closed */
    end(&socket, &host);
}

static void a_refusal_brings_the_next_address_forward(void **state) {
    (void)state;
    struct host host = host_of("mrl");
    weir_socket socket;
    weir_error error;
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(drive_at(&socket, 1250, &error), WEIR_OK);
    assert_string_equal(tried, "127.0.0.1 127.0.0.2 127.0.0.3");
    end(&socket, &host);
}

static void both_families_are_tried_in_turn(void **state) {
    (void)state;
    struct host host = host_of("rrr");
    weir_socket socket;
    weir_error error;
    resolver_has("2001:db8::1 2001:db8::2 2001:db8::3 127.0.0.1 127.0.0.2 127.0.0.3");
    has_ipv6_refused = true;
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(drive_at(&socket, 1000, &error), WEIR_ERR_CONNECT);
    assert_string_equal(
        tried, "2001:db8::1 127.0.0.1 2001:db8::2 127.0.0.2 2001:db8::3 127.0.0.3");
    has_ipv6_refused = false;
    end(&socket, &host);
}

static void the_rest_of_one_family_follows_when_the_other_is_used_up(void **state) {
    (void)state;
    struct host host = host_of("rrr");
    weir_socket socket;
    weir_error error;
    resolver_has("127.0.0.1 127.0.0.2 127.0.0.3 2001:db8::1");
    has_ipv6_refused = true;
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(drive_at(&socket, 1000, &error), WEIR_ERR_CONNECT);
    assert_string_equal(tried, "127.0.0.1 2001:db8::1 127.0.0.2 127.0.0.3");
    has_ipv6_refused = false;
    end(&socket, &host);
}

static void at_most_six_are_under_way_at_a_time(void **state) {
    (void)state;
    struct host host = host_of("mmmmmmml");
    weir_socket socket;
    weir_error error;
    int before = open_descriptors();
    start_at(&socket, &host, 1000, 9000);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(weir_socket_connect(&socket, 1000 + i * 250, &error), WEIR_MORE);
    }
    assert_int_equal(socket.try_count, WEIR_TRIES_MOST);
    /* and one that stands for them, and the lookup */
    expect_open(before + WEIR_TRIES_MOST + 2);
    assert_int_equal(drive_at(&socket, 1000 + 7 * 250, &error), WEIR_OK);
    expect_peer(&socket, 8);
    end(&socket, &host);
}

/* ---- by the real clock ---- */

static void three_mute_addresses_first_cost_three_delays(void **state) {
    (void)state;
    struct host host = host_of("mmml");
    weir_socket socket;
    weir_error error;
    weir_socket_init(&socket, &host.address);
    int64_t took_ms = drive(&socket, &host, PLENTY_MS, WEIR_OK, &error);
    print_message("three mute addresses, then one that listens: %d ms\n", (int)took_ms);
    assert_in_range(took_ms, 750, 2000);
    expect_peer(&socket, 4);
    end(&socket, &host);
}

static void seven_refusing_addresses_first_cost_next_to_nothing(void **state) {
    (void)state;
    struct host host = host_of("rrrrrrrl");
    weir_socket socket;
    weir_error error;
    weir_socket_init(&socket, &host.address);
    int64_t took_ms = drive(&socket, &host, PLENTY_MS, WEIR_OK, &error);
    print_message("seven that refuse, then one that listens: %d ms\n", (int)took_ms);
    assert_in_range(took_ms, 0, 200);
    end(&socket, &host);
}

static void mute_addresses_alone_end_at_the_deadline(void **state) {
    (void)state;
    struct host host = host_of("mmm");
    weir_socket socket;
    weir_error error;
    weir_socket_init(&socket, &host.address);
    int64_t took_ms = drive(&socket, &host, 400, WEIR_ERR_TIMEOUT, &error);
    assert_in_range(took_ms, 400, 1500);
    assert_string_equal(tried, "127.0.0.1 127.0.0.2");
    assert_non_null(strstr(error.text, "cannot connect to host.test:"));
    assert_non_null(strstr(error.text, ": no answer to connect within 4"));
    assert_non_null(strstr(error.text, "; the last of 2 addresses"));
    end(&socket, &host);
}

/* ---- how it ends ---- */

static void addresses_that_all_refuse_are_counted(void **state) {
    (void)state;
    struct host host = host_of("rrr");
    weir_socket socket;
    weir_error error;
    char text[160];
    int before = open_descriptors();
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(drive_at(&socket, 1000, &error), WEIR_ERR_CONNECT);
    (void)snprintf(
        text, sizeof text,
        "cannot connect to host.test:%u: Connection refused (is a server running "
        "there?); the last of 3 addresses",
        (unsigned)host.port);
    assert_string_equal(error.text, text);
    assert_int_equal(error.os_error, ECONNREFUSED);
    assert_int_equal(weir_socket_fd(&socket), -1);
    expect_open(before);
    end(&socket, &host);
}

static void a_name_without_addresses_is_told(void **state) {
    (void)state;
    struct host host = host_of("l");
    weir_socket socket;
    weir_error error;
    resolver_has("");
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_ERR_CONNECT);
    assert_int_equal(error.status, WEIR_ERR_CONNECT);
    assert_non_null(strstr(error.text, "cannot resolve \"host.test\": "));
    assert_int_equal(weir_socket_fd(&socket), -1);
    end(&socket, &host);
}

static void closing_in_the_middle_leaves_nothing_open(void **state) {
    (void)state;
    struct host host = host_of("mmm");
    weir_socket socket;
    weir_error error;
    int before = open_descriptors();
    start_at(&socket, &host, 1000, 9000);
    assert_int_equal(weir_socket_connect(&socket, 1000, &error), WEIR_MORE);
    assert_int_equal(weir_socket_connect(&socket, 1250, &error), WEIR_MORE);
    weir_socket_close(&socket);
    expect_open(before);
    end(&socket, &host);
}

static void a_name_is_asked_for_anew_when_it_is_connected_to_again(void **state) {
    (void)state;
    struct host host = host_of("l");
    weir_socket socket;
    weir_error error;
    weir_socket_init(&socket, &host.address);
    for (int i = 1; i <= 3; i++) {
        (void)drive(&socket, &host, PLENTY_MS, WEIR_OK, &error);
        assert_int_equal(resolver_calls(), i);
        expect_all_freed(); /* connected: the answer has served */
        weir_socket_close(&socket);
    }
    end(&socket, &host);
}

static void an_address_in_digits_asks_nobody(void **state) {
    (void)state;
    struct host host = host_of("l");
    weir_socket socket;
    weir_error error;
    (void)snprintf(host.address.host, sizeof host.address.host, "127.0.0.1");
    weir_socket_init(&socket, &host.address);
    (void)drive(&socket, &host, PLENTY_MS, WEIR_OK, &error);
    assert_int_equal(resolver_calls(), 0);
    end(&socket, &host);
}

static void a_lookup_in_the_call_takes_no_thread(void **state) {
    (void)state;
    struct host host = host_of("l");
    weir_socket socket;
    weir_error error;
    weir_socket_init(&socket, &host.address);
    socket.lookup_blocks = true;
    (void)drive(&socket, &host, PLENTY_MS, WEIR_OK, &error);
    assert_int_equal(resolver_calls(), 1);
    assert_false(resolver_was_aside());
    end(&socket, &host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_refuses_costs_no_time),
        cmocka_unit_test(an_address_that_is_mute_costs_250_ms),
        cmocka_unit_test(the_delay_is_the_callers),
        cmocka_unit_test(a_delay_without_end_ends_with_the_deadline),
        cmocka_unit_test(an_earlier_address_may_still_win),
        cmocka_unit_test(a_refusal_brings_the_next_address_forward),
        cmocka_unit_test(both_families_are_tried_in_turn),
        cmocka_unit_test(the_rest_of_one_family_follows_when_the_other_is_used_up),
        cmocka_unit_test(at_most_six_are_under_way_at_a_time),
        cmocka_unit_test(three_mute_addresses_first_cost_three_delays),
        cmocka_unit_test(seven_refusing_addresses_first_cost_next_to_nothing),
        cmocka_unit_test(mute_addresses_alone_end_at_the_deadline),
        cmocka_unit_test(addresses_that_all_refuse_are_counted),
        cmocka_unit_test(a_name_without_addresses_is_told),
        cmocka_unit_test(closing_in_the_middle_leaves_nothing_open),
        cmocka_unit_test(a_name_is_asked_for_anew_when_it_is_connected_to_again),
        cmocka_unit_test(an_address_in_digits_asks_nobody),
        cmocka_unit_test(a_lookup_in_the_call_takes_no_thread),
    };
    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
