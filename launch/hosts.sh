# shellcheck shell=bash disable=SC2154 # variables of lockstep-run
# The hosts of a job that lockstep-run starts, from --hosts, --hostfile or Slurm. Sourced by lockstep-run; uses its
# variables hosts, hostfile, np and lockstep.

readonly longest_answer=20 longest_look_up=5 # seconds

# Without these, the job runs on this machine alone.
has_hosts() { [[ -n $hosts$hostfile${SLURM_JOB_ID:-} ]]; }

list_hosts() { # "NAME SLOTS" lines, as far as they are known
  if [[ -n $hosts ]]; then
    tr ',' '\n' <<<"$hosts" | sed 's/^[^:]*$/&:1/; s/:/ /'
  elif [[ -n $hostfile ]]; then
    sed -nE 's/#.*//; s/^\s*(\S+).*\sslots\s*=\s*([0-9]+).*/\1 \2/p' -- "$hostfile"
  elif ! has_hosts; then
    printf 'localhost %d\n' "$np"
  fi
}

ranks_here() { # mpirun fills the hosts in order
  local name room left=${np:-99999} here=0
  while read -r name room; do
    ((room <= left)) || room=$left
    left=$((left - room))
    ! is_this_host "$name" || here=$((here + room))
  done < <(list_hosts)
  printf '%d\n' "$here"
}

# is_this_host NAME: by its name, however spelled, or because it resolves to one of this machine's addresses.
is_this_host() {
  local LC_ALL=C own name=${1#*@} address own_addresses
  own=$(uname -n)
  own=${own,,} name=${name,,}
  ! is_loopback "$name" && [[ $name != "$own" && $name != "${own%%.*}" && $name != "${own%%.*}".* ]] || return 0
  own_addresses=$(hostname -I 2>/dev/null || ip -o address | sed -nE 's|.* inet6? ([^ /]+).*|\1|p') || :
  while read -r address _; do
    ! is_loopback "$address" && [[ " ${own_addresses//$'\n'/ } " != *" $address "* ]] || return 0
  done < <(timeout "$longest_look_up" getent ahosts "$name" 2>/dev/null)
  return 1
}

is_loopback() { # NAME or address, in lower case
  [[ $1 == @(localhost|*.localhost|localhost.*|localhost[46]|localhost[46].*|ip6-localhost|ip6-loopback|127.*|::1) ]]
}

# name_this_host: in hosts, replaces names of this machine that mpirun would reach by ssh with localhost, unless another
# user is named.
name_this_host() {
  local LC_ALL=C entry entries=() name me
  me=$(id -un)
  IFS=, read -ra entries <<<"$hosts"
  hosts=''
  for entry in "${entries[@]}"; do
    name=${entry%:*}
    if is_loopback "${name,,}" || { [[ $name == "$me@"* ]] && is_this_host "$name"; }; then
      entry=localhost${entry#"$name"}
    fi
    hosts+=${hosts:+,}$entry
  done
}

# Asks each other host for the program before mpirun does, whose messages about a failure fill a page. Not under Slurm,
# which starts the ranks itself.
check_hosts() {
  local agent folder name room names=() asked=() i status trouble
  [[ -n $hosts$hostfile && -z ${SLURM_JOB_ID:-} ]] || return 0
  IFS=' :' read -ra agent <<<"${OMPI_MCA_plm_rsh_agent:-ssh}"
  agent=("${agent[0]}")
  [[ ${agent[0]} != ssh ]] || agent+=(-o BatchMode=yes -o ConnectTimeout=10)
  folder=$(mktemp -d)
  while read -r name room; do
    names+=("$name")
    {
      is_this_host "$name" ||
        timeout "$longest_answer" "${agent[@]}" "$name" "test -x $(printf %q "$lockstep")" </dev/null >/dev/null
    } 2>"$folder/${#asked[@]}" &
    asked+=($!)
  done < <(list_hosts | LC_ALL=C sort -u -k 1,1)
  trouble=''
  for ((i = 0; i < ${#asked[@]}; i++)); do
    status=0
    wait "${asked[i]}" || status=$?
    case $status in
      0) ;;
      1) trouble=${trouble:-"${names[i]} has no program $lockstep: it must lie under the same path on all hosts"} ;;
      124) trouble=${trouble:-"${names[i]} does not answer within $longest_answer s: see whether '${agent[0]} ${names[i]} true' works"} ;;
      *) trouble=${trouble:-"${names[i]} cannot be reached: $(tail -n 1 "$folder/$i" | tr -d '\r'): see whether '${agent[0]} ${names[i]} true' works"} ;;
    esac
  done
  rm -rf -- "$folder"
  [[ -z $trouble ]] || fail "host $trouble"
}
