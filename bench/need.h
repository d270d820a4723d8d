/* Memory that is there, or the program ends.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_NEED_H
#define BENCH_NEED_H

#include <stddef.h>

/* Zeroed; free() it. Ends the process with a message if there is none. */
void *need_memory(size_t size);

#endif
