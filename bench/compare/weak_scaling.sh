#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare/weak_scaling.sh [--rounds N] [--help]

What synchronising costs: 2 ranks of batch 64 on 2 cores, beside 2 single processes that train half of the images each,
at the same time, one on each core, without communication. (A single process alone would not do: two busy cores clock
lower than one, and share their caches.) Last epoch of 3, in turn, N rounds (default 7). Prints each round's seconds:
the ranks', the single processes' mean, and what the single processes would take if each step lasted as long as the
slower of the two, which is what waiting for each other costs on this machine even if communication were free. Then
the medians, and the weak scaling: the single processes' mean divided by the ranks' time.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

rounds=7
take_numbers rounds "$@"
prepare_comparison
readonly half=30000 # of FashionMNIST's training images

single() { # CORE
  taskset -c "$1" "$lockstep" train --epochs 3 --threads 1 --log-every 1 --train-samples "$half" \
    --output-dir "single-$1" >/dev/null 2>"log-$1" || fail "lockstep failed: $(tail -n 1 "log-$1")"
}

# step_seconds RUN_FOLDER: of the last epoch, one a line.
step_seconds() {
  sed -n 's/.*"event":"train","epoch":3,.*"images_per_second":\([0-9.]*\).*/\1/p' "$1/metrics.jsonl" |
    awk '{print 64 / $1}'
}

for ((round = 1; round <= rounds; ++round)); do
  rm -rf -- ranks single-*
  mpirun -np 2 "$lockstep" train --epochs 3 --log-every 1 --output-dir ranks >/dev/null 2>log ||
    fail "lockstep failed: $(tail -n 1 log)"
  single 0 &
  first=$!
  single 1
  wait "$first"
  slower=$(paste <(step_seconds single-0) <(step_seconds single-1) | awk '{sum += $1 > $2 ? $1 : $2} END {print sum}')
  printf '%s %s %s %s\n' "$(epoch_seconds ranks 3)" "$(epoch_seconds single-0 3)" "$(epoch_seconds single-1 3)" "$slower" |
    awk '{print $1, ($2 + $3) / 2, $4}' | tee -a times
done
awk -v ranks="$(median times 1)" -v singles="$(median times 2)" -v slower="$(median times 3)" 'BEGIN {
  printf "medians: 2 ranks %.3f s, 2 single processes %.3f s, the slower of their steps %.3f s\n", ranks, singles, slower
  printf "weak scaling %.1f %%; with free communication it would be %.1f %%\n", 100 * singles / ranks, 100 * singles / slower
}'
