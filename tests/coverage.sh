#!/usr/bin/env bash
# How much of resp/ its own tests run: prints lines and branches a file, and ends with 1
# unless they run every line and take at least 95 % of the branches. Needs gcc and gcov.
#   tests/coverage.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/gcov.sh
tests/need.sh compiler make cmake pkg-config cmocka

folder=build/coverage
configure_coverage $folder -DWEIR_FUZZ=OFF
reset_coverage $folder
cmake --build $folder -j "$(nproc)" --target resp_tests
ctest --test-dir $folder --output-on-failure -j 2 -L '^resp$' >$folder/ctest.log ||
    { cat $folder/ctest.log && exit 1; }
tail -n 3 $folder/ctest.log
report_coverage $folder 100 95
