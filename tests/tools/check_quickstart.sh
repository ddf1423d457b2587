#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/tools/check_quickstart.sh [--help]

Proves what the README promises a newcomer: runs launch/quickstart.sh twice and checks that both train and leave
a run behind, and that the second installs nothing. For a bare Debian 12:

  tests/tools/fresh_debian.sh -g tests/tools/check_quickstart.sh
TEXT
}

case ${1-} in
  '') ;;
  --help) usage && exit ;;
  *) printf 'check_quickstart: error: unknown option %s: see --help\n' "$1" >&2 && exit 2 ;;
esac

fail() {
  printf 'check_quickstart: error: %s\n' "$1" >&2
  exit 1
}

cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.."
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
mkdir -p runs
shopt -s nullglob

quickstart() { # NAME
  local runs_before=(runs/*) models new status=0 start=$SECONDS
  ./launch/quickstart.sh --epochs 1 >"$work/$1.out" 2>"$work/$1.err" || status=$?
  cat -- "$work/$1.err" "$work/$1.out" >&2
  ((status == 0)) || fail "the $1 run ended with exit code $status, not 0"
  [[ $(head -n 1 -- "$work/$1.out") == "Epoch 1" ]] || fail "the $1 run's output does not begin with 'Epoch 1'"
  grep -qxE 'loss: [0-9.]+  \[ *[0-9]+/60000\]' "$work/$1.out" || fail "the $1 run printed no loss of 60000 samples"
  grep -qx 'Test Error: ' "$work/$1.out" || fail "the $1 run printed no 'Test Error:' line"
  grep -qxE ' Accuracy: [0-9.]+%, Avg loss: [0-9.]+ ' "$work/$1.out" || fail "the $1 run printed no accuracy"
  [[ $(tail -n 1 -- "$work/$1.out") == "Done!" ]] || fail "the $1 run's output does not end with 'Done!'"
  new=(runs/*) models=(runs/*/model.safetensors)
  ((${#new[@]} == ${#runs_before[@]} + 1)) || fail "the $1 run left $((${#new[@]} - ${#runs_before[@]})) folders in runs/, not one"
  ((${#models[@]} == ${#new[@]})) || fail "the $1 run left no model.safetensors in runs/"
  seconds=$((SECONDS - start))
}

quickstart first
before=$(dpkg-query -W)
quickstart second
[[ $(dpkg-query -W) == "$before" ]] || fail "the second run changed the installed packages"
! grep -E 'installing|refreshing' "$work/second.err" >&2 || fail "the second run set about installing something"
((seconds <= 60)) || fail "the second run took $seconds s: nothing was to be built, so it should take seconds"
printf 'check_quickstart: passed; the second run took %d s\n' "$seconds"
