#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/variables_test.sh [--help]

What the scripts in launch/ and slurm/ make of variables: SWEEP for the tasks of a job array, and LOCKSTEP_* in locales
with other letters (skipped, with the reason, where they cannot be made).
TEXT
}

[[ ${1-} != --help ]] || { usage && exit; }
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
for name in $(compgen -e); do
  [[ $name != @(LOCKSTEP|SLURM)_* && $name != SWEEP ]] || unset "$name"
done
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
failed() {
  printf 'variables_test: FAILED: %s\n' "$1" >&2
  exit 1
}

# --- SWEEP ---------------------------------------------------------------------------------------------------

locale=() # NAME=VALUE: a new shell takes it, this one cannot
swept() { # TASK SWEEP: what the task's training gets
  # shellcheck disable=SC2016 # expands there
  env "${locale[@]}" SLURM_ARRAY_TASK_ID="$1" SWEEP="$2" bash -c 'set -euo pipefail
    root=$1
    source "$root/slurm/job.sh"
    apply_sweep
    env | grep "^LOCKSTEP_" | LC_ALL=C sort | paste -sd " "' bash "$root" 2>"$work/errors"
}
expect() { # ANSWER TASK SWEEP
  local answer
  answer=$(swept "$2" "$3") || failed "task $2 of '$3' is refused: $(cat "$work/errors")"
  [[ $answer == "$1" ]] || failed "task $2 of '$3' gets '$answer', not '$1'"
}
expect_refusal() { # TEXT TASK SWEEP
  local status=0
  swept "$2" "$3" >"$work/out" || status=$?
  ((status == 2)) || failed "task $2 of '$3': exit code $status, not 2"
  grep -qF -- "$1" "$work/errors" || failed "task $2 of '$3': not '$1' but $(cat "$work/errors")"
}
check_sweep() {
  expect 'LOCKSTEP_LR=0.1' 1 'LOCKSTEP_LR=0.01 LOCKSTEP_LR=0.1'
  expect 'LOCKSTEP_LR=0.1 LOCKSTEP_MOMENTUM=0.9' 0 'LOCKSTEP_LR=0.1,LOCKSTEP_MOMENTUM=0.9'
  expect 'LOCKSTEP_HIDDEN=256,128' 0 'LOCKSTEP_HIDDEN=256,128 LOCKSTEP_HIDDEN=512,512,512'
  expect 'LOCKSTEP_HIDDEN=512,512,512' 1 'LOCKSTEP_HIDDEN=256,128 LOCKSTEP_HIDDEN=512,512,512'
  expect 'LOCKSTEP_AUGMENT=flip,crop:4 LOCKSTEP_HIDDEN=256,128 LOCKSTEP_LR=0.1' 0 \
    'LOCKSTEP_HIDDEN=256,128,LOCKSTEP_LR=0.1,LOCKSTEP_AUGMENT=flip,crop:4'
  expect 'LOCKSTEP_RESUME=' 0 'LOCKSTEP_RESUME='
  expect_refusal "'EPOCHS=3' is not of the form" 0 'LOCKSTEP_LR=0.1,EPOCHS=3'
  expect_refusal "'256' is not of the form" 0 '256,LOCKSTEP_LR=0.1'
  expect_refusal 'SWEEP has 1 settings' 1 'LOCKSTEP_LR=0.1'
}
check_sweep

# --- Locales -------------------------------------------------------------------------------------------------

# Turkish: the capital of i is İ, and I is no letter between A and Z. Estonian: T to Y come behind Z. German: a decimal
# comma.
check_locale() { # NAME
  local words run=("$root/launch/lockstep-run" --dry-run -np 1 --program /bin/true)
  locale=(LOCPATH="$work" LC_ALL="$1.UTF-8")
  [[ $(env "${locale[@]}" locale charmap 2>/dev/null) == UTF-8 ]] || failed "$1.UTF-8 does not work"
  check_sweep
  words=$(env "${locale[@]}" LOCKSTEP_OUTPUT_DIR=mine "${run[@]}" --max-restarts 1 train 2>"$work/errors") ||
    failed "$1: $(cat "$work/errors")"
  [[ $words != *--output-dir* && ! -s $work/errors ]] ||
    failed "$1: LOCKSTEP_OUTPUT_DIR is not found: $words $(cat "$work/errors")"
  env "${locale[@]}" "${run[@]}" -x MINI_TUVWXYZ=1 --bind hwthread train >/dev/null 2>"$work/errors" ||
    failed "$1: $(cat "$work/errors")"
  ! env "${locale[@]}" "${run[@]}" --threads ² train >/dev/null 2>&1 || failed "$1: ² is a number of threads"
}
skipped=''
for name in tr_TR et_EE de_DE; do
  if localedef -i "$name" -f UTF-8 "$work/$name.UTF-8" 2>"$work/errors"; then
    check_locale "$name"
  else
    skipped+=" $name"
  fi
done
[[ -z $skipped ]] || printf 'variables_test: not tried:%s: localedef cannot make them (package locales): %s\n' "$skipped" "$(tail -n 1 "$work/errors")"
echo 'variables_test: passed'
