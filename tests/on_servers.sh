#!/usr/bin/env bash
# The live tests on every server that can be had, on RESP2 and RESP3: the system's own and those
# of tests/servers.sh. Fails if a test fails, or if a server is there and no test ran on it.
#   tests/on_servers.sh BUILD [CTEST ARGUMENT...]     BUILD: a folder that tests/run.sh built
# WEIR_SERVERS: the folder of the servers. What does not depend on the server's kind (a lost
# connection, memory, examples) runs on the system's alone, with all other tests.
set -euo pipefail

build=$1
shift
here=$(dirname "${BASH_SOURCE[0]}")
same_everywhere='live_(examples|events|large|lost|memory|pipeline|random_sent)$'

"$here"/need.sh redis-server
servers=$(command -v redis-server)
fetched=$("$here"/servers.sh ${WEIR_SERVERS:+"$WEIR_SERVERS"}) || fetched=""
[ -z "$fetched" ] || servers+=$'\n'$fetched

# Runs on one server; says which it is, and how many test programs ran.
try() { # SERVER
    local log status=0
    log=$(WEIR_TEST_SERVER=$1 ctest --test-dir "$build" --output-on-failure -j 2 \
        -R '^live_' -E "$same_everywhere" "${@:2}" 2>&1) || status=$?
    if [ $status = 0 ] && grep -q 'tests passed, 0 tests failed' <<<"$log" &&
        ! grep -q 'Skipped' <<<"$log"; then
        echo "passed: $(grep 'tests passed' <<<"$log" | sed 's/.* out of //') programs"
        return 0
    fi
    echo "$log"
    return 1
}

failed=0
while read -r server; do
    echo "== $("$server" --version | sed -E 's/ sha=.*//')"
    try "$server" "$@" || failed=1
done <<<"$servers"
exit $failed
