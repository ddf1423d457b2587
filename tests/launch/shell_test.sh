#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/shell_test.sh [--help] PROGRAM

Completes with the scripts that PROGRAM prints for bash and (where it is installed) zsh, and holds its manual page against
groff's warnings and the list of commands.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
fail() {
  printf 'shell_test: FAILED: %s\n' "$1" >&2
  exit 1
}

# --- bash: the words of a command line, the last of which is completed ---------------------------------------
"$program" completion bash >"$work/bash"
# shellcheck disable=SC1091 # made by the program
source "$work/bash"
complete -p lockstep >/dev/null || fail "bash completes nothing for lockstep"
completed() { # WORD...
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  _lockstep
  printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
}
expect() { # ANSWER WORD...
  local answer
  answer=$(completed "${@:2}")
  [[ $answer == "$1" ]] || fail "'${*:2}' is completed by '$answer', not '$1'"
}
cd -- "$work"
touch weights.safetensors 'two words.conf'
expect 'predict' lockstep pre
expect 'allreduce step' lockstep bench ''
expect '--optimizer' lockstep train --opt
expect 'adam adamw' lockstep train --optimizer ad
expect 'sgd' lockstep train --optimizer = s
expect 'weights.safetensors' lockstep train --init-from w
expect 'two words.conf' lockstep train --config t
expect '--min-bytes' lockstep bench allreduce --min
expect '' lockstep train --lr ''
expect 'bash zsh' lockstep completion ''
expect 'weights.safetensors' lockstep compare w

# Every option that --help knows is offered.
"$program" train --help | grep -o '^  --[a-z-]*' | tr -d ' ' | sort >"$work/known"
completed lockstep train -- | tr ' ' '\n' | grep -vx -e --help -e --config -e --check-options | sort >"$work/offered"
diff "$work/known" "$work/offered" >&2 || fail "bash does not offer the options of --help"

# --- zsh: with stand-ins for its own helpers, that say what they were asked for ------------------------------
"$program" completion zsh >"$work/_lockstep"
if command -v zsh >/dev/null; then
  asked() { # WORD...
    # shellcheck disable=SC2016 # expands in zsh
    zsh -fc 'script=$1; shift
      _describe() { print -l -- "${(@P)2}"; }
      compadd() { print -l -- "$@"; }
      _arguments() { print -l -- "$@"; }
      complete_it() { local -a words=("$@"); local CURRENT=$#; source $script; }
      complete_it "$@"' zsh "$work/_lockstep" "$@" || fail "zsh cannot run its script"
  }
  [[ $(asked lockstep '') == *'compare:whether two runs'* ]] || fail "zsh does not list the commands"
  [[ $(asked lockstep train '') == *'--optimizer=[the optimizer (default sgd)]:sgd/adam/adamw/rmsprop:(sgd adam adamw rmsprop)'* ]] ||
    fail "zsh does not know the optimizers"
  [[ $(asked lockstep bench step '') == *'--independent='* ]] || fail "zsh does not know bench step"
  (($(asked lockstep train '' | grep -c '^--') == $(wc -l <"$work/known") + 3)) || fail "zsh lacks options of train"
else
  echo 'shell_test: zsh is not installed: its script was not run' >&2
fi

# --- the manual page -----------------------------------------------------------------------------------------
"$program" manual >"$work/lockstep.1"
for command in train evaluate predict 'bench allreduce' 'bench step' compare report doctor; do
  grep -q "^\.SS \"lockstep $command" "$work/lockstep.1" || fail "the manual lacks '$command'"
done
while read -r option; do
  grep -qF -- "\\fB\\-\\-${option//-/\\-}\\fP" "$work/lockstep.1" || fail "the manual lacks --$option"
done < <(sed 's/^--//' "$work/known")
if command -v groff >/dev/null; then
  warnings=$(groff -man -ww -z -K utf8 -T utf8 "$work/lockstep.1" 2>&1)
  [[ -z $warnings ]] || fail "groff says: $warnings"
fi

# --- what cannot be done -------------------------------------------------------------------------------------
status=0
"$program" completion fish 2>"$work/errors" || status=$?
((status == 2)) || fail "completion fish: exit code $status"
for command in manual 'completion zsh' --help --version 'train --help' 'compare --help' 'bench --help' doctor; do
  status=0
  # shellcheck disable=SC2086 # the command's words
  "$program" $command 2>"$work/errors" >/dev/full || status=$?
  ((status == 1)) || fail "$command >/dev/full: exit code $status"
  grep -q 'standard output: No space left' "$work/errors" ||
    fail "$command: no word of the full disk: $(cat "$work/errors")"
done
echo 'shell_test: passed'
