#!/usr/bin/env bash
# The benchmark as its user meets it: the report for programs has what was promised, and
# nothing is left behind, whether it ends by itself, by Ctrl-C, or because its server dies.
#   tests/check_bench.sh WEIR-BENCH
set -euo pipefail
set -m # a job in the background then minds SIGINT, as one in the foreground does
program=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/run"

failed() {
    echo "check_bench: $*" >&2
    exit 1
}

# A process and all below it.
family() {
    echo "$1"
    local child
    for child in $(pgrep -P "$1" || true); do
        family "$child"
    done
}

still_running() {
    local pid
    for pid in $members; do
        if kill -0 "$pid" 2>/dev/null; then
            echo "$pid"
        fi
    done
}

nothing_is_left() {
    local tries=0
    while [ -n "$(still_running)" ] && [ $tries -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ -z "$(still_running)" ] || failed "$1: still running: $(still_running)"
    [ -z "$(ls -A "$tmp/run")" ] || failed "$1: left behind: $(ls "$tmp/run")"
    echo "check_bench: $1: nothing is left behind"
}

# ---- the report ----

began=$SECONDS
TMPDIR="$tmp/run" "$program" --quick --json "$tmp/report.json" >"$tmp/table"
[ $((SECONDS - began)) -lt "${QUICK_SECONDS:-60}" ] || failed "--quick took $((SECONDS - began)) s"
members=
nothing_is_left "after a whole run"
for key in '"weir": {' '"version"' '"compiler"' '"server": {' '"scenarios": [' \
    '"name": "produce.unix"' '"name": "read.xrange"' '"unit": "entries/s"' '"floor"' \
    '"peers": {' '"hiredis"' '"cpu_ns_per_entry": {' '"allocations_per_entry"' \
    '"system_calls_per_entry"' '"bytes_sent_per_entry"'; do
    grep -qF "$key" "$tmp/report.json" || failed "the report lacks $key"
done
for word in produce.unix read.xrange floor hiredis; do
    grep -qF "$word" "$tmp/table" || failed "the table lacks $word"
done

# ---- every scenario ----

# Few entries are enough to see that each one works and is verified.
TMPDIR="$tmp/run" "$program" --all --quick --rounds 1 --entries 1000 \
    --json "$tmp/report.json" >"$tmp/table" 2>"$tmp/errors" ||
    failed "--all: $(cat "$tmp/errors")"
for name in $("$program" --help | sed -n '/^names: /,$p' | sed 's/^names://'); do
    [ "$name" = job ] || grep -qF "\"name\": \"$name\"" "$tmp/report.json" ||
        grep -qF "$name is left out" "$tmp/errors" || failed "--all lacks $name"
done
nothing_is_left "after all scenarios"

# ---- ended from outside ----

# Starts the job in the background, and notes its processes once its server is at work.
start_job() {
    TMPDIR="$tmp/run" "$program" job --entries 5000000 >/dev/null 2>"$tmp/errors" &
    bench=$!
    local tries=0
    while [ -z "$(ls -A "$tmp/run")" ] && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    sleep 1
    members=$(family "$bench")
    server=$(pgrep -x redis-server -P "$(tr '\n' ',' <<<"$members" | sed 's/,$//')" || true)
    [ -n "$server" ] || failed "no server was started: $(cat "$tmp/errors")"
}

for signal in INT TERM HUP; do
    start_job
    kill -s "$signal" "$bench"
    status=0
    wait "$bench" || status=$?
    [ $status -gt 128 ] || failed "SIG$signal: ended with $status"
    nothing_is_left "after SIG$signal"
done

start_job
kill -KILL "$server"
status=0
wait "$bench" || status=$?
[ $status -ne 0 ] || failed "its server was killed, and it ended with 0"
nothing_is_left "after its server was killed"
