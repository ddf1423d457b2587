#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: launch/fetch-data.sh [--url BASE] [DIR]
       launch/fetch-data.sh --check DIR

Finds FashionMNIST, or downloads it, and checks its digests. Prints the folder that holds it.

Without DIR it takes the first complete copy in $LOCKSTEP_DATA_DIR, the project's data/FashionMNIST/raw, or the
folder of Debian's package dataset-fashion-mnist; otherwise it downloads to data/FashionMNIST/raw. With DIR, only
that folder is used. Files that are already there and correct are not downloaded again.

  --url BASE   download from BASE/train-images-idx3-ubyte.gz and so on (http, https, or file)
  --check DIR  check the files in DIR and download nothing
  --help       this text

Exit codes: 0 done, 1 download failed, 2 usage, 3 data missing or damaged.
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

# SHA-256 of the contents, not of the .gz: the same data circulates in several compressions. These are the
# published files: their deflate streams with the original headers have the MD5 sums of the data set's README.
declare -A digests=(
  [train-images-idx3-ubyte]=c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
  [train-labels-idx1-ubyte]=bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
  [t10k-images-idx3-ubyte]=5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
  [t10k-labels-idx1-ubyte]=0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34
)

# check_file FILE NAME: prints what is wrong with FILE, which should hold NAME (plain, or FILE ends in gz).
check_file() {
  local digest read=(cat)
  [[ $1 != *.gz* ]] || read=(gzip -dc)
  if [[ ! -r $1 ]]; then
    printf '%s cannot be read' "$1"
  elif ! digest=$("${read[@]}" <"$1" 2>/dev/null | sha256sum); then
    printf '%s is damaged (no complete gzip file)' "$1"
  elif [[ ${digest%% *} != "${digests[$2]}" ]]; then
    printf '%s is damaged (its contents have the wrong SHA-256)' "$1"
  fi
}

# check_name DIR NAME: prints what is wrong with DIR's copies of NAME; nothing if there is at least one and all
# are correct.
check_name() {
  local file trouble found=0
  while IFS= read -r file; do
    found=1
    trouble=$(check_file "$file" "$2")
    [[ -z $trouble ]] || { printf '%s' "$trouble" && return; }
  done < <(data_files "$1" "$2")
  ((found)) || printf '%s is missing (so is %s.gz)' "$1/$2" "$2"
}

check_dir() { # DIR: prints the first thing that is wrong
  local name trouble
  for name in "${data_names[@]}"; do
    trouble=$(check_name "$1" "$name")
    [[ -z $trouble ]] || { printf '%s' "$trouble" && return; }
  done
}

download() { # URL FILE: prints the reason if it fails
  if command -v curl >/dev/null; then
    curl -sS --fail --location --connect-timeout 20 --speed-limit 1000 --speed-time 30 --max-time 1800 \
      --retry 3 --retry-delay 2 --retry-connrefused --output "$2" --url "$1" 2>&1 | tail -n 1
  elif command -v wget >/dev/null; then
    timeout 1800 wget -nv --timeout=30 --tries=4 --waitretry=2 --retry-connrefused -O "$2" -- "$1" 2>&1 |
      tail -n 1
  else
    printf 'neither curl nor wget is installed'
    return 1
  fi
}

fetch() { # DIR NAME
  local url=$base_url/$2.gz trouble
  part=$1/.$2.gz.part.$$ # a global, for the trap
  say "downloading $url"
  trouble=$(download "$url" "$part") ||
    fail "cannot download $url: ${trouble:-no reason given}: see to the network, name another source with --url, or put the four files into $1 yourself"
  trouble=$(check_file "$part" "$2")
  [[ -z $trouble ]] ||
    fail "what $url gives is not FashionMNIST's $2.gz, or was damaged on the way: try again, or name another source with --url" 3
  # A damaged plain copy would hide the good one.
  [[ ! -f $1/$2 ]] || mv -f -- "$1/$2" "$1/$2.damaged"
  mv -f -- "$part" "$1/$2.gz"
}

found() { # DIR
  say "FashionMNIST is complete in $1 (digests checked)"
  printf '%s\n' "$1"
  exit 0
}

base_url=http://fashion-mnist.s3-website.eu-central-1.amazonaws.com dir='' check=no
while (($#)); do
  case $1 in
    --url) base_url=${2-} && shift ;;
    --url=*) base_url=${1#*=} ;;
    --check) check=yes ;;
    -h | --help) usage && exit ;;
    -*) fail "unknown option $1: see --help" 2 ;;
    '') fail "the name of the folder is empty: see --help" 2 ;;
    *)
      [[ -z $dir ]] || fail "more than one folder given ($dir, $1): see --help" 2
      dir=$1
      ;;
  esac
  shift || break
done
base_url=${base_url%/}
base_url=${base_url// /%20}
[[ $base_url == *://* ]] || fail "--url '$base_url' is no URL: give one such as https://host/folder or file:///folder" 2

if [[ $check == yes ]]; then
  [[ -n $dir ]] || fail "--check needs the folder to check: see --help" 2
  trouble=$(check_dir "$dir")
  [[ -z $trouble ]] || fail "$trouble: run launch/fetch-data.sh '$dir' to get it again" 3
  found "$dir"
fi

if [[ -z $dir ]]; then
  for dir in "${LOCKSTEP_DATA_DIR:-}" "$project_data_dir" "$package_data_dir"; do
    if [[ -n $dir ]] && has_data "$dir"; then
      trouble=$(check_dir "$dir")
      [[ -n $trouble ]] || found "$dir"
      warn "$trouble"
    fi
  done
  dir=$project_data_dir
fi
if ! mkdir -p -- "$dir" 2>/dev/null || [[ ! -w $dir ]]; then
  fail "cannot write to the folder $dir: name another one"
fi
part=''
trap '[[ -z $part ]] || rm -f -- "$part"' EXIT
for name in "${data_names[@]}"; do
  [[ -z $(check_name "$dir" "$name") ]] || fetch "$dir" "$name"
done
found "$dir"
