/* The table that it all ends in.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "plan.h"

#include <inttypes.h>
#include <string.h>

const char *const chaos_modes[] = {
    [WEIR_DELIVERY_REPORT] = "report", [WEIR_DELIVERY_AT_LEAST_ONCE] = "at least once",
    [WEIR_DELIVERY_EXACTLY_ONCE] = "", [WEIR_DELIVERY_IDMP] = "idmp",
    [WEIR_DELIVERY_SCRIPT] = "script", [WEIR_DELIVERY_IDS] = "own ids"};

void chaos_add(struct chaos_result *sum, const struct chaos_result *result) {
    if (sum->broken == 0 && result->broken > 0) {
        memcpy(sum->words, result->words, sizeof sum->words);
    }
    sum->runs += result->runs;
    sum->troubles += result->troubles;
    sum->entries += result->entries;
    sum->acked += result->acked;
    sum->lost += result->lost;
    sum->told += result->told;
    sum->duplicated += result->duplicated;
    sum->reordered += result->reordered;
    sum->unknown += result->unknown;
    sum->refused += result->refused;
    sum->done += result->done;
    sum->again += result->again;
    sum->unexplained += result->unexplained;
    sum->pending += result->pending;
    sum->letters += result->letters;
    sum->members += result->members;
    sum->torn += result->torn;
    sum->broken += result->broken;
}

static void spell(unsigned letters, char text[8]) {
    static const char all[] = "LDOUTKE";
    size_t len = 0;
    for (unsigned i = 0; i < 7; i++) {
        if ((letters & 1U << i) != 0) {
            text[len++] = all[i];
        }
    }
    text[len] = '\0';
}

static void print_producers(FILE *out, const char *name, const char *server,
                            const char *mode, const char *letters,
                            const struct chaos_result *sum) {
    (void)fprintf(out,
                  "%-17s %-11s %-13s %4" PRIu64 " %7" PRIu64 " %8" PRIu64 " %8" PRIu64
                  " %5" PRIu64 " %6" PRIu64 " %7" PRIu64 " %7" PRIu64 " %8" PRIu64
                  " %8" PRIu64 "  %-7s %s\n",
                  name, server, mode, sum->runs, sum->troubles, sum->entries, sum->acked,
                  sum->lost, sum->duplicated, sum->reordered, sum->unknown, sum->refused,
                  sum->told, letters, sum->broken == 0 ? "kept" : "BROKEN");
}

static void print_consumers(FILE *out, const char *name, const char *server,
                            const char *letters, const struct chaos_result *sum) {
    (void)fprintf(out,
                  "%-17s %-11s %4" PRIu64 " %7" PRIu64 " %8" PRIu64 " %8" PRIu64
                  " %7" PRIu64 " %11" PRIu64 " %7" PRIu64 " %7" PRIu64 " %6" PRIu64
                  "  %-7s %s\n",
                  name, server, sum->runs, sum->troubles, sum->entries, sum->done,
                  sum->again, sum->unexplained, sum->pending, sum->letters, sum->members,
                  letters, sum->broken == 0 ? "kept" : "BROKEN");
}

static void print_item(FILE *out, const struct chaos_item *item) {
    char letters[8];
    spell(item->scenario->letters, letters);
    if (item->scenario->modes != 0) {
        print_producers(out, item->scenario->name, item->server->name,
                        chaos_modes[item->mode], letters, &item->sum);
    } else {
        print_consumers(out, item->scenario->name, item->server->name, letters, &item->sum);
    }
}

static void print_part(FILE *out, const struct chaos_plan *plan, bool of_producers) {
    for (size_t i = 0; i < plan->item_count; i++) {
        const struct chaos_item *item = &plan->items[i];
        if ((item->scenario->modes != 0) == of_producers && item->sum.runs > 0) {
            print_item(out, item);
        }
    }
}

static void print_modes(FILE *out, const struct chaos_plan *plan) {
    for (weir_delivery_mode mode = WEIR_DELIVERY_REPORT; mode <= WEIR_DELIVERY_IDS;
         mode++) {
        struct chaos_result sum = {.runs = 0};
        for (size_t i = 0; i < plan->item_count; i++) {
            if (plan->items[i].scenario->modes != 0 && plan->items[i].mode == mode) {
                chaos_add(&sum, &plan->items[i].sum);
            }
        }
        if (sum.runs > 0) {
            print_producers(out, "all", "all", chaos_modes[mode], "", &sum);
        }
    }
}

void chaos_print_table(FILE *out, const struct chaos_plan *plan) {
    (void)fprintf(out,
                  "\nproducers         server      mode          runs trouble  entries"
                  "    acked  lost  twice reorder unknown  refused     told  checked\n");
    print_part(out, plan, true);
    print_modes(out, plan);
    (void)fprintf(out, "\nconsumers         server      runs trouble  entries     done"
                       "   again unexplained pending letters leaked  checked\n");
    print_part(out, plan, false);
    (void)fprintf(out, "\nserver torn: it was killed in the midst of writing a script's "
                       "changes, and added them at a later start, after it had dropped "
                       "them (Redis to 8.6; docs/producing.md)\n");
}

void chaos_print_json(FILE *out, const struct chaos_item *item) {
    const struct chaos_result *sum = &item->sum;
    char letters[8];
    spell(item->scenario->letters, letters);
    (void)fprintf(
        out,
        "{\"scenario\":\"%s\",\"number\":\"%s\",\"server\":\"%s\",\"mode\":\"%s\","
        "\"runs\":%" PRIu64 ",\"troubles\":%" PRIu64 ",\"entries\":%" PRIu64
        ",\"acked\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"duplicated\":%" PRIu64
        ",\"reordered\":%" PRIu64 ",\"unknown\":%" PRIu64 ",\"refused\":%" PRIu64
        ",\"told\":%" PRIu64,
        item->scenario->name, item->scenario->number, item->server->name,
        item->scenario->modes != 0 ? chaos_modes[item->mode] : "consumer", sum->runs,
        sum->troubles, sum->entries, sum->acked, sum->lost, sum->duplicated, sum->reordered,
        sum->unknown, sum->refused, sum->told);
    (void)fprintf(out,
                  ",\"done\":%" PRIu64 ",\"again\":%" PRIu64 ",\"unexplained\":%" PRIu64
                  ",\"pending\":%" PRIu64 ",\"letters\":%" PRIu64 ",\"leaked\":%" PRIu64
                  ",\"checked\":\"%s\",\"torn\":%" PRIu64 ",\"broken\":%" PRIu64 "}\n",
                  sum->done, sum->again, sum->unexplained, sum->pending, sum->letters,
                  sum->members, letters, sum->torn, sum->broken);
}
