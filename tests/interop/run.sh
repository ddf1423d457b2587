#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/interop/run.sh [--help] PYTHON TEST PROGRAM

Runs a test with PYTHON. Exit code 77: PYTHON, or one of the packages that the tests need, is not there.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
missing=$("$1" -c 'import numpy, pandas, PIL, safetensors, tensorboard, torch' 2>&1) || {
  printf 'SKIPPED: %s cannot import what the test needs: %s\n' "$1" "$(tail -n 1 <<<"$missing")" >&2
  exit 77
}
# Without a lookup of compiled files beside the source, and without the caller's settings of Python.
exec "$1" -I -B "$2" "$3"
