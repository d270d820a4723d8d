#!/usr/bin/env bash
# How much of resp/ the committed corpora reach: replays each through its harness, and
# prints lines and branches a file. Needs gcc and gcov.
#   fuzz/coverage.sh [HARNESS...]     without the fuzz_ before their names; default: all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/gcov.sh
tests/need.sh compiler make cmake

folder=build/fuzz-coverage
configure_coverage $folder -DWEIR_FUZZ=ON -DWEIR_TESTS=OFF
reset_coverage $folder
cmake --build $folder -j "$(nproc)" --target harnesses

for program in "$folder"/fuzz/fuzz_*; do
    name=${program##*/fuzz_}
    [ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
    if ! [ -d "fuzz/corpus/$name" ]; then
        echo "$name: has no corpus"
        continue
    fi
    echo "$name: $(find "fuzz/corpus/$name" -type f | wc -l) inputs"
    "$program" "fuzz/corpus/$name" >$folder/replay.log 2>&1 ||
        { tail -n 20 $folder/replay.log && exit 1; }
done
report_coverage $folder 0 0
