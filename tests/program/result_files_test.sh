#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/program/result_files_test.sh [--help] PROGRAM MPIRUN

Results written to devices, pipes, links and the program's own output; options read from pipes. What cannot be tried here
(device nodes, mounts) is said and left out.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac

fail() {
  printf 'result_files_test: FAILED: %s\n' "$1" >&2
  exit 1
}

program=$1 mpirun=$2
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"

bench=(bench allreduce --min-bytes 4 --max-bytes 4 --iterations 2 --warmup 1)
step=(bench step --steps 2 --hidden 8 --threads 1)
train=(train --synthetic --train-samples 1280 --test-samples 64 --epochs 1 --hidden 8 --threads 1)
is_json() { # FILE: a result from a line "{" to the end
  local text
  text=$(sed -n '/^{$/,$p' "$1")
  [[ $text == *'"schema": 1,'*'"results": '*$'\n}' ]]
}

# Standard output: text and JSON, one behind the other, in a file and in a pipe, with and without mpirun.
"$program" "${bench[@]}" --json /dev/stdout >out 2>errors || fail "$(cat errors)"
grep -q '^# all-reduce' out || fail "the text is gone: $(cat out)"
is_json out || fail "no JSON: $(cat out)"
"$program" "${step[@]}" --json /dev/stdout 2>errors | cat >out || fail "$(cat errors)"
is_json out || fail "no JSON in a pipe: $(cat out)"
"$mpirun" --oversubscribe -np 2 "$program" "${bench[@]}" --csv /dev/stdout >out 2>errors || fail "$(cat errors)"
grep -q '^bytes,count' out || fail "no CSV under mpirun: $(cat out)"
echo before >out
"$program" "${bench[@]}" --json /dev/fd/7 7>>out >text 2>errors || fail "$(cat errors)"
[[ $(head -n 1 out) == before ]] || fail "what was there before is gone: $(cat out)"
is_json out || fail "no JSON behind it: $(cat out)"

# A pipe and a link.
mkfifo pipe
cat pipe >received &
"$program" "${bench[@]}" --json pipe >text 2>errors || fail "$(cat errors)"
wait $!
[[ -p pipe ]] || fail "the pipe was replaced"
is_json received || fail "no JSON from the pipe"
mkdir elsewhere && ln -s elsewhere/out.json link
"$program" "${bench[@]}" --json link >text 2>errors || fail "$(cat errors)"
[[ -L link ]] || fail "the link was replaced"
is_json elsewhere/out.json || fail "nothing where the link leads"

# A device stays one.
if mknod null c 1 3 2>/dev/null && : 2>/dev/null >null; then
  "$program" "${train[@]}" --max-steps 12 --output-dir traced --trace null >text 2>errors || fail "$(cat errors)"
  "$program" predict --synthetic --index 0 --checkpoint traced/model.safetensors --png null >text 2>errors ||
    fail "$(cat errors)"
  "$program" "${bench[@]}" --json null --csv null >text 2>errors || fail "$(cat errors)"
  [[ -c null ]] || fail "the device was replaced"
else
  echo 'result_files_test: no device nodes here: not tried' >&2
fi

# A file that is a mount point, as containers have them, can only be written to.
if unshare --mount true 2>/dev/null; then
  echo old >mounted && : >place
  unshare --mount --propagation private bash -c 'mount --bind mounted place && exec "$@"' bash \
    "$program" "${bench[@]}" --json place >text 2>errors || fail "$(cat errors)"
  is_json mounted || fail "nothing in the mounted file"
else
  echo 'result_files_test: no mounts for this user: not tried' >&2
fi

# Options from a pipe.
"$program" "${train[@]}" --config <(echo 'max-steps = 3') --output-dir from_pipe >text 2>errors || fail "$(cat errors)"
grep -q '"steps":3' from_pipe/metrics.jsonl || fail "the option in the pipe did not count"
echo 'max-steps = 3' | "$mpirun" --oversubscribe -np 2 "$program" "${train[@]}" --config /dev/stdin --output-dir from_input \
  >text 2>errors || fail "$(cat errors)"
grep -q '"steps":3' from_input/metrics.jsonl || fail "the option in standard input did not count"

# What cannot be written is found at the start.
expect_refusal() { # OPTION COMMAND...
  local status=0
  "$program" "${@:2}" >out 2>errors || status=$?
  ((status == 2)) || fail "${*:2}: exit code $status: $(cat errors)"
  (($(grep -c . errors) == 1)) || fail "${*:2}: not one line: $(cat errors)"
  grep -q -- "lockstep: error: $1 " errors || fail "${*:2}: $(cat errors)"
  [[ ! -s out ]] || fail "${*:2}: it had begun: $(cat out)"
}
expect_refusal --json "${bench[@]}" --json nowhere/out.json
expect_refusal --csv "${step[@]}" --csv "$work"
expect_refusal --png predict --index 0 --checkpoint nowhere.safetensors --png nowhere/out.png
echo 'result_files_test: passed'
