#!/usr/bin/env bash
# The live tests on worse roads than the straight one (tests/road.h): through a proxy that
# passes on a byte at a time, over TLS, and under SIGALRM a thousand times a second. Says what
# cannot go there, and why. Fails if a test fails.
#   tests/roads.sh BUILD [ROAD...]     BUILD: a folder that tests/run.sh built;
#                                      ROAD: pieces, tls, alarm; default: all
set -euo pipefail
build=$1
shift
[ $# -gt 0 ] || set -- pieces tls alarm
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Those with a road of their own, which all of these would leave out.
own_road='tls|tls_wire|tls_examples|proxy'
# Megabytes, which would take minutes a byte at a time.
large='add|block|events|examples|large|memory|pages|pipeline|loop|nap|write|transport|server|reconnect'

# Runs `live_WANTED` but for `live_UNWANTED` on that road; says how many there were.
try() { # ROAD WANTED UNWANTED
    local log status=0 began=$SECONDS
    log=$(WEIR_TEST_ROAD=$1 ctest --test-dir "$build" --output-on-failure -j 2 --timeout 120 \
        -R "^live_($2)\$" -E "^live_($own_road|$3)\$" 2>&1) || status=$?
    if [ $status != 0 ] || ! grep -q 'tests passed, 0 tests failed' <<<"$log" ||
        grep -q 'Skipped' <<<"$log"; then
        echo "$log"
        echo "FAILED: $1"
        failed=1
        return
    fi
    echo "$1: $(grep 'tests passed' <<<"$log" | sed 's/.* out of //') programs passed," \
        "in $((SECONDS - began)) s"
}

echo "left out on each road: live_($own_road), which have their own"
failed=0
for road in "$@"; do
    case $road in
    pieces)
        echo "left out: live_(auth|lost), which look for the server's own address in texts;"
        echo "in pieces of 1 to 1000 bytes, since they move megabytes: live_($large)"
        try "pieces both 1" '.*' "auth|lost|$large"
        try "pieces both random 1000" "$large" auth
        ;;
    tls)
        echo "left out: live_(auth|lost), which make URLs of the socket's path, and"
        echo "live_transport, whose transport speaks TCP"
        "$here"/need.sh openssl
        "$here"/make_certs.sh "$folder"
        export WEIR_TEST_CERTS=$folder SSL_CERT_FILE=$folder/ca.pem
        try tls '.*' 'auth|lost|transport'
        unset SSL_CERT_FILE
        ;;
    alarm)
        echo "left out: live_examples, which reads from other programs by stdio"
        try alarm '.*' examples
        ;;
    *)
        echo "roads.sh: no road $road" >&2
        exit 2
        ;;
    esac
done
exit $failed
