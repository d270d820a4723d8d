/* Runs a harness: replays files and folders, is driven by AFL++, or tries one input from
 * standard input.
 *   HARNESS FILE|FOLDER...     replays them and prints how many there were
 *   HARNESS                    AFL's loop if built with afl-clang-fast, else standard input
 * SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#ifdef __AFL_HAVE_MANUAL_CONTROL

__AFL_FUZZ_INIT()

/* Rounds before AFL starts a fresh process. */
#    define AFL_ROUNDS 20000

static int run_alone(void) {
    __AFL_INIT();
    const uint8_t *data = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(AFL_ROUNDS)) {
        size_t len = (size_t)__AFL_FUZZ_TESTCASE_LEN;
        fuzz_one(data, len < FUZZ_MOST ? len : FUZZ_MOST);
    }
    return EXIT_SUCCESS;
}

#endif

/* The input lies in a block of its size, so that sanitizers see what is read behind it. */
static void try_input(const uint8_t *bytes, size_t len) {
    uint8_t *exact = malloc(len > 0 ? len : 1);
    if (exact == NULL) {
        fuzz_broken("there is memory for one input");
    }
    memcpy(exact, bytes, len);
    fuzz_one(exact, len);
    free(exact);
}

static bool replay_stream(FILE *file, const char *name) {
    static uint8_t bytes[FUZZ_MOST + 1];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    if (ferror(file)) {
        perror(name);
        return false;
    }
    if (len > FUZZ_MOST) {
        (void)fprintf(stderr, "%s: only its first %zu bytes are tried\n", name, FUZZ_MOST);
        len = FUZZ_MOST;
    }
    try_input(bytes, len);
    return true;
}

static bool replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    bool is_read = file != NULL && replay_stream(file, path);
    if (file != NULL) {
        (void)fclose(file);
    } else {
        perror(path);
    }
    return is_read;
}

static int is_shown(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Each file of a folder, in the order of their names; if one ends the program, its name is
 * the last that was printed. */
static bool replay_folder(const char *folder, size_t *count) {
    struct dirent **names;
    int found = scandir(folder, &names, is_shown, alphasort);
    if (found < 0) {
        perror(folder);
        return false;
    }
    bool is_good = true;
    for (int i = 0; i < found; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        (void)fprintf(stderr, "%s\n", path);
        is_good = replay_file(path) && is_good;
        free(names[i]);
        ++*count;
    }
    free(names);
    return is_good;
}

static int replay(char **paths, int count) {
    size_t tried = 0;
    bool is_good = true;
    for (int i = 0; i < count; i++) {
        struct stat about;
        if (stat(paths[i], &about) == 0 && S_ISDIR(about.st_mode)) {
            is_good = replay_folder(paths[i], &tried) && is_good;
        } else {
            is_good = replay_file(paths[i]) && is_good;
            tried++;
        }
    }
    printf("%zu inputs replayed, every property holds\n", tried);
    return is_good && tried > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#ifndef __AFL_HAVE_MANUAL_CONTROL

static int run_alone(void) {
    return replay_stream(stdin, "standard input") ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

int main(int argc, char **argv) {
    return argc > 1 ? replay(argv + 1, argc - 1) : run_alone();
}
