#!/usr/bin/env bash
# The images' entry point. `docker stop` sends SIGTERM to it alone, process 1; it asks the ranks to save their state and
# stop, waits for them, and ends with exit code 75.
#
#   docker run lockstep train --epochs 5                        lockstep: one rank, or any other command
#   docker run lockstep -np 2 train --epochs 5                  launch/lockstep-run, with its options
#   docker run lockstep mpirun -np 2 lockstep train --epochs 5  mpirun, with its options
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=../launch/lib.sh
source "$here/../launch/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../launch/mpi.sh
source "$here/../launch/mpi.sh"

# run_alone COMMAND...: runs it in a process other than process 1, for which signals have no default action. Keeps
# standard input. Like everything that bash starts in the background it ignores SIGINT; it gets SIGTERM for all signals.
run_alone() {
  local signal status=0
  for signal in "${stop_signals[@]}"; do
    trap 'interrupted=1 stopping=yes; end_alone' "$signal"
  done
  "$@" <&0 &
  alone_pid=$!
  [[ -z $stopping ]] || end_alone # it came just before alone_pid was set
  wait_for "$alone_pid" || status=$?
  exit "$status"
}

alone_pid=''
# shellcheck disable=SC2317 # a trap calls it
end_alone() { [[ -z $alone_pid ]] || kill -s TERM "$alone_pid" 2>/dev/null || :; }

(($#)) || set -- --help
case $1 in
  mpirun | mpiexec | orterun)
    catch_signals
    status=0
    run_launcher "$@" || status=$?
    exit "$status"
    ;;
  lockstep-run) exec "$root/launch/lockstep-run" "${@:2}" ;;
  lockstep) run_alone "$@" ;;
  -h | --help | --version) run_alone lockstep "$@" ;;
  -*) exec "$root/launch/lockstep-run" --program "$(command -v lockstep)" "$@" ;;
  *) run_alone lockstep "$@" ;;
esac
