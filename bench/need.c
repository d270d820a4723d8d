/* Memory that is there, or the program ends.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "need.h"

#include "say.h"

#include <stdlib.h>

void *need_memory(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL) {
        say_failed("out of memory for %zu bytes", size);
        exit(1);
    }
    return memory;
}
