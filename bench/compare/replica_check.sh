#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare/replica_check.sh [--rounds N] [--steps N] [--help]

What --check-replicas-every costs: CPU time of 2 ranks over some steps (default 2000) without it and with a check after
every single step, in turn (default: 5 rounds). A hundredth of the difference is the share that a check at every 100
steps takes. Prints every round and the medians.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

rounds=5 steps=2000
take_numbers "rounds steps" "$@"
prepare_comparison
mpi_arguments 2

cpu_seconds() { # STEPS_BETWEEN_CHECKS: of mpirun and all ranks
  local TIMEFORMAT='%U %S'
  {
    time mpirun "${mpi_arguments[@]}" "$lockstep" train --synthetic --test-samples 64 --max-steps "$steps" --optimizer adam \
      --check-replicas-every "$1" --output-dir "run$RANDOM$RANDOM" >/dev/null 2>log
  } 2>&1 | awk '{print $1 + $2}'
}

for ((round = 1; round <= rounds; ++round)); do
  printf '%s %s\n' "$(cpu_seconds 0)" "$(cpu_seconds 1)" | tee -a times
  rm -rf run*
done
awk -v without="$(median times 1)" -v with="$(median times 2)" -v steps="$steps" 'BEGIN {
  printf "medians, CPU seconds of runs of %d steps: %.2f without, %.2f with a check after each: %.3f ms a check and rank\n",
         steps, without, with, (with - without) / steps / 2 * 1000
  printf "at every 100 steps: %.2f %% of the CPU time\n", (with - without) / without}'
