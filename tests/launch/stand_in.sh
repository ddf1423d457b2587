#!/usr/bin/env bash
# In place of lockstep in lockstep_run_test.sh: records how it is called, and does what the test wants.
#
# RECORD  folder; start S of rank R leaves RECORD/R.S.words (null-terminated), .folder, .greeting, .signals, and
#         when its traps stand .pids (its own and mpirun's)
# PLAN    what start 1, 2, … does; the last word counts for all further ones:
#           CODE[:STEP]  rank 0 writes checkpoint STEP; exits with CODE, or for 137 by SIGKILL
#           save:CODE    waits for SIGUSR1, and exits with CODE
#           frail        waits, and SIGUSR1 kills it
#           deaf         waits, and ignores every signal that it can
# OUTPUT  where the checkpoints go if --output-dir is not given
set -u

if [[ ${1-} == --version ]]; then
  printf 'LibTorch 2.9.1%s\n' "${STAND_IN_CUDA:+ with CUDA}"
  exit
fi

rank=$OMPI_COMM_WORLD_RANK
printf . >>"$RECORD/$rank.starts"
start=$(wc -c <"$RECORD/$rank.starts")
mine=$RECORD/$rank.$start
printf '%s\0' "$@" >"$mine.words"
printf '%s' "$PWD" >"$mine.folder"
printf '%s' "${GREETING-}" >"$mine.greeting"
: >"$mine.signals"

# Exits half a second after SIGUSR1, so that it sees what else comes. mpirun signals the sleeps too.
await_signals() { # CODE
  local i
  printf '%d\n' $$ $PPID >"$mine.pids.new"
  mv -- "$mine.pids.new" "$mine.pids"
  for ((i = 0; i < 600; i++)); do
    ((saving == 0)) || ((saving++ < 6)) || exit "$1"
    sleep 0.1
  done
  exit 1
}

write_checkpoint() { # STEP WORDS...
  local step=$1 output=${OUTPUT-}
  while shift && (($#)); do
    case $1 in
      --output-dir) output=$2 ;;
      --output-dir=*) output=${1#*=} ;;
    esac
  done
  mkdir -p -- "$output/checkpoints"
  ln -sfn "$(printf 'step-%08d.safetensors' "$step")" "$output/checkpoints/latest"
}

# shellcheck disable=SC2153 # PLAN comes from the test
read -ra plan <<<"$PLAN"
act=${plan[$((start <= ${#plan[@]} ? start - 1 : ${#plan[@]} - 1))]}
saving=0
case $act in
  save:*)
    trap 'echo USR1 >>"$mine.signals"; saving=1' USR1
    trap 'echo other >>"$mine.signals"' INT TERM HUP USR2
    await_signals "${act#*:}"
    ;;
  frail) await_signals 1 ;;
  deaf)
    trap '' INT TERM HUP USR1
    await_signals 1
    ;;
esac

printf 'loss of start %d\n' "$start"
[[ $act != *:* || $rank != 0 ]] || write_checkpoint "${act#*:}" "$@"
[[ ${act%%:*} != 137 ]] || kill -s KILL $$
exit "${act%%:*}"
