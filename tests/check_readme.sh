#!/usr/bin/env bash
# The programs in README.md (```c blocks with a main) must compile and link as they stand,
# and the first of them has 25 lines at most.
#   tests/check_readme.sh INCLUDE_FOLDER LIBRARY [FLAG...]     CC names the compiler
# Ends with 77 (skipped) while there is no README.md.
set -euo pipefail

include=$1
library=$2
shift 2
readme=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/README.md
if ! [ -f "$readme" ]; then
    echo "there is no README.md yet"
    exit 77
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
awk -v folder="$tmp" '
    /^```/ && inside { inside = 0; next }
    /^```c$/ { inside = 1; file = sprintf("%s/block%03d.c", folder, ++count); next }
    inside { print > file }' "$readme"

programs=0
for program in "$tmp"/*.c; do
    grep -qs '^int main(' "$program" || continue
    programs=$((programs + 1))
    if [ $programs = 1 ] && [ "$(wc -l <"$program")" -gt 25 ]; then
        echo "the first program has more than 25 lines:"
        cat "$program"
        exit 1
    fi
    "${CC:-cc}" -std=c11 -pedantic -Wall -Wextra -Werror "-I$include" "$program" "$@" \
        "$library" -o "$tmp/program"
done
echo "programs compiled: $programs"
[ $programs -gt 0 ]
