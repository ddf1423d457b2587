# shellcheck shell=bash
# What the comparisons share. Sourcing it changes nothing but the shell's variables.

# shellcheck source-path=SCRIPTDIR source=../../launch/lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../../launch/lib.sh"

# shellcheck disable=SC2034 # for the scripts that source this
readonly lockstep=$root/build/release/bin/lockstep peers=$root/bench/compare venv=$root/build/venv/bin

# take_numbers NAMES ARGUMENTS...: for each of the space-separated NAMES, --NAME N sets the variable NAME. --help
# prints the script's usage.
take_numbers() {
  local names=" $1 "
  shift
  while (($#)); do
    [[ $1 != --help ]] || { usage && exit; }
    [[ $1 == --* && $names == *" ${1#--} "* ]] || fail "unknown option $1: see --help" 2
    [[ ${2-} =~ ^[1-9][0-9]*$ ]] || fail "$1 needs a positive number: see --help" 2
    printf -v "${1#--}" %s "$2"
    shift 2
  done
}

# prepare_comparison: a folder to work in, which goes away at the end.
prepare_comparison() {
  [[ -x $lockstep ]] || fail "build/release/bin/lockstep is missing: build it with launch/test.sh or quickstart.sh"
  allow_mpi_as_root
  # The kernels and transports that a user gets who has set nothing.
  unset OPENBLAS_CORETYPE OMPI_MCA_mtl OMPI_MCA_pml
  work=$(mktemp -d)
  trap 'rm -rf -- "$work"' EXIT
  cd -- "$work" || exit
}

# median FILE [COLUMN]: of the numbers in it, one a line.
median() {
  awk -v column="${2:-1}" '{print $column}' "$1" | sort -g |
    awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}

# epoch_seconds RUN_FOLDER EPOCH: training alone, as metrics.jsonl has it.
epoch_seconds() {
  sed -n 's/.*"event":"epoch","epoch":'"$2"',.*"seconds":\([0-9.]*\).*/\1/p' "$1/metrics.jsonl"
}
