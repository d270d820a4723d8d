#!/usr/bin/env bash
# All that has to do with threads, under the thread sanitizer: who wakes whom, names that are
# looked up aside, clients, producers and consumers in several threads. Builds what it needs.
#   tests/threads.sh [TEST...]     default: the list below
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests=(test_wake test_names test_connect test_interrupted live_cancel live_threads
    live_consumer live_producer_limits)
[ $# = 0 ] || tests=("$@")

tests/need.sh compiler make cmake pkg-config cmocka libssl redis-server
cmake -S . -B build/threads -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
    -DWEIR_SANITIZE=thread -DWEIR_WERROR=ON -DWEIR_TESTS=ON -DWEIR_FUZZ=OFF \
    -DWEIR_EXAMPLES=OFF -DWEIR_BENCH=OFF -DWEIR_INSTALL=OFF >/dev/null
cmake --build build/threads -j "$(nproc)" --target "${tests[@]}" >/dev/null

# A child of fork() may make threads too. setarch, where it is allowed: GCC 12's sanitizer
# does not know where a kernel that spreads addresses wider puts things.
export TSAN_OPTIONS="die_after_fork=0:halt_on_error=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
fixed=()
setarch -R true 2>/dev/null && fixed=(setarch -R)
failed=0
for test in "${tests[@]}"; do
    began=$SECONDS
    if log=$(timeout 300 "${fixed[@]}" "build/threads/tests/$test" 2>&1); then
        echo "$test: passed, $((SECONDS - began)) s"
    else
        echo "$log"
        echo "$test: FAILED"
        failed=$((failed + 1))
    fi
done
echo "threads: $failed of ${#tests[@]} programs failed"
[ $failed = 0 ]
