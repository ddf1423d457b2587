#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare/exactness.sh [--rounds N] [--shards V] [--help]

What exactness costs: milliseconds of a step (median of 300) without and with --virtual-shards V (default 8), global
batch 64, one thread a rank, at 1 and at 2 ranks, in turn (default: 5 rounds). Prints every round, the medians and
the ratios.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

rounds=5 shards=8
take_numbers "rounds shards" "$@"
prepare_comparison

step_ms() { # RANKS SHARDS
  mpi_arguments "$1"
  mpirun "${mpi_arguments[@]}" "$lockstep" bench step --global-batch-size 64 --threads 1 --virtual-shards "$2" \
    --json out.json >/dev/null 2>log || fail "lockstep failed: $(tail -n 1 log)"
  sed -n 's/.*"step_ms_p50": *\([0-9.]*\).*/\1/p' out.json
}

for ((round = 1; round <= rounds; ++round)); do
  printf '%s %s %s %s\n' "$(step_ms 1 0)" "$(step_ms 1 "$shards")" "$(step_ms 2 0)" "$(step_ms 2 "$shards")" | tee -a times
done
printf 'medians, ms a step: 1 rank %.3f without, %.3f with %s shards; 2 ranks %.3f without, %.3f with\n' \
  "$(median times 1)" "$(median times 2)" "$shards" "$(median times 3)" "$(median times 4)"
awk -v a="$(median times 1)" -v b="$(median times 2)" -v c="$(median times 3)" -v d="$(median times 4)" \
  'BEGIN {printf "with / without: 1 rank %.2f, 2 ranks %.2f\n", b / a, d / c}'
