#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/tools/clang-tidy.sh [--help] --all | FILE...

Runs clang-tidy with the project's .clang-tidy, two at a time: over everything that is compiled here (one
translation unit a target, so that LibTorch's headers are read once for each), or over the FILEs, a header
through a source file that includes it. More than 12 FILEs count as --all, which is faster. Fails on any finding.
TEXT
}

# shellcheck source-path=SCRIPTDIR/../../launch source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../launch/lib.sh"

all=no files=()
while (($#)); do
  case $1 in
    --all) all=yes ;;
    --help) usage && exit ;;
    -*) fail "unknown option $1: see --help" 2 ;;
    *) files+=("$(readlink -f -- "$1")") ;;
  esac
  shift
done
[[ $all == yes ]] || ((${#files[@]})) || fail "neither --all nor files given: see --help" 2
database=$root/build/tidy

# What remains of the shim's trick is one complaint about a standard header; it is no finding of ours.
readonly harmless='stl_bvector\.h:.*__fill_a1'

# clang-tidy cannot read GCC's precompiled header, so the compile commands must do without.
configure() {
  cmake --fresh -S "$root" -B "$database" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_UNITY_BUILD="$unity" -DCMAKE_UNITY_BUILD_BATCH_SIZE=0 &&
    cmake --build "$database" --target lockstep_git_revision
}
unity=OFF checks=''
if [[ $all == yes ]] || ((${#files[@]} > 12)); then
  all=yes unity=ON checks=-bugprone-suspicious-include # CMake joins sources by including them
fi
step "configuring build/tidy" "$root/build/tidy.log" configure || fail "cmake failed: the reason is above"
mapfile -t compiled < <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$database/compile_commands.json" |
  grep -vE '/(torch_precompiled|generated/version)\.cpp$|/lockstep_torch_precompiled\.dir/' | sort -u)
((${#compiled[@]})) || fail "$database/compile_commands.json lists no source file of the project"

# The file to check for FILE: itself, or for a header the first source that includes it, its own .cpp first.
source_of() {
  local name=${1##*/} candidates
  [[ $1 != *.cpp ]] || candidates=$(printf '%s\n' "${compiled[@]}" | grep -xF -- "$1") || candidates=''
  if [[ $1 == *.hpp ]]; then
    candidates=$(grep -lE "^#include [<\"](.*/)?${name//./\\.}[>\"]" -- "${compiled[@]}") || candidates=''
    candidates=$(grep -F "/${name%.hpp}.cpp" <<<"$candidates" || printf '%s' "$candidates")
  fi
  [[ -n $candidates ]] || { warn "${1#"$root/"} is not compiled here: not checked" && return; }
  head -n 1 <<<"$candidates"
}

if [[ $all == yes ]]; then
  sources=("${compiled[@]}")
else
  mapfile -t sources < <(for file in "${files[@]}"; do source_of "$file"; done | sort -u)
fi
((${#sources[@]})) || { say "nothing to check" && exit; }
say "checking ${#sources[@]} translation units"
# shellcheck disable=SC2016 # expands in the inner shell
printf '%s\0' "${sources[@]}" |
  xargs -0 -n 1 -P 2 env SHIM="$root/tests/tools/clang14_vector.hpp" HARMLESS="$harmless" CHECKS="$checks" bash -c '
  output=$(clang-tidy -p "$0" --quiet --checks="$CHECKS" --warnings-as-errors="*" --extra-arg=-include"$SHIM" "$1" 2>&1)
  findings=$(grep -E "(error|warning): " <<<"$output" | grep -vE "$HARMLESS")
  [[ -z $findings ]] || { printf "%s\n" "$findings" >&2; exit 1; }' "$database" ||
  fail "clang-tidy has findings: they are above"
