#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: slurm/chain.sh N [sbatch's options] SCRIPT

Submits SCRIPT N times as a chain, for a training that is longer than the cluster's time limit: each job waits for the
previous one to end and continues from its checkpoint, in one output folder (LOCKSTEP_OUTPUT_DIR, default
runs/chain-<time>). Jobs that find the training finished end at once. Prints the jobs' numbers.

  LOCKSTEP_EPOCHS=500 slurm/chain.sh 5 --time=04:00:00 slurm/train.sbatch
TEXT
}

# shellcheck source-path=SCRIPTDIR source=../launch/lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../launch/lib.sh"

case ${1-} in
  -h | --help) usage && exit ;;
esac
matches "${1-}" '^[1-9][0-9]{0,2}$' || fail "'${1-}': the number of jobs comes first, from 1 to 999: see --help" 2
count=$1
shift
(($#)) || fail "no script to submit: see --help" 2

time=$(date -u +%Y%m%dT%H%M%SZ)
export LOCKSTEP_OUTPUT_DIR=${LOCKSTEP_OUTPUT_DIR-runs/chain-$time}
export MAX_REQUEUES=0 # the next job continues, not the same one again
previous=''
for ((i = 0; i < count; i++)); do
  previous=$(sbatch --parsable ${previous:+--dependency=afterany:"$previous"} "$@")
  previous=${previous%%;*} # a cluster name may follow
  printf '%s\n' "$previous"
done
say "$count jobs into $LOCKSTEP_OUTPUT_DIR"
