#!/usr/bin/env bash
# Other servers to test against: unpacks Redis 8.0 and 8.6 and Valkey 8.1 and 9.1 from Debian's
# newer suites, beside whatever the system has. Nothing is installed, the system's package
# lists are untouched, what is unpacked already is left as it is.
#   tests/servers.sh [FOLDER]    default: ${XDG_CACHE_HOME:-~/.cache}/weir-servers
# Prints the program of each server that is there then, one a line: FOLDER/bin/NAME-server
# takes the server's own arguments. One that cannot be had is named on stderr; the status is
# then still 0, and 1 only if there is none at all.
set -euo pipefail

folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-servers}
mkdir -p "$folder"/{apt/lists/partial,apt/cache/archives/partial,debs,bin}
folder=$(cd "$folder" && pwd)

# NAME SUITE PACKAGE: the package has the server's checker, which is the same program.
servers='redis-8.0 trixie redis-tools
redis-8.6 experimental redis-tools
valkey-8.1 trixie valkey-tools
valkey-9.1 sid valkey-tools'
# What they are linked with, newer than the system's.
runtime=(libc6 libatomic1 libgcc-s1 libstdc++6 libjemalloc2 liblzf1 libssl3t64 libsystemd0
    libcap2 libzstd1 zlib1g)

say() { echo "servers.sh: $*" >&2; }

runs() { [ -x "$folder/bin/$1-server" ] && "$folder/bin/$1-server" --version >/dev/null 2>&1; }

# The archive that the system's own packages come from.
archive() {
    cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
        sed -n 's/^URIs: *//p;s/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*\) .*/\2/p' |
        grep debian | grep -v security | head -n 1 || true
}

# Package lists of our own, of the newer suites alone.
update_lists() {
    local from suite
    from=$(archive)
    [ -n "$from" ] || { say "no Debian archive in this system's sources"; return 1; }
    for suite in trixie sid experimental; do
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from $suite main"
    done >"$folder/apt/sources.list"
    cat >"$folder/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG=$folder/apt/apt.conf
    apt-get update -qq >&2
}

unpack() { # ROOT SUITE PACKAGE...
    local root=$1 suite=$2 file
    shift 2
    mkdir -p "$folder/debs/$root" "$folder/$root"
    (cd "$folder/debs/$root" && apt-get download -qq "${@/%//$suite}") >&2 || return 1
    for file in "$folder/debs/$root"/*.deb; do
        dpkg -x "$file" "$folder/$root" || return 1
    done
}

# Writes the script that starts an unpacked server with the libraries of its own time.
write_start() { # NAME
    local kind=${1%-*} loader
    local program=$folder/$1/$kind-server
    loader=$(find "$folder/runtime/usr/lib" -name 'ld-linux*.so.*' | head -n 1)
    cp -L "$folder/$1/usr/bin/$kind-check-rdb" "$program" || return 1
    cat >"$folder/bin/$1-server" <<RUN
#!/bin/sh
exec "$loader" --library-path "$(dirname "$loader")" --argv0 "$program" "$program" "\$@"
RUN
    chmod +x "$folder/bin/$1-server"
}

fetch() { # NAME SUITE PACKAGE
    if [ "$lists" = unknown ]; then
        lists=wanting
        update_lists && lists=there
    fi
    [ $lists = there ] || return 1
    [ -d "$folder/runtime/usr" ] || unpack runtime sid "${runtime[@]}" || return 1
    unpack "$1" "$2" "$3" && write_start "$1" && runs "$1"
}

exec 9>"$folder/lock"
flock 9
lists=unknown
found=0
while read -r name suite package; do
    if runs "$name" || fetch "$name" "$suite" "$package"; then
        found=$((found + 1))
        echo "$folder/bin/$name-server"
    else
        say "$name cannot be had"
    fi
done <<<"$servers"
[ $found -gt 0 ]
