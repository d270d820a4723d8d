#!/usr/bin/env bash
# A library that was built without threads must not know how to make one.
#   tests/check_no_threads.sh STATIC_LIBRARY
set -euo pipefail

names=$(nm "$1" | awk 'NF > 1 { print $NF }')
grep -q '^weir_aside_run$' <<<"$names" || {
    echo "$1 has no weir_aside_run: is it a library of weir's?"
    exit 1
}
if grep -E '^(pthread_create|thrd_create|clone3?|v?fork)$' <<<"$names"; then
    echo "$1 knows how to make a thread"
    exit 1
fi
