#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare/epoch_time.sh [--rounds N] [--help]

Seconds of an epoch at 2 ranks × batch 64: Lockstep and PyTorch DDP over gloo in turn (A B A B …), the last of
3 epochs each; prints every round, both medians and the median of the ratios. PyTorch comes from build/venv:
  python3 -m venv build/venv && build/venv/bin/pip install torch numpy
TEXT
}

# shellcheck source-path=SCRIPTDIR source=../../launch/lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../launch/lib.sh"

rounds=5
while (($#)); do
  case $1 in
    --rounds) rounds=${2:?--rounds needs a number} && shift ;;
    --help) usage && exit ;;
    *) fail "unknown option $1: see --help" 2 ;;
  esac
  shift
done
torchrun=$root/build/venv/bin/torchrun lockstep=$root/build/release/bin/lockstep
[[ -x $torchrun ]] || fail "no PyTorch in build/venv: see --help"
[[ -x $lockstep ]] || fail "build/release/bin/lockstep is missing: build it with launch/test.sh or quickstart.sh"
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"

median() { sort -g | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

for ((round = 1; round <= rounds; ++round)); do
  mpirun -np 2 "$lockstep" train --epochs 3 --output-dir "run$round" >/dev/null 2>run.log ||
    fail "lockstep failed: $(tail -n 1 run.log)"
  a=$(grep '"event":"epoch","epoch":3' "run$round/metrics.jsonl" | sed 's/.*"seconds":\([0-9.]*\).*/\1/')
  b=$("$torchrun" --nproc-per-node 2 "$root/bench/compare/ddp_gloo.py" 3 2>ddp.log | awk '$2 == 3 {print $3}')
  [[ -n $a && -n $b ]] || fail "a run gave no figure: $(tail -n 1 ddp.log)"
  printf '%s %s\n' "$a" "$b" | tee -a times
done
printf 'median: Lockstep %s s, DDP + gloo %s s an epoch; ratio %s\n' "$(cut -d' ' -f1 times | median)" \
  "$(cut -d' ' -f2 times | median)" "$(awk '{print $2 / $1}' times | median)"
