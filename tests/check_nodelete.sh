#!/usr/bin/env bash
# The shared library stays where it is after dlclose: the thread of a lookup that hangs runs
# in its code.
#   tests/check_nodelete.sh SHARED_LIBRARY
set -euo pipefail

readelf -d "$1" | grep -q 'FLAGS_1.*NODELETE' || {
    echo "dlclose may unload $1"
    exit 1
}
