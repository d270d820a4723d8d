/* The smallest program outside weir: shows that it compiles, links and runs.
 * SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <weir/weir.h>

int main(void) {
    weir_id id;
    char text[WEIR_ID_TEXT];

    if (weir_id_parse(weir_text("1526919030474-55"), &id) != WEIR_OK) {
        return 1;
    }
    weir_id_format(id, text);
    printf("weir %s read %s\n", WEIR_VERSION, text);
    return 0;
}
