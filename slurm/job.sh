# shellcheck shell=bash
# What the batch scripts in this folder share. Sourced with `root` set to the project's folder; each script defines its
# `settings` at its head.

# shellcheck source-path=SCRIPTDIR source=../launch/lib.sh
source "$root/launch/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../launch/mpi.sh
source "$root/launch/mpi.sh"
program=slurm

step_pid='' out_of_time=no

# set_default NAME VALUE: a value that the user has exported wins.
set_default() { [[ -v $1 ]] || export "$1=$2"; }

# check_call SCRIPT ARGUMENT...: answers --help with the comment at the script's head, and refuses all else: training
# options come from LOCKSTEP_* variables.
check_call() {
  local script=$1
  shift
  if [[ ${1-} == --help || ${1-} == -h ]]; then
    sed -n '2,/^$/s/^# \{0,1\}//p' -- "$script" | grep -v '^SBATCH\|^#SBATCH'
    exit
  fi
  (($# == 0)) || fail "unknown option $1: the training's options are variables, as in 'LOCKSTEP_EPOCHS=3 sbatch …'; see --help" 2
  [[ -n ${SLURM_JOB_ID:-} ]] || fail "this is a batch script: start it with 'sbatch $script'; see --help" 2
}

# job_name: stays the same after a requeue; each task of an array has its own.
job_name() { printf 'slurm-%s\n' "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"; }

# choose_program: sets lockstep; to the CUDA build, if the job has GPUs and it is built.
choose_program() {
  local preset=release
  if [[ -n ${SLURM_JOB_GPUS:-}${SLURM_GPUS_ON_NODE:-} && -x $root/build/cuda/bin/lockstep ]]; then
    preset=cuda
  fi
  lockstep=$root/build/$preset/bin/lockstep
  [[ -x $lockstep ]] ||
    fail "$lockstep is not built: on a login node run 'cd $(printf '%q' "$root") && cmake --preset $preset && cmake --build --preset $preset', or launch/quickstart.sh" 2
}

# share_cores: a task's cores are its rank's threads.
share_cores() {
  export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1} # from 22.05 on, srun does not adopt sbatch's value by itself
  set_default LOCKSTEP_THREADS "$SRUN_CPUS_PER_TASK"
}

# On several nodes, Slurm's PMIx sometimes lets a rank leave MPI_Init before another has entered it, which then dies of
# a segmentation fault, with any MPI program (open-mpi/ompi issue 12495): in 7 of 1000 starts on 2 nodes (Slurm 22.05,
# Open MPI 4.1.4). With this algorithm of PMIx's own it was 0 of 800.
use_safe_fence() { set_default SLURM_PMIX_FENCE ring; }

# launch [-n RANKS] COMMAND...: runs lockstep's COMMAND with the chosen launcher, and returns its exit code. SIGUSR1 to
# this script, which announces the time limit, reaches the ranks. A start that dies in MPI_Init is repeated.
launch() {
  local attempt status began
  for attempt in 1 2 3; do
    status=0 began=$SECONDS
    launch_once "$@" || status=$?
    if ((status != 128 + 11 || SECONDS - began >= 30 || attempt == 3)) || [[ $out_of_time == yes ]]; then
      break
    fi
    say "a rank died of a segmentation fault $((SECONDS - began)) s after the start, maybe in Open MPI's: starting again"
  done
  return "$status"
}

launch_once() {
  local ranks=() binding=() status=0
  if [[ $1 == -n ]]; then
    ranks=("$2") && shift 2
  fi
  case ${LAUNCHER:-srun} in
    srun)
      # If Slurm cannot bind, it would say so every time.
      [[ $(scontrol show config) != *TaskPlugin*=*@(affinity|cgroup)* ]] || binding=(--cpu-bind=cores)
      srun --mpi=pmix --kill-on-bad-exit=1 "${binding[@]}" ${ranks[0]+-n "${ranks[0]}"} "$lockstep" "$@" &
      ;;
    mpirun) "$root/launch/lockstep-run" --program "$lockstep" ${ranks[0]+-np "${ranks[0]}"} "$@" & ;;
    *) fail "LAUNCHER=$LAUNCHER: must be srun or mpirun" 2 ;;
  esac
  step_pid=$!
  [[ $out_of_time == no ]] || kill -s USR1 "$step_pid"
  wait_for "$step_pid" || status=$?
  step_pid=''
  return "$status"
}

# shellcheck disable=SC2317 # a trap calls it
on_time_limit() {
  # shellcheck disable=SC2034 # of wait_for
  interrupted=1
  out_of_time=yes
  say "the time limit is near: the ranks save their state and stop"
  [[ -z $step_pid ]] || kill -s USR1 "$step_pid" 2>/dev/null || :
}

# requeue_if_out_of_time STATUS: only after the time limit was announced: a job that somebody cancels stays cancelled.
requeue_if_out_of_time() {
  local restarts=${SLURM_RESTART_COUNT:-0} most=${MAX_REQUEUES:-20}
  # A rank that is starting does not catch the signal yet, and has nothing to save: it dies of it, or of what follows.
  [[ $out_of_time == yes ]] && (($1 == exit_preempted || $1 > 128)) || return 0
  if ((restarts >= most)); then
    say "requeued $restarts times, and MAX_REQUEUES is $most: submit again with LOCKSTEP_OUTPUT_DIR=$LOCKSTEP_OUTPUT_DIR to go on"
    return
  fi
  say "requeuing job $SLURM_JOB_ID: it will go on from its checkpoint"
  scontrol requeue "$SLURM_JOB_ID" || say "error: scontrol could not requeue the job: submit it again with LOCKSTEP_OUTPUT_DIR=$LOCKSTEP_OUTPUT_DIR"
}

# apply_sweep: for task i of an array, exports the i-th word of SWEEP (NAME=VALUE, or several joined by commas). A comma
# without LOCKSTEP_NAME= after it belongs to the value, as in LOCKSTEP_HIDDEN=256,128.
apply_sweep() {
  local words=() setting part
  [[ -n ${SWEEP:-} ]] || return 0
  [[ -n ${SLURM_ARRAY_TASK_ID:-} ]] || fail "SWEEP is set, but this is no job array: submit with --array=0-N" 2
  read -ra words <<<"$SWEEP"
  ((SLURM_ARRAY_TASK_ID < ${#words[@]})) ||
    fail "SWEEP has ${#words[@]} settings, and this is task $SLURM_ARRAY_TASK_ID: submit with --array=0-$((${#words[@]} - 1))" 2
  setting=''
  while IFS= read -r part; do
    if matches "$part" '^LOCKSTEP_[A-Z_]+='; then
      [[ -z $setting ]] || export "${setting?}"
      setting=$part
    elif [[ -z $setting ]] || matches "$part" '^[A-Za-z_]+='; then
      fail "SWEEP: '$part' is not of the form LOCKSTEP_NAME=VALUE" 2
    else
      setting+=,$part
    fi
  done < <(tr ',' '\n' <<<"${words[SLURM_ARRAY_TASK_ID]}")
  export "${setting?}"
}

# train: returns lockstep's exit code. srun's may be 0 although it could not start a task, as right after a requeue.
train() {
  local attempt status
  for attempt in 1 2 3; do
    status=0
    launch train || status=$?
    if ((status != 0)) || [[ -e $LOCKSTEP_OUTPUT_DIR/model.safetensors ]]; then
      return "$status"
    fi
    say "error: the launcher reports no failure, but $LOCKSTEP_OUTPUT_DIR has no model.safetensors"
    if ((attempt == 3)) || [[ $out_of_time == yes ]]; then
      break
    fi
    say "starting again in 5 s"
    sleep 5 || :
  done
  return 1
}

# train_job: the whole of a training job; exits with lockstep's exit code.
train_job() {
  local status=0
  trap on_time_limit USR1
  apply_sweep
  choose_program
  share_cores
  use_safe_fence
  set_default LOCKSTEP_OUTPUT_DIR "runs/$(job_name)"
  set_default LOCKSTEP_RESUME auto # after a requeue, or for the next job of a chain
  say "job $(job_name) on ${SLURM_JOB_NODELIST:-this node}: ${SLURM_NTASKS:-1} ranks, $LOCKSTEP_THREADS threads each, into $LOCKSTEP_OUTPUT_DIR"
  # Here it is the only process: srun would end others that are still starting, and their code would hide this one's.
  "$lockstep" train --check-options || exit $?
  train || status=$?
  requeue_if_out_of_time "$status"
  exit "$status"
}
