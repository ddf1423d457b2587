#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/cluster/hosts_test.sh [--help] PROGRAM MPIRUN

Trains over two hosts that are network namespaces (hosts.sh): with virtual shards, the bits of one rank; one data set a
host; and a link that is cut ends all ranks. Exit code 77: this machine or user cannot make network namespaces.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1 mpirun=$2
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
export LOCKSTEP_HOSTS_NAME=lh$$ OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
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
"$here/hosts.sh" up 2 2>"$work/up" || skip "no network namespaces: $(tail -n 1 "$work/up")"
one=${LOCKSTEP_HOSTS_NAME}1 two=${LOCKSTEP_HOSTS_NAME}2

# over_hosts HOSTS ARGUMENT...
over_hosts() {
  local hosts=$1
  shift
  "$here/hosts.sh" run "$one" "$mpirun" --oversubscribe --mca plm_rsh_agent "$here/hosts_rsh" --host "$hosts" \
    --mca btl tcp,vader,self --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 "$program" "$@"
}

common=(train --virtual-shards 8 --global-batch-size 64 --epochs 2 --train-samples 1501 --test-samples 500
  --log-every 1 --hidden "128,64" --optimizer adam)
"$program" "${common[@]}" --output-dir "$work/alone" >"$work/log" 2>&1 || fail "one rank: $(tail -n 3 "$work/log")"
for hosts in "$one:1,$two:1" "$one:2,$two:2"; do
  before=$("$here/hosts.sh" sent "$two")
  rm -rf -- "$work/hosts"
  over_hosts "$hosts" "${common[@]}" --output-dir "$work/hosts" >"$work/log" 2>&1 ||
    fail "over $hosts: $(tail -n 5 "$work/log")"
  grep -q 'on 2 hosts' "$work/log" || fail "the ranks do not see two hosts: $(cat "$work/log")"
  # Each of two hosts sends the gradients of 48 steps, 0.43 MB each, at least once.
  (($("$here/hosts.sh" sent "$two") - before > 48 * 430000)) || fail "the gradients did not cross the link"
  "$program" compare "$work/alone" "$work/hosts" >"$work/log" 2>&1 || fail "over $hosts: $(cat "$work/log")"
done

# A link that is cut in the middle of training: both sides notice, and nothing is left on either.
# mpirun would wait for its far daemon; lockstep-run does not.
export OMPI_MCA_plm_rsh_agent=$here/hosts_rsh OMPI_MCA_btl=tcp,vader,self OMPI_MCA_btl_tcp_if_include=eth0 \
  OMPI_MCA_oob_tcp_if_include=eth0
PATH=$(dirname -- "$mpirun"):$PATH "$here/hosts.sh" run "$one" "$here/../../launch/lockstep-run" --program "$program" \
  --hosts "$one:2,$two:2" train --epochs 1000 --synthetic --collective-timeout 4 --output-dir "$work/cut" \
  >"$work/log" 2>&1 &
job=$!
for ((i = 0; i < 200; i++)); do
  ! grep -q '^loss: ' "$work/log" || break
  sleep 0.1
done
sleep 1
"$here/hosts.sh" cut "$two"
cut_at=$SECONDS
left() { # processes of the program on either host
  local host
  # shellcheck disable=SC2016 # expands in the inner shell
  for host in "$one" "$two"; do ip netns pids "$host"; done |
    xargs -r -n 1 sh -c 'grep -sqx lockstep "/proc/$0/comm" && ! grep -sq "^State:.Z" "/proc/$0/status" && echo "$0"'
}
while [[ -n $(left || :) ]] && ((SECONDS - cut_at < 30)); do sleep 0.2; done
took=$((SECONDS - cut_at))
((took <= 10)) || fail "ranks were left $took s after the link was cut: $(left)"
status=0
timeout 30 tail --pid="$job" -f /dev/null || fail "lockstep-run does not end: $(cat "$work/log")"
wait "$job" || status=$?
((status == 1)) || fail "a run without its network ended with exit code $status: $(cat "$work/log")"
grep -Eq "^lockstep: error: .*rank [0-9] \($one, pid|^lockstep: error: .*rank [0-9] \($two, pid" "$work/log" ||
  fail "no rank was named: $(cat "$work/log")"

printf 'hosts_test: passed\n'
