#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/terminal_test.sh [--help] PROGRAM MPIRUN

launch/lockstep-run with a real training in a shell on a real terminal (tmux): Ctrl-Z stops the ranks as well and fg
continues them, for longer than --collective-timeout; `stty tostop` hangs nothing. Exit code 77: no tmux.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1
command -v tmux >/dev/null || { echo 'terminal_test: SKIPPED: tmux is not installed' >&2 && exit 77; }
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
PATH=$(dirname -- "$2"):$PATH
export TMUX_TMPDIR=$work
for name in $(compgen -e); do
  [[ $name != @(LOCKSTEP|SLURM)_* ]] || unset "$name"
done
screen() { tmux -L terminal "$@"; }
# shellcheck disable=SC2317 # a trap calls it
stop() {
  local pid
  for pid in $(ranks); do kill -s KILL "$pid" 2>/dev/null || :; done
  screen kill-server 2>/dev/null || :
  rm -rf -- "$work"
}
trap stop EXIT
fail() {
  printf 'terminal_test: FAILED: %s\n%s\n' "$1" "$(screen capture-pane -p -J | sed '/^$/d')" >&2
  exit 1
}

ranks() { # their process ids
  pgrep -f -- "lockstep train .*--output-dir $work/" | while read -r pid; do
    ! grep -qzs '^OMPI_COMM_WORLD_RANK=' "/proc/$pid/environ" || echo "$pid"
  done
}
states() { # T if all ranks are stopped, another letter for each that is not
  local pid
  for pid in $(ranks); do sed -nE 's/^State:\s+(\S).*/\1/p' "/proc/$pid/status" 2>/dev/null || :; done | sort -u | paste -sd ''
}
type_line() { screen send-keys -l "$1" && screen send-keys Enter; }
until_seen() { # PATTERN
  local i
  for ((i = 0; i < 1200; i++)); do
    ! screen capture-pane -p -J | grep -qE -- "$1" || return 0
    sleep 0.1
  done
  fail "not within 120 s: $1"
}
until_states() { # PATTERN
  local i
  for ((i = 0; i < 100; i++)); do
    [[ ! $(states) =~ $1 ]] || return 0
    sleep 0.1
  done
  fail "the ranks' states are '$(states)', not $1"
}
train() { # OUTPUT OPTION...
  type_line "$here/../../launch/lockstep-run --program $program -np 2 train --synthetic --test-samples 500 --hidden 64 --threads 1 --output-dir $work/$1 ${*:2}; echo END \$?"
}

screen -f /dev/null new-session -d -x 200 -y 50 "PS1='> ' TERM=screen bash --norc --noprofile -i"

slowdown=${TEST_SLOWDOWN:-1} # under ThreadSanitizer
type_line 'stty tostop'
train tostop --train-samples 6400 --epochs 2 --progress on
until_seen '^END 0'
type_line 'stty -tostop; clear'

train stopped --train-samples 32000 --epochs 1000 --log-every 1 --collective-timeout $((2 * slowdown))
until_seen '^loss: '
screen send-keys C-z
until_seen 'Stopped'
until_states '^T$'
sleep $((5 * slowdown)) # longer than any rank may wait for another
[[ $(states) == T ]] || fail "the ranks went on: $(states)"
type_line 'clear; fg; echo END $?' # the END of before came with the stop
until_states '^[RSD]+$'
until_seen '^loss: '
screen send-keys C-c
until_seen '^END 75'
[[ -z $(ranks) ]] || fail "ranks are left"
echo 'terminal_test: passed'
