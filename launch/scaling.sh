#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: launch/scaling.sh [options] [-- options of 'bench step'...]

Measures how well training scales on this machine: at 1, 2, 4 … ranks, each point several times in shuffled order.
Writes tables and a page, DIR/report.html. Installs and builds what is missing, as launch/quickstart.sh does. A point
that fails is recorded, and the others go on. When run again with the same --output DIR, it continues where it stopped.

  launch/scaling.sh
  launch/scaling.sh --ranks 1,2,4 --strong 256 --repeats 7
  launch/scaling.sh --hidden 512,512 --hidden 2048,2048 --weak 64,256
  launch/scaling.sh --output scaling/today -- --precision bf16

What to measure:
  --ranks LIST      numbers of ranks (default 1, 2, 4 … up to one per GPU with CUDA, else one per core)
  --weak LIST       batch sizes per rank, kept the same on more ranks; none: no weak scaling (default 64)
  --strong LIST     global batch sizes that more ranks share; none: no strong scaling (default 64)
  --hidden WIDTHS   widths of the hidden layers; may be repeated (default 512,512)
  --threads N       threads per rank, the same for all numbers of ranks (default: cores / most ranks)
  --synthetic       made-up images of the same shapes (default if FashionMNIST is not found)

How:
  --repeats N       repeats of each point (default 5)
  --steps N         measured steps, after as many to warm up (default 300)
  --output DIR      folder for the results (default scaling/<UTC time>)
  --predict LIST    also predict for these numbers of ranks (default: twice the largest)
  --hosts a:2,b:2   over several hosts, as in launch/lockstep-run
  --cuda | --cpu    which build (default: CUDA if there is an NVIDIA GPU)
  --program PATH    another lockstep; installs and builds nothing
  --no-install      use what is installed

Exit code 0: all points were measured; 1: some failed, see the report; 75: stopped by a signal.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=mpi.sh
source "$root/launch/mpi.sh"
# shellcheck source-path=SCRIPTDIR source=sweep.sh
source "$root/launch/sweep.sh"

ranks='' weak=64 strong=64 hidden=() threads='' predict='' hosts='' device=auto program_path='' synthetic=no
while (($#)); do
  case $1 in
    --ranks | --weak | --strong | --hidden | --threads | --repeats | --steps | --output | \
      --predict | --hosts | --program)
      [[ -n ${2-} ]] || fail "$1: a value is missing: see --help" 2
      case $1 in
        --hidden) check_list "$1" "$2" && hidden+=("$2") ;;
        --repeats) sweep_repeats=$2 ;;
        --steps) sweep_steps=$2 ;;
        --output) sweep_folder=$2 ;;
        --program) program_path=$2 ;;
        *) declare "${1#--}=$2" ;;
      esac
      shift
      ;;
    --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" && continue ;;
    --synthetic) synthetic=yes ;;
    --cuda | --cpu) device=${1#--} ;;
    --no-install) may_install=no ;;
    -h | --help) usage && exit ;;
    --) sweep_options=("${@:2}") && break ;;
    *) fail "unknown option $1: see --help; options of 'bench step' go behind --" 2 ;;
  esac
  shift
done
for name in threads sweep_repeats sweep_steps; do
  [[ -z ${!name} ]] || is_whole_number_from_1 "${!name}" || fail "--${name#sweep_} ${!name}: must be a whole number from 1" 2
done
[[ $weak == none ]] || { check_list --weak "$weak" && sweep_weak=("${list[@]}"); }
[[ $strong == none ]] || { check_list --strong "$strong" && sweep_strong=("${list[@]}"); }
((${#sweep_weak[@]} + ${#sweep_strong[@]})) || fail "--weak none --strong none leaves nothing to measure" 2
[[ -z $predict ]] || check_list --predict "$predict"
((${#hidden[@]} == 0)) || sweep_hidden=("${hidden[@]}")

gpus=$(count_gpus) cores=$(count_cores) preset=release
if [[ $device == cuda || ($device == auto && $gpus -gt 0) ]]; then
  ((gpus)) || fail "--cuda: no NVIDIA GPU to be seen on this machine (nvidia-smi lists none): use --cpu" 2
  preset=cuda
fi
if [[ -n $ranks ]]; then
  check_list --ranks "$ranks"
  mapfile -t sweep_ranks < <(printf '%s\n' 1 "${list[@]}" | sort -nu) # efficiency is relative to one rank
else
  most=$cores
  [[ $preset == release ]] || most=$gpus
  ranks_up_to "$most"
fi
most=${sweep_ranks[-1]}
sweep_threads=${threads:-$((cores > most ? cores / most : 1))}
if [[ $preset == cuda ]]; then
  sweep_alone=no # ranks run alone only on CPUs
else
  sweep_cores=$cores
fi

lockstep=$program_path
if [[ -z $lockstep ]]; then
  data=()
  [[ $synthetic == yes ]] || mapfile -t data < <(wanted_data_package)
  prepare "$preset" gnuplot-nox "${data[@]}"
  build "$preset" lockstep_launcher
  lockstep=$root/build/$preset/bin/lockstep
fi
[[ -x $lockstep ]] || fail "--program $lockstep: no program there" 2
if [[ $synthetic == no ]]; then
  data_dir=$(find_data)
  if [[ -n $data_dir ]]; then
    sweep_options+=(--synthetic off --data-dir "$data_dir")
  else
    say "FashionMNIST is not here: made-up images of the same shapes"
  fi
fi

run_point() { # RANKS ARGUMENT...
  local ranks=$1
  shift
  if [[ -n $hosts ]]; then
    run_launcher "$root/launch/lockstep-run" --program "$lockstep" -np "$ranks" --hosts "$hosts" "$@"
  else
    mpi_arguments "$ranks"
    run_mpi "${mpi_arguments[@]}" "$lockstep" "$@"
  fi
}

[[ -n $sweep_folder ]] || sweep_folder=scaling/$(date -u +%Y%m%dT%H%M%SZ)
say "ranks ${sweep_ranks[*]}, $sweep_threads threads each, into $sweep_folder"
status=0
catch_signals
sweep || status=$?
if [[ -n $stopping ]]; then
  say "stopped: to go on, start this again with --output $sweep_folder"
  exit "$exit_preempted"
fi
"$lockstep" report ${predict:+--predict-ranks "$predict"} "$sweep_folder" || status=$?
exit "$status"
