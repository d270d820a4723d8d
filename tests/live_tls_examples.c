/* The examples of event loops and of an own transport, over TLS. OpenSSL takes the CA to
 * trust from the environment. SPDX-License-Identifier: BSD-2-Clause */
#include "loops.h"
#include "program.h"
#include "tls_server.h"

#include <stdlib.h>

static struct tls_server the_tls;
static weir_client *the_client; /* without TLS */

static int start(void **state) {
    (void)state;
    if (!tls_server_start(&the_tls)) {
        return 1;
    }
    (void)setenv("SSL_CERT_FILE", tls_file("ca.pem"), 1);
    return weir_open(the_tls.server.url, NULL, &the_client) == WEIR_OK ? 0 : 1;
}

static int stop(void **state) {
    (void)state;
    weir_close(the_client);
    tls_server_stop(&the_tls);
    return 0;
}

static void poll_adds_lines_over_tls(void **state) {
    (void)state;
    loops_expect_lines_added(the_client, the_tls.url);
    loops_expect_refusal_told(the_client, the_tls.url);
}

static void libuv_follows_a_stream_over_tls(void **state) {
    (void)state;
    loops_expect_stream_followed(the_client, the_tls.url);
    loops_expect_loss_survived(the_client, the_tls.url);
}

static void tls_is_spoken_through_an_own_transport(void **state) {
    (void)state;
    loops_expect_wire_logged(the_client, the_tls.url, the_tls.port);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poll_adds_lines_over_tls),
        cmocka_unit_test(libuv_follows_a_stream_over_tls),
        cmocka_unit_test(tls_is_spoken_through_an_own_transport),
    };
    (void)argc;
    program_find(argv[0]);
    if (!program_is_built("libuv")) {
        print_message("skipped: the examples are not built, or not that of libuv\n");
        return SERVER_MISSING;
    }
    return tls_server_is_here()
               ? cmocka_run_group_tests_name("examples over TLS", tests, start, stop)
               : SERVER_MISSING;
}
