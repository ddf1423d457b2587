#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/tools/soak.sh [--kills N] [--help]

Kills runs by SIGKILL (one rank, mpirun, or all) at N random moments (default 100), checkpoint writing among them,
resumes each, and compares losses and weights with those of an undisturbed run. Uses the release build; about six
seconds a kill. The everyday suite does the same with a few.
TEXT
}

# shellcheck source-path=SCRIPTDIR/../../launch source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../launch/lib.sh"
kills=100
while (($#)); do
  case $1 in
    --kills) kills=${2-} && shift ;;
    --help) usage && exit ;;
    *) fail "unknown option $1: see --help" 2 ;;
  esac
  shift || break
done
[[ $kills =~ ^[1-9][0-9]{0,4}$ ]] || fail "--kills '$kills': must be a whole number from 1" 2
build release resume_test lockstep_launcher
allow_mpi_as_root
LOCKSTEP_SOAK_KILLS=$kills exec "$root/build/release/bin/resume_test" --gtest_filter='*KilledAtAnyMoment*'
