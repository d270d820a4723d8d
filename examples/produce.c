/* produce URL STREAM: adds each line of its input to the stream, exactly once and in order,
 * whatever becomes of the connection, and prints the lines that could not be added.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

/* The end of one line: it is in the stream, or it is handed back. */
static void on_report(void *context, const weir_report *report) {
    char *line = report->user;
    FILE *rest = context;
    if (report->outcome != WEIR_OUTCOME_ACKED) {
        bool is_unknown = report->outcome == WEIR_OUTCOME_UNKNOWN;
        (void)fprintf(rest, "%s (%s): %s\n", is_unknown ? "unknown" : "not added",
                      report->error->text, line);
    }
    free(line);
}

static void on_loss(void *context, const weir_loss_notice *notice) {
    (void)context;
    (void)fprintf(stderr, "the server lost entries of %.*s up to %" PRIu64 "-%" PRIu64 "\n",
                  WEIR_PRINT(weir_stream_key(notice->stream)), notice->acked.ms,
                  notice->acked.seq);
}

/* Until the input ends, or the producer does. */
static weir_status produce(weir_producer *producer, weir_stream *stream) {
    char line[4096];
    weir_status st = WEIR_OK;
    while (st == WEIR_OK && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *copy = strdup(line); /* the report gives it back */
        weir_view value = weir_text(line);
        st = copy != NULL ? weir_producer_append_values(producer, stream, &value, copy)
                          : WEIR_ERR_NOMEM;
        if (st != WEIR_OK) {
            free(copy); /* it was not taken, so it has no report */
        }
    }
    return st;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        (void)fprintf(stderr, "usage: produce URL STREAM\n");
        return 2;
    }
    weir_producer *producer;
    weir_stream *stream;
    weir_view name = weir_text("line");
    weir_stream_options shape = {.names = &name, .name_count = 1};
    weir_producer_options options = {.delivery = WEIR_DELIVERY_EXACTLY_ONCE,
                                     .full_wait_ms = WEIR_FOREVER,
                                     .on_report = on_report,
                                     .on_loss = on_loss,
                                     .context = stdout};
    weir_counters counters = {0};
    weir_view key = weir_text(argv[2]);
    weir_status st = weir_producer_open(argv[1], NULL, &options, &producer);
    st = st == WEIR_OK ? weir_producer_stream(producer, key, &shape, &stream) : st;
    st = st == WEIR_OK ? produce(producer, stream) : st;
    if (producer != NULL) { /* what is left when it failed is handed back */
        weir_status closed = weir_producer_close(producer, st == WEIR_OK ? 30000 : 0);
        st = st == WEIR_OK ? closed : st;
    }
    if (st == WEIR_OK) {
        weir_producer_counters(producer, &counters);
        printf("%" PRIu64 " lines added, %" PRIu64 " times the connection was made\n",
               counters.acked, counters.connections);
    } else {
        (void)fprintf(stderr, "produce: %s\n", weir_producer_error(producer)->text);
    }
    weir_producer_free(producer);
    return st == WEIR_OK && counters.acked == counters.appended ? 0 : 1;
}
