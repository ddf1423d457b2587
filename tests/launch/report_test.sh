#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/launch/report_test.sh [--help] PROGRAM FOLDER

Two trainings and what lockstep report makes of them, alone and side by side; the pages stay in FOLDER. The command that a
page gives repeats its run bit for bit.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
program=$1 folder=$2
fail() {
  printf 'report_test: FAILED: %s\n' "$1" >&2
  exit 1
}
rm -rf -- "$folder"
mkdir -p -- "$folder"
cd -- "$folder"

common=(train --train-samples 6400 --test-samples 2000 --epochs 3 --log-every 10 --hidden 32)
"$program" "${common[@]}" --output-dir one --lr 0.1 --validation-fraction 0.1 >lines 2>errors || fail "$(cat errors)"
"$program" "${common[@]}" --output-dir 'the "other" one' --optimizer adam --lr-schedule cosine --shuffle off >lines 2>errors ||
  fail "$(cat errors)"
"$program" report one >table 2>errors || fail "$(cat errors)"
[[ $(wc -l <table) == 2 ]] || fail "the table: $(cat table)"
"$program" report one 'the "other" one' >table 2>errors || fail "$(cat errors)"
[[ $(wc -l <table) == 3 ]] || fail "the table: $(cat table)"
for name in one/report.html one/report.md one/report.csv one/report.json report.html report.md report.csv report.json; do
  [[ -s $name ]] || fail "no $name"
done
(($(wc -l <report.csv) == 7)) || fail "two runs of three epochs: $(cat report.csv)"
(($(grep -c '<img ' report.html) == 48)) || fail "not 24 mistakes of each run"
grep -q '<td>global_batch_size</td><td>64</td><td>64</td>' report.html || fail "no options"

# Typed again, it is the same run.
again=$(sed -n 's/^<pre>mpirun -np 1 lockstep \(train .*\)<\/pre>$/\1/p' one/report.html)
[[ -n $again ]] || fail "no command to repeat it"
# shellcheck disable=SC2086 # words
"$program" $again --output-dir again >lines 2>errors || fail "$again: $(cat errors)"
"$program" compare one again >answer || fail "'$again' is another run: $(cat answer)"

# A folder of runs is all of them; what is no run does not matter.
mkdir -p many/notes && cp -r one again many && echo '{}' >many/trace.json
"$program" report many >table 2>errors || fail "$(cat errors)"
[[ $(wc -l <table) == 3 ]] || fail "the table of a folder: $(cat table)"
[[ -s many/report.html && -s many/report.json ]] || fail "no report in the folder of runs"
rm many/again/config.json
"$program" report many >table 2>errors || fail "$(cat errors)"
[[ $(wc -l <table) == 2 ]] || fail "without the one that cannot be read: $(cat table)"
grep -q 'warning: left out: many/again/config.json' errors || fail "no word of what is left out: $(cat errors)"
status=0
"$program" report many/notes >table 2>errors || status=$?
((status == 3)) || fail "a folder without runs is exit code $status: $(cat errors)"
grep -q 'neither it nor a folder right below it holds a run' errors || fail "not what was looked for: $(cat errors)"

# Without a folder for temporary files the page has no plots.
for unusable in /proc "$folder/nowhere"; do
  TMPDIR=$unusable "$program" report one >table 2>errors || fail "TMPDIR=$unusable: $(cat errors)"
  [[ $(wc -l <table) == 2 ]] || fail "the table: $(cat table)"
  grep -q 'Without plots' one/report.html || fail "TMPDIR=$unusable: plots?"
  (($(grep -c 'warning: the page has no plots' errors) == 1)) || fail "not one warning: $(cat errors)"
done

# A run that is being written, one that is none, and output that nobody can take.
head -c -40 one/metrics.jsonl >shorter && mv shorter one/metrics.jsonl
rm one/predictions.json
"$program" report one >table 2>errors || fail "$(cat errors)"
grep -q 'not ended' table || fail "it is said to have ended: $(cat table)"
status=0
"$program" report one nowhere >table 2>errors || status=$?
((status == 3)) || fail "exit code $status: $(cat errors)"
(($(grep -c . errors) == 1)) || fail "not one line: $(cat errors)"
for command in 'report one' 'compare one again'; do
  status=0
  # shellcheck disable=SC2086 # the command's words
  "$program" $command >/dev/full 2>errors || status=$?
  ((status == 1)) || fail "$command: a full standard output is exit code $status"
  grep -q 'standard output: No space left' errors || fail "$command: no word of the full disk: $(cat errors)"
done

# Pages for the browser.
"$program" report again 2>errors >table || fail "$(cat errors)"
"$program" report again 'the "other" one' --write-to . 2>errors >table || fail "$(cat errors)"
echo 'report_test: passed'
