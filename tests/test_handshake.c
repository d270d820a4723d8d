/* The handshake, played by a script: what is sent, byte for byte, what is answered, at
 * every cut of the answers, and how it ends. SPDX-License-Identifier: BSD-2-Clause */
#include "../stream/session.h"
#include "support.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TURNS_MOST 4

/* One talk: `sent` is answered by `answer`, turn by turn, then it is over. */
struct turn {
    const char *sent;
    const char *answer;
};

struct talk {
    weir_greeter who;
    struct turn turns[TURNS_MOST];
    weir_status status;
    const char *server;
    const char *version;
    int64_t id;
    int protocol; /* 0: not looked at */
    const char *code;
    const char *says; /* part of the error's text */
    uint64_t pushes;
};

/* ---- what is sent ---- */

static_assert(sizeof WEIR_VERSION == 6, "the lengths below");

#define HELLO "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"
#define HELLO_DEFAULT                                                                      \
    "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n" SECRET
#define HELLO_ANNA  "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$4\r\nanna\r\n" SECRET
#define SECRET      "$6\r\nhunter\r\n"
#define AUTH        "*2\r\n$4\r\nAUTH\r\n" SECRET
#define AUTH_ANNA   "*3\r\n$4\r\nAUTH\r\n$4\r\nanna\r\n" SECRET
#define PING        "*1\r\n$4\r\nPING\r\n"
#define SELECT_7    "*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n"
#define SELECT_MOST "*2\r\n$6\r\nSELECT\r\n$10\r\n4294967295\r\n"
#define SETNAME     "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$6\r\nworker\r\n"
#define INFO        "*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"
#define CLIENT_ID   "*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n"
#define SETINFO                                                                            \
    "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$4\r\nweir\r\n"              \
    "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n" WEIR_VERSION "\r\n"

/* ---- what is answered ---- */

#define OK "+OK\r\n"
#define MAP_7                                                                              \
    "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"               \
    "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:42\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"          \
    "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
#define PAIRS_7                                                                            \
    "*14\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n8.0.1\r\n"              \
    "$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:43\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"          \
    "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
#define NO_HELLO                                                                           \
    "-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, "     \
    "`hunter`, \r\n"
#define NO_SETINFO "-ERR Unknown subcommand 'SETINFO'. Try CLIENT HELP.\r\n"
#define WRONGPASS  "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
#define NOAUTH     "-NOAUTH Authentication required.\r\n"
#define PUSH       ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n*1\r\n$5\r\nhello\r\n"

#define NOBODY                                                                             \
    { "", "", "", 0, 0, false, false }
#define PASSWORD                                                                           \
    { "", "hunter", "", 0, 0, false, false }
#define ANNA                                                                               \
    { "anna", "hunter", "", 0, 0, false, false }
#define FENCING                                                                            \
    { "", "", "", 0, 2, true, true }
#define EVERYTHING                                                                         \
    { "anna", "hunter", "worker", 7, 0, false, false }

/* ---- playing ---- */

struct play {
    struct support_mem counts;
    weir_mem mem;
    weir_session session;
    const struct talk *talk;
    size_t turn;     /* turns that were sent */
    weir_view left;  /* of this turn's answer */
    size_t received; /* bytes of all answers */
    size_t piece;    /* bytes given at once, at most */
    size_t cut;      /* no piece goes over this byte of all answers */
};

static void start_play(struct play *play, const struct talk *talk, size_t piece,
                       size_t cut) {
    static const weir_session_sizes sizes = {.receive_base = 64,
                                             .receive_most = 4096,
                                             .send_base = 64,
                                             .send_most = 2048,
                                             .ring_base = 1,
                                             .unanswered_most = 16,
                                             .slots = WEIR_MAX_SLOTS};
    memset(play, 0, sizeof *play);
    play->counts.allowed = SIZE_MAX;
    play->mem = support_mem(&play->counts);
    play->talk = talk;
    play->piece = piece;
    play->cut = cut;
    assert_status(weir_session_init(&play->session, &play->mem, &sizes, &talk->who, "peer"),
                  WEIR_OK);
}

static void stop_play(struct play *play) {
    weir_session_free(&play->session);
    assert_int_equal(play->counts.live, 0);
}

/* All that is queued: no argument of the handshake is large enough to be lent. */
static weir_view output(const weir_session *session) {
    weir_view part = {NULL, 0};
    size_t count = weir_session_output(session, &part, 1);
    assert_int_equal(part.len, weir_session_queued(session));
    assert_true(count <= 1);
    return part;
}

/* What is sent must be this turn's; then its answer can come. */
static void check_sent(struct play *play) {
    weir_view sent = output(&play->session);
    if (sent.len == 0) {
        return;
    }
    assert_true(play->turn < TURNS_MOST && play->talk->turns[play->turn].sent != NULL);
    assert_int_equal(play->left.len, 0);
    assert_view(sent, play->talk->turns[play->turn].sent);
    play->left = weir_text(play->talk->turns[play->turn].answer);
    play->turn++;
    weir_session_sent(&play->session, sent.len);
}

/* Gives the next piece; false once this turn's answer is over. */
static bool give_piece(struct play *play) {
    size_t count = play->left.len < play->piece ? play->left.len : play->piece;
    if (play->received < play->cut && play->received + count > play->cut) {
        count = play->cut - play->received;
    }
    char *at;
    size_t room;
    if (count == 0) {
        return false;
    }
    weir_status st = weir_session_room(&play->session, &at, &room);
    if (play->counts.allowed != SIZE_MAX && st == WEIR_ERR_NOMEM) {
        return false;
    }
    assert_status(st, WEIR_OK);
    count = count < room ? count : room;
    memcpy(at, play->left.data, count);
    play->left = weir_bytes(play->left.data + count, play->left.len - count);
    play->received += count;
    weir_session_received(&play->session, count, 0);
    return true;
}

static weir_status greet(struct play *play) {
    for (;;) {
        weir_status st = weir_session_greet(&play->session);
        if (st == WEIR_ERR_NOMEM) {
            return st;
        }
        check_sent(play);
        if (st != WEIR_MORE || !give_piece(play)) {
            return st;
        }
    }
}

static void check_error(const struct play *play) {
    const weir_error *error = &play->session.error;
    const char *expected = play->talk->says != NULL ? play->talk->says : "";
    assert_int_equal(error->status, play->talk->status);
    assert_string_equal(error->code, play->talk->code != NULL ? play->talk->code : "");
    if (strstr(error->text, expected) == NULL) {
        print_error("\"%s\" does not say \"%s\"\n", error->text, expected);
    }
    assert_non_null(strstr(error->text, expected));
    assert_null(strstr(error->text, "hunter"));
    assert_null(strstr(error->code, "hunter"));
}

static void check_end(struct play *play) {
    const struct talk *talk = play->talk;
    weir_session *session = &play->session;
    weir_status st = greet(play);
    if (st != talk->status) {
        print_error("%s\n", session->error.text);
    }
    assert_status(st, talk->status);
    assert_true(play->turn == TURNS_MOST || talk->turns[play->turn].sent == NULL);
    assert_string_equal(session->server, talk->server != NULL ? talk->server : "");
    assert_string_equal(session->version, talk->version != NULL ? talk->version : "");
    assert_int_equal(session->client_id, talk->id);
    assert_int_equal(session->pushes, talk->pushes);
    if (talk->protocol != 0) {
        assert_int_equal(session->protocol, talk->protocol);
    }
    check_error(play);
    if (st == WEIR_OK) {
        assert_int_equal(session->phase, WEIR_PHASE_READY);
        assert_int_equal(weir_session_due(session), 0);
        assert_int_equal(session->untaken, 0);
        assert_int_equal(weir_buffer_len(&session->in), 0);
    } else {
        assert_int_equal(session->phase, WEIR_PHASE_BROKEN);
    }
    assert_status(weir_session_greet(session), talk->status); /* again: the same */
    assert_int_equal(output(session).len, 0);
}

static void play_once(const struct talk *talk, size_t piece, size_t cut) {
    struct play play;
    start_play(&play, talk, piece, cut);
    check_end(&play);
    stop_play(&play);
}

/* Whole, byte by byte, and cut in two at every place. */
static void play_every_cut(const struct talk *talk) {
    size_t len = 0;
    for (size_t i = 0; i < TURNS_MOST && talk->turns[i].sent != NULL; i++) {
        len += strlen(talk->turns[i].answer);
    }
    play_once(talk, SIZE_MAX, 0);
    play_once(talk, 1, 0);
    play_once(talk, 3, 0);
    for (size_t cut = 1; cut < len; cut++) {
        play_once(talk, SIZE_MAX, cut);
    }
}

#define PLAY(...) play_every_cut(&(const struct talk){__VA_ARGS__})

/* ---- RESP3 ---- */

static void hello_is_asked_first_and_its_map_is_noted(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, MAP_7}, {SETINFO, OK OK}}, .server = "redis",
         .version = "7.0.15", .id = 42, .protocol = 3);
}

static void hellos_answer_may_be_an_array_of_pairs(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, PAIRS_7}, {PING SETINFO, "+PONG\r\n" OK OK}},
         .server = "valkey", .version = "8.0.1", .id = 43, .protocol = 2);
}

static void a_password_goes_with_hello_for_the_default_user(void **state) {
    (void)state;
    PLAY(.who = PASSWORD, .turns = {{HELLO_DEFAULT, MAP_7}, {SETINFO, OK OK}},
         .server = "redis", .version = "7.0.15", .id = 42, .protocol = 3);
}

static void a_user_goes_with_the_password(void **state) {
    (void)state;
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, MAP_7}, {SETINFO, OK OK}}, .server = "redis",
         .version = "7.0.15", .id = 42, .protocol = 3);
}

static void settings_go_in_one_write(void **state) {
    (void)state;
    PLAY(.who = EVERYTHING,
         .turns = {{HELLO_ANNA, MAP_7}, {SELECT_7 SETNAME SETINFO, OK OK OK OK}},
         .server = "redis", .version = "7.0.15", .id = 42, .protocol = 3);
    PLAY(.who = {"", "", "", UINT32_MAX, 0, false, false},
         .turns = {{HELLO, MAP_7}, {SELECT_MOST SETINFO, OK OK OK}}, .server = "redis",
         .version = "7.0.15", .id = 42, .protocol = 3);
}

static void errors_of_setinfo_do_not_matter(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, MAP_7}, {SETINFO, NO_SETINFO NO_SETINFO}},
         .server = "redis", .version = "7.0.15", .id = 42, .protocol = 3);
    PLAY(.who = EVERYTHING,
         .turns = {{HELLO_ANNA, MAP_7},
                   {SELECT_7 SETNAME SETINFO, OK OK "-NOPERM no\r\n!6\r\nERR no\r\n"}},
         .server = "redis", .version = "7.0.15", .id = 42, .protocol = 3);
}

/* ---- what HELLO's answer may hold besides ---- */

static void values_inside_other_values_are_not_facts(void **state) {
    (void)state;
    PLAY(.who = NOBODY,
         .turns = {{HELLO,
                    "%3\r\n$7\r\nmodules\r\n*2\r\n%2\r\n$6\r\nserver\r\n$4\r\nevil\r\n"
                    "$2\r\nid\r\n:666\r\n*2\r\n$7\r\nversion\r\n$1\r\n6\r\n"
                    "$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"},
                   {SETINFO, OK OK}},
         .server = "redis", .protocol = 3);
    PLAY(.who = NOBODY,
         .turns = {{HELLO, "%2\r\n*2\r\n$6\r\nserver\r\n$2\r\nno\r\n$3\r\nyes\r\n"
                           "$5\r\nproto\r\n:3\r\n"},
                   {SETINFO, OK OK}},
         .protocol = 3);
}

static void attributes_are_not_facts(void **state) {
    (void)state;
    PLAY(.who = NOBODY,
         .turns = {{HELLO, "|1\r\n$6\r\nserver\r\n$4\r\nevil\r\n%2\r\n"
                           "|1\r\n$7\r\nversion\r\n$1\r\n6\r\n$6\r\nserver\r\n"
                           "|1\r\n$2\r\nid\r\n*1\r\n:666\r\n$5\r\nredis\r\n"
                           "$5\r\nproto\r\n:3\r\n"},
                   {SETINFO, "|1\r\n+k\r\n+v\r\n+OK\r\n+OK\r\n"}},
         .server = "redis", .protocol = 3);
}

static void facts_of_other_types_are_passed_over(void **state) {
    (void)state;
    PLAY(.who = NOBODY,
         .turns = {{HELLO, "%5\r\n$6\r\nserver\r\n:1\r\n$7\r\nversion\r\n,7.2\r\n"
                           "$2\r\nid\r\n$2\r\n42\r\n_\r\n_\r\n$5\r\nproto\r\n:3\r\n"},
                   {SETINFO, OK OK}},
         .protocol = 3);
}

static void texts_that_are_too_long_are_cut(void **state) {
    (void)state;
    PLAY(.who = NOBODY,
         .turns = {{HELLO, "%3\r\n$6\r\nserver\r\n$36\r\n0123456789abcdefghijklmnopqrstuv"
                           "wxyz\r\n$7\r\nversion\r\n$36\r\n0123456789abcdefghijklmnopqrst"
                           "uvwxyz\r\n$5\r\nproto\r\n:3\r\n"},
                   {SETINFO, OK OK}},
         .server = "0123456789abcde", .version = "0123456789abcdefghijklmnopqrstu",
         .protocol = 3);
}

/* Only who is told its id can be fenced by the next connection. */
static void a_client_that_fences_asks_for_its_id_where_hello_does_not_tell(void **state) {
    (void)state;
    static const char *const answers[] = {":42\r\n", "|1\r\n+k\r\n+v\r\n:42\r\n",
                                          "-NOPERM no\r\n", ":-1\r\n", "+42\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char told[128];
        (void)snprintf(told, sizeof told, "+PONG\r\n" OK OK "$0\r\n\r\n%s", answers[i]);
        PLAY(.who = FENCING, .turns = {{PING SETINFO INFO CLIENT_ID, told}},
             .id = i < 2 ? 42 : 0, .protocol = 2);
    }
}

static void an_answer_without_facts_leaves_them_unknown(void **state) {
    (void)state;
    static const char *const answers[] = {
        OK,       ":1\r\n",         "$-1\r\n", "_\r\n",
        "*0\r\n", "%0\r\n",         "#t\r\n",  "*1\r\n$6\r\nserver\r\n",
        "~0\r\n", "$5\r\nredis\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        PLAY(.who = NOBODY,
             .turns = {{HELLO, answers[i]}, {PING SETINFO, "+PONG\r\n" OK OK}},
             .protocol = 2);
    }
}

static void pushes_are_passed_over_and_counted(void **state) {
    (void)state;
    PLAY(.who = EVERYTHING,
         .turns = {{HELLO_ANNA, PUSH MAP_7},
                   {SELECT_7 SETNAME SETINFO, PUSH OK PUSH OK PUSH PUSH OK OK}},
         .server = "redis", .version = "7.0.15", .id = 42, .protocol = 3, .pushes = 5);
    PLAY(.who = NOBODY, .turns = {{HELLO, PUSH WRONGPASS}}, .status = WEIR_ERR_REFUSED,
         .code = "WRONGPASS", .pushes = 1);
}

/* ---- servers without HELLO, or that do not let us say it ---- */

static void a_server_without_hello_speaks_resp2(void **state) {
    (void)state;
    static const char *const answers[] = {
        "-ERR unknown command 'HELLO'\r\n", NO_HELLO,
        "-NOPROTO unsupported protocol version\r\n",
        "-NOPERM this user has no permissions to run the 'hello' command\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        PLAY(.who = NOBODY,
             .turns = {{HELLO, answers[i]}, {PING SETINFO, "+PONG\r\n" OK OK}},
             .protocol = 2);
        PLAY(.who = PASSWORD,
             .turns = {{HELLO_DEFAULT, answers[i]}, {AUTH, OK}, {SETINFO, OK OK}},
             .protocol = 2);
        PLAY(.who = EVERYTHING,
             .turns = {{HELLO_ANNA, answers[i]},
                       {AUTH_ANNA, OK},
                       {SELECT_7 SETNAME SETINFO, OK OK NO_SETINFO NO_SETINFO}},
             .protocol = 2);
    }
}

static void auth_alone_can_be_refused(void **state) {
    (void)state;
    PLAY(.who = PASSWORD, .turns = {{HELLO_DEFAULT, NO_HELLO}, {AUTH, WRONGPASS}},
         .status = WEIR_ERR_REFUSED, .code = "WRONGPASS",
         .says = "peer refused the handshake: WRONGPASS invalid username-password pair or "
                 "user is disabled. (check user and password)");
    PLAY(.who = PASSWORD,
         .turns = {{HELLO_DEFAULT, NO_HELLO}, {AUTH, "-ERR invalid password\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "ERR", .says = "ERR invalid password");
}

static void a_server_that_wants_a_password_is_told_apart_without_hello(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, NO_HELLO}, {PING SETINFO, NOAUTH NOAUTH NOAUTH}},
         .status = WEIR_ERR_REFUSED, .code = "NOAUTH", .says = "it wants a password");
}

/* ---- a protocol that was demanded ---- */

static void protocol_2_is_spoken_without_hello(void **state) {
    (void)state;
    PLAY(.who = {"", "", "", 0, 2, false, false},
         .turns = {{PING SETINFO, "+PONG\r\n" OK OK}}, .protocol = 2);
    PLAY(.who = {"", "hunter", "", 0, 2, false, false},
         .turns = {{AUTH, OK}, {SETINFO, OK OK}}, .protocol = 2);
    PLAY(.who = {"anna", "hunter", "worker", 7, 2, false, false},
         .turns = {{AUTH_ANNA, OK}, {SELECT_7 SETNAME SETINFO, OK OK OK OK}},
         .protocol = 2);
}

static void protocol_3_is_spoken_where_it_is_known(void **state) {
    (void)state;
    PLAY(.who = {"", "", "", 0, 3, false, false},
         .turns = {{HELLO, MAP_7}, {SETINFO, OK OK}}, .server = "redis",
         .version = "7.0.15", .id = 42, .protocol = 3);
}

static void protocol_3_is_not_given_up(void **state) {
    (void)state;
    PLAY(.who = {"", "", "", 0, 3, false, false},
         .turns = {{HELLO, "-NOPROTO unsupported protocol version\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "NOPROTO",
         .says = "peer refused the handshake: NOPROTO unsupported protocol version");
    PLAY(.who = {"", "", "", 0, 3, false, false},
         .turns = {{HELLO, "-ERR unknown command 'HELLO'\r\n"}}, .status = WEIR_ERR_REFUSED,
         .code = "ERR", .says = "ERR unknown command 'HELLO'");
}

static void protocol_3_is_not_given_up_where_hello_answers_with_2(void **state) {
    (void)state;
    PLAY(.who = {"", "", "", 0, 3, false, false}, .turns = {{HELLO, PAIRS_7}},
         .status = WEIR_ERR_REFUSED, .server = "valkey", .version = "8.0.1", .id = 43,
         .says = "peer answered HELLO 3 with RESP2");
    PLAY(.who = {"", "", "", 0, 3, false, false}, .turns = {{HELLO, OK}},
         .status = WEIR_ERR_REFUSED, .says = "peer answered HELLO 3 with RESP2");
}

/* ---- refusals ---- */

static void a_wrong_password_is_refused(void **state) {
    (void)state;
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, WRONGPASS}}, .status = WEIR_ERR_REFUSED,
         .code = "WRONGPASS",
         .says = "peer refused the handshake: WRONGPASS invalid username-password pair or "
                 "user is disabled. (check user and password)");
}

static void a_missing_password_is_refused(void **state) {
    (void)state;
    PLAY(.who = NOBODY,
         .turns = {{HELLO, "-NOAUTH HELLO must be called with the client already "
                           "authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
                           "option can be used\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "NOAUTH", .says = "it wants a password");
}

static void a_full_server_is_told(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, "-ERR max number of clients reached\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "ERR",
         .says = "peer refused the handshake: ERR max number of clients reached");
    PLAY(.who = {"", "", "", 0, 2, false, false},
         .turns = {{PING SETINFO, "-ERR max number of clients reached\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "ERR",
         .says = "peer refused the handshake: ERR max number of clients reached");
}

static void a_refusal_may_be_a_bulk_error(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, "!17\r\nNOAUTH no\r\nentry!\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "NOAUTH", .says = "NOAUTH no??entry!");
}

static void a_database_that_is_not_there_is_refused(void **state) {
    (void)state;
    PLAY(.who = EVERYTHING,
         .turns = {{HELLO_ANNA, MAP_7},
                   {SELECT_7 SETNAME SETINFO,
                    "-ERR DB index is out of range\r\n" OK OK OK}},
         .status = WEIR_ERR_REFUSED, .server = "redis", .version = "7.0.15", .id = 42,
         .code = "ERR", .says = "peer refused the handshake: ERR DB index is out of range");
}

static void a_name_that_is_none_is_refused(void **state) {
    (void)state;
    PLAY(.who = EVERYTHING,
         .turns = {{HELLO_ANNA, MAP_7},
                   {SELECT_7 SETNAME SETINFO,
                    OK "-ERR Client names cannot contain spaces\r\n" OK OK}},
         .status = WEIR_ERR_REFUSED, .server = "redis", .version = "7.0.15", .id = 42,
         .code = "ERR", .says = "ERR Client names cannot contain spaces");
}

static void what_a_user_may_not_do_is_refused_with_advice(void **state) {
    (void)state;
    PLAY(.who = {"", "", "", 7, 0, false, false},
         .turns = {{HELLO, MAP_7},
                   {SELECT_7 SETINFO, "-NOPERM this user has no permissions to run the "
                                      "'select' command\r\n" OK OK}},
         .status = WEIR_ERR_REFUSED, .server = "redis", .version = "7.0.15", .id = 42,
         .code = "NOPERM", .says = "see ACL SETUSER");
}

static void an_error_behind_an_attribute_is_one(void **state) {
    (void)state;
    PLAY(.who = PASSWORD, .turns = {{HELLO_DEFAULT, "|1\r\n+k\r\n+v\r\n" WRONGPASS}},
         .status = WEIR_ERR_REFUSED, .code = "WRONGPASS", .says = "check user");
}

static void an_empty_error_is_a_refusal_too(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, "-\r\n"}}, .status = WEIR_ERR_REFUSED,
         .says = "peer refused the handshake: ");
}

static void a_servers_words_are_made_printable(void **state) {
    (void)state;
    PLAY(.who = NOBODY, .turns = {{HELLO, "-ERR \033[31m%s%n\t\377\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "ERR", .says = "ERR ?[31m%s%n??");
}

/* ---- the password ---- */

static void no_error_repeats_the_password(void **state) {
    (void)state; /* check_error looks for it in every text */
    PLAY(.who = {"", "hunter", "", 0, 3, false, false},
         .turns = {{HELLO_DEFAULT, NO_HELLO}}, .status = WEIR_ERR_REFUSED, .code = "ERR",
         .says = "ERR unknown command `HELLO`");
    PLAY(.who = {"", "hunter", "", 0, 3, false, false},
         .turns = {{HELLO_DEFAULT,
                    "-ERR unknown command 'HELLO', with args beginning with: "
                    "'3' 'AUTH' 'default' 'hunter' \r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "ERR", .says = "ERR unknown command 'HELLO'");
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, "-ERR hunter is no password of anna\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "ERR",
         .says = "peer refused the handshake: ERR ");
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, "-hunter is wrong\r\n"}},
         .status = WEIR_ERR_REFUSED, .says = "peer refused the handshake: ");
}

#define LONG_PASSWORD                                                                      \
    "hunterhunterhunterhunterhunterhunterhunterhunterhunterhunter"                         \
    "hunterhunterhunterhunterhunterhunterhunterhunterhunterhunter"

/* Redis shows 128 bytes of the arguments: the first of a long password. */
static void no_error_repeats_the_beginning_of_a_password(void **state) {
    (void)state;
    PLAY(.who = {"", LONG_PASSWORD, "", 0, 3, false, false},
         .turns = {{"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n"
                    "$120\r\n" LONG_PASSWORD "\r\n",
                    "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' "
                    "'default' 'hunterhunterhunt\r\n"}},
         .status = WEIR_ERR_REFUSED, .code = "ERR", .says = "ERR unknown command 'HELLO'");
}

/* ---- garbage ---- */

static void a_peer_that_is_no_redis_is_named(void **state) {
    (void)state;
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, "SSH-2.0-OpenSSH_9.2\r\n"}},
         .status = WEIR_ERR_PROTOCOL, .says = "at byte 0 of what it sent");
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, "%1\r\n$6\r\nserver\r\nredis\r\n"}},
         .status = WEIR_ERR_PROTOCOL, .says = "at byte 16 of what it sent");
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, "*-7\r\n"}}, .status = WEIR_ERR_PROTOCOL);
    PLAY(.who = ANNA, .turns = {{HELLO_ANNA, "\r\n"}}, .status = WEIR_ERR_PROTOCOL);
}

/* Whole only: a cut within the first bytes hides them from the guess. */
static void http_and_tls_are_recognised(void **state) {
    (void)state;
    const struct talk http = {.who = NOBODY,
                              .turns = {{HELLO, "HTTP/1.1 400 Bad Request\r\n\r\n"}},
                              .status = WEIR_ERR_PROTOCOL,
                              .says = "it speaks HTTP"};
    const struct talk tls = {.who = NOBODY,
                             .turns = {{HELLO, "\x15\x03\x01"}},
                             .status = WEIR_ERR_PROTOCOL,
                             .says = "it speaks TLS"};
    play_once(&http, SIZE_MAX, 0);
    play_once(&http, 4, 0);
    play_once(&tls, SIZE_MAX, 0);
    play_once(&tls, 1, 0);
}

static void garbage_between_the_settings_ends_the_connection(void **state) {
    (void)state;
    PLAY(.who = EVERYTHING,
         .turns = {{HELLO_ANNA, MAP_7}, {SELECT_7 SETNAME SETINFO, OK OK OK "OK\r\n"}},
         .status = WEIR_ERR_PROTOCOL, .server = "redis", .version = "7.0.15", .id = 42);
}

/* ---- what is not there ---- */

static void nothing_is_ready_before_the_last_answer(void **state) {
    (void)state;
    static const char answers[] = OK OK OK OK;
    for (size_t len = 0; len < sizeof answers - 1; len++) {
        char some[sizeof answers];
        memcpy(some, answers, len);
        some[len] = '\0';
        const struct talk talk = {
            .who = EVERYTHING,
            .turns = {{HELLO_ANNA, MAP_7}, {SELECT_7 SETNAME SETINFO, some}}};
        struct play play;
        start_play(&play, &talk, SIZE_MAX, 0);
        assert_status(greet(&play), WEIR_MORE);
        assert_int_equal(play.session.phase, WEIR_PHASE_SELECT);
        stop_play(&play);
    }
}

/* The handshake asks up to five things at once, however few requests the caller wants. */
static void a_low_ceiling_on_requests_does_not_hinder_it(void **state) {
    (void)state;
    const struct talk talk = {
        .who = EVERYTHING,
        .turns = {{HELLO_ANNA, MAP_7}, {SELECT_7 SETNAME SETINFO, OK OK OK OK}},
        .server = "redis",
        .version = "7.0.15",
        .id = 42,
        .protocol = 3};
    struct play play;
    char *at;
    start_play(&play, &talk, SIZE_MAX, 0);
    play.session.unanswered_most = 1;
    check_end(&play);
    assert_status(weir_session_reserve(&play.session, 1, 1, &at), WEIR_OK);
    weir_session_commit(&play.session, 1, WEIR_ANSWER_COUNT, 0, 0);
    assert_status(weir_session_reserve(&play.session, 1, 1, &at), WEIR_ERR_FULL);
    stop_play(&play);
}

static void a_password_that_does_not_fit_is_told_with_the_size(void **state) {
    (void)state;
    static char password[WEIR_GREETING_BYTES + 1];
    memset(password, 'x', sizeof password - 1);
    const struct talk talk = {.who = {.user = "", .password = password, .name = ""}};
    struct play play;
    start_play(&play, &talk, SIZE_MAX, 0);
    assert_status(weir_session_greet(&play.session), WEIR_ERR_LIMIT);
    assert_string_equal(play.session.error.text, "a handshake of more than 1152 bytes");
    assert_int_equal(weir_session_queued(&play.session), 0);
    stop_play(&play);
}

/* MORE where received bytes have no room; what is sent has its own. */
static void every_failing_allocation_is_told(void **state) {
    (void)state;
    const struct talk talk = {
        .who = EVERYTHING,
        .turns = {{HELLO_ANNA, MAP_7}, {SELECT_7 SETNAME SETINFO, OK OK OK OK}}};
    weir_status st = WEIR_ERR_NOMEM;
    for (size_t allowed = 0; st != WEIR_OK; allowed++) {
        struct play play;
        start_play(&play, &talk, 40, 0);
        play.counts.allowed = allowed;
        st = greet(&play);
        assert_true(st == WEIR_OK || st == WEIR_ERR_NOMEM || st == WEIR_MORE);
        assert_true(allowed < 20);
        stop_play(&play);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_asked_first_and_its_map_is_noted),
        cmocka_unit_test(hellos_answer_may_be_an_array_of_pairs),
        cmocka_unit_test(a_password_goes_with_hello_for_the_default_user),
        cmocka_unit_test(a_user_goes_with_the_password),
        cmocka_unit_test(settings_go_in_one_write),
        cmocka_unit_test(errors_of_setinfo_do_not_matter),
        cmocka_unit_test(values_inside_other_values_are_not_facts),
        cmocka_unit_test(attributes_are_not_facts),
        cmocka_unit_test(facts_of_other_types_are_passed_over),
        cmocka_unit_test(texts_that_are_too_long_are_cut),
        cmocka_unit_test(a_client_that_fences_asks_for_its_id_where_hello_does_not_tell),
        cmocka_unit_test(an_answer_without_facts_leaves_them_unknown),
        cmocka_unit_test(pushes_are_passed_over_and_counted),
        cmocka_unit_test(a_server_without_hello_speaks_resp2),
        cmocka_unit_test(auth_alone_can_be_refused),
        cmocka_unit_test(a_server_that_wants_a_password_is_told_apart_without_hello),
        cmocka_unit_test(protocol_2_is_spoken_without_hello),
        cmocka_unit_test(protocol_3_is_spoken_where_it_is_known),
        cmocka_unit_test(protocol_3_is_not_given_up),
        cmocka_unit_test(protocol_3_is_not_given_up_where_hello_answers_with_2),
        cmocka_unit_test(a_wrong_password_is_refused),
        cmocka_unit_test(a_missing_password_is_refused),
        cmocka_unit_test(a_full_server_is_told),
        cmocka_unit_test(a_refusal_may_be_a_bulk_error),
        cmocka_unit_test(a_database_that_is_not_there_is_refused),
        cmocka_unit_test(a_name_that_is_none_is_refused),
        cmocka_unit_test(what_a_user_may_not_do_is_refused_with_advice),
        cmocka_unit_test(an_error_behind_an_attribute_is_one),
        cmocka_unit_test(an_empty_error_is_a_refusal_too),
        cmocka_unit_test(a_servers_words_are_made_printable),
        cmocka_unit_test(no_error_repeats_the_password),
        cmocka_unit_test(no_error_repeats_the_beginning_of_a_password),
        cmocka_unit_test(a_peer_that_is_no_redis_is_named),
        cmocka_unit_test(http_and_tls_are_recognised),
        cmocka_unit_test(garbage_between_the_settings_ends_the_connection),
        cmocka_unit_test(nothing_is_ready_before_the_last_answer),
        cmocka_unit_test(a_low_ceiling_on_requests_does_not_hinder_it),
        cmocka_unit_test(a_password_that_does_not_fit_is_told_with_the_size),
        cmocka_unit_test(every_failing_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
