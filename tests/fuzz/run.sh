#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/fuzz/run.sh [--seconds N] [--help]

Fuzzes the readers of CIFAR, IDX, NumPy arrays, safetensors and options with libFuzzer for N seconds each (default 60),
starting from small valid files. Fails at the first crash, leak, undefined operation or exception that is not a clear
error; what was found stays in build/fuzz/found. Needs Clang with its runtime (Debian: clang libclang-rt-14-dev).
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

mkdir -p "$build"/found "$build"/seeds/{cifar,idx,npy,safetensors,options}
# Two CIFAR records of a label and six bytes, and two names; an IDX file of two labels, plain and gzip; an array of two
# bytes; a tensor of one float; a line of each source of options.
printf '\0\x05abcdef\x02ghijkl' >"$build/seeds/cifar/records"
printf '\x01cat\ndog\n\n' >"$build/seeds/cifar/names"
printf '\0\0\x08\x01\0\0\0\x02\x05\x07' >"$build/seeds/idx/plain"
gzip -c "$build/seeds/idx/plain" >"$build/seeds/idx/gzip"
printf '\x93NUMPY\x01\0\x40\0%-63s\n\x05\x07' "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }" \
  >"$build/seeds/npy/two"
header='{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} '
# shellcheck disable=SC2059 # the length is part of the format
printf "\\x$(printf %x ${#header})\0\0\0\0\0\0\0%s\0\0\x80\x3f" "$header" >"$build/seeds/safetensors/one"
printf 'epochs = 3; # comment;hidden=512,512\n--seed 7 --min-bytes 1K --synthetic\nMOMENTUM=0.5\nSHUFFLE=off\n' \
  >"$build/seeds/options/all"

for name in cifar idx npy options safetensors; do
  say "fuzzing $name for $seconds s"
  mkdir -p "$build/corpus/$name"
  "$build/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=4096 -malloc_limit_mb=512 -timeout=10 \
    -print_final_stats=1 -artifact_prefix="$build/found/$name-" "$build/corpus/$name" "$build/seeds/$name" \
    >"$root/build/fuzz-$name.log" 2>&1 || { tail -n 30 "$root/build/fuzz-$name.log" >&2 && fail "fuzzing $name found a fault"; }
  say "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$root/build/fuzz-$name.log") inputs, no fault"
done
