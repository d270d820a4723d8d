#!/usr/bin/env bash
# The proxy as a program: it listens, answers each command, and is gone with its stdin.
#   tests/check_proxy.sh WEIR-PROXY
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expected='port N
ok
ok
ok
no such command (tests/proxy.h has them)
no such command (tests/proxy.h has them)
no such command (tests/proxy.h has them)
no such command (tests/proxy.h has them)
ok connections 0 open 0 refused 0 broken 0 up 0 down 0'
got=$("$1" "$folder/socket" /nowhere 7 <<'COMMANDS' | sed 's/^port [1-9][0-9]*$/port N/'
pieces both random 5 every 2
cut client each within 100 replies
refuse
cut each
stall
pieces up 0
counts now
counts
COMMANDS
)
[ "$got" = "$expected" ] || { diff <(echo "$expected") <(echo "$got") >&2; exit 1; }
[ -z "$(ls -A "$folder")" ] || { echo "left behind: $(ls -A "$folder")" >&2; exit 1; }
