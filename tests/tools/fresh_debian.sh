#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/tools/fresh_debian.sh [options] COMMAND [ARGUMENT...]

Runs COMMAND in a throw-away bare Debian 12 root and removes the root afterwards. Exit code: COMMAND's; 70 if
the root cannot be made. Needs root and the package debootstrap.

  -s DIR  source folder (default: .), /src and the working directory inside. COMMAND may write there; DIR itself
          is never changed
  -g      /src holds only what git has committed in DIR, as a new clone would
  -u      run COMMAND as an ordinary user "dev" with sudo (default: root, as in a container)
  -c      share the downloaded packages between runs (not for two runs at once)
  -h, --help  this text

Environment: FRESH_CACHE (default /var/tmp/fresh_debian) keeps the bare root as a tar file; FRESH_TMP (default
/tmp) holds the throw-away one; FRESH_MIRROR (default: the mirror that this machine's apt uses).
TEXT
}

fail() {
  printf 'fresh_debian: error: %s\n' "$1" >&2
  exit "${2:-70}"
}

[[ ${1-} != --help ]] || { usage && exit; }
source_dir=. committed=0 as_user=0 share=0
while getopts s:guch option; do
  case $option in
    s) source_dir=$OPTARG ;;
    g) committed=1 ;;
    u) as_user=1 ;;
    c) share=1 ;;
    h) usage && exit ;;
    *) usage >&2 && exit 64 ;;
  esac
done
shift $((OPTIND - 1))
(($#)) || fail "no command given: see -h" 64
((EUID == 0)) || fail "mounting and chroot need root: run it as root"
source_dir=$(CDPATH='' cd -- "$source_dir" && pwd -P)
cache=${FRESH_CACHE:-/var/tmp/fresh_debian} tmp=${FRESH_TMP:-/tmp}
mkdir -p -- "$cache"
base=$cache/debian12.tar

# As the official image: no packages or lists kept, updates and security on, no services started.
build_base() {
  local work mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg suites
  # shellcheck disable=SC2016 # apt's own placeholder
  mirror=${FRESH_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' |
    sort -u | head -n 1)}
  [[ -n $mirror ]] || fail "this machine's apt knows no mirror of Debian 12: name one in FRESH_MIRROR"
  command -v debootstrap >/dev/null || [[ -x /usr/sbin/debootstrap ]] ||
    fail "debootstrap is not installed: run 'apt-get install debootstrap'"
  work=$(mktemp -d -- "$tmp/fresh_base.XXXXXX")
  chmod 755 -- "$work"
  if ! PATH=$PATH:/usr/sbin:/sbin debootstrap --variant=minbase --keyring="$keyring" bookworm "$work/root" \
    "$mirror" >"$cache/debootstrap.log" 2>&1; then
    tail -n 5 -- "$cache/debootstrap.log" >&2
    rm -rf --one-file-system -- "$work"
    fail "debootstrap failed: the reason is above (whole log: $cache/debootstrap.log)"
  fi
  rm -rf -- "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/* \
    "$work/root/etc/apt/sources.list" "$work"/root/etc/{resolv.conf,hostname}
  for suites in "$mirror bookworm bookworm-updates" "$mirror-security bookworm-security"; do
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' \
      "${suites%% *}" "${suites#* }" "$keyring"
  done >"$work/root/etc/apt/sources.list.d/debian.sources"
  printf '#!/bin/sh\nexit 101\n' >"$work/root/usr/sbin/policy-rc.d"
  chmod 755 -- "$work/root/usr/sbin/policy-rc.d"
  tar -C "$work/root" --numeric-owner -cf "$base.$$" .
  mv -- "$base.$$" "$base"
  rm -rf --one-file-system -- "$work"
}
[[ -s $base ]] || build_base

work=$(mktemp -d -- "$tmp/fresh.XXXXXX")
chmod 755 -- "$work"
child=''
# shellcheck disable=SC2317 # the trap calls it
clean_up() { # mounts live in the child's private namespace and die with it
  if [[ -n $child ]]; then
    kill -KILL "$child" 2>/dev/null || :
    wait "$child" 2>/dev/null || :
  fi
  rm -rf --one-file-system -- "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

root=$work/root
mkdir -- "$root" "$work/upper" "$work/work" "$work/committed"
tar -C "$root" --numeric-owner -xpf "$base"
mkdir -p -- "$root/src"
cp -L -- /etc/resolv.conf /etc/hosts "$root/etc/"
echo fresh >"$root/etc/hostname"
echo "127.0.1.1 fresh" >>"$root/etc/hosts"
for file in /etc/apt/apt.conf.d/*proxy*; do
  [[ ! -e $file ]] || cp -- "$file" "$root/etc/apt/apt.conf.d/"
done
lower=$source_dir
if ((committed)); then
  lower=$work/committed
  git -C "$source_dir" archive --format=tar HEAD | tar -C "$lower" -xf -
fi
environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  [[ -z ${!name:-} ]] || environment+=("$name=${!name}")
done

export ROOT=$root LOWER=$lower UPPER=$work/upper WORK=$work/work CACHE=$cache SHARE=$share AS_USER=$as_user
# shellcheck disable=SC2016 # expands inside
unshare --mount --pid --uts --ipc --fork --kill-child --propagation private bash -euc '
  hostname fresh
  mount --bind "$ROOT" "$ROOT"
  mount -t proc proc "$ROOT/proc"
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$ROOT/sys"
  mount -t tmpfs -o mode=755,nosuid tmpfs "$ROOT/dev"
  for device in null zero full random urandom tty; do
    : >"$ROOT/dev/$device"
    mount --bind "/dev/$device" "$ROOT/dev/$device"
  done
  mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$ROOT/dev/pts"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$ROOT/dev/shm"
  ln -s pts/ptmx "$ROOT/dev/ptmx"
  ln -s /proc/self/fd "$ROOT/dev/fd"
  ln -s /proc/self/fd/0 "$ROOT/dev/stdin"
  ln -s /proc/self/fd/1 "$ROOT/dev/stdout"
  ln -s /proc/self/fd/2 "$ROOT/dev/stderr"
  # Not every kernel, file system or path allows an overlay.
  mount -t overlay -o "lowerdir=$LOWER,upperdir=$UPPER,workdir=$WORK" overlay "$ROOT/src" 2>/dev/null ||
    cp -a "$LOWER/." "$ROOT/src/"
  if [ "$SHARE" = 1 ]; then
    mkdir -p "$CACHE/packages/partial"
    mount --bind "$CACHE/packages" "$ROOT/var/cache/apt/archives"
  fi
  environment=()
  while [ "$1" != -- ]; do
    environment+=("$1")
    shift
  done
  shift
  cd "$ROOT"
  switch=()
  if [ "$AS_USER" = 1 ]; then
    chroot "$ROOT" env -i "${environment[@]}" DEBIAN_FRONTEND=noninteractive sh -ec "
      (apt-get update && apt-get install -y --no-install-recommends sudo) >/var/log/fresh-sudo.log 2>&1
      useradd -m -s /bin/bash dev
      echo \"dev ALL=(ALL) NOPASSWD: ALL\" >/etc/sudoers.d/dev
      chown -R dev: /src
      rm -rf /var/lib/apt/lists/*"
    switch=(setpriv --reuid=dev --regid=dev --init-groups env HOME=/home/dev USER=dev LOGNAME=dev)
  fi
  status=0 # no exec: this bash stays as process 1 and reaps orphans
  chroot "$ROOT" env -i "${environment[@]}" "${switch[@]}" sh -c "cd /src && exec \"\$@\"" sh "$@" || status=$?
  exit "$status"
' fresh "${environment[@]}" -- "$@" </dev/null &
child=$!
status=0
wait "$child" || status=$?
child=''
exit "$status"
