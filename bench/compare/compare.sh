#!/usr/bin/env bash
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare/compare.sh [--rounds N] [--help]

Lockstep beside PyTorch on the same work, all of them in turn, N rounds (default 5): the tutorial's network on
FashionMNIST, batch 64, SGD. An epoch's time is training alone, the last of 3 (dataloader: of 1). Prints each
round's seconds, every contender's median and the ratios of medians. PyTorch comes from build/venv:
  python3 -m venv build/venv && build/venv/bin/pip install torch numpy
TEXT
}

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/lib.sh"

rounds=5
take_numbers rounds "$@"
[[ -x $venv/torchrun ]] || fail "no PyTorch in build/venv: see --help"
prepare_comparison

# lockstep_epoch NAME COMMAND...: the seconds of the last epoch, and of the whole command.
lockstep_epoch() {
  local name=$1 run=run-$SECONDS-$RANDOM begin end
  shift
  begin=$(date +%s.%N)
  "$@" train --epochs 3 --output-dir "$run" >/dev/null 2>log || fail "lockstep failed: $(tail -n 1 log)"
  end=$(date +%s.%N)
  epoch_seconds "$run" 3 >>"$name"
  awk -v a="$begin" -v b="$end" 'BEGIN {print b - a}' >>"$name-command"
}

pytorch_epoch() { # NAME EPOCHS COMMAND...
  local name=$1 epochs=$2 begin end
  shift 2
  begin=$(date +%s.%N)
  "$@" "$epochs" 2>log | awk -v last="$epochs" '$1 == "epoch" && $2 == last {print $3}' >>"$name"
  end=$(date +%s.%N)
  awk -v a="$begin" -v b="$end" 'BEGIN {print b - a}' >>"$name-command"
}

for ((round = 1; round <= rounds; ++round)); do
  lockstep_epoch 2-ranks mpirun -np 2 "$lockstep"
  pytorch_epoch ddp-gloo-2-ranks 3 "$venv/torchrun" --nproc-per-node 2 "$peers/pytorch_ddp.py"
  lockstep_epoch 1-rank-all-cores "$lockstep"
  pytorch_epoch pytorch-resident 3 "$venv/python" "$peers/pytorch_single.py" resident
  LOCKSTEP_GLOBAL_BATCH_SIZE=64 lockstep_epoch 2-ranks-of-32 mpirun -np 2 "$lockstep"
  pytorch_epoch pytorch-dataloader 1 "$venv/python" "$peers/pytorch_single.py" dataloader
  lockstep_epoch 4-ranks mpirun --oversubscribe -np 4 "$lockstep"
  say "round $round of $rounds done"
done

contenders=(2-ranks ddp-gloo-2-ranks 1-rank-all-cores pytorch-resident 2-ranks-of-32 pytorch-dataloader 4-ranks)
printf '%-22s %10s   %s\n' 'seconds an epoch' median rounds
for name in "${contenders[@]}" 2-ranks-command ddp-gloo-2-ranks-command; do
  [[ $(wc -l <"$name") == "$rounds" ]] || fail "$name: a round gave no figure: $(tail -n 1 log)"
  printf '%-22s %10.3f   %s\n' "$name" "$(median "$name")" "$(tr '\n' ' ' <"$name")"
done
ratio() { # TEXT A B: B's time in A's
  printf '%-66s %6.2f\n' "$1" "$(awk -v a="$(median "$2")" -v b="$(median "$3")" 'BEGIN {print b / a}')"
}
printf '\ntimes as fast\n'
ratio '2 ranks, against PyTorch DDP + gloo' 2-ranks ddp-gloo-2-ranks
ratio '2 ranks, whole command of 3 epochs, against torchrun' 2-ranks-command ddp-gloo-2-ranks-command
ratio '1 process, all cores, against PyTorch with resident tensors' 1-rank-all-cores pytorch-resident
ratio '1 process, all cores, against the tutorial with DataLoader' 1-rank-all-cores pytorch-dataloader
ratio '2 ranks, global batch 64, against PyTorch with resident tensors' 2-ranks-of-32 pytorch-resident
ratio '4 ranks on these cores, against 2 ranks' 4-ranks 2-ranks
