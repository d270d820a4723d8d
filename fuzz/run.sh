#!/usr/bin/env bash
# Fuzzes with AFL++: installs what is missing (Debian), builds the harnesses with sanitizers
# into build/fuzz, runs each for a while, and reports what came of it.
#   fuzz/run.sh [HARNESS...] [--minutes N] [--jobs N] [--seeds FOLDER] [--build-only]
# HARNESS: a name such as reader; default: all of fuzz/fuzz_*.c.
# --minutes: how long each one runs; default 1.
# --jobs: how many run at the same time; default: as many as there are processors.
# --seeds: more inputs to begin with, of your own.
# Ends with 1 if anything was found: the inputs are in build/fuzz/found/HARNESS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'
    exit "$1"
}

harnesses=()
minutes=1
jobs=$(nproc)
seeds=
build_only=false
while [ $# -gt 0 ]; do
    case $1 in
    --minutes | --jobs | --seeds)
        [ $# -ge 2 ] || usage 64 >&2
        declare "${1#--}=$2"
        shift
        ;;
    --build-only) build_only=true ;;
    --help | -h) usage 0 ;;
    -*) usage 64 >&2 ;;
    *) harnesses+=("$1") ;;
    esac
    shift
done
if ! [[ $minutes =~ ^[0-9]+$ && $jobs =~ ^[1-9][0-9]*$ ]]; then
    usage 64 >&2
fi
if [ ${#harnesses[@]} = 0 ]; then
    for file in fuzz/fuzz_*.c; do
        name=${file#fuzz/fuzz_}
        harnesses+=("${name%.c}")
    done
fi
for name in "${harnesses[@]}"; do
    if [ ! -f "fuzz/fuzz_$name.c" ]; then
        echo "there is no fuzz/fuzz_$name.c" >&2
        exit 64
    fi
done

tests/need.sh compiler make cmake afl++

build() {
    export AFL_USE_ASAN=1 AFL_USE_UBSAN=1 AFL_QUIET=1
    cmake -S . -B build/fuzz -DCMAKE_C_COMPILER=afl-clang-fast -DCMAKE_BUILD_TYPE=Release \
        -DWEIR_FUZZ=ON -DWEIR_TESTS=OFF -DWEIR_EXAMPLES=OFF -DWEIR_BENCH=OFF \
        -DWEIR_INSTALL=OFF >build/fuzz.log 2>&1 &&
        cmake --build build/fuzz --target harnesses -j "$(nproc)" >>build/fuzz.log 2>&1
}
mkdir -p build
echo "== building build/fuzz"
if ! build; then
    cat build/fuzz.log >&2
    exit 1
fi
unset AFL_QUIET
! $build_only || exit 0

# A container lets nobody set the processor's speed or where cores are dumped, and other work
# may hold the processors. Sanitizers need much address space, and abort where they find.
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1
export AFL_NO_UI=1 AFL_IGNORE_PROBLEMS=1 AFL_FORKSRV_INIT_TMOUT=60000 AFL_AUTORESUME=0

# A figure of a harness's fuzzer_stats; 0 until there are any.
stat_of() {
    local value
    value=$(sed -n "s/^$2 *: *//p" "build/fuzz/out/$1/default/fuzzer_stats" 2>/dev/null || true)
    echo "${value:-0}"
}

# Inputs to begin with: the corpus, and what is given.
gather_seeds() {
    local name=$1 folder=build/fuzz/seeds/$1 from
    rm -rf "$folder"
    mkdir -p "$folder"
    for from in "fuzz/corpus/$name" ${seeds:+"$seeds"}; do
        [ ! -d "$from" ] || find "$from" -maxdepth 1 -type f -size -64k -exec cp -t "$folder" {} +
    done
    [ -n "$(ls "$folder")" ] || printf '+OK\r\n' >"$folder/ok"
}

run_one() {
    local name=$1
    rm -rf "build/fuzz/out/$name"
    mkdir -p "build/fuzz/out/$name" "build/fuzz/found/$name"
    gather_seeds "$name"
    local words=fuzz/resp.dict
    [ "$name" != url ] || words=fuzz/url.dict
    exec afl-fuzz -i "build/fuzz/seeds/$name" -o "build/fuzz/out/$name" -x "$words" -m none \
        -t 2000+ -G 8192 -V $((minutes * 60)) -- "build/fuzz/fuzz/fuzz_$name" \
        >"build/fuzz/out/$name.log" 2>&1
}

# A machine that pauses for longer than afl-fuzz waits makes any input look like a hang: one
# that ends in that time when it is tried alone is told, and is no find.
is_a_pause() {
    local name=$1 file=$2
    [[ $file = */hangs/* ]] && timeout 2 "build/fuzz/fuzz/fuzz_$name" "$file" >/dev/null 2>&1
}

# Each input that was found, by a name that stays the same.
keep_finds() {
    local name=$1 file kind kept
    for file in "build/fuzz/out/$name/default"/{crashes,hangs}/id*; do
        [ -f "$file" ] || continue
        if is_a_pause "$name" "$file"; then
            echo "  $name: an input took over 2 s once, and ends at once when tried alone"
            continue
        fi
        kind=crash
        [[ $file != */hangs/* ]] || kind=hang
        kept=build/fuzz/found/$name/$kind-$(sha256sum <"$file" | cut -c1-12)
        cp "$file" "$kept"
        found+=("$name $kept")
    done
}

# What a find does, and its bytes: a log alone is then enough to try it elsewhere.
show_find() {
    local name=$1 file=$2
    echo "-- $file, in base64:"
    head -c 4096 "$file" | base64
    echo "-- what it does:"
    timeout 20 "build/fuzz/fuzz/fuzz_$name" "$file" 2>&1 | tail -n 20 || true
}

report() {
    local name=$1 note=
    if [ "$(stat_of "$name" execs_done)" = 0 ]; then
        note="  did not run:"
        failed=true
    fi
    printf '%-14s %12s %9s %7s %8s %6s%s\n' "$name" "$(stat_of "$name" execs_done)" \
        "$(stat_of "$name" execs_per_sec)" "$(stat_of "$name" corpus_count)" \
        "$(stat_of "$name" saved_crashes)" "$(stat_of "$name" saved_hangs)" "$note"
    [ -z "$note" ] || tail -n 30 "build/fuzz/out/$name.log"
    keep_finds "$name"
}

# On a terminal: what is running now.
show_progress() {
    local name line=
    for name in "${!running[@]}"; do
        line+="$name $(stat_of "$name" execs_done)  "
    done
    printf '\r\033[K%s' "${line:0:${COLUMNS:-100}}"
}

failed=false
found=()
declare -A running=()

# Waits until less than $1 harnesses run.
wait_below() {
    local name
    while [ ${#running[@]} -ge "$1" ]; do
        for name in "${!running[@]}"; do
            if ! kill -0 "${running[$name]}" 2>/dev/null; then
                wait "${running[$name]}" || true
                unset "running[$name]"
                [ ! -t 1 ] || printf '\r\033[K'
                report "$name"
            fi
        done
        [ ! -t 1 ] || show_progress
        [ ${#running[@]} -lt "$1" ] || sleep 1
    done
}

stop_all() {
    local name
    for name in "${!running[@]}"; do
        kill "${running[$name]}" 2>/dev/null || true
    done
    exit 130
}
trap stop_all INT TERM

echo "== fuzzing: ${#harnesses[@]} harnesses, $minutes min each, $jobs at a time"
printf '%-14s %12s %9s %7s %8s %6s\n' harness executions per_sec corpus crashes hangs
for name in "${harnesses[@]}"; do
    wait_below "$jobs"
    run_one "$name" &
    running[$name]=$!
done
wait_below 1

if [ ${#found[@]} -gt 0 ]; then
    echo "Found something:"
    for find in "${found[@]}"; do
        show_find "${find%% *}" "${find#* }"
    done
    exit 1
fi
! $failed || exit 1
