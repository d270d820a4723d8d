/* What a producer's tests have in common.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "tally.h"

#include <stdio.h>

static void count(void *context, const weir_report *report) {
    struct tally *tally = context;
    tally->reports++;
    tally->outcomes[report->outcome]++;
    tally->reasons[report->reason]++;
    if (report->outcome == WEIR_OUTCOME_ACKED) {
        tally->is_ordered =
            tally->is_ordered && weir_id_compare(report->id, tally->last) > 0;
        tally->last = report->id;
    } else {
        (void)snprintf(tally->words, sizeof tally->words, "%s", report->error->text);
    }
    tally->report = *report;
    tally->report.error = NULL; /* it is good for this call alone */
}

static void note_loss(void *context, const weir_loss_notice *notice) {
    struct tally *tally = context;
    tally->losses++;
    tally->loss = *notice;
}

weir_producer_options tally_options(struct tally *tally, weir_delivery_mode delivery) {
    weir_producer_options options = {
        .delivery = delivery, .on_report = count, .on_loss = note_loss, .context = tally};
    memset(tally, 0, sizeof *tally);
    tally->is_ordered = true;
    return options;
}

weir_producer *tally_open(const char *url, const weir_options *client,
                          const weir_producer_options *options) {
    weir_producer *producer;
    weir_status st = weir_producer_open(url, client, options, &producer);
    if (st != WEIR_OK) {
        print_error("%s\n", weir_producer_error(producer)->text);
    }
    assert_status(st, WEIR_OK);
    return producer;
}

weir_stream *tally_stream(weir_producer *producer, const char *key) {
    weir_stream *stream;
    assert_status(weir_producer_stream(producer, weir_text(key), NULL, &stream), WEIR_OK);
    return stream;
}

void tally_append(weir_producer *producer, weir_stream *stream, int from, int to) {
    for (int i = from; i < to; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        weir_field field = weir_pair("n", text);
        assert_status(weir_producer_append(producer, stream, &field, 1, NULL), WEIR_OK);
    }
}

void tally_assert_row(weir_client *client, const char *key, int first, int count) {
    weir_entries all;
    weir_entry entry;
    int next = first;
    assert_status(weir_xrange(client, weir_text(key), WEIR_ID_MIN, WEIR_ID_MAX, NULL, &all),
                  WEIR_OK);
    while (weir_entries_next(&all, &entry) == WEIR_OK) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", next++);
        assert_view(entry.fields[0].value, text);
    }
    assert_int_equal(next - first, count);
}
