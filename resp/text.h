/* The grammar of RESP3's numbers that are sent as text.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_RESP_TEXT_H
#define WEIR_RESP_TEXT_H

#include "base.h"

/* [+|-] digits [. digits] [e|E [+|-] digits], or inf, -inf, or nan in any case; no leading
 * zeros but in the exponent (RESP3.md, "Double type"). */
bool weir_text_is_double(weir_view text);

/* [+|-] digits, no leading zeros, no minus zero (RESP3.md, "Big number type"). */
bool weir_text_is_big_number(weir_view text);

#endif
