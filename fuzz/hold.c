/* A text that may still be taken back.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "hold.h"

#include <errno.h>

void hold_open(struct hold *hold, FILE *out) {
    hold->out = out;
    hold->spill = NULL;
    hold->spilled = 0;
    hold->len = 0;
    hold->os_error = 0;
}

void hold_close(struct hold *hold) {
    if (hold->spill != NULL) {
        (void)fclose(hold->spill);
    }
}

static void note_failure(struct hold *hold) {
    if (hold->os_error == 0) {
        hold->os_error = errno != 0 ? errno : EIO;
    }
}

static void write_to(struct hold *hold, FILE *file, const char *bytes, size_t len) {
    if (hold->os_error == 0 && len > 0 && fwrite(bytes, 1, len, file) != len) {
        note_failure(hold);
    }
}

static void spill(struct hold *hold, weir_view text) {
    if (hold->spill == NULL && hold->os_error == 0) {
        hold->spill = tmpfile();
        if (hold->spill == NULL) {
            note_failure(hold);
        }
    }
    write_to(hold, hold->spill, text.data, text.len);
    hold->spilled += text.len;
}

static void hold_write(void *user, weir_view text) {
    struct hold *hold = user;
    if (text.len > sizeof hold->room - hold->len) {
        spill(hold, weir_bytes(hold->room, hold->len));
        hold->len = 0;
    }
    if (text.len > sizeof hold->room) {
        spill(hold, text);
        return;
    }
    memcpy(hold->room + hold->len, text.data, text.len);
    hold->len += text.len;
}

/* The temporary file is empty from here on: its bytes are written over. */
static void rewind_spill(struct hold *hold) {
    if (hold->spilled > 0 && hold->os_error == 0 && fseek(hold->spill, 0, SEEK_SET) != 0) {
        note_failure(hold);
    }
}

static void copy_spill(struct hold *hold) {
    char piece[4096];
    rewind_spill(hold);
    while (hold->spilled > 0 && hold->os_error == 0) {
        size_t most = hold->spilled < sizeof piece ? (size_t)hold->spilled : sizeof piece;
        if (fread(piece, 1, most, hold->spill) != most) {
            note_failure(hold);
        }
        write_to(hold, hold->out, piece, most);
        hold->spilled -= most;
    }
    /* between reading a file and writing to it again it must be positioned */
    hold->spilled = 0;
    if (hold->spill != NULL && fseek(hold->spill, 0, SEEK_SET) != 0) {
        note_failure(hold);
    }
}

static void hold_keep(void *user) {
    struct hold *hold = user;
    if (hold->spilled > 0) {
        copy_spill(hold);
    }
    write_to(hold, hold->out, hold->room, hold->len);
    hold->len = 0;
}

static void hold_drop(void *user) {
    struct hold *hold = user;
    rewind_spill(hold);
    hold->spilled = 0;
    hold->len = 0;
}

struct render_sink hold_sink(struct hold *hold) {
    return (struct render_sink){hold_write, hold_keep, hold_drop, hold};
}
