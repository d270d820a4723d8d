#!/usr/bin/env bash
# Who may include what: knowledge flows resp <- net <- stream, and I/O stands in net/ alone.
#   tests/check_includes.sh [FOLDER]     checks the tree (default: the one it stands in)
#   tests/check_includes.sh --self-test  checks that each rule bites
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

shown='net/(net|line|tls|tls_link|transport|wake)\.h' # of net/, to stream/
public='weir.h|net/(tls|transport)\.h|resp/(base|command|prepared|reader)\.h|stream/(client|commands|consumer|entry|follow|group|health|id|inspect|producer|read|reply|server|watch|write)\.h'
sockets='sys/(socket|un|epoll|select|poll)\.h|poll\.h|netdb\.h|arpa/inet\.h|netinet/.*|net/if\.h'
no_io='assert|limits|stdalign|stdbool|stddef|stdint|stdnoreturn|string'

# Each include of the C files under the given folders: FILE KIND HEADER, KIND being weir
# (HEADER is its path in this tree), system, or odd.
list_includes() {
    local file
    find . -type f -name '*.[ch]' -not -path './build*' -not -path './.git/*' -print |
        sed 's,^\./,,' | sort | while read -r file; do
        sed -nE "s,^[[:space:]]*#[[:space:]]*include[[:space:]]*(.*),\1,p" "$file" |
            sed -E -e "s,^\"([^\"]*)\".*,weir $(dirname "$file")/\1," \
                -e 's,^<weir/([^>]*)>.*,weir \1,' -e 's,^<([^>]*)>.*,system \1,' \
                -e '/^(weir|system) /!s,^,odd ,' \
                -e ':here' -e 's,/\./,/,' -e 't here' -e 's, \./, ,' \
                -e ':up' -e 's,[^/ ]+/\.\./,,' -e 't up' \
                -e "s,^,$file ,"
    done
}

matches() { [[ $1 =~ ^($2)$ ]]; }

# Prints what is wrong with FILE including HEADER of KIND; nothing if it is fine.
judge() {
    local file=$1 kind=$2 header=$3
    local layer=${file%%/*}
    if [ "$kind" = odd ]; then
        echo "an include must name its header"
    elif [ "$kind" = weir ]; then
        judge_ours "$file" "$layer" "$header"
    elif matches "$header" 'openssl/.*' && ! matches "$file" 'net/tls\.c|bench/secure\.c'; then
        echo "OpenSSL belongs to net/tls.c, and to the floor of what is measured"
    elif matches "$header" "$sockets" && ! matches "$layer" 'net|tests|bench|examples'; then
        echo "sockets and poll belong to net/"
    elif matches "$header" "$sockets" && matches "$file" "$shown"; then
        echo "stream/ sees $file, so it shows no sockets"
    elif [ "$layer" = resp ] && ! matches "$header" "($no_io)\.h"; then
        echo "resp/ does no I/O, has no clock and allocates nothing"
    fi
}

judge_ours() {
    local file=$1 layer=$2 header=$3
    case $layer in
    resp) matches "$header" 'resp/.*' || echo "resp/ knows resp/ alone" ;;
    net)
        matches "$header" 'resp/base\.h|net/.*' ||
            echo "net/ knows resp/base.h and net/ alone"
        if matches "$file" "$shown" && matches "$header" 'net/.*' &&
            ! matches "$header" "$shown"; then
            echo "stream/ sees $file, so it shows nothing else of net/"
        fi
        ;;
    stream)
        matches "$header" "resp/.*|$shown|stream/.*" ||
            echo "stream/ knows resp/, $shown and stream/ alone"
        if matches "$header" 'net/.*' && ! matches "$file" 'stream/client[^/]*'; then
            echo "of stream/, client* alone knows net/"
        fi
        ;;
    weir.h | examples)
        matches "$header" "$public|examples/.*" || echo "$layer has the public headers alone"
        ;;
    esac
}

check_tree() {
    local file kind header problem found=0
    while read -r file kind header; do
        problem=$(judge "$file" "$kind" "$header")
        if [ -n "$problem" ]; then
            echo "$file includes $header: $problem"
            found=1
        fi
    done < <(list_includes)
    return $found
}

# ---- self-test: each line is a file, and an include that it must not have ----

bad_samples() {
    cat <<'SAMPLES'
resp/reader.c #include <errno.h>
resp/reader.c #include <stdio.h>
resp/reader.c #  include <time.h>
resp/reader.h #include <sys/types.h>
resp/reader.c #include <unistd.h>
resp/reader.c #include <stdlib.h>
resp/reader.c #include "../net/net.h"
resp/reader.c #include "../stream/id.h"
resp/reader.c #include <weir/stream/id.h>
resp/deep/er.c #include "../../net/net.h"
resp/reader.c #include HEADER
net/address.c #include "../resp/reader.h"
net/address.c #include "../stream/client.h"
net/address.c #include "../weir.h"
net/address.c #include <openssl/ssl.h>
net/net.h #include <sys/socket.h>
net/net.h #include <poll.h>
net/net.h #include "resolve.h"
net/line.h #include <netdb.h>
net/transport.h #include <poll.h>
stream/session.c #include "../net/line.h"
stream/client.c #include "../net/resolve.h"
stream/session.c #include "../net/net.h"
stream/session.c #include "./../net/net.h"
stream/session.h #include "../net/net.h"
stream/client.c #include <poll.h>
stream/client.c #include <sys/socket.h>
stream/client.c #include <netdb.h>
stream/client.c #include <arpa/inet.h>
stream/client.c #include <sys/un.h>
stream/client.c #include <openssl/err.h>
stream/client.c #include "../tests/support.h"
tests/test_tls.c #include <openssl/ssl.h>
bench/own.c #include <openssl/ssl.h>
examples/first.c #include "../net/net.h"
weir.h #include "net/net.h"
SAMPLES
}

good_samples() {
    cat <<'SAMPLES'
resp/reader.c #include <string.h>
resp/reader.c #include "number.h"
net/tls.c #include <openssl/ssl.h>
bench/secure.c #include <openssl/ssl.h>
net/tls.c #include "../resp/base.h"
net/socket.c #include <sys/socket.h>
net/socket.c #include "net.h"
net/resolve.h #include <netdb.h>
stream/client.c #include "../net/net.h"
stream/client_step.c #include "../net/net.h"
stream/client_step.c #include "../net/line.h"
stream/session.c #include "../resp/reader.h"
tests/test_socket.c #include "../net/net.h"
tests/test_socket.c #include <sys/socket.h>
tests/test_socket.c /* #include <openssl/ssl.h> */
examples/first.c #include <weir/weir.h>
weir.h #include "stream/id.h"
SAMPLES
}

# Runs the check over a tree of one file with one line.
check_sample() {
    local tree=$1 file=$2 line=$3
    rm -rf "$tree"
    mkdir -p "$tree/$(dirname "$file")"
    printf '%s\n' "$line" >"$tree/$file"
    (cd "$tree" && check_tree)
}

self_test() {
    local tmp file line failed=0
    tmp=$(mktemp -d)
    while read -r file line; do
        if check_sample "$tmp/tree" "$file" "$line" >/dev/null; then
            echo "was let through: $file: $line"
            failed=1
        fi
    done < <(bad_samples)
    while read -r file line; do
        if ! check_sample "$tmp/tree" "$file" "$line"; then
            echo "was refused: $file: $line"
            failed=1
        fi
    done < <(good_samples)
    rm -rf "$tmp"
    return $failed
}

if [ "${1:-}" = --self-test ]; then
    self_test
else
    cd "${1:-.}"
    check_tree
fi
