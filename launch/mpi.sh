# shellcheck shell=bash
# Runs mpirun as a child of a script: passes on signals to the ranks, and limits how long it takes to end. Source lib.sh
# first. A script calls catch_signals once, then run_mpi.

readonly exit_preempted=75 exit_interrupted=130 longest_end=10 longest_save=120
mpi_pid='' stopping='' ended=no

run_mpi() { run_launcher mpirun "$@"; } # ARGUMENT...

# run_launcher COMMAND...: COMMAND is mpirun, or another of these scripts. Returns its exit code, but 75 if a signal
# came before the ranks had anything to save, and 130 after a second SIGINT.
run_launcher() {
  local status=0 watcher
  start_launcher "$@"
  watcher=$!
  [[ -z $stopping ]] || ask_to_save # it came just before mpi_pid was set
  trap on_suspend TSTP
  wait_for "$mpi_pid" || status=$?
  trap - TSTP
  mpi_pid=''
  if ((status == 128 + 9)); then
    wait_for "$watcher" || status=1
  else
    kill "$watcher" 2>/dev/null || :
  fi
  # A rank that is starting or ending does not catch SIGUSR1, and has nothing to save.
  if [[ -n $stopping && $status == $((128 + $(kill -l USR1))) ]]; then
    status=$exit_preempted
  fi
  [[ $ended == no ]] || status=$exit_interrupted
  return "$status"
}

# start_launcher COMMAND...: sets mpi_pid, and leaves the watcher in $!. mpirun gets its own process group, so that
# each signal reaches it once: two within five seconds, as from Ctrl-C in a terminal and from here, would kill the ranks
# before they can save their state. The watcher also gets one, to outlive whatever kills this script and its group.
start_launcher() {
  local script=$BASHPID
  set -m
  # Open MPI 4 passes SIGTSTP and SIGCONT to ranks on other hosts only if told to.
  OMPI_MCA_orte_forward_job_control=1 "$@" </dev/null &
  mpi_pid=$!
  watch_end "$mpi_pid" "$script" >/dev/null &
  set +m
}

# watch_end PID SCRIPT: ends what nothing else would. If a host can no longer be reached, mpirun waits many minutes for
# it although all ranks have long ended; fails in that case, which it cannot detect without a rank on this host. If
# SCRIPT or mpirun was killed, nobody else would tell the ranks to stop.
watch_end() {
  local ranks='' now seconds=0 me=$BASHPID
  trap '' HUP INT QUIT USR1 USR2 TSTP
  while kill -0 "$1" 2>/dev/null; do
    now=$(ranks_of "$1")
    if [[ $(parent_of "$me") != "$2" ]]; then
      end_without_script "$1"
      return 1
    elif [[ -n $now ]]; then
      ranks=$now seconds=0
    elif [[ -n $ranks ]] && ((++seconds > longest_end)); then
      say "error: mpirun is still there $longest_end s after the ranks of this host: a host that it cannot reach? Ending it"
      kill_tree "$1"
      return 1
    fi
    sleep 1 >/dev/null 2>&1
  done
  end_left_ranks "$ranks"
}

end_left_ranks() { # RANKS that mpirun left behind, as happens only when it is killed
  local rank left=() seconds
  for rank in $1; do
    ! is_rank "$rank" || left+=("$rank")
  done
  ((${#left[@]})) || return 0
  say "error: mpirun was killed: the ranks of this host save their state and stop"
  kill -s USR1 "${left[@]}" 2>/dev/null || :
  kill -s CONT "${left[@]}" 2>/dev/null || : # they may have been stopped
  for ((seconds = 0; seconds < longest_end; seconds++)); do
    kill -0 "${left[@]}" 2>/dev/null || break
    sleep 1 >/dev/null 2>&1
  done
  for rank in "${left[@]}"; do
    ! is_rank "$rank" || kill_tree "$rank"
  done
}

end_without_script() { # PID
  local seconds
  say "error: killed by SIGKILL: the ranks save their state and stop"
  signal_ranks CONT # they may have been stopped with the script
  wait_for_ranks
  signal_mpirun USR1
  for ((seconds = 0; seconds < longest_save; seconds++)); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 1 >/dev/null 2>&1
  done
  say "error: ranks have not stopped within $longest_save s: ending them"
  end_mpirun
}

parent_of() { # PID
  local name value
  while read -r name value; do
    [[ $name != PPid: ]] || { printf '%s' "$value" && return; }
  done <"/proc/$1/status"
}

ranks_of() { # PID of mpirun: those on this host
  local child
  for child in $(children "$1"); do
    ! is_rank "$child" || printf '%d ' "$child"
  done
}

is_rank() { grep -qzs '^OMPI_COMM_WORLD_RANK=' "/proc/$1/environ"; } # PID

children() { cat "/proc/$1/task/"*/children 2>/dev/null || :; } # PID

kill_tree() { signal_tree KILL "$1"; } # PID

signal_tree() { # SIGNAL PID: the process, and what it has started on this host
  local child offspring
  offspring=$(children "$2")
  kill -s "$1" "$2" 2>/dev/null || :
  for child in $offspring; do
    signal_tree "$1" "$child"
  done
}

wait_for() { # PID: its exit code; signals caught meanwhile do not end the wait
  local interrupted=1 status
  while ((interrupted)); do
    interrupted=0 status=0
    wait "$1" || status=$?
  done
  return "$status"
}

# --- Signals -----------------------------------------------------------------------------------------------

# Everything that terminals, batch systems and power supplies send when it is time to stop. Bash does not touch signals
# that were ignored when the script started, such as SIGHUP under nohup, and mpirun then ignores them, too.
readonly stop_signals=(INT TERM HUP QUIT USR1 USR2 ALRM XCPU PWR)

catch_signals() { # from now on, each calls on_signal with its name
  local signal
  for signal in "${stop_signals[@]}"; do
    # shellcheck disable=SC2064 # the value of now
    trap "interrupted=1; on_signal $signal" "$signal"
  done
  trap : PIPE # Ctrl-C also ends a tee after the script, and the ranks still have to be told
  # mpirun, which inherits this, and the ranks write to the terminal from the background: `stty tostop` would stop them
  # forever. A file size limit is no reason to end, either.
  trap '' TTOU XFSZ
}

# The ranks are asked only once: some signals repeat, and a rank that is asked twice may end before it has saved.
on_signal() { # NAME
  [[ $ended == no ]] || return 0
  trap '' TSTP # what follows takes only moments, and must not stop halfway
  if [[ -z $stopping ]]; then
    stopping=$1
    [[ -z $mpi_pid ]] || ask_to_save
  elif [[ $1 == @(INT|QUIT) ]]; then
    [[ -z $mpi_pid ]] || end_at_once
  fi
  if [[ -n $mpi_pid ]]; then trap on_suspend TSTP; else trap - TSTP; fi
}

# Ctrl-Z also stops the ranks; `fg` and `bg` continue them. Those on this host do not need mpirun's help.
# shellcheck disable=SC2317,SC2034 # a trap calls it; interrupted is wait_for's
on_suspend() {
  interrupted=1
  trap '' TSTP
  signal_mpirun TSTP
  signal_ranks STOP
  kill -s STOP $$
  trap on_suspend TSTP
  signal_ranks CONT
  signal_mpirun CONT
}

signal_ranks() { # SIGNAL
  local child
  for child in $(children "$mpi_pid"); do
    signal_tree "$1" "$child"
  done
}

signal_mpirun() { [[ -z $mpi_pid ]] || kill -s "$1" "$mpi_pid" 2>/dev/null || :; }

# Only after SIGUSR1 does mpirun wait for the ranks, to which it passes it on: after SIGTERM they have two seconds.
ask_to_save() {
  say "SIG$stopping: the ranks save their state and stop (SIGINT, Ctrl-C, ends at once)"
  wait_for_ranks
  signal_mpirun USR1
}

# While mpirun starts, SIGUSR1 kills it, and a little later it is passed to nobody.
wait_for_ranks() {
  local tenths
  for ((tenths = 0; tenths < 100; tenths++)); do
    [[ -e /proc/$mpi_pid/task/$mpi_pid/children && -z $(children "$mpi_pid") ]] || return 0
    sleep 0.1 || :
  done
}

end_at_once() {
  ended=yes
  say "SIGINT again: ending at once; what is on disk can be resumed"
  end_mpirun
}

end_mpirun() {
  local tenths
  signal_mpirun TERM
  for ((tenths = 0; tenths < 50; tenths++)); do # mpirun itself needs two seconds
    kill -0 "$mpi_pid" 2>/dev/null || return 0
    sleep 0.1 || :
  done
  kill_tree "$mpi_pid"
}
