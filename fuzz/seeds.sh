#!/usr/bin/env bash
# Takes replies to stream commands off the wire of a private redis-server, on RESP2 and on
# RESP3, and the inputs of tests/resp_cases.tsv: inputs to begin fuzzing with.
#   fuzz/seeds.sh FOLDER [SERVER]   writes FOLDER/resp2-NAME, FOLDER/resp3-NAME, FOLDER/case-NAME
# SERVER: another program in its place, such as a newer one of tests/servers.sh.
# The committed corpora were made of them: afl-cmin leaves those that differ in their paths.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# = 1 ] || [ $# = 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2 && exit 64; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
program=${2:-redis-server}
[ $# = 2 ] || tests/need.sh redis-server

# ---- the table ----

# Octal escapes and \r \n \t are what printf's %b knows, but for \NNN without a zero.
while IFS=$'\t' read -r name protocol input _; do
    case $name in '#'* | name | '') continue ;; esac
    printf '%b' "$(sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g' <<<"$input")" >"$out/case-$name"
done <tests/resp_cases.tsv

# ---- the server ----

folder=$(mktemp -d)
port=$((20000 + RANDOM % 20000))
"$program" --port "$port" --bind 127.0.0.1 --dir "$folder" --save '' --appendonly no \
    --logfile "$folder/log" >/dev/null &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
    ! { : <>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || break
    sleep 0.05
done

# Sends one inline command on descriptor 3, and keeps all that comes until it is silent.
take() {
    local name=$1
    shift
    printf '%s\r\n' "$*" >&3
    timeout "${patience:-0.06}" cat <&3 >"$out/resp$protocol-$name" || true
}

# Every stream command, and how it can fail.
take_replies() {
    take hello "HELLO $protocol"
    take flush FLUSHALL
    take xadd "XADD s 1526919030474-55 temperature 36.6 humidity 95"
    take xadd-auto "XADD s * f v"
    take xadd-trim "XADD s MAXLEN ~ 1000 LIMIT 10 * f '' '' v"
    take xadd-no-stream "XADD none NOMKSTREAM * f v"
    take xadd-small-id "XADD s 1-1 f v"
    take xadd-zero-id "XADD s 0-0 f v"
    take xadd-wrong-id "XADD s no f v"
    take wrong-arguments "XADD s *"
    take set "SET text x"
    take wrongtype "XADD text * f v"
    take xadd-many-fields "XADD s * a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10"
    take xlen "XLEN s"
    take xlen-none "XLEN none"
    take xrange "XRANGE s - +"
    take xrange-count "XRANGE s - + COUNT 1"
    take xrange-count-zero "XRANGE s - + COUNT 0"
    take xrange-none "XRANGE none - +"
    take xrevrange "XREVRANGE s + - COUNT 2"
    take xread "XREAD COUNT 2 STREAMS s 0"
    take xread-two "XREAD STREAMS s none s 0 0 0"
    take xread-nothing "XREAD STREAMS s \$"
    patience=0.2 take xread-timed-out "XREAD BLOCK 20 STREAMS s \$"
    take xread-unbalanced "XREAD STREAMS s s 0"
    take xgroup-create "XGROUP CREATE s g 0"
    take xgroup-exists "XGROUP CREATE s g 0"
    take xgroup-no-stream "XGROUP CREATE none g 0"
    take xgroup-make "XGROUP CREATE t g \$ MKSTREAM"
    take xgroup-consumer "XGROUP CREATECONSUMER s g alice"
    take xgroup-setid "XGROUP SETID s g 0"
    take xpending-empty "XPENDING s g"
    take xreadgroup-history-empty "XREADGROUP GROUP g alice STREAMS s 0"
    take xreadgroup "XREADGROUP GROUP g alice COUNT 3 STREAMS s >"
    take xreadgroup-nothing "XREADGROUP GROUP g alice STREAMS t >"
    take xreadgroup-nogroup "XREADGROUP GROUP none alice STREAMS s >"
    take xpending "XPENDING s g"
    take xpending-extended "XPENDING s g - + 10"
    take xpending-consumer "XPENDING s g IDLE 0 - + 10 alice"
    take xdel "XDEL s 1526919030474-55"
    take xreadgroup-history "XREADGROUP GROUP g alice STREAMS s 0"
    take xclaim-justid "XCLAIM s g bob 0 1526919030474-55 JUSTID"
    take xclaim "XCLAIM s g bob 0 1526919030474-55"
    take xautoclaim-justid "XAUTOCLAIM s g bob 0 0 COUNT 1 JUSTID"
    take xautoclaim "XAUTOCLAIM s g bob 0 0"
    take xreadgroup-claim "XREADGROUP GROUP g bob CLAIM 0 STREAMS s >"
    take xadd-idmp "XADD s IDMP p i * f v"
    take xcfgset "XCFGSET s IDMP-DURATION 100"
    take xnack "XNACK s g FAIL IDS 1 1-1"
    take xpending-minus "XPENDING s g - + 10 nobody"
    take xautoclaim-nothing "XAUTOCLAIM s g bob 1000000 0"
    take xack "XACK s g 1526919030474-55"
    take xinfo-stream "XINFO STREAM s"
    take xinfo-stream-full "XINFO STREAM s FULL"
    take xinfo-groups "XINFO GROUPS s"
    take xinfo-consumers "XINFO CONSUMERS s g"
    take xinfo-no-key "XINFO STREAM none"
    take xinfo-help "XINFO HELP"
    take xtrim "XTRIM s MAXLEN 1"
    take xtrim-minid "XTRIM s MINID = 1"
    take xsetid "XSETID s 1926919030474-0"
    take xdelex "XDELEX s IDS 1 1-1"
    take xackdel "XACKDEL s g IDS 1 1-1"
    take xgroup-delconsumer "XGROUP DELCONSUMER s g bob"
    take xgroup-destroy "XGROUP DESTROY s g"
    take command-docs "COMMAND DOCS XLEN"
    take multi "MULTI"
    take queued "XADD s * f v"
    take exec "EXEC"
    take noscript "EVALSHA 0 0"
    take script "EVAL 'redis.setresp(3) return {double=3.25}' 0"
    take memory "MEMORY STATS"
    take client-list "CLIENT LIST"
    take unknown "NOSUCH command"
}

for protocol in 2 3; do
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    take_replies
    exec 3>&-
done
find "$out" -type f -size -1c -delete
echo "$(find "$out" -type f | wc -l) inputs in $out"
