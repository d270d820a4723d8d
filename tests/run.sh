#!/usr/bin/env bash
# Everything that must hold: installs what is missing (Debian), builds with warnings as
# errors and with sanitizers into build/tests, and runs all tests.
#   tests/run.sh [CTEST ARGUMENT...]     for example: tests/run.sh -R reader
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/need.sh compiler c++ make cmake pkg-config cmocka hiredis openssl libssl \
    libuv redis-server

echo "== configuring build/tests"
cmake -S . -B build/tests -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
    -DWEIR_SANITIZE=address,undefined -DWEIR_WERROR=ON \
    -DWEIR_TESTS=ON -DWEIR_EXAMPLES=ON -DWEIR_BENCH=ON
echo "== building"
cmake --build build/tests -j "$(nproc)"
echo "== testing"
exec ctest --test-dir build/tests --output-on-failure -j 2 "$@"
