#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare/weak_scaling.sh [--rounds N] [--help]

What synchronising costs: 2 ranks of batch 64 on 2 cores, beside 2 single processes that train half of the images each,
at the same time, one on each core, without communication. (A single process alone would not do: two busy cores clock
lower than one, and share their caches.) Last epoch of 3, in turn, N rounds (default 7). Prints each round's seconds:
the ranks' and the single processes' mean; and, of single processes that log each step, the steps' mean divided by the
mean of the slower of each two, which is what waiting for each other leaves on this machine even if communication were
free. Then the medians, and the weak scaling: the single processes' mean divided by the ranks' time.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

rounds=7
take_numbers rounds "$@"
prepare_comparison
readonly half=30000 # of FashionMNIST's training images

# singles RUN_FOLDER ARGUMENT...: one process on each core at the same time.
singles() {
  local folder=$1 core first
  shift
  for core in 0 1; do
    taskset -c "$core" "$lockstep" train --epochs 3 --threads 1 --train-samples "$half" --output-dir "$folder-$core" \
      "$@" >/dev/null 2>"log-$core" &
    ((core)) || first=$!
  done
  wait "$first" || fail "lockstep failed: $(tail -n 1 log-0)"
  wait "$!" || fail "lockstep failed: $(tail -n 1 log-1)"
}

# step_seconds RUN_FOLDER: of the last epoch, one a line.
step_seconds() {
  sed -n 's/.*"event":"train","epoch":3,.*"images_per_second":\([0-9.]*\).*/\1/p' "$1/metrics.jsonl" |
    awk '{print 64 / $1}'
}

for ((round = 1; round <= rounds; ++round)); do
  rm -rf -- ranks single-* logged-*
  mpirun -np 2 "$lockstep" train --epochs 3 --output-dir ranks >/dev/null 2>log ||
    fail "lockstep failed: $(tail -n 1 log)"
  singles single
  singles logged --log-every 1
  waiting=$(paste <(step_seconds logged-0) <(step_seconds logged-1) |
    awk '{mean += ($1 + $2) / 2; slower += $1 > $2 ? $1 : $2} END {print mean / slower}')
  printf '%s %s %s %s\n' "$(epoch_seconds ranks 3)" "$(epoch_seconds single-0 3)" "$(epoch_seconds single-1 3)" "$waiting" |
    awk '{print $1, ($2 + $3) / 2, $4}' | tee -a times
done
awk -v ranks="$(median times 1)" -v singles="$(median times 2)" -v waiting="$(median times 3)" 'BEGIN {
  printf "medians: 2 ranks %.3f s, 2 single processes %.3f s\n", ranks, singles
  printf "weak scaling %.1f %%; with free communication it would be %.1f %%\n", 100 * singles / ranks, 100 * waiting
}'
