/* The clocks and the wait of what is built on a client: it knows no sockets itself.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "client_wait.h"

#include <time.h>

#include "../net/wake.h"
#include "client_private.h"

void weir_client_wait(weir_client *client, int64_t deadline_ms) {
    int64_t own_ms = weir_client_deadline_ms(client);
    int os_error = 0; /* whatever ends the wait: the next step looks */
    weir_wait_or_wake(weir_client_fd(client), weir_client_wants(client), &client->cancel,
                      own_ms < deadline_ms ? own_ms : deadline_ms, &os_error);
}

int64_t weir_client_now_us(void) { return weir_now_us(); }

uint64_t weir_client_wall_ms(void) {
    struct timespec now;
    bool is_known = clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec > 0;
    return is_known ? (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 : 0;
}

uint64_t weir_client_random(void) { return weir_random_number(); }
