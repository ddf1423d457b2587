#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: launch/quickstart.sh [--np N] [--cuda | --cpu] [--no-install] [--help] [train options...]

Installs what is missing, builds Lockstep and trains on FashionMNIST with mpirun. When run again, it
installs nothing and starts training within seconds.

  --np N        number of ranks (default: one per GPU with CUDA, else one per core, at most 4)
  --cuda        CUDA build (default if there is an NVIDIA GPU). Needs the CUDA toolkit, and a LibTorch 2.x
                with CUDA: the one that CMAKE_PREFIX_PATH names, else pip's in build/venv (a download of 5 GB)
  --cpu         CPU build
  --no-install  use what is installed, install nothing (for systems without apt-get, or without root)
  --help        this text; 'build/release/bin/lockstep train --help' lists the train options

Everything else goes to `lockstep train` unchanged and in order, including everything after `--`. A first run takes
--epochs 5 unless --epochs, --max-steps or --config (or their environment variables) say how long to train.
Standard output and the exit code are train's.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=mpi.sh
source "$root/launch/mpi.sh"

np='' device=auto train=()
while (($#)); do
  case $1 in
    --np | -np) np=${2:-none} && shift ;;
    --np=*) np=${1#*=} np=${np:-none} ;;
    --cuda | --cpu) device=${1#--} ;;
    --no-install) may_install=no ;;
    -h | --help) usage && exit ;;
    --) train+=("${@:2}") && break ;;
    *) train+=("$1") ;;
  esac
  shift || break
done

given() { # NAME...: true if train gets one of these options, on the command line or from the environment
  local name variable word
  for name; do
    variable=$(variable_of "$name")
    [[ ! -v $variable ]] || return 0
    for word in "${train[@]}"; do
      [[ $word != "--$name" && $word != "--$name="* ]] || return 0
    done
  done
  return 1
}

if [[ -n $np ]] && ! is_whole_number_from_1 "$np"; then
  fail "--np $np: the number of ranks must be a whole number from 1: give for example --np 4" 2
fi
gpus=$(count_gpus)
if [[ $device == cuda && $gpus == 0 ]]; then
  fail "--cuda: no NVIDIA GPU to be seen on this machine (nvidia-smi lists none): install its driver, or use --cpu" 2
fi
if [[ $device == auto ]]; then
  device=cpu
  if ((gpus)); then
    device=cuda
    say "found $gpus NVIDIA GPU(s): building for CUDA (--cpu builds without)"
  fi
fi

data=()
if ! given data-dir synthetic && ! has_data data/FashionMNIST/raw; then
  mapfile -t data < <(wanted_data_package)
fi
preset=release
if [[ $device == cuda ]]; then
  preset=cuda np=${np:-$gpus}
fi
prepare "$preset" "${data[@]}"
given data-dir synthetic || has_data data/FashionMNIST/raw || provide_data
build "$preset" lockstep_launcher

[[ -n $np ]] || np=$(default_ranks)
given epochs max-steps config || train=(--epochs 5 "${train[@]}")
mpi_arguments "$np"
status=0
catch_signals
run_mpi "${mpi_arguments[@]}" "$root/build/$preset/bin/lockstep" train "${train[@]}" || status=$?
((status == 0 || status == exit_preempted)) ||
  say "error: train ended with exit code $status: the reason is above"
exit "$status"
