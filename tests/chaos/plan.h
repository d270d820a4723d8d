/* Which runs there are, and what came of them in sum.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_CHAOS_PLAN_H
#define WEIR_CHAOS_PLAN_H

#include "chaos.h"

#include <stdio.h>

#define CHAOS_SERVERS 8
#define CHAOS_ITEMS   2048

struct chaos_server {
    char name[32];
    const char *program;
    bool has_idmp;
};

/* One line of the table. */
struct chaos_item {
    const struct chaos_scenario *scenario;
    const struct chaos_server *server;
    weir_delivery_mode mode;
    struct chaos_result sum;
};

struct chaos_plan {
    struct chaos_server servers[CHAOS_SERVERS];
    size_t server_count;
    struct chaos_item items[CHAOS_ITEMS];
    size_t item_count;
};

extern const char *const chaos_modes[];

/* The table, and a line for each mode. */
void chaos_print_table(FILE *out, const struct chaos_plan *plan);

/* A JSON object a line. */
void chaos_print_json(FILE *out, const struct chaos_item *item);

void chaos_add(struct chaos_result *sum, const struct chaos_result *result);

#endif
