/* Four workers, processes, share a stream while one after another is killed and all
 * connections are cut: at the end each entry was worked on, what was worked on twice was
 * said to be delivered before, nothing is pending, and the dead letters are the poison. A
 * few seconds; WEIR_CHAOS_MS in the environment says for how long, WEIR_CHAOS_SEED how.
 * SPDX-License-Identifier: BSD-2-Clause */
#include "live.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS       4
#define USUAL_MS      3000
#define PLENTY_MS     60000
#define MOST          4000000
#define POISON        211 /* each such entry cannot be worked on */
#define MOST_TIMES    12  /* deliveries of one */
#define IDLE_MS       400
#define INTERVAL_MS   40
#define CHAOS_FROM_MS 20
#define WORK_US       400

static const weir_view KEY = {"s", 1};
static const weir_view GROUP = {"g", 1};
static const weir_view DEAD = {"dead", 4};

/* What a worker writes down when it has worked on an entry, before it says so. */
struct record {
    uint64_t number;
    int64_t deliveries; /* before */
};

struct stage {
    struct live *live;
    int journal; /* appended to by all workers */
    pid_t workers[WORKERS];
    uint64_t random;
    uint64_t added;
    int kills;
    int cuts;
};

/* xorshift64: repeats with its seed. */
static uint64_t any(struct stage *stage, uint64_t below) {
    stage->random ^= stage->random << 13;
    stage->random ^= stage->random >> 7;
    stage->random ^= stage->random << 17;
    return stage->random % below;
}

/* ---- a worker: a process of its own ---- */

static weir_consumer *tasks;

static void stop(int signal_number) {
    (void)signal_number;
    weir_consumer_cancel(tasks);
}

static void on_stop(void (*handler)(int)) { (void)signal(SIGTERM, handler); }

static uint64_t number_of(const weir_entry *entry) {
    char digits[24] = "";
    weir_view text = {"", 0};
    (void)weir_entry_get(entry, "n", &text);
    if (text.len < sizeof digits) {
        memcpy(digits, text.data, text.len);
    }
    return strtoull(digits, NULL, 10);
}

static weir_status work(const struct stage *stage, const weir_delivery *task) {
    struct record record = {number_of(&task->entry), task->entry.deliveries};
    if (record.number % POISON == 0) {
        return weir_consumer_release(tasks, task);
    }
    (void)usleep(WORK_US);
    if (write(stage->journal, &record, sizeof record) != (ssize_t)sizeof record) {
        _exit(3);
    }
    return weir_consumer_done(tasks, task);
}

static void run_worker(const struct stage *stage, int which) {
    char name[] = {'w', (char)('0' + which), '\0'};
    weir_options connection = {.protocol = stage->live->protocol,
                               .reconnect = {.floor_ms = 5}};
    weir_consumer_options options = {.streams = &KEY,
                                     .stream_count = 1,
                                     .group = GROUP,
                                     .name = weir_text(name),
                                     .start = WEIR_START_BEGINNING,
                                     .count = 50,
                                     .claim_idle_ms = IDLE_MS,
                                     .claim_interval_ms = INTERVAL_MS,
                                     .max_deliveries = MOST_TIMES,
                                     .dead_letters = DEAD};
    weir_delivery task;
    weir_status st;
    pid_t parent = getppid();
    do { /* the first try may be cut too */
        st = weir_consumer_open(stage->live->server->url, &connection, &options, &tasks);
    } while (st != WEIR_OK && weir_consumer_close(tasks, 0) != WEIR_OK);
    on_stop(stop);
    while (st == WEIR_OK && (st = weir_consumer_next(tasks, 1000, &task)) >= 0) {
        if (st == WEIR_END || getppid() != parent) {
            break;
        }
        st = st == WEIR_OK ? work(stage, &task) : WEIR_OK;
    }
    if (st < 0) {
        (void)fprintf(stderr, "%s: %s\n", name, weir_consumer_error(tasks)->text);
        _exit(1);
    }
    on_stop(SIG_IGN);
    _exit(weir_consumer_close(tasks, PLENTY_MS) == WEIR_OK ? 0 : 2);
}

static void hire(struct stage *stage, int which) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run_worker(stage, which);
    }
    stage->workers[which] = child;
}

/* ---- the chaos ---- */

static void add_some(struct stage *stage) {
    weir_client *client = stage->live->client;
    for (uint64_t left = 1 + any(stage, 40); left > 0 && stage->added < MOST; left--) {
        char digits[24];
        (void)snprintf(digits, sizeof digits, "%d", (int)++stage->added);
        weir_field field = weir_pair("n", digits);
        assert_ok(client, weir_append_xadd(client, KEY, &field, 1, NULL));
    }
    while (weir_unanswered(client) > 0) {
        assert_ok(client, weir_take_id(client, NULL));
    }
}

static void kill_one(struct stage *stage) {
    int which = (int)any(stage, WORKERS);
    assert_int_equal(kill(stage->workers[which], SIGKILL), 0);
    int how = 0;
    assert_int_equal(waitpid(stage->workers[which], &how, 0), stage->workers[which]);
    assert_true(WIFSIGNALED(how)); /* it had not ended by itself */
    stage->kills++;
    hire(stage, which);
}

static void cut_all(struct stage *stage) {
    assert_ok(stage->live->client, live_say(stage->live->client, "CLIENT", "KILL", "TYPE",
                                            "normal", "SKIPME", "yes"));
    stage->cuts++;
}

static void make_chaos(struct stage *stage, int64_t for_ms) {
    int64_t until_ms = live_now_ms() + for_ms;
    int64_t next_ms = live_now_ms() + 200;
    while (live_now_ms() < until_ms) {
        add_some(stage);
        (void)usleep((useconds_t)any(stage, 4000));
        if (live_now_ms() < next_ms) {
            continue;
        }
        if (any(stage, 3) == 0) {
            cut_all(stage);
        } else {
            kill_one(stage);
        }
        next_ms = live_now_ms() + CHAOS_FROM_MS + (int64_t)any(stage, 300);
    }
}

static void await_rest(struct stage *stage) {
    int64_t until_ms = live_now_ms() + PLENTY_MS;
    weir_group_health health;
    do {
        assert_true(live_now_ms() < until_ms);
        (void)usleep(20000);
        assert_ok(stage->live->client,
                  weir_group_look(stage->live->client, KEY, GROUP, &health));
    } while (health.pending > 0 || health.lag != 0);
}

static void dismiss(struct stage *stage) {
    for (int i = 0; i < WORKERS; i++) {
        int how = 0;
        assert_int_equal(kill(stage->workers[i], SIGTERM), 0);
        assert_int_equal(waitpid(stage->workers[i], &how, 0), stage->workers[i]);
        assert_true(WIFEXITED(how));
        assert_int_equal(WEXITSTATUS(how), 0);
    }
}

/* ---- what came of it ---- */

static void check_journal(const struct stage *stage) {
    bool *is_done = calloc(stage->added + 1, sizeof *is_done);
    bool *was_new = calloc(stage->added + 1, sizeof *was_new);
    struct record record;
    uint64_t again = 0;
    assert_non_null(is_done);
    assert_non_null(was_new);
    assert_int_equal(lseek(stage->journal, 0, SEEK_SET), 0);
    while (read(stage->journal, &record, sizeof record) == (ssize_t)sizeof record) {
        assert_true(record.number >= 1 && record.number <= stage->added);
        again += is_done[record.number];
        is_done[record.number] = true;
        if (record.deliveries == 0) {
            assert_false(was_new[record.number]); /* the first time is one */
            was_new[record.number] = true;
        }
    }
    for (uint64_t i = 1; i <= stage->added; i++) {
        assert_int_equal(is_done[i], i % POISON != 0);
    }
    free(is_done);
    free(was_new);
    print_message(
        "%d entries, %d workers killed, %d times all cut: %d worked on again, each "
        "said to be\n",
        (int)stage->added, stage->kills, stage->cuts, (int)again);
}

static void check_letters(const struct stage *stage) {
    weir_client *client = stage->live->client;
    uint64_t poison = stage->added / POISON;
    bool *is_there = calloc(poison + 1, sizeof *is_there);
    weir_entries page;
    weir_entry letter;
    uint64_t count = 0;
    assert_non_null(is_there);
    assert_ok(client, weir_xrange(client, DEAD, WEIR_ID_MIN, WEIR_ID_MAX, NULL, &page));
    while (weir_entries_next(&page, &letter) == WEIR_OK) {
        uint64_t number = number_of(&letter);
        assert_int_equal(number % POISON, 0);
        count += !is_there[number / POISON];
        is_there[number / POISON] = true;
    }
    free(is_there);
    assert_int_equal(count, poison);
    print_message("%d dead letters, the poison\n", (int)count);
}

static void check_members(const struct stage *stage) {
    weir_group_health health;
    assert_ok(stage->live->client,
              weir_group_look(stage->live->client, KEY, GROUP, &health));
    assert_int_equal(health.pending, 0);
    assert_int_equal(health.busy_consumers, 0);
    assert_int_equal(health.consumers, WORKERS);
}

static void nothing_is_lost_in_chaos(void **state) {
    const char *ms = getenv("WEIR_CHAOS_MS");
    const char *seed = getenv("WEIR_CHAOS_SEED");
    char path[] = "/tmp/weir-journal-XXXXXX";
    struct stage stage = {.live = *state, .journal = mkstemp(path)};
    stage.random = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)live_now_ms();
    stage.random = stage.random != 0 ? stage.random : 1;
    print_message("WEIR_CHAOS_SEED=%llu\n", (unsigned long long)stage.random);
    assert_true(stage.journal >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fcntl(stage.journal, F_SETFL, O_APPEND), 0);
    for (int i = 0; i < WORKERS; i++) {
        hire(&stage, i);
    }
    make_chaos(&stage, ms != NULL ? strtoll(ms, NULL, 10) : USUAL_MS);
    await_rest(&stage);
    dismiss(&stage);
    check_journal(&stage);
    check_letters(&stage);
    check_members(&stage);
    assert_int_equal(close(stage.journal), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        {"nothing_is_lost_in_chaos", nothing_is_lost_in_chaos, live_open_resp3, live_close,
         NULL},
    };
    return live_run("live_consumer_chaos", tests);
}
