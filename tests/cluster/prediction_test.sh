#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/cluster/prediction_test.sh [--help] PROGRAM MPIRUN

Two hosts (hosts.sh) with links of 100 Mbit/s are measured; what `lockstep report` then predicts of the communication of
four is compared with a training on four: it must be right within 20 %. Exit code 77: this machine or user cannot make
network namespaces, or limit their links.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1 mpirun=$2
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
export TEST_HOSTS_NAME=lp$$ OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap '"$here/hosts.sh" down; rm -rf -- "$work"' EXIT

fail() {
  printf 'prediction_test: FAILED: %s\n' "$1" >&2
  exit 1
}
skip() {
  printf 'prediction_test: SKIPPED: %s\n' "$1" >&2
  exit 77
}

((EUID == 0)) || skip "network namespaces need root"
for tool in ip tc; do
  command -v "$tool" >/dev/null || skip "there is no $tool (package iproute2)"
done
"$here/hosts.sh" up 4 2>"$work/up" || skip "no network namespaces: $(tail -n 1 "$work/up")"
hosts=()
for i in 1 2 3 4; do
  hosts+=("$TEST_HOSTS_NAME$i:1")
  "$here/hosts.sh" rate "$TEST_HOSTS_NAME$i" 100mbit 2>"$work/up" || skip "links cannot be limited: $(tail -n 1 "$work/up")"
done

measure() { # RANKS NAME ARGUMENT...
  local ranks=$1 name=$2 list
  shift 2
  list=$(IFS=, && echo "${hosts[*]:0:ranks}")
  "$here/hosts.sh" mpirun "$list" "$mpirun" "$program" bench "$@" --json "$work/sweep/$name.json" >"$work/log" 2>&1 || fail "$name: $(tail -n 5 "$work/log")"
}
report() {
  "$program" report "$work/sweep" >"$work/table" 2>"$work/log" || fail "report: $(cat "$work/log")"
}
column() { # NAME RANKS: of the weak series
  awk -F, -v name="$1" -v ranks="$2" 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i}
    $at["scaling"] == "weak" && $at["ranks"] == ranks {print $at[name]}' <(sed 's/"[^"]*"/quoted/g' "$work/sweep/report.csv")
}

mkdir -- "$work/sweep"
step=(step --steps 8 --threads 1)
measure 1 step-np1 "${step[@]}"
measure 2 step-np2 "${step[@]}"
# Three times each, of which the report takes medians: a lost packet stalls TCP for as long as some all-reduces take.
for repeat in 1 2 3; do
  measure 2 "allreduce-np2-$repeat" allreduce --min-bytes 512K --max-bytes 8M --iterations 5 --warmup 1
done
report
predicted=$(awk '/"predictions"/ {in_them = 1} in_them && /"ranks": 4,/ {four = 1}
  four && /"all_reduce_ms"/ {gsub(/[^0-9.]/, ""); print; exit}' "$work/sweep/report.json")
[[ -n $predicted ]] || fail "no prediction for 4 ranks: $(cat "$work/table")"
grep -q 'algorithm ring' "$work/table" || fail "the algorithm is not named: $(cat "$work/table")"

for repeat in 1 2 3; do measure 4 "step-np4-$repeat" "${step[@]}"; done
report
exposed=$(column exposed_communication_ms 4) waiting=$(column wait_for_slowest_ms 4)
measured=$(awk -v exposed="$exposed" -v waiting="$waiting" 'BEGIN {print exposed - waiting}')
printf 'prediction_test: 4 hosts: predicted %s ms, measured %s ms of communication a step\n' "$predicted" "$measured"
awk -v predicted="$predicted" -v measured="$measured" 'BEGIN {exit !(measured > 100 && predicted / measured > 0.8 && predicted / measured < 1.2)}' ||
  fail "the prediction is off by more than 20 %: $(cat "$work/table")"
