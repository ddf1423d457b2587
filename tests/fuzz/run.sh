#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/fuzz/run.sh [--seconds N] [--help]

Fuzzes the readers of CIFAR, IDX, NumPy arrays, pictures, safetensors and options with libFuzzer for N seconds each
(default 60), starting from small valid files. Fails at the first crash, leak, undefined operation or exception that is
not a clear error; what was found stays in build/fuzz/found. Needs Clang with its runtime (Debian: clang
libclang-rt-14-dev).
TEXT
}

# shellcheck source-path=SCRIPTDIR/../../launch source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../launch/lib.sh"
seconds=60
while (($#)); do
  case $1 in
    --seconds) seconds=${2-} && shift ;;
    --help) usage && exit ;;
    *) fail "unknown option $1: see --help" 2 ;;
  esac
  shift || break
done
[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || fail "--seconds '$seconds': must be a whole number from 1" 2

install_packages clang libclang-rt-14-dev "${build_packages[@]}" "${torch_packages[@]}"
build=$root/build/fuzz
step "building build/fuzz" "$root/build/fuzz.log" bash -c "
  cmake -S '$root/tests/fuzz' -B '$build' -G Ninja -DCMAKE_CXX_COMPILER=clang++ && cmake --build '$build'" ||
  fail "the build failed: the reason is above"

mkdir -p "$build"/found "$build"/seeds/{cifar,idx,npy,pictures,safetensors,options}
# Two CIFAR records of a label and six bytes, and two names; an IDX file of two labels, plain and gzip; an array of two
# bytes; pictures of one colour, as PNG, grey and progressive JPEG; a tensor of one float; a line of each source of
# options.
printf '\0\x05abcdef\x02ghijkl' >"$build/seeds/cifar/records"
printf '\x01cat\ndog\n\n' >"$build/seeds/cifar/names"
printf '\0\0\x08\x01\0\0\0\x02\x05\x07' >"$build/seeds/idx/plain"
gzip -c "$build/seeds/idx/plain" >"$build/seeds/idx/gzip"
printf '\x93NUMPY\x01\0\x40\0%-63s\n\x05\x07' "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }" \
  >"$build/seeds/npy/two"
base64 -d >"$build/seeds/pictures/png" <<'TEXT'
iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAYAAABytg0kAAAAFElEQVQImWNkZ2dnZ2BgYGBigAIAAegAIGV0k0IAAAAASUVORK5CYII=
TEXT
base64 -d >"$build/seeds/pictures/grey" <<'TEXT'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBk
eFxlZ2P/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8ABP/Z
TEXT
base64 -d <<'TEXT' | gzip -d >"$build/seeds/pictures/progressive"
H4sIAAAAAAACA/t/4/8DBgEvN083BkZGBgZGIGT4f5vBmUGAm4ePh0uAj5dPSFBAWEJDSkJMTMJQWVVWw8rY1sbS2MLcwSPGz8El3NXcIiA3MDw+
KT0j3c63sLIgpSImNT0ZZAijoJCQhKiEvpSUfrKThVMyyeD/IQZBDgYgZGZUYmASZGQWZPx/hEEU7FQUwAoUFsEQZfh/i4GHmZGBSYBZAOi3Bn6Q
KgFsqjiAehlZmepBCgSxK2BmZLRnxKeACa4ApxVs9kz4FTDaK9bDHM3ADBQX+EzASQKEnCRAyEaggpsAwF3fpgcCAAA=
TEXT
header='{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} '
# shellcheck disable=SC2059 # the length is part of the format
printf "\\x$(printf %x ${#header})\0\0\0\0\0\0\0%s\0\0\x80\x3f" "$header" >"$build/seeds/safetensors/one"
printf 'epochs = 3; # comment;hidden=512,512\n--seed 7 --min-bytes 1K --synthetic\nMOMENTUM=0.5\nSHUFFLE=off\n' \
  >"$build/seeds/options/all"

for name in cifar idx npy options pictures safetensors; do
  say "fuzzing $name for $seconds s"
  mkdir -p "$build/corpus/$name"
  "$build/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=4096 -malloc_limit_mb=512 -timeout=10 \
    -print_final_stats=1 -artifact_prefix="$build/found/$name-" "$build/corpus/$name" "$build/seeds/$name" \
    >"$root/build/fuzz-$name.log" 2>&1 || { tail -n 30 "$root/build/fuzz-$name.log" >&2 && fail "fuzzing $name found a fault"; }
  say "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$root/build/fuzz-$name.log") inputs, no fault"
done
