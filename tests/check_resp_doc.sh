#!/usr/bin/env bash
# docs/resp.md tells, for each row of resp_cases.tsv that leaves a choice ("either"), which
# one the reader made: its table must have these rows, as resp-check reads them, no others.
#   tests/check_resp_doc.sh PROGRAM           PROGRAM is resp-check
#   tests/check_resp_doc.sh --print PROGRAM   prints the rows
set -euo pipefail

only_print=false
if [ "$1" = --print ]; then
    only_print=true
    shift
fi
program=$1
here=$(dirname "${BASH_SOURCE[0]}")
doc=$here/../docs/resp.md
source "$here/rows.sh"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Text as code in a cell of a table; what is long is cut.
cell() { # TEXT
    local text=${1//|/\\|}
    [ ${#text} -le 60 ] || text=${text:0:20}...
    printf '`%s`' "$text"
}

# Adds "NAME INPUT OUTPUT|PROTOCOL" to the list.
add_choice() { # NAME PROTOCOL INPUT EXPECT CANONICAL
    [ "$4" = either ] || return 0
    local out
    out=$("$program" "--resp$2" "$tmp/$1.$2" 2>/dev/null) || true
    printf '%s\t%s\t| `%s` | %s | %s |\n' "$1" "$2" "$1" "$(cell "$3")" "$(cell "$out")"
}

# One line for a row that reads the same on both protocols.
merge() {
    awk -F'\t' '{ if (!($3 in seen)) order[++count] = $3
                  seen[$3] = seen[$3] (seen[$3] == "" ? "" : ", ") $2 }
        END { for (i = 1; i <= count; i++) print order[i] " " seen[order[i]] " |" }'
}

write_rows "$tmp"
each_row add_choice | merge >"$tmp/expected"
if $only_print; then
    cat "$tmp/expected"
    exit 0
fi

failures=0
while IFS= read -r row; do
    grep -qF -- "$row" "$doc" || { echo "docs/resp.md lacks: $row" && failures=$((failures + 1)); }
done <"$tmp/expected"
# the table's rows are the only ones that begin so
given=$(grep -cE '^\| `[a-zA-Z0-9_]+` \| `.*` \| `.*` \| [23, ]+ \|' "$doc") || true
expected=$(wc -l <"$tmp/expected")
if [ "$given" != "$expected" ]; then
    echo "docs/resp.md has $given rows, the table leaves $expected choices"
    failures=$((failures + 1))
fi
[ $failures = 0 ]
