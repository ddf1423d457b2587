# shellcheck shell=bash
# Functions that the scripts in launch/, tests/tools/ and .ci/ share. Sourcing it changes nothing.
#
# Messages go to standard error: standard output belongs to what the script runs.

root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd -P)
program=$(basename -- "$(readlink -f -- "$0")" .sh) # the prefix of messages
may_install=yes # no: use what is installed

# shellcheck disable=SC2034 # for the scripts that source this
{
  build_packages=(g++ cmake ninja-build ccache libopenmpi-dev openmpi-bin libboost-program-options-dev
    zlib1g-dev libdeflate-dev libxxhash-dev libprotozero-dev libpng-dev libjpeg-dev
    nlohmann-json3-dev libspdlog-dev libfmt-dev libssl-dev)
  torch_packages=(libtorch-dev libopenblas0-openmp) # all presets but cuda, which takes LibTorch 2.x
  test_packages=(libgtest-dev libgmock-dev libbenchmark-dev valgrind gnuplot-nox tmux zsh groff-base
    python3-venv python3-torch python3-pandas "chromium?")
  data_package=dataset-fashion-mnist
  package_data_dir=/usr/share/datasets/fashion-mnist
  project_data_dir=$root/data/FashionMNIST/raw
  data_names=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)
}

# A message that cannot be written, as on a full disk, is no reason to stop.
say() { printf '%s: %s\n' "$program" "$1" >&2 2>/dev/null || :; }
warn() { say "warning: $1"; }
fail() { # MESSAGE [EXIT_CODE]
  say "error: $1"
  exit "${2:-1}"
}

# matches TEXT PATTERN: in the C locale, since in others a range such as a-z contains other letters.
matches() {
  local LC_ALL=C
  [[ $1 =~ $2 ]]
}

# variable_of OPTION: its name in the environment. In the C locale, since a Turkish i has a different capital.
variable_of() {
  local LC_ALL=C name=${1//-/_}
  printf 'LOCKSTEP_%s' "${name^^}"
}

# step TEXT LOG COMMAND...: one line that says what happens and how long it took. COMMAND's output goes to
# LOG; its end is shown only when COMMAND fails.
step() {
  local text=$1 log=$2 start=$SECONDS status=0
  shift 2
  if ! { mkdir -p -- "$(dirname -- "$log")" && : >"$log"; } 2>/dev/null; then
    fail "cannot write $log: the build writes into the project's folder; make it writable, or clone it elsewhere"
  fi
  printf '%s: %s ... ' "$program" "$text" >&2
  "$@" >"$log" 2>&1 || status=$?
  if ((status == 0)); then
    printf '%d s\n' $((SECONDS - start)) >&2
  else
    printf 'failed\n' >&2
    tail -n 40 -- "$log" >&2
  fi
  return "$status"
}

# --- Packages ----------------------------------------------------------------------------------------------

as_root() { if ((EUID == 0)); then "$@"; else sudo -- "$@"; fi; }

need_root() { # PACKAGE...
  local remedy="as root, run 'apt-get update && apt-get install --no-install-recommends $*', then start this again"
  ((EUID == 0)) && return
  command -v sudo >/dev/null || fail "installing packages needs root, and there is no sudo here: $remedy"
  sudo true || fail "installing packages needs root, and sudo refused: $remedy"
}

# No pipes into `grep -q`: under pipefail, its early exit sometimes makes them fail.
have_package() { [[ $(dpkg-query -W -f '${db:Status-Status}' -- "$1" 2>/dev/null) == installed* ]]; } # once per architecture
have_candidate() { # apt-cache takes an unknown name as a pattern, and answers for other packages
  [[ $(LC_ALL=C apt-cache policy -- "$1" 2>/dev/null) == "$1:"$'\n'*$'\n  Candidate: '[^\(]* ]]
}

# install_packages NAME...: installs what is missing; if nothing is, changes nothing. "NAME?" is skipped
# if it is not available.
install_packages() {
  [[ $may_install == yes ]] || return 0
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "no apt-get here, and only Debian's packages can be installed by this script: install g++ 12, CMake 3.25 and Ninja (or newer), Open MPI 4.1, LibTorch 1.13 or 2.x, Boost.Program_options, zlib, libdeflate, xxHash, protozero, libpng, libjpeg-turbo, OpenSSL, nlohmann-json, spdlog and fmt (for the tests also GoogleTest), then start this again with --no-install; or use a Debian 12 container"
  fi
  local name log=$root/build/install.log trouble missing=() wanted=() absent=()
  for name; do
    have_package "${name%\?}" || missing+=("$name")
  done
  ((${#missing[@]})) || return 0

  need_root "${missing[@]%\?}"
  step "refreshing the package lists" "$log" as_root env LC_ALL=C apt-get update ||
    warn "apt-get update failed: going on with the package lists that are here"
  trouble=$(grep -m1 '^[EW]: ' -- "$log") || trouble="their lists could be read"
  for name in "${missing[@]}"; do
    if have_candidate "${name%\?}"; then
      wanted+=("${name%\?}")
    elif [[ $name != *\? ]]; then
      absent+=("$name")
    fi
  done
  if ((${#absent[@]})); then
    fail "cannot install ${absent[*]}: this system's package sources offer no such package ($trouble): Debian 12 has it in 'main'; see to the network and to /etc/apt/sources.list*, then start this again"
  fi
  ((${#wanted[@]})) || return 0
  step "installing ${wanted[*]}" "$log" as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 -- "${wanted[@]}" </dev/null ||
    fail "cannot install ${wanted[*]}: $(apt_reasons "$log"): put that right, then start this again (whole log: $log)"
}

apt_reasons() { # LOG
  local reasons
  reasons=$(grep -E '^E: |(Depends|Conflicts|Breaks): ' -- "$1" | head -n 4 | sed 's/^ *//; s/[.:]*$//' |
    paste -sd '|' | sed 's/|/; /g') || :
  printf '%s' "${reasons:-apt-get failed as shown above}"
}

# LibTorch runs on OpenMP; beneath it, OpenBLAS's own threads would cost several times the arithmetic.
warn_about_blas() {
  local link name remedy=''
  for link in /usr/lib/*/libblas.so.3 /usr/lib/*/liblapack.so.3 /usr/lib/*/libopenblas.so.0; do
    [[ $(readlink -f -- "$link") == */openblas-pthread/* ]] || continue
    name=${link##*/}
    remedy+="${remedy:+ && }sudo update-alternatives --set $name-$(basename -- "${link%/*}") ${link%/*}/openblas-openmp/$name"
  done
  [[ -z $remedy ]] || warn "OpenBLAS's pthread build is in use, which makes training several times slower: run '$remedy'"
}

# --- Data --------------------------------------------------------------------------------------------------

data_files() { # DIR NAME: prints the files that may hold NAME, first the one that lockstep uses
  local dotted=${2/-idx/.idx} file
  for file in "$1/$2" "$1/$2.gz" "$1/$dotted" "$1/$dotted.gz" "$1/$2/$2" "$1/$2/$2.gz" "$1/$dotted/$dotted"; do
    [[ ! -f $file ]] || printf '%s\n' "$file"
  done
}

has_data() { # DIR: true if the four files are there, plain or gzip
  local name
  for name in "${data_names[@]}"; do
    [[ -n $(data_files "$1" "$name") ]] || return
  done
}

# The package to ask for, if any: "NAME?", because FashionMNIST can also be downloaded.
wanted_data_package() { [[ -n $(find_data) ]] || printf '%s?\n' "$data_package"; }

find_data() { # prints the folder that has it, if there is one
  local dir
  for dir in "${LOCKSTEP_DATA_DIR:-}" "$package_data_dir" "$project_data_dir"; do
    ! has_data "$dir" || { printf '%s\n' "$dir" && return; }
  done
}

# Makes sure that lockstep finds FashionMNIST from any folder.
provide_data() {
  ! has_data "${LOCKSTEP_DATA_DIR:-}" && ! has_data "$package_data_dir" || return 0
  command -v curl >/dev/null || command -v wget >/dev/null || install_packages curl
  LOCKSTEP_DATA_DIR=$("$root/launch/fetch-data.sh") || exit
  export LOCKSTEP_DATA_DIR
}

# --- Build -------------------------------------------------------------------------------------------------

# prepare PRESET [PACKAGE...]: installs everything that building PRESET needs, and the PACKAGEs.
prepare() {
  local preset=$1
  shift
  if [[ $preset == cuda ]]; then
    has_cuda_toolkit ||
      fail "the CUDA build needs the CUDA toolkit, and nvcc is neither on PATH nor in /usr/local/cuda/bin: install NVIDIA's package cuda-toolkit, or build without CUDA (quickstart: --cpu)"
    install_packages "${build_packages[@]}" "$@"
    provide_cuda_torch
  else
    install_packages "${build_packages[@]}" "${torch_packages[@]}" "$@"
    warn_about_blas
  fi
}

# build PRESET [TARGET...]: without targets, everything, tests included.
build() {
  local log=$root/build/$1.log
  step "building build/$1" "$log" configure_and_compile "$@" ||
    fail "the build of preset $1 failed: the reason is above (whole log: $log)"
}

configure_and_compile() ( # a subshell, so that the caller's folder stays the same
  local preset=$1 cache=$root/build/$1/CMakeCache.txt setting fresh=() wanted=() settings=()
  shift
  cd -- "$root" || exit
  # Ninja itself calls cmake when a CMake file has changed. It cannot see that the project's folder was moved
  # or copied, and would build the old one.
  if [[ ! -e build/$preset/build.ninja ]] || ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
    fresh=(--fresh)
  fi
  if (($# == 0)); then
    wanted+=(LOCKSTEP_BUILD_TESTS=ON)
  elif ((${#fresh[@]})); then
    wanted+=(LOCKSTEP_BUILD_TESTS=OFF) # needs packages that a first run does without
  fi
  if ((${#fresh[@]})); then
    wanted+=(CMAKE_UNITY_BUILD=ON) # joined sources compile in half the time
  fi
  if [[ ${CI:-} == true ]]; then
    wanted+=(LOCKSTEP_WARNINGS_AS_ERRORS=ON)
  fi
  for setting in "${wanted[@]}"; do
    if ((${#fresh[@]})) || ! grep -q "^${setting/=/:[A-Z]*=}\$" "$cache"; then
      settings+=("-D$setting")
    fi
  done
  if ((${#fresh[@]} + ${#settings[@]})); then
    cmake --preset "$preset" "${fresh[@]}" "${settings[@]}" || exit
  fi
  cmake --build --preset "$preset" ${1+--target "$@"}
)

has_cuda_toolkit() {
  command -v nvcc >/dev/null && return
  [[ -x /usr/local/cuda/bin/nvcc ]] && export PATH=$PATH:/usr/local/cuda/bin
}

# A LibTorch 2.x with CUDA: the caller's, else pip's in build/venv, where the cuda preset looks for it.
provide_cuda_torch() {
  local venv=$root/build/venv log=$root/build/venv.log version
  local complete=$venv/.torch-complete # pip leaves half a package behind when it is interrupted
  [[ -z ${CMAKE_PREFIX_PATH:-} && ! -e $complete ]] || return 0
  [[ $may_install == yes ]] ||
    fail "the CUDA build needs a LibTorch 2.x with CUDA: set CMAKE_PREFIX_PATH to one, or leave out --no-install"
  python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
  step "making build/venv" "$log" python3 -m venv "$venv" ||
    fail "cannot make a Python environment: the reason is above (whole log: $log); set CMAKE_PREFIX_PATH to a LibTorch 2.x with CUDA instead, or use --cpu"
  step "installing pip's torch in build/venv, a download of 5 GB" "$log" \
    "$venv/bin/python" -m pip install --disable-pip-version-check torch ||
    fail "cannot install pip's torch: the reason is above (whole log: $log); set CMAKE_PREFIX_PATH to a LibTorch 2.x with CUDA instead, or use --cpu"
  version=$("$venv/bin/python" -c 'import torch; print(torch.version.cuda or "")' 2>>"$log") ||
    fail "the torch in build/venv cannot be loaded: see the end of $log, remove build/venv and start this again"
  [[ -n $version ]] ||
    fail "pip's torch for this system comes without CUDA: set CMAKE_PREFIX_PATH to a LibTorch 2.x with CUDA, or use --cpu"
  : >"$complete"
}

# Other tools with which the interoperability tests compare Lockstep's files. Without them, those tests are skipped.
provide_test_tools() {
  local venv=$root/build/test-venv log=$root/build/test-venv.log
  [[ $may_install == yes && ! -e $venv/.complete ]] || return 0
  if step "making build/test-venv" "$log" /usr/bin/python3 -m venv --clear --system-site-packages "$venv" &&
    step "installing pip's tensorboard and safetensors in build/test-venv" "$log" \
      "$venv/bin/python" -m pip install --disable-pip-version-check tensorboard safetensors; then
    : >"$venv/.complete"
  else
    warn "no tensorboard and safetensors for Python: the tests that need them will be skipped (see $log)"
  fi
}

# --- MPI ---------------------------------------------------------------------------------------------------

# Physical cores that this process may use: the most ranks that Open MPI starts without --oversubscribe.
count_cores() {
  local allowed cores
  allowed=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
  cores=$(lscpu --parse=CPU,CORE,SOCKET 2>/dev/null | awk -F, -v allowed="$allowed" '
    BEGIN {
      parts = split(allowed, part, ",")
      for (i = 1; i <= parts; i++) {
        ends = split(part[i], range, "-")
        for (cpu = range[1]; cpu <= range[ends]; cpu++) usable[cpu + 0] = 1
      }
    }
    /^[0-9]/ && ($1 + 0) in usable && !seen[$2 "," $3]++ { cores++ }
    END { print cores + 0 }') || cores=0
  ((cores)) || cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc) # which nproc would obey
  printf '%d\n' "$cores"
}

default_ranks() { # without GPUs
  local cores
  cores=$(count_cores)
  printf '%d\n' $((cores < 4 ? cores : 4))
}

count_gpus() { # that a program may use
  local gpus=0 visible
  if command -v nvidia-smi >/dev/null; then
    gpus=$(timeout 30 nvidia-smi -L 2>/dev/null | grep -c '^GPU ') || :
  fi
  ((gpus)) || gpus=$(find /dev -maxdepth 1 -name 'nvidia[0-9]*' | wc -l)
  if [[ -v CUDA_VISIBLE_DEVICES ]]; then
    IFS=, read -ra visible <<<"${CUDA_VISIBLE_DEVICES/#-1*/}"
    ((${#visible[@]} >= gpus)) || gpus=${#visible[@]}
  fi
  printf '%d\n' "$gpus"
}

is_whole_number_from_1() { matches "$1" '^[1-9][0-9]{0,4}$'; } # and small enough for ranks and threads

# Open MPI runs as root only if told twice.
allow_mpi_as_root() {
  if ((EUID == 0)); then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}

# mpi_arguments NP: sets the array mpi_arguments to what mpirun needs for NP ranks on this machine.
mpi_arguments() {
  allow_mpi_as_root
  mpi_arguments=(-np "$1")
  if (($1 > $(count_cores))); then
    mpi_arguments+=(--oversubscribe)
  fi
}
