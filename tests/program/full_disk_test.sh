#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/program/full_disk_test.sh [--help] PROGRAM

Trains into a file system that is too small for its checkpoints, then makes it larger and goes on; and into one with room
for fewer checkpoints than asked for. Exit code 77: this machine or user cannot mount a tmpfs.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac

fail() {
  printf 'full_disk_test: FAILED: %s\n' "$1" >&2
  exit 1
}

if [[ ${2-} != inside ]]; then
  unshare --user --map-root-user --mount true 2>/dev/null || unshare --mount true 2>/dev/null || {
    printf 'full_disk_test: SKIPPED: no mount namespaces for this user\n' >&2
    exit 77
  }
  ((EUID == 0)) || exec unshare --user --map-root-user --mount "$0" "$1" inside
  exec unshare --mount --propagation private "$0" "$1" inside
fi

program=$1
work=$(mktemp -d)
trap 'cd / && umount "$work/small" 2>/dev/null; rm -rf -- "$work"' EXIT
mkdir "$work/small"
mount -t tmpfs -o size=12m tmpfs "$work/small"

# A checkpoint is 8 MB: one fits, a second does not, and without a second the first stays.
common=(train --synthetic --train-samples 6400 --test-samples 100 --epochs 2 --optimizer adam --threads 1 --checkpoint-every 20
  --log-every 10)
"$program" "${common[@]}" --output-dir "$work/ample" >"$work/log" 2>&1 || fail "the run with space: $(tail -n 3 "$work/log")"
status=0
"$program" "${common[@]}" --output-dir "$work/small/run" >"$work/log" 2>&1 || status=$?
((status == 1)) || fail "exit code $status: $(cat "$work/log")"
grep -q 'warning: the checkpoint of step 40 was not saved, training goes on: .*No space left on device' "$work/log" ||
  fail "no warning: $(cat "$work/log")"
grep -q '^Epoch 2$' "$work/log" || fail "training did not go on: $(cat "$work/log")"
(($(grep -c '^lockstep: error: ' "$work/log") == 1)) || fail "not one error: $(cat "$work/log")"
[[ -z $(find "$work/small" -name '*.part') ]] || fail "half a file was left"
[[ $(readlink "$work/small/run/checkpoints/latest") == step-00000020.safetensors ]] || fail "the good one is gone"

mount -o remount,size=100m "$work/small"
"$program" "${common[@]}" --output-dir "$work/small/run" --resume auto >"$work/log" 2>&1 ||
  fail "the resume: $(tail -n 3 "$work/log")"
"$program" compare "$work/ample" "$work/small/run" >"$work/log" 2>&1 || fail "$(cat "$work/log")"

# Room for two checkpoints, of 2.7 MB, where three should stay and the final weights are to be written.
umount "$work/small"
mount -t tmpfs -o size=6m tmpfs "$work/small"
common=(train --synthetic --train-samples 6400 --test-samples 100 --epochs 1 --threads 1 --checkpoint-every 20)
"$program" "${common[@]}" --output-dir "$work/small/run" >"$work/log" 2>&1 || fail "room for two: $(cat "$work/log")"
(($(grep -c 'warning: .*no space left for 3 checkpoints' "$work/log") == 1)) || fail "not one warning: $(cat "$work/log")"
[[ $(readlink "$work/small/run/checkpoints/latest") == step-00000100.safetensors ]] || fail "not the newest"
[[ -s $work/small/run/model.safetensors && -s $work/small/run/checkpoints/latest ]] || fail "what matters is not there"
printf 'full_disk_test: passed\n'
