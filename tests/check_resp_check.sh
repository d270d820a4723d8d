#!/usr/bin/env bash
# resp-check reads every row of resp_cases.tsv as the table says, however it is cut, says on
# standard error where and why it stopped, and streams: in little memory, as it comes.
#   tests/check_resp_check.sh PROGRAM
set -euo pipefail

program=$1
source "$(dirname "${BASH_SOURCE[0]}")/rows.sh"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

failed() {
    echo "$*"
    failures=$((failures + 1))
}

# Runs the program; leaves its output in $out, what it said in $said, its exit code in $code.
run() {
    code=0
    out=$("$program" "$@" 2>"$tmp/said") || code=$?
    said=$(<"$tmp/said")
}

expect_code() { # WHAT CODE
    [ "$code" = "$2" ] || failed "$1: exit code $code, expected $2; it said: $said"
}

# ---- the rows ----

# True if $out is one of the alternatives; the class of an error is advisory.
is_expected() { # ALTERNATIVES
    local rest="$1 || " one
    while [ -n "$rest" ]; do
        one=${rest%% || *}
        rest=${rest#*" || "}
        case $one in
        *'!!'*) [[ $out == "${one%%\!\!*}!!"* ]] && return 0 ;;
        *) [ "$out" = "$one" ] && return 0 ;;
        esac
    done
    return 1
}

# The end of the output decides the exit code, and what standard error says.
check_end() { # WHAT INPUT_BYTES
    local expected=0 form=''
    case $out in
    *...) expected=3 form="byte $2: the input ends inside the value that begins at byte" ;;
    *!![A-Z]*) expected=2 form='byte [0-9]+: .*in the value that begins at byte' ;;
    esac
    expect_code "$1" $expected
    if [ -z "$form" ]; then
        [ -z "$said" ] || failed "$1: said: $said"
    elif ! [[ $said =~ ^resp-check:\ .*:\ $form\ [0-9]+\)?$ ]]; then
        failed "$1: said: $said"
    fi
}

runs=0
check_row() { # NAME PROTOCOL INPUT EXPECT CANONICAL
    local file=$tmp/rows/$1.$2 chunk whole= size
    size=$(stat -c %s "$file")
    for chunk in 131072 1 3; do
        run "--resp$2" --chunk "$chunk" "$file"
        runs=$((runs + 1))
        check_end "$1, protocol $2, pieces of $chunk" "$size"
        is_expected "$5" || failed "$1, protocol $2: got $out, expected $5"
        [ -z "$whole" ] || [ "$out$said" = "$whole" ] ||
            failed "$1, protocol $2, pieces of $chunk: $out $said, but whole: $whole"
        whole=$out$said
    done
}

mkdir "$tmp/rows"
write_rows "$tmp/rows"
each_row check_row
echo "$runs runs over the rows"

# ---- from where and with what ----

printf '*1\r\n:1\r\n_\r\n' >"$tmp/input"
run <"$tmp/input"
expect_code "standard input" 0
[ "$out" = '*[:1] ; _' ] || failed "standard input: $out"
run - <"$tmp/input"
[ "$out" = '*[:1] ; _' ] || failed "-: $out"
run --resp2 "$tmp/input"
expect_code "--resp2" 2
[ "$out" = '*[:1] ; !!BAD_TYPE' ] || failed "--resp2: $out"
[[ $said == *'byte 8: expected a type byte of RESP, got "_\x0d\x0a"'* ]] ||
    failed "--resp2 said: $said"
run </dev/null
expect_code "nothing" 0
[ -z "$out" ] || failed "nothing: $out"
run "$tmp/none"
expect_code "no such file" 66
[[ $said == *"$tmp/none"* ]] || failed "no such file: said: $said"
run "$tmp"
expect_code "a folder" 66
run --help
expect_code "--help" 0

for wrong in '--chunk 0' '--chunk -1' '--chunk 1x' '--chunk' '--what' "$tmp/input $tmp/input" \
    '--chunk 99999999999999999999'; do
    # shellcheck disable=SC2086
    run $wrong
    expect_code "$wrong" 64
    [ -n "$said" ] && [ -z "$out" ] || failed "$wrong: printed \"$out\", said \"$said\""
done
if [ -e /dev/full ]; then
    code=0
    "$program" "$tmp/input" >/dev/full 2>"$tmp/said" || code=$?
    said=$(<"$tmp/said")
    expect_code "a full disk" 74
fi

# ---- it streams ----

# A value that is larger than the pieces, and one that never ends.
bulk() { printf '$%d\r\n' "$1" && head -c "$1" /dev/zero | tr '\0' 'a' && printf '\r\n'; }

bulk 3000000 | "$program" | tr -d a >"$tmp/large"
[ "$(<"$tmp/large")" = '$""' ] || failed "a large string: $(head -c 100 "$tmp/large")"
bulk 300000 >"$tmp/input"
{ cat "$tmp/input" && head -c 200000 "$tmp/input"; } >"$tmp/half"
run "$tmp/half"
tr -d a <<<"$out" >"$tmp/large"
[ "$(<"$tmp/large")" = '$"" ; ...' ] || failed "half of one: $(head -c 100 "$tmp/large")"

# What is there is printed before the rest has come.
coproc reading { exec "$program" 2>/dev/null; }
reading_pid=$reading_PID
printf '+first\r\n+sec' >&"${reading[1]}"
read -r -t 60 -N 8 -u "${reading[0]}" out || failed "nothing is printed before the input ends"
[ "$out" = '+"first"' ] || failed "before the input ends: $out"
eval "exec ${reading[1]}>&-"
wait "$reading_pid" || true

# A sanitizer needs more address space than this.
little_kib=32768
if (ulimit -v $little_kib && "$program" --help || exit 1) >/dev/null 2>&1; then
    bulk 1000000 >"$tmp/megabyte"
    {
        for ((i = 0; i < 60; i++)); do cat "$tmp/megabyte"; done
        bulk 60000000
    } | (ulimit -v $little_kib && "$program") | tr -d a | tail -c 9 >"$tmp/large"
    [ "$(<"$tmp/large")" = '"" ; $""' ] || failed "in little memory: $(<"$tmp/large")"
else
    echo "the program does not start in $little_kib KiB: its memory was not looked at"
fi

[ $failures = 0 ] || { echo "$failures failures" && exit 1; }
