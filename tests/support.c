/* What many tests need.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void support_assert_status(weir_status given, weir_status expected, const char *what,
                           const char *file, int line) {
    if (given != expected) {
        print_error("%s is %d (%s), expected %d (%s)\n", what, given,
                    weir_status_text(given), expected, weir_status_text(expected));
        _fail(file, line);
    }
}

void support_assert_view(weir_view given, const char *expected, const char *file,
                         int line) {
    if (!weir_view_equal(given, weir_text(expected))) {
        print_error("got \"%.*s\", expected \"%s\"\n", WEIR_PRINT(given), expected);
        _fail(file, line);
    }
}

/* Bytes of whole pages that hold `len` bytes, and one page more. */
static size_t mapped_size(size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (len + page - 1) / page * page + page;
}

weir_view support_guard(weir_view bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = mapped_size(bytes.len);
    char *map =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + size - page, page, PROT_NONE), 0);
    char *copy = map + size - page - bytes.len;
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return weir_bytes(copy, bytes.len);
}

void support_unguard(weir_view guarded) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = mapped_size(guarded.len);
    const char *map = guarded.data + guarded.len + page - size;
    assert_int_equal(munmap((void *)(uintptr_t)map, size), 0);
}

static int64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int support_poll(int fd, short events, int ms) {
    struct pollfd watched = {.fd = fd, .events = events};
    int64_t until_ms = now_ms() + ms;
    int ready = 0;
    do {
        int64_t left_ms = until_ms - now_ms();
        ready = poll(&watched, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    return ready;
}

static void *counted_resize(void *user, void *block, size_t old_size, size_t new_size) {
    struct support_mem *counts = user;
    if (new_size == 0) {
        if (block != NULL) {
            counts->live--;
            counts->bytes -= old_size;
        }
        free(block);
        return NULL;
    }
    counts->calls++;
    if (counts->allowed != SIZE_MAX && counts->allowed-- == 0) {
        counts->allowed = 0;
        return NULL;
    }
    void *given = realloc(block, new_size);
    assert_non_null(given);
    counts->live += block == NULL ? 1 : 0;
    counts->bytes = counts->bytes - old_size + new_size;
    counts->peak = counts->bytes > counts->peak ? counts->bytes : counts->peak;
    return given;
}

weir_mem support_mem(struct support_mem *counts) {
    weir_mem mem = {counted_resize, counts};
    return mem;
}
