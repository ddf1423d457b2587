# shellcheck shell=bash
# A sweep over numbers of ranks: which points to measure, in what order, and what to do with those that fail. Source
# lib.sh first. The caller sets the variables below and defines run_point RANKS ARGUMENT...: `lockstep ARGUMENT...` on
# that many ranks.

sweep_folder='' sweep_ranks=() sweep_weak=() sweep_strong=() sweep_hidden=('512,512')
sweep_repeats=5 sweep_steps=300 sweep_threads=1 sweep_cores=1 sweep_alone=yes sweep_options=()
list=() # of check_list
declare -A sweep_points=() # by name: "RANKS REPEATS ARGUMENT...", none of which has a space; sweep_options may

check_list() { # OPTION TEXT: sets list from whole numbers separated by commas
  local number
  IFS=, read -ra list <<<"$2"
  ((${#list[@]})) || fail "$1: a list of numbers is missing: give for example $1 1,2,4" 2
  for number in "${list[@]}"; do
    is_whole_number_from_1 "$number" || fail "$1 $2: must be whole numbers from 1, with commas between them" 2
  done
}

ranks_up_to() { # MOST: sets sweep_ranks to 1, 2, 4 … MOST
  local n
  sweep_ranks=()
  for ((n = 1; n < $1; n *= 2)); do sweep_ranks+=("$n"); done
  sweep_ranks+=("$1")
}

add_point() { # NAME RANKS REPEATS ARGUMENT...: of two with the same name, keeps the one with more repeats
  local name=$1 ranks=$2 repeats=$3 known=(0 0)
  shift 3
  [[ -z ${sweep_points[$name]:-} ]] || read -ra known <<<"${sweep_points[$name]}"
  ((known[1] >= repeats)) || sweep_points[$name]="$ranks $repeats $*"
}

add_step() { # KIND RANKS REPEATS THREADS GLOBAL_BATCH HIDDEN ARGUMENT...
  add_point "$1-np$2-g$5-h${6//,/x}-t$4" "$2" "$3" bench step --steps "$sweep_steps" --threads "$4" \
    --global-batch-size "$5" --hidden "$6" "${@:7}"
}

add_comparisons() { # RANKS BATCH_A_RANK GLOBAL_BATCH HIDDEN: to show where the time goes, and whether losses are right
  local ranks=$1 batch=$2 global=$3 hidden=$4
  add_step together 1 "$sweep_repeats" "$sweep_threads" "$batch" "$hidden"
  add_step together 1 1 "$sweep_threads" "$global" "$hidden"
  ((sweep_cores <= sweep_threads)) || add_step together 1 "$sweep_repeats" "$sweep_cores" "$global" "$hidden"
  if ((ranks > 1)) && [[ $sweep_alone == yes ]]; then
    add_step alone "$ranks" "$sweep_repeats" "$sweep_threads" "$batch" "$hidden" --independent on
  fi
}

plan_points() {
  local ranks batch hidden
  sweep_points=()
  for hidden in "${sweep_hidden[@]}"; do
    for ranks in "${sweep_ranks[@]}"; do
      for batch in "${sweep_weak[@]}"; do
        add_step together "$ranks" "$sweep_repeats" "$sweep_threads" $((batch * ranks)) "$hidden"
        add_comparisons "$ranks" "$batch" $((batch * ranks)) "$hidden"
      done
      for batch in "${sweep_strong[@]}"; do
        if ((batch % ranks)); then
          warn "a global batch of $batch cannot be shared by $ranks ranks: left out"
          continue
        fi
        add_step together "$ranks" "$sweep_repeats" "$sweep_threads" "$batch" "$hidden"
        add_comparisons "$ranks" $((batch / ranks)) "$batch" "$hidden"
      done
    done
  done
  for ranks in "${sweep_ranks[@]}"; do
    ((ranks == 1)) || add_point "allreduce-np$ranks" "$ranks" 3 bench allreduce
  done
}

write_plan() {
  local IFS=,
  printf '{"schema": 1, "weak_batch_sizes": [%s], "strong_global_batch_sizes": [%s]}\n' \
    "${sweep_weak[*]}" "${sweep_strong[*]}" >"$sweep_folder/sweep.json"
}

is_measured() { [[ -s $1 ]] && ! grep -q '"failed": *{' "$1"; } # FILE

json_string() { # TEXT
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}

value_of() { # OPTION ARGUMENT...: the argument after OPTION
  local option=$1
  shift
  while (($# > 1)); do
    [[ $1 != "$option" ]] || { printf '%s' "$2" && return; }
    shift
  done
}

write_failure() { # FILE RANKS EXIT_CODE LOG ARGUMENT...
  local file=$1 ranks=$2 status=$3 log=$4 error global
  shift 4
  # mpirun reports a rank that was ended by a signal between lines of dashes.
  error=$(grep -m 1 -E 'error: |on signal [0-9]+' -- "$log" || grep -v '^-*$' -- "$log" | tail -n 1) || :
  global=$(value_of --global-batch-size "$@")
  printf '{"schema": 1, "failed": {"what": %s, "ranks": %d, "global_batch_size": %d, "hidden": %s, "exit_code": %d, "error": %s}}\n' \
    "$(json_string "$2")" "$ranks" "${global:-0}" "$(json_string "$(value_of --hidden "$@")")" "$status" \
    "$(json_string "$error")" >"$file"
}

# sweep: measures every point that is still missing, in shuffled order, so that a machine that warms up or a neighbour
# that comes and goes affects all points equally. Returns 1 if a point failed; stops when `stopping` is set.
sweep() {
  local name repeat list=() file done=0 failed=0 point=() options=() status
  { mkdir -p -- "$sweep_folder" && : >>"$sweep_folder/sweep.json"; } 2>/dev/null ||
    fail "cannot write into the folder $sweep_folder: give another, or make room there"
  plan_points
  write_plan
  for name in "${!sweep_points[@]}"; do
    read -ra point <<<"${sweep_points[$name]}"
    for ((repeat = 1; repeat <= point[1]; repeat++)); do
      is_measured "$sweep_folder/$name-$repeat.json" || list+=("$name-$repeat")
    done
  done
  ((${#list[@]} == 0)) || mapfile -t list < <(printf '%s\n' "${list[@]}" | shuf)
  for name in "${list[@]}"; do
    [[ -z ${stopping:-} ]] || return 1
    file=$sweep_folder/$name.json
    read -ra point <<<"${sweep_points[${name%-*}]}"
    say "$((++done)) of ${#list[@]}: $name"
    rm -f -- "$file"
    options=()
    [[ ${point[3]} != step ]] || options=("${sweep_options[@]}")
    status=0
    run_point "${point[0]}" "${point[@]:2}" "${options[@]}" --json "$file" >"$sweep_folder/$name.log" 2>&1 || status=$?
    if ((status == 0)) && [[ -s $file ]]; then
      rm -f -- "$sweep_folder/$name.log"
    elif [[ -z ${stopping:-} ]]; then
      failed=1
      write_failure "$file" "${point[0]}" "$status" "$sweep_folder/$name.log" "${point[@]:2}"
      say "error: $name failed with exit code $status, and the others go on: see $sweep_folder/$name.log"
    fi
  done
  return "$failed"
}
