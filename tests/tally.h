/* What a producer's tests have in common: reports that are counted, entries that hold
 * numbers in a row.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_TESTS_TALLY_H
#define WEIR_TESTS_TALLY_H

#include "support.h"

#include "../weir.h"

struct tally {
    size_t reports;
    size_t outcomes[5]; /* by weir_outcome */
    size_t reasons[8];  /* by weir_reason */
    weir_id last;       /* acknowledged */
    bool is_ordered;    /* acknowledged ids rise */
    weir_report report; /* the last one; its error is words */
    char words[320];    /* of the last error */
    size_t losses;
    weir_loss_notice loss;
};

/* Options with callbacks that count into *tally, which is cleared. */
weir_producer_options tally_options(struct tally *tally, weir_delivery_mode delivery);

/* Opens, and fails the test where that does. */
weir_producer *tally_open(const char *url, const weir_options *client,
                          const weir_producer_options *options);
weir_stream *tally_stream(weir_producer *producer, const char *key);

/* Appends entries {"n": from} ... {"n": to - 1}. */
void tally_append(weir_producer *producer, weir_stream *stream, int from, int to);

/* The stream holds `count` entries, from `first` on in a row. */
void tally_assert_row(weir_client *client, const char *key, int first, int count);

#endif
