#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/scaling_test.sh [--help] PROGRAM MPIRUN PAGE

A small sweep by launch/scaling.sh: one whose points partly fail records them and measures the rest, and goes on where it
stopped; its figures are looked at, and its page is left as PAGE.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1 page=$3
PATH=$(dirname -- "$2"):$PATH
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
for name in $(compgen -e); do
  [[ $name != @(LOCKSTEP|SLURM)_* ]] || unset "$name"
done
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
sweep="$work/a sweep" status=0

fail() {
  printf 'scaling_test: FAILED: %s\n%s\n' "$1" "$(tail -n 40 -- "$work/log")" >&2
  exit 1
}
scaling() { # PROGRAM ARGUMENT...: sets status
  status=0
  "$here/../../launch/scaling.sh" --program "$1" --ranks 1,2 --repeats 1 --steps 15 --synthetic --threads 1 \
    --output "$sweep" "${@:2}" >"$work/log" 2>&1 || status=$?
}
expect() { [[ $status == "$1" ]] || fail "exit code $status, not $1"; }
column() { # NAME: of the CSV file, for every point that was measured
  awk -F, -v name="$1" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i}
    NR > 1 && $2 == "measured" {print $at}' "$sweep/report.csv"
}

# Ranks that train alone find no program.
cat >"$work/partly" <<P
#!/bin/sh
case " \$* " in *" --independent "*) echo "lockstep: error: out of \"luck\"" >&2; exit 7 ;; esac
exec "$program" "\$@"
P
chmod +x "$work/partly"
scaling "$work/partly" --hidden 16 -- --overlap off --data-dir "$work/not used"
expect 1
grep -q 'error: alone-np2' "$work/log" || fail "the failed point was not said"
[[ $(grep -c ',7,"lockstep: error: out of ""luck"""$' "$sweep/report.csv") == 2 ]] || fail "failed points are lost: $(cat "$sweep/report.csv")"
[[ $(column ranks | paste -sd ' ') == '1 2 1 2' ]] || fail "other points did not go on: $(cat "$sweep/report.csv")"

# Again: only what failed is measured.
scaling "$program" --hidden 16 -- --overlap off
expect 0
grep -q ' 2 of 2: alone-np2' "$work/log" || fail "it did not go on where it stopped"
! grep -q '^1,failed' "$sweep/report.csv" || fail "points that failed once are still failures"
[[ $(column losses | sort -u) == right ]] || fail "wrong losses: $(column losses)"
grep -q '\[?\]' "$work/log" || fail "a point measured once is not marked"
[[ -z $(column images_per_second_low | tr -d '\n') ]] || fail "points measured once have an interval: $(column images_per_second_low)"
grep -q '[*] never measured: an all-reduce at 4 ranks' "$work/log" || fail "the report does not say what was never measured"
[[ $(column efficiency | awk 'NR % 2') == $'1.0\n1.0' ]] || fail "one rank is not at 100 %: $(column efficiency)"
for name in report.html report.md report.json report.csv sweep.json; do
  [[ -s $sweep/$name ]] || fail "no $name"
done

# A signal stops it, and what was measured stays.
rm -rf -- "$sweep"
: >"$work/log" # what the run before said is not waited for
status=0
"$here/../../launch/scaling.sh" --program "$program" --ranks 1,2 --repeats 3 --steps 15 --synthetic --threads 1 \
  --output "$sweep" --hidden 16 >"$work/log" 2>&1 &
job=$!
for ((i = 0; i < 300; i++)); do
  ! grep -q ' 2 of ' "$work/log" || break
  sleep 0.1
done
kill -s TERM "$job"
wait "$job" || status=$?
expect 75
compgen -G "$sweep/*-1.json" >/dev/null || compgen -G "$sweep/*-[23].json" >/dev/null || fail "nothing is left of what was measured"
scaling "$program" --hidden 16
expect 0

# Wrong input.
for option in ranks weak strong hidden threads repeats steps output predict hosts program; do
  for wrong in "--$option=" "--$option"; do
    scaling "$program" "$wrong" ''
    expect 2
    [[ $(<"$work/log") == "scaling: error: --$option"* ]] || fail "not one line for $wrong"
  done
done
for wrong in '--ranks 1,x' '--weak none --strong none' '--repeats 0' '--nosuch 1' '--ranks'; do
  # shellcheck disable=SC2086 # words
  scaling "$program" $wrong
  expect 2
  [[ $(grep -c 'scaling: error: ' "$work/log") == 1 ]] || fail "not one line for $wrong"
done
wrong_report() { # CODE TEXT ARGUMENT...
  local code=0
  "$program" report "${@:3}" >/dev/null 2>"$work/log" || code=$?
  [[ $code == "$1" ]] || fail "report ${*:3}: exit code $code, not $1"
  grep -q "^lockstep: error: .*$2" "$work/log" || fail "report ${*:3}: not '$2'"
  [[ $(wc -l <"$work/log") == 1 ]] || fail "report ${*:3}: more than one line"
}
wrong_report 2 'report on what'
wrong_report 2 'predict-ranks' --predict-ranks 4,x "$sweep"
wrong_report 2 'did you mean.*predict-ranks' --predict-rank 4 "$sweep"
wrong_report 3 "$work/nowhere" "$work/nowhere"
mkdir -- "$work/damaged"
head -c 300 -- "$sweep/allreduce-np2-1.json" >"$work/damaged/allreduce-np2-1.json"
wrong_report 3 'damaged/allreduce-np2-1.json: no valid JSON at byte' "$work/damaged"

mkdir -p -- "$(dirname -- "$page")"
cp -- "$sweep/report.html" "$page"
printf 'scaling_test: passed (%d s)\n' "$SECONDS"
