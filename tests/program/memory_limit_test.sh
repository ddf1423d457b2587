#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/program/memory_limit_test.sh [--help] PROGRAM MPIRUN

Trains 2 ranks on arrays that are larger than the memory the job may use, and compares the weights with those of the same
run without a limit. Exit code 77: this user cannot make a memory cgroup.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
esac
(($# == 2)) || { usage >&2 && exit 2; }
program=$1 mpirun=$2
limit_bytes=$((512 << 20)) rows=12288 row_bytes=$((64 << 10)) # 768 MiB of inputs

skip() {
  printf 'memory_limit_test: SKIPPED: %s\n' "$1" >&2
  exit 77
}

fail() {
  printf 'memory_limit_test: FAILED: %s\n' "$1" >&2
  exit 1
}

work=$(mktemp -d)
group=''
clean_up() {
  rm -rf -- "$work"
  [[ -z $group ]] || rmdir -- "$group" 2>/dev/null || true
}
trap clean_up EXIT

# Version 1 has a tree of its own for memory, version 2 one for all.
make_group() {
  local root limit
  for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    group=$root/lockstep-test-$$
    mkdir -- "$group" 2>/dev/null || continue
    for limit in memory.limit_in_bytes memory.max; do
      if [[ -e $group/$limit ]] && printf '%s' "$limit_bytes" 2>/dev/null >"$group/$limit"; then return; fi
    done
    rmdir -- "$group"
  done
  group=''
  skip 'no memory cgroup can be made here'
}

npy() { # FILE TYPE SHAPE: the header, padded to 128 bytes
  printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '$2', 'fortran_order': False, 'shape': $3, }" >"$1"
}

make_group
free_kib=$(df --output=avail -k "$work" | tail -n 1)
((free_kib > 2 << 20)) || skip "less than 2 GiB free in $work"
mkdir "$work/data"
npy "$work/data/train_inputs.npy" '|u1' "($rows, $row_bytes)"
head -c $((rows * row_bytes)) /dev/urandom >>"$work/data/train_inputs.npy"
npy "$work/data/test_inputs.npy" '|u1' "(8, $row_bytes)"
head -c $((8 * row_bytes)) /dev/zero >>"$work/data/test_inputs.npy"
npy "$work/data/train_targets.npy" '|u1' "($rows,)"
head -c $((rows / 2)) /dev/zero >>"$work/data/train_targets.npy"
head -c $((rows / 2)) /dev/zero | tr '\0' '\1' >>"$work/data/train_targets.npy"
npy "$work/data/test_targets.npy" '|u1' '(8,)'
head -c 8 /dev/zero >>"$work/data/test_targets.npy"

train() { # OUTPUT
  "$mpirun" --oversubscribe -np 2 "$program" train --data-dir "$work/data" --hidden 4 --threads 1 --max-steps 40 \
    --output-dir "$1" >"$work/log" 2>&1
}

(printf '%s' "$BASHPID" >"$group/cgroup.procs" && train "$work/limited") || fail "$(tail -n 3 "$work/log")"
train "$work/free" || fail "$(tail -n 3 "$work/log")"
"$program" compare "$work/limited" "$work/free" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
printf 'memory_limit_test: passed\n'
