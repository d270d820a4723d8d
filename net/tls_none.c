/* In place of tls.c in a build without TLS: says what is missing.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"
#include "tls_link.h"

weir_status weir_tls_begin(weir_tls_link *link, const weir_tls *options,
                           const weir_address *address, const weir_transport *below,
                           weir_error *error) {
    (void)options;
    (void)address;
    (void)below;
    memset(link, 0, sizeof *link);
    struct weir_line text = weir_line_of_error(error, WEIR_ERR_UNSUPPORTED, 0);
    weir_line_add(&text,
                  "this weir was built without TLS (rediss://, valkeys://): build it "
                  "with OpenSSL and -DWEIR_TLS=ON, or set options.transport");
    return WEIR_ERR_UNSUPPORTED;
}

/* Never connected: there is no link to make it from. */
weir_transport weir_tls_transport(weir_tls_link *link) {
    return (weir_transport){.context = link};
}

weir_tls_state weir_tls_state_of(const weir_tls_link *link) {
    (void)link;
    return (weir_tls_state){.version = "", .cipher = ""};
}

void weir_tls_end(weir_tls_link *link) { memset(link, 0, sizeof *link); }
