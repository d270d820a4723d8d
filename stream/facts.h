/* What is known of the server's features, by its name and version, or by the commands that
 * it says it has.
 * SPDX-License-Identifier: BSD-2-Clause */
#ifndef WEIR_STREAM_FACTS_H
#define WEIR_STREAM_FACTS_H

#include "server.h"

#define WEIR_FEATURE_COUNT (WEIR_FEATURE_MAXCOUNT + 1)

/* How far it is found out. */
typedef enum weir_inquiry {
    WEIR_INQUIRY_NONE,     /* nothing was asked, and HELLO was not looked at */
    WEIR_INQUIRY_INFO,     /* INFO and COMMAND INFO are asked */
    WEIR_INQUIRY_COMMANDS, /* INFO is answered, COMMAND INFO is not */
    WEIR_INQUIRY_OVER
} weir_inquiry;

/* All zero for a new connection. */
typedef struct weir_facts {
    weir_inquiry inquiry;
    uint32_t has;    /* bits, 1 << weir_feature */
    uint32_t lacks;  /* likewise */
    uint64_t ticket; /* of INFO; COMMAND INFO is the next one */
} weir_facts;

/* What a feature is called, and who has it. */
typedef struct weir_feature_row {
    const char *name;
    const char *redis;   /* the first version of Redis that has it */
    const char *valkey;  /* of Valkey, NULL: none */
    const char *command; /* whose presence proves it, NULL if there is none */
    bool is_old; /* every server of this decade has it: nothing is asked on its account */
} weir_feature_row;

const weir_feature_row *weir_feature_row_of(weir_feature feature);

/* "MAJOR.MINOR.PATCH", what is missing being 0, as a number that orders versions; 0 if it
 * is none. */
uint32_t weir_version_number(const char *version);

/* True if name and version tell all features: *has and *lacks. */
bool weir_judge_version(const char *name, const char *version, uint32_t *has,
                        uint32_t *lacks);

/* Reads INFO's text: the server's name and version, as far as there is room; untouched
 * where it does not tell. */
void weir_read_info(weir_view info, char *name, size_t name_size, char *version,
                    size_t version_size);

/* COMMAND INFO of every feature that is a command: the arguments; gives their number. */
#define WEIR_INQUIRY_ARGS 10
size_t weir_inquiry_args(weir_view *args);

/* Its answer, whole, in that order. */
void weir_judge_commands(weir_view whole, uint32_t *has, uint32_t *lacks);

#endif
