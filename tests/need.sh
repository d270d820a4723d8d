#!/usr/bin/env bash
# Makes sure that what a script needs is on this Debian machine.
#   tests/need.sh NEED...   each one of: afl++ compiler c++ clang clang-format clang-tidy
#                           cmake cmocka cross-arm cross-s390x hiredis libssl libuv make
#                           openssl pgrep pkg-config qemu-user redis-server valgrind
# Installs what is missing with apt, as root or with sudo; if it can be neither, names what
# is missing and exits with 2. Does nothing if nothing is missing.
set -euo pipefail

has() { command -v "$1" >/dev/null; }

has_all() { has "$1" && has "$2"; }

# True if that cross compiler and its C library are there.
can_link() {
    has "$1" && echo 'int main(void) { return 0; }' |
        "$1" -static -x c -o /dev/null - 2>/dev/null
}

# True if the need is met already, whoever installed it.
is_met() {
    case $1 in
    compiler) has cc && echo '#include <stdio.h>' | cc -E -x c - >/dev/null 2>&1 ;;
    afl++) has afl-fuzz && has afl-clang-fast ;;
    cmocka | hiredis | libssl | libuv) has pkg-config && pkg-config --exists "$1" ;;
    cross-arm) can_link arm-linux-gnueabihf-gcc ;;
    cross-s390x) can_link s390x-linux-gnu-gcc ;;
    qemu-user) has_all qemu-{arm,s390x}-static || has_all qemu-{arm,s390x} ;;
    *) has "$1" ;;
    esac
}

packages_of() {
    case $1 in
    afl++) echo afl++ clang ;;
    compiler) echo gcc libc6-dev ;;
    c++) echo g++ ;;
    cmocka | hiredis) echo "lib$1-dev" ;;
    libssl) echo libssl-dev ;;
    libuv) echo libuv1-dev ;;
    cross-arm) echo gcc-arm-linux-gnueabihf libc6-dev-armhf-cross ;;
    cross-s390x) echo gcc-s390x-linux-gnu libc6-dev-s390x-cross ;;
    pgrep) echo procps ;;
    qemu-user) echo qemu-user-static ;;
    *) echo "$1" ;;
    esac
}

# The Debian package starts a server, now and at each boot. Tests start their own.
keep_redis_from_running() {
    "${as_root[@]}" service redis-server stop >/dev/null 2>&1 || true
    "${as_root[@]}" deb-systemd-helper disable redis-server.service >/dev/null 2>&1 || true
    "${as_root[@]}" update-rc.d redis-server disable >/dev/null 2>&1 || true
}

packages=()
needs_redis=false
for need in "$@"; do
    is_met "$need" && continue
    read -ra names <<<"$(packages_of "$need")"
    packages+=("${names[@]}")
    [ "$need" != redis-server ] || needs_redis=true
done
[ ${#packages[@]} -gt 0 ] || exit 0

# True if we are root or can become it; sudo may ask a person, not a machine.
can_be_root() {
    [ "$(id -u)" != 0 ] || return 0
    as_root=(sudo)
    has sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }
}

as_root=()
if ! has apt-get || ! can_be_root; then
    echo "These packages (Debian's names) are missing: ${packages[*]}" >&2
    echo "Install them, or run this as root or with sudo." >&2
    exit 2
fi

echo "== installing ${packages[*]}"
# The two variables keep a package's scripts from starting its service.
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 SYSTEMD_OFFLINE=1
    apt-get -qq -o Dpkg::Use-Pty=0)
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends "${packages[@]}"
if $needs_redis; then
    keep_redis_from_running
fi
