#!/usr/bin/env bash
# The live tests on a worse road to the server than the straight one (tests/road.h). Says what
# is left out there, and why; a line for each test, and a sum. Fails if a test fails.
#   tests/roads.sh BUILD ROAD [--short | TEST...]
# BUILD: a folder that CMake built, with or without sanitizers. ROAD: one of
#   tls      over TLS
#   alarm    SIGALRM comes a thousand times a second
#   pieces   through the proxy, which passes on one byte at a time, both ways
# TEST: names of tests (live_add ...), whatever is left out. --short: not those that take long
# on that road.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$1
road=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

out=()
leave_out() { # WHY TEST...
    printf 'left out, since %s:' "$1"
    printf ' %s' "${@:2}"
    echo
    out+=("${@:2}")
}

long=(live_large live_memory live_loop live_pages live_pipeline live_events live_lost live_reconnect live_examples)
leave_out "they make TLS or a proxy of their own, and go no other road" \
    live_tls live_tls_wire live_tls_examples live_proxy
case $road in
tls)
    leave_out "their own transports look into the bytes or speak TCP" \
        live_consumer_lost live_consumer_told live_transport
    "$here"/need.sh openssl redis-server
    "$here"/make_certs.sh "$folder"
    export WEIR_TEST_ROAD=tls WEIR_TEST_CERTS=$folder SSL_CERT_FILE=$folder/ca.pem
    ;;
alarm)
    "$here"/need.sh redis-server
    export WEIR_TEST_ROAD=alarm
    ;;
pieces)
    "$here"/need.sh redis-server
    export WEIR_TEST_ROAD="pieces both 1"
    ;;
*)
    echo "roads.sh: no road $road" >&2
    exit 2
    ;;
esac
export WEIR_TEST_SEED=${WEIR_TEST_SEED:-1} # what is new is the road, not the commands
join() { local IFS='|'; echo "$*"; }
if [ "${1-}" = --short ]; then
    leave_out "they take long here, and the whole is for another time" "${long[@]}"
    shift
fi
chosen=(-R '^live_' -E "^($(join "${out[@]}"))\$")
[ $# = 0 ] || chosen=(-R "^($(join "$@"))\$")

status=0
began=$SECONDS
ctest --test-dir "$build" --output-on-failure -j 2 --timeout 300 "${chosen[@]}" 2>&1 |
    tee "$folder/log" |
    sed -unE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) \.* *(.*)/\1: \2/p' || status=$?
if [ $status != 0 ] || ! grep -q 'tests passed, 0 tests failed' "$folder/log" ||
    grep -q 'Skipped' "$folder/log"; then
    cat "$folder/log"
    echo "FAILED: $road"
    exit 1
fi
echo "$road: $(sed -n '/tests passed/s/.* out of //p' "$folder/log") programs passed," \
    "in $((SECONDS - began)) s"
