#!/usr/bin/env bash
# Tests under valgrind's memcheck, which sees what the sanitizers do not: bytes that nobody has
# written, and what the libraries do with ours. Fails at an error or a leak.
#   tests/memcheck.sh BUILD [--short | TEST...]
# BUILD: a folder that CMake built without sanitizers. TEST: names of tests (test_reader ...);
# default: all that bear to run some thirty times slower. --short: some of each kind.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$(cd "$1" && pwd)
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."

short=(test_reader test_command test_buffer test_decode test_handshake test_session
    test_connect test_names live_add live_read live_group live_reconnect)
# Their time limits, or the bytes that they move, are too much for it.
slow=' live_consumer_chaos live_consumer_hardship live_events live_examples live_large
live_memory live_nap live_producer_limits live_producer_quiet live_random_read live_random_sent
live_tls_examples test_faults test_interrupted test_producer_cuts test_resp_memory test_sizes '

all() {
    local program name
    for program in "$build"/tests/test_* "$build"/tests/live_*; do
        name=${program##*/}
        [[ ${slow//$'\n'/ } == *" $name "* ]] || echo "$name"
    done
}

case ${1-} in
--short) tests=("${short[@]}") ;;
"") mapfile -t tests < <(all) && echo "left out, too slow here:" $slow ;;
*) tests=("$@") ;;
esac

tests/need.sh valgrind redis-server
failed=0
for test in "${tests[@]}"; do
    began=$SECONDS
    # A child that was forked and killed has freed nothing: it is not asked.
    if log=$(timeout 600 valgrind --quiet --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes \
        "$build/tests/$test" 2>&1); then
        echo "$test: passed, $((SECONDS - began)) s"
    else
        echo "$log"
        echo "$test: FAILED"
        failed=$((failed + 1))
    fi
done
echo "memcheck: $failed of ${#tests[@]} programs failed"
[ $failed = 0 ]
