#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/progress_test.sh [--help] PROGRAM MPIRUN

Looks at the progress line on real terminals (tmux) of 80 and 200 columns, alone and under mpirun: it stands alone at the
bottom, tears no other line, is gone at the end and after Ctrl-C, and is not there when piped. Exit code 77: no tmux.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1 mpirun=$2
command -v tmux >/dev/null || { echo 'progress_test: SKIPPED: tmux is not installed' >&2 && exit 77; }
work=$(mktemp -d)
export TMUX_TMPDIR=$work
terminals=0 # started; a server each
screen() { tmux -L "terminal$terminals" "$@"; }
stop() { screen kill-server 2>/dev/null || :; }
trap 'stop; rm -rf -- "$work"' EXIT
fail() {
  printf 'progress_test: FAILED: %s\n' "$1" >&2
  exit 1
}

options=(train --synthetic --train-samples 12800 --test-samples 640 --epochs 3 --log-every 40 --threads 1)
line='^epoch [1-3]/3 (\[#*\.*\] )? *[0-9]+ %  [0-9]+ images/s  loss [0-9.]+  [0-9:]+ left$'
# All else that a run prints on a terminal.
other='^(Epoch [0-9]+|-+|loss: +[0-9.]+ +\[ *[0-9]+/12800\]|Test Error:| Accuracy: .*|Done!|lockstep: .*||END [0-9]+)$'

start() { # COLUMNS COMMAND...
  stop
  ((++terminals))
  {
    echo 'trap : INT # Ctrl-C is for the program'
    printf '%q ' "${@:2}"
    # shellcheck disable=SC2016 # expands there
    printf '\nstatus=$?; echo; echo "END $status"; sleep 1000\n'
  } >"$work/command"
  screen -f /dev/null new-session -d -x "$1" -y 60 "TERM=screen bash '$work/command'"
}
look() { screen capture-pane -p -J >"$work/seen" && sed -i 's/ *$//' "$work/seen"; } # lines that were wrapped, whole

check_lines() {
  local lines text
  mapfile -t lines <"$work/seen"
  for text in "${lines[@]}"; do
    [[ $text =~ $other || $text =~ $line ]] || fail "a line is torn: '$text' in: $(cat "$work/seen")"
  done
}

# Until the run has ended: every look shows whole lines, and the progress line at the bottom or not at all.
watch() { # WIDTH
  local i seen=0 text
  for ((i = 0; i < 3000; i++)); do
    look
    check_lines
    text=$(grep -E "$line" "$work/seen" || :)
    if [[ -n $text ]]; then
      ((++seen))
      [[ $(grep -cE "$line" "$work/seen") == 1 ]] || fail "the line stands there twice: $(cat "$work/seen")"
      [[ $(sed '/^$/d' "$work/seen" | tail -n 1) == "$text" ]] || fail "it is not at the bottom: $(cat "$work/seen")"
      ((${#text} < $1)) || fail "it is wider than the terminal: $text"
      [[ $1 == 80 || $text == *'['* ]] || fail "there is room for a bar: $text"
    fi
    ! grep -q '^END' "$work/seen" || break
    sleep 0.02
  done
  grep -q '^END 0' "$work/seen" || fail "the run did not end well: $(cat "$work/seen")"
  ((seen > 3)) || fail "the line was seen $seen times"
  ! grep -E "$line" "$work/seen" || fail "it is still there: $(cat "$work/seen")"
}

[[ $(id -u) != 0 ]] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for columns in 80 200; do
  start "$columns" "$program" "${options[@]}" --output-dir "$work/alone$columns"
  watch "$columns"
  start "$columns" "$mpirun" --oversubscribe -np 2 "$program" "${options[@]}" --output-dir "$work/two$columns"
  watch "$columns"
done

# Ctrl-C: the line goes, and what is said instead is whole.
start 80 "$program" "${options[@]/3/300}" --output-dir "$work/interrupted"
until look && grep -qE '^epoch' "$work/seen"; do sleep 0.05; done
screen send-keys C-c
for ((i = 0; i < 100; i++)); do
  look
  ! grep -q '^END' "$work/seen" || break
  sleep 0.1
done
grep -q '^END 75' "$work/seen" || fail "after Ctrl-C: $(cat "$work/seen")"
! grep -q '^epoch' "$work/seen" || fail "the line stays after Ctrl-C: $(cat "$work/seen")"
grep -q '^lockstep: stopped by a signal' "$work/seen" || fail "no last word: $(cat "$work/seen")"

# Piped: not a byte of it; and --progress on asks for it all the same.
"$program" "${options[@]}" --output-dir "$work/piped" >"$work/out" 2>"$work/errors"
! grep -q $'\x1b\|\r' "$work/out" "$work/errors" || fail "control sequences in a pipe"
"$program" "${options[@]}" --output-dir "$work/asked" --progress on >"$work/out" 2>"$work/errors"
! grep -q $'\x1b\|\r' "$work/out" || fail "control sequences on standard output"
grep -q 'epoch 1/3' "$work/errors" || fail "--progress on shows nothing"
start 80 "$program" "${options[@]}" --output-dir "$work/off" --progress off
until look && grep -q '^END' "$work/seen"; do
  ! grep -E "$line" "$work/seen" || fail "--progress off shows it"
  sleep 0.05
done
echo 'progress_test: passed'
