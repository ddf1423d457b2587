#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/cluster/slurm_test.sh [--help] PROJECT_BUILD MPIRUN

Runs slurm/'s batch scripts on a real Slurm of two and of four nodes on this machine (slurm.sh), with the release build
that lies in PROJECT_BUILD. Exit code 77: Slurm is not installed, or its nodes cannot be made here.
TEXT
}

case ${1-} in
  --help) usage && exit ;;
  '') usage >&2 && exit 2 ;;
esac
build=$1
PATH=$(dirname -- "$2"):$PATH:/usr/sbin
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
for name in $(compgen -e); do
  [[ $name != @(LOCKSTEP|SLURM|SBATCH|SRUN|OMPI|OMP|CUDA)_* ]] || unset "$name"
done
export TEST_SLURM_DIR=/tmp/ls.$$ TEST_SLURM_PORT=$((20000 + $$ % 20000))
work=$(mktemp -d)
trap '"$here/slurm.sh" stop; rm -rf -- "$work"' EXIT

fail() {
  printf 'slurm_test: FAILED: %s\n' "$1" >&2
  tail -n 30 -- "$work"/project/slurm-*.out >&2 2>/dev/null || :
  exit 1
}
skip() {
  printf 'slurm_test: SKIPPED: %s\n' "$1" >&2
  exit 77
}
passed() { printf 'slurm_test: %s (%d s)\n' "$1" "$SECONDS"; }

for tool in slurmctld slurmd munged sbatch; do
  command -v "$tool" >/dev/null ||
    skip "Slurm is not installed: no $tool (packages slurmctld slurmd slurm-client munge)"
done
unshare --mount --uts --pid --ipc --fork true 2>/dev/null ||
  unshare --user --map-current-user --keep-caps --mount --uts --pid --ipc --fork true 2>/dev/null ||
  skip "this user cannot make namespaces"

# A project of the user's, with a space in its path, and the build as it is.
project="$work/my project"
mkdir -p -- "$project/build/release"
cp -r -- "$here/../../slurm" "$here/../../launch" "$project"
ln -s -- "$build/bin" "$project/build/release/bin"
ln -s -- "$build/libexec" "$project/build/release/libexec"
ln -s -- "$project" "$work/project"
cd -- "$project"
multinode="$project/slurm/multinode.sbatch" train="$project/slurm/train.sbatch"
export LOCKSTEP_EPOCHS=2 LOCKSTEP_HIDDEN=64 LOCKSTEP_TEST_SAMPLES=500

start_slurm() { # NODES: numbers of jobs begin anew
  rm -rf -- runs slurm-*.out
  TEST_SLURM_NODES=$1 "$here/slurm.sh" start >"$work/environment" 2>"$work/log" || fail "no Slurm: $(cat "$work/log")"
  # shellcheck disable=SC1090 # made by slurm.sh
  source "$(cat "$work/environment")"
}

# A controller that is busy gives no answer now and then.
state() { # JOB
  local i state
  for ((i = 0; i < 20; i++)); do
    state=$(scontrol show job "$1" 2>/dev/null | sed -n 's/^ *JobState=\([A-Z_]*\).*/\1/p' | head -n 1) || :
    [[ -z $state ]] || { printf '%s\n' "$state" && return; }
    sleep 0.5
  done
}
until_state() { # JOB PATTERN
  local i
  for ((i = 0; i < 600; i++)); do
    # shellcheck disable=SC2053 # a pattern
    [[ $(state "$1") != $2 ]] || return 0
    sleep 0.2
  done
  fail "job $1 is $(state "$1"), not $2"
}
exit_code() { scontrol show job "$1" | sed -n 's/.* ExitCode=\([0-9]*\):.*/\1/p' | head -n 1; }
submit() { sbatch --parsable "$@" || fail "sbatch $*"; }
run_job() { # ARGUMENT...: sets job; waits for its end
  job=$(submit "$@")
  until_state "$job" '@(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)'
}
expect_code() { [[ $(exit_code "$job") == "$1" ]] || fail "job $job ended with exit code $(exit_code "$job"), not $1"; }
digest() { # RUN_FOLDER
  sed -n 's/.*"parameters_sha256": *"\([0-9a-f]*\)".*/\1/p' "$1/metrics.jsonl" | tail -n 1
}
expect_digest() { # RUN_FOLDER DIGEST
  [[ -n $2 && $(digest "$1") == "$2" ]] || fail "the weights in $1 are '$(digest "$1")', not '$2'"
}
by_mpirun() { # RANKS OUTPUT OPTION...
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 LOCKSTEP_OUTPUT_DIR=$2 \
    mpirun -np "$1" --oversubscribe "$build/bin/lockstep" train "${@:3}" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
}
processes() { # of lockstep in this test's jobs
  local pid
  for pid in $(pgrep -x lockstep); do
    ! grep -qzs "^SLURM_CONF=$TEST_SLURM_DIR" "/proc/$pid/environ" || echo "$pid"
  done
}

case_same_weights() { # NODES TASKS_A_NODE
  local nodes=$1 ranks=$(($1 * $2)) launcher expected
  # With more than two ranks the order of a sum depends on who shares a node, unless it is fixed.
  local -x LOCKSTEP_VIRTUAL_SHARDS=$((ranks > 2 ? 4 : 0))
  by_mpirun "$ranks" "$work/plain$nodes"
  expected=$(digest "$work/plain$nodes")
  for launcher in srun mpirun; do
    LAUNCHER=$launcher run_job --nodes="$nodes" --ntasks-per-node="$2" --gpus-per-task=1 "$multinode"
    expect_code 0
    expect_digest "runs/slurm-$job" "$expected"
    grep -q "on $nodes hosts" "slurm-$job.out" || fail "the ranks do not see $nodes hosts"
    grep -q '^Done!' "slurm-$job.out" || fail "rank 0's output is not in the job's"
  done
}

hosts_of() { tr -d ' \n"' <"$1/config.json" | sed 's/.*hosts:\[\([^]]*\)\].*/\1/'; } # RUN_FOLDER: of each rank

# Slurm deals the ranks out one node after another, or fills unequal nodes: the data, the devices and the reduction follow.
case_mappings() {
  local -x LOCKSTEP_VIRTUAL_SHARDS=4
  by_mpirun 4 "$work/four"
  SLURM_DISTRIBUTION=cyclic run_job --nodes=2 --ntasks-per-node=2 "$multinode"
  expect_code 0
  expect_digest "runs/slurm-$job" "$(digest "$work/four")"
  [[ $(hosts_of "runs/slurm-$job") == node1,node2,node1,node2 ]] || fail "not cyclic: $(hosts_of "runs/slurm-$job")"
  # 3 + 1
  SLURM_DISTRIBUTION=plane=3 run_job --nodes=2 --ntasks=4 --ntasks-per-node=3 "$multinode"
  expect_code 0
  expect_digest "runs/slurm-$job" "$(digest "$work/four")"
  [[ $(hosts_of "runs/slurm-$job") == node1,node1,node1,node2 ]] || fail "not 3 + 1: $(hosts_of "runs/slurm-$job")"
}

case_one_node() {
  by_mpirun 2 "$work/plain"
  (cd -- "$work" && sbatch --parsable --wait "$train") >"$work/job" || fail "from another folder: $(cat "$work"/slurm-*.out)"
  expect_digest "$work/runs/slurm-$(cat "$work/job")" "$(digest "$work/plain")"
}

case_exit_codes() {
  LOCKSTEP_DATA_DIR=$work/nowhere run_job "$train"
  expect_code 3
  LOCKSTEP_LR=none run_job "$multinode"
  expect_code 2
  run_job "$train" --epochs 3
  expect_code 2
  grep -q 'unknown option --epochs' "slurm-$job.out" || fail "no word of the option"
  LAUNCHER=mpirun LOCKSTEP_LR=1e38 run_job "$train"
  expect_code 1
}

case_time_limit() {
  local job expected saved
  local -x LOCKSTEP_EPOCHS=100000 LOCKSTEP_VIRTUAL_SHARDS=4 LOCKSTEP_TRAIN_SAMPLES=6400 LOCKSTEP_TEST_SAMPLES=100
  local -x LOCKSTEP_GLOBAL_BATCH_SIZE=128
  job=$(submit --nodes=2 --ntasks-per-node=1 --time=2 --signal=B:USR1@59 "$multinode")
  until grep -q '^loss: ' "slurm-$job.out" 2>/dev/null; do
    [[ $(state "$job") == @(PENDING|RUNNING|CONFIGURING) ]] || fail "job $job is $(state "$job")"
    sleep 0.3
  done
  scontrol update "JobId=$job" TimeLimit=1 # all of that minute is near the end; Slurm looks twice a minute
  until grep -q 'requeuing job' "slurm-$job.out" 2>/dev/null; do
    [[ $(state "$job") == @(PENDING|RUNNING|CONFIGURING|COMPLETING) ]] || fail "job $job is $(state "$job")"
    sleep 0.3
  done
  saved=$(readlink "runs/slurm-$job/checkpoints/latest") || fail "nothing was saved"
  "$here/slurm.sh" kick "$job"
  scontrol update "JobId=$job" TimeLimit=10
  until grep -q 'going on from' "slurm-$job.out"; do
    [[ $(state "$job") == @(PENDING|RUNNING|CONFIGURING) ]] || fail "job $job is $(state "$job")"
    sleep 0.3
  done
  grep -q "going on from .*${saved%.safetensors}" "slurm-$job.out" || fail "it does not go on from $saved"

  # Cancelled: no process stays, it is not queued again, and what is there can be resumed anywhere.
  sleep 1
  scancel "$job"
  until_state "$job" CANCELLED
  for ((i = 0; i < 100; i++)); do
    [[ -n $(processes) ]] || break
    sleep 0.1
  done
  [[ -z $(processes) ]] || fail "after scancel there is still $(processes)"
  [[ $(grep -c 'requeuing job' "slurm-$job.out") == 1 ]] || fail "a cancelled job was queued again"
  saved=$(readlink "runs/slurm-$job/checkpoints/latest") saved=${saved//[^0-9]/}
  local -x LOCKSTEP_MAX_STEPS=$((10#$saved + 50))
  LOCKSTEP_RESUME=auto by_mpirun 1 "runs/slurm-$job"
  by_mpirun 2 "$work/undisturbed"
  expect_digest "runs/slurm-$job" "$(digest "$work/undisturbed")"
}

case_array() {
  local i job
  job=$(SWEEP='LOCKSTEP_LR=0.01 LOCKSTEP_LR=0.1,LOCKSTEP_MOMENTUM=0.9 LOCKSTEP_OPTIMIZER=adam' \
    submit --array=0-2 --ntasks-per-node=1 "$train")
  for i in 0 1 2; do until_state "${job}_$i" COMPLETED; done
  grep -q '"lr": *0.1[,}]' "runs/slurm-${job}_1/config.json" || fail "task 1 did not train with its own learning rate"
  [[ $(for i in 0 1 2; do digest "runs/slurm-${job}_$i"; done | sort -u | wc -l) == 3 ]] || fail "three settings, but not three results"
}

case_chain() {
  local jobs
  # The first ends after 20 steps, as if it had no more time.
  mapfile -t jobs < <(LOCKSTEP_OUTPUT_DIR=runs/chain LOCKSTEP_MAX_STEPS=20 slurm/chain.sh 2 --ntasks-per-node=1 "$train")
  ((${#jobs[@]} == 2)) || fail "chain.sh named ${jobs[*]}"
  scontrol show job "${jobs[1]}" | grep -q "Dependency=afterany:${jobs[0]}" || fail "job ${jobs[1]} does not wait"
  until_state "${jobs[0]}" COMPLETED
  until_state "${jobs[1]}" COMPLETED
  grep -q 'this run is finished' "slurm-${jobs[1]}.out" || fail "the second job did not see what the first had done"
}

case_scaling() {
  SCALING_DIR=points SCALING_REPEATS=1 SCALING_STEPS=30 SCALING_STRONG=none \
    run_job --nodes=2 --ntasks-per-node=1 "$project/slurm/scaling.sbatch"
  expect_code 0
  [[ -s points/report.html && $(grep -c '^1,measured,weak' points/report.csv) == 2 ]] || fail "no report: $(ls points)"
  ! grep -q '^1,failed' points/report.csv || fail "points failed: $(cat points/report.csv)"
}

for nodes in 2 4; do
  start_slurm "$nodes"
  case_same_weights "$nodes" 1
  passed "the same weights on $nodes nodes by srun, mpirun in a job, and mpirun"
  if ((nodes == 2)); then
    for name in mappings one_node exit_codes time_limit array chain scaling; do
      "case_$name"
      passed "$name"
    done
  fi
  "$here/slurm.sh" stop
done
