#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare/allreduce.sh [--rounds N] [--bytes B] [--np N] [--help]

Microseconds of one all-reduce (default: the tutorial model's 2678824 bytes, 2 ranks, 7 rounds): Lockstep through
shared memory, Lockstep over plain MPI, and MPI_Allreduce timed by a loop of 30 lines of C, in turn. Prints every
round, the medians and the ratios.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

rounds=7 bytes=2678824 np=2
take_numbers "rounds bytes np" "$@"
readonly iterations=500
prepare_comparison
mpi_arguments "$np"
mpicc -O2 "$peers/mpi_allreduce.c" -o mpi_allreduce

ours() { # on|off
  mpirun "${mpi_arguments[@]}" "$lockstep" bench allreduce --min-bytes "$bytes" --max-bytes "$bytes" \
    --iterations "$iterations" --warmup 50 --node-shared "$1" --csv out.csv >/dev/null 2>log ||
    fail "lockstep failed: $(tail -n 1 log)"
  awk -F, 'NR == 2 {print $4}' out.csv
}

for ((round = 1; round <= rounds; ++round)); do
  shared=$(ours on) plain=$(ours off)
  loop=$(mpirun "${mpi_arguments[@]}" ./mpi_allreduce "$bytes" "$iterations")
  printf '%s %s %s\n' "$shared" "$plain" "$loop" | tee -a times
done
printf 'medians of %s bytes at %s ranks: shared memory %.1f us, plain MPI %.1f us, C loop %.1f us\n' "$bytes" "$np" \
  "$(median times 1)" "$(median times 2)" "$(median times 3)"
awk -v a="$(median times 1)" -v b="$(median times 2)" -v c="$(median times 3)" \
  'BEGIN {printf "shared memory / C loop %.2f; plain MPI / C loop %.2f\n", a / c, b / c}'
