/* In place of aside.c in a build without threads: the job is done in the call.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "aside.h"

int weir_aside_run(void *(*job)(void *of), void *of) {
    (void)job(of);
    return 0;
}
