#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: launch/gpu-selftest.sh [--report FILE] [--no-install] [--help]

Builds for CUDA and runs on this machine's GPUs: lockstep doctor, the tests labelled gpu, an all-reduce check
and a short training at 1 … N GPUs. Leaves one report (default: gpu-selftest-<UTC time>.txt) to attach to a bug.
Exit code 1 if anything failed, or if there is no GPU.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

report=gpu-selftest-$(date -u +%Y%m%dT%H%M%SZ).txt
while (($#)); do
  case $1 in
    --report) report=${2-} && shift ;;
    --report=*) report=${1#*=} ;;
    --no-install) may_install=no ;;
    -h | --help) usage && exit ;;
    *) fail "unknown option $1: see --help" 2 ;;
  esac
  shift || break
done
[[ -n $report ]] || fail "--report needs a file name" 2
: >"$report" || fail "cannot write $report: give another file with --report"

prepare cuda "${test_packages[@]}"
build cuda
lockstep=$root/build/cuda/bin/lockstep
failures=()

# part TITLE COMMAND...: one section of the report, and one line on the terminal.
part() {
  local title=$1 start=$SECONDS status=0
  shift
  printf '\n=== %s ===\n$ %s\n' "$title" "$*" >>"$report"
  "$@" >>"$report" 2>&1 </dev/null || status=$?
  printf '=== exit code %d, %d s ===\n' "$status" $((SECONDS - start)) >>"$report"
  if ((status == 0)); then
    say "$title: passed in $((SECONDS - start)) s"
  else
    say "$title: FAILED with exit code $status"
    failures+=("$title")
  fi
}

gpus=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU ') || gpus=0
if command -v nvidia-smi >/dev/null; then
  part "nvidia-smi" nvidia-smi
  part "topology" nvidia-smi topo -m
fi
mpi_arguments 1
part "doctor" mpirun "${mpi_arguments[@]}" "$lockstep" doctor --device cuda
part "tests labelled gpu" ctest --test-dir "$root/build/cuda" --output-on-failure --no-tests=error -L gpu
for ((np = 1; np <= gpus; np++)); do
  mpi_arguments "$np"
  part "all-reduce, $np GPU(s)" mpirun "${mpi_arguments[@]}" "$lockstep" bench allreduce --device cuda
  part "training, $np GPU(s)" mpirun "${mpi_arguments[@]}" "$lockstep" train --device cuda --synthetic \
    --epochs 1 --output-dir "$(mktemp -d)/run"
done
((gpus > 0)) || failures+=("no GPU (nvidia-smi -L lists none)")

if ((${#failures[@]})); then
  fail "$(printf '%s; ' "${failures[@]}")see $report"
fi
say "everything passed; report: $report"
