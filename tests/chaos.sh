#!/usr/bin/env bash
# Real servers under fire: producers and consumers through a proxy that cuts, stalls and breaks
# to pieces, with servers that are killed, full, paused, emptied. Each run's journal is compared
# with what the server has in the end. Ends in a table, and with 1 if a promise was broken.
#   tests/chaos.sh [--minutes N] [--short] [--seed N] [--jobs N] [--mode MODE] [--json FILE]
#                  [--server NAME ...] [SCENARIO ...]
# Without --minutes and --short: one round of short runs. --short: the same runs each time, in
# less than two minutes. --seed N: every run has that seed; those that broke something say theirs.
# --server: redis-7.0 and the like, of the system and of tests/servers.sh; default: the system's,
# redis-8.6 and valkey-9.1. A SCENARIO that is none lists them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=()
others=()
while [ $# -gt 0 ]; do
    if [ "$1" = --server ] && [ $# -gt 1 ]; then
        wanted+=("$2")
        shift
    else
        others+=("$1")
    fi
    shift
done

tests/need.sh compiler make cmake pkg-config cmocka libssl redis-server

# NAME=PROGRAM of each server that is here.
servers() {
    local program name
    program=$(command -v redis-server)
    name=$("$program" --version | sed -nE 's/.* v=([0-9]+\.[0-9]+).*/\1/p')
    echo "redis-$name=$program"
    { tests/servers.sh ${WEIR_SERVERS:+"$WEIR_SERVERS"} || true; } |
        sed -E 's,.*/([^/]*)-server$,\1=&,'
}

# The wanted ones, as arguments.
choose() {
    local server first=true
    while read -r server; do
        case " ${wanted[*]-} " in
        *" ${server%%=*} "*) printf '%s\n' --server "$server" ;;
        "  ")
            case $first${server%%=*} in
            true* | *redis-8.6 | *valkey-9.1) printf '%s\n' --server "$server" ;;
            esac
            ;;
        esac
        first=false
    done
}

mapfile -t chosen < <(servers | choose)
cmake -S . -B build/tests -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
    -DWEIR_SANITIZE=address,undefined -DWEIR_WERROR=ON \
    -DWEIR_TESTS=ON -DWEIR_EXAMPLES=ON -DWEIR_BENCH=ON >/dev/null
cmake --build build/tests -j "$(nproc)" --target weir-chaos >/dev/null
exec build/tests/tests/weir-chaos "${chosen[@]}" "${others[@]}"
