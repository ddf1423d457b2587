#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/real_training_test.sh [--help] PROGRAM MPIRUN

A real training under launch/lockstep-run: one whose rank is killed again and again goes on by itself; one that gets
SIGTERM, or whose script or mpirun is killed, saves and can be resumed. All end with the losses and weights of an
undisturbed run.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1
PATH=$(dirname -- "$2"):$PATH
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
for name in $(compgen -e); do
  [[ $name != @(LOCKSTEP|SLURM)_* ]] || unset "$name"
done
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

fail() {
  printf 'real_training_test: FAILED: %s\n%s\n' "$1" "$(cat "$work/log")" >&2
  exit 1
}
lockstep_run() { # LOCKSTEP_RUN'S OPTION... -- OUTPUT OPTION...
  local options=() output
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  output=$2
  shift 2
  exec "$here/../../launch/lockstep-run" --program "$program" -np 2 "${options[@]}" train --synthetic --train-samples 32000 \
    --test-samples 500 --hidden 128 --epochs 8 --checkpoint-every 50 --log-every 10 --output-dir "$output" "$@"
}
results() { # OUTPUT: all losses and the digest, in order
  sed -nE 's/.*"event":"train".*/&/p' "$1/metrics.jsonl" | grep -oE '"(step|loss)":[-0-9.e]+'
  grep -oE '"parameters_sha256":"[0-9a-f]{64}"' "$1/metrics.jsonl" | tail -n 1
}
expect_undisturbed() { # OUTPUT
  diff <(results "$work/undisturbed") <(results "$1") >"$work/difference" ||
    fail "$1 is not as undisturbed: $(head -n 5 "$work/difference")"
}
until_checkpoint() { # OUTPUT OTHER_THAN: sets latest
  local i
  for ((i = 0; i < 2400; i++)); do
    latest=$(readlink "$1/checkpoints/latest" 2>/dev/null) && [[ $latest != "$2" ]] && return
    sleep 0.05
  done
  fail "no checkpoint after ${2:-the start}"
}
ranks_of() { # OUTPUT: their process ids
  pgrep -f -- "lockstep train .*--output-dir $1( |\$)" | while read -r pid; do
    ! grep -qzs '^OMPI_COMM_WORLD_RANK=' "/proc/$pid/environ" || echo "$pid"
  done
}

(lockstep_run -- "$work/undisturbed") >"$work/log" 2>&1 || fail "the undisturbed run"
[[ $(results "$work/undisturbed" | grep -c loss) -gt 100 ]] || fail "too few losses to compare"

(lockstep_run --max-restarts 3 --restart-delay 0 -- "$work/killed") >"$work/log" 2>&1 &
job=$!
latest=''
for ((kills = 0; kills < 2; kills++)); do
  until_checkpoint "$work/killed" "$latest"
  pid=$(ranks_of "$work/killed" | tail -n 1)
  [[ -n $pid ]] || fail "no rank to kill"
  kill -s KILL "$pid"
  while [[ -e /proc/$pid ]]; do sleep 0.05; done
  latest=$(readlink "$work/killed/checkpoints/latest")
done
wait "$job" || fail "after two kills: exit code $?"
(($(grep -c 'starting again' "$work/log") == 2)) || fail "not two restarts"
expect_undisturbed "$work/killed"

(lockstep_run -- "$work/stopped") >"$work/log" 2>&1 &
job=$!
until_checkpoint "$work/stopped" ''
kill -s TERM "$job"
status=0
wait "$job" || status=$?
((status == 75)) || fail "after SIGTERM: exit code $status, not 75"
[[ -z $(ranks_of "$work/stopped") ]] || fail "ranks are left"
(lockstep_run -- "$work/stopped" --resume auto) >"$work/log" 2>&1 || fail "the resumed run"
expect_undisturbed "$work/stopped"

# Killed itself, or its mpirun: the ranks save and end all the same.
for killed in script mpirun; do
  (lockstep_run -- "$work/$killed") >"$work/log" 2>&1 &
  job=$!
  until_checkpoint "$work/$killed" ''
  pid=$job
  # Held, so that the training is not over before it is noticed.
  mapfile -t ranks < <(ranks_of "$work/$killed")
  kill -s STOP "${ranks[@]}"
  if [[ $killed == mpirun ]]; then
    sleep 1.5 # until the script has seen that there are ranks
    pid=$(sed -n 's/^PPid:\t//p' "/proc/${ranks[0]}/status")
  fi
  kill -s KILL "$pid"
  kill -s CONT "${ranks[@]}"
  wait "$job" || :
  for ((i = 0; i < 300; i++)); do
    [[ -n $(ranks_of "$work/$killed") ]] || break
    sleep 0.1
  done
  [[ -z $(ranks_of "$work/$killed") ]] || fail "ranks are left of a $killed that was killed"
  (lockstep_run -- "$work/$killed" --resume auto) >"$work/log" 2>&1 || fail "the run resumed after its $killed was killed"
  expect_undisturbed "$work/$killed"
done
printf 'real_training_test: passed\n'
