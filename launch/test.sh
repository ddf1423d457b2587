#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: launch/test.sh [--preset NAME] [--no-install] [--help] [ctest options...]

Installs what is missing, builds everything and runs the tests with ctest.

  --preset NAME  a preset of CMakePresets.json (default: release)
  --no-install   use what is installed, install nothing (for systems without apt-get, or without root)
  --help         this text

Everything else goes to ctest: `-L unit` runs the unit tests, `-R sampler` those whose name contains "sampler".
Tests share two cores, and each declares how many quarters of them it uses, so the default is -j 4. With -j 2, tests of
several ranks run alone.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

preset=release options=() jobs=()
[[ -v CTEST_PARALLEL_LEVEL ]] || jobs=(-j 4)
while (($#)); do
  case $1 in
    --preset) preset=${2-} && shift ;;
    --preset=*) preset=${1#*=} ;;
    --no-install) may_install=no ;;
    --help) usage && exit ;;
    -j* | --parallel*) jobs=() && options+=("$1") ;;
    *) options+=("$1") ;;
  esac
  shift || break
done
matches "$preset" '^[a-z]+$' || fail "--preset $preset: no such preset: see CMakePresets.json" 2

mapfile -t data < <(wanted_data_package)
prepare "$preset" "${test_packages[@]}" "${data[@]}"
provide_data
provide_test_tools
build "$preset"
allow_mpi_as_root
exec ctest --test-dir "$root/build/$preset" --output-on-failure --no-tests=error "${jobs[@]}" "${options[@]}"
