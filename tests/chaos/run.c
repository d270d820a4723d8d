/* One run, from the server's start to the verdict, in a process of its own.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "chaos.h"

#include "../support.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPEN_MS  20000 /* a sanitizer's machine may be slow */
#define CLOSE_MS 60000
#define LATEST_MS                                                                          \
    2000 /* by so much a call may be late: other processes want the machine                \
          */

/* ---- small things ---- */

int64_t chaos_now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void chaos_nap(int64_t ms) { (void)poll(NULL, 0, (int)ms); }

uint64_t chaos_any(uint64_t *random, uint64_t below) { /* xorshift64* */
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return (*random * UINT64_C(0x2545F4914F6CDD1D) >> 8) % below;
}

int chaos_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (; folder != NULL && readdir(folder) != NULL;) {
        count++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return count;
}

void chaos_broken(struct chaos_run *run, const char *format, ...) {
    struct chaos_result *result = run->result;
    if (result->broken++ == 0) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(result->words, sizeof result->words, format, args);
        va_end(args);
    }
}

int64_t chaos_number(const weir_entry *entry, const char *name) {
    char digits[24] = "";
    weir_view text = {"", 0};
    if (weir_entry_get(entry, name, &text) != WEIR_OK || text.len >= sizeof digits) {
        return -1;
    }
    memcpy(digits, text.data, text.len);
    return strtoll(digits, NULL, 10);
}

/* ---- processes ---- */

static pid_t start(const struct chaos_run *run, int which,
                   void (*work)(const struct chaos_run *run, int which)) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
            work(run, which);
        }
        exit(0); /* not _exit: what leaks is to be seen */
    }
    return child;
}

void chaos_hire(struct chaos_run *run, int which) {
    atomic_store(&run->shared->workers[which].is_open, false);
    run->workers[which] = start(run, which, chaos_work);
}

void chaos_reap(struct chaos_run *run, pid_t pid, int64_t within_ms, const char *who) {
    int64_t until_ms = chaos_now_ms() + within_ms;
    int how = 0;
    while (waitpid(pid, &how, WNOHANG) == 0) {
        if (chaos_now_ms() >= until_ms) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &how, 0);
            chaos_broken(run, "T: %s did not end within %d ms", who, (int)within_ms);
            return;
        }
        chaos_nap(2);
    }
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        chaos_broken(run, "K: %s ended with %s %d: a crash or a leak, see above", who,
                     WIFEXITED(how) ? "status" : "signal",
                     WIFEXITED(how) ? WEXITSTATUS(how) : WTERMSIG(how));
    }
}

static int writers_of(const struct chaos_run *run) {
    return run->scenario->writers > 0 ? run->scenario->writers : 1;
}

static bool all_are_open(const struct chaos_run *run) {
    for (int i = 0; i < writers_of(run); i++) {
        if (!atomic_load(&run->shared->writers[i].is_open)) {
            return false;
        }
    }
    for (int i = 0; run->scenario->modes == 0 && i < CHAOS_WORKERS; i++) {
        if (!atomic_load(&run->shared->workers[i].is_open)) {
            return false;
        }
    }
    return true;
}

static void start_all(struct chaos_run *run) {
    for (int i = 0; run->scenario->modes == 0 && i < CHAOS_WORKERS; i++) {
        chaos_hire(run, i);
    }
    for (int i = 0; i < writers_of(run); i++) {
        run->writers[i] = start(run, i, chaos_write);
    }
    int64_t until_ms = chaos_now_ms() + OPEN_MS;
    while (!all_are_open(run) && chaos_now_ms() < until_ms) {
        chaos_nap(1);
    }
    if (!all_are_open(run)) {
        chaos_broken(run, "T: not all were open within %d ms", OPEN_MS);
    }
}

static void end_writers(struct chaos_run *run) {
    atomic_store(&run->shared->is_over, true);
    for (int i = 0; i < writers_of(run); i++) {
        chaos_reap(run, run->writers[i], CLOSE_MS, "a producer");
    }
}

/* ---- the trouble ---- */

static void make_trouble(struct chaos_run *run) {
    const struct chaos_scenario *scenario = run->scenario;
    int64_t until_ms = chaos_now_ms() + run->for_ms;
    uint64_t range = (uint64_t)(scenario->most_ms - scenario->least_ms) + 1;
    do {
        chaos_nap(scenario->least_ms + (int64_t)chaos_any(&run->random, range));
        scenario->trouble(run);
        run->step++;
    } while (chaos_now_ms() < until_ms);
    run->result->troubles = run->step;
}

static void heal(struct chaos_run *run) {
    chaos_proxy(run, "go");
    chaos_proxy(run, "pieces both whole");
    chaos_proxy(run, "delay both 0");
    if (run->scenario->heal != NULL) {
        run->scenario->heal(run);
    }
}

/* ---- what each process says of itself ---- */

static void judge_writer(struct chaos_run *run, const struct chaos_writer *writer) {
    unsigned letters = run->scenario->letters;
    if ((letters & CHAOS_K) != 0 && writer->leaked != 0) {
        chaos_broken(run, "K: a producer left %d descriptors", writer->leaked);
    }
    if ((letters & CHAOS_T) != 0 && writer->latest_ms > LATEST_MS) {
        chaos_broken(run, "T: a call of a producer was %d ms late", (int)writer->latest_ms);
    }
    if (writer->status != WEIR_OK) {
        chaos_broken(run, "T: a producer's close gave %s (%s)",
                     weir_status_text(writer->status), writer->words);
    }
}

static void judge_words(struct chaos_run *run) {
    bool has_said = run->scenario->words == NULL;
    for (int i = 0; i < CHAOS_WRITERS; i++) {
        has_said = has_said || run->shared->writers[i].has_said;
    }
    for (int i = 0; i < CHAOS_WORKERS; i++) {
        has_said = has_said || run->shared->workers[i].has_said;
    }
    if (!has_said) {
        chaos_broken(run, "E: nobody said \"%s\"", run->scenario->words);
    }
}

static void judge(struct chaos_run *run) {
    for (int i = 0; i < writers_of(run); i++) {
        judge_writer(run, &run->shared->writers[i]);
    }
    judge_words(run);
    run->is_torn = run->mode == WEIR_DELIVERY_SCRIPT && chaos_is_torn(run);
    run->result->torn = run->is_torn ? 1 : 0;
    if (run->scenario->modes != 0) {
        chaos_see(run, CHAOS_KEY);
        chaos_judge(run);
    } else {
        chaos_judge_work(run);
    }
}

static void play(struct chaos_run *run) {
    if (run->scenario->begin != NULL) {
        run->scenario->begin(run);
    }
    start_all(run);
    make_trouble(run);
    heal(run);
    end_writers(run);
    if (run->scenario->modes == 0) {
        bool is_done = chaos_await_work(run);
        for (int i = 0; i < CHAOS_WORKERS; i++) {
            chaos_dismiss(run, i);
        }
        if (!is_done) {
            chaos_broken(run, "L: not all work was done in time");
        }
    }
    judge(run);
}

void chaos_play(struct chaos_run *run) {
    run->random = run->seed * 2 + 1;
    run->shared = mmap(NULL, sizeof *run->shared, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < CHAOS_WRITERS; i++) {
        run->last[i] = -1;
    }
    if (run->shared == MAP_FAILED) {
        chaos_broken(run, "no memory");
    } else if (!chaos_field_open(run)) {
        chaos_broken(run, "the server did not start");
    } else {
        play(run);
    }
    run->result->runs = 1;
    chaos_field_close(run);
    exit(0);
}
