#!/usr/bin/env bash
# resp/ by itself: compiled without a C library for this machine, 32-bit ARM and big-endian
# s390x, it needs no more than the mem and str functions; and resp-check, built for the
# latter two and run under qemu-user, reads every row of resp_cases.tsv as it does here.
#   tests/freestanding.sh          compiles for the machines whose compiler is installed
#   tests/freestanding.sh --all    for all of them, which must be there, and runs resp-check
#                                  (tests/need.sh cross-arm cross-s390x qemu-user)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/rows.sh

is_all=false
[ "${1:-}" != --all ] || is_all=true
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

failed() {
    echo "$*"
    failures=$((failures + 1))
}

has() { command -v "$1" >/dev/null; }

# ---- what it is made of ----

allowed_headers='stddef|stdint|stdbool|limits|string'
# Division of 64-bit numbers on 32-bit ARM is a part of the compiler (libgcc).
allowed_symbols='(mem|str)[a-z]+|__aeabi_u?l?i?div(mod)?'

check_headers() {
    local others
    others=$(grep -hE '^ *# *include *<' resp/*.[ch] | sort -u |
        grep -vE "<($allowed_headers)\.h>") || true
    [ -z "$others" ] || failed "resp/ includes $others"
}

check_compiler() { # NAME COMPILER NM
    local folder=$tmp/$1 source others
    mkdir "$folder"
    for source in resp/*.c; do
        "$2" -std=c11 -ffreestanding -nostdlib -O2 -Wall -Wextra -Werror -c "$source" \
            -o "$folder/$(basename "$source" .c).o" || failed "$1: $source"
    done
    "$2" -nostdlib -r -o "$folder/all" "$folder"/*.o
    others=$("$3" -u "$folder/all" | awk '{ print $2 }')
    echo "$1: resp/ compiles freestanding and needs: $(tr '\n' ' ' <<<"$others")"
    others=$(grep -vxE "$allowed_symbols" <<<"$others") || true
    [ -z "$others" ] || failed "$1: resp/ needs $others"
}

# ---- what it reads ----

build_resp_check() { # COMPILER PROGRAM
    "$1" -std=c11 -O2 -static -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE \
        fuzz/resp_check.c fuzz/hold.c fuzz/render.c resp/*.c -o "$2"
}

# Output, complaints and exit code for every row, whole and byte by byte.
read_row() { # COMMAND... NAME PROTOCOL INPUT EXPECT CANONICAL
    local command=("${@:1:$#-5}") row=${*: -5:1} protocol=${*: -4:1} chunk code
    for chunk in 131072 1; do
        code=0
        "${command[@]}" "--resp$protocol" --chunk $chunk "$tmp/rows/$row.$protocol" 2>&1 ||
            code=$?
        echo "$row $protocol $chunk: $code"
    done
}

check_rows() { # NAME COMPILER EMULATOR
    build_resp_check "$2" "$tmp/resp-check.$1"
    each_row read_row "$3" "$tmp/resp-check.$1" >"$tmp/read.$1"
    if cmp "$tmp/read.native" "$tmp/read.$1"; then
        echo "$1: reads the rows as this machine does: $(grep -c ': [0-9]*$' "$tmp/read.$1") runs"
    else
        failed "$1: reads rows differently: $(diff "$tmp/read.native" "$tmp/read.$1" | head -4)"
    fi
}

# The first of the commands that is there.
first_of() {
    local command
    for command in "$@"; do
        has "$command" && echo "$command" && return 0
    done
    return 1
}

check_machine() { # NAME PREFIX QEMU_NAME
    local emulator
    if ! has "$2-gcc" && ! $is_all; then
        echo "$1: left out, $2-gcc is not installed"
        return 0
    fi
    check_compiler "$1" "$2-gcc" "$2-nm"
    if $is_all; then
        emulator=$(first_of "qemu-$3-static" "qemu-$3")
        check_rows "$1" "$2-gcc" "$emulator"
    fi
}

check_headers
check_compiler native "${CC:-cc}" nm
if $is_all; then
    mkdir "$tmp/rows"
    write_rows "$tmp/rows"
    build_resp_check "${CC:-cc}" "$tmp/resp-check.native"
    each_row read_row "$tmp/resp-check.native" >"$tmp/read.native"
fi
check_machine arm arm-linux-gnueabihf arm
check_machine s390x s390x-linux-gnu s390x
[ $failures = 0 ] || { echo "$failures failures" && exit 1; }
