#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/lockstep_run_test.sh [MPIRUN] [--help]

Tests launch/lockstep-run with the real mpirun (MPIRUN: its path, if it is not on PATH) and a program that stands in
for lockstep: stand_in.sh. Runs as any user.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  -*) printf 'lockstep_run_test: error: unknown option %s: see --help\n' "$1" >&2 && exit 2 ;;
  ?*) PATH=$(dirname -- "$1"):$PATH ;;
esac

# shellcheck source-path=SCRIPTDIR source=../../launch/lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../launch/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../launch/mpi.sh
source "$root/launch/mpi.sh"
lockstep_run=$root/launch/lockstep-run
for name in $(compgen -e); do
  [[ $name != @(LOCKSTEP|SLURM|NCCL|UCX|OMPI|OMP|OPENBLAS|CUDA)_* ]] || unset "$name"
done

work=$(mktemp -d)
stand_in="$work/a folder/lockstep"
mkdir -p -- "$work/a folder"
cp -- "$root/tests/launch/stand_in.sh" "$stand_in"
trap clean_up EXIT


is_alive() { # PID
  [[ -e /proc/$1/status && $(sed -n 's/^State:\t//p' "/proc/$1/status" 2>/dev/null) != [ZX]* ]]
}

# shellcheck disable=SC2317 # a trap calls it
clean_up() {
  local pid
  for pid in $(jobs -p) $(cat -- "$work"/*/record/*.pids 2>/dev/null); do
    kill_tree "$pid"
  done
  rm -rf -- "$work"
}

# --- What the cases are made of ----------------------------------------------------------------------------

fail() { # MESSAGE: ends the case
  local file
  printf 'FAILED: %s\n' "$1" >&2
  for file in output errors; do
    [[ ! -e $file ]] || sed "s/^/  $file: /" "$file" >&2
  done
  exit 1
}

plan() { # WORD...: for stand_in.sh, whose records start anew
  export PLAN="$*" RECORD=$PWD/record
  rm -rf -- record output errors
  mkdir record
}

run() { # WORD...: sets code; standard output and error go to the files output and errors
  code=0
  timeout 40 "$lockstep_run" --program "$stand_in" "$@" >output 2>errors || code=$?
}

start() { # WORD...: sets wrapper to its pid
  set -m # a process group of its own
  # What a script starts in the background ignores SIGINT, and so would it.
  env --default-signal=INT "$lockstep_run" --program "$stand_in" "$@" >output 2>errors &
  wrapper=$!
  set +m
}

until_true() { # WHAT COMMAND...
  local what=$1 i
  shift
  for ((i = 0; i < 200; i++)); do
    ! "$@" || return 0
    sleep 0.1
  done
  kill_tree "$wrapper"
  fail "$what: not within 20 s"
}

finish() { # sets code to the wrapper's
  code=0
  until_true "the end of lockstep-run" has_ended "$wrapper"
  wait "$wrapper" || code=$?
}
has_ended() { ! is_alive "$1"; }

ranks_wait() { # NUMBER
  until_true "the start of $1 ranks" are_waiting "$1"
}
are_waiting() {
  local files=(record/*.1.pids)
  ((${#files[@]} == $1)) && [[ -e ${files[0]} ]]
}

expect_code() { [[ $code == "$1" ]] || fail "exit code $code, not $1"; }
expect_starts() { # NUMBER
  local starts=0
  [[ ! -e record/0.starts ]] || starts=$(wc -c <record/0.starts)
  [[ $starts == "$1" ]] || fail "$starts starts, not $1"
}
expect_words() { # START WORD...: what rank 0 was called with
  local start=$1
  shift
  printf '%s\0' "$@" | cmp -s - "record/0.$start.words" ||
    fail "start $start was called with $(tr '\0' '|' <"record/0.$start.words"), not $(printf '%s|' "$@")"
}
expect_error() { grep -qF -- "$1" errors || fail "standard error does not say '$1'"; }
expect_no_process() {
  local pid pids
  mapfile -t pids < <(cat -- record/*.pids)
  ((${#pids[@]})) || fail "no process left a record"
  for pid in "${pids[@]}"; do
    ! is_alive "$pid" || until_true "the end of process $pid" has_ended "$pid"
  done
}
expect_refusal() { # TEXT WORD...: exit code 2, TEXT on standard error, nothing started
  local text=$1
  shift
  plan 0
  run "$@"
  expect_code 2
  expect_error "$text"
  expect_starts 0
  [[ ! -s output ]] || fail "a refusal that prints on standard output"
}

# --- Cases -------------------------------------------------------------------------------------------------

case_words_and_output_pass_through() {
  plan 0
  run -np 2 train --data-dir 'a b' '' '*' -- --np=3 "c'd\"e" "\$HOME" --help
  expect_code 0
  expect_words 1 train --data-dir 'a b' '' '*' -- --np=3 "c'd\"e" "\$HOME" --help
  [[ $(<output) == $'loss of start 1\nloss of start 1' ]] || fail "standard output is not the two ranks' alone"
  [[ ! -s errors ]] || fail "a good run leaves something on standard error"
  [[ $(<record/1.1.folder) == "$PWD" ]] || fail "rank 1 ran in $(<record/1.1.folder)"

  plan 0
  run --np=1 -- train --epochs 3
  expect_words 1 train --epochs 3
}

case_paths() {
  plan 0
  ln -s -- "$lockstep_run" 'a link'
  lockstep_run='./a link'
  stand_in='../a folder/lockstep'
  run -np 1 doctor
  expect_code 0
  expect_words 1 doctor
}

case_codes_that_end_it() {
  local end
  for end in 2 3 75; do
    plan "$end" 0
    run -np 1 --max-restarts 3 --restart-delay 0 train --output-dir out
    expect_code "$end"
    expect_starts 1
  done
  plan 1 0
  run -np 1 train
  expect_code 1
  expect_starts 1
  plan 137 0
  run -np 1 train
  expect_code 137
}

case_restarts() {
  plan 1:10 137:938 0
  run -np 2 --max-restarts 3 --restart-delay 0 train --output-dir 'an output' --epochs 3
  expect_code 0
  expect_starts 3
  expect_words 1 train --output-dir 'an output' --epochs 3
  expect_words 2 train --output-dir 'an output' --epochs 3 --resume auto
  expect_words 3 train --output-dir 'an output' --epochs 3 --resume auto
  [[ $(grep '^lockstep-run: ' errors) == \
    "lockstep-run: attempt 2 of 4: exit code 1 after step 10; starting again in 0 s
lockstep-run: attempt 3 of 4: exit code 137 after step 938; starting again in 0 s" ]] || fail "other messages"
}

case_restarts_are_counted() {
  plan 1:1 1:2 1:3 1:4 0
  run -np 1 --max-restarts 2 --restart-delay 0 train --output-dir out
  expect_code 1
  expect_starts 3
  expect_error "exit code 1 after step 3, and --max-restarts 2 is used up"
}

case_no_progress_ends_it() {
  plan 1 137 0
  run -np 1 --max-restarts 9 --restart-delay 0 train --output-dir out
  expect_code 137
  expect_starts 2
  expect_error "attempt 2 of 10: exit code 1 before the first checkpoint"
  expect_error "two failures in a row without a new checkpoint in out"

  plan 1:10 1 1:20 1 137 0
  run -np 1 --max-restarts 9 --restart-delay 0 train --output-dir out
  expect_code 137
  expect_starts 5

  plan 1 1 0 # the checkpoint of step 20 lies there from before
  run -np 1 --max-restarts 9 --restart-delay 0 train --output-dir out --resume auto
  expect_starts 2
}

case_the_users_resume() {
  plan 1 1:10 1:20 0
  run -np 1 --max-restarts 9 --restart-delay 0 train --resume 'a file' --output-dir out --epochs 3
  expect_code 0
  expect_words 1 train --resume 'a file' --output-dir out --epochs 3
  expect_words 2 train --resume 'a file' --output-dir out --epochs 3 # no checkpoint of this run yet
  expect_words 3 train --output-dir out --epochs 3 --resume auto
  expect_words 4 train --output-dir out --epochs 3 --resume auto

  plan 1:30 0
  run -np 1 --max-restarts 9 --restart-delay 0 train --output-dir=out --resume=auto
  expect_words 1 train --output-dir=out --resume=auto
  expect_words 2 train --output-dir=out --resume auto
}

case_output_folders() {
  plan 1:10 1:20 0
  LOCKSTEP_OUTPUT_DIR='from the environment' OUTPUT='from the environment' \
    run -np 1 --max-restarts 2 --restart-delay 0 train
  expect_code 0
  expect_error "exit code 1 after step 20"
  expect_words 1 train

  printf '# comment\nepochs = 3\n  output-dir=from the file # comment\n' >'a config'
  plan 1:30 1:40 0
  OUTPUT='from the file' run -np 1 --max-restarts 2 --restart-delay 0 train --config 'a config'
  expect_code 0
  expect_error "exit code 1 after step 40"
  expect_words 2 train --config 'a config' --resume auto

  printf '\xef\xbb\xbfoutput-dir = "a b#1"  # comment\r\n' >quoted
  plan 1:70 1:80 0
  OUTPUT='a b#1' run -np 1 --max-restarts 2 --restart-delay 0 train --config quoted
  expect_code 0
  expect_error "exit code 1 after step 80"

  printf 'output-dir = ~/of-home\n' >home
  plan 1:90 1:100 0
  HOME=$PWD OUTPUT=$PWD/of-home run -np 1 --max-restarts 2 --restart-delay 0 train --config home
  expect_code 0
  expect_error "exit code 1 after step 100"

  plan 1:110 1:120 0
  OUTPUT=last run -np 1 --max-restarts 2 --restart-delay 0 train --output-dir=first --output-dir=last
  expect_code 0
  expect_error "exit code 1 after step 120"

  plan 1:50 1:60 0
  run -np 1 --max-restarts 2 --restart-delay 0 train
  local folders=(runs/*)
  [[ ${folders[*]} =~ ^runs/[0-9]{8}T[0-9]{6}Z-1$ ]] || fail "the folder that it chose: ${folders[*]}"
  expect_error "exit code 1 after step 60"
  expect_words 1 train --output-dir "${folders[0]}"
  expect_words 3 train --output-dir "${folders[0]}" --resume auto

  plan 2
  rm -r runs
  run -np 1 --max-restarts 2 train
  folders=(runs/*)
  [[ ${folders[0]} == 'runs/*' ]] || fail "the folder of a refused run stays: ${folders[*]}"
}

# Whatever batch systems and terminals send.
case_signals_save() { signals_save TERM HUP INT; }
case_more_signals_save() { signals_save USR1 USR2 QUIT; }
case_rare_signals_save() { signals_save XCPU PWR ALRM; }
signals_save() { # NAME...
  local signal record
  for signal; do
    plan save:75 0
    start -np 2 --max-restarts 3 --restart-delay 0 train --output-dir out
    ranks_wait 2
    if [[ $signal == INT ]]; then
      kill -s INT -- "-$wrapper" # its process group, as Ctrl-C in a terminal
    else
      kill -s "$signal" "$wrapper"
    fi
    finish
    expect_code 75
    expect_starts 1
    for record in record/{0,1}.1.signals; do
      [[ $(<"$record") == USR1 ]] || fail "after SIG$signal a rank saw '$(<"$record")', not one USR1"
    done
    expect_error "SIG$signal: the ranks save their state"
    expect_no_process
  done
}

case_a_signal_that_comes_again_and_again() {
  plan save:75
  start -np 2 train
  ranks_wait 2
  for _ in 1 2 3; do
    kill -s XCPU "$wrapper"
    sleep 0.1
  done
  finish
  expect_code 75
  [[ $(<record/0.1.signals) == USR1 ]] || fail "a rank saw '$(<record/0.1.signals)', not one USR1"
}

case_nohup() {
  plan save:75
  set -m
  (trap '' HUP && exec "$lockstep_run" --program "$stand_in" -np 1 train >output 2>errors) &
  wrapper=$!
  set +m
  ranks_wait 1
  kill -s HUP -- "-$wrapper"
  sleep 1
  is_alive "$wrapper" || fail "SIGHUP ended it although it is ignored"
  [[ ! -s record/0.1.signals ]] || fail "a rank saw $(<record/0.1.signals)"
  kill -s TERM "$wrapper"
  finish
  expect_code 75
}

state_of() { # PID: one letter
  sed -nE 's/^State:\s+(\S).*/\1/p' "/proc/$1/status"
}
are_stopped() { # yes or no, PID...
  local pid
  for pid in "${@:2}"; do
    if [[ $(state_of "$pid") == T ]]; then
      [[ $1 == yes ]] || return 1
    else
      [[ $1 == no ]] || return 1
    fi
  done
}

case_ctrl_z() {
  local ranks i
  plan save:75
  start -np 2 train
  ranks_wait 2
  ranks=("$(sed -n 1p record/0.1.pids)" "$(sed -n 1p record/1.1.pids)")
  for i in 1 2; do
    kill -s TSTP "$wrapper"
    until_true "all stopped, $i" are_stopped yes "$wrapper" "${ranks[@]}"
    kill -s CONT "$wrapper"
    until_true "all continued, $i" are_stopped no "$wrapper" "${ranks[@]}"
  done
  kill -s TERM "$wrapper"
  finish
  expect_code 75
  expect_no_process
  [[ $(<record/1.1.signals) == USR1 ]] || fail "a rank saw '$(<record/1.1.signals)', not one USR1"
}

case_killed() {
  local how record
  for how in alone with_its_group while_stopped; do
    plan save:75
    start -np 2 train
    ranks_wait 2
    case $how in
      alone) kill -s KILL "$wrapper" ;;
      with_its_group) kill -s KILL -- "-$wrapper" ;;
      while_stopped)
        kill -s TSTP "$wrapper"
        until_true "the stop" are_stopped yes "$wrapper"
        kill -s KILL "$wrapper"
        ;;
    esac
    finish
    expect_code 137
    expect_no_process
    for record in record/{0,1}.1.signals; do
      [[ $(<"$record") == USR1 ]] || fail "$how: a rank saw '$(<"$record")', not one USR1"
    done
  done
}

case_mpirun_killed() {
  plan save:75 0
  start -np 2 --max-restarts 1 --restart-delay 0 train --output-dir out
  ranks_wait 2
  sleep 1.5 # it has been seen that there are ranks
  kill -s KILL "$(sed -n 2p record/0.1.pids)"
  finish
  expect_code 0
  expect_starts 2
  [[ $(<record/0.1.signals) == USR1 ]] || fail "the rank was told nothing"
  expect_no_process
}

case_signals_and_other_codes() {
  plan save:1 0 # it could not be saved
  start -np 1 --max-restarts 3 --restart-delay 0 train --output-dir out
  ranks_wait 1
  kill -s TERM "$wrapper"
  finish
  expect_code 1
  expect_starts 1

  plan frail 0 # it is not yet ready to save
  start -np 1 --max-restarts 3 --restart-delay 0 train --output-dir out
  ranks_wait 1
  kill -s TERM "$wrapper"
  finish
  expect_code 75
  expect_starts 1
}

case_signals_at_the_start() {
  local i
  for i in 00 02 04 06 08 11 15 25; do
    plan save:75
    start -np 1 train
    until catches_term "$wrapper"; do
      sleep 0.005
    done
    sleep "0.$i"
    kill -s TERM "$wrapper"
    finish
    expect_code 75
    [[ ! -e record/0.1.pids ]] || expect_no_process
  done
}
catches_term() { # PID
  local caught
  caught=$(sed -n 's/^SigCgt:\t//p' "/proc/$1/status")
  ((16#${caught:-0} >> 14 & 1))
}

case_signals_without_a_reader() {
  local readers
  plan save:75
  set -m
  "$lockstep_run" --program "$stand_in" -np 1 train 2>&1 >output | : &
  set +m
  readers=$!
  ranks_wait 1
  wrapper=$(sed -n 's/^PPid:\t//p' "/proc/$(sed -n 2p record/0.1.pids)/status")
  kill -s TERM "$wrapper"
  until_true "the end of lockstep-run" has_ended "$wrapper"
  wait "$readers" || :
  [[ $(<record/0.1.signals) == USR1 ]] || fail "the rank was told nothing"
  expect_no_process
}

case_back_off_ends_on_a_signal() {
  local signal
  for signal in TERM INT; do
    plan 1:10 0
    start -np 1 --max-restarts 3 --restart-delay 60 train --output-dir out
    until_true "the back-off" grep -qs 'starting again in 60 s' errors
    kill -s "$signal" "$wrapper"
    finish
    expect_code 75
    expect_starts 1
  done
}

case_back_off_doubles() {
  plan 1:1 1:2 0
  SECONDS=0
  run -np 1 --max-restarts 3 train --output-dir out
  expect_error "attempt 2 of 4: exit code 1 after step 1; starting again in 1 s"
  expect_error "attempt 3 of 4: exit code 1 after step 2; starting again in 2 s"
  ((SECONDS >= 3)) || fail "it waited less than it said"
}

case_second_interrupt_ends_at_once() {
  plan deaf 0
  start -np 2 --max-restarts 3 --restart-delay 0 train --output-dir out
  ranks_wait 2
  kill -s INT "$wrapper"
  until_true "the first SIGINT" grep -qs 'the ranks save their state' errors
  sleep 0.5
  is_alive "$wrapper" || fail "the first SIGINT ended it"
  kill -s INT "$wrapper"
  finish
  expect_code 130
  expect_starts 1
  expect_no_process
}

case_second_interrupt_where_mpirun_hangs() {
  local mpirun
  plan deaf
  start -np 2 train
  ranks_wait 2
  mpirun=$(sed -n 2p record/0.1.pids)
  kill -s STOP "$mpirun"
  kill -s INT "$wrapper"
  until_true "the first SIGINT" grep -qs 'the ranks save their state' errors
  kill -s INT "$wrapper"
  finish
  expect_code 130
  expect_no_process
}

case_mpirun_outlives_the_ranks() {
  plan save:0
  start -np 2 --max-restarts 1 --restart-delay 60 train --output-dir out
  ranks_wait 2
  sleep 1.5 # it has been seen that there are ranks
  kill -s STOP "$(sed -n 2p record/0.1.pids)"
  kill -s USR1 "$(sed -n 1p record/0.1.pids)" "$(sed -n 1p record/1.1.pids)"
  until_true "the end of mpirun" grep -qs 'attempt 2 of 2: exit code 1' errors
  expect_error "mpirun is still there"
  kill -s TERM "$wrapper"
  finish
  expect_no_process
}

case_dry_run() {
  local line
  plan 0
  run --dry-run -np 2 --max-restarts 1 -x GREETING='good day' train --data-dir 'a b' "c'd"
  expect_code 0
  expect_starts 0
  [[ ! -e runs && ! -s errors ]] || fail "a dry run does something"
  line=$(<output)
  eval "$line" >output 2>errors || fail "what it prints does not run: $line"
  [[ $(tr '\0' '|' <record/1.1.words) =~ ^'train|--data-dir|a b|c'\''d|--output-dir|runs/'[0-9TZ]+'-1|'$ ]] ||
    fail "what it prints does not call the program as it should: $line"
  [[ $(<record/1.1.greeting) == 'good day' ]] || fail "-x does not reach the ranks"
}

case_hosts_threads_binding() {
  plan 0
  run --hosts localhost:2,localhost:1 train
  expect_code 0
  expect_starts 1
  [[ -e record/2.1.words && ! -e record/3.1.words ]] || fail "not 3 ranks, as --hosts has room for"

  NCCL_DEBUG=INFO OMP_PROC_BIND=true LOCKSTEP_EPOCHS=3 GREETING=hello HIDDEN=1 \
    run --dry-run --hosts 'a:2,b' -x GREETING -x NCCL_DEBUG=WARN --threads 2 --bind core train
  local expected words=(-np 3 --host 'a:2\,b' --map-by slot:PE=2 --bind-to core -x GREETING -x NCCL_DEBUG=WARN
    -x LOCKSTEP_EPOCHS -x OMP_PROC_BIND)
  expected="mpirun ${words[*]} "
  [[ $(<output) == *"$expected"*" train --threads 2" ]] || fail "not '… $expected…'"

  printf 'a slots=2\nb slots=2\n' >hosts
  run --dry-run --hostfile hosts --bind none train
  [[ $(<output) == *"mpirun --hostfile hosts --bind-to none "* ]] || fail "not as --hostfile wants it"

  SLURM_JOB_ID=7 run --dry-run train
  [[ $(<output) != *" -np "* ]] || fail "it takes no heed of Slurm's allocation"
}

case_own_names() {
  local name names own
  own=$(uname -n)
  export PATH=$PWD:$PATH
  printf '#!/bin/sh\necho "$@" >>%q\nexit 255\n' "$PWD/asked" >ssh
  chmod +x ssh
  names=(LOCALHOST localhost.localdomain 127.0.1.1 "$(id -un)@localhost" "${own^^}")
  name=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 '^[0-9.]*$') && names+=("$name")
  for name in "${names[@]}"; do
    plan 0
    run --hosts "$name:2" train
    [[ ! -e asked ]] || fail "$name is asked by ssh: $(<asked)"
    expect_code 0
    [[ -e record/1.1.words ]] || fail "$name: not 2 ranks"
  done
  plan 0
  run --hosts "localhost:1,elsewhere.invalid:1" train
  expect_code 1
  expect_starts 0
  grep -q 'elsewhere.invalid' asked || fail "another host is not asked"
}

case_gpus() {
  export STAND_IN_CUDA=yes PATH=$PWD:$PATH
  printf '#!/bin/sh\necho "GPU 0: A"\necho "GPU 1: B"\n' >nvidia-smi
  chmod +x nvidia-smi
  run --dry-run train
  [[ $(<output) == *"mpirun -np 2 "* ]] || fail "not one rank a GPU"
  run --dry-run -np 2 train --device cuda
  expect_code 0
  expect_refusal "3 ranks on this host, which has 2 GPU(s)" -np 3 train --device cuda
  LOCKSTEP_DEVICE=cuda CUDA_VISIBLE_DEVICES=1 expect_refusal "2 ranks on this host, which has 1 GPU(s)" -np 2 train
  printf 'elsewhere slots=4\nlocalhost slots=4\n' >hosts
  expect_refusal "3 ranks on this host" --hostfile hosts -np 7 train --device=cuda
  run --dry-run --hostfile hosts -np 6 train --device=cuda
  expect_code 0
  NCCL_MULTI_RANK_GPU_ENABLE=1 run --dry-run -np 3 train --device cuda
  expect_code 0
}

case_refusals() {
  expect_refusal "unknown option --epochs" -np 1 --epochs 3 train
  expect_refusal "see --help" --nonsense
  expect_refusal "no command" -np 1
  expect_refusal "-np '0'" -np 0 train
  expect_refusal "-np 'two'" -np two train
  expect_refusal "--max-restarts '-1'" --max-restarts -1 train
  expect_refusal "--max-restarts is for train alone" --max-restarts 1 doctor
  expect_refusal "--restart-delay '1.5'" --restart-delay 1.5 train
  expect_refusal "--restart-delay '61'" --restart-delay 61 train
  expect_refusal "--bind 'hand'" --bind hand train
  expect_refusal "--threads '1x'" --threads 1x train
  expect_refusal "--threads is given twice" --threads 1 train --threads 2
  expect_refusal "--hosts 'a:0'" --hosts a:0 train
  expect_refusal "has room for 3" --hosts a:2,b:1 -np 4 train
  expect_refusal "cannot read nowhere" --hostfile nowhere train
  expect_refusal "exclude each other" --hosts a --hostfile b train
  expect_refusal "no such variable" -x NO_SUCH_VARIABLE train
  expect_refusal "no name of a variable" -x a-b train
  expect_refusal "exclude each other" --preset release train
  expect_refusal "needs a value" --hostfile
  expect_refusal "no executable file" --program 'not there' train
  expect_refusal "no executable file" --program / train
}

case_program_that_is_not_built() {
  code=0
  "$lockstep_run" --preset nonesuch train >output 2>errors || code=$?
  expect_code 2
  expect_error "cmake --build --preset nonesuch"
}

case_help() {
  code=0
  "$lockstep_run" --help >output 2>errors || code=$?
  expect_code 0
  [[ ! -s errors && $(<output) == Usage:*--max-restarts* ]] || fail "no help"
}

# -----------------------------------------------------------------------------------------------------------

# They spend their time waiting, so several run at once.
run_case() { # NAME
  local began=${EPOCHREALTIME/[.,]/}
  mkdir -- "$work/$1 of it"
  cd -- "$work/$1 of it" || exit
  ("$1") >../"$1.log" 2>&1 || touch -- "../$1.failed"
  printf '%s: %d ms\n' "$1" $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) >>"../$1.log"
}

mapfile -t cases < <(compgen -A function case_)
for name in "${cases[@]}"; do
  while (($(jobs -pr | wc -l) >= 6)); do
    wait -n || :
  done
  run_case "$name" &
done
wait
for name in "${cases[@]}"; do
  cat -- "$work/$name.log"
done
failed=("$work"/case_*.failed)
[[ ! -e ${failed[0]} ]] || { printf '%d cases failed\n' ${#failed[@]} && exit 1; }
