/* One descriptor to watch in place of several: Linux's epoll, which can itself be polled.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "gather.h"

#include <sys/epoll.h>

int weir_gather_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

bool weir_gather_add(int gather, int fd, int wants) {
    struct epoll_event event = {.data.fd = fd};
    event.events |= (wants & WEIR_WANT_READ) != 0 ? EPOLLIN : 0U;
    event.events |= (wants & WEIR_WANT_WRITE) != 0 ? EPOLLOUT : 0U;
    return epoll_ctl(gather, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Closing alone would leave it there if another process has the descriptor too (fork). */
void weir_gather_remove(int gather, int fd) {
    struct epoll_event unused = {.events = 0}; /* Linux before 2.6.9 reads it */
    (void)epoll_ctl(gather, EPOLL_CTL_DEL, fd, &unused);
}
