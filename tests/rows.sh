# For scripts that go through the rows of resp_cases.tsv; sourced, not run.
# shellcheck shell=bash

# Writes the input of each row, for each protocol it names, to FOLDER/NAME.PROTOCOL.
write_rows() { # FOLDER
    each_row write_row "$1"
}

# Calls COMMAND... NAME PROTOCOL INPUT EXPECT CANONICAL for each row and protocol; INPUT is
# escaped as in the table.
each_row() { # COMMAND...
    local name protocols input expect canonical note i
    local table
    table=$(dirname "${BASH_SOURCE[0]}")/resp_cases.tsv
    # tabs become a character that keeps empty fields apart
    while IFS=$'\x1f' read -r name protocols input expect canonical note; do
        for ((i = 0; i < ${#protocols}; i++)); do
            "$@" "$name" "${protocols:i:1}" "$input" "$expect" "$canonical"
        done
    done < <(grep -v '^#' "$table" | tail -n +2 | tr '\t' '\037')
}

write_row() { # FOLDER NAME PROTOCOL INPUT ...
    # the table's escapes are printf's
    # shellcheck disable=SC2059
    printf -- "${4//%/%%}" >"$1/$2.$3"
}
