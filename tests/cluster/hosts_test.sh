#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/cluster/hosts_test.sh [--help] PROGRAM MPIRUN

Trains over two and four hosts that are network namespaces (hosts.sh): with virtual shards, the bits of one rank; one data
set a host; a link that is cut ends all ranks; hosts that are not there, refuse, or lack the program or the data are one clear
line. Exit code 77: this machine or user cannot make network namespaces.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1 mpirun=$2
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
export TEST_HOSTS_NAME=lh$$ OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset OPENBLAS_CORETYPE
work=$(mktemp -d)
trap '"$here/hosts.sh" down; rm -rf -- "$work"' EXIT

fail() {
  printf 'hosts_test: FAILED: %s\n' "$1" >&2
  exit 1
}
skip() {
  printf 'hosts_test: SKIPPED: %s\n' "$1" >&2
  exit 77
}

((EUID == 0)) || skip "network namespaces need root"
command -v ip >/dev/null || skip "there is no 'ip' (package iproute2)"
"$here/hosts.sh" up 4 2>"$work/up" || skip "no network namespaces: $(tail -n 1 "$work/up")"
one=${TEST_HOSTS_NAME}1 two=${TEST_HOSTS_NAME}2 three=${TEST_HOSTS_NAME}3 four=${TEST_HOSTS_NAME}4

# over_hosts HOSTS ARGUMENT...; mapping: mpirun's, block (the default) or cyclic
over_hosts() {
  local hosts=$1
  shift
  "$here/hosts.sh" mpirun "$hosts" "$mpirun" "${mapping[@]}" "$program" "$@"
}

common=(train --virtual-shards 8 --global-batch-size 64 --epochs 2 --train-samples 1501 --test-samples 500
  --log-every 1 --hidden "128,64" --optimizer adam)
"$program" "${common[@]}" --output-dir "$work/alone" >"$work/log" 2>&1 || fail "one rank: $(tail -n 3 "$work/log")"
for hosts in "$one:1,$two:1" "$one:2,$two:2" "cyclic $one:2,$two:2" "$one:3,$two:1" "$one:1,$two:1,$three:1,$four:1"; do
  mapping=()
  [[ $hosts != cyclic* ]] || mapping=(--map-by node)
  hosts=${hosts#cyclic }
  before=$("$here/hosts.sh" sent "$two")
  rm -rf -- "$work/hosts"
  over_hosts "$hosts" "${common[@]}" --output-dir "$work/hosts" >"$work/log" 2>&1 ||
    fail "over $hosts: $(tail -n 5 "$work/log")"
  count=$(tr ',' '\n' <<<"$hosts" | wc -l)
  grep -q "on $count hosts" "$work/log" || fail "the ranks do not see $count hosts: $(cat "$work/log")"
  # Each of two hosts sends the gradients of 48 steps, 0.43 MB each, at least once.
  (($("$here/hosts.sh" sent "$two") - before > 48 * 430000)) || fail "the gradients did not cross the link"
  "$program" compare "$work/alone" "$work/hosts" >"$work/log" 2>&1 || fail "over $hosts: $(cat "$work/log")"
done

# Uneven hosts and a number of ranks that no power of two divides: the losses of three ranks on one host.
losses() { sed -n 's/.*"event":"train".*"loss":\([0-9.e-]*\).*/\1/p' "$1/metrics.jsonl"; }
common=(train --global-batch-size 96 --tail exact --epochs 2 --train-samples 1501 --test-samples 500 --log-every 1 --hidden 64)
"$mpirun" --oversubscribe -np 3 "$program" "${common[@]}" --output-dir "$work/three" >"$work/log" 2>&1 ||
  fail "three ranks: $(tail -n 3 "$work/log")"
mapping=()
over_hosts "$one:2,$two:1" "${common[@]}" --output-dir "$work/uneven" >"$work/log" 2>&1 ||
  fail "over hosts of 2 and 1 ranks: $(tail -n 5 "$work/log")"
paste <(losses "$work/three") <(losses "$work/uneven") |
  awk '{d = ($1 - $2) / $1; if (d > 1e-4 || d < -1e-4) bad = 1} END {exit bad || NR != 32}' ||
  fail "2 + 1 ranks do not train as 3 do: $(paste <(losses "$work/three") <(losses "$work/uneven"))"

# Clocks that are far apart, here by a time namespace, are together on the time line of a trace.
if unshare --time --monotonic 5000 --fork true 2>/dev/null; then
  traced=("$program" train --synthetic --train-samples 1280 --test-samples 64 --epochs 2 --hidden 64 --output-dir "$work/traced"
    --trace "$work/trace.json")
  "$mpirun" --oversubscribe -np 1 "${traced[@]}" : -np 1 unshare --time --monotonic 5000 --fork "${traced[@]}" \
    >"$work/log" 2>&1 || fail "two clocks: $(tail -n 3 "$work/log")"
  latest=$(grep -o '"ts":[0-9]*' "$work/trace.json" | sed 's/.*://' | sort -n | tail -n 1)
  ((latest < 60000000)) || fail "the clocks of two ranks are apart: spans until $latest µs"
  grep -q '"name":"rank 1 (' "$work/trace.json" || fail "rank 1 is not in the trace"
else
  echo 'hosts_test: no time namespaces here: clocks that are apart were not tried' >&2
fi

# What mpirun would say in a page, or not at all. `lockstep_run AGENT HOSTS ARGUMENT...` sets code.
export OMPI_MCA_btl=tcp,vader,self OMPI_MCA_btl_tcp_if_include=eth0 OMPI_MCA_oob_tcp_if_include=eth0
PATH=$(dirname -- "$mpirun"):$PATH
lockstep_run() {
  local agent=$1 hosts=$2
  shift 2
  code=0
  OMPI_MCA_plm_rsh_agent=$agent timeout 60 "$here/hosts.sh" run "$one" "$here/../../launch/lockstep-run" \
    --program "$program" --hosts "$hosts" "$@" >"$work/log" 2>&1 || code=$?
}
expect() { # CODE TEXT: and it is the only error
  [[ $code == "$1" ]] || fail "exit code $code, not $1: $(cat "$work/log")"
  grep -qE -- "$2" "$work/log" || fail "no line says '$2': $(cat "$work/log")"
  (($(grep -c 'error: ' "$work/log") == 1)) || fail "more than one error: $(cat "$work/log")"
}
make_agent() { # SHELL_TEXT for host two, with its command in "$@"
  # shellcheck disable=SC2016 # expands in the agent
  printf '#!/bin/sh\nif [ "$1" = %s ]; then\n%s\nfi\nexec "%s/hosts_rsh" "$@"\n' "$two" "$1" "$here" >"$work/agent"
  chmod +x -- "$work/agent"
}
hide_on_two() { # FOLDER
  make_agent "shift
exec env -C / '$here/hosts.sh' run $two sh -c 'mount -t tmpfs none \"\$0\" && exec sh -c \"\$*\"' '$1' \"\$@\""
}
lockstep_run "$here/hosts_rsh" "$one:1,nosuchhost:1" train --synthetic --max-steps 1
expect 1 'lockstep-run: error: host nosuchhost cannot be reached'
make_agent 'echo "ssh: connect to host two port 22: Connection refused" >&2; exit 255'
lockstep_run "$work/agent" "$one:1,$two:1" train --synthetic --max-steps 1
expect 1 "lockstep-run: error: host $two cannot be reached: .*Connection refused"
hide_on_two "$(dirname -- "$program")"
lockstep_run "$work/agent" "$one:1,$two:1" train --synthetic --max-steps 1
expect 1 "lockstep-run: error: host $two has no program $program"
for folder in "${LOCKSTEP_DATA_DIR:-/nowhere}" /usr/share/datasets/fashion-mnist "$here/../../data/FashionMNIST/raw"; do
  [[ ! -d $folder || -e $work/data ]] || cp -rL -- "$folder" "$work/data"
done
hide_on_two "$work/data"
lockstep_run "$work/agent" "$one:1,$two:1" train --data-dir "$work/data" --max-steps 1
expect 3 "lockstep: error: .*rank 1 \($two, pid [0-9]+\).*$work/data"
lockstep_run "$work/agent" "$one:1,$two:1" doctor --data-dir "$work/data"
grep -q "$two: .*$work/data" "$work/log" || fail "doctor does not say who lacks the data: $(cat "$work/log")"

# A link that is cut in the middle of training: both sides notice, and nothing is left on either.
# mpirun would wait for its far daemon; lockstep-run does not.
slowdown=${TEST_SLOWDOWN:-1} # under ThreadSanitizer
OMPI_MCA_plm_rsh_agent=$here/hosts_rsh "$here/hosts.sh" run "$one" "$here/../../launch/lockstep-run" --program "$program" \
  --hosts "$one:2,$two:2" train --epochs 1000 --synthetic --collective-timeout $((4 * slowdown)) --output-dir "$work/cut" \
  >"$work/log" 2>&1 &
job=$!
for ((i = 0; i < 900; i++)); do
  ! grep -q '^loss: ' "$work/log" || break
  sleep 0.1
done
left() { # processes of the program on either host
  local host
  # shellcheck disable=SC2016 # expands in the inner shell
  for host in "$one" "$two"; do ip netns pids "$host"; done |
    xargs -r -n 1 sh -c 'grep -sqx lockstep "/proc/$0/comm" && ! grep -sq "^State:.Z" "/proc/$0/status" && echo "$0"'
}
# One copy of the data, 55 MB, a host: of all memory that the four ranks share, two pieces are as large.
copies=$({ left || :; } | xargs -I '{}' cat '/proc/{}/maps' | while read -r range flags _ device inode _; do
  [[ $flags != *s ]] || ((16#${range#*-} - 16#${range%-*} < 47040000)) || echo "$device $inode"
done | sort -u | wc -l)
((copies == 2)) || fail "$copies copies of the data on two hosts"
"$here/hosts.sh" cut "$two"
cut_at=$SECONDS
while [[ -n $(left || :) ]] && ((SECONDS - cut_at < 30 * slowdown)); do sleep 0.2; done
took=$((SECONDS - cut_at))
((took <= 10 * slowdown)) || fail "ranks were left $took s after the link was cut: $(left)"
status=0
timeout 30 tail --pid="$job" -f /dev/null || fail "lockstep-run does not end: $(cat "$work/log")"
wait "$job" || status=$?
((status == 1)) || fail "a run without its network ended with exit code $status: $(cat "$work/log")"
grep -Eq "^lockstep: error: .*rank [0-9] \($one, pid|^lockstep: error: .*rank [0-9] \($two, pid" "$work/log" ||
  fail "no rank was named: $(cat "$work/log")"

printf 'hosts_test: passed\n'
