#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/cluster/hosts.sh COMMAND

Several "hosts" on one machine: network namespaces with a host name, an address and an Ethernet link each, joined by a
switch in a namespace of its own. Nothing is added to the machine's own network. Needs root, iproute2 and util-linux.
TEST_HOSTS_NAME (default: lh) begins the names, so that two sets can exist at a time.

  up N              makes hosts lh1 … lhN (10.78.0.1 … N)
  run HOST CMD...   runs CMD on HOST
  mpirun HOSTS MPIRUN ARG...
                    runs MPIRUN on the first of HOSTS ("lh1:2,lh2:1"), with ranks on all of them
  cut HOST          takes HOST's link away; join HOST gives it back
  rate HOST RATE    limits HOST's link to RATE each way ("100mbit"), by a token bucket of 64 kB
  sent HOST         bytes that HOST has sent over its link
  down              removes all of them, and ends what still runs there
TEXT
}

name=${TEST_HOSTS_NAME:-lh}
switch=${name}sw network=10.78.0 state=/run/lockstep-hosts.$name

all_hosts() { ip netns list | awk -v name="$name" '$1 ~ "^" name "[0-9]+$" { print $1 }'; }

up() {
  local count=$1 i host
  mkdir -p -- "$state"
  {
    echo "127.0.0.1 localhost"
    for ((i = 1; i <= count; i++)); do echo "$network.$i $name$i"; done
  } >"$state/hosts"
  ip netns add "$switch"
  ip -n "$switch" link add bridge type bridge
  ip -n "$switch" link set bridge up
  for ((i = 1; i <= count; i++)); do
    host=$name$i
    ip netns add "$host"
    ip -n "$switch" link add "port$i" type veth peer name eth0 netns "$host"
    ip -n "$switch" link set "port$i" master bridge up
    ip -n "$host" addr add "$network.$i/24" dev eth0
    ip -n "$host" link set lo up
    ip -n "$host" link set eth0 up
  done
}

limit() { # NAMESPACE DEVICE RATE
  tc -n "$1" qdisc replace dev "$2" root tbf rate "$3" burst 64kb latency 50ms
}

# Host name and /etc/hosts are the command's own.
run() {
  local host=$1
  shift
  # shellcheck disable=SC2016 # expands in the inner shell
  exec nsenter --net="/run/netns/$host" unshare --uts --mount --propagation private \
    sh -c 'hostname "$1" && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"' sh "$host" "$state/hosts" "$@"
}

mpirun_over() {
  local hosts=$1 mpirun=$2
  shift 2
  run "${hosts%%:*}" "$mpirun" --oversubscribe --mca plm_rsh_agent "$(dirname -- "$(readlink -f -- "$0")")/hosts_rsh" \
    --host "$hosts" --mca btl tcp,vader,self --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 "$@"
}

down() {
  local host
  for host in $(all_hosts); do
    ip netns pids "$host" | xargs -r kill -KILL 2>/dev/null || :
    ip netns del "$host"
  done
  ip netns del "$switch" 2>/dev/null || :
  rm -rf -- "$state"
}

case ${1-} in
  up) up "$2" ;;
  run) run "${@:2}" ;;
  mpirun) mpirun_over "${@:2}" ;;
  cut) ip -n "$switch" link set "port${2#"$name"}" down ;;
  join) ip -n "$switch" link set "port${2#"$name"}" up ;;
  rate) limit "$2" eth0 "$3" && limit "$switch" "port${2#"$name"}" "$3" ;;
  sent) ip netns exec "$2" cat /sys/class/net/eth0/statistics/tx_bytes ;;
  down) down ;;
  --help) usage ;;
  *) usage >&2 && exit 2 ;;
esac
