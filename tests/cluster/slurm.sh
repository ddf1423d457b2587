#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/cluster/slurm.sh start|stop|kick JOB

A real Slurm on this machine, for tests: munged, slurmctld and one slurmd a node, each node in namespaces of its own
(host name, processes, /dev/shm). No root, no systemd and no GPU needed; the GPUs are made up. Needs Debian's slurmctld,
slurmd, slurm-client and munge.

  start     starts it, and prints the name of a file to source
  stop      cancels the jobs and ends everything
  kick JOB  starts a requeued job now: Slurm would wait two minutes

Environment: TEST_SLURM_DIR (default /tmp/lockstep-slurm.<uid>; at most 40 characters, for its sockets),
TEST_SLURM_NODES (2), TEST_SLURM_CPUS (4) and TEST_SLURM_GPUS (2) a node, TEST_SLURM_PORT (17300).
TEXT
}

PATH=$PATH:/usr/sbin:/sbin
folder=${TEST_SLURM_DIR:-/tmp/lockstep-slurm.$UID}
nodes=${TEST_SLURM_NODES:-2} cpus=${TEST_SLURM_CPUS:-4} gpus=${TEST_SLURM_GPUS:-2}
port=${TEST_SLURM_PORT:-17300}
export SLURM_CONF=$folder/slurm.conf

fail() {
  printf 'slurm.sh: error: %s\n' "$1" >&2
  exit 1
}

# A node's own namespaces; its end takes all its jobs along.
unshare=(unshare --mount --uts --pid --ipc --fork --kill-child --mount-proc) drop=()
if ((UID != 0)); then
  unshare+=(--user --map-current-user --keep-caps)
  drop=(setpriv --inh-caps=-all --ambient-caps=-all)
fi

write_configuration() {
  local user i
  user=$(id -un)
  cat >"$SLURM_CONF" <<C
ClusterName=lockstep
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge.socket
CommunicationParameters=NoAddrCache,NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
TmpFS=$folder/tmp/%n
SlurmctldPidFile=$folder/run/slurmctld
SlurmdPidFile=$folder/run/%n.slurmd
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/%n
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
PriorityType=priority/basic
JobRequeue=1
ReturnToService=2
InactiveLimit=0
MinJobAge=300
KillWait=5
WaitTime=0
CompleteWait=0
C
  printf 'AutoDetect=off\nName=gpu File=%s/dev/gpu[0-%d]\n' "$folder" $((gpus - 1)) >"$folder/gres.conf"
  for ((i = 0; i < gpus; i++)); do ln -s /dev/null "$folder/dev/gpu$i"; done
  for ((i = 1; i <= nodes; i++)); do
    mkdir -- "$folder/spool/node$i" "$folder/tmp/node$i"
    { cat /etc/hosts && echo "127.0.0.1 node$i"; } >"$folder/hosts.$i"
    printf 'NodeName=node%d NodeHostname=node%d NodeAddr=127.0.0.1 Port=%d CPUs=%d RealMemory=8000 Gres=gpu:%d\n' \
      "$i" "$i" $((port + i)) "$cpus" "$gpus"
  done >>"$SLURM_CONF"
  echo 'PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP' >>"$SLURM_CONF"
}

write_environment() {
  echo "export SLURM_CONF=$SLURM_CONF"
  # The nodes share this machine's loopback and its few cores.
  echo "export OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_orte_tmpdir_base=$folder/tmp"
  echo "export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none"
  ((UID != 0)) || echo "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
}

run_in_background() { # NAME COMMAND...
  local name=$1
  shift
  setsid "$@" >"$folder/log/$name.out" 2>&1 </dev/null &
  echo $! >"$folder/run/$name.pid"
}

until_true() { # SECONDS COMMAND...
  local i seconds=$1
  shift
  for ((i = 0; i < 10 * seconds; i++)); do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  return 1
}

are_idle() { [[ $(timeout 2 sinfo --noheader --Node --states=idle --format=%N | wc -l) == "$nodes" ]]; }

start() {
  local i
  [[ ! -e $folder ]] || fail "$folder exists: stop it first"
  ((${#folder} <= 40)) || fail "$folder: too long for the sockets in it"
  mkdir -p -- "$folder"/{run,log,state,spool,dev,tmp}
  write_configuration
  write_environment >"$folder/environment"
  (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
  run_in_background munged munged --foreground --socket="$folder/munge.socket" --key-file="$folder/munge.key" \
    --log-file="$folder/log/munged" --pid-file="$folder/run/munged" --seed-file="$folder/run/munged.seed"
  until_true 10 munge --socket="$folder/munge.socket" --no-input || fail "munged does not start: see $folder/log"
  run_in_background slurmctld slurmctld -D -i
  for ((i = 1; i <= nodes; i++)); do
    # bash is process 1 there, and reaps: slurmd would not.
    # shellcheck disable=SC2016 # expands in the inner shell
    run_in_background "node$i" "${unshare[@]}" bash -c '
      hostname "$1" && mount --bind "$2" /etc/hosts && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && shift 2 || exit 1
      "$@" & slurmd=$!
      trap "kill -TERM $slurmd" TERM
      while kill -0 $slurmd 2>/dev/null; do wait $slurmd; done' \
      bash "node$i" "$folder/hosts.$i" "${drop[@]}" slurmd -D -N "node$i"
  done
  until_true 30 are_idle || fail "the nodes do not become idle: see $folder/log"
  echo "$folder/environment"
}

# The process that was started, if it is still that one.
pid_of() { # NAME
  local pid
  pid=$(cat -- "$folder/run/$1.pid" 2>/dev/null) && grep -qzsF -- "$folder" "/proc/$pid/environ" "/proc/$pid/cmdline" &&
    echo "$pid"
}

end() { # NAME...
  local name pid signal
  for signal in TERM KILL; do
    for name; do
      ! pid=$(pid_of "$name") || kill -s "$signal" "$pid" 2>/dev/null || :
    done
    for name; do
      ! pid=$(pid_of "$name") || timeout 3 tail --pid="$pid" -f /dev/null || :
    done
  done
}

stop() {
  local file names=()
  [[ -d $folder/run ]] || return 0
  timeout 5 squeue --noheader --format=%A 2>/dev/null | sort -u | xargs -r timeout 5 scancel 2>/dev/null || :
  no_jobs_run() { [[ -z $(timeout 5 squeue --noheader --states=running,completing,suspended) ]]; }
  until_true 10 no_jobs_run || :
  for file in "$folder"/run/node*.pid; do names+=("$(basename -- "$file" .pid)"); done
  end "${names[@]}" slurmctld munged
  rm -rf -- "$folder"
}

# A requeue puts the job off by two minutes; a start in the same second fails.
kick() { # JOB
  waits() { [[ $(squeue --noheader --jobs="$1" --format='%T %r') == 'PENDING BeginTime' ]]; }
  until_true 60 waits "$1" || fail "job $1 does not wait for its time: $(squeue --jobs="$1" 2>&1)"
  sleep 4
  scontrol update "JobId=$1" StartTime=now
}

case ${1-} in
  start) start ;;
  stop) stop ;;
  kick) kick "${2:?JOB}" ;;
  --help) usage ;;
  *) usage >&2 && exit 2 ;;
esac
