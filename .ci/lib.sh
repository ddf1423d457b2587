# shellcheck shell=bash
# What .ci/run and .ci/full share: sections with their times, a closing line, and the packages of the checks.

# shellcheck source-path=SCRIPTDIR source=../launch/lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../launch/lib.sh"
program=ci
export CI=true
exec </dev/null
cd -- "$root" || exit

current='' current_start=0 skipped=()

end_section() {
  [[ -z $current ]] || say "$current: $((SECONDS - current_start)) s"
}

section() { # TITLE
  end_section
  current=$1 current_start=$SECONDS
  printf '\nci: === %s ===\n' "$1" >&2
}

skip() { # REASON
  skipped+=("$1")
  say "SKIPPED: $1"
}

finish() {
  local reason
  end_section
  current=''
  for reason in "${skipped[@]}"; do
    say "SKIPPED: $reason"
  done
  printf '\nci: passed in %d s\n' "$SECONDS"
}

report_failure() {
  local status=$?
  ((status == 0)) || say "error: ${current:-preparation} failed after $SECONDS s (exit code $status): the reason is above"
}
trap report_failure EXIT

install_packages clang-format clang-tidy shellcheck git debootstrap iproute2 slurmctld slurmd slurm-client munge \
  "${build_packages[@]}" "${torch_packages[@]}" \
  "${test_packages[@]}" "$data_package?"
