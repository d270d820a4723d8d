# Coverage of resp/ by whatever was run; sourced by tests/coverage.sh and fuzz/coverage.sh.
# shellcheck shell=bash

# Configures FOLDER to count lines and branches; nothing is optimised away.
configure_coverage() { # FOLDER OPTION...
    local folder=$1
    shift
    cmake -S . -B "$folder" -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS_DEBUG="-O0 -g --coverage" -DWEIR_BENCH=OFF -DWEIR_EXAMPLES=OFF \
        --log-level=WARNING "$@"
}

# Forgets what earlier runs counted.
reset_coverage() { # FOLDER
    find "$1" -name '*.gcda' -delete
}

# FILE LINES LINES_RUN BRANCHES BRANCHES_TAKEN for each file of resp/ that has code, and
# FILE:LINE for each line that was not run or has a branch that was not taken. What several
# objects have of a header counts together.
count_coverage() { # FOLDER
    local objects tmp
    objects=$(realpath "$1/CMakeFiles/weir_resp.dir/resp")
    tmp=$(mktemp -d)
    (cd "$tmp" && gcov -b -c -l "$objects"/*.gcno >messages 2>&1) || cat "$tmp/messages" >&2
    awk -F: '
        FNR == 1 { file = "" }
        $2 ~ /^ *0$/ && $3 == "Source" && match($4, /resp\/[a-z_]+\.[ch]$/) {
            file = substr($4, RSTART)
        }
        file == "" { next }
        /^branch / {
            split($0, word, / +/)
            key = file SUBSEP line SUBSEP word[2]
            branches[key] = branches[key] || (word[3] == "taken" && word[4] > 0)
            next
        }
        $2 ~ /^ *[1-9][0-9]*$/ && $1 !~ /^ *-$/ {
            line = $2 + 0
            lines[file SUBSEP line] = lines[file SUBSEP line] || $1 !~ /[#=]/
        }
        END {
            for (key in lines) {
                split(key, part, SUBSEP)
                all[part[1]]++
                run[part[1]] += lines[key]
                if (!lines[key]) missing[part[1] ":" part[2]] = 1
            }
            for (key in branches) {
                split(key, part, SUBSEP)
                ways[part[1]]++
                taken[part[1]] += branches[key]
                if (!branches[key]) missing[part[1] ":" part[2]] = 1
            }
            for (file in all) print file, all[file], run[file] + 0, ways[file] + 0, taken[file] + 0
            for (place in missing) print place
        }' "$tmp"/*.gcov | sort -t : -k 1,1 -k 2,2n
    rm -rf "$tmp"
}

# Prints the table, and the lines that are not covered. False below the least percentages.
report_coverage() { # FOLDER LEAST_LINES LEAST_BRANCHES
    count_coverage "$1" | awk -v least_lines="$2" -v least_branches="$3" '
        function percent(part, all) { return all > 0 ? part * 100 / all : 100 }
        function show(name, lines, run, branches, taken) {
            printf "%-20s %6d %7.2f %% %8d %7.2f %%\n", name, lines, percent(run, lines),
                branches, percent(taken, branches)
        }
        BEGIN { printf "%-20s %6s %9s %8s %9s\n", "", "lines", "run", "branches", "taken" }
        function end_range() { if (last > first) missing = missing "-" last }
        NF == 1 {
            split($1, place, ":")
            if (place[1] == file && place[2] == last + 1) { last = place[2]; next }
            end_range()
            missing = missing (place[1] == file ? " " : "\n  " place[1] " ") place[2]
            file = place[1]
            first = last = place[2]
            next
        }
        { show($1, $2, $3, $4, $5); l += $2; r += $3; b += $4; t += $5 }
        END {
            show("resp/", l, r, b, t)
            end_range()
            if (missing != "") print "lines that were not run, or have a branch not taken:" missing
            if (l == 0 || percent(r, l) < least_lines || percent(t, b) < least_branches) {
                printf "below %g %% of lines or %g %% of branches\n", least_lines, least_branches
                exit 1
            }
        }'
}
