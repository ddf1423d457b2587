# shellcheck shell=bash
# mpirun as a child of a script: what signals to the script mean for the ranks, and limits for its end. Source lib.sh
# before it. A script calls catch_signals once, then run_mpi.

readonly exit_preempted=75 exit_interrupted=130 longest_end=10
mpi_pid='' stopping='' ended=no

# run_mpi ARGUMENT...: mpirun's exit code, but 75 where a signal came before the ranks had anything to save, and 130
# after a second SIGINT.
run_mpi() {
  local status=0 watcher
  start_mpi "$@"
  watch_end "$mpi_pid" >/dev/null &
  watcher=$!
  [[ -z $stopping ]] || ask_to_save # it came just before mpi_pid was set
  wait_for "$mpi_pid" || status=$?
  mpi_pid=''
  if ((status == 128 + 9)); then
    wait_for "$watcher" || status=1
  else
    kill "$watcher" 2>/dev/null || :
  fi
  # A rank that starts or ends does not catch SIGUSR1, and has nothing to save.
  if [[ -n $stopping && $status == $((128 + $(kill -l USR1))) ]]; then
    status=$exit_preempted
  fi
  [[ $ended == no ]] || status=$exit_interrupted
  return "$status"
}

# start_mpi ARGUMENT...: sets mpi_pid. mpirun gets a process group of its own, so that each signal reaches it once:
# two within five seconds, as from Ctrl-C in a terminal and from here, would kill the ranks before they can save
# their state.
start_mpi() {
  set -m
  mpirun "$@" </dev/null &
  mpi_pid=$!
  set +m
}

# watch_end PID: where a host cannot be reached any more, mpirun waits for it for many minutes when all ranks have long
# ended. Fails if that was so. Without a rank on this host it cannot tell.
watch_end() {
  local seen=no seconds=0
  trap '' HUP USR1 USR2
  while kill -0 "$1" 2>/dev/null; do
    if has_rank "$1"; then
      seen=yes seconds=0
    elif [[ $seen == yes ]] && ((++seconds > longest_end)); then
      say "error: mpirun is still there $longest_end s after the ranks of this host: a host that it cannot reach? Ending it" || :
      kill_tree "$1"
      return 1
    fi
    sleep 1 >/dev/null 2>&1
  done
}

has_rank() { # PID of mpirun
  local child
  for child in $(children "$1"); do
    ! grep -qzs '^OMPI_COMM_WORLD_RANK=' "/proc/$child/environ" || return 0
  done
  return 1
}

children() { cat "/proc/$1/task/"*/children 2>/dev/null || :; } # PID

kill_tree() { # PID: it, and what it has started on this host
  local child offspring
  offspring=$(children "$1")
  kill -s KILL "$1" 2>/dev/null || :
  for child in $offspring; do
    kill_tree "$child"
  done
}

wait_for() { # PID: its exit code; signals that are caught meanwhile do not end the wait
  local interrupted=1 status
  while ((interrupted)); do
    interrupted=0 status=0
    wait "$1" || status=$?
  done
  return "$status"
}

# --- Signals -----------------------------------------------------------------------------------------------

catch_signals() { # from now on, each calls on_signal with its name
  local signal
  for signal in INT TERM HUP USR1 USR2; do
    # shellcheck disable=SC2064 # the value of now
    trap "interrupted=1; on_signal $signal" "$signal"
  done
  trap : PIPE # Ctrl-C also ends the tee behind the script, and the ranks still have to be told
}

on_signal() { # NAME
  if [[ $ended == yes ]]; then
    return
  elif [[ $1 == USR2 ]]; then
    signal_mpirun USR2
  elif [[ $1 == INT && -n $stopping ]]; then
    [[ -z $mpi_pid ]] || end_at_once
  else
    stopping=$1
    [[ -z $mpi_pid ]] || ask_to_save
  fi
}

signal_mpirun() { [[ -z $mpi_pid ]] || kill -s "$1" "$mpi_pid" 2>/dev/null || :; }

# Only SIGUSR1 does mpirun pass on to the ranks and then wait for them: after SIGTERM they have two seconds.
ask_to_save() {
  say "SIG$stopping: the ranks save their state and stop (SIGINT, Ctrl-C, ends at once)" || :
  wait_for_ranks
  signal_mpirun USR1
}

# At its start SIGUSR1 kills mpirun, and a little later it is passed on to nobody.
wait_for_ranks() {
  local tenths
  for ((tenths = 0; tenths < 100; tenths++)); do
    [[ -e /proc/$mpi_pid/task/$mpi_pid/children && -z $(children "$mpi_pid") ]] || return 0
    sleep 0.1 || :
  done
}

end_at_once() {
  local tenths
  ended=yes
  say "SIGINT again: ending at once; what is on disk can be resumed" || :
  signal_mpirun TERM
  for ((tenths = 0; tenths < 50; tenths++)); do # mpirun itself needs two seconds
    kill -0 "$mpi_pid" 2>/dev/null || return 0
    sleep 0.1 || :
  done
  kill_tree "$mpi_pid"
}
