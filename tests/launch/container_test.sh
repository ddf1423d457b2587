#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/container_test.sh [--help] PROGRAM MPIRUN

The images' entry point as process 1 of a process namespace, as in a container: SIGTERM makes every kind of training save
its state and end with exit code 75. Exit code 77: this machine or user cannot make such namespaces.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
PATH=$(dirname -- "$1"):$(dirname -- "$2"):$PATH
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
entry=$here/../../docker/entrypoint.sh
for name in $(compgen -e); do
  [[ $name != @(LOCKSTEP|SLURM)_* ]] || unset "$name"
done
# As the images set them.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
# What a script starts in the background ignores SIGINT and SIGQUIT, and so would it.
namespace=(env --default-signal=INT --default-signal=QUIT unshare --pid --fork --kill-child --mount-proc)
((EUID == 0)) || namespace+=(--user --map-root-user)
if ! "${namespace[@]}" true 2>/dev/null; then
  echo 'container_test: SKIPPED: no process namespaces for this user' >&2 && exit 77
fi
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
fail() {
  printf 'container_test: FAILED: %s\n%s\n' "$1" "$(tail -n 30 -- "$work/log")" >&2
  exit 1
}

train=(train --synthetic --train-samples 32000 --test-samples 500 --hidden 64 --threads 1 --epochs 100 --log-every 1)
process_1() { # of the namespace that unshare, process JOB, has made
  tr -d ' ' <"/proc/$job/task/$job/children"
}
stopped() { # SIGNAL WORD...: a training that is stopped after its first steps must save
  local i status=0 output="$work/$1-$2"
  : >"$work/log" # what the run before said is not waited for
  "${namespace[@]}" "$entry" "${@:2}" --output-dir "$output" >"$work/log" 2>&1 </dev/null &
  job=$!
  for ((i = 0; i < 400; i++)); do
    ! grep -q '^loss: ' "$work/log" || break
    sleep 0.1
  done
  kill -s "$1" "$(process_1)" || fail "no process 1: ${*:2}"
  for ((i = 0; i < 400; i++)); do
    [[ -e /proc/$job ]] || break
    sleep 0.1
  done
  [[ ! -e /proc/$job ]] || { kill -s KILL "$job" && fail "not within 40 s after SIG$1: ${*:2}"; }
  wait "$job" || status=$?
  ((status == 75)) || fail "after SIG$1: exit code $status, not 75: ${*:2}"
  [[ -e $output/checkpoints/latest ]] || fail "nothing was saved: ${*:2}"
}
stopped TERM -np 2 "${train[@]}"
stopped TERM mpirun -np 2 lockstep "${train[@]}"
stopped TERM "${train[@]}"
stopped INT "${train[@]}"
stopped QUIT -np 2 "${train[@]}"

ends() { # CODE TEXT WORD...: and standard output says TEXT
  local status=0
  timeout 60 "${namespace[@]}" "$entry" "${@:3}" >"$work/out" 2>"$work/log" </dev/null || status=$?
  ((status == $1)) || fail "exit code $status, not $1: ${*:3}"
  [[ $(<"$work/out") == *"$2"* ]] || fail "not '$2' but '$(cat "$work/out")': ${*:3}"
}
ends 0 'lockstep' --version
ends 0 'lockstep' lockstep --version
ends 0 'Usage' --help
ends 0 'train' # nothing: help
ends 2 '' nonsense
ends 0 'Done!' -np 2 train --synthetic --train-samples 640 --test-samples 100 --epochs 1 --output-dir "$work/short"
ends 0 'Done!' mpirun -np 1 lockstep train --synthetic --train-samples 640 --test-samples 100 --epochs 1 --output-dir "$work/shorter"

# Standard input reaches a process alone, and orphans that end do not stay.
mkdir -- "$work/bin"
cat >"$work/bin/lockstep" <<'P'
#!/bin/bash
cat
(sleep 0.3 &)
sleep 1
! cat /proc/[0-9]*/stat | grep ') Z '
P
chmod +x "$work/bin/lockstep"
[[ $(echo words | PATH=$work/bin:$PATH "${namespace[@]}" "$entry" predict) == words ]] || fail "standard input is lost, or a zombie stays"
echo 'container_test: passed'
