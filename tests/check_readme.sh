#!/usr/bin/env bash
# The programs in README.md, docs/tls.md, docs/consuming.md and docs/producing.md (```c blocks
# with a main) must compile and link as they stand, the other ```c blocks must compile behind
# the headers that they name no more. The first
# program has 25 lines at most and is examples/first.c, which the tests run.
#   tests/check_readme.sh INCLUDE_FOLDER LIBRARY [FLAG...]     CC names the compiler
# Ends with 77 (skipped) while there is no README.md.
set -euo pipefail

include=$1
library=$2
shift 2
flags=() # those that compiling wants: libraries are for linking
for flag in "$@"; do
    [[ $flag == -l* ]] || flags+=("$flag")
done
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readme=$root/README.md
if ! [ -f "$readme" ]; then
    echo "there is no README.md yet"
    exit 77
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
awk -v folder="$tmp" '
    /^```/ && inside { inside = 0; next }
    /^```c$/ { inside = 1; file = sprintf("%s/block%03d.c", folder, ++count); next }
    inside { print > file }' "$readme" "$root/docs/tls.md" "$root/docs/consuming.md" \
    "$root/docs/producing.md"
if ! awk '/^```/ && inside { exit } inside; /^```c$/ { inside = 1 }' \
    "$root/docs/consuming.md" | diff - <(sed 1,2d "$root/examples/queue.c"); then
    echo "the task queue of docs/consuming.md is not examples/queue.c without its first comment"
    exit 1
fi

programs=0
pieces=0
for program in "$tmp"/*.c; do
    if ! grep -qs '^int main(' "$program"; then
        pieces=$((pieces + 1))
        "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror \
            -Wno-unused-function "-I$include" -include weir/weir.h -include stdio.h \
            -include poll.h -include pthread.h "${flags[@]}" -c "$program" -o "$tmp/piece.o"
        continue
    fi
    programs=$((programs + 1))
    if [ $programs = 1 ] && [ "$(wc -l <"$program")" -gt 25 ]; then
        echo "the first program has more than 25 lines:"
        cat "$program"
        exit 1
    fi
    if [ $programs = 1 ] && ! diff "$program" <(sed 1,2d "$root/examples/first.c"); then
        echo "the first program is not examples/first.c without its first comment"
        exit 1
    fi
    system=()
    grep -q '<pthread.h>' "$program" && system=(-D_POSIX_C_SOURCE=200809L)
    "${CC:-cc}" -std=c11 -pedantic -Wall -Wextra -Werror "${system[@]}" "-I$include" \
        "$program" "$library" "$@" -o "$tmp/program"
done
for example in "$root"/examples/*.c; do
    if [ "$(wc -l <"$example")" -gt 120 ]; then
        echo "$example has more than 120 lines"
        exit 1
    fi
done
echo "programs compiled: $programs, other pieces: $pieces"
[ $programs -gt 0 ]
