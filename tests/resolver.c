/* A stand-in for the system's resolver. A program's own getaddrinfo comes before that of
 * the C library.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t owner;
    char addresses[256];
    bool is_hanging;
    bool was_aside;
    bool had_signals_blocked;
    int calls;
    int answered;
    int unfreed;
} resolver = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void lock(void) { (void)pthread_mutex_lock(&resolver.lock); }

static void unlock(void) {
    (void)pthread_cond_broadcast(&resolver.changed);
    (void)pthread_mutex_unlock(&resolver.lock);
}

void resolver_has(const char *addresses) {
    lock();
    (void)snprintf(resolver.addresses, sizeof resolver.addresses, "%s", addresses);
    resolver.owner = pthread_self();
    resolver.is_hanging = false;
    resolver.calls = 0;
    resolver.answered = 0;
    resolver.unfreed = 0;
    unlock();
}

void resolver_hangs(void) {
    lock();
    resolver.is_hanging = true;
    unlock();
}

void resolver_goes_on(void) {
    lock();
    resolver.is_hanging = false;
    unlock();
}

static int read_number(const int *number) {
    lock();
    int value = *number;
    unlock();
    return value;
}

int resolver_calls(void) { return read_number(&resolver.calls); }

int resolver_unfreed(void) { return read_number(&resolver.unfreed); }

void resolver_await_answers(int count) {
    lock();
    while (resolver.answered < count) {
        (void)pthread_cond_wait(&resolver.changed, &resolver.lock);
    }
    unlock();
}

static bool read_bool(const bool *flag) {
    lock();
    bool value = *flag;
    unlock();
    return value;
}

bool resolver_was_aside(void) { return read_bool(&resolver.was_aside); }

bool resolver_had_signals_blocked(void) { return read_bool(&resolver.had_signals_blocked); }

/* ---- in place of the C library's ---- */

int answer_name(const char *name, const char *service, const struct addrinfo *wish,
                struct addrinfo **list) __asm__("getaddrinfo");
void free_answer(struct addrinfo *list) __asm__("freeaddrinfo");

struct answer {
    struct addrinfo info;
    struct sockaddr_storage place;
};

static struct addrinfo *make_answer(const char *digits, unsigned port) {
    struct answer *answer = calloc(1, sizeof *answer);
    if (answer == NULL) {
        abort();
    }
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&answer->place;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&answer->place;
    answer->info.ai_socktype = SOCK_STREAM;
    answer->info.ai_addr = (struct sockaddr *)&answer->place;
    if (inet_pton(AF_INET, digits, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons((uint16_t)port);
        answer->info.ai_addrlen = sizeof *ipv4;
    } else {
        (void)inet_pton(AF_INET6, digits, &ipv6->sin6_addr);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons((uint16_t)port);
        answer->info.ai_addrlen = sizeof *ipv6;
    }
    answer->info.ai_family = answer->place.ss_family;
    return &answer->info;
}

static struct addrinfo *make_list(unsigned port) {
    char addresses[sizeof resolver.addresses];
    struct addrinfo *first = NULL;
    struct addrinfo **end = &first;
    char *rest = NULL;
    memcpy(addresses, resolver.addresses, sizeof addresses);
    for (char *at = strtok_r(addresses, " ", &rest); at != NULL;
         at = strtok_r(NULL, " ", &rest)) {
        *end = make_answer(at, port);
        end = &(*end)->ai_next;
    }
    return first;
}

static bool are_signals_blocked(void) {
    sigset_t mask;
    return pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGALRM) &&
           sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1) &&
           sigismember(&mask, SIGINT) && sigismember(&mask, SIGCHLD);
}

int answer_name(const char *name, const char *service, const struct addrinfo *wish,
                struct addrinfo **list) {
    (void)name;
    (void)wish;
    lock();
    resolver.calls++;
    resolver.was_aside = pthread_equal(resolver.owner, pthread_self()) == 0;
    resolver.had_signals_blocked = are_signals_blocked();
    while (resolver.is_hanging) {
        (void)pthread_cond_wait(&resolver.changed, &resolver.lock);
    }
    *list = make_list((unsigned)strtoul(service, NULL, 10));
    resolver.unfreed += *list != NULL;
    resolver.answered++;
    unlock();
    return *list != NULL ? 0 : EAI_NONAME;
}

void free_answer(struct addrinfo *list) {
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list); /* the first member of its answer */
        list = next;
    }
    lock();
    resolver.unfreed--;
    unlock();
}
