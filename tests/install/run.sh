#!/usr/bin/env bash
# Installs a build of weir into a temporary folder and uses it as a stranger would.
#   tests/install/run.sh BUILD SANITIZERS HEADER...
# SANITIZERS: what BUILD was made with (WEIR_SANITIZE), "" for none. HEADERs: the public
# ones, as they stand behind <weir/...>. CC, CXX and CMAKE name the tools.
set -euo pipefail

build=$1
sanitize=$2
shift 2
headers=("$@")

here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
cc=${CC:-cc}
cxx=${CXX:-c++}
cmake=${CMAKE:-cmake}

flags=()
[ -z "$sanitize" ] || flags=("-fsanitize=$sanitize")
export CC=$cc CFLAGS="${flags[*]}" LDFLAGS="${flags[*]}"
unset DESTDIR CMAKE_PREFIX_PATH

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
stage=$tmp/stage
root=$stage/opt/weir
version=$(sed -n 's/^#define WEIR_VERSION "\(.*\)"$/\1/p' "$source/resp/base.h")

say() { echo "-- $*"; }
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Runs a consumer and compares what it prints.
expect_greeting() {
    local printed
    printed=$(LD_LIBRARY_PATH="$root/lib" "$@") || fail "$1 does not run"
    [ "$printed" = "weir $version read 1526919030474-55" ] || fail "$1 printed: $printed"
}

needs_shared_library() { readelf -d "$1" | grep -q 'NEEDED.*\[libweir\.so\.0\]'; }

check_files() {
    say "the installed files are the promised ones"
    {
        printf 'include/weir/%s\n' "${headers[@]}"
        printf 'lib/%s\n' libweir.a libweir.so libweir.so.0 "libweir.so.$version" \
            pkgconfig/weir.pc cmake/weir/weir-{config,config-version,targets}.cmake
    } | sort >"$tmp/promised"
    (cd "$stage" && find . ! -type d) |
        sed -e 's,^\./opt/weir/,,' -e '/weir-targets-[a-z]*\.cmake$/d' | sort >"$tmp/present"
    diff -u "$tmp/promised" "$tmp/present" || fail "other files were installed"
    readelf -d "$root/lib/libweir.so" | grep -q 'SONAME.*\[libweir\.so\.0\]' ||
        fail "the shared library's name is not libweir.so.0"
}

# The functions that the installed headers declare WEIR_API, one a line.
declared_names() {
    printf '#include <weir/%s>\n' "${headers[@]}" |
        "$cc" -std=c11 -E -P -I"$root/include" -x c - | tr '\n' ' ' | tr ';}' '\n\n' |
        sed -n 's/.*visibility("default"))) *\([^(]*\)(.*/\1/p' | sed 's/.*[ *]//' | sort
}

check_symbols() {
    say "the libraries define what the headers declare, and nothing else"
    declared_names >"$tmp/declared"
    grep -q . "$tmp/declared" || fail "no declarations were found"
    nm -D --defined-only "$root/lib/libweir.so" | awk '{ print $NF }' |
        sort >"$tmp/exported"
    diff -u "$tmp/declared" "$tmp/exported" || fail "libweir.so exports other names"
    if nm -g --defined-only "$root/lib/libweir.a" | awk 'NF == 3 { print $3 }' |
        grep -Ev '^(weir_|__)'; then
        fail "libweir.a defines names that do not begin with weir_"
    fi
}

check_headers() {
    local strict=(-pedantic-errors -Wall -Wextra -Wconversion -Wsign-conversion -Wundef
        -Werror -fsyntax-only "-I$root/include")
    local header
    for header in "${headers[@]}"; do
        say "<weir/$header> alone, as C11 and C++17"
        echo "#include <weir/$header>" >"$tmp/alone.c"
        cp "$tmp/alone.c" "$tmp/alone.cc"
        "$cc" -std=c11 "${strict[@]}" "$tmp/alone.c" || fail "<weir/$header> as C11"
        [ -z "$cxx" ] || "$cxx" -std=c++17 "${strict[@]}" "$tmp/alone.cc" ||
            fail "<weir/$header> as C++17"
    done
}

check_pkg_config() {
    local from_pc=(env "PKG_CONFIG_SYSROOT_DIR=$stage" "PKG_CONFIG_PATH=$root/lib/pkgconfig"
        pkg-config)
    local compile libs
    [ "$("${from_pc[@]}" --modversion weir)" = "$version" ] || fail "weir.pc's Version"
    grep -qx prefix=/opt/weir "$root/lib/pkgconfig/weir.pc" || fail "weir.pc's prefix"
    read -ra compile <<<"$cc -std=c11 ${flags[*]} $("${from_pc[@]}" --cflags weir)"
    compile+=("$here/consumer.c" -o "$tmp/program")

    say "pkg-config, shared"
    read -ra libs <<<"$("${from_pc[@]}" --libs weir)"
    "${compile[@]}" "${libs[@]}"
    needs_shared_library "$tmp/program" || fail "the program does not use libweir.so.0"
    expect_greeting "$tmp/program"

    say "pkg-config, static"
    read -ra libs <<<"$("${from_pc[@]}" --static --libs weir)"
    "${compile[@]}" -Wl,-Bstatic "${libs[@]}" -Wl,-Bdynamic
    ! needs_shared_library "$tmp/program" || fail "the program uses libweir.so.0"
    expect_greeting "$tmp/program"
}

# Builds the consumer project with the given definitions, and runs both programs.
check_cmake() {
    local folder=$tmp/cmake$RANDOM
    {
        "$cmake" -S "$here" -B "$folder" "$@"
        "$cmake" --build "$folder" -j2
    } >"$tmp/log" 2>&1 || {
        cat "$tmp/log"
        fail "cmake $*"
    }
    ! needs_shared_library "$folder/consumer_static" || fail "weir::weir is not static"
    needs_shared_library "$folder/consumer_shared" || fail "weir::shared is not shared"
    expect_greeting "$folder/consumer_static"
    expect_greeting "$folder/consumer_shared"
}

if ! command -v "$cxx" >/dev/null; then
    say "no C++ compiler here: the headers are checked as C alone"
    cxx=
fi
DESTDIR=$stage "$cmake" --install "$build" --prefix /opt/weir >/dev/null
check_files
check_headers
check_symbols
check_pkg_config
say "find_package"
check_cmake "-DCMAKE_PREFIX_PATH=$root" "-DWEIR_VERSION=$version"
say "add_subdirectory"
check_cmake "-DWEIR_FOLDER=$source" "-DWEIR_SANITIZE=$sanitize"
