/* In place of secure.c where there is no OpenSSL.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "secure.h"

#include "say.h"

bool secure_is_built(void) { return false; }

struct secure *secure_open(int fd, const char *ca_file) {
    (void)fd;
    (void)ca_file;
    say_failed("raw TLS: built without OpenSSL");
    return NULL;
}

bool secure_send(struct secure *secure, const void *bytes, size_t len) {
    (void)secure;
    (void)bytes;
    (void)len;
    return false;
}

bool secure_receive(struct secure *secure, void *bytes, size_t size, size_t *len) {
    (void)secure;
    (void)bytes;
    (void)size;
    *len = 0;
    return false;
}

void secure_close(struct secure *secure) { (void)secure; }
