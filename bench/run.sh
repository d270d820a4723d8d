#!/usr/bin/env bash
# The benchmark: installs what is missing (Debian), builds weir-bench into build/bench and
# runs it. It starts a redis-server of its own.
#   bench/run.sh [ARGUMENT...]     bench/run.sh --help names them
# The report is on stdout; all that stands before it is on stderr.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

{
    "$root/tests/need.sh" compiler make cmake pkg-config hiredis libssl openssl redis-server

    echo "== building build/bench/weir-bench"
    cmake -S "$root" -B "$root/build/bench" -DCMAKE_BUILD_TYPE=Release \
        -DWEIR_BENCH=ON -DWEIR_TESTS=OFF -DWEIR_EXAMPLES=OFF --log-level=WARNING
    cmake --build "$root/build/bench" -j "$(nproc)" --target weir-bench
} >&2

exec "$root/build/bench/weir-bench" "$@"
